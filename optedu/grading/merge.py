"""Write results into the class's gradebook and folders, as nbgrader autograde would have."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment as AssignmentRow
from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    InvalidEntry,
    MissingEntry,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from traitlets.utils.importstring import import_item

from optedu.grading.course import Course, behind, explain, is_locked
from optedu.grading.errors import RunError
from optedu.grading.plan import Submission, source_files
from optedu.grading.store import disk_errors

__all__ = ["GradebookBusy", "Merger"]


_BUSY_MS = 500
_NBGRADER_LOG = logging.getLogger("tornado.application")


class GradebookBusy(Exception):
    """Another program holds the gradebook: merge later."""


class Merger:
    """The one writer of the gradebook during a run.

    Merging is idempotent: the same result twice leaves the gradebook as once does. What a person
    wrote there (manual scores, comments, extra credit) stays.
    """

    def __init__(self, course: Course, gradebook: Gradebook) -> None:
        self.course = course
        self.gradebook = gradebook
        self._late = _late_penalties(course)
        self._sources = source_files(course)

    def check_writable(self) -> None:
        """Find out before grading that the gradebook cannot be written.

        Raises
        ------
        RunError
            With one line on why. A gradebook that is only busy passes.
        """
        try:
            with _one_transaction(self.gradebook):
                self.gradebook.db.execute(text("UPDATE assignment SET name = name WHERE 1 = 0"))
        except DatabaseError as error:
            if not is_locked(error):
                raise RunError(explain(error)) from error

    def merge(self, submission: Submission, result: dict[str, Any]) -> None:
        """Give the gradebook a result, in one transaction, and put its notebooks in place.

        Raises
        ------
        GradebookBusy
            When another program holds the gradebook; nothing was written there.
        RunError
            When gradebook or disk cannot be written.
        """
        with disk_errors(self._folder(submission.student)):
            self._write_autograded(submission, result)
        try:
            with _one_transaction(self.gradebook):
                self._record(submission, result)
        except (DatabaseError, InvalidEntry) as error:
            cause = behind(error)
            if is_locked(cause):
                raise GradebookBusy from error
            raise RunError(explain(cause)) from error

    def holds(self, results: dict[str, dict[str, Any]]) -> set[str]:
        """The students whose results the gradebook really has (it may be an older copy)."""
        rows = (
            self.gradebook.db.query(
                SubmittedAssignment.student_id, Notebook.name, BaseCell.name, Grade.auto_score
            )
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
            .join(AssignmentRow, AssignmentRow.id == SubmittedAssignment.assignment_id)
            .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
            .join(BaseCell, BaseCell.id == Grade.cell_id)
            .filter(AssignmentRow.name == self.course.assignment)
            .all()
        )
        self.gradebook.db.rollback()
        students = {row[0] for row in rows}
        scores = {tuple(row[:3]): row[3] for row in rows}
        return {
            student
            for student, result in results.items()
            if student in students
            and all(
                scores.get((student, g["notebook"], g["name"]), -1.0) == g["auto_score"]
                for g in result["grades"]
            )
            and (not result["notebooks"] or self._folder(student).is_dir())
        }

    def _folder(self, student: str) -> Path:
        return self.course.folder(self.course.coursedir.autograded_directory, student)

    def _record(self, submission: Submission, result: dict[str, Any]) -> None:
        gradebook, assignment = self.gradebook, self.course.assignment
        student = submission.student
        if self.course.autograde.create_student:
            gradebook.update_or_create_student(student)
        else:
            try:
                gradebook.find_student(student)
            except MissingEntry:
                return  # set aside by the plan
        stamp = self._timestamp(submission)
        fields = {} if stamp is None else {"timestamp": stamp}
        with gradebook.db.no_autoflush:  # half-made rows must not be flushed
            row = gradebook.update_or_create_submission(assignment, student, **fields)
        if not result["notebooks"]:
            return
        for notebook in row.notebooks:
            if notebook.name not in result["notebooks"]:
                for grade in notebook.grades:
                    grade.auto_score = 0
                    grade.needs_manual_grade = False
            elif result["tampered"]:
                notebook.flagged = True
        for mark, grade in self._marked(Grade, row, result["grades"]):
            grade.auto_score = mark["auto_score"]
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        for mark, comment in self._marked(Comment, row, result["comments"]):
            comment.auto_comment = mark["auto_comment"]
        if self._late is not None:
            gradebook.db.flush()
            for name in result["notebooks"]:
                self._penalize(row, name)

    def _marked(self, kind: Any, row: SubmittedAssignment, marks: list) -> Iterator[tuple]:
        """Each mark with its grade or comment; all of these in one query."""
        found = (
            self.gradebook.db.query(Notebook.name, BaseCell.name, kind)
            .join(SubmittedNotebook, SubmittedNotebook.id == kind.notebook_id)
            .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
            .join(BaseCell, BaseCell.id == kind.cell_id)
            .filter(SubmittedNotebook.assignment_id == row.id)
        )
        entries = {(notebook, cell): entry for notebook, cell, entry in found}
        for mark in marks:
            entry = entries.get((mark["notebook"], mark["name"]))
            if entry is None:
                where = f"cell '{mark['name']}' of notebook '{mark['notebook']}'"
                raise MissingEntry(f"No such {kind.__name__.lower()}: {where}")
            yield mark, entry

    def _timestamp(self, submission: Submission):
        path = submission.folder / "timestamp.txt"
        if "timestamp.txt" not in submission.files or not path.is_file():
            return None
        try:
            return self.course.coursedir.get_existing_timestamp(str(submission.folder))
        except (AttributeError, ValueError, UnicodeDecodeError):
            # nbgrader means to say that the time stamp is invalid, and fails at saying it.
            return None

    def _penalize(self, row: SubmittedAssignment, name: str) -> None:
        """What nbgrader's AssignLatePenalties does, in our transaction."""
        student = row.student.id
        notebook = self.gradebook.find_submission_notebook(name, self.course.assignment, student)
        notebook.late_submission_penalty = None
        if self._late is not None and row.total_seconds_late > 0:
            penalty = self._late.plugin_inst.late_submission_penalty(
                student, notebook.score, row.total_seconds_late
            )
            if penalty is not None:
                notebook.late_submission_penalty = self._late._check_late_penalty(notebook, penalty)

    def _write_autograded(self, submission: Submission, result: dict[str, Any]) -> None:
        """Replace the autograded folder, whole, as nbgrader lays it out."""
        folder = self._folder(submission.student)
        new = folder.with_name(f".{folder.name}.new")
        old = folder.with_name(f".{folder.name}.old")
        for path in (new, old):
            shutil.rmtree(path, ignore_errors=True)
        if result["notebooks"]:
            try:
                self._lay_out(new, submission, result)
            except BaseException:
                shutil.rmtree(new, ignore_errors=True)  # a full disk needs the room
                raise
        if folder.exists():
            os.rename(folder, old)
        if result["notebooks"]:
            os.rename(new, folder)
            self.course.autograde.set_permissions(self.course.assignment, submission.student)
        shutil.rmtree(old, ignore_errors=True)

    def _lay_out(self, folder: Path, submission: Submission, result: dict[str, Any]) -> None:
        folder.mkdir(parents=True)
        for name in submission.files:
            if not name.endswith(".ipynb"):
                _copy(submission.folder / name, folder / name)
        for name, path in self._sources.items():
            _copy(path, folder / name)
        for name, content in result["notebooks"].items():
            (folder / f"{name}.ipynb").write_text(content, "utf-8", newline="")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.unlink()
    shutil.copy(source, target)


