r"""The text of a page exercise: prose, starter, solution and checks in one block.

Lines that begin with ``%%`` part the block::

    Prose for the reader, in MyST.

    %% starter
    def f(x): ...
    %% solution
    def f(x): return x
    %% check: f gives back its argument.
    assert f(2) == 2, "f(2) should be 2"

The sentence after ``check:`` is what the reader sees; the code below it raises when it fails.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check: the sentence for the reader, the code that raises, its line in the block."""

    sentence: str
    code: str
    line: int = 0


@dataclass(frozen=True)
class ExerciseText:
    """A parsed block; ``prose`` is MyST, the rest Python."""

    prose: str
    starter: str
    solution: str
    checks: tuple[Check, ...]


def parse(lines: list[str]) -> ExerciseText:
    r"""Part the lines of a block.

    Parameters
    ----------
    lines : list of str
        The block, without the directive's own lines.

    Raises
    ------
    ValueError
        For an unknown mark, a missing starter, solution or check, or a check without a sentence.

    Examples
    --------
    >>> text = parse(["%% starter", "x = 0", "%% solution", "x = 1",
    ...               "%% check: x is one.", "assert x == 1"])
    >>> text.checks[0].sentence
    'x is one.'
    """
    prose: list[str] = []
    parts: list[tuple[str, str, int, list[str]]] = []
    body = prose
    for number, line in enumerate(lines, start=1):
        if line.startswith("%%"):
            kind, _, sentence = line[2:].partition(":")
            body = []
            parts.append((kind.strip(), sentence.strip(), number, body))
        else:
            body.append(line)
    code = {"starter": "", "solution": ""}
    checks: list[Check] = []
    for kind, sentence, number, body in parts:
        text = "\n".join(body).strip("\n") + "\n"
        if kind == "check":
            if not sentence:
                raise ValueError(f"line {number}: a check needs a sentence after 'check:'")
            checks.append(Check(sentence, text, number))
        elif kind in code:
            if code[kind]:
                raise ValueError(f"line {number}: a second {kind}")
            code[kind] = text
        else:
            raise ValueError(
                f"line {number}: unknown mark {kind!r}, expected starter, solution or check"
            )
    for kind, text in code.items():
        if not text.strip():
            raise ValueError(f"no {kind} in the exercise")
    if not checks:
        raise ValueError("no check in the exercise")
    return ExerciseText(
        "\n".join(prose).strip("\n"), code["starter"], code["solution"], tuple(checks)
    )
