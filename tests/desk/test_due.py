"""`optedu due`: due dates and extensions, said and set. What they do: grading/test_lateness.py."""

from __future__ import annotations

import pytest
from nbgrader.api import Gradebook

from tests.desk.conftest import complaint, said, tree

PENALTY = 'c.LateSubmissionPlugin.penalty_method = "zero"\nc.Exchange.timezone = "Europe/Berlin"\n'


@pytest.fixture
def dated(course):
    """The course with a due date, and a time zone of its own."""
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(PENALTY)
    assert said("due", "ps1", "2026-12-01 18:00") == (
        "ps1: due 2026-12-01 18:00 Europe/Berlin\n"
        "optedu grade ps1 sees to penalties, and grades nothing again\n"
    )
    return course


def book(root):
    return Gradebook(f"sqlite:///{root / 'gradebook.db'}", "tiny")


def test_a_due_date_is_the_gradebooks(dated):
    with book(dated) as gradebook:
        assert str(gradebook.find_assignment("ps1").duedate) == "2026-12-01 17:00:00"
    assert said("due", "ps1").splitlines() == [
        "ps1: due 2026-12-01 18:00 Europe/Berlin",
        "Lateness costs: zero",
    ]
    assert said("due", "ps1", "none").startswith("ps1: due at no time\n")
    assert said("due", "ps1").startswith("ps1: due at no time\n")


def test_an_extension_of_nobody_and_of_no_assignment_is_told(dated):
    lines = ["assignment,student,due", "ps1,ada,2026-12-03", "ps1,eve,2026-12-03"]
    (dated / "extensions.csv").write_text("\n".join([*lines, "ps7,ada,2026-12-03"]))
    told = (
        "extensions.csv: ps1,eve: no student 'eve' in the class, "
        "ps7,ada: no assignment 'ps7': mend it"
    )
    assert said("due", "ps1", code=3).splitlines()[-1] == told
    assert said("due", "ps1", "2026-12-02", code=3).splitlines()[-1] == told


@pytest.mark.parametrize("day", ["20261201", "2026-W49-2", "2026-12-01"])
def test_a_day_lasts_to_its_end_however_it_is_written(dated, day):
    assert said("due", "ps1", day).startswith("ps1: due 2026-12-01 23:59 Europe/Berlin\n")


def test_an_extension_is_there_for_who_has_not_handed_in(dated):
    text = said("due", "ps1", "2026-12-03", "--student", "ada", "--student", "bob")
    assert text.startswith("ps1: ada, bob: until 2026-12-03 23:59 Europe/Berlin\n")
    assert (dated / "extensions.csv").read_text() == (
        "assignment,student,due\nps1,ada,2026-12-03 22:59:59 UTC\nps1,bob,2026-12-03 22:59:59 UTC\n"
    )
    assert "1 of 3" not in said("roster", "--missing", "ps1"), "an extension hands nothing in"
    said("due", "ps1", "none", "--student", "bob")
    assert said("due", "ps1").splitlines()[0] == (
        "ps1: due 2026-12-01 18:00 Europe/Berlin; "
        "extended: ada until 2026-12-03 23:59 Europe/Berlin"
    )


def test_an_extension_after_the_submission_is_in_the_gradebook_at_once(dated):
    with book(dated) as gradebook, gradebook.db.no_autoflush:
        when = "2026-12-02 18:00:00 UTC"
        gradebook.add_submission("ps1", "ada", timestamp=when)
    assert "Late: 1, no penalty: ada by 1 d 1 h" in said("due", "ps1")
    said("due", "ps1", "2026-12-03", "--student", "ada")
    with book(dated) as gradebook:
        assert gradebook.find_submission("ps1", "ada").total_seconds_late == 0
    assert "Late" not in said("due", "ps1").partition("\n")[2].replace("Lateness", "")
    said("due", "ps1", "none", "--student", "ada")
    with book(dated) as gradebook:
        assert gradebook.find_submission("ps1", "ada").extension is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["soon"], "'soon' is no time: write it as 2026-12-01, 2026-12-01 18:00 or"),
        (["01.12.2026"], "'01.12.2026' is no time"),
        (["2026-11-30", "--student", "ada"], "2026-11-30 23:59 Europe/Berlin is no extension"),
        (["2026-12-03", "--student", "eve"], "--student: no student 'eve' in the gradebook"),
        (["2026-12-03", "--student", "ada", "--student", "eve"], "no student 'eve'"),
    ],
)
def test_what_is_no_date_or_nobody_changes_nothing(dated, arguments, words):
    before = tree(dated)
    assert words in complaint("due", "ps1", *arguments)
    assert tree(dated) == before


def test_what_has_no_due_date_cannot_be_extended(course):
    text = complaint("due", "ps1", "2026-12-03", "--student", "ada")
    assert "ps1 has no due date to extend: run optedu due ps1 DATE first" in text
    assert not (course / "extensions.csv").exists()
