r"""The rows of the gradebook that one submission has, written as nbgrader's API would write them.

That API makes an object of each row and asks for each by itself; and as its tables have no index
but those of their unique constraints, what it asks for a submission's grades reads the grades of
the whole class. With ten thousand submissions that is the longest part of a run. Here are some ten
statements for all rows of a submission, and each finds what it wants by a unique constraint.
"""

from __future__ import annotations

import datetime
from array import array
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    MissingEntry,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    new_uuid,
)
from sqlalchemy import Connection, Table, and_, bindparam, func, insert, select, update

from optedu.grading.lateness import seconds_late

__all__ = ["Rows", "Scores", "points_of"]

_ASSIGNMENT: Table = Assignment.__table__
_CELL: Table = BaseCell.__table__
_COMMENT: Table = Comment.__table__
_GRADE: Table = Grade.__table__
_MASTER: Table = Notebook.__table__
_NOTEBOOK: Table = SubmittedNotebook.__table__
_STUDENT: Table = Student.__table__
_SUBMISSION: Table = SubmittedAssignment.__table__

_GRADED = ("GradeCell", "TaskCell")
_COMMENTED = ("SolutionCell", "TaskCell")

# Made once: it takes longer to build and to look up a statement than to run it.
_FIND = (
    select(
        _ASSIGNMENT.c.id.label("assignment"),
        _ASSIGNMENT.c.duedate,
        _STUDENT.c.id.label("student"),
        _SUBMISSION.c.id.label("submission"),
        _SUBMISSION.c.timestamp,
        _SUBMISSION.c.extension,
    )
    .select_from(_ASSIGNMENT)
    .outerjoin(_STUDENT, _STUDENT.c.id == bindparam("student_id"))
    .outerjoin(
        _SUBMISSION,
        and_(
            _SUBMISSION.c.assignment_id == _ASSIGNMENT.c.id,
            _SUBMISSION.c.student_id == bindparam("student_id"),
        ),
    )
    .where(_ASSIGNMENT.c.name == bindparam("name"))
)
_FIND_CELLS = (
    select(
        _MASTER.c.id.label("master"),
        _MASTER.c.name.label("notebook"),
        _CELL.c.id.label("cell"),
        _CELL.c.name,
        _CELL.c.type,
    )
    .select_from(_MASTER)
    .outerjoin(_CELL, _CELL.c.notebook_id == _MASTER.c.id)
    .where(_MASTER.c.assignment_id == bindparam("assignment"))
)
_FIND_NOTEBOOKS = select(
    _NOTEBOOK.c.id,
    _NOTEBOOK.c.notebook_id.label("master"),
    _NOTEBOOK.c.flagged,
    _NOTEBOOK.c.late_submission_penalty.label("penalty"),
).where(
    _NOTEBOOK.c.notebook_id.in_(bindparam("masters", expanding=True)),
    _NOTEBOOK.c.assignment_id == bindparam("submission"),
)


def _of_cells(kind: Table, *columns: Any):
    return select(kind.c.id, kind.c.cell_id, kind.c.notebook_id, *columns).where(
        kind.c.cell_id.in_(bindparam("cells", expanding=True)),
        kind.c.notebook_id.in_(bindparam("notebooks", expanding=True)),
    )


_FIND_GRADES = _of_cells(
    _GRADE, _GRADE.c.auto_score, _GRADE.c.manual_score, _GRADE.c.needs_manual_grade
)
_FIND_COMMENTS = _of_cells(_COMMENT, _COMMENT.c.auto_comment)


def _change(table: Table, *columns: str):
    values: dict[str, Any] = {column: bindparam(f"new_{column}") for column in columns}
    return update(table).where(table.c.id == bindparam("row")).values(values)


_CHANGES = {
    _SUBMISSION: _change(_SUBMISSION, "timestamp", "extension"),
    _NOTEBOOK: _change(_NOTEBOOK, "flagged", "late_submission_penalty"),
    _GRADE: _change(_GRADE, "auto_score", "needs_manual_grade"),
    _COMMENT: _change(_COMMENT, "auto_comment"),
}
_INSERTS = {table: insert(table) for table in (_STUDENT, *_CHANGES)}
_ALL_TIMES = (
    select(_SUBMISSION.c.student_id, _SUBMISSION.c.timestamp)
    .join(_ASSIGNMENT, _ASSIGNMENT.c.id == _SUBMISSION.c.assignment_id)
    .where(_ASSIGNMENT.c.name == bindparam("name"))
)
_ALL_SCORES = (
    select(_SUBMISSION.c.student_id, _MASTER.c.name, _CELL.c.name, _GRADE.c.auto_score)
    .select_from(_GRADE)
    .join(_NOTEBOOK, _NOTEBOOK.c.id == _GRADE.c.notebook_id)
    .join(_SUBMISSION, _SUBMISSION.c.id == _NOTEBOOK.c.assignment_id)
    .join(_ASSIGNMENT, _ASSIGNMENT.c.id == _SUBMISSION.c.assignment_id)
    .join(_MASTER, _MASTER.c.id == _NOTEBOOK.c.notebook_id)
    .join(_CELL, _CELL.c.id == _GRADE.c.cell_id)
    .where(_ASSIGNMENT.c.name == bindparam("name"))
)


