"""AdaGrad with decays, shared metrics, lazy rows and the regret's growth, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps07_adagrad")

BENCH.right(
    "in_plain_loops",
    method="""@optedu.implement("adagrad")
def adagrad(xp, x, g, state, t, *, lr=0.01, eps=1e-10, lr_decay=0.0, weight_decay=0.0):
    full = weight_decay * x + g
    new = {"G": full * full + state["G"]}
    return x - full * (lr / (1 + lr_decay * t - lr_decay)) / (eps + new["G"] ** 0.5), new
""",
    shared="""def shared_metric(G, group, c):
    sums, counts = {}, {}
    for one, label in zip(G, group):
        sums[label] = sums.get(label, 0) + one
        counts[label] = counts.get(label, 0) + 1
    s = [(sums[label] / counts[label]) ** 0.5 for label in group]
    return [c * one / sum(s) for one in s]
""",
    lazy="""def lazy_step(x, G, last, rows, g, t, lr, shrink):
    whole = {}
    for row, one in zip(rows, g):
        whole[int(row)] = whole.get(int(row), 0) + one
    new_x, new_G = [], []
    for row, one in whole.items():
        now = x[row].copy()
        for _ in range(t - last[row]):
            now = shrink * now
        new_G.append(G[row] + one**2)
        new_x.append(now - lr * one / (np.sqrt(new_G[-1]) + 1e-10))
    return list(whole), new_x, new_G
""",
    slow='slow = "(A*(1 - p**2) + c**2)/(c*p)**2"',
    break_a="gradients_a = (0.9,) + (0.01,) * 59",
    gain="gain = np.float64((0.9797 - 0.9162) / (0.9797 - 0.9496))",
    third="smooth, noisy = 3.0, np.float64(9)",
)
BENCH.right(
    "in_other_words",
    method="""@optedu.implement("adagrad")
def adagrad(xp, x, g, state, t, *, lr=1e-2, eps=1e-10, lr_decay=0, weight_decay=0):
    before = t - 1
    h = g + x * weight_decay
    G = state["G"] + xp.square(h)
    root = xp.sqrt(G)
    return x - h / (root + eps) * lr / (1 + before * lr_decay), {**state, "G": G}
""",
    shared="""def shared_metric(G, group, c):
    label, place, count = np.unique(group, return_inverse=True, return_counts=True)
    root = np.sqrt(np.bincount(place, weights=G) / count)
    return (c * root / (count * root).sum())[place]
""",
    lazy="""def lazy_step(x, G, last, rows, g, t, lr, shrink):
    changed = np.array(sorted(set(rows.tolist()), reverse=True))
    whole = (changed[:, None] == rows[None, :]).astype(float) @ g
    squares = G[changed] + whole * whole
    waited = (t - last[changed])[:, None]
    return changed, x[changed] * shrink**waited - lr * whole / np.sqrt(squares + 1e-30), squares
""",
    power="power = (2 * a + 1) ** sp.Rational(1, 2)",
    factor="factor = sp.sqrt(q**2 - 1) / q",
    ratio="ratio = sp.exp((sp.log(G1) - sp.log(G2)) / (1 + p))",
    price="price = (R + 1 + R**b + R ** (1 - b)) / (1 + R + 2 * sp.sqrt(R))",
    rates="rate_row, rate_all = 0.559, 7.906",
    break_b="gradients_b = np.append(np.full(59, 0.01), 0.9)",
    order=BENCH.order("tangent", "positive", "rim", "ratio", "insert", "telescope", "end"),
)
BENCH.right(
    "a_sum_beside_the_program",
    method="""@optedu.implement("adagrad")
def adagrad(xp, x, g, state, t, *, lr=1e-2, eps=1e-10, lr_decay=0.0, weight_decay=0.0):
    kept = dict(state)
    kept["G"] = kept["G"] + (g + weight_decay * x) * (g + weight_decay * x)
    rate = lr if t == 1 else lr / (1.0 + lr_decay * (t - 1))
    return x - rate * (g + weight_decay * x) / (xp.sqrt(kept["G"]) + eps), kept
