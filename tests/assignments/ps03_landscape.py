"""The landscape, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps03_landscape")

_HESSIAN = "def hessian(grad, x, s=1e-4):\n"
_LEAVE = "def leave(grad, x0, lr, steps, radius, small, rng):\n"


def _wrong(name: str, loses: str, says: str, cell: str, *changes: tuple[str, str]) -> None:
    BENCH.wrong(name, loses, says, BENCH.edit(cell, *changes))


BENCH.right(
    "rows_and_numpy",
    hessian=_HESSIAN
    + """    n = len(x)
    H = np.empty((n, n))
    for j, e in enumerate(np.eye(n)):
        H[j] = (grad(x + s * e) - grad(x - s * e)) / 2 / s
    return 0.5 * H + 0.5 * H.T
""",
    ways_down="""def ways_down(H, c=1e-6):
    e = np.linalg.eigvalsh(H)
    scale = max(np.max(e), -np.min(e))
    return sum(1 for value in e if value < -c * scale)
""",
    steepest="""def steepest(H):
    e, vectors = np.linalg.eigh(H)
    k = int(np.argmin(e))
    if e[k] < 0:
        return -vectors[:, k]
""",
    smaller='smaller = "1 - c"',
    factor="""r = sp.Symbol("r")
roots = sp.solve(sp.Eq(r**2, r + momentum * (r - 1) + lr * h * r), r)
factor = max(roots, key=lambda one: float(one.subs({momentum: 0.5, lr: 0.1, h: 1})))
""",
    worth="worth = sigma * sp.sqrt(lr / (h * (2 + lr * h)))",
)

BENCH.right(
    "other_counterexamples",
    leave=_LEAVE
    + """    x = np.array(x0, dtype=float)
    for _ in range(steps):
        g = grad(x)
        if np.sqrt((g * g).sum()) < small:
            d = rng.standard_normal(x.shape)
            x = x + d * (radius / np.sqrt((d * d).sum()))
            g = grad(x)
        x = x - lr * g
    return x
""",
    counterexamples="""not_a_minimum = [[3, 5, 0], [5, 3, 0], [0, 0, 1]]
a_saddle = np.diag([2.0, 3.0, -4.0, -5.0])
""",
    decimal="""decimal = {}
for name in ("rmsprop", "adam", "sgd"):
    decimal[name] = (count(name, [45], 1e-8) - count(name, [45], 1e-2)) / 6
""",
    worth='worth = "lr * sigma / sqrt(2*lr*h + (lr*h)**2)"',
)

BENCH.right(
    "by_definition",
    hessian=_HESSIAN
    + """    H = xp.asarray(
        [
            (grad(x + s * e) - grad(x - s * e)) / (2 * s)
            for e in xp.eye(x.size, dtype=x.dtype)
        ]
    )
    return (H.T + H) / 2
""",
    ways_down="""def ways_down(H, c=1e-6):
    e = sorted(np.linalg.eigvalsh(H))
    limit = c * max(abs(e[0]), abs(e[-1]))
    return len([value for value in e if value < -limit])
""",
    smaller="""a = sp.Symbol("a")
smaller = sp.Matrix([[1, c], [c, 1]]).charpoly(a).as_expr().subs(a, 0) / (1 + c)
""",
    read_off="worst_angle = max(angles, key=lambda angle: count('adam', angle))\nunmoved = 'sgd'",
)

_wrong(
    "one_sided_differences",
    "hessian_values",
    "the Hessian of x^4 is",
    "hessian",
    ("(grad(x + along) - grad(x - along)) / (2 * s)", "(grad(x + along) - grad(x)) / s"),
)
_wrong(
    "half_the_distance_forgotten",
    "hessian_values hessian_care",
    "the Hessian of the pass is",
    "hessian",
    ("/ (2 * s)", "/ s"),
)
_wrong(
    "not_made_symmetric",
    "hessian_care",
    "return the mean of what you measure and its transpose",
    "hessian",
    ("return (H + H.T) / 2", "return H"),
)
_wrong(
    "a_sum_for_a_mean",
    "hessian_values hessian_care",
    "the Hessian of the pass is",
    "hessian",
    ("(H + H.T) / 2", "H + H.T"),
)
BENCH.wrong(
    "changes_x",
    "hessian_care",
    "x was changed in place, from [1.0, 2.0] to [1.000000001, 2.0000000010000005]",
    {
        "hessian": _HESSIAN
        + """    columns = []
    for j in range(x.shape[0]):
        x[j] += s
        ahead = grad(x)
        x[j] -= 2 * s
        columns.append((ahead - grad(x)) / (2 * s))
        x[j] += s
        x[j] += 1e-9
    H = xp.stack(columns, axis=1)
    return (H + H.T) / 2
