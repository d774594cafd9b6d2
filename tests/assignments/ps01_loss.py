"""Loss functions, right and wrong."""

from tests.assignments.bench import Bench

# A slope that is right whatever the loss of task 2a is.
BENCH = Bench("ps01_loss", given={"count_slope": "count_slope = sp.exp(u) - y"})

_SQUARED = BENCH.edit("squared_error")["squared_error"]
_CROSS = BENCH.edit("cross_entropy")["cross_entropy"]


BENCH.right(
    "by_cases",
    squared_error="""def squared_error(u, y):
    d = y - u
    return (d @ d) / len(d)


def squared_error_slope(u, y):
    return (u - y) / (0.5 * len(u))
""",
    cross_entropy="""def cross_entropy(u, y):
    v = xp.where(y > 0, -u, u)
    return xp.mean(xp.maximum(v, 0 * v) + xp.log1p(xp.exp(-xp.abs(v))))


def cross_entropy_slope(u, y):
    e = xp.exp(-xp.abs(u))
    p = xp.where(u > 0, 1 / (1 + e), e / (1 + e))
    return (p - y) / len(u)
""",
    count_loss='count_loss = "exp(u) - u*y"',
    count_slope='count_slope = "exp(u) - y"',
    slope_home="slope_home = -sp.sqrt(x1**2 + x2**2) - 3 * x2**2 / sp.sqrt(x1**2 + x2**2)",
    stop_early="""def stop_early(losses, patience):
    lowest, where, waited = float("inf"), 0, 0
    for k, loss in enumerate(losses):
        if loss < lowest:
            lowest, where, waited = loss, k, 0
        else:
            waited += 1
            if waited == patience:
                return where
    return where
""",
)

BENCH.right(
    "tanh",
    cross_entropy="""def cross_entropy(u, y):
    return xp.mean(y * xp.logaddexp(0 * u, -u) + (1 - y) * xp.logaddexp(0 * u, u))


def cross_entropy_slope(u, y):
    return (0.5 * (1 + xp.tanh(u / 2)) - y) / u.size
""",
    best_score="best_score = sp.log(y1 + y2 + y3) - sp.log(3)",
    read_off='falls = ["train"]\nbest_step = 80',
    break_a="scores_a = (5, 5, 5)\nlabels_a = (0, 0, 0)",
    break_b="scores_b = [-50]\nlabels_b = [1]",
    order=f"{BENCH.order('split', 'square', 'cross', 'left', 'only')}.lower()",
)

BENCH.right(
    "written_out",
    count_slope="count_slope = sp.exp(u) - y",
    count_loss="p = sp.exp(u * y) * sp.exp(-sp.exp(u))\n"
    "count_loss = sp.expand_log(-sp.log(p), force=True)",
    best_score="best_score = sp.log(sp.Rational(1, 3) * (y1 + y2 + y3))",
    stop_early="""def stop_early(losses, patience):
    for end in range(1, len(losses) + 1):
        seen = list(losses[:end])
        best = seen.index(min(seen))
        if end - 1 - best >= patience:
            return best
    return list(losses).index(min(losses))
""",
    break_b="scores_b = [0.0, 45.0]\nlabels_b = [1, 0]",
)

