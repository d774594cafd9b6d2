r"""LaTeX in the notation of the course: the one printer, of rules, derivations, problems and cells.

SymPy orders terms and factors so that equal expressions print alike. The order here is the one in
which people write: $x - \eta g$, $(1 - \beta) g$, $1 + \gamma (t - 1)$, $\sqrt{v} + \epsilon$.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Add, Expr, Mul, Rational, Symbol
from sympy.core.alphabets import greeks
from sympy.core.relational import Relational
from sympy.printing.latex import LatexPrinter

from optedu import symbols
from optedu.display import is_short, latex_number

__all__ = ["RELATIONS", "latex", "pieces", "use_notation"]

RELATIONS = {sp.Eq: "=", sp.Le: r"\le", sp.Lt: "<", sp.Ge: r"\ge", sp.Gt: ">", sp.Ne: r"\ne"}

# What is in no table, the states and intermediates of a rule, brings its own LaTeX.
_NAMES = {row.symbol: row.latex for row in symbols.TABLE.values()}
_VARIABLES = {symbols.x, symbols.f, symbols.g}
_CONSTANTS = set(_NAMES) - _VARIABLES
_READABLE = 10**20
_GRADIENTS = {"g", "g_decayed"}
_LETTERS = {f"\\{prefix}{name}" for name in greeks for prefix in ("", "var")}


class _CoursePrinter(LatexPrinter):
    def _print_Add(self, expr: Add, order: str | None = None) -> str:
        return " ".join(self.terms(expr, order))

    def terms(self, expr: Add, order: str | None = None) -> list[str]:
        """The terms of a sum, each with its sign."""
        given = self._as_ordered_terms(expr, order=order)
        terms = sorted(given, key=lambda term: (_is_negative(term), _term_place(term, given)))
        parts: list[str] = []
        for term in terms:
            negative = _is_negative(term)
            bare = -term if negative else term
            part = self._print(bare)
            if self._needs_add_brackets(bare) or isinstance(bare, sp.Piecewise):
                part = rf"\left({part}\right)"
            sign = "-" if negative else "+" if parts else ""
            parts.append(f"{sign} {part}" if sign else part)
        return parts

    def _print_Pow(self, expr: Expr) -> str:
        root = getattr(expr.base, "latex_of_root", None)  # of a sum over all parameters
        if root is not None and abs(expr.exp) == sp.S.Half and (norm := root(self)) is not None:
            return norm if expr.exp.is_positive else rf"\frac{{1}}{{{norm}}}"
        return super()._print_Pow(expr)

    def _print_Mul(self, expr: Mul) -> str:
        coefficient, rest = expr.as_coeff_Mul()
        if coefficient.is_negative:
            return f"- {self._print(-expr)}"
        if coefficient.is_Rational and _is_decimal(coefficient):
            return f"{self._print(coefficient)} {self._product(rest, first=False)}"
        numerator, denominator = sp.fraction(expr, exact=True)
        if denominator == 1:
            return self._product(expr)
        top, bottom = self._product(numerator), self._product(denominator)
        if self._settings["fold_short_frac"] and numerator.is_Atom and denominator.is_Atom:
            return f"{top} / {bottom}"
        return rf"\frac{{{top}}}{{{bottom}}}"

    def _product(self, expr: Expr, *, first: bool = True) -> str:
        factors = list(Mul.make_args(expr))
        if len(factors) == 1 and first:
            return self._print(expr)
        if len(factors) > 1:
            given = expr.as_ordered_factors()
            factors = sorted(given, key=lambda factor: self._factor_place(factor, given))
        text = ""
        for factor in factors:
            part = self._print(factor)
            if self._needs_mul_brackets(
                factor, first=first and not text, last=factor is factors[-1]
            ):
                part = rf"\left({part}\right)"
            text += (r" \cdot " if text and part[0].isdigit() else " " if text else "") + part
        return text

    def _factor_place(self, factor: Expr, factors: list[Expr]) -> tuple[int, str]:
        """Numbers, the learning rate, constants, weights in brackets; what they weigh; sums."""
        if isinstance(factor, sp.Sum | sp.Integral | sp.Product):
            return 6, ""  # last, where it needs no brackets
        if factor.is_number:
            return 0, ""
        base, power = factor.as_base_exp()
        if base == symbols.lr:
            return 1, ""
        root = power.is_Rational and not power.is_Integer
        bracket = isinstance(base, Add | sp.Piecewise) and not root
        if all(self._is_constant(s) for s in factor.free_symbols):
            return (3, str(factor)) if bracket else (2, "")
        if bracket:
            return (3 if _is_weight(base, factors) else 5), str(factor)
        return 4, ""

    def _is_constant(self, symbol: Symbol) -> bool:
        """Whether it is one by the notation: small Greek letters are, and the rows of the table."""
        if symbol in _CONSTANTS or symbol in symbols.declared():
            return True
        letter = self._print(symbol).partition("_")[0].partition("^")[0]
        return letter in _LETTERS

    def _print_Indexed(self, expr: sp.Indexed) -> str:
        # g_i, not the g_t that the notation table has for the gradient of a step.
        indices = ",".join(self._print(index) for index in expr.indices)
        return rf"{sp.latex(expr.base.label)}_{{{indices}}}"

    def _print_Rational(self, expr: Rational) -> str:
        if _is_decimal(expr):
            return latex_number(float(expr), exact=not _of_a_float(expr))
        return super()._print_Rational(expr)

    def _print_sign(self, expr: Expr, exp: str | None = None) -> str:
        argument = self._print(expr.args[0])
        power = "" if exp is None else f"^{{{exp}}}"
        if expr.args[0].is_Symbol:
            return rf"\operatorname{{sign}}{power}({argument})"
        return rf"\operatorname{{sign}}{power}\left({argument}\right)"


def _is_negative(term: Expr) -> bool:
    return bool(term.as_coeff_Mul()[0].is_negative)


def _is_decimal(number: Rational) -> bool:
    """Whether it came from a float, and reads better as one: its fraction may have 50 digits."""
    if is_short(number):
        return False
    return _of_a_float(number) or sp.Rational(repr(float(number))) == number


def _of_a_float(number: Rational) -> bool:
    return bool(number.q & (number.q - 1) == 0 or number.q > _READABLE)


def _is_weight(base: Expr, factors: list[Expr]) -> bool:
    """Whether a bracket is 1 - a and weighs the other factors: they don't speak of a."""
    if not (isinstance(base, Add) and len(base.args) == 2 and sp.S.One in base.args):
        return False
    others = [factor for factor in factors if factor.as_base_exp()[0] != base]
    return not any(base.free_symbols & other.free_symbols for other in others)


