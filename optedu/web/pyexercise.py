r"""The directive ``{pyexercise}``: an exercise that a reader runs and checks in the page.

The page holds the starter and the sentences of the checks as plain text, so it reads without
JavaScript, on paper, and where the page's Python could not be gathered. A script of ours turns it
into an editor with *Run and check*; it loads Python from the book's own host, on a click.

The option ``:title:`` is required. Hints show one after the other, and the solution after the last
of them or when all checks pass. The content is explained in :mod:`optedu.web.exercise_text`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging

from optedu.exercise.marks import MarkError
from optedu.web import exercise_text
from optedu.web.runtime import Unavailable, assemble, find_vendor
from optedu.web.tasks import OTHER, TaskDirective, close, refuse

ASSETS = Path(__file__).resolve().parent / "static" / "pyexercise"
SHIPPED = ("pyexercise.js", "editor.js", "worker.js", "pyexercise.css")
logger = logging.getLogger(__name__)


class pyexercise(nodes.General, nodes.Element):
    """An exercise; its children are the static form, its attributes what the script needs."""


class folded(nodes.General, nodes.Element):
    """The editor, a hint or the solution, shown on request."""


class PyExerciseDirective(TaskDirective):
    """Parse the block into a :class:`pyexercise` node."""

    required_arguments = 1
    option_spec = {"title": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        if "title" not in self.options:
            raise self.error("pyexercise needs a :title:")
        try:
            text = exercise_text.parse(list(self.content))
        except MarkError as error:
            return refuse(self, error)
        title = self.options["title"]
        label = nodes.make_id(f"pyexercise-{self.arguments[0]}")
        node = pyexercise(
            ids=[label],
            title=title,
            key=f"{self.env.docname}#{self.arguments[0]}",
            starter=text.starter,
            checks=[{"sentence": c.sentence, "code": c.code} for c in text.checks],
        )
        node += nodes.paragraph("", "", nodes.strong("", f"Try it: {title}"), classes=["title"])
        if text.prose:
            node += nodes.container("", *self.blocks(text.prose, 0), classes=["prose"])
        code = nodes.literal_block(text.starter, text.starter, language="python")
        code["classes"] = ["starter"]
        # The page stays short: who wants to write unfolds the editor.
        work = folded(kind="work", summary="Write and run the code")
        node += work
        work += code
        listed = nodes.bullet_list(classes=["checks"])
        for check in text.checks:
            item, _ = self.state.inline_text(check.sentence, self.lineno)
            listed += nodes.list_item("", nodes.paragraph("", "", *item))
        work += nodes.paragraph("", "What is checked:", classes=["checks-title"])
        work += listed
        for number, (line, hint) in enumerate(text.hints, start=1):
            summary = f"Hint {number} of {len(text.hints)}"
            work += folded("", *self.blocks(hint, line), kind="hint", summary=summary)
        shown = nodes.literal_block(text.solution, text.solution, language="python")
        work += folded("", shown, kind="solution", summary="Show a solution")
        return [node]


def visit_html(translator: Any, node: pyexercise) -> None:
    label = node["ids"][0]
    translator.body.append(
        f'<div class="pyexercise" id="{label}" role="group" '
        f'aria-label="{translator.attval(node["title"])}">'
    )


def depart_html(translator: Any, node: pyexercise) -> None:
    config = translator.builder.config
    if config.pyexercise_missing:
        why = translator.encode(config.pyexercise_missing)
        translator.body.append(
            '<p class="pyexercise-left-out">This copy of the book was built without Python for '
            f"the page ({why}). Run the code in a notebook instead.</p></div>"
        )
        return
    sizes = {"rawBytes": config.pyexercise_bytes[0], "compressedBytes": config.pyexercise_bytes[1]}
    own = {name: node[name] for name in ("key", "starter", "checks")}
    data = json.dumps(own | sizes)
    # "</" would end the script element early.
    data = data.replace("</", "<\\/")
    translator.body.append(f'<script type="application/json">{data}</script></div>')


def visit_folded_html(translator: Any, node: folded) -> None:
    translator.body.append(
        f'<details class="pyexercise-fold pyexercise-{node["kind"]}">'
        f"<summary>{translator.encode(node['summary'])}</summary>"
    )


def prepare(app: Any) -> None:
    """Gather the page's Python and copy the assets, before any page is written."""
    app.config.pyexercise_missing = ""
    if app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "pyexercise"
    target.mkdir(parents=True, exist_ok=True)
    try:
        vendor = Path(app.config.pyexercise_vendor or find_vendor(Path(app.confdir)))
        runtime = assemble(vendor, target / "runtime")
    except Unavailable as error:
        app.config.pyexercise_missing = str(error)
        shutil.rmtree(target / "runtime", ignore_errors=True)
        logger.info("Exercises in the page are left out of this build: %s", error, color="red")
        return
    finally:
        for name in SHIPPED:
            shutil.copy2(ASSETS / name, target)
    app.config.pyexercise_bytes = (runtime.raw_bytes, runtime.compressed_bytes)
    megabytes = tuple(size / 1e6 for size in app.config.pyexercise_bytes)
    logger.info("Exercises in the page download %.1f MB, %.1f MB compressed.", *megabytes)


def add_assets(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the script and the style on pages that hold an exercise, and nowhere else."""
    if doctree is None or not any(doctree.findall(pyexercise)):
        return
    app.add_css_file("pyexercise/pyexercise.css")
    if not app.config.pyexercise_missing:
        app.add_js_file("pyexercise/pyexercise.js", type="module")


def setup(app: Any) -> None:
    # Folder of the sums and the NumPy wheel; found at or above the configuration without it.
    app.add_config_value("pyexercise_vendor", "", "")
    # Set by prepare, not by authors.
    app.add_config_value("pyexercise_missing", "", "")
    app.add_config_value("pyexercise_bytes", (0, 0), "")
    app.add_node(pyexercise, html=(visit_html, depart_html), **OTHER)
    app.add_node(folded, html=(visit_folded_html, close("details")), **OTHER)
    app.add_directive("pyexercise", PyExerciseDirective)
    app.connect("builder-inited", prepare)
    app.connect("html-page-context", add_assets)