_POINTS = (
    select(
        _SUBMISSION.c.student_id,
        func.sum(Grade.score).label("points"),
        (func.count(Grade.auto_score) + func.count(Grade.manual_score)).label("scores"),
    )
    .select_from(Grade)
    .join(_NOTEBOOK, _NOTEBOOK.c.id == Grade.notebook_id)
    .join(_SUBMISSION, _SUBMISSION.c.id == _NOTEBOOK.c.assignment_id)
    .join(_ASSIGNMENT, _ASSIGNMENT.c.id == _SUBMISSION.c.assignment_id)
    .where(_ASSIGNMENT.c.name == bindparam("name"))
    .group_by(_SUBMISSION.c.student_id)
)


@dataclass
class _Row:
    """A row: what it has, and whether that is new to the gradebook."""

    values: dict[str, Any]
    new: bool
    changed: bool = False

    def set(self, **values: Any) -> None:
        """Give it values."""
        for name, value in values.items():
            if self.values.get(name) != value:
                self.values[name] = value
                self.changed = True


@dataclass
class Rows:
    r"""The rows of one student's submission: read or thought of here, written by `save`.

    Parameters
    ----------
    connection : Connection
        In a transaction; nobody else writes meanwhile.
    assignment, student : str
        Name and id.

    Raises
    ------
    MissingEntry
        When the gradebook has no such assignment.
    """

    connection: Connection
    assignment: str
    student: str
    is_enrolled: bool = field(init=False)
    _notebooks: dict[str, _Row] = field(init=False, default_factory=dict)
    _grades: dict[tuple[str, str], _Row] = field(init=False, default_factory=dict)
    _comments: dict[tuple[str, str], _Row] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        key = {"name": self.assignment, "student_id": self.student}
        found = self.connection.execute(_FIND, key).first()
        if found is None:
            raise MissingEntry(f"No such assignment: {self.assignment}")
        self._found = found
        self.is_enrolled = self._found.student is not None
        cells = self.connection.execute(_FIND_CELLS, {"assignment": self._found.assignment}).all()
        if self._found.submission is None:
            self._make(cells)
        else:
            self._read(cells)

    def set_time(self, time: datetime.datetime | None) -> None:
        """Set when it was handed in; without a time it is on time."""
        self._submission.set(timestamp=time)

    @property
    def seconds_late(self) -> float:
        """By how much it was handed in after the due date, which may have been extended."""
        time, extension = (self._submission.values[name] for name in ("timestamp", "extension"))
        return seconds_late(time, self._found.duedate, extension)

    @property
    def has_scores(self) -> bool:
        """Whether a submission of this student was graded before, by tests or by a person."""
        marks = ("auto_score", "manual_score")
        return any(row.values[m] is not None for row in self._grades.values() for m in marks)

    def extend(self, until: datetime.datetime) -> None:
        """Extend the due date of this student, if there is one, up to a time."""
        if self._found.duedate is not None:
            extra = max(datetime.timedelta(), until - self._found.duedate)
            self._submission.set(extension=extra or None)

    def zero_all_but(self, notebooks: Collection[str]) -> None:
        """A notebook that was not handed in has no points, and nothing to look at."""
        for (notebook, _), row in self._grades.items():
            if notebook not in notebooks:
                row.set(auto_score=0.0, needs_manual_grade=False)

    def flag(self, notebooks: Collection[str] | None = None) -> None:
        """Show a flag in the formgrader at these notebooks, or at all."""
        for notebook in self._notebooks if notebooks is None else notebooks:
            self._notebooks[notebook].set(flagged=True)

    def lift_penalties(self, notebooks: Collection[str]) -> None:
        """Take back the late penalties of these notebooks."""
        for notebook in notebooks:
            self._notebooks[notebook].set(late_submission_penalty=None)

    def set_grade(self, notebook: str, cell: str, score: float | None) -> None:
        """Set a score; what a person gave stays, and is shown to a person again.

        Raises
        ------
        MissingEntry
            When the submission has no such grade.
        """
        row = _known(self._grades, "grade", notebook, cell)
        by_hand = row.values["manual_score"] is not None
        row.set(auto_score=score, needs_manual_grade=by_hand or score is None)

    def set_comment(self, notebook: str, cell: str, comment: str | None) -> None:
        """Set the comment that is made by itself; what a person wrote stays.

        Raises
        ------
        MissingEntry
            When the submission has no such comment.
        """
        _known(self._comments, "comment", notebook, cell).set(auto_comment=comment)

    def save(self) -> None:
        """Write what is new and what has changed, within the transaction."""
        if not self.is_enrolled:
            self._insert(_STUDENT, [{"id": self.student}])
        for table, rows in (
            (_SUBMISSION, [self._submission]),
            (_NOTEBOOK, self._notebooks.values()),
            (_GRADE, self._grades.values()),
            (_COMMENT, self._comments.values()),
        ):
            self._insert(table, [row.values for row in rows if row.new])
            changed = [row.values for row in rows if row.changed and not row.new]
            if changed:
                new = [{f"new_{k}": v for k, v in each.items()} for each in changed]
                rows_ = [each | {"row": each["new_id"]} for each in new]
                self.connection.execute(_CHANGES[table], rows_)

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.connection.execute(_INSERTS[table], rows)

    def _make(self, cells: Any) -> None:
        """Rows for everything that the assignment has."""
        submission = new_uuid()
        self._submission = _Row(
            {
                "id": submission,
                "assignment_id": self._found.assignment,
                "student_id": self.student,
                "timestamp": None,
                "extension": None,
            },
            new=True,
        )
        for cell in cells:
            if cell.notebook not in self._notebooks:
                values = {"id": new_uuid(), "notebook_id": cell.master, "assignment_id": submission}
                values |= {"flagged": False, "late_submission_penalty": None}
                self._notebooks[cell.notebook] = _Row(values, new=True)
            place = (cell.notebook, cell.name)
            of = {"notebook_id": self._notebooks[cell.notebook].values["id"], "cell_id": cell.cell}
            if cell.type in _GRADED:
                empty = {"auto_score": None, "manual_score": None, "needs_manual_grade": True}
                self._grades[place] = _Row({"id": new_uuid()} | of | empty, new=True)
            if cell.type in _COMMENTED:
                values = {"id": new_uuid()} | of | {"auto_comment": None}
                self._comments[place] = _Row(values, new=True)

    def _read(self, cells: Any) -> None:
        """The rows that the gradebook has."""
        found = self._found
        values = {"id": found.submission}
        values |= {"timestamp": found.timestamp, "extension": found.extension}
        self._submission = _Row(values, new=False)
        names = {cell.master: cell.notebook for cell in cells}
        key: dict[str, Any] = {"masters": list(names), "submission": found.submission}
        books = {}
        for each in self.connection.execute(_FIND_NOTEBOOKS, key):
            books[each.id] = names[each.master]
            values = {
                "id": each.id, "flagged": each.flagged, "late_submission_penalty": each.penalty,
            }  # fmt: skip
            self._notebooks[names[each.master]] = _Row(values, new=False)
        for statement, rows, types in (
            (_FIND_GRADES, self._grades, _GRADED),
            (_FIND_COMMENTS, self._comments, _COMMENTED),
        ):
            known = {cell.cell: cell.name for cell in cells if cell.type in types}
            key = {"cells": list(known), "notebooks": list(books)}
            for mark in self.connection.execute(statement, key).mappings():
                values = dict(mark)
                place = (books[values.pop("notebook_id")], known[values.pop("cell_id")])
                rows[place] = _Row(values, new=False)


