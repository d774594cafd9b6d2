"""Widths, profiles and tuning plans, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps12_sensitivity")

BENCH.right(
    "in_plain_loops",
    good_factor="""def good_factor(rates, losses, goal):
    pairs = sorted(zip(rates, losses))
    best, count, k = 0.0, 0, 0
    while k < len(pairs):
        end = k
        while end < len(pairs) and pairs[end][1] <= goal:
            end += 1
        if end - k > count:
            best, count = pairs[end - 1][0] / pairs[k][0], end - k
        k = max(end, k + 1)
    return best
""",
    steps_to="""def steps_to(losses, goal):
    found = []
    for run in losses.T:
        hits = [k for k, loss in enumerate(run) if loss <= goal]
        found.append(hits[0] if hits else float("inf"))
    return found
""",
    profile="""def profile(steps, taus):
    out = []
    for tau in taus:
        row = []
        for j in range(steps.shape[1]):
            hits = [s[j] < np.inf and s[j] / s.min() <= tau for s in steps]
            row.append(sum(hits) / len(hits))
        out.append(row)
    return out
""",
    next_rate="""def next_rate(rates, losses):
    k = len(rates)
    if k < 9:
        return 10.0 ** (k - 4)
    best = rates[int(np.argmin(losses))]
    known = np.sort(np.log(rates))
    here = int(np.searchsorted(known, np.log(best) - 1e-9))
    around = known[max(here - 1, 0) : here + 2]
    gap = int(np.argmax(np.diff(around)))
    return float(np.exp((around[gap] + around[gap + 1]) / 2))
