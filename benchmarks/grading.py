r"""Grade one class with `nbgrader autograde` and with `optedu grade`, in alternation.

Run ``python benchmarks/grading.py``. Every contestant grades fresh copies of the same course; the
order turns from round to round. The table has submissions a minute, CPU seconds a submission over
all processes, peak memory, and the ratios to nbgrader with the goals; the figures are kept in
``results/grading.json``. Memory is of a run of its own, since to look at it takes time, the more
processes there are the more. What isolation adds is in ``isolation.py``.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.metadata
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
from rich.console import Console
from rich.table import Table
from timing import machine

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "grading.json"
OPTEDU = str(Path(sys.executable).with_name("optedu"))
CONTESTANTS = {
    "nbgrader autograde": [sys.executable, "-m", "nbgrader", "autograde"],
    "optedu grade, 1 job": [OPTEDU, "grade", "--jobs", "1"],
    "optedu grade, 2 jobs": [OPTEDU, "grade", "--jobs", "2"],
    "optedu grade, 1 job, no sandbox": [OPTEDU, "grade", "--jobs", "1", "--no-sandbox"],
    "optedu grade, 2 jobs, no sandbox": [OPTEDU, "grade", "--jobs", "2", "--no-sandbox"],
}
GOALS = {"optedu grade, 1 job": 6.0, "optedu grade, 2 jobs": 12.0}
_PR_SET_CHILD_SUBREAPER = 36
_SAMPLE_S = 0.5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assignment", default="ps09_adam", help="a folder of solutions/")
    parser.add_argument("--submissions", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--output", type=Path, default=RESULTS)
    for what in ("--time", "--memory"):
        parser.add_argument(what, nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if command := options.time or options.memory:
        print(json.dumps(measure(command, memory=bool(options.memory))))
        return
    with tempfile.TemporaryDirectory() as folder:
        course = make_course(Path(folder) / "course", options.assignment, options.submissions)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in options.only}
        for turn in range(options.rounds):
            order = (
                options.only[turn % len(options.only) :] + options.only[: turn % len(options.only)]
            )
            for name in order:
                runs[name].append(grade(course, name, options.assignment, options.submissions))
                last = runs[name][-1]
                print(f"round {turn + 1}: {name}: {last['seconds']:.1f} s", flush=True)
        peaks = {}
        for name in options.only:
            seen = grade(course, name, options.assignment, options.submissions, memory=True)
            peaks[name] = seen["peaks_mb"]
            print(f"memory: {name}: {peaks[name]['all']:.0f} MB", flush=True)
    figures = {name: _median(results) | _peaks(peaks[name]) for name, results in runs.items()}
    record = {
        "machine": machine(),
        "versions": {
            n: importlib.metadata.version(n) for n in ("nbgrader", "nbclient", "ipykernel")
        },
        "assignment": options.assignment,
        "submissions": options.submissions,
        "rounds": options.rounds,
        "figures": figures,
        "runs": runs,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(record, indent=1) + "\n")
    show(figures, options.submissions)
    print(f"wrote {options.output}")


def make_course(root: Path, assignment: str, count: int) -> Path:
    """Make a course where `count` students hand in the instructor's answers."""
    source = root / "source" / assignment
    shutil.copytree(ROOT / "solutions" / assignment, source)
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        'c.CourseDirectory.course_id = "benchmark"\n'
        "c.ExecutePreprocessor.timeout = 120\n"
        "c.ExecutePreprocessor.startup_timeout = 60\n"
    )
    subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_assignment", assignment],
        cwd=root,
        env=environment(),
        check=True,
        capture_output=True,
    )
    released = root / "release" / assignment
    answers = {
        cell.metadata.nbgrader.grade_id: cell.source
        for path in source.glob("*.ipynb")
        for cell in nbformat.read(path, 4).cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    for number in range(count):
        folder = root / "submitted" / f"student{number:03d}" / assignment
        shutil.copytree(released, folder)
        for path in folder.glob("*.ipynb"):
            notebook = nbformat.read(path, 4)
            for cell in notebook.cells:
                grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
                cell.source = answers.get(grade_id, cell.source)
            notebook.metadata["student"] = number  # no two submissions are the same bytes
            nbformat.write(notebook, path)
    return root


def grade(
    course: Path, name: str, assignment: str, count: int, *, memory: bool = False
) -> dict[str, Any]:
    """Let one contestant grade a fresh copy of the course."""
    copy = shutil.copytree(course, course.with_name("copy"))
    try:
        what = "--memory" if memory else "--time"
        command = [sys.executable, __file__, what, *CONTESTANTS[name], assignment]
        done = subprocess.run(
            command, cwd=copy, env=environment(), check=True, capture_output=True, text=True
        )
        figures = json.loads(done.stdout.splitlines()[-1])
        graded = len(list((copy / "autograded").glob(f"*/{assignment}/*.ipynb")))
        said = figures.pop("said")
        if graded != count:
            sys.exit(f"{name} graded {graded} of {count} submissions:\n{said}")
        return figures
    finally:
        shutil.rmtree(copy)


def measure(command: list[str], *, memory: bool) -> dict[str, Any]:
    """Run a command; its wall-clock time, and CPU and, if asked, memory of all that it starts."""
    # Orphans become children of this process, so that nobody's CPU time is missed.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        peaks: dict[str, float] = {}
        stop = threading.Event()
        sampler = threading.Thread(target=_sample, args=(process.pid, peaks, stop))
        if memory:
            sampler.start()
        process.wait()
        seconds = time.perf_counter() - started
        stop.set()
        if memory:
            sampler.join()
        while True:
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                break
        output.seek(0)
        tail = output.read()[-2000:]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu_s": cpu, "peaks_mb": peaks, "said": tail}


def _sample(pid: int, peaks: dict[str, float], stop: threading.Event) -> None:
    """Peak memory (proportional set size) of the tree, and of its parts."""
    top = psutil.Process(pid)
    started = " ".join(top.cmdline())
    while not stop.wait(_SAMPLE_S):
        now = {"all": 0.0, "one worker": 0.0}
        try:
            members = [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for member in members:
            try:
                size = member.memory_full_info().pss / 2**20
                line = " ".join(member.cmdline())
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            now["all"] += size
            if line == started or member.pid == pid:  # workers are copies of the command
                now["one worker"] = max(now["one worker"], size)
        for part, size in now.items():
            peaks[part] = max(peaks.get(part, 0.0), size)


def environment() -> dict[str, str]:
    """The variables that nbgrader needs."""
    # nbgrader calls alembic by name, which lies beside the interpreter.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return os.environ | {"PATH": path}


def _median(runs: list[dict[str, Any]]) -> dict[str, float]:
    return {
        "seconds": statistics.median(run["seconds"] for run in runs),
        "cpu_s": statistics.median(run["cpu_s"] for run in runs),
    }


def _peaks(peaks: dict[str, float]) -> dict[str, float]:
    return {"peak_mb": peaks["all"], "worker_mb": peaks["one worker"]}


def show(figures: dict[str, dict[str, float]], count: int) -> None:
    """Print the table."""
    base = figures.get("nbgrader autograde")
    table = Table(title=f"{count} submissions, medians")
    for column in ("", "a minute", "ratio", "goal", "CPU s each", "peak MB", "worker MB"):
        table.add_column(column, justify="left" if not column else "right")
    for name, row in figures.items():
        ratio = f"{base['seconds'] / row['seconds']:.1f}" if base else ""
        goal = f">= {GOALS[name]:g}" if name in GOALS else ""
        table.add_row(
            name,
            f"{60 * count / row['seconds']:.0f}",
            ratio,
            goal,
            f"{row['cpu_s'] / count:.2f}",
            f"{row['peak_mb']:.0f}",
            f"{row['worker_mb']:.0f}",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
