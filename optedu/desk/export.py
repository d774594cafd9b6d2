"""Grades as Canvas, Moodle and spreadsheets take them in. What has no grade is blank, never 0."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import (
    Assignment,
    Grade,
    Gradebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import func

from optedu.desk.course import course_here, enrolled, gradebook, known
from optedu.desk.words import count, some
from optedu.grading.errors import UsageError
from optedu.grading.store import write_whole

__all__ = ["FORMATS", "export"]

FORMATS = ("canvas", "moodle", "csv")
_MOODLE_MOST = 100


@dataclass(frozen=True)
class Mark:
    r"""What the gradebook says of one submission.

    Attributes
    ----------
    score : float
        The points so far, less the penalty for lateness.
    graded : bool
        Whether it has been graded at all.
    by_hand : bool
        Whether answers wait for a person.
    """

    score: float
    graded: bool
    by_hand: bool


def export(
    to: str,
    wanted: tuple[str, ...] = (),
    titles: tuple[str, ...] = (),
    output: Path | None = None,
    partial: bool = False,
    force: bool = False,
) -> tuple[str, int]:
    r"""Write the grades to a file; return what to say, and the exit status.

    Parameters
    ----------
    to : str
        One of ``FORMATS``.
    wanted : tuple of str
        Which assignments; all when empty.
    titles : tuple of str
        Each ``"ASSIGNMENT=TITLE"``: the name that an assignment has on the platform.
    output : Path, optional
        The file; ``grades.csv``, or ``grades-canvas.csv`` and the like, when left out.
    partial : bool
        Whether to give the points so far where answers wait for a person.
    force : bool
        Whether to replace the file.

    Raises
    ------
    UsageError
        When there is no course, gradebook, class or such assignment here, or the file is there
        already or cannot be written.
    """
    path = output or Path("grades.csv" if to == "csv" else f"grades-{to}.csv")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already: --force replaces it, --output names another")
    with gradebook(course_here()) as book:
        assignments = _assignments(book, wanted)
        columns = dict.fromkeys(a.name for a in assignments) | _titles(titles, assignments)
        students = enrolled(book)
        marks = _marks(book, assignments)
        most = {a.name: a.max_score for a in assignments}
        write = {"canvas": _canvas, "moodle": _moodle, "csv": _csv}[to]
        scores = [
            [_shown(marks.get((a.name, s.id)), partial) for a in assignments] for s in students
        ]
        heads = [columns[a.name] or a.name for a in assignments]
        rows = write(students, heads, scores, [f"{most[a.name]:g}" for a in assignments])
        lines, code = _say(students, assignments, marks, partial)
    _write(path, rows)
    given = sum(bool(cell) for row in scores for cell in row)
    blank = len(students) * len(assignments) - given
    lines.insert(
        0, f"{path}: {count(len(students), 'student')}, {count(given, 'score')}, {blank} blank"
    )
    too_much = [name for name, points in most.items() if points > _MOODLE_MOST]
    if to == "moodle" and too_much:
        lines.append(
            f"Moodle takes at most {_MOODLE_MOST} points unless it is configured for more: "
            f"{', '.join(too_much)}"
        )
    return "\n".join(lines), code


def _assignments(book: Gradebook, wanted: tuple[str, ...]) -> list[Assignment]:
    if wanted:
        return [known(book, name) for name in dict.fromkeys(wanted)]
    found = sorted(book.assignments, key=lambda a: a.name)
    if not found:
        raise UsageError("no assignment in the gradebook: nothing to export")
    return found


def _titles(titles: Iterable[str], assignments: Iterable[Assignment]) -> dict[str, str]:
    names = [a.name for a in assignments]
    found = {}
    for text in titles:
        name, equals, title = (part.strip() for part in text.partition("="))
        if not equals or not title or name not in names:
            raise UsageError(
                f"--title must be ASSIGNMENT=TITLE, with one of {', '.join(names)}; got '{text}'"
            )
        found[name] = title
    return found


def _marks(book: Gradebook, assignments: Sequence[Assignment]) -> dict[tuple[str, str], Mark]:
    """The marks by assignment and student; two queries, whatever the size of the class."""
    rows = (
        book.db.query(
            Assignment.name,
            SubmittedAssignment.student_id,
            func.sum(Grade.score),
            func.count(Grade.auto_score) + func.count(Grade.manual_score),
            func.count(Grade.id).filter(Grade.needs_manual_grade),
        )
        .join(SubmittedAssignment, SubmittedAssignment.assignment_id == Assignment.id)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .filter(Assignment.name.in_([a.name for a in assignments]))
        .group_by(Assignment.name, SubmittedAssignment.student_id)
    )
    penalties = {
        (name, student): penalty
        for name, student, penalty in book.db.query(
            Assignment.name,
            SubmittedAssignment.student_id,
            func.sum(SubmittedNotebook.late_submission_penalty),
        )
        .join(SubmittedAssignment, SubmittedAssignment.assignment_id == Assignment.id)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .group_by(Assignment.name, SubmittedAssignment.student_id)
    }
    return {
        (name, student): Mark(
            max(0.0, score - (penalties.get((name, student)) or 0.0)), graded > 0, waiting > 0
        )
        for name, student, score, graded, waiting in rows
    }


def _shown(mark: Mark | None, partial: bool) -> str:
    if mark is None or not mark.graded or (mark.by_hand and not partial):
        return ""
    return f"{round(mark.score, 4):.12g}"


def _say(
    students: Sequence[Student],
    assignments: Sequence[Assignment],
    marks: dict[tuple[str, str], Mark],
    partial: bool,
) -> tuple[list[str], int]:
    """What is blank, and why; status 3 where that is for a person to end."""
    lines = []
    code = 0
    for assignment in assignments:
        found = {s.id: marks.get((assignment.name, s.id)) for s in students}
        groups = {
            "not handed in, or not graded yet": [s for s, m in found.items() if m is None],
            "could not be graded": [s for s, m in found.items() if m and not m.graded],
            "answers to grade by hand" + (" (points so far given)" if partial else ""): [
                s for s, m in found.items() if m and m.graded and m.by_hand
            ],
        }
        for what, who in groups.items():
            if who:
                lines.append(f"{assignment.name}: {what}: {some(who)}")
                code = code if what.startswith("not handed in") else 3
    return lines, code


# -- the formats -----------------------------------------------------------------------------------


def _canvas(
    students: Sequence[Student], heads: list[str], scores: list[list[str]], most: list[str]
) -> list[list[str]]:
    """What Canvas's gradebook imports: it finds a student by ID, else by login, else by name.

    The columns before the assignments have these names in this order, or the import is refused.
    """
    rows = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *heads]]
    rows.append(["    Points Possible", "", "", "", "", *most])
    for student, cells in zip(students, scores, strict=True):
        name = ", ".join(filter(None, (student.last_name, student.first_name)))
        rows.append([name or student.id, student.lms_user_id or "", "", student.id, "", *cells])
    return rows


def _moodle(
    students: Sequence[Student], heads: list[str], scores: list[list[str]], most: list[str]
) -> list[list[str]]:
    """What Moodle's grades import, as a CSV file.

    Its sign for no grade is a dash: of a column that becomes a new grade item it takes an empty
    cell for a number. And it gives a row whose identifier is empty to the student of the row
    before, so that the address is left out unless everybody has one.
    """
    emails = all(student.email for student in students)
    rows = [["Username", "First name", "Last name", *(["Email address"] if emails else []), *heads]]
    for student, cells in zip(students, scores, strict=True):
        row = [student.id, student.first_name or "", student.last_name or ""]
        rows.append([*row, *([student.email] if emails else []), *(c or "-" for c in cells)])
    return rows


def _csv(
    students: Sequence[Student], heads: list[str], scores: list[list[str]], most: list[str]
) -> list[list[str]]:
    rows = [["id", "last_name", "first_name", "email", *heads]]
    for student, cells in zip(students, scores, strict=True):
        names = [student.last_name or "", student.first_name or "", student.email or ""]
        rows.append([student.id, *names, *cells])
    return rows


def _write(path: Path, rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    try:
        write_whole(path, text.getvalue().encode())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
