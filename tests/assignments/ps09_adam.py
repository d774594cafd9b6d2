"""Adam, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench(
    "ps09_adam", given={"read_off": "best_lr, adam_growth, descent_growth = 1.0, 1.0, 1000.0"}
)

_HEAD = """@optedu.implement("adam")
def adam(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
"""
VALUES = "adam_first_step adam_many_steps adam_hyper_parameters adam_dtype adam_inputs adam_backend"
ALL_OF_ADAM = f"adam_moments {VALUES}"


def _adam(*changes: tuple[str, str]) -> dict[str, str]:
    return BENCH.edit("adam", *changes)


BENCH.right(
    "in_place_on_copies",
    adam=_HEAD
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
""",
)

BENCH.right(
    "other_order",
    adam=_HEAD
    + """    m = state["m"] + (1 - beta1) * (g - state["m"])
    v = state["v"] - (1 - beta2) * (state["v"] - g * g)
    correction = math.sqrt(1 - beta2**t)
    rate = lr * correction / (1 - beta1**t)
    return x - rate * m / (xp.sqrt(v) + eps * correction), {"v": v, "m": m}
""",
    expected_v='expected_v = "s - s*beta2**t"',
    step_ratio="step_ratio = sp.sqrt((1 - beta1**t) ** 2 / (1 - beta2**t))",
    isolated_step="isolated_step = (1 - beta1) / (1 - beta2) ** 0.5",
)

BENCH.right(
    "state_updated_and_returned",
    adam=_HEAD
    + """    state = dict(state)
    state["m"] = beta1 * state["m"] + (1 - beta1) * g
    state["v"] = beta2 * state["v"] + (1 - beta2) * xp.square(g)
    m_hat, v_hat = (state[k] / (1 - b**t) for k, b in (("m", beta1), ("v", beta2)))
    return x - lr * m_hat / (v_hat**0.5 + eps), state
""",
    expected_v="""i = sp.Symbol("i")
expected_v = s * sp.Sum((1 - beta2) * beta2 ** (t - i), (i, 1, t))
""",
    longest_step="""def longest_step(beta1, beta2, steps=1000):
    t = np.arange(1, steps + 1)
    length = (1 - beta1**t) / np.sqrt(1 - beta2**t)
    return int(t[np.argmax(length)]), length.max()
""",
)

BENCH.right(
    "helpers_and_prints",
    adam="""def average(old, new, beta):
    return beta * old + (1 - beta) * new


"""
    + _HEAD
    + """    print("step", t)
    new = {"m": average(state["m"], g, beta1), "v": average(state["v"], g**2, beta2)}
    return x - lr * (new["m"] / (1 - beta1**t)) / ((new["v"] / (1 - beta2**t)) ** 0.5 + eps), new
""",
    read_off="best_lr, adam_growth, descent_growth = 1, 1.0, 1000",
)

BENCH.wrong(
    "no_bias_correction",
    VALUES,
    "this is Adam without the bias correction",
    _adam(("m / (1 - beta1**t)", "m"), ("v / (1 - beta2**t)", "v")),
)

BENCH.wrong(
    "only_m_corrected",
    VALUES,
    "divide by 1 - beta2**t as well",
    _adam(("v / (1 - beta2**t)", "v")),
)

# With gradients of ordinary size the difference is below the resolution of the other checks.
BENCH.wrong(
    "eps_inside_the_root",
    "adam_first_step adam_many_steps adam_hyper_parameters",
    "your eps is inside the square root",
    _adam(("(xp.sqrt(v_hat) + eps)", "xp.sqrt(v_hat + eps)")),
)

BENCH.wrong(
    "eps_added_to_the_parameter",
    "adam_first_step adam_many_steps adam_hyper_parameters",
    "added to the parameter and not to the denominator",
    _adam(("(xp.sqrt(v_hat) + eps)", "xp.sqrt(v_hat) + eps")),
)

BENCH.wrong(
    "eps_added_before_the_correction",
    "adam_first_step adam_many_steps adam_hyper_parameters",
    "epsilon hat",
    _adam(
        ("v / (1 - beta2**t)", "1 - beta2**t"),
        ("m_hat / (xp.sqrt(v_hat) + eps)", "m_hat * v_hat**0.5 / (xp.sqrt(v) + eps)"),
    ),
)

BENCH.wrong(
    "t_from_0",
    VALUES,
    "uses t - 1 where t belongs",
    _adam(("m_hat = ", "t = t - 1\n    m_hat = ")),
)

BENCH.wrong(
    "t_never_incremented",
    "adam_many_steps adam_hyper_parameters adam_dtype adam_inputs adam_backend",
    "uses t = 1 at every step",
    _adam(("m_hat = ", "t = 1\n    m_hat = ")),
)

