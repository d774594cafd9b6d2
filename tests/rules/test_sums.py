r"""Sums over all parameters: in every form, over many tensors, and for runs side by side."""

import json
import shutil
import subprocess

import array_api_strict
import numpy as np
import pytest
from sympy import Eq, sqrt

import optedu
from optedu import transformations
from optedu.compile.lowering import lower_totals
from optedu.quantities import Source, State, intermediate, total, x
from optedu.rule import Rule
from optedu.symbols import eps, lr
from optedu.symbols import g as gradient
from optedu.withheld import between
from optedu.withheld import rules as stand_in

RNG = np.random.default_rng(3)
START = RNG.standard_normal((3, 4))
GRADS = RNG.standard_normal((12, 3, 4))
FORMS = ("array", "strict", "numpy", "numba")


def dog(x, grads):
    r"""DoG as its paper has it."""
    first, far, squares = x.copy(), 0.0, 0.0
    for g in grads:
        far = max(far, np.linalg.norm(x - first), 1e-6 * (1 + np.linalg.norm(first)))
        squares += np.sum(g * g)
        x = x - far / np.sqrt(squares + 1e-8) * g
    return x


def run(rule, form, x, grads, **hyper):
    if form in ("array", "strict"):
        convert = array_api_strict.asarray if form == "strict" else np.asarray
        at = convert(x.copy())
        state = rule.init(at)
        for t, g in enumerate(grads, 1):
            at, state = rule.step(at, convert(g), state, t, **hyper)
        return np.asarray(at)
    at = x.copy()
    step = rule.kernel(form).bind(at, rule.init(at), **hyper)
    for t, g in enumerate(grads, 1):
        step(g, t)
    return at


@pytest.mark.parametrize("form", FORMS)
def test_dog_is_the_papers_in_every_form(form):
    found = run(optedu.rules.get("dog"), form, START, GRADS)
    np.testing.assert_allclose(found, dog(START, GRADS), rtol=1e-12)


@pytest.mark.parametrize("form", ["numpy", "numba"])
def test_many_blocks_and_threads(form):
    r"""More than a block, and more than a thread takes alone."""
    x, grads = RNG.standard_normal(300_001), RNG.standard_normal((4, 300_001))
    found = run(optedu.rules.get("dog"), form, x, grads)
    np.testing.assert_allclose(found, dog(x, grads), rtol=1e-11)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
def test_javascript():
    rule = optedu.rules.get("dog")
    code = rule.source("javascript") + (
        f"const x = {START.ravel().tolist()}, gs = {GRADS.reshape(12, -1).tolist()};"
        "const state = {start: x.slice(), distance: 0, squares: 0};"
        "gs.forEach((g, i) => dog(x, g, state, i + 1));"
        "console.log(JSON.stringify(x));"
    )
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    np.testing.assert_allclose(json.loads(done.stdout), dog(START, GRADS).ravel(), rtol=1e-12)


def test_runs_have_sums_of_their_own():
    r"""Columns are runs where a hyper-parameter is an array, in the kernel and in the rule."""
    rule, scales = optedu.rules.get("dog"), np.array([1.0, 0.5, 2.0, 1.0])
    expected = np.stack(
        [run(rule, "array", START[:, k], GRADS[:, :, k], lr=float(scales[k])) for k in range(4)],
        axis=1,
    )
    for form in ("array", "strict", "numpy"):
        hyper = array_api_strict.asarray(scales) if form == "strict" else scales
        found = run(rule, form, START, GRADS, lr=hyper)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_minimize_from_many_starts_and_sweep():
    problem = optedu.problems.quadratic(kappa=10)
    starts = RNG.standard_normal((2, 3))
    together = optedu.minimize(problem, optimizer="dog", x0=starts, steps=30).x[-1]
    for k in range(3):
        alone = optedu.minimize(problem, optimizer="dog", x0=starts[:, k], steps=30).x[-1]
        np.testing.assert_allclose(together[:, k], alone, rtol=1e-12)
    swept = optedu.sweep(problem, optimizer="dog", lr=[0.5, 1.0], steps=30)
    for rate, value in zip((0.5, 1.0), swept.f, strict=True):
        alone = optedu.minimize(problem, optimizer="dog", lr=rate, steps=30)
        np.testing.assert_allclose(value, alone.f[-1], rtol=1e-9)


