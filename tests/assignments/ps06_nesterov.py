"""Nesterov's method, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps06_nesterov")

_NAG = """@optedu.implement("nesterov")
def nesterov(xp, x, g, state, t, *, lr=1e-3, momentum=0.9):
"""
STEP = "nesterov_step nesterov_any"
_STEADY = "def steady(grad, x0, L, mu, steps):\n"
_COUNT = "def count(kappa):\n"


BENCH.right(
    "through_the_ball",
    nesterov=_NAG
    + """    y = x + lr * momentum * state["b"]
    b = state["b"] * momentum + g
    y = y - lr * b
    return y - lr * momentum * b, {"b": b}
""",
    steady=_STEADY
    + """    kappa = L / mu
    y, v = x0.copy(), 0 * x0
    rho = (kappa**0.5 - 1) / (kappa**0.5 + 1)
    rows = [x0.copy()]
    for _ in range(steps):
        look = y + rho * v
        v = rho * v - grad(look) / L
        y = y + v
        rows.append(y)
    return xp.asarray(rows)
""",
    determinant='determinant = "rho - c*rho*lr*h"',
    ceiling="ceiling = (2 + 2 * rho) / (1 + 2 * rho * c)",
    weight="weight = rho * rho**k",
    needed="needed = sp.sqrt(2 * L * D**2 / eps) - 1",
    order=BENCH.order("promise", "bends", "insert", "half", "repeat"),
)
BENCH.right(
    "filled_in",
    nesterov=_NAG
    + """    b = g + momentum * state["b"]
    return x - lr * (1 + momentum) * g - lr * momentum**2 * state["b"], {"b": b}
""",
    steady=_STEADY
    + """    rho = 2 / (1 + (mu / L) ** 0.5) - 1
    out = xp.empty((steps + 1, *x0.shape))
    out[0] = x0
    x = x0
    for k in range(steps):
        out[k + 1] = x - grad(x) / L
        x = (1 + rho) * out[k + 1] - rho * out[k]
    return out
""",
    weight="weight = sp.exp((k + 1) * sp.log(rho))",
    read_off="lost = {3.7, 2.0, 1.5}\nfastest = 1.2",
    count=_COUNT
    + """    mu = 1 / kappa
    points = steady(lambda x: x * np.array([mu, 1.0]), np.ones(2), 1.0, mu, 40_000)
    return int(np.argmax(np.all(np.abs(points) <= 1e-4, axis=1)))
""",
    farther="farther = [0.1] * 3 + [0.01] * 4",
    shorter="shorter = (0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.1)",
    order=BENCH.order("bends", "promise", "insert", "half", "repeat")
    + "\norder = ', '.join(order.lower())",
)
BENCH.right(
    "solved",
    ceiling="""u = sp.Symbol("u", positive=True)
trace, det = 1 + rho - u * (1 + c * rho), rho * (1 - u * c)
ceiling = sp.solve(1 + trace + det, u)[0]
""",
    needed="""t = sp.Symbol("t", positive=True)
needed = [s for s in sp.solve(sp.Eq(2 * L * D**2, eps * (t + 1) ** 2), t)][0]
""",
    growth="growth = 10",
    farther="farther = [0.1, 0.1, 0.1, 0.1] + [0.01] * 6",
)

BENCH.wrong(
    "heavy_ball",
    STEP,
    "update b first",
    {
        "nesterov": _NAG
        + """    b = momentum * state["b"] + g
    return x - lr * b, {"b": b}
"""
    },
)
BENCH.wrong(
    "no_new_gradient",
    STEP,
    "x is wrong after 1 step",
    {
        "nesterov": _NAG
        + """    b = momentum * state["b"] + g
    return x - lr * momentum * b, {"b": b}
"""
    },
)
BENCH.wrong(
    "moving_average",
    "nesterov_sum " + STEP,
    "your buffer b is a moving average",
    {
        "nesterov": _NAG
        + """    b = momentum * state["b"] + (1 - momentum) * g
    return x - lr * (g + momentum * b), {"b": b}
"""
    },
)
BENCH.wrong(
    "uphill",
    STEP,
    "your step has the wrong sign",
    BENCH.edit("nesterov", ("x - lr * (g", "x + lr * (g")),
)
BENCH.wrong(
    "rate_hard_coded",
    "nesterov_any",
    "whatever it is given",
    BENCH.edit("nesterov", ("x - lr * (g", "x - 1e-3 * (g")),
)
BENCH.wrong(
    "sum_in_place",
    "nesterov_any",
    "changes an array in place that belongs to the caller",
    {
        "nesterov": _NAG
        + """    b = state["b"]
    b *= momentum
    b += g
    return x - lr * (g + momentum * b), {"b": b}
