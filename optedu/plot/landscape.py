r"""`contours`: the landscape of a problem, with the trajectories of runs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.patheffects import Normal, Stroke

from optedu import validate
from optedu.arrays import to_numpy
from optedu.plot import style
from optedu.plot.grouping import single
from optedu.problems import checks
from optedu.problems.base import checked_window
from optedu.run.minimization import Run

__all__ = ["contours", "heights", "trajectories", "view"]

_HALO = [Stroke(linewidth=3.2, foreground="white"), Normal()]


@style.styled
def contours(
    problem: Any,
    runs: Any = (),
    *,
    window: Any = None,
    levels: int = 14,
    resolution: int = 240,
    ax: Any = None,
) -> Any:
    r"""Draw the landscape of a problem in one or two dimensions, and trajectories on it.

    Parameters
    ----------
    problem : Problem
        In two dimensions its contours are drawn, evenly spaced in the logarithm of the height
        above the minimum where that is known; in one its graph.
    runs : Run, list of Run, or mapping of label to Run
        Trajectories. A ring marks the start, a dot the end, a cross a run that diverged.
    window : pair of pairs, optional
        `((x_low, x_high), (y_low, y_high))`; the problem's own where it is not given.
    levels : int
        Number of contours.
    resolution : int
        Points of the grid along each axis.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, or the problem more than two dimensions.

    Examples
    --------
    >>> problem = optedu.problems.rosenbrock()
    >>> run = optedu.minimize(problem, optimizer="adam", lr=0.1, steps=200)
    >>> ax = optedu.plot.contours(problem, run)
    """
    window = view(problem, window)
    levels = validate.count("levels", levels, minimum=2)
    resolution = validate.count("resolution", resolution, minimum=2)
    empty = isinstance(runs, (list, tuple, dict)) and not runs
    labelled = {} if empty else trajectories(problem, runs)
    ax = style.axes(ax)
    draw = _graph if problem.dim == 1 else _plane
    draw(ax, problem, labelled, window, levels, resolution)
    if labelled:
        ax.legend()
    return ax


def view(problem: Any, window: Any = None) -> tuple[tuple[float, float], ...]:
    r"""Return the window to draw, checked."""
    if not callable(getattr(problem, "f", None)):
        raise TypeError(f"problem must be a Problem, got {type(problem).__name__}")
    dim = getattr(problem, "dim", None)
    if dim not in (1, 2):
        raise ValueError(f"problem must have 1 or 2 dimensions to be drawn, got {dim}")
    if window is None:
        window = getattr(problem, "window", None)
    if window is None:
        raise ValueError("window must be given: the problem has none, got None")
    return checked_window(window, dim)


def trajectories(problem: Any, runs: Any) -> dict[str, Run]:
    r"""Return label -> run, after checking that they are in the dimensions of the problem."""
    labelled = single(runs, Run)
    for run in labelled.values():
        if run.x.shape[1] != problem.dim:
            raise ValueError(f"runs must be of dimension {problem.dim}, as problem is, got {run!r}")
    return labelled


def heights(
    problem: Any, window: Any, resolution: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Return x, y and the objective on a grid, of shapes `(r,)`, `(r,)` and `(r, r)`."""
    x, y = (np.linspace(low, high, resolution) for low, high in window)
    points = np.stack([a.ravel() for a in np.meshgrid(x, y)])
    with np.errstate(all="ignore"):
        f = np.asarray(checks.checked_objective(problem, problem.f(points), points))
    if not np.isfinite(f).any():
        raise ValueError(f"problem must have a finite value in the window {window}, got none")
    return x, y, f.reshape(resolution, resolution)


def stretched(problem: Any, f: np.ndarray) -> np.ndarray:
    r"""Return the objective on a scale on which contours are spread over the picture."""
    minimum = getattr(problem, "minimum", None)
    if minimum is not None and math.isinf(minimum):
        # Unbounded below: symmetric about the critical value 0.
        return np.sign(f) * np.sqrt(np.abs(f))
    above = f - (np.nanmin(f) if minimum is None else minimum)
    # The smallest height on the grid would swallow most levels: start at the 0.5 % quantile.
    floor = max(float(np.nanquantile(above, 0.005)), 1e-300)
    return np.log10(np.maximum(above, floor))


