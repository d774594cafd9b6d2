r"""optedu: first-order optimization, derived, proved, implemented and graded.

Each update rule is written once, in SymPy, in `optedu.rules`; everything else is derived from it.
Public names load when they are first used, so that `import optedu` costs what NumPy costs.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_EXPORTS = {
    "Optimizer": "optedu.run.optimizer",
    "Problem": "optedu.problems",
    "Rule": "optedu.rule",
    "Run": "optedu.run.minimization",
    "Sweep": "optedu.run.sweeping",
    "check": "optedu.exercise",
    "check_expression": "optedu.exercise",
    "check_order": "optedu.exercise",
    "device": "optedu.backend",
    "implement": "optedu.exercise",
    "minimize": "optedu.run.minimization",
    "sweep": "optedu.run.sweeping",
}
_MODULES = (
    "backend", "derive", "exercise", "plot", "problems",
    "rules", "schedules", "symbols", "transformations", "validate",
)  # fmt: skip

__all__ = ["__version__", *_EXPORTS, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(importlib.import_module(_EXPORTS[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"optedu.{name}")
    else:
        raise AttributeError(f"module 'optedu' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
