r"""Values of SymPy expressions at many points, in bounded time, with a bound on their rounding.

`evalf` may work for ever on `exp(exp(exp(x)))`, and `lambdify` runs generated code. This walks the
expression with NumPy's complex arithmetic: what overflows becomes infinite, and that is the answer.
Beside each value goes the error that rounding can have made of it, to first order: a difference
that rounding explains is none, and a small one that it does not explain is one.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Piecewise, Pow, Product, Sum, Symbol

from optedu.safe_expr.functions import COMPARISONS, VALUES, Values

__all__ = ["EvaluationError", "bounded", "evaluate"]

MAX_TERMS = 2_000
ULP = 2.0**-52
ROUNDING = 4 * ULP
r"""Relative error of one operation; NumPy's complex functions are exact to some units."""


class EvaluationError(ValueError):
    r"""The expression has something in it that cannot be evaluated."""


def evaluate(expression: Expr, points: Mapping[Symbol, np.ndarray]) -> np.ndarray:
    r"""Return the complex values of an expression at points.

    Parameters
    ----------
    expression : sympy.Expr
        The functions of `optedu.safe_expr.functions`, powers, finite sums and products, cases.
    points : mapping of Symbol to ndarray
        One-dimensional arrays of one length.

    Returns
    -------
    ndarray of complex128
        NaN or infinite where the expression has no finite value. An array without axes if the
        expression has no symbol.

    Raises
    ------
    EvaluationError
        If a symbol has no values, or a function is not known here.
    """
    return bounded(expression, points)[0]


def bounded(expression: Expr, points: Mapping[Symbol, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the values as `evaluate` does, and how far rounding can have moved each of them.

    The bound is zero where nothing was rounded, and of first order elsewhere.
    """
    env = {s: (np.asarray(values, dtype=complex), 0.0) for s, values in points.items()}
    with np.errstate(all="ignore"):
        value, error = _value(sympy.sympify(expression), env)
        value = np.asarray(value, dtype=complex)
        return value, np.broadcast_to(np.nan_to_num(error, posinf=0.0), value.shape)


Bounded = tuple[Any, Any]


def _value(node: Any, env: Mapping[Any, Bounded]) -> Bounded:
    if node in env:
        return env[node]
    if node.is_Symbol:
        raise EvaluationError(f"{node} has no value")
    if node.is_Number or node.is_NumberSymbol or node is sympy.I:
        return _number(node)
    if isinstance(node, Piecewise):
        return _cases(node, env)
    if isinstance(node, Sum | Product):
        return _terms(node, env)
    if isinstance(node, sympy.Derivative | sympy.Integral | sympy.Limit | sympy.Subs):
        kind = type(node).__name__
        raise EvaluationError(f"{kind} is not carried out in the answer: end it with .doit()")
    if not isinstance(node, Pow) and node.func not in VALUES:
        raise EvaluationError(f"{node.func.__name__} is no function that an answer can use here")
    pairs = [_value(argument, env) for argument in node.args]
    values = [value for value, _ in pairs]
    errors = [error for _, error in pairs]
    if node.is_Add:
        total = functools.reduce(operator.add, values)
        return total, sum(errors) + ULP * sum(np.abs(v) for v in values)
    if node.is_Mul:
        product = functools.reduce(operator.mul, values)
        relative = sum(_ratio(e, v) for v, e in pairs)
        return product, np.abs(product) * (relative + ROUNDING)
    if isinstance(node, Pow):
        function: Values = functools.partial(_power, exponent=node.exp)
    else:
        function = VALUES[node.func]
    result = function(*values)
    error = ROUNDING * np.abs(result)
    for place, moved in enumerate(errors):
        if np.any(moved):
            there = [v + moved if i == place else v for i, v in enumerate(values)]
            error = error + np.abs(function(*there) - result)
    return result, error


def _ratio(error: Any, value: Any) -> Any:
    return np.where(value == 0, 0.0, error / np.where(value == 0, 1.0, np.abs(value)))


def _number(node: Any) -> Bounded:
    try:
        value = np.complex128(complex(node))
    except (OverflowError, TypeError, ValueError):
        return np.complex128(np.inf if node == sympy.oo else np.nan), 0.0
    exact = node.is_Integer and abs(node.p) <= 2**53
    return value, 0.0 if exact else ULP / 2 * abs(value)


def _power(base: Any, exponent_value: Any, *, exponent: Any) -> Any:
    if exponent == sympy.Rational(1, 2):
        return np.sqrt(base)
    if exponent == sympy.S.NegativeOne:
        return 1 / base
    # NumPy's complex power loses digits, and gives nan for 0**0: real where real.
    if np.all(np.imag(base) == 0) and np.all(np.imag(exponent_value) == 0):
        x, y = np.real(base), np.real(exponent_value)
        if np.all((x >= 0) | (y == np.round(y))):
            return np.power(x, y).astype(complex)
    return np.power(base, exponent_value)


def _cases(node: Piecewise, env: Mapping[Any, Bounded]) -> Bounded:
    result: Any = np.complex128(np.nan)
    error: Any = 0.0
    for case, condition in reversed(node.args):
        holds = _truth(condition, env)
        value, moved = _value(case, env)
        result, error = np.where(holds, value, result), np.where(holds, moved, error)
    return result, error


def _truth(condition: Any, env: Mapping[Any, Bounded]) -> Any:
    if condition in (sympy.true, sympy.false):
        return bool(condition)
    if isinstance(condition, sympy.And | sympy.Or | sympy.Not):
        parts = [_truth(argument, env) for argument in condition.args]
        if isinstance(condition, sympy.Not):
            return np.logical_not(parts[0])
        joined = np.logical_and if isinstance(condition, sympy.And) else np.logical_or
        return functools.reduce(joined, parts)
    comparison = COMPARISONS.get(condition.func)
    if comparison is None:
        raise EvaluationError(f"{condition} is no condition that an answer can use here")
    left, right = (np.real(_value(argument, env)[0]) for argument in condition.args)
    return comparison(left, right)


def _terms(node: Any, env: Mapping[Any, Bounded]) -> Bounded:
    r"""Add (or multiply) the terms, point by point: the bounds may depend on the point."""
    if len(node.limits) != 1 or len(node.limits[0]) != 3:
        raise EvaluationError("a sum needs one index with its first and last value")
    index, first, last = node.limits[0]
    low, high = (np.real(np.atleast_1d(_value(bound, env)[0])) for bound in (first, last))
    low, high = np.broadcast_arrays(low, high)
    if not np.all(np.isfinite(high - low)) or np.max(high - low, initial=0) > MAX_TERMS:
        raise EvaluationError(f"the sum over {index} has too many terms to compare")
    adds = isinstance(node, Sum)
    total: Any = np.full(low.shape, 0.0 if adds else 1.0, dtype=complex)
    error: Any = np.zeros(low.shape)
    for step in range(int(np.max(high - low, initial=-1)) + 1):
        term, moved = _value(node.function, {**env, index: ((low + step).astype(complex), 0.0)})
        inside = low + step <= high
        if adds:
            new = total + term
            grown = error + moved + ULP * (np.abs(total) + np.abs(term))
        else:
            new = total * term
            grown = np.abs(new) * (_ratio(error, total) + _ratio(moved, term) + ROUNDING)
        total, error = np.where(inside, new, total), np.where(inside, grown, error)
    return total, error
