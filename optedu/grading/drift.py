"""Whether an assignment's source says something else than the gradebook, which is what counts.

nbgrader reads the source when it releases an assignment, and never again: points or tests that are
edited later have no effect, and nothing says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import nbformat
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import InstantiateTests, SaveCells
from traitlets.utils.importstring import import_item

from optedu.grading.course import Course

__all__ = ["Drift", "drift"]

_NAMED = 6


@dataclass(frozen=True)
class Drift:
    r"""What is in the source and not in the gradebook.

    Attributes
    ----------
    points : tuple of (str, float, float)
        Cells whose points were changed, with those of the gradebook and those of the source.
    texts : tuple of str
        Tests and other locked cells whose text or kind was changed.
    added, removed : tuple of str
        Cells, and notebooks with their suffix.
    problem : str
        Why the source cannot be released as it is.
    graded : bool
        Whether the gradebook has submissions, in which new cells have no place.
    """

    points: tuple[tuple[str, float, float], ...] = ()
    texts: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    problem: str = ""
    graded: bool = False

    def __bool__(self) -> bool:
        return any((self.points, self.texts, self.added, self.removed, self.problem))

    @property
    def what(self) -> str:
        """What was changed, in a few words."""
        parts = [
            ("points of ", [f"{cell} {old:g} to {new:g}" for cell, old, new in self.points]),
            ("the text of ", self.texts),
            ("new: ", self.added),
            ("gone: ", self.removed),
        ]
        found = [f"{head}{_listed(names)}" for head, names in parts if names]
        return "; ".join(found + ([self.problem] if self.problem else []))

    def do(self, assignment: str) -> str:
        """What can be done about it."""
        if self.problem:
            return f"mend the source, then optedu release {assignment} --update"
        if self.graded and (self.added or self.removed):
            return (
                "cells cannot come or go while there are submissions: undo that, or make it "
                "another assignment (optedu assignment NAME)"
            )
        return f"optedu release {assignment} --update brings the gradebook up to date"

    def said(self, assignment: str) -> str:
        """One line for who grades."""
        return (
            f"the source of {assignment} is newer than the gradebook, by which it is graded "
            f"({self.what}): {self.do(assignment)}"
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def drift(course: Course, gradebook: Gradebook) -> Drift:
    r"""Compare the source of an assignment with the gradebook; neither is changed.

    Returns
    -------
    Drift
        Empty where they say the same, where there is no source here, or no such assignment there.
    """
    try:
        entry = gradebook.find_assignment(course.assignment)
        known = entry.notebooks
    except MissingEntry:
        return Drift()
    folder = course.folder(course.coursedir.source_directory, ".")
    paths = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
    if not paths:
        return Drift()
    there = {notebook.name: notebook for notebook in known}
    points: list[tuple[str, float, float]] = []
    texts: list[str] = []
    added = [f"{name}.ipynb" for name in paths if name not in there]
    removed = [f"{name}.ipynb" for name in there if name not in paths]
    for name in paths.keys() & there.keys():
        try:
            new = _of_source(course, paths[name])
        except Exception as error:  # whatever stands in the way of a release
            line = " ".join(str(error).split())[:100]
            return Drift(problem=f"{paths[name].name} cannot be released: {line}")
        old = _of_gradebook(there[name])
        added += [cell for cell in new if cell not in old]
        removed += [cell for cell in old if cell not in new]
        for cell in (c for c in new if c in old):
            if old[cell]["points"] != new[cell]["points"]:
                points.append((cell, old[cell]["points"] or 0.0, new[cell]["points"] or 0.0))
            kinds = [{k: one[cell][k] for k in ("cell_type", "locked")} for one in (old, new)]
            # A test that nbgrader writes itself stands in the source as an instruction.
            same = new[cell]["source"] in (None, old[cell]["source"])
            if kinds[0] != kinds[1] or (new[cell]["locked"] and not same):
                texts.append(cell)
    graded = bool((added or removed) and entry.submissions)
    return Drift(tuple(points), tuple(texts), tuple(added), tuple(removed), graded=graded)


def _of_gradebook(notebook: Any) -> dict[str, dict[str, Any]]:
    points = {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}
    return {
        cell.name: {
            "cell_type": cell.cell_type,
            "locked": cell.locked,
            "source": cell.source,
            "points": points.get(cell.name),
        }
        for cell in notebook.source_cells
    }


def _of_source(course: Course, path: Any) -> dict[str, dict[str, Any]]:
    """What nbgrader would give the gradebook, by its own preprocessors up to the one that does."""
    notebook = nbformat.read(path, as_version=4)
    resources: dict[str, Any] = {
        "nbgrader": {
            "student": ".",
            "assignment": course.assignment,
            "notebook": path.stem,
            "db_url": course.db_url,
        },
        "metadata": {"path": str(path.parent)},
    }
    delimiters = []
    for preprocessor in _preprocessors(course):
        if isinstance(preprocessor, InstantiateTests):  # it would start a kernel
            delimiters += [preprocessor.autotest_delimiter]
            continue
        notebook, resources = preprocessor(notebook, resources)
    found = {}
    for cell in notebook.cells:
        marked = (utils.is_grade, utils.is_solution, utils.is_locked, utils.is_task)
        if not any(is_one(cell) for is_one in marked):
            continue
        meta = cell.metadata.nbgrader
        scored = utils.is_grade(cell) or utils.is_task(cell)
        written = any(delimiter in cell.source for delimiter in delimiters)
        found[meta["grade_id"]] = {
            "cell_type": cell.cell_type,
            "locked": utils.is_locked(cell),
            "source": None if written else cell.source,
            "points": float(meta["points"]) if scored else None,
        }
    return found


def _preprocessors(course: Course) -> Iterator[Any]:
    step = GenerateAssignment(coursedir=course.coursedir, parent=course.autograde.parent)
    for entry in step.preprocessors:
        cls = import_item(entry) if isinstance(entry, str) else entry
        if isinstance(cls, type) and issubclass(cls, SaveCells):
            return
        yield cls(parent=step) if isinstance(cls, type) else cls
