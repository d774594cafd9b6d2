"""The model solution is in the formgrader, below each answer, and in no other page."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

SOURCE = """def f():
    ### BEGIN SOLUTION
    return "```"
    ### END SOLUTION"""


def cell(kind, source, name, *, grade=False, solution=True):
    about = {"grade_id": name, "grade": grade, "solution": solution, "locked": not solution}
    about |= {"schema_version": 3, "task": False} | ({"points": 2} if grade else {})
    return kind(source, metadata={"nbgrader": about})


def notebook(code, words):
    cells = [
        cell(new_code_cell, code, "code"),
        cell(new_code_cell, "f()", "test", grade=True, solution=False),
        cell(new_markdown_cell, words, "words", grade=True),
    ]
    return new_notebook(cells=cells)


@pytest.fixture
def show(tmp_path):
    """How a submission is shown with one of nbgrader's templates."""
    source = tmp_path / "source/hw"
    source.mkdir(parents=True)
    nbformat.write(notebook(SOURCE, "Since **all** are."), source / "p.ipynb")

    def page(template, name="p"):
        config = Config()
        config.CourseDirectory.root = str(tmp_path)
        config.HTMLExporter.preprocessors = ["optedu.grading.model.ShowModel"]
        config.HTMLExporter.template_name = template
        config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
        style = Path(handlers.static_path, "node_modules/bootstrap/dist/css")
        config.HTMLExporter.extra_template_paths = [str(style)]
        resources = {"assignment_id": "hw", "notebook_id": name, "submission_id": "7"}
        resources |= {"nbgrader": {"score": 0, "max_score": 4, "late_penalty": 0, "notebook": "p"}}
        resources |= {"index": 0, "total": 1, "base_url": "", "notebook_path": ""}
        submitted = notebook("def f(): pass", "Mine.")
        for part in submitted.cells:
            part.metadata.nbgrader |= {"score": 0, "points": 2, "comment": ""}
        return HTMLExporter(config=config).from_notebook_node(submitted, resources)[0]

    return page


def test_below_each_answer_and_unfolded_where_points_are_given_by_hand(show):
    page = show("formgrade")
    code, words = page.split('<details class="model-solution"')[1:]
    assert " open" not in code.partition(">")[0] and " open" in words.partition(">")[0]
    assert "```" in code.partition("</details>")[0] and "SOLUTION" not in page
    assert "Since <strong>all</strong> are." in words.partition("</details>")[0]
    assert page.index("Mine.") < page.index("Since <strong>all")


def test_feedback_has_none(show):
    page = show("feedback")
    assert "Mine." in page and "model-solution" not in page and "Since" not in page


def test_without_the_source_the_answers_are_shown_all_the_same(show, caplog):
    page = show("formgrade", "other")
    assert "Mine." in page and "model-solution" not in page
    assert "other.ipynb cannot be read" in caplog.text
