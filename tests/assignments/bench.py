"""Right answers written differently, and wrong ones with the points that each has to lose.

Each assignment has a module of its name beside this one, with a `Bench` called `BENCH`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field

from optedu.exercise import Proof
from tests.assignments import notebooks


@dataclass(frozen=True)
class Variant:
    """One set of answers.

    Attributes
    ----------
    name : str
        Short, as it is called in reports.
    cells : mapping of str to str
        What it has in the cells of the tasks, by grade id; in the others it has the right answer.
    loses : frozenset of str
        The test cells that must not give all their points. Every other one must.
    says : str
        What the message of one of them must contain.
    """

    name: str
    cells: Mapping[str, str]
    loses: frozenset[str] = field(default=frozenset())
    says: str = ""


@dataclass(frozen=True)
class Pack:
    """Mutants of different tasks in one submission: half the notebooks to run."""

    variants: tuple[Variant, ...]

    @property
    def name(self) -> str:
        return self.variants[0].name

    @property
    def cells(self) -> dict[str, str]:
        return {name: source for v in self.variants for name, source in v.cells.items()}


class Bench:
    """What is submitted to one assignment.

    Parameters
    ----------
    assignment : str
        Its name.
    given : mapping of str to str, optional
        Cells of every mutant that has none of its own there: answers that depend on the work of
        another task, so that a mutant of that task fails by itself alone.
    """

    def __init__(self, assignment: str, given: Mapping[str, str] | None = None) -> None:
        self.assignment = assignment
        self.given = dict(given or {})
        self.rights: list[Variant] = []
        self.wrongs: list[Variant] = []

    def right(self, name: str, **cells: str) -> None:
        """Add right answers that are written differently, by grade id."""
        self.rights.append(Variant(name, cells))

    def wrong(self, name: str, loses: str, says: str, cells: Mapping[str, str]) -> None:
        """Add a mutant; `loses` names test cells without `test_`."""
        lost = frozenset(f"test_{word}" for word in loses.split())
        self.wrongs.append(Variant(name, cells, lost, says))

    def edit(self, grade_id: str, *changes: tuple[str, str]) -> dict[str, str]:
        """Return the right answer of a cell with some of its text replaced."""
        return notebooks.replaced(self.assignment, grade_id, *changes)

    def order(self, *names: str) -> str:
        """Return the blocks of the proof in `test_order` in this order, as an answer."""
        cells = notebooks.read("solutions", self.assignment).cells
        (cell,) = (cell for cell in cells if cell.id == "test_order")
        blocks = Proof(cell.source.split('"""')[1]).blocks
        letters = {block.name: letter for letter, block in blocks.items()}
        return f'order = "{"".join(letters[name] for name in names)}"'

    @property
    def packs(self) -> list[Pack]:
        """Each mutant in the first submission of which it shares no task and no test."""
        packs: list[list[Variant]] = []
        for variant in self.wrongs:
            for pack in packs:
                if not any(
                    set(v.cells) & set(variant.cells) or v.loses & variant.loses for v in pack
                ):
                    pack.append(variant)
                    break
            else:
                packs.append([variant])
        return [Pack(tuple(pack)) for pack in packs]

    def submissions(self) -> dict[str, dict[str, str]]:
        """Return the cells of every submission by its name."""
        found = {variant.name: dict(variant.cells) for variant in self.rights}
        return found | {pack.name: {**self.given, **pack.cells} for pack in self.packs}


def load(assignment: str) -> Bench:
    """Return the bench of an assignment; of somebody's own without a module an empty one."""
    module = f"tests.assignments.{assignment}"
    if not notebooks.of_the_course(assignment) and importlib.util.find_spec(module) is None:
        return Bench(assignment)
    return importlib.import_module(module).BENCH
