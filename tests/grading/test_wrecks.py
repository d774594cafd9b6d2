"""Code that is no answer at all costs its own item, in every assignment, and nothing else."""

from __future__ import annotations

import ast

import pytest
from nbgrader.utils import is_grade

from optedu.course.release import assignments
from optedu.grading.execute import Limits
from tests.assignments import bench, notebooks
from tests.grading.cells import needs_sandbox, run, scores

LIMITS = Limits(cell_timeout_s=6)
WRECKS = {
    "none": "None",
    "wrong_type": "['seven']",
    "exception": "1 / 0",
    "endless_loop": "all(True for _ in iter(int, 1))",
    "huge_output": "print('x' * 3_000_000)",
    "exit": "__import__('sys').exit()",
}

pytestmark = needs_sandbox


def wrecked(source, expression):
    """Return the answer with each function's body and each value replaced by an expression."""
    tree = ast.parse(source)
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            statement.body = [ast.Return(ast.parse(expression, mode="eval").body)]
        elif isinstance(statement, ast.Assign):
            statement.value = ast.parse(expression, mode="eval").body
    return ast.unparse(ast.fix_missing_locations(tree))


def own_tests(assignment):
    """Return the test cells that mutants of each cell lose: those that look at it."""
    found = {}
    for variant in bench.load(assignment).wrongs:
        if len(variant.cells) == 1:
            (cell,) = variant.cells
            found.setdefault(cell, set()).update(variant.loses)
    return found


# Two turns wreck each answer of an assignment once; the assignments share out the six among them.
TURNS = [
    (name, turn)
    for number, name in enumerate(filter(notebooks.of_the_course, assignments(notebooks.ROOT)))
    for turn in (number % 3, number % 3 + 3)
]


@pytest.mark.parametrize(("assignment", "turn"), TURNS)
def test_wrong_code_of_any_kind_costs_its_own_item_only(assignment, turn):
    right = notebooks.answers(assignment)
    own = own_tests(assignment)
    given = bench.load(assignment).given  # for what would else lean on another answer
    kinds = list(WRECKS)
    # Every second answer is wrecked, each in another way; the others must not notice.
    hurt = {
        name: kinds[(turn + position) % len(kinds)]
        for position, name in enumerate(sorted(own))
        if (turn + position // 2) % 2
    }
    broken = {name: wrecked(right[name], WRECKS[kind]) for name, kind in hurt.items()}
    notebook = notebooks.with_hidden_tests(assignment, {**given, **broken})
    done, outcome = run(*notebook.cells, limits=LIMITS)
    assert outcome.status in ("ok", "timeout"), outcome
    assert not outcome.tampered
    points = notebooks.points(assignment)
    got = {
        cell.metadata.nbgrader.grade_id: score
        for cell, score in zip(filter(is_grade, done.cells), scores(done), strict=True)
    }
    lost = {name for name, most in points.items() if got[name] is None or got[name] < most}
    assert lost <= set().union(*(own[name] for name in hurt)), (hurt, outcome)
    for name, kind in hurt.items():
        assert lost & own[name], (name, kind)