def _term_place(term: Expr, terms: list[Expr]) -> int:
    """What carries an old value, the rest, the gradient, epsilon."""
    found = term.free_symbols
    if term.is_number and len(terms) == 2:
        # 1 + x, but t + 1 where things are counted.
        return 2 if sp.Add(*terms).is_integer else 0
    if found == {symbols.eps}:
        return 4
    own = {s.name for s in found if isinstance(s, symbols.Quantity) or s == symbols.g}
    if any(name.endswith("_old") for name in own):
        return 1
    return 3 if own & _GRADIENTS else 2


def latex(expr: Any, **settings: Any) -> str:
    r"""LaTeX of an expression in the notation of the course.

    Parameters
    ----------
    expr : sympy.Basic
        The expression, equation or matrix.
    **settings
        Of SymPy's ``latex``.

    Returns
    -------
    str

    Examples
    --------
    >>> from optedu.symbols import beta1, g, lr, t
    >>> latex(lr * (1 - beta1**t) * g)
    '\\eta \\left(1 - \\beta_{1}^{t}\\right) g_{t}'
    """
    settings.setdefault("symbol_names", _NAMES)
    return _CoursePrinter(settings).doprint(expr)


def pieces(expr: Any) -> list[str]:
    r"""LaTeX of an expression in pieces between which a narrow page may break the line.

    Examples
    --------
    >>> import sympy as sp
    >>> x, y = sp.symbols("x y")
    >>> pieces(sp.Eq(x, 1 - y))
    ['x', '= 1', '{}- y']
    """
    if isinstance(expr, Relational):
        first, *rest = pieces(expr.rhs)
        return [*pieces(expr.lhs), f"{RELATIONS[expr.func]} {first}", *rest]
    if isinstance(expr, Add):
        first, *rest = _CoursePrinter({"symbol_names": _NAMES}).terms(expr)
        # The empty group makes the sign a binary one, with its space.
        return [first, *("{}" + term for term in rest)]
    return [latex(expr)]


def use_notation() -> None:
    r"""In a notebook, show SymPy expressions in the notation of the course from here on."""
    sp.init_printing(use_latex="mathjax", latex_printer=_for_notebook)


def _for_notebook(expr: Any, **settings: Any) -> str:
    # SymPy passes its own settings (mode, mat_delim); ours decide.
    return latex(expr)
