r"""What the author of a step wrote, in the author's order of terms and factors.

SymPy sorts: of ``(1 - beta) * g`` and ``g * (1 - beta)`` it makes one object. The order is in the
source alone, so the argument of the call is read there and typeset as it stands. Each part is
evaluated along the way, and the whole is shown only if it is the very expression that was handed
over and checked. Whatever cannot be read (no source, a call of the author's own functions, a
comprehension) is printed in the order of `optedu.latex`.
"""

from __future__ import annotations

import ast
import linecache
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import FrameType
from typing import Any

import sympy as sp
from sympy.core.function import Application

from optedu.latex import RELATIONS, latex, pieces
from optedu.symbols import Quantity

__all__ = ["argument", "shown"]

# How tightly a formula holds together, from loose to tight.
_LOOSE, _SUM, _MINUS, _PRODUCT, _FRACTION, _POWER, _ATOM = range(7)

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_SIGNS = {ast.Lt: sp.Lt, ast.LtE: sp.Le, ast.Gt: sp.Gt, ast.GtE: sp.Ge}
# What a formula may call: it is called again, so it must do nothing but return.
_PURE = ("concrete", "core", "functions", "integrals", "matrices", "polys", "series", "simplify")


class _Unreadable(Exception):
    """The source says it in a way that is not typeset."""


@dataclass(frozen=True)
class _Formula:
    r"""LaTeX of a part, its value, and how tightly it holds together.

    Attributes
    ----------
    terms : tuple of str
        One for each term of a sum, all but the first with a sign; of an equation, its pieces.
    open_end : str
        The factor at its end under whose sum sign what follows would seem to stand.
    grouped : bool
        Whether it is an operation that is written out, so that the author set the brackets.
    """

    terms: tuple[str, ...]
    value: Any
    level: int
    open_end: str = ""
    grouped: bool = False

    @property
    def text(self) -> str:
        return " ".join(self.terms)

    @property
    def bracketed(self) -> str:
        return rf"\left({self.text}\right)"

    @property
    def closed(self) -> str:
        """With brackets where another factor follows."""
        if self.level <= _SUM:
            return self.bracketed
        if not self.open_end:
            return self.text
        return rf"{self.text.removesuffix(self.open_end)}\left({self.open_end}\right)"

    @property
    def is_plain(self) -> bool:
        """Whether Python computes with it, before SymPy sees it: 1/2 is 0.5."""
        return isinstance(self.value, int | float)


def argument(frame: FrameType | None, position: int, keyword: str) -> ast.expr | None:
    r"""Return the source of an argument of the call that a frame is at, None if there is none.

    Parameters
    ----------
    frame : frame
        Of the caller.
    position : int
        Of the argument in the call; -1 for one that is given by keyword only.
    keyword : str
        Its name.
    """
    call = None if frame is None else _call(frame)
    if call is None or any(isinstance(given, ast.Starred) for given in call.args):
        return None
    if 0 <= position < len(call.args):
        return call.args[position]
    return next((given.value for given in call.keywords if given.arg == keyword), None)


