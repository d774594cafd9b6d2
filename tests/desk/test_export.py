"""`optedu export`: read back as Canvas and Moodle import it, and never a 0 for no grade."""

from __future__ import annotations

import pytest
from nbgrader.api import Gradebook

from tests.desk.conftest import complaint, rows, said, tree


def grade(root, student, *, auto=None, manual=None, penalty=None):
    """Give a submission points as a run of the autograder does, and a person after it."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "tiny") as book:
        with book.db.no_autoflush:
            submission = book.add_submission("ps1", student)
        for mark in submission.notebooks[0].grades:
            by_hand = mark.cell.name in ("essay", "task")
            mark.auto_score = None if by_hand else auto
            mark.manual_score = manual if by_hand else None
            mark.needs_manual_grade = mark.auto_score is None and mark.manual_score is None
        submission.notebooks[0].late_submission_penalty = penalty
        book.db.commit()
        return submission.score


@pytest.fixture
def graded(course):
    """Ada has all her points but a penalty, Bob 0 of them, Emmy's could not be graded."""
    (course / "more.csv").write_text("id,first_name,last_name\nwaits,Wanda,Aits\nnever,Nell,Ever\n")
    said("roster", "more.csv")
    assert grade(course, "ada", auto=1.5, manual=1, penalty=2) == 6.5
    grade(course, "bob", auto=0, manual=0)
    grade(course, "emmy")
    grade(course, "waits", auto=2)
    return course


SCORES = {"ada": "4.5", "bob": "0", "emmy": "", "waits": "", "never": ""}


def test_what_has_no_grade_is_blank_and_a_person_is_told(graded):
    assert said("export", "--to", "csv", code=3) == (
        "grades.csv: 5 students, 2 scores, 3 blank\n"
        "ps1: not handed in, or not graded yet: never\n"
        "ps1: could not be graded: emmy\n"
        "ps1: answers to grade by hand: waits\n"
    )
    head, *body = rows(graded / "grades.csv")
    assert head == ["id", "last_name", "first_name", "email", "ps1"]
    assert {row[0]: row[4] for row in body} == SCORES


def test_the_points_so_far_only_when_asked(graded):
    said("export", "ps1", "--to", "csv", "--partial", code=3)
    scores = {row[0]: row[4] for row in rows(graded / "grades.csv")[1:]}
    assert scores == SCORES | {"waits": "6"}


def test_canvas_takes_it(graded):
    """Its importer's own rules: the names of the first columns, the row of points, who is who."""
    said("export", "--to", "canvas", "--title", "ps1=Squares (4711)", code=3)
    head, points, *body = rows(graded / "grades-canvas.csv")
    assert "Student" in head[0] and "ID" in head[1]
    assert head[2:5] == ["SIS User ID", "SIS Login ID", "Section"]
    assert head[5:] == ["Squares (4711)"]  # the number is Canvas's for the assignment
    assert "Points Possible" in points[0] and points[5] == "12"
    assert all(len(row) == len(head) for row in [points, *body])
    assert {row[3]: row[5] for row in body} == SCORES
    assert {row[3]: (row[0], row[1]) for row in body}["ada"] == ("Lovelace, Ada", "101")


def test_moodle_takes_it(graded):
    """It gives a row without identifier to the student before, and reads "" as 0 in a new item."""
    said("export", "--to", "moodle", code=3)
    head, *body = rows(graded / "grades-moodle.csv")
    assert head == ["Username", "First name", "Last name", "ps1"], "two have no address"
    assert {row[0]: row[3] for row in body} == {s: v or "-" for s, v in SCORES.items()}
    assert all(all(row) for row in body)


def test_moodle_gets_addresses_where_everybody_has_one(course):
    said("export", "--to", "moodle")
    assert rows(course / "grades-moodle.csv")[1] == ["bob", "Bob", "Box", "bob@example.org", "-"]


def test_more_points_than_moodle_takes_are_told(course):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "tiny") as book:
        book.find_assignment("ps1").notebooks[0].grade_cells[0].max_score = 200
        book.db.commit()
    assert "Moodle takes at most 100 points" in said("export", "--to", "moodle")


def test_what_is_given_back_is_what_nbgrader_has(graded):
    said("export", "--to", "csv", "--partial", code=3)
    ours = {row[0]: row[4] for row in rows(graded / "grades.csv")[1:]}
    with Gradebook(f"sqlite:///{graded / 'gradebook.db'}", "tiny") as book:
        for submission in book.assignment_submissions("ps1"):
            theirs = max(0.0, submission.score - submission.late_submission_penalty)
            if submission.student_id != "emmy":
                assert float(ours[submission.student_id]) == theirs
            else:
                assert theirs == 0 and ours["emmy"] == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ps9", "--to", "csv"], "no assignment 'ps9' in the gradebook (it has: ps1)"),
        (["--to", "csv", "--title", "ps1"], "--title must be ASSIGNMENT=TITLE, with one of ps1"),
        (["--to", "csv", "--title", "ps9=x"], "--title must be ASSIGNMENT=TITLE, with one of ps1"),
        (["--to", "csv", "--output", "class.csv"], "class.csv is there already: --force replaces"),
        (["--to", "csv", "--output", "no/folder.csv"], "no/folder.csv: No such file or directory"),
    ],
)
def test_misuse_is_one_line_and_writes_nothing(course, arguments, words):
    before = tree(course)
    assert words in complaint("export", *arguments)
    assert tree(course) == before


def test_a_file_is_replaced_when_asked(course):
    said("export", "--to", "csv")
    said("export", "--to", "csv", "--force")
    assert len(rows(course / "grades.csv")) == 4
