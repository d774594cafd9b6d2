r"""SymPy expressions as text, read back without ``eval``.

The text is SymPy's ``srepr``. :func:`read` parses it as Python syntax and builds the expression
from a fixed list of SymPy classes; names, attributes, subscripts and everything else of the
language are refused, and so are powers of numbers that would fill the memory.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from typing import Any

from optedu.safe_expr import reader

__all__ = ["UnsafeExpression", "check_name", "is_expression", "read", "write"]

_MAX_TEXT, _MAX_NODES, _MAX_DEPTH = 200_000, 20_000, 120
_NUMBER = re.compile(r"[-+]?[0-9.]{1,200}(e[-+]?[0-9]{1,5})?")
_MAX_POWER = 10_000  # largest numeric exponent: SymPy evaluates such powers at once

# What is no function of values; the functions come from the table that answers are read with.
_CLASSES = [
    "Pow", "Symbol", "Dummy", "Integer", "Float", "Rational", "Tuple", "Eq", "Ne", "Lt", "Le",
    "Gt", "Ge", "Equality", "Unequality", "StrictLessThan", "LessThan", "StrictGreaterThan",
    "GreaterThan", "Piecewise", "ExprCondPair", "Derivative", "Function", "Sum", "Product",
    "Integral", "Order", "MutableDenseMatrix", "MutableSparseMatrix", "ImmutableSparseMatrix",
    "ImmutableDenseMatrix", "Indexed", "IndexedBase", "Idx", "MatrixElement", "Trace", "Transpose",
    "Inverse", "MatMul", "MatAdd", "MatPow", "MatrixSymbol", "Identity", "ZeroMatrix", "Subs",
    "Lambda", "And", "Or", "Not", "ITE", "DiracDelta", "Interval", "Union",
    "FiniteSet", "Str", "Contains",
]  # fmt: skip
_NAMED = {"Symbol", "Dummy", "Str", "IndexedBase", "Idx", "MatrixSymbol"}
_CONSTANTS = (
    "pi", "E", "I", "oo", "nan", "zoo", "true", "false", "EulerGamma", "GoldenRatio", "Catalan",
    "Reals", "EmptySet",
)  # fmt: skip
_KEYWORDS = dict.fromkeys(reader.ASSUMPTIONS, bool) | {"precision": int, "dummy_index": int}


class UnsafeExpression(ValueError):
    """A text is not that of an expression which may be built."""


def is_expression(value: Any) -> bool:
    """Whether ``value`` is a SymPy object, without importing SymPy."""
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, sympy.Basic | sympy.MatrixBase)


def write(value: Any) -> str:
    """The text of an expression."""
    import sympy

    return sympy.srepr(value)


def read(text: Any) -> Any:
    r"""The expression that :func:`write` wrote.

    Raises
    ------
    UnsafeExpression
        If the text holds anything but calls of known SymPy classes with numbers and strings.
    """
    if not isinstance(text, str) or len(text) > _MAX_TEXT:
        raise UnsafeExpression("the expression is too long")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UnsafeExpression("the text is not an expression") from None
    if sum(1 for _ in ast.walk(tree)) > _MAX_NODES:
        raise UnsafeExpression("the expression has too many parts")
    return _build(tree.body, 0)


@cache
def _known() -> tuple[dict[str, Any], dict[str, Any]]:
    import sympy
    from sympy.core.symbol import Str
    from sympy.functions.elementary.piecewise import ExprCondPair
    from sympy.matrices.expressions.matexpr import MatrixElement

    from optedu.safe_expr import functions

    special = {"Str": Str, "ExprCondPair": ExprCondPair, "MatrixElement": MatrixElement}
    classes = {name: special.get(name) or getattr(sympy, name) for name in _CLASSES}
    classes |= functions.NAMES
    open_ = (sympy.Function, sympy.WildFunction)
    for name in sympy.__all__:  # what has no values in an answer may still be compared as it is
        kind = getattr(sympy, name)
        if isinstance(kind, type) and issubclass(kind, sympy.Function) and kind not in open_:
            classes.setdefault(name, kind)
    return classes, {name: getattr(sympy, name) for name in _CONSTANTS}


def _build(node: ast.AST, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise UnsafeExpression("the expression is nested too deeply")
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | bool | None):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _build(node.operand, depth + 1)
        if type(value) in (int, float) or getattr(value, "is_infinite", False):
            return -value
    if isinstance(node, ast.List):
        return [_build(item, depth + 1) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_build(item, depth + 1) for item in node.elts)
    classes, constants = _known()
    if isinstance(node, ast.Name) and node.id in constants:
        return constants[node.id]
    if isinstance(node, ast.Call):
        return _call(node, depth, classes)
    raise UnsafeExpression(f"{ast.unparse(node)[:60]!r} may not be in an expression")


def _call(node: ast.Call, depth: int, classes: dict[str, Any]) -> Any:
    from optedu.safe_expr import functions

    function = node.func
    if isinstance(function, ast.Call):  # Function('f')(x): an undefined function, applied
        inner = function.func
        if not (isinstance(inner, ast.Name) and inner.id == "Function"):
            raise UnsafeExpression("only an undefined function may be applied so")
        target = _call(function, depth + 1, classes)
    elif isinstance(function, ast.Name) and function.id in classes:
        target = classes[function.id]
    else:
        raise UnsafeExpression(f"{ast.unparse(function)[:60]!r} may not be in an expression")
    kind = function.id if isinstance(function, ast.Name) else ""
    values = [_argument(kind, argument, depth) for argument in node.args]
    names: dict[str, Any] = {}
    for keyword in node.keywords:
        value = getattr(keyword.value, "value", ())
        if keyword.arg is None or type(value) is not _KEYWORDS.get(keyword.arg):
            raise UnsafeExpression(f"the keyword {keyword.arg!r} may not be in an expression")
        names[keyword.arg] = value
    if kind == "Pow":
        _check_size(values)
    if (large := functions.too_large(target, values)) is not None:
        raise UnsafeExpression(f"{kind}({large}) is too large")
    try:
        return target(*values, **names)
    except UnsafeExpression:
        raise
    except Exception as error:
        raise UnsafeExpression(f"SymPy cannot build the expression: {error}") from None


def _argument(kind: str, node: ast.AST, depth: int) -> Any:
    r"""An argument. Text is a name or a number: SymPy would parse any other, and that evaluates.

    So it may not stand in a list or tuple either: a matrix of texts is a matrix of programs.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        check_name(kind, node.value)
        return node.value
    return _build(node, depth + 1)


def check_name(kind: str, text: str) -> None:
    r"""Refuse a string that the class or function ``kind`` of SymPy may not be given."""
    if kind == "Float":
        if not _NUMBER.fullmatch(text):
            raise UnsafeExpression(f"{text[:60]!r} is not a number")
    elif kind in _NAMED or kind == "Function":
        is_name = reader.is_function_name if kind == "Function" else reader.is_symbol_name
        if not is_name(text):
            what = "a function" if kind == "Function" else "a symbol"
            raise UnsafeExpression(f"{text[:60]!r} may not be the name of {what}")
    else:
        raise UnsafeExpression(f"{kind or 'a call'} may not be given a string")


def _check_size(values: list[Any]) -> None:
    for value in values[-1:]:
        number = getattr(value, "is_number", isinstance(value, int | float))
        if number and not abs(float(_real(value))) <= _MAX_POWER:
            raise UnsafeExpression("a power is too large")


def _real(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0
