"""Right answers written differently, and wrong ones with the points that each has to lose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.assignments.notebooks import replaced


@dataclass(frozen=True)
class Variant:
    """One submission.

    Attributes
    ----------
    cells : mapping of str to str
        What it has in the cells of the tasks; in the others it has the right answer.
    loses : frozenset of str
        The test cells that must give no points. Every other one must give all.
    says : str
        What the message of one of them must contain.
    """

    name: str
    assignment: str
    cells: Mapping[str, str]
    loses: frozenset[str] = field(default=frozenset())
    says: str = ""


@dataclass(frozen=True)
class Pack:
    """Mutants of different tasks in one submission: half the notebooks to run."""

    variants: tuple[Variant, ...]

    @property
    def assignment(self) -> str:
        return self.variants[0].assignment

    @property
    def name(self) -> str:
        return self.variants[0].name

    @property
    def cells(self) -> dict[str, str]:
        own = {name: source for v in self.variants for name, source in v.cells.items()}
        return {**GIVEN.get(self.assignment, {}), **own}


# What was read off with a working Adam, so that a mutant of Adam fails by itself alone.
GIVEN = {"ps09_adam": {"read_off": "best_lr, adam_growth, descent_growth = 1.0, 1.0, 1000.0"}}


def packed(variants: Iterable[Variant]) -> list[Pack]:
    """Put each mutant into the first submission of which it shares no task and no test."""
    packs: list[list[Variant]] = []
    for variant in variants:
        for pack in packs:
            if pack[0].assignment == variant.assignment and not any(
                set(v.cells) & set(variant.cells) or v.loses & variant.loses for v in pack
            ):
                pack.append(variant)
                break
        else:
            packs.append([variant])
    return [Pack(tuple(pack)) for pack in packs]


def _right(assignment: str, **variants: Mapping[str, str]) -> list[Variant]:
    return [Variant(name, assignment, cells) for name, cells in variants.items()]


def _wrong(assignment: str, name: str, loses: str, says: str, cells: Mapping[str, str]) -> Variant:
    return Variant(name, assignment, cells, frozenset(f"test_{n}" for n in loses.split()), says)


# -- Adam ------------------------------------------------------------------------------------

_HEAD = """@optedu.implement("adam")
def adam(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
"""
A = "ps09_adam"
VALUES = "adam_first_step adam_many_steps adam_hyper_parameters adam_dtype adam_inputs adam_backend"
ALL_OF_ADAM = f"adam_moments {VALUES}"


def _adam(*changes: tuple[str, str]) -> dict[str, str]:
    return replaced(A, "adam", *changes)


ADAM_RIGHT = _right(
    A,
    in_place_on_copies={
        "adam": _HEAD
        + """    m = state["m"] + 0
    m *= beta1
    m += (1 - beta1) * g
    v = state["v"] + 0
    v *= beta2
    v += (1 - beta2) * g * g
    step = m / (1 - beta1**t)
    step /= xp.sqrt(v / (1 - beta2**t)) + eps
    step *= lr
    return x - step, {"m": m, "v": v}
"""
    },
    other_order={
        "adam": _HEAD
        + """    m = state["m"] + (1 - beta1) * (g - state["m"])
    v = state["v"] - (1 - beta2) * (state["v"] - g * g)
    correction = math.sqrt(1 - beta2**t)
    rate = lr * correction / (1 - beta1**t)
    return x - rate * m / (xp.sqrt(v) + eps * correction), {"v": v, "m": m}
""",
        "expected_v": 'expected_v = "s - s*beta2**t"',
        "step_ratio": "step_ratio = sp.sqrt((1 - beta1**t) ** 2 / (1 - beta2**t))",
        "isolated_step": "isolated_step = (1 - beta1) / (1 - beta2) ** 0.5",
    },
    state_updated_and_returned={
        "adam": _HEAD
        + """    state = dict(state)
    state["m"] = beta1 * state["m"] + (1 - beta1) * g
    state["v"] = beta2 * state["v"] + (1 - beta2) * xp.square(g)
    m_hat, v_hat = (state[k] / (1 - b**t) for k, b in (("m", beta1), ("v", beta2)))
    return x - lr * m_hat / (v_hat**0.5 + eps), state
""",
        "expected_v": """i = sp.Symbol("i")
expected_v = s * sp.Sum((1 - beta2) * beta2 ** (t - i), (i, 1, t))
""",
        "longest_step": """def longest_step(beta1, beta2, steps=1000):
    t = np.arange(1, steps + 1)
    length = (1 - beta1**t) / np.sqrt(1 - beta2**t)
    return int(t[np.argmax(length)]), length.max()
""",
    },
    helpers_and_prints={
        "adam": """def average(old, new, beta):
    return beta * old + (1 - beta) * new


"""
        + _HEAD
        + """    print("step", t)
    new = {"m": average(state["m"], g, beta1), "v": average(state["v"], g**2, beta2)}
    return x - lr * (new["m"] / (1 - beta1**t)) / ((new["v"] / (1 - beta2**t)) ** 0.5 + eps), new
""",
        "read_off": "best_lr, adam_growth, descent_growth = 1, 1.0, 1000",
    },
)

ADAM_WRONG = [
    _wrong(
        A,
        "no_bias_correction",
        VALUES,
        "this is Adam without the bias correction",
        _adam(("m / (1 - beta1**t)", "m"), ("v / (1 - beta2**t)", "v")),
    ),
    _wrong(
        A,
        "only_m_corrected",
        VALUES,
        "divide by 1 - beta2**t as well",
        _adam(("v / (1 - beta2**t)", "v")),
    ),
    # With gradients of ordinary size the difference is below the resolution of the other checks.
    _wrong(
        A,
        "eps_inside_the_root",
        "adam_first_step adam_many_steps adam_hyper_parameters",
        "your eps is inside the square root",
        _adam(("(xp.sqrt(v_hat) + eps)", "xp.sqrt(v_hat + eps)")),
    ),
    _wrong(
        A,
        "eps_added_to_the_parameter",
        "adam_first_step adam_many_steps adam_hyper_parameters",
        "added to the parameter and not to the denominator",
        _adam(("(xp.sqrt(v_hat) + eps)", "xp.sqrt(v_hat) + eps")),
    ),
    _wrong(
        A,
        "eps_added_before_the_correction",
        "adam_first_step adam_many_steps adam_hyper_parameters",
        "epsilon hat",
        _adam(
            ("v / (1 - beta2**t)", "1 - beta2**t"),
            ("m_hat / (xp.sqrt(v_hat) + eps)", "m_hat * v_hat**0.5 / (xp.sqrt(v) + eps)"),
        ),
    ),
    _wrong(
        A,
        "t_from_0",
        VALUES,
        "uses t - 1 where t belongs",
        _adam(("m_hat = ", "t = t - 1\n    m_hat = ")),
    ),
    _wrong(
        A,
        "t_never_incremented",
        "adam_many_steps adam_hyper_parameters adam_dtype adam_inputs adam_backend",
        "uses t = 1 at every step",
        _adam(("m_hat = ", "t = 1\n    m_hat = ")),
    ),
    _wrong(
        A,
        "g_for_g_squared",
        ALL_OF_ADAM,
        "your second moment v matches g instead of g**2",
        _adam(("(1 - beta2) * g**2", "(1 - beta2) * g")),
    ),
    _wrong(A, "wrong_sign", VALUES, "the wrong sign", _adam(("x - lr", "x + lr"))),
    _wrong(
        A,
        "multiplies_by_the_root",
        VALUES,
        "multiplies by the root",
        _adam(("m_hat / (xp", "m_hat * (xp")),
    ),
    _wrong(
        A,
        "state_not_kept",
        "adam_moments adam_many_steps adam_hyper_parameters adam_dtype adam_inputs adam_backend",
        "your state starts anew at every step",
        _adam(('beta1 * state["m"] + ', ""), ('beta2 * state["v"] + ', "")),
    ),
    _wrong(
        A,
        "corrected_moments_stored",
        ALL_OF_ADAM,
        "you return the corrected first moment m as the new state",
        _adam(('{"m": m, "v": v}\n', '{"m": m_hat, "v": v}\n')),
    ),
    _wrong(
        A,
        "aliases_the_callers_array",
        "adam_inputs",
        "changes an array in place that belongs to the caller",
        _adam(
            (
                'm = beta1 * state["m"] + (1 - beta1) * g',
                'm = state["m"]\n    m *= beta1\n    m += (1 - beta1) * g',
            )
        ),
    ),
    _wrong(
        A,
        "float64_leaks",
        "adam_dtype adam_backend",
        "has dtype float64 although x and g came in as float32",
        _adam(("v / (1 - beta2**t)", "v / np.float64(1 - beta2**t)")),
    ),
    _wrong(
        A,
        "numpy_only",
        "adam_backend",
        "use the functions of xp, not those of np",
        _adam(("xp.sqrt", "np.sqrt")),
    ),
    _wrong(
        A,
        "heavy_ball_for_moving_average",
        ALL_OF_ADAM,
        "lacks its weight 1 - beta1",
        _adam(("(1 - beta1) * g", "g")),
    ),
    _wrong(
        A,
        "lr_hard_coded",
        "adam_first_step adam_hyper_parameters adam_dtype",
        "uses lr = 0.001 whatever it is given",
        _adam(("x - lr", "x - 1e-3")),
    ),
    _wrong(
        A,
        "state_in_a_global",
        "adam_moments adam_many_steps adam_hyper_parameters adam_dtype adam_backend",
        "something is kept outside of `state`",
        {
            "adam": "memory = {}\n\n\n"
            + _HEAD
            + """    if t == 1:
        memory.update(m=xp.zeros_like(x), v=xp.zeros_like(x))
    memory["m"] = beta1 * memory["m"] + (1 - beta1) * g
    memory["v"] = beta2 * memory["v"] + (1 - beta2) * g**2
    m_hat, v_hat = memory["m"] / (1 - beta1**t), memory["v"] / (1 - beta2**t)
    return x - lr * m_hat / (xp.sqrt(v_hat) + eps), dict(memory)
"""
        },
    ),
    _wrong(
        A,
        "calls_the_derived_rule",
        ALL_OF_ADAM,
        "calls the rule that it is compared with",
        {"adam": _HEAD + '    return optedu.rules.get("adam").step(x, g, state, t, lr=lr)\n'},
    ),
    _wrong(
        A,
        "expected_v_off_by_one",
        "expected_v",
        "expected",
        {"expected_v": "expected_v = s * (1 - beta2 ** (t - 1))"},
    ),
    _wrong(
        A,
        "expected_v_fits_the_visible_test",
        "expected_v",
        "They agree for t = 2",
        {"expected_v": "expected_v = s * (1 - beta2**2)"},
    ),
    _wrong(
        A,
        "step_ratio_upside_down",
        "step_ratio",
        "reciprocal",
        {"step_ratio": "step_ratio = sp.sqrt(1 - beta2**t) / (1 - beta1**t)"},
    ),
    _wrong(
        A,
        "isolated_step_guessed",
        "isolated_step",
        "does not depend on beta1, beta2",
        {"isolated_step": "isolated_step = sp.Integer(2)"},
    ),
    _wrong(
        A,
        "longest_step_counts_from_0",
        "longest_step",
        "got 11",
        replaced(A, "longest_step", ("best = (t, length)", "best = (t - 1, length)")),
    ),
    _wrong(
        A,
        "reads_the_table_wrong",
        "best_lr",
        "lr = 1 is lowest on this problem, not 0.1",
        replaced(A, "read_off", ("best_lr = 1.0", "best_lr = 0.1")),
    ),
    _wrong(
        A,
        "thinks_adam_scales_with_the_loss",
        "growth",
        "your answer 1000 expected 1",
        {"read_off": "best_lr, adam_growth, descent_growth = 1.0, 1000, 1000"},
    ),
]

# -- gradient descent ------------------------------------------------------------------------

G = "ps02_gradient_descent"
_SGD = """@optedu.implement("sgd")
def sgd(xp, x, g, state, t, *, lr=1e-3):
"""
ALL_OF_SGD = "sgd_step sgd_rate sgd_arrays sgd_inputs"
_DESCEND = "def descend(grad, x0, lr, steps):\n"

DESCENT_RIGHT = _right(
    G,
    lists_and_copies={
        "sgd": _SGD
        + """    step = g * lr
    new = xp.asarray(x, copy=True)
    new -= step
    return new, state
""",
        "descend": _DESCEND
        + """    x = x0.copy()
    points = [x.copy()]
    for _ in range(steps):
        x -= lr * grad(x)
        points.append(x.copy())
    return np.array(points)
""",
        "model_minimizer": 'model_minimizer = "x0 - g*lr"',
        "closed_form": "closed_form = x0 * sp.exp(t * sp.log(1 - lr * lam))",
        "best": """kappa = L / mu
best_lr = 2 / L / (1 + 1 / kappa)
best_factor = (kappa - 1) / (kappa + 1)
""",
    },
    stacked={
        "sgd": _SGD + "    return x + (-lr) * g, None\n",
        "descend": _DESCEND
        + """    rows = [x0]
    while len(rows) <= steps:
        rows.append(rows[-1] - lr * grad(rows[-1]))
    return np.stack(rows)
""",
        "closed_form": "closed_form = sp.Product(1 - lr * lam, (sp.Symbol('i'), 1, t)) * x0",
        "steps_needed": """def steps_needed(L, mu, lr, tolerance=1e-6):
    factor = max(abs(1 - lr * mu), abs(1 - lr * L))
    if factor >= 1:
        return None
    x, t = 1.0, 0
    while x > tolerance:
        x *= factor
        t += 1
    return t
""",
        "read_off": "largest_stable = rates[4]\nzigzag = [r for r in rates if r > 1]",
    },
    runs_on_minimize={
        "descend": _DESCEND
        + """    points = [x0]
    for t in range(1, steps + 1):
        x, _ = sgd(np, points[-1], grad(points[-1]), {}, t, lr=lr)
        points.append(x)
    return np.array(points)
""",
        "growth": "growth = 10",
    },
)

DESCENT_WRONG = [
    _wrong(
        G,
        "sgd_wrong_sign",
        ALL_OF_SGD,
        "the wrong sign",
        {"sgd": _SGD + "    return x + lr * g, {}\n"},
    ),
    _wrong(
        G,
        "sgd_lr_hard_coded",
        "sgd_rate sgd_arrays",
        "uses lr = 0.001 whatever it is given",
        {"sgd": _SGD + "    return x - 1e-3 * g, {}\n"},
    ),
    _wrong(
        G,
        "sgd_in_place",
        "sgd_inputs",
        "changes an array in place that belongs to the caller",
        {"sgd": _SGD + "    x -= lr * g\n    return x, {}\n"},
    ),
    _wrong(
        G,
        "sgd_float64_leaks",
        "sgd_arrays",
        "has dtype float64 although x and g came in as float32",
        {"sgd": _SGD + "    return x - np.float64(lr) * g, {}\n"},
    ),
    _wrong(
        G,
        "sgd_returns_the_step",
        ALL_OF_SGD,
        "you return the step alone",
        {"sgd": _SGD + "    return lr * g, {}\n"},
    ),
    _wrong(
        G,
        "sgd_forgets_the_state",
        ALL_OF_SGD,
        "a pair is needed",
        {"sgd": _SGD + "    return x - lr * g\n"},
    ),
    _wrong(
        G,
        "descend_one_row_short",
        "descend_form descend_values",
        "not (6, 2)",
        replaced(
            G,
            "descend",
            ("(steps + 1, *x0.shape)", "(max(steps, 1), *x0.shape)"),
            ("range(1, steps + 1)", "range(1, steps)"),
        )
        | {},
    ),
    _wrong(
        G,
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
    ),
    _wrong(
        G,
        "descend_gradient_at_the_start",
        "descend_values",
        "8, 4, 2, 1",
        replaced(G, "descend", ("lr * grad(points[t - 1])", "lr * grad(x0)")),
    ),
    _wrong(
        G,
        "descend_uphill",
        "descend_values",
        "8, 4, 2, 1",
        replaced(G, "descend", ("points[t - 1] - lr", "points[t - 1] + lr")),
    ),
    _wrong(
        G,
        "descend_twice_the_gradients",
        "descend_calls",
        "grad was called 14 times",
        replaced(
            G,
            "descend",
            ("points[t] = ", "if np.any(grad(points[t - 1])):\n            points[t] = "),
        ),
    ),
    _wrong(
        G,
        "minimizer_wrong_sign",
        "model_minimizer",
        "expected",
        {"model_minimizer": "model_minimizer = x0 + lr * g"},
    ),
    _wrong(
        G,
        "closed_form_without_t",
        "closed_form",
        "expected",
        {"closed_form": "closed_form = (1 - lr * lam) * x0"},
    ),
    _wrong(
        G,
        "best_lr_is_2_over_L",
        "best_lr",
        "expected",
        replaced(
            G,
            "best",
            ("best_lr = sp.solve(sp.Eq(1 - lr * mu, lr * L - 1), lr)[0]", "best_lr = 2 / L"),
            ("sp.simplify(1 - best_lr * mu)", "(L - mu) / (L + mu)"),
        ),
    ),
    _wrong(
        G,
        "best_factor_squared",
        "best_factor",
        "it is the square of the expected one",
        replaced(G, "best", ("sp.simplify(1 - best_lr * mu)", "((L - mu) / (L + mu)) ** 2")),
    ),
    _wrong(
        G,
        "diverging_rate_called_stable",
        "largest_stable",
        "it diverges",
        replaced(G, "read_off", ("largest_stable = 1.95", "largest_stable = 2.05")),
    ),
    _wrong(
        G,
        "zigzag_only_where_it_diverges",
        "zigzag",
        "negative where lr > 1 / L",
        replaced(G, "read_off", ("(1.1, 1.8, 1.95, 2.05)", "(2.05,)")),
    ),
    _wrong(
        G,
        "counts_one_step_too_many",
        "steps_needed",
        "20 steps are needed, not 21",
        replaced(G, "steps_needed", ("return t\n", "return t + 1\n")),
    ),
    _wrong(
        G,
        "thinks_root_kappa",
        "growth",
        "expected 10",
        {"growth": "growth = np.sqrt(10)"},
    ),
]

RIGHT = ADAM_RIGHT + DESCENT_RIGHT
WRONG = ADAM_WRONG + DESCENT_WRONG
