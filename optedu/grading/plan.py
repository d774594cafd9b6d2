"""What there is to grade: every submission, with its job key or the reason to set it aside."""

from __future__ import annotations

import copy
import glob
import hashlib
import json
import os
import pickle
import platform
import re
import stat
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from nbgrader.utils import find_all_files, is_ignored

from optedu.grading.course import Course, blueprint, canonical
from optedu.grading.errors import UsageError
from optedu.grading.execute import Limits
from optedu.grading.lateness import handed_in, settings, zone_of
from optedu.grading.pool import Job

__all__ = ["Plan", "Shared", "Submission", "make_plan", "read_submission", "share", "source_files"]

# Before the outermost limit: starting kernels, converting, and the limits' own clean-up.
_GRACE_S = 60.0
_MAX_DEPTH = 100  # of a notebook's JSON; nbformat and nbgrader go down recursively

# Of this package, what no score can depend on.
_NO_EFFECT = (
    "web/", "plot/", "desk/", "cli.py", "grading/report.py", "grading/command.py",
    "grading/pool.py", "grading/lateness.py",
)  # fmt: skip


@dataclass(frozen=True)
class Shared:
    """What all submissions of an assignment have in common."""

    content: dict[str, Any]
    notebooks: tuple[str, ...]
    items: tuple[dict[str, Any], ...]
    kernels: str = "two"

    @cached_property
    def digest(self) -> str:
        """What changes whenever a score could."""
        return hashlib.sha256(f"{self.content['digest']}\0{self.kernels}".encode()).hexdigest()

    @cached_property
    def data(self) -> bytes:
        """As it travels to the workers."""
        return pickle.dumps(self.content | {"digest": self.digest, "kernels": self.kernels})

    def job(self, key: str, load: Callable[[], bytes]) -> Job:
        """Grade the submission that `load` reads."""
        deadline_s = self.content["limits"].wall_s * len(self.notebooks) + _GRACE_S
        return Job(key, load, self.data, deadline_s)


@dataclass(frozen=True)
class Submission:
    """One student's folder: ready to grade, or with a `problem` that a person must look at."""

    student: str
    folder: Path
    key: str
    files: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    problem: str | None = None
    notes: tuple[str, ...] = ()
    tampered: tuple[str, ...] = ()
    time: datetime | None = None  # when it was handed in
    time_problem: str | None = None  # why that cannot be said


@dataclass(frozen=True)
class Plan:
    """All submissions of an assignment in the order of the student ids."""

    shared: Shared
    submissions: tuple[Submission, ...] = field(default=())


@dataclass
class _Found:
    """What lies in a submission's folder, as far as it may be read."""

    files: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    tampered: list[str] = field(default_factory=list)
    problem: str | None = None


def make_plan(
    course: Course,
    *,
    limits: Limits,
    sandbox: bool = True,
    students: Iterable[str] = (),
    kernels: str = "two",
) -> Plan:
    r"""Look at every submission of the assignment without running any of it.

    Parameters
    ----------
    students : iterable of str
        Ids or patterns such as ``a*``; none means all.
    kernels : {"two", "one"}
        Whether tests run in a kernel of their own, or in one with the students' code.

    Raises
    ------
    UsageError
        When the assignment is unknown, or there is no submission (of these students).
    """
    shared = replace(share(course, limits, sandbox), kernels=kernels)
    wanted = tuple(students)
    found = [
        (student, folder)
        for student, folder in _folders(course)
        if not wanted or any(student == w or fnmatchcase(student, w) for w in wanted)
    ]
    if not found:
        where = course.coursedir.submitted_directory
        who = f" of {', '.join(wanted)}" if wanted else ""
        raise UsageError(f"no submission{who} for '{course.assignment}' in {where}/")
    submissions = [_inspect(course, shared, *pair) for pair in found]
    if not course.autograde.create_student:
        submissions = _enrolled_only(course, submissions)
    return Plan(shared, tuple(submissions))


def _enrolled_only(course: Course, submissions: list[Submission]) -> list[Submission]:
    """Set aside who is not in the gradebook, as `Autograde.create_student = False` asks."""
    with course.gradebook() as gradebook:
        known = {student.id for student in gradebook.students}
    reason = "no student with this id in the gradebook (Autograde.create_student is off)"
    return [
        s if s.student in known else replace(s, problem=s.problem or reason) for s in submissions
    ]


def read_submission(course: Course, submission: Submission) -> bytes:
    """The submission as it travels to a worker.

    Raises
    ------
    OSError
        When its files can no longer be read.
    """
    found = _read(course, submission.folder)
    return pickle.dumps({name: found.files[name] for name in submission.files})