def _call(frame: FrameType) -> ast.Call | None:
    code = frame.f_code
    at = next(islice(code.co_positions(), frame.f_lasti // 2, None), (None,) * 4)
    lines = linecache.getlines(code.co_filename, frame.f_globals)
    # A call has a closing bracket of its own. It begins where the chain of calls before it does.
    return _calls("".join(lines)).get((at[1], at[3]))


@lru_cache(maxsize=32)
def _calls(source: str) -> dict[tuple[Any, Any], ast.Call]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    return {
        (node.end_lineno, node.end_col_offset): node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }


def shown(value: Any, source: ast.expr | None, frame: FrameType | None) -> list[str]:
    r"""LaTeX of what is checked, in the author's order where the source tells it.

    Parameters
    ----------
    value : sympy.Basic
        What is checked.
    source : ast.expr or None
        What the author wrote; see :func:`argument`.
    frame : frame
        Where the names of the source have their values.

    Returns
    -------
    list of str
        Pieces between which a narrow page may break the line.
    """
    if source is None or frame is None:
        return pieces(value)
    try:
        formula = _Reader(frame).formula(source)
        same = sp.sympify(formula.value) == sp.sympify(value)
    except Exception:  # names that are gone, calls that fail: whatever it is, SymPy's order will do
        return pieces(value)
    if not same:
        return pieces(value)
    first, *rest = formula.terms
    # The empty group makes the sign a binary one, with its space.
    return [first, *("{}" + term if term[0] in "+-" else term for term in rest)]


class _Reader:
    def __init__(self, frame: FrameType) -> None:
        self._spaces = (frame.f_locals, frame.f_globals, frame.f_builtins)

    # -- values ------------------------------------------------------------------------------------

    def value(self, node: ast.expr) -> Any:
        """Evaluate what does nothing but name a value."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return next(space[node.id] for space in self._spaces if node.id in space)
            case ast.Attribute():
                return getattr(self.value(node.value), node.attr)
            case ast.Subscript():
                return self.value(node.value)[self.value(node.slice)]
            case ast.Tuple():
                return tuple(map(self.value, node.elts))
            case ast.List():
                return list(map(self.value, node.elts))
            case ast.Dict() if None not in node.keys:
                keys = [self.value(key) for key in node.keys if key is not None]
                return dict(zip(keys, map(self.value, node.values), strict=True))
            case ast.UnaryOp() if type(node.op) in _OPERATORS:
                return _OPERATORS[type(node.op)](self.value(node.operand))
            case ast.BinOp() if type(node.op) in _OPERATORS:
                return _OPERATORS[type(node.op)](self.value(node.left), self.value(node.right))
            case ast.Call():
                function = self._function(node)
                return function(*map(self.value, node.args), **self._keywords(node))
        raise _Unreadable

    def _keywords(self, node: ast.Call) -> dict[str, Any]:
        if any(given.arg is None for given in node.keywords):
            raise _Unreadable
        return {str(given.arg): self.value(given.value) for given in node.keywords}

    def _function(self, node: ast.Call) -> Callable[..., Any]:
        function = self.value(node.func)
        if function is abs:
            return sp.Abs
        if isinstance(function, type) and issubclass(function, sp.Basic):
            return function
        # Methods of what cannot change, and functions of SymPy that compute.
        if isinstance(getattr(function, "__self__", None), sp.Basic):
            return function
        top, _, rest = (getattr(function, "__module__", None) or "").partition(".")
        if top == "sympy" and rest.partition(".")[0] in _PURE:
            return function
        raise _Unreadable

    # -- formulas ----------------------------------------------------------------------------------

    def formula(self, node: ast.expr) -> _Formula:
        match node:
            case ast.UnaryOp(op=ast.USub()):
                return _negated(self.formula(node.operand))
            case ast.BinOp() if type(node.op) in _COMBINE:
                left, right = self.formula(node.left), self.formula(node.right)
                value = _OPERATORS[type(node.op)](left.value, right.value)
                if left.is_plain and right.is_plain:
                    return _of(value)
                return _COMBINE[type(node.op)](left, right, value)
            case ast.Compare(ops=[op], comparators=[other]) if type(op) in _SIGNS:
                left, right = self.formula(node.left), self.formula(other)
                value = _OPERATORS[type(op)](left.value, right.value)
                return _related(left, _SIGNS[type(op)], right, value)
            case ast.Call():
                return self._called(node)
        return _of(self.value(node))

    def _called(self, node: ast.Call) -> _Formula:
        function, keywords = self._function(node), self._keywords(node)
        if function in RELATIONS and len(node.args) == 2:
            left, right = map(self.formula, node.args)
            return _related(left, function, right, function(left.value, right.value, **keywords))
        if function in (sp.Sum, sp.Integral) and len(node.args) == 2 and not keywords:
            return self._total(function, *node.args)
        applied = isinstance(function, type) and issubclass(function, Application)
        if applied or function in (sp.sqrt, sp.exp):
            parts = [self.formula(given) for given in node.args]
            value = function(*(part.value for part in parts), **keywords)
            if not keywords:
                return _applied(function, parts, value)
            return _of(value)
        return _of(self.value(node))

    def _total(self, function: Any, body: ast.expr, limits: ast.expr) -> _Formula:
        if not (isinstance(limits, ast.Tuple) and len(limits.elts) == 3):
            return _of(function(self.value(body), self.value(limits)))
        term, index, low, high = (self.formula(node) for node in (body, *limits.elts))
        value = function(term.value, (index.value, low.value, high.value))
        inner = term.bracketed if term.level <= _MINUS or term.open_end else term.text
        if function is sp.Sum:
            text = rf"\sum_{{{index.text}={low.text}}}^{{{high.text}}} {inner}"
        else:
            text = rf"\int\limits_{{{low.text}}}^{{{high.text}}} {inner}\, d{index.text}"
        return _Formula((text,), value, _PRODUCT, open_end=text)


def _of(value: Any) -> _Formula:
    """A value that is not taken apart: a name prints what it stands for, in SymPy's order."""
    expr = sp.sympify(value)
    terms = tuple(part.removeprefix("{}") for part in pieces(expr))
    return _Formula(terms, value, _level(expr), _open_end(expr, terms))


def _level(expr: Any) -> int:
    if isinstance(expr, sp.Add):
        return _SUM
    if isinstance(expr, sp.MatrixBase):
        return _ATOM
    if not isinstance(expr, sp.Expr) or isinstance(expr, sp.Piecewise):
        return _LOOSE
    if expr.as_coeff_Mul()[0].is_negative:
        return _MINUS
    if sp.fraction(expr, exact=True)[1] != 1:
        return _FRACTION
    if isinstance(expr, sp.Mul | sp.Sum | sp.Integral | sp.Product | sp.Derivative | sp.Limit):
        return _PRODUCT
    if isinstance(expr, sp.Symbol | sp.Indexed | sp.Integer) and "^" not in latex(expr):
        return _ATOM
    if isinstance(expr, sp.Float) and "cdot" not in latex(expr):
        return _ATOM
    return _PRODUCT if expr.is_Number else _POWER


def _open_end(expr: Any, terms: tuple[str, ...]) -> str:
    kinds = (sp.Sum, sp.Integral, sp.Product, sp.Limit)
    return terms[-1] if isinstance(expr, sp.Basic) and expr.has(*kinds) else ""


def _negated(part: _Formula) -> _Formula:
    if part.is_plain:
        return _of(-part.value)
    inner = part.bracketed if part.level <= _MINUS else part.text
    return _Formula((f"- {inner}",), -part.value, _MINUS, part.open_end)


def _added(left: _Formula, right: _Formula, value: Any) -> _Formula:
    if right.level == _MINUS:
        return _joined(left, (f"- {right.text.removeprefix('-').lstrip()}",), value)
    # The author's own brackets stay; a name whose value is a sum needs none.
    if right.level == _LOOSE or (right.level == _SUM and right.grouped):
        return _joined(left, (f"+ {right.bracketed}",), value)
    first, *rest = right.terms
    signed = f"- {first.removeprefix('-').lstrip()}" if first.startswith("-") else f"+ {first}"
    return _joined(left, (signed, *rest), value)


def _subtracted(left: _Formula, right: _Formula, value: Any) -> _Formula:
    inner = right.bracketed if right.level <= _MINUS else right.text
    return _joined(left, (f"- {inner}",), value)


def _joined(left: _Formula, terms: tuple[str, ...], value: Any) -> _Formula:
    first = (left.bracketed,) if left.level == _LOOSE else left.terms
    return _Formula((*first, *terms), value, _SUM, grouped=True)


def _multiplied(left: _Formula, right: _Formula, value: Any) -> _Formula:
    first = left.closed
    second = right.bracketed if right.level <= _MINUS else right.text
    # 2 3 would be 23, and 2 1/3 more than two.
    digits = second[0].isdigit() or (first[-1].isdigit() and second.startswith(r"\frac"))
    level = _MINUS if left.level == _MINUS else _PRODUCT
    text = rf"{first} \cdot {second}" if digits else f"{first} {second}"
    return _Formula((text,), value, level, "" if right.level <= _MINUS else right.open_end)


def _divided(left: _Formula, right: _Formula, value: Any) -> _Formula:
    sign, above = ("- ", left.text[1:].lstrip()) if left.level == _MINUS else ("", left.text)
    level = _MINUS if sign else _FRACTION
    return _Formula((rf"{sign}\frac{{{above}}}{{{right.text}}}",), value, level)


def _raised(left: _Formula, right: _Formula, value: Any) -> _Formula:
    power = sp.sympify(right.value)
    if power == 1:
        return left
    if power == sp.Rational(1, 2):
        return _Formula((rf"\sqrt{{{left.text}}}",), value, _POWER)
    base = left.text if left.level == _ATOM else left.bracketed
    return _Formula((f"{base}^{{{right.text}}}",), value, _POWER)


_COMBINE = {
    ast.Add: _added,
    ast.Sub: _subtracted,
    ast.Mult: _multiplied,
    ast.Div: _divided,
    ast.Pow: _raised,
}


def _related(left: _Formula, relation: Any, right: _Formula, value: Any) -> _Formula:
    first, *rest = right.terms
    return _Formula((*left.terms, f"{RELATIONS[relation]} {first}", *rest), value, _LOOSE)


def _applied(function: Any, parts: list[_Formula], value: Any) -> _Formula:
    """SymPy's layout of a function, around arguments that stand as they were written."""
    names = [Quantity(f"argument{k}", part.text) for k, part in enumerate(parts)]
    frame = function(*names)
    if not set(names) <= set(frame.args):
        return _of(value)  # log(x, 2), say, which is a quotient
    return _Formula((latex(frame),), value, _POWER)
