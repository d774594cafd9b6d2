"""The statements of chapter 2, in plain NumPy and fractions, on functions of these tests alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest


class Waves:
    """A sum of waves in several dimensions, with many valleys; L and a lower bound are known."""

    def __init__(self, rng, dim, waves=4):
        self.height = rng.uniform(0.2, 2, waves)
        self.direction = rng.normal(size=(waves, dim))
        self.phase = rng.uniform(0, 6, waves)
        self.L = float(self.height @ (self.direction**2).sum(1))
        self.least = -float(self.height.sum())

    def f(self, x):
        return float(self.height @ np.sin(self.direction @ x + self.phase))

    def grad(self, x):
        return self.direction.T @ (self.height * np.cos(self.direction @ x + self.phase))


class Creases:
    """Bowls with straight walls around one minimizer, and a round part of curvature mu below."""

    def __init__(self, rng, dim, mu=0.0, creases=5):
        self.least_at, self.mu = rng.normal(size=dim), mu
        self.direction = rng.normal(size=(creases, dim))
        self.width = rng.uniform(0.01, 1, creases)
        self.L = mu + float(np.linalg.eigvalsh(self.direction.T @ self.direction)[-1])

    def f(self, x):
        u = np.abs(self.direction @ (x - self.least_at))
        walls = np.where(u < self.width, u**2 / 2, self.width * (u - self.width / 2))
        return float(walls.sum()) + self.mu / 2 * float((x - self.least_at) @ (x - self.least_at))

    def grad(self, x):
        u = self.direction @ (x - self.least_at)
        return self.direction.T @ np.clip(u, -self.width, self.width) + self.mu * (
            x - self.least_at
        )


def walk(problem, x, lr, steps):
    """Return the points of gradient descent, the start included."""
    points = [np.asarray(x, dtype=float)]
    for _ in range(steps):
        points.append(points[-1] - lr * problem.grad(points[-1]))
    return points


def bowl(rng, curvatures):
    """Return a symmetric matrix with these eigenvalues and with random eigenvectors."""
    axes, _ = np.linalg.qr(rng.normal(size=(len(curvatures), len(curvatures))))
    return axes @ np.diag(curvatures) @ axes.T


@pytest.mark.theorem("thm-gd-proximal")
def test_every_other_point_of_the_penalized_line_is_higher_in_fractions():
    rng = np.random.default_rng(0)

    def some():
        return Fraction(int(rng.integers(-50, 50)), int(rng.integers(1, 20)))

    for _ in range(200):
        f0, g0, x0, lr = some(), some(), some(), abs(some()) + Fraction(1, 7)

        def model(x, f0=f0, g0=g0, x0=x0, lr=lr):
            return f0 + g0 * (x - x0) + (x - x0) ** 2 / (2 * lr)

        end = x0 - lr * g0
        assert model(end) == f0 - lr / 2 * g0**2
        for away in (some(), Fraction(1, 10**9), -Fraction(1, 10**9)):
            assert away == 0 or model(end + away) > model(end)


@pytest.mark.theorem("lem-descent")
def test_no_step_on_a_sum_of_waves_ends_above_the_bound():
    rng = np.random.default_rng(1)
    closest = np.inf
    for _ in range(3000):
        problem = Waves(rng, dim=int(rng.integers(1, 5)))
        x = rng.normal(size=problem.direction.shape[1]) * 3
        lr, g = rng.uniform(0, 3) / problem.L, problem.grad(x)
        bound = problem.f(x) - lr * (1 - lr * problem.L / 2) * (g @ g)
        room = bound - problem.f(x - lr * g)
        assert room > -1e-9
        closest = min(closest, room / (lr * (g @ g)))
    assert closest < 0.05  # the search came near: a smaller bound would have been broken


@pytest.mark.theorem("lem-descent")
def test_a_bowl_of_the_largest_bend_falls_exactly_as_far_as_promised():
    for lr in (Fraction(1, 10), Fraction(1, 3), Fraction(2, 3), Fraction(3, 4)):
        L, x = Fraction(3), Fraction(5, 7)
        g = L * x
        fallen = L / 2 * x**2 - L / 2 * (x - lr * g) ** 2
        assert fallen == lr * (1 - lr * L / 2) * g**2


@pytest.mark.theorem("thm-gd-slope")
def test_some_gradient_is_small_enough_after_any_number_of_steps():
    rng = np.random.default_rng(2)
    for _ in range(100):
        problem = Waves(rng, dim=int(rng.integers(1, 5)))
        x = rng.normal(size=problem.direction.shape[1]) * 3
        points = walk(problem, x, 1 / problem.L, 200)
        squares = [problem.grad(x) @ problem.grad(x) for x in points[:-1]]
        smallest = np.minimum.accumulate(squares)
        promise = 2 * problem.L * (problem.f(x) - problem.least) / np.arange(1, 201)
        assert (smallest <= promise).all()


@pytest.mark.theorem("thm-gd-slope")
def test_the_first_gradient_of_a_bowl_is_as_large_as_allowed():
    L, x = Fraction(3), Fraction(5, 7)
    assert (L * x) ** 2 == 2 * L * (L / 2 * x**2) / 1


@pytest.mark.theorem("thm-gd-quadratic")
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_a_bowl_is_left_or_reached_on_the_two_sides_of_the_ceiling(dim):
    rng = np.random.default_rng(3)
    for _ in range(20):
        curvatures = np.sort(rng.uniform(0.2, 4, dim))
        H = bowl(rng, curvatures)
        for share, settles in ((0.02, True), (0.5, True), (0.99, True), (1.01, False)):
            factor = np.eye(dim) - share * 2 / curvatures[-1] * H
            far = np.linalg.matrix_power(factor, 5000) @ rng.normal(size=(dim, 5))
            lengths = np.linalg.norm(far, axis=0)
            assert (lengths < 1e-3).all() if settles else (lengths > 1e3).all()
        top = np.linalg.eigh(H)[1][:, -1]
        at_ceiling = top - 2 / curvatures[-1] * (H @ top)
        assert np.allclose(at_ceiling, -top)
        assert np.linalg.norm(top + 0.1 * (H @ top)) > 1  # a rate below zero walks away


@pytest.mark.theorem("thm-gd-best")
@pytest.mark.parametrize("ratio", [1.0, 1.5, 10.0, 300.0])
def test_no_rate_on_a_fine_grid_beats_the_best_one(ratio):
    rng = np.random.default_rng(4)
    mu = rng.uniform(0.1, 3)
    L = ratio * mu
    H = bowl(rng, [mu, *rng.uniform(mu, L, 3), L])

    def slowest(lr):
        return np.abs(1 - lr * np.linalg.eigvalsh(H)).max()

    best = 2 / (L + mu)
    assert np.isclose(slowest(best), (ratio - 1) / (ratio + 1), atol=1e-12)
    for lr in np.linspace(0, 3 / L, 3001):
        assert slowest(lr) >= slowest(best) - 1e-12
        # "Fastest" means one rate, not a flat stretch of them.
        assert abs(lr - best) < 1e-3 / L or slowest(lr) > slowest(best)


@pytest.mark.theorem("thm-gd-convex")
def test_the_error_on_convex_functions_is_below_the_promise_at_every_step():
    rng = np.random.default_rng(5)
    for _ in range(100):
        problem = Creases(rng, dim=int(rng.integers(1, 6)))
        start = problem.least_at + rng.normal(size=len(problem.least_at)) * 10
        far = np.linalg.norm(start - problem.least_at)
        points = walk(problem, start, 1 / problem.L, 150)
        errors = np.array([problem.f(x) for x in points[1:]])
        steps = np.arange(1, 151)
        assert (errors <= problem.L * far**2 / (2 * steps)).all()
        assert (errors <= problem.L * far**2 / (4 * steps + 2)).all()  # the exact constant


@pytest.mark.theorem("thm-gd-strong")
def test_each_step_on_a_strongly_convex_function_leaves_at_most_its_share():
    rng = np.random.default_rng(6)
    least = np.inf
    for _ in range(200):
        problem = Creases(rng, dim=int(rng.integers(1, 6)), mu=rng.uniform(0.01, 2))
        start = problem.least_at + rng.normal(size=len(problem.least_at)) * 10
        points = walk(problem, start, 1 / problem.L, 30)
        errors = np.array([problem.f(x) for x in points])
        taken = 1 - errors[1:][errors[:-1] > 1e-6] / errors[:-1][errors[:-1] > 1e-6]
        assert (taken >= problem.mu / problem.L * (1 - 1e-6)).all()
        least = min(least, taken.min() * problem.L / problem.mu)
    assert least < 2.1  # far out some step takes little more than twice the promised share
