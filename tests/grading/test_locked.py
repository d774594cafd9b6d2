"""The instructor's cells run as the instructor wrote them, each once and in their order."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from optedu.course.prepare import INSTALL
from optedu.grading import locked, task
from optedu.grading.course import blueprint, open_course
from optedu.grading.execute import Limits
from optedu.grading.plan import make_plan, read_submission
from tests.grading import course as courses
from tests.grading.course import new_cell

ROOT = Path(__file__).parents[2]
HELPER = "def expect(value, wanted):\n    assert value == wanted, f'{value} is not {wanted}'"
NAMES = ["setup", "helper", "f", "test_f", "between", "say", "g", "test_g", "last"]
ANSWERS = {"f": "def f(x):\n    return 2 * x", "g": "def g(x):\n    return x ** 2"}
WRONG = {"f": "def f(x):\n    return 0", "g": "def g(x):\n    return 0"}


def _source_version():
    hidden = "\n### BEGIN HIDDEN TESTS\nexpect({0}(5), {1})\n### END HIDDEN TESTS"
    cells = [
        new_cell("code", "setup", "import math\nlimit = 5", locked=True),
        new_cell("code", "helper", HELPER, locked=True),
        new_cell("code", "f", "### BEGIN SOLUTION\nf = None\n### END SOLUTION", solution=True),
        new_cell("code", "test_f", "expect(f(2), 4)" + hidden.format("f", 10), points=2,
                 grade=True, locked=True),
        new_cell("code", "between", "limit = limit + 1\ndef judge(v, w):\n    expect(v, w)",
                 locked=True),
        new_cell("markdown", "say", "Now the square.", locked=True),
        new_cell("code", "g", "### BEGIN SOLUTION\ng = None\n### END SOLUTION", solution=True),
        new_cell("code", "test_g", "judge(g(2), 4)\nassert limit == 6" + hidden.format("g", 25),
                 points=3, grade=True, locked=True),
        new_cell("code", "last", "print('done')", locked=True),
    ]  # fmt: skip
    made = new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"display_name": "", "language": "python", "name": "python3"}
    return made


@pytest.fixture(scope="module")
def master(once):
    return once(
        "locked", lambda folder: courses.make_course(folder, source_version=_source_version())
    )


@pytest.fixture(scope="module")
def plan_of(master):
    return blueprint(open_course(courses.ASSIGNMENT, master))["notebooks"][0]


@pytest.fixture
def blank(master):
    return courses.released(master)


@pytest.fixture
def grade(master, tmp_path):
    """The points of both tests, the flags and the names of the cells in their order."""
    import shutil

    root = shutil.copytree(master, tmp_path / "course")

    def grade(notebook):
        courses.submit(root, "ada", notebook)
        course = open_course(courses.ASSIGNMENT, root)
        plan = make_plan(course, limits=Limits(), sandbox=True)
        data = read_submission(course, plan.submissions[0])
        result = json.loads(task.grade(plan.shared.data, data))
        assert result["status"] == "graded", result["detail"]
        scores = {g["name"]: g["auto_score"] for g in result["grades"]}
        cells = json.loads(result["notebooks"][courses.NOTEBOOK])["cells"]
        names = [c["metadata"].get("nbgrader", {}).get("grade_id") for c in cells]
        return [scores["test_f"], scores["test_g"]], result["tampered"], names

    yield grade
    task.forget_courses()


def named(notebook, name):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)


def without(*names):
    def damage(notebook):
        for name in names:
            notebook.cells.remove(named(notebook, name))

    return damage


def moved(name, to):
    def damage(notebook):
        cell = named(notebook, name)
        notebook.cells.remove(cell)
        notebook.cells.insert(to if to >= 0 else len(notebook.cells), cell)

    return damage


def copied(name, to, source=None):
    def damage(notebook):
        twin = copy.deepcopy(named(notebook, name))
        twin["id"] = f"twin-{name}-{len(notebook.cells)}"
        twin.source = source or twin.source
        notebook.cells.insert(to if to >= 0 else len(notebook.cells), twin)

    return damage


def marked(name, **metadata):
    def damage(notebook):
        named(notebook, name).metadata.nbgrader.update(metadata)

    return damage


def tagged(*names):
    def damage(notebook):
        for name in names:
            named(notebook, name).metadata["tags"] = ["skip-execution", "raises-exception"]

    return damage


def edited(name, source):
    def damage(notebook):
        named(notebook, name).source = source

    return damage


def retyped(name, kind):
    def damage(notebook):
        cell = named(notebook, name)
        cell.cell_type = kind
        for key in ("outputs", "execution_count"):
            cell.pop(key, None)

    return damage


def unmarked(*names):
    def damage(notebook):
        for name in names:
            del named(notebook, name).metadata["nbgrader"]

    return damage


def both(*damages):
    def damage(notebook):
        for each in damages:
            each(notebook)

    return damage


def reversed_(notebook):
    notebook.cells.reverse()


def all_tests_first(notebook):
    for name in ("test_g", "test_f"):
        moved(name, 0)(notebook)


def merged(notebook):
    """What Jupyter makes of the set-up cell and the one below when they are merged."""
    named(notebook, "setup").source += "\n\n" + named(notebook, "helper").source
    without("helper")(notebook)


FAKE = "def expect(*a): pass\ndef judge(*a): pass\nlimit = 6\nassert_ = expect"
# Each with whether a person is told: metadata that change nothing are only noted.
DAMAGE = {
    "helper removed": (without("helper"), True),
    "all helpers removed": (without("setup", "helper", "between", "last"), True),
    "everything removed": (without("setup", "helper", "between", "test_f", "test_g"), True),
    "helper at the end": (moved("helper", -1), True),
    "helper at the start": (moved("helper", 0), True),
    "between after its test": (moved("between", -1), True),
    "tests first": (all_tests_first, True),
    "a test above the set-up": (moved("test_f", 0), True),
    "helper copied to the end": (copied("helper", -1), True),
    "helper overridden by a copy": (copied("helper", -1, FAKE), True),
    "helper overridden above": (copied("helper", 0, FAKE), True),
    "copies before and after": (both(copied("helper", 0, FAKE), copied("helper", -1, FAKE)), True),
    "a test copied": (both(copied("test_f", 0, "pass"), copied("test_f", -1, "pass")), True),
    "helper edited": (edited("helper", FAKE), True),
    "tests edited": (both(edited("test_f", "pass"), edited("test_g", "pass")), True),
    "helper is text": (retyped("helper", "markdown"), True),
    "helper is raw": (retyped("helper", "raw"), True),
    "a test is text": (retyped("test_f", "markdown"), True),
    "cells merged": (merged, True),
    "helper without its name": (unmarked("helper"), True),
    "all without their names": (unmarked("setup", "helper", "test_f", "between", "test_g"), True),
    "helper renamed": (marked("helper", grade_id="mine"), True),
    "helper is a solution": (marked("helper", solution=True, locked=False), False),
    "helper not locked": (marked("helper", locked=False), False),
    "helper is a test": (marked("helper", grade=True, points=50), False),
    "tests are solutions": (both(marked("test_f", solution=True), marked("test_g", solution=True)),
                            False),
    "a test without points": (marked("test_f", grade=False, points=None), False),
    "not to be run": (tagged("helper", "between", "test_f", "test_g"), False),
}  # fmt: skip


@pytest.mark.sandbox
@pytest.mark.parametrize("name", DAMAGE)
def test_a_wrong_answer_earns_nothing_by_damage(grade, blank, name):
    damage, flagged = DAMAGE[name]
    notebook = courses.answered(blank, **WRONG)
    damage(notebook)
    notebook.cells.insert(0, new_code_cell(FAKE, id="fake"))
    notebook.cells.append(new_code_cell(FAKE, id="fake2"))
    points, flags, names = grade(notebook)
    assert points == [0, 0]
    assert bool(flags) == flagged, flags
    assert [n for n in names if n and n not in ANSWERS] == [n for n in NAMES if n not in ANSWERS]


@pytest.mark.sandbox
@pytest.mark.parametrize("name", DAMAGE)
def test_a_right_answer_loses_nothing_by_damage(grade, blank, name):
    damage, flagged = DAMAGE[name]
    notebook = courses.answered(blank, **ANSWERS)
    damage(notebook)
    points, flags, names = grade(notebook)
    assert points == [2, 3]
    assert bool(flags) == flagged, flags
    assert [n for n in names if n] == NAMES


def _restored(notebook, plan_of):
    found = locked.restore(notebook, plan_of)
    names = [c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells]
    return names, found


def test_what_is_as_released_stays_as_it_is(blank, plan_of):
    notebook = courses.answered(blank, **ANSWERS)
    notebook.cells.insert(3, new_code_cell("mine = 1"))
    notebook.cells.append(new_markdown_cell("a remark"))
    named(notebook, "helper").source += "  \n\n"  # what editors do
    names, found = _restored(notebook, plan_of)
    assert names == [*NAMES[:3], None, *NAMES[3:], None]
    assert (found.flags, found.notes) == ([], [])


def test_findings_say_which_cell_and_what(blank, plan_of):
    notebook = courses.answered(blank, **ANSWERS)
    both(without("setup"), moved("helper", -1), copied("test_f", -1), edited("between", "pass"),
         marked("say", grade_id="mine"))(notebook)  # fmt: skip
    _, found = _restored(notebook, plan_of)
    assert sorted(found.flags) == [
        "cell 'between' was edited: restored", "cell 'helper' was moved: restored",
        "cell 'mine' is not the instructor's: it is the student's",
        "cell 'say' was missing: restored", "cell 'setup' was missing: restored",
        "cell 'test_f' exists multiple times",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "damage",
    [
        lambda cells: cells.pop(0),
        lambda cells: cells.append(cells.pop(0)),
        lambda cells: cells.insert(1, copy.deepcopy(cells[0])),
        lambda cells: cells[0].update(source="%pip install optedu"),
    ],
    ids=["deleted", "moved", "copied", "edited"],
)
def test_the_cell_that_installs_the_package_is_put_back_and_nobody_is_told(damage):
    """Of the course's own notebook, as nbgrader would have it in the gradebook."""
    notebook = nbformat.read(ROOT / "exercises/ps09_adam/ps09_adam.ipynb", as_version=4)
    cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("locked")][:3]
    assert cells[0].metadata.nbgrader.grade_id == INSTALL
    of_gradebook = [
        {"name": c.metadata.nbgrader.grade_id, "cell_type": c.cell_type, "source": c.source,
         "locked": True, "checksum": None}
        for c in cells
    ]  # fmt: skip
    notebook.cells = copy.deepcopy(cells)
    damage(notebook.cells)
    found = locked.restore(
        notebook,
        {"source_cells": of_gradebook, "grade_cells": [], "solution_cells": [], "task_cells": [],
         "released": {c["name"]: [] for c in of_gradebook}},
    )  # fmt: skip
    assert found.flags == []
    named = [c for c in notebook.cells if "nbgrader" in c.metadata]
    assert [c.source for c in named] == [c.source for c in cells]


