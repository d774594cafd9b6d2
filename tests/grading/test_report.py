"""Progress and summary, from made-up entries."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from optedu.grading.plan import Plan, Shared
from optedu.grading.report import Lines, LiveBar, observer, print_summary, summarize, write_report
from optedu.grading.run import Entry, Outcome
from optedu.grading.tally import count

ITEM = {"notebook": "problem", "name": "test_mean", "max_score": 3.0, "automatic": True}
ESSAY = {"notebook": "problem", "name": "essay", "max_score": 4.0, "automatic": False}


def entry(student, score, *, status="graded", detail="", tampered=(), ungraded=()):
    return Entry(
        student=student,
        status=status,
        detail=detail,
        tampered=tampered,
        notes=(),
        score=score,
        max_score=3.0,
        ungraded=ungraded,
        seconds=0.5,
        fresh=True,
    )


def tallies(*tests):
    found = {}
    for score, message in tests:
        count(found, [{**ITEM, "score": score, "message": message}])
    return found


@pytest.fixture
def outcome():
    entries = (
        entry("ada", 3.0),
        entry("bob", 0.0),
        entry("cy", 0.0),
        entry("di", 1.0),
        entry("eve", None, status="invalid", detail="problem.ipynb is not valid JSON"),
        entry("fox", 3.0, tampered=("numpy.allclose accepts wrong values",)),
    )
    items = tallies(
        (3.0, None),
        (0.0, "AssertionError: the mean of 1, 2, 6 is 3\nmore"),
        (0.0, "AssertionError: the mean of 1, 2, 6 is 3"),
        (1.0, "NameError: total"),
        (3.0, None),
    )
    return Outcome(Plan(Shared({}, ("problem",), (ITEM, ESSAY))), entries, 12.0, items)


def test_who_needs_a_person():
    assert not entry("a", 0.0).needs_human
    assert entry("a", 0.0, status="timeout", detail="slow").reason == "slow"
    assert entry("a", 0.0, status="timeout").reason == "timeout"
    assert entry("a", 0.0, ungraded=("test_mean",)).reason == (
        "no score for test_mean: the test cell is missing"
    )
    assert entry("a", 3.0, tampered=("x", "y")).reason == "x; y"


def test_item_statistics_count_messages(outcome):
    (item,) = summarize(outcome)["items"]
    assert (item["attempts"], item["failed"], item["mean"]) == (5, 3, 1.4)
    assert item["messages"] == [
        {"message": "AssertionError: the mean of 1, 2, 6 is 3", "count": 2},
        {"message": "NameError: total", "count": 1},
    ]


def test_the_distribution_counts_every_score_once(outcome):
    scores = summarize(outcome)["scores"]
    assert scores["count"] == sum(b["count"] for b in scores["bins"]) == 5
    assert [b["count"] for b in scores["bins"]] == [2, 1, 0, 0, 2]
    assert (scores["mean"], scores["median"]) == (1.4, 1.0)


def test_an_assignment_without_points_has_a_distribution_too(outcome):
    nothing = entry("a", 0.0)
    empty = Outcome(outcome.plan, (nothing,), 1.0)
    assert summarize(empty)["scores"]["count"] == 1


def test_the_summary_shows_what_an_instructor_wants_next(outcome):
    stream = io.StringIO()
    print_summary(outcome, Console(file=stream, width=120))
    text = stream.getvalue()
    assert "2 x AssertionError: the mean of 1, 2, 6 is 3" in text
    assert "eve" in text and "problem.ipynb is not valid JSON" in text
    assert "mean 1.4, median 1" in text
    assert "6 submissions: 5 graded, 1 invalid. Graded 6 in 12.0 s (30 a minute)." in text
    assert "essay" not in text


def test_square_brackets_in_messages_are_no_markup(outcome):
    marked = entry("[red]x[/red]", 0.0)
    items = tallies((0.0, "ValueError: [bold]no[/bold]"))
    stream = io.StringIO()
    print_summary(Outcome(outcome.plan, (marked,), 1.0, items), Console(file=stream, width=120))
    assert "1 x ValueError: [bold]no[/bold]" in stream.getvalue()


def test_the_report_is_the_summary_as_json(outcome, tmp_path):
    write_report(outcome, tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == summarize(outcome)


def test_without_a_terminal_progress_is_plain_lines(outcome):
    stream = io.StringIO()
    with observer(stream) as progress:
        assert isinstance(progress, Lines)
        progress.begin(6, 1)
        for item in outcome.entries:
            progress.ended(item)
        progress.waiting("the gradebook is locked")
        progress.waiting("the gradebook is locked")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "6 submissions, 1 of them graded already"
    assert "eve: problem.ipynb is not valid JSON" in lines
    assert lines[-2].startswith("6/6 graded, ") and lines[-2].endswith(", 2 to look at")
    assert lines[-1] == "waiting: the gradebook is locked"
    assert "\x1b" not in stream.getvalue()


def test_on_a_terminal_progress_is_a_bar(outcome):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)
    with LiveBar(console) as progress:
        progress.begin(6, 0)
        for item in outcome.entries:
            progress.ended(item)
    text = stream.getvalue()
    assert "6/6" in text and "/min" in text and "2 to look at" in text


def test_terminals_are_given_no_orders():
    stream = io.StringIO()
    with Lines(stream) as progress:
        progress.begin(1, 0)
        progress.ended(entry("\x1b[2J", 0.0, status="crashed", detail="\x07\x1b]0;owned\x07"))
    assert "\x1b" not in stream.getvalue() and "\x07" not in stream.getvalue()
