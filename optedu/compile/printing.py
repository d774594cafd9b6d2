r"""Printers of SymPy expressions as Python, C and JavaScript that people like to read.

Squares print as products in C and JavaScript (faster, and exact), square roots as calls, scalar
factors before arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sympy import Expr, Mul, Number, Piecewise, Pow, Rational, S, Symbol, true
from sympy.core.function import Application
from sympy.logic.boolalg import Boolean
from sympy.printing.c import C99CodePrinter
from sympy.printing.codeprinter import CodePrinter
from sympy.printing.jscode import JavascriptCodePrinter
from sympy.printing.precedence import PRECEDENCE, precedence
from sympy.printing.pycode import PythonCodePrinter

from optedu import symbols
from optedu.display import is_short

__all__ = [
    "ELEMENTARY",
    "UFUNCS",
    "CPrinter",
    "JavaScriptPrinter",
    "PythonPrinter",
    "decimal",
    "otherwise",
]

UFUNCS = {
    "sqrt": "sqrt",
    "Abs": "abs",
    "sign": "sign",
    "Max": "maximum",
    "Min": "minimum",
    "exp": "exp",
    "log": "log",
}
r"""What SymPy's functions in a rule are called in NumPy and every array namespace."""

# Functions that problems use and update rules do not; of one name in SymPy, JavaScript and NumPy.
ELEMENTARY = ("sin", "cos", "tan", "atan", "sinh", "cosh", "tanh")


