"""A course as nbgrader sees it: its configuration, its folders, its gradebook."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.api import (
    Assignment,
    Base,
    Gradebook,
    GradeCell,
    InvalidEntry,
    MissingEntry,
    Notebook,
    SolutionCell,
    SourceCell,
    TaskCell,
)
from nbgrader.apps.autogradeapp import AutogradeApp
from nbgrader.converters.autograde import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearHiddenTests
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from traitlets.config import Application, Config

from optedu.grading.errors import RunError, UsageError

__all__ = ["Course", "open_course", "read_course"]


@dataclass(frozen=True)
class Course:
    """One assignment of one course, with everything that nbgrader's configuration says of it."""

    assignment: str
    config: Config
    coursedir: CourseDirectory
    autograde: Autograde
    db_url: str

    @property
    def root(self) -> Path:
        """The folder of the course."""
        return Path(self.coursedir.root)

    @property
    def kernels(self) -> str | None:
        r"""What `nbgrader_config.py` says of the kernels of this assignment; None for nothing.

        ``c.OpteduGrade.kernels`` is ``"one"`` or ``"two"``, or has one of them by assignment:
        ``{"ps1": "one"}``.
        """
        said = self.config.get("OpteduGrade", {}).get("kernels")
        chosen = said.get(self.assignment) if isinstance(said, dict) else said
        if chosen not in ("one", "two", None):
            raise UsageError(
                f"OpteduGrade.kernels in nbgrader_config.py must be 'one' or 'two', got {chosen!r}"
            )
        return chosen

    @property
    def results(self) -> Path:
        """Where results of this assignment are kept, beside the autograded notebooks."""
        beside = self.root / os.path.dirname(self.coursedir.autograded_directory)
        return beside / "results" / self.assignment

    def folder(self, step: str, student: str) -> Path:
        """The folder of one student at a step, such as ``submitted`` or ``autograded``."""
        return Path(self.coursedir.format_path(step, student, self.assignment))

    @contextmanager
    def gradebook(self, *, wait_s: float = 60.0) -> Iterator[Gradebook]:
        """The gradebook of this course; `wait_s` is for another program to let it go."""
        gradebook = patiently(
            lambda: Gradebook(self.db_url, self.coursedir.course_id), wait_s=wait_s
        )
        try:
            yield gradebook
        finally:
            gradebook.close()


def behind(error: DBAPIError | InvalidEntry) -> DBAPIError:
    """The database's own error: nbgrader's API makes of it that the entry is invalid.

    Raises
    ------
    InvalidEntry
        When the entry is what is wrong.
    """
    cause = error.__context__ if isinstance(error, InvalidEntry) else error
    if not isinstance(cause, DBAPIError):
        raise error
    return cause


# PostgreSQL: lock_not_available, deadlock_detected, serialization_failure.
_LOCKED = ("55P03", "40P01", "40001")


def _sqlstate(error: DBAPIError) -> str:
    """The five characters by which a database server names an error."""
    return getattr(error.orig, "pgcode", None) or getattr(error.orig, "sqlstate", None) or ""


def is_locked(error: DBAPIError) -> bool:
    """Whether somebody else holds the gradebook just now."""
    return "database is locked" in str(error) or _sqlstate(error) in _LOCKED


def _is_no_database(error: DBAPIError) -> bool:
    return "not a database" in str(error) or "malformed" in str(error)


def _cannot_open(error: DBAPIError) -> bool:
    return "unable to open database file" in str(error)


def is_gone(error: DBAPIError) -> bool:
    """Whether there is no connection to the gradebook's server, or none any more."""
    if error.connection_invalidated:
        return True
    if state := _sqlstate(error):
        return state.startswith(("08", "57P"))  # connection exceptions, a server that ends
    # An attempt to connect that fails has no state; SQLite's errors never have one.
    has_states = hasattr(error.orig, "sqlstate") or hasattr(error.orig, "pgcode")
    return isinstance(error, OperationalError) and has_states


def explain(error: DBAPIError) -> str:
    """One line on why the gradebook cannot be used."""
    reason = str(error.orig) if error.orig is not None else str(error)
    if "readonly" in reason or "read-only" in reason:
        return "the gradebook is read-only"
    if is_locked(error) or "locked" in reason:
        return "the gradebook is locked by another program"
    if "disk is full" in reason or "disk I/O" in reason:
        return "the disk is full: the gradebook cannot grow"
    if _cannot_open(error):
        return "the gradebook's file cannot be opened: is it a file, and may you read it?"
    if _is_no_database(error):
        return "the gradebook's file is no SQLite database: put a backup of it in its place"
    first = reason.strip().partition("\n")[0]  # what follows is advice for a server's administrator
    if is_gone(error):
        return f"the gradebook's server cannot be reached: {first}"
    return f"the gradebook cannot be used: {first}"


