"""The measures of a page, for every chapter of the built book, as a table.

python -m tests.browser.report [CHAPTER...]

With names of chapters (ch09, adam) it also says where: which terms, which lines, which figures.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from tests.browser.conftest import BOOK, ROOT, chromium, missing
from tests.browser.measures import DESK, LONGEST_LINE, PHONE, SMALLEST_TEXT, measured
from tests.browser.server import serve

# What each measure may be at most; `parts` at least.
LIMITS = {
    "figure": 1,
    "figure, phone": 1,
    "lines": 60,
    "longest": LONGEST_LINE,
    "parts": 30,
    "screens": 14,
    "terms": 0,
    "cut off": 0,
    "small text": 0,
    "unasserted": 0,
}
AT_LEAST = {"parts"}
MEANING = {
    "figure": f"the screen, of {DESK[0]} x {DESK[1]}, with the middle of the first figure",
    "figure, phone": f"the same at {PHONE[0]} x {PHONE[1]}",
    "lines": "visible lines of code that are not blank",
    "longest": "characters of the longest of them",
    "parts": "percent of the height that figures and interactive parts take",
    "screens": f"length in screens of {DESK[0]} x {DESK[1]}, all folds closed",
    "terms": "terms and symbols that are used before they are explained or linked",
    "cut off": f"code cells cut off at {PHONE[0]} px",
    "small text": f"figures with text under {SMALLEST_TEXT} px there, or of unknown size",
    "unasserted": "sentences that may say what an output shows, less the hidden assertions",
}


@dataclass(frozen=True)
class Chapter:
    """A chapter: its name, its page and its source."""

    name: str
    page: str
    source: Path


@cache
def chapters() -> list[Chapter]:
    """The chapters in the order of the contents; appendices and guides are none."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [entry.get("file", "") for part in toc["parts"] for entry in part["chapters"]]
    found = [re.fullmatch(r"book/part\d+/(ch\d+\w*)", file) for file in files]
    return [Chapter(m[1], f"{m[0]}.html", ROOT / f"{m[0]}.md") for m in found if m]


def over(name: str, value: int, limit: int) -> int:
    """How far a measure is beyond a limit; negative if better."""
    return limit - value if name in AT_LEAST else value - limit


def main() -> int:
    if reason := missing():
        sys.exit(reason)
    names = sys.argv[1:]
    if unknown := [n for n in names if not any(n in c.name for c in chapters())]:
        sys.exit(
            f"no chapter is named like {unknown[0]!r}: {', '.join(c.name for c in chapters())}"
        )
    if not (BOOK / chapters()[0].page).is_file():
        sys.exit("the book is not built: make book")
    for name, text in MEANING.items():
        print(f"{name:14} {text}")
    print(f"\n{'':24} " + " ".join(f"{name:>13}" for name in LIMITS))
    signs = [f"{'>=' if n in AT_LEAST else '<='} {limit} " for n, limit in LIMITS.items()]
    print(f"{'limit':24} " + " ".join(f"{sign:>13}" for sign in signs))
    beyond = False
    with serve(BOOK) as home, chromium() as browser:
        for chapter in chapters():
            if names and not any(name in chapter.name for name in names):
                continue
            report = measured(browser, home, chapter.page, chapter.source)
            marks = [over(*row, LIMITS[row[0]]) > 0 for row in report.values.items()]
            beyond |= any(marks)
            cells = zip(report.values.values(), marks, strict=True)
            row = " ".join(f"{f'{value}*' if mark else f'{value} ':>13}" for value, mark in cells)
            print(f"{chapter.name:24} {row}", flush=True)
            for name, places in report.places.items() if names else ():
                print("".join(f"\n  {name}: {place}" for place in places))
    print("* beyond the limit" if beyond else "all within their limits")
    return 0


if __name__ == "__main__":
    sys.exit(main())
