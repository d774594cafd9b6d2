r"""What a check says: `Report` when all is right, `CheckFailed` when it is not."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

from optedu.validate import text

__all__ = ["CheckFailed", "Report", "expect"]

WIDTH = 92


class CheckFailed(AssertionError):
    r"""A check found a difference. The text is meant for a student.

    Attributes
    ----------
    name : str
        What was checked: the rule, or the name of the answer.
    part : str
        The part of the check that failed.
    quantity : str
        What differs: `"x"`, a state variable, or empty where the form of the result is wrong.
    step : int or None
        The step of the run at which it differs, counted from 1.
    misconceptions : tuple of str
        Names of the known mistakes that the numbers match.
    """

    def __init__(
        self,
        message: str,
        *,
        name: str = "",
        part: str = "",
        quantity: str = "",
        step: int | None = None,
        misconceptions: tuple[str, ...] = (),
    ) -> None:
        super().__init__(_wrapped(message))
        self.name = name
        self.part = part
        self.quantity = quantity
        self.step = step
        self.misconceptions = misconceptions

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of a traceback through our own code, which helps no student.
        return ["Check failed", *str(self).splitlines()]


@dataclass(frozen=True)
class Report:
    r"""What a passed check has looked at.

    Attributes
    ----------
    name : str
        What was checked.
    lines : tuple of str
        One line for each thing that was compared.
    special : bool
        Whether that was a special case, in which a wrong answer may be right as well.
    but : str
        What is odd about the answer all the same.
    """

    name: str
    lines: tuple[str, ...] = field(default=())
    special: bool = False
    but: str = ""

    def __str__(self) -> str:
        head = f"{self.name}: all right."
        if self.special:
            head = f"{self.name}: right in this case; other values are tried when you hand in."
        lines = [f"  ok  {line}" for line in self.lines]
        return "\n".join([head, *lines, *([f"  but {self.but}"] if self.but else [])])

    __repr__ = __str__

    def _ipython_display_(self) -> None:
        # Printed, and no result of the cell: nbgrader takes a cell's result for a partial grade.
        print(self)


def expect(condition: object, message: str) -> None:
    r"""Raise `CheckFailed` with this message unless the condition holds.

    An `assert` for test cells: what a student reads is the message alone, and not the test's code,
    which may be hidden.

    Parameters
    ----------
    condition : object
        True, or anything that counts as true.
    message : str
        What is wrong, for a student.

    Raises
    ------
    CheckFailed
        If the condition is false.
    TypeError
        If `message` is no text, or the condition an array of several truth values.

    Examples
    --------
    >>> from optedu.exercise import expect
    >>> expect(1 + 1 == 2, "one and one are two")
    """
    text("message", message)
    try:
        holds = bool(condition)
    except ValueError:
        raise TypeError(
            "condition must be one truth value, got an array: use np.all or np.allclose"
        ) from None
    if not holds:
        raise CheckFailed(message)


def _wrapped(message: str) -> str:
    r"""Break the long lines of prose; lines that begin with a space are set as they are."""
    lines = []
    for line in message.splitlines():
        keep = line.startswith(" ") or len(line) <= WIDTH
        lines += [line] if keep else textwrap.wrap(line, WIDTH, break_long_words=False)
    return "\n".join(lines)
