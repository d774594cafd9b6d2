r"""Problems with a part that has no gradient: its proximal operator follows each step."""

import array_api_strict as strict
import numpy as np
import pytest

import optedu
from optedu.backend import to_numpy
from optedu.web.figure.noise import Disturbed

START = np.array([1.5, -0.7, 0.02])


def shrinking(x, step):
    r"""Soft-thresholding by step, on any array library."""
    xp = x.__array_namespace__()
    return xp.sign(x) * xp.maximum(abs(x) - step, xp.zeros_like(x))


def bowl(seen=None, **known):
    def prox(x, step):
        if seen is not None:
            seen.append(step)
        return shrinking(x, step)

    return optedu.Problem(
        lambda x: (x * x).sum() / 2 if x.ndim == 1 else (x * x).sum(0) / 2,
        lambda x: x + 0.1,
        **{"x0": START, "name": "bowl", "prox": prox, **known},
    )


@pytest.mark.parametrize("rule", ["sgd", "adam", "nadam", "dog", "lamb", "rprop"])
def test_a_box_gives_the_clipped_steps_to_the_last_bit(rule):
    box = bowl(prox=None, bounds=(0.01, 1.2))
    run = optedu.minimize(box, optimizer=rule, lr=0.3, steps=12)
    step = optedu.rules.get(rule)
    x, state = START.copy(), step.init(START, lr=0.3)
    kernel = step.kernel("numpy").bind(x, state, lr=0.3)
    for t in range(1, 13):
        kernel(box.grad(x), t)
        x[...] = np.clip(x, 0.01, 1.2)
        np.testing.assert_array_equal(run.x[t], x)
    assert (run.x == 0.01).any()
    np.testing.assert_array_equal(box.prox(np.array([-3.0, 0.5, 3.0]), 7.0), [0.01, 0.5, 1.2])


def test_a_problem_without_both_is_left_alone():
    plain = bowl(prox=None)
    assert not plain.composite and plain.prox(START, 1.0) is START


def test_the_step_is_the_rate_of_the_step():
    seen = []
    run = optedu.minimize(bowl(seen), optimizer="adam", lr=lambda t: 0.1 / t, steps=4)
    assert seen == [0.1 / t for t in (1, 2, 3, 4)] and run.steps == 4
    optedu.minimize(bowl(seen), optimizer="sgd", lr=0.0, steps=1)
    assert seen[-1] == 0.0


@pytest.mark.parametrize("rule", ["sgd", "adam", "lamb"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_rate_for_each_run(rule, dtype):
    r"""Also of rules that sum over all parameters, and in a sweep."""
    rates, rtol = np.array([0.05, 0.1, 0.4]), 1e-13 if dtype == "float64" else 1e-5
    start = np.tile(START[:, None], 3).astype(dtype)
    many = optedu.minimize(bowl(), start, optimizer=rule, lr=rates, steps=9)
    swept = optedu.sweep(bowl(), start[:, 0], optimizer=rule, lr=rates, steps=9)
    assert many.x.dtype == swept.x.dtype == dtype
    for i, rate in enumerate(rates):
        alone = optedu.minimize(bowl(), start[:, i], optimizer=rule, lr=rate, steps=9)
        for x in (many.x[-1], swept.x):
            np.testing.assert_allclose(x[:, i], alone.x[-1], rtol=rtol, atol=rtol)
    one = optedu.minimize(bowl(), start, optimizer=rule, lr=0.1, steps=9)
    np.testing.assert_allclose(one.x[-1], many.x[-1][:, [1, 1, 1]], rtol=rtol, atol=rtol)


@pytest.mark.parametrize("lr", [0.1, np.array([0.1, 0.3])])
def test_another_library(lr):
    start = np.tile(START[:, None], 2)
    wide = bowl()
    wide._f = lambda x: x.__array_namespace__().sum(x * x, axis=0)
    here = optedu.minimize(wide, start, optimizer="adam", lr=lr, steps=5)
    rates = lr if isinstance(lr, float) else strict.asarray(lr)
    there = optedu.minimize(wide, strict.asarray(start), optimizer="adam", lr=rates, steps=5)
    np.testing.assert_allclose(to_numpy(there.x), here.x, rtol=1e-12)


def test_a_matrix_loses_its_small_singular_values():
    r"""The prox of the nuclear norm: singular values come nearer to zero by the step."""
    target = np.array([[3.0, 0.0, 0.0], [0.0, 0.5, 0.0]])

    def prox(x, step):
        u, s, v = np.linalg.svd(x, full_matrices=False)
        return (u * np.maximum(s - step, 0)) @ v

    problem = optedu.Problem(
        lambda x: ((x - target) ** 2).sum() / 2 + np.linalg.svd(x)[1].sum(),
        lambda x: x - target,
        x0=np.ones((2, 3)),
        prox=prox,
    )
    x = optedu.minimize(problem, optimizer="sgd", lr=1.0, steps=3).x[-1]
    np.testing.assert_allclose(x, [[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]], atol=1e-12)


def test_a_run_that_diverges_takes_the_others_not_along():
    steep = bowl()
    steep._grad = lambda x: x * np.array([1e200, 1.0])
    run = optedu.minimize(steep, np.ones((3, 2)), optimizer="sgd", lr=0.5, steps=4)
    assert run.diverged_at is not None and np.isfinite(run.x[:, :, 1]).all()


def test_a_problem_of_ones_own_class_and_with_noise():
    class Own:
        composite = True

        def f(self, x):
            return (x * x).sum() / 2

        def grad(self, x):
            return x + 0.1

        def prox(self, x, step):
            return shrinking(x, step)

    right = optedu.minimize(bowl(), START, optimizer="sgd", lr=0.1, steps=9).x
    np.testing.assert_array_equal(
        optedu.minimize(Own(), START, optimizer="sgd", lr=0.1, steps=9).x, right
    )
    quiet = Disturbed(bowl(), 0.0, 1, 0)
    np.testing.assert_array_equal(optedu.minimize(quiet, lr=0.1, steps=9).x, right)


def test_a_function_of_ones_own_needs_a_rate_where_the_prox_does():
    def fixed(xp, x, g, state, t):
        return x - 0.1 * g, {}

    box = bowl(prox=None, bounds=(0.01, 1.2))
    assert optedu.minimize(box, optimizer=fixed, steps=2).x[-1].max() <= 1.2
    for rule, named in ((fixed, "fixed"), (optedu.rules.get("sgd").at(lr=0.1), "sgd")):
        with pytest.raises(ValueError, match=rf"learning rate lr, .* prox of bowl .* got {named}"):
            optedu.minimize(bowl(), optimizer=rule, steps=2)


def test_the_note_says_which_step():
    def prox(x, step):
        return x * np.nan if step < 0.04 else x

    with pytest.raises(ValueError, match=r"bowl.prox\(x, step\) must be .* got nan") as caught:
        optedu.minimize(bowl(prox=prox), lr=lambda t: 0.1 / t, steps=9)
    assert caught.value.__notes__[0] == "this is the prox after step 3"
    assert caught.value.run.steps == 2
