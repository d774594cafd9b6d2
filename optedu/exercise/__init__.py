r"""Exercises: a student's functions, and the checks that say what is wrong with them.

Names load when first used: where grading needs one of the modules, it does not pay for all.
"""

from __future__ import annotations

import importlib
from typing import Any

_EXPORTS = {
    "CheckFailed": "optedu.exercise.report",
    "GuardError": "optedu.written",
    "Proof": "optedu.exercise.proofs",
    "Report": "optedu.exercise.report",
    "StudentError": "optedu.exercise.errors",
    "check": "optedu.exercise.checking",
    "check_expression": "optedu.exercise.expressions",
    "check_order": "optedu.exercise.proofs",
    "expect": "optedu.exercise.report",
    "expect_order": "optedu.exercise.proofs",
    "implement": "optedu.exercise.implementing",
}

_MODULES = {
    "misconceptions": "optedu.exercise.misconceptions",
    "safe_expr": "optedu.safe_expr.reader",
}

__all__ = sorted([*_EXPORTS, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
