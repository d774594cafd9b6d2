r"""Text in parts: the form in which exercises, questions and proofs are written.

Lines that begin with ``%%`` part a text. The word after them is the kind of the part, what follows
a colon its argument, and the lines below its body::

    Prose for the reader.

    %% check: f gives back its argument.
    assert f(2) == 2
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

__all__ = ["MarkError", "Part", "split"]


class MarkError(ValueError):
    r"""Something wrong in a text of parts.

    Attributes
    ----------
    line : int
        Line of the text, counted from 1; 0 where the whole text is meant.
    reason : str
        What is wrong and what was expected.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Part:
    r"""One part: its kind, the text after the colon, the lines below it, its line in the text."""

    kind: str
    argument: str
    body: tuple[str, ...]
    line: int

    @property
    def text(self) -> str:
        """The body without empty lines around it."""
        return "\n".join(self.body).strip("\n")


def split(lines: Sequence[str], kinds: Collection[str]) -> tuple[str, list[Part]]:
    r"""Part a text at its marks.

    Parameters
    ----------
    lines : sequence of str
        The text.
    kinds : collection of str
        The kinds that there are.

    Returns
    -------
    prose : str
        What stands above the first mark.
    parts : list of Part
        In the order of the text.

    Raises
    ------
    MarkError
        For a kind that there is not.

    Examples
    --------
    >>> prose, parts = split(["Is it?", "%% right: Yes", "It is."], ["right", "wrong"])
    >>> prose, parts[0].argument, parts[0].text
    ('Is it?', 'Yes', 'It is.')
    """
    prose: list[str] = []
    found: list[tuple[str, str, list[str], int]] = []
    body = prose
    for number, line in enumerate(lines, start=1):
        if not line.startswith("%%"):
            body.append(line)
            continue
        kind, _, argument = line[2:].partition(":")
        kind = kind.strip()
        if kind not in kinds:
            raise MarkError(number, f"unknown mark {kind!r}, expected one of {', '.join(kinds)}")
        body = []
        found.append((kind, argument.strip(), body, number))
    parts = [Part(kind, argument, tuple(body), line) for kind, argument, body, line in found]
    return "\n".join(prose).strip("\n"), parts
