"""Due dates: of an assignment, and of single students; what lateness costs, and who is late."""

from __future__ import annotations

from nbgrader.api import Assignment, Gradebook, Student

from optedu.desk.course import course_here, enrolled, gradebook, known
from optedu.desk.words import some
from optedu.grading.course import Course
from optedu.grading.errors import UsageError
from optedu.grading.lateness import Extensions, Lateness, Penalties, parse_time, settle, shown
from optedu.grading.report import late_lines, stray_lines

__all__ = ["due"]

_NONE = "none"


def due(
    assignment: str, date: str | None = None, students: tuple[str, ...] = ()
) -> tuple[str, int]:
    r"""Set a due date or extensions, or say what they are; return what to say, and the exit status.

    Parameters
    ----------
    assignment : str
        An assignment of the gradebook.
    date : str, optional
        A time, in the course's zone where it names none; a day, which counts to its end; or
        ``"none"``.
    students : tuple of str
        Whose own due date it is; the assignment's when empty.

    Raises
    ------
    UsageError
        When there is no course, gradebook, assignment or student of that name here, the date is
        none, or an extension ends before the due date. Nothing is written then.
    """
    course = course_here(assignment)
    extensions = Extensions(course)
    penalties = Penalties(course)
    with gradebook(course) as book:
        entry = known(book, assignment)
        if date is None:
            lines = _lines(book, course, penalties, extensions, students)
        else:
            lines = _change(book, entry, extensions, date, students)
            lines.append(f"optedu grade {assignment} sees to penalties, and grades nothing again")
        strays = stray_lines(Lateness(strays=tuple(extensions.strays(book.db.connection()))))
    return "\n".join([*lines, *strays]), 3 if strays else 0


def _lines(
    book: Gradebook,
    course: Course,
    penalties: Penalties,
    extensions: Extensions,
    students: tuple[str, ...],
) -> list[str]:
    """What the next run would find; it is not written."""
    try:
        if students:
            _enrolled(book, students)
        found = settle(book.db.connection(), course, penalties, extensions, set(students) or None)
    finally:
        book.db.rollback()
    lines = late_lines(found) or ["Due at no time"]
    lines[0] = f"{course.assignment}: {lines[0][0].lower()}{lines[0][1:]}"
    note = "nothing" if found.method in ("", _NONE) else found.method
    changes = [line for line in lines if line.startswith("Penalties changed")]
    lines = [line for line in lines if line not in changes]
    if changes:
        lines.append(f"The next optedu grade {course.assignment} changes penalties")
    return [*lines, f"Lateness costs: {note}"]


def _change(
    book: Gradebook,
    entry: Assignment,
    extensions: Extensions,
    date: str,
    students: tuple[str, ...],
) -> list[str]:
    try:
        when = None if date.lower() == _NONE else parse_time(date, extensions.zone)
    except ValueError as error:
        raise UsageError(str(error)) from None
    said = shown(when, extensions.zone) if when else "at no time"
    if not students:
        entry.duedate = when
        book.db.commit()
        return [f"{entry.name}: due {said}"]
    if entry.duedate is None:
        raise UsageError(
            f"{entry.name} has no due date to extend: run optedu due {entry.name} DATE first"
        )
    if when is not None and when <= entry.duedate:
        raise UsageError(
            f"{said} is no extension: {entry.name} is due {shown(entry.duedate, extensions.zone)}"
        )
    names = [student.id for student in _enrolled(book, students)]
    rows = {row.student_id: row for row in entry.submissions}
    for name in names:
        extensions.put(entry.name, name, when)
        if name in rows:
            rows[name].extension = when - entry.duedate if when else None
    book.db.flush()  # what the gradebook refuses is not in the file either
    try:
        extensions.write()
    except OSError as error:
        raise UsageError(f"{extensions.path}: {error.strerror}") from error
    book.db.commit()
    what = f"until {said}" if when else f"no extension, due {shown(entry.duedate, extensions.zone)}"
    return [f"{entry.name}: {some(names)}: {what}"]


def _enrolled(book: Gradebook, names: tuple[str, ...]) -> list[Student]:
    students = {student.id: student for student in enrolled(book)}
    for name in names:
        if name not in students:
            raise UsageError(f"--student: no student '{name}' in the gradebook: see optedu roster")
    return [students[name] for name in dict.fromkeys(names)]
