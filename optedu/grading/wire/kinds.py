r"""Classes by name: what a thing of the other kernel is an instance of, as far as both know it.

A class crosses as the names of its module and of itself, and is looked up, never imported: a class
of an installed package that is loaded here, or one that a locked cell has made in both kernels.
"""

from __future__ import annotations

import builtins
import inspect
import sys
import types
from collections.abc import Mapping
from typing import Any

__all__ = ["CannotCross", "lineage", "resolve", "specials"]

# Who claims to be one of these would be taken for a part of the checks.
_OF_CHECKS = {
    "unittest", "doctest", "pytest", "_pytest", "pluggy", "IPython", "ipykernel", "traitlets",
    "nbgrader", "nbclient", "optedu", "bdb", "concurrent", "asyncio",
}  # fmt: skip
_HIDDEN = {t.__name__: t for t in vars(types).values() if isinstance(t, type)}  # "generator", ...
_DEPTH = 20

# Special methods of an object that a stand-in has if, and only if, the object has them.
ASKED = {
    "__len__": "len", "__getitem__": "getitem", "__setitem__": "setitem", "__str__": "str",
    "__repr__": "repr", "__format__": "format", "__float__": "float", "__int__": "int",
    "__complex__": "complex", "__index__": "index", "__abs__": "abs", "__neg__": "neg",
    "__pos__": "pos", "__round__": "round", "__call__": "call", "__iter__": "iter",
    "__next__": "next",
}  # fmt: skip
REFUSED = {
    "__bool__": "the truth", "__contains__": "'in'", "__hash__": "the hash",
    "__invert__": "'~'", "__enter__": "'with'", "__reversed__": "the reverse",
    "__delitem__": "'del'", "__array__": "NumPy's array", "__divmod__": "'divmod'",
    "__trunc__": "'trunc'", "__floor__": "'floor'", "__ceil__": "'ceil'", "__await__": "'await'",
    "__array_ufunc__": "NumPy's functions", "__array_function__": "NumPy's functions",
}  # fmt: skip


class CannotCross(TypeError):
    """A value is not data, or what arrived is not the encoding of any."""


def lineage(kind: type) -> list[list[str]]:
    """A class and its bases, as pairs of module and name."""
    found = []
    for base in kind.__mro__[:_DEPTH]:
        if base is not object:
            found.append([str(base.__module__), str(base.__qualname__)])
    return found


def resolve(name: Any, space: Mapping[str, Any]) -> type | None:
    """The class of that name in this kernel; ``space`` is the notebook's namespace."""
    if not (isinstance(name, list) and len(name) == 2 and all(type(n) is str for n in name)):
        return None
    module, parts = name[0], name[1].split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    if module == "__main__":
        holder: Any = space
    elif module.partition(".")[0] in _OF_CHECKS or not isinstance(
        loaded := sys.modules.get(module), types.ModuleType
    ):
        return None
    else:
        holder = vars(loaded)
        if loaded is builtins and parts[0] not in holder:
            holder = _HIDDEN
    for part in parts:
        found = holder.get(part)
        if not isinstance(found, type) or hasattr(found, "_optedu_away"):
            return None
        holder = vars(found)
    return found


def specials(value: Any) -> list[str]:
    """The special methods of ``value`` that are not those of every object."""
    kind, plain = type(value), type if isinstance(value, type) else object
    found = [
        name
        for name in (*ASKED, *REFUSED)
        if (method := inspect.getattr_static(kind, name, None)) is not None
        and method is not inspect.getattr_static(plain, name, None)
    ]
    if getattr(kind, "__hash__", None) is None:
        found.append("unhashable")
    return found
