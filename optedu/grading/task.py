r"""Grade one submission: a function from bytes to bytes, for a worker on this machine or another.

nbgrader's own converter and preprocessors do the work, in a scratch course that holds the
submission, the assignment's data files and a gradebook without students. Two of the preprocessors
are exchanged: `Execute` by ours, and `SaveAutoGrades` by one that keeps the scores, because the
class's gradebook is written by the coordinator alone.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import resource
import shutil
import socket
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import fastjsonschema
import sqlalchemy
from jsonschema import ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from nbclient.exceptions import DeadKernelError
from nbconvert.writers import FilesWriter
from nbformat.v4 import new_output
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.converters.autograde import Autograde
from nbgrader.converters.base import BaseConverter
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError
from nbgrader.preprocessors import (
    AssignLatePenalties,
    DeduplicateIds,
    NbGraderPreprocessor,
)
from nbgrader.preprocessors import Execute as NbgraderExecute
from nbgrader.preprocessors import SaveAutoGrades as NbgraderSaveAutoGrades
from nbgrader.preprocessors.execute import UnresponsiveKernelError
from traitlets import Any as AnyTrait
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from optedu.grading import locked, package, scratch
from optedu.grading.course import build_gradebook
from optedu.grading.execute import Ending, Execute, Limits, SandboxUnavailable
from optedu.grading.outputs import as_text
from optedu.grading.sandbox import zygote
from optedu.grading.sandbox.jail import Jail
from optedu.grading.sandbox.process import KernelFailed

__all__ = ["grade"]

_STUDENT = "student"  # in the scratch course; who it is stays with the coordinator
# A kernel that died may have been killed from outside: a submission is judged by its second try.
# Not where the first took long: its tests have their points, and two tries take two deadlines.
_QUICK_S = 20.0
_PERHAPS_NOT_ITS_FAULT = ("crashed", "error")
_ITS_OWN_END = "exit status"
_SCRATCH = "optedu-grade-"
_PLENTY = 2**30
_LOG_LINES = 50
_LINE_CHARS = 160
_MESSAGE_CHARS = 2000

# nbgrader's converters change the working directory and the environment of the process.
_ONE_AT_A_TIME = threading.Lock()


def grade(shared: bytes, submission: bytes) -> bytes:
    r"""Grade a submission; never raises for anything that the submission does.

    Parameters
    ----------
    shared : bytes
        `Shared.data` of the plan: blueprint of the gradebook, data files, configuration, limits.
    submission : bytes
        The submission's files, from `read_submission`.

    Returns
    -------
    bytes
        JSON: ``status`` (``graded``, ``timeout``, ``memory``, ``crashed``, ``invalid``, ...),
        ``detail`` in one line, ``tampered`` and ``notes``, the autograded ``notebooks`` as text,
        ``grades``, ``comments``, ``items`` with the message of each failed test, and what it
        cost: ``seconds``, ``cpu_s``.
    """
    with _ONE_AT_A_TIME:
        try:
            course, files = _course(shared), pickle.loads(submission)
        except Exception as error:  # this machine lacks something: not the submission's fault
            return json.dumps(_result("error", _line(error), _Marks())).encode()
        result = _grade(course, files)
        if result["status"] in _PERHAPS_NOT_ITS_FAULT and result["seconds"] < _QUICK_S:
            again = _grade(course, files)
            # Who ends when the dice fall badly has two throws.
            if again["status"] == "graded" and _ITS_OWN_END in result["detail"]:
                again["tampered"].append(f"the first of two tries: {result['detail']}")
            result = max(again, result, key=_worth)
        return json.dumps(result).encode()


def _worth(result: dict[str, Any]) -> tuple[bool, float]:
    """Which of two tries counts: one that came to its end, then the one with more points."""
    ended = result["status"] not in _PERHAPS_NOT_ITS_FAULT
    return ended, sum(grade["auto_score"] or 0.0 for grade in result["grades"])


@dataclass(frozen=True)
class _ScratchCourse:
    """What stays the same from one submission to the next."""

    place: scratch.Scratch
    db_url: str
    gradebook: Gradebook
    blueprint: dict[str, Any]
    config: Config
    files: dict[str, bytes]
    limits: Limits
    sandbox: bool
    kernels: str


_courses: OrderedDict[bytes, _ScratchCourse] = OrderedDict()
_COURSES_KEPT = 2


def _course(shared: bytes) -> _ScratchCourse:
    """The scratch course for this shared part, made once in a process."""
    if shared in _courses:
        _courses.move_to_end(shared)
        return _courses[shared]
    content = pickle.loads(shared)
    scratch.sweep(_SCRATCH, (_scratch_parent(), tempfile.gettempdir()))
    place = scratch.make(_SCRATCH, _scratch_parent())
    url = build_gradebook(place.path / "gradebook.db", content["blueprint"])
    # One connection for all submissions: the statements stay compiled, and nothing is written.
    gradebook = Gradebook(url)
    gradebook.close = lambda: None
    # nbgrader asks for each cell of each submission, twice: half of what its converting took.
    gradebook.find_source_cell = cache(gradebook.find_source_cell)
    gradebook.find_graded_cell = cache(gradebook.find_graded_cell)
    course = _ScratchCourse(
        place=place,
        db_url=url,
        gradebook=gradebook,
        blueprint=content["blueprint"],
        config=content["config"],
        files=content["files"],
        limits=content["limits"],
        sandbox=content["sandbox"],
        kernels=content["kernels"],
    )
    _courses[shared] = course
    while len(_courses) > _COURSES_KEPT:
        _, old = _courses.popitem(last=False)
        _discard(old)
    return course


def _scratch_parent() -> str:
    """Memory rather than a disk for files that live a second, where there is plenty of it."""
    memory = "/dev/shm"
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK):
        return tempfile.gettempdir()
    free = os.statvfs(memory)
    return memory if free.f_bavail * free.f_frsize > _PLENTY else tempfile.gettempdir()


def _discard(course: _ScratchCourse) -> None:
    Gradebook.close(course.gradebook)
    course.place.remove()


def warm_up(lent: socket.socket | None) -> None:
    """Take the zygote that is lent, or begin to start one before the first submission is there."""
    if lent is None:
        zygote.shared()
    else:
        zygote.borrow(lent)


def forget_courses() -> None:
    """Remove every scratch course of this process, and what its jails were made of."""
    Jail.end_spares()
    package.forget()
    while _courses:
        _, course = _courses.popitem()
        _discard(course)


@dataclass
class _Marks:
    """What a run of the preprocessors found out."""

    grades: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[Ending] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)  # for a person to see
    notes: list[str] = field(default_factory=list)


class _LastOneCounts(DeduplicateIds):
    """nbgrader's `DeduplicateIds`, whose empty metadata no longer fail the check that follows."""

    def preprocess_cell(self, cell, resources, cell_index):
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if cell.metadata.get("nbgrader") == {}:
            del cell.metadata["nbgrader"]
        return cell, resources


