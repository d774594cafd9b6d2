r"""Frames a second of the figures, and how long an exercise in the page takes, in Chromium.

Run ``python benchmarks/pages.py`` after ``make book``, on an idle machine. Each preset of the
playground plays at 1440 x 900 pixels, and so do eight optimizers over 10,000 steps. Each exercise
of the book runs its solution in a new profile (cold), after the page is loaded again (warm), and
once more in the same page (repeat). The figures are kept in ``results/pages.json``.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from timing import machine

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the tests know how to start Chromium and to serve the book

from optedu.web.figure import catalog, script  # noqa: E402
from optedu.web.figure.configuration import presets  # noqa: E402
from tests.browser.conftest import BOOK, at_rest, chromium, missing  # noqa: E402
from tests.browser.server import serve  # noqa: E402
from tests.web.exercises import book_exercises  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "pages.json"
VIEW = {"width": 1440, "height": 900}
GOALS = {"cold": 10.0, "warm": 5.0, "repeat": 0.3}  # seconds
FRAMES, BYTES = 60, 60_000
# Plays the figure from its start for some seconds; returns when each frame was shown.
PLAY = """(seconds) => new Promise((done) => {
  const figure = document.querySelector("opt-figure");
  figure.rewind();
  figure.s.speed = figure.s.steps / seconds;
  figure.querySelector("[aria-label=Play]").click();
  const times = [];
  const frame = (now) => {
    times.push(now);
    if (figure.s.t < figure.s.steps) requestAnimationFrame(frame);
    else done(times);
  };
  requestAnimationFrame(frame);
})"""
DONE = """(id) => !['busy', 'idle'].includes(document.getElementById(id).dataset.state)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="that each figure plays")
    parser.add_argument("--rounds", type=int, default=2, help="of each exercise")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    if reason := missing() or ("" if BOOK.is_dir() else "the book is not built: make book"):
        print(f"skipped: {reason}")
        return
    sizes = {k: len(v.encode()) for k, v in script.assets().items() if k.endswith(".js")}
    with serve(BOOK) as home, chromium() as browser:
        record = {
            "machine": machine(),
            "versions": {
                "chromium": browser.version,
                "playwright": importlib.metadata.version("playwright"),
            },
            "viewport": VIEW,
            "frames": frames(browser, home, options.seconds),
            "exercises": exercises(browser, home, options.rounds),
            "script_bytes": sizes,
        }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(record, indent=1) + "\n")
    show(record)
    print(f"wrote {options.output}")


def frames(browser: Any, home: str, seconds: float) -> dict[str, dict[str, float]]:
    r"""Play each preset, then the eight; return frames a second and the longest pause (ms)."""
    page = browser.new_page(viewport=VIEW)
    figures = {}
    page.goto(f"{home}/book/playground.html")
    page.wait_for_selector("opt-figure.of-ready")
    for name in presets():
        page.get_by_label("Show", exact=True).select_option(name)
        figures[name] = _played(page, seconds)
    eight = {
        "problem": "rosenbrock",
        "steps": 10_000,
        "runs": [[name, {}, 0, name] for name in catalog.rule_names()[:8]],
    }
    state = page.evaluate("document.querySelector('opt-figure').save()") | eight
    page.goto("about:blank")
    page.goto(f"{home}/book/playground.html#opt-playground={json.dumps(state)}")
    page.wait_for_selector("opt-figure.of-ready")
    shown = page.evaluate("document.querySelector('opt-figure').save()")
    if len(shown["runs"]) != 8 or shown["steps"] != 10_000:
        sys.exit(f"the link did not restore eight runs of 10,000 steps, but {shown}")
    figures["eight optimizers, 10,000 steps"] = _played(page, seconds)
    page.close()
    return figures


def _played(page: Any, seconds: float) -> dict[str, float]:
    at_rest(page)
    times = page.evaluate(PLAY, seconds)
    gaps = [after - before for before, after in pairwise(times)]
    return {
        "per_second": round(1000 * len(gaps) / (times[-1] - times[0]), 2),
        "longest_ms": round(max(gaps), 1),
    }


def exercises(browser: Any, home: str, rounds: int) -> dict[str, dict[str, list[float]]]:
    r"""Run each exercise's solution; return the seconds to its verdicts."""
    seconds = {str(found): {kind: [] for kind in GOALS} for found in book_exercises()}
    for _ in range(rounds):
        for found in book_exercises():
            context = browser.new_context(viewport=VIEW)
            page = context.new_page()
            page.goto(f"{home}/{found.page}.html")
            for kind in GOALS:
                if kind == "warm":
                    page.reload()
                seconds[str(found)][kind].append(round(_until_checked(page, found), 3))
            context.close()
    return seconds


def _until_checked(page: Any, found: Any) -> float:
    identifier = f"pyexercise-{found.name}"
    place = page.locator(f"#{identifier}")
    place.locator("textarea").fill(found.text.solution)
    button = place.get_by_role("button", name="Run and check")
    button.wait_for()
    start = time.perf_counter()
    button.click()
    page.wait_for_function(DONE, arg=identifier, timeout=120_000)
    took = time.perf_counter() - start
    verdicts = set(place.locator(".pyexercise-mark").all_inner_texts())
    if verdicts != {"Pass"}:
        sys.exit(f"{found}: the solution should pass, got {verdicts}")
    return took


def show(record: dict[str, Any]) -> None:
    r"""Print the tables."""
    console = Console(width=100)
    table = Table(title=f"frames a second while playing, goal {FRAMES}")
    for column in ("figure", "frames a second", "longest pause, ms"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, row in record["frames"].items():
        table.add_row(name, f"{row['per_second']:.1f}", f"{row['longest_ms']:.0f}")
    console.print(table)
    table = Table(title="seconds to an exercise's result")
    for column in ("exercise", *(f"{kind}, goal {goal:g}" for kind, goal in GOALS.items())):
        table.add_column(column, justify="left" if column == "exercise" else "right")
    for name, row in record["exercises"].items():
        table.add_row(name, *(f"{statistics.median(row[kind]):.2f}" for kind in GOALS))
    console.print(table)
    total = sum(record["script_bytes"].values())
    print(f"scripts of the figures: {total:,} bytes, goal under {BYTES:,}")


if __name__ == "__main__":
    main()
