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
from optedu.exercise import evaluation
from optedu.exercise.report import CheckFailed, Report
from optedu.safe_expr import reader

__all__ = ["check_expression"]

POINTS = 48
TOLERANCE = 1e-8
CANCELLATION = 1e-13
r"""Most that rounding may excuse, where terms of a formula cancel."""
SLIPS = 12
r"""Powers of the expected formula in which a slip is looked for."""


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
        What was compared. Where a variable has one value only, it says that this is one case.

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
    >>> print(optedu.check_expression("beta2**2", beta2**t, name="p", variables={"t": (2, 2)}))
    p: right in this case; other values are tried when you hand in.
      ok  equal for beta2 in (0, 1) and t = 2
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
    lines = (f"equal for {where}" if where else "the number is right",)
    special = any(v.low == v.high for v in domain)
    but = ""
    if special and not given.free_symbols:
        names = " or ".join(_in_python(v.symbol) for v in domain)
        but = (
            f"there is no {names} in your answer: where a formula is asked for, run the cell that "
            "makes the symbols again, then your own"
        )
    return Report(name, lines, special, but)


# -- reading the answer ----------------------------------------------------------------------


def _expected(expected: Any) -> Any:
    try:
        if isinstance(expected, str):
            right = reader.parse(expected)
        else:
            right = sympy.sympify(expected, strict=True)
    except reader.ExpressionError as error:
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
            answer = reader.parse(answer)
        except reader.ExpressionError as error:
            raise CheckFailed(f"{name}: {error}.", name=name) from None
    if isinstance(answer, sympy.Xor):  # SymPy takes beta ^ t of two symbols for logic
        raise CheckFailed(f"{name}: ^ is no power in Python: write ** for a power.", name=name)
    # A Symbol is a Boolean too, for SymPy: what is no expression is meant.
    if isinstance(answer, bool) or (
        isinstance(answer, sympy.logic.boolalg.Boolean) and not isinstance(answer, Expr)
    ):
        raise CheckFailed(
            f"{name}: your answer is a relation, {answer}; give the expression on its right-hand "
            "side alone.",
            name=name,
        )
    if isinstance(answer, sympy.MatrixExpr) and _explicit(answer):
        answer = answer.as_explicit()
    if isinstance(answer, Expr | sympy.MatrixBase):
        return answer
    if isinstance(answer, Number | np.number) or getattr(answer, "shape", None) == ():
        try:
            return sympy.sympify(complex(answer) if np.iscomplexobj(answer) else float(answer))
        except OverflowError:
            message = f"{name}: your answer is too large for a number."
            raise CheckFailed(message, name=name) from None
        except (TypeError, ValueError):  # an array of one object is no number
            pass
    kind = "a function" if callable(answer) else f"of type {type(answer).__name__}"
    raise CheckFailed(
        f"{name}: your answer is {kind}; give a SymPy expression, a number, or a formula as text.",
        name=name,
    )


def _explicit(matrix: Any) -> bool:
    r"""Whether a product of matrices that is not carried out yet can be."""
    return all(isinstance(n, int | sympy.Integer) and n <= 100 for n in matrix.shape)


def _free(right: Any, variables: Mapping[str, Any]) -> list[Symbol]:
    known = {s.name: s for s in right.free_symbols}
    for name in variables:
        known.setdefault(name, Symbol(name))
    return [known[name] for name in sorted(known)]


def _in_python(symbol: Symbol) -> str:
    r"""Return the symbol's name as programs write it: lambda is a word of Python."""
    return "lam" if symbol.name == "lambda" else symbol.name


def _renamed(given: Any, domain: Sequence[_Variable], name: str) -> Any:
    r"""Put the expected symbols in place of the student's, which may have other assumptions."""
    known = {_in_python(v.symbol): v.symbol for v in domain}
    # Two of one name, with other assumptions, are one to who wrote them.
    used = {symbol: _in_python(symbol) for symbol in given.free_symbols}
    strange = sorted(set(used.values()) - known.keys())
    if strange:
        near = difflib.get_close_matches(strange[0], known, n=1) if len(strange) == 1 else []
        hint = f" (did you mean {near[0]}?)" if near else ""
        names = ", ".join(known) or "none: a number is expected"
        raise CheckFailed(
            f"{name}: your answer uses {' and '.join(strange)}{hint}. It may use {names}.",
            name=name,
        )
    return given.xreplace({symbol: known[name] for symbol, name in used.items()})


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
        if not self.integer:
            return rng.uniform(self.low, self.high, size=POINTS)
        low, high = math.ceil(self.low), math.floor(self.high)
        drawn = rng.integers(low, high + 1, size=8 * POINTS)
        admitted = {n for n in set(drawn.tolist()) if notation.admits(self.symbol, n)}
        fitting = [n for n in drawn if int(n) in admitted]
        if not fitting:  # the range was asked for, whatever the symbol assumes
            fitting = list(drawn)
        return np.resize(np.array(fitting[:POINTS], dtype=float), POINTS)


