r"""The functions that an answer may use: one table, with what computes their values.

The reader of formulas, the reader of what crosses between kernels, the comparison of values and the
known mistakes all take their functions from here, so that an answer means the same wherever it is
graded.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import sympy

__all__ = ["COMPARISONS", "NAMES", "REAL", "VALUES", "too_large"]

Values = Callable[..., Any]

MAX_ARGUMENT = 2_000
r"""Largest number for a function of which SymPy computes a long integer or sum at once."""


def _real(function: Values) -> Values:
    return lambda *values: np.asarray(function(*(np.real(v) for v in values)), dtype=complex)


def _special(function: Values) -> Values:
    r"""A function of mpmath's, number by number, in double precision; nan where it has no value."""

    def one(*values: complex) -> complex:
        # mpmath takes real arguments another way: the branch that SymPy means.
        arguments = [v.real if v.imag == 0 else v for v in map(complex, values)]
        if not all(abs(v) < 1e15 for v in arguments):
            return complex(math.nan)
        try:
            return complex(function(*arguments))
        except (ArithmeticError, ValueError, TypeError, NotImplementedError, RecursionError):
            return complex(math.nan)

    return np.vectorize(one, otypes=[complex])


def _gamma(value: Any) -> Any:
    def one(z: float) -> float:
        try:
            return math.gamma(z)
        except (OverflowError, ValueError):
            return math.nan

    return np.vectorize(one, otypes=[float])(np.real(value)).astype(complex)


def _binomial(n: Any, k: Any) -> Any:
    if float(k).is_integer() and 0 <= k <= MAX_ARGUMENT:  # no gamma function: it has poles
        value = 1.0
        for i in range(int(k)):
            value *= (n - i) / (i + 1)
        return value
    if float(k).is_integer() and k < 0:
        return 0.0
    return mpmath.fp.binomial(n, k)


def _harmonic(n: Any, order: Any = 1) -> Any:
    if order == 1:
        return mpmath.fp.harmonic(n)
    if float(n).is_integer() and 0 <= n <= MAX_ARGUMENT:
        return math.fsum(i**-order for i in range(1, int(n) + 1))
    return math.nan


def _rising(x: Any, k: Any) -> Any:
    return math.prod(x + i for i in range(int(k))) if _steps(k) else mpmath.fp.rf(x, k)


def _falling(x: Any, k: Any) -> Any:
    return math.prod(x - i for i in range(int(k))) if _steps(k) else mpmath.fp.ff(x, k)


def _steps(k: Any) -> bool:
    return float(k).is_integer() and 0 <= k <= MAX_ARGUMENT


def _mod(a: Any, b: Any) -> Any:
    return np.where(b == 0, np.nan, np.mod(a, np.where(b == 0, 1, b)))


_SPECIAL: dict[Any, Values] = {
    sympy.binomial: _special(_binomial),
    sympy.harmonic: _special(_harmonic),
    sympy.RisingFactorial: _special(_rising),
    sympy.FallingFactorial: _special(_falling),
    sympy.loggamma: _special(mpmath.fp.loggamma),
    sympy.polygamma: _special(lambda n, z: mpmath.fp.psi(int(n), z)),
    sympy.erf: _special(mpmath.fp.erf),
    sympy.erfc: _special(mpmath.fp.erfc),
    sympy.erfi: _special(mpmath.fp.erfi),
    sympy.LambertW: _special(lambda z, k=0: mpmath.fp.lambertw(z, int(k))),
}

REAL: dict[Any, Values] = {
    sympy.Add: lambda *terms: functools.reduce(operator.add, terms),
    sympy.Mul: lambda *factors: functools.reduce(operator.mul, factors),
    sympy.Max: lambda *values: functools.reduce(np.maximum, values),
    sympy.Min: lambda *values: functools.reduce(np.minimum, values),
    sympy.Abs: np.abs,
    sympy.sign: np.sign,
}
r"""What update rules are made of, on real arrays, whose dtype stays."""

COMPARISONS: dict[Any, Values] = {
    sympy.StrictGreaterThan: operator.gt,
    sympy.GreaterThan: operator.ge,
    sympy.StrictLessThan: operator.lt,
    sympy.LessThan: operator.le,
    sympy.Equality: operator.eq,
    sympy.Unequality: operator.ne,
}
r"""Of real arrays."""

