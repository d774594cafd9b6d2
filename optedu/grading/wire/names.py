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


def free_names(code: str) -> tuple[set[str], set[str], set[str]]:
    r"""Global names that ``code`` reads, in any of its scopes.

    Built-in names and those that it imports or defines with ``def`` and ``class`` are left out.

    Returns
    -------
    needed, own, inner : set of str
        ``own`` are those that it also assigns at its top level, mostly before it reads them;
        ``inner`` those that its functions and classes read, perhaps when a later cell calls them.

    Raises
    ------
    SyntaxError
        If ``code`` is not Python.

    Examples
    --------
    >>> needed, own, inner = free_names("y = f(x)\ndef g(a): return a + b + len(y)\ng(1)")
    >>> sorted(needed), sorted(own), sorted(inner)
    (['b', 'f', 'x'], ['y'], ['b', 'y'])
    """
    needed: set[str] = set()
    own: set[str] = set()
    made: set[str] = set()
    inner: set[str] = set()
    tables = [symtable.symtable(code, "<cell>", "exec")]
    while tables:
        table = tables.pop()
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                needed.add(symbol.get_name())
                if not top:
                    inner.add(symbol.get_name())
            if top and (symbol.is_imported() or symbol.is_namespace()):
                made.add(symbol.get_name())
            elif top and symbol.is_assigned():
                own.add(symbol.get_name())
        tables.extend(table.get_children())
    needed = {name for name in needed if not hasattr(builtins, name)} - made
    return needed - own, needed & own, inner & needed


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
