"""Writing results into the gradebook: once or twice, against locks, full disks and people."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
import sqlite3
import threading
import time

import pytest
from nbgrader.api import Gradebook

from optedu.grading import store as store_module
from optedu.grading.course import open_course
from optedu.grading.errors import RunError
from optedu.grading.execute import Limits
from optedu.grading.merge import GradebookBusy, Merger
from optedu.grading.plan import make_plan
from optedu.grading.run import Options, run
from tests.grading import compare
from tests.grading import course as courses
from tests.grading.test_same_result import optedu_grade
from tests.grading.workers import Finds, Nobody


@pytest.fixture
def one(root, blank):
    """A course with one submission, and a result for it made up here."""
    courses.submit(
        root, "ada", courses.answered(blank, **courses.ANSWERS), timestamp="2026-01-10 12:00:00 UTC"
    )
    course = open_course(courses.ASSIGNMENT, root)
    (submission,) = make_plan(course, limits=Limits(), sandbox=False).submissions
    result = {
        "status": "graded",
        "detail": "",
        "tampered": [],
        "notes": [],
        "notebooks": {"problem": "{}"},
        "grades": [
            {"notebook": "problem", "name": "test_squares", "auto_score": 1.5},
            {"notebook": "problem", "name": "essay", "auto_score": None},
        ],
        "comments": [{"notebook": "problem", "name": "essay", "auto_comment": "No response."}],
        "items": [],
        "seconds": 0.1,
        "cpu_s": 0.1,
    }
    return course, submission, result


def merge(course, submission, result):
    with course.gradebook() as gradebook:
        Merger(course, gradebook).merge([(submission, result)])


def grades(root):
    return compare.gradebook_rows(root)["ada"]["notebooks"]["problem"]["grades"]


def test_merging_twice_is_merging_once(one):
    course, submission, result = one
    merge(course, submission, result)
    once = compare.gradebook_rows(course.root)
    merge(course, submission, result)
    assert compare.gradebook_rows(course.root) == once
    assert grades(course.root)["test_squares"][0] == 1.5
    assert str(once["ada"]["timestamp"]) == "2026-01-10 12:00:00"
    assert once["ada"]["notebooks"]["problem"]["comments"]["essay"] == ("No response.", None)


def test_the_autograded_folder_is_replaced_whole(one):
    course, submission, result = one
    folder = course.root / "autograded" / "ada" / courses.ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / "left over.txt").write_text("from an earlier submission")
    merge(course, submission, result)
    assert sorted(p.name for p in folder.iterdir()) == [
        "data.csv",
        "problem.ipynb",
        "timestamp.txt",
    ]
    assert [p.name for p in folder.parent.iterdir()] == [courses.ASSIGNMENT]


def test_an_error_in_the_middle_leaves_no_half_of_a_submission(one):
    course, submission, result = one
    result["grades"].append({"notebook": "problem", "name": "no such cell", "auto_score": 1.0})
    with pytest.raises(ValueError, match="No such grade"):
        merge(course, submission, result)
    assert compare.gradebook_rows(course.root) == {}


def test_a_tampered_submission_is_flagged_in_the_formgrader(one):
    course, submission, result = one
    merge(course, submission, result | {"tampered": ["numpy.allclose accepts wrong values"]})
    assert compare.gradebook_rows(course.root)["ada"]["notebooks"]["problem"]["flagged"]


def test_a_locked_gradebook_is_reported_and_unharmed(one):
    course, submission, result = one
    with course.gradebook() as gradebook:
        merger = Merger(course, gradebook)
        with _locked(course.root):
            merger.check_writable()
            with pytest.raises(GradebookBusy):
                merger.merge([(submission, result)])
        merger.merge([(submission, result)])
    assert grades(course.root)["test_squares"][0] == 1.5


def test_a_read_only_gradebook_stops_the_run_before_it_grades(one):
    course = one[0]
    path = course.root / "gradebook.db"
    course = dataclasses.replace(course, db_url=f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(RunError, match="the gradebook is read-only"):
        run(course, Options(), Silent(), backend=Nobody())


def test_a_run_waits_for_a_locked_gradebook(one):
    course, _, result = one
    with _locked(course.root) as release:
        threading.Timer(1.0, release).start()
        outcome = run(course, Options(busy_s=60.0), Silent(), backend=Finds(result))
    assert outcome.entries[0].status == "graded"
    assert grades(course.root)["test_squares"][0] == 1.5


def test_results_survive_a_gradebook_that_stays_locked(one):
    course, _, result = one
    observer = Silent()
    with _locked(course.root), pytest.raises(RunError, match=r"locked .* 1 results are kept"):
        run(course, Options(busy_s=0.0), observer, backend=Finds(result))
    assert observer.reasons
    # The next run needs no worker: it merges what is there.
    outcome = run(course, Options(), Silent(), backend=Nobody())
    assert not outcome.entries[0].fresh
    assert grades(course.root)["test_squares"][0] == 1.5


def test_a_full_disk_is_one_line_and_the_next_run_completes(one, monkeypatch):
    course, _, result = one

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "results")

    with monkeypatch.context() as patch:
        patch.setattr(store_module.os, "fsync", full)
        with pytest.raises(RunError, match="No space left on device"):
            run(course, Options(), Silent(), backend=Finds(result))
    left = list(course.results.glob("*.json")) + list(course.results.glob(".*.new"))
    assert left == []
    outcome = run(course, Options(), Silent(), backend=Finds(result))
    assert outcome.entries[0].status == "graded"
    assert grades(course.root)["test_squares"][0] == 1.5


def test_a_gradebook_restored_from_a_backup_gets_its_results_again(one):
    course, _, result = one
    backup = shutil.copy(course.root / "gradebook.db", course.root / "backup.db")
    run(course, Options(), Silent(), backend=Finds(result))
    shutil.copy(backup, course.root / "gradebook.db")
    assert compare.gradebook_rows(course.root) == {}
    run(course, Options(), Silent(), backend=Nobody())
    assert grades(course.root)["test_squares"][0] == 1.5


def test_strangers_stay_out_of_the_gradebook_where_the_course_says_so(one):
    root = one[0].root
    config = root / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.Autograde.create_student = False\n")
    course = open_course(courses.ASSIGNMENT, root)
    outcome = run(course, Options(), Silent(), backend=Nobody())
    assert "no student with this id" in outcome.entries[0].reason
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "tiny") as gradebook:
        assert gradebook.students == []
        gradebook.add_student("ada")
    outcome = run(course, Options(), Silent(), backend=Finds(one[2]))
    assert outcome.entries[0].status == "graded"


def test_two_runs_of_one_assignment_do_not_meet(one):
    course = one[0]
    with (
        store_module.Store(course.results).locked(),
        pytest.raises(RunError, match="another run is grading"),
    ):
        run(course, Options(), Silent(), backend=Nobody())


@pytest.mark.sandbox
def test_what_people_wrote_survives_as_with_nbgrader(root, blank):
    for student in ("ada", "bob"):
        courses.submit(root, student, courses.answered(blank, **courses.ANSWERS))
    assert optedu_grade(root).exit_code == 0
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "tiny") as gradebook:
        find = ("problem", courses.ASSIGNMENT, "ada")
        gradebook.find_grade("test_squares", *find).manual_score = 0.5
        essay = gradebook.find_grade("essay", *find)
        essay.manual_score, essay.extra_credit, essay.needs_manual_grade = 3.0, 1.0, False
        gradebook.find_comment("essay", *find).manual_comment = "Well said."
        gradebook.find_submission_notebook(*find).flagged = True
        gradebook.db.commit()
    theirs = shutil.copytree(root, root.parent / "theirs")
    courses.nbgrader(theirs, "autograde", courses.ASSIGNMENT, "--force")
    assert optedu_grade(root, "--force").exit_code == 0
    rows = compare.gradebook_rows(root)
    assert rows == compare.gradebook_rows(theirs)
    assert rows["ada"]["notebooks"]["problem"]["grades"]["essay"][1:3] == (3.0, 1.0)


class Silent:
    """An observer that keeps what a run waits for."""

    def __init__(self):
        self.reasons = []

    def begin(self, total, kept):
        pass

    def ended(self, entry):
        pass

    def waiting(self, reason):
        self.reasons.append(reason)
        time.sleep(0.05)


@contextlib.contextmanager
def _locked(root):
    """Another program in the middle of a write to the gradebook; yields how to end it."""
    connection = sqlite3.connect(
        root / "gradebook.db", isolation_level=None, check_same_thread=False
    )
    connection.execute("BEGIN IMMEDIATE")

    def release():
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")

    try:
        yield release
    finally:
        release()
        connection.close()
