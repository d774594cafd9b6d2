r"""Transformations of rules, each against the loop that it stands for."""

import numpy as np
import pytest

import optedu
from optedu.transformations import (
    averaged,
    cautious,
    clipped,
    decoupled,
    maximized,
    projected,
    schedule_free,
    sharpness_aware,
    soft_thresholded,
)
from tests.compile import forms

RNG = np.random.default_rng(5)
START, GRADS = RNG.standard_normal(6), 3 * RNG.standard_normal((15, 6))
ADAM, SGD = optedu.rules.get("adam"), optedu.rules.get("sgd")
HEAVY = optedu.rules.get("momentum").at(weight_decay=0, dampening=0)


def run(rule, grads=GRADS, form="numpy", **hyper):
    at = START.copy()
    state = rule.init(at, **hyper)
    step = rule.kernel(form).bind(at, state, **hyper)
    for t, g in enumerate(grads, 1):
        step(g, t)
    return at, state


def test_maximized_is_the_rule_on_the_other_sign():
    np.testing.assert_allclose(run(maximized(ADAM))[0], run(ADAM, -GRADS)[0], rtol=1e-13)


@pytest.mark.parametrize("rule", [SGD, ADAM, HEAVY], ids=lambda rule: rule.name)
def test_clipped_is_the_rule_on_clipped_gradients(rule):
    norms = np.linalg.norm(GRADS, axis=1, keepdims=True)
    shorter = GRADS * np.minimum(1, 4.0 / norms)
    assert 0 < np.sum(norms > 4.0) < len(norms)
    np.testing.assert_allclose(run(clipped(rule, 4.0))[0], run(rule, shorter)[0], rtol=1e-12)


def test_a_zero_gradient_is_clipped_to_zero():
    np.testing.assert_array_equal(run(clipped(SGD), np.zeros((2, 6)))[0], START)


@pytest.mark.parametrize("rule", [ADAM, optedu.rules.get("adamw")], ids=lambda rule: rule.name)
def test_decoupled_adam_is_adamw(rule):
    hyper = {"lr": 0.1, "weight_decay": 0.3}
    expected = run(optedu.rules.get("adamw"), **hyper)[0]
    np.testing.assert_allclose(run(decoupled(rule), **hyper)[0], expected, rtol=1e-12)


def test_averaged_keeps_the_mean_of_all_points():
    points = []
    at = START.copy()
    step = HEAVY.kernel().bind(at, HEAVY.init(at), lr=0.1)
    for t, g in enumerate(GRADS, 1):
        step(g, t)
        points.append(at.copy())
    end, state = run(averaged(HEAVY), lr=0.1)
    np.testing.assert_allclose(end, points[-1], rtol=1e-13)
    np.testing.assert_allclose(state["x_mean"], np.mean(points, axis=0), rtol=1e-12)
    mean = START
    for point in points:
        mean = 0.8 * mean + 0.2 * point
    _, state = run(averaged(HEAVY, 0.8), lr=0.1)
    np.testing.assert_allclose(state["x_mean"], mean, rtol=1e-12)


def test_cautious_moves_only_where_step_and_gradient_agree():
    at, b = START.copy(), np.zeros(6)
    for g in GRADS:
        b = 0.9 * b + g
        mask = b * g > 0
        at = at - 0.1 * b * mask * 6 / max(1, mask.sum())
    found, _ = run(cautious(HEAVY), lr=0.1)
    np.testing.assert_allclose(found, at, rtol=1e-12)
    # On a badly scaled bowl it never climbs: measured for heavy ball with kappa = 100.
    problem = optedu.problems.quadratic(kappa=100)
    hyper = {"lr": 0.01, "momentum": 0.9, "steps": 300}
    plain, careful = (
        optedu.minimize(problem, optimizer=rule, **hyper) for rule in (HEAVY, cautious(HEAVY))
    )
    assert np.any(np.diff(plain.f) > 0)
    assert np.sum(np.diff(careful.f) > 0) < np.sum(np.diff(plain.f) > 0)