VALUES: dict[Any, Values] = {
    sympy.Add: REAL[sympy.Add],
    sympy.Mul: REAL[sympy.Mul],
    sympy.Max: _real(REAL[sympy.Max]),
    sympy.Min: _real(REAL[sympy.Min]),
    sympy.Abs: lambda value: np.abs(value).astype(complex),
    sympy.sign: lambda value: np.where(value == 0, 0, value / np.where(value == 0, 1, abs(value))),
    sympy.floor: _real(np.floor),
    sympy.ceiling: _real(np.ceil),
    sympy.frac: _real(lambda value: value - np.floor(value)),
    sympy.Mod: _real(_mod),
    sympy.re: _real(np.asarray),
    sympy.im: lambda value: np.imag(value).astype(complex),
    sympy.arg: lambda value: np.angle(value).astype(complex),
    sympy.conjugate: np.conj,
    sympy.exp: np.exp,
    sympy.log: lambda value, base=None: np.log(value) / (1 if base is None else np.log(base)),
    sympy.sin: np.sin,
    sympy.cos: np.cos,
    sympy.tan: np.tan,
    sympy.cot: lambda value: 1 / np.tan(value),
    sympy.sec: lambda value: 1 / np.cos(value),
    sympy.csc: lambda value: 1 / np.sin(value),
    sympy.sinc: lambda value: np.where(
        value == 0, 1, np.sin(value) / np.where(value == 0, 1, value)
    ),
    sympy.sinh: np.sinh,
    sympy.cosh: np.cosh,
    sympy.tanh: np.tanh,
    sympy.coth: lambda value: 1 / np.tanh(value),
    sympy.sech: lambda value: 1 / np.cosh(value),
    sympy.csch: lambda value: 1 / np.sinh(value),
    sympy.asin: np.arcsin,
    sympy.acos: np.arccos,
    sympy.atan: np.arctan,
    sympy.acot: lambda value: np.arctan(1 / value),
    sympy.asec: lambda value: np.arccos(1 / value),
    sympy.acsc: lambda value: np.arcsin(1 / value),
    sympy.asinh: np.arcsinh,
    sympy.acosh: np.arccosh,
    sympy.atanh: np.arctanh,
    sympy.acoth: lambda value: np.arctanh(1 / value),
    sympy.asech: lambda value: np.arccosh(1 / value),
    sympy.acsch: lambda value: np.arcsinh(1 / value),
    sympy.atan2: _real(np.arctan2),
    sympy.gamma: _gamma,
    sympy.factorial: lambda value: _gamma(value + 1),
    sympy.Heaviside: _real(
        lambda value, at_zero=0.5: np.where(value == 0, at_zero, (value > 0) * 1.0)
    ),
    sympy.KroneckerDelta: lambda one, other: (one == other).astype(complex),
    **_SPECIAL,
}
r"""SymPy's classes, and what gives their values on arrays of complex numbers."""

NAMES: dict[str, Callable[..., Any]] = {kind.__name__: kind for kind in VALUES} | {
    "abs": sympy.Abs,
    "cbrt": sympy.cbrt,
    "digamma": sympy.digamma,
    "ff": sympy.ff,
    "ln": sympy.log,
    "max": sympy.Max,
    "min": sympy.Min,
    "rf": sympy.rf,
    "sqrt": sympy.sqrt,
}
r"""What makes an expression, by the name that a text has for it."""

# They make long integers, or long sums, as soon as they are given a number.
_GROWING = frozenset({sympy.gamma, sympy.factorial, sympy.digamma, sympy.rf, sympy.ff, *_SPECIAL})
_PLAIN = frozenset(VALUES) - _GROWING


def too_large(function: Any, arguments: list[Any]) -> Any:
    r"""Return the argument with which this function would take the machine's memory, or None.

    Of functions that the table does not have (Bessel's, Fibonacci's) that is not known: they are
    given no large number.
    """
    special = isinstance(function, type) and issubclass(function, sympy.Function)
    if function not in _GROWING and (not special or function in _PLAIN):
        return None
    for argument in arguments:
        number = getattr(argument, "is_number", isinstance(argument, int | float))
        if number and not bool(abs(argument) <= MAX_ARGUMENT):
            return argument
    return None
