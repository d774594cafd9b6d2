r"""Figures: landscapes with trajectories, loss curves with bands, sensitivity maps, animations.

Every function takes `ax=` (save `animation`), and returns the Axes that it drew on. One style: a
palette that colour-blind readers can tell apart, on a light ground of its own, so that a figure
reads on light and dark pages alike.
"""

from __future__ import annotations

import importlib
from typing import Any

_EXPORTS = {
    "PALETTE": "style",
    "alt_text": "alternative",
    "animation": "player",
    "contours": "landscape",
    "loss": "curves",
    "sensitivity": "maps",
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
