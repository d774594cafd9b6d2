r"""Corrections to what the theme and other extensions write, so that everyone can read the pages.

Each one answers a finding of axe-core; ``tests/browser/test_pages.py`` keeps them found.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parent / "static" / "accessible"
# A list of citations has links between its entries, which a list must not have, and the entries'
# role is withdrawn from the standard.
CITATION_ROLES = re.compile(r'(<div) role="list"( class="citation-list">)')
# The label hides from a screen reader what the eye reads: "Show code cell source".
SUMMARY_LABEL = re.compile(r'(<summary) aria-label="Toggle hidden content"')
ENTRY_ROLE = re.compile(r'(<div class="citation"[^>]*) role="doc-biblioentry"')


def correct_body(
    app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Correct the roles in a page's body."""
    if "body" in context:
        body = CITATION_ROLES.sub(r"\1\2", context["body"])
        body = SUMMARY_LABEL.sub(r"\1", body)
        context["body"] = ENTRY_ROLE.sub(r"\1", body)


def add_assets(app: Any) -> None:
    """Copy the style and the script, and load them on every page."""
    if app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "accessible"
    shutil.copytree(ASSETS, target, dirs_exist_ok=True)
    app.add_css_file("accessible/accessible.css")
    app.add_js_file("accessible/accessible.js", loading_method="defer")


def setup(app: Any) -> None:
    app.connect("builder-inited", add_assets)
    app.connect("html-page-context", correct_body)
