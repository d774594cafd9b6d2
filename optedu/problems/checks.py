r"""What a run asks of a problem before it begins: a start, one gradient, one objective."""

from __future__ import annotations

from typing import Any

from optedu import validate
from optedu.arrays import namespace

__all__ = ["checked_gradient", "checked_objective", "checked_prox", "start"]


def start(problem: Any, x0: Any) -> Any:
    r"""Return a private copy of the starting point, after checking it and the problem.

    Raises
    ------
    TypeError
        If `problem` has no `f` and `grad`, or `x0` is no floating-point array.
    ValueError
        If `x0` is missing, empty, not finite, or not of the problem's dimension.
    """
    for name in ("f", "grad"):
        if not callable(getattr(problem, name, None)):
            raise TypeError(
                f"problem must have the methods f and grad, got {type(problem).__name__} "
                "(optedu.Problem(f, grad, x0=...) makes one from two functions)"
            )
    if x0 is None:
        x0 = getattr(problem, "x0", None)
        if x0 is None:
            raise ValueError("x0 must be given: the problem has no starting point, got None")
    if isinstance(x0, (list, tuple)):
        x0 = validate.reals("x0", x0)
    validate.floating_array("x0", x0)
    validate.finite("x0", x0)
    dim = getattr(problem, "dim", None)
    if getattr(problem, "matrix", False):
        if tuple(x0.shape) != tuple(problem.x0.shape):
            raise ValueError(
                f"x0 must have shape {tuple(problem.x0.shape)} for {problem.name}, "
                f"got {tuple(x0.shape)}"
            )
    elif dim is not None and (x0.ndim not in (1, 2) or x0.shape[0] != dim):
        raise ValueError(
            f"x0 must have shape ({dim},) or ({dim}, runs) for {problem.name}, "
            f"got {tuple(x0.shape)}"
        )
    if 0 in x0.shape:
        raise ValueError(f"x0 must not be empty, got shape {tuple(x0.shape)}")
    return namespace(x0).asarray(x0, copy=True)


def checked_gradient(problem: Any, g: Any, x: Any) -> None:
    r"""Check the first gradient of a problem: the later ones are like it."""
    name = f"{getattr(problem, 'name', 'problem')}.grad(x)"
    validate.like(name, g, "x", x)


def checked_objective(problem: Any, value: Any, x: Any) -> Any:
    r"""Return the objective at `x` after checking that it is one real number for each run."""
    name = f"{getattr(problem, 'name', 'problem')}.f(x)"
    value = validate.number(name, value, arrays=True)
    runs = x.ndim == 2 and not getattr(problem, "matrix", False)
    shape, wanted = tuple(getattr(value, "shape", ())), tuple(x.shape[1:]) if runs else ()
    if shape != wanted:
        raise ValueError(
            f"{name} must have shape {wanted} for x of shape {tuple(x.shape)}, got {shape}"
        )
    return value


def checked_prox(problem: Any, x: Any, step: Any) -> Any:
    r"""Return the problem's proximal point of `x`, after checking it and that `x` is as it was."""
    name = f"{getattr(problem, 'name', 'problem')}.prox(x, step)"
    xp = namespace(x)
    if getattr(step, "shape", ()) != ():
        step = xp.asarray(step, dtype=x.dtype)  # of each run; in double it would widen x
    given = xp.asarray(x, copy=True)
    result = validate.like(name, problem.prox(given, step), "x", x)
    known = ~xp.isnan(x)
    if not bool(xp.all((given == x) | ~known)):
        raise ValueError(f"{name} must leave x as it is and return a new array, got x changed")
    # A run that has diverged may stay so; the others may not become NaN here.
    axis = 0 if x.ndim == 2 and not getattr(problem, "matrix", False) else None
    if bool(xp.any(xp.all(known, axis=axis) & xp.any(xp.isnan(result), axis=axis))):
        raise ValueError(f"{name} must be a number where x is, got nan")
    return result
