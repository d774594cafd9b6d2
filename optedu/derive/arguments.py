r"""Checks of arguments that are SymPy's: expressions, symbols, relations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

__all__ = ["expression", "relation", "sequence", "symbol"]


def expression(name: str, value: Any) -> sp.Expr | sp.MatrixBase:
    r"""Return `value` as an expression; numbers and text are converted.

    Raises
    ------
    TypeError
        If it is no expression.
    ValueError
        If it is text that SymPy can't read.
    """
    try:
        result = sp.sympify(value)
    except sp.SympifyError as error:
        if isinstance(value, str):
            raise ValueError(f"{name} must be a SymPy expression, got {value!r}") from None
        raise TypeError(f"{name} must be a SymPy expression, got {value!r}") from error
    if isinstance(result, (sp.Expr, sp.MatrixBase)):
        return result
    raise TypeError(f"{name} must be a SymPy expression, got {value!r}")


def symbol(name: str, value: Any) -> sp.Symbol:
    r"""Return `value` after checking that it is a symbol.

    Raises
    ------
    TypeError
        If it is not.
    """
    if not isinstance(value, sp.Symbol):
        raise TypeError(f"{name} must be a SymPy symbol, got {value!r}")
    return value


def relation(name: str, value: Any, *, decided: bool = False) -> Relational:
    r"""Return `value` after checking that it is an equation or inequality.

    Parameters
    ----------
    decided : bool
        Whether one that SymPy has already evaluated to true or false will do too.

    Raises
    ------
    TypeError
        If it is not.
    """
    if isinstance(value, Relational) or (decided and isinstance(value, (bool, BooleanAtom))):
        return value
    raise TypeError(f"{name} must be an equation or inequality, got {value!r}")


def sequence(name: str, value: Any) -> list[Any]:
    r"""Return the elements of a list, tuple or column.

    Raises
    ------
    TypeError
        If it is none.
    """
    if isinstance(value, (Sequence, sp.MatrixBase)) and not isinstance(value, str):
        return list(value)
    raise TypeError(f"{name} must be a sequence, got {value!r}")
