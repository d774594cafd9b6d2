r"""What questions and proofs to put in order share: their assets, and how they refuse a mistake."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from optedu.exercise.marks import MarkError

ASSETS = Path(__file__).resolve().parent / "static" / "tasks"
FOLDER = "tasks"  # under _static
logger = logging.getLogger(__name__)


class task(nodes.General, nodes.Element):
    """What a script turns into a form; its children read without one."""


class answers(nodes.General, nodes.Element):
    """The answers, folded where a page can fold."""


class verdict(nodes.General, nodes.Element):
    """What is said of one answer; its attributes are what the script compares with."""


def refuse(
    directive: SphinxDirective, error: MarkError, path: Path | None = None
) -> list[nodes.Node]:
    """Report a mistake in a directive's block with its line in the file; ``-W`` fails the build.

    `path` is the file that holds the block where the page itself does not.
    """
    line = directive.lineno + (directive.content_offset + error.line if error.line else 0)
    place = (directive.env.docname, line) if path is None else f"{path}:{error.line or 1}"
    called = " ".join([directive.name, *directive.arguments])
    logger.error("%s: %s", called, error.reason, location=place)
    return []


class TaskDirective(SphinxDirective):
    """What the directives of tasks need to read the parts of their blocks."""

    has_content = True

    def number(self, what: str) -> int:
        """Count the tasks of a kind on a page."""
        counts = self.env.temp_data.setdefault("tasks", {})
        counts[what] = counts.get(what, 0) + 1
        return counts[what]

    def blocks(self, text: str, line: int) -> list[nodes.Node]:
        """Read MyST that begins below the given line of the block."""
        container = nodes.container()
        self.state.nested_parse(text.splitlines(), self.content_offset + line, container)
        return container.children

    def inline(self, text: str, line: int) -> nodes.paragraph:
        """Read one line of MyST."""
        read, messages = self.state.inline_text(text, self.lineno + self.content_offset + line)
        return nodes.paragraph("", "", *read, *messages)


def visit_task(translator: Any, node: task) -> None:
    kind, label = node["kind"], translator.attval(node["label"])
    translator.body.append(
        f'<div class="task {kind}" id="{node["ids"][0]}" role="group" aria-label="{label}"'
        f"{_data(translator, node)}>"
    )


def visit_answers(translator: Any, node: answers) -> None:
    summary = translator.encode(node["summary"])
    translator.body.append(f'<details class="task-answers"><summary>{summary}</summary>')


def visit_verdict(translator: Any, node: verdict) -> None:
    translator.body.append(f'<div class="task-verdict"{_data(translator, node)}>')


def _data(translator: Any, node: nodes.Element) -> str:
    return "".join(
        f' data-{name}="{translator.attval(str(value))}"'
        for name, value in node.get("data", {}).items()
    )


def close(tag: str) -> Any:
    """Return what ends an element."""
    return lambda translator, node: translator.body.append(f"</{tag}>\n")


def pass_by(translator: Any, node: nodes.Node) -> None:
    """Other formats show the children alone."""


OTHER = {"latex": (pass_by, pass_by), "text": (pass_by, pass_by)}


def copy_assets(app: Any) -> None:
    """Put scripts and style where the pages load them."""
    if app.builder.format == "html":
        shutil.copytree(ASSETS, Path(app.outdir) / "_static" / FOLDER, dirs_exist_ok=True)


def add_assets(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the style, and the script of each kind of task that a page holds."""
    kinds = {node["kind"] for node in doctree.findall(task)} if doctree is not None else ()
    for kind in sorted(kinds):
        app.add_js_file(f"{FOLDER}/{kind}.js", type="module")
    if kinds:
        app.add_css_file(f"{FOLDER}/tasks.css")


def setup(app: Any) -> dict[str, Any]:
    app.add_node(task, html=(visit_task, close("div")), **OTHER)
    app.add_node(answers, html=(visit_answers, close("details")), **OTHER)
    app.add_node(verdict, html=(visit_verdict, close("div")), **OTHER)
    app.connect("builder-inited", copy_assets)
    app.connect("html-page-context", add_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
