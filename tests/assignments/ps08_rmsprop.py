"""Centered RMSProp, memories that change, units and closed boxes, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps08_rmsprop")

BENCH.right(
    "in_plain_loops",
    centered="""@optedu.implement("rmsprop_centered")
def rmsprop_centered(xp, x, g, state, t, *, lr=0.01, beta2=0.99, eps=1e-8):
    new = {"m": beta2 * state["m"] + (1 - beta2) * g, "v": beta2 * state["v"] + (1 - beta2) * g * g}
    variance = xp.maximum(new["v"] - new["m"] * new["m"], xp.zeros_like(x))
    return x - lr * g / (variance**0.5 + eps), new
""",
    weights="""def weights(decays):
    found = []
    for i in range(len(decays) + 1):
        weight = 1.0 if i == 0 else 1 - decays[i - 1]
        for decay in decays[i:]:
            weight = weight * decay
        found.append(weight)
    return found
""",
    rescaled="""def rescaled(settings, c, s):
    new = dict(settings)
    new["lr"] *= s
    new["v0"] *= (c / s) ** 2
    if settings["inside"]:
        new["eps"] *= c * c / (s * s)
    else:
        new["eps"] *= c / s
    return new
""",
    alike='alike = "(t - 1)/t"',
    two_constants="under_v, under_u = 'eps*(c/s)**2', 's*s*eps'",
    nearer="exact, noisy = 10, 100",
    break_a="gradients_a = tuple([0.02] * 30 + [1] + [0.01] * 14)",
)
BENCH.right(
    "in_other_words",
    centered="""@optedu.implement("rmsprop_centered")
def rmsprop_centered(xp, x, g, state, t, *, lr=1e-2, beta2=0.99, eps=1e-8):
    m, v = state["m"], state["v"]
    old = v - m**2
    old = xp.where(old < 0, 0 * old, old)
    spread = beta2 * old + beta2 * (1 - beta2) * (g - m) ** 2
    m, v = m + (1 - beta2) * (g - m), v + (1 - beta2) * (g**2 - v)
    return x - lr * g / (eps + xp.sqrt(spread)), {"v": v, "m": m}
""",
    weights="""def weights(decays):
    decays = np.asarray(decays, dtype=float)
    after = np.append(np.cumprod(decays[::-1])[::-1], 1.0)
    return after * np.append(1.0, 1 - decays)
""",
    rescaled="""def rescaled(settings, c, s):
    power = 2 if settings["inside"] else 1
    return {
        "lr": settings["lr"] * s,
        "beta2": settings["beta2"],
        "inside": settings["inside"],
        "eps": settings["eps"] * (c / s) ** power,
        "v0": settings["v0"] / s**2 * c**2,
    }
""",
    back="back = (sp.log(R**2 - 1) - sp.log(3)) / sp.log(1 / beta2)",
    inner="inner = (s + eps) ** 2 - s**2",
    identify="""def identify(feed):
    # Where g is tiny the steps of a list are all alike, where it is huge they tell the memory.
    huge = feed([1e9, 1e9])
    beta2 = 1 - (1 / huge[0]) ** 2
    small = feed([1e-25] * 3)
    root = 1e-25 / small[-1]
    middle = feed([root])[0]
    outside = root / (root * np.sqrt(1 - beta2) + root)
    within = root / np.sqrt(root**2 * (1 - beta2) + root**2)
    if abs(middle - outside) < abs(middle - within):
        return [beta2, root, 0]
    return [beta2, root**2, 1]
""",
    break_a="gradients_a = [0.01] * 25 + [1.0] + [0.01] * 19",
    order=BENCH.order("newest", "assume", "shrink", "sum", "start", "induction", "largest"),
)
BENCH.right(
    "by_feeding_ones",
    centered="""@optedu.implement("rmsprop_centered")
def rmsprop_centered(xp, x, g, state, t, *, lr=1e-2, beta2=0.99, eps=1e-8):
    m = beta2 * state["m"] + (1 - beta2) * g
    v = beta2 * state["v"] + (1 - beta2) * g**2
    return x - lr * g / (xp.sqrt(xp.abs(v - m**2)) + eps), {"m": m, "v": v}
""",
    weights="""def weights(decays):
    found = []
    for hot in np.eye(len(decays) + 1):
        v = hot[0]
        for decay, square in zip(decays, hot[1:]):
            v = decay * v + (1 - decay) * square
        found.append(v)
    return np.array(found)
""",
    alike="alike = sp.S.One - t**-1",
    back="""k = sp.Symbol("k")
