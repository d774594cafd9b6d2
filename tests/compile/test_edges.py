r"""Where the forms of a rule used to part: NaN, ties, views of the parameters, numbers, grids."""

import array_api_strict
import numpy as np
import pytest

import optedu
from optedu.backend import to_numpy
from optedu.compile.lowering import optional
from optedu.quantities import Source, x
from optedu.rule import Rule
from optedu.symbols import g, lr
from tests.compile import forms
from tests.compile.forms import Case

RULES = optedu.rules.all(matrices=False)


@pytest.fixture(params=RULES.values(), ids=RULES)
def rule(request):
    return request.param


def compare(cases, folder, rtol, *, nan=False):
    r"""All forms agree with the pure function, in what is NaN too, and say which do not."""
    results = forms.ends(cases, folder)
    assert {"array", "strict", "numpy", "numba", "runs"} <= set(results)
    for form, values in results.items():
        for case, value, expected in zip(cases, values, results["array"], strict=True):
            label = f"{form} form of {case.rule.name}, {case.hyper}"
            np.testing.assert_allclose(value, expected, rtol=rtol, err_msg=label, equal_nan=True)
            assert nan or np.isfinite(value).all(), label
    return results["array"]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_not_a_number_stays_so_in_every_form(dtype, tmp_path):
    r"""NaN in a gradient reaches the parameter it belongs to, and no other."""
    grads = np.tile(np.linspace(-1, 1, 6), (5, 1)).astype(dtype)
    grads[1, 1], grads[4, 3] = np.nan, np.nan
    start = np.linspace(1, 2, 6).astype(dtype)
    cases = [Case(rule, start, grads) for rule in RULES.values()]
    ends = compare(cases, tmp_path, 1e-3 if dtype == np.float32 else 1e-9, nan=True)
    for case, end in zip(cases, ends, strict=True):
        assert np.isnan(end[[1, 3]]).all(), case.rule.name
        if not case.rule.sums:  # what goes by a sum over all parameters cannot spare the others
            assert np.isfinite(end[[0, 2, 4, 5]]).all(), case.rule.name


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["rmsprop_centered", "rmsprop_centered_eps_inside"])
def test_a_variance_of_zero_has_a_root_in_every_form(name, dtype, tmp_path):
    r"""At beta2 = 0, and at a constant gradient, what is below the root is rounding alone."""
    rng = np.random.default_rng(0)
    many = rng.standard_normal((8, 200)) * 10.0 ** rng.integers(-3, 6, 200)
    constant = np.tile(many[0], (8, 1))
    start = np.ones(200, dtype)
    cases = [
        Case(RULES[name], start, grads.astype(dtype), {"beta2": beta2, "lr": 1e-6})
        for grads in (many, constant)
        for beta2 in (0.0, 0.5, 0.99)
    ]
    ends = compare(cases, tmp_path, 1e-5 if dtype == np.float32 else 1e-12)
    if name == "rmsprop_centered":  # nothing but epsilon is left of the denominator
        step = 1e-6 * np.sum(many.astype(dtype).astype(float), axis=0) / 1e-8
        np.testing.assert_allclose(ends[0], 1 - step, rtol=1e-3 if dtype == np.float32 else 1e-9)


def test_nothing_is_divided_by_zero_before_radam_rectifies(tmp_path):
    r"""With eps = 0 a coordinate without gradient stays until the quotient is used."""
    grads = np.tile([0.0, 1.0, 1e-200, 1e200], (5, 1))
    cases = [Case(RULES["radam"], np.ones(4), grads, {"eps": 0.0, "lr": 0.1})]
    (end,) = compare(cases, tmp_path, 1e-12)
    np.testing.assert_allclose(end, [1.0, 0.5, 1.0, 1 - 0.5e200], rtol=1e-12)


