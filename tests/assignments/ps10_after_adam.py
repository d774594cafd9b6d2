"""Lion and AMSGrad with decay, decays for schedules, drifts and claims, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps10_after_adam")

BENCH.right(
    "in_other_words",
    lion="""@optedu.implement("lion")
def lion(xp, x, g, state, t, *, lr=1e-4, beta1=0.9, beta2=0.99, weight_decay=0.0):
    m = state["m"]
    direction = xp.sign(m + (1 - beta1) * (g - m))
    x = x * (1 - lr * weight_decay) - lr * direction
    return x, {"m": m + (1 - beta2) * (g - m)}
""",
    amsgradw="""def amsgradw(
    xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0
):
    m = state["m"] * beta1 + g * (1 - beta1)
    v = state["v"] * beta2 + g * g * (1 - beta2)
    fresh = v / (1 - beta2**t)
    top = xp.where(fresh > state["top"], fresh, state["top"])
    keep = 1 - lr * weight_decay if len(x.shape) > 1 else 1
    return keep * x - lr * m / ((1 - beta1**t) * (top**0.5 + eps)), dict(m=m, v=v, top=top)
""",
    decay_for="""def decay_for(rates, share):
    rates = np.asarray(rates, dtype=float)
    rates = rates[rates > 0]
    decay = 0.0  # the logarithm is concave: Newton from the left of the root, with care
    for _ in range(500):
        f = np.log1p(-decay * rates).sum() - np.log(share)
        slope = -(rates / (1 - decay * rates)).sum()
        new = decay - f / slope
        decay = new if new * rates.max() < 1 else (decay + 1 / rates.max()) / 2
    return decay
""",
    regret="regret = (C - (n - 1) * s - (-(C - (n - 1) * s))) / n",
    rest="rest = c / (1 + lam * d / a)",
    noise="""mean = -(2 * p - 1) / lam
b = eta * lam
variance = b**2 / (1 - (1 - b) ** 2) * (1 - (2 * p - 1) ** 2) / lam**2
""",
    factors="claimed, left = 5.0, 1.485",
)
BENCH.right(
    "in_plain_loops",
    decay_for="""def decay_for(rates, share):
    low, high = 0, 1 / max(rates)
    while high - low > 1e-13 * high:
        middle = low / 2 + high / 2
        left = 1
        for rate in rates:
            left = left * (1 - rate * middle)
        low, high = (low, middle) if left < share else (middle, high)
    return low
""",
    drift="""def drift(beta2, large, period, old=False):
    squares = [large**2] + [1.0] * (period - 1)

    def v_before(k):
        ages = range(period)
        weights = [(1 - beta2) * beta2**age / (1 - beta2**period) for age in ages]
        return sum(w * squares[(k - 1 - age) % period] for w, age in zip(weights, ages))

    steps = [large] + [-1.0] * (period - 1)
    return -sum(g / v_before(k if old else k + 1) ** 0.5 for k, g in enumerate(steps))
""",
    enough="enough = 0.5581",
    break_a="""gradients_a = [1, -0.085, -0.0776, -0.07, 0, 0, 0, 0]
m = 0.01
for k in (1, 2, 3):
    gradients_a[k] = -8.4 * m
    m = 0.99 * m + 0.01 * gradients_a[k]
""",
    order=BENCH.order("share", "sign", "triangle", "subtract", "induction", "limit"),
)
BENCH.right(
    "as_text_and_arrays",
    regret='regret = "2*C/n - 2*s + 2*s/n"',
    rest='rest = "a*c/d / (a/d + lambda_)".replace("lambda_", "lam") and a / d * c / (a / d + lam)',
    noise="""q = 1 - p
mean = (q - p) / lam
variance = sp.simplify(4 * p * q * eta**2 / (1 - (1 - eta * lam) ** 2))
""",
    break_a="""gradients_a = np.zeros(8)
gradients_a[0], m = -1, -0.01
for k in range(1, 8):
    gradients_a[k] = -8.9 * m
    m = 0.99 * m + 0.01 * gradients_a[k]
""",
    break_b="settings_b = [2.999, 0.2502]",
)
BENCH.right(
    "a_newton_for_the_threshold",
    enough="""low, high = 0.4, 0.8
