"""`optedu release` and `optedu feedback`: nbgrader's steps, quiet, and whole or not at all."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import pytest
from nbgrader.api import Gradebook

from tests.desk.conftest import complaint, optedu, said, tree
from tests.grading import course as courses

SECRET = "submission secret"


@pytest.fixture
def exchange(course):
    """An exchange for the course."""
    folder = course.parent / "exchange"
    folder.mkdir()
    folder.chmod(0o777)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(f"c.Exchange.root = {str(folder)!r}\n")
    return folder


def autograded(root, student, blank, **extra: str):
    """What a run of the autograder leaves behind."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "tiny") as book, book.db.no_autoflush:
        book.add_submission("ps1", student)
    folder = root / "autograded" / student / "ps1"
    folder.mkdir(parents=True)
    nbformat.write(courses.answered(blank, **courses.ANSWERS), folder / "problem.ipynb")
    for name, text in extra.items():
        (folder / f"{name}.txt").write_text(text)


def test_the_release_has_no_solution_and_is_registered(course):
    (course / "release/ps1/old.txt").write_text("of last year")
    text = said("release", "ps1")
    assert "release/ps1/problem.ipynb" in text
    assert "No exchange: hand it out by your learning platform" in text
    released = (course / "release/ps1/problem.ipynb").read_text()
    assert "return [i * i" not in released and "secret_length" not in released
    assert {p.name for p in (course / "release/ps1").iterdir()} == {"problem.ipynb", "data.csv"}
    assert "1 assignments, 3 students" in optedu("doctor").output


def test_it_goes_to_the_exchange_once_and_again_when_asked(course, exchange):
    there = exchange / "tiny/outbound/ps1/problem.ipynb"
    assert f"In the exchange: {there.parent}" in said("release", "ps1")
    there.chmod(0o644)
    there.write_text("changed")
    assert "is in the exchange already" in complaint("release", "ps1")
    assert there.read_text() == "changed"
    said("release", "ps1", "--force")
    assert "def squares" in there.read_text()


def test_one_of_ones_own_is_registered_for_the_trial_and_handed_out_later(course, exchange):
    then = said("assignment", "hw1").splitlines()[-1]
    assert then == (
        "Then: optedu release hw1 --update; optedu grade hw1 --try; "
        "optedu release hw1, which hands it out"
    )
    text = said("release", "hw1", "--update")
    assert text.startswith("hw1: in the gradebook, and handed out to nobody: ")
    assert (course / "release/hw1/hw1.ipynb").is_file() and not list(exchange.iterdir())
    assert "2 assignments" in optedu("doctor").output
    said("release", "hw1")
    assert (exchange / "tiny/outbound/hw1/hw1.ipynb").is_file()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{ this is no notebook", "NotJSONError"),
        (None, "no assignment 'ps1' in"),
    ],
)
def test_a_source_that_nbgrader_refuses_leaves_the_release_as_it_was(course, source, words):
    path = course / "source/ps1/problem.ipynb"
    path.unlink()
    if source is not None:
        path.write_text(source)
    before = tree(course / "release")
    assert words in complaint("release", "ps1")
    assert tree(course / "release") == before
    assert not list(course.rglob("*.kept"))


def test_feedback_is_written_and_says_one_line(course, blank):
    """In a process of its own: nbconvert writes its warnings past Python's streams, too."""
    for student in ("ada", "bob"):
        autograded(course, student, blank)
    done = subprocess.run(
        [sys.executable, "-m", "optedu", "feedback", "ps1"],
        cwd=course, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "ps1: feedback for 2 of 2 students in feedback\n"
    assert done.stderr == ""
    assert "1/n is a constant" in (course / "feedback/ada/ps1/problem.html").read_text()


def test_feedback_goes_to_the_exchange_for_who_handed_in_there(course, exchange, blank):
    stamp = "2026-11-23 12:00:00 UTC"
    autograded(course, "ada", blank, timestamp=stamp, submission_secret=SECRET)
    autograded(course, "bob", blank)
    said("release", "ps1")
    text = said("feedback", "ps1")
    assert text.splitlines()[1:] == ["In the exchange: feedback for 1 student"]
    assert len(list((exchange / "tiny/feedback").glob("*.html"))) == 1


def test_feedback_that_fails_for_one_is_written_for_the_others(course, blank):
    for student in ("ada", "bob"):
        autograded(course, student, blank)
    (course / "autograded/ada/ps1/problem.ipynb").write_text("{ no notebook")
    text = said("feedback", "ps1", code=3)
    assert "feedback for 1 of 2 students" in text
    assert "No feedback for ada: NotJSONError" in text
    assert not (course / "feedback/ada/ps1").exists()
    assert "--student: no graded notebook of 'eve'" in complaint(
        "feedback", "ps1", "--student", "eve"
    )
    assert "feedback for 1 of 1 student " in said("feedback", "ps1", "--student", "bob")


def test_feedback_needs_something_graded(course):
    assert "nothing of ps1 is graded: run optedu grade ps1 first" in complaint("feedback", "ps1")
