r"""A problem of two coordinates, one of which has a gradient now and then only."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from sympy import Abs, Eq, Mod, Piecewise, sign

from optedu.compile.printing import JavaScriptPrinter
from optedu.problems import Problem
from optedu.symbols import t
from optedu.validate import count

__all__ = ["Rare"]


class Rare(Problem):
    r"""The losses $f_t(x, y) = |x|$, with $|y|$ added in every `period`-th step.

    Every gradient that comes is of size one, so that a rule's sum of squares is how many came.
    `f(x)` is the mean loss; `grad(x, batch)` is the gradient of step `batch`.

    Parameters
    ----------
    period : int
        Steps between two gradients of the second coordinate.

    Examples
    --------
    >>> x = np.array([-2.0, 3.0])
    >>> [Rare(10).grad(x, step).tolist() for step in (9, 10)]
    [[-1.0, 0.0], [-1.0, 1.0]]
    """

    stochastic = True

    def __init__(self, period: int) -> None:
        self.period = count("period", period, minimum=1)
        self._describe(
            x0=[-1.2, -1.0],
            name="rare",
            title="a frequent and a rare coordinate",
            minimizer=[0.0, 0.0],
            minimum=0.0,
            window=((-1.5, 1.5), (-1.5, 1.5)),
        )

    def f(self, x: Any, batch: Any = None) -> Any:
        x = self._checked(x)
        return np.abs(x[0, ...]) + np.abs(x[1, ...]) / self.period

    def grad(self, x: Any, batch: Any = None) -> Any:
        g = np.sign(self._checked(x))
        share = 1 / self.period if batch is None else float(batch % self.period == 0)
        return np.stack([g[0, ...], share * g[1, ...]])

    def sample(self, rng: np.random.Generator, t: int, runs: int | None = None) -> int:
        r"""Return the step itself: nothing here is random."""
        return t

    def source(self, form: str = "javascript") -> str:
        r"""Return `f(x)` and `grad(x, out, t)` in JavaScript."""
        x, y = sympy.symbols("x[0] x[1]", real=True)
        mine = Piecewise((sign(y), Eq(Mod(t, self.period), 0)), (0, True))
        printer = JavaScriptPrinter()
        f, g, rare = (
            " ".join(printer.doprint(e).split())
            for e in (Abs(x) + Abs(y) / self.period, sign(x), mine)
        )
        return (
            f"function f(x) {{\n  return {f};\n}}\n\n"
            f"function grad(x, out, t) {{\n  out[0] = {g};\n  out[1] = {rare};\n  return out;\n}}\n"
        )
