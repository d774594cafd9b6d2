"""Submissions in great number, each different and each one that nbgrader can grade by itself."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.grading.course import ANSWERS, answered

SQUARES = {
    "right": ANSWERS["squares"],
    "array": "def squares(n):\n    return (np.arange(1, n + 1) ** 2).tolist()\n",
    "from zero": "def squares(n):\n    return [i ** 2 for i in range(n)]\n",
    "special case": "def squares(n):\n    return [1, 4, 9][:n]\n",
    "raises": "def squares(n):\n    raise RuntimeError(f'no squares of {n}')\n",
    "syntax error": "def squares(n)\n    return []\n",
    "wrong type": "def squares(n):\n    return None\n",
}
MEAN = {
    "right": ANSWERS["mean"],
    "by hand": "def mean(xs):\n    total = 0.0\n    for x in xs:\n        total += x\n"
    "    return total / len(xs)\n",
    "median": "def mean(xs):\n    return float(np.median(xs))\n",
    "name error": "def mean(xs):\n    return total / len(xs)\n",
    "talks": "print('defining mean')\ndef mean(xs):\n    return sum(xs) / len(xs)\n'shown'\n",
}
ESSAY = {"answered": ANSWERS["essay"], "unicode": "Σ ist linear: ∑(x+y) = ∑x + ∑y 🙂"}
TIMES = (None, "2026-01-10 12:00:00 UTC", "2026-03-01 12:00:00.5 UTC")


def _nothing(nb):
    pass


def _delete_test(nb):
    nb.cells = [
        c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") != "test_mean"
    ]


def _edit_test(nb):
    _cell(nb, "test_mean").source = "assert True"


def _change_points(nb):
    _cell(nb, "test_squares").metadata.nbgrader["points"] = 1000


def _retype(nb):
    cell = _cell(nb, "test_partial")
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]


def _rename_id(nb):
    _cell(nb, "test_squares").metadata.nbgrader["grade_id"] = "mine"


def _forge(nb):
    cell = _cell(nb, "test_partial")
    cell.outputs = [new_output("execute_result", data={"text/plain": "2"}, execution_count=99)]
    cell.execution_count = 99


def _unlock(nb):
    _cell(nb, "test_squares").metadata.nbgrader["locked"] = False


def _more_cells(nb):
    nb.cells.insert(3, new_code_cell("scratch = [1, 2, 3]\nscratch"))
    nb.cells.append(new_markdown_cell("The end."))


def _wrong_kernel(nb):
    nb.metadata["kernelspec"] = {"name": "julia-1.9", "display_name": "Julia", "language": "julia"}


def _no_kernel(nb):
    nb.metadata = nbformat.NotebookNode()


def _no_metadata(nb):
    for cell in nb.cells:
        cell.metadata.pop("nbgrader", None)


EDITS = (
    _nothing, _delete_test, _edit_test, _change_points, _retype, _rename_id, _forge, _unlock,
    _more_cells, _wrong_kernel, _no_kernel, _no_metadata,
)  # fmt: skip
# Where nbgrader loses a test, gives up, or keeps what a student wrote into the metadata of one, we
# put the cell back as it was: there is nothing to compare.
PUT_BACK = (_delete_test, _rename_id, _no_metadata, _unlock)


def _cell(nb, grade_id):
    return next(c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def submissions(
    blank: nbformat.NotebookNode, count: int, without: tuple = ()
) -> Iterator[tuple[str, nbformat.NotebookNode, str | None]]:
    """Yield (student, notebook, time stamp): first one of each edit, then a mix of everything."""
    edits = [edit for edit in EDITS if edit not in without]
    everything = list(itertools.product(SQUARES, MEAN, ESSAY, edits, TIMES))
    random.Random(3).shuffle(everything)
    first = [("right", "right", "answered", edit, None) for edit in edits]
    first += [(name, "talks", "unicode", _nothing, TIMES[2]) for name in SQUARES]
    for number, choice in enumerate([*first, *everything][:count]):
        squares, mean, essay, edit, time = choice
        answers = {"squares": SQUARES[squares], "mean": MEAN[mean], "essay": ESSAY[essay]}
        if number % 7 == 6:
            del answers["essay"]  # left blank
        notebook = answered(blank, **answers)
        edit(notebook)
        yield f"s{number:03d}", notebook, time
