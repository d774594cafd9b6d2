"""`optedu assignment`: a skeleton that is right as it is, in a course and in a clone."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from optedu.desk.assignment import skeleton
from optedu.grading.course import open_course
from optedu.grading.drift import drift
from tests.assignments import bench, notebooks
from tests.desk.conftest import complaint, said, tree

ROOT = Path(__file__).parents[2]
TESTS = {"test_values", "test_caller"}


def lost(cells):
    """Run code cells one after the other; the tests that fail, with what they say."""
    names: dict = {}
    found = {}
    for cell in cells:
        if cell.cell_type != "code":
            continue
        try:
            exec(cell.source, names)
        except Exception as error:
            found[cell.metadata["nbgrader"]["grade_id"]] = str(error)
    return found


def test_it_is_released_and_its_solution_has_all_points(course):
    text = said("assignment", "hw1", "--title", "Means")
    assert text.startswith("hw1: source/hw1/hw1.ipynb, which works as it is")
    said("release", "hw1")
    source = nbformat.read(course / "source/hw1/hw1.ipynb", as_version=4)
    assert lost(source.cells) == {}
    blank = nbformat.read(course / "release/hw1/hw1.ipynb", as_version=4)
    assert blank.cells[0].source.startswith("# Means\n")
    assert lost(blank.cells).keys() == TESTS
    assert "HIDDEN" not in str(blank) and "np.mean" not in str(blank)
    here = open_course("hw1", course)
    with here.gradebook() as gradebook:
        assert gradebook.find_assignment("hw1").max_score == 10
        assert not drift(here, gradebook)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """What a clone has of this: the configuration, an assignment, the bench."""
    for path in ("nbgrader_config.py", "tests/assignments/bench.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    return tmp_path


def test_in_a_clone_each_wrong_answer_loses_what_it_should(clone):
    text = said("assignment", "hw1")
    assert "tests/assignments/hw1.py" in text and "make exercises; make test" in text
    names: dict = {}
    exec((clone / "tests/assignments/hw1.py").read_text(), names)
    made = names["BENCH"]
    for variant in (*made.rights, *made.wrongs):
        found = lost(notebooks.with_hidden_tests("hw1", variant.cells).cells)
        assert found.keys() == variant.loses, variant.name
        assert all(variant.says in message for message in found.values())
    assert len(made.rights) == 1
    assert set().union(*(variant.loses for variant in made.wrongs)) == TESTS


def test_the_package_which_students_have_shows_no_hidden_test_of_it():
    source = (ROOT / "optedu/desk/assignment.py").read_text()
    hidden = [
        line
        for cell in skeleton("hw1").cells
        for line in cell.source.partition("### BEGIN HIDDEN TESTS\n")[2].splitlines()[:-1]
        if line.startswith(("assert", "value"))
    ]
    assert len(hidden) == 3
    assert not [line for line in hidden if line in source]


def test_the_tests_of_an_own_assignment_need_no_module():
    assert bench.load("no_such_homework").submissions() == {}
    with pytest.raises(ModuleNotFoundError):
        bench.load("ps99_forgotten")


@pytest.mark.parametrize("name", ["ps1", "bad-name", "../up", "1st", "", "ä"])
def test_a_name_that_cannot_be_writes_nothing(course, name):
    before = tree(course)
    text = complaint("assignment", name)
    assert "is there already" in text if name == "ps1" else f"got '{name}'" in text
    assert tree(course) == before


def test_outside_a_course_it_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert f"no course in {tmp_path}" in complaint("assignment", "hw1")
    (tmp_path / "nbgrader_config.py").write_text("c = get_config(\n")
    assert "nbgrader_config.py cannot be used" in complaint("assignment", "hw1")
    assert [p.name for p in tmp_path.iterdir()] == ["nbgrader_config.py"]


def test_in_a_clone_no_module_of_the_tests_is_replaced(clone):
    before = tree(clone)
    assert "tests/assignments/bench.py is there already" in complaint("assignment", "bench")
    assert tree(clone) == before