def _plane(ax: Any, problem: Any, runs: dict[str, Run], window: Any, levels: int, r: int) -> None:
    x, y, f = heights(problem, window, r)
    z = stretched(problem, f)
    # Where the objective is flat there is one level, and contours need two.
    low, high = float(np.nanmin(z)), float(np.nanmax(z))
    steps = np.linspace(low, high if high > low else low + 1.0, levels + 1)
    ax.contourf(x, y, z, levels=steps, cmap=style.terrain, zorder=0)
    ax.contour(
        x, y, z, levels=steps, colors="#7c91a6", linewidths=0.5, linestyles="solid", zorder=1
    )
    minimizers = getattr(problem, "minimizers", None)
    if minimizers is not None:
        ax.plot(
            *np.asarray(minimizers).T, "*", color=style.INK, ms=9, mec="white", mew=0.8, zorder=5
        )
    for number, (label, run) in enumerate(runs.items()):
        color = style.PALETTE[number % len(style.PALETTE)]
        path = to_numpy(run.x)
        if path.ndim == 2:
            path = path[:, :, None]
        for k in range(path.shape[2]):
            _trajectory(ax, path[:, :, k], color, label if k == 0 else None, run)
    (x_low, x_high), (y_low, y_high) = window
    ax.set(xlim=(x_low, x_high), ylim=(y_low, y_high))
    ax.set(xlabel=_symbol(problem, 0), ylabel=_symbol(problem, 1))


def _trajectory(ax: Any, path: np.ndarray, color: str, label: str | None, run: Run) -> None:
    path = path[np.isfinite(path).all(axis=1)]
    # Far outside the window the renderer loses precision and, past 1e300, fails.
    path = np.clip(path, -1e9, 1e9)
    ax.plot(*path.T, color=color, lw=1.5, label=label, path_effects=_HALO, zorder=3)
    if len(path) <= 60:
        ax.plot(*path.T, "o", color=color, ms=2.2, zorder=3)
    ax.plot(*path[0], "o", mfc="white", mec=color, mew=1.6, ms=6, zorder=4)
    if run.diverged_at is not None:
        ax.plot(*path[-1], "X", color=color, mec="white", ms=8, zorder=4, clip_on=True)
    else:
        ax.plot(*path[-1], "o", color=color, mec="white", mew=0.8, ms=6.5, zorder=4)


def _graph(ax: Any, problem: Any, runs: dict[str, Run], window: Any, levels: int, r: int) -> None:
    ((low, high),) = window
    x = np.linspace(low, high, 4 * r)
    f = np.asarray(problem.f(x[None, :]))
    ax.plot(x, f, color="#8fa9c1", lw=2.2, zorder=1)
    for number, (label, run) in enumerate(runs.items()):
        color = style.PALETTE[number % len(style.PALETTE)]
        path = to_numpy(run.x)
        path = path if path.ndim == 2 else path[:, :, 0]
        path = path[np.isfinite(path).all(axis=1)][:, 0]
        value = np.asarray(problem.f(path[None, :]))
        ax.plot(path, value, "-o", color=color, lw=1, ms=3.5, label=label, zorder=3)
        ax.plot(path[:1], value[:1], "o", mfc="white", mec=color, mew=1.6, ms=6.5, zorder=4)
    margin = 0.06 * (np.ptp(f) or 1.0)
    ax.set(xlim=(low, high), ylim=(f.min() - margin, f.max() + margin))
    ax.set(xlabel=_symbol(problem, 0), ylabel=f"$f({_symbol(problem, 0).strip('$')})$")
    ax.grid(True)


def _symbol(problem: Any, axis: int) -> str:
    symbols = getattr(problem, "symbols", None)
    if symbols:
        from optedu.latex import latex

        return f"${latex(symbols[axis])}$"
    return "$x$" if problem.dim == 1 else f"$x_{axis + 1}$"
