r"""Figures: landscapes with trajectories, loss curves with bands, sensitivity maps.

Every function takes `ax=` (save `show`), and returns the Axes that it drew on. One
style: a palette that colour-blind readers can tell apart. `show` makes a figure follow its page,
light or dark, wide or narrow; else it stands on a light ground of its own.
"""

from __future__ import annotations

import importlib
from typing import Any

_EXPORTS = {
    "PALETTE": "style",
    "alt_text": "alternative",
    "contours": "landscape",
    "loss": "curves",
    "sensitivity": "maps",
    "show": "drawing",
    "subplots": "style",
    "use_style": "style",
}

__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    module = _EXPORTS.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return __all__