def patiently(action, *, wait_s: float = 60.0):
    """Do a thing with the gradebook, again while another program holds it, up to `wait_s`."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return action()
        except (DBAPIError, InvalidEntry) as error:
            cause = behind(error)
            if _is_no_database(cause) or _cannot_open(cause):  # and so it will be the next time
                raise UsageError(explain(cause)) from error
            # So PostgreSQL's server says that it is starting up, shutting down or recovering.
            passes = is_locked(cause) or "the database system is" in str(cause)
            if not passes or time.monotonic() > deadline:
                raise RunError(explain(cause)) from error
            time.sleep(0.2)


def open_course(assignment: str, root: str | Path | None = None) -> Course:
    r"""Read the course in `root` (the working directory by default), whose gradebook is there.

    Raises
    ------
    UsageError
        When there is no such course, gradebook or assignment, or its configuration is broken.
    """
    course = read_course(assignment, root)
    url = make_url(course.db_url)
    if url.get_backend_name() == "sqlite" and not os.path.exists(url.database or ""):
        here = Path(root or Path.cwd())
        source = course.root / course.coursedir.source_directory
        if not (here / "nbgrader_config.py").exists() and not source.exists():
            raise UsageError(
                f"no course in {here}: go to the folder with nbgrader_config.py, or make one "
                "with optedu quickstart FOLDER"
            )
        raise UsageError(f"no gradebook at {url.database}: run {_registers(assignment)} first")
    return course


def _registers(assignment: str) -> str:
    """What puts an assignment into the gradebook."""
    return f"optedu release {assignment} (or nbgrader generate_assignment {assignment})"


def read_course(assignment: str, root: str | Path | None = None) -> Course:
    r"""Read ``nbgrader_config.py`` of the course in `root` (the working directory by default).

    Raises
    ------
    UsageError
        When the configuration is broken, or no assignment can have this name.
    """
    app = AutogradeApp()
    app.raise_config_file_errors = True
    # nbgrader says at INFO what we show as progress, and at WARNING what goes into the results.
    app.log_level = logging.CRITICAL
    app.load_cwd_config = root is None  # the configuration in `root` is read in any case
    try:
        app.initialize([], root=str(root) if root is not None else "")
        if root is not None and Path(app.coursedir.root).resolve() != Path(root).resolve():
            # The user's own configuration names another course: what is asked for goes before it.
            app.coursedir.root = str(root)
            Application.load_config_file(app, "nbgrader_config.py", path=str(root))
    except (SystemExit, Exception) as error:
        raise UsageError(f"nbgrader_config.py cannot be used: {error}") from error
    coursedir = app.coursedir
    try:
        coursedir.assignment_id = assignment
    except Exception as error:
        raise UsageError(str(error)) from error
    return Course(
        assignment=coursedir.assignment_id,
        config=app.config,
        coursedir=coursedir,
        autograde=Autograde(coursedir=coursedir, parent=app),
        db_url=_absolute(coursedir.db_url, coursedir.root),
    )


def _checked_url(db_url: str) -> URL:
    """The gradebook's address, if it is one and Python can talk to such a database."""
    try:
        url = make_url(db_url)
        url.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError) as error:
        # The address may hold a password: it is not repeated.
        raise UsageError(f"CourseDirectory.db_url is no address of a database: {error}") from error
    except ModuleNotFoundError as error:
        driver = str(error.name)
        hint = ": pip install 'optedu[postgresql]'" if driver.startswith("psycopg") else ""
        raise UsageError(f"the gradebook's database needs {driver}{hint}") from error
    return url


def _absolute(db_url: str, root: str) -> str:
    """The same database, named independently of the working directory."""
    url = _checked_url(db_url)
    if url.get_backend_name() != "sqlite" or not url.database or os.path.isabs(url.database):
        return db_url
    path = os.path.join(root, url.database)
    return url.set(database=path).render_as_string(hide_password=False)


