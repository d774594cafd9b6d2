"""The statements of chapter 10, in fractions and plain NumPy, on rules written here once more."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest


def adam_on_signs(large, decay, rate, start, periods):
    """Return the points of Adam, beta1 = 0, eps = 0, corrected, on C, -1, -1 in [-1, 1]."""
    v, x, points = 0.0, start, [start]
    for t in range(1, 3 * periods + 1):
        g = large if t % 3 == 1 else -1.0
        v = decay * v + (1 - decay) * g * g
        x = min(1.0, max(-1.0, x - rate * g / np.sqrt(v / (1 - decay**t))))
        points.append(x)
    return points


@pytest.mark.theorem("thm-after-wrong")
def test_adam_ends_every_late_period_at_the_worst_point_and_pays_for_it():
    for large in (2.01, 3.0, 10.0):
        for rate in (0.3, 0.01):
            for start in (-1.0, 0.2, 1.0):
                points = adam_on_signs(large, 1 / (1 + large**2), rate, start, 600)
                late = points[1200:]
                assert late[::3] == [1.0] * len(late[::3])
                for first in range(0, len(late) - 3, 3):
                    paid = large * late[first] - late[first + 1] - late[first + 2]
                    assert (paid + large - 2) / 3 >= 2 * (large - 2) / 3 - 1e-12


@pytest.mark.theorem("thm-after-index")
def test_an_old_divisor_keeps_the_mean_and_a_new_one_turns_its_sign():
    """All sequences of five gradients with their probabilities, in fractions."""
    law = {Fraction(3): Fraction(1, 3), Fraction(-1): Fraction(2, 3)}
    mean = sum(g * p for g, p in law.items())
    decay, old, new, inverse = Fraction(1, 10), Fraction(0), Fraction(0), Fraction(0)
    for seen in product(law, repeat=5):
        chance = np.prod([law[g] for g in seen])
        v = Fraction(0)
        for g in seen[:-1]:
            v = decay * v + (1 - decay) * g * g
        after = decay * v + (1 - decay) * seen[-1] ** 2
        # A divisor without a root keeps all numbers rational; the theorem is for any.
        old += chance * seen[-1] / v
        inverse += chance / v
        new += chance * seen[-1] / after
    assert old == mean * inverse > 0
    assert new < 0


@pytest.mark.theorem("thm-after-l2")
def test_for_gradient_descent_the_two_decays_are_one_rule():
    rate, decay, x, y = Fraction(1, 7), Fraction(2, 5), Fraction(3), Fraction(3)
    for n in range(-4, 5):
        x = x - rate * (Fraction(n, 3) + decay * x)
        y = (1 - rate * decay) * y - rate * Fraction(n, 3)
        assert x == y


@pytest.mark.theorem("thm-after-l2")
def test_adams_first_step_sees_no_penalty_that_is_smaller_than_the_gradient():
    rng = np.random.default_rng(3)
    x, g = rng.normal(size=500), rng.normal(size=500)
    b1, b2, rate = 0.9, 0.999, 0.1

    def first(fed):
        m, v = (1 - b1) * fed, (1 - b2) * fed**2
        return x - rate * (m / (1 - b1)) / np.sqrt(v / (1 - b2))

    blind = np.abs(0.5 * x) < np.abs(g)
    assert 100 < blind.sum() < 450
    same = np.isclose(first(g), first(g + 0.5 * x), rtol=1e-12)
    assert same[blind].all()
    turned = ~blind & (np.sign(x) != np.sign(g))
    assert turned.any() and not same[turned].any()


@pytest.mark.theorem("thm-after-mean")
def test_decayed_weights_are_that_mean_and_stay_in_the_box():
    pace, decay = Fraction(1, 6), Fraction(1, 2)
    rate = pace / decay
    rng = np.random.default_rng(1)
    steps = [Fraction(int(n), 10) for n in rng.integers(-10, 11, 40)]
    start = Fraction(2)
    x = start
    for t, u in enumerate(steps, start=1):
        x = (1 - pace) * x - rate * u
        weights = [pace * (1 - pace) ** (t - i) for i in range(1, t + 1)]
        assert sum(weights) + (1 - pace) ** t == 1
        mean = sum(w * -u / decay for w, u in zip(weights, steps, strict=False))
        assert x == (1 - pace) ** t * start + mean
        assert abs(x) <= 1 / decay


@pytest.mark.theorem("thm-after-mean")
def test_the_box_is_not_smaller():
    x = 0.0
    for _ in range(2000):
        x = (1 - 0.01) * x + 0.02
    assert np.isclose(x, 2.0)


@pytest.mark.theorem("thm-after-adamax")
def test_the_root_of_the_mean_power_tends_to_the_faded_maximum():
    rng = np.random.default_rng(0)
    for _ in range(20):
        g, beta = rng.normal(size=30), rng.uniform(0.5, 0.99)
        u = 0.0
        for value in g:
            u = max(beta * u, abs(value))
        faded = np.abs(g) * beta ** np.arange(29, -1, -1)
        assert np.isclose(u, faded.max())
        shares = faded / faded.max()
        for p in (200, 2000, 20000):
            root = u * ((1 - beta**p) * np.sum(shares**p)) ** (1 / p)
            assert (1 - beta**p) ** (1 / p) * u <= root * (1 + 1e-12)
            assert root <= (1 - beta**p) ** (1 / p) * 30 ** (1 / p) * u * (1 + 1e-12)
        assert abs(root - u) < 1e-3 * u


@pytest.mark.theorem("prop-after-classes")
def test_a_rare_class_is_a_slow_one_for_descent_and_no_other_for_signs():
    shares = np.array([0.7, 0.25, 0.05])

    def slope(w):
        return np.tanh(w - 1.5) + 0.1 * (w - 1.5)

    together, signs, alone = np.zeros(3), np.zeros(3), np.zeros(3)
    for _ in range(200):
        together = together - 0.4 * (shares * slope(together))
        signs = signs - 0.003 * np.sign(shares * slope(signs))
        for k in range(3):
            alone[k] -= 0.4 * shares[k] * slope(alone[k])
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert (signs == signs[0]).all() and signs[0] > 0.5
    assert together[0] > together[1] > together[2]
