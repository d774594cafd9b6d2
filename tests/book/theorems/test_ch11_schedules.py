"""The statements of chapter 11, by exact fractions, quadrature, searches and plain loops."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from scipy import optimize


def square_after(rates, h=1.0, var=1.0, e=1.0):
    """The expected square, unrolled to the sum over the noise of each step."""
    rates = np.asarray(rates, dtype=float)
    left = np.append(np.cumprod((1 - rates[::-1] * h) ** 2)[::-1], 1.0)
    return left[0] * e + var * np.sum(rates**2 * left[1:])


@pytest.mark.theorem("thm-sched-floor")
def test_the_expected_square_of_signs_is_counted_exactly():
    # Noise of plus or minus one: all paths can be listed, and their mean square is exact.
    rates, h = [Fraction(1, 2), Fraction(1, 3), Fraction(2, 5), Fraction(1, 4)], Fraction(3, 4)
    paths = [Fraction(1)]
    for eta in rates:
        paths = [x - eta * (h * x + xi) for x in paths for xi in (1, -1)]
        mean = sum(x * x for x in paths) / len(paths)
        assert mean >= eta**2
    assert float(mean) == pytest.approx(square_after([float(r) for r in rates], 0.75), rel=1e-12)


@pytest.mark.theorem("thm-sched-floor")
@pytest.mark.parametrize("begin", [[], [1e-3] * 50, [3.0] * 5, [0.9, 0.1, 0.01]])
def test_a_constant_tail_ends_at_its_floor_whatever_came_before(begin):
    for eta, h, var in ((0.1, 1.0, 1.0), (0.7, 2.5, 0.3), (0.02, 5.0, 7.0)):
        floor = eta * var / (h * (2 - eta * h))
        assert square_after([*begin, *[eta] * 3000], h, var) == pytest.approx(floor, rel=1e-9)
        assert floor >= eta**2 * var


@pytest.mark.theorem("thm-sched-zero")
def test_the_square_vanishes_just_where_the_rates_vanish_and_their_sum_does_not_end():
    def end(shape, steps):
        return square_after(shape(np.arange(1, steps + 1)), h=1.0)

    good = [lambda t: 0.9 / t, lambda t: 0.9 / t**0.3, lambda t: 0.5 / (1 + np.log(t))]
    good.append(lambda t: np.where(t % 3 == 0, 0.9 / t**0.5, 0.1 / t))  # not falling in each step
    for shape in good:
        few, some, many = (end(shape, n) for n in (300, 10_000, 300_000))
        assert many < some < few
        assert many < 0.06
    never_arrives, too_loud = (lambda t: 0.9 / t**1.5), (lambda t: 0.3 + 0.1 / t)
    product = np.prod((1 - never_arrives(np.arange(1, 300_001))) ** 2)
    assert end(never_arrives, 300_000) > product > 1e-4
    assert end(never_arrives, 300_000) == pytest.approx(end(never_arrives, 10_000), rel=0.05)
    assert end(too_loud, 300_000) > 0.3**2


@pytest.mark.theorem("thm-sched-best")
@pytest.mark.parametrize(("h", "var", "e"), [(1.0, 1.0, 1.0), (0.4, 2.0, 5.0), (3.0, 0.1, 0.02)])
def test_no_rates_that_a_search_finds_beat_one_over_t(h, var, e):
    T = 6
    bound = 1 / (1 / e + T * h**2 / var)
    told = [1 / (h * (t + var / (h**2 * e))) for t in range(1, T + 1)]
    assert square_after(told, h, var, e) == pytest.approx(bound, rel=1e-12)
    rng = np.random.default_rng(1)
    for _ in range(4):
        start = rng.uniform(-0.5, 1.5, T) / h
        found = optimize.minimize(square_after, start, args=(h, var, e), tol=1e-14)
        assert found.fun >= bound * (1 - 1e-9)
        assert found.fun == pytest.approx(bound, rel=1e-6)
        np.testing.assert_allclose(found.x, told, rtol=2e-3)
    for _ in range(500):
        rates = np.array(told) + rng.normal(0, 0.3 / h, T)
        assert square_after(rates, h, var, e) > bound


def last_of(rates, x):
    for eta in rates:
        x -= eta * (x > 0) - eta * (x < 0)
    return abs(x)


@pytest.mark.theorem("thm-sched-last")
def test_the_last_point_of_subgradient_descent_is_within_the_last_rate():
    T = 40
    share = [Fraction(t, T) for t in range(T)]
    schedules = {
        "constant": [Fraction(1, 5)] * T,
        "line": [(1 - s) / 5 for s in share],
        "halves": [max(Fraction(1, 2) ** k, Fraction(1, 64)) for k in range(T)],
        "up and down": [Fraction(1 + k % 2, 7) for k in range(T)],
    }
    rng = np.random.default_rng(3)
    for rates in schedules.values():
        assert all(b >= a / 2 for a, b in pairwise(rates))
        reach = sum(rates)
        for part in rng.integers(1, 10**6, 300).tolist():
            assert last_of(rates, reach * Fraction(part, 10**6)) <= rates[-1]
        for delta in (rates[-1] / 1000, rates[-1] / 2):
            assert last_of(rates, delta + sum(rates[:-1])) == rates[-1] - delta
    assert schedules["line"][-1] == schedules["line"][0] / T
    # Both assumptions are needed: a rate that drops too fast, and a start too far away.
    assert last_of([Fraction(1), Fraction(1, 10)], Fraction(3, 2)) > Fraction(1, 10)
    assert last_of([Fraction(1), Fraction(1, 2)], Fraction(3)) > Fraction(1, 2)


@pytest.mark.theorem("thm-sched-scale")
def test_the_mean_of_the_inverse_by_quadrature_over_the_gradients():
    # The length r of n normal gradients has the density r^(n-1) exp(-r^2/2), and v = r^2/n; with
    # r = exp(u) nothing is steep.
    def integral(power, n, low):
        u = np.linspace(math.log(low), math.log(40), 100_001)
        return np.trapezoid(np.exp((n + power) * u - np.exp(2 * u) / 2), u)

    for n in (3, 4, 5, 10, 50):
        ratio = n * integral(-2, n, 1e-9) / integral(0, n, 1e-9)
        assert ratio == pytest.approx(n / (n - 2), rel=1e-6)
    for n in (1, 2):  # cut off ever nearer to zero it grows without end
        parts = [integral(-2, n, low) for low in (1e-2, 1e-4, 1e-6)]
        assert parts[1] > 1.7 * parts[0]
        assert parts[2] > 1.4 * parts[1]


@pytest.mark.theorem("prop-sched-count")
@pytest.mark.parametrize("beta2", [0.9, 0.99, 0.999])
def test_the_mean_age_in_adams_second_moment_is_that_of_so_many_newest_squares(beta2):
    for t in (1, 2, 3, 10, 100, 3000):
        # What share each square has: the moment of gradients that are all zero but one.
        shares = []
        for i in {1, t, max(1, t // 2)}:
            v = 0.0
            for k in range(1, t + 1):
                v = beta2 * v + (1 - beta2) * (k == i)
            shares.append((i, v / (1 - beta2**t)))
        weights = beta2 ** np.arange(t) / np.sum(beta2 ** np.arange(t))
        for i, share in shares:
            assert share == pytest.approx(weights[t - i], rel=1e-9)
        number = 2 / (1 - beta2) - 1 - 2 * t * beta2**t / (1 - beta2**t)
        assert (number - 1) / 2 == pytest.approx(np.arange(t) @ weights, rel=1e-9, abs=1e-9)
        assert number <= t + 1e-9
