r"""`check_expression`: an answer that is a formula, in whatever form it is written."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

from optedu import symbols as notation
from optedu import validate
from optedu.exercise import evaluation, safe_expr
from optedu.exercise.report import CheckFailed, Report

__all__ = ["check_expression"]

POINTS = 48
TOLERANCE = 1e-8


def check_expression(
    answer: Any,
    expected: Any,
    *,
    name: str = "answer",
    variables: Mapping[str, tuple[float, float]] | None = None,
    tolerance: float = TOLERANCE,
) -> Report:
    r"""Compare a formula with the expected one; any equivalent form is right.

    Both are evaluated at random points of the domain. Two formulas of this course that agree at
    all of them, to eight digits, are equal.

    Parameters
    ----------
    answer : sympy expression, number or str
        The student's. Symbols are matched by their names; text is parsed and never run.
    expected : sympy expression, number or str
        The right one, a matrix included.
    name : str
        How the message calls the answer.
    variables : mapping of str to (float, float), optional
        Where to compare: `(low, high)`, finite. A variable that is not given is taken from the
        notation table of `optedu.symbols`, or else from the assumptions of its symbol in
        `expected`.
    tolerance : float
        Relative difference that is still equal, nonnegative; for numbers read off an experiment.

    Returns
    -------
    Report
        What was compared.

    Raises
    ------
    CheckFailed
        If they differ; the text says for which values, and names a sign, a factor, a reciprocal,
        a power or a shift of `t` where that is all.
    TypeError, ValueError
        If another argument than `answer` has a wrong kind or range, or `expected` has no finite
        value where they are compared.

    Examples
    --------
    >>> import sympy
    >>> t, beta2 = sympy.symbols("t beta2")
    >>> print(optedu.check_expression("beta2**t*(beta2**(-t) - 1)", 1 - beta2**t, name="weights"))
    weights: all right.
      ok  equal for beta2 in (0, 1) and t in 1, 2, 3, ...
    """
    validate.text("name", name)
    tolerance = validate.nonnegative("tolerance", tolerance)
    variables = _ranges(variables)
    right = _expected(expected)
    given = _answer(answer, name, right)
    shape = _shape(right)
    if _shape(given) != shape:
        raise CheckFailed(
            f"{name}: your answer is {_kind(_shape(given))}; {_kind(shape)} is expected.", name=name
        )
    domain = [_variable(s, variables) for s in _free(right, variables)]
    given = _renamed(given, domain, name)
    for label, one, other in _elements(name, given, right):
        _compare(label, one, other, domain, tolerance)
    where = " and ".join(str(v) for v in domain)
    return Report(name, (f"equal for {where}" if where else "the number is right",))


# -- reading the answer ----------------------------------------------------------------------


def _expected(expected: Any) -> Any:
    try:
        if isinstance(expected, str):
            right = safe_expr.parse(expected)
        else:
            right = sympy.sympify(expected, strict=True)
    except safe_expr.ExpressionError as error:
        raise ValueError(f"expected must be an expression: {error}") from None
    except sympy.SympifyError:
        right = None
    if not isinstance(right, Expr | sympy.MatrixBase):
        raise TypeError(f"expected must be a SymPy expression, number or text, got {expected!r}")
    return right


def _ranges(variables: Any) -> dict[str, tuple[float, float]]:
    if variables is None:
        return {}
    if not isinstance(variables, Mapping):
        raise TypeError(f"variables must be a mapping of names, got {variables!r}")
    return {
        validate.text("variables", name): validate.interval(
            f"variables[{name!r}]", ends, point=True
        )
        for name, ends in variables.items()
    }


def _answer(answer: Any, name: str, right: Any) -> Any:
    if answer is None or answer is Ellipsis:
        raise CheckFailed(f"{name}: there is no answer yet (it is {answer!r}).", name=name)
    if isinstance(answer, str):
        if not answer.strip():
            raise CheckFailed(f"{name}: there is no answer yet (the text is empty).", name=name)
        try:
            answer = safe_expr.parse(answer)
        except safe_expr.ExpressionError as error:
            raise CheckFailed(f"{name}: {error}.", name=name) from None
    # A Symbol is a Boolean too, for SymPy: what is no expression is meant.
    if isinstance(answer, bool) or (
        isinstance(answer, sympy.logic.boolalg.Boolean) and not isinstance(answer, Expr)
    ):
        raise CheckFailed(
            f"{name}: your answer is a relation, {answer}; give the expression on its right-hand "
            "side alone.",
            name=name,
        )
    if isinstance(answer, Expr | sympy.MatrixBase):
        return answer
    if isinstance(answer, Number | np.number) or getattr(answer, "shape", None) == ():
        return sympy.sympify(complex(answer) if np.iscomplexobj(answer) else float(answer))
    kind = "a function" if callable(answer) else f"of type {type(answer).__name__}"
    raise CheckFailed(
        f"{name}: your answer is {kind}; give a SymPy expression, a number, or a formula as text.",
        name=name,
    )


def _free(right: Any, variables: Mapping[str, Any]) -> list[Symbol]:
    known = {s.name: s for s in right.free_symbols}
    for name in variables:
        known.setdefault(name, Symbol(name))
    return [known[name] for name in sorted(known)]


def _renamed(given: Any, domain: Sequence[_Variable], name: str) -> Any:
    r"""Put the expected symbols in place of the student's, which may have other assumptions."""
    wanted = {v.symbol.name: v.symbol for v in domain}
    mapping = {}
    for symbol in given.free_symbols:
        if symbol.name not in wanted:
            near = difflib.get_close_matches(symbol.name, wanted, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            names = ", ".join(wanted) or "none: a number is expected"
            raise CheckFailed(
                f"{name}: your answer uses {symbol.name}{hint}. It may use {names}.", name=name
            )
        mapping[symbol] = wanted[symbol.name]
    return given.xreplace(mapping)


def _shape(value: Any) -> tuple[int, ...] | None:
    return value.shape if isinstance(value, sympy.MatrixBase) else None


def _kind(shape: tuple[int, ...] | None) -> str:
    return "one expression" if shape is None else f"a {shape[0]} x {shape[1]} matrix"


def _elements(name: str, given: Any, right: Any) -> list[tuple[str, Expr, Expr]]:
    if _shape(right) is None:
        return [(name, given, right)]
    rows, columns = right.shape
    return [
        (f"{name}[{i}, {j}]", given[i, j], right[i, j]) for i in range(rows) for j in range(columns)
    ]


# -- where to compare ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Variable:
    symbol: Symbol
    low: float
    high: float
    integer: bool

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.symbol.name} = {self.low:g}"
        if self.integer:
            start = math.ceil(self.low)
            return f"{self.symbol.name} in {start}, {start + 1}, {start + 2}, ..."
        return f"{self.symbol.name} in ({self.low:g}, {self.high:g})"

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        if self.integer:
            return rng.integers(math.ceil(self.low), math.floor(self.high) + 1, size=POINTS) * 1.0
        return rng.uniform(self.low, self.high, size=POINTS)


