r"""Proofs to put in order: their blocks, and which order is right.

A proof is written as text in parts (see `optedu.exercise.marks`). Each step names the steps that it
needs, with the sentence that a student reads who puts it before one of them; a distractor has the
reason why it does not belong::

    One step of gradient descent lowers a smooth function.

    %% step: smooth
    By smoothness the slope changes by at most $L s |d|$ on the way.
    %% step: bound
    after smooth: The integral can be bounded only when the slope on the way is.
    So $f(x_1) \le f_0 + g d + L d^2/2$.
    %% distractor: convex
    Since $f$ is convex, it lies above its tangent.
    why: Nothing is said of convexity, and a bound from above is needed.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optedu import validate
from optedu.exercise.marks import MarkError, Part, split
from optedu.exercise.report import CheckFailed, Report

__all__ = ["Block", "Proof", "check_order", "expect_order"]

NOTE = re.compile(r"(?:after (\S.*?)|(why)):\s*(.*)")


@dataclass(frozen=True)
class Block:
    r"""One block of a proof.

    Attributes
    ----------
    name : str
        What other blocks call it.
    text : str
        What the student reads, in Markdown.
    after : mapping of str to str
        The steps that must stand before it, each with the sentence for whoever put it earlier.
    why : str
        Of a distractor, why it does not belong; empty for a step.
    line : int
        The line of its mark in the proof's text.
    """

    name: str
    text: str
    after: Mapping[str, str]
    why: str = ""
    line: int = 0


class Proof:
    r"""The blocks of a proof, shuffled, with the orders that are right.

    Parameters
    ----------
    text : str
        The proof in its parts, as the module's docstring shows.

    Attributes
    ----------
    claim : str
        What is proved, in Markdown.
    blocks : dict of str to Block
        The blocks by their letters, in the order in which they are shown. It is always the same
        for the same text.

    Raises
    ------
    ValueError
        If the text is not such a proof: an unknown name, steps that need each other in a circle, a
        distractor without a reason. It names the line and what was expected.
    TypeError
        If it is no text.

    Examples
    --------
    >>> from optedu.exercise import Proof
    >>> proof = Proof('''It is even.
    ... %% step: double
    ... It is twice a number.
    ... %% step: even
    ... after double: What is even is known by its half.
    ... So it is even.''')
    >>> [block.name for block in proof.blocks.values()]
    ['even', 'double']
    >>> proof.score("BA"), proof.score("AB")
    (1.0, 0.5)
    """

    def __init__(self, text: str) -> None:
        try:
            self._read(validate.text("text", text))
        except MarkError as error:
            raise ValueError(f"text of the proof: {error}") from None

    @classmethod
    def read(cls, text: str) -> Proof:
        r"""Return the proof of a text; `MarkError`, which holds the line, if it is none."""
        proof = cls.__new__(cls)
        proof._read(text)
        return proof

    def _read(self, text: str) -> None:
        self.claim, parts = split(text.splitlines(), ("step", "distractor"))
        if not self.claim.strip():
            raise MarkError(0, "nothing above the first mark says what is proved")
        found = [_block(part) for part in parts]
        names = [block.name for block in found]
        steps = [block for block in found if not block.why]
        if len(steps) < 2:
            raise MarkError(0, f"a proof has two steps or more, got {len(steps)}")
        for part, block in zip(parts, found, strict=True):
            if names.count(block.name) > 1:
                raise MarkError(part.line, f"a second block called {block.name!r}")
            for needed in block.after:
                if needed not in (step.name for step in steps):
                    known = ", ".join(step.name for step in steps)
                    raise MarkError(
                        part.line,
                        f"{block.name} stands after {needed!r}, no step; the steps are {known}",
                    )
        lines = {block.name: part.line for part, block in zip(parts, found, strict=True)}
        self._before = _closure(steps, lines)
        # Empty lines around it do not count: a page and a notebook show the same letters.
        key = hashlib.sha256(text.strip().encode()).hexdigest()
        shuffled = sorted(found, key=lambda b: hashlib.sha256((key + b.name).encode()).digest())
        self._steps = [block.name for block in steps]
        if not self._moves([block.name for block in shuffled if not block.why]):
            shuffled.reverse()  # or the order shown would be the answer
        if len(shuffled) > len(string.ascii_uppercase):
            raise MarkError(0, f"a proof has at most 26 blocks, got {len(shuffled)}")
        self.blocks = dict(zip(string.ascii_uppercase, shuffled, strict=False))

    def _repr_markdown_(self) -> str:
        listed = [f"**{letter}.** {block.text}" for letter, block in self.blocks.items()]
        return "\n\n".join([self.claim, *listed])

    def score(self, order: str | Iterable[str]) -> float:
        r"""Return how much of an order is right, from 0 to 1.

        Each step that is missing, each distractor that is used, and each block that has to be moved
        (the fewest that do) takes one share of as many as there are steps.

        Parameters
        ----------
        order : str or iterable of str
            The letters of the blocks, first to last.

        Raises
        ------
        CheckFailed
            If it has no letters of this proof, or one of them twice.
        """
        given = self._given(order)
        used = [block.name for block in given if not block.why]
        faults = len(self._steps) - len(used) + len(given) - len(used) + self._moves(used)
        return max(0.0, 1.0 - faults / len(self._steps))

    def faults(self, order: str | Iterable[str]) -> list[str]:
        r"""Return what is wrong with an order, a sentence each; otherwise as `score`."""
        given = self._given(order)
        letters = {block.name: letter for letter, block in self.blocks.items()}
        place = {block.name: k for k, block in enumerate(given)}
        said = [f"{letters[b.name]} does not belong: {b.why}" for b in given if b.why]
        said += [
            f"{letters[b.name]} stands before {letters[needed]}, which it needs: {sentence}"
            for b in given
            for needed, sentence in b.after.items()
            if place.get(needed, -1) > place[b.name]
        ]
        missing = len(self._steps) - sum(not block.why for block in given)
        if missing:
            said.append("A step is missing." if missing == 1 else f"{missing} steps are missing.")
        return said

    def _given(self, order: Any) -> list[Block]:
        return [self.blocks[letter] for letter in _letters(order, self.blocks)]

    def _moves(self, used: Sequence[str]) -> int:
        r"""Return the fewest blocks to move: the others must not contradict each other.

        Contradictions are a partial order, so that by Dilworth's and Koenig's theorems this is a
        largest matching of it.
        """
        later = {
            one: [other for other in used[k + 1 :] if other in self._before[one]]
            for k, one in enumerate(used)
        }
        partner: dict[str, str] = {}

        def matched(one: str, seen: set[str]) -> bool:
            for other in later[one]:
                if other not in seen:
                    seen.add(other)
                    if other not in partner or matched(partner[other], seen):
                        partner[other] = one
                        return True
            return False

        return sum(matched(one, set()) for one in used)


def expect_order(order: Any, blocks: str) -> None:
    r"""Raise `CheckFailed` unless an order is one of a proof's blocks, each used once at most.

    For the part of a test cell that a student sees, where the proof has to stay hidden.

    Parameters
    ----------
    order : str or iterable of str
        The student's order, as `optedu.check_order` reads it.
    blocks : str
        The letters of all blocks.

    Raises
    ------
    CheckFailed
        If it is empty, has anything else in it, or a block twice.
    TypeError, ValueError
        If `blocks` is not text, or empty.

    Examples
    --------
    >>> optedu.exercise.expect_order("b, a", "ABC")
    """
    _letters(order, validate.text("blocks", blocks))


def _letters(order: Any, blocks: Iterable[str]) -> list[str]:
    known = ", ".join(blocks)
    if not isinstance(order, Iterable):
        raise CheckFailed(f"your order is {order!r}; give the letters of the blocks, {known}.")
    if isinstance(order, str):
        order = re.sub(r"[\s,;]", "", order).upper()
    letters = list(order)
    for k, letter in enumerate(letters):
        if not isinstance(letter, str) or letter not in list(blocks):
            raise CheckFailed(f"your order has {letter!r} in it; the blocks are {known}.")
        if letter in letters[:k]:
            raise CheckFailed(f"your order has {letter} twice; a block is used once.")
    if not letters:
        raise CheckFailed(f"there is no order yet; give the letters of the blocks, {known}.")
    return letters


def _block(part: Part) -> Block:
    if not re.fullmatch(r"[\w-]+", part.argument):
        raise MarkError(part.line, f"{part.kind} needs a name of one word, got {part.argument!r}")
    lines, after, why = [], {}, ""
    for line in part.body:
        note = NOTE.fullmatch(line.strip())
        if note is None:
            lines.append(line)
        elif not note[3]:
            raise MarkError(part.line, f"{part.argument} gives no sentence after {line.strip()!r}")
        elif note[2]:
            why = note[3]
        elif " " in note[1]:
            # Taken for words of the step it would stand on the page and tell the order.
            first = note[1].split()[0]
            raise MarkError(
                part.line,
                f"{part.argument} names {note[1]!r}: one step a line, 'after {first}: ...'",
            )
        else:
            after[note[1]] = note[3]
    text = "\n".join(lines).strip()
    if not text:
        raise MarkError(part.line, f"{part.kind} {part.argument} has no words")
    if part.kind == "distractor" and (not why or after):
        raise MarkError(
            part.line, f"distractor {part.argument} needs a line 'why: ...' and no after"
        )
    if part.kind == "step" and why:
        raise MarkError(part.line, f"step {part.argument} belongs to the proof: why is for others")
    return Block(part.argument, text, after, why, part.line)


def _closure(steps: Sequence[Block], lines: Mapping[str, int]) -> dict[str, set[str]]:
    r"""Return all steps that each step needs, directly or not."""
    direct = {step.name: set(step.after) for step in steps}
    before: dict[str, set[str]] = {}

    def reach(name: str, way: tuple[str, ...]) -> set[str]:
        if name in way:
            circle = " after ".join([*way[way.index(name) :], name])
            raise MarkError(lines[name], f"steps that need each other in a circle: {circle}")
        if name not in before:
            found = set(direct[name])
            for needed in direct[name]:
                found |= reach(needed, (*way, name))
            before[name] = found
        return before[name]

    for step in steps:
        reach(step.name, ())
    return before


def check_order(proof: Proof | str, order: Any, *, points: float = 1.0) -> float:
    r"""Grade the order of a proof's blocks; every order that its dependencies allow is right.

    As the last line of a test cell it gives partial points: nbgrader takes the number that it
    returns for the cell's score. Give `points` as many as the cell has.

    Parameters
    ----------
    proof : Proof or str
        The proof, or its text.
    order : str or iterable of str
        The student's order, such as ``"CAD"`` or ``["C", "A", "D"]``.
    points : float
        Points for a right order, positive.

    Returns
    -------
    float
        The points, above 0. What is right, or wrong and why, is printed.

    Raises
    ------
    CheckFailed
        If nothing is right, or the order is no list of letters of this proof.
    TypeError, ValueError
        If `proof` or `points` is not what it should be.

    Examples
    --------
    >>> proof = optedu.exercise.Proof('''It is even.
    ... %% step: double
    ... It is twice a number.
    ... %% step: even
    ... after double: What is even is known by its half.
    ... So it is even.''')
    >>> optedu.check_order(proof, "AB", points=2)
    A stands before B, which it needs: What is even is known by its half.
    Your order gets 1 of 2 points.
    1.0
    """
    if isinstance(proof, str):
        proof = Proof(proof)
    if not isinstance(proof, Proof):
        raise TypeError(f"proof must be a Proof or its text, got {proof!r}")
    points = validate.positive("points", points)
    score = points * proof.score(order)
    faults = proof.faults(order)
    if not faults:
        print(Report("order", (f"{len(proof._given(order))} steps, each after what it needs",)))
        return float(score)
    message = "\n".join([*faults, f"Your order gets {score:.3g} of {points:g} points."])
    if score == 0:
        raise CheckFailed(message, name="order")
    print(message)
    return float(score)
