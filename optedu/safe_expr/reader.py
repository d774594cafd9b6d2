r"""SymPy expressions from text, without running the text.

`sympify` and `parse_expr` evaluate what they are given as Python. A student's answer must not run
where it is compared, so the text is parsed to a syntax tree and only what is listed here is built.
Sizes are bounded: `9**9**9**9` is an error, not a stalled grader.
"""

from __future__ import annotations

import ast
import builtins
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from keyword import iskeyword
from typing import Any

import numpy
import sympy

from optedu.safe_expr import functions

__all__ = ["ExpressionError", "encode", "is_function_name", "is_symbol_name", "parse"]

MAX_LENGTH = 20_000
MAX_NODES = 4_000
MAX_DEPTH = 200
MAX_BITS = 4_096


class ExpressionError(ValueError):
    r"""The text is no expression that can be read, or it is too large."""


def encode(expression: Any) -> str:
    r"""Return text from which `parse` makes the same expression, with its assumptions."""
    return sympy.srepr(expression)


_LATEX_NAME = re.compile(r"[\w\\{}^, ]{1,100}")
_LATEX_INDEX = re.compile(r"\{\w+[-+]\w+\}|\{\(\w+\)\}|\^\{?\*\}?")  # x_{t-1}, x^{(k)}, x^*


def is_symbol_name(text: str) -> bool:
    r"""Say whether a symbol may have this name: an identifier, or words as LaTeX has them.

    Names are printed into code as they are, so none may read as more than a name. A word of Python
    is none but by itself, as in `Symbol("lambda")`.

    Examples
    --------
    >>> is_symbol_name("beta1"), is_symbol_name(r"\hat{m}_t"), is_symbol_name("f(x)")
    (True, True, False)
    """
    if not _LATEX_NAME.fullmatch(_LATEX_INDEX.sub("^", text)) or text.startswith("__"):
        return False
    words = re.findall(r"\w+", text)
    return text.isidentifier() or not any(iskeyword(word) for word in words)


def is_function_name(text: str) -> bool:
    r"""Say whether an undefined function may have this name: one that no module calls its own.

    Examples
    --------
    >>> [is_function_name(name) for name in ("f", "beta", "S", "eval", "load", "preview")]
    [True, True, True, False, False, False]
    """
    # Python takes some letters for others, as in a name that is written in full-width ones.
    name = unicodedata.normalize("NFKC", text.removeprefix("\\"))
    return (
        len(text) <= 100
        and name.isidentifier()
        and not name.startswith("__")
        and not iskeyword(name)
        and name not in _taken()
    )


@cache
def _taken() -> frozenset[str]:
    r"""Names of functions that do more than arithmetic, in the modules that code is printed for."""
    harmless = (numpy.ufunc, sympy.core.function.FunctionClass)
    return frozenset(
        name
        for module in (builtins, math, numpy, numpy.linalg, sympy)
        for name in dir(module)
        if len(name) > 1
        and callable(getattr(module, name, None))
        and not isinstance(getattr(module, name), harmless)
    )


