"""What each known misconception costs; ``python -m tests.assignments.losses`` writes it down.

For the book, from the mutants and the points of the test cells that they lose. `test_losses.py`
holds the bound.
Where a cell gives partial credit, all its points are counted as lost.
"""

from __future__ import annotations

import json

from optedu.course.release import assignments
from tests.assignments import notebooks
from tests.assignments.bench import load

KEPT = notebooks.ROOT / "book" / "instructor" / "losses.json"


def losses() -> dict[str, dict]:
    """Return the points that tests give, and those that each mutant loses, by assignment."""
    found = {}
    for name in filter(notebooks.of_the_course, assignments(notebooks.ROOT)):
        points = notebooks.points(name)
        lost = {v.name: sum(points[cell] for cell in v.loses) for v in load(name).wrongs}
        found[name] = {"points": sum(points.values()), "lost": lost}
    return found


def written() -> str:
    """Return the file's content."""
    return json.dumps(losses(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    KEPT.write_text(written())
