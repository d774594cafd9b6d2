r"""Print SymPy expressions as code: for any array namespace, and as JavaScript."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from typing import Any

import sympy
from sympy import Add, Expr, Mul, Pow, Symbol, UnevaluatedExpr
from sympy.codegen.rewriting import create_expand_pow_optimization
from sympy.printing.jscode import JavascriptCodePrinter
from sympy.printing.pycode import PythonCodePrinter

__all__ = ["ArrayPrinter", "JavaScriptPrinter", "compile_source", "share"]

# x*x*x costs about one nanosecond an element where a power function costs thirty.
_expand_powers = create_expand_pow_optimization(8)


def _multiply_out(expr: Expr) -> Expr:
    r"""Write integer powers as products, without the brackets of a product within a product."""
    return _flat(_expand_powers(expr))


def _flat(expr: Expr) -> Expr:
    if expr.is_Atom:
        return expr
    args = [_flat(a) for a in expr.args]
    if isinstance(expr, UnevaluatedExpr):
        return args[0]
    if isinstance(expr, Mul):
        args = [f for a in args for f in (a.args if isinstance(a, Mul) else (a,))]
    if isinstance(expr, (Add, Mul, Pow)):
        return expr.func(*args, evaluate=False)
    return expr.func(*args)


def share(expressions: Sequence[Expr]) -> tuple[list[tuple[Symbol, Expr]], list[Expr]]:
    r"""Return common subexpressions, named `s0`, `s1`, ..., and the expressions in terms of them.

    Every compound base of an integer power is named too, so that the power prints as a product.
    """
    bases: set[Expr] = set()
    for expression in expressions:
        bases |= {p.base for p in expression.atoms(Pow) if p.exp.is_Integer and not p.base.is_Atom}
    extra = sorted(bases, key=sympy.default_sort_key)
    named, reduced = sympy.cse([*expressions, *extra], symbols=sympy.numbered_symbols("s"))
    return (
        [(name, _multiply_out(value)) for name, value in named],
        [_multiply_out(value) for value in reduced[: len(expressions)]],
    )


def _decimal(number: Any) -> str:
    r"""Print a rational as a decimal where it has a finite one, else as a quotient."""
    if number.q == 1:
        return str(number.p)
    odd = int(number.q)
    for prime in (2, 5):
        while odd % prime == 0:
            odd //= prime
    text = repr(int(number.p) / int(number.q))
    return text if odd == 1 and "e" not in text else f"{number.p}/{number.q}"


class _Decimals:
    r"""What both languages share: rationals as decimals, without needless brackets."""

    def _print_Rational(self, expr: Any) -> str:
        return _decimal(expr)

    _print_Half = _print_Rational

    def parenthesize(self, item: Any, level: int, strict: bool = False) -> str:
        if item.is_Rational and item.is_positive and "/" not in _decimal(item):
            return _decimal(item)
        return super().parenthesize(item, level, strict)  # type: ignore[misc]


class ArrayPrinter(_Decimals, PythonCodePrinter):
    r"""Prints code on the array namespace `xp`.

    Parameters
    ----------
    like : str
        The name of an array in the code: pieces that are constants become arrays like it.
    """

    def __init__(self, like: str) -> None:
        super().__init__({"fully_qualified_modules": False})
        self._like = like

    def _call(self, expr: Any) -> str:
        return f"xp.{type(expr).__name__.lower()}({self._print(expr.args[0])})"

    _print_Abs = _print_sign = _print_exp = _print_log = _call
    _print_sin = _print_cos = _print_tan = _print_atan = _call
    _print_sinh = _print_cosh = _print_tanh = _call

    def _print_Function(self, expr: Any) -> str:
        raise NotImplementedError(f"there is no array code for {type(expr).__name__}")

    def _print_Pow(self, expr: Any, rational: bool = False, sqrt: str = "xp.sqrt") -> str:
        if expr.exp == sympy.S.Half:
            return f"xp.sqrt({self._print(expr.base)})"
        if expr.exp == -sympy.S.Half:
            return f"1/xp.sqrt({self._print(expr.base)})"
        return super()._print_Pow(expr, rational=rational)

    def _print_Piecewise(self, expr: Any) -> str:
        *branches, (last, otherwise) = expr.args
        if otherwise != sympy.true:
            raise ValueError(f"the pieces of {expr} must cover everything: end with (..., True)")
        code = self._array(last)
        for value, condition in reversed(branches):
            code = f"xp.where({self._print(condition)}, {self._array(value)}, {code})"
        return code

    # `or` and `and` ask an array for one truth value.
    def _print_Or(self, expr: Any) -> str:
        return " | ".join(f"({self._print(a)})" for a in expr.args)

    def _print_And(self, expr: Any) -> str:
        return " & ".join(f"({self._print(a)})" for a in expr.args)

    def _array(self, expr: Expr) -> str:
        # `where` of two Python numbers would be float64 whatever x is.
        if expr.free_symbols:
            return self._print(expr)
        return f"xp.full_like({self._like}, {self._print(expr)})"


class JavaScriptPrinter(_Decimals, JavascriptCodePrinter):
    r"""Prints JavaScript."""


def compile_source(source: str, filename: str) -> dict[str, Callable[..., Any]]:
    r"""Run generated Python and return its functions; tracebacks show the generated lines."""
    functions: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), functions)
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return functions
