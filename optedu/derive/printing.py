r"""LaTeX in the notation of the course, for derivations and for cells that show an expression."""

from __future__ import annotations

import sympy as sp
from sympy.printing.latex import LatexPrinter

from optedu import symbols
from optedu.rule import Rule

# SymPy names to LaTeX; use_notation adds those of the rules that a chapter is about.
_NAMES = {row.symbol: row.latex for row in symbols.TABLE.values()}


class _Printer(LatexPrinter):
    """SymPy's printer, save that a sum does not begin with a minus: 1 - a, not -a + 1."""

    def _print_Add(self, expr, order=None):
        terms = self._as_ordered_terms(expr, order=order)
        terms.sort(key=lambda term: term.could_extract_minus_sign())  # stable
        text = ""
        for term in terms:
            negative = term.could_extract_minus_sign()
            part = self._print(-term if negative else term)
            if self._needs_add_brackets(-term if negative else term):
                part = rf"\left({part}\right)"
            sign = " - " if negative else " + "
            text += sign + part if text else ("- " if negative else "") + part
        return text


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


def use_notation(*rules: Rule) -> None:
    r"""In a notebook, show SymPy expressions in the notation of the course from here on.

    Parameters
    ----------
    *rules : Rule
        Rules whose states and intermediates get their LaTeX too, such as :math:`\hat m_t`.
    """
    from optedu.compile.latex import symbol_names

    for rule in rules:
        _NAMES.update(symbol_names(rule))
    sp.init_printing(use_latex="mathjax", latex_printer=_for_notebook)


def _for_notebook(expr, **settings) -> str:
    # IPython passes its own settings; only the mode decides what the page gets.
    return rf"$\displaystyle {latex(expr)}$"