def test_schedule_free_descent_is_the_authors_code():
    r"""z, y and x as in sgd_schedulefree.py; the gradient is taken at y."""
    problem = optedu.problems.quadratic(kappa=20)
    x = z = np.array([1.0, -2.0])
    for t in range(1, 41):
        y = 0.1 * z + 0.9 * x
        z = z - 0.05 * problem.grad(y)
        x = (1 - 1 / t) * x + z / t
    rule = schedule_free(SGD.at(weight_decay=0))
    found = optedu.minimize(problem, optimizer=rule, x0=[1.0, -2.0], lr=0.05, steps=40).x[-1]
    np.testing.assert_allclose(found, x, rtol=1e-12)
    optimizer = optedu.Optimizer(rule, np.array([1.0, -2.0]), lr=0.05)
    for _ in range(40):
        optimizer.step(problem.grad(optimizer.point))
    np.testing.assert_allclose(optimizer.params, x, rtol=1e-12)
    swept = optedu.sweep(problem, optimizer=rule, x0=[1.0, -2.0], lr=[0.05, 0.1], steps=40)
    np.testing.assert_allclose(swept.f[0], problem.f(x), rtol=1e-9)


def test_schedule_free_adam_keeps_no_first_moment():
    rule = schedule_free(ADAM.at(beta1=0))
    assert [state.name for state in rule.states] == ["v", "z"]  # as in the authors' code
    assert not any("m_{t}" in equation for equation in rule.latex_equations())


def test_schedule_free_without_momentum_is_the_average():
    problem = optedu.problems.quadratic(kappa=20)
    bare = schedule_free(SGD.at(weight_decay=0), beta=0.0)
    mean = averaged(SGD.at(weight_decay=0))
    one = optedu.minimize(problem, optimizer=bare, lr=0.05, steps=30).x[-1]
    step = optedu.Optimizer(mean, problem.x0, lr=0.05)
    for _ in range(30):
        step.step(problem.grad(step.params))
    np.testing.assert_allclose(one, step.state["x_mean"], rtol=1e-12)


def sam(problem, x, inner, steps, distance):
    r"""SAM as its paper has it: up along the gradient, and the step from there is taken below."""
    for t in range(1, steps + 1):
        g = problem.grad(x)
        x = inner(x, problem.grad(x + distance * g / np.linalg.norm(g)), t)
    return x


@pytest.mark.parametrize("name", ["sgd", "adam", "nadam", "radam", "lamb"])
def test_sharpness_aware_steps_are_the_papers(name):
    problem, rule = optedu.problems.quadratic(kappa=20), optedu.rules.get(name)
    start = np.array([1.0, -2.0])
    state = rule.init(start)

    def inner(x, g, t):
        nonlocal state
        x, state = rule.step(x, g, state, t, lr=0.05)
        return x

    expected = sam(problem, start, inner, 8, 0.3)
    twice = sharpness_aware(rule, 0.3)
    run_ = optedu.minimize(problem, optimizer=twice, x0=start, lr=0.05, steps=16)
    np.testing.assert_allclose(run_.x[-1], expected, rtol=1e-11)
    np.testing.assert_array_equal(run_.x[1::2], run_.x[:-1:2])  # of which the odd steps climb
    for form in ("array", "numba"):
        at, after = start.copy(), twice.init(start)
        for t in range(1, 17):
            g = problem.grad(twice.point(at, after, radius=0.3))
            if form == "array":
                at, after = twice.step(at, g, after, t, lr=0.05)
            else:
                twice.kernel(form)(at, g, after, t, lr=0.05)
        np.testing.assert_allclose(at, expected, rtol=1e-11)
        for key, value in state.items():
            np.testing.assert_allclose(after[key], value, rtol=1e-11)


def test_sharpness_aware_at_rest_and_on_several_tensors():
    rule = sharpness_aware(SGD.at(weight_decay=0), 5.0)
    at, state = rule.step(START, np.zeros(6), rule.init(START), 1)
    np.testing.assert_array_equal(rule.point(at, state), START)
    optimizer = optedu.Optimizer(rule, [START[:2], START[2:]], lr=0.1)
    optimizer.step([GRADS[0, :2], GRADS[0, 2:]])
    climbed = START + 5 * GRADS[0] / np.linalg.norm(GRADS[0])  # the norm is of both
    np.testing.assert_allclose(np.concatenate(optimizer.point), climbed, rtol=1e-13)
    assert r"\frac{1}{\lVert g_{t} \rVert}" in rule.latex()


