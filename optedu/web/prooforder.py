r"""The directive ``{prooforder}``: blocks of a proof, shuffled, that the reader puts in order.

The argument names it. The content is the text of a proof, as :mod:`optedu.exercise.proofs`
explains it, or the option ``:file:`` names a file with that text, so that a page and a notebook can
share it.

Without scripts, and on paper, the blocks stand as a list and the solution below them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives

from optedu.exercise.marks import MarkError
from optedu.exercise.proofs import Proof
from optedu.web import tasks

LABEL = "Put this proof in order"


def data(proof: Proof) -> dict[str, Any]:
    r"""Return what the script scores with.

    Returns
    -------
    dict
        `needs`, from the letter of a block to the letters that it needs, None for a distractor;
        and `order`, the order in which the author wrote the steps.
    """
    letters = {block.name: letter for letter, block in proof.blocks.items()}
    needs = {
        letter: None if block.why else [letters[name] for name in block.after]
        for letter, block in proof.blocks.items()
    }
    written = sorted(proof.blocks.items(), key=lambda item: item[1].line)
    return {"needs": needs, "order": "".join(k for k, block in written if not block.why)}


class ProofOrderDirective(tasks.TaskDirective):
    """Read a proof into a task with its blocks and what is said of wrong places."""

    required_arguments = 1
    option_spec = {"file": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        path = None
        try:
            text = "\n".join(self.content)
            if "file" in self.options:
                path, text = self.shared(text)
            proof = Proof.read(text)
        except MarkError as error:
            return tasks.refuse(self, error, path)
        known = data(proof)
        node = tasks.task(
            ids=[nodes.make_id(f"prooforder-{self.arguments[0]}")],
            kind="prooforder",
            label=LABEL,
            data={"proof": json.dumps(known, separators=(",", ":"))},
        )
        node += nodes.paragraph("", "", nodes.strong("", LABEL), classes=["task-title"])
        node += nodes.container("", *self.blocks(proof.claim, 0), classes=["task-prose"])
        listed = nodes.enumerated_list(enumtype="upperalpha", prefix="", suffix=".")
        listed["classes"].append("task-blocks")
        for block in proof.blocks.values():
            listed += nodes.list_item("", *self.blocks(block.text, block.line))
        node += listed
        folded = tasks.answers(summary="Show an order that is right, and why")
        folded += nodes.paragraph("", f"In order: {', '.join(known['order'])}.")
        folded.extend(self.reasons(proof))
        node += folded
        return [node]

    def shared(self, text: str) -> tuple[Path, str]:
        """Return the file that the option names, and its text."""
        if text.strip():
            raise MarkError(0, "a proof has a file or a text here, got both")
        relative, full = self.env.relfn2path(self.options["file"])
        self.env.note_dependency(relative)
        try:
            return Path(full), Path(full).read_text(encoding="utf-8")
        except OSError as error:
            reason = f"expected a file with the text of a proof: {error.strerror}"
            raise MarkError(0, f"{reason}: {relative}") from None

    def reasons(self, proof: Proof) -> Iterator[tasks.verdict]:
        """Yield what is said of each pair in the wrong order, and of each distractor."""
        letters = {block.name: letter for letter, block in proof.blocks.items()}
        for block in sorted(proof.blocks.values(), key=lambda block: block.line):
            letter = letters[block.name]
            for name, sentence in block.after.items():
                lead = f"{letter} comes after {letters[name]}:"
                what = {"block": letter, "needs": letters[name]}
                yield self.reason(lead, sentence, block.line, what)
            if block.why:
                lead = f"{letter} does not belong:"
                yield self.reason(lead, block.why, block.line, {"block": letter})

    def reason(self, lead: str, sentence: str, line: int, what: dict[str, str]) -> tasks.verdict:
        """Return one of them; `what` tells the script when to show it."""
        node = tasks.verdict(data=what)
        paragraph = self.inline(sentence, line)
        paragraph.insert(0, [nodes.strong("", lead, classes=["task-lead"]), nodes.Text(" ")])
        node += paragraph
        return node


def setup(app: Any) -> dict[str, Any]:
    app.setup_extension("optedu.web.tasks")
    app.add_directive("prooforder", ProofOrderDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