back = sp.solve(k * sp.log(beta2) - sp.log(3 / (R**2 - 1)), k)[0]
""",
    identify="""def identify(feed):
    v_share = feed([1e15])[0] ** -2
    beta2 = 1 - v_share
    g = 1e-30
    outside_eps = g / feed([g])[0]
    best = None
    for inside in (True, False):
        eps = outside_eps**2 if inside else outside_eps
        wrong = 0
        for size in 10.0 ** np.arange(-9, 3, 0.25):
            root = v_share**0.5 * size
            want = size / (np.sqrt(root**2 + eps) if inside else root + eps)
            wrong += abs(np.log(feed([float(size)])[0] / want))
        if best is None or wrong < best[0]:
            best = wrong, inside, eps
    return beta2, best[2], best[1]
""",
    order=BENCH.order("start", "newest", "assume", "shrink", "sum", "induction", "largest"),
)
BENCH.right(
    "by_recursion",
    weights="""def weights(decays):
    if not len(decays):
        return np.ones(1)
    older = weights(decays[:-1])
    return np.concatenate([decays[-1] * older, [1 - decays[-1]]])
""",
    inner="inner = eps * (eps + 2 * s)",
    back='back = "log((R**2 - 1)/3)/(-log(beta2))"',
    nearer="exact, noisy = 10.0, np.float64(97.0)",
    break_b="gradients_b = np.array([0.9] + [0.01] * 44)",
)

BENCH.wrong(
    "added_to_the_old",
    "centered_means centered_step",
    "old",
    BENCH.edit(
        "centered",
        ('v = beta2 * state["v"] +', 'v = state["v"] + beta2 * state["v"] +'),
    ),
)
BENCH.wrong(
    "not_centered",
    "centered_step",
    "rmsprop_centered",
    BENCH.edit("centered", ("spread = v - m**2\n", "spread = v\n")),
)
BENCH.wrong(
    "epsilon_inside",
    "centered_step",
    "eps",
    BENCH.edit("centered", ("(xp.sqrt(spread) + eps)", "xp.sqrt(spread + eps)")),
)
BENCH.wrong(
    "the_mean_before_this_step",
    "centered_step",
    "rmsprop_centered",
    BENCH.edit("centered", ("spread = v - m**2", 'spread = v - state["m"] ** 2')),
)
BENCH.wrong(
    "the_mean_not_squared",
    "centered_step",
    "rmsprop_centered",
    BENCH.edit("centered", ("spread = v - m**2", "spread = v - xp.abs(m)")),
)
BENCH.wrong(
    "root_of_a_negative_number",
    "centered_rounding",
    "what does rounding do to v - m**2",
    BENCH.edit(
        "centered",
        ("    spread = xp.where(spread > 0, spread, xp.zeros_like(spread))\n", ""),
    ),
)
BENCH.wrong(
    "stands_still",
    "centered_step centered_any centered_rounding",
    "not against the gradient",
    BENCH.edit("centered", ("return x - lr * g / (xp.sqrt(spread) + eps)", "return x + 0 * g")),
)
BENCH.wrong(
    "one_library",
    "centered_any",
    "array",
    BENCH.edit("centered", ("xp.sqrt(spread)", "np.sqrt(np.asarray(spread))")),
)
BENCH.wrong(
    "in_the_callers_arrays",
    "centered_any",
    "changes an array in place",
    BENCH.edit(
        "centered",
        (
            '    m = beta2 * state["m"] + (1 - beta2) * g\n',
            '    m = state["m"]\n    m *= beta2\n    m += (1 - beta2) * g\n',
        ),
    ),
)
BENCH.wrong(
    "epsilon_of_the_default",
    "centered_step",
    "eps",
    BENCH.edit("centered", ("(xp.sqrt(spread) + eps)", "(xp.sqrt(spread) + 1e-8)")),
)
BENCH.wrong(
    "the_last_rate_alone",
    "weights",
    "0.5, 0.5, 0.25; these came",
    {
        "weights": """def weights(decays):
    found = [np.prod(decays)]
    found += [(1 - decay) * decays[-1] for decay in decays[:-1]]
    return np.array(found + [1 - decay for decay in decays[-1:]])
"""
    },
)
BENCH.wrong(
    "the_rates_before",
    "weights",
    "0.5, 0.5, 0.25; these came",
    {
        "weights": """def weights(decays):
    before = np.cumprod(np.append(1.0, decays))
    found = np.append(before[-1], before[:-1] * (1 - decays))
    return found
"""
    },
)
BENCH.wrong(
    "its_own_rate_to_a_power",
    "weights",
    "0.5, 0.5, 0.25; these came",
    {
        "weights": """def weights(decays):
    ages = np.arange(len(decays))[::-1]
    return np.append(np.prod(decays), (1 - decays) * decays**ages)
"""
    },
)
BENCH.wrong(
    "start_left_out",
    "weights",
    "with v_0 first",
    BENCH.edit("weights", ("return found", "return found[1:]")),
)
BENCH.wrong(
    "divided_by_a_product",
    "weights",
    "forgets all that was before",
    {
        "weights": """def weights(decays):
    products = np.cumprod(np.append(1.0, decays))
    with np.errstate(all="ignore"):
        return np.append(1.0, 1 - decays) * products[-1] / products