"""
    },
)
BENCH.wrong(
    "keeps_the_velocity",
    "nesterov_sum " + STEP,
    "lacks b; it has v",
    {
        "nesterov": _NAG
        + """    v = momentum * state.get("v", 0 * g) - lr * g
    return x + momentum * v - lr * g, {"v": v}
"""
    },
)
BENCH.wrong(
    "steady_without_the_start",
    "steady_form steady_values",
    "not (6, 2)",
    BENCH.edit("steady", ("points = [y]", "points = []"), ("xp.stack", "xp.asarray")),
)
BENCH.wrong(
    "steady_moves_the_start",
    "steady_form steady_values",
    "x0 belongs to the caller and became",
    {
        "steady": _STEADY
        + """    q = (mu / L) ** 0.5
    rho = (1 - q) / (1 + q)
    x, y, points = x0.copy(), x0, [x0]
    for _ in range(steps):
        new = x - grad(x) / L
        x = new + rho * (new - y)
        y = new
        points.append(y)
    x0 += 1
    return xp.stack(points)
"""
    },
)
BENCH.wrong(
    "steady_gradient_descent",
    "steady_values",
    "is plain gradient descent",
    BENCH.edit("steady", ("x = new + rho * (new - y)", "x = new")),
)
BENCH.wrong(
    "steady_returns_the_looks",
    "steady_values",
    "the first step from 9 goes to 4.5",
    BENCH.edit("steady", ("points.append(y)", "points.append(x)")),
)
BENCH.wrong(
    "steady_without_the_root",
    "steady_values",
    "y_2 is 1.5",
    BENCH.edit("steady", ("(mu / L) ** 0.5", "mu / L")),
)
BENCH.wrong(
    "steady_two_gradients",
    "steady_calls",
    "grad was called 14 times",
    BENCH.edit("steady", ("new = x - grad(x) / L", "new = x - (grad(x) + grad(x)) / (2 * L)")),
)
BENCH.wrong(
    "damping_of_nesterov",
    "determinant",
    "expected",
    {"determinant": "determinant = rho * (1 - lr * h)"},
)
BENCH.wrong(
    "damping_with_a_plus",
    "determinant",
    "expected",
    {"determinant": "determinant = rho * (1 + c * lr * h)"},
)
BENCH.wrong(
    "ceiling_without_the_two",
    "ceiling",
    "expected",
    {"ceiling": "ceiling = 2 * (1 + rho) / (1 + c * rho)"},
)
BENCH.wrong(
    "weight_as_in_heavy_ball",
    "weight",
    "expected",
    {"weight": "weight = rho**k"},
)
BENCH.wrong(
    "weight_squared_by_the_look_ahead",
    "weight",
    "expected",
    {"weight": "weight = rho ** (2 * k)"},
)
BENCH.wrong(
    "needed_without_the_one",
    "needed",
    "expected",
    {"needed": "needed = D * sp.sqrt(2 * L / eps)"},
)
BENCH.wrong(
    "lost_where_both_are",
    "lost",
    "heavy ball diverges too",
    BENCH.edit("read_off", ("(1.5, 2.0, 3.7)", "(1.5, 2.0, 3.7, 3.9)")),
)
BENCH.wrong(
    "largest_is_fastest",
    "fastest",
    "hardly shrinks any more",
    BENCH.edit("read_off", ("fastest = 1.2", "fastest = 1.34")),
)
BENCH.wrong(
    "counts_the_step_before",
    "count",
    "is the last step above 1e-4",
    BENCH.edit("count", ("return t", "return max(t - 1, 1)")),
)
BENCH.wrong(
    "counts_gradient_descent",
    "count",
    "are those of gradient descent",
    BENCH.edit("count", ("new + rho * (new - y), new", "new, new")) | {"growth": "growth = 10"},
)
BENCH.wrong(
    "growth_of_kappa",
    "growth",
    "what gradient descent pays",
    {"growth": "growth = 100"},
)
BENCH.wrong(
    "constant_rates",
    "farther",
    "let the rate change",
    {"farther": "farther = [0.1] * 10"},
)
BENCH.wrong(
    "rates_that_rise",
    "farther",
    "which way does the rate have to change",
    {"farther": "farther = [0.01] * 5 + [0.1] * 5"},
)
BENCH.wrong(
    "rates_that_fall",
    "shorter",
    "which way does the rate have to change",
    {"shorter": "shorter = [0.1] * 5 + [0.01] * 5"},
)
BENCH.wrong(
    "inserted_before_the_promise",
    "order",
    "There is no distance to replace",
    {"order": BENCH.order("bends", "insert", "promise", "half", "repeat")},
)
BENCH.wrong(
    "smooth_for_convex",
    "order",
    "Here the distance has to be bounded by the error",
    {"order": BENCH.order("smooth", "promise", "insert", "half", "repeat")},
)
BENCH.wrong("a_block_twice", "order", "your order has A twice", {"order": 'order = "ADA EGB"'})
