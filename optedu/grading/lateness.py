"""Who was late, by the due date as it is now, and what that costs. No notebook is run for it.

nbgrader decides both while it grades: a due date that is moved later changes nothing until all is
graded again. Here each run looks at them anew, for submissions that were graded long ago, too.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dateutil.tz import gettz
from nbgrader.api import (
    Assignment,
    Grade,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.plugins import BasePlugin
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import Connection, bindparam, func, select, update
from traitlets import TraitError
from traitlets.utils.importstring import import_item

from optedu.grading.course import Course
from optedu.grading.errors import RunError, UsageError
from optedu.grading.store import write_whole

__all__ = [
    "Extensions", "Late", "Lateness", "Penalties", "duration", "handed_in", "parse_time",
    "settings", "settle", "shown", "zone_of",
]  # fmt: skip

_COLUMNS = ["assignment", "student", "due"]


@dataclass(frozen=True)
class Late:
    r"""A submission that came after its due date, or that was charged as if it had.

    Attributes
    ----------
    student : str
        Whose.
    seconds : float
        By how much it is late: 0 where it no longer is.
    penalty : float
        The points that it costs.
    before : float
        The points that it cost before this run.
    """

    student: str
    seconds: float
    penalty: float
    before: float


@dataclass(frozen=True)
class Lateness:
    r"""The due date of an assignment, and who came after it.

    Attributes
    ----------
    due : str
        The due date in the course's time zone, or nothing.
    method : str
        The penalty's name, or nothing where the course has none.
    extensions : dict
        Until when, by student.
    late : tuple of Late
        Who is late, or was.
    strays : tuple of str
        Extensions of who is not in the class, and of assignments that are none: they do nothing.
    """

    due: str = ""
    method: str = ""
    extensions: dict[str, str] = field(default_factory=dict)
    late: tuple[Late, ...] = ()
    strays: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[Late, ...]:
        """Those whose penalty is another one since this run."""
        return tuple(each for each in self.late if each.penalty != each.before)


# -- times -----------------------------------------------------------------------------------------


def zone_of(course: Course) -> str:
    r"""Return the time zone of the course: ``c.Exchange.timezone``, as nbgrader's exchange has it.

    Raises
    ------
    UsageError
        When there is no such zone.
    """
    zone = course.config.get("Exchange", {}).get("timezone", "UTC")
    if not isinstance(zone, str) or gettz(zone) is None:
        raise UsageError(f"Exchange.timezone in nbgrader_config.py is no time zone: {zone!r}")
    return zone


def parse_time(text: str, zone: str = "UTC", *, whole_day: bool = True) -> datetime:
    r"""Return a time that a person wrote as the gradebook has it: in UTC, without a zone.

    Parameters
    ----------
    text : str
        Such as ``2026-12-01 18:00``, with a zone (``+01:00``, ``UTC``, ``Europe/Berlin``) or
        without; or a day, which lasts to its last second.
    zone : str
        The zone of a time that names none.
    whole_day : bool
        Whether a day means its last second, or its first.

    Raises
    ------
    ValueError
        When it is no time.

    Examples
    --------
    >>> print(parse_time("2026-12-01 18:00 Europe/Berlin"), parse_time("2026-12-01"), sep="\n")
    2026-12-01 17:00:00
    2026-12-01 23:59:59
    """
    said = text.strip()
    head, _, last = said.rpartition(" ")
    if head and re.match(r"[A-Za-z]", last) and gettz(last) is not None:
        said, zone = head, last
    with contextlib.suppress(ValueError):  # in any form that a day has, 20261201 say
        said = f"{date.fromisoformat(said)} {'23:59:59' if whole_day else '00:00'}"
    try:
        time = datetime.fromisoformat(said)
    except ValueError:
        raise ValueError(
            f"'{text}' is no time: write it as 2026-12-01, 2026-12-01 18:00 or 2026-12-01 18:00 UTC"
        ) from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=gettz(zone))
    try:
        return time.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise ValueError(f"'{text}' is no time: no calendar has it in UTC") from None


def handed_in(stamp: bytes, zone: str) -> datetime:
    r"""Return the time that a ``timestamp.txt`` says, in UTC, without a zone.

    nbgrader reads anything that looks like a time, ``02.12.2026`` with the month first, and has
    today's date for one that has none. Here it is ISO's form, with a zone's name after it or not.

    Parameters
    ----------
    stamp : bytes
        What the file holds. A time without a zone is UTC, as nbgrader has it.
    zone : str
        The zone of the course, in which nbgrader's exchange writes times, by an abbreviation.

    Raises
    ------
    ValueError
        When it is no time.

    Examples
    --------
    >>> print(handed_in(b"2026-12-01 18:00", "Europe/Berlin"))
    2026-12-01 18:00:00
    >>> print(handed_in(b"2026-07-01 18:00:00.5 CEST", "Europe/Berlin"))
    2026-07-01 16:00:00.500000
    """
    try:
        text = stamp.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if not text:
        raise ValueError("it is empty")
    head, _, last = text.rpartition(" ")
    try:
        if head and last.isalpha() and gettz(last) is None:
            time = parse_time(head, zone, whole_day=False)
            if time.replace(tzinfo=UTC).astimezone(gettz(zone)).tzname() == last:
                return time
        return parse_time(text, whole_day=False)
    except ValueError:
        raise ValueError(f"'{text[:40]}', write it as 2026-12-01 18:00 UTC") from None


def shown(time: datetime, zone: str) -> str:
    r"""Return a time of the gradebook as people in that zone read it.

    Examples
    --------
    >>> shown(parse_time("2026-12-01 18:00"), "Europe/Berlin")
    '2026-12-01 19:00 Europe/Berlin'
    """
    local = time.replace(tzinfo=UTC).astimezone(gettz(zone))
    return f"{local:%Y-%m-%d %H:%M} {zone}"


def duration(seconds: float) -> str:
    r"""Return how long that is, in its two largest units.

    Examples
    --------
    >>> duration(90.0), duration(26 * 3600.0), duration(30.0)
    ('1 min 30 s', '1 d 2 h', '30 s')
    """
    left, parts = int(seconds), []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"


# -- extensions ------------------------------------------------------------------------------------


class Extensions:
    r"""The file with the due dates that single students have: ``extensions.csv``.

    nbgrader's gradebook has an extension for a submission, and so for nobody who has not handed in
    yet. The file has them before, and each run writes those of submissions into the gradebook.

    Parameters
    ----------
    course : Course
        The file lies beside its autograded notebooks.

    Raises
    ------
    UsageError
        When the file cannot be read as what it should be.
    """

    def __init__(self, course: Course) -> None:
        beside = course.root / os.path.dirname(course.coursedir.autograded_directory)
        self.path: Path = beside / "extensions.csv"
        self.zone = zone_of(course)
        self.rows: dict[tuple[str, str], tuple[str, datetime]] = {}
        try:
            text = self.path.read_text("utf-8-sig")
        except FileNotFoundError:
            return
        except OSError as error:
            raise UsageError(f"{self.path}: {error.strerror}") from error
        except UnicodeDecodeError:
            raise UsageError(f"{self.path}: not UTF-8: save it as CSV, in UTF-8") from None
        self._parse(text)

    def _parse(self, text: str) -> None:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            header = next(reader, None)
            if header is None or [name.strip().lower() for name in header] != _COLUMNS:
                raise UsageError(
                    f"{self.path}, line 1: the columns must be {','.join(_COLUMNS)}, "
                    f"got {','.join(header or [])[:60]!r}"
                )
            for row in reader:
                if any(map(str.strip, row)):
                    self._add([value.strip() for value in row], reader.line_num)
        except csv.Error as error:
            raise UsageError(f"{self.path}, line {reader.line_num}: no CSV: {error}") from None

    def _add(self, row: list[str], line: int) -> None:
        where = f"{self.path}, line {line}"
        if len(row) != len(_COLUMNS) or not all(row):
            raise UsageError(f"{where}: an assignment, a student and a time, got {','.join(row)!r}")
        assignment, student, text = row
        if (assignment, student) in self.rows:
            raise UsageError(
                f"{where}: '{student}' has an extension of {assignment} above: keep one"
            )
        try:
            self.rows[assignment, student] = text, parse_time(text, self.zone)
        except ValueError as error:
            raise UsageError(f"{where}: {error}") from None

    def of(self, assignment: str) -> dict[str, datetime]:
        """Until when each student has, in UTC."""
        return {
            student: due for (name, student), (_, due) in self.rows.items() if name == assignment
        }

    def strays(self, connection: Connection) -> list[str]:
        """Lines that name nobody of the class, or no assignment of the gradebook."""
        if not self.rows:
            return []
        students = set(connection.execute(_STUDENTS).scalars())
        assignments = set(connection.execute(_ASSIGNMENTS).scalars())
        found = []
        for assignment, student in sorted(self.rows):
            if assignment not in assignments:
                found.append(f"{assignment},{student}: no assignment '{assignment}'")
            elif student not in students:
                found.append(f"{assignment},{student}: no student '{student}' in the class")
        return found

    def put(self, assignment: str, student: str, due: datetime | None) -> None:
        """Give a student an extension, or take it back."""
        self.rows.pop((assignment, student), None)
        if due is not None:
            self.rows[assignment, student] = f"{due:%Y-%m-%d %H:%M:%S} UTC", due

    def write(self) -> None:
        """Write the file, whole."""
        text = io.StringIO(newline="")
        rows = [[*key, said] for key, (said, _) in sorted(self.rows.items())]
        csv.writer(text, lineterminator="\n").writerows([_COLUMNS, *rows])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, text.getvalue().encode())


# -- penalties -------------------------------------------------------------------------------------


class Penalties:
    r"""The late penalty that the course is configured for.

    Parameters
    ----------
    course : Course
        Its ``AssignLatePenalties``, if that is among the preprocessors, says which plugin.
    """

    def __init__(self, course: Course) -> None:
        self._late: AssignLatePenalties | None = None
        for entry in course.autograde.autograde_preprocessors:
            cls = import_item(entry) if isinstance(entry, str) else entry
            if isinstance(cls, type) and issubclass(cls, AssignLatePenalties):
                try:
                    self._late = cls(parent=course.autograde)
                    self._late.init_plugin()
                except TraitError as error:
                    raise UsageError(f"nbgrader_config.py, the late penalty: {error}") from error
                break

    @property
    def given(self) -> bool:
        """Whether the course has a penalty at all."""
        return self._late is not None

    @property
    def method(self) -> str:
        """What it is called: nbgrader's method, or the plugin of one's own."""
        if self._late is None:
            return ""
        plugin = self._late.plugin_inst
        return str(getattr(plugin, "penalty_method", "") or type(plugin).__name__)

    @property
    def sections(self) -> set[str]:
        """The parts of ``nbgrader_config.py`` that are about the penalty alone."""
        if self._late is None:
            return {"AssignLatePenalties", "LateSubmissionPlugin"}
        plugins = {
            c.__name__ for c in type(self._late.plugin_inst).__mro__ if issubclass(c, BasePlugin)
        }
        return plugins - {BasePlugin.__name__} | {"AssignLatePenalties", type(self._late).__name__}

    def of(self, student: str, score: float, seconds: float) -> float | None:
        r"""Return what nbgrader's ``AssignLatePenalties`` takes off this score.

        Raises
        ------
        RunError
            When the plugin fails, or returns what is no number.
        """
        if self._late is None or seconds <= 0:
            return None
        try:
            penalty = self._late.plugin_inst.late_submission_penalty(student, score, seconds)
            if penalty is None:
                return None
            penalty = self._late._check_late_penalty(SimpleNamespace(score=score), float(penalty))
            if not math.isfinite(penalty):
                raise ValueError(f"it returned {penalty}")
        except Exception as error:
            name = type(self._late.plugin_inst).__name__
            raise RunError(f"the late penalty of {student} ({name}): {error}") from error
        return float(penalty)


def settings(course: Course) -> set[str]:
    """The sections of the configuration that no test's score can depend on."""
    exchange = {name for name in course.config if name.startswith("Exchange")}
    return Penalties(course).sections | exchange


