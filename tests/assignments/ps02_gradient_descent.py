"""Gradient descent, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps02_gradient_descent", given={"growth": "growth = 10.0"})

_SGD = """@optedu.implement("sgd")
def sgd(xp, x, g, state, t, *, lr=1e-3):
"""
VALUES_OF_SGD = "sgd_step sgd_rate"
ALL_OF_SGD = f"{VALUES_OF_SGD} sgd_arrays sgd_inputs"
_DESCEND = "def descend(grad, x0, lr, steps):\n"

BENCH.right(
    "lists_and_copies",
    sgd=_SGD
    + """    step = g * lr
    new = xp.asarray(x, copy=True)
    new -= step
    return new, state
""",
    descend=_DESCEND
    + """    x = x0.copy()
    points = [x.copy()]
    for _ in range(steps):
        x -= lr * grad(x)
        points.append(x.copy())
    return np.array(points)
""",
    model_minimizer='model_minimizer = "x0 - g*lr/(1 + h*lr)"',
    closed_form="closed_form = (x0 + e / h) * sp.exp(t * sp.log(1 - lr * h)) - e / h",
    best="""kappa = L / mu
best_lr = 2 / L / (1 + 1 / kappa)
best_factor = (kappa - 1) / (kappa + 1)
""",
)

BENCH.right(
    "stacked",
    sgd=_SGD + "    return x + (-lr) * g, None\n",
    descend=_DESCEND
    + """    rows = [x0]
    while len(rows) <= steps:
        rows.append(rows[-1] - lr * grad(rows[-1]))
    return np.stack(rows)
""",
    closed_form="""i = sp.Symbol("i")
closed_form = (1 - lr * h) ** t * x0 - lr * e * sp.Sum((1 - lr * h) ** i, (i, 0, t - 1))
""",
    order=BENCH.order("slope", "smooth", "rate", "insert", "subtract", "chain"),
    break_a="bowl_a = np.array([0.9, 0.8, 1.0])",
    steps_needed="""def steps_needed(L, mu, lr, tolerance=1e-6):
    factor = max(abs(1 - lr * mu), abs(1 - lr * L))
    if factor >= 1:
        return None
    x, t = 1.0, 0
    while x > tolerance:
        x *= factor
        t += 1
    return t
""",
    read_off="largest_stable = rates[4]\nzigzag = [r for r in rates if r > 1]",
)

BENCH.right(
    "runs_on_minimize",
    descend=_DESCEND
    + """    points = [x0]
    for t in range(1, steps + 1):
        x, _ = sgd(np, points[-1], grad(points[-1]), {}, t, lr=lr)
        points.append(x)
    return np.array(points)
""",
    growth="growth = 10",
    order=BENCH.order("smooth", "slope", "rate", "insert", "subtract", "chain").lower(),
    break_b="bowl_b = 0.0018",
)

BENCH.wrong(
    "sgd_wrong_sign",
    VALUES_OF_SGD,
    "the wrong sign",
    {"sgd": _SGD + "    return x + lr * g, {}\n"},
)

BENCH.wrong(
    "sgd_lr_hard_coded",
    "sgd_rate",
    "uses lr = 0.001 whatever it is given",
    {"sgd": _SGD + "    return x - 1e-3 * g, {}\n"},
)

BENCH.wrong(
    "sgd_in_place",
    "sgd_inputs",
    "changes an array in place that belongs to the caller",
    {"sgd": _SGD + "    x -= lr * g\n    return x, {}\n"},
)

BENCH.wrong(
    "sgd_float64_leaks",
    "sgd_arrays",
    "has dtype float64 although x and g came in as float32",
    {"sgd": _SGD + "    return x - np.float64(lr) * g, {}\n"},
)

BENCH.wrong(
    "sgd_returns_the_step",
    VALUES_OF_SGD,
    "you return the step alone",
    {"sgd": _SGD + "    return lr * g, {}\n"},
)

BENCH.wrong(
    "sgd_forgets_the_state",
    ALL_OF_SGD,
    "a pair is needed",
    {"sgd": _SGD + "    return x - lr * g\n"},
)

BENCH.wrong(
    "descend_one_row_short",
    "descend_form descend_values",
    "not (6, 2)",
    BENCH.edit(
        "descend",
        ("(steps + 1, *x0.shape)", "(max(steps, 1), *x0.shape)"),
        ("range(1, steps + 1)", "range(1, steps)"),
    )
    | {},
)

BENCH.wrong(
    "descend_without_x0",
    "descend_form descend_values",
    "3 steps from 8 give 4 points, and x0 = 8 is the first; got [4. 2. 1.]",
    {
        "descend": _DESCEND
        + """    points = []
    for _ in range(steps):
        x0 = x0 - lr * grad(x0)
        points.append(x0)
    return np.array(points)
