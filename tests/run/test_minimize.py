"""minimize: trajectories, schedules, divergence, callbacks, namespaces, errors."""

import io
import sys

import array_api_strict
import numpy as np
import pytest
import sympy

import optedu
from optedu import problems, written
from optedu.run.minimization import minimize
from optedu.run.progress import progress_bar


@pytest.fixture(autouse=True)
def _no_student_functions():
    written.clear()
    yield
    written.clear()


RULES = list(optedu.rules.all(matrices=False))  # of vectors, as the problems are
START = [-1.2, 1.0, 0.7]


@pytest.mark.parametrize("name", RULES)
def test_trajectory_is_the_rule_step_by_step(name):
    problem, rule = problems.rosenbrock(3), optedu.rules.get(name)
    x = np.array(START)
    state = rule.init(x, lr=1e-3)
    run = minimize(problem, START, optimizer=name, lr=1e-3, steps=30)
    assert run.x.shape == (31, 3)
    np.testing.assert_array_equal(run.x[0], START)
    for t in range(1, 31):
        assert run.f[t - 1] == pytest.approx(problem.f(x), rel=1e-9)
        assert run.grad_norm[t - 1] == pytest.approx(np.linalg.norm(problem.grad(x)), rel=1e-9)
        x, state = rule.step(x, problem.grad(x), state, t, lr=1e-3)
        np.testing.assert_allclose(run.x[t], x, rtol=1e-9)
    assert (run.steps, run.diverged_at, run.stopped) == (30, None, False)
    assert run.optimizer == name
    assert run.hyper == {**rule.defaults(), "lr": 1e-3}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_namespaces_agree_and_dtype_is_kept(name, dtype):
    options = {"optimizer": name, "lr": 1e-3, "steps": 5}
    here = minimize(problems.beale(), np.array([1.0, 0.5], dtype), **options)
    x0 = array_api_strict.asarray([1.0, 0.5], dtype=getattr(array_api_strict, dtype))
    there = minimize(problems.beale(), x0, **options)
    assert here.x.dtype == dtype
    assert there.x.dtype == x0.dtype
    assert type(there.x) is type(x0)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(np.from_dlpack(there.x), here.x, rtol=tolerance)
    np.testing.assert_allclose(there.f, here.f, rtol=tolerance)


@pytest.mark.parametrize("name", RULES)
def test_columns_are_runs_with_their_own_hyper_parameters(name):
    problem = problems.beale()
    x0 = np.array([[1.0, 2.0, 0.5], [0.5, -0.5, 0.1]])
    lr = np.array([1e-3, 3e-4, 1e-2])
    many = minimize(problem, x0, optimizer=name, lr=lr, steps=20)
    assert many.x.shape == (21, 2, 3)
    assert many.f.shape == many.grad_norm.shape == (21, 3)
    for k in range(3):
        one = minimize(problem, x0[:, k].copy(), optimizer=name, lr=float(lr[k]), steps=20)
        np.testing.assert_allclose(many.x[:, :, k], one.x, rtol=1e-9)


def test_start_is_left_as_it_is():
    x0 = np.array([1.0, 1.0])
    x0.setflags(write=False)
    minimize(problems.quadratic(), x0, steps=3, lr=0.1)
    np.testing.assert_array_equal(x0, [1.0, 1.0])


def test_gradient_descent_on_a_quadratic_is_the_closed_form():
    problem = problems.quadratic(kappa=8)
    run = minimize(problem, optimizer="sgd", lr=0.7, steps=40)
    t = np.arange(41)[:, None]
    np.testing.assert_allclose(run.x, (1 - 0.7 * problem.eigenvalues) ** t, rtol=1e-10)
    np.testing.assert_array_equal(run.gap, run.f)


def test_schedule_gives_each_step_its_value():
    run = minimize(problems.quadratic(1), [1.0, 2.0], lr=lambda t: 1 / (t + 1), steps=4)
    # Each step multiplies by 1 - 1 / (t + 1) = t / (t + 1): after four steps by 1 / 5.
    np.testing.assert_allclose(run.x[-1], [0.2, 0.4], rtol=1e-14)


def test_schedule_out_of_range_names_the_step_and_hands_over_the_run():
    with pytest.raises(ValueError, match=r"lr must be nonnegative, got -0.1") as caught:
        minimize(problems.quadratic(), lr=lambda t: 0.1 * (3 - t), steps=5)
    assert "at step 4" in caught.value.__notes__[0]
    assert "the run so far, 3 steps" in caught.value.__notes__[1]
    run = minimize(problems.quadratic(), lr=lambda t: 0.1 * (3 - t), steps=3)
    np.testing.assert_array_equal(caught.value.run.x, run.x)
    assert caught.value.run.steps == 3


