r"""A small least-squares problem on real data, whose minibatches the figures draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from optedu.compile.printing import JavaScriptPrinter
from optedu.problems import Problem

__all__ = ["Line", "stopping"]

# Speeds in miles an hour and stopping distances in feet of 50 cars, recorded in the 1920s.
# M. Ezekiel, Methods of Correlation Analysis, Wiley 1930; the data set `cars` of R.
SPEEDS = [
    4, 4, 7, 7, 8, 9, 10, 10, 10, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 15,
    15, 16, 16, 17, 17, 17, 18, 18, 18, 18, 19, 19, 19, 20, 20, 20, 20, 20, 22, 23, 24, 24, 24, 24,
    25,
]  # fmt: skip
DISTANCES = [
    2, 10, 4, 22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28, 26, 34, 34, 46, 26, 36, 60, 80, 20,
    26, 54, 32, 40, 32, 40, 50, 42, 56, 76, 84, 36, 46, 68, 32, 48, 52, 56, 64, 66, 54, 70, 92, 93,
    120, 85,
]  # fmt: skip


class Line(Problem):
    r"""The line $x\,a + y$ through points $(a_i, b_i)$: $f$ is the mean of half its squared errors.

    `grad(x, batch)` is the mean gradient of the examples whose numbers the batch lists. The places
    $a_i$ have the mean zero, so that the coordinates are the eigen-directions of the Hessian.

    Parameters
    ----------
    a, b : array
        The points, one a number; the mean of `a` is taken off.
    title : str
        Name in prose.
    window : pair of pairs
        The part of the plane worth a plot.
    """

    def __init__(self, a: Any, b: Any, *, title: str, window: Any) -> None:
        self.a, self.b = np.asarray(a, dtype=float) - np.mean(a), np.asarray(b, dtype=float)
        self.examples = len(self.a)
        self.eigenvalues = np.array([np.mean(self.a**2), 1.0])
        best = np.array([np.mean(self.a * self.b) / self.eigenvalues[0], np.mean(self.b)])
        # The standard deviation of one example's gradient at the minimum, for each coordinate.
        self.noises = np.sqrt(np.mean(self.each(best) ** 2, axis=1))
        low, high = sorted(self.eigenvalues)
        self._describe(
            x0=[0.0, 0.0],
            name="stopping",
            title=title,
            minimizer=best,
            minimum=float(self.f(best)),
            window=window,
            L=high,
            mu=low,
        )

    def each(self, x: Any) -> np.ndarray:
        r"""Return the gradients of all examples at a point, of shape (2, examples)."""
        error = x[0] * self.a + x[1] - self.b
        return np.stack([error * self.a, error])

    def f(self, x: Any, batch: Any = None) -> Any:
        x = np.asarray(x, dtype=float)[..., None]
        return np.mean((x[0] * self.a + x[1] - self.b) ** 2, axis=-1) / 2

    def grad(self, x: Any, batch: Any = None) -> Any:
        a, b = (self.a, self.b) if batch is None else (self.a[batch], self.b[batch])
        x = np.asarray(x, dtype=float)[..., None]
        error = x[0] * a + x[1] - b
        return np.stack([np.mean(error * a, axis=-1), np.mean(error, axis=-1)])

    def source(self, form: str = "javascript") -> str:
        r"""Return `f(x)`, `grad(x, out)` and `example(i, x, out)` in JavaScript."""
        slope, height, a, b = sympy.symbols("slope height a b", real=True)
        loss, printer = (slope * a + height - b) ** 2 / 2, JavaScriptPrinter()
        value, *parts = (
            " ".join(printer.doprint(e).split())
            for e in (loss, loss.diff(slope), loss.diff(height))
        )
        pairs = zip(self.a, self.b, strict=True)
        table = ", ".join(f"[{float(p):.12g}, {float(q):.12g}]" for p, q in pairs)
        return "\n".join([
            f"const DATA = [{table}];", "",
            "function f([slope, height]) {", "  let sum = 0;",
            f"  for (const [a, b] of DATA) sum += {value};",
            "  return sum / DATA.length;", "}", "",
            "function example(i, [slope, height], out) {", "  const [a, b] = DATA[i];",
            *(f"  out[{k}] = {part};" for k, part in enumerate(parts)),
            "  return out;", "}", "",
            "function grad(x, out) {", "  const one = [0, 0];", "  out.fill(0);",
            "  for (let i = 0; i < DATA.length; i++) {", "    example(i, x, one);",
            "    for (const k in one) out[k] += one[k] / DATA.length;", "  }",
            "  return out;", "}", "",
        ])  # fmt: skip


def stopping() -> Line:
    r"""Return the line through 50 cars' stopping distances over their speeds.

    In tens of feet and tens of miles an hour; the height is that at the mean speed.

    Examples
    --------
    >>> stopping().minimizer.round(2)
    array([3.93, 4.3 ])
    """
    return Line(
        np.array(SPEEDS) / 10,
        np.array(DISTANCES) / 10,
        title="stopping distances",
        window=((-1.0, 8.0), (-1.0, 8.0)),
    )
