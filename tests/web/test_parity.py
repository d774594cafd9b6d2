"""The figures' JavaScript agrees with NumPy: every rule, every problem, every preset."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import optedu
from optedu.symbols import batch_size, lr
from optedu.web.figure import catalog, derived, expectation, noise, script, shapes, trajectories
from optedu.web.figure.configuration import configuration, presets

NODE = shutil.which("node")
pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(NODE is None, reason="Node.js is not installed"),
]
STEPS = 1000

# Away from every default, so that no hyper-parameter is a bystander.
OTHER = {
    "lr": 0.0005,  # converged, Adam walks on rounding errors: stay on the way
    "momentum": 0.8,
    "dampening": 0.1,
    "beta1": 0.85,
    "beta2": 0.97,
    "eps": 1e-6,
    "weight_decay": 0.01,
    "lr_decay": 0.001,
    "initial_accumulator": 0.2,
    "momentum_decay": 0.005,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts as the book serves them."""
    folder = tmp_path_factory.mktemp("figures")
    for name, text in script.assets().items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


@pytest.fixture(scope="module")
def javascript(folder: Path) -> Any:
    """Run jobs in Node, and return their results in order."""

    def run(*jobs: dict[str, Any]) -> list[Any]:
        command = [NODE, str(Path(__file__).with_name("figure_node.mjs")), str(folder)]
        done = subprocess.run(
            command, input=json.dumps(jobs), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def numbers(values: list[float | None], shape: Any = -1) -> np.ndarray:
    return np.array(values, dtype=float).reshape(shape)


def away(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, absolute below one and relative above."""
    return float(np.max(np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs))))


@pytest.mark.parametrize("changed", [False, True], ids=["defaults", "other values"])
@pytest.mark.parametrize("name", catalog.rule_names())
def test_a_rule_walks_as_in_numpy(name: str, changed: bool, javascript: Any) -> None:
    rule = catalog.rule(name)
    hyper = rule.defaults()
    if changed:
        hyper |= {k: v for k, v in OTHER.items() if k in hyper}
    problem = catalog.problem("rotated")
    start = [1.3, -0.7]
    job = {"task": "run", "problem": "rotated", "rule": name, "hyper": hyper}
    (got,) = javascript(job | {"setup": {"start": start, "steps": STEPS}})

    x = np.array(start)
    state = rule.init(x, **hyper)
    points, states = [x], [state]
    for t in range(1, STEPS + 1):
        x, state = rule.step(x, problem.grad(x), state, t, **hyper)
        points.append(x)
        states.append(state)
    path = np.array(points)
    assert np.max(np.abs(np.diff(path, axis=0))) > 0
    assert away(numbers(got["x"], path.shape), path) < 1e-12
    for key in rule.init(x, **hyper):
        expected = np.array([np.ravel(s[key])[0] for s in states])
        assert away(numbers(got["state"][key]), expected) < 1e-12


@pytest.mark.parametrize("name", catalog.PROBLEMS)
def test_a_problem_has_numpys_values_and_gradients(name: str, javascript: Any) -> None:
    problem = catalog.problem(name)
    low, high = np.array(problem.window or [(-1.0, 1.0)] * problem.dim).T
    points = np.random.default_rng(7).uniform(low, high, (200, problem.dim))
    (got,) = javascript({"task": "values", "problem": name, "points": points.tolist()})
    batch = 1 if problem.stochastic else None
    expected = np.array([[problem.f(x), *problem.grad(x, batch)] for x in points])
    np.testing.assert_allclose(np.array(got), expected, rtol=1e-12, atol=1e-12)


def test_reddis_losses_are_those_of_the_problem() -> None:
    ours, course = catalog.problem("reddi"), optedu.problems.get("reddi")
    rng = np.random.default_rng(0)
    assert [ours.slope_at(t) for t in range(1, 10)] == [course.sample(rng, t) for t in range(1, 10)]
    x = np.array([0.3])
    assert ours.f(x) == pytest.approx(course.f(x))
    assert (ours.minimum, ours.minimizer) == (course.minimum, course.minimizer)


def test_the_noise_is_the_same_and_normal(javascript: Any) -> None:
    (got,) = javascript({"task": "normals", "seed": 12, "count": 20000})
    ours = noise.normals(12)
    assert away(np.array(got), np.array([next(ours) for _ in got])) < 1e-12
    assert abs(np.mean(got)) < 0.03
    assert abs(np.std(got) - 1) < 0.02
    assert abs(np.mean(np.power(got, 4)) - 3) < 0.15


@pytest.mark.parametrize("name", presets())
def test_a_preset_runs_as_in_its_still(name: str, javascript: Any) -> None:
    config = configuration(presets()[name], name)
    for chosen in config["runs"]:
        expected = trajectories.run(config, chosen)
        setup = {k: config[k] for k in ("start", "steps", "noise", "batch", "seed")}
        (got,) = javascript(
            {
                "task": "run",
                "problem": config["problem"],
                "rule": chosen["rule"],
                "hyper": catalog.rule(chosen["rule"]).defaults()
                | chosen["hyper"]
                | chosen.get("shape", {}),
                "setup": setup | {"warmup": chosen["warmup"]},
            }
        )
        # Rounding grows along Rosenbrock's walls, and on the way to infinity.
        steps = min(got["last"], expected.steps, 150)
        assert steps > 5
        path = np.asarray(expected.x)[: steps + 1]
        got_path = numbers(got["x"], (-1, path.shape[1]))[: steps + 1]
        assert away(got_path, path) < 1e-7
        _, history = trajectories.state_history(config, chosen, expected)
        for key, values in history.items():
            ours = numbers(got["state"][key])[: steps + 1]
            assert away(ours, values[: steps + 1]) < 1e-6


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
@pytest.mark.parametrize("lam", [0.01, 0.4, 1.0])
def test_the_eigenvalues_are_those_of_the_steps_matrix(
    name: str, lam: float, javascript: Any
) -> None:
    rule = catalog.rule(name)
    hyper = {k: OTHER[k] for k in rule.defaults()} | {"lr": 0.7}
    (got,) = javascript({"task": "eigen", "rule": name, "lam": lam, "hyper": hyper})
    # The matrix from two steps of the rule itself, one for each unit vector.
    columns = []
    for x, state in ([1.0], 0.0), ([0.0], 1.0):
        if name == "sgd" and state:
            continue
        old = {s.name: np.array([state]) for s in rule.states}
        point = np.array(x)
        new, kept = rule.step(point, lam * point, old, 2, **hyper)
        columns.append([new[0], *(v[0] for v in kept.values())])
    expected = np.sort_complex(np.linalg.eigvals(np.array(columns).T))
    ours = np.sort_complex(np.array([complex(*got[:2]), complex(*got[2:])]))
    np.testing.assert_allclose(ours[-len(expected) :], expected, atol=1e-9)


def test_the_noise_floor_is_measured_as_predicted(javascript: Any) -> None:
    setup = {"start": [0.0], "steps": 200_000, "noise": 1.0, "batch": 4, "seed": 3}
    job = {
        "task": "floor",
        "problem": "parabola",
        "rule": "sgd",
        "hyper": {"lr": 0.1, "weight_decay": 0},
    }
    measured, predicted = javascript(
        job | {"setup": setup}, {"task": "call", "name": "noise_floor", "args": [1, 0.1, 1, 4]}
    )
    assert predicted == pytest.approx(0.1 / (2 - 0.1) / 4)
    assert measured == pytest.approx(predicted, rel=0.05)
    expr = derived.noise_floor().subs(
        {derived.CURVATURE: 1, lr: 0.1, derived.NOISE: 1, batch_size: 4}
    )
    assert predicted == pytest.approx(float(expr))


def test_a_run_that_diverges_says_at_which_step(javascript: Any) -> None:
    job = {"task": "run", "problem": "bowl", "rule": "sgd", "hyper": {"lr": 50, "weight_decay": 0}}
    (got,) = javascript(job | {"setup": {"start": [1, 1], "steps": 500}})
    assert 0 < got["diverged"] < 500
    assert got["last"] == got["diverged"] - 1
    assert got["x"][2 * got["last"]] is not None
    assert got["x"][2 * got["diverged"]] is None


def test_a_memory_asked_of_the_printed_rule_is_the_one_asked_in_numpy(javascript: Any) -> None:
    runs = [
        {"rule": "rmsprop", "hyper": {"lr": 0.1, "beta2": 0.9}},
        {"rule": "adagrad", "hyper": {"lr": 0.1}},
        {"rule": "adam", "hyper": {}},
        {"rule": "sgd", "hyper": {}},
    ]
    grad = [0.0, *np.where(np.arange(60) < 50, 1.0, 3.0)]  # at 0 there is no step
    jobs = [
        {
            "task": "memory",
            "rule": run["rule"],
            "hyper": {**catalog.rule(run["rule"]).defaults(), **run["hyper"]},
            "grad": grad,
            "t": 60,
        }
        for run in runs
    ]
    *seen, nothing = javascript(*jobs)
    assert nothing is None
    for run, found in zip(runs, seen, strict=False):
        kept = trajectories.memory(run)
        assert (found["keep"], found["take"]) == pytest.approx((kept.keep, kept.take))
        weight = kept.keep ** np.arange(59, -1, -1) * np.square(grad[1:])
        share = weight / weight.sum()
        np.testing.assert_allclose(found["share"][1:], share)
        newest = np.cumsum(share[::-1])
        assert found["half"] == 1 + int(np.argmax(newest >= 0.5))
    assert seen[0]["half"] < seen[1]["half"]


def test_the_minimum_with_a_penalty_is_that_of_calculus(javascript: Any) -> None:
    """(x - 10)^2/2 + d x^2/2 is lowest at 10/(1 + d)."""
    decays = [0.0, 0.05, 0.5, 2.0]
    jobs = [{"task": "shrunk", "problem": "far", "minimum": 10.0, "decay": d} for d in decays]
    np.testing.assert_allclose(javascript(*jobs), [10 / (1 + d) for d in decays], rtol=1e-12)


@pytest.mark.parametrize("warmup", [0, 1, 30])
@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_a_schedules_rates_are_those_of_the_course(
    shape: str, warmup: int, javascript: Any
) -> None:
    """In every step and one after the end, by the schedule that the course calls so."""
    T, own_rise = 120, shape in ("inverse_root", "one_cycle")
    values = {"lr_start": 0.01, "lr_end": 0.02, "cooldown": 40, "every": 25, "drop": 0.9}
    values["warmup"] = warmup
    own = {name: values[name] for name in shapes.knobs(shape)}
    (got,) = javascript(
        {"task": "rates", "rule": f"sgd {shape}", "hyper": {"lr": 0.3, **own}, "steps": T}
    )
    rest = T - warmup
    made = {
        "constant": lambda: optedu.schedules.constant(0.3),
        "linear": lambda: optedu.schedules.linear(0.3, steps=rest, end=0.02),
        "cosine": lambda: optedu.schedules.cosine(0.3, steps=rest, end=0.02),
        "wsd": lambda: optedu.schedules.wsd(0.3, steps=rest, cooldown=40, end=0.02),
        "wsd_sqrt": lambda: optedu.schedules.wsd(
            0.3, steps=rest, cooldown=40, end=0.02, shape="sqrt"
        ),
        "step": lambda: optedu.schedules.step(0.3, every=25, drop=0.9),
        "exponential": lambda: optedu.schedules.exponential(0.3, drop=0.9),
        "inverse_root": lambda: optedu.schedules.inverse_root(0.3, warmup=max(1, warmup)),
        "one_cycle": lambda: optedu.schedules.one_cycle(
            0.3, steps=T, warmup=max(1, warmup), start=0.01, end=0.02
        ),
    }[shape]()
    if warmup and not own_rise:
        made = optedu.schedules.warmup(made, warmup)
    np.testing.assert_allclose(got, [made(t) for t in range(1, T + 2)], rtol=1e-12)


def test_a_rate_without_a_schedule_is_the_runs_own(javascript: Any) -> None:
    job = {"task": "rates", "rule": "sgd", "hyper": {"lr": 0.4}, "steps": 4}
    assert javascript(job, job | {"warmup": 2}) == [[0.4] * 5, [0.2, *[0.4] * 4]]


def test_the_script_clamps_a_cooldown_and_a_warm_up_that_are_too_long(javascript: Any) -> None:
    hyper = {"lr": 1.0, "lr_end": 0.0, "cooldown": 500, "warmup": 10}
    job = {"task": "rates", "rule": "sgd wsd", "hyper": hyper, "steps": 40}
    long, never = javascript(job, job | {"hyper": hyper | {"warmup": 90}})
    made = optedu.schedules.wsd(1.0, steps=30, cooldown=30)
    risen = optedu.schedules.warmup(made, 10)
    np.testing.assert_allclose(long, [risen(t) for t in range(1, 42)])
    np.testing.assert_allclose(never[:39], np.arange(1, 40) / 39)


def hundred(rates: np.ndarray, noise: float = 0.1**0.5) -> np.ndarray:
    """The expected losses of gradient descent on sum x_i^2/(2 i), by a loop of its own."""
    i = np.arange(1, 101)
    moments = np.ones(100)
    losses = [np.sum(moments / i) / 2]
    for rate in rates:
        moments = moments - 2 * rate / i * moments + (rate / i) ** 2 * moments
        moments += (rate * noise) ** 2 / i
        losses.append(np.sum(moments / i) / 2)
    return np.array(losses)


def test_the_expected_loss_is_that_of_an_independent_loop(javascript: Any) -> None:
    config = configuration(presets()["schedule-handles"], "schedule-handles")
    setup = {k: config[k] for k in ("start", "steps", "noise", "batch", "seed")}
    job = {"task": "expected", "problem": "spectrum", "setup": setup}
    runs = [r["hyper"] | r["shape"] | {"weight_decay": 0} for r in config["runs"]]
    found = javascript(
        *[
            job | {"rule": r["rule"], "hyper": hyper}
            for r, hyper in zip(config["runs"], runs, strict=True)
        ]
    )
    t = np.arange(1, 1001)
    rates = [
        np.full(1000, 0.5),
        0.5 * np.minimum(1, (1001 - t) / 200),
        0.25 * (1 + np.cos(np.pi * (t - 1) / 1000)),
    ]
    for got, chosen, rate in zip(found, config["runs"], rates, strict=True):
        np.testing.assert_allclose(got, hundred(rate), rtol=1e-9)
        np.testing.assert_allclose(expectation.expected(config, chosen), hundred(rate), rtol=1e-9)
    # Minibatches of four have a quarter of the variance.
    (four,) = javascript(
        job | {"rule": "sgd cosine", "hyper": runs[2], "setup": setup | {"batch": 4}}
    )
    np.testing.assert_allclose(four, hundred(rates[2], 0.025**0.5), rtol=1e-9)


def test_the_expected_loss_is_the_mean_of_many_runs(javascript: Any) -> None:
    """4,000 runs of the course's own noisy quadratic, with its own random numbers."""
    noise, decay = 0.7, 0.05
    (got,) = javascript(
        {
            "task": "expected",
            "problem": "bowl",
            "rule": "sgd linear",
            "hyper": {"lr": 0.8, "lr_end": 0.0, "warmup": 5, "weight_decay": decay},
            "setup": {"start": [1.2, -1.0], "steps": 60, "noise": noise, "batch": 2},
        }
    )
    bowl = catalog.problem("bowl")
    curvature = np.array([0.1, 1.0])
    np.testing.assert_allclose(bowl.grad(np.ones(2)), curvature)
    problem = optedu.problems.noisy_quadratic(curvature, noise, batch_size=2)
    start = np.repeat([[1.2], [-1.0]], 4000, axis=1)
    rate = optedu.schedules.warmup(optedu.schedules.linear(0.8, steps=55), 5)
    runs = optedu.minimize(
        problem, start, optimizer="sgd", lr=rate, weight_decay=decay, steps=60, seed=5
    )
    losses = np.array(runs.f)
    assert losses.shape == (61, 4000)
    error = losses.std(axis=1) / np.sqrt(4000)
    away = (losses.mean(axis=1) - got)[1:] / error[1:]
    assert np.abs(away).max() < 4.5
    assert np.square(away).mean() < 4


def test_only_a_quadratic_along_its_axes_has_an_expected_loss(javascript: Any) -> None:
    job = {"task": "expected", "setup": {"steps": 5, "noise": 1, "batch": 1}}
    cases = [("rotated", "sgd", 2), ("rosenbrock", "sgd", 2), ("stopping", "sgd", 2)]
    # Slopes at unit distance along the axes do not make a quadratic.
    cases += [
        ("huber", "sgd", 1),
        ("rare", "sgd", 2),
        ("far", "sgd", 1),
        ("bowl", "momentum", 2),
        ("bowl", "sgd", 2),
    ]
    jobs = [
        job
        | {
            "problem": problem,
            "rule": rule,
            "hyper": catalog.rule(rule).defaults() | {"lr": 0.1},
            "setup": job["setup"] | {"start": [1.0] * dim},
        }
        for problem, rule, dim in cases
    ]
    *nothing, known = javascript(*jobs)
    assert nothing == [None] * 7
    assert len(known) == 6
    for problem, rule, dim in cases:
        config = configuration({"problem": problem, "optimizers": [rule], "start": [1.0] * dim})
        ours = expectation.expected(config, config["runs"][0])
        assert (ours is None) == ((problem, rule) != ("bowl", "sgd"))
        assert bool(expectation.refusal(config)) == (ours is None)
