"""The class: imported from a CSV file, listed, and who of it has not handed in."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, fields
from pathlib import Path

from nbgrader.api import Gradebook, Student

from optedu.desk.course import course_here, enrolled, gradebook, known
from optedu.desk.tables import Table, plain, read_table
from optedu.desk.words import count, some
from optedu.grading.course import Course
from optedu.grading.errors import UsageError

__all__ = ["Person", "entries", "has_submitted", "listing", "load", "missing", "submitters"]

# What a student logs in with comes first: it is who nbgrader's exchange says has handed in.
_IDS = (
    "student_id", "sis login id", "login", "login id", "username", "sis user id", "id number",
    "email address", "email",
)  # fmt: skip
_COLUMNS = {
    "first_name": ("first_name", "firstname", "given name"),
    "last_name": ("last_name", "lastname", "surname", "family name"),
    "email": ("email", "email address", "e-mail"),
    "lms_user_id": ("lms_user_id",),
}
_NAMES = ("student", "student name", "full name", "name")


@dataclass(frozen=True)
class Person:
    r"""A student as a CSV file has them; the names are those of nbgrader's gradebook."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""


def entries(table: Table, id_column: str | None = None) -> list[Person]:
    r"""Return the students of a table, in its order.

    Parameters
    ----------
    table : Table
        Canvas's export of the gradebook, a list of participants or grades from Moodle, or a table
        with nbgrader's columns.
    id_column : str, optional
        The column with the ids; found by its name when left out.

    Raises
    ------
    UsageError
        When no column has the ids, or a student has none, a bad one, or two rows.
    """
    canvas = _is_canvas(table)
    column = _id_column(table, id_column, canvas)
    numbers = next((c for c in map(table.column, ("id", "student id")) if c), None)
    found: list[Person] = []
    lines: dict[tuple[str, str], int] = {}
    for line, row in table.rows:
        if canvas and _is_no_student(row[table.header[0]]):
            continue
        values = {
            field: next((row[c] for c in map(table.column, names) if c and row[c]), "")
            for field, names in _COLUMNS.items()
        }
        if canvas and numbers is not None:
            values["lms_user_id"] = row[numbers]
        if not values["first_name"] and not values["last_name"]:
            name = next((row[c] for c in map(table.column, _NAMES) if c and row[c]), "")
            values["first_name"], values["last_name"] = split_name(name)
        entry = Person(id=row[column], **values)
        where = f"{table.path}, line {line}"
        _check_id(entry, column, where)
        for field, value in (("id", entry.id), ("lms_user_id", entry.lms_user_id)):
            if value and (earlier := lines.setdefault((field, value), line)) != line:
                name = "student" if field == "id" else "the platform's number"
                raise UsageError(f"{where}: {name} '{value}' is in line {earlier}, too: keep one")
        found.append(entry)
    if not found:
        raise UsageError(f"{table.path} has no student")
    return found


def _is_canvas(table: Table) -> bool:
    """Whether `ID` is Canvas's own number for a student, which nobody logs in with."""
    names = {plain(name) for name in table.header}
    return "section" in names and bool(names & {"student", "student name"})


def _is_no_student(name: str) -> bool:
    """Canvas has a row for the points, and its test student."""
    return plain(name) in ("", "points possible", "student, test", "test student")


def _id_column(table: Table, chosen: str | None, canvas: bool) -> str:
    if chosen is not None:
        if column := table.column(chosen):
            return column
        raise UsageError(f"{table.path} has no column '{chosen}': it has {_shown(table)}")
    names = (*_IDS, "id") if canvas else ("id", *_IDS)
    for name in names:
        column = table.column(name)
        # Moodle writes columns that it has nothing for.
        if column is not None and any(row[column] for _, row in table.rows):
            return column
    raise UsageError(
        f"{table.path} has no column with the students' ids, such as id, username or SIS Login ID: "
        f"it has {_shown(table)}; choose one with --id COLUMN"
    )


def _shown(table: Table) -> str:
    names = ", ".join(table.header[:8])
    return names[:200] + (", ..." if len(table.header) > 8 else "")


def _check_id(entry: Person, column: str, where: str) -> None:
    if not entry.id:
        name = f" ({entry.first_name} {entry.last_name})".replace("( )", "").rstrip()
        raise UsageError(f"{where}: no id in column '{column}'{name}")
    # It is the name of a folder, and nbgrader finds folders by patterns.
    if re.search(r"[/\\*?\[\]\x00-\x1f]", entry.id) or entry.id.startswith("."):
        raise UsageError(f"{where}: '{entry.id}' cannot be an id: it must do as a folder's name")
    for field in fields(entry):
        if len(value := getattr(entry, field.name)) > 128:
            raise UsageError(
                f"{where}: {field.name} must have at most 128 letters: {value[:20]}..."
            )