def _folders(course: Course) -> list[tuple[str, Path]]:
    """Pairs of student id and folder, found as nbgrader finds them."""
    coursedir = course.coursedir
    step = coursedir.submitted_directory
    pattern = re.compile(
        coursedir.format_path(
            step, "(?P<student_id>.*)", re.escape(course.assignment), escape=True
        ),
        re.DOTALL,
    )
    excluded = set(coursedir.student_id_exclude.split(",")) - {""}
    pairs = []
    paths = glob.glob(coursedir.format_path(step, coursedir.student_id, course.assignment))
    for path in sorted(paths):
        match = pattern.fullmatch(path)
        if match and os.path.isdir(path) and match["student_id"] not in excluded:
            pairs.append((match["student_id"], Path(path)))
    return pairs


def share(course: Course, limits: Limits, sandbox: bool) -> Shared:
    """Everything but the submission: tests, data files, configuration, limits, versions."""
    plan = blueprint(course)
    config = copy.deepcopy(course.config)
    # Workers have a gradebook of their own. The class's address may hold a password, and a move of
    # the gradebook to a server changes no score; nor does what is about lateness and the exchange.
    config.get("CourseDirectory", {}).pop("db_url", None)
    for section in settings(course):
        config.pop(section, None)
    files = {name: path.read_bytes() for name, path in source_files(course).items()}
    digest = hashlib.sha256()
    for part in (
        canonical(plan),
        canonical(config),
        canonical(asdict(limits)),
        str(sandbox),
        *_versions(),
    ):
        digest.update(part.encode() + b"\0")
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    content = {
        "digest": digest.hexdigest(),
        "blueprint": plan,
        "config": config,
        "files": files,
        "limits": limits,
        "sandbox": sandbox,
    }
    items = tuple(
        {
            "notebook": notebook["name"],
            "name": cell["name"],
            "max_score": cell["max_score"],
            "automatic": _is_test(notebook, cell),
        }
        for notebook in plan["notebooks"]
        for cell in notebook["grade_cells"]
    )
    names = tuple(notebook["name"] for notebook in plan["notebooks"])
    return Shared(content, names, items)


def _is_test(notebook: dict[str, Any], cell: dict[str, Any]) -> bool:
    """Whether a graded cell is scored by running it, and not by a person."""
    solutions = {solution["name"] for solution in notebook["solution_cells"]}
    return cell["cell_type"] == "code" and cell["name"] not in solutions


def source_files(course: Course) -> dict[str, Path]:
    """The assignment's own files beside its notebooks: they replace what students hand in."""
    coursedir = course.coursedir
    source = coursedir.format_path(coursedir.source_directory, ".", course.assignment)
    kept = set(course.autograde.exclude_overwriting.get(course.assignment, []))
    paths = find_all_files(source, [*coursedir.ignore, "*.ipynb"])
    names = {os.path.relpath(path, source): Path(path) for path in sorted(paths)}
    return {name: path for name, path in names.items() if name not in kept}


def _versions() -> list[str]:
    """What runs the code: Python, every installed package, and this package to the letter."""
    versions = [platform.python_version()]
    installed = {path.name for each in sys.path for path in Path(each).glob("*.dist-info")}
    versions += sorted(installed)  # a submission may import any of them
    folder = Path(__file__).resolve().parents[1]
    for path in sorted(folder.rglob("*.py")):
        if path.relative_to(folder).as_posix().startswith(_NO_EFFECT):
            continue
        versions.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return versions


def _inspect(course: Course, shared: Shared, student: str, folder: Path) -> Submission:
    found = _read(course, folder)
    digest = hashlib.sha256(shared.digest.encode() + b"\0")
    for name in sorted(found.files.keys() - {"timestamp.txt"}):  # lateness is looked at each time
        name_bytes = name.encode("utf-8", "surrogateescape")
        digest.update(name_bytes + b"\0" + hashlib.sha256(found.files[name]).digest())
    digest.update(student.encode("utf-8", "surrogateescape"))
    problem = found.problem or _student_problem(student)
    time, time_problem = _time(found, zone_of(course))
    notebooks: list[str] = []
    if problem is None:
        notebooks, problem = _notebooks(found, shared.notebooks)
    return Submission(
        student=student,
        folder=folder,
        key=digest.hexdigest()[:40],
        files=tuple(sorted(found.files)),
        notebooks=tuple(notebooks),
        problem=problem,
        notes=tuple(found.notes),
        tampered=tuple(found.tampered),
        time=time,
        time_problem=time_problem,
    )


