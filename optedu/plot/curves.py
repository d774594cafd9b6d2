r"""`loss`: curves over the steps, with bands over seeds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optedu import validate
from optedu.plot import style
from optedu.plot.grouping import groups
from optedu.run.minimization import Run

__all__ = ["loss"]

_QUANTITIES = {
    "gap": r"$f(x_t) - f^\star$",
    "f": r"$f(x_t)$",
    "grad_norm": r"$\|g_{t+1}\|$",
}


@style.styled
def loss(
    runs: Any,
    *,
    quantity: str | None = None,
    band: tuple[float, float] = (0.1, 0.9),
    log: bool | None = None,
    ax: Any = None,
) -> Any:
    r"""Draw the objective over the steps; several seeds become a median with a band.

    Parameters
    ----------
    runs : Run, list of Run, or mapping of label to Run or list of Run
        In a list, runs that differ by nothing but the seed form one curve. A run of many columns
        `(dim, runs)` forms one curve too.
    quantity : {"gap", "f", "grad_norm"}, optional
        What to draw: the distance to the minimum where it is known, else the objective.
    band : pair of float
        The quantiles between which the band lies, both in [0, 1].
    log : bool, optional
        Logarithmic ordinate; by default where everything is positive and spans a factor of 30.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    Examples
    --------
    >>> problem = optedu.problems.noisy_quadratic()
    >>> runs = [optedu.minimize(problem, seed=seed, lr=0.1, steps=50) for seed in range(10)]
    >>> ax = optedu.plot.loss(runs)
    """
    labelled = groups(runs, Run)
    low, high = validate.interval("band", band, point=True)
    for end in (low, high):
        validate.in_range("band", end, 0.0, 1.0)
    if log is not None:
        validate.boolean("log", log)
    if quantity is None:
        quantity = "gap" if all(_known(r) for g in labelled.values() for r in g) else "f"
    validate.choice("quantity", quantity, _QUANTITIES)
    ax = style.axes(ax)
    everything, first = [], []
    for number, (label, group) in enumerate(labelled.items()):
        color = style.PALETTE[number % len(style.PALETTE)]
        t, values = _values(group, quantity)
        with np.errstate(invalid="ignore"):
            middle, bottom, top = np.quantile(values, [0.5, low, high], axis=1)
        middle, bottom, top = (
            style.drawable(v, log=log is not False) for v in (middle, bottom, top)
        )
        ax.plot(t, middle, color=color, label=label, zorder=3)
        if values.shape[1] > 1:
            ax.fill_between(t, bottom, top, color=color, alpha=0.18, lw=0, zorder=2)
        if any(r.diverged_at is not None for r in group):
            last = np.flatnonzero(np.isfinite(middle))[-1:]
            ax.plot(t[last], middle[last], "X", color=color, mec="white", ms=8, zorder=4)
        first.append(middle[0])
        everything += [middle[np.isfinite(middle)], bottom[np.isfinite(bottom)]]
    shown = np.concatenate(everything)
    if not shown.size:
        raise ValueError("runs must hold a finite objective, got none")
    positive = shown[shown > 0]
    if log is None:
        log = bool(len(positive)) and shown.min() >= 0 and shown.max() > 30 * positive.min()
    log = log and bool(len(positive))
    if log:
        ax.set_yscale("log")
    if any(r.diverged_at is not None for g in labelled.values() for r in g):
        # A curve on its way to infinity would flatten the others.
        start = max(abs(value) for value in first)
        top = min(shown.max(), (1e3 if log else 3) * start)
        bottom = 0.5 * positive.min() if log else min(shown.min(), 0.0)
        if bottom < top:
            ax.set_ylim(bottom, top)
    ax.set(xlabel="step $t$", ylabel=_QUANTITIES[quantity])
    ax.margins(x=0.01)
    ax.grid(True)
    if len(labelled) > 1 or list(labelled) != [""]:
        ax.legend()
    return ax


def _known(run: Run) -> bool:
    minimum = getattr(run.problem, "minimum", None)
    return minimum is not None and math.isfinite(minimum)


def _values(group: list[Run], quantity: str) -> tuple[np.ndarray, np.ndarray]:
    r"""Return steps, and values of shape `(recorded, curves)`; where a run has ended, infinite."""
    t = max((r.t for r in group), key=len)
    columns = []
    for run in group:
        if not np.array_equal(run.t, t[: len(run.t)]):
            raise ValueError("runs of one curve must record the same steps")
        values = np.asarray(getattr(run, quantity)).reshape(len(run.t), -1)
        full = np.full((len(t), values.shape[1]), math.inf)
        full[: len(values)] = values
        columns.append(full)
    values = np.concatenate(columns, axis=1)
    return t, np.where(np.isnan(values), math.inf, values)
