"""Adam, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps09_adam")

_HEAD = """@optedu.implement("adam")
def adam(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
"""
VALUES = "adam_first_step adam_many_steps adam_hyper_parameters"
FORM = "adam_dtype adam_inputs adam_backend"
ALL_VALUES = f"adam_moments {VALUES}"


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
    expected_v='expected_v = "c*beta2**t + s - s*beta2**t"',
    right_beta1="right_beta1 = 1 - (1 - beta2) ** 0.5",
    whole_way='whole_way = "(1 - beta1)*sqrt(beta2/(1 - beta2))/(sqrt(beta2) - beta1)"',
    corrected="""def corrected(gradients, decays):
    found, v, start = [], 0, 1
    for k in range(len(decays)):
        v, start = decays[k] * v + (1 - decays[k]) * gradients[k] ** 2, start * decays[k]
        found.append(v / (1 - start))
    return found
""",
    order=BENCH.order("weights", "square", "one", "expand", "collect", "root", "step"),
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
expected_v = c * beta2**t + s * sp.Sum((1 - beta2) * beta2 ** (t - i), (i, 1, t))
""",
    whole_way="""k = sp.Symbol("k", integer=True, nonnegative=True)
q = sp.Symbol("q", positive=True)
ratio = sp.summation(q**k, (k, 0, sp.oo)).args[0][0]  # for a ratio below 1
whole_way = ratio.subs(q, beta1 / sp.sqrt(beta2)) * (1 - beta1) / sp.sqrt(1 - beta2)
""",
    corrected="""def corrected(gradients, decays):
    squares, decays = np.square(gradients), np.array(decays, dtype=float)
    found = np.empty(len(decays))
    for t in range(1, len(decays) + 1):
        kept = np.append(np.cumprod(decays[1:t][::-1])[::-1], 1.0)
        found[t - 1] = np.average(squares[:t], weights=kept * (1 - decays[:t]))
    return found
""",
    break_a="gradients_a = np.full(8, -3e-8)",
    break_b="gradients_b = [-1, 1] * 8",
    order=BENCH.order("weights", "square", "expand", "one", "collect", "root", "step").lower(),
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
    + _HEAD.replace("def adam", "def my_adam")
    + """    print("step", t)
    new = {"m": average(state["m"], g, beta1), "v": average(state["v"], g**2, beta2)}
    return x - lr * (new["m"] / (1 - beta1**t)) / ((new["v"] / (1 - beta2**t)) ** 0.5 + eps), new
""",
    read_off="best_lr = 1",
    factors="adam_growth, descent_growth, adam_faint = 1.0, 1000, 0.58557",
    right_beta1='right_beta1 = "1 - sqrt(1 - beta2)"',
    break_a="""gradients_a = [0.5, -0.5, 1e-9, 0, 0, 0, 0, 0]
gradients_a = [4e-6 / (k + 1) for k in range(8)]
""",
    break_b="gradients_b = tuple(-((-1) ** k) for k in range(16))",
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
    "adam_many_steps adam_hyper_parameters",
    "uses t = 1 at every step",
    _adam(("m_hat = ", "t = 1\n    m_hat = ")),
)

BENCH.wrong(
    "g_for_g_squared",
    ALL_VALUES,
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
    "adam_moments adam_many_steps adam_hyper_parameters",
    "your state starts anew at every step",
    _adam(('beta1 * state["m"] + ', ""), ('beta2 * state["v"] + ', "")),
)

BENCH.wrong(
    "corrected_moments_stored",
    ALL_VALUES,
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
    ALL_VALUES,
    "lacks its weight 1 - beta1",
    _adam(("(1 - beta1) * g", "g")),
)

BENCH.wrong(
    "lr_hard_coded",
    "adam_hyper_parameters",
    "uses lr = 0.001 whatever it is given",
    _adam(("x - lr", "x - 1e-3")),
)

BENCH.wrong(
    "state_in_a_global",
    "adam_moments adam_many_steps adam_hyper_parameters",
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
    f"{ALL_VALUES} {FORM}",
    "calls the rule that it is compared with",
    {"adam": _HEAD + '    return optedu.rules.get("adam").step(x, g, state, t, lr=lr)\n'},
)

BENCH.wrong(
    "betas_hard_coded",
    "adam_hyper_parameters",
    "whatever",
    _adam(("m = beta1", "beta1, beta2 = 0.9, 0.999\n    m = beta1")),
)

BENCH.wrong(
    "x_in_place",
    "adam_inputs",
    "changes an array in place that belongs to the caller",
    _adam(("x_new = x - lr", "x_new = x\n    x_new -= lr")),
)

BENCH.wrong(
    "only_for_vectors",
    "adam_backend",
    "is not the same with x of shape (2, 3) as for a plain vector",
    _adam(("g**2", "(g * xp.flip(xp.flip(g, axis=0), axis=-1) if g.ndim > 1 else g * g)")),
)

BENCH.wrong(
    "corrected_with_the_last_decay",
    "corrected",
    "each corrected moment is 9",
    BENCH.edit(
        "corrected",
        ("weight = b * weight + (1 - b)\n", "weight = 1 - b ** (len(found) + 1)\n"),
    ),
)

BENCH.wrong(
    "not_corrected",
    "corrected",
    "each corrected moment is 9",
    BENCH.edit("corrected", ("v / weight", "v")),
)

BENCH.wrong(
    "corrected_moment_fed_back",
    "corrected",
    "each corrected moment is 9",
    BENCH.edit(
        "corrected", ("found.append(v / weight)", "v = v / weight\n        found.append(v)")
    ),
)

