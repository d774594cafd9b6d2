"""What the tests of all assignments assert."""

from __future__ import annotations

import re

from tests.assignments import notebooks
from tests.assignments.variants import WRONG, Variant, packed


def full(assignment, graded):
    lost = {name: graded.said[name] for name, got in graded.points.items() if not got}
    assert not lost, lost
    assert sum(graded.points.values()) == sum(notebooks.points(assignment).values())


def nothing(graded):
    assert not any(graded.points.values()), graded.points


def exactly(variant: Variant, graded):
    """Compare what was lost; what the other mutants of the same submission lose does not count."""
    pack = next(pack for pack in packed(WRONG) if variant in pack.variants)
    others = {name for other in pack.variants if other is not variant for name in other.loses}
    result = graded[pack.name]
    lost = {name for name, got in result.points.items() if not got} - others
    assert lost == variant.loses, {name: result.said[name] for name in lost ^ variant.loses}
    kept = {name: got for name, got in result.points.items() if name not in lost | others}
    assert kept == {name: notebooks.points(variant.assignment)[name] for name in kept}
    messages = [result.said[name] for name in sorted(lost)]
    assert any(variant.says in message for message in messages), messages


def stated_points(assignment):
    """Compare the points in the text with those in the metadata: 100 in all."""
    notebook = notebooks.read("exercises", assignment)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    tasks = re.findall(r"^## Task .*\((\d+) points", text, re.M)
    table = re.findall(r"^\| \d+\..*\| (\d+) \|$", text, re.M)
    assert tasks == table
    assert sum(map(int, tasks)) == 100
    parts = re.findall(r"^\*\*\d[a-z]\..*?\*\* \((\d+) points", text, re.M)
    total = sum(notebooks.points(assignment).values())
    assert sum(map(int, parts)) == total
