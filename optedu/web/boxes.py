r"""Parts of a page beside its thread: the box ``{inshort}`` and the fold ``{deeper}``.

A fold that holds code cells, which no directive can, stands between ``{deeper-start}`` and
``{deeper-end}``.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from optedu.web.tasks import OTHER

logger = logging.getLogger(__name__)


class deeper(nodes.General, nodes.Element):
    """A fold with a title."""


class fence(nodes.Invisible, nodes.Element):
    """Where a fold with code cells starts or ends; gone when the page has been read."""


class InShort(SphinxDirective):
    """A box with the one answer that a reader came for."""

    has_content = True
    option_spec = {"class": directives.class_option}

    def run(self) -> list[nodes.Node]:
        """Return the box."""
        if not "".join(self.content).strip():
            raise self.error("inshort: expected the rule, its defaults and its limits, got no text")
        box = nodes.admonition(classes=["inshort", *self.options.get("class", [])])
        self.set_source_info(box)
        box += nodes.title("", "In short")
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class Deeper(SphinxDirective):
    """A side path, folded; its title is the directive's argument."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    def titled(self, node: nodes.Element) -> nodes.Element:
        """Give a fold its title, which it must have."""
        title = self.arguments[0].strip() if self.arguments else ""
        if not title:
            raise self.error(f"{self.name}: expected a title, as in {{{self.name}}} A second proof")
        words, _ = self.state.inline_text(title, self.lineno)
        label = nodes.inline("", "", *words, classes=["deeper-title"])
        node["title"] = label.astext()
        node += label
        self.set_source_info(node)
        return node

    def run(self) -> list[nodes.Node]:
        """Return the fold."""
        if not "".join(self.content).strip():
            raise self.error("deeper: expected what is to be folded, got no text")
        node = self.titled(deeper())
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


class DeeperStart(Deeper):
    """The first line of a fold that holds code cells."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Return a mark."""
        return [self.titled(fence(edge="start"))]


class DeeperEnd(SphinxDirective):
    """The last line of a fold that holds code cells."""

    def run(self) -> list[nodes.Node]:
        """Return a mark."""
        node = fence(edge="end")
        self.set_source_info(node)
        return [node]


class CloseFolds(SphinxTransform):
    """Put what stands between two marks into one fold; refuse marks that do not pair."""

    default_priority = 410

    def apply(self, **_: Any) -> None:
        """Go through the marks of a page."""
        for start in list(self.document.findall(fence)):
            if start.parent is None:
                continue
            if start["edge"] == "end":
                self.refuse(start, "deeper-end: expected a deeper-start before it in its section")
                continue
            siblings = start.parent.children
            inside: list[nodes.Node] = []
            for node in siblings[siblings.index(start) + 1 :]:
                if isinstance(node, (fence, nodes.section)):
                    break
                inside.append(node)
            else:
                node = None
            if not isinstance(node, fence) or node["edge"] != "end":
                self.refuse(
                    start,
                    "deeper-start: expected a deeper-end after it, before the next heading "
                    "and the next fold",
                )
                continue
            fold = deeper(title=start["title"])
            fold.source, fold.line = start.source, start.line
            fold.extend(start.children)
            start.parent.remove(node)
            node.parent = None  # docutils leaves it, and the end must not be met again
            for inner in inside:
                start.parent.remove(inner)
            fold.extend(inside)
            start.replace_self(fold)

    def refuse(self, node: fence, message: str) -> None:
        """Warn, which fails the build of the book, and drop the mark."""
        logger.warning(message, location=node, type="optedu", subtype="boxes")
        node.parent.remove(node)


def visit_html(translator: Any, node: deeper) -> None:
    """Open the fold, its title as the button."""
    translator.body.append('<details class="optedu-deeper"><summary><span>Go deeper:</span> ')
    label = node.children[0]
    for child in label.children:
        child.walkabout(translator)
    translator.body.append("</summary>\n")
    node.remove(label)


def depart_html(translator: Any, _: deeper) -> None:
    """Close the fold."""
    translator.body.append("</details>\n")


def setup(app: Any) -> None:
    app.add_node(deeper, html=(visit_html, depart_html), **OTHER)
    app.add_node(fence)
    app.add_directive("inshort", InShort)
    app.add_directive("deeper", Deeper)
    app.add_directive("deeper-start", DeeperStart)
    app.add_directive("deeper-end", DeeperEnd)
    app.add_transform(CloseFolds)
