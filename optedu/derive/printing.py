r"""LaTeX in the notation of the course, for derivations and for cells that show an expression."""

from __future__ import annotations

import sympy as sp
from sympy.core.relational import Relational
from sympy.printing.latex import LatexPrinter

from optedu import symbols

# What is in no table, the states and intermediates of a rule, brings its own LaTeX.
_NAMES = {row.symbol: row.latex for row in symbols.TABLE.values()}


RELATIONS = {sp.Eq: "=", sp.Le: r"\le", sp.Lt: "<", sp.Ge: r"\ge", sp.Gt: ">", sp.Ne: r"\ne"}


class _Printer(LatexPrinter):
    r"""SymPy's printer, in the order in which people write: :math:`1 - a`, :math:`\eta g`."""

    def _print_Add(self, expr, order=None):
        return " ".join(self.terms(expr, order))

    def terms(self, expr, order=None) -> list[str]:
        """The terms of a sum, each with its sign."""
        terms = self._as_ordered_terms(expr, order=order)
        terms.sort(key=lambda term: term.could_extract_minus_sign())  # stable
        parts = []
        for term in terms:
            negative = term.could_extract_minus_sign()
            part = self._print(-term if negative else term)
            if self._needs_add_brackets(-term if negative else term):
                part = rf"\left({part}\right)"
            sign = "-" if negative else "+" if parts else ""
            parts.append(f"{sign} {part}" if sign else part)
        return parts

    def _print_Mul(self, expr):
        coefficient, _ = expr.as_coeff_Mul()
        if coefficient.is_negative:
            return f"- {self._print(-expr)}"
        numerator, denominator = sp.fraction(expr, exact=True)
        if denominator == 1:
            return self._product(expr)
        return rf"\frac{{{self._product(numerator)}}}{{{self._product(denominator)}}}"

    def _print_Indexed(self, expr):
        # g_i, not the g_t that the notation table has for the gradient of a step.
        indices = ",".join(self._print(index) for index in expr.indices)
        return rf"{sp.latex(expr.base.label)}_{{{indices}}}"

    def _product(self, expr) -> str:
        # The learning rate first; a sum or integral last, so that it needs no brackets.
        factors = sp.Mul.make_args(expr)
        if len(factors) > 1:
            factors = sorted(expr.as_ordered_factors(), key=_place)
        text = ""
        for factor in factors:
            part = self._print(factor)
            if len(factors) > 1 and self._needs_mul_brackets(
                factor, first=not text, last=factor is factors[-1]
            ):
                part = rf"\left({part}\right)"
            text += (r" \cdot " if text and part[0].isdigit() else " " if text else "") + part
        return text


def _place(factor) -> int:
    if isinstance(factor, sp.Sum | sp.Integral):
        return 3
    if factor.is_number:
        return 0
    return 1 if factor.as_base_exp()[0] == symbols.lr else 2


def latex(expr, **settings) -> str:
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
    >>> from optedu.symbols import beta1, lr, t
    >>> latex(lr * (1 - beta1**t))
    '\\eta \\left(1 - \\beta_{1}^{t}\\right)'
    """
    settings.setdefault("symbol_names", _NAMES)
    return _Printer(settings).doprint(expr)


def pieces(expr) -> list[str]:
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
    if isinstance(expr, sp.Add):
        first, *rest = _Printer({"symbol_names": _NAMES}).terms(expr)
        # The empty group makes the sign a binary one, with its space.
        return [first, *("{}" + term for term in rest)]
    return [latex(expr)]


def use_notation() -> None:
    r"""In a notebook, show SymPy expressions in the notation of the course from here on."""
    sp.init_printing(use_latex="mathjax", latex_printer=_for_notebook)


def _for_notebook(expr, **settings) -> str:
    # SymPy passes its own settings (mode, mat_delim); ours decide.
    return latex(expr)
