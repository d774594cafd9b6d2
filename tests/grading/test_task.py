"""The function from bytes to bytes, by itself."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from nbformat.v4 import new_code_cell

from optedu.grading import task
from optedu.grading.course import open_course
from optedu.grading.execute import Limits
from optedu.grading.plan import make_plan, read_submission
from tests.grading import course as courses

pytestmark = pytest.mark.sandbox
LIMITS = Limits()


@pytest.fixture
def grade(root, blank):
    """Grade a notebook and return the result."""

    def grade(notebook=None, limits=LIMITS, **answers):
        notebook = notebook or courses.answered(blank, **courses.ANSWERS | answers)
        courses.submit(root, "ada", notebook)
        course = open_course(courses.ASSIGNMENT, root)
        plan = make_plan(course, limits=limits, sandbox=True)
        data = read_submission(course, plan.submissions[0])
        return json.loads(task.grade(plan.shared.data, data))

    yield grade
    task.forget_courses()


def test_a_right_submission(grade):
    result = grade()
    assert result["status"] == "graded"
    assert {g["name"]: g["auto_score"] for g in result["grades"]} == {
        "test_squares": 2.0,
        "test_mean": 3.0,
        "test_partial": 2.0,
        "essay": None,
    }
    assert result["tampered"] == [] and result["notes"] == []
    assert "BEGIN HIDDEN TESTS" in result["notebooks"]["problem"]


def test_messages_of_failed_tests_are_kept(grade):
    result = grade(mean="def mean(xs):\n    return 0.0\n")
    items = {item["name"]: item for item in result["items"]}
    assert items["test_mean"]["message"] == "AssertionError: the mean of 1, 2, 6 is 3"
    assert items["test_mean"]["score"] == 0 and items["test_partial"]["score"] == 1.0


def test_an_unanswered_cell_gets_the_comment_of_nbgrader(grade, blank):
    result = grade(copy.deepcopy(blank))
    assert {c["name"]: c["auto_comment"] for c in result["comments"]} == {
        "squares": "No response.",
        "mean": "No response.",
        "essay": "No response.",
        "task": None,
    }


def test_edited_tests_are_flagged(grade, blank):
    notebook = courses.answered(blank, **courses.ANSWERS)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_mean":
            cell.source = "assert True"
    assert grade(notebook)["tampered"] == ["cell 'test_mean' was edited: restored"]


def test_a_duplicate_cell_does_not_end_the_grading(grade, blank):
    notebook = courses.answered(blank, **courses.ANSWERS)
    twin = copy.deepcopy(notebook.cells[3])
    twin["id"] = "twin"
    notebook.cells.insert(4, twin)
    result = grade(notebook)
    assert result["status"] == "graded"
    assert sum(g["auto_score"] or 0 for g in result["grades"]) == 7.0
    assert result["tampered"] == ["cell 'test_squares' exists multiple times"]


@pytest.mark.parametrize(
    "damage",
    [
        {"grade": True, "schema_version": 3},
        {"grade_id": "test_squares", "grade": True, "points": "many", "schema_version": 3},
        {"grade_id": "test_squares", "locked": False, "schema_version": 3},
        {"grade_id": "test_squares", "grade": False, "solution": True, "schema_version": 3},
        {"grade_id": "test_squares", "schema_version": 1},
        {"grade_id": "test_squares", "schema_version": 99},
        {"grade_id": ["test_squares"]},
        {"grade_id": 7, "schema_version": 3},
        ["test_squares"],
        "test_squares",
        {},
    ],
    ids=str,
)
def test_damaged_metadata_cost_nothing(grade, blank, damage):
    notebook = courses.answered(blank, **courses.ANSWERS)
    notebook.cells[3].metadata["nbgrader"] = damage
    result = grade(notebook)
    assert (result["status"], result["detail"]) == ("graded", "")
    assert sum(g["auto_score"] or 0 for g in result["grades"]) == 7.0
    assert result["notes"] or result["tampered"] or "schema_version" in damage


def test_metadata_of_another_time_are_as_good(grade, blank):
    notebook = courses.answered(blank, **courses.ANSWERS)
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["schema_version"] = 1
    assert sum(g["auto_score"] or 0 for g in grade(notebook)["grades"]) == 7.0


def test_nothing_of_a_submission_is_left_for_the_next(grade, blank):
    notebook = courses.answered(blank, **courses.ANSWERS)
    leak = "import builtins, os\nbuiltins.squares = lambda n: [1, 4, 9]\nos.environ['LEAK'] = '1'"
    notebook.cells.append(new_code_cell(leak))
    grade(notebook)
    look = "import os\nassert 'LEAK' not in os.environ\n" + courses.ANSWERS["mean"]
    result = grade(squares="pass", mean=look)
    scores = {g["name"]: g["auto_score"] for g in result["grades"]}
    assert (scores["test_squares"], scores["test_mean"]) == (0, 3.0)


def test_scratch_courses_are_removed(grade):
    grade()
    (root,) = [course.place.path for course in task._courses.values()]
    assert sorted(path.name for path in root.iterdir()) == [".lock", "gradebook.db"]
    task.forget_courses()
    assert not root.exists()


def deep(levels):
    nested = {}
    for _ in range(levels):
        nested = {"a": nested}
    return nested


DAMAGE = {
    "a newer format": lambda nb: nb.update(nbformat=5),
    "an older format": lambda nb: nb.update(nbformat=3),
    "cells that are text": lambda nb: nb.update(cells="x"),
    "a source that is a number": lambda nb: nb.cells[0].update(source=5),
    "a cell of no kind": lambda nb: nb.cells[0].update(cell_type="weird"),
    "a cell without metadata": lambda nb: nb.cells[0].pop("metadata"),
    "a cell that is text": lambda nb: nb.cells.insert(0, "hello"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_invalid_in_one_line_and_no_error_of_ours(grade, blank, damage, monkeypatch):
    notebook = courses.answered(blank, **courses.ANSWERS)
    damage(notebook)
    monkeypatch.setattr(courses.nbformat, "write", lambda nb, path: path.write_text(json.dumps(nb)))
    result = grade(notebook)
    assert result["status"] == "invalid" and "damaged" in result["detail"], result
    assert "\n" not in result["detail"]


@pytest.mark.parametrize("change", [{"locked": False}, {"points": "many"}, {"schema_version": 9}])
def test_metadata_of_tests_are_the_gradebooks(grade, blank, change):
    notebook = courses.answered(blank, **courses.ANSWERS)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.nbgrader.update(change)
    result = grade(notebook)
    assert result["status"] == "graded"
    assert sum(g["auto_score"] or 0 for g in result["grades"]) == 7


def test_a_lone_surrogate_in_the_notebook_costs_nothing(grade, blank):
    notebook = courses.answered(blank, **courses.ANSWERS)
    notebook.cells[0].source += " \ud800"
    notebook.metadata["note"] = "\ud800"
    result = grade(json.dumps(notebook).encode())
    assert result["status"] == "graded"
    assert sum(g["auto_score"] or 0 for g in result["grades"]) == 7


def test_a_loop_in_c_is_a_timeout(grade):
    endless = "def squares(n):\n    return sum(range(10**13))\n"
    result = grade(squares=endless, limits=Limits(cell_timeout_s=2))
    message = next(i["message"] for i in result["items"] if i["name"] == "test_squares")
    assert "KeyboardInterrupt" not in message and "time" in message.lower(), message


def test_a_slow_submission_whose_kernel_dies_is_graded_once(monkeypatch):
    tries = []

    def slow(course, files):
        tries.append(1)
        return {"status": "crashed", "seconds": 100.0, "items": ["what was earned"], "grades": []}

    monkeypatch.setattr(task, "_course", lambda shared: None)
    monkeypatch.setattr(task, "_grade", slow)
    kept = json.loads(task.grade(b"", pickle.dumps({})))
    assert len(tries) == 1 and kept["items"] == ["what was earned"]
    monkeypatch.setattr(task, "_QUICK_S", 200.0)
    task.grade(b"", pickle.dumps({}))
    assert len(tries) == 3


TRIES = {
    "the second ended": (("crashed", 5.0), ("graded", 3.0), 3.0),
    "the first earned more": (("crashed", 5.0), ("crashed", 3.0), 5.0),
    "the second earned more": (("error", 0.0), ("crashed", 3.0), 3.0),
    "nothing is known of one": (("crashed", 1.0), ("error", None), 1.0),
}


@pytest.mark.parametrize(("first", "second", "kept"), TRIES.values(), ids=TRIES)
def test_of_two_tries_the_better_one_is_kept(monkeypatch, first, second, kept):
    tries = [
        {
            "status": status,
            "seconds": 1.0,
            "grades": [{"auto_score": score}],
            "tampered": [],
            "detail": "the kernel ended with exit status 0" if status == "crashed" else "",
        }
        for status, score in (first, second)
    ]
    monkeypatch.setattr(task, "_course", lambda shared: None)
    monkeypatch.setattr(task, "_grade", lambda course, files: tries.pop(0))
    result = json.loads(task.grade(b"", pickle.dumps({})))
    assert result["grades"] == [{"auto_score": kept}] and not tries
    # Who ends the kernel when the dice fall badly throws them twice, which a person is told.
    assert bool(result["tampered"]) == (second[0] == "graded")
