r"""Losses linear in x with a slope that changes with the step: gradients to feed a rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from sympy import Expr

from optedu.compile.printing import JavaScriptPrinter
from optedu.problems import Problem
from optedu.symbols import t

__all__ = ["Signal"]


class Signal(Problem):
    r"""The losses $f_t(x) = c_t x$, with $c_t$ a SymPy expression in the step.

    `f(x)` is the loss at the mean slope where that is given, else at the slope of step 1;
    `grad(x, batch)` is $c_t$ for the batch t.

    Parameters
    ----------
    slope : sympy.Expr or number
        $c_t$.
    title : str
        Name in prose.
    start : float
        $x_0$.
    bounds : pair of float, optional
        The feasible interval.
    mean : float, optional
        The mean slope, whose sign tells the best point in the interval.
    """

    stochastic = True

    def __init__(
        self,
        slope: Expr | float,
        *,
        title: str,
        start: float = 0.0,
        bounds: tuple[float, float] | None = None,
        mean: float | None = None,
    ) -> None:
        self.slope = sympy.sympify(slope)
        self.mean = sympy.nsimplify(self.slope_at(1) if mean is None else mean)
        best = minimum = None
        if bounds is not None and mean is not None:
            best = bounds[0 if mean > 0 else 1]
            minimum = mean * best
        self._describe(
            x0=[start],
            name="signal",
            title=title,
            minimizer=None if best is None else [best],
            minimum=minimum,
            window=((bounds or (-1.0, 1.0)),),
            bounds=bounds,
        )

    def slope_at(self, step: int) -> float:
        r"""Return $c_t$."""
        return float(self.slope.subs(t, step))

    def f(self, x: Any, batch: Any = None) -> Any:
        return float(self.mean) * self._checked(x)[0, ...]

    def grad(self, x: Any, batch: Any = None) -> Any:
        return np.full_like(self._checked(x), self.slope_at(1 if batch is None else batch))

    def sample(self, rng: np.random.Generator, t: int, runs: int | None = None) -> int:
        r"""Return the step itself: nothing here is random."""
        return t

    def source(self, form: str = "javascript") -> str:
        r"""Return `f(x)` and `grad(x, out, t)` in JavaScript."""
        x = sympy.Symbol("x[0]", real=True)
        printer = JavaScriptPrinter()
        f, g = (" ".join(printer.doprint(e).split()) for e in (self.mean * x, self.slope))
        return (
            f"function f(x) {{\n  return {f};\n}}\n\n"
            f"function grad(x, out, t) {{\n  out[0] = {g};\n  return out;\n}}\n"
        )