def lasso(weight, prox=True, dim=6):
    r"""A lasso with rows that are no multiples of each other, as a problem, and its 1/L."""
    A = np.random.default_rng(8).standard_normal((12, dim))
    b = A @ np.where(np.arange(dim) % 2, 0.0, np.arange(dim) - 3.0) + 0.1

    def columns(x):
        return b if x.ndim == 1 else b[:, None]

    def soft(x, step):
        return np.sign(x) * np.maximum(np.abs(x) - step * weight, 0)

    problem = optedu.Problem(
        lambda x: ((A @ x - columns(x)) ** 2).sum(0) / 2 + weight * np.abs(x).sum(0),
        lambda x: A.T @ (A @ x - columns(x)),
        x0=np.ones(dim),
        name="lasso",
        prox=soft if prox else None,
    )
    return problem, 1 / np.linalg.eigvalsh(A.T @ A)[-1]


@pytest.mark.parametrize("way", ["problem", "rule"])
def test_proximal_gradient_ends_at_the_lassos_optimum(way):
    r"""There |gradient| <= weight, and the gradient is -weight * sign(x) where x is not 0."""
    problem, rate = lasso(3.0, prox=way == "problem")
    rule = SGD if way == "problem" else soft_thresholded(SGD, 3.0)
    x = optedu.minimize(problem, optimizer=rule, lr=rate, steps=1000).x[-1]
    g, there = problem.grad(x), x != 0
    assert 0 < np.sum(there) < 6
    assert np.all(np.abs(g) <= 3 + 1e-10)
    np.testing.assert_allclose(g[there], -3 * np.sign(x[there]), rtol=0, atol=1e-10)


SMALL = {"lr": lambda t: 0.05 / t**0.5}


@pytest.mark.parametrize("hyper", [{"lr": 0.03}, SMALL, {"lr": np.array([0.01, 0.02, 0.03])}])
@pytest.mark.parametrize("rule", [SGD, HEAVY, ADAM], ids=lambda rule: rule.name)
def test_a_problems_prox_and_the_rule_give_one_run(rule, hyper):
    with_prox, without = lasso(2.0)[0], lasso(2.0, prox=False)[0]
    box = optedu.Problem(without.f, without.grad, x0=without.x0, bounds=(-0.02, 0.04))
    start = np.full((6, 3) if isinstance(hyper["lr"], np.ndarray) else 6, 0.03)
    for problem, changed in (
        (with_prox, soft_thresholded(rule, 2.0)),
        (box, projected(rule, -0.02, 0.04)),
    ):
        one = optedu.minimize(problem, start, optimizer=rule, steps=40, **hyper)
        two = optedu.minimize(without, start, optimizer=changed, steps=40, **hyper)
        np.testing.assert_allclose(one.x, two.x, rtol=1e-12, atol=1e-14)
        assert np.any(one.x == (0 if problem is with_prox else -0.02))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_projected_and_soft_thresholded_in_every_form(dtype, tmp_path):
    grads, start = GRADS.astype(dtype), START.astype(dtype)
    grads[3, 2] = np.nan
    cases = [
        forms.Case(changed, start, grads, {"lr": 0.1})
        for changed in (projected(ADAM, -0.25, 0.5), soft_thresholded(SGD, 0.5))
    ]
    results = forms.ends(cases, tmp_path)
    for form, values in results.items():
        for case, value, right in zip(cases, values, results["array"], strict=True):
            rtol = 1e-12 if dtype == np.float64 else 1e-4
            label = f"{form} of {case.rule.name}"
            np.testing.assert_allclose(value, right, rtol=rtol, atol=rtol, err_msg=label)
            assert np.array_equal(np.isnan(value), np.arange(6) == 2), label
    held = np.delete(results["numpy"][0], 2)
    assert np.isin(dtype(0.5), held) and np.all((held >= -0.25) & (held <= 0.5))
    for rule in (projected(SGD, -0.25, 0.5), soft_thresholded(SGD, 0.5)):
        assert set(rule.defaults()) & {"low", "l1_weight"} and rule.source("cupy")


