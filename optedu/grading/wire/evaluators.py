r"""SymPy's evaluators in the kernel with the checks, made to refuse what is no mathematics.

`sympy.sympify` (and with it `expand`, `simplify`, `diff`, `N`, ...) runs a string as Python, and
`sympy.lambdify` prints names as Python. Where a test hands them a student's answer, both would run
the student's code beside the checks. :func:`harden` lets them through only what the formulas of a
course consist of; a string such as ``"x**2 + sin(x)"`` means what it has always meant.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from types import BuiltinFunctionType
from typing import Any

from optedu.safe_expr.reader import is_function_name, is_symbol_name

__all__ = ["EvaluationRefused", "harden"]

_NUMBER = re.compile(r"[-+]?[0-9.]{1,1000}([eE][-+]?[0-9]{1,5})?")
_ARGUMENTS = re.compile(r"[\w, ]*")
_NODES = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Call, ast.keyword, ast.BinOp,
    ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Tuple, ast.List,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
# Functions of SymPy and Python that formulas use and that are no classes of SymPy.
_FUNCTIONS = {
    "abs", "cbrt", "cancel", "collect", "diff", "expand", "factor", "integrate", "limit", "max",
    "min", "pow", "product", "real_root", "root", "round", "simplify", "solve", "sqrt", "sum",
    "summation", "symbols", "together", "apart", "trigsimp", "powsimp", "radsimp", "ratsimp",
}  # fmt: skip


class EvaluationRefused(ValueError):
    """A student's text or name would be run as code where the checks are."""


def harden() -> None:
    """Put the checks in place, for the rest of this process; twice is once."""
    try:
        import sympy.parsing.sympy_parser as parser
        from sympy.utilities.lambdify import _EvaluatorPrinter
    except ImportError:  # a course without SymPy
        return
    if getattr(parser.stringify_expr, "_hardened", False):
        return
    to_code, to_function = parser.stringify_expr, _EvaluatorPrinter.doprint

    def stringify_expr(s: str, local_dict: dict, global_dict: dict, transformations: Any) -> str:
        given = frozenset(local_dict)  # by the test: what it gives may be called
        code = to_code(s, local_dict, global_dict, transformations)
        _vet(code, given, {**global_dict, **local_dict})
        return code

    def doprint(self: Any, funcname: str, args: Any, expr: Any, **options: Any) -> str:
        known = getattr(self._exprrepr, "__self__", None)
        expr = _vetted(expr, _names(args), getattr(known, "known_functions", {}))
        return to_function(self, funcname, args, expr, **options)

    stringify_expr._hardened = True  # type: ignore[attr-defined]
    parser.stringify_expr = stringify_expr
    _EvaluatorPrinter.doprint = doprint


def _vet(code: str, given: frozenset[str], names: Mapping[str, Any]) -> None:
    """Refuse Python that is no formula; ``code`` is what SymPy is about to evaluate."""
    import sympy

    try:
        tree = ast.parse(code.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # SymPy says better what is wrong; nothing is evaluated
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            raise EvaluationRefused(f"{ast.unparse(node)[:60]!r} is no part of a formula")
        if isinstance(node, ast.Call):
            _vet_call(node, given, names, sympy)
        elif isinstance(node, ast.Name):
            found = names.get(node.id)
            if isinstance(found, BuiltinFunctionType) and node.id not in _FUNCTIONS | given:
                raise EvaluationRefused(f"{node.id!r} is no part of a formula")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else ""
            if not (is_symbol_name(text) or _NUMBER.fullmatch(text)):
                raise EvaluationRefused(f"{node.value[:60]!r} may not be a name in a formula")


def _vet_call(node: ast.Call, given: frozenset[str], names: Mapping[str, Any], sympy: Any) -> None:
    function = node.func
    if isinstance(function, ast.Call):  # Function('f')(x), which is looked at by itself
        if isinstance(function.func, ast.Name) and function.func.id == "Function":
            return
    elif isinstance(function, ast.Name):
        found = names.get(function.id)
        of_sympy = isinstance(found, type) and issubclass(found, sympy.Basic | sympy.MatrixBase)
        if of_sympy or isinstance(found, sympy.Basic) or function.id in _FUNCTIONS | given:
            first = node.args[0] if node.args else None
            if (
                function.id != "Function"
                or not isinstance(first, ast.Constant)
                or is_function_name(str(first.value))
            ):
                return
            raise EvaluationRefused(f"{first.value!r} may not be the name of a function")
    raise EvaluationRefused(f"{ast.unparse(function)[:60]!r} is no function of a formula")


def _names(args: Any) -> set[str]:
    """Names of the arguments of a function to be made, nested as `lambdify` takes them."""
    if isinstance(args, list | tuple | set):
        return set().union(*map(_names, args)) if args else set()
    if isinstance(args, str) and not _ARGUMENTS.fullmatch(args):
        raise EvaluationRefused(f"{args[:60]!r} may not be the arguments of a function")
    return {str(args)}


def _vetted(expr: Any, arguments: set[str], functions: Mapping[str, Any]) -> Any:
    """``expr`` with its strings read, after a look at each name that would be printed."""
    import sympy
    from sympy.core.function import AppliedUndef

    if isinstance(expr, str):
        expr = sympy.sympify(expr)
    if isinstance(expr, list | tuple):
        parts = [_vetted(part, arguments, functions) for part in expr]
        return parts if isinstance(expr, list) else tuple(parts)
    if isinstance(expr, dict):
        return {key: _vetted(value, arguments, functions) for key, value in expr.items()}
    if not isinstance(expr, sympy.Basic | sympy.MatrixBase):
        return expr
    for symbol in expr.free_symbols:
        name = str(symbol)
        if name not in arguments and not (name.isidentifier() and is_function_name(name)):
            raise EvaluationRefused(f"the symbol {name[:60]!r} may not stand in code")
    for call in expr.atoms(AppliedUndef):
        if call.func.__name__ not in functions:
            raise EvaluationRefused(f"the function {call.func.__name__[:60]!r} has no values")
    return expr
