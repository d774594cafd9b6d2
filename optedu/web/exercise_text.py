r"""The text of a page exercise: prose, starter, hints, solution and checks in one block.

Lines that begin with ``%%`` part the block::

    Prose for the reader, in MyST.

    %% starter
    def f(x): ...
    %% hint
    In MyST; a second hint shows when the first was read, the solution after the last.
    %% solution
    def f(x): return x
    %% check: f gives back its argument.
    assert f(2) == 2, "f(2) should be 2"

The sentence after ``check:`` is what the reader sees; the code below it raises when it fails.
"""

from __future__ import annotations

from dataclasses import dataclass

from optedu.exercise.marks import MarkError, split


@dataclass(frozen=True)
class Check:
    """One check: the sentence for the reader, the code that raises, its line in the block."""

    sentence: str
    code: str
    line: int = 0


@dataclass(frozen=True)
class ExerciseText:
    """A parsed block; ``prose`` and ``hints`` (line, text) are MyST, the rest Python."""

    prose: str
    starter: str
    solution: str
    checks: tuple[Check, ...]
    hints: tuple[tuple[int, str], ...] = ()


def parse(lines: list[str]) -> ExerciseText:
    r"""Part the lines of a block.

    Parameters
    ----------
    lines : list of str
        The block, without the directive's own lines.

    Raises
    ------
    MarkError
        For an unknown mark, a missing starter, solution or check, a check without a sentence, or
        an empty hint.

    Examples
    --------
    >>> text = parse(["%% starter", "x = 0", "%% solution", "x = 1",
    ...               "%% check: x is one.", "assert x == 1"])
    >>> text.checks[0].sentence
    'x is one.'
    """
    prose, parts = split(lines, ("starter", "hint", "solution", "check"))
    code = {"starter": "", "solution": ""}
    checks: list[Check] = []
    hints: list[tuple[int, str]] = []
    for part in parts:
        text = part.text + "\n"
        if part.kind == "check":
            if not part.argument:
                raise MarkError(part.line, "a check needs a sentence after 'check:'")
            checks.append(Check(part.argument, text, part.line))
        elif part.kind == "hint":
            if not part.text.strip():
                raise MarkError(part.line, "a hint needs words on the lines below it")
            hints.append((part.line, part.text))
        else:
            if code[part.kind]:
                raise MarkError(part.line, f"a second {part.kind}")
            code[part.kind] = text
    for kind, text in code.items():
        if not text.strip():
            raise MarkError(0, f"no {kind} in the exercise")
    if not checks:
        raise MarkError(0, "no check in the exercise")
    return ExerciseText(prose, code["starter"], code["solution"], tuple(checks), tuple(hints))
