"""sweep: every point of the grid is the run that minimize makes there."""

import array_api_strict
import numpy as np
import pytest

import optedu
from optedu import problems, written
from optedu.run import sweeping
from optedu.run.minimization import minimize
from optedu.run.sweeping import sweep


@pytest.fixture(autouse=True)
def _no_student_functions():
    written.clear()
    yield
    written.clear()


@pytest.mark.parametrize("name", list(optedu.rules.all(matrices=False)))
def test_each_point_is_a_run(name):
    problem, rule = problems.beale(), optedu.rules.get(name)
    second = next(h.name for h in rule.hypers if h.name not in ("lr", "eps"))
    grid = {"lr": [1e-3, 3e-3, 1e-2], second: [0.3, 0.6]}
    result = sweep(problem, [1.0, 0.5], optimizer=name, steps=25, **grid)
    assert list(result.axes) == ["lr", second]
    assert result.f.shape == result.diverged.shape == (3, 2)
    assert result.x.shape == (2, 3, 2)
    for i, lr in enumerate(grid["lr"]):
        for j, value in enumerate(grid[second]):
            run = minimize(problem, [1.0, 0.5], optimizer=name, steps=25, lr=lr, **{second: value})
            np.testing.assert_allclose(result.x[:, i, j], run.x[-1], rtol=1e-8)
            assert result.f[i, j] == pytest.approx(run.f[-1], rel=1e-8)


def test_closed_form_on_a_quadratic():
    problem = problems.quadratic(kappa=5)
    lr = np.linspace(0.1, 1.9, 7)
    result = sweep(problem, optimizer="sgd", lr=lr, steps=30)
    expected = (1 - lr * problem.eigenvalues[:, None]) ** 30
    np.testing.assert_allclose(result.x, expected, rtol=1e-10, atol=1e-300)


def test_parts_give_what_the_whole_gives(monkeypatch):
    options = {"optimizer": "adam", "lr": np.logspace(-3, 0, 9), "beta1": [0.0, 0.9], "steps": 20}
    whole = sweep(problems.rosenbrock(), **options)
    monkeypatch.setattr(sweeping, "_CHUNK", 10)  # five runs at a time
    parts = sweep(problems.rosenbrock(), **options)
    np.testing.assert_allclose(parts.x, whole.x, rtol=1e-12)


def test_diverged_runs_are_marked_and_silent():
    lr = np.array([0.1, 1.0, 1e3, 1e4])
    with np.errstate(all="raise"):
        result = sweep(problems.quadratic(), optimizer="sgd", lr=lr, steps=300)
    np.testing.assert_array_equal(result.diverged, [False, False, True, True])
    np.testing.assert_array_equal(np.isinf(result.f), result.diverged)
    assert np.isnan(result.x[:, 2:]).all()
    assert np.isfinite(result.x[:, :2]).all()
    assert result.best == {"lr": 1.0, "f": result.f[1]}
    assert "50% diverged" in repr(result)


def test_no_best_where_all_diverged():
    result = sweep(problems.quadratic(), optimizer="sgd", lr=[1e3, 1e4], steps=300)
    with pytest.raises(ValueError, match="all 2 runs diverged"):
        _ = result.best
    assert "best" not in repr(result)
    assert "100%" in result._repr_html_()


def test_values_that_are_not_varied_are_the_same_in_all_runs():
    result = sweep(problems.beale(), optimizer="momentum", lr=[1e-3], momentum=0.5, steps=10)
    assert result.hyper["momentum"] == 0.5
    assert "lr" not in result.hyper
    run = minimize(problems.beale(), optimizer="momentum", lr=1e-3, momentum=0.5, steps=10)
    np.testing.assert_allclose(result.x[:, 0], run.x[-1], rtol=1e-12)


def test_a_schedule_is_looked_at_before_the_first_step():
    calls = []

    def grad(x):
        calls.append(x)
        return x

    problem = optedu.Problem(lambda x: (x * x).sum(0), grad, x0=[1.0])
    with pytest.raises(ValueError, match=r"lr must be nonnegative, got -1.0") as caught:
        sweep(problem, optimizer="momentum", lr=lambda t: 9.0 - t, momentum=[0.1, 0.2], steps=10)
    assert "at step 10" in caught.value.__notes__[0]
    assert not calls


