"""`optedu grade` and `nbgrader autograde` leave the same course behind.

Set OPTEDU_SAME_RESULT to the number of submissions; nbgrader takes about a second for each.
"""

from __future__ import annotations

import datetime
import os
import shutil

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook

from optedu.cli import main
from tests.grading import compare, generate
from tests.grading import course as courses

pytestmark = pytest.mark.sandbox

COUNT = int(os.environ.get("OPTEDU_SAME_RESULT", "20"))
CONFIG = courses.CONFIG + 'c.LateSubmissionPlugin.penalty_method = "zero"\n'


@pytest.fixture(scope="module")
def graded(master_course, blank, once):
    """Two copies of a class: one graded by nbgrader, one by us.

    What we tell a person, a flag on an edited test, is the one thing that is not compared.
    """

    def build(folder):
        theirs = shutil.copytree(master_course, folder / "theirs")
        (theirs / "nbgrader_config.py").write_text(CONFIG)
        with Gradebook(f"sqlite:///{theirs / 'gradebook.db'}", "tiny") as gradebook:
            gradebook.update_or_create_assignment(
                courses.ASSIGNMENT, duedate=datetime.datetime(2026, 2, 1)
            )
        for student, notebook, time in generate.submissions(blank, COUNT, generate.PUT_BACK):
            courses.submit(theirs, student, notebook, timestamp=time)
        ours = shutil.copytree(theirs, folder / "ours")
        courses.nbgrader(theirs, "autograde", courses.ASSIGNMENT, check=False)
        result = optedu_grade(ours)
        assert result.exit_code in (0, 3), result.output
        for root in (theirs, ours):
            courses.nbgrader(root, "generate_feedback", courses.ASSIGNMENT)

    folder = once("same-result", build)
    return folder / "theirs", folder / "ours"


def optedu_grade(root, *options):
    """The command, in the course's folder."""
    before = os.getcwd()
    os.chdir(root)
    try:
        return CliRunner().invoke(main, ["grade", courses.ASSIGNMENT, *options])
    finally:
        os.chdir(before)


def test_the_class_is_worth_comparing(graded):
    rows = compare.gradebook_rows(graded[0])
    assert len(rows) == COUNT
    assert len({row["score"] for row in rows.values()}) > 2
    assert any(row["late"] for row in rows.values())


def test_gradebook_rows_are_equal(graded):
    theirs, ours = map(compare.gradebook_rows, graded)
    assert ours.keys() == theirs.keys()
    for row in (*ours.values(), *theirs.values()):
        for notebook in row["notebooks"].values():
            del notebook["flagged"]
    for student in theirs:
        assert ours[student] == theirs[student], student


def test_the_formgrader_shows_the_same(graded):
    theirs, ours = map(compare.formgrader_rows, graded)
    for row in (*ours, *theirs):
        row.pop("flagged", None)
    assert ours == theirs


def test_autograded_notebooks_are_equal(graded):
    theirs, ours = map(compare.autograded_notebooks, graded)
    assert ours.keys() == theirs.keys()
    for name in theirs:
        assert ours[name] == theirs[name], name


def test_the_other_files_are_equal(graded):
    theirs, ours = map(compare.other_files, graded)
    assert ours == theirs


def test_feedback_is_equal(graded):
    theirs, ours = map(compare.feedback_pages, graded)
    assert ours.keys() == theirs.keys()
    for name in theirs:
        assert ours[name] == theirs[name], name


def test_one_notebook_of_two_is_missing(tmp_path):
    """Zero points for the missing one, as with nbgrader, and a person is told of it."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    courses.make_course(theirs, notebooks=("problem", "second"))
    blank = courses.released(theirs)
    for name in ("problem", "second"):
        courses.submit(theirs, "both", courses.answered(blank, **courses.ANSWERS), name=name)
    courses.submit(theirs, "one", courses.answered(blank, **courses.ANSWERS), name="second")
    ours = shutil.copytree(theirs, tmp_path / "ours")
    courses.nbgrader(theirs, "autograde", courses.ASSIGNMENT)
    done = optedu_grade(ours)
    assert done.exit_code == 3 and "problem.ipynb is missing" in done.output  # a person is told
    rows = compare.gradebook_rows(ours)
    assert rows == compare.gradebook_rows(theirs)
    assert rows["one"]["notebooks"]["problem"]["grades"]["test_mean"][0] == 0
    assert compare.autograded_notebooks(ours) == compare.autograded_notebooks(theirs)
