r"""The one style of all figures."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap

from optedu import validate

__all__ = [
    "GRID",
    "GROUND",
    "INK",
    "MUTED",
    "PALETTE",
    "SIZE",
    "axes",
    "current",
    "drawable",
    "on_a_page",
    "styled",
    "subplots",
    "terrain",
    "use_style",
]

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A6D00", "#56B4E9", "#4D4D4D")
r"""Colours of lines, in order; after Okabe and Ito, with their orange darkened to read on white."""

INK = "#22272e"
MUTED = "#5c6672"
GROUND = "#ffffff"
GRID = "#d9dde2"

_RC: dict[str, Any] = {
    "figure.facecolor": GROUND,
    "figure.figsize": (6.4, 4.0),
    "figure.dpi": 120,
    "figure.constrained_layout.use": True,
    "savefig.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=PALETTE),
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.6,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "font.size": 10.0,
    "mathtext.fontset": "cm",
}

SIZE = 12.0
r"""Of text in a drawing that a page shows at its own size, in pixels."""

_PAGE: dict[str, Any] = {"font.size": SIZE, "figure.dpi": 72, "legend.fontsize": "medium"}
_on_a_page: ContextVar[bool] = ContextVar("on_a_page", default=False)

terrain = LinearSegmentedColormap.from_list("optedu.terrain", ["#f5f8fb", "#d4dfe9", "#8fa9c1"])
r"""Light enough for any line of the palette to stand out."""


_F = TypeVar("_F", bound=Callable[..., Any])


def current() -> dict[str, Any]:
    r"""Return the parameters of Matplotlib that make the style."""
    return _RC | _PAGE if _on_a_page.get() else _RC


@contextmanager
def on_a_page() -> Iterator[None]:
    r"""Let what is drawn meanwhile have the text size of a page."""
    token = _on_a_page.set(True)
    try:
        yield
    finally:
        _on_a_page.reset(token)


def styled(function: _F) -> _F:
    r"""Let a function draw in the style of the course, whatever Matplotlib's defaults are."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        with mpl.rc_context(cast(Any, current())):
            return function(*args, **options)

    return cast(_F, call)


def use_style() -> None:
    r"""Set Matplotlib's defaults to the style of the course, for figures of your own."""
    mpl.rcParams.update(cast(Any, _RC))


@styled
def subplots(rows: int = 1, columns: int = 1, **options: Any) -> tuple[Any, Any]:
    r"""Return a figure and axes in the style of the course, as `matplotlib.pyplot.subplots` does.

    Parameters
    ----------
    rows, columns : int
        The grid of axes.
    **options
        Passed on; the figure grows with the grid unless `figsize` is given.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes, or array of them

    Raises
    ------
    TypeError, ValueError
        If `rows` or `columns` is no whole number, at least 1.

    Examples
    --------
    >>> figure, ax = optedu.plot.subplots()
    >>> line = ax.plot([0, 1], [1, 0])
    """
    rows = validate.count("rows", rows, minimum=1)
    columns = validate.count("columns", columns, minimum=1)
    import matplotlib.pyplot as plt

    options.setdefault("figsize", (6.4 if columns == 1 else 4.6 * columns, 4.0 * rows))
    return plt.subplots(rows, columns, **options)


def axes(ax: Any, **options: Any) -> Any:
    r"""Return the given Axes, or those of a new figure.

    Raises
    ------
    TypeError
        If `ax` is something else.
    """
    if ax is None:
        return subplots(**options)[1]
    if not hasattr(ax, "transData"):
        raise TypeError(f"ax must be a Matplotlib Axes, got {type(ax).__name__}")
    return ax


def drawable(values: np.ndarray, *, log: bool = False) -> np.ndarray:
    r"""Return values at which Matplotlib's margins and ticks do not overflow.

    What lies beyond 1e200 is drawn there, and on a logarithmic axis what is below 1e-200 too.
    """
    shown = np.where(np.isfinite(values), np.clip(values, -1e200, 1e200), values)
    return np.where((shown > 0) & (shown < 1e-200), 1e-200, shown) if log else shown