class _RestoreLocked(NbGraderPreprocessor):
    """Put the instructor's cells back before anything else looks at the notebook."""

    blueprint = AnyTrait()
    marks = AnyTrait()

    def preprocess(self, nb, resources):
        name = resources["nbgrader"]["notebook"]
        notebook = next(n for n in self.blueprint["notebooks"] if n["name"] == name)
        found = locked.restore(nb, notebook)
        self.marks.flags += found.flags
        self.marks.notes += found.notes
        return nb, resources


class _SaveAutoGrades(NbGraderPreprocessor):
    """What nbgrader's `SaveAutoGrades` finds, kept for the coordinator to save."""

    marks = AnyTrait()
    execute = AnyTrait()

    def preprocess(self, nb, resources):
        self.notebook = resources["nbgrader"]["notebook"]
        spec = nb.metadata.get("kernelspec", {})
        self.python = spec.get("language", "python") == "python"
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, cell_index):
        if utils.is_grade(cell):
            self._grade(cell)
        if utils.is_solution(cell) or utils.is_task(cell):
            unchanged = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
            empty = unchanged and not utils.is_task(cell)
            self.marks.comments.append(
                {
                    "notebook": self.notebook,
                    "name": cell.metadata.nbgrader["grade_id"],
                    "auto_comment": "No response." if empty else None,
                }
            )
        return cell, resources

    def _grade(self, cell) -> None:
        is_test = cell.cell_type == "code" and not utils.is_solution(cell)
        if is_test and _not_run(cell):
            # No output would count as a passed test.
            message = self.execute.outcome.detail or "this test was not run"
            cell.outputs.append(
                new_output(
                    "error", ename="NotRun", evalue=message, traceback=[f"NotRun: {message}"]
                )
            )
        scored = _without_warnings(cell) if self.python and is_test else cell
        score, max_score = utils.determine_grade(scored, self.log)
        where = {"notebook": self.notebook, "name": cell.metadata.nbgrader["grade_id"]}
        self.marks.grades.append(where | {"auto_score": score})
        if is_test:
            self.marks.items.append(
                where | {"score": score, "max_score": max_score, "message": _message(cell)}
            )