def parse(text: str, symbols: Mapping[str, Any] | None = None) -> Any:
    r"""Return the SymPy expression that a text denotes.

    Parameters
    ----------
    text : str
        As `str(expression)` or `encode(expression)` print it: numbers, names, `+ - * / **`,
        comparisons, brackets, and calls of known functions such as `sqrt`, `exp`, `Max`,
        `Piecewise`, `Sum`, `Matrix`.
    symbols : mapping of str to sympy.Symbol, optional
        Symbols to use for names; other names become symbols without assumptions.

    Returns
    -------
    sympy.Basic
        The expression. Nothing of the text has been run.

    Raises
    ------
    TypeError
        If `text` is no string.
    ExpressionError
        If it cannot be read, uses anything else, or is too large.

    Examples
    --------
    >>> from optedu.safe_expr.reader import parse
    >>> parse("lr*(1 - beta1)/sqrt(1 - beta2)")
    lr*(1 - beta1)/sqrt(1 - beta2)
    >>> parse("__import__('os').system('ls')")
    Traceback (most recent call last):
    ...
    optedu.safe_expr.reader.ExpressionError: 'Attribute' is not allowed in an expression
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, got {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the expression has {len(text)} characters; {MAX_LENGTH} are allowed"
        )
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(_syntax(text, error)) from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise ExpressionError("the expression is too long")
    try:
        return _Builder(dict(symbols or {})).build(tree.body)
    except ExpressionError:
        raise
    except Exception as error:  # SymPy's constructors raise many kinds on senseless arguments
        raise ExpressionError(f"{_short(text)!r} makes no expression: {error}") from None


def _syntax(text: str, error: BaseException) -> str:
    # A text that is not raw has \f, \b, \v or \a of \frac, \beta, ... as one character.
    if "\\" in text or "$" in text or re.search(r"[_^]\{|[\x07\x08\x0b\x0c]", text):
        return (
            f"{_short(text)!r} is LaTeX; write the formula as in Python, "
            "such as (1 - beta1**t)/sqrt(v)"
        )
    if "lambda" in text:
        return "'lambda' is a word of Python and no name for a variable: write lam"
    # What Python says after a full stop is advice for programs ("Perhaps you forgot a comma?").
    detail = (getattr(error, "msg", None) or str(error)).partition(". ")[0]
    return f"{_short(text)!r} is no expression: {detail} (a product needs a *, a power **)"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


_CONSTANTS = {
    "pi": sympy.pi,
    "E": sympy.E,
    "I": sympy.I,
    "oo": sympy.oo,
    "zoo": sympy.zoo,
    "nan": sympy.nan,
    "Catalan": sympy.Catalan,
    "EulerGamma": sympy.EulerGamma,
    "GoldenRatio": sympy.GoldenRatio,
    "true": sympy.true,
    "false": sympy.false,
    "True": sympy.true,
    "False": sympy.false,
}

# What holds other expressions and has no value of its own to compute from theirs.
_FORMS = """
    And Derivative Eq Equality Float Ge GreaterThan Gt ImmutableDenseMatrix Integer Le LessThan Lt
    Matrix MutableDenseMatrix Ne Not Or Piecewise Pow Product Rational StrictGreaterThan
    StrictLessThan Sum Tuple Unequality