@pytest.mark.parametrize("name", RULES)
def test_a_schedule_may_end_at_zero(name):
    run = minimize(
        problems.beale(),
        [1.0, 0.5],
        optimizer=name,
        lr=lambda t: 1e-3 * (4 - min(t, 4)),
        **({"weight_decay": 0.01} if "weight_decay" in optedu.rules.get(name).defaults() else {}),
        steps=6,
    )
    moved = np.abs(np.diff(run.x, axis=0)).max(axis=1) > 0
    first = name != "adopt"  # whose first step only fills the second moment
    # Two have momentum that holds steps, not gradients; the rate of Rprop is its first step alone.
    rolls = name in ("lars", "dadaptation", "rprop")
    np.testing.assert_array_equal(moved, [first, True, True, rolls, rolls, rolls])


class TestNothingIsLost:
    """What ends a run late leaves the run so far in the exception."""

    def test_an_error_of_the_problem(self):
        def grad(x):
            if abs(x[0]) < 0.7:
                raise RuntimeError("the data ended")
            return x

        problem = optedu.Problem(lambda x: (x * x).sum(0) / 2, grad, x0=[1.0])
        with pytest.raises(RuntimeError, match="the data ended") as caught:
            minimize(problem, lr=0.1, steps=10)
        np.testing.assert_allclose(caught.value.run.x[:, 0], [1.0, 0.9, 0.81, 0.729])
        assert (caught.value.run.steps, len(caught.value.run.f)) == (3, 4)

    @pytest.mark.parametrize("record", [True, False, 4])
    @pytest.mark.parametrize("problem", [problems.beale(), problems.noisy_quadratic([1.0, 2.0])])
    def test_an_interrupt(self, problem, record):
        calls = []

        def lr(t):
            calls.append(t)
            if t == 8:
                raise KeyboardInterrupt
            return 0.01

        with pytest.raises(KeyboardInterrupt) as caught:
            minimize(problem, lr=lr, steps=10, record=record)
        assert calls == list(range(1, 9))  # once a step
        run, full = caught.value.run, minimize(problem, lr=0.01, steps=7)
        assert run.t[-1] == run.steps == 7
        np.testing.assert_array_equal(run.x[-1], full.x[-1])
        assert run.f[-1] == full.f[-1]

    def test_an_error_of_the_callback(self):
        def callback(step, x, f):
            if step == 3:
                raise OSError("disk full")

        with pytest.raises(OSError, match="disk full") as caught:
            minimize(problems.quadratic(), lr=0.1, steps=10, callback=callback)
        assert caught.value.run.steps == 3

    def test_divergence_that_is_raised(self):
        with pytest.raises(FloatingPointError) as caught:
            minimize(problems.quadratic(), lr=1e3, steps=500, on_divergence="raise")
        assert np.isfinite(caught.value.run.f).all()
        assert caught.value.run.diverged_at == caught.value.run.steps + 1

    def test_an_error_at_the_first_step_is_as_it_was(self):
        with pytest.raises(ValueError, match="lr must be") as caught:
            minimize(problems.quadratic(), lr=lambda t: -1.0)
        assert len(caught.value.__notes__) == 1