def seconds_late(time: datetime | None, due: datetime | None, extension: timedelta | None) -> float:
    """By how much a submission is late, as nbgrader counts it."""
    if time is None or due is None:
        return 0.0
    return max(0.0, (time - due - (extension or timedelta())).total_seconds())


# -- the class -------------------------------------------------------------------------------------

_DUE = select(Assignment.__table__.c.duedate).where(
    Assignment.__table__.c.name == bindparam("name")
)
_STUDENTS = select(Student.__table__.c.id)
_ASSIGNMENTS = select(Assignment.__table__.c.name)
_HANDED_IN = (
    select(
        SubmittedAssignment.__table__.c.id,
        SubmittedAssignment.__table__.c.student_id,
        SubmittedAssignment.__table__.c.timestamp,
        SubmittedAssignment.__table__.c.extension,
    )
    .join(
        Assignment.__table__,
        Assignment.__table__.c.id == SubmittedAssignment.__table__.c.assignment_id,
    )
    .where(Assignment.__table__.c.name == bindparam("name"))
)
_NOTEBOOK = SubmittedNotebook.__table__
_PENALTIES = (
    select(_NOTEBOOK.c.id, _NOTEBOOK.c.assignment_id, _NOTEBOOK.c.late_submission_penalty)
    .join(Notebook.__table__, Notebook.__table__.c.id == _NOTEBOOK.c.notebook_id)
    .join(Assignment.__table__, Assignment.__table__.c.id == Notebook.__table__.c.assignment_id)
    .where(Assignment.__table__.c.name == bindparam("name"))
)
_SCORES = (
    select(Grade.notebook_id, func.sum(Grade.score))
    .join(_NOTEBOOK, _NOTEBOOK.c.id == Grade.notebook_id)
    .join(Notebook.__table__, Notebook.__table__.c.id == _NOTEBOOK.c.notebook_id)
    .join(Assignment.__table__, Assignment.__table__.c.id == Notebook.__table__.c.assignment_id)
    .where(Assignment.__table__.c.name == bindparam("name"))
    .group_by(Grade.notebook_id)
)
_CHANGE_PENALTY = (
    update(_NOTEBOOK)
    .where(_NOTEBOOK.c.id == bindparam("row"))
    .values(late_submission_penalty=bindparam("new"))
)
_CHANGE_EXTENSION = (
    update(SubmittedAssignment.__table__)
    .where(SubmittedAssignment.__table__.c.id == bindparam("row"))
    .values(extension=bindparam("new"))
)


