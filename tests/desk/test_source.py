"""The source is newer than the gradebook: said, and brought up to date without loss."""

from __future__ import annotations

import sqlite3

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook

from optedu.desk import course as desk
from optedu.grading import locked
from optedu.grading.command import _limits
from optedu.grading.course import blueprint, open_course
from optedu.grading.drift import drift
from optedu.grading.run import Options, run
from tests.desk.conftest import complaint, optedu, said, tree
from tests.desk.test_release import autograded
from tests.grading import course as courses
from tests.grading.test_merge import Silent
from tests.grading.workers import Finds, Nobody

POINTS = {"test_squares": 4, "essay": 2}


def edit(root, points=None, **sources):
    """Change points and sources of cells by name; `new` adds a cell after the first."""
    path = root / "source/ps1/problem.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("grade_id") in (points or {}):
            meta["points"] = points[meta["grade_id"]]
        cell.source = sources.get(meta.get("grade_id", ""), cell.source)
    if "new" in sources:
        cell = courses.new_cell("code", "new", sources["new"], points=1, grade=True, locked=True)
        notebook.cells.insert(1, cell)
    nbformat.write(notebook, path)


def found(root):
    course = open_course("ps1", root)
    with course.gradebook() as gradebook:
        return drift(course, gradebook)


def book(root):
    return Gradebook(f"sqlite:///{root / 'gradebook.db'}", "tiny")


def most(root):
    with book(root) as gradebook:
        cells = gradebook.find_notebook("problem", "ps1").grade_cells
        return {cell.name: cell.max_score for cell in cells}


def give(root, student, points):
    with book(root) as gradebook:
        grade = gradebook.find_grade("essay", "problem", "ps1", student)
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()


def test_what_was_released_is_what_the_gradebook_has(course):
    assert not found(course)
    edit(
        course,
        squares="def squares(n):\n    ### BEGIN SOLUTION\n    return []\n    ### END SOLUTION\n",
    )
    path = course / "source/ps1/problem.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(new_markdown_cell("More to read."))
    nbformat.write(notebook, path)
    assert not found(course), "a solution and a text count for no score"
    assert said("release", "ps1", "--update") == "ps1: the gradebook is up to date\n"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"points": POINTS}, "points of test_squares 2 to 4, essay 4 to 2"),
        ({"points": {"task": 3}}, "points of task 1 to 3"),
        ({"test_mean": "assert mean([1.0]) == 1.0"}, "the text of test_mean"),
        ({"setup": "import numpy as np, math"}, "the text of setup"),
        ({"new": "assert True"}, "new: new"),
    ],
)
def test_what_was_changed_is_named(course, change, what):
    edit(course, **change)
    assert found(course).what == what
    before = (course / "gradebook.db").read_bytes()
    row = next(line for line in said("doctor").splitlines() if line.startswith("source "))
    assert f"({what}): optedu release ps1 --update" in row and " newer " in row
    assert (course / "gradebook.db").read_bytes() == before


def test_a_source_that_cannot_be_released_is_named(course):
    (course / "source/ps1/problem.ipynb").write_text("{")
    assert found(course).what.startswith("problem.ipynb cannot be released: ")
    assert found(course).do("ps1") == "mend the source, then optedu release ps1 --update"
    before = tree(course)
    assert "ps1 was not released: " in complaint("release", "ps1", "--update")
    assert tree(course) == before


def test_the_gradebook_is_brought_up_to_date_and_nothing_else(course, blank):
    autograded(course, "ada", blank)
    autograded(course, "bob", blank)
    give(course, "ada", 1.5)
    edit(course, POINTS, test_mean="assert mean([1.0]) == 1.0")
    release = tree(course / "release")
    assert said("release", "ps1", "--update").splitlines() == [
        "ps1: the gradebook is now up to date",
        "Changed: points of test_squares 2 to 4, essay 4 to 2; the text of test_mean",
        "2 submissions in the gradebook: what the tests give is of the old source until optedu "
        "grade ps1, which runs them again; the maximum is the new one",
        "1 score given by hand stays as given; after that run the formgrader shows them again",
    ]
    assert tree(course / "release") == release
    assert not found(course)
    assert most(course) == {"test_squares": 4, "test_mean": 3, "test_partial": 2, "essay": 2}
    with book(course) as gradebook:
        grade = gradebook.find_grade("essay", "problem", "ps1", "ada")
        assert (grade.manual_score, grade.max_score, grade.needs_manual_grade) == (1.5, 2, False)


