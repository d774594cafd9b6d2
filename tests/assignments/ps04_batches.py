"""Batches, parts and floors, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps04_batches")

_EPOCH = BENCH.edit("epoch")["epoch"]


def _accumulate(*lines: str) -> dict[str, str]:
    return {"accumulate": "\n    ".join(("def accumulate(means, counts):", *lines)) + "\n"}


def _clip(*lines: str) -> dict[str, str]:
    return {"clip": "\n    ".join(("def clip(parts, limit):", *lines)) + "\n"}


def _estimate(*lines: str) -> dict[str, str]:
    body = "\n    ".join(("def signal_and_noise(squares, sizes):", *lines))
    return {"signal_and_noise": body + "\n"}


BENCH.right(
    "drawn_one_by_one",
    epoch="""def epoch(count, size, seed):
    rng, left, batches = np.random.default_rng(seed), list(range(count)), []
    while left:
        batch = []
        while left and len(batch) < size:
            batch.append(left.pop(int(rng.integers(len(left)))))
        batches.append(batch)
    return batches
""",
    accumulate="""def accumulate(means, counts):
    mean, seen = 0 * means[0], 0
    for g, n in zip(means, counts):
        if n == 0:
            continue
        seen += n
        mean = g if seen == n else mean + (g - mean) * (n / seen)
    return mean
""",
    clip="""def clip(parts, limit):
    length = sum(float((part * part).sum()) for part in parts) ** 0.5
    if length > limit:
        return [part * (limit / length) for part in parts]
    return [part.copy() for part in parts]
""",
    fewer='fewer = "m / (1 + (m - 1) / N)"',
    next_square="slope = sp.Symbol('slope')\n"
    "square = sp.expand((x - eta * slope * x) ** 2)\n"
    "next_square = square.coeff(slope, 0) + square.coeff(slope, 1) * h"
    " + square.coeff(slope, 2) * (h**2 + v / B)",
    read_off='lowest = "C"\nastray = "E"',
    signal_and_noise="""def signal_and_noise(squares, sizes):
    rows = np.array([[1.0, 1 / size] for size in sizes])
    return tuple(np.linalg.solve(rows, np.array(squares)))
""",
)

BENCH.right(
    "sorted_by_chance",
    epoch="""def epoch(count, size, seed):
    order = np.argsort(np.random.default_rng(seed).random(count))
    return np.split(order, range(size, count, size))
""",
    accumulate="""def accumulate(means, counts):
    used = [k for k in range(len(counts)) if counts[k]]
    return sum(means[k] * (counts[k] / sum(counts)) for k in used)
""",
    clip="""def clip(parts, limit):
    together = xp.concatenate([xp.ravel(part) for part in parts])
    longer = max(float(xp.linalg.norm(together)) / limit, 1.0)
    return [part / longer for part in parts]
""",
    at_floor="at_floor = 1 / (2 / (eta * h) - 1)",
    rate_limit="rate_limit = 2 * h * B / (B * h**2 + v)",
    break_a="parts_a = ([0] * 9, [7.5])",
    break_b="grads_b = (-0.01, -0.02, -0.03)",
    order=f"{BENCH.order('step', 'multiply', 'add', 'square', 'pairs')}.lower()",
)

BENCH.right(
    "in_other_words",
    epoch="""def epoch(count, size, seed):
    rng = np.random.default_rng(seed)
    order = rng.choice(count, count, replace=False).tolist()
    batches = []
    while order:
        batches.append(order[:size])
        del order[:size]
    return batches
""",
    accumulate="""def accumulate(means, counts):
    total, examples = xp.zeros_like(means[0]), 0
    for k, n in enumerate(counts):
        total = total + xp.nan_to_num(means[k]) * n
        examples = examples + n
    return total / examples
""",
    clip="""def clip(parts, limit):
    length = xp.sqrt(sum(xp.vdot(part, part) for part in parts))
    return [part * min(limit / length, 1.0) for part in parts]
""",
    fewer="size = sp.Symbol('size', positive=True)\n"
    "(fewer,) = sp.solve(sp.Eq((N - size) / (size * (N - 1)), 1 / m), size)",
    rate_limit="(rate_limit,) = sp.solve((1 - eta * h) ** 2 + eta**2 * v / B - 1, eta)",
    signal_and_noise="""def signal_and_noise(squares, sizes):
    (one, other), (few, many) = squares, sizes
    signal = (many * other - few * one) / (many - few)
    return [signal, few * (one - signal)]
