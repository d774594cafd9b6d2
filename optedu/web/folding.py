r"""Fold or drop a cell by what it is for, told by one tag.

A page shows the code that its reader would write. The rest runs all the same, and stops the build
when it fails: a cell tagged ``setup``, ``plot`` or ``check`` has its source folded behind a button
that says what it is; one tagged ``glue`` or ``assert`` is not on the page.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

# The words of the button, for what is folded and its output stays.
FOLDED = {
    "setup": ("Show the set-up", "Hide the set-up"),
    "plot": ("Show the code of the plot", "Hide the code of the plot"),
    "check": ("Show the check", "Hide the check"),
}
# What a cell that is not on the page must hold to be of use.
DROPPED = {"glue": r"\bglue\(", "assert": r"\b(assert\b|expect\()"}
KINDS = (*FOLDED, *DROPPED)
# Tags with a meaning to myst-nb that do not hide a cell's source a second time.
BESIDE = re.compile(r"raises-exception|skip-execution|remove-std(out|err)|(scroll|hide)-output")

logger = logging.getLogger(__name__)


class FoldCells(SphinxTransform):
    """Give each cell the fold of its kind, or take it away; refuse what contradicts its tag."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Go through the cells of a page."""
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") != "cell_code":
                continue
            tags = cell.get("cell_metadata", {}).get("tags", [])
            kinds = [tag for tag in tags if tag in KINDS]
            if not kinds:
                continue
            kind = kinds[0]
            self.refuse(cell, kind, tags)
            if kind in DROPPED:
                cell.parent.remove(cell)
                continue
            show, hide = FOLDED[kind]
            cell.attributes |= {"hide_mode": "input", "prompt_show": show, "prompt_hide": hide}

    def refuse(self, cell: nodes.container, kind: str, tags: list[str]) -> None:
        """Warn, which fails the build of the book, of a cell that is not what its tag says."""
        others = [tag for tag in tags if tag != kind and not BESIDE.fullmatch(tag)]
        source = "\n".join(block.astext() for block in cell.findall(nodes.literal_block))
        outputs = any(
            part.get("nb_element") == "cell_code_output" for part in cell.findall(nodes.container)
        )
        if others:
            self.warn(cell, f"a cell tagged {kind!r} has no other kind, got {others[0]!r} too")
        elif kind in DROPPED and not re.search(DROPPED[kind], source):
            expected = {"glue": "a call of glue", "assert": "an assert or expect"}[kind]
            self.warn(cell, f"a cell tagged {kind!r} must hold {expected}, this one has none")
        elif kind == "plot" and cell.get("exec_count") is not None and not outputs:
            self.warn(cell, "a cell tagged 'plot' must end in a figure, this one shows nothing")

    def warn(self, cell: nodes.container, message: str) -> None:
        """Warn with the cell's file and line."""
        logger.warning(message, location=cell, type="optedu", subtype="folding")


def setup(app: Any) -> None:
    app.add_transform(FoldCells)
