"""A submission's rows, against nbgrader's own API, and what they cost in a large class."""

from __future__ import annotations

import datetime

import pytest
from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy import event, text

from optedu.grading.rows import Rows, Scores
from tests.grading import compare
from tests.grading import course as courses

CLASS_TABLES = ("student", "submitted_assignment", "submitted_notebook", "grade", "comment")
DUE = datetime.datetime(2026, 1, 10, 12)


@pytest.fixture
def gradebook(root):
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "tiny") as gradebook:
        gradebook.find_assignment(courses.ASSIGNMENT).duedate = DUE
        gradebook.db.commit()
        yield gradebook


def rows_of(gradebook, student="ada"):
    return Rows(gradebook.db.connection(), courses.ASSIGNMENT, student)


def save(gradebook, rows):
    rows.save()
    gradebook.db.commit()
    gradebook.db.expire_all()


def test_new_rows_are_those_that_nbgrader_makes(root, gradebook):
    save(gradebook, rows_of(gradebook))
    gradebook.update_or_create_student("bob")
    with gradebook.db.no_autoflush:  # it warns of its own half-made rows
        gradebook.update_or_create_submission(courses.ASSIGNMENT, "bob")
    rows = compare.gradebook_rows(root)
    assert rows["ada"] == rows["bob"]
    assert set(rows["ada"]["notebooks"]["problem"]["comments"]) == {
        "squares", "mean", "essay", "task"
    }  # fmt: skip


def test_scores_are_written_and_those_of_people_stay(root, gradebook):
    save(gradebook, rows_of(gradebook))
    essay = gradebook.find_grade("essay", "problem", courses.ASSIGNMENT, "ada")
    essay.manual_score, essay.needs_manual_grade = 3.0, False
    gradebook.db.commit()
    rows = rows_of(gradebook)
    rows.set_grade("problem", "test_mean", 2.5)
    rows.set_grade("problem", "essay", None)
    rows.set_comment("problem", "essay", "No response.")
    rows.flag(["problem"])
    save(gradebook, rows)
    notebook = compare.gradebook_rows(root)["ada"]["notebooks"]["problem"]
    assert notebook["grades"]["test_mean"][:2] == (2.5, None)
    assert notebook["grades"]["essay"][:2] == (None, 3.0)
    assert notebook["grades"]["essay"][4]  # a person is shown it again
    assert notebook["comments"]["essay"] == ("No response.", None)
    assert notebook["flagged"]


def test_an_extension_moves_the_due_date_as_nbgrader_moves_it(gradebook):
    rows = rows_of(gradebook)
    assert rows.seconds_late == 0.0
    rows.set_time(DUE + datetime.timedelta(hours=3))
    assert rows.seconds_late == 3 * 3600
    save(gradebook, rows)
    gradebook.grant_extension(courses.ASSIGNMENT, "ada", hours=1)
    submission = gradebook.find_submission(courses.ASSIGNMENT, "ada")
    assert rows_of(gradebook).seconds_late == submission.total_seconds_late == 2 * 3600


def test_what_the_assignment_has_not_is_an_error_with_its_name(gradebook):
    rows = rows_of(gradebook)
    with pytest.raises(MissingEntry, match="No such grade: cell 'squares' of notebook 'problem'"):
        rows.set_grade("problem", "squares", 1.0)
    with pytest.raises(MissingEntry, match="No such comment: cell 'test_mean'"):
        rows.set_comment("problem", "test_mean", None)
    with pytest.raises(MissingEntry, match="No such assignment: ps9"):
        Rows(gradebook.db.connection(), "ps9", "ada")


def test_scores_of_the_class_tell_what_is_there(gradebook):
    rows = rows_of(gradebook)
    rows.set_grade("problem", "test_mean", 2.5)
    save(gradebook, rows)
    scores = Scores(gradebook.db.connection(), courses.ASSIGNMENT)

    def has(student, **grades):
        marks = [{"notebook": "problem", "name": n, "auto_score": s} for n, s in grades.items()]
        return scores.has(student, marks)

    assert has("ada") and has("ada", test_mean=2.5, essay=None)
    assert not has("ada", test_mean=2.0) and not has("ada", test_mean=None)
    assert not has("ada", essay=0.0) and not has("ada", unknown=1.0) and not has("bob")


def test_no_statement_reads_the_rows_of_the_whole_class(gradebook):
    """Otherwise each submission would cost more the more there are."""
    run = []

    def keep(connection, cursor, statement, parameters, context, many):
        run.append((statement, parameters[0] if many else parameters))

    event.listen(gradebook.engine, "before_cursor_execute", keep)
    for score in (1.0, 2.0):  # new rows, then rows that are there
        rows = rows_of(gradebook)
        rows.set_time(DUE)
        rows.set_grade("problem", "test_mean", score)
        rows.set_comment("problem", "essay", f"comment {score}")
        rows.flag(["problem"])
        save(gradebook, rows)
    event.remove(gradebook.engine, "before_cursor_execute", keep)
    plans = [
        step[3]
        for statement, parameters in run
        if statement.startswith(("SELECT", "UPDATE"))
        for step in gradebook.db.connection().exec_driver_sql(
            f"EXPLAIN QUERY PLAN {statement}", parameters
        )
    ]
    assert sum(step.startswith("SEARCH") for step in plans) >= 8
    whole = [step for step in plans if step.startswith("SCAN") and step.split()[1] in CLASS_TABLES]
    assert whole == []
    # The same query as nbgrader's API makes it does read them all: the check can tell.
    joined = text(
        "EXPLAIN QUERY PLAN SELECT grade.id FROM grade JOIN submitted_notebook "
        "ON submitted_notebook.id = grade.notebook_id WHERE submitted_notebook.assignment_id = 'x'"
    )
    assert any(row[3].startswith("SCAN") for row in gradebook.db.execute(joined))