def split_name(name: str) -> tuple[str, str]:
    r"""Return first and last name.

    Examples
    --------
    >>> split_name("Noether, Amalie Emmy"), split_name("Ada King Lovelace"), split_name("Plato")
    (('Amalie Emmy', 'Noether'), ('Ada King', 'Lovelace'), ('', 'Plato'))
    """
    last, comma, first = (part.strip() for part in name.partition(","))
    if comma:
        return first, last
    first, _, last = name.strip().rpartition(" ")
    return first, last


def load(path: Path, id_column: str | None = None) -> str:
    r"""Import the students of a CSV file in one transaction; return what to say.

    Raises
    ------
    UsageError
        When there is no course here, or the file or the gradebook cannot be used. Nothing is
        written then.
    """
    course = course_here(new=True)
    found = entries(read_table(path), id_column)
    with gradebook(course) as book:
        before = {student.id: student for student in book.students}
        _check_ids(found, before.values(), path)
        counts = {"new": 0, "changed": 0, "as before": 0}
        for entry in found:
            counts[_put(book, before.get(entry.id), entry)] += 1
        book.db.commit()
        others = sorted(before.keys() - {entry.id for entry in found})
    told = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    lines = [f"{count(len(found), 'student')} in {path}: {told}"]
    if others:
        lines.append(f"In the gradebook, and not in {path}: {some(others)}")
    return "\n".join(lines)


def _check_ids(found: list[Person], before: Collection[Student], path: Path) -> None:
    """Find who is in the gradebook under another id: with both the class would count twice.

    Raises
    ------
    UsageError
        With both ids.
    """
    for name, what in (("lms_user_id", "the platform's number"), ("email", "the e-mail address")):
        owners = {str(getattr(s, name)).casefold(): s.id for s in before if getattr(s, name)}
        has = {s.id: str(getattr(s, name)).casefold() for s in before}
        # Whose it was may have another one by this file.
        moved = {e.id: getattr(e, name).casefold() for e in found}
        for entry in found:
            value = getattr(entry, name).casefold()
            owner = owners.get(value, entry.id)
            if owner == entry.id or has.get(entry.id) == value:
                continue
            if value and moved.get(owner, value) in (value, ""):
                raise UsageError(
                    f"{path}: {what} '{getattr(entry, name)}' is of '{entry.id}', and in the "
                    f"gradebook of '{owner}': take the column with that id (--id COLUMN)"
                )


def _put(book: Gradebook, student: Student | None, entry: Person) -> str:
    """Give the gradebook what the file says; what it says nothing of stays."""
    values = {f.name: getattr(entry, f.name) for f in fields(entry) if getattr(entry, f.name)}
    if student is None:
        book.db.add(Student(**values))
        return "new"
    changed = {name: value for name, value in values.items() if getattr(student, name) != value}
    for name, value in changed.items():
        setattr(student, name, value)
    return "changed" if changed else "as before"


def listing() -> str:
    r"""Return the class, a line a student.

    Raises
    ------
    UsageError
        When there is no course or no gradebook here.
    """
    with gradebook(course_here()) as book:
        students = [_line(student) for student in book.students]
    return "\n".join([*students, count(len(students), "student")])


def missing(assignment: str) -> str:
    r"""Return who of the class has not handed in an assignment, a line a student.

    Raises
    ------
    UsageError
        When there is no course, gradebook, assignment or class here.
    """
    course = course_here(assignment)
    with gradebook(course) as book:
        entry = known(book, assignment)
        graded = {row.student_id for row in entry.submissions}
        students = enrolled(book)
        absent = [s for s in students if s.id not in graded and not has_submitted(course, s.id)]
        lines = [_line(student) for student in absent]
        unknown = sorted(submitters(course) - {student.id for student in students})
    lines.append(
        f"{len(absent)} of {count(len(students), 'student')} have not handed in {assignment}"
    )
    if unknown:
        lines.append(f"Handed in, and not in the class: {some(unknown)}")
    return "\n".join(lines)


def has_submitted(course: Course, student: str) -> bool:
    """Whether a notebook of this student has been collected."""
    folder = course.folder(course.coursedir.submitted_directory, student)
    return any(folder.glob("*.ipynb"))


def submitters(course: Course) -> set[str]:
    """Who has handed in, by the folders."""
    everybody = course.root / course.coursedir.submitted_directory
    if not everybody.is_dir():
        return set()
    names = {path.name for path in everybody.iterdir() if path.is_dir()}
    return {name for name in names if has_submitted(course, name)}


def _line(student: Student) -> str:
    name = " ".join(filter(None, (student.first_name, student.last_name)))
    return "  ".join(filter(None, (student.id, name, student.email)))
