"""The statements of chapter 7, by random games, by search, by AdaGrad written here once more."""

from __future__ import annotations

import numpy as np
import pytest


def walk(grad, start, rate, steps, metric=None):
    """Return points, gradients and sums of squares of AdaGrad, or under a fixed metric."""
    x, total = np.array(start, dtype=float), np.zeros(len(start))
    points, slopes, totals = [x], [], []
    for k in range(steps):
        g = np.asarray(grad(x, k), dtype=float)
        total = total + g * g
        s = np.sqrt(total) if metric is None else metric
        x = x - rate * np.divide(g, s, out=np.zeros_like(g), where=s > 0)
        points.append(x)
        slopes.append(g)
        totals.append(total)
    return np.array(points), np.array(slopes), np.array(totals)


def games(seed, dim=3, steps=60):
    """Yield losses |a.x - b| with rows of very different sizes, often zero in a coordinate."""
    rng = np.random.default_rng(seed)
    rows = (
        rng.normal(size=(steps, dim)) * np.array([5.0, 1.0, 0.1]) * (rng.random((steps, dim)) < 0.6)
    )
    aims = rng.normal(size=steps)

    def loss(x, k):
        return abs(rows[k] @ x - aims[k])

    def grad(x, k):
        return np.sign(rows[k] @ x - aims[k]) * rows[k]

    return loss, grad, rng.normal(size=dim), rng


@pytest.mark.theorem("lem-adagrad-fixed")
def test_no_game_costs_more_than_a_fixed_metric_allows():
    worst = -np.inf
    for seed in range(60):
        loss, grad, star, rng = games(seed)
        metric, rate = rng.uniform(0.1, 3, size=3), 10 ** rng.uniform(-2, 1)
        points, _, totals = walk(grad, np.zeros(3), rate, 60, metric)
        regret = sum(loss(points[k], k) - loss(star, k) for k in range(60))
        far = abs(points[:-1] - star).max()
        bound = np.sum(far**2 * metric / (2 * rate) + rate * totals[-1] / (2 * metric))
        worst = max(worst, regret / bound)
    assert worst <= 1
    # At least half attained: one coordinate, a straight loss, D the distance of the start.
    points, *_ = walk(lambda x, k: [1.0], [1.0], 1e-3, 1000, np.ones(1))
    regret = np.sum(points[:-1])
    assert 0.5 < regret / (1 / (2 * 1e-3) + 1e-3 * 1000 / 2) <= 1


@pytest.mark.theorem("thm-adagrad-metric")
def test_no_random_shares_cost_less_than_those_by_the_roots():
    rng = np.random.default_rng(1)
    for _ in range(30):
        n, c = rng.integers(2, 6), rng.uniform(0.1, 20)
        sums = 10 ** rng.uniform(-3, 3, size=n)
        best = c * np.sqrt(sums) / np.sqrt(sums).sum()
        lowest = np.sqrt(sums).sum() ** 2 / c
        assert np.sum(sums / best) == pytest.approx(lowest)
        others = c * rng.dirichlet(np.ones(n), size=2000)
        near = best * np.exp(rng.normal(size=(2000, n)) / 100)
        near *= c / near.sum(axis=1, keepdims=True)
        costs = np.sum(sums / np.vstack([others, near]), axis=1)
        assert (costs > lowest * (1 - 1e-12)).all()
        for power in (0.25, 0.4, 0.6, 1.0):  # "any other exponent costs more"
            shares = c * sums**power / (sums**power).sum()
            assert np.sum(sums / shares) > lowest * (1 + 1e-9)


@pytest.mark.theorem("lem-adagrad-sum")
def test_the_rims_are_at_most_two_sides():
    rng = np.random.default_rng(2)
    ratios = []
    for _ in range(200):
        g = rng.normal(size=80) * 10 ** rng.uniform(-3, 3, size=80)
        total = np.cumsum(g**2)
        ratios.append(np.sum(g**2 / np.sqrt(total)) / np.sqrt(total[-1]))
    assert max(ratios) <= 2
    many = np.arange(1, 10**6 + 1)
    steady = np.sum(1 / np.sqrt(many)) / np.sqrt(many[-1])
    assert 1.99 < steady < 2  # no smaller constant than 2 would do