def _not_run(cell) -> bool:
    return (
        bool(cell.source.strip())
        and cell.execution_count is None
        and not any(output.output_type == "error" for output in cell.outputs)
    )


def _without_warnings(cell):
    """The cell as it counts: a warning on stderr is no failure, where the language has errors."""
    if not any(o.output_type == "stream" and o.name == "stderr" for o in cell.outputs):
        return cell
    scored = copy.deepcopy(cell)
    scored.outputs = [
        o for o in scored.outputs if not (o.output_type == "stream" and o.name == "stderr")
    ]
    return scored


def _message(cell) -> str | None:
    """The message of the cell's error, as the student reads it: the last one says why it ended."""
    for output in reversed(cell.outputs):
        if output.output_type == "error":
            text = f"{output.ename}: {output.evalue}" if output.evalue else output.ename
            return text[:_MESSAGE_CHARS]
    return None


class _Autograde(Autograde):
    """nbgrader's converter without the class's gradebook: it runs and scores single notebooks."""

    marks = AnyTrait()
    execute = AnyTrait()
    blueprint = AnyTrait()

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Sanitize and run at one go: nbgrader writes and reads the notebook between the two."""
        self._init_preprocessors()
        with utils.setenv(NBGRADER_EXECUTION="autograde"):
            BaseConverter.convert_single_notebook(self, notebook_filename)

    def _init_preprocessors(self) -> None:
        self.exporter._preprocessors = []
        self.exporter.optimistic_validation = True  # once at the end, not after each of them
        self.exporter.register_preprocessor(
            _RestoreLocked(parent=self, blueprint=self.blueprint, marks=self.marks)
        )
        for name in (*self.sanitize_preprocessors, *self.autograde_preprocessors):
            preprocessor = self._ours(import_item(name) if isinstance(name, str) else name)
            if preprocessor is not None:
                self.exporter.register_preprocessor(preprocessor)

    def _ours(self, preprocessor):
        if not isinstance(preprocessor, type):
            return preprocessor
        if issubclass(preprocessor, NbgraderExecute):
            return self.execute
        if issubclass(preprocessor, NbgraderSaveAutoGrades):
            return _SaveAutoGrades(parent=self, marks=self.marks, execute=self.execute)
        if issubclass(preprocessor, DeduplicateIds):
            return _LastOneCounts
        if issubclass(preprocessor, AssignLatePenalties):
            return None  # it needs the due date and the student: the coordinator's part
        return preprocessor


# The modules of nbgrader that open the gradebook while a notebook is converted.
_GRADEBOOK_USERS = (
    "nbgrader.preprocessors.overwritekernelspec.Gradebook",
    "nbgrader.preprocessors.overwritecells.Gradebook",
    "optedu.grading.execute.Gradebook",
)


def _validate(instance, schema) -> None:
    """What `jsonschema.validate` does, without reading nbgrader's schema anew at every cell."""
    try:
        _compiled(json.dumps(schema))(instance)
    except fastjsonschema.JsonSchemaException:
        # jsonschema has the last word, and says better what is wrong.
        error = best_match(validator_for(schema)(schema).iter_errors(instance))
        if error is not None:
            raise error from None


