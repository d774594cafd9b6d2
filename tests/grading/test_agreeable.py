"""Answers that agree with whatever they are compared with earn nothing, in every assignment."""

from __future__ import annotations

import ast

import pytest
from nbgrader.utils import is_grade

from optedu.course.release import assignments
from optedu.grading.execute import Limits
from tests.assignments import notebooks
from tests.grading.cells import needs_sandbox, run, scores
from tests.grading.test_wrecks import wrecked

pytestmark = needs_sandbox

OURS = [name for name in assignments(notebooks.ROOT) if notebooks.of_the_course(name)]

# Equal to all, true, callable, as long as asked for: and no right answer is -1234.5.
AGREEABLE = """
class Agreeable(float):
    def __new__(cls, *_):
        return float.__new__(cls, -1234.5)

    def agree(self, *_, **__):
        return True

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = agree
    __array_ufunc__ = __array_function__ = agree
    __hash__ = float.__hash__

    def itself(self, *_, **__):
        return self

    __call__ = __getattr__ = __getitem__ = itself

    def __iter__(self):
        return iter([self] * 3)

    def __len__(self):
        return 3


import optedu, optedu.exercise, numpy as np

expect = optedu.exercise.expect = lambda *_, **__: None
optedu.check = optedu.check_expression = lambda *_, **__: None
optedu.check_order = lambda *_, points=1, **__: print(points) or points
np.allclose = np.isclose = np.array_equal = lambda *_, **__: True
isinstance = lambda *_: True
"""


@pytest.mark.parametrize("assignment", OURS)
def test_answers_that_agree_with_everything_earn_nothing(assignment):
    own = {name: wrecked(source, "Agreeable()") for name, source in code(assignment).items()}
    first = next(iter(own))
    own[first] = AGREEABLE + own[first]
    done, outcome = run(
        *notebooks.with_hidden_tests(assignment, own).cells, limits=Limits(cell_timeout_s=60)
    )
    assert outcome.status == "ok", outcome
    tests = [cell for cell in done.cells if is_grade(cell)]
    earned = {
        cell.metadata.nbgrader.grade_id: score
        for cell, score in zip(tests, scores(done), strict=True)
        if score
    }
    assert not earned
    # That the checks were replaced in the student's kernel does not go unseen either.
    assert outcome.tampered


def code(assignment):
    """Return the right answers that are Python, not prose, by grade id."""
    found = {}
    for name, source in notebooks.answers(assignment).items():
        try:
            ast.parse(source)
        except SyntaxError:
            continue
        found[name] = source
    return found
