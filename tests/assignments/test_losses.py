"""One slip costs its own points: what each mutant may lose, and which the visible cases see."""

import matplotlib.pyplot as plt
import pytest

from optedu.exercise import CheckFailed
from optedu.web import tables
from tests.assignments import notebooks
from tests.assignments.bench import load
from tests.assignments.losses import KEPT, losses, written

MOST = 0.4
"""Share of the points of the tests that one misconception may cost."""
LOSSES = losses()


@pytest.mark.parametrize("assignment", LOSSES)
def test_no_single_misconception_costs_more_than_the_bound(assignment):
    points, lost = LOSSES[assignment]["points"], LOSSES[assignment]["lost"]
    assert lost
    assert {name: cost for name, cost in lost.items() if not 0 < cost <= MOST * points} == {}


def test_the_book_has_these_losses():
    assert KEPT.read_text() == written(), "run python -m tests.assignments.losses"
    rows = tables.losses(KEPT).split("* - ")
    assert len(rows) == 2 + len(LOSSES)
    for row, (assignment, found) in zip(rows[2:], LOSSES.items(), strict=True):
        worst = 100 * max(found["lost"].values()) / found["points"]
        assert assignment in row
        assert f"  - {len(found['lost'])}\n" in row
        assert f"  - {worst:.0f} %" in row


FITTED = {
    "expected_v_fits_the_visible_test",
    "whole_way_guessed",
}
"""Mutants that know the visible case, so that no single case can see them."""


def cases(cells):
    """Return the ids of the tests that compare a formula in one case."""
    return {cell.id for cell in cells if "variables={" in cell.source}


def formulas():
    """Yield the mutants that lose tests of formulas alone."""
    for assignment in LOSSES:
        tests = cases(notebooks.read("exercises", assignment).cells)
        for variant in load(assignment).wrongs:
            if variant.loses <= tests:
                fitted = [pytest.mark.xfail(reason="knows the case")] * (variant.name in FITTED)
                name = f"{assignment}-{variant.name}"
                yield pytest.param(assignment, variant, id=name, marks=fitted)


@pytest.mark.parametrize(("assignment", "variant"), list(formulas()))
def test_the_visible_case_sees_the_misconception(assignment, variant):
    filled = {**notebooks.answers(assignment), **variant.cells}
    wanted = {"setup", "symbols", "symbols_time", *variant.cells}
    names: dict = {}
    cells = notebooks.read("exercises", assignment).cells
    for cell in cells:
        if cell.id in wanted:
            exec(filled.get(cell.id, cell.source), names)
    plt.close("all")
    for cell in cells:
        if cell.id in variant.loses:
            with pytest.raises(CheckFailed):
                exec(cell.source, names)


@pytest.mark.parametrize("assignment", LOSSES)
def test_a_right_formula_is_told_that_this_was_one_case(assignment, capsys):
    names: dict = {}
    answers = notebooks.answers(assignment)
    cells = notebooks.read("exercises", assignment).cells
    tests = cases(cells)
    assert tests
    answer = None
    for cell in cells:
        if cell.id in {"setup", "symbols", "symbols_time"}:
            exec(cell.source, names)
        elif cell.id in answers:
            answer = cell.id
        elif cell.id in tests:
            # The answer stands above; the call is shown as the last line of a cell is.
            exec(answers[answer], names)
            head, call = f"\n{cell.source}".rsplit("\noptedu.check_expression(", 1)
            exec(f"{head}\nprint(optedu.check_expression({call})", names)
            said = capsys.readouterr().out
            assert "right in this case; other values are tried when you hand in" in said
