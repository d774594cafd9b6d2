"""Momentum, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps05_momentum")

_HEAD = """@optedu.implement("momentum")
def heavy_ball(xp, x, g, state, t, *, lr=1e-3, momentum=0.9, dampening=0.0):
"""
_KERAS = "def keras(gradients, rates, rho):\n"
_BEST = "def best_momentum(kappa, candidates):\n"
_CASES = {
    "a": "([1.0, 1.0, 1.0], [1.0, 1.0, 0.1], 0.9)",
    "b": "([1.0], [1.0], 0.9)",
    "c": "([1.0, -1.0], [1.0, 1.0], 0.9)",
}
ALL_OF_STEP = "heavy_ball_steps heavy_ball_hyper"


def cases(**other):
    """Return the cell of the cases, some of them replaced."""
    return {"cases": "\n".join(f"case_{k} = {v}" for k, v in {**_CASES, **other}.items())}


BENCH.right(
    "branches_and_lists",
    heavy_ball=_HEAD
    + """    if t > 1:
        g = (1 - dampening) * g
    new = state["b"] * momentum + g
    return x + (-lr) * new, dict(b=new)
""",
    keras=_KERAS
    + """    v, x, out = 0.0, 0.0, [0.0]
    for k in range(len(gradients)):
        v *= rho
        v -= rates[k] * gradients[k]
        x += v
        out += [x]
    return np.asarray(out)
""",
    carried='carried = "lr*(1 - rho**(t - i + 1))/(1 - rho)"',
    critical="critical = (1 + rho - 2 * sp.sqrt(rho)) / h",
    **cases(a="([0, 5, 0, 0, 0, 0], [0.5, 0.5, 0.1, 0.1, 0.1, 0.1], 0.5)"),
)

BENCH.right(
    "sums",
    keras=_KERAS
    + """    pushes = np.array(rates, dtype=float) * np.array(gradients, dtype=float)
    steps = [-sum(rho ** (t - i) * pushes[i] for i in range(t + 1)) for t in range(len(pushes))]
    return np.concatenate([[0.0], np.cumsum(steps)])
""",
    carried="""k = sp.Symbol("k", integer=True)
carried = lr * sp.Sum(rho**k, (k, 0, t - i))
""",
    buffer_variance="buffer_variance = -(sigma**2) / (rho - 1) / (rho + 1)",
    best_momentum=_BEST
    + """    best = None
    for rho in candidates:
        rate, count = 1.6 * (1 + rho), 0
        for h in (1 / kappa, 1.0):
            x, b = 1.0, 0.0
            path = []
            for _ in range(2000):
                b = rho * b + h * x
                x -= rate * b
                path.append(abs(x) > 1e-6)
            count = max(count, max(k for k, big in enumerate(path, start=1) if big) + 1)
        if best is None or count < best[1]:
            best = (rho, count)
    return best
""",
    **cases(b="([1, 2, 3], [0.5, 0.5, 0.5], 0.99)", c="([10, -10, 10], [1, 1, 1], 0.5)"),
)

BENCH.right(
    "matrices",
    heavy_ball=_HEAD
    + """    damped = 0 if t == 1 else dampening
    b = momentum * state["b"] - damped * g + g
    return x - lr * b, {"b": b}
""",
    critical="critical = sp.solve(sp.Eq((1 + rho - lr * h)**2, 4 * rho), lr)[0]\n"
    "critical = sp.Min(*sp.solve(sp.Eq((1 + rho - lr * h)**2, 4 * rho), lr))",
    order='order = "beahcf"',
    read_off="fastest = momenta[2]\nworse_than_none = [0.99]",
    best_momentum=_BEST
    + """    def count(rho):
        rate = 1.6 * (1 + rho)
        steps = [np.array([[1 - rate * h, -rate * rho], [h, rho]]) for h in (1 / kappa, 1.0)]
        states, last = [np.array([1.0, 0.0])] * 2, 0
        for t in range(1, 2001):
            states = [m @ s for m, s in zip(steps, states)]
            if max(abs(s[0]) for s in states) > 1e-6:
                last = t
        return last + 1
    counts = [count(rho) for rho in candidates]
    return candidates[int(np.argmin(counts))], min(counts)
""",
)

BENCH.wrong(
    "step_uphill",
    ALL_OF_STEP,
    "sign",
    BENCH.edit("heavy_ball", ("x - lr * b", "x + lr * b")),
)

BENCH.wrong(
    "mean_form",
    ALL_OF_STEP,
    "momentum",
    BENCH.edit("heavy_ball", ("+ share * g", "+ (1 - momentum) * share * g")),
)

BENCH.wrong(
    "step_with_the_old_buffer",
    ALL_OF_STEP,
    "",
    BENCH.edit("heavy_ball", ("x - lr * b,", 'x - lr * state["b"],')),
)

BENCH.wrong(
    "looks_ahead",
    ALL_OF_STEP,
    "Nesterov",
    BENCH.edit("heavy_ball", ("x - lr * b", "x - lr * (g + momentum * b)")),
)

BENCH.wrong(
    "first_gradient_dampened_too",
    "heavy_ball_hyper",
    "dampening",
    BENCH.edit("heavy_ball", ("1.0 if t == 1 else 1 - dampening", "1 - dampening")),
)

BENCH.wrong(
    "velocity_in_the_state",
    ALL_OF_STEP,
    "velocity",
    {
        "heavy_ball": _HEAD
        + """    share = 1.0 if t == 1 else 1 - dampening
    v = momentum * state["b"] - lr * share * g
    return x + v, {"b": v}
