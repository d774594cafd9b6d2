r"""The plug-in of the grader: what it must be told of the package that a course is taught with.

Everything else in `optedu.grading` knows notebooks, kernels and gradebooks, and nothing of rules.
A subject is a module with the names of `Subject`. There is one, `optedu.withheld`; a course that is
taught with another package would name its own in `MODULE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

__all__ = ["MODULE", "Subject", "subject"]

MODULE = "optedu.withheld"


class Subject(Protocol):
    r"""What a subject says.

    Attributes
    ----------
    PACKAGE : Path
        Folder of the package; students' kernels see a copy without the answers in its place.
    LEFT_OUT : tuple of str
        Its folders and modules, as paths without suffix, that hold an answer or are made of one.
    STAND_INS : mapping of str to str
        Modules that notebooks call all the same, and which module stands in for each.
    KNOWN_AS : mapping of str to str
        Names that mean a module in every notebook, of which the student's kernel is never asked.
    CHECKS : mapping of str to tuple of str
        By module, the functions that decide over points, of which it is not asked either.
    OPEN : tuple of str
        Modules; of instances of their classes a student's code may read public attributes.
    REHEARSAL, REHEARSAL_OF_CHECKS : str
        Cells that run once before any notebook's, so that no kernel pays for the first time.
    """

    PACKAGE: Path
    LEFT_OUT: tuple[str, ...]
    STAND_INS: Mapping[str, str]
    KNOWN_AS: Mapping[str, str]
    CHECKS: Mapping[str, tuple[str, ...]]
    OPEN: tuple[str, ...]
    REHEARSAL: str
    REHEARSAL_OF_CHECKS: str

    # Before notebooks come.

    def preload(self) -> None:
        r"""Load what all kernels use, and no answer: the students' are forked from this process."""

    def rehearse(self) -> None:
        r"""Do once what the checks do, in the process that their kernels are forked from."""

    def forget(self) -> None:
        r"""Undo what the rehearsals have left."""

    # The student's kernel.

    def described(self) -> list[dict[str, Any]]:
        r"""Return what the stand-ins may know of the answers, as JSON; asked where these are."""
        ...

    def installed(self, described: list[dict[str, Any]]) -> None:
        r"""Tell the stand-ins, once they are imported."""

    def connect(self, ask: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
        r"""Give the stand-ins `ask(name, values)`, which `step` answers.

        Values are numbers, NumPy arrays, and dictionaries of such by name.
        """

    def implemented(self, name: str) -> Any:
        r"""Return what the student has registered under a name, or None."""

    def guarded(self) -> AbstractContextManager[None]:
        r"""Return a context in which no answer may be had from the package."""
        ...

    def walk(self, function: Callable[..., Any], run: Any) -> Any:
        r"""Call a registered function many times, as the data of a check say, in one request."""

    def describe_error(self, error: Exception) -> Exception:
        r"""Return what to raise for an error of a registered function, with the student's line."""
        ...

    def parts_of_error(self, error: BaseException) -> dict[str, Any] | None:
        r"""Return kind, message, line and source of what `describe_error` made, None of others."""

    # The kernel with the checks.

    def provide(self, implemented: Callable[[str], Callable[..., Any] | None]) -> None:
        r"""Let the checks find registered functions by `implemented(name)`."""

    def step(self, name: str, values: Any) -> dict[str, Any]:
        r"""Answer a stand-in; only between tests, and what comes in is a stranger's."""

    def made_error(self, kind: str, message: str, line: int | None, source: str) -> Exception:
        r"""Return the error of these parts, for a check to quote."""
        ...

    def answers_for_a_student(self) -> bool:
        r"""Say whether a guarded function gets an answer: then a check was tampered with."""
        ...


subject: Subject = cast(Subject, import_module(MODULE))
