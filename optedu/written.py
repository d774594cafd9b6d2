r"""The functions that a reader has written, and what they may not call while they are checked.

At home the functions live here. At grading they live in another process: there, a provider that
answers with proxies replaces the look-up. Whoever wants a reader's function asks `get`.

While one is being checked, the derived rule is out of its reach: `Rule.step` and the kernels call
`forbid` first. The flag belongs to the process and not to the context, so that a thread which the
function starts is no way around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from optedu.validate import text

__all__ = [
    "GuardError",
    "active",
    "clear",
    "forbid",
    "get",
    "names",
    "register",
    "set_provider",
    "student_code",
]

_functions: dict[str, Callable[..., Any]] = {}
_provider: Callable[[str], Callable[..., Any] | None] | None = None
_depth = 0


def register(name: str, function: Callable[..., Any]) -> None:
    r"""Keep `function` as the student's `name`; a later one replaces it.

    Raises
    ------
    TypeError
        If `name` is no text, or `function` not callable.
    """
    text("name", name)
    if not callable(function):
        raise TypeError(f"function must be callable, got {type(function).__name__}")
    _functions[name] = function


def get(name: str) -> Callable[..., Any] | None:
    r"""Return the student's function of that name, or None where there is none."""
    if _provider is not None:
        return _provider(name)
    return _functions.get(name)


def names() -> list[str]:
    r"""Return the names registered in this process, in the order of their first registration."""
    return list(_functions)


def clear() -> None:
    r"""Forget every function of this process."""
    _functions.clear()


def set_provider(provider: Callable[[str], Callable[..., Any] | None] | None) -> None:
    r"""Let `provider(name)` answer `get`, or None to look into this process again.

    Parameters
    ----------
    provider : callable or None
        Returns a callable, or None where the student has written no such function. The callable
        takes the arguments of the student's function. It should raise
        `optedu.exercise.errors.StudentError` where that function raised, so that the message can
        quote what happened and in which line.

    Raises
    ------
    TypeError
        If it is neither callable nor None.
    """
    if provider is not None and not callable(provider):
        raise TypeError(f"provider must be callable or None, got {type(provider).__name__}")
    global _provider
    _provider = provider


class GuardError(RuntimeError):
    r"""The derived rule was called by the function that is being compared with it."""


def active() -> bool:
    r"""Say whether a student's function is being run by a check."""
    return _depth > 0


def forbid(what: str = "the derived rule") -> None:
    r"""Raise `GuardError` if a student's function is being run by a check.

    Parameters
    ----------
    what : str
        What was called, for the message.

    Raises
    ------
    GuardError
        If `active()`.
    """
    if _depth:
        raise GuardError(
            f"{what}: the derived rule can't be called while your own is being checked; "
            "write the formula with arrays"
        )


@contextmanager
def student_code() -> Iterator[None]:
    r"""Run the block as a student's code: `forbid` raises inside it."""
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
