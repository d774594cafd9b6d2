"""Find every {pyexercise} of the book, for the tests here and in tests/browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from optedu.web.exercise_text import ExerciseText, parse

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^(`{3,}|:{3,})\{pyexercise\} *(\S+)\n(.*?)^\1 *$", re.M | re.S)


@dataclass(frozen=True)
class Found:
    """One exercise, the page that holds it, and its parsed text."""

    page: str
    name: str
    text: ExerciseText

    def __str__(self) -> str:
        return f"{Path(self.page).stem}#{self.name}"

    @property
    def checks(self) -> list[tuple[str, str]]:
        return [(check.sentence, check.code) for check in self.text.checks]


def exercises_in(text: str, page: str = "page") -> list[Found]:
    """Return the exercises of one page's source."""
    found = []
    for match in BLOCK.finditer(text):
        lines = match[3].splitlines()
        while lines and lines[0].startswith(":"):
            lines.pop(0)
        found.append(Found(page, match[2], parse(lines)))
    return found


def book_exercises() -> list[Found]:
    """Return every exercise under ``book``."""
    found: list[Found] = []
    for path in sorted((ROOT / "book").rglob("*.md")):
        page = path.relative_to(ROOT).with_suffix("").as_posix()
        found += exercises_in(path.read_text(encoding="utf-8"), page)
    return found
