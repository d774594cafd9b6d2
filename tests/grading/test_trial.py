"""The solution and the blank notebook are tried both ways before a student loses a point."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from optedu.cli import main
from optedu.grading import trial
from tests.grading import compare
from tests.grading import course as courses

pytestmark = pytest.mark.sandbox

VECTOR = """\
class Vector:
    def __init__(self, x):
        self.x = x
    ### BEGIN SOLUTION
    def __add__(self, other):
        return Vector(self.x + other.x)
    ### END SOLUTION
"""
RIGHT = VECTOR.replace("    ### BEGIN SOLUTION\n", "").replace("    ### END SOLUTION\n", "")


@pytest.fixture(scope="module")
def foreign(once):
    """A course with a test that needs the students' objects beside it."""

    def build(folder):
        source = courses.instructor_notebook()
        by_id = {cell["id"]: cell for cell in source.cells}
        by_id["squares"].source = VECTOR
        by_id["test_squares"].source = "assert (Vector(1) + Vector(2)).x == 3"
        by_id["test_partial"].source = "points = 2\npoints"
        courses.make_course(folder, source_version=source)
        answers = {**courses.ANSWERS, "squares": RIGHT}
        courses.submit(folder, "ada", courses.answered(courses.released(folder), **answers))

    return once("foreign", build)


@pytest.fixture
def there(foreign, tmp_path, monkeypatch):
    from shutil import copytree

    root = copytree(foreign, tmp_path / "course")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def here(root, blank, monkeypatch):
    courses.submit(root, "ada", courses.answered(blank, **courses.ANSWERS))
    monkeypatch.chdir(root)
    return root


def grade(*options):
    return CliRunner().invoke(main, ["grade", courses.ASSIGNMENT, "--jobs", "1", *options])


def never(*_, **__):
    raise AssertionError("nothing was to be run")


def test_a_course_that_loses_points_is_not_graded_and_the_message_names_cells_and_flag(there):
    done = grade()
    assert done.exit_code == 3, done.output
    said = done.output.splitlines()[-1]
    assert said.startswith("optedu grade: nothing was graded: the tests of 'ps1'")
    assert "of the solution test_squares 0, 2." in said and "--kernels one" in said
    assert "test_mean" not in said and "of the blank" not in said
    assert compare.gradebook_rows(there) == {}


def test_who_chooses_one_kernel_has_all_points(there, monkeypatch):
    monkeypatch.setattr(trial, "_grade", never)  # the choice is made: nothing is tried
    assert grade("--kernels", "one").exit_code == 0
    assert compare.gradebook_rows(there)["ada"]["score"] == 7


def test_who_chooses_two_kernels_is_told_what_they_cannot_judge(there, monkeypatch):
    monkeypatch.setattr(trial, "_grade", never)
    done = grade("--kernels", "two")
    assert done.exit_code == 3 and "cannot be judged in two kernels" in done.output
    assert compare.gradebook_rows(there)["ada"]["score"] == 5


def test_a_choice_in_the_configuration_is_a_choice(there, monkeypatch):
    monkeypatch.setattr(trial, "_grade", never)
    config = there / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.OpteduGrade.kernels = {'ps1': 'one'}\n")
    assert grade().exit_code == 0


def test_only_trying_prints_a_table_and_grades_nobody(there):
    done = grade("--try")
    assert done.exit_code == 3, done.output
    rows = {line.split()[1]: line.split() for line in done.output.splitlines() if "test_" in line}
    assert [w for w in rows["test_squares"] if w.isdigit()] == ["2", "0", "2", "0", "0"], (
        done.output
    )
    assert "differs" in rows["test_squares"] and "differs" not in rows["test_mean"]
    assert compare.gradebook_rows(there) == {}


def test_a_course_for_two_kernels_is_tried_once_and_graded(here, monkeypatch):
    assert grade().exit_code == 0
    assert compare.gradebook_rows(here)["ada"]["score"] == 7
    tried = _kernels_tried(here)
    assert {way: list(found) for way, found in tried.items()} == {
        "two": ["solution", "blank"], "one": [],
    }, "what is right with two kernels was run with one"  # fmt: skip
    assert grade("--try").exit_code == 0
    assert all(list(found) == ["solution", "blank"] for found in _kernels_tried(here).values())
    monkeypatch.setattr(trial, "_grade", never)
    assert grade("--force").exit_code == 0
    done = grade("--try")
    assert done.exit_code == 0 and "differs" not in done.output


def _kernels_tried(root):
    (kept,) = (root / "results" / courses.ASSIGNMENT).glob("*.trial")
    return json.loads(kept.read_text())


def test_points_for_the_blank_notebook_are_looked_at_with_one_kernel_too(root, monkeypatch):
    """A test that nothing can fail is no difference, and is run both ways to see that."""
    source = courses.instructor_notebook()
    {cell["id"]: cell for cell in source.cells}["test_squares"].source = "assert True"
    courses.make_course(root / "given", source_version=source)
    monkeypatch.chdir(root / "given")
    courses.submit(root / "given", "ada", courses.released(root / "given"))
    assert grade().exit_code in (0, 3)
    found = _kernels_tried(root / "given")
    assert list(found["one"]) == ["blank"], found
    assert found["one"]["blank"]["grades"] == found["two"]["blank"]["grades"]


def test_what_changed_is_tried_again(here, monkeypatch):
    assert grade("--try").exit_code == 0
    (here / "source" / "ps1" / "data.csv").write_text("1\n2\n3\n4\n4\n")
    monkeypatch.setattr(trial, "_grade", never)
    done = grade("--try")
    assert done.exit_code == 1 and "nothing was to be run" in done.output
    assert len(list((here / "results" / "ps1").glob("*.trial"))) == 1


def test_without_a_source_version_there_is_nothing_to_try(here):
    import shutil

    shutil.move("source", "elsewhere")
    (here / "submitted" / "ada" / "ps1" / "data.csv").write_text("1\n2\n3\n4\n")
    done = grade("--try")
    assert done.exit_code == 2 and "no source version of 'ps1' to try" in done.output
    assert grade("--kernels", "two").exit_code in (0, 3)
    assert grade().exit_code in (0, 3)


def test_points_that_the_blank_notebook_would_gain_are_told_as_well():
    row = trial.Row(
        "p", "t", 1.0, {"solution": {"two": 1, "one": 1}, "blank": {"two": 1, "one": 0}}
    )
    found = trial.Trial((row,))
    assert found.differing == (row,)
    assert "and with one: of the blank t 1, 0." in found.explain("ps1")
