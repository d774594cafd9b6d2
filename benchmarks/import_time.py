r"""How long `import optedu` takes against `import numpy`: alternating fresh processes.

    python benchmarks/import_time.py [--rounds 15]

A script that imports optedu should start as fast as one that imports NumPy. The two kinds of
process take turns, so that what else the machine does meets both; an empty process is shown beside
them. The ratio of the medians should be at most 1.3. Names of optedu load when they are first used,
NumPy among them: `both` is what a script pays that uses NumPy too.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

GOAL = 1.3
STATEMENTS = {
    "nothing": "pass",
    "numpy": "import numpy",
    "optedu": "import optedu",
    "both": "import numpy, optedu",
}


def seconds(statement: str) -> float:
    r"""Return how long a fresh interpreter takes to run a statement, from start to exit."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def inside(statement: str) -> float:
    r"""Return how long the statement itself takes in a fresh interpreter."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def measure(rounds: int) -> None:
    r"""Print the medians and their ratios."""
    for statement in STATEMENTS.values():
        seconds(statement)  # the files come into the page cache
    for label, clock in (("whole process", seconds), ("import statement", inside)):
        times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
        for number in range(rounds):
            names = list(STATEMENTS)
            for name in names if number % 2 else reversed(names):
                times[name].append(clock(STATEMENTS[name]))
        medians = {name: statistics.median(values) for name, values in times.items()}
        shown = ", ".join(f"{name} {1e3 * value:.1f} ms" for name, value in medians.items())
        alone, both = (medians[name] / medians["numpy"] for name in ("optedu", "both"))
        print(f"{label}: {shown}")
        print(f"  optedu / numpy = {alone:.2f}, both / numpy = {both:.2f} (goal: at most {GOAL})")


def main() -> None:
    r"""Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="processes of each kind")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {arguments.rounds}")
    measure(arguments.rounds)


if __name__ == "__main__":
    main()
