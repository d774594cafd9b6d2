"""How the front desk counts and lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["count", "place", "some"]


def count(number: int, what: str) -> str:
    r"""Return a number with what is counted.

    Examples
    --------
    >>> count(1, "student"), count(0, "student")
    ('1 student', '0 students')
    """
    return f"{number} {what}{'s' if number != 1 else ''}"


def some(names: Sequence[str], most: int = 20) -> str:
    r"""Return names as a list that stays readable.

    Examples
    --------
    >>> some(["ada", "bob", "eve"], most=2)
    'ada, bob and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def place(path: Path) -> str:
    r"""Return a path as a person in the working directory writes it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
