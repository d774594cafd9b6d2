r"""The one place that knows which functions a student has written.

At home the functions live here. At grading they live in another process: there, a provider that
answers with proxies replaces the look-up. A check asks `get` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from optedu.validate import text

__all__ = ["clear", "get", "names", "register", "set_provider"]

_functions: dict[str, Callable[..., Any]] = {}
_provider: Callable[[str], Callable[..., Any] | None] | None = None


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
