"""Schedules: by hand, against PyTorch's, in JavaScript, in runs, and with wrong arguments."""

from __future__ import annotations

import copy
import json
import math
import pickle
import shutil
import subprocess

import numpy as np
import pytest

import optedu
from optedu import schedules, symbols

STEPS = range(1, 141)
T = 100
# Each with the formula as the papers have it, for s = t - 1 steps done.
BY_HAND = {
    "constant": (schedules.constant(0.3), lambda s: 0.3),
    "step": (schedules.step(0.3, every=7, drop=0.5), lambda s: 0.3 * 0.5 ** (s // 7)),
    "exponential": (schedules.exponential(0.3, drop=0.97), lambda s: 0.3 * 0.97**s),
    "inverse_root": (
        schedules.inverse_root(0.3, warmup=20),
        lambda s: 0.3 * math.sqrt(20) * min((s + 1) ** -0.5, (s + 1) * 20**-1.5),
    ),
    "linear": (
        schedules.linear(0.3, steps=T, end=0.1),
        lambda s: 0.1 + 0.2 * (T - s) / T if s < T else 0.1,
    ),
    "cosine": (
        schedules.cosine(0.3, steps=T, end=0.1),
        lambda s: 0.1 + 0.2 * (1 + math.cos(math.pi * s / T)) / 2 if s < T else 0.1,
    ),
    "wsd": (
        schedules.wsd(0.3, steps=T, cooldown=20),
        lambda s: 0.3 if s < 80 else max(0.3 * (T - s) / 20, 0),
    ),
    "wsd_sqrt": (
        schedules.wsd(0.3, steps=T, cooldown=20, shape="sqrt"),
        lambda s: 0.3 if s < 80 else 0.3 * (1 - math.sqrt(min(s - 80, 20) / 20)),
    ),
    "one_cycle": (
        schedules.one_cycle(0.3, steps=T, warmup=30),
        lambda s: (
            0.012 + 0.288 * math.sin(math.pi * s / 60) ** 2
            if s < 30
            else 1.2e-6 + (0.3 - 1.2e-6) * math.cos(math.pi * (min(s, T) - 30) / 140) ** 2
        ),
    ),
    "warmup": (
        schedules.warmup(schedules.linear(0.3, steps=T - 10), 10),
        lambda s: 0.3 * (s + 1) / 10 if s < 10 else max(0.3 * (T - s) / 90, 0),
    ),
}
ALL = pytest.mark.parametrize("name", BY_HAND)


@ALL
def test_each_is_what_its_paper_says(name):
    schedule, formula = BY_HAND[name]
    got = [schedule(t) for t in STEPS]
    assert all(type(value) is float for value in got)
    np.testing.assert_allclose(got, [formula(t - 1) for t in STEPS], rtol=1e-12, atol=1e-15)


@ALL
def test_the_printed_code_gives_the_same(name):
    schedule, _ = BY_HAND[name]
    scope = {**vars(math), "min": min, "max": max}
    exec(schedule.source(), scope)
    code = scope[schedule.name]
    assert [code(t, **schedule.values) for t in STEPS] == [schedule(t) for t in STEPS]


@pytest.mark.node
@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_javascript_agrees():
    lines = [
        f"out.push(Array.from({{length: 140}}, (_, i) => "
        f"({schedule.source('javascript')})(i + 1, {json.dumps(schedule.values)})));"
        for schedule, _ in BY_HAND.values()
    ]
    script = "const out = [];\n" + "\n".join(lines) + "\nconsole.log(JSON.stringify(out));"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    expected = [[schedule(t) for t in STEPS] for schedule, _ in BY_HAND.values()]
    np.testing.assert_allclose(json.loads(done.stdout), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.torch
def test_pytorch_has_the_same():
    torch = pytest.importorskip("torch")
    lr_scheduler = torch.optim.lr_scheduler
    pairs = {
        "step": lambda o: lr_scheduler.StepLR(o, 7, 0.5),
        "exponential": lambda o: lr_scheduler.ExponentialLR(o, 0.97),
        "linear": lambda o: lr_scheduler.LinearLR(o, 1.0, 1 / 3, T),
        "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, T, 0.1),
        # Its total is one more than ours, and so is the end of its rise.
        "one_cycle": lambda o: lr_scheduler.OneCycleLR(o, 0.3, T + 1, pct_start=31 / (T + 1)),
    }
    for name, make in pairs.items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
        theirs = make(optimizer)
        got = []
        for _ in range(T):
            got.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            theirs.step()
        ours = [BY_HAND[name][0](t) for t in range(1, T + 1)]
        np.testing.assert_allclose(got, ours, rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_cosine_does_not_rise_after_its_end():
    schedule = schedules.cosine(1.0, steps=5)
    assert [schedule(t) for t in (6, 9, 10, 11, 500)] == [0.0] * 5
    bare = (1 + math.cos(math.pi * 8 / 5)) / 2
    assert bare > 0.6  # what the formula without its end would have at t = 9


def test_the_first_step_of_a_warm_up_is_not_wasted():
    for after in (schedules.constant(0.3), schedules.cosine(0.3, steps=50)):
        schedule = schedules.warmup(after, 5)
        values = [schedule(t) for t in range(1, 7)]
        np.testing.assert_allclose(values, [0.06, 0.12, 0.18, 0.24, 0.3, 0.3])
    assert schedules.warmup(schedules.constant(0.3), 1)(1) == 0.3


@ALL
def test_an_array_gives_each_run_its_own(name):
    schedule, _ = BY_HAND[name]
    rates = np.array([0.05, 0.3, 0.7])
    many = schedule.at(lr=rates)
    assert list(many.axes) == ["lr"]
    for t in (1, 9, 50, 90, 101, 140):
        expected = [schedule.at(lr=float(rate))(t) for rate in rates]
        np.testing.assert_allclose(many(t), expected, rtol=1e-14)


@ALL
def test_a_run_takes_it_and_equals_a_loop(name):
    schedule, formula = BY_HAND[name]
    problem = optedu.problems.quadratic(kappa=10)
    run = optedu.minimize(problem, optimizer="momentum", momentum=0.5, lr=schedule, steps=120)
    x, v = np.array(problem.x0, dtype=float), 0.0
    for t in range(1, 121):
        v = 0.5 * v + problem.grad(x)
        x = x - formula(t - 1) * v
    np.testing.assert_allclose(run.x[-1], x, rtol=1e-9, atol=1e-12)
    assert run.hyper["lr"] is schedule


def gradients(count, seed=3):
    return np.random.default_rng(seed).normal(size=(count, 4))


@ALL
@pytest.mark.parametrize("rule", ["adam", "momentum"])
def test_an_optimizer_takes_it_and_equals_setting_the_rate_by_hand(name, rule):
    schedule, formula = BY_HAND[name]
    ours = optedu.Optimizer(rule, np.ones(4), lr=schedule)
    other = optedu.Optimizer(rule, np.ones(4), lr=0.1)
    for t, g in enumerate(gradients(120), 1):
        ours.step(g)
        other.hyper["lr"] = schedule(t)
        other.step(g)
        assert ours.hyper["lr"] == pytest.approx(formula(t - 1), rel=1e-12)
    np.testing.assert_array_equal(ours.params, other.params)


def test_an_optimizer_goes_on_with_its_schedule_after_a_pickle():
    schedule = schedules.cosine(0.1, steps=40)
    straight = optedu.Optimizer("adam", np.ones(4), lr=schedule)
    broken = optedu.Optimizer("adam", np.ones(4), lr=schedule)
    for t, g in enumerate(gradients(40)):
        straight.step(g)
        if t in (0, 13, 27):
            broken = pickle.loads(pickle.dumps(copy.deepcopy(broken)))
            assert broken.hyper["lr"] == schedule(max(t, 1))
        broken.step(g)
    np.testing.assert_array_equal(straight.params, broken.params)


def test_a_number_ends_a_schedule_and_a_schedule_a_number():
    optimizer = optedu.Optimizer("sgd", np.zeros(4), lr=schedules.linear(1.0, steps=4))
    steps = []
    for t in range(1, 7):
        if t == 3:
            optimizer.hyper["lr"] = 0.125
        if t == 5:
            optimizer.hyper["lr"] = schedules.linear(1.0, steps=8)
            assert optimizer.hyper["lr"] == 0.125, "it counts from the next step"
        before = optimizer.params[0]
        optimizer.step(np.ones(4))
        steps.append(before - optimizer.params[0])
    assert steps == [1.0, 0.75, 0.125, 0.125, 0.5, 0.375]


def test_a_schedule_that_fails_changes_nothing():
    def rate(t):
        if t == 2:
            raise ZeroDivisionError("no rate")
        return 0.1

    optimizer = optedu.Optimizer("sgd", np.zeros(4), lr=rate)
    optimizer.step(np.ones(4))
    before = np.array(optimizer.params)
    with pytest.raises(ZeroDivisionError) as error:
        optimizer.step(np.ones(4))
    assert error.value.__notes__ == ["lr is a schedule; this is its value at step 2"]
    np.testing.assert_array_equal(optimizer.params, before)
    assert optimizer.t == 1


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_a_sweep_over_the_parameters_of_a_schedule_equals_its_runs(rule):
    problem = optedu.problems.quadratic(kappa=10)
    rates, cooldowns = [0.1, 0.5, 1.2], [5, 20, 40]
    result = optedu.sweep(
        problem,
        optimizer=rule,
        steps=40,
        lr=schedules.wsd(rates, steps=40, cooldown=cooldowns),
        weight_decay=[0.0, 0.1],
    )
    assert list(result.axes) == ["weight_decay", "cooldown", "lr"]
    assert result.f.shape == (2, 3, 3)
    for i, decay in enumerate(result.axes["weight_decay"]):
        for j, cooldown in enumerate(cooldowns):
            for k, rate in enumerate(rates):
                run = optedu.minimize(
                    problem,
                    optimizer=rule,
                    steps=40,
                    lr=schedules.wsd(rate, steps=40, cooldown=cooldown),
                    weight_decay=float(decay),
                )
                np.testing.assert_allclose(result.f[i, j, k], run.f[-1], rtol=1e-9, atol=1e-300)
    assert set(result.best) == {"weight_decay", "cooldown", "lr", "f"}


def test_in_a_sweep_the_height_of_a_schedule_has_the_name_of_what_it_changes():
    problem = optedu.problems.quadratic(kappa=10)
    result = optedu.sweep(
        problem,
        optimizer="momentum",
        steps=20,
        lr=0.1,
        momentum=schedules.linear([0.5, 0.9], steps=20, end=[0.0, 0.3]),
    )
    assert list(result.axes) == ["momentum", "lr_end"]
    assert isinstance(result.hyper["momentum"], schedules.Schedule)
    with pytest.raises(ValueError, match="two axes of the grid are called 'steps'"):
        optedu.sweep(
            problem,
            optimizer="momentum",
            steps=20,
            lr=schedules.linear(0.1, steps=[10, 20]),
            momentum=schedules.linear(0.9, steps=[10, 20]),
        )


def test_it_changes_other_hyper_parameters_too():
    schedule = schedules.linear(0.9, steps=10, end=0.5)
    problem = optedu.problems.quadratic(kappa=10)
    run = optedu.minimize(problem, optimizer="momentum", lr=0.1, momentum=schedule, steps=20)
    other = optedu.minimize(
        problem, optimizer="momentum", lr=0.1, momentum=lambda t: schedule(t), steps=20
    )
    np.testing.assert_array_equal(run.x, other.x)
    assert schedule.latex(symbols.beta1).startswith(r"\beta_{1,t} = ")


@ALL
def test_copies_are_the_same_schedule(name):
    schedule, _ = BY_HAND[name]
    for other in (pickle.loads(pickle.dumps(schedule)), copy.deepcopy(schedule)):
        assert [other(t) for t in STEPS] == [schedule(t) for t in STEPS]
        assert repr(other) == repr(schedule)
        assert other.latex() == schedule.latex()


def test_the_formula_leaves_out_what_is_zero():
    assert r"\eta_{\text{end}}" in schedules.cosine(0.1, steps=9, end=0.01).latex()
    assert r"\eta_{\text{end}}" not in schedules.cosine(0.1, steps=9).latex()
    assert schedules.cosine(0.1, steps=9)._repr_latex_().startswith(r"$$\eta_{t} = ")


def test_a_schedule_of_ones_own():
    t, lr = symbols.t, symbols.lr
    schedule = schedules.Schedule("inverse", lr / t, {"lr": 0.5})
    assert [schedule(t) for t in (1, 2, 4)] == [0.5, 0.25, 0.125]
    assert schedule.at(lr=1)(4) == 0.25
    assert repr(schedule) == "<Schedule inverse(lr=0.5)>"


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: schedules.cosine(-0.1, steps=9), ValueError, "lr must be nonnegative, got -0.1"),
        (lambda: schedules.cosine("0.1", steps=9), TypeError, "lr must be a real number"),
        (lambda: schedules.cosine(0.1, steps=0), ValueError, "steps must be at least 1, got 0"),
        (lambda: schedules.cosine(0.1, steps=9.5), ValueError, "steps must be a whole number"),
        (lambda: schedules.linear(0.1, steps=9, end=-1), ValueError, "lr_end must be nonneg"),
        (lambda: schedules.step(0.1, every=3, drop=2), ValueError, r"drop must .*got 2"),
        (
            lambda: schedules.wsd(0.1, steps=9, cooldown=10),
            ValueError,
            "cooldown must be at most steps, got 10 with steps=9",
        ),
        (
            lambda: schedules.one_cycle(0.1, steps=9, warmup=9),
            ValueError,
            "warmup must be at most steps - 1, got 9 with steps=9",
        ),
        (
            lambda: schedules.wsd(0.1, steps=9, cooldown=3, shape="cubic"),
            ValueError,
            "shape must be .*got 'cubic'",
        ),
        (lambda: schedules.warmup(0.1, 3), TypeError, "schedule must be a Schedule, got float"),
        (
            lambda: schedules.warmup(schedules.inverse_root(0.1), 3),
            ValueError,
            "must have no warm-up yet",
        ),
        (lambda: schedules.constant([[0.1]]), ValueError, "one axis"),
        (lambda: schedules.constant([]), ValueError, "one axis"),
        (
            lambda: schedules.Schedule("mine", symbols.lr * symbols.x, {"lr": 1, "y": 2}),
            TypeError,
            "takes no 'y'",
        ),
        (lambda: schedules.Schedule("mine", symbols.lr, {}), TypeError, "needs a value of 'lr'"),
        (lambda: schedules.Schedule("my own", symbols.lr, {"lr": 1}), ValueError, "'my own'"),
        (lambda: schedules.cosine(0.1, steps=9).at(stps=3), (TypeError, ValueError), "stps"),
    ],
)
def test_wrong_arguments_are_named(make, error, words):
    with pytest.raises(error, match=words):
        make()