def test_a_missing_test_comes_after_what_the_student_wrote_for_it(blank, plan_of):
    notebook = courses.answered(blank, **ANSWERS)
    without("test_f")(notebook)
    notebook.cells.insert(3, new_code_cell("helper_of_f = 1"))
    assert _restored(notebook, plan_of)[0] == [*NAMES[:3], None, *NAMES[3:]]


def test_missing_set_up_comes_before_what_needs_it(blank, plan_of):
    notebook = courses.answered(blank, **ANSWERS)
    without("setup", "helper")(notebook)
    notebook.cells.insert(0, new_code_cell("mine = math.pi"))
    assert _restored(notebook, plan_of)[0] == [*NAMES[:2], None, *NAMES[2:]]


def test_solutions_stay_where_the_student_has_them(blank, plan_of):
    notebook = courses.answered(blank, **ANSWERS)
    moved("f", -1)(notebook)
    names, found = _restored(notebook, plan_of)
    assert names == [*NAMES[:2], *NAMES[3:], "f"]
    assert found.flags == []


def test_of_two_solutions_the_last_counts_and_a_person_is_told(blank, plan_of):
    notebook = courses.answered(blank, **ANSWERS)
    notebook.cells += copy.deepcopy(blank.cells)
    names, found = _restored(notebook, plan_of)
    assert [n for n in names if n] == NAMES
    assert "cell 'f' exists multiple times" in found.flags
    assert "cell 'test_g' exists multiple times" in found.flags


