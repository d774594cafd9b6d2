r"""Values of SymPy expressions at many points, in bounded time.

`evalf` may work for ever on `exp(exp(exp(x)))`, and `lambdify` runs generated code. This walks the
expression with NumPy's complex arithmetic: what overflows becomes infinite, and that is the answer.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Piecewise, Pow, Product, Sum, Symbol

__all__ = ["EvaluationError", "evaluate"]

MAX_TERMS = 2_000


class EvaluationError(ValueError):
    r"""The expression has something in it that cannot be evaluated."""


def evaluate(expression: Expr, points: Mapping[Symbol, np.ndarray]) -> np.ndarray:
    r"""Return the complex values of an expression at points.

    Parameters
    ----------
    expression : sympy.Expr
        Elementary functions, powers, maxima, finite sums and products, cases.
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
    env = {s: np.asarray(values, dtype=complex) for s, values in points.items()}
    with np.errstate(all="ignore"):
        return np.asarray(_value(sympy.sympify(expression), env), dtype=complex)


def _value(node: Any, env: Mapping[Any, Any]) -> Any:
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
    values = [_value(argument, env) for argument in node.args]
    if isinstance(node, Pow):
        return _power(*values, exponent=node.exp)
    operation = _OPERATIONS.get(node.func)
    if operation is None:
        raise EvaluationError(f"{node.func.__name__} is no function that an answer can use here")
    return operation(*values)


def _number(node: Any) -> complex:
    try:
        return np.complex128(complex(node))
    except (OverflowError, TypeError, ValueError):
        return np.complex128(np.inf if node == sympy.oo else np.nan)


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


def _cases(node: Piecewise, env: Mapping[Any, Any]) -> Any:
    result: Any = np.complex128(np.nan)
    for value, condition in reversed(node.args):
        result = np.where(_truth(condition, env), _value(value, env), result)
    return result


def _truth(condition: Any, env: Mapping[Any, Any]) -> Any:
    if condition in (sympy.true, sympy.false):
        return bool(condition)
    if isinstance(condition, sympy.And | sympy.Or | sympy.Not):
        parts = [_truth(argument, env) for argument in condition.args]
        if isinstance(condition, sympy.Not):
            return np.logical_not(parts[0])
        joined = np.logical_and if isinstance(condition, sympy.And) else np.logical_or
        return functools.reduce(joined, parts)
    comparison = _COMPARISONS.get(condition.func)
    if comparison is None:
        raise EvaluationError(f"{condition} is no condition that an answer can use here")
    left, right = (np.real(_value(argument, env)) for argument in condition.args)
    return comparison(left, right)


def _terms(node: Any, env: Mapping[Any, Any]) -> Any:
    r"""Add (or multiply) the terms, point by point: the bounds may depend on the point."""
    if len(node.limits) != 1 or len(node.limits[0]) != 3:
        raise EvaluationError("a sum needs one index with its first and last value")
    index, first, last = node.limits[0]
    low, high = (np.real(np.atleast_1d(_value(bound, env))) for bound in (first, last))
    low, high = np.broadcast_arrays(low, high)
    if not np.all(np.isfinite(high - low)) or np.max(high - low, initial=0) > MAX_TERMS:
        raise EvaluationError(f"the sum over {index} has too many terms to compare")
    adds = isinstance(node, Sum)
    total: Any = np.full(low.shape, 0.0 if adds else 1.0, dtype=complex)
    for step in range(int(np.max(high - low, initial=-1)) + 1):
        term = _value(node.function, {**env, index: (low + step).astype(complex)})
        inside = low + step <= high
        total = np.where(inside, total + term if adds else total * term, total)
    return total


def _real(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: function(*(np.real(v) for v in values)).astype(complex)


def _gamma(value: Any) -> Any:
    import math

    def one(z: float) -> float:
        try:
            return math.gamma(z)
        except (OverflowError, ValueError):
            return math.nan

    return np.vectorize(one, otypes=[float])(np.real(value)).astype(complex)


_COMPARISONS = {
    sympy.StrictGreaterThan: operator.gt,
    sympy.GreaterThan: operator.ge,
    sympy.StrictLessThan: operator.lt,
    sympy.LessThan: operator.le,
    sympy.Equality: operator.eq,
    sympy.Unequality: operator.ne,
}
_OPERATIONS: dict[Any, Callable[..., Any]] = {
    sympy.Add: lambda *terms: functools.reduce(operator.add, terms),
    sympy.Mul: lambda *factors: functools.reduce(operator.mul, factors),
    sympy.Max: _real(lambda *values: functools.reduce(np.maximum, values)),
    sympy.Min: _real(lambda *values: functools.reduce(np.minimum, values)),
    sympy.Abs: lambda value: np.abs(value).astype(complex),
    sympy.sign: _real(np.sign),
    sympy.floor: _real(np.floor),
    sympy.ceiling: _real(np.ceil),
    sympy.re: _real(np.asarray),
    sympy.im: lambda value: np.imag(value).astype(complex),
    sympy.conjugate: np.conj,
    sympy.exp: np.exp,
    sympy.log: lambda value, base=None: np.log(value) / (1 if base is None else np.log(base)),
    sympy.sin: np.sin,
    sympy.cos: np.cos,
    sympy.tan: np.tan,
    sympy.cot: lambda value: 1 / np.tan(value),
    sympy.sinh: np.sinh,
    sympy.cosh: np.cosh,
    sympy.tanh: np.tanh,
    sympy.asin: np.arcsin,
    sympy.acos: np.arccos,
    sympy.atan: np.arctan,
    sympy.asinh: np.arcsinh,
    sympy.acosh: np.arccosh,
    sympy.atanh: np.arctanh,
    sympy.atan2: _real(np.arctan2),
    sympy.gamma: _gamma,
    sympy.factorial: lambda value: _gamma(value + 1),
    sympy.binomial: lambda n, k: _gamma(n + 1) / (_gamma(k + 1) * _gamma(n - k + 1)),
    sympy.Heaviside: lambda value, at_zero=0.5: np.where(
        np.real(value) == 0, at_zero, np.real(value) > 0
    ).astype(complex),
}
