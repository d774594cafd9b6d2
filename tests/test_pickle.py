"""What a reader keeps for later, or hands to another process, comes back as it was."""

import copy
import pickle

import numpy as np
import pytest
import sympy

import optedu
from optedu import problems
from optedu.quantities import Source, x
from optedu.rule import Rule
from optedu.symbols import g, lr

RULES = optedu.rules.all()
AGAIN = pytest.mark.parametrize(
    "again", [lambda v: pickle.loads(pickle.dumps(v)), copy.deepcopy], ids=["pickle", "deepcopy"]
)
OPTIONS = {
    "mlp": {"hidden": (3,)},
    "convnet": {"channels": (2,), "data": "digits", "size": 3},
    "tight_huber": {"steps": 10},
}


def use(rule):
    """Take a step in each form, print it in all."""
    point = np.linspace(-1, 1, 6).reshape(2, 3)
    for form in ("numpy", "numba"):
        rule.kernel(form)(point.copy(), np.ones((2, 3)), rule.init(point), 1)
    rule.latex()
    return rule.step(point, np.ones((2, 3)), rule.init(point), 1)[0]


@AGAIN
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule(rule, again):
    fresh = rule.rewrite("fresh")
    for _ in ("before use", "after"):
        other = again(fresh)
        assert other == fresh
        assert hash(other) == hash(fresh)
        assert repr(other) == repr(fresh)
        np.testing.assert_array_equal(use(other), use(fresh))


@AGAIN
def test_equations_stay_as_they_were_written(again):
    rule = RULES["sgd"].at(lr=0)
    assert again(rule).equations == rule.equations
    odd = Rule(
        "odd", "Odd", Source("k", "1"), {lr: 0.1}, (),
        (sympy.Eq(x.new, x.old - lr * sympy.Max(g, 0), evaluate=False),),
    )  # fmt: skip
    assert again(odd) == odd


@AGAIN
@pytest.mark.parametrize("name", problems.names())
def test_a_problem(name, again):
    problem = problems.get(name, **OPTIONS.get(name, {}))
    for _ in ("before use", "after"):
        other = again(problem)
        point = np.linspace(0.5, 0.7, problem.dim)
        assert other.f(point) == problem.f(point)
        np.testing.assert_array_equal(other.grad(point), problem.grad(point))
        if hasattr(problem, "hessian"):
            np.testing.assert_array_equal(other.hessian(point), problem.hessian(point))
        assert not other.x0.flags.writeable
        assert other.minimum == problem.minimum


@AGAIN
def test_your_own_expression(again):
    a, b = sympy.symbols("a b", real=True)
    problem = problems.symbolic(a**2 + sympy.exp(b), [a, b], x0=[1.0, 2.0])
    for _ in range(2):
        other = again(problem)
        assert other.expr == problem.expr
        assert other.f(other.x0) == problem.f(problem.x0)


@AGAIN
def test_a_run_and_a_sweep(again):
    run = optedu.minimize(problems.beale(), optimizer="nadam", lr=0.1, steps=5)
    other = again(run)
    np.testing.assert_array_equal(other.x, run.x)
    np.testing.assert_array_equal(other.gap, run.gap)
    assert repr(other) == repr(run)
    swept = optedu.sweep(problems.beale(), optimizer="adam", lr=[0.1, 0.2], steps=5)
    other = again(swept)
    np.testing.assert_array_equal(other.f, swept.f)
    assert other.best == swept.best
    assert repr(other) == repr(swept)
