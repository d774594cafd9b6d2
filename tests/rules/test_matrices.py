r"""Rules that step a matrix: against other code, in every form, on tensors and in a run."""

import copy
import pickle
import sys
from pathlib import Path

import array_api_strict
import numpy as np
import pytest
from sympy import Eq, Lambda, Symbol, sqrt

import optedu
from optedu import written
from optedu.exercise import CheckFailed
from optedu.latex import latex
from optedu.matrices import QUINTIC, coefficients, inverse_root, matmul, orthogonalized, transposed
from optedu.quantities import Source, State, total, x
from optedu.rule import Rule
from optedu.symbols import columns, lr, rows
from optedu.symbols import g as gradient
from optedu.transformations import averaged, clipped
from optedu.withheld import between
from optedu.withheld import rules as stand_in

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

from cases import CASES

from tests.rules.test_frameworks import RECORD, run_rule

RNG = np.random.default_rng(11)
START, GRADS = RNG.standard_normal((3, 4)), RNG.standard_normal((12, 3, 4))
RULES = {name: rule for name, rule in optedu.rules.all().items() if rule.matrices}
EVERY = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def svd_muon(x, grads, lr=0.02, momentum=0.95, decay=0.1):
    r"""Muon by the singular values: the polynomial five times on each."""
    b = np.zeros_like(x)
    for g in grads:
        b = momentum * b + g
        u = momentum * b + g
        left, values, right = np.linalg.svd(u / np.linalg.norm(u), full_matrices=False)
        for _ in range(5):
            values = 3.4445 * values - 4.775 * values**3 + 2.0315 * values**5
        x = x - lr * (max(1, x.shape[0] / x.shape[1]) ** 0.5 * (left * values) @ right + decay * x)
    return x


def adafactor(x, grads, lr=0.02):
    r"""Adafactor on the whole matrix of second moments, which it never makes."""
    v = np.zeros_like(x)
    for t, g in enumerate(grads, 1):
        beta = 1 - t**-0.8
        v = beta * v + (1 - beta) * (g * g + 1e-30)
        rank_one = np.outer(v.sum(1), v.sum(0)) / v.sum()
        u = g / np.sqrt(rank_one)
        u = u / max(1, np.sqrt(np.mean(u * u)))
        x = x - max(1e-3, np.sqrt(np.mean(x * x))) * min(lr, t**-0.5) * u
    return x


def power(matrix, exponent):
    values, vectors = np.linalg.eig(matrix)
    return (vectors * values.astype(complex) ** exponent @ np.linalg.inv(vectors)).real


def shampoo(x, grads, lr=0.02):
    left, right = 1e-4 * np.eye(x.shape[0]), 1e-4 * np.eye(x.shape[1])
    for g in grads:
        left, right = left + g @ g.T, right + g.T @ g
        x = x - lr * power(left, -0.25) @ g @ power(right, -0.25)
    return x


BY_HAND = {"muon": svd_muon, "adafactor": adafactor, "shampoo": shampoo}


def run(rule, form, x, grads, **hyper):
    if form in ("array", "strict"):
        convert = array_api_strict.asarray if form == "strict" else np.asarray
        at = convert(x)
        state = rule.init(at, **hyper)
        for t, g in enumerate(grads, 1):
            at, state = rule.step(at, convert(g), state, t, **hyper)
        return np.asarray(at)
    at = x.copy()
    step = rule.kernel(form).bind(at, rule.init(at, **hyper), **hyper)
    for t, g in enumerate(grads, 1):
        step(g, t)
    return at


def test_each_has_other_code_to_compare_with():
    assert set(RULES) == set(BY_HAND)


@pytest.mark.parametrize("form", ["array", "strict", "numpy", "numba"])
@pytest.mark.parametrize("tall", [False, True], ids=["wide", "tall"])
@EVERY
def test_in_every_form_it_is_the_papers(rule, tall, form):
    x, grads = (START.T, GRADS.transpose(0, 2, 1)) if tall else (START, GRADS)
    found = run(rule, form, x.copy(), grads.copy(), lr=0.02)
    np.testing.assert_allclose(found, BY_HAND[rule.name](x, grads), rtol=1e-9)