@pytest.mark.parametrize("form", ["numpy", "numba"])
def test_an_optimizer_sums_over_all_its_tensors(form):
    r"""Groups and dtypes lie in kernels of their own; the sum is one."""
    parts = {"a": START[0], "b": START[1:].copy(), "c": np.ones(2)}
    optimizer = optedu.Optimizer(
        "dog", parts, form=form, groups=[{"params": ["b"], "lr": 1.0}, {"params": ["c"], "lr": 0.5}]
    )
    for g in GRADS:
        optimizer.step({"a": g[0], "b": g[1:], "c": np.zeros(2)})
    # What has no gradient adds to the distance from zero alone: the first step is longer.
    flat = np.concatenate([START.ravel(), np.ones(2)])
    grads = np.concatenate([GRADS.reshape(12, -1), np.zeros((12, 2))], axis=1)
    expected = dog(flat, grads)[:12].reshape(3, 4)
    np.testing.assert_allclose(optimizer.params["a"], expected[0], rtol=1e-12)
    np.testing.assert_allclose(optimizer.params["b"], expected[1:], rtol=1e-12)
    np.testing.assert_array_equal(optimizer.params["c"], 1)


def test_a_rule_per_tensor_takes_each_by_itself():
    parts = [START[0], START[1:].copy()]
    optimizer = optedu.Optimizer("lamb", parts, lr=0.1)
    for g in GRADS:
        optimizer.step([g[0], g[1:]])
    rule = optedu.rules.get("lamb")
    for index, cut in enumerate((slice(0, 1), slice(1, 3))):
        alone = run(rule, "array", START[cut], GRADS[:, cut], lr=0.1)
        np.testing.assert_allclose(
            np.reshape(optimizer.params[index], alone.shape), alone, rtol=1e-12
        )


def test_several_kinds_need_a_kernel():
    params = {n: array_api_strict.asarray(np.ones(2)) for n in "ab"}
    with pytest.raises(TypeError, match="dog sums over all parameters"):
        optedu.Optimizer("dog", params, groups=[{"params": ["a"], "lr": 0.5}])


def test_a_sum_of_what_a_sum_has_changed():
    r"""A second level: the norm of a gradient that was divided by its own norm is one."""
    u, size = intermediate("u", "u"), State("size", scalar=True)
    rule = Rule(
        name="twice",
        title="Twice",
        source_ref=Source("nobody", "nowhere"),
        hypers={lr: 0.1},
        states=(size,),
        equations=(
            Eq(u, gradient / sqrt(total(gradient**2))),
            Eq(size.new, total(u**2)),
            Eq(x.new, x.old - lr * u),
        ),
    )
    assert len(lower_totals(rule)) == 2
    for form in ("numpy", "numba"):
        at, state = START.copy(), rule.init(START)
        rule.kernel(form)(at, GRADS[0], state, 1)
        assert state["size"] == pytest.approx(1, rel=1e-14)
        expected = START - 0.1 * GRADS[0] / np.linalg.norm(GRADS[0])
        np.testing.assert_allclose(at, expected, rtol=1e-13)


def test_the_gradient_of_all_tensors_is_clipped_as_pytorch_does():
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(START[0].copy()), torch.tensor(START[1:].copy())]
    other = torch.optim.Adam([t.requires_grad_() for t in tensors], lr=0.1)
    rule = transformations.clipped(optedu.rules.get("adam"), norm=2.0)
    ours = optedu.Optimizer(rule, [START[0], START[1:].copy()], lr=0.1)
    for g in GRADS:
        for tensor, part in zip(tensors, (g[0], g[1:]), strict=True):
            tensor.grad = torch.from_numpy(part.copy())
        torch.nn.utils.clip_grad_norm_(tensors, 2.0)
        other.step()
        ours.step([g[0], g[1:]])
    for mine, tensor in zip(ours.params, tensors, strict=True):
        # PyTorch divides by the norm plus 1e-6.
        np.testing.assert_allclose(mine, tensor.detach().numpy(), rtol=1e-5)


def test_where_submissions_are_graded_a_rule_says_the_same_of_its_sums():
    r"""There an Optimizer must not take each of its tensors for all parameters, or the reverse."""
    for row in json.loads(json.dumps(between.described())):
        there, here = stand_in._Described.of(row), optedu.rules.get(row["name"])
        assert (there.sums, there.per_tensor) == (here.sums, here.per_tensor)
        assert there.at(lr=0.5).sums == here.sums
        for name, value in here.init(START).items():
            np.testing.assert_array_equal(there.init(START)[name], value)


def test_a_rule_may_be_given_another_hyper_parameter():
    momentum = optedu.rules.get("momentum")
    rate = momentum.symbols["lr"]
    slower = momentum.rewrite(
        "slower", hypers={eps: 0.5}, x=x.old - rate / (1 + eps) * momentum.states[0].new
    )
    assert slower.defaults() == {**momentum.defaults(), "eps": 0.5}
    at, _ = slower.step(np.ones(1), np.ones(1), slower.init(np.ones(1)), 1, lr=0.3)
    np.testing.assert_allclose(at, 0.8)