def test_points_by_hand_above_the_new_maximum_are_for_a_person(course, blank):
    autograded(course, "ada", blank)
    give(course, "ada", 3.5)
    edit(course, POINTS)
    text = said("release", "ps1", "--update", code=3)
    assert "Given by hand, and above the new maximum: ada (essay: 3.5 of 2)" in text
    with book(course) as gradebook:
        assert gradebook.find_grade("essay", "problem", "ps1", "ada").manual_score == 3.5


@pytest.mark.parametrize("option", ["--update", "--force"])
def test_cells_come_and_go_only_before_the_first_submission(course, blank, option):
    edit(course, new="assert True")
    said("release", "ps1", option)
    assert most(course)["new"] == 1
    autograded(course, "ada", blank)
    edit(course, {"new": 5})
    path = course / "source/ps1/problem.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [
        c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") != "mean"
    ]
    nbformat.write(notebook, path)
    assert "optedu release ps1" not in found(course).said("ps1"), "it would be refused"
    assert "undo that, or make it another assignment" in found(course).said("ps1")
    before = tree(course)
    text = complaint("release", "ps1", option)
    assert "cells of ps1 are new or gone (points of new 1 to 5; gone: mean)" in text
    assert "1 submission: undo that" in text
    assert tree(course) == before


def test_a_release_says_what_it_changes_for_what_is_graded(course, blank):
    autograded(course, "ada", blank)
    edit(course, POINTS)
    text = said("release", "ps1")
    assert "Changed: points of test_squares 2 to 4, essay 4 to 2" in text
    assert "1 submission in the gradebook" in text


def test_grading_says_so_goes_by_the_gradebook_and_wants_a_person(course, blank):
    folder = courses.submit(course, "ada", courses.answered(blank, **courses.ANSWERS))
    here = open_course("ps1", course)
    options = Options(limits=_limits(here.config, None, None), sandbox=False, kernels="one")
    cells = ("test_squares", 2.0), ("test_mean", 3.0), ("test_partial", 2.0), ("essay", None)
    result = {
        "status": "graded", "detail": "", "tampered": [], "notes": [], "items": [], "comments": [],
        "notebooks": {"problem": (folder / "problem.ipynb").read_text()},
        "grades": [{"notebook": "problem", "name": n, "auto_score": s} for n, s in cells],
        "seconds": 0.1, "cpu_s": 0.1,
    }  # fmt: skip
    run(here, options, Silent(), backend=Finds(result))
    command = ("grade", "ps1", "--no-sandbox", "--kernels", "one")
    assert "newer" not in said(*command)
    (course / "extensions.csv").write_text("assignment,student,due\nps1,eve,2026-12-03\n")
    assert "ps1,eve: no student 'eve' in the class: mend it" in said(*command, code=3)
    (course / "extensions.csv").unlink()
    edit(course, POINTS)
    text = said(*command, code=3)
    line = (
        "the source of ps1 is newer than the gradebook, by which it is graded (points of "
        "test_squares 2 to 4, essay 4 to 2): optedu release ps1 --update brings the gradebook up "
        "to date\n"
    )
    assert text.count(line) == 2, "at the start and in the summary"
    assert "Graded 0 in" in text
    said("release", "ps1", "--update")
    with pytest.raises(AssertionError, match="nothing should have to be graded"):
        run(here, options, Silent(), backend=Nobody())


def test_who_has_the_notebook_of_before_is_not_looked_at_for_its_points(course, blank):
    """Its metadata have the old points; the gradebook's count."""
    edit(course, POINTS)
    said("release", "ps1", "--update")
    (notebook,) = blueprint(open_course("ps1", course))["notebooks"]
    handed_in = courses.answered(blank, **courses.ANSWERS)
    findings = locked.restore(handed_in, notebook)
    assert findings.flags == findings.notes == []
    cells = {c.metadata.nbgrader.grade_id: c for c in handed_in.cells if "nbgrader" in c.metadata}
    assert cells["test_squares"].metadata.nbgrader.points == 4


def test_the_doctor_only_reads(course):
    (course / "gradebook.db").write_bytes(b"")
    text = optedu("doctor").output
    assert "no gradebook yet" in text
    assert (course / "gradebook.db").read_bytes() == b""


def test_the_update_of_a_locked_gradebook_changes_nothing(course, monkeypatch):
    edit(course, POINTS)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('c.CourseDirectory.db_url = "sqlite:///gradebook.db?timeout=0.05"\n')
    monkeypatch.setattr(desk, "WAIT_S", 0.1)
    before = tree(course)
    holder = sqlite3.connect(course / "gradebook.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        text = complaint("release", "ps1", "--update")
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert "locked" in text
    assert tree(course) == before
