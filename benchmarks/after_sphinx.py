r"""What each step after Sphinx gives a reader: Lighthouse with all of them, and with one left out.

Run ``python benchmarks/after_sphinx.py`` after ``make book`` and ``make browser-tools``, on an idle
machine. The book is built once more without :mod:`optedu.web.lean`; each variant is a copy of that,
rewritten without one step, and Lighthouse looks at it as a phone. The variants take turns, and the
medians are kept in ``results/after_sphinx.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from timing import machine

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the tests know how to serve the book and to run Lighthouse

from optedu.web import lean  # noqa: E402
from tests.browser.lighthouse import scores  # noqa: E402
from tests.browser.server import serve  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "after_sphinx.json"
NOTHING = re.compile(r"(?!)()")  # with a group, as what it stands for has
WITHOUT_LEAN = """
import sys
import optedu.web
optedu.web.FEATURES = tuple(f for f in optedu.web.FEATURES if f != "lean")
from jupyter_book.cli.main import main
sys.argv = ["jupyter-book", "build", ".", "--path-output", sys.argv[1], "-q"]
main()
"""


def _same(text: str, *_: Any) -> str:
    return text


# What is put in the place of one step, by what the reader then has.
STEPS: dict[str, dict[str, Any]] = {
    "all steps": {},
    "no step at all": {"rewrite_pages": None},
    "fifteen style sheets": {"Site._one_style": lambda self, page, head: head},
    "every rule of the theme": {"purged": _same},
    "whole fonts": {"subset_fonts": _same},
    "the theme's preloads": {"PRELOAD": NOTHING},
    "the icons as a script too": {"ICON_SCRIPT": NOTHING},
    "scripts that hold the parser": {"SCRIPT": NOTHING, "THEME_SCRIPT": NOTHING},
    "options in a file": {"OPTIONS": NOTHING},
    "every listing measured at once": {"MEASURING": NOTHING},
}


class _App:
    class builder:
        format = "html"

    def __init__(self, outdir: Path) -> None:
        self.outdir = str(outdir)


def rewritten(raw: Path, target: Path, changed: dict[str, Any]) -> Path:
    """Copy the raw book and do all steps but those that are changed."""
    shutil.copytree(raw, target)
    if "rewrite_pages" in changed:
        return target
    before: list[tuple[Any, str, Any]] = []
    for name, value in changed.items():
        owner: Any = lean.Site if name.startswith("Site.") else lean
        attribute = name.removeprefix("Site.")
        before.append((owner, attribute, getattr(owner, attribute)))
        setattr(owner, attribute, value)
    try:
        lean.rewrite_pages(_App(target), None)
    finally:
        for owner, attribute, value in before:
            setattr(owner, attribute, value)
    return target


def looked_at(folder: Path, page: str) -> dict[str, float]:
    """Ask Lighthouse, as a phone."""
    with serve(folder) as home:
        (score, *_), report = scores(f"{home}/{page}", "mobile")
    audits = report["audits"]
    value: Callable[[str], float] = lambda name: audits[name]["numericValue"]  # noqa: E731
    return {
        "score": score,
        "first paint (s)": value("first-contentful-paint") / 1000,
        "largest paint (s)": value("largest-contentful-paint") / 1000,
        "blocked (ms)": value("total-blocking-time"),
        "shift": value("cumulative-layout-shift"),
        "bytes (kB)": value("total-byte-weight") / 1000,
        "requests": len(audits["network-requests"]["details"]["items"]),
    }


def main() -> None:
    """Build, rewrite, measure in turns, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", default="book/part1/ch02_gradient_descent.html")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        for cache in (ROOT / "_build").glob(".jupyter_cache*"):  # no cell runs twice
            shutil.copytree(cache, target / "book" / "_build" / cache.name)
        build = [sys.executable, "-c", WITHOUT_LEAN, str(target / "book")]
        subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        raw = target / "book" / "_build" / "html"
        sites = {
            name: rewritten(raw, target / str(number), changed)
            for number, (name, changed) in enumerate(STEPS.items())
        }
        found: dict[str, list[dict[str, float]]] = {name: [] for name in STEPS}
        loads = []  # of the minute before each look: Chromium alone makes one or two of it
        for _ in range(options.rounds):
            for name, site in sites.items():
                found[name].append(looked_at(site, options.page))
                loads.append(os.getloadavg()[0])
    rows = {
        name: {key: statistics.median(turn[key] for turn in turns) for key in turns[0]}
        for name, turns in found.items()
    }
    table = Table("left out", *rows["all steps"], title=options.page)
    for name, row in rows.items():
        table.add_row(name, *(f"{value:.3g}" for value in row.values()))
    Console().print(table)
    record = {
        "machine": machine(),
        "load": round(statistics.median(loads), 2),
        "page": options.page,
        "rounds": options.rounds,
        "rows": rows,
    }
    options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