def test_a_box_may_be_open_on_a_side():
    rule = projected(SGD, 0.0, np.inf)
    assert "high" not in rule.defaults() and rule.latex().count("max") == 1
    np.testing.assert_array_equal(run(rule, 100 * np.eye(6)[:1])[0] >= 0, True)
    assert r"\max\left(x_{\min}, x^{+}_{t}\right)" in rule.latex()
    assert r"- \eta \alpha_{1}\right)" in soft_thresholded(SGD, 1.0).latex()


def test_a_matrix_is_projected_and_thresholded():
    muon = optedu.rules.get("muon")
    at, g = START.reshape(2, 3), GRADS[0].reshape(2, 3)
    plain = muon.step(at, g, muon.init(at), 1, lr=0.1)[0]
    box = projected(muon, -0.5, 0.5)
    np.testing.assert_array_equal(
        box.step(at, g, box.init(at), 1, lr=0.1)[0], plain.clip(-0.5, 0.5)
    )
    soft = soft_thresholded(muon, 2.0)
    expected = np.sign(plain) * np.maximum(np.abs(plain) - 0.1 * 2.0, 0)
    np.testing.assert_allclose(soft.step(at, g, soft.init(at), 1, lr=0.1)[0], expected, rtol=1e-15)


def test_they_compose_and_print():
    rule = averaged(clipped(decoupled(ADAM), 1.0), 0.99)
    assert rule.name == "adam_decoupled_clipped_averaged"
    assert r"\lVert g_{t} \rVert" in rule.latex()
    for form in ("array", "numpy", "numba", "cupy", "javascript"):
        assert "max_norm" in rule.source(form)
    a, b = run(rule, form="numpy")[0], run(rule, form="numba")[0]
    np.testing.assert_allclose(a, b, rtol=1e-12)
    assert {"max_norm", "beta_average", "weight_decay"} <= set(rule.defaults())


def test_twice_clipped_is_clipped_twice():
    rule = clipped(clipped(SGD.at(weight_decay=0), 5.0).at(max_norm=5.0), 2.0)
    shorter = GRADS * np.minimum(1, 2.0 / np.linalg.norm(GRADS, axis=1, keepdims=True))
    np.testing.assert_allclose(run(rule)[0], run(SGD, shorter)[0], rtol=1e-12)


def test_bad_input():
    with pytest.raises(ValueError, match=r"max_norm must .* got -1"):
        clipped(SGD, -1.0)
    with pytest.raises(ValueError, match="weight_decay must .* got -0.1"):  # noqa: RUF043
        decoupled(SGD, -0.1)
    with pytest.raises(ValueError, match="no beta1 of its own.*got adam"):  # noqa: RUF043
        schedule_free(ADAM)
    with pytest.raises(ValueError, match="gradient at the parameters"):
        schedule_free(schedule_free(SGD).at(beta1=0.5))
    with pytest.raises(ValueError, match="gradient at the parameters, got schedule_free_sgd"):
        sharpness_aware(schedule_free(SGD))
    with pytest.raises(ValueError, match=r"radius must .* got -1"):
        sharpness_aware(SGD, -1.0)
    with pytest.raises(ValueError, match=r"\(low, high\) must be a pair .* got \(1.0, 0.0\)"):
        projected(SGD, 1, 0)
    with pytest.raises(ValueError, match=r"no low of its own \(fix it first: at\(low=...\)\), got"):
        projected(projected(SGD, 0, np.inf), 0.5, 1)
    with pytest.raises(ValueError, match="no beta_average of its own .* got sgd_averaged"):  # noqa: RUF043
        averaged(averaged(SGD, 0.9), 0.8)
    twice = projected(projected(SGD, 0, 1).at(low=0, high=1), 0.5, 2)
    assert run(twice, -9 * np.ones((1, 6)), lr=1.0)[0].max() == 1
    with pytest.raises(ValueError, match=r"l1_weight must be nonnegative, got -1"):
        soft_thresholded(SGD, -1.0)
    with pytest.raises(ValueError, match=r"learning rate lr, .* got sgd with weight_decay"):
        soft_thresholded(SGD.at(lr=0.1), 1.0)
    with pytest.raises(TypeError, match="hyper-parameter 'nonsense'"):
        averaged(SGD).init(START, nonsense=1)
