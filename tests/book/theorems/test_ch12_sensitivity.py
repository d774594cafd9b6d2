"""The statements of chapter 12, by plain loops, enumeration and searches of these tests alone."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest


@pytest.mark.theorem("thm-sens-region")
@pytest.mark.parametrize(("kappa", "T", "share"), [(10, 20, 0.1), (50, 300, 1e-3), (3, 7, 0.5)])
def test_the_good_rates_are_those_between_the_two_ends(kappa, T, share):
    L = 2.5
    mu = L / kappa
    q = share ** (1 / T)
    low, high = (1 - q) / mu, (1 + q) / L
    assert high / low == pytest.approx((1 + q) / (1 - q) / kappa)
    for rate in (*np.linspace(low, high, 9)[1:-1], low * 0.999, high * 1.001):
        x = np.ones(30)
        for _ in range(T):
            x = x - rate * np.linspace(mu, L, 30) * x
        assert (np.abs(x).max() <= share) == (low <= rate <= high)


@pytest.mark.theorem("thm-sens-region")
def test_no_rate_is_good_where_the_ends_cross():
    q, L, mu = 0.1 ** (1 / 5), 1.0, 0.01
    assert (1 - q) / mu > (1 + q) / L
    for rate in np.geomspace(1e-3, 300, 4000):
        assert max(abs(1 - rate), abs(1 - rate * mu)) ** 5 > 0.1


@pytest.mark.theorem("thm-sens-region")
def test_a_coordinate_that_starts_at_the_minimum_does_not_bound_the_rate():
    # Why the theorem asks for a start without a zero: here only the flat direction counts.
    q, L, mu = 0.1 ** (1 / 20), 1.0, 0.1
    rate = 5.0
    assert not (1 - q) / mu <= rate <= (1 + q) / L
    x = np.array([0.0, 1.0])
    for _ in range(20):
        x = x - rate * np.array([L, mu]) * x
    assert np.abs(x).max() <= 0.1


@pytest.mark.theorem("thm-sens-rotation")
def test_turned_axes_turn_momentum_and_not_adam():
    turn = np.array([[math.cos(0.6), -math.sin(0.6)], [math.sin(0.6), math.cos(0.6)]])
    h = np.array([1.0, 9.0])

    def path(Q, adam):
        y, m, v = Q @ np.array([1.0, -0.5]), np.zeros(2), np.zeros(2)
        for t in range(1, 30):
            g = Q @ (h * (Q.T @ y))
            m = 0.9 * m + (0.1 * g if adam else g)
            v = 0.99 * v + 0.01 * g * g
            corrected = (m / (1 - 0.9**t)) / np.sqrt(v / (1 - 0.99**t))
            y = y - (0.05 * corrected if adam else 0.02 * m)
        return Q.T @ y

    straight = np.eye(2)
    np.testing.assert_allclose(path(turn, False), path(straight, False), atol=1e-12)
    assert np.abs(path(turn, True) - path(straight, True)).max() > 1e-3


@pytest.mark.theorem("thm-sens-search")
def test_the_chance_of_a_hit_by_enumeration():
    cells, good = 5, {0, 1}
    p = Fraction(len(good), cells)
    for n in (1, 2, 4):
        hits = sum(bool(good & set(draw)) for draw in product(range(cells), repeat=n))
        assert Fraction(hits, cells**n) == 1 - (1 - p) ** n
    for p, c in ((0.1, 0.95), (0.03, 0.5)):
        least = next(n for n in range(1, 1000) if 1 - (1 - p) ** n >= c)
        assert least == math.ceil(math.log(1 - c) / math.log(1 - p))
    grid = list(product(range(4), repeat=3))
    assert len(grid) == 4**3
    assert len({point[0] for point in grid}) == 4


@pytest.mark.theorem("thm-sens-halflife")
def test_a_weight_halves_after_as_many_examples_with_either_batch():
    beta2, size, other = 0.97, 96, 24
    changed = beta2 ** (other / size)
    examples = size * math.log(0.5) / math.log(beta2)
    assert beta2 ** (examples / size) == pytest.approx(0.5)
    assert changed ** (examples / other) == pytest.approx(0.5)
    for wrong in (beta2, beta2 ** (size / other), 1 - (1 - beta2) * size / other):
        assert wrong ** (examples / other) != pytest.approx(0.5, rel=0.01)


@pytest.mark.theorem("thm-sens-race")
@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 1), (2, 4)])
def test_of_all_orders_the_side_with_more_trials_wins_its_share(n, m):
    orders = list(permutations(range(n + m)))
    wins = sum(order.index(0) < n for order in orders)
    assert Fraction(wins, len(orders)) == Fraction(n, n + m)


@pytest.mark.theorem("thm-sens-curse")
def test_the_mean_of_the_lowest_score_is_not_above_the_lowest_mean():
    rng = np.random.default_rng(4)
    for _ in range(50):
        # Two or three scores, each with few values: the expectation is an exact sum.
        values = rng.integers(-5, 6, size=(rng.integers(2, 4), 3))
        lowest = np.mean([min(one) for one in product(*values.tolist())])
        assert lowest <= values.mean(axis=1).min() + 1e-12
