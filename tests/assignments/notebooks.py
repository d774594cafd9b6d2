"""Submissions made from the released notebook: the cells of the tasks filled in, as a student does.

The instructor notebook gives the right answers, so that a submission states only what is its own.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]
BLANK = "# YOUR CODE HERE"


def of_the_course(assignment: str) -> bool:
    """Whether it is one of the course's, to which all house rules apply, or somebody's own."""
    return re.fullmatch(r"ps\d\d_\w+", assignment) is not None


def read(folder: str, assignment: str) -> nbformat.NotebookNode:
    path = ROOT / folder / assignment / f"{assignment}.ipynb"
    return nbformat.read(path, as_version=4)


def answers(assignment: str) -> dict[str, str]:
    """Return the instructor's source of each solution cell, without nbgrader's markers."""
    return {
        cell.metadata.nbgrader.grade_id: re.sub(
            r"(?m)^\s*### (BEGIN|END) SOLUTION\n?", "", cell.source
        )
        for cell in read("solutions", assignment).cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def points(assignment: str) -> dict[str, float]:
    """Return the points of each test cell, without those that are given by hand."""
    return {
        cell.metadata.nbgrader.grade_id: float(cell.metadata.nbgrader.points)
        for cell in read("solutions", assignment).cells
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code"
    }


def submission(
    assignment: str, own: Mapping[str, str], *, fill: bool = True
) -> nbformat.NotebookNode:
    """Return the released notebook with these cells filled in.

    Parameters
    ----------
    assignment : str
        Name of the assignment.
    own : mapping of str to str
        Source by grade id.
    fill : bool
        Whether the other cells get the right answers, or stay as they were released.
    """
    right = answers(assignment) if fill else {}
    notebook = copy.deepcopy(read("exercises", assignment))
    known = set()
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        known.add(grade_id)
        if grade_id in own or grade_id in right:
            cell.source = own.get(grade_id, right.get(grade_id))
    unknown = set(own) - known
    if unknown:
        raise ValueError(f"{assignment} has no cells {sorted(unknown)}")
    return notebook


def with_hidden_tests(assignment: str, own: Mapping[str, str]) -> nbformat.NotebookNode:
    """Return the notebook with all its tests, these cells and else the right answers."""
    filled = {**answers(assignment), **own}
    notebook = copy.deepcopy(read("solutions", assignment))
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = filled.get(grade_id, cell.source)
    return notebook


def replaced(assignment: str, grade_id: str, *changes: tuple[str, str]) -> dict[str, str]:
    """Return the right answer of one cell with some of its text replaced."""
    source = answers(assignment)[grade_id]
    for old, new in changes:
        if source.count(old) != 1:
            raise ValueError(f"{grade_id} has {source.count(old)} times {old!r}, not once")
        source = source.replace(old, new)
    return {grade_id: source}


def as_released(assignment: str) -> nbformat.NotebookNode:
    """Return the notebook with all its tests, and the tasks as students receive them."""
    return with_hidden_tests(
        assignment,
        {
            cell.metadata.nbgrader.grade_id: cell.source
            for cell in read("exercises", assignment).cells
            if cell.metadata.get("nbgrader", {}).get("solution")
        },
    )
