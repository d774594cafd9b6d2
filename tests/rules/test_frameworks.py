r"""Every rule against PyTorch and Optax, over 1,000 steps in float64."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import optedu

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

from cases import CASES, RECORDED, STEPS, problem, run_framework

RECORD = np.load(Path(__file__).parents[1] / "oracle" / "trajectories.npz")
MODULE = {"PyTorch": "torch", "Optax": "optax"}  # the packages bear their own names


def run_rule(case, rule=None):
    rule = optedu.rules.get(case.rule) if rule is None else rule
    rule = case.change(rule) if case.change else rule
    x, grad = problem(case.shape)
    state = rule.init(x, **case.hyper)
    kept = []
    for t in range(1, STEPS + 1):
        at = rule.point(x, state, **case.hyper)
        x, state = rule.step(x, grad(at, t), state, t, **case.hyper)
        if t in RECORDED:
            kept.append(x)
    return np.stack(kept)


def compare(case, theirs):
    ours = run_rule(case)
    difference = np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs))
    if case.agrees:
        assert difference < 1e-10
    else:
        assert difference > 1e-8, "the conventions agree after all: correct the note"
        assert case.change or case.framework in optedu.rules.get(case.rule).notes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_recorded(case):
    compare(case, RECORD[case.name])


@pytest.mark.torch
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_live(case):
    if importlib.util.find_spec(MODULE.get(case.framework, case.framework)) is None:
        pytest.skip(f"{case.framework} is not installed")
    compare(case, run_framework(case))


def test_record_is_complete():
    assert set(RECORD.files) == {"made_by", *(case.name for case in CASES)}


def test_a_wrong_rule_is_caught():
    r"""The comparison sees the smallest of the known mistakes: a correction by t - 1."""
    case = next(c for c in CASES if c.name == "adam-PyTorch")
    rule = optedu.rules.get("adam")
    x, grad = problem()
    state = rule.init(x)
    for t in range(1, STEPS + 1):
        x, state = rule.step(x, grad(x, t), state, t + 1)
    assert np.max(np.abs(x - RECORD[case.name][-1])) > 1e-6