BENCH.wrong(
    "sum_for_mean",
    "squared_error",
    "their mean is 4.5",
    {"squared_error": _SQUARED.replace("xp.mean(", "xp.sum(")},
)
BENCH.wrong(
    "slope_of_the_sum",
    "squared_slope",
    "this is the slope of the sum",
    {"squared_error": _SQUARED.replace(" / u.shape[0]", "")},
)
BENCH.wrong(
    "slope_without_two",
    "squared_slope",
    "the slope is 2 and -1",
    {"squared_error": _SQUARED.replace("2 * (u - y)", "(u - y)")},
)
BENCH.wrong(
    "slope_that_is_a_number",
    "squared_slope",
    "has shape (2,), not",
    {"squared_error": _SQUARED.replace("2 * (u - y) / u.shape[0]", "[xp.mean(2 * (u - y))]")},
)
BENCH.wrong(
    "slope_the_other_way",
    "squared_slope",
    "the slope is 2 and -1",
    {"squared_error": _SQUARED.replace("2 * (u - y)", "2 * (y - u)")},
)
BENCH.wrong(
    "only_the_label_that_came",
    "cross_entropy any_score",
    "charges nothing where y = 0",
    {
        "cross_entropy": _CROSS.replace(
            "xp.logaddexp(0 * u, u) - y * u", "y * xp.logaddexp(0 * u, -u)"
        )
    },
)
BENCH.wrong(
    "labels_exchanged",
    "cross_entropy any_score",
    "the labels are exchanged",
    {"cross_entropy": _CROSS.replace("- y * u", "- (1 - y) * u")},
)
BENCH.wrong(
    "cross_entropy_summed",
    "cross_entropy",
    "this is the sum over the examples",
    {"cross_entropy": _CROSS.replace("xp.mean(", "xp.sum(")},
)
BENCH.wrong(
    "as_it_stands",
    "any_score",
    "has the loss 800, not infinity",
    {
        "cross_entropy": _CROSS.replace(
            "    return xp.mean(xp.logaddexp(0 * u, u) - y * u)",
            "    p = 1 / (1 + xp.exp(-u))\n"
            "    return xp.mean(-y * xp.log(p) - (1 - y) * xp.log(1 - p))",
        )
    },
)
BENCH.wrong(
    "probability_clipped",
    "any_score",
    "costs 800, not",
    {
        "cross_entropy": _CROSS.replace(
            "    return xp.mean(xp.logaddexp(0 * u, u) - y * u)",
            "    p = xp.clip(xp.exp(-xp.logaddexp(0 * u, -u)), 1e-300, 1 - 1e-15)\n"
            "    return xp.mean(-y * xp.log(p) - (1 - y) * xp.log(1 - p))",
        )
    },
)
BENCH.wrong(
    "cross_slope_the_other_way",
    "cross_slope",
    "have the slopes -1/4",
    {"cross_entropy": _CROSS.replace("(p - y)", "(y - p)")},
)
BENCH.wrong(
    "cross_slope_of_the_sum",
    "cross_slope",
    "this is the slope of the sum",
    {"cross_entropy": _CROSS.replace("(p - y) / u.shape[0]", "p - y")},
)
BENCH.wrong(
    "cross_slope_overflows",
    "cross_slope",
    "the slopes are 0.5 and -0.5",
    {
        "cross_entropy": _CROSS.replace(
            "xp.exp(-xp.logaddexp(0 * u, -u))", "xp.exp(u) / (1 + xp.exp(u))"
        )
    },
)
BENCH.wrong(
    "works_in_place",
    "arrays",
    "squared_error_slope changes an array of the caller",
    {
        "squared_error": _SQUARED.replace(
            "    return 2 * (u - y) / u.shape[0]", "    u -= y\n    return 2 * u / u.shape[0]"
        )
    },
)
BENCH.wrong(
    "in_double",
    "arrays",
    "turns float32 into float64",
    {"cross_entropy": _CROSS.replace("(p - y)", "xp.asarray(p - y, dtype=xp.float64)")},
)
BENCH.wrong(
    "rate_for_score",
    "count_loss",
    "count_loss",
    {"count_loss": "count_loss = u - y * sp.log(u + 1)"},
)
BENCH.wrong(
    "counts_the_other_way",
    "count_loss",
    "count_loss",
    {"count_loss": "count_loss = y * u - sp.exp(u)"},
)
BENCH.wrong(
    "count_with_a_plus",
    "count_loss",
    "count_loss",
    {"count_loss": "count_loss = sp.exp(u) + y * u"},
)
BENCH.wrong(
    "slope_by_the_count",
    "count_slope",
    "count_slope",
    {"count_slope": "count_slope = sp.diff(sp.exp(u) - y * u, y)"},
)
BENCH.wrong(
    "mean_of_the_logarithms",
    "best_score",
    "best_score",
    {"best_score": "best_score = (sp.log(y1) + sp.log(y2) + sp.log(y3)) / 3"},
)
BENCH.wrong(
    "rate_and_not_score",
    "best_score",
    "best_score",
    {"best_score": "best_score = (y1 + y2 + y3) / 3"},
)
BENCH.wrong(
    "direction_too_long",
    "slope_home",
    "slope_home",
    {"slope_home": "slope_home = -(x1**2 + 4 * x2**2)"},
)
BENCH.wrong(
    "steepest_for_home",
    "slope_home",
    "slope_home",
    {"slope_home": "slope_home = -sp.sqrt(x1**2 + 16 * x2**2)"},
)
BENCH.wrong(
    "both_fall",
    "falls",
    "the test loss rises again",
    {"read_off": 'falls = ("train", "test")\nbest_step = 80'},
)
BENCH.wrong(
    "place_for_step",
    "best_step",
    "not the place in the list",
    {"read_off": 'falls = ("train",)\nbest_step = 0 + int(np.argmin(test))'},
)
BENCH.wrong(
    "last_step",
    "best_step",
    "the test loss was lower before",
    {"read_off": 'falls = ("train",)\nbest_step = 4000'},
)
BENCH.wrong(
    "lowest_of_all",
    "stop_early",
    "never sees 0.5",
    {"stop_early": "def stop_early(losses, patience):\n    return int(np.argmin(losses))\n"},
)
BENCH.wrong(
    "no_new_count",
    "stop_early",
    "starts anew",
    {
        "stop_early": """def stop_early(losses, patience):
    best, waited = 0, 0
    for k in range(1, len(losses)):
        if losses[k] < losses[best]:
            best = k
        else:
            waited += 1
            if waited == patience:
                break
    return best
"""
    },
)
BENCH.wrong(
    "equal_is_lower",
    "stop_early",
    "an equal entry is not lower",
    BENCH.edit("stop_early", ("losses[k] < losses", "losses[k] <= losses")),
)
BENCH.wrong(
    "label_one_for_a",
    "break_a",
    "Which label does it charge nothing for",
    {"break_a": "scores_a = [-5.0]\nlabels_a = [1]"},
)
BENCH.wrong(
    "not_far_enough_for_b",
    "break_b",
    "How much can it charge at most",
    {"break_b": "scores_b = [16.0]\nlabels_b = [0]"},
)
BENCH.wrong(
    "cross_term_after_use",
    "order",
    "Only without the middle term",
    {"order": BENCH.order("split", "square", "left", "cross", "only")},
)
BENCH.wrong(
    "with_a_distractor",
    "order",
    "A sum need not be lowest where one of its terms is",
    {"order": BENCH.order("split", "square", "cross", "left", "each", "only")},
)
