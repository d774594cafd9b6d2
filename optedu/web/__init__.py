r"""The Sphinx extension ``optedu.web``: everything of ours that the rendered book loads.

Each feature is a module here with its own ``setup(app)``; this one only calls them, so that
``_config.yml`` names one extension.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

FEATURES = (
    "addresses",
    "pages",
    "notebooks",
    "numbers",
    "plan",
    "references",
    "search",
    "terms",
    "folding",
    "boxes",
    "formulas",
    "accessible",
    "generated",
    "figures",
    "pyexercise",
    "quiz",
    "prooforder",
    "lean",
)


def setup(app: Any) -> dict[str, Any]:
    """Register every feature with Sphinx."""
    for feature in FEATURES:
        import_module(f"{__name__}.{feature}").setup(app)
    return {"version": version("optedu"), "parallel_read_safe": True, "parallel_write_safe": True}
