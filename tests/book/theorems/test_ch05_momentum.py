"""The statements of chapter 5, in fractions and plain NumPy, on functions of these tests alone."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest


def steps_of(gradients, rho, rate):
    """Return the buffers and points of momentum from rest at 0, whatever numbers these are."""
    b, x, seen = 0, 0, []
    for g in gradients:
        b = rho * b + g
        x = x - rate * b
        seen.append((b, x))
    return seen


def walk(slope, x, rate, rho, steps):
    """Return the points of momentum on a function of one coordinate."""
    b, points = 0 * x, [x]
    for _ in range(steps):
        b = rho * b + slope(points[-1])
        points.append(points[-1] - rate * b)
    return points


def size(rate, rho, *curvatures):
    """The largest eigenvalue of a step, by the map from two points to the next two."""
    return max(
        float(np.abs(np.linalg.eigvals([[1 + rho - rate * h, -rho], [1, 0]])).max())
        for h in curvatures
    )


def quadratic(rng, curvatures):
    axes, _ = np.linalg.qr(rng.normal(size=(len(curvatures), len(curvatures))))
    return axes @ np.diag(curvatures) @ axes.T


@pytest.mark.theorem("thm-mom-sum")
def test_the_buffer_is_the_sum_of_the_gradients_each_by_its_age():
    rng = np.random.default_rng(0)
    gradients = [Fraction(int(n), 7) for n in rng.integers(-20, 20, 30)]
    rho = Fraction(3, 5)
    for t, (b, _) in enumerate(steps_of(gradients, rho, Fraction(1, 9)), start=1):
        assert b == sum(rho ** (t - i) * gradients[i - 1] for i in range(1, t + 1))


@pytest.mark.theorem("thm-mom-sum")
def test_on_a_steady_slope_the_steps_grow_to_the_terminal_speed():
    rho, rate, g = Fraction(9, 10), Fraction(1, 10), Fraction(-3)
    seen = steps_of([g] * 400, rho, rate)
    for t, (b, _) in enumerate(seen, start=1):
        assert b == (1 - rho**t) / (1 - rho) * g
    lengths = [abs(after[1] - before[1]) for before, after in pairwise(seen)]
    assert all(short < long for short, long in pairwise(lengths))
    assert 0 < rate / (1 - rho) * abs(g) - lengths[-1] < Fraction(1, 10**15)


@pytest.mark.theorem("thm-mom-sum")
def test_without_momentum_it_is_gradient_descent():
    x, plain = Fraction(2), [Fraction(2)]
    for _ in range(12):
        x = x - Fraction(1, 20) * (x**2 - 3)
        plain.append(x)
    assert walk(lambda x: x**2 - 3, Fraction(2), Fraction(1, 20), 0, 12) == plain


@pytest.mark.theorem("thm-mom-forms")
def test_sum_mean_and_classical_form_are_one_path_at_a_constant_rate_only():
    rng = np.random.default_rng(1)
    gradients = [Fraction(int(n), 3) for n in rng.integers(-9, 9, 40)]
    rho = Fraction(4, 5)

    def ends(rates):
        at, b, mean, v = [Fraction(0)] * 3, 0, 0, 0
        for g, rate in zip(gradients, rates, strict=True):
            b, mean, v = rho * b + g, rho * mean + (1 - rho) * g, rho * v - rate * g
            at = [at[0] - rate * b, at[1] - rate / (1 - rho) * mean, at[2] + v]
        return at

    constant = ends([Fraction(1, 8)] * 40)
    assert constant[0] == constant[1] == constant[2] != 0
    changing = ends([Fraction(1, 8)] * 20 + [Fraction(1, 80)] * 20)
    assert changing[0] == changing[1] != changing[2]


@pytest.mark.theorem("thm-mom-stable")
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.9, 0.99])
def test_runs_on_a_random_bowl_settle_below_the_border_and_not_at_it_or_above(rho):
    rng = np.random.default_rng(2)
    curvatures = np.array([0.5, 1.7, 3.0, 4.0])
    hessian = quadratic(rng, curvatures)
    steep = np.linalg.eigh(hessian)[1][:, -1]
    border = 2 * (1 + rho) / 4
    for share in (0.02, 0.5, 0.97):
        end = walk(lambda x: hessian @ x, rng.normal(size=4), share * border, rho, 4000)[-1]
        assert np.linalg.norm(end) < 1e-3
    beyond = walk(lambda x: hessian @ x, steep, 1.05 * border, rho, 200)[-1]
    assert np.linalg.norm(beyond) > 1e3
    # At the border itself the steep direction jumps back and forth for ever.
    settled = walk(lambda x: hessian @ x, steep, border, rho, 4000)
    assert min(np.linalg.norm(x) for x in settled[-10:]) > 0.1
    backwards = walk(lambda x: hessian @ x, steep, -0.01, rho, 300)[-1]
    assert np.linalg.norm(backwards) > 1e3


@pytest.mark.theorem("thm-mom-best")
@pytest.mark.parametrize("kappa", [1.5, 9.0, 100.0])
def test_no_pair_on_a_fine_grid_beats_the_best_one(kappa):
    mu, L = 0.3, 0.3 * kappa
    root = (np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1)
    rate, rho = (2 / (np.sqrt(L) + np.sqrt(mu))) ** 2, root**2
    # A double root is known to the square root of the rounding error.
    assert size(rate, rho, mu, (mu + L) / 2, L) == pytest.approx(root, abs=1e-6)
    for other in np.linspace(0, 0.999, 60):
        for step in np.linspace(0.01, 2 * (1 + other) / L, 60):
            assert size(step, other, mu, L) > root - 1e-6
    for turn in np.linspace(0, 2 * np.pi, 40):
        near = (rate * (1 + 0.02 * np.cos(turn)), rho + 0.02 * np.sin(turn))
        assert near[1] < 0 or size(*near, mu, L) > root + 1e-5


@pytest.mark.theorem("prop-mom-ode")
def test_the_points_obey_the_difference_equation_exactly():
    s, c = Fraction(1, 10), Fraction(3, 2)

    def slope(x):
        return x**2 - 2

    points = walk(slope, Fraction(1), s**2, 1 - c * s, 6)
    for before, now, after in zip(points, points[1:], points[2:], strict=False):
        assert (after - 2 * now + before) / s**2 == -c * (now - before) / s - slope(now)


@pytest.mark.theorem("prop-mom-ode")
def test_small_steps_follow_the_damped_swing():
    """On x^2/2 the solution is known; the error falls as the step does."""
    c, end = 0.5, 6.0
    turn = np.sqrt(1 - c**2 / 4)
    exact = np.exp(-c / 2 * end) * (np.cos(turn * end) + c / (2 * turn) * np.sin(turn * end))
    errors = []
    for count in (60, 600, 6000):
        s = end / count
        errors.append(abs(walk(lambda x: x, 1.0, s**2, 1 - c * s, count)[-1] - exact))
    assert errors[0] > 5 * errors[1] > 25 * errors[2]
    assert errors[2] < 1e-3


def crooked(x):
    if x < 1:
        return 25 * x
    return x + 24 if x < 2 else 25 * x - 24


@pytest.mark.theorem("prop-mom-cycle")
def test_the_three_points_are_an_exact_cycle_and_attract():
    rate, rho = Fraction(1, 9), Fraction(4, 9)
    cycle = [Fraction(n, 1225) for n in (792, -2208, 2592)]
    points = [*cycle, *cycle]
    for before, now, after in zip(points, points[1:], points[2:], strict=False):
        assert after == now + rho * (now - before) - rate * crooked(now)
    drawn = walk(crooked, Fraction("3.3"), rate, rho, 120)[-3:]
    assert all(abs(min(cycle, key=lambda p: abs(p - x)) - x) < Fraction(1, 10**12) for x in drawn)
    assert len({min(cycle, key=lambda p: abs(p - x)) for x in drawn}) == 3
    assert abs(walk(crooked, Fraction(3), rate, rho, 120)[-1]) < Fraction(1, 10**12)


@pytest.mark.theorem("prop-mom-cycle")
def test_the_function_bends_between_1_and_25_and_the_pair_is_best_for_these():
    points = np.linspace(-3, 5, 4001)
    slopes = np.array([crooked(x) for x in points])
    bends = np.diff(slopes) / np.diff(points)
    assert bends.min() == pytest.approx(1)
    assert bends.max() == pytest.approx(25)
    assert size(1 / 9, 4 / 9, 1.0, 5.0, 25.0) == pytest.approx(2 / 3, abs=1e-6)
