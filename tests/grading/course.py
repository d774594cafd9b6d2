"""A small nbgrader course made from scratch, and submissions of it: shared by the grading tests.

The assignment has every kind of cell that nbgrader knows: a locked set-up cell, solutions, tests
with a visible and a hidden part, partial credit, a hand-graded answer and a task.
"""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ASSIGNMENT = "ps1"
NOTEBOOK = "problem"

CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "tiny"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
"""


def new_cell(kind: str, grade_id: str, source: str, *, points: float | None = None, **flags: bool):
    """One cell with nbgrader metadata; `flags` name what it is (grade, solution, locked, task)."""
    make = new_code_cell if kind == "code" else new_markdown_cell
    metadata = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": False,
        "solution": False,
        "locked": False,
        "task": False,
    } | flags
    if points is not None:
        metadata["points"] = points
    cell = make(source=source, metadata={"nbgrader": metadata})
    cell["id"] = grade_id
    return cell


SQUARES = '''\
def squares(n):
    """Return [1, 4, ..., n**2]."""
    ### BEGIN SOLUTION
    return [i * i for i in range(1, n + 1)]
    ### END SOLUTION
'''

TEST_SQUARES = """\
assert squares(3) == [1, 4, 9], "squares(3) should be [1, 4, 9]"
### BEGIN HIDDEN TESTS
assert squares(0) == [], "squares(0) should be the empty list"
secret_length = 7
assert len(squares(secret_length)) == 7, "one square for each number"
### END HIDDEN TESTS
"""

MEAN = '''\
def mean(xs):
    """Return the arithmetic mean of an array."""
    ### BEGIN SOLUTION
    return float(np.sum(xs) / len(xs))
    ### END SOLUTION
'''

TEST_MEAN = """\
assert abs(mean(np.array([1.0, 2.0, 6.0])) - 3.0) < 1e-12, "the mean of 1, 2, 6 is 3"
data = [float(line) for line in open("data.csv")]
assert abs(mean(np.array(data)) - 2.5) < 1e-12, "the mean of data.csv is 2.5"
"""

PARTIAL = """\
points = 0
points += 1 if squares(2) == [1, 4] else 0
points += 1 if abs(mean(np.array([4.0])) - 4.0) < 1e-12 else 0
points
"""


def instructor_notebook() -> nbformat.NotebookNode:
    """The source version: solutions and hidden tests in place."""
    cells = [
        new_markdown_cell("# Squares and means", id="title"),
        new_cell("code", "setup", "import numpy as np\n", locked=True),
        new_cell("code", "squares", SQUARES, solution=True),
        new_cell("code", "test_squares", TEST_SQUARES, points=2, grade=True, locked=True),
        new_cell("code", "mean", MEAN, solution=True),
        new_cell("code", "test_mean", TEST_MEAN, points=3, grade=True, locked=True),
        new_cell("code", "test_partial", PARTIAL, points=2, grade=True, locked=True),
        new_cell(
            "markdown", "essay", "Say why the mean is linear.", points=4, grade=True, solution=True
        ),
        new_cell("markdown", "task", "Draw the graph on paper.", points=1, task=True, locked=True),
    ]
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    return notebook


def make_course(
    root: Path,
    *,
    config: str = CONFIG,
    notebooks: tuple[str, ...] = (NOTEBOOK,),
    source_version: nbformat.NotebookNode | None = None,
) -> Path:
    """Make the course in the folder `root`; nbgrader releases and registers its assignment."""
    source = root / "source" / ASSIGNMENT
    source.mkdir(parents=True)
    for name in notebooks:
        nbformat.write(source_version or instructor_notebook(), source / f"{name}.ipynb")
    (source / "data.csv").write_text("1\n2\n3\n4\n")
    (root / "nbgrader_config.py").write_text(config)
    nbgrader(root, "generate_assignment", ASSIGNMENT)
    return root


def nbgrader(root: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    """Run nbgrader's own command in the course."""
    # It calls `alembic` by name, which lies beside the interpreter.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root,
        env=os.environ | {"PATH": path},
        check=check,
        capture_output=True,
        text=True,
    )


def released(root: Path) -> nbformat.NotebookNode:
    """The notebook that a student receives."""
    return nbformat.read(root / "release" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", as_version=4)


ANSWERS = {
    "squares": "def squares(n):\n    return [i ** 2 for i in range(1, n + 1)]\n",
    "mean": "def mean(xs):\n    return float(np.mean(xs))\n",
    "essay": "Because sums are linear and the factor 1/n is a constant.",
}

Edit = Callable[[nbformat.NotebookNode], None]


def answered(blank: nbformat.NotebookNode, **answers: str) -> nbformat.NotebookNode:
    """A copy of the released notebook with these solution cells filled in, by grade id."""
    notebook = copy.deepcopy(blank)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell.source = answers[grade_id]
    return notebook


def submit(
    root: Path,
    student: str,
    notebook: nbformat.NotebookNode | bytes,
    *,
    name: str = NOTEBOOK,
    timestamp: str | None = None,
) -> Path:
    """Put one submission where nbgrader collects them; bytes are written as they are."""
    folder = root / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    if isinstance(notebook, bytes):
        path.write_bytes(notebook)
    else:
        nbformat.write(notebook, path)
    (folder / "data.csv").write_text("1\n2\n3\n4\n")
    if timestamp is not None:
        (folder / "timestamp.txt").write_text(timestamp)
    return folder
