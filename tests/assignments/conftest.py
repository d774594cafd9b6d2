"""Grade everything that is submitted to an assignment, once a test run.

The instructor's notebook is graded with stock nbgrader from end to end; right answers and the
released notebook in one kernel, as stock nbgrader runs them (`tests/grading/test_same_result.py`
holds that the points agree), since a forked kernel starts far faster; mutants in two kernels, of
which `tests/grading/test_execute_assignments.py` runs some in one. Without the sandbox nbgrader
grades all.
"""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass

import nbformat
import pytest
from nbgrader.utils import determine_grade, is_grade

from optedu.course.release import assignments
from optedu.grading.execute import Limits
from tests.assignments import notebooks
from tests.assignments.bench import load
from tests.grading.cells import has_sandbox, run
from tests.sample_class.graded import grade


@dataclass(frozen=True)
class Graded:
    """What nbgrader gave one submission: points and what each test cell said, by grade id."""

    points: dict[str, float]
    said: dict[str, str]


@pytest.fixture(scope="session")
def graded(tmp_path_factory, worker_id):
    """Return a function of the assignment's name that gives the results by submission."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent

    def results(assignment):
        folder = shared / f"graded-{assignment}"
        folder.mkdir(exist_ok=True)
        kept = folder / "graded.json"
        # The first worker that asks grades; the others wait for it.
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                found = _grade(assignment, folder)
                kept.write_text(json.dumps({k: asdict(v) for k, v in found.items()}))
        return {k: Graded(**v) for k, v in json.loads(kept.read_text()).items()}

    return results


def _grade(assignment, folder):
    books = {"instructor": notebooks.read("solutions", assignment)}
    found = {}
    packs = {pack.name for pack in load(assignment).packs}
    for name, cells in load(assignment).submissions().items():
        if has_sandbox():
            notebook = notebooks.with_hidden_tests(assignment, cells)
            found[name] = _forked(notebook, "two" if name in packs else "one")
        else:
            books[name] = notebooks.submission(assignment, cells)
    if has_sandbox():
        found["released"] = _forked(notebooks.as_released(assignment), "one")
    else:
        books["released"] = notebooks.read("exercises", assignment)
    for name, notebook in books.items():
        target = folder / "submitted" / name / assignment / f"{assignment}.ipynb"
        target.parent.mkdir(parents=True)
        nbformat.write(notebook, target)
    grades = grade(notebooks.ROOT, folder, books, [assignment])
    assert not [g for g in grades if g.score is None], grades
    return found | {name: _read(folder, name, assignment) for name in books}


def _forked(notebook, kernels):
    done, outcome = run(*notebook.cells, limits=Limits(cell_timeout_s=120), kernels=kernels)
    assert outcome.status == "ok", outcome
    assert not outcome.tampered
    tests = [cell for cell in done.cells if is_grade(cell) and cell.cell_type == "code"]
    points = {cell.metadata.nbgrader.grade_id: determine_grade(cell)[0] for cell in tests}
    return Graded(points, _said(tests))


def _said(tests):
    # A check that raises says it in the error; one that gives partial points says it in print.
    return {
        cell.metadata.nbgrader.grade_id: " ".join(
            " ".join(output.get("evalue", output.get("text", "")).split())
            for output in cell.outputs
            if output.output_type in ("error", "stream")
        )
        for cell in tests
    }


def _read(folder, student, assignment):
    from nbgrader.api import Gradebook

    path = folder / "autograded" / student / assignment / f"{assignment}.ipynb"
    done = nbformat.read(path, as_version=4)
    said = _said([cell for cell in done.cells if is_grade(cell) and cell.cell_type == "code"])
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        submission = gradebook.find_submission(assignment, student)
        points = {
            entry.name: entry.auto_score
            for entry in submission.notebooks[0].grades
            if entry.name in said
        }
    return Graded(points, said)


def pytest_terminal_summary(terminalreporter):
    """Print the kill rate, from the reports of all workers."""
    for assignment in assignments(notebooks.ROOT):
        test = f"::test_mutant_loses_exactly_its_points[{assignment}-"
        passed, failed = (
            sum(test in report.nodeid for report in terminalreporter.stats.get(outcome, []))
            for outcome in ("passed", "failed")
        )
        if passed + failed:
            rate = 100 * passed / (passed + failed)
            terminalreporter.write_line(
                f"{assignment}: {passed} of {passed + failed} mutants lose exactly their points "
                f"with the right message, kill rate {rate:.0f} %"
            )
