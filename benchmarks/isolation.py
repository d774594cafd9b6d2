r"""What the second kernel and the sandbox add to the grading of a submission.

Run ``python benchmarks/isolation.py`` on an idle machine. One worker grades each of 60 submissions
three times, in an order that turns: with everything in one warm kernel, with the checks in a kernel
of their own, and with the student's kernel in the sandbox besides. A machine that changes its speed
from second to second does so for all three; the figures are medians of the ratios of neighbours.
What the command does apart from workers (reading, gradebook, report) is not counted, so that the
share of a whole run is smaller. The figures are kept in ``results/isolation.json``.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil
from grading import environment, make_course
from rich.console import Console
from rich.table import Table
from timing import machine

from optedu.grading import plan, task
from optedu.grading.course import open_course
from optedu.grading.sandbox.limits import Limits

RESULTS = Path(__file__).parent / "results" / "isolation.json"
WAYS = ("one kernel", "two kernels", "two kernels and sandbox")
GOAL = 0.15
_QUIET_S = 0.05  # what a submission leaves to be ended is counted with it


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assignment", default="ps09_adam", help="a folder of solutions/")
    parser.add_argument("--submissions", type=int, default=60)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    os.environ.update(environment())
    runs: dict[str, list[dict[str, list[float]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        course = make_course(Path(folder) / "course", options.assignment, options.submissions)
        for jobs in (1, 2):
            with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
                arguments = [(str(course), options.assignment, jobs, k) for k in range(jobs)]
                parts = list(pool.map(measure, arguments))
            runs[f"{jobs} job{'s' * (jobs > 1)}"] = [sample for part in parts for sample in part]
    figures = {jobs: summary(samples, cpu=jobs == "1 job") for jobs, samples in runs.items()}
    record = {
        "machine": machine(),
        "versions": {n: importlib.metadata.version(n) for n in ("nbgrader", "ipykernel")},
        "assignment": options.assignment,
        "submissions": options.submissions,
        "figures": figures,
        "runs": runs,
    }
    options.output.write_text(json.dumps(record, indent=1) + "\n")
    show(figures)
    print(f"wrote {options.output}")


def measure(arguments: tuple[str, str, int, int]) -> list[dict[str, list[float]]]:
    """Grade every ``jobs``-th submission in all ways; (seconds, CPU seconds of the machine)."""
    course_folder, assignment, jobs, first = arguments
    os.chdir(course_folder)
    course = open_course(assignment)
    plans = {
        way: plan.make_plan(
            course, limits=Limits(), sandbox="sandbox" in way, kernels=way.split()[0]
        )
        for way in WAYS
    }
    samples = []
    submissions = plans[WAYS[0]].submissions[first::jobs]
    # The first is graded once more at the beginning, to warm up.
    for number, submission in enumerate([submissions[0], *submissions]):
        sample = {}
        for turn in range(len(WAYS)):
            way = WAYS[(number + turn) % len(WAYS)]
            files = plan.read_submission(course, submission)
            sample[way] = _graded(plans[way].shared.data, files)
        samples.append(sample)
    task.forget_courses()
    return samples[1:]


def _graded(common: bytes, files: bytes) -> list[float]:
    cpu, started = _cpu_seconds(), time.perf_counter()
    result = json.loads(task.grade(common, files))
    seconds = time.perf_counter() - started
    if result["status"] != "graded" or any(i["score"] < i["max_score"] for i in result["items"]):
        sys.exit(f"a right submission was not graded as one: {result['status']}")
    time.sleep(_QUIET_S)
    return [seconds, _cpu_seconds() - cpu]


def _cpu_seconds() -> float:
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait


def summary(samples: list[dict[str, list[float]]], *, cpu: bool) -> dict[str, Any]:
    """Milliseconds of each way, and what it adds to the first: median and quartiles."""
    found: dict[str, Any] = {}
    for way in WAYS:
        ratios = [sample[way][0] / sample[WAYS[0]][0] - 1 for sample in samples]
        quartiles = statistics.quantiles(ratios, n=4)
        found[way] = {
            "ms": 1e3 * statistics.median(sample[way][0] for sample in samples),
            "added": quartiles[1],
            "quartiles": [quartiles[0], quartiles[2]],
        }
        if cpu:  # with several jobs the machine works for more than one way at a time
            used = {w: sum(sample[w][1] for sample in samples) for w in (way, WAYS[0])}
            found[way]["added CPU"] = used[way] / used[WAYS[0]] - 1
    return found


def show(figures: dict[str, dict[str, Any]]) -> None:
    """Print the table."""
    table = Table(title=f"a submission in a warm worker (goal: less than {100 * GOAL:.0f} % added)")
    for column in ("", "ms", "added", "quartiles", "added CPU"):
        table.add_column(column, justify="left" if not column else "right")
    for jobs, ways in figures.items():
        for way, row in ways.items():
            low, high = row["quartiles"]
            cpu = f"{100 * row['added CPU']:+.0f} %" if "added CPU" in row else ""
            table.add_row(
                f"{jobs}: {way}", f"{row['ms']:.0f}", f"{100 * row['added']:+.0f} %",
                f"{100 * low:+.0f} to {100 * high:+.0f} %", cpu,
            )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
