r"""What the command itself does for a submission, apart from its workers: 10,000 of them.

Run ``python benchmarks/coordinator.py``. One submission is really graded; in the simulation the
workers have that result at once, so that nothing but the command is left: it plans (reads, checks
and hashes every file), reads again what would travel, keeps the result on the disk, lays out the
autograded folder, writes the gradebook in a transaction, and reports at the end. A second run finds
all of it done. Memory is read on the way. The figures are kept in ``results/coordinator.json``.

CPU time counts rather than the clock: a shared machine gives this process a part of a core, and its
disk takes what time it likes to confirm a write. Both are recorded.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from grading import environment, make_course
from rich.console import Console
from rich.table import Table
from timing import machine

from optedu.grading import plan as plans
from optedu.grading import task
from optedu.grading.course import Course, open_course
from optedu.grading.report import Lines, print_summary, write_report
from optedu.grading.run import Entry, Options, run

RESULTS = Path(__file__).parent / "results" / "coordinator.json"
GOAL_MS = 5.0
_PIECES = 10  # of the run, for which time and memory are told apart


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assignment", default="ps09_adam", help="a folder of solutions/")
    parser.add_argument("--submissions", type=int, default=10_000)
    parser.add_argument("--db-url", help="a gradebook elsewhere, such as on a PostgreSQL server")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    os.environ.update(environment())
    with tempfile.TemporaryDirectory() as folder:
        root = make_course(Path(folder) / "course", options.assignment, 1)
        if options.db_url:
            move_gradebook(root, options.assignment, options.db_url)
        course = open_course(options.assignment, root)
        result = grade_one(course)
        multiply(root, options.assignment, options.submissions)
        first = measure(course, result)
        second = measure(course, None)
    record = {
        "machine": machine(),
        "versions": {n: importlib.metadata.version(n) for n in ("nbgrader", "sqlalchemy")},
        "assignment": options.assignment,
        "submissions": options.submissions,
        "result_bytes": len(result),
        "gradebook": "postgresql" if options.db_url else "sqlite",
        "first": first,
        "second": second,
    }
    options.output.write_text(json.dumps(record, indent=1) + "\n")
    show(record)
    print(f"wrote {options.output}")


def move_gradebook(root: Path, assignment: str, url: str) -> None:
    """Register the assignment in another gradebook."""
    config = root / "nbgrader_config.py"
    config.write_text(config.read_text() + f"c.CourseDirectory.db_url = {url!r}\n")
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", assignment, "--force"]
    subprocess.run(command, cwd=root, env=environment(), check=True, capture_output=True)


def grade_one(course: Course) -> bytes:
    """What a worker finds for the one submission that there is."""
    plan = plans.make_plan(course, limits=Options().limits, sandbox=False)
    (submission,) = plan.submissions
    result = task.grade(plan.shared.data, plans.read_submission(course, submission))
    task.forget_courses()
    assert json.loads(result)["status"] == "graded"
    return result


def multiply(root: Path, assignment: str, count: int) -> None:
    """Hand in the one submission `count` times, each time as other bytes."""
    first = root / "submitted" / "student000"
    (notebook,) = (first / assignment).glob("*.ipynb")
    text = notebook.read_text()
    assert '"student": 0' in text
    for number in range(count):
        folder = shutil.copytree(first, root / "submitted" / f"s{number:05d}")
        changed = text.replace('"student": 0', f'"student": {number}')
        (folder / assignment / notebook.name).write_text(changed)
    shutil.rmtree(first)


class Watch(Lines):
    """The command's own observer, which also reads clocks and memory."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.marks: list[dict[str, float]] = []

    def begin(self, total: int, kept: int) -> None:
        """The plan is made."""
        super().begin(total, kept)
        self.piece = max(1, total // _PIECES)
        self.mark(0)

    def ended(self, entry: Entry) -> None:
        """One more is through."""
        super().ended(entry)
        if self._counts.done % self.piece == 0:
            self.mark(self._counts.done)

    def mark(self, done: int) -> None:
        """Read clocks and memory."""
        self.marks.append({"done": done} | now())


def now() -> dict[str, float]:
    """Clock, CPU time and memory of this process."""
    used = os.times()
    return {
        "clock": time.perf_counter(),
        "cpu": used.user + used.system,
        "rss_mb": psutil.Process().memory_info().rss / 2**20,
    }


class Ready:
    """Workers that have every result at once."""

    def __init__(self, result: bytes | None) -> None:
        self.result = result

    def run(self, jobs: Any) -> Iterator[tuple[str, bytes | None, str]]:
        """Read what would travel, and answer."""
        for job in jobs:
            assert self.result is not None, "everything is graded"
            job.load()
            yield job.key, self.result, ""


def measure(course: Course, result: bytes | None) -> dict[str, Any]:
    """One run, in milliseconds a submission by what was done, and the memory on the way."""
    watch = Watch()
    start = now()
    outcome = run(course, Options(sandbox=False), watch, backend=Ready(result))
    work = now()
    with contextlib.redirect_stdout(io.StringIO()):
        print_summary(outcome, Console(file=io.StringIO()))
        write_report(outcome, course.root / "report.json")
    end = now()
    count = len(outcome.entries)
    assert {entry.status for entry in outcome.entries} == {"graded"}
    begun = watch.marks[0]
    parts = {"plan": (start, begun), "merge": (begun, work), "report": (work, end)}
    pieces = [
        (after["cpu"] - before["cpu"]) / (after["done"] - before["done"])
        for before, after in zip(watch.marks, watch.marks[1:], strict=False)
    ]
    return {
        "cpu_ms": {n: 1e3 * (b["cpu"] - a["cpu"]) / count for n, (a, b) in parts.items()},
        "clock_ms": {n: 1e3 * (b["clock"] - a["clock"]) / count for n, (a, b) in parts.items()},
        "merge_cpu_ms_by_piece": [1e3 * piece for piece in pieces],
        "rss_mb": {"start": start["rss_mb"], "end": end["rss_mb"]},
        "rss_mb_by_piece": [mark["rss_mb"] for mark in watch.marks],
    }


def show(record: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(title=f"{record['submissions']} submissions, milliseconds each")
    for column in ("", "plan", "merge", "report", "all", "goal", "memory, MB"):
        table.add_column(column, justify="left" if not column else "right")
    for name in ("first", "second"):
        for clock in ("cpu_ms", "clock_ms"):
            parts = record[name][clock]
            memory = record[name]["rss_mb_by_piece"]
            table.add_row(
                f"{name} run, {clock[:-3]}",
                *(f"{parts[part]:.2f}" for part in ("plan", "merge", "report")),
                f"{sum(parts.values()):.2f}",
                f"< {GOAL_MS:g}" if clock == "cpu_ms" else "",
                f"{memory[0]:.0f} to {max(memory):.0f}",
            )
    Console(width=100).print(table)
    pieces = record["first"]["merge_cpu_ms_by_piece"]
    print(f"merge, by tenths of the run: {', '.join(f'{piece:.2f}' for piece in pieces)} ms")
    print(f"median {statistics.median(pieces):.2f} ms")


if __name__ == "__main__":
    main()