"""
    },
)
BENCH.wrong(
    "rate_without_a_unit",
    "rescaled",
    "what becomes of a slope",
    BENCH.edit("rescaled", ('s * settings["lr"]', 'settings["lr"]')),
)
BENCH.wrong(
    "rate_of_gradient_descent",
    "rescaled",
    "ten times the loss",
    BENCH.edit("rescaled", ('s * settings["lr"]', 's**2 / c * settings["lr"]')),
)
BENCH.wrong(
    "slope_the_wrong_way",
    "rescaled",
    "what becomes of a slope",
    BENCH.edit("rescaled", ("slope = c / s", "slope = c * s")),
)
BENCH.wrong(
    "epsilon_inside_like_outside",
    "rescaled",
    "which is a square",
    BENCH.edit("rescaled", ('(slope**2 if settings["inside"] else slope)', "slope")),
)
BENCH.wrong(
    "start_of_the_memory_kept",
    "rescaled",
    "that 1 is a squared slope too",
    BENCH.edit("rescaled", ('settings["v0"] * slope**2', 'settings["v0"]')),
)
BENCH.wrong("like_a_constant_window", "alike", "alike", {"alike": "alike = (t - 1) / (t + 1)"})
BENCH.wrong("share_of_the_newest", "alike", "alike", {"alike": "alike = 1 / t"})
BENCH.wrong(
    "without_the_new_gradients",
    "back",
    "back",
    {"back": "back = sp.log(4 / R**2) / sp.log(beta2)"},
)
BENCH.wrong(
    "half_of_the_memory",
    "back",
    "back",
    {"back": "back = sp.log(2 / (R**2 - 1)) / sp.log(beta2)"},
)
BENCH.wrong("the_square_alone", "inner", "inner", {"inner": "inner = eps**2"})
BENCH.wrong("no_square", "inner", "inner", {"inner": "inner = 2 * s * eps"})
BENCH.wrong(
    "slope_not_squared",
    "under_v",
    "under_v",
    BENCH.edit("two_constants", ("eps * c**2 / s**2", "eps * c / s")),
)
BENCH.wrong(
    "metres_for_the_inverse",
    "under_v",
    "under_v",
    BENCH.edit("two_constants", ("eps * c**2 / s**2", "eps * s**2 / c**2")),
)
BENCH.wrong(
    "step_not_squared",
    "under_u",
    "under_u",
    BENCH.edit("two_constants", ("eps * s**2", "eps * s")),
)
BENCH.wrong(
    "decay_from_ordinary_gradients",
    "identify_decay",
    "is epsilon of no account",
    BENCH.edit("identify", ("feed([1e12])", "feed([1.0])")),
)
BENCH.wrong(
    "never_looked_for_the_place",
    "identify_eps",
    "inside the root, you find the other place",
    BENCH.edit("identify", ("bool(feed([g])[0] * floor / g > 0.6)", "False")),
)
BENCH.wrong(
    "root_of_epsilon",
    "identify_eps",
    "inside the root, you find eps",
    BENCH.edit("identify", ("floor**2 if inside else floor", "floor")),
)
BENCH.wrong(
    "without_the_place",
    "identify_decay identify_eps",
    "returns the three",
    BENCH.edit("identify", ("floor**2 if inside else floor, inside", "floor")),
)
BENCH.wrong(
    "exact_like_noise", "exact", "in the first column", {"nearer": "exact, noisy = 100, 100"}
)
BENCH.wrong("noise_like_exact", "noisy", "in the second column", {"nearer": "exact = noisy = 10"})
BENCH.wrong("gain_for_fall", "noisy", "the other way round", {"nearer": "exact, noisy = 10, 3.16"})
BENCH.wrong(
    "much_the_same_sizes",
    "break_a",
    "far below the root mean square",
    {"break_a": "gradients_a = [0.01, 1.0, 0.5] * 15"},
)
BENCH.wrong(
    "faded_by_then",
    "break_a",
    "far below the root mean square",
    {"break_a": "gradients_a = [1.0] + [0.01] * 44"},
)
BENCH.wrong(
    "large_at_the_end",
    "break_b",
    "what does warm_b remember",
    {"break_b": "gradients_b = [0.01] * 44 + [1.0]"},
)
BENCH.wrong(
    "outside_of_the_range",
    "break_b",
    "lie between 0.01 and 1",
    {"break_b": "gradients_b = [100.0] + [0.01] * 44"},
)
BENCH.wrong(
    "sum_before_the_newest",
    "order",
    "The weight of the newest square is missing",
    {"order": BENCH.order("start", "assume", "shrink", "sum", "newest", "induction", "largest")},
)
BENCH.wrong(
    "one_decay_rate_for_all",
    "order",
    "each step has its own",
    {"order": BENCH.order("start", "geometric", "induction", "largest")},
)