class TestDivergence:
    problem = problems.quadratic()

    def test_stop_keeps_the_finite_part(self):
        with np.errstate(all="raise"):  # no warning comes out
            run = minimize(self.problem, lr=1e3, steps=500)
        assert run.diverged_at == run.steps + 1 == len(run.x)
        assert np.isfinite(run.x).all()
        assert np.isfinite(run.f).all()
        assert f"diverged at step {run.diverged_at}" in repr(run)

    def test_raise_names_the_step(self):
        at = minimize(self.problem, lr=1e3, steps=500).diverged_at
        with pytest.raises(FloatingPointError, match=f"sgd diverged on quadratic at step {at}"):
            minimize(self.problem, lr=1e3, steps=500, on_divergence="raise")

    def test_record_goes_on(self):
        run = minimize(self.problem, lr=1e3, steps=500, on_divergence="record")
        assert run.x.shape == (501, 2)
        assert run.steps == 500
        assert np.isfinite(run.f[: run.diverged_at]).all()
        assert not np.isfinite(run.f[run.diverged_at :]).any()

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_gradient_that_is_not_finite(self, bad):
        def grad(x):
            return np.where(x < 0.5, bad, 1.0)

        problem = optedu.Problem(lambda x: x.sum(0), grad, x0=[1.0], name="cliff")
        run = minimize(problem, lr=0.2, steps=10)
        assert (run.steps, run.diverged_at) == (3, 4)
        np.testing.assert_allclose(run.x[:, 0], [1.0, 0.8, 0.6, 0.4])
        with pytest.raises(FloatingPointError, match="cliff at step 4: the gradient is not finite"):
            minimize(problem, lr=0.2, steps=10, on_divergence="raise")

    @pytest.mark.parametrize("record", [False, 1, 7, 64, 100_000])
    @pytest.mark.parametrize("mode", ["stop", "record"])
    @pytest.mark.parametrize(
        "problem",
        [problems.quadratic(), problems.noisy_quadratic([1.0, 0.1])],
        ids=["exact", "sgd"],
    )
    def test_where_a_run_ends_does_not_depend_on_what_is_recorded(self, problem, mode, record):
        options = {"lr": 5.0, "steps": 2000, "on_divergence": mode}
        full = minimize(problem, **options)
        run = minimize(problem, record=record, **options)
        assert 200 < run.diverged_at == full.diverged_at < 1100
        assert run.steps == full.steps
        assert run.t[-1] == full.t[-1]
        np.testing.assert_array_equal(run.x, full.x[run.t])
        np.testing.assert_array_equal(run.f, full.f[run.t])
        if mode == "stop":
            assert run.f[-1] > 1e290
            with pytest.raises(FloatingPointError, match=f"at step {full.diverged_at}: ") as caught:
                minimize(problem, record=record, **{**options, "on_divergence": "raise"})
            assert caught.value.run.f[-1] == full.f[-1]

    def test_a_point_that_is_infinite_where_the_objective_is_finite(self):
        problem = optedu.Problem(
            lambda x: np.arctan(x).sum(0), lambda x: 0 * x + 1e308, x0=[1.0], name="flat"
        )
        for record in (True, False):
            run = minimize(problem, lr=1.0, steps=5, record=record)
            assert run.diverged_at == 2
            assert np.isfinite(run.x).all()

    def test_many_runs_of_which_some_diverge(self):
        x0 = np.ones((2, 3))
        options = {"lr": np.array([0.1, 4.0, 3.0]), "steps": 1500}
        problem = problems.noisy_quadratic([1.0, 0.1])
        full = minimize(problem, x0, **options)
        run = minimize(problem, x0, record=False, **options)
        assert run.diverged_at == full.diverged_at < 600
        np.testing.assert_array_equal(run.x, full.x[[0, -1]])

    def test_a_huge_gradient_is_still_a_gradient(self):
        problem = optedu.Problem(lambda x: x.sum(0), lambda x: 0 * x + 1e200, x0=[1.0, 1.0])
        run = minimize(problem, lr=1e-200, steps=2)
        assert run.diverged_at is None
        assert run.grad_norm[0] == pytest.approx(np.sqrt(2) * 1e200)

    def test_other_runs_go_on(self):
        run = minimize(self.problem, np.ones((2, 2)), lr=np.array([0.1, 1e3]), steps=200)
        assert run.steps == 200
        assert 1 < run.diverged_at < 200
        assert np.isfinite(run.x[:, :, 0]).all()
        assert not np.isfinite(run.x[-1, :, 1]).any()


def test_callback_sees_copies_and_stops():
    seen = []

    def callback(step, x, f):
        seen.append((step, f))
        x[:] = np.nan  # spoils the copy alone
        return step == 3

    run = minimize(problems.quadratic(), lr=0.1, steps=10, callback=callback)
    assert [s for s, _ in seen] == [1, 2, 3]
    assert (run.steps, run.stopped, len(run.x)) == (3, True, 4)
    np.testing.assert_array_equal(run.f[1:], [f for _, f in seen])


@pytest.mark.parametrize(
    "true",
    [True, np.True_, np.asarray(True), array_api_strict.asarray(True), sympy.true],
    ids=["bool", "numpy", "array", "strict", "sympy"],
)
def test_one_truth_value_of_any_library_stops(true):
    run = minimize(problems.quadratic(), lr=0.1, steps=4, callback=lambda step, x, f: true)
    assert (run.steps, run.stopped) == (1, True)


