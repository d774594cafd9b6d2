"""Released notebooks run on past a failed cell, which earns nothing all the same."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute as StockExecute

from optedu.course.first_cell import first_cell
from optedu.course.prepare import GOES_ON
from optedu.course.release import course_config
from optedu.grading.execute import Execute as OwnExecute
from tests.course.test_release import ROOT, code_cell, write_course

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, on import and on use
NAME = "ps00_double"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course whose notebook uses optedu, released by nbgrader itself, into its gradebook."""
    root = write_course(tmp_path_factory.mktemp("prepare") / "course")
    path = root / "solutions" / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(1, code_cell("import optedu", "setup", locked=True))
    notebook.cells.append(code_cell("last = 1", "last", locked=True))
    notebook.cells.append(nbformat.v4.new_code_cell("print(last)", metadata={"tags": ["plot"]}))
    nbformat.write(notebook, path)
    (root / "course").mkdir()
    config = course_config(root)
    config.CourseDirectory.assignment_id = NAME
    config.CourseDirectory.db_url = f"sqlite:///{root}/course/gradebook.db"
    with pytest.MonkeyPatch.context() as patch:  # nbgrader looks for alembic on the path
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).start()
    return root


@pytest.fixture
def released(course):
    return nbformat.read(course / "exercises" / NAME / f"{NAME}.ipynb", as_version=4)


def named(notebook, name):
    cells = (c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)
    return next(cells)


def test_the_rest_is_what_nbgrader_does_itself():
    first, *rest = course_config(ROOT).GenerateAssignment.preprocessors
    assert first.endswith(".Prepare")
    stock = [kind.__name__ for kind in GenerateAssignment.preprocessors.default_args[0]]
    assert [name.rpartition(".")[2] for name in rest] == stock


def test_only_the_set_up_stops_a_run(released):
    code = [cell for cell in released.cells if cell.cell_type == "code"]
    tags = [cell.metadata.get("tags", []) for cell in code]
    assert tags == [[], [], [GOES_ON], [GOES_ON], [GOES_ON], ["plot", GOES_ON]]


def test_the_cell_that_installs_is_the_first_and_the_gradebook_knows_it(course, released):
    code = [cell for cell in released.cells if cell.cell_type == "code"]
    assert code[0] is named(released, "install")
    assert code[0].source == first_cell(course)
    with Gradebook(f"sqlite:///{course}/course/gradebook.db") as gradebook:
        known = gradebook.find_source_cell("install", NAME, NAME)
        assert (known.source, known.locked) == (code[0].source, True)


def test_a_notebook_without_optedu_needs_no_such_cell(tmp_path, monkeypatch):
    from optedu.course import release

    root = write_course(tmp_path / "course")
    monkeypatch.chdir(root)
    release.main([])
    plain = nbformat.read(root / "exercises" / NAME / f"{NAME}.ipynb", as_version=4)
    assert "install_optedu" not in "".join(cell.source for cell in plain.cells)


def test_run_all_goes_on_past_a_failed_check(released):
    NotebookClient(released, timeout=60).execute()
    assert named(released, "test_double").outputs[-1].ename == "NotImplementedError"
    assert released.cells[-1].outputs[0].text == "1\n"


@pytest.mark.parametrize("execute", [StockExecute, OwnExecute])
@pytest.mark.parametrize(("answer", "points"), [("return 2 * x", 3), ("return x", 0), ("", 0)])
def test_a_cell_that_may_fail_earns_nothing_when_it_does(
    released, tmp_path, execute, answer, points
):
    if answer:
        named(released, "double").source = f"def double(x):\n    {answer}"
    own = {"sandbox": False, "workspace": str(tmp_path)}
    runner = execute(**(own if execute is OwnExecute else {"timeout": 60}))
    test = named(runner.preprocess(released, {})[0], "test_double")
    assert GOES_ON in test.metadata.tags
    assert utils.determine_grade(test) == (points, 3)
    assert any(output.output_type == "error" for output in test.outputs) == (points == 0)
