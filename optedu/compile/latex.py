r"""LaTeX of a rule, in the notation of the course."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import Add, Expr, Mul, Piecewise, Rational, Symbol, fraction, sign
from sympy.printing.latex import LatexPrinter

from optedu import symbols
from optedu.compile.lowering import array_symbols
from optedu.compile.printing import is_short
from optedu.display import latex_number

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = ["aligned", "equations"]

# Quantities of a rule bring their own.
_NAMES = {row.symbol: row.latex for row in symbols.TABLE.values()}


class _Printer(LatexPrinter):
    r"""SymPy's printer, with terms and factors in the order in which people write them."""

    def __init__(self, settings: dict, arrays: set[Symbol]) -> None:
        super().__init__(settings)
        self._arrays = arrays

    def _print_Add(self, expr: Add, order: str | None = None) -> str:
        terms = sorted(expr.args, key=lambda a: (_is_negative(a), _term_order(a)))
        text = ""
        for term in terms:
            negative = _is_negative(term)
            part = self._print(-term if negative else term)
            if not text:
                text = f"- {part}" if negative else part
            else:
                text += f" - {part}" if negative else f" + {part}"
        return text

    def _print_Mul(self, expr: Mul) -> str:
        if _is_negative(expr):
            return f"- {self._print(-expr)}"
        coefficient, rest = expr.as_coeff_Mul()
        if coefficient.is_Rational and not is_short(coefficient):
            return f"{self._print(coefficient)} {self._product(rest)}"
        numerator, denominator = fraction(expr)
        if denominator != 1:
            top, bottom = self._product(numerator), self._product(denominator)
            return rf"\frac{{{top}}}{{{bottom}}}"
        return self._product(expr)

    def _product(self, expr: Expr) -> str:
        factors = sorted(Mul.make_args(expr), key=self._factor_order)
        return " ".join(
            rf"\left({self._print(f)}\right)"
            if isinstance(f, (Add, Piecewise)) and len(factors) > 1
            else self._print(f)
            for f in factors
        )

    def _factor_order(self, factor: Expr) -> tuple[int, str]:
        r"""Numbers, then hyper-parameters, then brackets of them, then what is an array."""
        if factor.is_Number:
            return 0, str(factor)
        if factor.free_symbols & self._arrays:
            return (4 if isinstance(factor, Add) else 3), str(factor)
        return (2 if isinstance(factor, (Add, Piecewise)) else 1), str(factor)

    def _print_Rational(self, expr: Rational) -> str:
        return super()._print_Rational(expr) if is_short(expr) else latex_number(float(expr))

    def _print_Function(self, expr: Expr, exp: str | None = None) -> str:
        if expr.func is sign and exp is None:
            argument = self._print(expr.args[0])
            return rf"\operatorname{{sign}}({argument})"
        return super()._print_Function(expr, exp)

    _print_sign = _print_Function


def _is_negative(term: Expr) -> bool:
    return bool(term.as_coeff_Mul()[0].is_negative)


def _term_order(term: Expr) -> tuple[int, str]:
    r"""Numbers first, then what carries an old value, the rest, the gradient, and epsilon last."""
    names = {s.name for s in term.free_symbols}
    if term.is_Number:
        return 0, str(term)
    if names == {"eps"}:
        return 4, ""
    if any(name.endswith("_old") for name in names):
        return 1, str(term)
    if names & {"g", "g_decayed"}:
        return 3, str(term)
    return 2, str(term)


def equations(rule: Rule) -> list[str]:
    r"""Return the LaTeX of each equation."""
    arrays = array_symbols(rule)
    for equation in rule.equations:
        if equation.rhs.free_symbols & arrays:
            arrays.add(equation.lhs)
    printer = _Printer({"symbol_names": _NAMES}, arrays)
    lines = []
    for equation in rule.equations:
        lines.append(f"{printer.doprint(equation.lhs)} = {printer.doprint(equation.rhs)}")
    return lines


def aligned(rule: Rule) -> str:
    r"""Return all equations, aligned at their equals signs."""
    body = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in equations(rule))
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