@pytest.mark.parametrize(
    "other",
    [
        *(None, False, np.False_, np.asarray(False), array_api_strict.asarray(False), sympy.false),
        *(1, 0.5, np.float64(1.0), np.ones(()), "yes", [True], sympy.Symbol("x") > 0),
    ],
    ids=str,
)
def test_what_is_not_true_does_not_stop(other):
    run = minimize(problems.quadratic(), lr=0.1, steps=4, callback=lambda step, x, f: other)
    assert (run.steps, run.stopped) == (4, False)


def test_a_callback_that_says_several_things_is_told_so():
    with pytest.raises(ValueError, match=r"one truth value, got .* shape \(2,\); say .all\(\)"):
        minimize(problems.quadratic(), lr=0.1, steps=4, callback=lambda step, x, f: x > 0)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [("float32", 1e-30), ("float32", 1e30), ("float64", 1e-200), ("float64", 1e200)],
)
@pytest.mark.parametrize("columns", [None, 2])
def test_the_norm_of_small_and_large_gradients(size, dtype, columns):
    shape = (2,) if columns is None else (2, columns)
    grad = size * np.asarray([3.0, 4.0]).reshape(2, *[1] * (columns is not None))
    problem = optedu.Problem(
        lambda x: 0 * x[0], lambda x: (0 * x + grad).astype(x.dtype), x0=[1.0, 1.0]
    )
    run = minimize(problem, np.ones(shape, dtype), lr=0.0, steps=2)
    np.testing.assert_allclose(run.grad_norm, 5 * size, rtol=1e-6)
    strict = array_api_strict.ones(shape, dtype=getattr(array_api_strict, dtype))
    back = optedu.Problem(
        lambda x: 0 * x[0, ...],
        lambda x: array_api_strict.asarray(grad, dtype=x.dtype) + 0 * x,
        x0=[1.0, 1.0],
    )
    np.testing.assert_allclose(
        minimize(back, strict, lr=0.0, steps=2).grad_norm, 5 * size, rtol=1e-6
    )


def test_a_finite_gradient_whose_norm_overflows_is_finite():
    problem = optedu.Problem(lambda x: x.sum(0), lambda x: 0 * x + 1.5e308, x0=[1.0, 1.0])
    assert minimize(problem, lr=1e-308, steps=2).diverged_at is None


def spoiled(x):
    g = x.copy()
    x *= 0
    return g


def measured(x):
    x *= x
    return x.sum(0) / 2


@pytest.mark.parametrize("name", RULES)
def test_a_problem_that_works_in_place_changes_no_point(name):
    rough = optedu.Problem(measured, spoiled, x0=[1.0, 2.0], minimum=0.0)
    clean = optedu.Problem(lambda x: (x * x).sum(0) / 2, lambda x: x, x0=[1.0, 2.0], minimum=0.0)
    options = {"optimizer": name, "lr": 0.01, "steps": 5}
    run, expected = minimize(rough, **options), minimize(clean, **options)
    np.testing.assert_array_equal(run.x, expected.x)
    np.testing.assert_array_equal(run.f, expected.f)
    swept, right = (optedu.sweep(p, **{**options, "lr": [0.01, 0.02]}) for p in (rough, clean))
    np.testing.assert_array_equal(swept.x, right.x)
    np.testing.assert_array_equal(swept.f, right.f)


@pytest.mark.parametrize(
    ("record", "steps"), [(True, range(11)), (4, (0, 4, 8, 10)), (False, (0, 10))]
)
def test_record(record, steps):
    full = minimize(problems.beale(), lr=0.01, steps=10)
    run = minimize(problems.beale(), lr=0.01, steps=10, record=record)
    np.testing.assert_array_equal(run.t, list(steps))
    for quantity in ("x", "f", "grad_norm"):
        np.testing.assert_array_equal(getattr(run, quantity), getattr(full, quantity)[list(steps)])


def test_no_steps():
    run = minimize(problems.beale(), steps=0)
    assert run.x.shape == (1, 2)
    assert run.steps == 0


