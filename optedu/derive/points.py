r"""Points at which a claim is tried: random ones, and those at which false claims tend to fail.

A random point tells apart two formulas, but ``x**2 > 0`` fails at zero alone and ``2**n < 100``
only from seven on. So a claim that rests on points is also tried at zero, at the ends of each
range, at negative, tiny and huge values, at large integers, where symbols are equal or opposite,
and where its two sides meet.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.functions.elementary.trigonometric import TrigonometricFunction

from optedu import symbols

__all__ = [
    "Bounds",
    "Element",
    "bounds",
    "element",
    "elements",
    "fits",
    "manageable",
    "meeting",
    "special",
    "values",
]

Element = Callable[[int], sp.Rational]
r"""The value of the i-th element (g_1, f(x), ...) of a claim."""

_SMALL = [0, 1, -1, 2, -2, 3, -3]
_POWERS = [1, 3, 9, 30, 100]
_WHOLE = [4, 5, 7, 10, 12, 30, 100, 1000, 10**4, 10**6, 10**9, 10**30]
_NEAR = sp.Rational(1, 10**9)
_SUMMED = 30  # a sum over an index is written out: no more terms than this
_EXPONENT = 20_000  # larger exponents make numbers that no computer writes down
_DIGITS = 200_000
_TAME = (
    sp.log,
    sp.Abs,
    sp.sign,
    sp.Max,
    sp.Min,
    sp.floor,
    sp.ceiling,
    sp.sin,
    sp.cos,
    sp.tan,
    sp.atan,
    sp.asin,
    sp.acos,
    sp.re,
    sp.im,
    sp.Piecewise,
)
_KINDS = (
    *("positive", "negative", "nonnegative", "nonpositive", "zero", "integer", "rational"),
    *("even", "odd", "prime", "real"),
)


class Bounds(NamedTuple):
    r"""A range with exact ends, which may be infinite."""

    low: sp.Expr
    high: sp.Expr
    low_open: bool
    high_open: bool

    def has(self, value: sp.Expr) -> bool:
        r"""Say whether a number lies in the range."""
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return bool(above) and bool(below)

    def window(self, whole: bool) -> tuple[sp.Expr, sp.Expr]:
        r"""Return finite ends between which to draw."""
        low, high = self.low, self.high
        if whole:
            low = sp.ceiling(low) if low.is_finite else sp.Min(-4, high - 5)
            return low, sp.floor(high) if high.is_finite else sp.Max(6, low + 5)
        if not low.is_finite and not high.is_finite:
            return sp.Integer(-3), sp.Integer(3)
        low = low if low.is_finite else sp.Min(high, 0) - 3
        return low, high if high.is_finite else sp.Max(low, 0) + 3


def bounds(symbol: sp.Symbol, interval: tuple | None = None) -> Bounds:
    r"""Return the range of a symbol.

    Parameters
    ----------
    symbol : sympy.Symbol
        The notation table decides where it has this symbol, else the symbol's assumptions.
    interval : (low, high), optional
        Decides instead: open, and closed for an integer.
    """
    if interval is not None:
        low, high = (sp.nsimplify(end, rational=True) for end in interval)
        return Bounds(low, high, not symbol.is_integer, not symbol.is_integer)
    known = symbols.range_of(symbol)
    low, high = (sp.nsimplify(end, rational=True) for end in (known.lower, known.upper))
    return Bounds(low, high, known.lower_open, known.upper_open)


def fits(atom: sp.Expr, value: sp.Expr) -> bool:
    r"""Say whether a number has all that a symbol or element assumes: positive, even, ..."""
    for kind in _KINDS:
        wanted = getattr(atom, f"is_{kind}")
        if wanted is not None and getattr(value, f"is_{kind}") not in (wanted, None):
            return False
    return True


def values(symbol: sp.Symbol, within: Bounds, claim: sp.Basic) -> list[sp.Expr]:
    r"""Return the values of one symbol at which claims tend to fail, those of its range only."""
    tried = [sp.Integer(v) for v in _SMALL] + _constants(claim)
    tried += [end for end in (within.low, within.high) if end.is_finite]
    if symbol.is_integer:
        tried += [sp.Integer(sign * v) for v in _WHOLE for sign in (1, -1)]
        tried += [end + k for end in tried[-2:] if end.is_finite for k in (1, -1)]
        if _written_out(claim):
            tried = [v for v in tried if abs(v) <= _SUMMED]
        tried.sort(key=abs)  # the plainest counterexample first
    else:
        half = sp.Rational(1, 2)
        magnitudes = [sp.Integer(10) ** (s * p) for p in _POWERS for s in (1, -1)]
        tried += [sign * v for v in (half, *magnitudes) for sign in (1, -1)]
        if claim.has(TrigonometricFunction):
            tried += [k * sp.pi / 2 for k in (1, -1, 2, -2)]
        width = within.high - within.low
        near = _NEAR * (width if width.is_finite else 1)
        tried += [end + s * near for end in (within.low, within.high) if end.is_finite
                  for s in (1, -1)]  # fmt: skip
    return [v for v in dict.fromkeys(tried) if within.has(v) and fits(symbol, v)]


def _constants(claim: sp.Basic) -> list[sp.Expr]:
    r"""Return the numbers of a claim, and their opposites: |x - 7| is special at 7."""
    found = [
        node
        for node in sp.preorder_traversal(claim)
        if isinstance(node, sp.Expr) and node.is_number and node.is_real and node.is_finite
    ]
    return [sign * value for value in list(dict.fromkeys(found))[:10] for sign in (1, -1)]


def _written_out(claim: sp.Basic) -> bool:
    return claim.has(sp.Sum, sp.Product, sp.Integral, sp.Derivative, sp.Indexed)


def special(
    claim: sp.Basic, ranges: Mapping[sp.Symbol, Bounds], rng: random.Random
) -> Iterator[dict[sp.Symbol, sp.Expr]]:
    r"""Yield points, most of them partial: what they leave open is drawn at random.

    Parameters
    ----------
    claim : sympy.Rel
        The claim.
    ranges : mapping of Symbol to Bounds
        Its symbols.
    rng : random.Random
        Chooses the last ones.
    """
    tried = {symbol: values(symbol, within, claim) for symbol, within in ranges.items()}
    for symbol, those in tried.items():
        for value in those:
            yield {symbol: value}
    if len(tried) < 2:
        return
    # All equal, opposite, or reciprocal: where a difference, a sum or a product is special.
    partners = (lambda v: v, lambda v: -v, lambda v: 1 / v if v else v)
    for value in dict.fromkeys(v for those in tried.values() for v in those):
        for partner in partners:
            point = {
                symbol: partner(value) if index % 2 else value for index, symbol in enumerate(tried)
            }
            if all(ranges[s].has(v) and fits(s, v) for s, v in point.items()):
                yield point
    if all(tried.values()):
        for _ in range(40):
            yield {symbol: rng.choice(those) for symbol, those in tried.items()}


def meeting(
    claim: sp.Basic, symbol: sp.Symbol, point: Mapping[sp.Symbol, sp.Expr], within: Bounds
) -> list[sp.Expr]:
    r"""Return values of one symbol where the sides of a claim are equal, between and beyond them.

    A claim whose sides are rational functions of the symbol can change nowhere else. Of other
    claims these are the points where a sum in them is zero: the corner of an absolute value.
    """
    others = {s: v for s, v in point.items() if s != symbol}
    left, right = (sp.nsimplify(e.subs(others), rational=True) for e in (claim.lhs, claim.rhs))
    sums = [left - right]
    for node in sp.preorder_traversal(left - right):
        if node.is_Relational:
            sums.append(node.lhs - node.rhs)
        elif isinstance(node, sp.Add):
            sums.append(node)
    roots = {root for expr in dict.fromkeys(sums) for root in _roots(expr, symbol)}
    near = sorted(sp.Rational(str(root.evalf(40))) for root in roots)
    if symbol.is_integer:
        tried = [sp.floor(v) + k for v in near for k in (-1, 0, 1, 2)]
    elif near:
        between = [(a + b) / 2 for a, b in pairwise(near)]
        tried = [*roots, *between, near[0] - 1, near[-1] + 1]
    else:
        tried = []
    return [v for v in dict.fromkeys(tried) if within.has(v) and fits(symbol, v)]


def _roots(expr: sp.Expr, symbol: sp.Symbol) -> set[sp.Expr]:
    r"""Return the real zeros and poles of a rational function of one symbol."""
    if expr.free_symbols != {symbol} or not expr.is_rational_function(symbol):
        return set()
    numerator, denominator = sp.fraction(sp.together(expr))
    polynomial = sp.Poly(numerator * denominator, symbol)
    if not (polynomial.domain.is_QQ or polynomial.domain.is_ZZ):
        return set()
    return set(polynomial.real_roots()) if 0 < polynomial.degree() <= 12 else set()


def _always(value: sp.Expr, index: Any) -> sp.Expr:
    return value


def elements(rng: random.Random) -> Iterator[Element]:
    r"""Yield ways to choose the elements of an indexed quantity, or values of unknown functions."""
    for value in (0, 1, -1, 10**9, sp.Rational(1, 10**9)):
        yield partial(_always, sp.sympify(value))
    yield lambda index: sp.Integer(index == 0)
    yield lambda index: sp.Integer((-1) ** index)
    yield lambda index: sp.Integer(10) ** rng.randint(-9, 9) * rng.choice((1, -1))


def element(atom: sp.Expr, rng: random.Random) -> sp.Rational | None:
    r"""Draw a value of an element; None where nothing drawn has what it assumes."""
    for attempt in range(200):
        number = rng.randint(-96, 96)
        value = sp.Rational(number, 1 if attempt % 2 else 31)
        if fits(atom, value):
            return value
    return None


def manageable(expr: sp.Basic, point: Mapping[sp.Symbol, sp.Expr]) -> bool:
    r"""Say whether an expression can be evaluated exactly at a point: no astronomical powers.

    Exponents are looked at from the inside out, so that none is evaluated before its own are.
    """
    digits = max((_digits(v) for v in point.values()), default=1)
    for node in sp.postorder_traversal(expr):
        if isinstance(node, (AppliedUndef, *_TAME)) or not node.free_symbols & set(point):
            continue
        if node.is_Pow:
            arguments, cost = [node.exp], digits
        elif isinstance(node, sp.Function):
            arguments, cost = node.args, 20
        else:
            continue
        for argument in arguments:
            size = argument.subs(point)
            if argument.is_number or not size.is_number:
                continue
            size = abs(size.evalf(10))
            if not size.is_finite or size > _EXPONENT or size * cost > _DIGITS:
                return False
    return True


def _digits(value: sp.Expr) -> int:
    if not value.is_Rational:
        return 20
    return max(len(str(abs(value.p))), len(str(value.q)))
