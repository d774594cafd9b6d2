r"""Print SymPy expressions as code for any array namespace; share what is common in them."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from typing import Any

import sympy
from sympy import Add, Expr, Mul, Pow, Symbol, UnevaluatedExpr
from sympy.codegen.rewriting import create_expand_pow_optimization

from optedu.compile.array import FUNCTIONS
from optedu.compile.printing import ELEMENTARY, PythonPrinter, decimal, otherwise

__all__ = ["ArrayPrinter", "compile_source", "share"]

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


class ArrayPrinter(PythonPrinter):
    r"""Prints code on the array namespace `xp`.

    Parameters
    ----------
    like : str
        The name of an array in the code: what is constant becomes an array like it.
    """

    _multiplies = 8

    def __init__(self, like: str) -> None:
        super().__init__(functions=FUNCTIONS | {name: f"xp.{name}" for name in ELEMENTARY})
        self._like = like

    def array(self, expr: Expr) -> str:
        r"""Return the code of an expression, as an array even where it is constant."""
        # `where` of two Python numbers would be float64 whatever x is.
        if expr.free_symbols:
            return self.doprint(expr)
        return f"xp.full_like({self._like}, {self.doprint(expr)})"

    def _print_Piecewise(self, expr: Any) -> str:
        code = self.array(otherwise(expr))
        for value, condition in reversed(expr.args[:-1]):
            code = f"xp.where({self._print(condition)}, {self.array(value)}, {code})"
        return code

    # `or` and `and` ask an array for one truth value.
    def _print_Or(self, expr: Any) -> str:
        return " | ".join(f"({self._print(a)})" for a in expr.args)

    def _print_And(self, expr: Any) -> str:
        return " & ".join(f"({self._print(a)})" for a in expr.args)

    def _print_Rational(self, expr: Any) -> str:
        return decimal(expr)


def compile_source(source: str, filename: str) -> dict[str, Callable[..., Any]]:
    r"""Run generated Python and return its functions; tracebacks show the generated lines."""
    functions: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), functions)
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return functions
