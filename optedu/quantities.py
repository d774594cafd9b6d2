r"""What a rule is made of: the paper, hyper-parameters, state variables, intermediates, sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from sympy import Abs, Equality, Expr, Function, Mul, Pow, Symbol

from optedu import symbols

__all__ = [
    "Eq",
    "Given",
    "Hyper",
    "MatrixFunction",
    "Source",
    "State",
    "intermediate",
    "total",
    "x",
]

# What a rule sets. SymPy's own first asks whether the two sides are equal, which took two thirds
# of the time of importing the rules; it works just as well.
Eq = partial(Equality, evaluate=False)


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


class MatrixFunction(Function):
    r"""What `optedu.matrices` computes of whole matrices: no loop over single elements does."""

    is_extended_real = True
    is_finite = True


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
        Initial value of every element; may use the rule's hyper-parameters, or be `x.old`: then
        the state starts as a copy of the parameters.
    nonnegative : bool
        Assumed of both symbols, as for a second moment.
    scalar : bool
        One number for all parameters (such as a product of decay rates), kept in double.
    axes : tuple, optional
        Its shape where that is not the parameters', from `optedu.symbols`: `(rows, rows)`, or
        `(1, columns)`. Of a square one the initial value stands on the diagonal, with zeros beside.
    """

    name: str
    base: str = ""
    initial: Any = 0
    nonnegative: bool = False
    scalar: bool = False
    axes: tuple[Any, ...] = ()

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        r"""Return the shape of its array, for parameters of a shape."""
        if not self.axes:
            return tuple(shape)
        sizes = {symbols.rows: shape[0], symbols.columns: shape[1]}
        return tuple(int(sizes.get(axis, axis)) for axis in self.axes)

    @property
    def square(self) -> bool:
        r"""Whether it is a square matrix by its axes, and starts as a multiple of the identity."""
        return len(self.axes) == 2 and self.axes[0] == self.axes[1]

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


class total(Function):
    r"""The sum of an expression over all parameters: one number, such as $\lVert g_t\rVert^2$.

    Where many runs lie side by side, along the trailing axis, each has its own. In a rule with
    `per_tensor` it is the sum over one tensor.

    Examples
    --------
    >>> from optedu.latex import latex
    >>> from optedu.symbols import g, lr
    >>> latex(total(g**2)), latex(lr / (1 + total(abs(g))))
    ('\\lVert g_{t} \\rVert^{2}', '\\frac{\\eta}{1 + \\lVert g_{t} \\rVert_{1}}')
    """

    nargs = 1
    is_extended_real = True
    is_finite = True

    @classmethod
    def eval(cls, expression: Expr) -> Expr | None:
        r"""Take nothing out of the sum: it is computed as it is written."""
        return expression if expression.is_zero else None

    def _eval_is_nonnegative(self) -> bool | None:
        return self.args[0].is_nonnegative

    def latex_of_root(self, printer: Any) -> str | None:
        r"""Return a norm for the square root of a sum of squares; None of another sum."""
        inner = self.args[0]
        is_square = isinstance(inner, Pow) and inner.exp == 2
        return rf"\lVert {printer._print(inner.base)} \rVert" if is_square else None

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        inner = self.args[0]
        power = "" if exp is None else f"^{{{exp}}}"
        if isinstance(inner, Pow) and inner.exp == 2:
            norm = rf"\lVert {printer._print(inner.base)} \rVert^{{2}}"
            return rf"\left({norm}\right){power}" if power else norm
        if isinstance(inner, Abs):
            return rf"\lVert {printer._print(inner.args[0])} \rVert_{{1}}{power}"
        if isinstance(inner, Mul) and len(inner.args) == 2 and not inner.args[0].is_number:
            first, second = (printer._print(a) for a in inner.args)
            return rf"\langle {first}, {second} \rangle{power}"
        printed = rf"\textstyle\sum\left({printer._print(inner)}\right)"
        return rf"\left({printed}\right){power}" if power else printed


class Given(symbols.Quantity):
    r"""A number that the lines of a rule read and none of them makes: a sum over all parameters."""

    __slots__ = ()


Given.__name__ = Symbol.__name__  # SymPy orders terms by the name of their class