def settle(
    connection: Connection,
    course: Course,
    penalties: Penalties,
    extensions: Extensions,
    students: Collection[str] | None = None,
) -> Lateness:
    r"""Give each submission the extension and the penalty that it has now, in a few statements.

    Parameters
    ----------
    connection : Connection
        In a transaction; nobody else writes meanwhile.
    course : Course
        The assignment's.
    penalties : Penalties
        What lateness costs.
    extensions : Extensions
        What the file says. A student without a line there keeps what the gradebook has.
    students : collection of str, optional
        Only these; all when left out.
    """
    key = {"name": course.assignment}
    due = connection.execute(_DUE, key).scalar()
    granted = extensions.of(course.assignment)
    late: dict[str, tuple[str, float]] = {}  # by submission
    longer: list[dict[str, Any]] = []
    until: dict[str, str] = {}
    for row in connection.execute(_HANDED_IN, key).all():
        if students is not None and row.student_id not in students:
            continue
        extension = row.extension
        if due is not None and row.student_id in granted:
            extension = max(timedelta(), granted[row.student_id] - due) or None
            if extension != row.extension:
                longer.append({"row": row.id, "new": extension})
        if due is not None and extension:
            until[row.student_id] = shown(due + extension, extensions.zone)
        late[row.id] = row.student_id, seconds_late(row.timestamp, due, extension)
    if longer:
        connection.execute(_CHANGE_EXTENSION, longer)
    found = _penalize(connection, key, penalties, late)
    for student, time in granted.items():  # also of who has not handed in
        if due is not None and (students is None or student in students):
            until.setdefault(student, shown(max(time, due), extensions.zone))
    return Lateness(
        due=shown(due, extensions.zone) if due is not None else "",
        method=penalties.method,
        extensions=dict(sorted(until.items())),
        late=tuple(sorted(found, key=lambda each: each.student)),
        strays=tuple(extensions.strays(connection)),
    )