BENCH.wrong(
    "g_for_g_squared",
    ALL_OF_ADAM,
    "your second moment v matches g instead of g**2",
    _adam(("(1 - beta2) * g**2", "(1 - beta2) * g")),
)

BENCH.wrong(
    "wrong_sign",
    VALUES,
    "the wrong sign",
    _adam(("x - lr", "x + lr")),
)

BENCH.wrong(
    "multiplies_by_the_root",
    VALUES,
    "multiplies by the root",
    _adam(("m_hat / (xp", "m_hat * (xp")),
)

BENCH.wrong(
    "state_not_kept",
    "adam_moments adam_many_steps adam_hyper_parameters adam_dtype adam_inputs adam_backend",
    "your state starts anew at every step",
    _adam(('beta1 * state["m"] + ', ""), ('beta2 * state["v"] + ', "")),
)

BENCH.wrong(
    "corrected_moments_stored",
    ALL_OF_ADAM,
    "you return the corrected first moment m as the new state",
    _adam(('{"m": m, "v": v}\n', '{"m": m_hat, "v": v}\n')),
)

BENCH.wrong(
    "aliases_the_callers_array",
    "adam_inputs",
    "changes an array in place that belongs to the caller",
    _adam(
        (
            'm = beta1 * state["m"] + (1 - beta1) * g',
            'm = state["m"]\n    m *= beta1\n    m += (1 - beta1) * g',
        )
    ),
)

BENCH.wrong(
    "float64_leaks",
    "adam_dtype adam_backend",
    "has dtype float64 although x and g came in as float32",
    _adam(("v / (1 - beta2**t)", "v / np.float64(1 - beta2**t)")),
)

BENCH.wrong(
    "numpy_only",
    "adam_backend",
    "use the functions of xp, not those of np",
    _adam(("xp.sqrt", "np.sqrt")),
)

BENCH.wrong(
    "heavy_ball_for_moving_average",
    ALL_OF_ADAM,
    "lacks its weight 1 - beta1",
    _adam(("(1 - beta1) * g", "g")),
)

BENCH.wrong(
    "lr_hard_coded",
    "adam_first_step adam_hyper_parameters adam_dtype",
    "uses lr = 0.001 whatever it is given",
    _adam(("x - lr", "x - 1e-3")),
)

BENCH.wrong(
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
)

BENCH.wrong(
    "calls_the_derived_rule",
    ALL_OF_ADAM,
    "calls the rule that it is compared with",
    {"adam": _HEAD + '    return optedu.rules.get("adam").step(x, g, state, t, lr=lr)\n'},
)

BENCH.wrong(
    "expected_v_off_by_one",
    "expected_v",
    "expected",
    {"expected_v": "expected_v = s * (1 - beta2 ** (t - 1))"},
)

BENCH.wrong(
    "expected_v_fits_the_visible_test",
    "expected_v",
    "does not depend on t",
    {"expected_v": "expected_v = s * (1 - beta2**2)"},
)

BENCH.wrong(
    "step_ratio_upside_down",
    "step_ratio",
    "reciprocal",
    {"step_ratio": "step_ratio = sp.sqrt(1 - beta2**t) / (1 - beta1**t)"},
)

BENCH.wrong(
    "isolated_step_guessed",
    "isolated_step",
    "does not depend on beta1, beta2",
    {"isolated_step": "isolated_step = sp.Integer(2)"},
)

BENCH.wrong(
    "longest_step_counts_from_0",
    "longest_step",
    "got 11",
    BENCH.edit("longest_step", ("best = (t, length)", "best = (t - 1, length)")),
)

BENCH.wrong(
    "longest_step_the_other_way_round",
    "longest_step",
    "the pair is (t, length), in this order, and t is a whole number; got (6.568",
    BENCH.edit("longest_step", ("return best\n", "return best[::-1]\n")),
)

BENCH.wrong(
    "best_lr_in_quotes",
    "best_lr",
    "one of the five numbers in the table, not '1.0'",
    {"read_off": 'best_lr, adam_growth, descent_growth = "1.0", 1.0, 1000.0'},
)

BENCH.wrong(
    "growth_in_quotes",
    "growth",
    "both are numbers, without quotes, not '1000'",
    {"read_off": 'best_lr, adam_growth, descent_growth = 1.0, 1.0, "1000"'},
)

BENCH.wrong(
    "reads_the_table_wrong",
    "best_lr",
    "lr = 1 is lowest on this problem, not 0.1",
    {"read_off": "best_lr, adam_growth, descent_growth = 0.1, 1.0, 1000.0"},
)

BENCH.wrong(
    "thinks_adam_scales_with_the_loss",
    "growth",
    "your answer 1000 expected 1",
    {"read_off": "best_lr, adam_growth, descent_growth = 1.0, 1000, 1000"},
)