class TestYourOwn:
    def test_implemented_function_is_used_until_it_is_forgotten(self):
        calls = []

        @optedu.implement("sgd")
        def sgd(xp, x, g, state, t, *, lr=0.25):
            calls.append((xp, t))
            return x - lr * g, {}

        run = minimize(problems.quadratic(1), steps=2)
        np.testing.assert_allclose(run.x[-1], [0.5625, 0.5625])
        assert calls == [(np, 1), (np, 2)]
        assert run.hyper == {"lr": 0.25}
        written.clear()
        assert minimize(problems.quadratic(1), steps=2).hyper != {"lr": 0.25}

    def test_it_gets_the_initial_state_of_the_rule(self):
        @optedu.implement("momentum")
        def momentum(xp, x, g, state, t, *, lr=0.1, momentum=0.5):
            if t == 1:
                assert set(state) == {s.name for s in optedu.rules.get("momentum").states}
            (name,) = state
            v = momentum * state[name] + g
            return x - lr * v, {name: v}

        mine = minimize(problems.beale(), optimizer="momentum", lr=0.01, momentum=0.9, steps=50)
        rule = optedu.rules.get("momentum")
        theirs = minimize(problems.beale(), optimizer=rule, lr=0.01, momentum=0.9, steps=50)
        np.testing.assert_allclose(mine.x, theirs.x, rtol=1e-9)

    def test_function_with_its_own_state(self):
        def averaged(xp, x, g, state, t, *, lr):
            total = state.get("total", 0.0) + g
            return x - lr * total / t, {"total": total}

        run = minimize(problems.quadratic(1), optimizer=averaged, lr=0.5, steps=3)
        assert run.optimizer == "averaged"
        np.testing.assert_allclose(run.x[:3, 0], [1.0, 0.5, 0.125])
        strict = array_api_strict.asarray([1.0, 1.0])
        assert type(minimize(problems.quadratic(1), strict, optimizer=averaged, lr=0.5).x) is type(
            strict
        )

    @pytest.mark.parametrize(
        ("result", "error", "message"),
        [
            (lambda x: x, TypeError, r"must return \(x_new, state_new\), got ndarray"),
            (lambda x: (x[:1], {}), ValueError, r"in the shape of x, \(2,\), got \(1,\)"),
            (lambda x: (1.0, {}), ValueError, "in the shape of x"),
            (
                lambda x: (x.astype(np.float32), {}),
                TypeError,
                "in the dtype of x, float64, got float32",
            ),
            (lambda x: (x, None), TypeError, "state_new as a dictionary, got NoneType"),
        ],
    )
    def test_wrong_results_are_explained(self, result, error, message):
        def mine(xp, x, g, state, t):
            return result(x)

        with pytest.raises(error, match=f"your mine must return.*{message}|{message}"):
            minimize(problems.beale(), optimizer=mine)

    def test_needed_and_unknown_hyper_parameters(self):
        def mine(xp, x, g, state, t, *, lr):
            return x, state

        with pytest.raises(TypeError, match="mine needs the hyper-parameter 'lr'"):
            minimize(problems.beale(), optimizer=mine)
        with pytest.raises(
            TypeError, match="your mine takes no hyper-parameter 'rho'; it takes lr"
        ):
            minimize(problems.beale(), optimizer=mine, lr=0.1, rho=0.1)
        with pytest.raises(ValueError, match="lr must be nonnegative"):
            minimize(problems.beale(), optimizer=mine, lr=-0.1)


class TestRepresentation:
    def test_text(self):
        run = minimize(problems.quadratic(4), optimizer="sgd", lr=1.0, steps=1)
        assert repr(run) == "<Run sgd on quadratic: 1 step, f 0.625 → 0.0703125>"

    def test_html_escapes(self):
        problem = optedu.Problem(lambda x: x.sum(0), lambda x: x, x0=[1.0], name="<b>")
        page = minimize(problem, steps=1, lr=0.1)._repr_html_()
        assert "&lt;b&gt;" in page
        assert "<b>" not in page
        assert "sgd(lr=0.1" in page


def test_gap_needs_a_minimum():
    with pytest.raises(ValueError, match="the minimum of saddle must be known, got -inf"):
        _ = minimize(problems.saddle(), steps=1, lr=0.1).gap


def test_progress_bar_when_asked(capsys):
    minimize(problems.beale(), lr=1e-3, steps=64, progress=True)
    assert "sgd" in capsys.readouterr().err
    minimize(problems.beale(), lr=1e-3, steps=64)
    assert capsys.readouterr().err == ""


quadratic = problems.quadratic()


class Bare:
    """A problem with nothing but the two functions."""

    def f(self, x):
        return (x**2).sum(0)

    def grad(self, x):
        return 2 * x


def test_any_object_with_f_and_grad_is_a_problem():
    assert minimize(Bare(), [1.0, 2.0], lr=0.5, steps=1).f[-1] == 0.0