@EVERY
def test_single_precision_stays_and_is_near(rule):
    x, grads = START.astype(np.float32), GRADS.astype(np.float32)
    found = run(rule, "array", x, grads, lr=0.02)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, BY_HAND[rule.name](START, GRADS), rtol=2e-3, atol=2e-4)


@EVERY
def test_a_matrix_of_zeros_and_a_gradient_of_zeros(rule):
    for dtype in (np.float64, np.float32):
        zeros = np.zeros((2, 3), dtype)
        with np.errstate(all="raise", under="ignore"):
            at, state = rule.step(zeros, zeros, rule.init(zeros), 1)
        np.testing.assert_array_equal(at, zeros)
        assert all(np.isfinite(value).all() for value in state.values())


@EVERY
def test_a_fused_form_falls_back_and_says_so(rule):
    for form in ("numpy", "numba", "cupy"):
        code = rule.source(form)
        assert "multiplies matrices: there is no loop over elements to fuse" in code
        assert rule.source("array") in code
    with pytest.raises(ValueError, match=f"for {rule.name}, got 'javascript': it multiplies"):
        rule.source("javascript")
    step = rule.kernel("numpy").bind(START.copy(), rule.init(START))
    with pytest.raises(ValueError, match="lr must be nonnegative, got -1"):
        step(GRADS[0], 1, lr=-1.0)
    with pytest.raises(TypeError, match="lr must be a number, got an array"):
        step(GRADS[0], 1, lr=np.ones(4))


@EVERY
def test_what_is_no_matrix_is_refused_by_its_shape(rule):
    for shape in ((), (3,), (2, 3, 4), (0, 3)):
        message = f"x must be a matrix for {rule.name}, got shape "
        with pytest.raises(ValueError, match=message):
            rule.init(np.ones(shape))
    state = rule.init(START)
    with pytest.raises(ValueError, match="x must be a matrix"):
        rule.step(np.ones(3), np.ones(3), state, 1)
    with pytest.raises(TypeError, match=r"lr must be a number, got an array of shape \(4,\)"):
        rule.step(START, GRADS[0], state, 1, lr=np.full(4, 0.1))
    with pytest.raises(ValueError, match=r"params\['b'\] must be a matrix .* shape \(4,\): step"):
        optedu.Optimizer(rule, {"w": START, "b": np.zeros(4)})


# -- the functions ---------------------------------------------------------------------------------


def test_the_polynomial_is_the_one_that_is_computed():
    r"""Singular values after an iteration are the polynomial's, and other polynomials will do."""
    sigma = Symbol("sigma")
    cubic = Lambda(sigma, (3 * sigma - sigma**3) / 2)
    seventh = Lambda(sigma, (35 * sigma - 35 * sigma**3 + 21 * sigma**5 - 5 * sigma**7) / 16)
    start = START / np.linalg.norm(START)
    for polynomial, steps in ((QUINTIC, 1), (QUINTIC, 3), (cubic, 40), (seventh, 12)):
        rule = _one_line(orthogonalized(gradient, polynomial, steps))
        found = np.linalg.svd(-rule.step(np.zeros((3, 4)), start, {}, 1)[0], compute_uv=False)
        values = np.linalg.svd(start, compute_uv=False)
        for _ in range(steps):
            values = np.array([float(polynomial(v)) for v in values])
        np.testing.assert_allclose(found, np.sort(values)[::-1], rtol=1e-9)
        if steps > 3:  # these converge, which Muon's does not
            np.testing.assert_allclose(found, 1, rtol=1e-12)


def test_five_steps_bring_most_singular_values_between_07_and_12():
    for value in np.geomspace(0.005, 1, 60):
        for _ in range(5):
            value = float(QUINTIC(value))
        assert 0.6 < value < 1.25