""",
    break_b="grads_b = [0.25, 0.0, 0.25]",
)

BENCH.wrong(
    "drawn_with_replacement",
    "epoch",
    "draw without replacement",
    {"epoch": _EPOCH.replace(".permutation(count)", ".integers(count, size=count)")},
)
BENCH.wrong(
    "the_rest_is_left_out",
    "epoch",
    "the last minibatch holds the rest",
    {"epoch": _EPOCH.replace("range(0, count, size)", "range(0, count - size + 1, size)")},
)
BENCH.wrong(
    "counted_from_one",
    "epoch chance",
    "each number from 0 on comes once",
    {"epoch": _EPOCH.replace(".permutation(count)", ".permutation(count) + 1")},
)
BENCH.wrong(
    "minibatches_of_equal_lengths",
    "epoch",
    "are minibatches of 4, 4 and 2",
    {
        "epoch": """def epoch(count, size, seed):
    order = np.random.default_rng(seed).permutation(count)
    return np.array_split(order, -(-count // size))
"""
    },
)
BENCH.wrong(
    "never_shuffled",
    "chance",
    "there is no chance in it",
    {"epoch": _EPOCH.replace("np.random.default_rng(seed).permutation(count)", "np.arange(count)")},
)
BENCH.wrong(
    "a_seed_of_its_own",
    "chance",
    "gives two different orders",
    {"epoch": _EPOCH.replace("default_rng(seed)", "default_rng()")},
)
BENCH.wrong(
    "one_seed_for_all",
    "chance",
    "there is no chance in it",
    {"epoch": _EPOCH.replace("default_rng(seed)", "default_rng(0)")},
)
BENCH.wrong(
    "begins_anywhere",
    "chance",
    "mix the examples, not whole minibatches",
    {
        "epoch": _EPOCH.replace(
            "np.random.default_rng(seed).permutation(count)",
            "np.roll(np.arange(count), np.random.default_rng(seed).integers(count))",
        )
    },
)
BENCH.wrong(
    "sum_of_the_parts",
    "accumulate empty",
    "K times its learning rate",
    _accumulate("return sum(g for g, n in zip(means, counts) if n > 0)"),
)
BENCH.wrong(
    "mean_of_means",
    "accumulate empty",
    "one example weighs as much as nine",
    _accumulate("return xp.mean(xp.stack([g for g, n in zip(means, counts) if n]), axis=0)"),
)
BENCH.wrong(
    "weighted_and_divided_by_the_parts",
    "accumulate empty",
    "divided by all 10, not by the 2 parts",
    _accumulate("return sum(n * g for g, n in zip(means, counts) if n > 0) / len(means)"),
)
BENCH.wrong(
    "one_number_for_all_entries",
    "accumulate",
    "has the shape of one gradient",
    _accumulate(
        "total = sum(n * xp.mean(g) for g, n in zip(means, counts) if n > 0)",
        "return total / sum(counts) + 0 * means[counts.index(max(counts))][:1]",
    ),
)
BENCH.wrong(
    "nothing_times_nan",
    "empty",
    "0 times nan is nan",
    _accumulate("return sum(n * g for g, n in zip(means, counts)) / sum(counts)"),
)
BENCH.wrong(
    "adds_in_place",
    "arrays",
    "accumulate changes an array of the caller",
    _accumulate(
        "means = [g for g, n in zip(means, counts) if n > 0]",
        "counts = [n for n in counts if n > 0]",
        "for g, n in zip(means, counts):",
        "    g *= n",
        "return sum(means) / sum(counts)",
    ),
)
BENCH.wrong(
    "each_array_by_itself",
    "clip",
    "each array was shortened by itself",
    _clip(
        "lengths = [xp.sqrt(xp.sum(part**2)) for part in parts]",
        "return [",
        "    part if length <= limit else part * (limit / length)",
        "    for part, length in zip(parts, lengths)",
        "]",
    ),
)
BENCH.wrong(
    "each_entry_by_itself",
    "clip",
    "each entry was limited by itself",
    _clip("return [xp.clip(part, -limit, limit) for part in parts]"),
)
BENCH.wrong(
    "always_the_same_length",
    "clip",
    "a limit of 10 leaves it as it is",
    _clip(
        "length = xp.sqrt(sum(xp.sum(part**2) for part in parts)) + xp.float32(1e-30)",
        "return [part * (limit / length) for part in parts]",
    ),
)
BENCH.wrong(
    "nothing_over_nothing",
    "clip",
    "a gradient of zeros stays zero",
    _clip(
        "length = xp.sqrt(sum(xp.sum(part**2) for part in parts))",
        "return [part / length * min(length, limit) for part in parts]",
    ),
)
BENCH.wrong(
    "length_not_rooted",
    "clip",
    "a limit of 10 leaves it as it is",
    BENCH.edit("clip", ("xp.sqrt(sum(", "(sum(")),
)
BENCH.wrong(
    "shortened_in_place",
    "arrays",
    "clip changes an array of the caller",
    {
        "clip": BENCH.edit("clip")["clip"].replace(
            "    return [factor * part for part in parts]",
            "    for part in parts:\n        part *= factor\n    return parts",
        )
    },
)
BENCH.wrong(
    "in_double",
    "arrays",
    "clip turns float32 into float64",
    {"clip": BENCH.edit("clip")["clip"].replace("factor * part", "xp.float64(factor) * part")},
)
BENCH.wrong(
    "as_many_as_with_replacement",
    "fewer",
    "fewer",
    {"fewer": "fewer = m * (N - m) / (N - 1)"},
)
BENCH.wrong(
    "n_for_n_minus_one",
    "fewer",
    "fewer",
    {"fewer": "fewer = m * N / (N + m)"},
)
BENCH.wrong(
    "floor_without_its_end",
    "at_floor",
    "at_floor",
    {"at_floor": "at_floor = eta * h / 2"},
)
BENCH.wrong(
    "point_for_gradient",
    "at_floor",
    "at_floor",
    {"at_floor": "at_floor = eta / (h * (2 - eta * h))"},
)
BENCH.wrong(
    "noise_that_does_not_grow_with_x",
    "next_square",
    "next_square",
    {"next_square": "next_square = x**2 * (1 - eta * h) ** 2 + eta**2 * v / B"},
)
BENCH.wrong(
    "square_of_the_mean",
    "next_square",
    "next_square",
    {"next_square": "next_square = x**2 * (1 - eta * h) ** 2"},
)
BENCH.wrong(
    "rate_of_the_fastest_fall",
    "rate_limit",
    "rate_limit",
    {"rate_limit": "rate_limit = h / (h**2 + v / B)"},
)
BENCH.wrong(
    "limit_of_the_mean",
    "rate_limit",
    "rate_limit",
    {"rate_limit": "rate_limit = 2 / h"},
)
BENCH.wrong(
    "by_the_short_form",
    "lowest",
    "look at what was measured",
    {"read_off": 'lowest = "E"\nastray = "E"'},
)
BENCH.wrong(
    "smallest_rate",
    "lowest",
    "compare the numbers that were measured",
    {"read_off": 'lowest = "A"\nastray = "E"'},
)
BENCH.wrong(
    "astray_at_d",
    "astray",
    "where is 2 - rate far from 2",
    {"read_off": 'lowest = "C"\nastray = "D"'},
)
BENCH.wrong(
    "large_batch_for_the_truth",
    "signal_and_noise",
    "the gradient of the larger batch has noise too",
    _estimate("return squares[1], (squares[0] - squares[1]) * sizes[0]"),
)
BENCH.wrong(
    "noise_of_the_batch",
    "signal_and_noise",
    "noise is that of one example",
    _estimate(
        "noise = (squares[0] - squares[1]) / (1 - sizes[0] / sizes[1])",
        "return squares[0] - noise, noise",
    ),
)
BENCH.wrong(
    "noise_before_signal",
    "signal_and_noise",
    "there is no noise",
    _estimate(
        "noise = (squares[0] - squares[1]) / (1 / sizes[0] - 1 / sizes[1])",
        "return noise, squares[0] - noise / sizes[0]",
    ),
)
BENCH.wrong(
    "equal_parts",
    "break_a",
    "Which losses weigh most",
    {"break_a": "parts_a = [[10, 0], [0, 0]]"},
)
BENCH.wrong(
    "not_unequal_enough",
    "break_a",
    "Which losses weigh most",
    {"break_a": "parts_a = [[10], [1] * 9]"},
)
BENCH.wrong(
    "both_are_cut",
    "break_b",
    "that hides the mistake",
    {"break_b": "grads_b = [5.0, 5.0, 5.0, 5.0]"},
)
BENCH.wrong(
    "only_twice_as_long",
    "break_b",
    "Which factor is forgotten",
    {"break_b": "grads_b = [0.1, 0.1]"},
)
BENCH.wrong(
    "sum_before_the_factor",
    "order",
    "Neighbours cancel only once",
    {"order": BENCH.order("step", "add", "multiply", "square", "pairs")},
)
BENCH.wrong(
    "with_a_distractor",
    "order",
    "stays for ever",
    {"order": BENCH.order("step", "multiply", "add", "falls", "square", "pairs")},
)
