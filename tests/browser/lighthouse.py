"""Lighthouse on the pages that count: a table of scores, and an exit status.

python -m tests.browser.lighthouse [PAGE...]      (npm install in tests/browser first)

The scores of a busy machine are lower than those of an idle one: run it alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.browser.server import serve

HERE = Path(__file__).parent
BOOK = Path(os.environ.get("OPTEDU_BOOK", HERE.parents[1] / "_build" / "html"))
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LEAST = {"desktop": (95, 95, 95, 95), "mobile": (85, 95, 95, 95)}


def heaviest(count: int = 3) -> list[str]:
    """The chapters with the most bytes of HTML."""
    pages = list((BOOK / "book").glob("part*/*.html"))
    pages.sort(key=lambda path: path.stat().st_size, reverse=True)
    return [page.relative_to(BOOK).as_posix() for page in pages[:count]]


def scores(address: str, preset: str) -> tuple[list[int], dict]:
    """Run Lighthouse once and return its four scores and the report."""
    program = HERE / "node_modules" / ".bin" / "lighthouse"
    flags = "--headless=new --no-sandbox --disable-gpu"
    command = [str(program), address, "--quiet", "--output=json", f"--chrome-flags={flags}"]
    if preset == "desktop":
        command.append("--preset=desktop")
    chrome = shutil.which("chromium") or "chromium"
    environment = dict(os.environ, CHROME_PATH=os.environ.get("CHROME_PATH", chrome))
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(done.stderr[-1500:])
    report = json.loads(done.stdout)
    found = report["categories"]
    return [round(100 * (found[name]["score"] or 0)) for name in CATEGORIES], report


def main() -> int:
    pages = sys.argv[1:] or ["book/index.html", *heaviest()]
    low = 0
    print(f"{'page':42} {'preset':8} " + " ".join(f"{name:>14}" for name in CATEGORIES))
    with serve(BOOK) as home:
        for page in pages:
            for preset, least in LEAST.items():
                found, report = scores(f"{home}/{page}", preset)
                below = any(score < limit for score, limit in zip(found, least, strict=True))
                low += below
                marks = " ".join(f"{score:14d}" for score in found)
                print(f"{page:42} {preset:8} {marks}{'   below' if below else ''}", flush=True)
                if below or "-v" in os.environ.get("LIGHTHOUSE", ""):
                    explain(report)
    return 1 if low else 0


def explain(report: dict) -> None:
    """Print what cost points."""
    for name in CATEGORIES:
        for reference in report["categories"][name]["auditRefs"]:
            audit = report["audits"][reference["id"]]
            if reference["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                value = audit.get("displayValue", "")
                print(f"    {name}: {audit['title']} {value} ({audit['score']})")


if __name__ == "__main__":
    sys.exit(main())