def find_assignment(gradebook: Gradebook, name: str, command: str) -> Assignment:
    r"""Return an assignment of the gradebook; `command` is what puts one there.

    Raises
    ------
    UsageError
        When it is not there.
    """
    try:
        return gradebook.find_assignment(name)
    except MissingEntry:
        known = ", ".join(sorted(a.name for a in gradebook.assignments)) or "none"
        raise UsageError(
            f"no assignment '{name}' in the gradebook (it has: {known}): run {command} first"
        ) from None


def blueprint(course: Course) -> dict[str, Any]:
    """What grading needs to know of the assignment, out of the gradebook: no student, no score."""
    with course.gradebook() as gradebook:
        assignment = find_assignment(gradebook, course.assignment, _registers(course.assignment))
        return {
            "assignment": course.assignment,
            "notebooks": [
                _in_released_order(_notebook_blueprint(notebook), course)
                for notebook in assignment.notebooks
            ],
        }


def _in_released_order(notebook: dict[str, Any], course: Course) -> dict[str, Any]:
    """Add what students were given; a gradebook has new cells of a later release at its end."""
    release = course.folder(course.coursedir.release_directory, ".")
    given: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError):  # it may be elsewhere
        for cell in nbformat.read(release / f"{notebook['name']}.ipynb", as_version=4).cells:
            if "grade_id" in (mark := cell.metadata.get("nbgrader", {})):
                given[mark["grade_id"]] = cell.source
    places = {name: place for place, name in enumerate(given)}
    if places.keys() >= {cell["name"] for cell in notebook["source_cells"]}:
        notebook["source_cells"].sort(key=lambda cell: places[cell["name"]])
    clear = ClearHiddenTests(parent=course.autograde)
    released = {}
    for cell in notebook["source_cells"]:
        visible = NotebookNode(source=cell["source"])
        with contextlib.suppress(RuntimeError):  # the region has no end
            clear._remove_hidden_test_region(visible)
        name = cell["name"]
        released[name] = [visible.source] + ([given[name]] if name in given else [])
    return notebook | {"released": released}


def _notebook_blueprint(notebook) -> dict[str, Any]:
    return {
        "name": notebook.name,
        "kernelspec": notebook.kernelspec,
        "grade_cells": [
            {"name": c.name, "max_score": c.max_score, "cell_type": c.cell_type}
            for c in notebook.grade_cells
        ],
        "solution_cells": [{"name": c.name} for c in notebook.solution_cells],
        "task_cells": [
            {"name": c.name, "max_score": c.max_score, "cell_type": c.cell_type}
            for c in notebook.task_cells
        ],
        "source_cells": [
            {
                "name": c.name,
                "cell_type": c.cell_type,
                "locked": c.locked,
                "source": c.source,
                "checksum": c.checksum,
            }
            for c in notebook.source_cells
        ],
    }


_KINDS = {
    "grade_cells": GradeCell,
    "solution_cells": SolutionCell,
    "task_cells": TaskCell,
    "source_cells": SourceCell,
}


def build_gradebook(path: Path, plan: dict[str, Any]) -> str:
    """Make a gradebook from a blueprint; returns its URL."""
    url = f"sqlite:///{path}"
    # With its tables in place, Gradebook does not start alembic to ask for the schema's version.
    engine = create_engine(url)
    Base.metadata.create_all(bind=engine)
    engine.dispose()
    with Gradebook(url) as gradebook:
        assignment = gradebook.add_assignment(plan["assignment"])
        for notebook in plan["notebooks"]:
            kept = Notebook(
                name=notebook["name"], kernelspec=notebook["kernelspec"], assignment=assignment
            )
            # Together: nbgrader's `add_source_cell` and its like write one cell at a time.
            for cells, kind in _KINDS.items():
                gradebook.db.add_all(kind(notebook=kept, **cell) for cell in notebook[cells])
        gradebook.db.commit()
    return url


def canonical(value: Any) -> str:
    """Text that is equal for equal configuration and blueprints, whatever process writes it."""

    def plain(item: Any) -> Any:
        if isinstance(item, dict):
            return {str(key): plain(val) for key, val in sorted(item.items(), key=str)}
        if isinstance(item, (list, tuple)):
            return [plain(val) for val in item]
        if isinstance(item, (set, frozenset)):
            return sorted(plain(val) for val in item)
        if item is None or isinstance(item, (bool, int, float, str)):
            return item
        if hasattr(item, "__qualname__"):
            return f"{item.__module__}.{item.__qualname__}"
        if hasattr(item, "to_dict"):
            return plain(item.to_dict())
        return repr(item)

    return json.dumps(plain(value), sort_keys=True)