def test_radam_without_epsilon_is_torchs(tmp_path):
    torch = pytest.importorskip("torch")
    parameter = torch.ones(3, dtype=torch.float64, requires_grad=True)
    other = torch.optim.RAdam([parameter], lr=0.1, eps=0.0)
    grads = np.random.default_rng(0).standard_normal((12, 3))
    grads[:5, 0] = 0.0
    for row in grads:
        parameter.grad = torch.from_numpy(row.copy())
        other.step()
    case = Case(RULES["radam"], np.ones(3), grads, {"lr": 0.1, "eps": 0.0})
    (end,) = compare([case], tmp_path, 1e-11)
    np.testing.assert_allclose(end, parameter.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_rate_of_zero_is_no_step_in_every_form(dtype, tmp_path):
    rng = np.random.default_rng(1)
    start, grads = rng.standard_normal(4).astype(dtype), rng.standard_normal((4, 4)).astype(dtype)
    cases = [
        Case(rule, start, grads, {"lr": 0.0, **dict.fromkeys(optional(rule), 0.05)})
        for rule in RULES.values()
        if rule.name != "rprop"
    ]
    cases += [Case(RULES[name].at(lr=0), start, grads) for name in ("sgd", "adam", "lion")]
    for end in compare(cases, tmp_path, 0):
        np.testing.assert_array_equal(end, start)
    # Of Rprop it is a first step of zero, which its limits lengthen.
    limits = {"lr": 0.0, "shortest_step": 0.25, "longest_step": 0.25}
    (end,) = compare([Case(RULES["rprop"], start, grads[:1], limits)], tmp_path, 0)
    np.testing.assert_array_equal(end, start - np.sign(grads[0]) / 4)


# -- views of the parameters -------------------------------------------------------------------


def bound(rule, form, size, hyper):
    memory = np.linspace(-1, 1, size + 1)
    x = memory[:-1]
    state = rule.init(x, **hyper)
    return memory, x, state, rule.kernel(form).bind(x, state, **hyper)


VIEWS = {
    "itself": lambda memory, x: x,
    "reversed": lambda memory, x: x[::-1],
    "shifted": lambda memory, x: memory[1:],
    "reshaped": lambda memory, x: x.reshape(2, -1)[::-1].reshape(-1)[:],
    "rolled": lambda memory, x: np.lib.stride_tricks.as_strided(x, x.shape, (0,)),
}


@pytest.mark.parametrize("form", ["numpy", "numba"])
@pytest.mark.parametrize("view", VIEWS)
def test_a_gradient_that_is_a_view_of_the_parameters(rule, view, form):
    r"""Block by block, the gradient would change under the step's hands."""
    for on in ({}, dict.fromkeys(optional(rule), 0.05)):
        hyper = {"lr": 0.1, **on}
        memory, x, state, step = bound(rule, form, 300_000, hyper)
        expected, after = rule.step(x.copy(), VIEWS[view](memory, x).copy(), state, 1, **hyper)
        step(VIEWS[view](memory, x), 1)
        np.testing.assert_allclose(x, expected, rtol=1e-9, atol=1e-12)
        for name, value in after.items():
            np.testing.assert_allclose(state[name], value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("form", ["numpy", "numba"])
def test_a_gradient_that_is_a_view_of_the_state(form):
    adam = RULES["adam"]
    _, x, state, step = bound(adam, form, 300_000, {})
    state["m"][...] = np.linspace(1, 2, 300_000)
    expected, _ = adam.step(x.copy(), state["m"][::-1].copy(), state, 3)
    step(state["m"][::-1], 3)
    np.testing.assert_allclose(x, expected, rtol=1e-12, atol=1e-15)


def test_an_optimizer_takes_gradients_that_are_views_of_its_parameters():
    start = np.linspace(-1, 1, 300_000)
    optimizer = optedu.Optimizer("sgd", start, lr=0.5)
    optimizer.step(optimizer.params[::-1])
    np.testing.assert_allclose(optimizer.params, start - 0.5 * start[::-1])


def test_parameters_and_state_in_one_place_are_refused():
    memory = np.ones(9)
    adam = RULES["adam"]
    for form in ("numpy", "numba"):
        with pytest.raises(ValueError, match=r"x and state\['m'\] must not share memory"):
            adam.kernel(form).bind(memory[:8], {"m": memory[1:], "v": np.zeros(8)})
        with pytest.raises(ValueError, match=r"state\['m'\] and state\['v'\] must not share"):
            adam.kernel(form).bind(memory, dict.fromkeys("mv", np.zeros(9)))
    lanes = np.ones((4, 3))  # side by side, not one over the other
    adam.kernel("numpy").bind(lanes[:, 0], {"m": lanes[:, 1], "v": lanes[:, 2]})


# -- exact numbers -----------------------------------------------------------------------------

NEAR = {
    "beta1": (0.9, 0.99999995),
    "beta2": (0.99999995, 0.9999999999999999),
    "momentum": (0.99999995, 0.9),
    "eps": (1e-300, 0.1),
    "lr": (1e-3, 0.1234567890123456),
    "weight_decay": (1e-300, 0.1),
    "momentum_decay": (0.004, 1e-9),
    "lr_decay": (1e-9, 0.1),
    "initial_accumulator": (1e-300, 0.1),
    "dampening": (0.99999995, 0.1),
    "beta3": (0.99999995, 0.9),
    "alpha": (1e-9, 5.0),
    "trust": (1e-9, 0.1),
    "first_move": (1e-300, 0.1),
    "first_distance": (1e-9, 0.1),
    "shrink": (0.99999995, 0.1),
    "grow": (1.00000005, 3.0),
    "shortest_step": (1e-9, 0.1),
    "longest_step": (0.1234567890123456, 0.2),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_rule_at_a_value_computes_with_that_value(dtype, tmp_path):
    rng = np.random.default_rng(2)
    start = rng.standard_normal(3).astype(dtype)
    grads = rng.standard_normal((6, 3)).astype(dtype)
    cases, expected = [], []
    for rule in RULES.values():
        if rule.name.startswith("rmsprop_centered"):
            continue  # a variance of rounding alone is of no fixed value
        for column in (0, 1):
            hyper = {name: NEAR[name][column] for name in rule.defaults()}
            if rule.name == "dadaptation":  # divides by the root of v_0 = 0: no eps lost in float32
                hyper["eps"] = max(hyper["eps"], 1e-30)
            cases.append(Case(rule.at(**hyper), start, grads))
            expected.append(forms.pure(Case(rule, start, grads, hyper)))
    rtol = 1e-11 if dtype == np.float64 else 2e-5
    for case, end, wanted in zip(cases, compare(cases, tmp_path, rtol), expected, strict=True):
        np.testing.assert_allclose(end, wanted, rtol=rtol / 10, err_msg=str(case.rule))


def test_a_value_near_one_is_never_printed_as_one():
    near = Rule(
        name="near",
        title="Near",
        source_ref=Source("key", "eq. (1)"),
        hypers={lr: 0.9999999},
        states=(),
        equations=(optedu.rules.get("sgd").at(weight_decay=0).equations[-1],),
    )
    assert repr(near) == "<Rule near(lr=0.9999999)>"
    for form in ("array", "javascript"):
        assert "0.9999999" in near.source(form)
    at = optedu.rules.get("adam").at(beta2=0.9999999, eps=1e-300)
    for form in ("array", "numpy", "numba", "cupy", "javascript"):
        assert "0.9999999" in at.source(form)
        assert "1e-300" in at.source(form)
    assert r"0.9999999 v_{t-1} + 10^{-7} g_{t}^{2}" in at.at(weight_decay=0).latex()
    assert "10^{-300}" in at.latex()
    run = optedu.minimize(optedu.problems.beale(), optimizer="adam", beta2=0.9999999, steps=1)
    assert "beta2=0.9999999," in run._repr_html_()
    assert "beta2=0.9999999," in repr(optedu.Optimizer("adam", np.ones(1), beta2=0.9999999))
    swept = optedu.sweep(optedu.problems.beale(), optimizer="adam", beta2=[0.9999999], steps=1)
    assert "best beta2=0.9999999," in repr(swept)


def test_an_exact_fraction_stays_one():
    momentum = optedu.rules.get("momentum").at(momentum=0.5, weight_decay=0, dampening=0)
    assert momentum.latex_equations()[0] == r"b_{t} = \frac{b_{t-1}}{2} + g_{t}"


# -- grids in single precision -----------------------------------------------------------------


@pytest.mark.parametrize("library", ["numpy", "strict"])
def test_a_grid_in_single_precision_has_its_scalars_in_double(rule, library):
    r"""Each run of a float32 grid is the float32 run by itself, whose scalars are doubles."""
    values = {
        "lr": [1e-3, 0.3, 0.1],
        "beta1": [0.9, 0.99999999, 0.5],
        "beta2": [0.9, 0.99999999, 0.999],
        "momentum": [0.9, 0.99999999, 0.5],
        "eps": [1e-8, 1e-3, 0.1],
        "weight_decay": [0.0, 0.1, 1e-9],
    }
    grid = {k: np.array(v) for k, v in values.items() if k in rule.defaults()}
    rng = np.random.default_rng(3)
    start = np.ones((4, 3), np.float32)
    grads = rng.standard_normal((12, 4, 3)).astype(np.float32)
    convert = np.asarray if library == "numpy" else array_api_strict.asarray
    many = start if library == "numpy" else convert(start)
    hyper = {k: convert(v) for k, v in grid.items()}
    state = rule.init(many, **hyper)
    for t, row in enumerate(grads, 1):
        many, state = rule.step(many, convert(row), state, t, **hyper)
    assert str(many.dtype).endswith("float32")
    fast = start.copy()
    step = rule.kernel("numpy").bind(fast, rule.init(fast, **grid), **grid)
    for t, row in enumerate(grads, 1):
        step(row, t)
    assert fast.dtype == np.float32
    rtol = 2e-2 if rule.name.startswith("rmsprop_centered") else 2e-5
    for i in range(3):
        alone = Case(
            rule,
            start[:, i].copy(),
            np.ascontiguousarray(grads[:, :, i]),
            {k: float(v[i]) for k, v in grid.items()},
        )
        expected = forms.pure(alone)
        np.testing.assert_allclose(to_numpy(many)[:, i], expected, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(fast[:, i], expected, rtol=rtol, atol=rtol)


def test_a_sweep_in_single_precision_takes_rates_near_one():
    r"""In single precision 0.99999999 is one, out of its range."""
    start = np.array([1.0, 0.5], np.float32)
    result = optedu.sweep(
        optedu.problems.beale(), start, optimizer="radam", beta2=[0.9, 0.99999999], steps=20, lr=0.1
    )
    for i, beta2 in enumerate([0.9, 0.99999999]):
        run = optedu.minimize(
            optedu.problems.beale(), start, optimizer="radam", beta2=beta2, steps=20, lr=0.1
        )
        np.testing.assert_allclose(result.x[:, i], run.x[-1], rtol=1e-4)
    assert result.x.dtype == np.float32
    runs = optedu.minimize(
        optedu.problems.beale(),
        np.tile(start[:, None], 2),
        optimizer="radam",
        beta2=np.array([0.9, 0.99999999]),
        lr=0.1,
        steps=20,
    )
    np.testing.assert_allclose(runs.x[-1], result.x, rtol=1e-6)


def test_your_own_function_gets_a_grid_in_the_precision_of_the_parameters():
    def own(xp, x, g, state, t, *, lr):
        assert lr.dtype == x.dtype
        return x - lr * g, {}

    x0 = np.ones((2, 3), np.float32)
    run = optedu.minimize(
        optedu.problems.quadratic(), x0, optimizer=own, lr=np.array([0.1, 0.2, 0.3]), steps=2
    )
    assert run.x.dtype == np.float32


def test_the_sign_and_the_larger_of_two_in_cuda(tmp_path):
    r"""Both orders of a NaN: a comparison alone would drop one of them."""
    import sympy

    def made(name, expression):
        equations = (sympy.Eq(x.new, x.old - lr * expression, evaluate=False),)
        return Rule(name, name, Source("k", "1"), {lr: 1.0}, (), equations)

    rules = [
        made("a", sympy.Max(g, x.old, evaluate=False)),
        made("b", sympy.Min(g, x.old, evaluate=False)),
        made("c", sympy.Max(g, 0)),
        made("d", sympy.Min(0, g)),
        made("e", sympy.sign(g)),
        made("f", abs(g)),
    ]
    grads = np.array([[np.nan, 1.0, -1.0, 0.0, 1.0]])
    start = np.array([1.0, np.nan, 2.0, 3.0, -4.0])
    compare([Case(r, start, grads) for r in rules], tmp_path, 0, nan=True)
