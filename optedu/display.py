r"""How results show themselves in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sympy import Rational

__all__ = ["is_short", "latex_number", "number", "table"]

# Whole numbers up to here are exact in float32, and short enough to be read in a fraction.
_EXACT = 1 << 20


def number(value: float, *, exact: bool = False) -> str:
    r"""Return a number in few digits, but never 0.9999999 as 1: its distance from one shows too.

    Parameters
    ----------
    value : float
        The number.
    exact : bool
        Whether the text must give the very same float.

    Examples
    --------
    >>> number(0.1), number(1 / 3), number(0.99999995), number(1 / 3, exact=True)
    ('0.1', '0.333333', '0.99999995', '0.3333333333333333')
    """
    text = f"{value:g}"
    for digits in range(7, 18):
        wrong = abs(float(text) - value)
        if wrong == 0 or (not exact and wrong <= 1e-3 * min(abs(value), abs(1 - value))):
            break
        text = f"{value:.{digits}g}"
    return text


def latex_number(value: float, *, exact: bool = False) -> str:
    r"""Return what `number` gives as LaTeX.

    Examples
    --------
    >>> latex_number(1e-08), latex_number(0.9)
    ('10^{-8}', '0.9')
    """
    mantissa, _, exponent = number(value, exact=exact).partition("e")
    if not exponent:
        return mantissa
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


def is_short(number: Rational) -> bool:
    r"""Say whether a rational prints as a fraction: what came from a float may have 50 digits."""
    return number.q <= _EXACT and abs(number.p) <= _EXACT


def table(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    r"""Return an HTML table of names and values, with a caption."""
    cells = "".join(
        f'<tr><th scope="row" style="text-align:left">{html.escape(k)}</th>'
        f'<td style="text-align:left">{html.escape(v)}</td></tr>'
        for k, v in rows
    )
    return f"<table><caption>{html.escape(caption)}</caption><tbody>{cells}</tbody></table>"
