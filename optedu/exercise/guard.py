r"""While a student's function is being checked, the derived rule is out of its reach.

`Rule.step` and the kernels call `forbid` first. The flag belongs to the process and not to the
context, so that a thread which the student's function starts is no way around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["GuardError", "active", "forbid", "student_code"]

_depth = 0


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