def test_a_rate_of_zero_is_no_step():
    result = sweep(problems.beale(), [1.0, 0.5], optimizer="adam", lr=[0.0, 0.1], steps=5)
    np.testing.assert_array_equal(result.x[:, 0], [1.0, 0.5])
    assert not np.array_equal(result.x[:, 1], [1.0, 0.5])


def test_schedule_beside_an_axis():
    result = sweep(
        problems.beale(), optimizer="momentum", lr=lambda t: 0.01 / t, momentum=[0.0, 0.9], steps=9
    )
    run = minimize(
        problems.beale(), optimizer="momentum", lr=lambda t: 0.01 / t, momentum=0.9, steps=9
    )
    np.testing.assert_allclose(result.x[:, 1], run.x[-1], rtol=1e-12)


def test_students_function_gets_arrays():
    shapes = set()

    @optedu.implement("momentum")
    def heavy(xp, x, g, state, t, *, lr=0.1, momentum=0.9):
        shapes.add((x.shape, lr.shape, momentum.shape))
        (name,) = state
        v = momentum * state[name] + g
        return x - lr * v, {name: v}

    grid = {"lr": [1e-3, 1e-2], "momentum": [0.0, 0.5, 0.9]}
    mine = sweep(problems.beale(), optimizer="momentum", steps=20, **grid)
    theirs = sweep(problems.beale(), optimizer=optedu.rules.get("momentum"), steps=20, **grid)
    np.testing.assert_allclose(mine.x, theirs.x, rtol=1e-9)
    assert shapes == {((2, 6), (6,), (6,))}


def test_a_function_that_cannot_take_arrays_is_told_why():
    def mine(xp, x, g, state, t, *, lr):
        return (x - lr * g, {}) if lr > 0.1 else (x, {})

    with pytest.raises(ValueError, match="truth value") as caught:
        sweep(problems.beale(), optimizer=mine, lr=[0.1, 0.2])
    assert "arrays of shape (2,)" in caught.value.__notes__[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_and_namespace_are_kept(dtype):
    options = {"optimizer": "adam", "lr": [1e-3, 1e-2], "beta2": [0.9, 0.99], "steps": 10}
    here = sweep(problems.beale(), np.array([1.0, 0.5], dtype), **options)
    x0 = array_api_strict.asarray([1.0, 0.5], dtype=getattr(array_api_strict, dtype))
    there = sweep(problems.beale(), x0, **options)
    assert here.x.dtype == dtype
    assert there.x.dtype == x0.dtype
    np.testing.assert_allclose(np.from_dlpack(there.x), here.x, rtol=1e-4)


def test_stochastic_problem_gives_all_runs_the_same_batches():
    model = problems.reddi_stochastic(probability=0.5)
    result = sweep(model, optimizer="sgd", lr=[1e-4, 1e-4], steps=50, seed=3)
    assert result.f[0] == result.f[1]
    run = minimize(model, optimizer="sgd", lr=1e-4, steps=50, seed=3)
    np.testing.assert_allclose(result.x[:, 0], run.x[-1])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "a hyper-parameter must be an array, to be swept over"),
        ({"lr": 0.1}, ValueError, "a hyper-parameter must be an array"),
        (
            {"lr": []},
            ValueError,
            r"an array with one axis, got shape \(0,\)",
        ),
        ({"lr": np.ones((2, 2))}, ValueError, r"one axis, got shape \(2, 2\)"),
        ({"lr": [0.1, -0.2]}, ValueError, "every element of lr must be nonnegative, got -0.2"),
        ({"lr": ["a", "b"]}, TypeError, "lr must hold real numbers"),
        ({"rho": [0.1, 0.2]}, TypeError, "sgd has no hyper-parameter 'rho'"),
        ({"optimizer": "adam", "beta1": [0.5, 1.0]}, ValueError, r"in \[0, 1\), got 1.0"),
        ({"optimizer": "addam", "lr": [0.1]}, ValueError, "did you mean 'adam'"),
        ({"lr": [0.1], "steps": -1}, ValueError, "steps must be at least 0, got -1"),
        ({"lr": [0.1], "x0": np.ones((2, 3))}, ValueError, r"x0 must have shape \(dim,\)"),
        ({"lr": [0.1], "x0": np.array([1, 2])}, TypeError, "got dtype int64"),
    ],
)
def test_wrong_arguments(options, error, message):
    with pytest.raises(error, match=message):
        sweep(problems.quadratic(), **options)


def test_wrong_problem():
    with pytest.raises(TypeError, match="problem must have the methods f and grad, got float"):
        sweep(0.5, lr=[0.1])
