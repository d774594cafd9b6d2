r"""What a processor of its own gives a submission's neighbour, and what it does alone.

    python benchmarks/affinity.py [--rounds 5] [--processes 16]

A worker of grading keeps its kernels on one processor (`optedu.grading.sandbox.affinity`). Here one
submission calculates, always the same, while that of another worker starts processes that keep
every processor busy that they can get; then the checks call a student's function many times, with
nobody beside them. The two ways, with and without, take turns; the ratio of the medians counts.
Needs bubblewrap, and two processors that are idle.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Any

# One worker of grading: runs the cells that it is sent, in the kernel that it is told.
WORKER = """
import json, sys, tempfile, time
from optedu.grading import pair
from optedu.grading.sandbox.limits import Limits

# Not by its claims: another grader on this machine may hold the processors.
cpu = json.loads(sys.argv[1])
pair.own_cpu = pair.some_cpu = lambda: cpu
with tempfile.TemporaryDirectory() as folder, pair.Pair(Limits(wall_s=3600), folder) as kernels:
    print(flush=True)
    for count, line in enumerate(sys.stdin):
        whose, code = json.loads(line)
        outputs, start = [], time.perf_counter()
        reply = kernels.run(getattr(kernels, whose), code, outputs, count)
        print(json.dumps([time.perf_counter() - start, reply["status"], outputs]), flush=True)
"""
SPREAD = """
import os, signal
started = []
for _ in range(PROCESSES):
    if not (child := os.fork()):
        os.setsid()  # Linux shares a processor among sessions first
        while True:
            pass
    started.append(child)
"""
END = """
for child in started:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""
DEFINE = "def f(x): return x + 1"
CALCULATE = "total = sum(k * k for k in range(2_000_000))"
CALL = "assert all(f(float(k)) == k + 1 for k in range(300))"
WAYS = ("with", "without")


class Worker:
    """A process with the two kernels of one submission."""

    def __init__(self, cpu: int | None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER, json.dumps(cpu)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._process.stdout.readline()

    def run(self, code: str, kernel: str = "student") -> float:
        """Run a cell; return the seconds that it took."""
        self._process.stdin.write(json.dumps([kernel, code]) + "\n")
        self._process.stdin.flush()
        seconds, status, outputs = json.loads(self._process.stdout.readline())
        if status != "ok":
            sys.exit(f"the cell ended as {status!r}: {code}\n{outputs}")
        return seconds

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def measured(rounds: int, processes: int) -> dict[str, dict[str, list[float]]]:
    """Return the seconds of each turn, by what was done and by the way."""
    cpus = sorted(os.sched_getaffinity(0))[:2]
    if len(cpus) < 2:
        sys.exit("two processors are needed, this process has one")
    quiet, busy = ({"with": Worker(cpu), "without": Worker(None)} for cpu in cpus)
    taken: dict[str, dict[str, list[float]]] = {
        name: {way: [] for way in WAYS} for name in ("beside many processes", "alone", "300 calls")
    }
    for worker in quiet.values():
        worker.run(DEFINE)
        worker.run(CALL, "trusted")
    for turn in range(rounds):
        for way in WAYS if turn % 2 else reversed(WAYS):
            busy[way].run(SPREAD.replace("PROCESSES", str(processes)))
            taken["beside many processes"][way].append(quiet[way].run(CALCULATE))
            busy[way].run(END)
            taken["alone"][way].append(quiet[way].run(CALCULATE))
            taken["300 calls"][way].append(quiet[way].run(CALL, "trusted"))
    for worker in (*quiet.values(), *busy.values()):
        worker.close()
    return taken


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=16)
    options: Any = parser.parse_args()
    for name, ways in measured(options.rounds, options.processes).items():
        own, shared = (statistics.median(ways[way]) for way in WAYS)
        print(
            f"{name}: {1e3 * own:.0f} ms with a processor of its own, {1e3 * shared:.0f} ms "
            f"without, ratio {shared / own:.2f}"
        )


if __name__ == "__main__":
    main()
