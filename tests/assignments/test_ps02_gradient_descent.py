"""The assignment on gradient descent, graded as students' work is."""

import pytest

from tests.assignments import checks
from tests.assignments.variants import DESCENT_RIGHT, DESCENT_WRONG

ASSIGNMENT = "ps02_gradient_descent"


def test_instructor_version_scores_everything(graded):
    checks.full(ASSIGNMENT, graded["instructor"])


def test_released_version_scores_nothing(graded):
    checks.nothing(graded["released"])


@pytest.mark.parametrize("variant", DESCENT_RIGHT, ids=lambda v: v.name)
def test_right_answer_written_differently_scores_everything(graded, variant):
    checks.full(ASSIGNMENT, graded[variant.name])


@pytest.mark.parametrize("variant", DESCENT_WRONG, ids=lambda v: v.name)
def test_mutant_loses_exactly_its_points(graded, variant):
    checks.exactly(variant, graded)


def test_there_are_enough_mutants():
    assert len(DESCENT_WRONG) >= 10


def test_points_are_stated_in_the_text():
    checks.stated_points(ASSIGNMENT)
