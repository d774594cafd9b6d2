"""Problems stated in SymPy: derivatives, code, namespaces, dtypes, and what is known of them."""

import json
import shutil
import subprocess

import array_api_strict
import numpy as np
import pytest
import sympy

import optedu
from optedu import problems
from optedu.problems.differences import gradient_error

SYMBOLIC = {
    "rosenbrock": problems.rosenbrock,
    "rosenbrock_6": lambda: problems.rosenbrock(6),
    "beale": problems.beale,
    "himmelblau": problems.himmelblau,
    "styblinski_tang": problems.styblinski_tang,
    "styblinski_tang_5": lambda: problems.styblinski_tang(5),
    "double_well": lambda: problems.double_well(0.1),
    "saddle": problems.saddle,
    "half_saddle": lambda: problems.saddle(0.5, 0.5),
    "monkey_saddle": problems.monkey_saddle,
    "plateau": problems.plateau,
    "plateau_4": lambda: problems.plateau(4),
    "saturated_neuron": lambda: problems.saturated_neuron(0.2),
    "tiny_network": lambda: problems.tiny_network(-1.5),
    "huber": problems.huber,
    "huber_3": lambda: problems.huber(0.3, L=2.0, dim=3),
    "huber_4": lambda: problems.huber(0.3, L=2.0, dim=4),
    "tight_huber": lambda: problems.tight_huber(5),
    "lessard": problems.lessard,
    "springs": lambda: problems.springs(5),
    "springs_30": lambda: problems.springs(30, L=3.0),
    "quadratic": problems.quadratic,
    "quadratic_1": lambda: problems.quadratic(dim=1, L=3.0),
    "quadratic_rotated": lambda: problems.quadratic(50, rotation=3),
    "quadratic_5": lambda: problems.quadratic(7, 5),
    "quadratic_5_rotated": lambda: problems.quadratic(7, 5, L=2.0, rotation=1),
}


@pytest.fixture(params=SYMBOLIC, scope="module")
def problem(request):
    return SYMBOLIC[request.param]()


def points(problem, dtype=np.float64, runs=None):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((problem.dim,) if runs is None else (problem.dim, runs)).astype(dtype)
    x.setflags(write=False)  # a function that wrote to its argument would fail
    return x


def test_gradient_is_the_derivative(problem):
    assert gradient_error(problem, points(problem)) < 1e-8


def test_code_computes_the_expression(problem):
    x = points(problem)
    at = dict(zip(problem.symbols, map(float, x), strict=True))
    assert problem.f(x) == pytest.approx(float(problem.expr.subs(at)), rel=1e-12)
    expected = [float(sympy.diff(problem.expr, s).subs(at)) for s in problem.symbols]
    np.testing.assert_allclose(problem.grad(x), expected, rtol=1e-11, atol=1e-13)