"""
    },
)

BENCH.wrong(
    "buffer_in_place",
    "heavy_ball_arrays",
    "in place",
    {
        "heavy_ball": _HEAD
        + """    b = state["b"]
    b *= momentum
    b += (1.0 if t == 1 else 1 - dampening) * g
    return x - lr * b, {"b": b}
"""
    },
)

BENCH.wrong(
    "widened_to_float64",
    "heavy_ball_arrays",
    "float64",
    BENCH.edit("heavy_ball", ("x - lr * b", "x - np.float64(lr) * b")),
)

BENCH.wrong(
    "sum_form_called_keras",
    "keras_changing",
    "coasts by 1, 0.5, 0.25",
    BENCH.edit(
        "keras",
        ("rho * v - rate * g", "rho * v - g"),
        ("points[-1] + v", "points[-1] + rate * v"),
    ),
)

BENCH.wrong(
    "keras_one_point_short",
    "keras_constant keras_changing",
    "the start included",
    BENCH.edit(
        "keras",
        ("points, v = [0.0], 0.0", "points, v = [0.0], 0.0\n    x = 0.0"),
        ("return np.array(points)", "return np.array(points[1:])"),
    ),
)

BENCH.wrong(
    "keras_without_memory",
    "keras_constant keras_changing",
    "0, -1, -2.5, -4.25",
    BENCH.edit("keras", ("rho * v - rate * g", "-rate * g")),
)

BENCH.wrong(
    "carried_for_ever",
    "carried",
    "",
    {"carried": "carried = lr / (1 - rho)"},
)

BENCH.wrong(
    "carried_is_the_weight",
    "carried",
    "carried",
    {"carried": "carried = lr * rho ** (t - i)"},
)

BENCH.wrong(
    "carried_one_step_short",
    "carried",
    "carried",
    {"carried": "carried = lr * (1 - rho ** (t - i)) / (1 - rho)"},
)

BENCH.wrong(
    "critical_at_the_other_end",
    "critical",
    "critical",
    {"critical": "critical = (1 + sp.sqrt(rho)) ** 2 / h"},
)

BENCH.wrong(
    "critical_without_the_curvature",
    "critical",
    "critical",
    {"critical": "critical = (1 - sp.sqrt(rho)) ** 2"},
)

BENCH.wrong(
    "variance_with_the_weight_unsquared",
    "buffer_variance",
    "buffer_variance",
    {"buffer_variance": "buffer_variance = sigma**2 / (1 - rho)"},
)

BENCH.wrong(
    "variance_of_the_mean_form",
    "buffer_variance",
    "buffer_variance",
    {"buffer_variance": "buffer_variance = sigma**2 * (1 - rho) / (1 + rho)"},
)

BENCH.wrong(
    "more_momentum_is_always_better",
    "read_off",
    "helps up to a point",
    BENCH.edit("read_off", ("fastest = 0.7", "fastest = 0.99")),
)

BENCH.wrong(
    "none_is_worse",
    "read_off",
    "end above that of rho = 0",
    BENCH.edit("read_off", ("worse_than_none = (0.99,)", "worse_than_none = ()")),
)

BENCH.wrong(
    "stops_at_the_first_pass",
    "best_momentum",
    "count until they stay",
    {
        "best_momentum": _BEST
        + """    counts = {}
    for rho in candidates:
        first = []
        for h in (1 / kappa, 1.0):
            x, b, t = 1.0, 0.0, 0
            while abs(x) > 1e-6 and t < 2000:
                b = rho * b + h * x
                x -= 1.6 * (1 + rho) * b
                t += 1
            first.append(t)
        counts[rho] = max(first)
    best = min(counts, key=counts.get)
    return best, counts[best]
"""
    },
)

BENCH.wrong(
    "counts_one_too_few",
    "best_momentum",
    "both coordinates stay small from step",
    BENCH.edit("best_momentum", ("counts[rho] = last + 1", "counts[rho] = last")),
)

BENCH.wrong(
    "returns_the_steps_alone",
    "best_momentum",
    "return a pair",
    BENCH.edit("best_momentum", ("return best, counts[best]", "return counts[best]")),
)

BENCH.wrong(
    "takes_the_slowest",
    "best_momentum",
    "the best of",
    BENCH.edit("best_momentum", ("min(counts", "max(counts")),
)

BENCH.wrong(
    "a_constant_rate_shows_nothing",
    "case_a",
    "no more than 1 % apart",
    cases(a="([1.0, -2.0, 3.0], [0.5, 0.5, 0.5], 0.9)"),
)

BENCH.wrong(
    "little_momentum_shows_nothing",
    "case_b",
    "no more than 1 % apart",
    cases(b="([1.0, -2.0, 3.0], [0.5, 0.1, 0.5], 0.3)"),
)

BENCH.wrong(
    "one_direction_shows_nothing",
    "case_c",
    "no more than 1 % apart",
    cases(c="([1.0, 2.0, 3.0], [0.5, 0.1, 0.5], 0.9)"),
)

BENCH.wrong(
    "case_of_different_lengths",
    "case_b",
    "as many rates",
    cases(b="([1.0, 2.0], [1.0], 0.9)"),
)

BENCH.wrong(
    "a_distractor_alone",
    "order",
    "Nothing says that they are not real",
    {"order": 'order = "G"'},
)
