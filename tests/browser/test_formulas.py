"""What graders and students see of formulas where no network is: set ones.

Ten seconds: an assignment is released, JupyterLab starts.
"""

from __future__ import annotations

import re

import nbformat
import pytest
from click.testing import CliRunner

from optedu.cli import main
from optedu.desk.course import course_here, gradebook
from tests.assignments import notebooks
from tests.browser.lab import jupyterlab

pytestmark = pytest.mark.filterwarnings("ignore")

NAME = "ps02_gradient_descent"
HERE = "http://127.0.0.1"
# In every fraction that is on the page the numerator stands above the denominator.
FRACTIONS = """() => [...document.querySelectorAll('#notebook-container mfrac')]
  .map((fraction) => [...fraction.children].map((part) => part.getBoundingClientRect()))
  .filter(([over]) => over.height > 0)
  .map(([over, under]) => over.bottom <= under.top + 1 && Math.abs(over.x - under.x) < 200)"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course with the solutions of one student, as if they were graded, and feedback."""

    def optedu(*words):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output

    monkeypatch.chdir(tmp_path)
    optedu("quickstart", "opt101", "--assignment", NAME)
    monkeypatch.chdir("opt101")
    optedu("release", NAME)
    with gradebook(course_here(NAME)) as book:
        book.update_or_create_student("ada")
        book.add_submission(NAME, "ada")
    words = "Since $\\frac{1}{2} < \\eta$, and \\$5. My own: $\\notacommand$."
    graded = tmp_path / "opt101/autograded/ada" / NAME
    graded.mkdir(parents=True)
    nbformat.write(notebooks.submission(NAME, {"own_words": words}), graded / f"{NAME}.ipynb")
    optedu("feedback", NAME)
    return tmp_path / "opt101"


def test_formulas_are_set_without_a_network(page, course, tmp_path):
    # A network that refuses nothing and answers nothing: who waits for it waits for ever.
    page.route(re.compile(f"^(?!{HERE}|file:)"), lambda route: None)
    with jupyterlab(tmp_path, course) as address:
        page.goto(f"{address.removesuffix('/lab')}/formgrader/gradebook/{NAME}/{NAME}")
        page.get_by_role("link", name="Submission #").click()
        page.locator("details.model-solution[open]").wait_for()
        look(page)
    page.goto((course / f"feedback/ada/{NAME}/{NAME}.html").as_uri())
    look(page)


def look(page):
    fractions = page.evaluate(FRACTIONS)
    assert len(fractions) > 2 and all(fractions)
    text = page.locator("#notebook-container").last.inner_text()
    assert "My own: $\\notacommand$." in text  # what nobody understands is shown as it is
    assert "\\frac" not in text and "\\eta" not in text