"""
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **functions.NAMES,
    **{name: getattr(sympy, name) for name in _FORMS.split()},
    "ExprCondPair": sympy.functions.elementary.piecewise.ExprCondPair,
}
ASSUMPTIONS = {
    "commutative", "complex", "even", "extended_real", "finite", "imaginary", "infinite", "integer",
    "negative", "nonnegative", "nonpositive", "nonzero", "odd", "positive", "prime", "rational",
    "real", "zero", "extended_negative", "extended_nonnegative", "extended_nonpositive",
    "extended_nonzero", "extended_positive", "hermitian", "irrational", "algebraic",
    "transcendental", "noninteger", "composite", "antihermitian",
}  # fmt: skip
_COMPARISONS: dict[type, Callable[..., Any]] = {
    ast.Lt: sympy.Lt,
    ast.LtE: sympy.Le,
    ast.Gt: sympy.Gt,
    ast.GtE: sympy.Ge,
    ast.Eq: sympy.Eq,
    ast.NotEq: sympy.Ne,
}


class _Builder:
    def __init__(self, symbols: dict[str, Any]) -> None:
        self.symbols = symbols
        self.depth = 0

    def build(self, node: ast.AST) -> Any:
        method = getattr(self, f"build_{type(node).__name__}", None)
        if method is None:
            raise ExpressionError(f"{type(node).__name__!r} is not allowed in an expression")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError("the expression is nested too deeply")
        try:
            return method(node)
        finally:
            self.depth -= 1

    def build_Constant(self, node: ast.Constant) -> Any:
        value = node.value
        if isinstance(value, bool):
            return sympy.true if value else sympy.false
        if isinstance(value, int):
            if value.bit_length() > MAX_BITS:
                raise ExpressionError("a number in the expression is too large")
            return sympy.Integer(value)
        if isinstance(value, float):
            return sympy.Float(value)
        if isinstance(value, complex):
            return sympy.I * sympy.Float(value.imag)
        raise ExpressionError(f"{value!r} is not allowed in an expression")

    def build_Name(self, node: ast.Name) -> Any:
        if node.id in self.symbols:
            return self.symbols[node.id]
        if node.id in _CONSTANTS:
            return _CONSTANTS[node.id]
        if node.id.startswith("__"):
            raise ExpressionError(f"the name {node.id!r} is not allowed in an expression")
        return sympy.Symbol(node.id)

    def build_Attribute(self, node: ast.Attribute) -> Any:
        module = node.value.id if isinstance(node.value, ast.Name) else ""
        if module in ("np", "numpy", "sp", "sympy", "math", "xp") and node.attr in _FUNCTIONS:
            raise ExpressionError(f"write {node.attr} alone, without '{module}.'")
        raise ExpressionError("'Attribute' is not allowed in an expression")

    def build_UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.build(node.operand)
        if isinstance(node.op, ast.USub):
            return -value
        if isinstance(node.op, ast.UAdd):
            return value
        return sympy.Not(value)

    def build_BinOp(self, node: ast.BinOp) -> Any:
        if isinstance(node.op, ast.BitXor):
            raise ExpressionError("'^' is no power in Python: write ** for a power")
        left, right = self.build(node.left), self.build(node.right)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
            case ast.Mod():
                return sympy.Mod(left, right)
            case ast.FloorDiv():
                return sympy.floor(left / right)
            case ast.Pow():
                return self.power(left, right)
            case ast.BitAnd():
                return sympy.And(left, right)
            case ast.BitOr():
                return sympy.Or(left, right)
        raise ExpressionError(f"the operator {type(node.op).__name__} is not allowed")

    def build_Compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1 or type(node.ops[0]) not in _COMPARISONS:
            raise ExpressionError("one comparison at a time, such as x < 1")
        relation = _COMPARISONS[type(node.ops[0])]
        return relation(self.build(node.left), self.build(node.comparators[0]))

    def build_Tuple(self, node: ast.Tuple) -> Any:
        return sympy.Tuple(*(self.build(item) for item in node.elts))

    def build_List(self, node: ast.List) -> Any:
        return [self.build(item) for item in node.elts]

    def build_Call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name):
            self.build(node.func)
            raise ExpressionError(
                "only known functions can be called in an expression (a product needs a *)"
            )
        name = node.func.id
        if name == "Symbol":
            return self.symbol(node)
        if name == "Float":
            return self.float(node)
        if name not in _FUNCTIONS:
            raise ExpressionError(
                f"{name!r} is no function that an expression can use (a product needs a *)"
            )
        if any(keyword.arg is None for keyword in node.keywords) or node.keywords:
            raise ExpressionError(f"{name} takes no keyword arguments here")
        arguments = [self.build(argument) for argument in node.args]
        if name == "Pow" and len(arguments) == 2:
            return self.power(*arguments)
        if (large := functions.too_large(_FUNCTIONS[name], arguments)) is not None:
            raise ExpressionError(f"{name}({large}) is too large")
        if name == "Derivative":  # left as it is: doing it could take for ever
            return sympy.Derivative(*arguments, evaluate=False)
        return _FUNCTIONS[name](*arguments)

    def power(self, base: Any, exponent: Any) -> Any:
        if base.is_Rational and exponent.is_Rational:
            bits = max(base.p.bit_length(), base.q.bit_length())
            if bits > 1 and abs(exponent) * bits > MAX_BITS:
                raise ExpressionError(f"a power with the exponent {exponent} is too large")
        elif base.is_number and exponent.is_number and abs(exponent) > MAX_BITS:
            raise ExpressionError(f"a power with the exponent {exponent} is too large")
        elif exponent.is_Integer and base.is_Add and abs(exponent) > 100:
            raise ExpressionError(f"a sum to the power {exponent} is too large")
        return base**exponent

    def symbol(self, node: ast.Call) -> Any:
        name = self.text(node.args[0]) if len(node.args) == 1 else None
        if name is None or not is_symbol_name(name):
            raise ExpressionError("Symbol takes one name in quotes")
        assumptions = {}
        for keyword in node.keywords:
            value = keyword.value
            if keyword.arg not in ASSUMPTIONS or not (
                isinstance(value, ast.Constant) and isinstance(value.value, bool)
            ):
                raise ExpressionError(f"Symbol takes no argument {keyword.arg!r} here")
            assumptions[keyword.arg] = value.value
        return self.symbols.get(name) or sympy.Symbol(name, **assumptions)

    def float(self, node: ast.Call) -> Any:
        r"""`Float('0.1', precision=53)`, as SymPy prints it."""
        value = self.text(node.args[0]) if node.args else None
        if value is None or len(value) > 100:
            return sympy.Float(self.build(node.args[0]))
        precision = 53
        for keyword in node.keywords:
            given = getattr(keyword.value, "value", None)
            if keyword.arg != "precision" or type(given) is not int:
                raise ExpressionError("Float takes a number and a precision")
            precision = given
        if not 1 <= precision <= MAX_BITS:
            raise ExpressionError(f"a precision of {precision} bits is not allowed")
        return sympy.Float(value, precision=precision)

    @staticmethod
    def text(node: ast.AST) -> str | None:
        return (
            node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
        )
