"""How each test went over a class, counted as results come: the results themselves are not kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Tally", "count"]


@dataclass
class Tally:
    """One test: how many took it and failed it, their points, and the messages of failures."""

    attempts: int = 0
    failed: int = 0
    points: float = 0.0
    messages: Counter[str] = field(default_factory=Counter)

    def add(self, item: dict[str, Any]) -> None:
        """Count one student's test."""
        self.attempts += 1
        self.points += item["score"] or 0.0
        if item["score"] is None or item["score"] < item["max_score"]:
            self.failed += 1
            if item["message"]:
                self.messages[_first_line(item["message"])] += 1

    @property
    def mean(self) -> float | None:
        """The mean of the points."""
        return self.points / self.attempts if self.attempts else None


def count(tallies: dict[tuple[str, str], Tally], items: Iterable[dict[str, Any]]) -> None:
    """Count a student's tests, by notebook and name."""
    for item in items:
        tallies.setdefault((item["notebook"], item["name"]), Tally()).add(item)


def _first_line(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if len(lines) > 1 and re.fullmatch(r"\w+:", lines[0]):  # so numpy.testing begins
        return " ".join([*lines[:2], *(line for line in lines[2:] if line.startswith("Mismatch"))])
    return lines[0] if lines else message
