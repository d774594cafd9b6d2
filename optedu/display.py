r"""How results show themselves in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable

__all__ = ["table"]


def table(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    r"""Return an HTML table of names and values, with a caption."""
    cells = "".join(
        f'<tr><th scope="row" style="text-align:left">{html.escape(k)}</th>'
        f'<td style="text-align:left">{html.escape(v)}</td></tr>'
        for k, v in rows
    )
    return f"<table><caption>{html.escape(caption)}</caption><tbody>{cells}</tbody></table>"
