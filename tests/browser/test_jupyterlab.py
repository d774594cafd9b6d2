"""A student in JupyterLab: fetches, works, checks and hands in, with the mouse and the keys.

Half a minute: JupyterLab starts, and the notebook is run twice, by hand and by *Validate*.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from tests.assignments import notebooks
from tests.browser.lab import Lab, jupyterlab

ROOT = Path(__file__).parents[2]
NAME = "ps02_gradient_descent"
WRONG = """@optedu.implement("sgd")
def sgd(xp, x, g, state, t, *, lr=1e-3):
    return x + lr * g, {}
"""


@pytest.fixture
def home(tmp_path):
    """Where a student of the class lives, beside the exchange with the released assignment."""
    exchange = tmp_path / "exchange"
    shutil.copytree(ROOT / "exercises" / NAME, exchange / "optedu/outbound" / NAME)
    for folder in (exchange, exchange / "optedu/inbound"):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
    own = tmp_path / "student"
    (own / ".jupyter").mkdir(parents=True)
    (own / ".jupyter/nbgrader_config.py").write_text(
        f"c = get_config()\nc.Exchange.root = {str(exchange)!r}\n"
        "c.CourseDirectory.course_id = 'optedu'\n"
    )
    (own / "work").mkdir()
    return own


def test_a_student_fetches_works_validates_and_hands_in(page, home):
    page_of_the_book = (ROOT / "book/handing_in.md").read_text()
    for words in ("*Kernel, Restart Kernel and Run All Cells*", "*Nbgrader, Assignment List*"):
        assert words in page_of_the_book
    saved = home / "work" / NAME / f"{NAME}.ipynb"
    with jupyterlab(home, home / "work") as address:
        page.goto(address)
        lab = Lab(page)
        lab.menu("Nbgrader", "Assignment List")
        lab.press("released", NAME, "Fetch")
        lab.open(NAME)
        where, code = cells(nbformat.read(saved, 4))

        # One answer is wrong, one is right, and the others are not there yet.
        lab.write(where["sgd"], WRONG)
        lab.write(where["model_minimizer"], notebooks.answers(NAME)["model_minimizer"])
        lab.run_all(code[-1])
        check = lab.cell(where["test_sgd_step"])
        check.scroll_into_view_if_needed()
        check.get_by_text("the wrong sign: it goes up the gradient").wait_for()
        lab.save()

        lab.tab("Assignments")
        lab.press("fetched", NAME, "Validate")
        said = lab.dialog("Ok")
        lab.press("fetched", NAME, "Submit")
        lab.in_list("submitted", NAME).wait_for()

    done = nbformat.read(saved, 4).cells
    assert [done[i].execution_count for i in code] == list(range(1, len(code) + 1))
    (right,) = done[where["test_model_minimizer"]].outputs
    assert right.text.startswith("model_minimizer: right in this case")
    for grade_id in ("test_sgd_step", "test_best_lr", "test_order"):
        (error,) = done[where[grade_id]].outputs
        assert error.output_type == "error" and error.evalue.splitlines()[0] in said
    assert "model_minimizer" not in said
    (arrived,) = (home.parent / "exchange/optedu/inbound").glob(f"*/{NAME}.ipynb")
    assert arrived.read_bytes() == saved.read_bytes()


def cells(notebook):
    """Where each cell of a grade id stands, and where the cells of code do."""
    every = list(enumerate(notebook.cells))
    named = {c.metadata.nbgrader.grade_id: i for i, c in every if "nbgrader" in c.metadata}
    return named, [i for i, c in every if c.cell_type == "code"]