@pytest.mark.parametrize("shape", [(16, 80), (80, 16), (16, 20)])
@pytest.mark.parametrize(("dtype", "near"), [(np.float64, 1e-12), (np.float32, 3e-4)])
def test_steps_taken_together_keep_small_singular_values(shape, dtype, near):
    r"""On a long matrix the iteration works with squares, of which rounding takes more."""
    left, values, right = np.linalg.svd(np.random.default_rng(3).standard_normal(shape))
    values, size = np.geomspace(0.6, 1e-6, 16), min(shape)
    start = (left[:, :size] * values) @ right[:size]
    for _ in range(5):
        values = 3.4445 * values - 4.775 * values**3 + 2.0315 * values**5
    expected = (left[:, :size] * values) @ right[:size]
    rule = _one_line(orthogonalized(gradient))
    found = -rule.step(np.zeros(shape, dtype), start.astype(dtype), {}, 1)[0]
    assert found.dtype == dtype
    assert np.linalg.norm(found - expected) < near * np.linalg.norm(expected)


def _one_line(expression, states=(), more=()):
    return Rule(
        "line", "Line", Source("nobody", "nowhere"), {lr: 1.0}, tuple(states),
        (*more, Eq(x.new, x.old - lr * expression)),
    )  # fmt: skip


def test_a_polynomial_has_to_be_odd():
    s = Symbol("s")
    assert [float(c) for c in coefficients(QUINTIC)] == [3.4445, -4.775, 2.0315]
    for wrong in (Lambda(s, s + s**2), Lambda(s, 1 / s), Lambda(s, 2), Lambda(s, s * gradient)):
        with pytest.raises(ValueError, match="polynomial must be an odd polynomial, got"):
            orthogonalized(gradient, wrong)
    with pytest.raises(TypeError, match=r"polynomial must be a sympy.Lambda of one variable"):
        orthogonalized(gradient, s**3)


@pytest.mark.parametrize("root", [1, 2, 4])
def test_an_inverse_root_to_its_power_is_the_inverse(root):
    square = State("square", axes=(rows, rows), initial=1)
    product = matmul(gradient, transposed(gradient))
    rule = _one_line(
        matmul(inverse_root(square.new, root), gradient),
        [square],
        [Eq(square.new, square.old + product)],
    )
    g, whole = GRADS[0], np.eye(3) + GRADS[0] @ GRADS[0].T
    step = -rule.step(np.zeros((3, 4)), g, rule.init(START), 1)[0]
    back = np.linalg.matrix_power(np.linalg.inv(step @ np.linalg.pinv(g)), root)
    np.testing.assert_allclose(back, whole, rtol=1e-9)


def test_shampoo_without_memory_is_the_polar_factor():
    r"""The product of the three is U V^T: Shampoo on one gradient is what Muon approaches."""
    rule = RULES["shampoo"]
    step = START - rule.step(START, GRADS[0], rule.init(START, eps=1e-12), 1, lr=1.0)[0]
    left, _, right = np.linalg.svd(GRADS[0], full_matrices=False)
    np.testing.assert_allclose(step, left @ right, rtol=1e-5, atol=1e-6)


def test_the_factor_of_the_shape_is_transposed_in_optax():
    r"""With Optax's factor, its bias corrections and its epsilon, Muon takes Optax's way."""
    case = next(c for c in CASES if c.name == "muon-Optax")
    muon = RULES["muon"]
    s = muon.symbols
    t, rho, u = optedu.symbols.t, s["momentum"], s["u"]
    theirs = muon.rewrite(
        "muon_optax",
        b=rho * s["b_old"] + (1 - rho) * gradient,
        u=rho * s["b_new"] / (1 - rho ** (t + 1)) + (1 - rho) * gradient / (1 - rho**t),
        o=orthogonalized(u / (sqrt(total(u**2)) + s["eps"])),
        tall=muon.expression("tall").xreplace({rows: columns, columns: rows}),
    )  # fmt: skip
    found = run_rule(case, theirs)
    np.testing.assert_allclose(found, RECORD[case.name], rtol=1e-10)
    ours = run_rule(case, theirs.rewrite("ours", tall=muon.expression("tall")))
    assert np.max(np.abs(ours - RECORD[case.name])) > 1e-4