""",
    shared="""def shared_metric(G, group, c):
    group = np.array(group)
    same = group[:, None] == group[None, :]
    s = (same @ G / same.sum(axis=1)) ** 0.5
    return s / np.sum(s) * c
""",
    lazy="""def lazy_step(x, G, last, rows, g, t, lr, shrink):
    whole = np.zeros_like(x)
    for row, one in zip(rows, g):
        whole[row] += one
    changed = np.unique(rows)
    later = x * np.power(float(shrink), t - last)[:, None]
    sums = G + whole**2
    moved = later - lr * whole / (np.sqrt(sums) + 1e-10)
    return changed, moved[changed], sums[changed]
""",
    slow="slow = 1 / p**2 + A / c**2 * (1 / p**2 - 1)",
    price="""s = [R**b / (R**b + 1), 1 / (R**b + 1)]
price = (R / s[0] + 1 / s[1]) / (1 + sp.sqrt(R)) ** 2
""",
    third="smooth, noisy = 3, 8.5",
    order=BENCH.order("positive", "rim", "tangent", "ratio", "insert", "telescope", "end"),
)
BENCH.right(
    "as_text",
    power='power = "sqrt(1 + 2*a)"',
    factor='factor = "(1 - q**(-2))**(1/2)"',
    ratio='ratio = "(G_1/G_2)**(1/(1 + p))"',
    rates="rate_row, rate_all = sp.sqrt(5).n() / 4, 0.25 * np.sqrt(1000)",
    gain="gain = 2.11",
    break_a="gradients_a = [1, 1] + [0.01] * 58",
    order=BENCH.order("rim", "positive", "ratio", "tangent", "insert", "telescope", "end").lower(),
)

BENCH.wrong(
    "sizes_for_squares",
    "method_sum method_step method_decays",
    "adagrad",
    BENCH.edit("method", ('state["G"] + g**2', 'state["G"] + xp.abs(g)')),
)
BENCH.wrong(
    "no_root",
    "method_step method_decays",
    "adagrad",
    BENCH.edit("method", ("xp.sqrt(G)", "G")),
)
BENCH.wrong(
    "epsilon_inside",
    "method_step",
    "eps",
    BENCH.edit("method", ("(xp.sqrt(G) + eps)", "xp.sqrt(G + eps)")),
)
BENCH.wrong(
    "the_root_of_before",
    "method_step method_decays",
    "adagrad",
    BENCH.edit("method", ("xp.sqrt(G)", 'xp.sqrt(state["G"])')),
)
BENCH.wrong(
    "a_mean_in_place_of_the_sum",
    "method_sum method_step method_decays",
    "G",
    BENCH.edit("method", ('state["G"] + g**2', '0.9 * state["G"] + 0.1 * g**2')),
)
BENCH.wrong(
    "one_sum_for_all",
    "method_sum method_step",
    "G",
    BENCH.edit("method", ("+ g**2", "+ xp.sum(g**2) + 0 * g")),
)
BENCH.wrong(
    "one_library",
    "method_any",
    "array",
    BENCH.edit("method", ("xp.sqrt(G)", "np.sqrt(np.asarray(G))")),
)
BENCH.wrong(
    "in_the_callers_arrays",
    "method_any",
    "changes an array in place",
    BENCH.edit("method", ('G = state["G"] + g**2', 'G = state["G"]\n    G += g**2')),
)
BENCH.wrong(
    "decay_beside_adagrad",
    "method_decays",
    "your G knows nothing of the decay",
    BENCH.edit(
        "method",
        ("    g = g + weight_decay * x\n", ""),
        ("return x - rate", "return x - rate * weight_decay * x - rate"),
    ),
)
BENCH.wrong(
    "decay_in_the_sum_alone",
    "method_decays",
    "the new x is 3.6",
    BENCH.edit(
        "method",
        ("    g = g + weight_decay * x\n", ""),
        ('state["G"] + g**2', 'state["G"] + (g + weight_decay * x) ** 2'),
    ),
)
BENCH.wrong(
    "decay_with_the_wrong_sign",
    "method_decays",
    "the new G is 25",
    BENCH.edit("method", ("g + weight_decay", "g - weight_decay")),
)
BENCH.wrong(
    "rate_decays_at_once",
    "method_decays",
    "in step 1 the rate is still lr",
    BENCH.edit("method", ("(t - 1) * lr_decay", "t * lr_decay")),
)
BENCH.wrong(
    "rate_decays_by_a_power",
    "method_decays",
    "how many steps were taken before it?",
    BENCH.edit("method", ("(1 + (t - 1) * lr_decay)", "(1 + lr_decay) ** (t - 1)")),
)
BENCH.wrong(
    "sum_of_the_group",
    "shared",
    "Other s with the same sum cost less",
    BENCH.edit("shared", (".mean()", ".sum()")),
)
BENCH.wrong(
    "mean_of_the_roots",
    "shared",
    "a mean of the roots",
    BENCH.edit("shared", ("np.sqrt(G[members].mean())", "np.sqrt(G[members]).mean()")),
)
BENCH.wrong(
    "largest_of_the_group",
    "shared",
    "Other s with the same sum cost less",
    BENCH.edit("shared", (".mean()", ".max()")),
)
BENCH.wrong(
    "nothing_shared",
    "shared",
    "the s of group",
    {
        "shared": """def shared_metric(G, group, c):
    return c * np.sqrt(G) / np.sqrt(G).sum()
