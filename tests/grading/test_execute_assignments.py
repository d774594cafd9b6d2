"""The course's assignments: the right answers in two kernels, some of the wrong ones in one."""

from __future__ import annotations

import functools

import pytest
from nbgrader.utils import is_grade

from optedu.course.release import assignments
from optedu.grading.execute import Limits
from tests.assignments import bench, notebooks
from tests.grading.cells import needs_sandbox, run, scores, text

ASSIGNMENTS = assignments(notebooks.ROOT)
LIMITS = Limits(cell_timeout_s=120)

pytestmark = needs_sandbox


@functools.cache
def _lost(assignment, name, kernels="two"):
    """Test cells without full points, and what each says, of one submission of the bench."""
    own = bench.load(assignment).submissions()[name] if name else {}
    notebook = notebooks.with_hidden_tests(assignment, own)
    done, outcome = run(*notebook.cells, limits=LIMITS, kernels=kernels)
    assert outcome.status == "ok", outcome
    assert outcome.tampered == []
    cells = [c for c in done.cells if is_grade(c)]
    return {
        cell.metadata.nbgrader.grade_id: " ".join(text(cell).split())
        for cell, got in zip(cells, scores(done), strict=True)
        if got is not None and got < cell.metadata.nbgrader.points
    }


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_instructor_version_scores_everything(assignment):
    assert _lost(assignment, "") == {}


RIGHT = [(a, v.name) for a in ASSIGNMENTS for v in bench.load(a).rights]
# `tests/assignments` grades all mutants in two kernels: do some of them lose the same in one?
PACKS = [(a, pack) for a in ASSIGNMENTS for pack in bench.load(a).packs[:1]]


@pytest.mark.parametrize(("assignment", "name"), RIGHT)
def test_right_answers_written_differently_score_everything(assignment, name):
    assert _lost(assignment, name) == {}


@pytest.mark.parametrize(("assignment", "pack"), PACKS, ids=lambda x: getattr(x, "name", x))
def test_mutants_lose_in_one_kernel_what_they_lose_in_two(assignment, pack):
    lost = _lost(assignment, pack.name, "one")
    assert set(lost) == {test for variant in pack.variants for test in variant.loses}, lost
    for variant in pack.variants:
        assert any(variant.says in lost[test] for test in variant.loses), (variant.name, lost)