@pytest.mark.theorem("thm-adagrad-regret")
def test_no_game_costs_more_than_adagrad_promises_at_any_time():
    closest = 0.0
    for seed in range(80):
        loss, grad, star, rng = games(seed)
        rate = 10 ** rng.uniform(-2, 1)
        points, _, totals = walk(grad, np.zeros(3), rate, 60)
        regret = np.cumsum([loss(points[k], k) - loss(star, k) for k in range(60)])
        for last in (1, 7, 60):
            far = abs(points[:last] - star).max()
            bound = (far**2 / (2 * rate) + rate) * np.sqrt(totals[last - 1]).sum()
            assert regret[last - 1] <= bound
            closest = max(closest, regret[last - 1] / max(bound, 1e-300))
    assert closest > 0.1  # the bound is no empty one
    # The best rate is D / sqrt(2), and then the bound is sqrt(2) D times the sides.
    rates = np.geomspace(0.01, 100, 4001)
    for far in (0.3, 2.0):
        bounds = far**2 / (2 * rates) + rates
        assert rates[bounds.argmin()] == pytest.approx(far / np.sqrt(2), rel=5e-3)
        assert bounds.min() == pytest.approx(np.sqrt(2) * far, rel=1e-4)


@pytest.mark.theorem("thm-adagrad-constant")
def test_a_steady_gradient_gives_steps_that_shrink_as_the_root():
    for c in (-3.0, 1e-4, 50.0):
        points, *_ = walk(lambda x, k, c=c: [c], [0.0], 0.2, 3000)
        steps = abs(np.diff(points[:, 0]))
        np.testing.assert_allclose(steps, 0.2 / np.sqrt(np.arange(1, 3001)), rtol=1e-9)
        for T in (1, 2, 10, 3000):
            way = abs(points[T, 0])
            low, high = 0.4 * (np.sqrt(T + 1) - 1), 0.2 * (2 * np.sqrt(T) - 1)
            assert low <= way * (1 + 1e-12)
            assert way <= high * (1 + 1e-12)
        assert abs(points[3000, 0]) / abs(points[30, 0]) == pytest.approx(10, rel=0.2)


@pytest.mark.theorem("prop-adagrad-units")
def test_the_path_forgets_the_units_of_the_loss_and_keeps_those_of_the_point():
    _, grad, start, rng = games(5)
    for _ in range(10):
        units = 10 ** rng.uniform(-3, 3, size=3)
        seen = walk(grad, start, 0.3, 60)[1]
        replay = walk(lambda x, k, seen=seen: seen[k], start, 0.3, 60)[0]
        scaled = walk(lambda x, k, u=units, seen=seen: u * seen[k], start, 0.3, 60)[0]
        np.testing.assert_allclose(scaled, replay, rtol=1e-10)
    root = rng.normal(size=(3, 3))
    H = root @ root.T
    for a in (0.01, 100.0):
        near = walk(lambda x, k: H @ x, start, 0.3, 100)[0]
        far = walk(lambda x, k: H @ x, a * start, a * 0.3, 100)[0]
        np.testing.assert_allclose(far, a * near, rtol=1e-7, atol=a * 1e-9)
        row = np.array([4.0, 0.5, 2.0])  # the loss |x_1| 4 + |x_2| / 2 + |x_3| 2
        b = 2.0 ** round(np.log2(a))  # a power of two, or roundings would turn signs at zero
        short = walk(lambda x, k, row=row: row * np.sign(x), start, 0.3, 100)[0]
        long = walk(lambda x, k, row=row: row * np.sign(x), b * start, b * 0.3, 100)[0]
        np.testing.assert_allclose(long, b * short, rtol=1e-10)
        same_rate = walk(lambda x, k: H @ x, a * start, 0.3, 100)[0]
        assert abs(same_rate - a * near).max() > 0.1 * a * abs(near).max()


def test_the_frameworks_start_as_the_page_says():
    torch = pytest.importorskip("torch")
    point = torch.zeros(1, requires_grad=True)
    chosen = torch.optim.Adagrad([point]).defaults
    assert (chosen["lr"], chosen["initial_accumulator_value"]) == (0.01, 0)