"""
    },
)
_wrong(
    "hessian_not_returned",
    "hessian_values hessian_care",
    "hessian returned None: end it with return",
    "hessian",
    ("return (H + H.T) / 2", "(H + H.T) / 2"),
)
_wrong(
    "hessian_as_lists",
    "hessian_care",
    "hessian returned a list; return one array",
    "hessian",
    ("return (H + H.T) / 2", "return ((H + H.T) / 2).tolist()"),
)
_wrong(
    "hessian_with_its_columns",
    "hessian_values hessian_care",
    "hessian returned a tuple; return one array",
    "hessian",
    ("return (H + H.T) / 2", "return (H + H.T) / 2, columns"),
)
_wrong(
    "gradients_wasted",
    "hessian_care",
    "two calls of grad for each of 2 coordinates are enough",
    "hessian",
    ("        along = xp.zeros_like(x)", "        grad(x)\n        along = xp.zeros_like(x)"),
)
_wrong(
    "diagonal_alone",
    "hessian_values hessian_care",
    "the Hessian",
    "hessian",
    ("return (H + H.T) / 2", "return xp.diag(xp.diag(H))"),
)
_wrong(
    "signs_on_the_diagonal",
    "ways_down",
    "has 1 negative eigenvalues, but for rounding; you count 0",
    "ways_down",
    ("xp.linalg.eigvalsh(H)", "xp.diag(H)"),
)
_wrong(
    "rounding_counts",
    "ways_down",
    "has 1 negative eigenvalues, but for rounding; you count 2",
    "ways_down",
    ("e < -c * abs(e).max()", "e < -1e-300"),
)
_wrong(
    "absolute_tolerance",
    "ways_down",
    "has 2 negative eigenvalues, but for rounding; you count 0",
    "ways_down",
    ("-c * abs(e).max()", "-c"),
)
_wrong(
    "tolerance_without_abs",
    "ways_down",
    "-1e-09]] has 1 negative eigenvalues, but for rounding; you count 2",
    "ways_down",
    ("abs(e).max()", "e.max()"),
)
_wrong(
    "counts_the_ways_up",
    "ways_down",
    "negative eigenvalues, but for rounding; you count",
    "ways_down",
    ("e < -c", "e > c"),
)
_wrong(
    "largest_in_size",
    "steepest",
    "the ground bends down most along",
    "steepest",
    ("return vectors[:, 0] if e[0] < 0", "return vectors[:, abs(e).argmax()] if e[0] < 0"),
)
_wrong(
    "a_row_for_a_column",
    "steepest",
    "the ground bends down most along",
    "steepest",
    ("vectors[:, 0]", "vectors[0]"),
)
_wrong(
    "value_and_direction",
    "steepest",
    "steepest returned a tuple; return one direction",
    "steepest",
    ("return vectors[:, 0] if", "return (e[0], vectors[:, 0]) if"),
)
_wrong(
    "never_none",
    "steepest",
    "the bowl bends down nowhere: return None",
    "steepest",
    (" if e[0] < 0 else None", ""),
)
_wrong(
    "flat_counts_as_down",
    "steepest",
    "no direction bends down: None",
    "steepest",
    ("e[0] < 0", "e[0] <= 0"),
)
_wrong(
    "never_pushes",
    "leave_saddle leave_elsewhere",
    "from the stable line your point should come to",
    "leave",
    ("xp.linalg.norm(g) < small", "False"),
)
_wrong(
    "always_pushes",
    "leave_elsewhere",
    "where the gradient is above small",
    "leave",
    ("xp.linalg.norm(g) < small", "True"),
)
_wrong(
    "pushes_to_one_side",
    "leave_saddle",
    "12 runs should not all fall to one side",
    "leave",
    ("rng.standard_normal(x.shape)", "abs(rng.standard_normal(x.shape))"),
)
_wrong(
    "length_left_to_chance",
    "leave_elsewhere",
    "one push has the length radius = 0.25",
    "leave",
    ("radius * push / xp.linalg.norm(push)", "radius * push"),
)
_wrong(
    "looks_at_the_point",
    "leave_elsewhere",
    "your point is not pushed",
    "leave",
    ("norm(g) < small", "norm(x) < small"),
)
_wrong(
    "one_small_coordinate_is_enough",
    "leave_elsewhere",
    "longer than small = 0.1: no push",
    "leave",
    ("xp.linalg.norm(g) < small", "(abs(g) < small).any()"),
)
_wrong(
    "square_of_the_length",
    "leave_elsewhere",
    "longer than small = 0.1: no push",
    "leave",
    ("xp.linalg.norm(g) < small", "xp.dot(g, g) < small"),
)
_wrong(
    "gradient_from_before_the_push",
    "leave_elsewhere",
    "with the gradient at the new place",
    "leave",
    ("            g = grad(x)\n", ""),
)
_wrong(
    "leave_not_returned",
    "leave_saddle leave_elsewhere",
    "leave returned None: end it with return",
    "leave",
    ("    return x\n", ""),
)
_wrong(
    "all_points_of_the_way",
    "leave_saddle leave_elsewhere",
    "leave returns the last point, of the shape (2,); yours has (",
    "leave",
    ("x = x0.copy()", "x = x0.copy()\n    points = [x]"),
    ("x = x - lr * g", "x = x - lr * g\n        points.append(x)"),
    ("return x\n", "return xp.stack(points)\n"),
)
_wrong(
    "climbs",
    "leave_saddle leave_elsewhere",
    "ten steps end at",
    "leave",
    ("x = x - lr * g", "x = x + lr * g"),
)
_wrong(
    "moves_the_callers_start",
    "leave_elsewhere",
    "copy it first",
    "leave",
    ("x = x0.copy()", "x = x0"),
    ("x = x - lr * g", "x -= lr * g"),
)
BENCH.wrong("larger_eigenvalue", "smaller", "expected", {"smaller": "smaller = 1 + c"})
BENCH.wrong("determinant_for_eigenvalue", "smaller", "expected", {"smaller": "smaller = 1 - c**2"})
_wrong(
    "smaller_root",
    "factor",
    "expected",
    "factor",
    ("middle + sp.sqrt", "middle - sp.sqrt"),
)
BENCH.wrong(
    "terminal_speed",
    "factor",
    "expected",
    {"factor": "factor = 1 + lr * h / (1 - momentum)"},
)
BENCH.wrong(
    "worth_squared",
    "worth",
    "expected",
    {"worth": "worth = lr**2 * sigma**2 / ((1 + lr * h) ** 2 - 1)"},
)
BENCH.wrong(
    "worth_for_small_rates_only",
    "worth",
    "expected",
    {"worth": "worth = sigma * sp.sqrt(lr / (2 * h))"},
)
_wrong(
    "thinks_adam_does_not_mind",
    "unmoved",
    "it treats each coordinate by itself",
    "read_off",
    ('"sgd"', '"adam"'),
)
_wrong(
    "thinks_the_axes_are_worst",
    "worst_angle",
    "fewer steps than at another",
    "read_off",
    ("worst_angle = 45", "worst_angle = 0"),
)
_wrong(
    "decimals_along_the_axes",
    "decimal",
    "more steps for each decimal; got",
    "decimal",
    (
        "count(name, 45, 1e-9) - count(name, 45, 1e-3)",
        "count(name, 0, 1e-9) - count(name, 0, 1e-3)",
    ),
)
_wrong(
    "not_divided_by_the_decimals",
    "decimal",
    "multiplies the distance by 1.1 a step; got 145",
    "decimal",
    (") / 6", ")"),
)
_wrong(
    "all_four_angles",
    "decimal",
    "one number each is asked for; decimal['sgd'] is array(",
    "decimal",
    (
        "count(name, 45, 1e-9) - count(name, 45, 1e-3)",
        "count(name, angles, 1e-9) - count(name, angles, 1e-3)",
    ),
)
_wrong(
    "a_true_minimum",
    "not_a_minimum",
    "here by_diagonal is right",
    "counterexamples",
    ("[[1.0, 2.0], [2.0, 1.0]]", "[[2.0, 1.0], [1.0, 2.0]]"),
)
_wrong(
    "not_symmetric",
    "not_a_minimum",
    "is symmetric, as every Hessian",
    "counterexamples",
    ("[[1.0, 2.0], [2.0, 1.0]]", "[[1.0, 5.0], [2.0, 1.0]]"),
)
_wrong(
    "a_maximum_for_a_saddle",
    "a_saddle",
    "not of both signs",
    "counterexamples",
    ("[1.0, -1.0, -1.0]", "[-1.0, -2.0]"),
)
_wrong(
    "a_saddle_that_the_rule_finds",
    "a_saddle",
    "by_determinant says 'saddle' here, and is right",
    "counterexamples",
    ("[1.0, -1.0, -1.0]", "[1.0, -1.0]"),
)
_wrong(
    "nothing_at_all",
    "not_a_minimum",
    "is a square array, not empty; yours has the shape (0, 0)",
    "counterexamples",
    ("np.array([[1.0, 2.0], [2.0, 1.0]])", "np.zeros((0, 0))"),
)
_wrong(
    "bends_down_too_little",
    "not_a_minimum",
    "or nearly so",
    "counterexamples",
    ("[[1.0, 2.0], [2.0, 1.0]]", "[[1.0, 1.01], [1.01, 1.0]]"),
)
BENCH.wrong("no_such_block", "order", "the blocks are A, B, C", {"order": 'order = "BDZ"'})
BENCH.wrong("only_what_does_not_belong", "order", "does not belong", {"order": 'order = "EG"'})
