"""What nbgrader knows of a class after grading, as plain data to compare."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook

from tests.grading.course import ASSIGNMENT


def gradebook_rows(
    root: Path, assignment: str = ASSIGNMENT, *, url: str | None = None
) -> dict[str, Any]:
    """Every row that grading writes, by student, without database ids."""
    rows = {}
    with Gradebook(url or f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        for submission in gradebook.assignment_submissions(assignment):
            rows[submission.student.id] = {
                "timestamp": submission.timestamp,
                "late": submission.total_seconds_late,
                "score": submission.score,
                "max_score": submission.max_score,
                "needs_manual_grade": submission.needs_manual_grade,
                "notebooks": {
                    notebook.name: {
                        "flagged": notebook.flagged,
                        "penalty": notebook.late_submission_penalty,
                        "failed_tests": notebook.failed_tests,
                        "grades": {
                            grade.name: (
                                grade.auto_score,
                                grade.manual_score,
                                grade.extra_credit,
                                grade.max_score,
                                grade.needs_manual_grade,
                                grade.failed_tests,
                            )
                            for grade in notebook.grades
                        },
                        "comments": {
                            comment.name: (comment.auto_comment, comment.manual_comment)
                            for comment in notebook.comments
                        },
                    }
                    for notebook in submission.notebooks
                },
            }
    return rows


def formgrader_rows(root: Path) -> list[dict[str, Any]]:
    """What the formgrader lists for the assignment, from the queries that it makes itself."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        rows = gradebook.submission_dicts(ASSIGNMENT)
        for notebook in gradebook.find_assignment(ASSIGNMENT).notebooks:
            rows += gradebook.notebook_submission_dicts(notebook.name, ASSIGNMENT)
    for row in rows:
        del row["id"]
    return sorted(rows, key=lambda row: (row["student"], row["name"]))


def autograded_notebooks(root: Path) -> dict[str, Any]:
    """Every autograded notebook, without the times and the ids that differ from run to run."""
    found = {}
    for path in sorted((root / "autograded").glob("*/*/*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            cell.pop("id", None)
            cell.metadata.pop("execution", None)
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    # An error that crosses the wire between the two kernels has its own frames.
                    output.traceback = output.traceback[-1:]
        found[str(path.relative_to(root))] = notebook
    return found


def other_files(root: Path) -> dict[str, tuple[bytes, int]]:
    """The files beside the notebooks, with their permissions."""
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in sorted((root / "autograded").rglob("*"))
        if path.is_file() and path.suffix != ".ipynb"
    }


def feedback_pages(root: Path) -> dict[str, str]:
    """The feedback as students read it, without the frames of tracebacks."""
    return {
        str(path.relative_to(root)): _TRACEBACK.sub("", path.read_text("utf-8"))
        for path in sorted((root / "feedback").glob("*/*/*.html"))
    }


_TRACEBACK = re.compile(
    r'<span class="ansi-red-fg">-{20,}.*?(?=<span class="ansi-red-fg">\w+</span>: )', re.DOTALL
)
