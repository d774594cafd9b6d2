"""The command lines of the front desk. What a command needs loads when it runs."""

from __future__ import annotations

from pathlib import Path

import click

from optedu.grading.errors import UsageError
from optedu.grading.one_line import one_line

_FILE = click.Path(path_type=Path)


@click.command()
@one_line()
def doctor():
    """Say what is there on this machine and in this folder, and what is missing.

    The exit status is 3 when something is missing that grading needs.
    """
    from optedu.desk.doctor import report

    return report()


@click.command()
@click.argument("folder", type=_FILE)
@click.option(
    "--assignment", "wanted", multiple=True, metavar="NAME",
    help="Only this assignment, by its name or the start of it; repeat.",
)  # fmt: skip
@click.option(
    "--from", "clone", type=_FILE, metavar="CLONE",
    help="The clone of the course's repository that has the assignments' sources.",
)  # fmt: skip
@click.option(
    "--course", metavar="ID", help="The course's name in nbgrader; the folder's when left out."
)
@click.option(
    "--exchange", type=_FILE, metavar="DIR",
    help="nbgrader's exchange; a folder in the course's when left out.",
)  # fmt: skip
@one_line()
def quickstart(**options):
    """Make FOLDER the folder of a course, with the assignments, a configuration and a gradebook.

    nbgrader's own commands work in it, too.
    """
    from optedu.desk.quickstart import quickstart

    return quickstart(**options)


@click.command()
@click.argument("file", type=_FILE, required=False)
@click.option("--id", "id_column", metavar="COLUMN", help="The column with the students' ids.")
@click.option("--missing", metavar="ASSIGNMENT", help="List who has not handed it in.")
@one_line()
def roster(file, id_column, missing):
    """Import the class from FILE, a CSV file, or list it.

    FILE comes from Canvas (the gradebook's export), from Moodle (the participants' or the grades'
    export), or has nbgrader's columns: id, first_name, last_name, email, lms_user_id. Who is in the
    gradebook and not in FILE stays there.
    """
    from optedu.desk import roster

    if missing is not None and (file or id_column):
        raise UsageError("--missing lists the class that is in the gradebook: give no FILE with it")
    if id_column and not file:
        raise UsageError("--id says which column of FILE to read: give FILE")
    if missing is not None:
        return roster.missing(missing)
    return roster.load(file, id_column) if file else roster.listing()


@click.command()
@click.argument("assignments", nargs=-1, metavar="[ASSIGNMENT]...")
@click.option(
    "--to", required=True, type=click.Choice(["canvas", "moodle", "csv"]), help="For whom."
)
@click.option(
    "--title", "titles", multiple=True, metavar="ASSIGNMENT=TITLE",
    help="The name that an assignment has on the platform, such as 'ps09_adam=Adam (4711)'.",
)  # fmt: skip
@click.option("--output", type=_FILE, metavar="FILE", help="grades-canvas.csv when left out.")
@click.option(
    "--partial",
    is_flag=True,
    help="Give the points so far where answers wait to be graded by hand.",
)
@click.option("--force", is_flag=True, help="Replace the file.")
@one_line()
def export(assignments, to, titles, output, partial, force):
    """Write the grades of each ASSIGNMENT, or of all, to a CSV file that a platform imports.

    Who has no grade has no number in it. The exit status is 3 when submissions could not be graded,
    or answers wait to be graded by hand; the file is written and has no number for them.
    """
    from optedu.desk.export import export

    return export(to, assignments, titles, output, partial, force)


@click.command()
@click.argument("name")
@click.option("--title", default="", help="The notebook's first line; NAME when left out.")
@one_line()
def assignment(name, title):
    """Write the notebook of an assignment of your own, NAME, to begin with.

    It has each kind of cell and can be released as it is. In a clone of the course's repository it
    gets a module of right and wrong answers, too, which make test grades.
    """
    from optedu.desk.assignment import assignment

    return assignment(name, title)


@click.command()
@click.argument("assignment")
@click.argument("date", required=False)
@click.option(
    "--student", "students", multiple=True, metavar="ID",
    help="It is this student's own due date; repeat.",
)  # fmt: skip
@one_line()
def due(assignment, date, students):
    """Say when ASSIGNMENT is due, who has an extension and who is late; with DATE, set it.

    DATE is a time such as '2026-12-01 18:00', in the time zone of the course (c.Exchange.timezone)
    unless it names one; a day, which counts to its end; or none. The exit status is 3 where
    extensions.csv names nobody of the class, or no assignment.
    """
    from optedu.desk.due import due

    return due(assignment, date, students)


@click.command()
@click.argument("assignment")
@click.argument("archives", nargs=-1, type=_FILE, metavar="[ARCHIVE]...")
@click.option(
    "--from", "platform", type=click.Choice(["canvas", "moodle", "plain"]),
    help="Whose archives these are; seen from the names in them when left out.",
)  # fmt: skip
@click.option(
    "--worksheet", type=_FILE, metavar="FILE",
    help="Moodle's grading worksheet, for students of the same name.",
)  # fmt: skip
@click.option(
    "--replace", "replace_any", is_flag=True,
    help="Take submissions also where they are not newer than what is there.",
)  # fmt: skip
@one_line()
def collect(assignment, archives, platform, worksheet, replace_any):
    """Put the submissions of ASSIGNMENT in each ARCHIVE, a ZIP file, into the course.

    Without an ARCHIVE they come from nbgrader's exchange. The newest of a student counts; one that
    is replaced is kept in replaced/. A plain archive has a folder for each student, or files whose
    names begin with the student's id. The exit status is 3 when something was not taken.
    """
    from optedu.desk.collect import collect, from_exchange

    if not archives:
        if platform or worksheet or replace_any:
            raise UsageError("--from, --worksheet and --replace are for ZIP files: give an ARCHIVE")
        return from_exchange(assignment)
    return collect(assignment, archives, platform, worksheet, replace_any)


@click.command()
@click.argument("assignment")
@click.option("--force", is_flag=True, help="Replace it in the exchange.")
@click.option(
    "--update", is_flag=True,
    help="Only bring the gradebook up to date with the source; nothing is handed out.",
)  # fmt: skip
@one_line()
def release(assignment, force, update):
    """Generate the student version of ASSIGNMENT, register it, and put it into the exchange.

    Where there is no exchange it says which notebooks to hand out. The exit status is 3 when a
    person has given more points than the new source allows.
    """
    from optedu.desk.release import release

    if force and update:
        raise UsageError("--update changes nothing in the exchange: leave --force out")
    return release(assignment, force, update)


@click.command()
@click.argument("assignment")
@click.option(
    "--student", "students", multiple=True, metavar="ID", help="Only this student; repeat."
)
@one_line()
def feedback(assignment, students):
    """Write what students get back of ASSIGNMENT, and put it into the exchange.

    The exit status is 3 when that failed for somebody.
    """
    from optedu.desk.feedback import feedback

    return feedback(assignment, students)
