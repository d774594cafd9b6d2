r"""What the chapters claim, run on the rules themselves rather than on the formulas."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import optedu
from optedu import rules
from optedu.derive import expectation, unroll
from optedu.symbols import beta2, t

adam = rules.get("adam").at(weight_decay=0)
s = adam.symbols
bare = adam.rewrite("adam_uncorrected", "", m_hat=s["m_new"], v_hat=s["v_new"])


def lengths(rule, gradients, *, eps=0.0, **hyper):
    """Step lengths of a rule on given gradients, in learning rates."""
    x = np.zeros(1)
    state, steps = rule.init(x), []
    for step, gradient in enumerate(gradients, start=1):
        new, state = rule.step(x, np.array([gradient]), state, step, lr=1.0, eps=eps, **hyper)
        steps.append(abs(float((new - x)[0])))
        x = new
    return np.array(steps)


def test_without_correction_steps_are_too_long():
    factor = lengths(bare, [2.5] * 60)
    assert factor[0] == pytest.approx(np.sqrt(10))
    assert factor.argmax() + 1 == 12
    assert factor.max() == pytest.approx(6.5685, abs=1e-4)
    assert lengths(bare, [1.0], beta1=0.0, beta2=0.9999)[0] == pytest.approx(100)
    assert lengths(adam, [2.5] * 60) == pytest.approx(1.0)


def test_an_isolated_gradient_attains_the_printed_number():
    assert lengths(adam, [0.0] * 9000 + [1.0], eps=1e-30)[-1] == pytest.approx(
        np.sqrt(10), rel=1e-3
    )


def test_growing_gradients_pass_it_and_stay_below_the_supremum():
    total = 4000
    growth = 0.999 / 0.9
    steps = lengths(adam, growth ** (np.arange(total) - total / 2))
    supremum = np.sqrt(370 / 7)
    assert steps.max() > 0.98 * supremum
    assert (steps <= supremum).all()


@pytest.mark.parametrize("seed", range(3))
def test_no_random_gradients_pass_the_supremum(seed):
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal(500) * np.exp(rng.uniform(-20, 20, 500))
    assert lengths(adam, gradients).max() <= np.sqrt(370 / 7)


def test_first_step_with_each_epsilon():
    g = 1e-6
    x, state = adam.step(np.zeros(1), np.array([g]), adam.init(np.zeros(1)), 1, lr=1.0, eps=1e-8)
    assert -x[0] == pytest.approx(0.990, abs=1e-3)
    # The folded form, from the same state.
    keras = np.sqrt(1 - 0.999) / (1 - 0.9) * state["m"] / (np.sqrt(state["v"]) + 1e-7)
    assert keras[0] == pytest.approx(0.240, abs=1e-3)


def test_remainder_attains_its_bound_under_linear_drift():
    i = sp.Symbol("i", integer=True, positive=True)
    g = sp.IndexedBase("g")
    v = unroll(beta2, 1 - beta2, lambda k: g[k] ** 2, t=t, i=i)
    mean = expectation(v.closed_form, g, second=lambda k: 3 + 2 * k)
    # Added up term by term, and exactly: SymPy's closed form of the sum takes it half a minute.
    beta, steps = Fraction(9, 10), 300
    value = sp.lambdify((beta2, t), mean, "math")(beta, steps)
    remainder = value - (1 - beta**steps) * (3 + 2 * steps)
    bound = 2 * beta / (1 - beta)
    assert abs(remainder) <= bound
    assert float(abs(remainder) / bound) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("steps", "value"), [(1, 6), (5, 22), (20, 82), (100, 402)])
def test_huber_attains_the_bound_of_convex_functions(steps, value):
    run = optedu.minimize(optedu.problems.tight_huber(steps), lr=1.0, steps=steps)
    assert run.f[-1] == pytest.approx(1 / value, rel=1e-12)


@pytest.mark.parametrize("over", [0.5, 1.9, 2.1])
def test_the_ceiling_of_a_quadratic(over):
    bowl = optedu.problems.quadratic(7, L=3.0)
    run = optedu.minimize(bowl, [1.0, 1.0], lr=over / bowl.L, steps=400)
    assert (run.f[-1] < 1e-6) == (over < 2)
