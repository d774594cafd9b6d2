r"""Page-level parts of the book: execution cache, footer, descriptions, links to notebooks.

Nothing that a page loads may come from another host, so the loaders of thebe and ipywidgets are
left out.
"""

from __future__ import annotations

import hashlib
import shutil
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent
STATIC = Path(__file__).resolve().parent / "static" / "pages"

# The branch that the workflow `pages` publishes the built book to.
PUBLISHED_BRANCH = "gh-pages"

# Cells of the book import the package, but never these parts of it.
NOT_IN_CELLS = ("web", "course")


def package_hash(exclude: tuple[str, ...] = ()) -> str:
    """Hash the package's own files, save the subpackages in ``exclude``."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        relative = path.relative_to(PACKAGE)
        if path.is_dir() or "__pycache__" in relative.parts or relative.parts[0] in exclude:
            continue
        digest.update(relative.as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def use_execution_cache(app: Any, config: Any) -> None:
    """Keep one execution cache per state of the package.

    jupyter-cache compares a notebook's cells alone, and would serve outputs of an older optedu.
    """
    build = Path(app.outdir).parent
    cache = build / f".jupyter_cache-{package_hash(NOT_IN_CELLS)}"
    for stale in build.glob(".jupyter_cache*"):
        if stale != cache:
            shutil.rmtree(stale, ignore_errors=True)
    config.nb_execution_cache_path = str(cache)
    # A change of this value makes Sphinx read every page again.
    config.optedu_package_hash = package_hash()


def drop_thebe(app: Any) -> None:
    """Disconnect sphinx-thebe, which points every page at a script on another host."""
    for listeners in app.events.listeners.values():
        listeners[:] = [
            listener
            for listener in listeners
            if not getattr(listener.handler, "__module__", "").startswith("sphinx_thebe")
        ]


def add_style(app: Any, config: Any) -> None:
    """Add our style sheets and icon, and let the reader's system choose between light and dark."""
    config.html_static_path.append(str(STATIC))
    config.html_favicon = str(STATIC / "favicon.svg")
    # The theme logs an error on the console of every page where this is not set.
    config.html_context.setdefault("default_mode", "auto")
    app.add_css_file("pages.css")
    app.add_css_file("drawings.css")
    app.add_js_file("pages.js", loading_method="defer")


def describe(
    app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Use ``description`` of a page's front matter for search engines and previews."""
    description = app.env.metadata.get(pagename, {}).get("description")
    if not description:
        return
    context["metatags"] += f'<meta name="description" content="{escape(description)}" />\n'
    context["meta"] = {**(context["meta"] or {}), "og:description": description}


def notebook_links(
    app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Point the launch buttons at notebooks.

    The theme points them at the page's source, which Colab cannot open: Colab gets the notebook
    that is published beside the page (branch ``gh-pages``), Binder the one that its image makes.
    """
    settings = app.config.html_theme_options
    branch = settings.get("repository_branch", "main")
    source = Path(app.env.doc2path(pagename, base=False)) if pagename in app.env.all_docs else None
    if source is None or source.suffix != ".md":
        return
    for group in context.get("header_buttons", []):
        if group.get("label") != "launch-buttons":
            continue
        for button in group["buttons"]:
            url = button.get("url", "")
            if button["text"] == "Colab":
                button["url"] = url.replace(
                    f"/blob/{branch}/{source.as_posix()}",
                    f"/blob/{PUBLISHED_BRANCH}/_sources/{pagename}.ipynb",
                )
            elif button["text"] == "Binder":
                button["url"] = url.replace(source.as_posix(), f"{pagename}.ipynb")
                button["text"] = "JupyterLab (Binder)"


def add_footer(app: Any, config: Any) -> None:
    """State the version below every page; the theme adds the date."""
    config.html_theme_options["extra_footer"] = (
        f"<p>optedu {version('optedu')}. Text CC BY 4.0, code BSD-3-Clause.</p>"
    )


def setup(app: Any) -> None:
    app.add_config_value("optedu_package_hash", "", "env")
    app.connect("config-inited", use_execution_cache)
    app.connect("config-inited", add_style)
    app.connect("config-inited", add_footer)
    app.connect("builder-inited", drop_thebe, priority=1)
    # Before sphinxext.opengraph, which else takes the first sentences of the page.
    app.connect("html-page-context", describe, priority=100)
    app.connect("html-page-context", notebook_links, priority=900)