class _Readable(CodePrinter):
    r"""What the three printers share.

    Parameters
    ----------
    names : mapping of Symbol to str
        Names in the code; a symbol that is not there keeps its own.
    indexed : mapping of Symbol to str
        Symbols that are elements of arrays, with the code of the element, such as `m[i]`.
    functions : mapping of str to str
        SymPy function name (sqrt, Abs, sign, Max, Min, exp, log) to the function in the code.
    """

    FUNCTIONS: Mapping[str, str] = {}
    # The largest power of a symbol that prints as a product, g**2 as g*g: exact, and fast where the
    # power is a call of pow.
    _multiplies = 4

    def __init__(
        self,
        names: Mapping[Symbol, str] | None = None,
        indexed: Mapping[Symbol, str] | None = None,
        functions: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._symbols = {**(names or {}), **(indexed or {})}
        self._arrays = set(indexed or {})
        self._calls = dict(functions or self.FUNCTIONS)

    def _print_Symbol(self, expr: Symbol) -> str:
        return self._symbols.get(expr, expr.name)

    def _print_Add(self, expr: Expr, order: str | None = None) -> str:
        # What is subtracted comes last: `x - step`, not `-step + x`; arrays before scalars, but
        # `1 - beta` where there is no array.
        arrays = bool(expr.free_symbols & self._arrays)

        def order_of(term: Expr) -> tuple[bool, int, str]:
            kind = 1 if arrays else 0
            if not isinstance(term, Number):
                kind = 0 if term.free_symbols & self._arrays else 1
            return _negative(term), kind, _text(term)

        terms = sorted(expr.args, key=order_of)
        text = ""
        for term in terms:
            negative = _negative(term)
            part = self.parenthesize(_negated(term) if negative else term, PRECEDENCE["Add"])
            if not text:
                text = f"-{part}" if negative else part
            else:
                text += f" - {part}" if negative else f" + {part}"
        return text

    def _print_Mul(self, expr: Mul) -> str:
        if _negative(expr):
            return f"-{self._factor(_negated(expr))}"
        top: list[str] = []
        bottom: list[Expr] = []
        for factor in sorted(expr.args, key=lambda a: (self._order(a), _text(a))):
            if isinstance(factor, Rational) and factor.p == 1 != factor.q and is_short(factor):
                bottom.append(S(factor.q))
            elif isinstance(factor, Pow) and factor.exp.as_coeff_Mul()[0].is_negative:
                bottom.append(Pow(factor.base, -factor.exp))
            else:
                top.append(self._factor(factor))
        code = "*".join(top) or self._one()
        if not bottom:
            return code
        if len(bottom) == 1:
            return f"{code}/{self._divisor(bottom[0])}"
        return f"{code}/({'*'.join(map(self._factor, bottom))})"

    def _print_Pow(self, expr: Pow, rational: bool = False) -> str:
        base, exponent = expr.as_base_exp()
        if exponent == S.Half:
            return f"{self._calls.get('sqrt', 'sqrt')}({self._print(base)})"
        if exponent.is_Integer and 2 <= exponent <= self._multiplies and base.is_Symbol:
            return "*".join([self._print(base)] * int(exponent))
        if exponent.as_coeff_Mul()[0].is_negative:
            return f"{self._one()}/{self._divisor(Pow(base, -exponent))}"
        return self._power(base, exponent)

    def _print_Function(self, expr: Expr) -> str:
        name = type(expr).__name__
        if name in self._calls:
            arguments = [self._print(a) for a in expr.args]
            code = arguments[-1]
            if len(arguments) == 1:
                return f"{self._calls[name]}({code})"
            for argument in reversed(arguments[:-1]):  # maximum takes two at a time
                code = f"{self._calls[name]}({argument}, {code})"
            return code
        raise TypeError(f"the code can't use {name}; the printers know {', '.join(self._calls)}")

    def _print(self, expr: Any, **kwargs: Any) -> str:
        # SymPy's printers know more functions than the kernels do: only those named here pass.
        if isinstance(expr, Application) and not isinstance(expr, (Boolean, Piecewise)):
            own = getattr(type(self), f"_print_{type(expr).__name__}", None)
            if own is None or not own.__module__.startswith("optedu"):
                return self._print_Function(expr)
        return super()._print(expr, **kwargs)

    def _order(self, factor: Expr) -> int:
        if isinstance(factor, Number):
            return 0
        return 2 if factor.free_symbols & self._arrays else 1

    def _factor(self, expr: Expr) -> str:
        code = self._print(expr)
        # A product inside a product needs brackets only as a divisor; keep them for clarity.
        product = isinstance(expr, Pow) and "*" in code and not code.endswith(")")
        if precedence(expr) < PRECEDENCE["Mul"] or (product and "**" not in code):
            return f"({code})"
        return code

    def _divisor(self, expr: Expr) -> str:
        code = self._factor(expr)
        return f"({code})" if isinstance(expr, Mul) else code

    def _one(self) -> str:
        return "1"

    def _power(self, base: Expr, exponent: Expr) -> str:
        raise NotImplementedError


class PythonPrinter(_Readable, PythonCodePrinter):
    r"""Python; `functions` says which functions are called.

    A choice prints as a conditional expression, or as `where(...)` for `choices="where"`, where
    a power `beta**t` is also a call: both may be of arrays.
    """

    _multiplies = 0

    def __init__(
        self,
        names: Mapping[Symbol, str] | None = None,
        indexed: Mapping[Symbol, str] | None = None,
        functions: Mapping[str, str] | None = None,
        choices: str = "if",
    ) -> None:
        super().__init__(names, indexed, functions)
        self._choices = choices

    def _power(self, base: Expr, exponent: Expr) -> str:
        if self._choices == "where" and base.is_Symbol and exponent == symbols.t:
            return f"power({self._print(base)}, {self._print(exponent)})"
        return (
            f"{self.parenthesize(base, PRECEDENCE['Pow'] + 1)}"
            f"**{self.parenthesize(exponent, PRECEDENCE['Pow'])}"
        )

    def _print_Piecewise(self, expr: Expr) -> str:
        code = self._print(otherwise(expr))
        for value, condition in reversed(expr.args[:-1]):
            parts = self._print(condition).strip("()"), self._print(value), code
            if self._choices == "where":
                code = f"where({', '.join(parts)})"
            else:
                code = f"({parts[1]} if {parts[0]} else {code})"
        return code

    def _print_Rational(self, expr: Rational) -> str:
        return f"{expr.p}/{expr.q}" if is_short(expr) else repr(float(expr))

    def _print_Pi(self, expr: Expr) -> str:
        return "pi"

    def _print_orthogonalized(self, expr: Expr) -> str:
        matrix, _, steps = expr.args
        return f"orthogonalized({self._print(matrix)}, {expr.coefficients}, {steps})"


class JavaScriptPrinter(_Readable, JavascriptCodePrinter):
    r"""JavaScript, with `Math.` functions."""

    FUNCTIONS = {
        "sqrt": "Math.sqrt",
        "Abs": "Math.abs",
        "sign": "Math.sign",
        "Max": "Math.max",
        "Min": "Math.min",
        "exp": "Math.exp",
        "log": "Math.log",
        "floor": "Math.floor",
        **{name: f"Math.{name}" for name in ELEMENTARY},
    }
    _multiplies = 8

    def _power(self, base: Expr, exponent: Expr) -> str:
        # A minus before a power is an error in JavaScript, and a quotient would bind less.
        codes = [self._print(part) for part in (base, exponent)]
        return "**".join(
            c if c.replace(".", "").isidentifier() or c.replace(".", "").isdigit() else f"({c})"
            for c in codes
        )

    def _print_Piecewise(self, expr: Expr) -> str:
        code = self._print(otherwise(expr))
        for value, condition in reversed(expr.args[:-1]):
            code = f"({self._print(condition)} ? {self._print(value)} : {code})"
        return code

    def _print_Rational(self, expr: Rational) -> str:
        return decimal(expr)

    def _print_Mod(self, expr: Expr) -> str:
        return str(super()._print_Mod(expr))


class CPrinter(_Readable, C99CodePrinter):
    r"""CUDA C in a type `T`: literals are cast, since a double literal would promote float32."""

    FUNCTIONS = {
        "sqrt": "sqrt",
        "Abs": "fabs",
        "sign": "sign",
        "Max": "max",
        "Min": "min",
        "exp": "exp",
        "log": "log",
    }

    def _one(self) -> str:
        return "T(1)"

    def _print_Integer(self, expr: Expr) -> str:
        return f"T({int(expr)})"

    def _print_Rational(self, expr: Rational) -> str:
        return f"T({expr.p})/T({expr.q})" if is_short(expr) else f"T({float(expr)!r})"

    def _print_Float(self, expr: Expr) -> str:
        return f"T({float(expr)!r})"

    def _power(self, base: Expr, exponent: Expr) -> str:
        return f"pow({self._print(base)}, {self._print(exponent)})"

    def _print_sign(self, expr: Expr) -> str:
        # The last case is zero, and NaN, which comparisons alone would make zero.
        code = self._print(expr.args[0])
        return f"({code} > T(0) ? T(1) : {code} < T(0) ? T(-1) : {code})"

    def _print_Max(self, expr: Expr) -> str:
        return self._chain(expr, ">")

    def _print_Min(self, expr: Expr) -> str:
        return self._chain(expr, "<")

    def _chain(self, expr: Expr, comparison: str) -> str:
        # A ternary, where CUDA's max would be ambiguous between float and double; and where either
        # is NaN so is the result, as in NumPy: a comparison with NaN is false, its negation true.
        code = self._print(expr.args[-1])
        for argument in reversed(expr.args[:-1]):
            first = self._print(argument)
            code = f"({first} {comparison} {code} || {first} != {first} ? {first} : {code})"
        return code


_text = lru_cache(maxsize=4096)(str)  # the same terms are sorted again and again


def _negative(expr: Expr) -> bool:
    return bool(expr.as_coeff_Mul()[0].is_negative)


def _negated(expr: Expr) -> Expr:
    r"""Return minus a negative term; a product keeps its factors, x*x does not become x**2."""
    coefficient, rest = expr.as_coeff_mul()
    if coefficient == -1 and len(rest) == 1:
        return rest[0]
    return Mul(*([] if coefficient == -1 and rest else [-coefficient]), *rest, evaluate=False)


def otherwise(expr: Piecewise) -> Expr:
    r"""Return the last piece.

    Raises
    ------
    ValueError
        If the pieces don't cover everything.
    """
    value, condition = expr.args[-1]
    if condition != true:
        raise ValueError(f"the pieces of {expr} must cover everything: end with (..., True)")
    return value


def decimal(number: Rational) -> str:
    r"""Print a rational as a decimal where it has a finite one, else as a quotient."""
    if number.q == 1:
        return str(number.p)
    text = repr(int(number.p) / int(number.q))
    if not is_short(number):
        return text
    odd = int(number.q)
    for prime in (2, 5):
        while odd % prime == 0:
            odd //= prime
    return text if odd == 1 and "e" not in text else f"{number.p}/{number.q}"