def _known(rows: dict[tuple[str, str], _Row], what: str, notebook: str, cell: str) -> _Row:
    try:
        return rows[notebook, cell]
    except KeyError:
        where = f"cell '{cell}' of notebook '{notebook}'"
        raise MissingEntry(f"No such {what}: {where}") from None


class Scores:
    r"""The scores of a whole class that the gradebook has, in few bytes each.

    Parameters
    ----------
    connection : Connection
        Where to read them from.
    assignment : str
        Its name.
    """

    def __init__(self, connection: Connection, assignment: str) -> None:
        self._places: dict[tuple[str, str], int] = {}
        self._scores: dict[str, array[float]] = {}
        found = connection.execution_options(yield_per=1000).execute(
            _ALL_SCORES, {"name": assignment}
        )
        for student, notebook, cell, score in found:
            place = self._places.setdefault((notebook, cell), len(self._places))
            scores = self._scores.setdefault(student, array("d"))
            scores.extend([_ABSENT] * (place + 1 - len(scores)))
            scores[place] = _UNSCORED if score is None else score
        times = connection.execute(_ALL_TIMES, {"name": assignment})
        self._times = {row.student_id: row.timestamp for row in times}

    def time(self, student: str) -> datetime.datetime | None:
        """When this student handed in, as far as the gradebook knows."""
        return self._times.get(student)

    def has(self, student: str, grades: Collection[dict[str, Any]]) -> bool:
        """Whether these scores, and a submission of the student at all, are among them."""
        scores = self._scores.get(student)
        if scores is None:
            return False
        for grade in grades:
            place = self._places.get((grade["notebook"], grade["name"]), len(scores))
            score = _UNSCORED if grade["auto_score"] is None else grade["auto_score"]
            if place >= len(scores) or scores[place] != score:
                return False
        return True


def points_of(
    connection: Connection, assignment: str, students: Collection[str]
) -> dict[str, float]:
    r"""Return the points of these students, as far as they have any score."""
    found = connection.execute(_POINTS, {"name": assignment}) if students else ()
    return {
        row.student_id: row.points for row in found if row.scores and row.student_id in students
    }


# No test gives a negative score.
_ABSENT, _UNSCORED = -2.0, -1.0