def with_gradient(grad):
    return optedu.Problem(lambda x: x.sum(0), grad, x0=[1.0, 2.0], name="p")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: minimize(3), TypeError, "problem must have the methods f and grad, got int"),
        (lambda: minimize(Bare()), ValueError, "x0 must be given"),
        (
            lambda: minimize(quadratic, np.array([1, 2])),
            TypeError,
            "x0 must be a .* got dtype int64",
        ),
        (lambda: minimize(quadratic, "ab"), TypeError, "x0 must be a floating-point array"),
        (lambda: minimize(quadratic, [1.0]), ValueError, r"x0 must have shape \(2,\).* got \(1,\)"),
        (
            lambda: minimize(quadratic, [1.0, np.nan]),
            ValueError,
            "x0 must be finite, got nan at index 1",
        ),
        (lambda: minimize(quadratic, optimizer="adamm"), ValueError, "did you mean 'adam'"),
        (
            lambda: minimize(quadratic, optimizer=3),
            TypeError,
            "optimizer must be the name of a rule",
        ),
        (lambda: minimize(quadratic, lr=-0.1), ValueError, "lr must be nonnegative, got -0.1"),
        (lambda: minimize(quadratic, lr=np.nan), ValueError, "lr must be nonnegative, got nan"),
        (lambda: minimize(quadratic, lr="fast"), TypeError, "lr must be a real number, got 'fast'"),
        (lambda: minimize(quadratic, rho=0.9), TypeError, "sgd has no hyper-parameter 'rho'"),
        (
            lambda: minimize(quadratic, rho=lambda t: t),
            TypeError,
            "sgd has no hyper-parameter 'rho'",
        ),
        (
            lambda: minimize(quadratic, optimizer="adam", beta1=1),
            ValueError,
            r"beta1 must be in \[0, 1\), got 1.0",
        ),
        (
            lambda: minimize(quadratic, optimizer="adam", beta2=-0.5),
            ValueError,
            r"beta2 must be in \[0, 1\), got -0.5",
        ),
        (lambda: minimize(quadratic, steps=-1), ValueError, "steps must be at least 0, got -1"),
        (lambda: minimize(quadratic, steps=1.5), TypeError, "steps must be an integer, got 1.5"),
        (lambda: minimize(quadratic, seed=-1), ValueError, "seed must be at least 0, got -1"),
        (lambda: minimize(quadratic, record=0.5), TypeError, "record must be an integer"),
        (lambda: minimize(quadratic, record=-1), ValueError, "record must be at least 1, got -1"),
        (lambda: minimize(quadratic, callback=3), TypeError, "callback must be callable, got int"),
        (
            lambda: minimize(quadratic, progress="no"),
            TypeError,
            "progress must be None, True or False",
        ),
        (
            lambda: minimize(quadratic, on_divergence="ignore"),
            ValueError,
            "on_divergence must be one of stop, raise, record, got 'ignore'",
        ),
        (
            lambda: minimize(with_gradient(lambda x: x[:1])),
            ValueError,
            r"p.grad\(x\) must have the shape of x, \(2,\), got \(1,\)",
        ),
        (
            lambda: minimize(with_gradient(lambda x: x.astype(int))),
            TypeError,
            r"p.grad\(x\) must be a floating-point array, got dtype int64",
        ),
        (
            lambda: minimize(with_gradient(lambda x: x.astype(np.float32))),
            TypeError,
            r"p.grad\(x\) must have the dtype of x, float64, got float32",
        ),
        (lambda: minimize(with_gradient(lambda x: [1.0, 2.0])), TypeError, r"p.grad\(x\) must be"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("wanted", "terminal", "session", "shown"),
    [
        (None, False, False, False),
        (None, True, False, True),
        (None, False, True, True),
        (False, True, True, False),
        (True, False, False, True),
    ],
)
def test_who_sees_a_progress_bar(wanted, terminal, session, shown, monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr("sys.stderr", io.StringIO())
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if session:
        monkeypatch.setenv("JPY_SESSION_NAME", "notebook.ipynb")
    monkeypatch.setattr("optedu.run.progress._PATIENCE", 0.0)
    with progress_bar(32, wanted, "adam") as report:
        report(16)
        assert ("adam" in sys.stderr.getvalue()) == shown


def test_progress_waits_for_a_moment(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    monkeypatch.setattr("sys.stderr", io.StringIO())
    monkeypatch.setattr("optedu.run.progress._watched", lambda: True)
    with progress_bar(64, None, "adam") as report:
        now[0] = 0.5
        report(16)
        assert sys.stderr.getvalue() == ""
        now[0] = 1.5
        report(32)
        assert "32/64" in sys.stderr.getvalue()


def test_a_bar_needs_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match="progress=True needs tqdm: pip install tqdm"):
        minimize(problems.beale(), lr=1e-3, progress=True)
    monkeypatch.setattr("optedu.run.progress._watched", lambda: True)
    assert minimize(problems.beale(), lr=1e-3, steps=2).steps == 2


class Slope:
    """A plane whose gradient is what the test says."""

    name = "slope"

    def __init__(self, slope):
        self.slope = slope

    def f(self, x):
        return (x * (self.slope != 0)).sum()

    def grad(self, x):
        return self.slope.astype(x.dtype)


SQUARING = [
    *("adadelta", "adagrad", "adam", "adopt", "amsgrad", "adamw", "nadam", "radam", "rmsprop"),
    *("rmsprop_eps_inside", "rmsprop_centered", "rmsprop_centered_eps_inside", "rmsprop_momentum"),
    *("adabelief", "ademamix", "dadaptation", "dog", "lamb", "lars", "prodigy"),
]


@pytest.mark.parametrize(
    ("dtype", "large"), [("float16", 300), ("float32", 1e25), ("float64", 1e200)]
)
@pytest.mark.parametrize("name", RULES)
def test_squares_that_overflow_are_told_and_freeze_no_rule_in_silence(name, dtype, large):
    x0, slope = np.ones(3, dtype), np.array([large, 1.0, -large])
    # In half precision the default eps is zero, and a gradient that small is another test's.
    half = dtype == "float16" and "eps" in optedu.rules.get(name).defaults()
    hyper = {"lr": 0.1, **({"eps": 1.0} if half else {})}
    run = optedu.minimize(Slope(slope), x0, optimizer=name, steps=3, **hyper)
    if name not in SQUARING:
        assert run.diverged_at is None and run.x[-1][0] != 1
        return
    assert run.diverged_at == 1
    with pytest.raises(FloatingPointError) as failure:
        optedu.minimize(Slope(slope), x0, optimizer=name, steps=3, on_divergence="raise", **hyper)
    text = str(failure.value)
    assert "the state (" in text and f"Squares of the gradient overflow in {dtype}" in text
    assert "scale the objective down" in text and "smaller lr" not in text
    assert ("use float64" in text) == (dtype != "float64")


def test_of_several_runs_those_go_on_whose_squares_do_not_overflow():
    class Runs(Slope):
        def f(self, x):
            return x.sum(axis=0)

    slopes = Runs(np.array([[1e200, 1.0], [1.0, 1e100]]))
    run = optedu.minimize(slopes, np.ones((2, 2)), optimizer="adam", steps=3)
    assert run.diverged_at == 1 and run.steps == 3
    assert np.all(run.x[-1][:, 1] < 0.9999)
    tame = Runs(np.array([[1e100, 1.0], [1.0, 1e100]]))
    assert optedu.minimize(tame, np.ones((2, 2)), optimizer="adam", steps=3).diverged_at is None


def test_a_sweep_counts_runs_whose_squares_overflow_as_diverged():
    class Steep:
        name = "steep"

        def f(self, x):
            return (5e199 * x * x).sum(axis=0)

        def grad(self, x):
            return 1e200 * x

    problem = Steep()
    result = optedu.sweep(problem, [1e-50], optimizer="adam", steps=3, lr=[1e-60, 1e-50])
    assert not result.diverged.any()
    result = optedu.sweep(problem, [1e-50], optimizer="adam", steps=3, lr=[1e-60, 1e-3])
    assert result.diverged.tolist() == [False, True] and np.isinf(result.f[1])
    kept = optedu.sweep(problem, [1e-50], optimizer="lion", steps=3, lr=[1e-60, 1e-3])
    assert not kept.diverged.any()  # keeps no square


@pytest.mark.parametrize("name", ["adam", "rmsprop", "adagrad", "adamw"])
def test_where_the_gradient_is_zero_and_eps_vanishes_the_advice_is_a_larger_eps(name):
    def advice(dtype, **hyper):
        with pytest.raises(FloatingPointError) as failure:
            optedu.minimize(Slope(np.array([0.0, 1.0])), np.ones(2, dtype), optimizer=name,
                            steps=3, on_divergence="raise", **hyper)  # fmt: skip
        return str(failure.value)

    half = advice("float16", eps=1e-8)
    assert "eps is 1e-08, which float16 rounds to 0: a larger eps helps (at least 6e-08)" in half
    assert "smaller lr" not in half
    assert "since eps is 0: a larger eps helps" in advice("float64", eps=0)
    run = optedu.minimize(Slope(np.array([0.0, 1.0])), np.ones(2, "float16"), optimizer=name,
                          steps=3, eps=1e-3)  # fmt: skip
    assert run.diverged_at is None


@pytest.mark.parametrize(
    ("name", "given", "hint"),
    [
        ("adam", "betas", "did you mean 'beta1' and 'beta2'? Give them one by one"),
        ("adam", "learning_rate", "did you mean 'lr'?"),
        ("sgd", "step_size", "did you mean 'lr'?"),
        ("sgd", "eta", "did you mean 'lr'?"),
        ("adam", "alpha", "did you mean 'lr'?"),
        ("rmsprop", "alpha", "did you mean 'lr' or 'beta2'?"),
        ("rmsprop", "rho", "did you mean 'beta2'?"),
        ("adadelta", "rho", "did you mean 'beta2'?"),
        ("momentum", "rho", "did you mean 'momentum'?"),
        ("momentum", "mu", "did you mean 'momentum'?"),
        ("adam", "epsilon", "did you mean 'eps'?"),
        ("adam", "wd", "did you mean 'weight_decay'?"),
        ("adam", "decay", "did you mean 'weight_decay'?"),
        ("adagrad", "decay", "did you mean 'weight_decay' or 'lr_decay'?"),
        ("adam", "b1", "did you mean 'beta1'?"),
        ("adam", "beta_2", "did you mean 'beta2'?"),
        ("sgd", "momentum", "that is a rule of its own, 'momentum'"),
        ("sgd", "nesterov", "that is a rule of its own, 'nesterov'"),
        ("adam", "amsgrad", "that is a rule of its own, 'amsgrad'"),
        ("rmsprop", "centered", "that is a rule of its own, 'rmsprop_centered'"),
        ("lion", "eps", "it has lr, beta1, beta2, weight_decay"),
        ("adam", "optimiser", "minimize has no argument 'optimiser' (did you mean 'optimizer'?)"),
    ],
)
def test_the_names_of_other_libraries_are_understood(name, given, hint):
    with pytest.raises(TypeError) as failure:
        optedu.minimize(optedu.problems.quadratic(), optimizer=name, steps=1, **{given: 0.5})
    assert hint in str(failure.value)
    if "argument" not in hint:
        assert f"{name} has no hyper-parameter {given!r}" in str(failure.value)
        with pytest.raises(TypeError, match=given):
            optedu.Optimizer(name, np.ones(2), **{given: 0.5})


def test_a_function_of_the_reader_gets_the_same_hints():
    def mine(xp, x, g, state, t, *, lr=0.1, beta1=0.9, beta2=0.99):
        return x - lr * g, {}

    for given, hint in (("betas", "'beta1' and 'beta2'"), ("learning_rate", "'lr'")):
        with pytest.raises(TypeError, match=f"your mine takes no .*{given}.*did you mean {hint}"):
            optedu.minimize(optedu.problems.quadratic(), optimizer=mine, steps=1, **{given: 0.5})


def test_arrays_in_the_byte_order_of_another_machine_are_refused_wherever_they_come_in():
    other = np.ones(2, dtype=np.dtype(float).newbyteorder())
    rule, native = optedu.rules.get("momentum"), np.ones(2)
    optimizer = optedu.Optimizer("momentum", {"w": native.copy()})
    state = {"b": other}
    for name, call in {
        "x0": lambda: optedu.minimize(optedu.problems.quadratic(), other, steps=1),
        "params": lambda: optedu.Optimizer("momentum", other),
        r"grads\['w'\]": lambda: optimizer.step({"w": other}),
        "x": lambda: rule.step(other, native, {"b": native}, 1),
        "g": lambda: rule.step(native, other, {"b": native}, 1),
        r"state\['b'\]": lambda: rule.step(native, native, state, 1),
        r"slope.grad\(x\)": lambda: optedu.minimize(Swapped(), native, steps=1),
    }.items():
        message = rf"{name} must be in this machine's byte order, got dtype .f8: \.astype"
        with pytest.raises(TypeError, match=message):
            call()


class Swapped(Slope):
    def __init__(self):
        super().__init__(np.ones(2))

    def grad(self, x):
        return x.astype(x.dtype.newbyteorder())
