"""The text of a page exercise is parted as its author meant, or refused with the line."""

import pytest

from optedu.web.exercise_text import parse

WHOLE = """Some **prose**.

%% starter
x = 0
%% solution
x = 1
%% check: x is one.
assert x == 1
%% check: x: a number.
assert isinstance(x, int)
""".splitlines()


def test_parts():
    text = parse(WHOLE)
    assert text.prose == "Some **prose**."
    assert text.starter == "x = 0\n"
    assert text.solution == "x = 1\n"
    assert [check.sentence for check in text.checks] == ["x is one.", "x: a number."]
    assert text.checks[1].code == "assert isinstance(x, int)\n"
    assert text.checks[0].line == 7


@pytest.mark.parametrize("part", ["starter", "solution", "check"])
def test_missing_part_is_named(part):
    keep, skipping = [], False
    for line in WHOLE:
        if line.startswith("%%"):
            skipping = line.startswith(f"%% {part}")
        if not skipping:
            keep.append(line)
    with pytest.raises(ValueError, match=f"no {part} in the exercise"):
        parse(keep)


def test_unknown_mark_and_empty_sentence_are_refused():
    with pytest.raises(ValueError, match="line 11: unknown mark 'tests'"):
        parse([*WHOLE, "%% tests"])
    with pytest.raises(ValueError, match="line 11: a check needs a sentence"):
        parse([*WHOLE, "%% check:", "pass"])
    with pytest.raises(ValueError, match="line 11: a second starter"):
        parse([*WHOLE, "%% starter", "pass"])


def test_hints_come_in_their_order_and_are_not_empty():
    assert parse([*WHOLE, "%% hint", "One.", "", "%% hint", "Two."]).hints == (
        (11, "One."),
        (14, "Two."),
    )
    with pytest.raises(ValueError, match="line 11: a hint needs words on the lines below it"):
        parse([*WHOLE, "%% hint", ""])