def _variable(symbol: Symbol, variables: Mapping[str, tuple[float, float]]) -> _Variable:
    known = notation.range_of(symbol, by_name=True)
    low, high, integer = known.lower, known.upper, known.integer
    if symbol.name in variables:
        low, high = variables[symbol.name]
        if integer and math.ceil(low) > math.floor(high):
            raise ValueError(
                f"variables[{symbol.name!r}] must hold a whole number, got ({low}, {high})"
            )
        return _Variable(symbol, low, high, integer)
    # An endless range is cut where powers and exponentials are still of ordinary size.
    if integer:
        low = low if math.isfinite(low) else min(-5, high - 8)
        return _Variable(symbol, low, min(high, low + 8), integer)
    low = low if math.isfinite(low) else min(-3.0, high - 3)
    return _Variable(symbol, low, high if math.isfinite(high) else max(3.0, low + 3), integer)


# -- comparing -------------------------------------------------------------------------------


def _compare(
    name: str, given: Expr, right: Expr, domain: Sequence[_Variable], tolerance: float
) -> None:
    rng = np.random.default_rng(2718)
    points = {v.symbol: v.sample(rng) for v in domain}
    mine, slack = _values(right, points)
    try:
        theirs, other = _values(given, points)
    except evaluation.EvaluationError as error:
        raise CheckFailed(f"{name}: {error}.", name=name) from None
    inside = np.isfinite(mine)
    if not np.any(inside):
        raise ValueError(f"expected: {right} has no value at any point of the domain")
    comparison = _Comparison(theirs, mine, slack + other, inside, tolerance)
    equal = comparison.equal(mine) | ~inside
    if np.all(equal):
        return
    hint = _hint(given, right, comparison, points, domain)
    text = [f"{name}: your answer is not equal to the expected one.", ""]
    if hint:
        text += [hint, ""]
    text += _example(theirs, mine, points, equal)
    text += _where(points, domain, equal, inside)
    raise CheckFailed("\n".join(text), name=name)