def test_latex_reads_as_in_the_papers():
    shampoo, muon = RULES["shampoo"].latex_equations(), RULES["muon"].latex_equations()
    assert shampoo[0] == r"L_{t} = L_{t-1} + g_{t} g_{t}^{\top}"
    assert shampoo[2] == r"x_{t} = x_{t-1} - \eta L_{t}^{-1/4} g_{t} R_{t}^{-1/4}"
    assert r"\operatorname{NS}_{5}\left(" in muon[2]
    assert r"\frac{R_{t}}{\mathbf{1}^{\top} R_{t}} C_{t}" in RULES["adafactor"].latex()
    assert latex(transposed(gradient + 1) ** 2) == (
        r"\left(\left(1 + g_{t}\right)^{\top}\right)^{2}"
    )
    assert latex(matmul(gradient + 1, gradient)) == r"\left(1 + g_{t}\right) g_{t}"


def test_transformations_take_them():
    muon = RULES["muon"]
    short = run(clipped(muon, norm=1.0), "numpy", START, GRADS, lr=0.02)
    assert not np.allclose(short, run(muon, "numpy", START, GRADS, lr=0.02))
    rule = averaged(muon)
    at, state = START, rule.init(START)
    points = []
    for t, g in enumerate(GRADS, 1):
        at, state = rule.step(at, g, state, t)
        points.append(at)
    np.testing.assert_allclose(state["x_mean"], np.mean(points, axis=0), rtol=1e-12)


# -- tensors and runs ------------------------------------------------------------------------------


@EVERY
def test_an_optimizer_gives_each_matrix_in_its_shape(rule):
    parts = {"a": START, "b": START[:, :2].copy()}
    optimizer = optedu.Optimizer(rule, parts, lr=0.02, groups=[{"params": ["b"], "lr": 0.1}])
    for g in GRADS:
        optimizer.step({"a": g, "b": g[:, :2]})
    np.testing.assert_allclose(optimizer.params["a"], BY_HAND[rule.name](START, GRADS), rtol=1e-9)
    alone = run(rule, "array", parts["b"], GRADS[:, :, :2], lr=0.1)
    np.testing.assert_array_equal(optimizer.params["b"], alone)
    assert "2 arrays, 18 parameters" in repr(optimizer)
    single = optedu.Optimizer(rule, START, lr=0.02)
    single.grads[...] = GRADS[0]
    single.step()
    np.testing.assert_array_equal(single.params, run(rule, "array", START, GRADS[:1], lr=0.02))


def test_a_state_of_another_shape_can_be_seen_set_and_kept():
    parts = {"a": START, "b": START[:, :2].copy()}
    optimizer = optedu.Optimizer("shampoo", parts)
    optimizer.step({"a": GRADS[0], "b": GRADS[0][:, :2]})
    assert {k: v.shape for k, v in optimizer.state["right"].items()} == {"a": (4, 4), "b": (2, 2)}
    optimizer.state["left"] = {"a": np.eye(3), "b": 2 * np.eye(3)}
    again = pickle.loads(pickle.dumps(optimizer))
    other = optedu.Optimizer("shampoo", copy.deepcopy(optimizer.params))
    other.load_state_dict(optimizer.state_dict())
    for one in (optimizer, again, other):
        one.step({"a": GRADS[1], "b": GRADS[1][:, :2]})
        np.testing.assert_array_equal(one.params["b"], optimizer.params["b"])
        np.testing.assert_allclose(one.state["left"]["b"], 2 * np.eye(3) + _gram(GRADS[1][:, :2]))
    with pytest.raises(ValueError, match=r"state\['left'\].*'a'\] must have the shape of"):
        optimizer.state["left"] = {"a": np.eye(2), "b": np.eye(3)}
    with pytest.raises(ValueError, match=r"state\['left'\] must hold"):
        optimizer.state["left"] = {"a": np.eye(3)}
    for wrong in (np.eye(4), np.eye(3, dtype=np.float32)):
        with pytest.raises(ValueError, match=r"state\['left'\] must be float64 of shape \(3, 3\)"):
            RULES["shampoo"].step(START, GRADS[0], {"left": wrong, "right": np.eye(4)}, 1)


def _gram(matrix):
    return matrix @ matrix.T