"""
    },
)
BENCH.wrong(
    "budget_over_the_groups",
    "shared",
    "over all coordinates",
    {
        "shared": """def shared_metric(G, group, c):
    label, place, count = np.unique(group, return_inverse=True, return_counts=True)
    root = np.sqrt(np.bincount(place, weights=G) / count)
    return (c * root / root.sum())[place]
"""
    },
)
BENCH.wrong(
    "labels_as_places",
    "shared",
    "all s are positive",
    {
        "shared": """def shared_metric(G, group, c):
    G, group = np.asarray(G, dtype=float), np.asarray(group)
    root = np.zeros(len(G))
    for label in range(max(group) + 1):
        members = group == label
        if members.any():
            root[members] = np.sqrt(G[members].mean())
    return c * root / root.sum()
"""
    },
)
BENCH.wrong(
    "shrunk_once_only",
    "lazy_late",
    "which steps did it miss?",
    BENCH.edit("lazy", ("shrink ** (t - last[changed])", "shrink ** (t > last[changed])")),
)
BENCH.wrong(
    "one_step_too_few",
    "lazy_late",
    "first shrink, then step",
    BENCH.edit("lazy", ("(t - last[changed])", "(t - last[changed] - 1)")),
)
BENCH.wrong(
    "shrunk_after_the_step",
    "lazy_late",
    "first shrink, then step",
    BENCH.edit(
        "lazy",
        (
            "late[:, None] * x[changed] - lr * whole / (np.sqrt(G_new) + 1e-10)",
            "late[:, None] * (x[changed] - lr * whole / (np.sqrt(G_new) + 1e-10))",
        ),
    ),
)
BENCH.wrong(
    "sum_shrinks_too",
    "lazy_late",
    "G does not shrink",
    BENCH.edit(
        "lazy",
        ("    late = shrink ** (t - last[changed])\n", ""),
        (
            "    G_new = G[changed] + whole**2\n",
            "    late = shrink ** (t - last[changed])\n"
            "    G_new = G[changed] * late[:, None] + whole**2\n",
        ),
    ),
)
BENCH.wrong(
    "shrunk_by_the_number_of_steps",
    "lazy_late",
    "which steps did it miss?",
    BENCH.edit("lazy", ("shrink ** (t - last[changed])", "1 - (1 - shrink) * (t - last[changed])")),
)
BENCH.wrong(
    "last_of_two_gradients",
    "lazy_twice",
    "knows the last one only",
    BENCH.edit("lazy", ("np.add.at(whole, place, g)", "whole[place] = g")),
)
BENCH.wrong(
    "squares_of_two_gradients",
    "lazy_twice",
    "you add their squares",
    BENCH.edit(
        "lazy",
        (
            "    G_new = G[changed] + whole**2\n",
            "    G_new = G[changed].copy()\n    np.add.at(G_new, place, g**2)\n",
        ),
    ),
)
BENCH.wrong(
    "a_word_written_twice",
    "lazy_twice",
    "named once",
    {
        "lazy": """def lazy_step(x, G, last, rows, g, t, lr, shrink):
    G_new = G[rows] + g**2
    late = shrink ** (t - last[rows])
    return rows, late[:, None] * x[rows] - lr * g / (np.sqrt(G_new) + 1e-10), G_new
