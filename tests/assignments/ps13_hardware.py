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
)

_wrong(
    "rate_upside_down",
    "rate",
    "rate",
    "rate",
    ("sp.sqrt(1 - beta2**t) / (1 - beta1**t)", "(1 - beta1**t) / sp.sqrt(1 - beta2**t)"),
)

_wrong("root_forgotten", "rate", "rate", "rate", ("sp.sqrt(1 - beta2**t)", "(1 - beta2**t)"))

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

_wrong("elements_for_bytes", "gigabytes", "gigabytes", "gigabytes", ("* 4 / 0.025", "/ 0.025"))