def test_restoring_twice_changes_nothing(blank, plan_of):
    notebook = courses.answered(blank, **ANSWERS)
    reversed_(notebook)
    first = _restored(notebook, plan_of)
    assert first[1].flags
    names, found = _restored(notebook, plan_of)
    assert (names, found.flags, found.notes) == (first[0], [], [])
    assert [n for n in names if n not in ANSWERS] == [n for n in NAMES if n not in ANSWERS]


def test_the_order_is_that_of_the_release(master, plan_of, tmp_path):
    """A gradebook holds a cell that a later release has put in the middle at its end."""
    import shutil

    import nbformat

    root = shutil.copytree(master, tmp_path / "course")
    source = root / "source" / courses.ASSIGNMENT / f"{courses.NOTEBOOK}.ipynb"
    notebook = nbformat.read(source, as_version=4)
    notebook.cells.insert(1, new_cell("code", "later", "more = 1", locked=True))
    nbformat.write(notebook, source)
    courses.nbgrader(root, "generate_assignment", courses.ASSIGNMENT, "--force")
    made = blueprint(open_course(courses.ASSIGNMENT, root))["notebooks"][0]
    assert [c["name"] for c in made["source_cells"]] == [NAMES[0], "later", *NAMES[1:]]
    assert [c["name"] for c in plan_of["source_cells"]] == NAMES


def test_thousands_of_copies_take_no_time(blank, plan_of):
    notebook = courses.answered(blank, **ANSWERS)
    cell = named(notebook, "helper")
    notebook.cells += [copy.deepcopy(cell) for _ in range(5000)]
    names, found = _restored(notebook, plan_of)
    assert [n for n in names if n] == NAMES and len(names) == len(NAMES) + 5000
    assert found.flags == ["cell 'helper' exists multiple times"]


def test_another_assignments_notebook_is_told_in_one_sentence(plan_of):
    cells = [new_cell("code", f"other_{i}", "", locked=True) for i in range(9)]
    found = locked.restore(new_notebook(cells=cells), plan_of)
    assert found.flags == [
        "this looks like another assignment's notebook: "
        "7 of 7 of the instructor's cells were missing"
    ]
