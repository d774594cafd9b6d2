"""Notebooks out of a few cells, run by `Execute`: what the tests of isolation share."""

from __future__ import annotations

import atexit
import tempfile
from functools import cache
from itertools import count

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import determine_grade, is_grade

from optedu.grading.execute import Execute, Limits, SandboxUnavailable, probe

_numbers = count(1)


def has_sandbox() -> bool:
    try:
        probe()
    except SandboxUnavailable:
        return False
    return True


needs_sandbox = pytest.mark.skipif(not has_sandbox(), reason="needs bubblewrap")
SMALL = Limits(
    wall_s=60, cpu_s=20, cell_timeout_s=20, memory_mb=300, processes=40, tmp_mb=8, file_mb=4
)


def cell(source, **flags):
    made = new_code_cell(source)
    if flags:
        made.metadata["nbgrader"] = {
            "schema_version": 3, "grade_id": f"cell{next(_numbers)}", "grade": False,
            "solution": False, "locked": False, "task": False, **flags,
        }  # fmt: skip
    return made


def setup(source):
    return cell(source, locked=True)


def answer(source):
    return cell(source, solution=True)


def graded(source, points=1):
    return cell(source, grade=True, locked=True, points=points)


@cache
def empty():
    """A folder with nothing in it, for notebooks that come with no files."""
    folder = tempfile.TemporaryDirectory(prefix="optedu-empty-")
    atexit.register(folder.cleanup)
    return folder.name


def run(*cells, limits=SMALL, workspace=None, resources=None, **traits):
    """The executed notebook and the outcome."""
    notebook = new_notebook(cells=list(cells))
    execute = Execute(limits=limits, **traits)
    given = resources or {"metadata": {"path": str(workspace or empty())}}
    execute.preprocess(notebook, given)
    return notebook, execute.outcome


def scores(notebook):
    """The points of each test cell, by nbgrader's own rule."""
    return [determine_grade(c)[0] for c in notebook.cells if is_grade(c)]


def text(made):
    """What a cell printed, and the values and errors that it showed."""
    parts = []
    for output in made.outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif output.output_type == "error":
            parts.append(f"{output.ename}: {output.evalue}")
        else:
            parts.append(output.data.get("text/plain", ""))
    return "".join(parts)
