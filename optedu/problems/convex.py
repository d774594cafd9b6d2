r"""Convex problems on which the theory can be read off: quadratics, Huber, the 3-cycle."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Piecewise, Rational

from optedu import validate
from optedu.arrays import namespace
from optedu.problems.base import like
from optedu.problems.expressions import Chain, Symbolic, chain, coordinates
from optedu.problems.landscapes import exact

__all__ = ["Quadratic", "huber", "lessard", "quadratic", "tight_huber"]

_a = sympy.Symbol("a", real=True)


class Quadratic(Symbolic):
    r"""The quadratic $\frac12 x^\top H x$.

    Attributes
    ----------
    H : numpy.ndarray
        The Hessian, of shape `(dim, dim)`.
    eigenvalues : numpy.ndarray
        Its eigenvalues, ascending.
    """

    def __init__(self, hessian: np.ndarray, **known: Any) -> None:
        self._describe(**known)
        self.symbols = coordinates(self.dim)
        self.H = hessian
        self.H.setflags(write=False)
        self.eigenvalues = np.linalg.eigvalsh(hessian)
        self._diagonal = not np.any(hessian - np.diag(np.diag(hessian)))

    @cached_property
    def _expr(self) -> Expr:
        matrix = sympy.Matrix(self.dim, self.dim, lambda i, j: exact(float(self.H[i, j])))
        vector = sympy.Matrix(self.symbols)
        return sympy.expand((vector.T * matrix * vector)[0, 0] / 2)

    # In few dimensions the code printed from the expression serves; it would not in a thousand.

    def f(self, x: Any, batch: Any = None) -> Any:
        if self.dim <= 3:
            return super().f(x)
        x = self._checked(x)
        return namespace(x).sum(x * self._times(x), axis=0) / 2

    def grad(self, x: Any, batch: Any = None) -> Any:
        if self.dim <= 3:
            return super().grad(x)
        return self._times(self._checked(x))

    def hessian(self, x: Any) -> Any:
        r"""Return the Hessian at `x`, of shape `(dim, dim)` or `(dim, dim, runs)`."""
        h = like(self._checked(x), self.H)
        if x.ndim == 1:
            return h
        return namespace(x).broadcast_to(h[:, :, None], (self.dim, *x.shape))

    def _times(self, x: Any) -> Any:
        if self._diagonal:
            diagonal = like(x, np.diag(self.H))
            return x * (diagonal if x.ndim == 1 else diagonal[:, None])
        return namespace(x).matmul(like(x, self.H), x)


def quadratic(
    kappa: float | None = None,
    dim: int = 2,
    *,
    L: float = 1.0,
    rotation: int | None = None,
) -> Quadratic:
    r"""Return a quadratic of any condition number, with its minimum 0 at the origin.

    The eigenvalues are spaced evenly on a logarithmic scale from $\mu = L/\kappa$ to $L$.

    Parameters
    ----------
    kappa : float, optional
        Condition number, at least 1; 10 where it is not given (1 in one dimension).
    dim : int
        Dimension, at least 1.
    L : float
        Largest curvature, positive.
    rotation : int, optional
        Seed of a random rotation of the axes. Without one the Hessian is diagonal, the flattest
        direction first. Coordinate-wise methods care; gradient descent does not.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    Examples
    --------
    >>> problem = optedu.problems.quadratic(kappa=4, L=2)
    >>> problem.expr
    x**2/4 + y**2
    >>> problem.L, problem.mu
    (2.0, 0.5)
    """
    dim = validate.count("dim", dim, minimum=1)
    if kappa is None:
        kappa = 10.0 if dim > 1 else 1.0
    kappa = validate.in_range("kappa", kappa, 1.0, upper_open=True)
    L = validate.positive("L", L)
    if dim == 1 and kappa != 1.0:
        raise ValueError(f"kappa must be 1 in one dimension, got {kappa}")
    curvatures = L * np.geomspace(1 / kappa, 1.0, dim) if dim > 1 else np.array([L])
    hessian = np.diag(curvatures)
    if rotation is not None:
        seed = validate.count("rotation", rotation)
        q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))
        q = q * np.sign(np.diag(r))  # uniform over the orthogonal matrices (Mezzadri 2007)
        hessian = q @ hessian @ q.T
        hessian = (hessian + hessian.T) / 2
    return Quadratic(
        hessian,
        x0=np.ones(dim),
        name="quadratic",
        title=f"quadratic, condition number {kappa:g}",
        minimizer=np.zeros(dim),
        minimum=0.0,
        window=((-1.4, 1.4),) * dim if dim <= 2 else None,
        L=L,
        mu=L / kappa,
    )


def _huber(delta: Expr, L: Expr, dim: int, start: float) -> Symbolic | Chain:
    return chain(
        Piecewise(
            (L * delta * _a - L * delta**2 / 2, _a > delta),
            (-L * delta * _a - L * delta**2 / 2, _a < -delta),
            (L * _a**2 / 2, True),
        ),
        (_a,),
        x0=np.full(dim, start),
        name="huber",
        title="the Huber function",
        minimizer=np.zeros(dim),
        minimum=0.0,
        window=((-1.2 * start, 1.2 * start),) * dim if dim <= 2 else None,
        L=float(L),
        mu=0.0,
        source_ref="Huber 1964",
    )


def huber(delta: float = 0.5, *, L: float = 1.0, dim: int = 1) -> Symbolic | Chain:
    r"""Return the Huber function: $L x^2/2$ where $|x| \le \delta$, and tangent lines outside. [#]_

    Convex and L-smooth, but strongly convex nowhere outside its middle.

    Parameters
    ----------
    delta : float
        Half the width of the quadratic part, positive.
    L : float
        Smoothness, positive.
    dim : int
        Dimension; the function is summed over the coordinates.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    References
    ----------
    .. [#] P. J. Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics
       35 (1964) 73-101.
    """
    delta, L = validate.positive("delta", delta), validate.positive("L", L)
    dim = validate.count("dim", dim, minimum=1)
    return _huber(exact(delta), exact(L), dim, 1.0)


def tight_huber(steps: int, *, L: float = 1.0, R: float = 1.0) -> Symbolic | Chain:
    r"""Return the Huber function on which gradient descent is as slow as it can be.

    For convex L-smooth functions and $\eta = 1/L$, $f(x_k) - f^\star \le L R^2 / (4 k + 2)$ with
    $R = |x_0 - x^\star|$; this function, whose $\delta = R / (2 k + 1)$, attains the bound after
    exactly $k$ steps from $x_0 = R$. [#]_

    Parameters
    ----------
    steps : int
        $k$, at least 1.
    L, R : float
        Smoothness and starting distance, positive.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    References
    ----------
    .. [#] Y. Drori, M. Teboulle, Performance of first-order methods for smooth convex
       minimization: a novel approach, Mathematical Programming 145 (2014) 451-482, Theorem 3.2.

    Examples
    --------
    >>> problem = optedu.problems.tight_huber(5)
    >>> run = optedu.minimize(problem, optimizer="sgd", lr=1.0, steps=5)
    >>> print(f"{1 / run.f[-1]:.6f}")
    22.000000
    """
    steps = validate.count("steps", steps, minimum=1)
    L, R = validate.positive("L", L), validate.positive("R", R)
    return _huber(exact(R) / (2 * steps + 1), exact(L), 1, R)


def lessard() -> Symbolic:
    r"""Return the piecewise quadratic on which heavy ball, tuned for quadratics, cycles.

    Strongly convex and smooth with $\mu = 1$, $L = 25$; the gradient is $25 x$ below 1, $x + 24$
    from 1 to 2, and $25 x - 24$ from 2 on. [#]_ With $\eta = 1/9$ and $\rho = 4/9$, the optimum for
    quadratics with these constants, heavy ball from 3.3 falls into a cycle of three points.

    References
    ----------
    .. [#] L. Lessard, B. Recht, A. Packard, Analysis and design of optimization algorithms via
       integral quadratic constraints, SIAM Journal on Optimization 26 (2016) 57-95, eq. (4.11).
    """
    (x,) = coordinates(1)
    expr = Piecewise(
        (Rational(25, 2) * x**2, x < 1),
        (x**2 / 2 + 24 * x - 12, x < 2),
        (Rational(25, 2) * x**2 - 24 * x + 36, True),
    )
    return Symbolic(
        expr,
        (x,),
        x0=[3.3],
        name="lessard",
        title="the piecewise quadratic of Lessard, Recht and Packard",
        minimizer=[0.0],
        minimum=0.0,
        window=((-2.5, 3.5),),
        L=25.0,
        mu=1.0,
        source_ref="Lessard, Recht and Packard 2016, eq. (4.11)",
    )