while high - low > 1e-6:
    middle = (low + high) / 2
    low, high = (middle, high) if drift(middle, 5.0, 4) > 0 else (low, middle)
enough = low
""",
    order=BENCH.order("sign", "share", "triangle", "subtract", "induction", "limit"),
    break_b="settings_b = (3, 1 / 4)",
)

BENCH.wrong(
    "one_beta_for_both",
    "lion_momentum lion_step",
    "",
    BENCH.edit(
        "lion", ('beta2 * state["m"] + (1 - beta2) * g', 'beta1 * state["m"] + (1 - beta1) * g')
    ),
)
BENCH.wrong(
    "the_new_momentum_in_the_sign",
    "lion_step",
    "",
    BENCH.edit(
        "lion",
        ('    c = beta1 * state["m"] + (1 - beta1) * g\n', ""),
        (
            '    m = beta2 * state["m"] + (1 - beta2) * g\n',
            '    m = beta2 * state["m"] + (1 - beta2) * g\n    c = beta1 * m + (1 - beta1) * g\n',
        ),
    ),
)
BENCH.wrong(
    "the_sign_of_the_momentum",
    "lion_step",
    "",
    BENCH.edit("lion", ("xp.sign(c)", "xp.sign(m)")),
)
BENCH.wrong(
    "decay_sign_flipped",
    "lion_decay",
    "decay",
    BENCH.edit("lion", ("+ weight_decay * x", "- weight_decay * x")),
)
BENCH.wrong(
    "decay_in_the_gradient",
    "lion_decay",
    "decay",
    BENCH.edit(
        "lion",
        (
            '    c = beta1 * state["m"]',
            '    g = g + weight_decay * x\n    c = beta1 * state["m"]',
        ),
        (" + weight_decay * x),", "),"),
    ),
)
BENCH.wrong(
    "decay_of_the_new_x",
    "lion_decay",
    "the decay takes 0.1, yours takes 0.098",
    BENCH.edit(
        "lion",
        (
            "return x - lr * (xp.sign(c) + weight_decay * x),",
            "return (x - lr * xp.sign(c)) * (1 - lr * weight_decay),",
        ),
    ),
)
BENCH.wrong(
    "decay_without_the_rate",
    "lion_decay",
    "the decay takes 0.1",
    BENCH.edit(
        "lion",
        ("lr * (xp.sign(c) + weight_decay * x)", "lr * xp.sign(c) - weight_decay * x"),
    ),
)
BENCH.wrong(
    "numpy_only",
    "lion_any",
    "",
    BENCH.edit("lion", ("xp.sign(c)", "np.sign(np.asarray(c))")),
)
BENCH.wrong(
    "the_callers_state_as_the_new_one",
    "lion_any",
    "writes into the caller's dictionary",
    BENCH.edit(
        "lion", ("    return x", '    state["m"] = m\n    return x'), ('{"m": m}\n', "state\n")
    ),
)
BENCH.wrong(
    "one_maximum_for_all",
    "maximum",
    "x has the shape (1, 2), and the new top (): each coordinate has its own",
    BENCH.edit(
        "amsgradw",
        (
            'xp.maximum(state["top"], v / (1 - beta2**t))',
            'xp.max([state["top"], v / (1 - beta2**t)])',
        ),
    ),
)
BENCH.wrong(
    "the_maximum_before",
    "maximum",
    "the new top is (4, 9), not",
    BENCH.edit(
        "amsgradw",
        ("v / (1 - beta2**t))", "v)"),
        ("xp.sqrt(top)", "xp.sqrt(top / (1 - beta2**t))"),
    ),
)
BENCH.wrong(
    "no_maximum",
    "maximum",
    "the new top is (4, 9), not",
    BENCH.edit("amsgradw", ('xp.maximum(state["top"], v / (1 - beta2**t))', "v / (1 - beta2**t)")),
)
BENCH.wrong(
    "the_largest_of_all",
    "maximum",
    "the new top is (4, 9), not",
    BENCH.edit(
        "amsgradw",
        (
            'xp.maximum(state["top"], v / (1 - beta2**t))',
            '0 * v + xp.max(xp.maximum(state["top"], v / (1 - beta2**t)))',
        ),
    ),
)
BENCH.wrong(
    "momentum_not_corrected",
    "maximum",
    "the first step from 1",
    BENCH.edit("amsgradw", ("m / (1 - beta1**t) /", "m /")),
)
BENCH.wrong(
    "epsilon_inside",
    "maximum",
    "it goes to (0.8, 0.55)",
    BENCH.edit("amsgradw", ("xp.sqrt(top) + eps", "xp.sqrt(top + eps)")),
)
BENCH.wrong(
    "matrix_decay_flipped",
    "matrix_decay",
    "the decay takes 0.1",
    BENCH.edit("amsgradw", ("step + weight_decay * x", "step - weight_decay * x")),
)
BENCH.wrong(
    "matrix_decay_of_the_new_x",
    "matrix_decay",
    "of which x",
    BENCH.edit(
        "amsgradw",
        ("step = step + weight_decay * x", "step = step + weight_decay * (x - lr * step)"),
    ),
)
BENCH.wrong(
    "matrix_decay_divided",
    "matrix_decay",
    "",
    BENCH.edit(
        "amsgradw",
        (
            "step = step + weight_decay * x",
            "step = step + weight_decay * x / (xp.sqrt(top) + eps)",
        ),
    ),
)
BENCH.wrong(
    "vectors_decay",
    "vectors",
    "a vector of three numbers decays",
    BENCH.edit("amsgradw", ("x.ndim >= 2", "x.ndim >= 1")),
)
BENCH.wrong(
    "arrays_changed_in_place",
    "vectors",
    "changed in place",
    BENCH.edit("amsgradw", ("return x - lr * step, ", "x -= lr * step\n    return x, ")),
)
BENCH.wrong(
    "state_arrays_changed_in_place",
    "vectors",
    "the arrays of the state were changed in place",
    BENCH.edit(
        "amsgradw",
        (
            '    m = beta1 * state["m"] + (1 - beta1) * g\n',
            '    m = state["m"]\n    m *= beta1\n    m += (1 - beta1) * g\n',
        ),
    ),
)
BENCH.wrong(
    "state_written_into",
    "vectors",
    "the dictionary of the state was written into",
    BENCH.edit(
        "amsgradw",
        (
            'return x - lr * step, {"m": m, "v": v, "top": top}',
            "state.update(m=m, v=v, top=top)\n    return x - lr * step, state",
        ),
    ),
)
BENCH.wrong(
    "large_arrays_decay",
    "vectors",
    "one row and one column is a matrix",
    BENCH.edit("amsgradw", ("x.ndim >= 2", "x.ndim >= 2 and x.size > 1")),
)
BENCH.wrong(
    "by_the_sum_of_the_rates",
    "decay_for",
    "leaves",
    {"decay_for": "def decay_for(rates, share):\n    return -np.log(share) / np.sum(rates)\n"},
)
BENCH.wrong(
    "at_the_mean_rate",
    "decay_for",
    "the rates 0.1 and 0.2 leave",
    {
        "decay_for": """def decay_for(rates, share):
    return (1 - share ** (1 / len(rates))) / np.mean(rates)