def _variable(symbol: Symbol, variables: Mapping[str, tuple[float, float]]) -> _Variable:
    row = notation.TABLE.get(symbol.name)
    integer = bool(symbol.is_integer or (row and row.symbol.is_integer))
    if symbol.name in variables:
        low, high = variables[symbol.name]
        if integer and math.ceil(low) > math.floor(high):
            raise ValueError(
                f"variables[{symbol.name!r}] must hold a whole number, got ({low}, {high})"
            )
        return _Variable(symbol, low, high, integer)
    if row:
        low, high = row.lower, row.upper
    else:
        low = 0.0 if symbol.is_nonnegative else -math.inf
        high = 0.0 if symbol.is_nonpositive else math.inf
    # An endless range is cut where powers and exponentials are still of ordinary size.
    if integer:
        low = low if math.isfinite(low) else -5
        return _Variable(symbol, low, min(high, low + 8), integer)
    low = low if math.isfinite(low) else min(-3.0, high - 3)
    return _Variable(symbol, low, high if math.isfinite(high) else max(3.0, low + 3), integer)


# -- comparing -------------------------------------------------------------------------------


def _compare(
    name: str, given: Expr, right: Expr, domain: Sequence[_Variable], tolerance: float
) -> None:
    rng = np.random.default_rng(2718)
    points = {v.symbol: v.sample(rng) for v in domain}
    mine = _values(right, points)
    try:
        theirs = _values(given, points)
    except evaluation.EvaluationError as error:
        raise CheckFailed(f"{name}: {error}.", name=name) from None
    inside = np.isfinite(mine)
    if not np.any(inside):
        raise ValueError(f"expected: {right} has no value at any point of the domain")
    equal = _equal(theirs, mine, tolerance) | ~inside
    if np.all(equal):
        return
    hint = _hint(given, right, theirs, mine, points, domain, inside, tolerance)
    text = [f"{name}: your answer is not equal to the expected one.", ""]
    if hint:
        text += [hint, ""]
    text += _example(theirs, mine, points, equal)
    text += _where(points, domain, equal, inside)
    raise CheckFailed("\n".join(text), name=name)


def _values(expression: Expr, points: Mapping[Symbol, np.ndarray]) -> np.ndarray:
    return np.broadcast_to(evaluation.evaluate(expression, points), (POINTS,))


def _equal(one: np.ndarray, other: np.ndarray, tolerance: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(one), np.abs(other))
        close = np.abs(one - other) <= tolerance * size + 1e-13
    return close & np.isfinite(one) & np.isfinite(other)


