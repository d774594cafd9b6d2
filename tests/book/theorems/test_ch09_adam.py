"""The statements of chapter 9, in fractions and plain NumPy: Adam is written out here once more."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest

SOME = [Fraction(*pair) for pair in ((3, 1), (-2, 5), (0, 1), (7, 3), (-1, 9), (4, 1), (1, 1000))]
DECAYS = [Fraction(9, 10), Fraction(999, 1000), Fraction(1, 3), Fraction(0)]


def moments(gradients, decay):
    """Return the running mean of the gradients, from zero, after each step and before the first."""
    mean, values = 0, [0]
    for g in gradients:
        mean = decay * mean + (1 - decay) * g
        values.append(mean)
    return values


def adam(grad, x, steps, lr=0.1, beta1=0.9, beta2=0.999, eps=0.0):
    """Return the points of Adam, as its paper writes it."""
    m, v, points = np.zeros_like(x), np.zeros_like(x), [x]
    for t in range(1, steps + 1):
        g = grad(x)
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        x = x - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        points.append(x)
    return np.array(points)


def last_step(gradients, beta1, beta2, eps=0.0):
    """Return the length of Adam's last step on these gradients, in learning rates."""
    t = len(gradients)
    m = moments(gradients, beta1)[-1] / (1 - beta1**t)
    v = moments(np.square(gradients), beta2)[-1] / (1 - beta2**t)
    return abs(m) / (np.sqrt(v) + eps)


def longest(t, beta1, beta2):
    """Return the theorem's bound on step t, and the one on all steps."""
    r = beta1**2 / beta2
    K = (1 - beta1) / np.sqrt((1 - beta2) * (1 - r))
    return K * np.sqrt((1 - beta2**t) * (1 - r**t)) / (1 - beta1**t), K


@pytest.mark.theorem("lem-adam-unrolled")
@pytest.mark.parametrize("decay", DECAYS)
def test_moments_equal_their_sums_in_fractions(decay):
    firsts, seconds = moments(SOME, decay), moments([g * g for g in SOME], decay)
    for t in range(len(SOME) + 1):
        weights = [(1 - decay) * decay ** (t - i) for i in range(1, t + 1)]
        assert firsts[t] == sum(w * g for w, g in zip(weights, SOME, strict=False))
        assert seconds[t] == sum(w * g * g for w, g in zip(weights, SOME, strict=False))


@pytest.mark.theorem("thm-adam-stationary")
@pytest.mark.parametrize("decay", DECAYS)
def test_corrected_moments_are_right_on_average_over_all_paths_of_a_chain(decay):
    # Gradients 2 and -1, each likely to come again: stationary, and not independent.
    value, start = (Fraction(2), Fraction(-1)), (Fraction(2, 5), Fraction(3, 5))
    then = ((Fraction(7, 10), Fraction(3, 10)), (Fraction(1, 5), Fraction(4, 5)))
    assert tuple(sum(start[a] * then[a][b] for a in (0, 1)) for b in (0, 1)) == start
    mean, square = (sum(p * g**n for p, g in zip(start, value, strict=True)) for n in (1, 2))
    for t in range(1, 9):
        first = second = Fraction(0)
        for path in product((0, 1), repeat=t):
            chance = start[path[0]]
            for a, b in pairwise(path):
                chance *= then[a][b]
            first += chance * moments([value[a] for a in path], decay)[-1]
            second += chance * moments([value[a] ** 2 for a in path], decay)[-1]
        assert first == (1 - decay**t) * mean
        assert second == (1 - decay**t) * square
        assert (first / (1 - decay**t), second / (1 - decay**t)) == (mean, square)


@pytest.mark.theorem("thm-adam-remainder")
@pytest.mark.parametrize("decay", DECAYS[:3])
def test_the_remainder_obeys_both_bounds_on_random_changes(decay):
    # The expectation of v obeys the recurrence of v with q in place of the squared gradients.
    rng, delta, seen = np.random.default_rng(0), Fraction(1, 8), 0
    for _ in range(60):
        moves = [delta * Fraction(int(k), 4) for k in rng.integers(-4, 5, 24)]
        q = [5 + sum(moves[:i], Fraction(0)) for i in range(25)]
        for t, mean in enumerate(moments(q, decay)[1:], start=1):
            weights = [(1 - decay) * decay ** (t - i) for i in range(1, t + 1)]
            zeta = sum(w * (q[i] - q[t - 1]) for i, w in enumerate(weights))
            assert mean == (1 - decay**t) * q[t - 1] + zeta
            assert abs(zeta) <= (1 - decay**t) * max(abs(a - q[t - 1]) for a in q[:t])
            assert abs(zeta) <= delta * decay / (1 - decay)
            seen += zeta != 0
    assert seen > 1000


