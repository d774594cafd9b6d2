"""Proofs to put in order: which orders are right, what a wrong one costs, what is refused."""

from itertools import combinations, permutations

import pytest
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import determine_grade

import optedu
from optedu.exercise import CheckFailed, Proof
from tests.grading.cells import answer, graded, needs_sandbox, run, scores

# a, then b and c in any order, then d.
TEXT = """The claim.

%% step: a
First.
%% step: b
after a: b needs a.
Second.
%% step: c
after a: c needs a.
Third.
%% step: d
after b: d needs b.
after c: d needs c.
Last.
%% distractor: x
Not this.
why: x is false.
"""
DIAMOND = Proof(TEXT)
LETTER = {block.name: letter for letter, block in DIAMOND.blocks.items()}


def letters(names):
    return [LETTER[name] for name in names]


def test_every_order_that_the_dependencies_allow_is_right_and_no_other():
    full = {p for p in permutations("abcd") if DIAMOND.score(letters(p)) == 1}
    assert full == {tuple("abcd"), tuple("acbd")}
    assert all(DIAMOND.faults(letters(p)) == [] for p in full)


def test_letters_may_be_small_and_stand_apart():
    order = "".join(letters("abcd"))
    assert {DIAMOND.score(each) for each in (order.lower(), " ".join(order), ", ".join(order))} == {
        1
    }


def test_moves_are_the_fewest():
    """Against the definition: the largest part of the order that contradicts nothing."""
    before = {"a": "", "b": "a", "c": "a", "d": "abc"}
    for order in permutations("abcd"):
        kept = max(
            len(part)
            for size in range(5)
            for part in combinations(order, size)
            if not any(q in before[p] for p, q in combinations(part, 2))
        )
        assert DIAMOND.score(letters(order)) == pytest.approx(kept / 4), order


@pytest.mark.parametrize(
    ("names", "score", "said"),
    [
        ("abc", 0.75, ["A step is missing."]),
        ("a", 0.25, ["3 steps are missing."]),
        ("abxcd", 0.75, ["{x} does not belong: x is false."]),
        ("bacd", 0.75, ["{b} stands before {a}, which it needs: b needs a."]),
        ("x", 0.0, ["{x} does not belong: x is false.", "4 steps are missing."]),
        (
            "adbc",
            0.75,
            [
                "{d} stands before {b}, which it needs: d needs b.",
                "{d} stands before {c}, which it needs: d needs c.",
            ],
        ),
    ],
)
def test_wrong_places_are_explained_and_the_rest_counts(names, score, said):
    assert DIAMOND.score(letters(names)) == score
    assert DIAMOND.faults(letters(names)) == [each.format(**LETTER) for each in said]


def test_blocks_are_shuffled_the_same_way_each_time():
    again = Proof(TEXT)
    assert again.blocks == DIAMOND.blocks
    shown = DIAMOND._repr_markdown_()
    assert shown.startswith("The claim.")
    assert "needs" not in shown
    assert "x is false" not in shown


def test_a_right_order_in_any_writing(capsys):
    right = letters("acbd")
    for order in (right, tuple(right), "".join(right), ", ".join(right)):
        assert optedu.exercise.expect_order(order, "".join(DIAMOND.blocks)) is None
        assert optedu.check_order(DIAMOND, order, points=4) == 4.0
    assert "all right" in capsys.readouterr().out
    assert optedu.check_order(TEXT, right) == 1.0


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("", "there is no order yet"),
        ([], "there is no order yet"),
        (None, "your order is None; give the letters"),
        (3, "your order is 3; give the letters"),
        ("AZ", "your order has 'Z' in it; the blocks are A, B, C, D, E"),
        (["A", 1], "your order has 1 in it"),
        ("AA", "your order has A twice"),
        (LETTER["x"], "does not belong: x is false"),
    ],
)
def test_what_earns_nothing_says_why(order, said):
    with pytest.raises(CheckFailed, match=said):
        optedu.check_order(DIAMOND, order)
    if order != LETTER["x"]:  # which needs the proof
        with pytest.raises(CheckFailed, match=said):
            optedu.exercise.expect_order(order, "ABCDE")


@pytest.mark.parametrize("k", range(5))
def test_the_order_shown_is_not_the_answer(k):
    steps = ["%% step: a", "One.", "%% step: b", "after a: a first.", f"Two {k}."]
    assert Proof("\n".join(["Claim.", *steps])).score("AB") == 0.5


@needs_sandbox
def test_two_kernels_give_the_same_points():
    cells = [graded(f"import optedu\noptedu.check_order({TEXT!r}, order, points=3)", 3)]
    for order, points in [(letters("acbd"), 3), (letters("bacd"), 2.25), ([], 0), ("?", 0)]:
        notebook, _ = run(answer(f"order = {order!r}"), *cells)
        assert scores(notebook) == [points]


def test_nbgrader_takes_the_result_for_the_points(capsys):
    value = optedu.check_order(DIAMOND, letters("bacd"), points=3)
    assert type(value) is float
    cell = new_code_cell("", metadata={"nbgrader": {"grade": True, "solution": False, "points": 3}})
    cell.outputs = [
        new_output("stream", name="stdout", text=capsys.readouterr().out),
        new_output("execute_result", {"text/plain": repr(value)}),
    ]
    assert determine_grade(cell) == (2.25, 3)


def swapped(old, new):
    assert old in TEXT
    return TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (swapped("First.", "after d: a needs d.\nFirst."), "in a circle: a after .*d.* after a"),
        (swapped("after b", "after e"), "line 11: d stands after 'e', no step"),
        (swapped("after b", "after x"), "line 11: d stands after 'x', no step"),
        (swapped("why: x is false.", ""), "line 15: distractor x needs a line 'why: ...'"),
        (swapped("%% step: b", "%% step: a"), "line 3: a second block called 'a'"),
        (swapped("d needs b.", ""), "line 11: d gives no sentence after 'after b:'"),
        (
            swapped("after b", "after a b"),
            "line 11: d names 'a b': one step a line, 'after a: ...'",
        ),
        (swapped("Last.", ""), "line 11: step d has no words"),
        (swapped("Last.", "why: no."), "line 11: step d"),
        (swapped("step: b", "step: b c"), "line 5: step needs a name of one word, got 'b c'"),
        (swapped("%% step: b", "%% stop: b"), "line 5: unknown mark 'stop'"),
        (swapped("The claim.", ""), "nothing above the first mark says what is proved"),
        ("Claim.\n%% step: a\nOne.", "a proof has two steps or more, got 1"),
    ],
)
def test_a_text_that_is_no_proof_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Proof(text)


@pytest.mark.parametrize("proof", [None, 3, ["a"]])
def test_what_is_no_proof_is_named(proof):
    with pytest.raises(TypeError, match="proof must be a Proof or its text, got"):
        optedu.check_order(proof, "A")


@pytest.mark.parametrize("points", [0, -1, float("nan")])
def test_points_are_positive(points):
    with pytest.raises(ValueError, match="points must be"):
        optedu.check_order(DIAMOND, "A", points=points)