def test_hessian_is_the_derivative_of_the_gradient(problem):
    x, h = points(problem), 1e-6
    columns = [
        (problem.grad(x + h * e) - problem.grad(x - h * e)) / (2 * h) for e in np.eye(problem.dim)
    ]
    hessian = problem.hessian(x)
    np.testing.assert_allclose(hessian, np.stack(columns, axis=1), rtol=1e-6, atol=1e-5)
    many = problem.hessian(np.stack([x, x], axis=1))
    np.testing.assert_allclose(many[..., 1], hessian, rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("runs", [None, 4])
def test_shape_dtype_and_namespace_are_kept(problem, dtype, runs):
    x = points(problem, dtype, runs)
    f, g = problem.f(x), problem.grad(x)
    assert (f.shape, f.dtype) == (x.shape[1:], dtype)
    assert (g.shape, g.dtype) == (x.shape, dtype)
    strict = array_api_strict.asarray(x)
    value, gradient = problem.f(strict), problem.grad(strict)
    assert type(gradient) is type(strict)
    assert (value.dtype, gradient.dtype) == (strict.dtype, strict.dtype)
    np.testing.assert_array_equal(np.from_dlpack(gradient), g)
    assert problem.hessian(strict).dtype == strict.dtype


def test_columns_are_points(problem):
    x = points(problem, runs=3)
    for k in range(3):
        column = x[:, k].copy()
        assert problem.f(x)[k] == pytest.approx(problem.f(column), rel=1e-13)
        np.testing.assert_allclose(problem.grad(x)[:, k], problem.grad(column), rtol=1e-12)


def test_known_minima_are_minima(problem):
    if problem.minimizers is None:
        pytest.skip("no minimizer")
    for minimizer in problem.minimizers:
        assert problem.f(minimizer) == pytest.approx(problem.minimum, abs=1e-12)
        assert np.abs(problem.grad(minimizer)).max() < 1e-12
        around = minimizer[:, None] + 0.5 * np.random.default_rng(0).standard_normal(
            (problem.dim, 500)
        )
        assert problem.f(around).min() >= problem.minimum - 1e-12


def test_smoothness_and_strong_convexity_hold(problem):
    if problem.L is None:
        pytest.skip("no constants")
    rng = np.random.default_rng(2)
    x, y = 3 * rng.standard_normal((2, problem.dim, 1000))
    change = problem.grad(x) - problem.grad(y)
    distance = np.linalg.norm(x - y, axis=0)
    assert (np.linalg.norm(change, axis=0) <= problem.L * distance * (1 + 1e-9)).all()
    if problem.mu:
        assert ((change * (x - y)).sum(0) >= problem.mu * distance**2 * (1 - 1e-9)).all()


@pytest.mark.node
def test_javascript_computes_the_same(problem, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    x = points(problem)
    script = tmp_path / "problem.js"
    script.write_text(
        problem.source("javascript")
        + f"const x = {x.tolist()};\n"
        + "console.log(JSON.stringify([f(x), Array.from(grad(x, new Float64Array(x.length)))]));\n"
    )
    done = subprocess.run([node, script], capture_output=True, text=True, check=True)
    value, gradient = (np.array(v) for v in json.loads(done.stdout))
    np.testing.assert_allclose(value, problem.f(x), rtol=1e-13)
    np.testing.assert_allclose(gradient, problem.grad(x), rtol=1e-12, atol=1e-15)


def test_code_reads_like_the_formula():
    assert problems.saddle().source() == (
        "def f(xp, x):\n"
        "    x0, x1 = x[0, ...], x[1, ...]\n"
        "    return x0*x0 - x1*x1\n"
        "\n\n"
        "def grad(xp, x):\n"
        "    x0, x1 = x[0, ...], x[1, ...]\n"
        "    out = xp.empty_like(x)\n"
        "    out[0, ...] = 2*x0\n"
        "    out[1, ...] = -2*x1\n"
        "    return out\n"
    )


def test_condition_number():
    problem = problems.quadratic(kappa=100, dim=6, L=4.0, rotation=2)
    eigenvalues = np.linalg.eigvalsh(problem.H)
    assert eigenvalues[-1] == pytest.approx(4.0)
    assert eigenvalues[-1] / eigenvalues[0] == pytest.approx(100)
    assert np.abs(problem.H - np.diag(np.diag(problem.H))).max() > 0.1
    different = problems.quadratic(kappa=100, dim=6, L=4.0, rotation=3)
    assert not np.allclose(problem.H, different.H)


@pytest.mark.parametrize("steps", [1, 5, 20, 100])
def test_huber_attains_the_bound_of_gradient_descent(steps):
    problem = problems.tight_huber(steps)
    run = optedu.minimize(problem, optimizer="sgd", lr=1.0, steps=steps)
    assert run.f[-1] == pytest.approx(1 / (4 * steps + 2), rel=1e-12)


def test_heavy_ball_cycles_on_the_piecewise_quadratic():
    options = {"optimizer": "momentum", "lr": 1 / 9, "momentum": 4 / 9, "steps": 300}
    run = optedu.minimize(problems.lessard(), **options)
    cycle = np.sort(run.x[-3:, 0])
    np.testing.assert_allclose(cycle, np.array([-2208, 792, 2592]) / 1225, rtol=1e-9)
    assert abs(optedu.minimize(problems.lessard(), [3.0], **options).x[-1, 0]) < 1e-12


@pytest.mark.parametrize(("y0", "steps"), [(1e-2, 49), (1e-4, 97), (1e-8, 194)])
def test_escape_from_the_saddle(y0, steps):
    run = optedu.minimize(problems.saddle(0.5, 0.5), [0.0, y0], optimizer="sgd", lr=0.1, steps=200)
    assert np.flatnonzero(np.abs(run.x[:, 1]) >= 1.0)[0] == steps


def test_your_own_expression():
    x, y = sympy.symbols("x y", real=True)
    problem = problems.symbolic(sympy.exp(x) + sympy.Abs(y) * 2 + y**3 / 3, [x, y], x0=[0.5, -1.5])
    assert gradient_error(problem, np.array([0.5, -1.5])) < 1e-9
    assert problem.latex() == r"f(x, y) = \frac{y^{3}}{3} + e^{x} + 2 \left|{y}\right|"


def test_every_name_makes_a_problem():
    for name in problems.names():
        made = problems.get(name, **({"steps": 3} if name == "tight_huber" else {}))
        assert isinstance(made, optedu.Problem)
        assert made.x0.shape == (made.dim,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: problems.get("rosenbrok"), ValueError, "did you mean 'rosenbrock'"),
        (lambda: problems.get(3), TypeError, "name must be one of"),
        (lambda: problems.rosenbrock(1), ValueError, "dim must be at least 2, got 1"),
        (lambda: problems.rosenbrock(2.5), TypeError, "dim must be an integer"),
        (lambda: problems.quadratic(0.5), ValueError, "kappa must be at least 1, got 0.5"),
        (lambda: problems.quadratic(5, 1), ValueError, "kappa must be 1 in one dimension, got 5"),
        (lambda: problems.quadratic(L=-1), ValueError, "L must be positive, got -1.0"),
        (lambda: problems.quadratic(rotation=-1), ValueError, "rotation must be at least 0"),
        (lambda: problems.huber(0), ValueError, "delta must be positive, got 0.0"),
        (lambda: problems.tight_huber(0), ValueError, "steps must be at least 1, got 0"),
        (lambda: problems.saddle(b=-2), ValueError, "b must be positive, got -2.0"),
        (lambda: problems.double_well("x"), TypeError, "tilt must be a real number, got 'x'"),
        (lambda: problems.double_well(np.inf), ValueError, "tilt must be finite, got inf"),
        (lambda: problems.saturated_neuron(2), ValueError, r"target must be in \[0, 1\], got 2.0"),
        (lambda: problems.tiny_network(0), ValueError, "target must not be 0, got 0.0"),
        (lambda: problems.tiny_network("a"), TypeError, "target must be a real number, got 'a'"),
        (
            lambda: problems.symbolic(3.0, [], x0=[1.0]),
            TypeError,
            "expr must be a SymPy expression",
        ),
        (
            lambda: problems.symbolic(sympy.Symbol("z") ** 2, [sympy.Symbol("x")], x0=[1.0]),
            ValueError,
            "variables must list every symbol of expr, z is missing",
        ),
        (
            lambda: problems.symbolic(sympy.Symbol("x") ** 2, [sympy.Symbol("x")], x0=[1.0, 2.0]),
            ValueError,
            r"x0 must have shape \(1,\), got \(2,\)",
        ),
        (lambda: problems.rosenbrock().source("fortran"), ValueError, "form must be one of array"),
        (lambda: problems.rosenbrock().f(np.array([1, 2])), TypeError, "got dtype int64"),
        (
            lambda: problems.rosenbrock().f([1.0, 2.0]),
            TypeError,
            "x must be a floating-point array",
        ),
        (lambda: problems.rosenbrock().grad(np.ones(3)), ValueError, r"x must have shape \(2,\)"),
        (lambda: problems.rosenbrock().grad(np.ones((2, 2, 2))), ValueError, "x must have shape"),
        (lambda: optedu.Problem(1, 2, x0=[1.0]), TypeError, "f must be callable, got int"),
        (lambda: optedu.Problem(abs, abs, x0=1.0), ValueError, r"x0 must have shape \(dim,\)"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_springs_have_the_constants_of_their_hessian():
    for dim, L in ((2, 1.0), (9, 3.0), (40, 0.5)):
        problem = problems.springs(dim, L=L)
        eigenvalues = np.linalg.eigvalsh(problem.hessian(problem.x0))
        assert eigenvalues[0] == pytest.approx(problem.mu, rel=1e-9)
        assert 0.74 * L < eigenvalues[-1] < L == problem.L


def test_news_travels_one_bead_a_step():
    problem = problems.springs(12)
    for rule in ("sgd", "nesterov", "adam"):
        path = optedu.minimize(problem, optimizer=rule, lr=0.1, steps=11).x
        for t in range(1, 12):
            assert (path[t, :t] != 0).all()
            assert (path[t, t:] == 0).all()
