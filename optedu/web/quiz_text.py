r"""The text of a question: what is asked, the answers, and an explanation for each of them.

Choices, one or several of them right::

    On $f(x) = 2x^2$, which learning rates converge?

    %% wrong: $\eta < 1$
    At $\eta = 0.9$ a step multiplies $x$ by $-2.6$.
    %% right: $0 < \eta < 1/2$
    The second derivative is $L = 4$, and the ceiling is $2/L$.

Or a number with the width within which it counts, numbers that are wrong in a known way, and what
to say of all others::

    %% number: 0.5 +- 0.01
    The ceiling is $2/L$.
    %% wrong: 2
    That is $2/L$ for $L = 1$.
    %% other:
    The ceiling is $2/L$. What is $L$?
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from optedu.exercise.marks import MarkError, Part, split

__all__ = ["Answer", "Question", "parse"]

KINDS = ("right", "wrong", "number", "other")
# What a number without a width is compared with: what is lost in writing it down.
RELATIVE_WIDTH = 1e-6


@dataclass(frozen=True)
class Answer:
    r"""A choice or a number, and what the reader is told who gave it.

    Attributes
    ----------
    text : str
        The choice in MyST, or the number; empty for all other numbers.
    right : bool
        Whether it is right.
    why : str
        The explanation, in MyST.
    line : int
        Line of its mark in the block.
    value, width : float or None
        The number, and how far from it an answer still counts as it.
    """

    text: str
    right: bool
    why: str
    line: int
    value: float | None = None
    width: float | None = None


@dataclass(frozen=True)
class Question:
    r"""A parsed block; `kind` is ``"single"``, ``"multiple"`` or ``"number"``."""

    prose: str
    kind: str
    answers: tuple[Answer, ...]


def parse(
    lines: list[str], *, multiple: bool = False, lookup: Callable[[str], float] | None = None
) -> Question:
    r"""Read the lines of a block.

    Parameters
    ----------
    lines : list of str
        The block, without the directive's own lines.
    multiple : bool
        Whether the reader may mark several choices.
    lookup : callable, optional
        Gives the number that a cell has glued under a name; `KeyError` where there is none.

    Raises
    ------
    MarkError
        If there is no question, no right answer, an answer without an explanation, or a number
        that cannot be read or told from another.

    Examples
    --------
    >>> question = parse(["Is 2 even?", "%% right: Yes", "2 = 2 * 1.", "%% wrong: No", "It is."])
    >>> question.kind, question.answers[0].why
    ('single', '2 = 2 * 1.')
    """
    prose, parts = split(lines, KINDS)
    if not prose:
        raise MarkError(0, "no question above the first mark")
    for part in parts:
        if not part.text.strip():
            raise MarkError(part.line, f"{part.kind} needs an explanation on the lines below it")
        if part.kind != "other" and not part.argument:
            raise MarkError(part.line, f"{part.kind} needs the answer after a colon")
    if any(part.kind == "number" for part in parts):
        if multiple:
            raise MarkError(0, "a question for a number has no option multiple")
        return Question(prose, "number", _numbers(parts, lookup))
    return Question(prose, "multiple" if multiple else "single", _choices(parts, multiple))


def _choices(parts: list[Part], multiple: bool) -> tuple[Answer, ...]:
    for part in parts:
        if part.kind == "other":
            raise MarkError(part.line, "other is for numbers: give each choice its explanation")
    right = [part for part in parts if part.kind == "right"]
    if not right:
        raise MarkError(0, "no right answer, expected '%% right: ...' or '%% number: ...'")
    if len(right) > 1 and not multiple:
        raise MarkError(right[1].line, "a second right answer: give the question :multiple:")
    if len(parts) < 2:
        raise MarkError(right[0].line, "the only choice, expected two or more")
    seen: dict[str, int] = {}
    for part in parts:
        first = seen.setdefault(part.argument, part.line)
        if first != part.line:
            raise MarkError(part.line, f"the same choice as in line {first}: {part.argument}")
    return tuple(Answer(p.argument, p.kind == "right", p.text, p.line) for p in parts)


def _numbers(parts: list[Part], lookup: Callable[[str], float] | None) -> tuple[Answer, ...]:
    answers: list[Answer] = []
    for part in parts:
        if part.kind == "right":
            raise MarkError(part.line, "right is for choices: a number is '%% number: 0.5 +- 0.01'")
        if part.kind == "other":
            if part.argument:
                raise MarkError(part.line, f"other stands alone, got {part.argument!r}")
            answers.append(Answer("", False, part.text, part.line))
            continue
        value, width = _number(part, lookup)
        answers.append(
            Answer(f"{value:.6g}", part.kind == "number", part.text, part.line, value, width)
        )
    rest = [answer for answer in answers if answer.value is None]
    if len(rest) != 1:
        line = rest[1].line if rest else 0
        raise MarkError(line, "expected one '%% other:', the explanation for all other numbers")
    given = [answer for answer in answers if answer.value is not None]
    for k, one in enumerate(given):
        for other in given[:k]:
            if abs(one.value - other.value) <= one.width + other.width:  # type: ignore[operator]
                raise MarkError(
                    one.line, f"{one.text} cannot be told from {other.text} in line {other.line}"
                )
    return (*given, *rest)


def _number(part: Part, lookup: Callable[[str], float] | None) -> tuple[float, float]:
    r"""Read ``0.5 +- 0.01``, ``2e5 +- 5 %``, or a glued name in place of the first number."""
    written, sign, room = (piece.strip() for piece in part.argument.partition("+-"))
    try:
        value = float(written)
    except ValueError:
        try:
            if lookup is None:
                raise KeyError(written)
            value = float(lookup(written))
        except KeyError:
            raise MarkError(
                part.line,
                f"{written!r} is no number, and no cell above has glued one under this name",
            ) from None
    try:
        if sign and room.endswith("%"):
            width = float(room[:-1]) / 100 * abs(value)
        else:
            width = float(room) if sign else RELATIVE_WIDTH * abs(value)
    except ValueError:
        width = -1.0
    if not math.isfinite(value) or not math.isfinite(width) or width < 0:
        raise MarkError(
            part.line,
            f"expected a number such as '0.5 +- 0.01' or '200 +- 5 %', got {part.argument!r}",
        )
    return value, width
