"""A course of one's own in a new folder: assignments, configuration and gradebook."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any

import optedu
from optedu.course.release import assignments, course_config
from optedu.desk.course import course_here, gradebook
from optedu.desk.words import place
from optedu.grading.errors import UsageError

__all__ = ["quickstart"]

_CONFIG = """\
# nbgrader and optedu read this file when they are run in this folder.
import os

c = get_config()  # noqa: F821  (nbgrader defines it)
here = os.path.dirname(os.path.abspath(__file__))

c.CourseDirectory.course_id = {course!r}
c.CourseDirectory.root = here
c.CourseDirectory.db_url = "sqlite:///" + os.path.join(here, "gradebook.db")

# Where students fetch and hand in. They all must be able to read and write it.
c.Exchange.root = {exchange}

# The same as where the assignments come from.
{lines}
"""


def quickstart(
    folder: Path,
    wanted: tuple[str, ...] = (),
    clone: Path | None = None,
    course: str | None = None,
    exchange: Path | None = None,
) -> str:
    r"""Make the folder of a course; return what to say.

    Everything is written to a folder beside it, which then gets its name.

    Parameters
    ----------
    folder : Path
        A new or an empty folder.
    wanted : tuple of str
        Assignments, by name or the start of it; all when empty.
    clone : Path, optional
        The clone of the repository with the assignments' sources, which the installed package does
        not hold, because students install it. The one that the package runs from when left out.
    course : str, optional
        The name of the course in nbgrader; the folder's when left out.
    exchange : Path, optional
        nbgrader's exchange; a folder in the course's when left out.

    Raises
    ------
    UsageError
        When the folder is not empty or cannot be written, the clone is none, it has no such
        assignment, or the course cannot have this name. Nothing is left behind then.
    """
    folder = Path(os.path.abspath(folder))
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: name a new folder")
    if not folder.parent.is_dir():
        raise UsageError(f"no folder {folder.parent} to make {folder.name} in")
    source = _clone(clone)
    names = _choose(assignments(source), wanted, source)
    name = course or re.sub(r"[^\w.-]", "-", folder.name)
    if not re.fullmatch(r"\w[\w.-]*", name):  # it is the name of a folder of the exchange, too
        raise UsageError(f"--course must be of letters, digits, - _ . and got {name!r}")
    try:
        _make(folder, source, names, name, exchange)
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from error
    return "\n".join(
        [
            f"{place(folder)}: course '{name}' with {', '.join(names)}",
            f"Go on there: cd {shlex.quote(place(folder))}; optedu doctor; optedu roster CLASS.csv",
        ]
    )


def _clone(clone: Path | None) -> Path:
    given = clone or Path(optedu.__file__).parents[1]
    if not (given / "nbgrader_config.py").is_file() or not assignments(given):
        if clone is not None:
            raise UsageError(f"--from: {clone} has no solutions/ and nbgrader_config.py")
        raise UsageError(
            "the installed package holds no assignments, because students install it: give the "
            "clone of the repository that has them, --from CLONE"
        )
    return given.resolve()


def _choose(known: list[str], wanted: tuple[str, ...], source: Path) -> list[str]:
    chosen = []
    for name in wanted:
        found = [name] if name in known else [other for other in known if other.startswith(name)]
        if len(found) != 1:
            what = "more than one assignment" if found else "no assignment"
            raise UsageError(
                f"--assignment: {what} '{name}' in {source} (it has: {', '.join(found or known)})"
            )
        chosen += found
    return sorted(set(chosen)) or known


def _make(folder: Path, source: Path, names: list[str], course: str, exchange: Path | None) -> None:
    config = course_config(source)
    ignored = shutil.ignore_patterns(*config.CourseDirectory.get("ignore", []))
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name in names:
            shutil.copytree(source / "solutions" / name, made / "source" / name, ignore=ignored)
        (made / "nbgrader_config.py").write_text(_config(config, course, exchange), "utf-8")
        if exchange is None:
            (made / "exchange").mkdir()
            (made / "exchange").chmod(0o777)  # nbgrader refuses one that not everybody can write
        with gradebook(course_here(new=True, root=made)):
            pass  # it is made
        made.chmod(0o755)
        os.replace(made, folder)  # an empty folder is replaced, any other is not
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _config(config: Any, course: str, exchange: Path | None) -> str:
    """The configuration, which has from the clone's all but where its folders are."""
    kept = {name: section for name, section in config.items() if name not in ("Exchange",)}
    directory = kept.pop("CourseDirectory", {})
    if "ignore" in directory:
        kept["CourseDirectory"] = {"ignore": directory["ignore"]}
    lines = [
        f"c.{name}.{trait} = {value!r}"
        for name, section in sorted(kept.items())
        for trait, value in sorted(section.items())
    ]
    place = (
        'os.path.join(here, "exchange")' if exchange is None else repr(os.path.abspath(exchange))
    )
    return _CONFIG.format(course=course, exchange=place, lines="\n".join(lines))