def _time(found: _Found, zone: str) -> tuple[datetime | None, str | None]:
    """When this was handed in; or why that cannot be said, and then it counts as on time."""
    if "timestamp.txt" not in found.files:
        return None, None
    try:
        return handed_in(found.files["timestamp.txt"], zone), None
    except ValueError as error:
        reason = " ".join(str(error).split())
        return None, f"timestamp.txt is no time ({reason}): it counts as on time"


def _student_problem(student: str) -> str | None:
    try:
        student.encode("utf-8")
    except UnicodeEncodeError:
        return "the student id is not valid UTF-8"
    if len(student) > 128:
        return f"the student id has {len(student)} characters, the gradebook takes 128"
    return None


def _read(course: Course, folder: Path) -> _Found:
    """Read the files that nbgrader would copy, save what could lead out of the folder or block."""
    found = _Found()

    def unreadable(error: OSError) -> None:
        name = os.path.relpath(str(error.filename), folder)
        what = "its folder" if name == "." else repr(name)
        found.problem = f"{what} cannot be read: {error.strerror}"

    limit_kb = course.coursedir.max_dir_size
    total = 0
    for directory, names, filenames in os.walk(folder, onerror=unreadable):
        names[:] = sorted(
            n for n in names if not is_ignored(os.path.join(directory, n), course.coursedir.ignore)
        )
        for filename in sorted(filenames):
            path = os.path.join(directory, filename)
            if is_ignored(path, course.coursedir.ignore):
                continue
            relative = os.path.relpath(path, folder)
            if (reason := _unsafe(path, folder)) is not None:
                found.tampered.append(f"{relative!r} is {reason}: left out")
                continue
            try:
                total += os.path.getsize(path)
                if total > 1000 * limit_kb:
                    found.problem = (
                        f"the submission has more than {limit_kb} kB (CourseDirectory.max_dir_size)"
                    )
                    return found
                found.files[relative] = Path(path).read_bytes()
            except OSError as error:
                found.problem = f"{relative!r} cannot be read: {error.strerror}"
                return found
    return found


def _unsafe(path: str, folder: Path) -> str | None:
    """Why a file must not be opened, or None."""
    if os.path.islink(path):
        target = os.path.realpath(path)
        inside = os.path.realpath(folder) + os.sep
        if not target.startswith(inside):
            return "a symbolic link out of the folder"
        if not os.path.exists(target):
            return "a broken symbolic link"
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return "unreadable"
    return None if stat.S_ISREG(mode) else "not a regular file"


def _notebooks(found: _Found, known: tuple[str, ...]) -> tuple[list[str], str | None]:
    """The notebooks to grade, and why they cannot be graded."""
    submitted = [
        os.path.splitext(name)[0]
        for name in found.files
        if name.endswith(".ipynb") and os.sep not in name and not name.startswith(".")
    ]
    notebooks = sorted(name for name in submitted if name in known)
    unknown = sorted(name for name in submitted if name not in known)
    if not notebooks:
        expected = " or ".join(f"{name}.ipynb" for name in known)
        if unknown:
            return [], f"no {expected}, but {', '.join(f'{name}.ipynb' for name in unknown)}"
        return [], f"no notebook: {expected} is missing"
    for name in unknown:
        found.notes.append(f"{name}.ipynb is not part of the assignment: left out")
    for name in known:
        if name not in notebooks:
            found.notes.append(f"{name}.ipynb is missing: zero points for it")
    for name in notebooks:
        if (problem := _notebook_problem(found.files[f"{name}.ipynb"])) is not None:
            return notebooks, f"{name}.ipynb {problem}"
    return notebooks, None


def _depth(content: Any) -> int:
    """How deep lists and objects are nested in each other."""
    level, depth = [content], 0
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [v for item in level for v in (item.values() if isinstance(item, dict) else item)]
    return depth


def _notebook_problem(data: bytes) -> str | None:
    """Why these bytes are not a notebook, or None."""
    if not data.strip():
        return "is empty"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return f"is not valid UTF-8: byte {error.start} is {data[error.start]:#04x}"
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        return f"is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}"
    except ValueError as error:  # Python reads no integer of more than 4,300 digits
        return f"is not valid JSON: {str(error).partition(';')[0]}"
    except RecursionError:
        return "is not a notebook: nested too deeply"
    if _depth(content) > _MAX_DEPTH:
        return f"is not a notebook: nested more than {_MAX_DEPTH} deep"
    if not isinstance(content, dict):
        return "is not a notebook: no JSON object"
    if "cells" not in content and "worksheets" not in content:
        return "is not a notebook: no cells"
    return None