@cache
def _compiled(schema: str) -> Callable[[Any], Any]:
    return fastjsonschema.compile(json.loads(schema), use_default=False)


@contextmanager
def _one_gradebook(gradebook: Gradebook):
    """Let nbgrader's preprocessors use an open gradebook: each would open it anew."""
    patches: list[Any] = [mock.patch(name, return_value=gradebook) for name in _GRADEBOOK_USERS]
    patches.append(mock.patch("nbgrader.nbgraderformat.common.jsonschema.validate", _validate))
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()
        gradebook.db.remove()


class _Warned(logging.Handler):
    """What nbgrader warns of: changed points and types, duplicate cells."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()[:_MESSAGE_CHARS]
        # A released test always differs from its source by the hidden part.
        expected = line.startswith("Attribute 'checksum'")
        if len(self.lines) < _LOG_LINES and record.levelno == logging.WARNING and not expected:
            self.lines.append(line)


def _grade(course: _ScratchCourse, files: dict[str, bytes]) -> dict[str, Any]:
    started, cpu = time.perf_counter(), _cpu_seconds()
    marks = _Marks()
    log = _Warned()
    folder = Path(tempfile.mkdtemp(prefix="job-", dir=course.place.path))
    notebooks: dict[str, str] = {}
    status, detail = "graded", ""
    try:
        names = _lay_out(course, folder, files)
        converter = _converter(course, folder, marks)
        converter.log.addHandler(log)
        try:
            with _one_gradebook(course.gradebook):
                for name in names:
                    source = converter._format_source(course.blueprint["assignment"], _STUDENT)
                    path = os.path.join(source, f"{name}.ipynb")
                    converter.convert_single_notebook(path)
                    marks.outcomes.append(converter.execute.outcome)
        finally:
            converter.log.removeHandler(log)
        status, detail = _worst(marks.outcomes)
        built = Path(converter.writer.build_directory)
        notebooks = {name: (built / f"{name}.ipynb").read_text("utf-8") for name in names}
    except Exception as error:
        status, detail = _explain(error)
        marks.grades, marks.comments, marks.items = [], [], []
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _result(status, detail, marks) | {
        "notes": marks.notes[:_LOG_LINES] + log.lines,
        "notebooks": notebooks,
        "seconds": round(time.perf_counter() - started, 4),
        "cpu_s": round(_cpu_seconds() - cpu, 4),
    }


def _result(status: str, detail: str, marks: _Marks) -> dict[str, Any]:
    return {
        "status": status,
        "detail": detail,
        "tampered": marks.flags[:_LOG_LINES]
        + [finding for outcome in marks.outcomes for finding in outcome.tampered],
        "notes": [],
        "notebooks": {},
        "grades": marks.grades,
        "comments": marks.comments,
        "items": marks.items,
        "seconds": 0.0,
        "cpu_s": 0.0,
    }


def _lay_out(course: _ScratchCourse, folder: Path, files: dict[str, bytes]) -> list[str]:
    """Write the submission as nbgrader has it, and apart from it what the student's code sees."""
    known = {notebook["name"] for notebook in course.blueprint["notebooks"]}
    submitted = folder / "submitted" / _STUDENT / course.blueprint["assignment"]
    workspace, materials = folder / "workspace", folder / "materials"
    for path in (submitted, workspace, materials):
        path.mkdir(parents=True)
    names = []
    for name, data in {**files, **course.files}.items():
        if name.endswith(".ipynb"):
            if os.sep not in name and name[: -len(".ipynb")] in known:
                names.append(name[: -len(".ipynb")])
                text = _readable(data.decode("utf-8-sig"))
                (submitted / name).write_text(text, "utf-8", newline="")
            continue
        for place in (workspace, materials) if name in course.files else (workspace,):
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    return sorted(names)