BENCH.wrong(
    "started_at_the_first_square",
    "corrected",
    "v_2 = 11/8",
    BENCH.edit(
        "corrected",
        ("v = weight = 0.0", "v, weight = gradients[0] ** 2, 1.0"),
    ),
)

BENCH.wrong(
    "corrected_returns_the_last",
    "corrected",
    "4 gradients give as many",
    BENCH.edit("corrected", ("np.array(found)", "found[-1]")),
)

BENCH.wrong(
    "expected_v_off_by_one",
    "expected_v",
    "expected",
    {"expected_v": "expected_v = s + (c - s) * beta2 ** (t - 1)"},
)

BENCH.wrong(
    "expected_v_from_zero",
    "expected_v",
    "expected",
    {"expected_v": "expected_v = s * (1 - beta2**t)"},
)

BENCH.wrong(
    "expected_v_power_of_the_difference",
    "expected_v",
    "expected",
    {"expected_v": "expected_v = c + (s - c) * (1 - beta2) ** t"},
)

BENCH.wrong(
    "expected_v_fits_the_visible_test",
    "expected_v",
    "does not depend on t",
    {"expected_v": "expected_v = s + (c - s) * beta2**2"},
)

BENCH.wrong(
    "beta1_forgets_the_root",
    "right_beta1",
    "expected",
    {"right_beta1": "right_beta1 = beta2"},
)

BENCH.wrong(
    "beta1_is_its_complement",
    "right_beta1",
    "expected",
    {"right_beta1": "right_beta1 = sp.sqrt(1 - beta2)"},
)

BENCH.wrong(
    "only_the_first_step",
    "whole_way",
    "expected",
    {"whole_way": "whole_way = (1 - beta1) / sp.sqrt(1 - beta2)"},
)

BENCH.wrong(
    "second_moment_stays",
    "whole_way",
    "expected",
    {"whole_way": "whole_way = 1 / sp.sqrt(1 - beta2)"},
)

BENCH.wrong(
    "ratio_without_the_root",
    "whole_way",
    "expected",
    {"whole_way": "whole_way = (1 - beta1) / sp.sqrt(1 - beta2) / (1 - beta1 / beta2)"},
)

BENCH.wrong(
    "whole_way_guessed",
    "whole_way",
    "does not depend on beta1, beta2",
    {"whole_way": "whole_way = sp.Integer(2)"},
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
    {"read_off": 'best_lr = "1.0"'},
)

BENCH.wrong(
    "reads_the_table_wrong",
    "best_lr",
    "lr = 1 is lowest on this problem, not 0.1",
    {"read_off": "best_lr = 0.1"},
)

_FACTORS = "adam_growth, descent_growth, adam_faint = "

BENCH.wrong(
    "growth_in_quotes",
    "growth",
    "both are numbers, without quotes, not '1000'",
    {"factors": f'{_FACTORS}1.0, "1000", 0.58557'},
)

BENCH.wrong(
    "thinks_adam_scales_with_the_loss",
    "growth",
    "your answer 1000 expected 1",
    {"factors": f"{_FACTORS}1000, 1000, 0.58557"},
)

BENCH.wrong(
    "thinks_that_no_scale_matters",
    "faint",
    "how large are the slopes now, beside epsilon",
    {"factors": f"{_FACTORS}1.0, 1000, 1.0"},
)

BENCH.wrong(
    "faint_as_the_loss",
    "faint",
    "expected 0.58557",
    {"factors": f"{_FACTORS}1.0, 1000, 1e-10"},
)

BENCH.wrong(
    "faint_only_in_tenths",
    "break_a",
    "that of Adam A -0.995",
    {"break_a": "gradients_a = [1e-3] * 8"},
)

BENCH.wrong(
    "fainter_than_epsilon",
    "break_a",
    "the last step of Adam is only 0.0099",
    {"break_a": "gradients_a = [1e-10] * 8"},
)

BENCH.wrong(
    "faint_and_of_both_signs",
    "break_a",
    "the gradients agree in sign",
    {"break_a": "gradients_a = [1e-6, -1e-6] * 4"},
)

BENCH.wrong(
    "no_gradients_at_all",
    "break_a",
    "no program moves",
    {"break_a": "gradients_a = [0] * 8"},
)

BENCH.wrong(
    "constant_for_adam_b",
    "break_b",
    "Adam B goes as Adam does",
    {"break_b": "gradients_b = [1] * 16"},
)

BENCH.wrong(
    "in_pairs_for_adam_b",
    "break_b",
    "more than 3.5 is asked for",
    {"break_b": "gradients_b = [1, 1, -1, -1] * 4"},
)

BENCH.wrong(
    "sizes_for_adam_b",
    "break_b",
    "each is 1 or -1",
    {"break_b": "gradients_b = [1, -0.5] * 8"},
)

BENCH.wrong(
    "order_with_independence",
    "order",
    "nothing here is random",
    {
        "order": BENCH.order(
            "weights", "one", "square", "independent", "expand", "collect", "root", "step"
        )
    },
)

BENCH.wrong(
    "order_collects_before_it_adds_up",
    "order",
    "only once the weights are added up",
    {"order": BENCH.order("weights", "square", "expand", "collect", "one", "root", "step")},
)

BENCH.wrong(
    "order_leaves_the_weights_out",
    "order",
    "A step is missing.",
    {"order": BENCH.order("weights", "square", "expand", "collect", "root", "step")},
)
