"""The statements of chapter 1, in plain NumPy and fractions, by searches and simulations."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest


@pytest.mark.theorem("thm-loss-squared")
def test_of_many_lines_the_likeliest_has_the_least_squares_at_every_width():
    rng = np.random.default_rng(0)
    for width in (0.1, 1.0, 7.0):
        place, seen = rng.normal(size=12), rng.normal(size=12)
        lines = rng.normal(size=(500, 2))
        answers = lines[:, :1] + lines[:, 1:] * place
        # A sum over the bell's heights, from the definition of the density.
        heights = np.exp(-(((seen - answers) / width) ** 2) / 2) / (width * math.sqrt(2 * math.pi))
        with np.errstate(divide="ignore"):
            likely = np.log(heights).sum(1)
        squares = ((seen - answers) ** 2).sum(1)
        alive = np.isfinite(likely)  # a bell that is too narrow underflows
        assert alive.sum() > 3 or width < 1
        order = np.argsort(squares[alive])
        assert (np.diff(likely[alive][order]) <= 1e-9 * abs(likely[alive]).max()).all()


@pytest.mark.theorem("thm-loss-squared")
def test_with_unequal_widths_least_squares_is_not_the_likeliest():
    seen, widths = np.array([0.0, 1.0]), np.array([1.0, 0.1])
    guesses = np.linspace(0, 1, 10_001)
    unlikely = (((seen[:, None] - guesses) / widths[:, None]) ** 2).sum(0)
    assert abs(guesses[unlikely.argmin()] - seen.mean()) > 0.4


@pytest.mark.theorem("thm-loss-entropy")
def test_no_forecast_beats_the_share_of_yes_on_any_data():
    rng = np.random.default_rng(1)
    forecasts = np.linspace(0.0005, 0.9995, 2000)
    for _ in range(100):
        answers = rng.random(int(rng.integers(5, 60))) < rng.uniform(0.2, 0.8)
        if answers.all() or not answers.any():
            continue
        share = answers.mean()
        # The chance of exactly these answers, as a product.
        chances = np.prod(np.where(answers, forecasts[:, None], 1 - forecasts[:, None]), axis=1)
        assert abs(forecasts[chances.argmax()] - share) <= 0.0005
        at_share = np.prod(np.where(answers, share, 1 - share))
        assert (chances <= at_share * (1 + 1e-12)).all()


@pytest.mark.theorem("lem-loss-sign")
def test_halving_the_step_always_ends_below_on_functions_with_kinks_elsewhere():
    rng = np.random.default_rng(2)
    longest = 0
    for _ in range(300):
        knots, bends, waves = rng.normal(size=5), rng.normal(size=5), rng.normal(size=3)

        def f(x, knots=knots, bends=bends, waves=waves):
            return bends @ abs(x - knots) + waves @ np.sin(np.arange(1, 4) * 5 * x)

        x = rng.normal()
        slope = bends @ np.sign(x - knots) + waves @ (
            5 * np.arange(1, 4) * np.cos(5 * np.arange(1, 4) * x)
        )
        if abs(slope) < 1e-3:
            continue
        share, halvings = 1.0, 0
        while not f(x - share * slope) < f(x):
            share, halvings = share / 2, halvings + 1
            assert halvings < 40
        longest = max(longest, halvings)
    assert longest > 2, "long steps do end higher: smallness is needed"


@pytest.mark.theorem("prop-loss-level")
def test_a_walk_along_a_level_line_found_by_bisection_is_square_to_the_gradient():
    def f(x, y):
        return x**4 + 3 * y**2 + x * y + np.sin(x)

    def gradient(x, y):
        return np.array([4 * x**3 + y + np.cos(x), 6 * y + x])

    height = 4.0

    def radius(angle):
        """The distance from the origin at which the ray reaches the level, by bisection."""
        low, high = 0.0, 10.0
        for _ in range(200):
            middle = (low + high) / 2
            inside = f(middle * np.cos(angle), middle * np.sin(angle)) < height
            low, high = (middle, high) if inside else (low, middle)
        return low

    for angle in np.linspace(0, 6, 25):
        ends = [radius(a) * np.array([np.cos(a), np.sin(a)]) for a in (angle - 1e-5, angle + 1e-5)]
        way = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
        g = gradient(*(radius(angle) * np.array([np.cos(angle), np.sin(angle)])))
        assert abs(way @ g) < 1e-6 * np.linalg.norm(g)


@pytest.mark.theorem("thm-loss-steepest")
@pytest.mark.parametrize("dim", [1, 2, 3, 10])
def test_of_many_directions_none_is_steeper_than_against_the_gradient(dim):
    rng = np.random.default_rng(3)
    for _ in range(20):
        g = rng.normal(size=dim)
        steepest = -g / math.sqrt(sum(v * v for v in g))
        least = float(steepest @ g)
        assert least == pytest.approx(-math.sqrt(sum(v * v for v in g)))
        around = rng.normal(size=(5000, dim))
        near = steepest + 1e-3 * around
        for d in (around, near):
            d /= np.linalg.norm(d, axis=1, keepdims=True)
            away = np.linalg.norm(d - steepest, axis=1) > 1e-7
            assert (d[away] @ g > least - 1e-12).all()
            assert (d @ g >= least - 1e-12).all()
        if dim > 1:  # the gain that is lost grows with the square of the turn, from zero
            lost = near @ g - least
            turned = np.linalg.norm(near - steepest, axis=1)
            assert np.allclose(lost, np.linalg.norm(g) * turned**2 / 2, rtol=1e-5, atol=1e-13)


@pytest.mark.theorem("thm-loss-steepest")
def test_in_fractions_no_direction_on_the_unit_circle_is_below():
    for m in range(1, 30):
        for n in range(1, 30):
            # Every rational point of the circle; the gradient (3, 4) has the length 5.
            d = Fraction(m * m - n * n, m * m + n * n), Fraction(2 * m * n, m * m + n * n)
            for a, b in (d, (-d[0], d[1]), (d[0], -d[1]), (-d[0], -d[1])):
                slope = 3 * a + 4 * b
                assert slope >= -5
                assert (slope == -5) == ((a, b) == (Fraction(-3, 5), Fraction(-4, 5)))


@pytest.mark.theorem("thm-loss-convex")
def test_sums_of_creases_lie_above_their_tangents_and_flat_is_lowest():
    rng = np.random.default_rng(4)
    flat = 0
    for _ in range(50):
        directions, offsets = rng.normal(size=(6, 3)), rng.normal(size=6)
        least = rng.normal(size=3)

        def f(x, directions=directions, offsets=offsets):
            return np.sqrt(1 + (x @ directions.T - offsets) ** 2).sum(-1)

        def gradient(x, directions=directions, offsets=offsets):
            u = x @ directions.T - offsets
            return (u / np.sqrt(1 + u**2)) @ directions

        a, b, r = rng.normal(size=(200, 3)) * 3, rng.normal(size=(200, 3)) * 3, rng.random(200)
        chord = f(a) + r * (f(b) - f(a))
        assert (f(a + r[:, None] * (b - a)) <= chord + 1e-9).all()  # it is convex
        assert (f(b) >= f(a) + ((b - a) * gradient(a)).sum(1) - 1e-9).all()
        for _ in range(3000):
            least = least - 0.05 * gradient(least)
        if np.linalg.norm(gradient(least)) < 1e-9:
            flat += 1
            assert (f(a) >= f(least) - 1e-9).all()
    assert flat > 10


@pytest.mark.theorem("thm-loss-optimism")
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_two_errors_are_exact_for_coins_in_fractions(n):
    """All answers of n + 1 coins are counted, so that the averages are exact."""
    variance = Fraction(1, 4)
    fitted = fresh = Fraction(0)
    for case in range(2 ** (n + 1)):
        *data, new = (Fraction(case >> k & 1) for k in range(n + 1))
        answer = sum(data) / n
        fitted += sum((v - answer) ** 2 for v in data) / n
        fresh += (new - answer) ** 2
    assert fitted / 2 ** (n + 1) == variance * (1 - Fraction(1, n))
    assert fresh / 2 ** (n + 1) == variance * (1 + Fraction(1, n))
