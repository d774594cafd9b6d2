r"""Which names a cell needs from outside, and which of them are well-known modules."""

from __future__ import annotations

import builtins
import importlib
import symtable
from typing import Any

__all__ = ["free_names", "well_known"]

# A student's kernel is never asked for these: whoever decides what ``np.allclose`` or
# ``assert_allclose`` means, decides the score.
_MODULES = {
    "np": "numpy", "numpy": "numpy", "plt": "matplotlib.pyplot", "math": "math", "cmath": "cmath",
    "sympy": "sympy", "scipy": "scipy", "pd": "pandas", "optedu": "optedu", "pytest": "pytest",
    "random": "random", "itertools": "itertools", "functools": "functools", "inspect": "inspect",
    "os": "os", "sys": "sys", "warnings": "warnings", "unittest": "unittest", "json": "json",
    "copy": "copy", "time": "time", "re": "re", "xp": "numpy",
}  # fmt: skip
_CHECKS = {
    "numpy.testing": (
        "assert_allclose", "assert_array_equal", "assert_array_almost_equal", "assert_equal",
        "assert_almost_equal", "assert_array_less", "assert_raises", "assert_approx_equal",
    ),
    "numpy": ("allclose", "isclose", "array_equal", "array_equiv", "may_share_memory",
              "shares_memory", "isfinite", "isnan"),
    "pytest": ("approx", "raises"),
    "unittest": ("TestCase",),
    "optedu": ("check", "check_expression"),
}  # fmt: skip
_WHERE = {name: module for module, names in _CHECKS.items() for name in names}


def free_names(code: str) -> set[str]:
    """Global names that ``code`` reads, in any of its scopes; built-in names are left out.

    Raises
    ------
    SyntaxError
        If ``code`` is not Python.

    Examples
    --------
    >>> sorted(free_names("y = f(x)\ndef g(a): return a + b + len(y)"))
    ['b', 'f', 'x', 'y']
    """
    found: set[str] = set()
    tables = [symtable.symtable(code, "<cell>", "exec")]
    while tables:
        table = tables.pop()
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                found.add(symbol.get_name())
        tables.extend(table.get_children())
    return {name for name in found if not hasattr(builtins, name)}


def well_known(name: str) -> tuple[Any] | None:
    """``(value,)`` where the name by itself says which module or check is meant."""
    if name not in _MODULES and name not in _WHERE:
        return None
    try:
        if name in _MODULES:
            return (importlib.import_module(_MODULES[name]),)
        return (getattr(importlib.import_module(_WHERE[name]), name),)
    except (ImportError, AttributeError):
        return None
