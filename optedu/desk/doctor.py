"""What is there on this machine and what is missing, in one table. Needs no extra itself."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from optedu.desk.words import place

__all__ = ["Finding", "findings", "report"]

_EXTRA = "pip install 'optedu[grade]'"
_ROOM_GB = 2.0
# What a configuration of one's own, or of an older version, may lack: who is told of it (exporter
# or converter), the preprocessor, and what is without it.
_PAGES = {
    "hidden tests": (
        "GenerateFeedback", "optedu.grading.feedback.HideTests", "feedback shows hidden tests",
    ),
    "formulas": (
        "HTMLExporter", "optedu.grading.formulas.SetFormulas",
        "formgrader and feedback set formulas with a network only",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    r"""What was found of one thing.

    Attributes
    ----------
    what : str
        The thing.
    status : str
        ``"ok"``, ``"missing"``, ``"optional"`` where it is missing and grading does without, or
        ``"newer"`` where the source is not what is graded.
    found : str
        What is there: a version, a path, a figure.
    do : str
        What to do where something is missing, or what is not possible without it.
    """

    what: str
    status: str
    found: str
    do: str = ""


def report() -> tuple[str, int]:
    r"""Return the table, and the exit status: 3 where something is missing that grading needs."""
    rows = list(findings())
    head = Finding("what", "status", "found", "what to do")
    texts = [[r.what, r.status, r.found, r.do] for r in (head, *rows)]
    widths = [max(len(text[i]) for text in texts) for i in range(3)]
    lines = [
        "  ".join([*(t.ljust(w) for t, w in zip(text, widths, strict=False)), text[3]]).rstrip()
        for text in texts
    ]
    return "\n".join(lines), 3 if any(row.status == "missing" for row in rows) else 0


def findings() -> Iterator[Finding]:
    r"""Yield what was found, what grading needs first."""
    version = ".".join(map(str, sys.version_info[:3]))
    enough = sys.version_info >= (3, 11)
    yield Finding(
        "Python", "ok" if enough else "missing", version, "" if enough else "3.11 or newer"
    )
    yield from map(_package, _required())
    yield _alembic()
    yield _sandbox()
    yield _disk()
    yield from _course()
    yield _program(
        "git", ("git",), "to publish what students get, and for a clone: apt install git"
    )
    yield _optional_package(
        "jupyterlab", "the formgrader, to grade by hand: pip install jupyterlab"
    )
    yield _optional_package("distributed", "to grade on a cluster: pip install 'optedu[cluster]'")
    yield _program(
        "Chromium", ("chromium", "chromium-browser", "google-chrome"),
        "to print the book, and its browser tests: apt install chromium",
    )  # fmt: skip
    yield _program("Node.js", ("node",), "the tests of the book's figures: apt install nodejs")


def _required() -> dict[str, SpecifierSet]:
    """The packages of the extra `grade`, each with the versions that it asks for."""
    listed = map(Requirement, metadata.requires("optedu") or [])
    return {
        each.name: each.specifier
        for each in listed
        if each.marker and each.marker.evaluate({"extra": "grade"})
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _package(name: str) -> Finding:
    wanted = _required()[name]
    version = _version(name)
    if version is None:
        return Finding(name, "missing", "-", _EXTRA)
    if not wanted.contains(version, prereleases=True):
        return Finding(name, "missing", version, f"optedu needs {name}{wanted}: {_EXTRA}")
    return Finding(name, "ok", version)


def _top(error: ModuleNotFoundError) -> str:
    return str(error.name).partition(".")[0]


def _optional_package(name: str, do: str) -> Finding:
    version = _version(name)
    return Finding(name, "ok", version) if version else Finding(name, "optional", "-", do)


def _program(what: str, names: tuple[str, ...], do: str) -> Finding:
    path = next(filter(None, map(shutil.which, names)), None)
    return Finding(what, "ok", path) if path else Finding(what, "optional", "-", do)


def _alembic() -> Finding:
    """The program that nbgrader calls by name, and finds in an active environment only."""
    if path := shutil.which("alembic"):
        return Finding("environment", "ok", str(Path(path).parent))
    beside = Path(sys.executable).parent
    do = f"nbgrader's own commands need it active: . {beside}/activate"
    return Finding("environment", "optional", "not active", do)


def _sandbox() -> Finding:
    try:
        from optedu.grading.sandbox.jail import SandboxUnavailable, probe
    except ModuleNotFoundError as error:
        return Finding("sandbox", "missing", f"needs {_top(error)}", _EXTRA)
    try:
        probe()
    except SandboxUnavailable as error:
        there = shutil.which("bwrap")
        return Finding("sandbox", "missing", there or "-", " ".join(str(error).split()))
    return Finding("sandbox", "ok", f"{shutil.which('bwrap')}, holds")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if free >= _ROOM_GB:
        return Finding("disk", "ok", f"{free:.0f} GB free")
    do = f"a class needs {_ROOM_GB:g} GB: make room, or go to another disk"
    return Finding("disk", "missing", f"{free:.1f} GB free", do)


def _course() -> Iterator[Finding]:
    """The course in this folder, where there is one."""
    try:
        from optedu.desk.course import course_here, gradebook
    except ModuleNotFoundError as error:
        yield Finding("course", "missing", f"needs {_top(error)}", _EXTRA)
        return
    from optedu.desk.steps import exchange_root
    from optedu.grading.course import read_course
    from optedu.grading.drift import drift
    from optedu.grading.errors import RunError, UsageError

    try:
        course = course_here(new=True)
    except UsageError as error:
        broken = Path("nbgrader_config.py").exists()
        yield Finding("course", "missing" if broken else "optional", "-", str(error))
        return
    yield Finding("course", "ok", course.coursedir.course_id or "without a name")
    for what, (owner, preprocessor, lacking) in _PAGES.items():
        # Names, classes, or what is yet to be added to nbgrader's own.
        if preprocessor in str(course.config[owner].get("preprocessors")):
            yield Finding(what, "ok", preprocessor.rpartition(".")[2])
        else:
            do = f'{lacking}: "{preprocessor}" in c.{owner}.preprocessors of nbgrader_config.py'
            yield Finding(what, "optional", "-", do)
    try:
        with gradebook(course_here(), make=False) as book:
            names, students = [a.name for a in book.assignments], len(book.students)
            newer = {name: drift(read_course(name), book) for name in sorted(names)}
        yield Finding("gradebook", "ok", f"{len(names)} assignments, {students} students")
        for name, changed in newer.items():
            if changed:
                do = f"the gradebook counts ({changed.what}): {changed.do(name)}"
                yield Finding("source", "newer", name, do)
    except (UsageError, RunError) as error:
        status = "optional" if str(error).startswith("no gradebook") else "missing"
        yield Finding("gradebook", status, "-", str(error))
    if root := exchange_root(course):
        yield Finding("exchange", "ok", place(root))
    else:
        do = "only needed for nbgrader's exchange: c.Exchange.root in nbgrader_config.py"
        yield Finding("exchange", "optional", "-", do)
