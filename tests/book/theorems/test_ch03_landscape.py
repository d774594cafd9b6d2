"""The statements of chapter 3, in plain NumPy and fractions, on functions of these tests alone."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from optedu import rules


def polynomial(rng, curvatures):
    """A quadratic with these curvatures along random axes, and a cubic and a quartic part."""
    axes, _ = np.linalg.qr(rng.normal(size=(len(curvatures),) * 2))
    hessian = axes @ np.diag(curvatures) @ axes.T
    a, b = rng.normal(size=len(curvatures)), rng.normal(size=len(curvatures))

    def f(x):
        bent = np.einsum("...i,ij,...j->...", x, hessian, x) / 2
        return bent + (x @ a) ** 3 + (x @ b) ** 4

    return f


@pytest.mark.theorem("thm-land-kinds")
def test_around_a_flat_place_all_is_higher_unless_an_eigenvalue_is_negative():
    rng = np.random.default_rng(0)
    for _ in range(60):
        dim = int(rng.integers(1, 5))
        curvatures = rng.uniform(0.3, 2, dim) * rng.choice([-1, 1], dim)
        f = polynomial(rng, curvatures)
        around = rng.normal(size=(4000, dim))
        around /= np.linalg.norm(around, axis=1)[:, None]
        for radius in (1e-3, 1e-5):
            heights = f(radius * around)
            # What a direction must hit to go down is wide enough for 4,000 of them to find it.
            assert (heights.min() < 0) == (curvatures.min() < 0)
            assert (heights.max() > 0) == (curvatures.max() > 0)


@pytest.mark.theorem("thm-land-escape")
def test_the_step_of_the_escape_is_counted_in_fractions():
    rng = np.random.default_rng(1)
    for _ in range(150):
        h, k = (Fraction(int(rng.integers(1, 30)), 10) for _ in range(2))
        lr = Fraction(int(rng.integers(1, 19)), 10) / k
        first = Fraction(1, int(rng.integers(2, 10**6)))
        y, steps = first, 0
        while y < 1:
            y, steps = y + lr * h * y, steps + 1
        assert steps == math.ceil(math.log(1 / first) / math.log(1 + lr * h) - 1e-12)
        x, y = Fraction(1), Fraction(0)
        for _ in range(30):
            x, y = x - lr * k * x, y + lr * h * y
        assert y == 0
        assert abs(x) <= abs(1 - lr * k) ** 30


@pytest.mark.theorem("thm-land-noise")
def test_the_spread_is_the_sum_over_all_paths_of_coin_noise():
    """With noise of plus or minus sigma the expectation is a mean over two to the t paths."""
    for h, lr, sigma, y0 in itertools.product(
        (Fraction(1, 2), Fraction(2)),
        (Fraction(1, 10), Fraction(1)),
        (Fraction(1, 3),),
        (0, Fraction(1, 7)),
    ):
        q = (1 + lr * h) ** 2
        for t in range(1, 8):
            total = Fraction(0)
            for signs in itertools.product((-1, 1), repeat=t):
                y = Fraction(y0)
                for sign in signs:
                    y = y - lr * (-h * y + sign * sigma)
                total += y**2
            expected = q**t * y0**2 + lr**2 * sigma**2 * (q**t - 1) / (q - 1)
            assert total / 2**t == expected


def moved(name, start, steps, **hyper):
    """Walk a rule of the course on x^2 - 3 y^2 / 2, by its own steps; return y."""
    rule = rules.get(name)
    x, ys = np.array(start, dtype=float), [start[1]]
    state = rule.init(x, **hyper)
    for t in range(1, steps + 1):
        x, state = rule.step(x, np.array([2 * x[0], -3 * x[1]]), state, t, **hyper)
        ys.append(x[1])
    return np.array(ys)


@pytest.mark.theorem("thm-land-line")
@pytest.mark.parametrize("name", rules.all(matrices=False))
def test_no_rule_of_the_course_leaves_the_line(name):
    assert (moved(name, [0.7, 0.0], 60) == 0).all()


@pytest.mark.theorem("thm-land-line")
def test_adams_first_step_off_the_line_has_the_same_length_from_everywhere():
    for y0 in (0.5, -1e-3, 1e-9, -1e-30, 1e-100):
        after = moved("adam", [0.7, y0], 1, lr=0.05, eps=0.0)[1]
        assert after - y0 == pytest.approx(math.copysign(0.05, y0))
    # With epsilon the first step is shorter, and much shorter where it outweighs the gradient.
    assert moved("adam", [0.7, 1e-10], 1, lr=0.05)[1] < 0.05 / 10


@pytest.mark.theorem("thm-land-signs")
def test_the_share_of_two_positive_eigenvalues_is_an_integral():
    """The density of the two eigenvalues, |p - q| exp(-(p^2 + q^2)/2), over the first quadrant."""
    edge = np.linspace(-8, 8, 3201)
    middle = (edge[1:] + edge[:-1]) / 2
    p, q = np.meshgrid(middle, middle)
    density = np.abs(p - q) * np.exp(-(p**2 + q**2) / 2)
    share = density[(p > 0) & (q > 0)].sum() / density.sum()
    assert share == pytest.approx((2 - math.sqrt(2)) / 4, abs=1e-5)
    assert abs(share - 0.25) > 0.1


@pytest.mark.theorem("thm-land-count")
def test_starts_all_over_the_egg_box_find_its_flat_places_and_no_other():
    """Newton's method from a fine grid: what it finds is counted, by height and by signs."""
    for n in (1, 2, 3):
        start = np.array(list(itertools.product(np.linspace(-1.4, 1.4, 15), repeat=n)))
        x = start.copy()
        for _ in range(200):
            bend = 3 * x**2 - 1
            bend = np.where(np.abs(bend) < 1e-3, 1e-3, bend)
            x = x - np.clip((x**3 - x) / bend, -1, 1)
        assert np.abs(x**3 - x).max() < 1e-9
        found = {tuple(np.round(point).astype(int)) for point in x}
        assert len(found) == 3**n
        minima = 0
        for point in map(np.array, found):
            down = int((3 * point**2 - 1 < 0).sum())
            f = (point**4 / 4 - point**2 / 2).sum()
            assert f == pytest.approx(-(n - down) / 4)
            minima += down == 0
        assert minima == 2**n
