r"""A quadratic of many curvatures, whose noise is largest where it is steepest."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from sympy import Integer, sqrt

from optedu.compile.printing import JavaScriptPrinter
from optedu.problems import Problem
from optedu.validate import count

__all__ = ["Spectrum"]


class Spectrum(Problem):
    r"""The quadratic $\frac12 \sum_i x_i^2 / i$, with gradient noise of the variance $\sigma^2/i$.

    Its curvatures are $1/i$. `grad` is the exact gradient; a figure's noise $\sigma$ is
    multiplied by `spread` in each coordinate.

    Parameters
    ----------
    dim : int
        Number of coordinates.

    Examples
    --------
    >>> Spectrum(4).grad(np.ones(4)).round(2).tolist()
    [1.0, 0.5, 0.33, 0.25]
    """

    def __init__(self, dim: int) -> None:
        i = sympy.Symbol("i", integer=True, nonnegative=True)
        # Coordinates are counted from 0 in both languages.
        self._curvature = Integer(1) / (i + 1)
        self._spread = sqrt(self._curvature)
        places = np.arange(count("dim", dim, minimum=1))
        self.eigenvalues = sympy.lambdify(i, self._curvature, "numpy")(places)
        self.spread = sympy.lambdify(i, self._spread, "numpy")(places)
        self._describe(
            x0=np.ones(dim),
            name="spectrum",
            title=f"a quadratic of {dim} curvatures",
            minimizer=np.zeros(dim),
            minimum=0.0,
            L=float(self.eigenvalues[0]),
            mu=float(self.eigenvalues[-1]),
        )

    def f(self, x: Any, batch: Any = None) -> Any:
        return np.tensordot(self.eigenvalues, self._checked(x) ** 2, axes=1) / 2

    def grad(self, x: Any, batch: Any = None) -> Any:
        return (self.eigenvalues * self._checked(x).T).T

    def source(self, form: str = "javascript") -> str:
        r"""Return `f(x)`, `grad(x, out)` and `spread` in JavaScript."""
        x = sympy.Symbol("x[i]", real=True)
        term = self._curvature * x**2 / 2
        f, g, one = (JavaScriptPrinter().doprint(e) for e in (term, term.diff(x), self._spread))
        return (
            f"function f(x) {{\n  let sum = 0;\n"
            f"  for (let i = 0; i < x.length; i++) sum += {f};\n  return sum;\n}}\n\n"
            f"function grad(x, out) {{\n"
            f"  for (let i = 0; i < x.length; i++) out[i] = {g};\n  return out;\n}}\n\n"
            f"const spread = Array.from({{length: {self.dim}}}, (_, i) => {one});\n"
        )
