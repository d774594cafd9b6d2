"""The statements of chapter 6, held by plain NumPy, by roots and by searching counterexamples."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

import optedu


def rosen(x):
    """Rosenbrock's gradient, so that the forms are compared where nothing is linear."""
    a, b = x
    return np.array([-400 * a * (b - a * a) - 2 * (1 - a), 200 * (b - a * a)])


@pytest.mark.theorem("thm-nag-forms")
def test_the_three_forms_take_the_same_steps_off_quadratics():
    eta, rho, start = 4e-4, 0.85, np.array([-1.2, 1.3])
    y, v = start, np.zeros(2)
    ball, ahead = [], []
    for _ in range(60):
        v = rho * v - eta * rosen(y + rho * v)
        y = y + v
        ball.append(y)
        ahead.append(y + rho * v)
    x, last, points = start, start, []
    for _ in range(60):
        new = x - eta * rosen(x)
        x, last = new + rho * (new - last), new
        points.append(x)
    run = optedu.minimize(
        optedu.problems.rosenbrock(), start, optimizer="nesterov", lr=eta, momentum=rho, steps=60
    )
    np.testing.assert_allclose(points, ahead, rtol=1e-9)
    np.testing.assert_allclose(run.x[1:], ahead, rtol=1e-9)
    assert np.abs(np.array(ball) - ahead).max() > 1e-3  # the look is not where the ball is


@pytest.mark.theorem("thm-nag-forms")
def test_the_forms_part_when_the_rate_changes_in_the_velocity():
    v = b = 0.0
    x = y = 0.0
    for k in range(20):
        eta = 0.1 if k < 10 else 0.01
        v = 0.9 * v - eta
        y = y + v
        b = 0.9 * b + 1
        x = x - eta * (1 + 0.9 * b)
    assert abs(y + 0.9 * v - x) > 1


LIMITS = {
    "momentum": lambda rho: 2 * (1 + rho),
    "nesterov": lambda rho: 2 * (1 + rho) / (1 + 2 * rho),
}


def radius(name, rho, u):
    """Spectral radius from the recurrence in x alone, with roots found by NumPy."""
    if name == "momentum":  # x_{t+1} = x_t - u x_t + rho (x_t - x_{t-1})
        return max(abs(np.roots([1, -(1 + rho - u), rho])))
    return max(abs(np.roots([1, -(1 + rho) * (1 - u), rho * (1 - u)])))


@pytest.mark.theorem("thm-nag-stability")
@pytest.mark.parametrize("name", LIMITS)
def test_roots_leave_the_circle_exactly_at_the_ceiling(name):
    for rho in (0.0, 0.1, 0.5, 0.9, 0.99):
        limit = LIMITS[name](rho)
        for share in (0.01, 0.3, 0.7, 0.99, 0.9999):
            assert radius(name, rho, share * limit) < 1
        for share in (1.0001, 1.01, 1.5):
            assert radius(name, rho, share * limit) > 1


@pytest.mark.theorem("thm-nag-stability")
@pytest.mark.parametrize("name", LIMITS)
def test_runs_of_the_package_settle_below_and_blow_up_above(name):
    bowl = optedu.problems.quadratic(dim=1)
    for rho in (0.3, 0.9):
        for share, settles in ((0.97, True), (1.03, False)):
            run = optedu.minimize(
                bowl, optimizer=name, lr=share * LIMITS[name](rho), momentum=rho, steps=2000
            )
            assert bool(abs(run.x[-1, 0]) < 1e-3) is settles


def points(grad, x0, L, steps):
    """Nesterov's method with the sequence written as a velocity that is scaled."""
    x, old, out = np.array(x0, dtype=float), np.array(x0, dtype=float), []
    for k in range(steps):
        y = x - grad(x) / L
        out.append(y)
        x = y + k / (k + 3) * (y - old)
        old = y
    return np.array(out)


def convex_problems():
    rng = np.random.default_rng(5)
    for _ in range(20):
        A = rng.standard_normal((8, 6)) * rng.uniform(0.01, 3, 6)
        L = np.linalg.eigvalsh(A.T @ A)[-1]
        yield lambda x, A=A: np.sum((A @ x) ** 2) / 2, lambda x, A=A: A.T @ (A @ x), L, np.zeros(6)
    for width in (0.003, 0.03, 0.3):  # Huber's function, in four dimensions
        yield (
            lambda x, w=width: np.sum(np.where(abs(x) < w, x * x / 2, w * abs(x) - w * w / 2)),
            lambda x, w=width: np.clip(x, -w, w),
            1.0,
            np.zeros(4),
        )
    for sharp in (1.0, 10.0):  # even, flat at the bottom
        yield (
            lambda x, s=sharp: np.sum(np.log(np.cosh(s * x))) / s**2,
            lambda x, s=sharp: np.tanh(s * x) / s,
            1.0,
            np.zeros(3),
        )


