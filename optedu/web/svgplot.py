r"""Line plots as SVG text, without Matplotlib: what an exercise in the page draws with.

Matplotlib has no build for the page's Python here. A :class:`LinePlot` shows itself in the page
and in a notebook alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 34, 46
# Told apart without colour too. Each colour has a contrast of 3:1 on white and on near-black.
DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2", "12 4")
COLOURS = ("#2f7ed8", "#c8580a", "#2a8a4a", "#a3489f", "#7d7a1c", "#777777")
MAX_POINTS = 1000


@dataclass(frozen=True)
class LinePlot:
    """A finished plot; ``svg`` is its markup."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers that cover ``low`` to ``high``."""
    step = 10 ** math.floor(math.log10((high - low) / count))
    step *= next(f for f in (1, 2, 5, 10) if (high - low) / (step * f) <= count)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return exponents of ten between the exponents ``low`` and ``high``, at most seven."""
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    if last - first < 1:
        return ticks(low, high, 4)
    step = max(1, math.ceil((last - first) / 6))
    return [float(k) for k in range(first, last + 1, step)]


def label(value: float, log: bool) -> str:
    """Write a tick's number."""
    return f"{10**value:.3g}" if log else f"{value:.6g}"


def thin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep every k-th point and the last, so that long runs stay small."""
    if len(x) <= MAX_POINTS:
        return x, y
    keep = np.unique(np.linspace(0, len(x) - 1, MAX_POINTS).round().astype(int))
    return x[keep], y[keep]


def line_plot(
    series: Mapping[str, Any],
    x: Sequence[float] | np.ndarray | None = None,
    *,
    title: str = "",
    xlabel: str = "step",
    ylabel: str = "",
    logy: bool = False,
) -> LinePlot:
    r"""Draw one line per entry of ``series``.

    Parameters
    ----------
    series : mapping of str to array
        Name and values, each of shape (n,). Values that are not finite, or not positive on a
        logarithmic axis, leave a gap.
    x : array, optional
        Common abscissae of shape (n,); 0, 1, 2, ... without it.
    title, xlabel, ylabel : str
        Plain text.
    logy : bool
        Logarithmic vertical axis.

    Raises
    ------
    ValueError
        For no series, more than six, a wrong shape, or nothing that can be drawn.

    Examples
    --------
    >>> plot = line_plot({"f": [4.0, 2.0, 1.0]}, title="Descent")
    >>> plot.svg.count("<polyline")
    1
    """
    if not 1 <= len(series) <= len(COLOURS):
        raise ValueError(f"series must have 1 to {len(COLOURS)} entries, got {len(series)}")
    lines: list[tuple[str, np.ndarray, np.ndarray]] = []
    for name, values in series.items():
        y = np.asarray(values, dtype=float)
        at = np.arange(len(y), dtype=float) if x is None else np.asarray(x, dtype=float)
        if y.ndim != 1 or at.shape != y.shape:
            raise ValueError(f"series {name!r} must have shape {at.shape}, got {y.shape}")
        with np.errstate(divide="ignore", invalid="ignore"):
            lines.append((name, *thin(at, np.log10(np.where(y > 0, y, np.nan)) if logy else y)))
    good = [np.isfinite(at) & np.isfinite(y) for _, at, y in lines]
    xs = np.concatenate([at[ok] for (_, at, _), ok in zip(lines, good, strict=True)])
    ys = np.concatenate([y[ok] for (_, _, y), ok in zip(lines, good, strict=True)])
    if not len(xs):
        raise ValueError("series holds no value that can be drawn")
    x0, x1 = span(xs)
    y0, y1 = span(ys)
    y0, y1 = y0 - 0.03 * (y1 - y0), y1 + 0.03 * (y1 - y0)

    def px(value: float) -> float:
        return LEFT + (value - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT)

    def py(value: float) -> float:
        return HEIGHT - BOTTOM - (value - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="13" fill="currentColor">',
        f"<title>{escape(describe(title, xlabel, ylabel, series))}</title>",
    ]
    for value in log_ticks(y0, y1) if logy else ticks(y0, y1):
        out.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{py(value):.1f}" y2="{py(value):.1f}" '
            f'stroke="currentColor" stroke-opacity="0.2"/>'
            f'<text x="{LEFT - 6}" y="{py(value) + 4:.1f}" text-anchor="end">'
            f"{label(value, logy)}</text>"
        )
    for value in ticks(x0, x1, 6):
        out.append(
            f'<text x="{px(value):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
            f"{label(value, False)}</text>"
        )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    # A word runs along its axis, a letter stands upright.
    turn = f' transform="rotate(-90 14 {middle})"' if len(ylabel) > 2 else ""
    out.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{escape(xlabel)}</text>"
        f'<text x="14" y="{middle}" text-anchor="middle"{turn}>{escape(ylabel)}</text>'
    )
    if title:
        out.append(f'<text x="{LEFT}" y="14" font-weight="bold">{escape(title)}</text>')
    place = LEFT
    for k, ((name, at, y), ok) in enumerate(zip(lines, good, strict=True)):
        style = f'fill="none" stroke="{COLOURS[k]}" stroke-width="2" stroke-dasharray="{DASHES[k]}"'
        for piece in np.split(np.arange(len(at)), np.flatnonzero(~ok)):
            piece = piece[ok[piece]]
            if len(piece):
                corners = zip(at[piece], y[piece], strict=True)
                points = " ".join(f"{px(a):.1f},{py(b):.1f}" for a, b in corners)
                out.append(f'<polyline points="{points}" {style}/>')
        out.append(
            f'<line x1="{place}" x2="{place + 24}" y1="26" y2="26" {style}/>'
            f'<text x="{place + 29}" y="30">{escape(name)}</text>'
        )
        place += 48 + 8 * len(name)
    out.append("</svg>")
    return LinePlot("".join(out))


def describe(title: str, xlabel: str, ylabel: str, series: Mapping[str, Any]) -> str:
    """Say in words what the plot shows, for those who hear it."""
    what = ylabel or "value"
    return f"{title + ': ' if title else ''}{what} against {xlabel} for {', '.join(series)}"


def span(values: np.ndarray) -> tuple[float, float]:
    """Return the range of the values, widened where it is empty."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        pad = abs(low) * 0.1 or 1.0
        return low - pad, high + pad
    return low, high
