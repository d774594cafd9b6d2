r"""The scalar parts of a rule: computed once a step, in double, from floats or arrays of runs."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from sympy import Symbol

from optedu.compile.lowering import Assignment
from optedu.compile.printing import PythonPrinter

__all__ = ["FUNCTIONS", "environment", "lines"]

_OF_MATH = ("sqrt", "exp", "log", "cos", "floor")
FUNCTIONS = {**{name: name for name in _OF_MATH}, "Abs": "abs", "Max": "max", "Min": "min"}


def lines(
    assignments: tuple[Assignment, ...], names: Mapping[Symbol, str], *, runs: bool = False
) -> list[str]:
    r"""Return one line of Python an assignment; `runs` for hyper-parameters that are arrays."""
    printer = PythonPrinter(names, functions=FUNCTIONS, choices="where" if runs else "if")
    return [f"{printer.doprint(a.target)} = {printer.doprint(a.expression)}" for a in assignments]


def environment(xp: Any = None, *, bound: bool = False) -> dict[str, Callable[..., Any]]:
    r"""Return the functions that the lines call.

    Parameters
    ----------
    xp : array namespace, optional
        For hyper-parameters that are arrays of doubles, an axis of runs. Without it they are
        Python floats, and so are the results: that keeps float32 state at float32.
    bound : bool
        Whether the functions serve many steps with the same arrays, so that it pays to look at
        their values once.
    """
    if xp is None:
        return {"abs": abs, "max": max, "min": min, **{n: getattr(math, n) for n in _OF_MATH}}

    def mapped(name: str, scalar: Callable[..., Any]) -> Callable[..., Any]:
        function = getattr(xp, name)

        def call(*values: Any) -> Any:
            if all(isinstance(v, (int, float)) for v in values):
                return scalar(*values)
            like = next(v for v in values if not isinstance(v, (int, float)))
            return function(*[_like(xp, v, like) for v in values])

        return call

    def where(condition: Any, a: Any, b: Any) -> Any:
        if isinstance(condition, bool):
            return a if condition else b
        return xp.where(condition, xp.asarray(a, dtype=xp.float64), xp.asarray(b, dtype=xp.float64))

    return {
        "power": _Powers(xp) if bound else operator.pow,
        "sqrt": mapped("sqrt", _sqrt),
        "where": where,
        "abs": mapped("abs", abs),
        "max": mapped("maximum", max),
        "min": mapped("minimum", min),
        **{name: mapped(name, getattr(math, name)) for name in _OF_MATH if name != "sqrt"},
    }


class _Powers:
    r"""`beta**t` of a grid of runs: a grid repeats few values, so power those and spread them."""

    def __init__(self, xp: Any) -> None:
        self._xp = xp
        self._known: dict[int, tuple[Any, Any, Any]] = {}

    def __call__(self, base: Any, exponent: Any) -> Any:
        if isinstance(base, (int, float)) or not isinstance(exponent, int):
            return base**exponent
        if id(base) not in self._known:
            self._known[id(base)] = (base, *self._unique(base))
        _, values, inverse = self._known[id(base)]
        if inverse is None:
            return base**exponent
        return self._xp.take(values**exponent, inverse)

    def _unique(self, base: Any) -> tuple[Any, Any]:
        if base.ndim != 1 or base.shape[0] < 100:
            return None, None
        result = self._xp.unique_inverse(base)
        if 4 * result.values.shape[0] > base.shape[0]:
            return None, None
        return result.values, result.inverse_indices


def _sqrt(value: float) -> float:
    # A branch that is not taken may hold the root of a negative number, as in RAdam's first steps.
    return math.sqrt(value) if value >= 0 else math.nan


def _like(xp: Any, value: Any, like: Any) -> Any:
    return xp.asarray(value, dtype=like.dtype) if isinstance(value, (int, float)) else value