def _late_penalties(course: Course) -> AssignLatePenalties | None:
    """The configured AssignLatePenalties, or None where the course grades without."""
    for entry in course.autograde.autograde_preprocessors:
        cls = import_item(entry) if isinstance(entry, str) else entry
        if isinstance(cls, type) and issubclass(cls, AssignLatePenalties):
            late = cls(parent=course.autograde)
            late.init_plugin()
            return late
    return None


@contextmanager
def _one_transaction(gradebook: Gradebook) -> Iterator[None]:
    """Make what nbgrader's API commits piecemeal one transaction."""
    session = gradebook.db
    commit = session.commit
    session.commit = session.flush
    # nbgrader logs each error of the database with a hundred lines, and then raises it.
    _NBGRADER_LOG.addFilter(_no_rollback)
    try:
        if gradebook.engine.dialect.name == "sqlite":
            # Find out here whether somebody else writes: nbgrader's API turns that into an error
            # of its own. A short wait, because the caller has other work meanwhile.
            session.execute(text(f"PRAGMA busy_timeout = {_BUSY_MS}"))
            session.execute(text("BEGIN IMMEDIATE"))
        yield
        commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        _NBGRADER_LOG.removeFilter(_no_rollback)
        session.commit = commit
        session.expire_all()


def _no_rollback(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Rolling back session")
