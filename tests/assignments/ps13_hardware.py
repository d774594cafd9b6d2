"""From formula to hardware, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps13_hardware")

_HEAD = """@optedu.implement("adam")
def adam(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
"""


def _wrong(name: str, loses: str, says: str, cell: str, *changes: tuple[str, str]) -> None:
    BENCH.wrong(name, loses, says, BENCH.edit(cell, *changes))


BENCH.right(
    "unrolled_and_named_otherwise",
    rate='rate = "lr*sqrt(1 - beta2**t)/(1 - beta1**t)"',
    eps_hat="eps_hat = sp.sqrt(eps**2 * (1 - beta2**t))",
    adam=_HEAD
    + """    root = (1 - beta2**t) ** 0.5
    m = state["m"] + (1 - beta1) * (g - state["m"])
    v = state["v"] + (1 - beta2) * (g * g - state["v"])
    step = m / (v**0.5 + eps * root)
    step *= lr * root / (1 - beta1**t)
    return x - step, {"m": m, "v": v}
""",
    blocks="""def blocks(n, size):
    found, start = [], 0
    while start < n:
        found.append([start, min(n, start + size)])
        start += size
    return found
""",
    floor="floor = (4 * N * s + 3 * N * s) / B",
    ratio="""def ratio(first, second):
    a, b = sorted(first), sorted(second)
    middle = lambda q: (q[(len(q) - 1) // 2] + q[len(q) // 2]) / 2
    return middle(a) / middle(b)
""",
)

BENCH.right(
    "second_moment_first",
    program="""program = [
    ["square", "g", "w"],
    ["multiply", "w", "c2", "w"],
    ["multiply", "v", "beta2", "v"],
    ["add", "v", "w", "v"],
    ["multiply", "g", "c1", "w"],
    ["multiply", "m", "beta1", "m"],
    ["add", "m", "w", "m"],
    ["sqrt", "v", "w"],
    ["add", "w", "eps_hat", "w"],
    ["divide", "m", "w", "w"],
    ["multiply", "w", "rate", "w"],
    ["subtract", "x", "w", "x"],
]
""",
    traffic="""def traffic(program, numbers=NUMBERS):
    reads = writes = 0
    for call in program:
        reads += len({name for name in call[1:-1] if name not in numbers})
        writes += 1
    return [reads, writes]
""",
    gigabytes="gigabytes = 11.2",
    order=BENCH.order("stays", "once", "calls", "sum", "falls", "largest"),
    break_a="gradient_a = np.array([1.0, 0, 0, 0, 0, 0, 0, -0.99])",
)

BENCH.right(
    "solved_and_cut_with_arrays",
    rate="rate = sp.exp(sp.log(lr) + sp.log(1 - beta2**t) / 2) / (1 - beta1**t)",
    eps_hat="eps_hat = sp.sqrt(1 - beta2**t) / (1 / eps)",
    adam=_HEAD
    + """    parts = [(1 - beta1) * beta1**k for k in range(t)]  # what the mean has gathered
    gathered = math.fsum(parts)
    root = math.exp(0.5 * math.log1p(-(beta2**t)))
    m, v = state["m"] + 0, state["v"] + 0
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * g**2
    below = xp.sqrt(v)
    below += root * eps
    return x - (m / below) * (lr * root / gathered), {"v": v, "m": m}
""",
    program="""program = (
    ("multiply", "beta2", "v", "v"),
    ("multiply", "g", "g", "h"),
    ("multiply", "c2", "h", "h"),
    ("add", "h", "v", "v"),
    ("multiply", "c1", "g", "h"),
    ("multiply", "beta1", "m", "m"),
    ("add", "h", "m", "m"),
    ("sqrt", "v", "h"),
    ("add", "eps_hat", "h", "h"),
    ("divide", "rate", "h", "h"),
    ("multiply", "m", "h", "h"),
    ("subtract", "x", "h", "x"),
)
""",
    blocks="""def blocks(n, size):
    cuts = np.append(np.arange(0, n, size), n).tolist()
    return list(zip(cuts[:-1], cuts[1:], strict=True))
""",
    largest_block='largest_block = "C/k/s"',
    crossover="crossover = sp.solve(sp.Eq(p * c, a * N * s / B), N)[0]",
    traffic="""def traffic(program, numbers=NUMBERS):
    reads = 0
    for _, *operands, target in program:
        arrays = [name for name in operands if name not in numbers]
        reads += len(arrays) - (len(arrays) == 2 and arrays[0] == arrays[1])
    return np.array([reads, len(program)])
""",
    floor="floor = N / (B / s) * (3 + 4)",
    ratio="""def ratio(first, second):
    def middle(samples):
        samples = np.sort(samples)
        cut = len(samples) // 4
        return samples[cut : len(samples) - cut].mean()
    return middle(first) / middle(second)
""",
    gigabytes="gigabytes = sp.Rational(56, 5)",
    order=BENCH.order("stays", "calls", "once", "sum", "falls", "largest").lower(),
    break_a="gradient_a = [-0.49] * 8",
    break_b="stuck = next(k for k in range(1, 99) if descend_half(k) == k)",
)

_wrong(
    "rate_upside_down",
    "rate",
    "rate",
    "rate",
    ("sp.sqrt(1 - beta2**t) / (1 - beta1**t)", "(1 - beta1**t) / sp.sqrt(1 - beta2**t)"),
)

_wrong("root_forgotten", "rate", "rate", "rate", ("sp.sqrt(1 - beta2**t)", "(1 - beta2**t)"))

_wrong("first_correction_forgotten", "rate", "rate", "rate", (" / (1 - beta1**t)", ""))

_wrong(
    "powers_of_the_weights",
    "rate",
    "expected",
    "rate",
    ("1 - beta2**t", "(1 - beta2)**t"),
)

_wrong("epsilon_not_scaled", "eps_hat", "eps_hat", "eps_hat", (" * sp.sqrt(1 - beta2**t)", ""))

_wrong("epsilon_divided", "eps_hat", "eps_hat", "eps_hat", ("eps * sp.sqrt", "eps / sp.sqrt"))

_wrong("adam_with_plain_epsilon", "adam", "epsilon hat", "adam", ("eps * root", "eps"))

_wrong("float64_leaks_into_float32", "adam_dtype", "float64", "adam", ("math.sqrt", "np.sqrt"))

_wrong(
    "moment_used_before_it_is_new",
    "program_values program_short",
    "m is",
    "program",
    (
        """    ("multiply", "m", "beta1", "m"),
    ("add", "m", "tmp", "m"),
""",
        """    ("add", "m", "tmp", "m"),
    ("multiply", "m", "beta1", "m"),
""",
    ),
)

_wrong(
    "two_temporaries",
    "program_short",
    "2 temporaries",
    "program",
    (
        """    ("square", "g", "tmp"),
    ("multiply", "tmp", "c2", "tmp"),
""",
        """    ("square", "g", "other"),
    ("multiply", "other", "c2", "tmp"),
""",
    ),
)

_wrong(
    "one_call_too_many",
    "program_short",
    "has 13 calls",
    "program",
    (
        '    ("square", "g", "tmp"),\n',
        '    ("square", "g", "tmp"),\n    ("square", "g", "tmp"),\n',
    ),
)

_wrong(
    "gradient_overwritten",
    "program_gradient",
    "writes to g",
    "program",
    (
        """    ("square", "g", "tmp"),
    ("multiply", "tmp", "c2", "tmp"),
""",
        """    ("square", "g", "g"),
    ("multiply", "g", "c2", "tmp"),
""",
    ),
)

_wrong(
    "epsilon_left_out",
    "program_values",
    "x is",
    "program",
    ('    ("add", "tmp", "eps_hat", "tmp"),\n', ""),
)

_wrong(
    "reads_what_was_never_written",
    "program_values program_short program_gradient",
    "which has no value yet",
    "program",
    ('("multiply", "g", "c1", "tmp")', '("multiply", "tmp", "c1", "tmp")'),
)

_wrong(
    "last_block_lost",
    "blocks",
    "blocks(10, 4) returned",
    "blocks",
    ("range(0, n, size)", "range(0, n - size + 1, size)"),
)

_wrong(
    "last_block_too_long",
    "blocks",
    "blocks(10, 4) returned",
    "blocks",
    ("min(start + size, n)", "start + size"),
)

BENCH.wrong(
    "an_empty_block",
    "blocks",
    "must be empty",
    {
        "blocks": """def blocks(n, size):
    return [(lo, min(lo + size, n)) for lo in range(0, max(n, 1), size)]
"""
    },
)

_wrong(
    "bytes_for_elements",
    "largest_block",
    "largest_block",
    "largest_block",
    ("C / (k * s)", "C / k"),
)

_wrong(
    "one_array_in_the_cache",
    "largest_block",
    "largest_block",
    "largest_block",
    ("C / (k * s)", "C / s"),
)

_wrong(
    "crossover_of_one_array",
    "crossover",
    "crossover",
    "crossover",
    ("p * c * B / (a * s)", "p * c * B / s"),
)

_wrong(
    "crossover_upside_down",
    "crossover",
    "crossover",
    "crossover",
    ("p * c * B / (a * s)", "B * a * s / (p * c)"),
)

_wrong(
    "counts_numbers",
    "traffic",
    "reads 3 arrays and writes 2",
    "traffic",
    (" - set(numbers)", ""),
)

_wrong(
    "counts_one_array_twice",
    "traffic",
    "g times g reads g once",
    "traffic",
    ("len(set(operands) - set(numbers))", "len([o for o in operands if o not in numbers])"),
)

_wrong("floor_of_reads_only", "floor", "floor", "floor", ("7 * N", "4 * N"))

_wrong(
    "ratio_of_means",
    "ratio",
    "one pause of 500",
    "ratio",
    ("np.median(first) / np.median(second)", "np.mean(first) / np.mean(second)"),
)

_wrong(
    "ratio_of_the_best",
    "ratio",
    "a broken clock",
    "ratio",
    ("np.median(first) / np.median(second)", "np.min(first) / np.min(second)"),
)

_wrong(
    "ratio_in_whole_numbers",
    "ratio",
    "a ratio of 1.5, not 1",
    "ratio",
    ("float(np.median(first) / np.median(second))", "int(np.median(first) / np.median(second))"),
)

_wrong("elements_for_bytes", "gigabytes", "gigabytes", "gigabytes", ("* 4 / 0.025", "/ 0.025"))

BENCH.wrong(
    "all_in_one_block",
    "break_a",
    "of what does the program take the length",
    {"break_a": "gradient_a = [1.0, 0, 0, 0, 0, 0, 0, 0]"},
)

BENCH.wrong(
    "blocks_that_are_too_long",
    "break_a",
    "clip_in_blocks changes these numbers",
    {"break_a": "gradient_a = [1.0] * 8"},
)

BENCH.wrong(
    "four_numbers_for_eight",
    "break_a",
    "gradient_a is a list of eight numbers",
    {"break_a": "gradient_a = [0.7] * 4"},
)

BENCH.wrong(
    "the_end_of_the_binade",
    "break_b",
    "from 4 the program moves",
    {"break_b": "stuck = 4"},
)

BENCH.wrong(
    "stuck_but_not_the_smallest",
    "break_b",
    "a smaller whole number than 8",
    {"break_b": "stuck = 8"},
)

BENCH.wrong(
    "stuck_in_halves",
    "break_b",
    "stuck is a positive whole number, not 4.5",
    {"break_b": "stuck = 4.5"},
)

BENCH.wrong(
    "order_with_fewer_bytes",
    "order",
    "Every element is moved once",
    {"order": BENCH.order("calls", "stays", "once", "fewer", "sum", "falls", "largest")},
)

BENCH.wrong(
    "order_moves_once_before_it_stays",
    "order",
    "Why each array is moved only once",
    {"order": BENCH.order("calls", "once", "stays", "sum", "falls", "largest")},
)

BENCH.wrong(
    "order_without_the_sum",
    "order",
    "A step is missing.",
    {"order": BENCH.order("calls", "stays", "once", "falls", "largest")},
)