def _example(
    theirs: np.ndarray, mine: np.ndarray, points: Mapping[Symbol, np.ndarray], equal: np.ndarray
) -> list[str]:
    # The plainest counterexample: the one with the smallest numbers.
    size = sum((np.abs(values) for values in points.values()), np.zeros(POINTS))
    index = int(np.argmin(np.where(equal, np.inf, size)))
    at = ", ".join(f"{s.name} = {values[index]:.4g}" for s, values in points.items())
    lines = [f"At {at}:"] if at else []
    return [
        *lines,
        f"    your answer  {_number(theirs[index])}",
        f"    expected     {_number(mine[index])}",
    ]


def _number(value: complex) -> str:
    if not np.isfinite(value):
        return "no finite value"
    if abs(value.imag) > 1e-12 * abs(value):
        return f"{value:.6g}"
    return f"{value.real:.8g}"


def _where(
    points: Mapping[Symbol, np.ndarray],
    domain: Sequence[_Variable],
    equal: np.ndarray,
    inside: np.ndarray,
) -> list[str]:
    r"""Say for which values they agree and for which they do not."""
    for variable in domain:
        if not variable.integer:
            continue
        values = points[variable.symbol][inside]
        agree = {int(v) for v in np.unique(values) if np.all(equal[inside][values == v])}
        differ = {int(v) for v in np.unique(values)} - agree
        if agree and differ:
            return [
                f"They agree for {variable.symbol.name} = {', '.join(map(str, sorted(agree)))} and "
                f"differ for {variable.symbol.name} = {', '.join(map(str, sorted(differ)))}."
            ]
    good = int(np.sum(equal & inside))
    if good and points:
        return [f"They agree at {good} of {int(np.sum(inside))} points of the domain."]
    return []


def _hint(
    given: Expr,
    right: Expr,
    theirs: np.ndarray,
    mine: np.ndarray,
    points: Mapping[Symbol, np.ndarray],
    domain: Sequence[_Variable],
    inside: np.ndarray,
    tolerance: float,
) -> str | None:
    def matches(values: np.ndarray) -> bool:
        fine = inside & np.isfinite(values)
        return bool(np.any(fine)) and bool(np.all(_equal(theirs, values, tolerance)[fine]))

    with np.errstate(all="ignore"):
        plain: list[tuple[str, np.ndarray]] = [
            ("it has the wrong sign", -mine),
            ("it is the reciprocal of the expected one", 1 / mine),
            ("it is 1 minus the expected one", 1 - mine),
            ("it is the square of the expected one", mine**2),
            ("it is the square root of the expected one", np.sqrt(mine)),
        ]
    for text, values in plain:
        if matches(values):
            return f"Your answer is close: {text}."
    for text, mapping in _substitutions(domain):
        changed = right.subs(mapping, simultaneous=True)
        if matches(_values(changed, points)):
            return f"Your answer is close: {text}."
    missing = [v.symbol.name for v in domain if v.symbol in right.free_symbols - given.free_symbols]
    factor = _constant(theirs, mine, inside, np.divide)
    varies = bool(right.free_symbols)
    if varies and factor is not None:
        return f"Your answer is close: it is {_number(factor)} times the expected one."
    shift = _constant(theirs, mine, inside, np.subtract)
    if varies and shift is not None:
        return f"Your answer is close: it is the expected one plus {_number(shift)}."
    if missing:
        return f"Your answer does not depend on {', '.join(missing)}; the expected one does."
    return None


def _substitutions(domain: Sequence[_Variable]) -> list[tuple[str, dict[Symbol, Any]]]:
    by_name = {v.symbol.name: v.symbol for v in domain}
    found: list[tuple[str, dict[Symbol, Any]]] = []
    for variable in domain:
        if variable.integer:
            s = variable.symbol
            found.append((f"it has {s.name} - 1 where {s.name} belongs", {s: s - 1}))
            found.append((f"it has {s.name} + 1 where {s.name} belongs", {s: s + 1}))
    if {"beta1", "beta2"} <= set(by_name):
        one, two = by_name["beta1"], by_name["beta2"]
        found.append(("beta1 and beta2 are exchanged", {one: two, two: one}))
    return found


def _constant(
    theirs: np.ndarray,
    mine: np.ndarray,
    inside: np.ndarray,
    operation: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> complex | None:
    with np.errstate(all="ignore"):
        values = operation(theirs, mine)[inside & np.isfinite(theirs) & (np.abs(mine) > 1e-12)]
    if values.size < 2 or not np.all(np.isfinite(values)):
        return None
    spread = np.max(np.abs(values - values[0]))
    size = np.max(np.abs(theirs[inside]))
    if spread > 1e-7 * min(abs(values[0]), size) or abs(values[0]) < 1e-9:
        return None
    return complex(values[0])
