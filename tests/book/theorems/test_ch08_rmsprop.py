"""The statements of chapter 8, held by loops in plain Python and by searching counterexamples."""

from __future__ import annotations

import math

import numpy as np
import pytest

import optedu


def means(gradients, decay):
    """The means of g and of g^2 after each step, from zero, one step at a time."""
    m = v = 0.0
    for g in gradients:
        m = decay * m + (1 - decay) * g
        v = decay * v + (1 - decay) * g * g
        yield m, v


@pytest.mark.theorem("thm-rms-weights")
def test_the_memory_is_the_weighted_sum_and_its_window_and_half_life_are_counted():
    rng = np.random.default_rng(8)
    for decay in (0.3, 0.9, 0.99):
        gradients = rng.standard_normal(60)
        *_, (_, v) = means(gradients, decay)
        weights = [(1 - decay) * decay ** (60 - i) for i in range(1, 61)]
        assert v == pytest.approx(sum(w * g * g for w, g in zip(weights, gradients, strict=True)))
        assert sum(weights) == pytest.approx(1 - decay**60)
        assert sum(weights[-7:]) == pytest.approx(1 - decay**7)
        # Ages drawn at random with these weights: a geometric law, sampled and not summed.
        ages = rng.geometric(1 - decay, 400_000)
        assert ages.mean() == pytest.approx(1 / (1 - decay), rel=0.01)
        life = math.log(2) / math.log(1 / decay)
        assert (ages <= math.floor(life)).mean() <= 0.503
        assert (ages <= math.ceil(life)).mean() >= 0.497


@pytest.mark.theorem("thm-rms-step")
def test_no_gradients_that_are_tried_make_a_longer_step_and_the_first_is_that_long():
    rng = np.random.default_rng(9)
    for decay in (0.5, 0.9, 0.99):
        bound, longest = 1 / math.sqrt(1 - decay), 0.0
        for _ in range(50):
            gradients = rng.standard_normal(40) * 10.0 ** rng.uniform(-6, 6, 40)
            steps = [
                abs(g) / math.sqrt(v)
                for g, (_, v) in zip(gradients, means(gradients, decay), strict=True)
            ]
            assert steps[0] == pytest.approx(bound)
            longest = max(longest, *steps)
        assert longest <= bound * (1 + 1e-12)
        run = optedu.minimize(
            optedu.Problem(lambda x: 3 * x[0], lambda x: 3 + 0 * x, x0=[0.0], name="line"),
            optimizer="rmsprop",
            lr=0.1,
            beta2=decay,
            eps=0.0,
            steps=80,
        )
        expected = [0.1 / math.sqrt(1 - decay**t) for t in range(1, 81)]
        np.testing.assert_allclose(-np.diff(run.x[:, 0]), expected, rtol=1e-9)


@pytest.mark.theorem("thm-rms-epsilon")
def test_the_two_places_of_epsilon_differ_by_what_is_said_and_no_more():
    sizes = np.concatenate([[0.0], np.geomspace(1e-14, 1e8, 20_001)])
    for eps in (1e-8, 1e-3, 0.5, 1.0):
        ratio = np.sqrt(sizes**2 + eps) / (sizes + eps)
        low, high = 1 / math.sqrt(1 + eps), 1 / math.sqrt(eps)
        assert ratio.min() >= low * (1 - 1e-12)
        assert ratio.max() <= high * (1 + 1e-12)
        assert math.sqrt(1 + eps) / (1 + eps) == pytest.approx(low)
        assert ratio[0] == pytest.approx(high)
        squared = np.sqrt(sizes**2 + eps**2) / (sizes + eps)
        assert squared.min() >= math.sqrt(0.5) * (1 - 1e-12)
        assert squared.max() <= 1 + 1e-12
        assert math.sqrt(2 * eps**2) / (2 * eps) == pytest.approx(math.sqrt(0.5))


@pytest.mark.theorem("thm-rms-epsilon")
def test_the_rules_of_the_package_have_this_ratio():
    outside, inside = (optedu.rules.get(n) for n in ("rmsprop", "rmsprop_eps_inside"))
    for g in (1e-9, 1e-4, 1.0):
        steps = []
        for rule in (outside, inside):
            x, state = np.zeros(1), rule.init(np.zeros(1))
            steps.append(rule.step(x, np.array([g]), state, 1, lr=1.0, beta2=0.9, eps=1e-7)[0][0])
        s = math.sqrt(0.1) * g
        assert steps[0] / steps[1] == pytest.approx(math.sqrt(s * s + 1e-7) / (s + 1e-7))


@pytest.mark.theorem("thm-rms-centered")
def test_the_centered_memory_is_a_variance_and_runs_out_under_a_constant_gradient():
    rng = np.random.default_rng(10)
    gradients, decay = rng.standard_normal(80) + 2, 0.9
    spread, last = 0.0, 0.0
    for g, (m, v) in zip(gradients, means(gradients, decay), strict=True):
        spread = decay * spread + decay * (1 - decay) * (g - last) ** 2
        assert v - m * m == pytest.approx(spread)
        assert spread >= 0
        last = m
    for decay in (0.9, 0.99):
        steps = []
        for t, (m, v) in enumerate(means([3.0] * 200, decay), 1):
            assert v - m * m == pytest.approx(9 * decay**t * (1 - decay**t), rel=1e-6)
            steps.append(3 / math.sqrt(v - m * m))
        life = math.log(2) / math.log(1 / decay)
        assert min(steps) == pytest.approx(2, rel=0.01)
        assert min(steps) >= 2
        assert abs(steps.index(min(steps)) + 1 - life) < 1
        later = steps[math.ceil(life) :]
        assert later == sorted(later)


@pytest.mark.theorem("thm-rms-adadelta")
def test_the_root_of_epsilon_is_adadeltas_rate_and_its_steps_grow():
    def walk(gradients, eps, below, decay, v=0.0):
        u, steps = 0.0, []
        for g in gradients:
            v = decay * v + (1 - decay) * g * g
            step = math.sqrt((u + eps) / (v + below)) * g
            u = decay * u + (1 - decay) * step * step
            steps.append(step)
        return np.array(steps)

    gradients = np.random.default_rng(11).standard_normal(200)
    for decay in (0.9, 0.95):
        unit = walk(gradients, 1.0, 0.0, decay)
        for eps in (1e-8, 1e-6, 1e-2):
            np.testing.assert_allclose(walk(gradients, eps, 0.0, decay), math.sqrt(eps) * unit)
        assert abs(unit[0]) == pytest.approx(1 / math.sqrt(1 - decay))
        filled = walk([2.0] * 500, 1e-6, 0.0, decay, v=4.0)
        expected = [math.sqrt(1e-6 * (1 + (1 - decay) * t)) for t in range(500)]
        np.testing.assert_allclose(filled, expected)
    # With the package's rule, which has its epsilon below the line as well.
    rule = optedu.rules.get("adadelta")
    x, state, ours = np.zeros(1), rule.init(np.zeros(1)), []
    for t, g in enumerate(gradients, 1):
        new, state = rule.step(x, np.array([g]), state, t, eps=1e-6, beta2=0.9)
        ours.append(float((x - new)[0]))
        x = new
    np.testing.assert_allclose(ours, walk(gradients, 1e-6, 1e-6, 0.9), rtol=1e-9)
