r"""Stands in for `optedu.exercise.checking` where a submission is graded.

Students leave `optedu.check("adam")` in their own cells. What it says there decides nothing: the
tests check, in a kernel of their own.
"""

from __future__ import annotations

from collections.abc import Iterable

from optedu import rules
from optedu.exercise.report import Report
from optedu.validate import choice

__all__ = ["check"]


class _Later(Report):
    def __str__(self) -> str:
        return f"{self.name}: the tests check it."

    __repr__ = __str__


def check(
    name: str,
    parts: str | Iterable[str] | None = None,
    *,
    optional: Iterable[str] = (),
    seed: int = 0,
) -> Report:
    r"""Say that the tests will check the function; look at nothing but the name."""
    return _Later(choice("name", name, rules.all()))