""",
    decided='decided = "cb"',
)
BENCH.right(
    "in_other_words",
    good_factor="""def good_factor(rates, losses, goal):
    order = np.argsort(np.array(rates))
    rates, losses = np.array(rates)[order], np.array(losses)[order]
    edges = np.diff(np.concatenate([[0], (losses <= goal).astype(int), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(starts):
        return 0
    k = np.argmax(ends - starts)
    return rates[ends[k] - 1] / rates[starts[k]]
""",
    steps_to="""def steps_to(losses, goal):
    first = np.argmax(losses <= goal, axis=0).astype(float)
    first[~(losses <= goal).any(axis=0)] = np.inf
    return first
""",
    profile="""def profile(steps, taus):
    with np.errstate(invalid="ignore"):
        ratio = steps / steps.min(axis=1)[:, None]
    return np.array([(ratio <= tau).mean(axis=0) for tau in taus])
""",
    least_steps="least_steps = sp.log(1 / delta) / (sp.log(kappa + 1) - sp.log(kappa - 1))",
    lowest="u = sp.Symbol('u', positive=True)\nlowest = sp.integrate(u**n, (u, 0, 1))",
    half_steps="half_steps = sp.log(2) / sp.log(1 / beta2 ** (C / B))",
    break_a="losses_a = ((0, 9, 0, 9, 0), (0.6, 9.6, 0.6, 9.6, 0.6))",
)
BENCH.right(
    "another_plan",
    next_rate="""def next_rate(rates, losses):
    if len(rates) < 9:
        return 10.0 ** (4 - len(rates))
    best = rates[int(np.argmin(losses[:9]))]
    return best * 10.0 ** np.linspace(-0.7, 0.7, 7)[(len(rates) - 9) % 7]
""",
    lowest='lowest = "1 / (n + 1)"',
    break_b="runs_b = ((2.0, 1.0), (float('nan'), 3.0))",
    order=BENCH.order("tangent", "miss", "all", "bound", "insert"),
)

BENCH.wrong(
    "from_the_first_to_the_last",
    "good_factor",
    "there is a bad one between",
    {
        "good_factor": """def good_factor(rates, losses, goal):
    good = [rate for rate, loss in zip(rates, losses) if loss <= goal]
    return max(good) / min(good) if good else 0.0
"""
    },
)
BENCH.wrong(
    "in_the_order_of_the_trials",
    "good_factor",
    "rates may come in any order",
    {
        "good_factor": BENCH.edit("good_factor", ("np.argsort(rates)", "np.arange(len(rates))"))[
            "good_factor"
        ]
    },
)
BENCH.wrong(
    "below_the_goal_only",
    "good_factor",
    "a loss that equals the goal is good",
    BENCH.edit("good_factor", ("<= goal", "< goal")),
)
BENCH.wrong(
    "whole_factors",
    "good_factor",
    "the factor is 2.5, not 2",
    BENCH.edit("good_factor", ("float(longest[-1] / longest[0])", "int(longest[-1] / longest[0])")),
)
BENCH.wrong(
    "nan_is_good",
    "good_factor",
    "nan is not",
    BENCH.edit(
        "good_factor", ("np.asarray(losses)[order] <= goal", "~(np.asarray(losses)[order] > goal)")
    ),
)
BENCH.wrong(
    "one_for_none",
    "good_factor",
    "the factor is 0",
    BENCH.edit("good_factor", ("if longest else 0.0", "if longest else 1.0")),
)
BENCH.wrong(
    "never_is_zero",
    "steps_to",
    "takes infinitely many steps",
    {"steps_to": "def steps_to(losses, goal):\n    return (losses <= goal).argmax(axis=0)\n"},
)
BENCH.wrong(
    "the_last_rise_counts",
    "steps_to",
    "later rises do not count",
    {
        "steps_to": """def steps_to(losses, goal):
    above = ~(losses <= goal)
    last = len(losses) - above[::-1].argmax(axis=0)
    last[~above.any(axis=0)] = 0
    return np.where(last < len(losses), last, np.inf)
"""
    },
)
BENCH.wrong(
    "counted_from_one",
    "steps_to",
    "at the steps 1 and 2",
    BENCH.edit("steps_to", ("there.argmax(axis=0)", "1 + there.argmax(axis=0)")),
)
BENCH.wrong(
    "nan_is_there",
    "steps_to",
    "never gets to 2",
    BENCH.edit("steps_to", ("losses <= goal", "~(losses > goal)")),
)
BENCH.wrong(
    "fastest_of_all_problems",
    "profile",
    "the fastest method on the same problem",
    BENCH.edit("profile", ("steps.min(axis=1, keepdims=True)", "steps.min()")),
)
BENCH.wrong(
    "nobody_is_everybody",
    "profile",
    "counts for nobody",
    BENCH.edit("profile", (" & xp.isfinite(steps)", "")),
)
BENCH.wrong(
    "share_of_the_solved",
    "profile",
    "one of all problems",
    {
        "profile": BENCH.edit("profile")["profile"].replace(
            "    fastest =", "    steps = steps[xp.isfinite(steps).any(axis=1)]\n    fastest ="
        )
    },
)
BENCH.wrong(
    "strictly_within",
    "profile",
    "at 1 the shares are 1 and 0.5",
    BENCH.edit("profile", ("steps <= limit", "steps < limit")),
)
BENCH.wrong(
    "rate_of_one_over_l",
    "least_steps",
    "least_steps",
    {"least_steps": "least_steps = sp.log(delta) / sp.log(1 - 1 / kappa)"},
)
BENCH.wrong(
    "the_loss_for_the_distance",
    "least_steps",
    "least_steps",
    {"least_steps": "least_steps = sp.log(delta) / (2 * sp.log((kappa - 1) / (kappa + 1)))"},
)
BENCH.wrong("one_over_n", "lowest", "lowest", {"lowest": "lowest = 1 / n"})
BENCH.wrong("halved_each_time", "lowest", "lowest", {"lowest": "lowest = 2 ** (-n)"})
BENCH.wrong(
    "half_life_in_the_old_steps",
    "half_steps",
    "half_steps",
    {"half_steps": "half_steps = sp.log(sp.Rational(1, 2)) / sp.log(beta2)"},
)
BENCH.wrong(
    "the_wrong_way_round",
    "half_steps",
    "half_steps",
    {"half_steps": "half_steps = C / B * sp.log(sp.Rational(1, 2)) / sp.log(beta2)"},
)
BENCH.wrong(
    "equal_steps",
    "plan fine",
    "does the plan try all powers of ten",
    {"next_rate": "def next_rate(rates, losses):\n    return 1.0 + len(rates) % 16 * 625.0\n"},
)
BENCH.wrong(
    "equal_factors",
    "fine",
    "spend the second half of the budget",
    {
        "next_rate": """def next_rate(rates, losses):
    return 10.0 ** (-4 + 8 * (len(rates) % 16) / 15)
"""
    },
)
BENCH.wrong(
    "never_above_one",
    "plan fine",
    "does the plan try all powers of ten",
    BENCH.edit("next_rate", ("range(-4, 5)", "range(-8, 1)")),
)
BENCH.wrong(
    "lost_where_all_diverge",
    "rates",
    "a rate is positive and finite",
    {
        "next_rate": BENCH.edit("next_rate")["next_rate"].replace(
            "    best = min(",
            "    if min(losses) == float('inf'):\n        return 0.0\n    best = min(",
        )
    },
)
BENCH.wrong(
    "by_the_size_of_the_difference",
    "decided",
    "how far the seeds scatter",
    {"decided": 'decided = "AE"'},
)
BENCH.wrong(
    "small_is_nothing",
    "decided",
    "almost the same on every seed",
    {"decided": 'decided = "C"'},
)
BENCH.wrong(
    "differences_that_scatter",
    "break_a",
    "scatter by",
    {"break_a": "losses_a = ([1, 3, 5, 7, 9], [0, 1, 4, 5, 8])"},
)
BENCH.wrong(
    "seen_by_both",
    "break_a",
    "here interval A sees the difference",
    {"break_a": "losses_a = ([5, 5, 5, 5, 5], [4, 4, 4, 4, 4])"},
)
BENCH.wrong(
    "a_tie",
    "break_b",
    "here best B is right",
    {"break_b": "runs_b = ([1.0, 2.0], [3.0, float('inf')])"},
)
BENCH.wrong(
    "bound_before_the_tangent",
    "order",
    "The bound of one factor is needed first",
    {"order": BENCH.order("miss", "all", "bound", "tangent", "insert")},
)