def _differ(one: float | None, other: float | None) -> bool:
    """Whether two penalties are not the same, up to the order in which a database adds scores."""
    if one is None or other is None:
        return one is not other
    return not math.isclose(one, other, abs_tol=1e-9)


def _penalize(
    connection: Connection, key: dict[str, str], penalties: Penalties, late: dict[str, Any]
) -> list[Late]:
    notebooks = [
        row
        for row in connection.execute(_PENALTIES, key).all()
        if row.assignment_id in late and (late[row.assignment_id][1] > 0 or row[2] is not None)
    ]
    if not notebooks:
        return []
    scores: dict[str, float] = dict(connection.execute(_SCORES, key).all())
    changes = []
    totals: dict[str, list[float]] = {}
    for row in notebooks:
        student, seconds = late[row.assignment_id]
        before = row.late_submission_penalty
        # Where the course has no penalty, what stands there is somebody's own.
        new = (
            penalties.of(student, scores.get(row.id) or 0.0, seconds) if penalties.given else before
        )
        if _differ(new, before):
            changes.append({"row": row.id, "new": new})
        else:
            new = before
        sums = totals.setdefault(row.assignment_id, [0.0, 0.0])
        sums[0] += new or 0.0
        sums[1] += before or 0.0
    if changes:
        connection.execute(_CHANGE_PENALTY, changes)
    return [Late(*late[submission], *sums) for submission, sums in totals.items()]