def linear_map():
    inputs = RNG.standard_normal((4, 50)) * np.array([[1.0], [3.0], [0.3], [1.0]])
    outputs = RNG.standard_normal((3, 4)) @ inputs

    def f(w):
        return ((w @ inputs - outputs) ** 2).sum() / 100

    def grad(w):
        assert w.shape == (3, 4)
        return (w @ inputs - outputs) @ inputs.T / 50

    return optedu.Problem(f, grad, x0=np.zeros((3, 4)), minimum=0.0, name="map")


@pytest.mark.parametrize("name", [*RULES, "adam", "dog", "lamb", "sgd"])
def test_minimize_on_a_matrix(name):
    r"""Also the rules that go element by element, and those that sum, take it as one point."""
    problem, rule = linear_map(), optedu.rules.get(name)
    result = optedu.minimize(problem, optimizer=name, steps=40, lr=0.02)
    at, state = problem.x0, rule.init(problem.x0)
    for t in range(1, 41):
        at, state = rule.step(at, problem.grad(at), state, t, lr=0.02)
    np.testing.assert_allclose(result.x[-1], at, rtol=1e-9)
    assert result.x.shape == (41, 3, 4) and result.f.shape == result.grad_norm.shape == (41,)
    assert result.grad_norm[0] == pytest.approx(np.linalg.norm(problem.grad(problem.x0)))
    assert result.f[-1] < result.f[0]
    blown = optedu.minimize(problem, np.full((3, 4), 1e200), optimizer=name, steps=3)
    assert blown.diverged_at == 1


def test_where_a_matrix_is_needed_and_where_it_is_not():
    with pytest.raises(ValueError, match=r"matrix of parameters for muon .* got rosenbrock with x"):
        optedu.minimize(optedu.problems.rosenbrock(), optimizer="muon")
    with pytest.raises(ValueError, match="must have a matrix of parameters for muon"):
        optedu.sweep(optedu.problems.rosenbrock(), optimizer="muon", lr=[0.1, 0.2])
    problem = linear_map()
    with pytest.raises(ValueError, match=r"x0 must have shape \(3, 4\) for map, got \(3,\)"):
        optedu.minimize(problem, np.ones(3), optimizer="adam")
    with pytest.raises(ValueError, match=r"x must have shape \(3, 4\) for map, got \(4, 3\)"):
        problem.f(np.ones((4, 3)))
    with pytest.raises(TypeError, match="where the parameters are a matrix there are no runs"):
        optedu.minimize(problem, optimizer="adam", lr=np.full(4, 0.1))


def test_a_student_can_write_one_and_is_checked():
    def shampoo_of(root):
        def mine(xp, x, g, state, t, *, lr=1e-2, eps=1e-4):
            left = state["left"] + g @ g.T
            right = state["right"] + g.T @ g

            def power(a):
                values, vectors = xp.linalg.eigh(a)
                return (vectors * values ** (-1 / root)) @ vectors.T

            return x - lr * power(left) @ g @ power(right), {"left": left, "right": right}

        return mine

    written.register("shampoo", shampoo_of(4))
    assert "matrices with 1 element" in str(optedu.check("shampoo"))
    optimizer = optedu.Optimizer("shampoo", {"a": START}, lr=0.02)
    for g in GRADS:
        optimizer.step({"a": g})
    np.testing.assert_allclose(optimizer.params["a"], shampoo(START, GRADS), rtol=1e-9)
    written.register("shampoo", shampoo_of(2))
    with pytest.raises(CheckFailed, match="shampoo: "):
        optedu.check("shampoo", "first step")

    def flat(xp, x, g, state, t, *, lr=1e-2, eps=1e-4):
        return x, {"left": x, "right": x}

    written.register("shampoo", flat)
    with pytest.raises(
        CheckFailed, match=r"has shape \(3, 4\); for x and g .* have shape\s+\(3, 3\)"
    ):
        optedu.check("shampoo", "state")
    written.clear()


def test_where_submissions_are_graded_a_matrix_is_one_too():
    for row in between.described():
        there, here = stand_in._Described.of(row), optedu.rules.get(row["name"])
        assert there.matrices == there.at(lr=0.5).matrices == here.matrices
        for name, value in here.init(START, lr=0.5).items():
            np.testing.assert_array_equal(there.at(lr=0.5).init(START)[name], value)
