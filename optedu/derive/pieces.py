r"""Small steps that recur in the chapters: argmin of a model, iteration matrices, limits."""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import numpy as np
import sympy as sp

from optedu import validate
from optedu.derive import arguments
from optedu.derive.derivation import DerivationError


class Proximal(NamedTuple):
    r"""A model of the objective and its minimizer.

    Attributes
    ----------
    model : sympy.Expr
        Linear model plus quadratic penalty, as a function of x.
    slope : sympy.Expr
        Its derivative with respect to x.
    curvature : sympy.Expr
        Its second derivative, which is positive.
    argmin : sympy.Expr
        Where the slope vanishes.
    """

    model: sp.Expr
    slope: sp.Expr
    curvature: sp.Expr
    argmin: sp.Expr


def proximal_argmin(g, x, x0, lr, *, f0=0, metric=1) -> Proximal:
    r"""The update as the minimizer of a linear model with a penalty for moving.

    The model is :math:`f_0 + g\,(x - x_0) + s\,(x - x_0)^2 / (2\eta)` with metric :math:`s`.
    With :math:`s = 1` its minimizer is gradient descent; with :math:`s = \sqrt{G_t}` AdaGrad.

    Parameters
    ----------
    g : sympy.Expr
        Slope of the linear model.
    x, x0 : sympy.Symbol, sympy.Expr
        Variable and current point.
    lr, metric : sympy.Expr
        Learning rate and metric; ``metric / lr`` must be positive by SymPy's assumptions.
    f0 : sympy.Expr
        Value at the current point.

    Returns
    -------
    Proximal

    Raises
    ------
    TypeError
        If `x` is no symbol, or something else no expression.
    ValueError
        If the second derivative is not known to be positive, so that no minimum is sure, or the
        model is not quadratic in `x`.

    Examples
    --------
    >>> import sympy as sp
    >>> x, x0, g = sp.symbols("x x_0 g", real=True)
    >>> lr = sp.Symbol("eta", positive=True)
    >>> proximal_argmin(g, x, x0, lr).argmin
    -eta*g + x_0
    """
    x = arguments.symbol("x", x)
    given = {"g": g, "x0": x0, "lr": lr, "metric": metric, "f0": f0}
    for name, value in given.items():
        if arguments.expression(name, value).has(x):
            raise ValueError(f"{name} must not depend on {x}, got {value}")
    g, x0, lr, metric, f0 = (sp.sympify(value) for value in given.values())
    if lr == 0:
        raise ValueError(f"lr must be positive, got {lr}")
    model = f0 + g * (x - x0) + metric * (x - x0) ** 2 / (2 * lr)
    slope = sp.diff(model, x)
    curvature = sp.simplify(sp.diff(slope, x))
    if not curvature.is_positive:
        raise ValueError(f"metric / lr must be positive by its assumptions, got {curvature}")
    (argmin,) = sp.solve(sp.Eq(slope, 0), x)
    return Proximal(model, slope, curvature, sp.expand(argmin))


def iteration_matrix(new, old) -> sp.Matrix:
    r"""The matrix M of a linear update, :math:`z_t = M z_{t-1}`.

    Parameters
    ----------
    new : sequence of sympy.Expr
        The new state as expressions in the old.
    old : sequence of sympy.Symbol
        The old state, of the same length.

    Returns
    -------
    sympy.Matrix

    Raises
    ------
    TypeError
        If `new` is no sequence of expressions, or `old` none of symbols.
    ValueError
        If the lengths differ or are zero, or the update is not linear in the state.

    Examples
    --------
    >>> import sympy as sp
    >>> x, v = sp.symbols("x v")
    >>> lr, rho, lam = sp.symbols("eta rho lambda", positive=True)
    >>> new_v = rho * v + lam * x
    >>> iteration_matrix([x - lr * new_v, new_v], [x, v])
    Matrix([
    [-eta*lambda + 1, -eta*rho],
    [         lambda,      rho]])
    """
    new = [arguments.expression("new", e) for e in arguments.sequence("new", new)]
    old = [arguments.symbol("old", s) for s in arguments.sequence("old", old)]
    if len(new) != len(old) or not old:
        raise ValueError(f"new must have the length of old ({len(old)}), got {len(new)}")
    matrix = sp.Matrix(new).jacobian(old)
    rest = (sp.Matrix(new) - matrix * sp.Matrix(old)).applyfunc(sp.expand)
    if matrix.has(*old) or any(rest):
        raise ValueError(f"the update must be linear in {old}, got {new}")
    return matrix


