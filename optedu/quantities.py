r"""What a rule is made of: the paper, hyper-parameters, state variables, intermediates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Symbol

from optedu import symbols

__all__ = ["Hyper", "Source", "State", "intermediate", "x"]


@dataclass(frozen=True)
class Source:
    r"""Where a rule comes from: the bibliography key and the place in that paper."""

    key: str
    where: str


@dataclass(frozen=True)
class Hyper:
    r"""A hyper-parameter of a rule: symbol, default, and the range from the notation table."""

    symbol: Symbol
    default: float

    @property
    def name(self) -> str:
        r"""The keyword argument."""
        return self.symbol.name

    @property
    def notation(self) -> symbols.Notation:
        r"""The row of the notation table: LaTeX, meaning, range."""
        return symbols.of(self.symbol)

    @property
    def latex(self) -> str:
        r"""How the book prints the symbol."""
        return self.notation.latex

    @property
    def meaning(self) -> str:
        r"""One line."""
        return self.notation.meaning

    @property
    def lower(self) -> float:
        r"""Lower end of the range."""
        return self.notation.lower

    @property
    def upper(self) -> float:
        r"""Upper end of the range."""
        return self.notation.upper

    @property
    def lower_open(self) -> bool:
        r"""Whether the lower end is excluded."""
        return self.notation.lower_open

    @property
    def upper_open(self) -> bool:
        r"""Whether the upper end is excluded."""
        return self.notation.upper_open

    def check(self, value: Any) -> Any:
        r"""Return `value` as a Python float, or an array of numbers, after checking its range.

        Raises
        ------
        TypeError, ValueError
            If it is no real number, or out of range; the message names the hyper-parameter.
        """
        return self.notation.check(value)


@dataclass(frozen=True)
class State:
    r"""A state variable: `old` is its value before the step, `new` after it.

    Parameters
    ----------
    name : str
        Name in the code and key in the state dictionary.
    base : str, optional
        Its LaTeX without the step; the name where it is not given.
    initial : sympy.Expr or number
        Initial value of every element; may use the rule's hyper-parameters.
    nonnegative : bool
        Assumed of both symbols, as for a second moment.
    scalar : bool
        One number for all parameters (such as a product of decay rates), kept in double.
    """

    name: str
    base: str = ""
    initial: Any = 0
    nonnegative: bool = False
    scalar: bool = False

    def _symbol(self, suffix: str, step: str) -> symbols.Quantity:
        sign = {"nonnegative": True} if self.nonnegative else {}
        # v^{max} with a step is v^{max}_{t}: braces keep LaTeX from a double subscript.
        latex = f"{self.latex_base}_{{{step}}}"
        return symbols.Quantity(self.name + suffix, latex, **sign)

    @cached_property
    def old(self) -> symbols.Quantity:
        r"""The symbol of the value before the step, such as $m_{t-1}$."""
        return self._symbol("_old", "t-1")

    @cached_property
    def new(self) -> symbols.Quantity:
        r"""The symbol of the value after the step, such as $m_t$."""
        return self._symbol("_new", "t")

    @property
    def latex_base(self) -> str:
        r"""LaTeX without the step."""
        return self.base or self.name


x = State("x")
r"""The parameters, as a state: `x.old` is $x_{t-1}$ and `x.new` is $x_t$."""


def intermediate(name: str, latex: str, *, nonnegative: bool = False) -> symbols.Quantity:
    r"""Return a symbol for a quantity that a rule defines on the way, such as $\hat m_t$.

    Parameters
    ----------
    name : str
        Its name in the printed code.
    latex : str
        How the book prints it, where this symbol stands. Another symbol of that name has its own.
    nonnegative : bool
        Assumed of the symbol.
    """
    return symbols.Quantity(name, latex, **({"nonnegative": True} if nonnegative else {}))