def _values(expression: Expr, points: Mapping[Symbol, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    value, error = evaluation.bounded(expression, points)
    return np.broadcast_to(value, (POINTS,)), np.broadcast_to(error, (POINTS,))


@dataclass(frozen=True)
class _Comparison:
    r"""The values of the answer and of the expected formula at the points of the domain."""

    theirs: np.ndarray
    mine: np.ndarray
    slack: np.ndarray
    inside: np.ndarray
    tolerance: float

    def equal(self, values: np.ndarray) -> np.ndarray:
        r"""Say at which points the answer has these values."""
        with np.errstate(all="ignore"):
            size = np.maximum(np.abs(self.theirs), np.abs(values))
            # No fixed floor: 2**-53 is not 2**-52. Where terms cancel, what rounding explains is
            # no difference, as long as it is small; nobody may hide an answer behind 1e30 - 1e30.
            allowed = self.tolerance * size + np.minimum(self.slack, CANCELLATION)
            close = np.abs(self.theirs - values) <= allowed
        return close & np.isfinite(self.theirs) & np.isfinite(values)

    def matches(self, values: np.ndarray) -> bool:
        r"""Say whether the answer is this at every point, also where it has no finite value."""
        here = self.inside
        with np.errstate(all="ignore"):
            neither = ~np.isfinite(self.theirs) & ~np.isfinite(values)
        same = (self.equal(values) | neither)[here]
        return bool(np.all(same)) and not bool(np.all(neither[here]))

    def varies(self) -> bool:
        r"""Say whether the expected formula has more than one value in the domain."""
        mine = self.mine[self.inside]
        return bool(np.any(np.abs(mine - mine[0]) > 1e-6 * np.max(np.abs(mine))))

    def constant(self, operation: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> complex | None:
        r"""Return what the operation gives where the expected formula is largest."""
        with np.errstate(all="ignore"):
            values = operation(self.theirs, self.mine)
        usable = self.inside & np.isfinite(values)
        if not np.any(usable):
            return None
        return complex(values[int(np.argmax(np.where(usable, np.abs(self.mine), -1.0)))])


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
        # Agreement at one large t may be the tolerance: beta**t has died away there.
        if agree and differ and min(agree) < min(differ):
            agree = {v for v in agree if v < min(differ)}
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
    comparison: _Comparison,
    points: Mapping[Symbol, np.ndarray],
    domain: Sequence[_Variable],
) -> str | None:
    r"""Name what relates the two at every point of the domain.

    Any two numbers are a factor apart: where the expected formula has one value in all of the
    domain, only a sign and a reciprocal say something.
    """
    mine = comparison.mine
    if comparison.matches(-mine) and np.any(mine[comparison.inside] != 0):
        return "Your answer is close: it has the wrong sign."
    with np.errstate(all="ignore"):
        if comparison.matches(1 / mine):
            return "Your answer is close: it is the reciprocal of the expected one."
        if not comparison.varies():
            return None
        plain: list[tuple[str, np.ndarray]] = [
            ("it is 1 minus the expected one", 1 - mine),
            ("it is the square of the expected one", mine**2),
            ("it is the square root of the expected one", np.sqrt(mine)),
        ]
    for text, values in plain:
        if comparison.matches(values):
            return f"Your answer is close: {text}."
    for text, changed in _changes(right, domain):
        try:
            values, _ = _values(changed, points)
        except evaluation.EvaluationError:
            continue
        if comparison.matches(values):
            return f"Your answer is close: {text}."
    # Where a variable has one value, it may stand in what looks like a constant.
    special = any(v.low == v.high for v in domain)
    factor = None if special else comparison.constant(np.divide)
    if factor is not None and _says(factor, 1) and comparison.matches(factor * mine):
        return f"Your answer is close: it is {_number(factor)} times the expected one."
    shift = None if special else comparison.constant(np.subtract)
    if shift is not None and _says(shift, 0) and comparison.matches(mine + shift):
        return f"Your answer is close: it is the expected one plus {_number(shift)}."
    missing = [v.symbol.name for v in domain if v.symbol in right.free_symbols - given.free_symbols]
    if missing:
        return f"Your answer does not depend on {', '.join(missing)}; the expected one does."
    return None


def _says(value: complex, nothing: float) -> bool:
    r"""Whether a factor or a shift is one: "it is 1 times the expected one" helps nobody."""
    return abs(value) > 1e-9 and _number(value) != _number(nothing)


def _changes(right: Expr, domain: Sequence[_Variable]) -> list[tuple[str, Expr]]:
    r"""The expected formula with one slip of the pen in it, and what to say of the slip."""
    by_name = {v.symbol.name: v.symbol for v in domain}
    found: list[tuple[str, Expr]] = []

    def exchanged(text: str, mapping: dict[Any, Any]) -> None:
        found.append((text, right.subs(mapping, simultaneous=True)))

    for variable in domain:
        if variable.integer:
            s = variable.symbol
            exchanged(f"it has {s.name} - 1 where {s.name} belongs", {s: s - 1})
            exchanged(f"it has {s.name} + 1 where {s.name} belongs", {s: s + 1})
    if {"beta1", "beta2"} <= set(by_name):
        one, two = by_name["beta1"], by_name["beta2"]
        exchanged("beta1 and beta2 are exchanged", {one: two, two: one})
    powers = sorted(right.atoms(sympy.Pow), key=sympy.default_sort_key)
    powers = [p for p in powers if p.exp.free_symbols or (p.exp.is_Integer and p.exp > 1)]
    for power in powers[:SLIPS]:
        found.append((
            f"it has {power.base}*{power.exp} where {power} belongs, a power is written **",
            right.xreplace({power: power.base * power.exp}),
        ))  # fmt: skip
        if right.has(1 - power):
            slip = (1 - power.base) ** power.exp
            found.append((
                f"it has ({1 - power.base})**{power.exp} where {1 - power} belongs: "
                "the power is of the base alone",
                right.xreplace({1 - power: slip}),
            ))  # fmt: skip
    return found
