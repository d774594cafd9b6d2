r"""Nesterov's hard function as a chain of beads on springs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from sympy import Add, symbols

from optedu import validate
from optedu.arrays import namespace
from optedu.compile.printing import JavaScriptPrinter
from optedu.problems.base import like
from optedu.problems.expressions import Symbolic, coordinates
from optedu.problems.landscapes import exact

__all__ = ["Springs", "springs"]


class Springs(Symbolic):
    r"""The chain $\frac{L}{8} \sum_{i=0}^n (x_i - x_{i+1})^2$ with $x_0 = 1$, $x_{n+1} = 0$."""

    L: float

    # What is printed from the whole expression has a line for each bead. One spring serves all.

    def f(self, x: Any, batch: Any = None) -> Any:
        padded = self._padded(x)
        stretch = padded[1:, ...] - padded[:-1, ...]
        return self.L * namespace(x).sum(stretch * stretch, axis=0) / 8

    def grad(self, x: Any, batch: Any = None) -> Any:
        padded = self._padded(x)
        return self.L / 4 * (2 * padded[1:-1, ...] - padded[:-2, ...] - padded[2:, ...])

    def _javascript_source(self) -> str:
        a, b = symbols("a b", real=True)
        spring, printer = exact(self.L) * (a - b) ** 2 / 8, JavaScriptPrinter()
        loop = (
            "  for (let i = 0; i <= x.length; i++) {\n"
            "    const a = i ? x[i - 1] : 1, b = i < x.length ? x[i] : 0;"
        )
        energy, left, right = (printer.doprint(e) for e in (spring, spring.diff(a), spring.diff(b)))
        return "\n".join([
            "function f(x) {", "  let sum = 0;", loop, f"    sum += {energy};", "  }",
            "  return sum;", "}", "", "function grad(x, out) {", "  out.fill(0);", loop,
            f"    if (i) out[i - 1] += {left};", f"    if (i < x.length) out[i] += {right};", "  }",
            "  return out;", "}", "",
        ])  # fmt: skip

    def _padded(self, x: Any) -> Any:
        xp, edge = namespace(x), self._checked(x)[:1, ...]
        return xp.concat([like(x, np.ones(1)) + 0 * edge, x, 0 * edge], axis=0)


def springs(dim: int = 20, *, L: float = 1.0) -> Springs:
    r"""Return Nesterov's hard function: beads on springs between two fixed ends. [#]_

    The left end is held at height 1, the right one at 0, and all beads start at 0. The gradient of
    a bead knows its two neighbours only, so after t steps no method of gradients has moved more
    than the first t beads. In the straight line, $x_i = 1 - i/(n + 1)$, the chain is at rest.

    Parameters
    ----------
    dim : int
        Number of beads $n$, at least 2.
    L : float
        Smoothness, positive; the largest curvature is just below it.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    References
    ----------
    .. [#] Y. Nesterov, Lectures on Convex Optimization, Springer 2018, Section 2.1.2.

    Examples
    --------
    >>> problem = optedu.problems.springs(3)
    >>> print(problem.minimizer, problem.minimum)
    [0.75 0.5  0.25] 0.03125
    """
    dim, L = validate.count("dim", dim, minimum=2), validate.positive("L", L)
    beads = coordinates(dim)
    heights = (1, *beads, 0)
    stretched = Add(*((a - b) ** 2 for a, b in pairwise(heights)))
    return Springs(
        exact(L) * stretched / 8,
        beads,
        x0=np.zeros(dim),
        name="springs",
        title="beads on springs",
        minimizer=1 - np.arange(1, dim + 1) / (dim + 1),
        minimum=L / (8 * (dim + 1)),
        window=((-0.2, 1.2),) * 2 if dim == 2 else None,
        L=L,
        mu=L * np.sin(np.pi / (2 * (dim + 1))) ** 2,
        source_ref="Nesterov 2018, Section 2.1.2",
    )