"""
    },
)
BENCH.wrong(
    "the_largest_decay_too_small",
    "decay_for",
    "",
    BENCH.edit("decay_for", ("high = 0.0, 1 / rates.max()", "high = 0.0, 10.0")),
)
BENCH.wrong(
    "stopped_too_soon",
    "decay_for",
    "eight digits are asked for",
    BENCH.edit("decay_for", ("range(200)", "range(20)")),
)
BENCH.wrong(
    "decay_not_returned",
    "decay_for",
    "decay_for returned None: end it with return",
    BENCH.edit("decay_for", ("return (low + high) / 2", "(low + high) / 2")),
)
BENCH.wrong(
    "half_of_the_regret",
    "regret",
    "regret",
    {"regret": "regret = (C - (n - 1) * s) / n"},
)
BENCH.wrong(
    "without_the_period",
    "regret",
    "regret",
    {"regret": "regret = 2 * (C - 2 * s) / n"},
)
BENCH.wrong(
    "rest_of_the_penalty",
    "rest",
    "rest",
    {"rest": "rest = a * c / (a + lam)"},
)
BENCH.wrong(
    "divided_the_wrong_way",
    "rest",
    "rest",
    {"rest": "rest = a * c * d / (a * d + lam)"},
)
BENCH.wrong(
    "mean_with_the_wrong_sign",
    "mean",
    "mean",
    BENCH.edit("noise", ("(1 - 2 * p) / lam", "(2 * p - 1) / lam")),
)
BENCH.wrong(
    "mean_of_the_positive_signs",
    "mean",
    "mean",
    BENCH.edit("noise", ("(1 - 2 * p) / lam", "-p / lam")),
)
BENCH.wrong(
    "variance_of_small_rates",
    "variance",
    "variance",
    BENCH.edit("noise", ("(lam * (2 - eta * lam))", "(2 * lam)")),
)
BENCH.wrong(
    "second_moment_for_the_variance",
    "variance",
    "variance",
    BENCH.edit("noise", ("4 * p * (1 - p) * eta", "eta")),
)
BENCH.wrong(
    "drift_the_wrong_way",
    "drift",
    "+1 in all",
    BENCH.edit("drift", ("moved -= slope", "moved += slope")),
)
BENCH.wrong(
    "always_the_new_root",
    "drift",
    "with old=True your drift is that with old=False; is old used",
    BENCH.edit("drift", ("before if old else v", "v")),
)
BENCH.wrong(
    "the_roots_exchanged",
    "drift",
    "one step down, two up, +1 in all; yours is -1.66667",
    BENCH.edit("drift", ("before if old else v", "v if old else before")),
)
BENCH.wrong(
    "drift_not_returned",
    "drift",
    "drift returned None: end it with return",
    BENCH.edit("drift", ("return float(moved)", "float(moved)")),
)
BENCH.wrong(
    "from_a_plain_mean",
    "drift",
    "with which v does a period begin",
    BENCH.edit(
        "drift",
        ("gain / (1 - beta2**period), 0.0", "(large**2 + period - 1) / period, 0.0"),
    ),
)
BENCH.wrong(
    "waiting_a_hundred_periods",
    "drift",
    "close to -1 over its root",
    BENCH.edit(
        "drift",
        ("in slopes:\n        gain", "in slopes * 300:\n        gain"),
        ("gain / (1 - beta2**period)", "gain"),
    ),
)
BENCH.wrong("rounded_too_soon", "enough", "to three digits", {"enough": "enough = 0.55"})
BENCH.wrong(
    "the_bound_of_the_theorem", "enough", "to three digits", {"enough": "enough = 1 / (1 + 5**2)"}
)
BENCH.wrong(
    "the_other_way_round",
    "factors",
    "not the other way round",
    BENCH.edit(
        "factors",
        (
            'steps_needed("adam", 0.01) / fewest("lion")',
            'fewest("lion") / steps_needed("adam", 0.01)',
        ),
    ),
)
BENCH.wrong(
    "one_side_tuned",
    "factors",
    "has the best of the nine rates as well",
    BENCH.edit("factors", ('left = fewest("adam")', 'left = steps_needed("adam", 0.01)')),
)
BENCH.wrong(
    "random_gradients",
    "break_a",
    "here Lion A goes as Lion does",
    {"break_a": "gradients_a = list(np.random.default_rng(1).uniform(-1, 1, size=8))"},
)
BENCH.wrong(
    "told_once",
    "break_a",
    "in 1 of the steps",
    {"break_a": "gradients_a = [1, -0.085, 0, 0, 0, 0, 0, 0]"},
)
BENCH.wrong(
    "right_end_of_b_only",
    "break_b",
    "what is the edge of its box",
    {"break_b": "settings_b = (0.5, 2 / 3)"},
)
BENCH.wrong(
    "one_box_for_both",
    "break_b",
    "AdamW B ends at",
    {"break_b": "settings_b = (0.1, 0.25)"},
)
BENCH.wrong(
    "subtracted_before_the_bound",
    "order",
    "There is no bound yet",
    {"order": BENCH.order("share", "sign", "subtract", "triangle", "induction", "limit")},
)
BENCH.wrong("a_block_twice", "order", "your order has F twice", {"order": 'order = "FAHFDBE"'})
