"""Write results into the class's gradebook and folders, as nbgrader autograde would have."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from nbgrader.api import (
    Comment,
    Grade,
    Gradebook,
    InvalidEntry,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from optedu.grading.course import Course, behind, explain, is_gone, is_locked
from optedu.grading.errors import RunError
from optedu.grading.lateness import Extensions, Lateness, Penalties, settle
from optedu.grading.plan import Submission, source_files
from optedu.grading.rows import Rows, Scores, points_of
from optedu.grading.store import disk_errors

__all__ = ["GradebookBusy", "Held", "Merger"]

# Whether the gradebook has a submission's result.
Held = Callable[[Submission, dict[str, Any]], bool]

_T = TypeVar("_T")
_BUSY_MS = 500
_WRITTEN = ", ".join(
    kind.__tablename__ for kind in (Student, SubmittedAssignment, SubmittedNotebook, Grade, Comment)
)
_NBGRADER_LOG = logging.getLogger("tornado.application")


class GradebookBusy(Exception):
    """Another program holds the gradebook, or its server is gone: merge later."""


class Merger:
    """The one writer of the gradebook during a run.

    Merging is idempotent: the same result twice leaves the gradebook as once does. What a person
    wrote there (manual scores, comments, extra credit) stays.
    """

    def __init__(self, course: Course, gradebook: Gradebook) -> None:
        self.course = course
        self.gradebook = gradebook
        self.penalties = Penalties(course)
        self.extensions = Extensions(course)
        self._extended = self.extensions.of(course.assignment)
        self._sources = source_files(course)

    def check_writable(self) -> None:
        """Find out before grading that the gradebook cannot be written.

        Raises
        ------
        RunError
            With one line on why. A gradebook that is only busy passes.
        """
        try:
            with one_transaction(self.gradebook):
                self.gradebook.db.execute(text("UPDATE assignment SET name = name WHERE 1 = 0"))
        except DBAPIError as error:
            if not is_locked(error):
                raise RunError(explain(error)) from error

    def merge(self, results: Sequence[tuple[Submission, dict[str, Any]]]) -> None:
        """Give the gradebook results, in one transaction, and put their notebooks in place.

        Raises
        ------
        GradebookBusy
            When another program holds the gradebook, or its server is gone. Nothing of the results
            was written, or all of it; merging them again is safe.
        RunError
            When gradebook or disk cannot be written.
        """
        for submission, result in results:
            # What could not be graded leaves the graded notebook of an earlier submission there,
            # as it leaves its points.
            if result["notebooks"]:
                with disk_errors(self._folder(submission.student)):
                    self._write_autograded(submission, result)

        def record() -> None:
            for submission, result in results:
                self._record(submission, result)

        self._commit(record)

    def settle(self, students: Collection[str] | None = None) -> Lateness:
        """Give submissions, old and new, the extensions and late penalties that they have now.

        Raises
        ------
        GradebookBusy
            When another program holds the gradebook, or its server is gone.
        RunError
            When it cannot be written, or a penalty cannot be computed.
        """
        return self._commit(
            lambda: settle(
                self.gradebook.db.connection(),
                self.course,
                self.penalties,
                self.extensions,
                students,
            )
        )

    def _commit(self, action: Callable[[], _T]) -> _T:
        try:
            try:
                with one_transaction(self.gradebook):
                    return action()
            except (DBAPIError, InvalidEntry) as error:
                # A connection that was idle may have been closed: it shows only when it is used.
                if not is_gone(behind(error)):
                    raise
            with one_transaction(self.gradebook):
                return action()
        except (DBAPIError, InvalidEntry) as error:
            cause = behind(error)
            if is_locked(cause) or is_gone(cause):
                raise GradebookBusy(explain(cause)) from error
            raise RunError(explain(cause)) from error

    def held(self) -> Held:
        """What of the class the gradebook really has (it may be an older copy).

        Raises
        ------
        RunError
            When the gradebook cannot be read.
        """
        try:
            scores = Scores(self.gradebook.db.connection(), self.course.assignment)
        except DBAPIError as error:
            raise RunError(explain(error)) from error
        finally:
            self.gradebook.db.rollback()

        def held(submission: Submission, result: dict[str, Any]) -> bool:
            student = submission.student
            if not scores.has(student, result["grades"]):
                return False
            if not result["notebooks"]:
                return True
            here = submission.time == scores.time(student)
            return here and self._folder(student).is_dir()

        return held

    def standing(self, students: Collection[str]) -> dict[str, float]:
        """The points, without penalties, that these students have from earlier submissions.

        Raises
        ------
        RunError
            When the gradebook cannot be read.
        """
        try:
            connection = self.gradebook.db.connection()
            return points_of(connection, self.course.assignment, students)
        except DBAPIError as error:
            raise RunError(explain(error)) from error
        finally:
            self.gradebook.db.rollback()

    def _folder(self, student: str) -> Path:
        return self.course.folder(self.course.coursedir.autograded_directory, student)

    def _record(self, submission: Submission, result: dict[str, Any]) -> None:
        connection = self.gradebook.db.connection()
        rows = Rows(connection, self.course.assignment, submission.student)
        if not rows.is_enrolled and not self.course.autograde.create_student:
            return  # set aside by the plan
        names = result["notebooks"].keys()
        # Where it could not be graded, the points of an earlier one stand, and when that came.
        earlier = not names and rows.has_scores
        if not earlier:
            rows.set_time(submission.time)
        if submission.student in self._extended:
            rows.extend(self._extended[submission.student])
        if earlier and result["status"] != "error":
            rows.flag()
        if names:
            rows.zero_all_but(names)
            if result["tampered"] or submission.time_problem:
                rows.flag(names)
            for mark in result["grades"]:
                rows.set_grade(mark["notebook"], mark["name"], mark["auto_score"])
            for mark in result["comments"]:
                rows.set_comment(mark["notebook"], mark["name"], mark["auto_comment"])
            if self.penalties.given:
                rows.lift_penalties(names)
        rows.save()
        if names and rows.seconds_late > 0:
            for name in names:
                self._penalize(name, submission.student, rows.seconds_late)

    def _penalize(self, name: str, student: str, seconds: float) -> None:
        """What nbgrader's AssignLatePenalties does, in our transaction."""
        notebook = self.gradebook.find_submission_notebook(name, self.course.assignment, student)
        penalty = self.penalties.of(student, notebook.score, seconds)
        if penalty is not None:
            notebook.late_submission_penalty = penalty

    def _write_autograded(self, submission: Submission, result: dict[str, Any]) -> None:
        """Replace the autograded folder, whole, as nbgrader lays it out."""
        folder = self._folder(submission.student)
        new = folder.with_name(f".{folder.name}.new")
        old = folder.with_name(f".{folder.name}.old")
        for path in (new, old):
            shutil.rmtree(path, ignore_errors=True)
        try:
            self._lay_out(new, submission, result)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)  # a full disk needs the room
            raise
        if folder.exists():
            os.rename(folder, old)
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


@contextmanager
def one_transaction(gradebook: Gradebook) -> Iterator[None]:
    """Make what nbgrader's API commits piecemeal one transaction."""
    session = gradebook.db
    commit = session.commit
    session.commit = session.flush
    # nbgrader logs each error of the database with a hundred lines, and then raises it.
    _NBGRADER_LOG.addFilter(_no_rollback)
    try:
        connection = session.connection()
        if gradebook.engine.dialect.name == "sqlite":
            # Find out here whether somebody else writes: nbgrader's API turns that into an error
            # of its own. A short wait, because the caller has other work meanwhile.
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {_BUSY_MS}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif gradebook.engine.dialect.name == "postgresql":
            # The same for a server: others may read meanwhile, and write after us. Without it, a
            # score that a person saves between our reading a row and our writing it could be lost.
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_BUSY_MS}")
            connection.exec_driver_sql(f"LOCK TABLE {_WRITTEN} IN SHARE ROW EXCLUSIVE MODE")
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