"""
    },
)
BENCH.wrong("from_zero", "slow", "slow", {"slow": "slow = 1 / p**2"})
BENCH.wrong("start_over_square", "slow", "slow", {"slow": "slow = 1 / p**2 - A / c**2"})
BENCH.wrong("step_before_growth", "power", "power", {"power": "power = sp.sqrt(a + 1)"})
BENCH.wrong("not_a_root", "power", "power", {"power": "power = 2 * a + 1"})
BENCH.wrong("one_factor", "factor", "factor", {"factor": "factor = sp.sqrt(1 - 1 / q)"})
BENCH.wrong("slows_down_by_the_factor", "factor", "factor", {"factor": "factor = 1 / q"})
BENCH.wrong("whole_step", "factor", "factor", {"factor": "factor = 1 - 1 / q**2"})
BENCH.wrong(
    "exponent_of_the_budget", "ratio", "ratio", {"ratio": "ratio = (G1 / G2) ** (1 / (2 * p))"}
)
BENCH.wrong("half_of_it", "ratio", "ratio", {"ratio": "ratio = (G1 / G2) ** (p / 2)"})
BENCH.wrong(
    "without_the_budget",
    "price",
    "price",
    {"price": "price = (R ** (1 - b) + 1) / (sp.sqrt(R) + 1)"},
)
BENCH.wrong("root_of_the_price", "price", "price", {"price": "price = R**b * R ** (1 - b) / R"})
BENCH.wrong("gain_upside_down", "gain", "the other way round", {"gain": "gain = 0.474"})
BENCH.wrong("all_at_one_rate", "gain", "each at its own best rate", {"gain": "gain = 1.636"})
BENCH.wrong(
    "not_a_root_of_five",
    "rate_row",
    "what is the step divided by?",
    {"rates": "rate_row, rate_all = 1.25, 0.25 * 1000**0.5"},
)
BENCH.wrong(
    "the_other_direction",
    "rate_row",
    "the rate has to make up for it",
    {"rates": "rate_row, rate_all = 0.25 / 5**0.5, 0.25 * 1000**0.5"},
)
BENCH.wrong(
    "rows_alone",
    "rate_all",
    "not over its rows",
    {"rates": "rate_row, rate_all = 0.25 * 5**0.5, 0.25 * 200**0.5"},
)
BENCH.wrong(
    "square_root_without_noise", "smooth", "first column", {"third": "smooth, noisy = 9, 9"}
)
BENCH.wrong("noise_like_exact", "noisy", "second column", {"third": "smooth, noisy = 3, 3"})
BENCH.wrong(
    "a_burst_at_the_end",
    "break_a",
    "a mean has forgotten",
    {"break_a": "gradients_a = [0.01] * 59 + [1.0]"},
)
BENCH.wrong(
    "out_of_the_range",
    "break_a",
    "lie between 0.01 and 1",
    {"break_a": "gradients_a = [100.0] + [0.01] * 59"},
)
BENCH.wrong(
    "a_burst_at_the_start",
    "break_b",
    "a root that does not know it",
    {"break_b": "gradients_b = [1.0] + [0.01] * 59"},
)
BENCH.wrong(
    "term_before_its_sum",
    "order",
    "The logarithm of $u_t$ needs a positive $u_t$",
    {"order": BENCH.order("rim", "ratio", "tangent", "insert", "positive", "telescope", "end")},
)
BENCH.wrong(
    "tangent_above",
    "order",
    "The logarithm bends downward",
    {"order": BENCH.order("rim", "ratio", "positive", "above", "insert", "telescope", "end")},
)
