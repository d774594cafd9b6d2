r"""From a `Rule` to the forms that machines use, one module a form.

`lowering` prepares the equations for the fast forms: scalar-only parts are taken out of the loop,
common subexpressions are shared. `array` prints the equations as they stand.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["FORMS", "KERNELS", "module_of"]

FORMS = ("array", "numpy", "numba", "cupy", "javascript")
KERNELS = ("numpy", "numba", "cupy")


def module_of(form: str) -> ModuleType:
    r"""Return the module of a form: it has `source(rule)`, and `kernel(rule)` for a kernel.

    That of `"matrix"` stands in for all forms but the pure function: see there.
    """
    # A module of the name `numba` would be taken for the library.
    name = f"{form}_kernel" if form in (*KERNELS, "matrix") else form
    return importlib.import_module(f"{__name__}.{name}")