@pytest.mark.theorem("thm-adam-remainder")
@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_steady_growth_comes_as_near_to_the_second_bound_as_one_likes(decay):
    t = int(30 / (1 - decay))
    lag = t - moments(np.arange(1.0, t + 1), decay)[-1]
    assert lag == pytest.approx(decay / (1 - decay), rel=1e-6)


@pytest.mark.theorem("thm-adam-scale")
@pytest.mark.parametrize("power", [-20, -3, 1, 15])
def test_a_loss_in_other_units_gives_the_same_run_bit_for_bit(power):
    # A power of two changes no digit of a float, so nothing is lost to rounding.
    def grad(x):
        return np.array([x[0] ** 3 + x[1], 40 * np.sin(x[1]) + x[0] - 1, 0.01 * x[2] + x[0] / 7])

    start = np.array([1.0, -0.7, 5.0])
    usual = adam(grad, start, 300)
    assert (adam(lambda x: 2.0**power * grad(x), start, 300) == usual).all()
    each = 2.0 ** np.array([power, 5, -power])
    assert (adam(lambda x: each * grad(x), start, 300) == usual).all()
    # With an epsilon of the size of the gradients the units do count.
    assert not np.allclose(
        adam(lambda x: 2.0**power * grad(x), start, 300, eps=1.0),
        adam(grad, start, 300, eps=1.0),
    )


@pytest.mark.theorem("thm-adam-step")
@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.5, 0.6), (0.9, 0.99), (0.3, 0.1)])
def test_no_climb_over_gradients_passes_the_longest_step(beta1, beta2):
    rng = np.random.default_rng(1)
    for t in (1, 2, 6):
        bound, most = longest(t, beta1, beta2)
        assert bound <= most * (1 + 1e-12)
        best = 0.0
        for _ in range(4):  # climbs: keep a random change if the last step becomes longer
            gradients, width = rng.normal(size=t), 1.0
            reached = last_step(gradients, beta1, beta2)
            for _ in range(2000):
                tried = gradients.copy()
                tried[rng.integers(t)] *= rng.choice([1, 1, -1]) * np.exp(width * rng.normal())
                length = last_step(tried, beta1, beta2)
                assert length <= bound * (1 + 1e-12)
                if length > reached:
                    gradients, reached, width = tried, length, min(2 * width, 1.0)
                else:
                    width = max(0.98 * width, 1e-4)
            assert last_step(gradients, beta1, beta2, eps=0.1) < reached
            best = max(best, reached)
        assert best > 0.999 * bound  # the climbs came near: no smaller bound is true


@pytest.mark.theorem("thm-adam-step")
@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.5, 0.6), (0.3, 0.1)])
def test_gradients_that_grow_by_the_ratio_of_the_betas_attain_the_bound(beta1, beta2):
    for t in (1, 2, 7, 60):
        gradients = (beta2 / beta1) ** np.arange(1, t + 1)
        assert last_step(gradients, beta1, beta2) == pytest.approx(longest(t, beta1, beta2)[0])
    far, most = longest(40_000, beta1, beta2)
    assert far == pytest.approx(most, rel=1e-6)


@pytest.mark.theorem("prop-adam-silence")
@pytest.mark.parametrize("decay", [Fraction(1, 100), Fraction(1, 2), *DECAYS[:2]])
def test_the_quantity_of_the_proof_falls_at_every_silent_step_in_fractions(decay):
    # Both sides are positive, so their squares compare alike: t times the corrected moment.
    rng = np.random.default_rng(2)
    for t in (1, 2, 3, 10, 40):
        gradients = [Fraction(int(g), 7) for g in rng.integers(1, 30, t)]
        before = moments([g * g for g in gradients], decay)[-1]
        after = decay * before
        assert (t + 1) * after / (1 - decay ** (t + 1)) < t * before / (1 - decay**t)
        # A gradient that is large enough lets it rise: the silence is needed.
        loud = decay * before + (1 - decay) * 10**6
        assert (t + 1) * loud / (1 - decay ** (t + 1)) > t * before / (1 - decay**t)