"""
    },
)

BENCH.wrong(
    "descend_keeps_one_array",
    "descend_form descend_values descend_x0",
    "it has to be x0",
    {
        "descend": _DESCEND
        + """    points = [x0]
    x = x0
    for _ in range(steps):
        x -= lr * grad(x)
        points.append(x)
    return np.array(points)
"""
    },
)

BENCH.wrong(
    "descend_gradient_at_the_start",
    "descend_values",
    "8, 4, 2, 1",
    BENCH.edit("descend", ("lr * grad(points[t - 1])", "lr * grad(x0)")),
)

BENCH.wrong(
    "descend_uphill",
    "descend_values",
    "8, 4, 2, 1",
    BENCH.edit("descend", ("points[t - 1] - lr", "points[t - 1] + lr")),
)

BENCH.wrong(
    "descend_twice_the_gradients",
    "descend_calls",
    "grad was called 14 times",
    BENCH.edit(
        "descend",
        ("points[t] = ", "if np.any(grad(points[t - 1])):\n            points[t] = "),
    ),
)

BENCH.wrong(
    "minimizer_wrong_sign",
    "model_minimizer",
    "expected",
    {"model_minimizer": "model_minimizer = x0 + g / (h + 1 / lr)"},
)

BENCH.wrong(
    "minimizer_of_the_line_alone",
    "model_minimizer",
    "expected",
    {"model_minimizer": "model_minimizer = x0 - lr * g"},
)

BENCH.wrong(
    "minimizer_of_the_parabola_alone",
    "model_minimizer",
    "expected",
    {"model_minimizer": "model_minimizer = x0 - g / h"},
)

BENCH.wrong(
    "minimizer_of_the_other_sign",
    "model_minimizer",
    "expected",
    {"model_minimizer": "model_minimizer = x0 - g / (1 / lr - h)"},
)

BENCH.wrong(
    "closed_form_power_inside",
    "closed_form",
    "expected",
    {"closed_form": "closed_form = (1 - (lr * h) ** t) * (x0 + e / h) - e / h"},
)

BENCH.wrong(
    "closed_form_from_the_start",
    "closed_form",
    "expected",
    {"closed_form": "closed_form = (1 - lr * h) ** t * x0 - e / h"},
)

BENCH.wrong(
    "closed_form_error_once",
    "closed_form",
    "expected",
    {"closed_form": "closed_form = (1 - lr * h) ** t * x0 - lr * e"},
)

BENCH.wrong(
    "closed_form_on_the_other_side",
    "closed_form",
    "expected",
    {"closed_form": "closed_form = (1 - lr * h) ** t * (x0 - e / h) + e / h"},
)

BENCH.wrong(
    "closed_form_without_t",
    "closed_form",
    "expected",
    {"closed_form": "closed_form = (1 - lr * h) * (x0 + e / h) - e / h"},
)

BENCH.wrong(
    "best_lr_is_2_over_L",
    "best_lr",
    "expected",
    BENCH.edit(
        "best",
        ("best_lr = sp.solve(sp.Eq(1 - lr * mu, lr * L - 1), lr)[0]", "best_lr = 2 / L"),
        ("sp.simplify(1 - best_lr * mu)", "(L - mu) / (L + mu)"),
    ),
)

BENCH.wrong(
    "best_lr_is_1_over_L",
    "best_lr",
    "expected",
    BENCH.edit(
        "best",
        ("best_lr = sp.solve(sp.Eq(1 - lr * mu, lr * L - 1), lr)[0]", "best_lr = 1 / L"),
        ("sp.simplify(1 - best_lr * mu)", "(L - mu) / (L + mu)"),
    ),
)

BENCH.wrong(
    "best_factor_of_1_over_L",
    "best_factor",
    "expected",
    BENCH.edit("best", ("sp.simplify(1 - best_lr * mu)", "1 - mu / L")),
)

BENCH.wrong(
    "best_lr_in_latex",
    "best_lr",
    "is LaTeX; write the formula as in Python",
    {"best": 'best_lr = r"\\frac{2}{L + \\mu}"\nbest_factor = (L - mu) / (L + mu)'},
)

BENCH.wrong(
    "best_factor_squared",
    "best_factor",
    "your answer 0.25 expected 0.5",
    BENCH.edit("best", ("sp.simplify(1 - best_lr * mu)", "((L - mu) / (L + mu)) ** 2")),
)

BENCH.wrong(
    "diverging_rate_called_stable",
    "largest_stable",
    "it diverges",
    BENCH.edit("read_off", ("largest_stable = 1.95", "largest_stable = 2.05")),
)

BENCH.wrong(
    "zigzag_only_where_it_diverges",
    "zigzag",
    "negative where lr > 1 / L",
    BENCH.edit("read_off", ("(1.1, 1.8, 1.95, 2.05)", "(2.05,)")),
)

BENCH.wrong(
    "counts_one_step_too_many",
    "steps_needed",
    "20 steps are needed, not 21",
    BENCH.edit("steps_needed", ("return t\n", "return t + 1\n")),
)

BENCH.wrong(
    "thinks_root_kappa",
    "growth",
    "expected 10",
    {"growth": "growth = np.sqrt(10)"},
)

BENCH.wrong(
    "bowl_that_is_round",
    "break_a",
    "for which curvature is 1.2 more than 2 / L",
    {"break_a": "bowl_a = (1.0, 0.0, 1.0)"},
)

BENCH.wrong(
    "bowl_that_is_a_saddle",
    "break_a",
    "that is not within 0.01 of the minimum",
    {"break_a": "bowl_a = (0.5, 1.0, 0.5)"},
)

BENCH.wrong(
    "bowl_a_too_steep",
    "break_a",
    "each lies between -1 and 1",
    {"break_a": "bowl_a = (2.0, 0.0, 1.0)"},
)

BENCH.wrong(
    "curvature_that_stops_it_at_once",
    "break_b",
    "program B stops after 0 steps",
    {"break_b": "bowl_b = 1e-4"},
)

BENCH.wrong(
    "curvature_of_a_usual_bowl",
    "break_b",
    "what does a short step say about the distance",
    {"break_b": "bowl_b = 1.0"},
)

BENCH.wrong(
    "order_with_a_convex_function",
    "order",
    "Nothing is said of convexity",
    {"order": BENCH.order("convex", "smooth", "rate", "slope", "insert", "subtract", "chain")},
)

BENCH.wrong(
    "order_puts_in_the_rate_first",
    "order",
    "The rate is put into a bound that is not there yet",
    {"order": BENCH.order("rate", "smooth", "slope", "insert", "subtract", "chain")},
)

BENCH.wrong(
    "order_without_the_assumption",
    "order",
    "A step is missing.",
    {"order": BENCH.order("smooth", "rate", "insert", "subtract", "chain")},
)
