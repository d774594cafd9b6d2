r"""Links to terms of the glossary explain the term where it stands, on hovering and on focus."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parent / "static" / "terms"
FOLDER = "terms"  # under _static
LINK = "glossary.html#term-"


def copy_assets(app: Any) -> None:
    """Put the script and the style where the pages load them."""
    if app.builder.format == "html":
        shutil.copytree(ASSETS, Path(app.outdir) / "_static" / FOLDER, dirs_exist_ok=True)


def add_assets(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load them on pages that link to a term, and nowhere else."""
    if LINK in context.get("body", ""):
        app.add_js_file(f"{FOLDER}/terms.js", loading_method="defer")
        app.add_css_file(f"{FOLDER}/terms.css")


def setup(app: Any) -> None:
    app.connect("builder-inited", copy_assets)
    app.connect("html-page-context", add_assets)
