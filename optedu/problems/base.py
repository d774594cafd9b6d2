r"""`Problem`: an objective with its gradient, a start, and what is known of its minimum."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from optedu import validate
from optedu.arrays import namespace

__all__ = ["Problem"]


class Problem:
    r"""An objective $f$ with its gradient.

    Points have the dimension as their first axis: shape `(dim,)`, or `(dim, runs)` for many points
    at once. Any array namespace and floating-point dtype goes in, and comes out.

    Parameters
    ----------
    f : callable
        `f(x)` returns the value, of shape `()` or `(runs,)`.
    grad : callable
        `grad(x)` returns the gradient, in the shape and dtype of `x`.
    x0 : array_like
        The usual starting point, of shape `(dim,)`. One of shape `(rows, columns)` says that the
        parameters are a matrix: then `f` and `grad` get a matrix, and there are no runs.
    name : str
        Name in the code.
    title : str, optional
        Name in prose; the name where it is not given.
    minimizer : array_like, optional
        A global minimizer of shape `(dim,)`, where there is one and it is known.
    minimum : float, optional
        The infimum of $f$; `-inf` where $f$ is unbounded below, `None` where unknown.
    minimizers : array_like, optional
        All global minimizers, of shape `(count, dim)`, where there are several.
    window : pair of pairs, optional
        The part of the plane (or line) worth a plot: `((x_low, x_high), (y_low, y_high))`.
    L, mu : float, optional
        Smoothness and strong convexity constants, where $f$ has them.
    bounds : pair of float, optional
        The feasible box `(low, high)` of every coordinate; `minimize` projects onto it.
    prox : callable, optional
        For an objective with a part $r$ that has no gradient: `prox(x, step)` returns
        $\arg\min_z r(z) + \lVert z - x \rVert^2/(2\,\text{step})$. Then `f` is the whole
        objective, $r$ included, and `grad` the gradient of the rest. See `Problem.prox`.
    source_ref : str
        Where the problem comes from.

    Raises
    ------
    TypeError
        If an argument is of a wrong kind: `f` or `grad` can't be called with one argument, say.
    ValueError
        If a point is not finite or not of the dimension of `x0`, a constant is out of range
        (`L` > 0, `mu` from 0 to `L`), the low end of a pair is not below the high one, or there are
        both `bounds` and `prox`.

    Examples
    --------
    >>> import numpy as np
    >>> bowl = optedu.Problem(lambda x: (x * x).sum(0) / 2, lambda x: x, x0=[3.0, 4.0], name="bowl")
    >>> float(bowl.f(bowl.x0))
    12.5

    The lasso, whose gradient steps are each followed by soft-thresholding:

    >>> lasso = optedu.Problem(
    ...     lambda x: ((x - 2) ** 2).sum(0) / 2 + abs(x).sum(0),
    ...     lambda x: x - 2,
    ...     x0=[3.0, -4.0],
    ...     prox=lambda x, step: np.sign(x) * np.maximum(abs(x) - step, 0),
    ... )
    >>> optedu.minimize(lasso, optimizer="sgd", lr=1.0, steps=2).x[-1]
    array([1., 1.])
    """

    stochastic = False
    r"""Whether `sample` draws batches, so that `grad(x, batch)` is a stochastic gradient."""

    matrix = False
    r"""Whether the parameters are a matrix, and `x` of its shape."""

    composite = False
    r"""Whether a part of the objective has no gradient, but a `prox` that goes by the step."""

    minimizer: np.ndarray | None = None
    minimizers: np.ndarray | None = None
    minimum: float | None = None
    L: float | None = None
    mu: float | None = None

    def __init__(
        self,
        f: Callable[[Any], Any],
        grad: Callable[[Any], Any],
        *,
        x0: Any,
        name: str = "custom",
        title: str = "",
        minimizer: Any = None,
        minimum: float | None = None,
        minimizers: Any = None,
        window: Any = None,
        L: float | None = None,
        mu: float | None = None,
        bounds: tuple[float, float] | None = None,
        prox: Callable[[Any, Any], Any] | None = None,
        source_ref: str = "",
    ) -> None:
        validate.function("f", f, "x")
        validate.function("grad", grad, "x")
        if prox is not None:
            self._prox = validate.function("prox", prox, "x", "step")
            self.composite = True
            if bounds is not None:
                raise ValueError(
                    f"bounds must be None where prox is given, which includes them, got {bounds!r}"
                )
        self._f = f
        self._grad = grad
        self._describe(
            x0=x0,
            name=name,
            title=title,
            minimizer=minimizer,
            minimum=minimum,
            minimizers=minimizers,
            window=window,
            L=L,
            mu=mu,
            bounds=bounds,
            source_ref=source_ref,
        )

    def _describe(
        self,
        *,
        x0: Any,
        name: str,
        title: str = "",
        minimizer: Any = None,
        minimum: float | None = None,
        minimizers: Any = None,
        window: Any = None,
        L: float | None = None,
        mu: float | None = None,
        bounds: tuple[float, float] | None = None,
        source_ref: str = "",
    ) -> None:
        r"""Set what is known of the problem; every constructor calls this once."""
        self.name = validate.text("name", name)
        self.title = validate.text("title", title or name)
        if np.ndim(x0) == 2:
            self.x0, self.matrix = _points("x0", x0, "(rows, columns)"), True
        else:
            self.x0 = _points("x0", x0, "(dim,)")
        self.dim = self.x0.shape[0]
        shape = ", ".join(map(str, self.x0.shape))
        # Only what is given is set: a subclass may compute the rest when it is first asked for.
        if minimizer is not None:
            self.minimizer = only = _points("minimizer", minimizer, f"({shape},)")
            self.minimizers = only[None, :]
        if minimizers is not None:
            self.minimizers = _points("minimizers", minimizers, f"(count, {shape})")
        if minimum is not None:
            # Above by design open: the infimum may be -inf, and is never NaN or +inf.
            self.minimum = validate.in_range("minimum", minimum, upper_open=True)
        upper = math.inf
        if L is not None:
            self.L = upper = validate.positive("L", L)
        if mu is not None:
            self.mu = validate.in_range("mu", mu, 0.0, upper)
        self.window = None if window is None else checked_window(window, self.dim)
        self.bounds = None if bounds is None else validate.interval("bounds", bounds, infinite=True)
        self.source_ref = source_ref

    # -- what every problem offers ---------------------------------------------------------------

    def f(self, x: Any, batch: Any = None) -> Any:
        r"""Return the objective at `x`; for a stochastic problem, on a batch where one is given.

        Parameters
        ----------
        x : array
            Of shape `(dim,)` or `(dim, runs)`, floating point, of any array namespace.
        batch : optional
            From `sample`; without one, the full objective. Ignored by a deterministic problem.

        Returns
        -------
        array or float
            Of shape `()` or `(runs,)`.

        Raises
        ------
        TypeError
            If `x` is no floating-point array.
        ValueError
            If its first axis is not the dimension.
        """
        return self._f(self._checked(x))

    def grad(self, x: Any, batch: Any = None) -> Any:
        r"""Return the gradient at `x`; the stochastic one on a batch where one is given.

        Parameters
        ----------
        x : array
            Of shape `(dim,)` or `(dim, runs)`, floating point, of any array namespace.
        batch : optional
            From `sample`; without one, the full objective. Ignored by a deterministic problem.

        Returns
        -------
        array
            In the shape and dtype of `x`.

        Raises
        ------
        TypeError
            If `x` is no floating-point array.
        ValueError
            If its first axis is not the dimension.
        """
        return self._grad(self._checked(x))

    def prox(self, x: Any, step: Any) -> Any:
        r"""Return the proximal point of `x`, which `minimize` and `sweep` go to after each step.

        With `bounds` it is the projection onto them, whatever the step; without `bounds` and a
        `prox` of the problem's own it is `x`. After plain gradient descent this is the proximal
        gradient method (Parikh and Boyd 2014, sections 1.1 and 4.2). The distance is the Euclidean
        one, for every rule: one that scales coordinates, such as Adam, would need that of its own
        metric for an exact step. Of a box the two agree; of other parts the run may end elsewhere.
        The norms that a run records are those of `grad`, without the other part's.

        Parameters
        ----------
        x : array
            Of shape `(dim,)` or `(dim, runs)`, floating point, of any array namespace.
        step : float or array
            The learning rate of the step, at least 0; one for each run as an array of shape
            `(runs,)`.

        Returns
        -------
        array
            In the shape and dtype of `x`.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong kind, shape or range.

        Examples
        --------
        >>> import numpy as np
        >>> box = optedu.Problem(lambda x: x.sum(0), np.ones_like, x0=[0.0], bounds=(-1.0, 1.0))
        >>> box.prox(np.array([-3.0]), 0.1)
        array([-1.])
        """
        x = self._checked(x)
        step = validate.nonnegative("step", step, arrays=True)
        if getattr(step, "shape", ()) != ():
            validate.trailing_shape("step", step, x)
        if self.composite:
            return self._prox(x, step)
        return x if self.bounds is None else namespace(x).clip(x, *self.bounds)

    def sample(self, rng: np.random.Generator, t: int, runs: int | None = None) -> Any:
        r"""Return the batch of step `t`, for `grad(x, batch)`; `None` for a deterministic problem.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where the randomness comes from.
        t : int
            The step, from 1.
        runs : int, optional
            How many runs share the step, where `x` is of shape `(dim, runs)`.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong kind or range.
        """
        check_sample(rng, t, runs)
        return None

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for name in ("x0", "minimizer", "minimizers"):
            if isinstance(state.get(name), np.ndarray):
                state[name].setflags(write=False)  # a copy of an array would be writable

    # -- inside ----------------------------------------------------------------------------------

    def _checked(self, x: Any) -> Any:
        if type(x) is not np.ndarray or x.dtype.kind != "f":
            validate.floating_array("x", x)
        if self.matrix:
            if tuple(x.shape) != self.x0.shape:
                raise ValueError(
                    f"x must have shape {self.x0.shape} for {self.name}, got {tuple(x.shape)}"
                )
        elif x.ndim not in (1, 2) or x.shape[0] != self.dim:
            raise ValueError(
                f"x must have shape ({self.dim},) or ({self.dim}, runs) for {self.name}, "
                f"got {tuple(x.shape)}"
            )
        return x

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}, dim {self.dim}>"


def checked_window(window: Any, dim: int) -> tuple[tuple[float, float], ...]:
    r"""Return a pair of finite numbers for each axis; in one dimension a single pair will do.

    Raises
    ------
    TypeError, ValueError
        If it is anything else.
    """
    message = f"window must hold {dim} pairs (low, high), got {window!r}"
    rows = list(window) if isinstance(window, (list, tuple, np.ndarray)) else None
    if rows is None:
        raise TypeError(message)
    if dim == 1 and len(rows) == 2:
        rows = [rows]
    if len(rows) != dim or not all(np.shape(row) == (2,) for row in rows):
        raise ValueError(message)
    return tuple(validate.interval("window", row) for row in rows)


def check_sample(rng: Any, t: Any, runs: Any = None) -> None:
    r"""Check the arguments of `sample`."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    validate.count("t", t, minimum=1)
    if runs is not None:
        validate.count("runs", runs, minimum=1)


def _points(name: str, value: Any, shape: str) -> np.ndarray:
    r"""Return one point, or several, of the shape that is written out."""
    points = validate.finite(name, validate.reals(name, value))
    wanted = shape.strip("(),").split(", ")
    fits = len(wanted) == points.ndim and all(
        not w.isdigit() or int(w) == n for w, n in zip(wanted, points.shape, strict=True)
    )
    if not fits or points.size == 0:
        raise ValueError(f"{name} must have shape {shape}, got {points.shape}")
    # The problem's own points are shared by every run that starts from them.
    points.setflags(write=False)
    return points


def like(x: Any, values: Any) -> Any:
    r"""Return `values` in the namespace, dtype and device of `x`."""
    xp = namespace(x)
    if xp is np:
        return np.asarray(values, dtype=x.dtype)
    return xp.asarray(np.asarray(values), dtype=x.dtype)
