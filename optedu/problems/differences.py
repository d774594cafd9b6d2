r"""`gradient_error`: a gradient against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from optedu import validate
from optedu.problems import checks

__all__ = ["gradient_error"]


def gradient_error(
    problem: Any, x: Any = None, batch: Any = None, *, directions: int = 10, seed: int = 0
) -> float:
    r"""Return how far a problem's gradient is from central differences of its objective.

    Along each of some random directions $d$ of unit length, compares $\nabla f(x)^\top d$ with
    $(f(x + h d) - f(x - h d)) / (2 h)$. The step $h$ balances the truncation error, of order
    $h^2$, and rounding, of order $\varepsilon / h$: $\varepsilon^{1/3}$ times the size of x.

    Parameters
    ----------
    problem : Problem
        With `f`, `grad` and, where no `x` is given, `x0`.
    x : numpy.ndarray, optional
        Where, of shape `(dim,)` and dtype float64; a random point near the start if not given.
    batch : optional
        A batch of a stochastic problem.
    directions : int
        Number of directions.
    seed : int
        Of the random directions.

    Returns
    -------
    float
        The largest difference, relative to the norm of the gradient (to 1 where that is smaller).

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, shape or range, or the objective or its gradient is not
        finite, or not of the right shape.

    Examples
    --------
    >>> optedu.problems.gradient_error(optedu.problems.rosenbrock()) < 1e-8
    True
    """
    directions = validate.count("directions", directions, minimum=1)
    rng = np.random.default_rng(validate.count("seed", seed))
    x0 = checks.start(problem, x)
    if x is None:
        x = x0 + 0.1 * rng.standard_normal(x0.shape)
    validate.finite("x", x)
    if x.dtype != np.float64 or x.ndim != 1:
        raise ValueError(f"x must have shape (dim,) and dtype float64, got {x.shape}, {x.dtype}")
    more = () if batch is None else (batch,)
    gradient = problem.grad(x, *more)
    checks.checked_gradient(problem, gradient, x)
    validate.finite("the gradient", gradient)
    h = np.finfo(float).eps ** (1 / 3) * max(1.0, float(np.abs(x).max()))
    worst = 0.0
    for _ in range(directions):
        d = rng.standard_normal(x.shape)
        d /= np.linalg.norm(d)
        ahead, behind = (
            validate.finite("f", checks.checked_objective(problem, problem.f(at, *more), x))
            for at in (x + h * d, x - h * d)
        )
        slope = (ahead - behind) / (2 * h)
        worst = max(worst, abs(float(gradient @ d - slope)))
    return worst / max(1.0, float(np.linalg.norm(gradient)))