def spectral_radius(matrix):
    r"""The largest modulus of an eigenvalue.

    Parameters
    ----------
    matrix : sympy.Matrix or array_like
        Square. A NumPy array, or a SymPy matrix of numbers, gives a float.

    Returns
    -------
    float or sympy.Expr
        With symbols, ``Max`` of the moduli.

    Raises
    ------
    TypeError
        If it holds anything but numbers.
    ValueError
        If the matrix is not square, empty or not finite.

    Examples
    --------
    >>> spectral_radius([[0.5, 1.0], [0.0, 0.25]])
    0.5
    >>> import sympy as sp
    >>> lam, lr = sp.symbols("lambda eta", positive=True)
    >>> spectral_radius(sp.Matrix([[1 - lr * lam]]))
    Abs(eta*lambda - 1)
    """
    if isinstance(matrix, sp.MatrixBase) and matrix.free_symbols:
        _require_square(matrix.shape)
        return sp.Max(*(sp.Abs(value) for value in matrix.eigenvals()))
    try:
        numbers = np.array(matrix, dtype=complex)
    except (TypeError, ValueError):
        raise TypeError(f"matrix must be a square array of numbers, got {matrix!r}") from None
    _require_square(numbers.shape)
    if not np.isfinite(numbers).all():
        raise ValueError(f"matrix must be finite, got {matrix!r}")
    return float(np.abs(np.linalg.eigvals(numbers)).max())


def _require_square(shape):
    if len(shape) != 2 or shape[0] != shape[1] or not shape[0]:
        raise ValueError(f"matrix must be square, got shape {tuple(shape)}")


def _check_point(point):
    if not isinstance(point, tuple) or len(point) not in (2, 3):
        raise TypeError(f"points must be tuples (symbol, point) or with a side, got {point!r}")
    arguments.symbol("points", point[0])
    arguments.expression("points", point[1])
    for side in point[2:]:
        validate.choice("points", side, ("+", "-"))


def limits(expr, *points):
    r"""The limit as several symbols go to points one after another, in any order.

    Parameters
    ----------
    expr : sympy.Expr
        The expression.
    *points : (Symbol, point) or (Symbol, point, "+" or "-")
        For example ``(t, sp.oo)``, ``(eps, 0)``. The default side is from above.

    Returns
    -------
    sympy.Expr
        The limit, when every order gives the same.

    Raises
    ------
    DerivationError
        If the order matters; the message lists what each order gives.
    TypeError, ValueError
        If an argument has a wrong kind, or there is no point to go to.

    Examples
    --------
    >>> import sympy as sp
    >>> g, eps = sp.symbols("g epsilon", positive=True)
    >>> limits(g / (g + eps), (eps, 0))
    1
    >>> limits(g / (g + eps), (eps, 0), (g, 0))
    Traceback (most recent call last):
        ...
    optedu.derive.derivation.DerivationError: the order of the limits matters for g/(epsilon + g):
      epsilon -> 0, then g -> 0: 1
      g -> 0, then epsilon -> 0: 0
    """
    if not points:
        raise ValueError("limits needs at least one (symbol, point)")
    expr = arguments.expression("expr", expr)
    for point in points:
        _check_point(point)
    results = {}
    for order in permutations(points):
        value = expr
        for symbol, point, *side in order:
            value = sp.limit(value, symbol, point, *(side or ("+",)))
        results[", then ".join(f"{p[0]} -> {p[1]}" for p in order)] = sp.simplify(value)
    first = next(iter(results.values()))
    if any(sp.simplify(value - first) != 0 for value in results.values() if value != first):
        listing = "\n".join(f"  {order}: {value}" for order, value in results.items())
        raise DerivationError(f"the order of the limits matters for {expr}:\n{listing}")
    return first