def _readable(text: str) -> str:
    """The notebook's JSON with escapes that stand for no character (lone surrogates) spelt out."""
    if "\\ud" not in text.lower():
        return text

    def spelt_out(value: Any) -> Any:
        if isinstance(value, str):
            return as_text(value)
        if isinstance(value, list):
            return [spelt_out(item) for item in value]
        if isinstance(value, dict):
            return {as_text(key): spelt_out(item) for key, item in value.items()}
        return value

    return json.dumps(spelt_out(json.loads(text)), ensure_ascii=False, indent=1)


def _converter(course: _ScratchCourse, folder: Path, marks: _Marks) -> _Autograde:
    config = copy.deepcopy(course.config)
    # The scratch course has nbgrader's standard layout, whatever the class's course looks like.
    config.CourseDirectory = Config(ignore=CourseDirectory().ignore)
    coursedir = CourseDirectory(
        config=config,
        root=str(folder),
        db_url=course.db_url,
        assignment_id=course.blueprint["assignment"],
        student_id=_STUDENT,
    )
    converter = _Autograde(
        coursedir=coursedir, config=config, marks=marks, blueprint=course.blueprint
    )
    converter.execute = Execute(
        parent=converter,
        sandbox=course.sandbox,
        kernels=course.kernels,
        limits=course.limits,
        workspace=str(folder / "workspace"),
        materials=str(folder / "materials"),
    )
    converter.execute.outcome = Ending()  # it may be disabled, by `Execute.enabled`
    converter.writer = FilesWriter(parent=converter, config=converter.config)
    converter.exporter = converter.exporter_class(parent=converter, config=converter.config)
    return converter


def _worst(outcomes: list[Ending]) -> tuple[str, str]:
    for outcome in outcomes:
        if outcome.status != "ok":
            return outcome.status, outcome.detail
    return "graded", ""


_OF_THIS_MACHINE = (OSError, MemoryError, ImportError, KernelFailed, SandboxUnavailable)


def _explain(error: Exception) -> tuple[str, str]:
    """A status and one line for an error that ended the grading of this submission."""
    if isinstance(error, SchemaTooOldError):
        return "invalid", "nbgrader's metadata are of an older format: run `nbgrader update`"
    if isinstance(error, SchemaTooNewError):
        return "invalid", "nbgrader's metadata are of a newer format than this nbgrader knows"
    if isinstance(error, ValidationError):
        # nbgrader's check logs what is wrong and raises an error that does not say it.
        cause = error.__context__ if isinstance(error.__context__, ValidationError) else error
        return "invalid", f"the notebook's metadata are damaged: {_line(cause)}"
    if isinstance(error, (UnresponsiveKernelError, DeadKernelError)):
        return "crashed", _line(error)
    if isinstance(error, sqlalchemy.exc.SQLAlchemyError):
        return "error", f"the scratch gradebook failed: {_line(error)}"
    if isinstance(error, _OF_THIS_MACHINE):
        return "error", _line(error)
    # The same converter has no trouble with anybody else's: it is what the student handed in.
    return "invalid", f"the notebook is damaged: {_line(error)}"


def _line(error: Exception) -> str:
    text = " ".join(str(getattr(error, "message", "") or error).split())
    line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return line if len(line) <= _LINE_CHARS else line[: _LINE_CHARS - 3] + "..."


def _cpu_seconds() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
