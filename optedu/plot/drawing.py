r"""`show`: a figure of a page, drawn once for a wide column and once for a phone."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from optedu import validate
from optedu.plot import style

__all__ = ["Drawing", "show"]

WIDE, NARROW = 660, 320
LARGEST = 60_000


@dataclass(frozen=True, repr=False)
class Drawing:
    r"""What `show` returns; a page or a notebook shows it by itself.

    Attributes
    ----------
    wide, narrow : str
        The two drawings, as SVG.
    alt : str
        What is seen, in words.
    """

    wide: str
    narrow: str
    alt: str

    def _repr_html_(self) -> str:
        # Without the page's style sheet, in a notebook, the wide one shows.
        narrow = self.narrow.replace("<svg ", '<svg class="od-narrow" style="display:none" ', 1)
        wide = self.wide.replace(
            "<svg ", '<svg class="od-wide" style="max-width:100%;height:auto" ', 1
        )
        return (
            f'<div class="optedu-drawing" role="img" aria-label="{html.escape(self.alt)}">'
            f"{wide}{narrow}</div>"
        )

    def __repr__(self) -> str:
        return f"<Drawing: {self.alt}>"


def show(draw: Callable[..., Any], *, alt: str, panels: int = 1, height: float = 300) -> Drawing:
    r"""Return a figure that follows the page: its width, its colours, its fonts.

    Parameters
    ----------
    draw : callable
        Draws on the Axes that it is given, one argument for each panel. It is called twice, for a
        wide column and for a phone.
    alt : str
        What is seen and what it shows, for those who do not see it.
    panels : int
        Number of Axes: side by side where there is room, one above the other on a phone.
    height : float
        Of a panel, in pixels.

    Returns
    -------
    Drawing

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range, a label holds TeX that has no text of its own, or
        the drawing is too large to stand in a page.

    Examples
    --------
    >>> optedu.plot.show(lambda ax: ax.plot([4, 2, 1]), alt="The loss halves with every step.")
    <Drawing: The loss halves with every step.>
    """
    if not callable(draw):
        raise TypeError(f"draw must be a function of the Axes, got {type(draw).__name__}")
    if not isinstance(alt, str) or len(alt.split()) < 3:
        raise ValueError(f"alt must say what is seen and what it shows, got {alt!r}")
    panels = validate.count("panels", panels, minimum=1)
    height = validate.positive("height", height)
    wide = _drawn(draw, WIDE, height, 1, panels)
    narrow = _drawn(draw, NARROW, height, panels, 1)
    for text in (wide, narrow):
        if len(text) > LARGEST:
            raise ValueError(
                f"draw must draw at most {LARGEST / 1000:g} kB of SVG, got {len(text) / 1000:.0f}: "
                "give it fewer points, or rasterized=True"
            )
    return Drawing(wide, narrow, " ".join(alt.split()))


def _drawn(draw: Callable[..., Any], width: int, height: float, rows: int, columns: int) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from optedu.plot.svg import markup

    with style.on_a_page(), mpl.rc_context(cast(Any, style.current())):
        figure = Figure(figsize=(width / 72, rows * height / 72), layout="constrained")
        figure.patch.set_visible(False)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax in axes:
            ax.set_facecolor("none")
        draw(*axes)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "constrained_layout not applied")
            try:
                return markup(figure)
            except UserWarning:
                raise ValueError(
                    f"draw must leave room for the axes in {width} pixels, got labels or a legend "
                    "that take it all"
                ) from None
