import numpy as np
import pytest
import sympy as sp

from optedu.derive import (
    DerivationError,
    iteration_matrix,
    limits,
    proximal_argmin,
    spectral_radius,
)

x, x0, g, v = sp.symbols("x x_0 g v", real=True)
lr, rho, lam, s, eps = sp.symbols("eta rho lambda s epsilon", positive=True)


def test_gradient_descent_is_the_argmin_of_the_model():
    step = proximal_argmin(g, x, x0, lr)
    assert step.argmin == x0 - lr * g
    assert step.curvature == 1 / lr
    assert step.slope.subs(x, step.argmin).expand() == 0


def test_metric_divides_the_step():
    assert sp.simplify(proximal_argmin(g, x, x0, lr, metric=s).argmin - (x0 - lr * g / s)) == 0


def test_a_model_without_a_sure_minimum_is_refused():
    for metric in (-1, sp.Symbol("c", real=True)):
        with pytest.raises(ValueError, match="must be positive"):
            proximal_argmin(g, x, x0, lr, metric=metric)


def test_heavy_ball_matrix_and_its_radius():
    new_v = rho * v + lam * x
    matrix = iteration_matrix([x - lr * new_v, new_v], [x, v])
    assert sp.simplify(matrix.det() - rho) == 0
    numbers = matrix.subs({lr: sp.Rational(1, 10), rho: sp.Rational(81, 100), lam: 1})
    # Complex eigenvalues: the radius is the root of the determinant.
    assert spectral_radius(numbers) == pytest.approx(0.9)


def test_symbolic_radius_is_the_numeric_one():
    matrix = sp.Matrix([[1 - lr * lam, 0], [0, rho]])
    symbolic = spectral_radius(matrix).subs({lr: 0.5, lam: 5, rho: 0.2})
    assert float(symbolic) == pytest.approx(1.5)
    assert spectral_radius(np.diag([-1.5, 0.2])) == pytest.approx(1.5)


def test_updates_that_are_not_linear_are_refused():
    for update in (x - lr * x**2, x + 1):
        with pytest.raises(ValueError, match="must be linear"):
            iteration_matrix([update], [x])
    with pytest.raises(ValueError, match="length"):
        iteration_matrix([x, v], [x])


@pytest.mark.parametrize("bad", [np.ones((2, 3)), np.ones(3), sp.Matrix([[lr, rho]])])
def test_radius_needs_a_square_matrix(bad):
    with pytest.raises(ValueError, match="square"):
        spectral_radius(bad)


def test_limits():
    t = sp.Symbol("t", positive=True)
    b = sp.Rational(9, 10)
    assert limits(1 - b**t, (t, sp.oo)) == 1
    assert limits(1 / (1 + t + eps), (t, sp.oo), (eps, 0)) == 0
    with pytest.raises(DerivationError, match="order of the limits matters"):
        limits(lr / (lr + eps), (lr, 0), (eps, 0))
    with pytest.raises(ValueError, match="at least one"):
        limits(t)
