"""Grade every variant of an assignment with stock nbgrader, once for all workers of a test run."""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass

import nbformat
import pytest

from optedu.course.sample import grade
from tests.assignments import notebooks
from tests.assignments.variants import RIGHT, WRONG, packed


@dataclass(frozen=True)
class Graded:
    """What nbgrader gave one submission: points and what each test cell said, by grade id."""

    points: dict[str, float]
    said: dict[str, str]


@pytest.fixture(scope="module")
def graded(request, tmp_path_factory, worker_id):
    """Grade the variants of the module's assignment; return the results by submission."""
    assignment = request.module.ASSIGNMENT
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    folder = shared / f"assignments-{assignment}"
    folder.mkdir(exist_ok=True)
    kept = folder / "graded.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            results = {k: asdict(v) for k, v in _grade(assignment, folder).items()}
            kept.write_text(json.dumps(results))
    return {k: Graded(**v) for k, v in json.loads(kept.read_text()).items()}


def _grade(assignment, folder):
    books = {
        "instructor": notebooks.submission(assignment, {}),
        "released": notebooks.read("exercises", assignment),
    }
    books |= {v.name: notebooks.submission(v.assignment, v.cells) for v in RIGHT}
    books |= {pack.name: notebooks.submission(assignment, pack.cells) for pack in packed(WRONG)}
    mine = {v.name for v in RIGHT if v.assignment == assignment}
    mine |= {p.name for p in packed(WRONG) if p.assignment == assignment}
    books = {k: v for k, v in books.items() if k in mine | {"instructor", "released"}}
    for name, notebook in books.items():
        target = folder / "submitted" / name / assignment / f"{assignment}.ipynb"
        target.parent.mkdir(parents=True)
        nbformat.write(notebook, target)
    grades = grade(notebooks.ROOT, folder, books, [assignment])
    assert not [g for g in grades if g.score is None], grades
    return {name: _read(folder, name, assignment) for name in books}


def _read(folder, student, assignment):
    path = folder / "autograded" / student / assignment / f"{assignment}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    said = {
        cell.metadata.nbgrader.grade_id: " ".join(
            " ".join(output.evalue.split())
            for output in cell.outputs
            if output.output_type == "error"
        )
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code"
    }
    from nbgrader.api import Gradebook

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
    for assignment in sorted({v.assignment for v in WRONG}):
        test = f"test_{assignment}.py::test_mutant_loses_exactly_its_points["
        counts = {
            outcome: sum(
                test in report.nodeid for report in terminalreporter.stats.get(outcome, [])
            )
            for outcome in ("passed", "failed")
        }
        total = sum(counts.values())
        if total:
            rate = 100 * counts["passed"] / total
            terminalreporter.write_line(
                f"{assignment}: {counts['passed']} of {total} mutants lose exactly their points, "
                f"kill rate {rate:.0f} %"
            )
