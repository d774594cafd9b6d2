"""Problems with noisy or changing gradients."""

import array_api_strict
import numpy as np
import pytest

import optedu
from optedu import problems


@pytest.mark.parametrize(("curvature", "sigma", "lr"), [(1.0, 1.0, 0.1), (2.0, 0.5, 0.3)])
def test_stationary_variance_of_the_noisy_quadratic(curvature, sigma, lr):
    problem = problems.noisy_quadratic(curvature, sigma)
    run = optedu.minimize(problem, np.zeros((1, 40000)), optimizer="sgd", lr=lr, steps=200)
    expected = lr * sigma**2 / (curvature * (2 - lr * curvature))
    # The sample variance of n normal numbers has a relative standard error of sqrt(2 / n).
    assert np.mean(run.x[-1] ** 2) == pytest.approx(expected, rel=5 * np.sqrt(2 / 40000))


def test_batches_divide_the_variance():
    x = np.array([0.3, -0.2])
    for size in (1, 4):
        problem = problems.noisy_quadratic([1.0, 3.0], [1.0, 2.0], batch_size=size)
        rng = np.random.default_rng(0)
        noise = [problem.grad(x, problem.sample(rng, t)) for t in range(1, 20001)]
        np.testing.assert_allclose(np.mean(noise, axis=0), problem.grad(x), atol=0.06)
        np.testing.assert_allclose(np.var(noise, axis=0), np.array([1.0, 4.0]) / size, rtol=0.06)


def test_runs_have_their_own_noise_and_seeds_repeat():
    problem = problems.noisy_quadratic()
    first = optedu.minimize(problem, np.ones((1, 2)), lr=0.1, steps=10, seed=5)
    again = optedu.minimize(problem, np.ones((1, 2)), lr=0.1, steps=10, seed=5)
    other = optedu.minimize(problem, np.ones((1, 2)), lr=0.1, steps=10, seed=6)
    np.testing.assert_array_equal(first.x, again.x)
    assert not np.array_equal(first.x, other.x)
    assert first.x[-1, 0, 0] != first.x[-1, 0, 1]


def test_adam_is_drawn_to_the_worst_point_of_the_online_problem():
    large, steps = 3.0, 3000
    problem = problems.reddi(large)
    options = {"beta1": 0.0, "beta2": 1 / (1 + large**2), "lr": lambda t: 0.5 / t**0.5}
    run = optedu.minimize(problem, optimizer="adam", steps=steps, **options)
    assert run.x[-1, 0] == pytest.approx(1.0, abs=0.05)
    # Reddi, Kale and Kumar 2018, proof of Theorem 1: each period of three costs at least 2 C - 4.
    assert problem.regret(run.x)[-1] / steps == pytest.approx(2 * (large - 2) / 3, rel=0.05)
    sgd = optedu.minimize(problem, optimizer="sgd", steps=steps, lr=lambda t: 0.5 / t**0.5)
    assert problem.regret(sgd.x)[-1] / steps < 0.05


def test_slopes_of_the_online_problems():
    np.testing.assert_array_equal(problems.reddi(5.0).slopes(6), [5, -1, -1, 5, -1, -1])
    second = problems.reddi(1010, -10, period=101)
    assert second.slopes(202).sum() == pytest.approx(202 * second.mean_slope)
    random = problems.reddi_stochastic()
    slopes = random.slopes(100_000, seed=1)
    assert set(slopes) == {1010.0, -10.0}
    # Three standard errors of the share of the rare slope.
    assert np.mean(slopes > 0) == pytest.approx(0.01, abs=3 * np.sqrt(0.01 * 0.99 / 100_000))
    assert random.f(np.array([1.0])) == pytest.approx(0.2)


def test_points_stay_in_the_box():
    run = optedu.minimize(problems.reddi(), optimizer="sgd", lr=10.0, steps=20)
    assert np.abs(run.x).max() == 1.0


@pytest.mark.parametrize("make", [problems.noisy_quadratic, problems.reddi])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_namespace_and_dtype_are_kept(make, dtype):
    problem = make()
    x = array_api_strict.asarray(problem.x0, dtype=getattr(array_api_strict, dtype))
    batch = problem.sample(np.random.default_rng(0), 1)
    assert problem.f(x, batch).dtype == x.dtype
    gradient = problem.grad(x, batch)
    assert (type(gradient), gradient.dtype, gradient.shape) == (type(x), x.dtype, x.shape)
    assert optedu.minimize(problem, x, lr=0.1, steps=3).x.dtype == x.dtype


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: problems.noisy_quadratic(-1.0), "curvature must be positive, got -1.0"),
        (lambda: problems.noisy_quadratic([1.0, 0.0]), "every element of curvature"),
        (lambda: problems.noisy_quadratic(1.0, -1.0), "sigma must be nonnegative, got -1.0"),
        (lambda: problems.noisy_quadratic(batch_size=0), "batch_size must be at least 1, got 0"),
        (lambda: problems.reddi(period=1), "period must be at least 2, got 1"),
        (lambda: problems.reddi(np.nan), "large must be finite, got nan"),
        (lambda: problems.reddi_stochastic(probability=2), r"probability must be in \[0, 1\]"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