@pytest.mark.theorem("thm-nag-rate")
def test_no_convex_function_of_many_breaks_the_promise():
    rng = np.random.default_rng(6)
    closest = 0.0
    for f, grad, L, lowest in convex_problems():
        start = lowest + rng.standard_normal(len(lowest))
        found = points(grad, start, L, 300)
        for k, y in enumerate(found, 1):
            bound = 2 * L * np.sum((start - lowest) ** 2) / (k + 1) ** 2
            assert f(y) - f(lowest) <= bound * (1 + 1e-9)
            closest = max(closest, (f(y) - f(lowest)) / bound)
    assert closest > 0.1  # some come near it: a bound ten times smaller would be broken


@pytest.mark.theorem("thm-nag-rate")
def test_the_square_is_reached_by_no_smaller_power_of_gradient_descent():
    chain = optedu.problems.springs(201)
    slow = optedu.minimize(chain, lr=1.0, steps=100).gap
    bound = 2 * np.sum(chain.minimizer**2) / (np.arange(101) + 1) ** 2
    fast = [chain.f(y) - chain.minimum for y in points(chain.grad, chain.x0, 1.0, 100)]
    assert (np.array(fast) <= bound[1:]).all()
    assert slow[-1] > 2 * fast[-1]


@pytest.mark.theorem("thm-nag-lower")
@pytest.mark.parametrize("t", [1, 2, 5, 20])
def test_the_best_of_all_points_within_reach_is_above_the_limit(t):
    n = 2 * t + 1
    # Exact: the rest of a chain with t free beads, and the length of the line of rest.
    H = [[Fraction(2 * (i == j) - (abs(i - j) == 1)) for j in range(n)] for i in range(n)]
    rest = [Fraction(n - i, n + 1) for i in range(n)]
    assert [sum(a * b for a, b in zip(row, rest, strict=True)) for row in H] == [1] + [0] * (n - 1)
    lowest = Fraction(1, 8 * (n + 1))
    within = Fraction(1, 8 * (t + 1))
    assert within - lowest >= Fraction(3, 32 * (t + 1) ** 2) * sum(a * a for a in rest)
    # The lowest point within reach, by a general minimizer.
    chain = optedu.problems.springs(n)
    reached = minimize(lambda z: float(chain.f(np.concatenate([z, np.zeros(n - t)]))), np.zeros(t))
    assert reached.fun == pytest.approx(float(within), rel=1e-6)


@pytest.mark.theorem("thm-nag-lower")
def test_methods_of_many_kinds_stay_above_the_limit():
    t = 15
    chain = optedu.problems.springs(2 * t + 1)
    limit = 3 * np.sum(chain.minimizer**2) / (32 * (t + 1) ** 2)
    for rule, settings in (
        ("sgd", {"lr": 1.9}),
        ("momentum", {"lr": 2.5, "momentum": 0.8}),
        ("nesterov", {"lr": 1.1, "momentum": 0.9}),
        ("adam", {"lr": 0.1}),
        ("rmsprop", {"lr": 0.1}),
    ):
        assert optedu.minimize(chain, optimizer=rule, steps=t, **settings).gap[-1] >= limit


@pytest.mark.theorem("thm-nag-ode")
@pytest.mark.parametrize("power", [2, 4])
def test_a_numerical_solution_stays_below_the_bound(power):
    def motion(s, z):
        return [z[1], -3 / s * z[1] - power * z[0] ** (power - 1)]

    at = np.linspace(0.1, 40, 500)
    # Near 0 the solution is x_0 - s^2 f'(x_0)/8.
    first = 1e-3
    start = [1 - first**2 * power / 8, -first * power / 4]
    X = solve_ivp(motion, (first, 40), start, t_eval=at, rtol=1e-10, atol=1e-12).y[0]
    assert (X**power <= 2 / at**2 * (1 + 1e-6)).all()
    assert (X < 0.2).any()


@pytest.mark.theorem("thm-nag-ode")
def test_the_steps_follow_the_motion():
    # On x^2/2 the motion is 2 J_1(s)/s.
    from scipy.special import j1

    eta = 1e-4
    y = points(lambda x: x, [1.0], 1 / eta, 2000)[:, 0]
    s = np.arange(1, 2001) * math.sqrt(eta)
    assert np.abs(y - 2 * j1(s) / s).max() < 0.02


@pytest.mark.theorem("thm-nag-restart")
def test_so_many_steps_halve_the_error_on_strongly_convex_functions():
    rng = np.random.default_rng(8)
    for kappa in (2.0, 30.0, 400.0):
        m = math.ceil(math.sqrt(8 * kappa) - 1)
        h = np.geomspace(1 / kappa, 1, 12)
        for _ in range(20):
            x = rng.standard_normal(12)
            for _ in range(4):
                before = np.sum(h * x * x)
                x = points(lambda z, h=h: h * z, x, 1.0, m)[-1]
                assert np.sum(h * x * x) <= before / 2
