r"""The pieces that chapters share when they derive a rule: small, checked, readable.

>>> import sympy as sp
>>> from optedu.derive import proximal_argmin
>>> x, x0, g = sp.symbols("x x_0 g", real=True)
>>> proximal_argmin(g, x, x0, sp.Symbol("eta", positive=True)).argmin
-eta*g + x_0
"""

from optedu.derive.checking import Domain, Verdict, check
from optedu.derive.derivation import Derivation, DerivationError, Step
from optedu.derive.pieces import (
    Proximal,
    iteration_matrix,
    limits,
    proximal_argmin,
    spectral_radius,
)
from optedu.derive.recurrence import (
    Recurrence,
    close_geometric,
    expectation,
    prove_by_induction,
    unroll,
)
from optedu.latex import latex, use_notation

__all__ = [
    "Derivation",
    "DerivationError",
    "Domain",
    "Proximal",
    "Recurrence",
    "Step",
    "Verdict",
    "check",
    "close_geometric",
    "expectation",
    "iteration_matrix",
    "latex",
    "limits",
    "prove_by_induction",
    "proximal_argmin",
    "spectral_radius",
    "unroll",
    "use_notation",
]
