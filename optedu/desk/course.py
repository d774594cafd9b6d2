"""The course in this folder, and its gradebook, for commands that are about no single run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.script import ScriptDirectory
from nbgrader.api import Assignment, Base, Gradebook, InvalidEntry, Student
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from optedu.grading.course import Course, behind, explain, find_assignment, read_course
from optedu.grading.errors import UsageError

__all__ = ["course_here", "enrolled", "gradebook", "known"]

WAIT_S = 5.0  # for another program to let the gradebook go


def course_here(assignment: str = "", *, new: bool = False, root: Path | None = None) -> Course:
    r"""Return the course in a folder, the working directory by default.

    Parameters
    ----------
    assignment : str
        Which assignment a command is about.
    new : bool
        Whether its gradebook may be missing: the command makes it.
    root : Path, optional
        The folder.

    Raises
    ------
    UsageError
        When there is no course here, or no gradebook yet.
    """
    course = read_course(assignment, root)
    here = root or Path.cwd()
    marks = [here / "nbgrader_config.py", course.root / course.coursedir.source_directory]
    if not any(path.exists() for path in [*marks, _file(course)]):
        raise UsageError(
            f"no course in {here}: go to the folder with nbgrader_config.py, or make one "
            "with optedu quickstart FOLDER"
        )
    if not new and not _file(course).exists():
        raise UsageError(f"no gradebook at {_file(course)}: run optedu roster FILE.csv first")
    return course


def _file(course: Course) -> Path:
    """The gradebook's file; for a database server the course's folder, which is there."""
    url = make_url(course.db_url)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else course.root


@contextmanager
def gradebook(course: Course, *, make: bool = True) -> Iterator[Gradebook]:
    r"""Open the course's gradebook, and make it where there is none.

    What happens inside is one transaction where it calls ``commit`` once, at its end.

    Parameters
    ----------
    course : Course
        The course.
    make : bool
        Whether to make tables where there are none; a gradebook without is refused if not.

    Raises
    ------
    UsageError
        When it is locked, is no database, or cannot be written.
    """
    try:
        if make:
            _file(course).parent.mkdir(parents=True, exist_ok=True)
            _make_tables(course.db_url)
        elif not _has_tables(course.db_url):
            raise UsageError(f"no gradebook yet: {_file(course)} is empty")
        with course.gradebook(wait_s=WAIT_S) as book:
            yield book
    except (DatabaseError, InvalidEntry) as error:
        raise UsageError(f"{explain(behind(error))} ({_file(course)})") from error
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error


def _has_tables(url: str) -> bool:
    engine = create_engine(url)
    try:
        return bool(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def _make_tables(url: str) -> None:
    """Make a gradebook where there is none.

    Nbgrader would start the program alembic for its version, by name: it is seconds faster to ask
    the library, and works where the environment is not active.
    """
    engine = create_engine(url)
    try:
        if not inspect(engine).get_table_names():
            head = ScriptDirectory(ALEMBIC_DIR).get_current_head()
            with engine.begin() as connection:
                Base.metadata.create_all(bind=connection)
                connection.execute(
                    text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
                )
                connection.execute(
                    text("INSERT INTO alembic_version VALUES (:head)"), {"head": head}
                )
    finally:
        engine.dispose()


def known(book: Gradebook, assignment: str) -> Assignment:
    r"""Return an assignment of the gradebook.

    Raises
    ------
    UsageError
        When it is not there.
    """
    return find_assignment(book, assignment, f"optedu release {assignment}")


def enrolled(book: Gradebook) -> list[Student]:
    r"""Return the class.

    Raises
    ------
    UsageError
        When nobody is in it.
    """
    if not (students := book.students):
        raise UsageError("no student in the gradebook: run optedu roster FILE.csv first")
    return students
