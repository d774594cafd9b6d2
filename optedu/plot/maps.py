r"""`sensitivity`: the outcome of a sweep over its hyper-parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm, Normalize

from optedu import symbols, validate
from optedu.plot import style
from optedu.plot.grouping import single
from optedu.run.sweeping import Sweep

__all__ = ["sensitivity"]


@style.styled
def sensitivity(
    sweeps: Any,
    *,
    axes: Any = None,
    limits: tuple[float, float] | None = None,
    colorbar: bool = True,
    ax: Any = None,
) -> Any:
    r"""Draw the final objective of a sweep: a curve over one hyper-parameter, a map over two.

    Diverged runs are hatched, the best one is starred.

    Parameters
    ----------
    sweeps : Sweep, list of Sweep, or mapping of label to Sweep
        Several only where each has one axis: one curve each.
    axes : str or pair of str, optional
        Which hyper-parameters to show. Over the others, the best outcome is taken. By default the
        first two.
    limits : pair of float, optional
        The range of the objective that is shown; what lies outside takes the colour of its end.
    colorbar : bool
        Draw a colour bar beside a map.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, or names no axis of the sweep.

    Examples
    --------
    >>> grid = optedu.sweep(optedu.problems.quadratic(), optimizer="momentum", steps=100,
    ...                     lr=np.logspace(-2, 1, 40), momentum=np.linspace(0, 0.99, 40))
    >>> ax = optedu.plot.sensitivity(grid)
    """
    labelled = single(sweeps, Sweep, "sweeps")
    chosen = {label: _reduced(sweep, axes) for label, sweep in labelled.items()}
    if limits is not None:
        limits = validate.interval("limits", limits)
    validate.boolean("colorbar", colorbar)
    dims = {len(a) for a, _ in chosen.values()}
    names = {tuple(a) for a, _ in chosen.values()}
    if len(names) > 1:
        raise ValueError(f"sweeps must share their axis to share a plot, got {sorted(names)}")
    if dims != {1} and len(chosen) > 1:
        raise ValueError(f"sweeps must have one axis each to share a plot, got {len(chosen)} maps")
    ax = style.axes(ax)
    if dims == {1}:
        _curves(ax, labelled, chosen, limits)
    else:
        (label,) = chosen
        _map(ax, labelled[label], *chosen[label], limits, colorbar)
    return ax


def _reduced(sweep: Sweep, axes: Any) -> tuple[dict[str, np.ndarray], np.ndarray]:
    r"""Return the shown axes, and the objective over them: the best over the others."""
    names = list(sweep.axes)
    if not isinstance(axes, (str, list, tuple, type(None))):
        raise TypeError(f"axes must be a name or a pair of names, got {axes!r}")
    wanted = names[:2] if axes is None else [axes] if isinstance(axes, str) else axes
    if not 1 <= len(wanted) <= 2:
        raise ValueError(f"axes must name one or two hyper-parameters, got {axes!r}")
    for name in wanted:
        validate.choice("axes", name, names)
    if len(set(wanted)) < len(wanted):
        raise ValueError(f"axes must name two different hyper-parameters, got {axes!r}")
    other = tuple(i for i, name in enumerate(names) if name not in wanted)
    f = sweep.f.min(axis=other) if other else sweep.f
    left = [name for name in names if name in wanted]
    if left != wanted:
        f = f.T
    # A grid may be given in any order; what is drawn is in the order of the axes.
    order = [np.argsort(sweep.axes[name], kind="stable") for name in wanted]
    return {n: sweep.axes[n][o] for n, o in zip(wanted, order, strict=True)}, f[np.ix_(*order)]


def _height(problem: Any) -> tuple[float, str]:
    minimum = getattr(problem, "minimum", None)
    if minimum is None or not math.isfinite(minimum):
        return 0.0, "$f$ at the end"
    return minimum, r"$f - f^\star$ at the end"


def _label(name: str) -> str:
    row = symbols.TABLE.get(name)
    return f"{name} (${row.latex}$)" if row else name


def _spaced_log(values: np.ndarray) -> bool:
    r"""Say whether an axis is spaced evenly in its logarithm rather than in its values."""
    ordered = np.sort(values)
    if len(ordered) < 3 or ordered[0] <= 0:
        return False
    steps, ratios = np.diff(ordered), np.diff(np.log(ordered))
    return bool(np.std(ratios) / np.mean(ratios) < np.std(steps) / np.mean(steps))


def _edges(values: np.ndarray) -> np.ndarray:
    r"""Return where the cells of sorted values meet: halfway, on the scale of the axis."""
    log = _spaced_log(values)
    centres = np.log(values) if log else values
    steps = np.diff(centres)
    lead = steps[[0, -1]] / 2 if steps.size else np.array([0.5, 0.5])
    inner = centres[:-1] + steps / 2
    edges = np.concatenate([centres[:1] - lead[:1], inner, centres[-1:] + lead[1:]])
    return np.exp(edges) if log else edges


def _norm(f: np.ndarray, limits: Any) -> Any:
    finite = f[np.isfinite(f)]
    if limits is None:
        if not finite.size:
            return Normalize(0.0, 1.0)
        # A run just short of divergence may end at 1e300: the scale ends well before.
        low = finite.min()
        positive = finite[finite > 0]
        if low < 0 or not positive.size:
            return Normalize(low, float(np.quantile(finite, 0.9)) + 1e-12)
        low = max(positive.min(), 1e-16)
        high = min(float(np.quantile(positive, 0.95)), low * 1e20)
        return LogNorm(low, high if high > low else 10 * low)
    low, high = limits
    return LogNorm(low, high) if low > 0 else Normalize(low, high)


def _map(
    ax: Any, sweep: Sweep, axes: dict[str, np.ndarray], f: np.ndarray, limits: Any, colorbar: bool
) -> None:
    (x_name, x), (y_name, y) = axes.items()
    base, label = _height(sweep.problem)
    height = style.drawable(f - base)
    norm = _norm(height, limits)
    shown = np.ma.masked_invalid(height.T)
    if isinstance(norm, LogNorm) and norm.vmin is not None:
        shown = np.ma.maximum(shown, norm.vmin)
    # Behind the map; it shows where the map has holes.
    ax.set_facecolor("#eceff2")
    ax.patch.set(hatch="////", edgecolor="#aab4bf")
    ends = _edges(x), _edges(y)
    mesh = ax.pcolormesh(
        *ends, shown, norm=norm, cmap="viridis_r", shading="flat", zorder=1, rasterized=True
    )
    if colorbar:
        bar = ax.figure.colorbar(mesh, ax=ax, label=label, extend="max")
        bar.outline.set_visible(False)
        # Its tip is a colour of the map, which a page leaves as it is.
        for tip in bar.ax.patches:
            tip.set_rasterized(True)
    if np.isfinite(f).any():
        i, j = np.unravel_index(np.argmin(f), f.shape)
        ax.plot(x[i], y[j], "*", color="white", mec=style.INK, mew=1.1, ms=15, zorder=3)
    for axis, name, values in (("x", x_name, x), ("y", y_name, y)):
        if _spaced_log(values):
            ax.set(**{f"{axis}scale": "log"})
        ax.set(**{f"{axis}label": _label(name)})
    ax.set_title(sweep.optimizer)


def _curves(ax: Any, sweeps: dict[str, Sweep], chosen: dict[str, Any], limits: Any) -> None:
    log_x = log_y = True
    for number, (label, (axes, f)) in enumerate(chosen.items()):
        ((name, x),) = axes.items()
        base, ordinate = _height(sweeps[label].problem)
        height = style.drawable(f - base, log=True)
        color = style.PALETTE[number % len(style.PALETTE)]
        ax.plot(x, np.where(np.isfinite(height), height, np.nan), color=color, label=label)
        finite = np.isfinite(height)
        if finite.any():
            i = int(np.argmin(np.where(finite, height, np.inf)))
            ax.plot(x[i], height[i], "*", color=color, mec="white", ms=13, zorder=4)
            edge = np.flatnonzero(finite)[-1]
            if edge + 1 < len(x):
                ax.plot(x[edge], height[edge], "X", color=color, mec="white", ms=8, zorder=4)
        log_x = log_x and _spaced_log(x)
        log_y = log_y and bool((height[finite] > 0).all())
    if log_x:
        ax.set_xscale("log")
    if log_y:
        ax.set_yscale("log")
    values = [
        style.drawable(f[np.isfinite(f)] - _height(sweeps[k].problem)[0])
        for k, (_, f) in chosen.items()
    ]
    finite = np.concatenate(values)
    if limits is not None:
        ax.set_ylim(*limits)
    elif log_y and finite.size and finite.max() > 1e8 * max(np.median(finite), 1e-300):
        ax.set_ylim(top=1e6 * np.median(finite))
    ax.set(xlabel=_label(name), ylabel=ordinate)
    ax.grid(True)
    if len(chosen) > 1:
        ax.legend()
