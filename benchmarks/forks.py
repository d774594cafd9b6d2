r"""What huge pages give a process that is forked for each submission: time of a fork and its end.

    python benchmarks/forks.py [--rounds 40]

Two processes import what the kernels of grading import; one joins its memory in huge pages as they
do (`optedu.grading.sandbox.huge_pages`). They take turns. A turn forks a child that ends at once,
and one that writes into a hundredth of the memory before it ends. The ratio of the medians is what
counts, with the processor's time of parent and child beside the time on the clock, and after how
many forks they have saved the time that it takes to make them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

CODE = """
import gc, json, os, resource, sys, time
import numpy as np, sympy, matplotlib.pyplot, nbformat
import optedu.grading.wire.service, optedu.grading.wire.trusted
from optedu.grading.sandbox.huge_pages import collapse

gc.collect()
start = time.perf_counter()
made = collapse() if sys.argv[1] == "huge" else 0
spent = time.perf_counter() - start
gc.freeze()
gc.disable()
ballast = np.ones(1 << 20)

def cpu():
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )

print(json.dumps([made, spent]), flush=True)
for line in sys.stdin:
    before, start = cpu(), time.perf_counter()
    child = os.fork()
    if not child:
        if line.strip() == "writes":
            ballast[:: 512] = 2.0
        os._exit(0)
    os.waitpid(child, 0)
    print(json.dumps([time.perf_counter() - start, cpu() - before]), flush=True)
"""
KINDS = ("plain", "huge")


def main() -> None:
    r"""Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    servers = {
        kind: subprocess.Popen(
            [sys.executable, "-c", CODE, kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for kind in KINDS
    }
    (_, _), (made, spent) = (json.loads(servers[kind].stdout.readline()) for kind in KINDS)
    if not made:
        sys.exit("Linux makes no huge pages here: it needs version 6.1, and room for them")
    print(f"{made} huge pages, {2 * made} MB, made in {1e3 * spent:.0f} ms")
    for what in ("ends", "writes"):
        taken: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
        for number in range(rounds):
            for kind in KINDS if number % 2 else reversed(KINDS):
                server = servers[kind]
                server.stdin.write(f"{what}\n")
                server.stdin.flush()
                taken[kind].append(json.loads(server.stdout.readline()))
        for column, label in enumerate(("clock", "processor")):
            plain, huge = (statistics.median(row[column] for row in taken[kind]) for kind in KINDS)
            saved = plain - huge
            pay = f"they pay after {spent / saved:.0f} forks" if saved > 0 else "they do not pay"
            print(
                f"a child that {what}, {label}: {1e3 * plain:.2f} ms plain, {1e3 * huge:.2f} ms "
                f"in huge pages, ratio {huge / plain:.2f}: {pay}"
            )
    for server in servers.values():
        server.stdin.close()
        server.wait()


if __name__ == "__main__":
    main()
