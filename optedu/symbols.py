r"""The notation of the course as data: one symbol means one thing in book, code and exercises.

The appendix of the book prints `TABLE`; the rules use the symbols; the ranges become the argument
checks, the ends of the sliders and the domains on which answers are compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Symbol, sympify

from optedu import validate

__all__ = [
    "TABLE",
    "Notation",
    "Quantity",
    "Range",
    "admits",
    "declare",
    "declared",
    "is_decay",
    "is_one_minus_decay",
    "meant",
    "of",
    "range_of",
]


class Quantity(Symbol):
    r"""A symbol that carries its LaTeX: a state or an intermediate of a rule, such as $\hat m_t$.

    Two of one name with different LaTeX are different symbols, so that no rule can change how
    another is printed. Any LaTeX printer of SymPy shows it.

    Parameters
    ----------
    name : str
        Its name in the printed code.
    latex : str
        How the book prints it.
    **assumptions : bool
        Besides being real.

    Examples
    --------
    >>> import sympy
    >>> m_hat = Quantity("m_hat", r"\hat m_{t}")
    >>> print(m_hat, sympy.latex(1 + m_hat**2))
    m_hat \hat m_{t}^{2} + 1
    """

    __slots__ = ("latex",)
    latex: str

    def __new__(cls, name: str, latex: str, **assumptions: bool) -> Quantity:
        # Past SymPy's cache of symbols, whose key is the name alone.
        self = Symbol.__xnew__(cls, name, **{"real": True, **assumptions})
        self.latex = latex
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str, str], dict[str, bool]]:
        return (self.name, self.latex), self._assumptions_orig

    def _hashable_content(self) -> tuple[Any, ...]:
        name, *rest = super()._hashable_content()
        # One entry, as symbols have: SymPy orders what has more behind all symbols.
        return (f"{name}\0{self.latex}", *rest)

    def _latex(self, printer: Any) -> str:
        return self.latex


# SymPy orders terms and factors by the name of their class: quantities stand where symbols do.
Quantity.__name__ = Symbol.__name__


@dataclass(frozen=True)
class Notation:
    r"""One row of the notation table.

    Attributes
    ----------
    symbol : sympy.Symbol
        The symbol, with its assumptions. Its name is the name in the code.
    latex : str
        How the book prints it.
    meaning : str
        One line.
    lower, upper : float
        The range of admissible values.
    lower_open, upper_open : bool
        Whether each end is excluded.
    """

    symbol: Symbol
    latex: str
    meaning: str
    lower: float = -math.inf
    upper: float = math.inf
    lower_open: bool = True
    upper_open: bool = True

    @property
    def name(self) -> str:
        r"""The name in the code."""
        return self.symbol.name

    def check(self, value: Any) -> Any:
        r"""Return `value` as a Python float, or an array of numbers, after checking its range.

        Raises
        ------
        TypeError, ValueError
            If it is no real number, or out of range; the message names the symbol.
        """
        return validate.in_range(
            self.name,
            value,
            self.lower,
            self.upper,
            lower_open=self.lower_open,
            upper_open=self.upper_open,
            arrays=True,
        )


def _real(name: str, **assumptions: bool) -> Symbol:
    return Symbol(name, real=True, **assumptions)


def _positive(name: str, latex: str, meaning: str) -> Notation:
    return Notation(_real(name, positive=True), latex, meaning, 0.0)


def _nonnegative(name: str, latex: str, meaning: str) -> Notation:
    return Notation(_real(name, nonnegative=True), latex, meaning, 0.0, lower_open=False)


def _decay(name: str, latex: str, meaning: str) -> Notation:
    return Notation(_real(name, nonnegative=True), latex, meaning, 0.0, 1.0, lower_open=False)


def _count(name: str, latex: str, meaning: str) -> Notation:
    symbol = Symbol(name, integer=True, positive=True)
    return Notation(symbol, latex, meaning, 1.0, lower_open=False)


_ROWS = (
    Notation(_real("x"), "x", "parameters; $x_t$ after $t$ steps, $x_0$ the start"),
    Notation(_real("f"), "f", "objective; $f_i$ the loss on example $i$"),
    Notation(_real("g"), "g_{t}", r"(stochastic) gradient used by step $t$, at $x_{t-1}$"),
    Notation(
        Symbol("t", integer=True, positive=True),
        "t",
        "step, counted from 1",
        1.0,
        lower_open=False,
    ),
    # A step of length zero is no error (a schedule may end there), but formulas divide by the rate:
    # the symbol is positive, the number may be zero.
    Notation(_real("lr", positive=True), r"\eta", "learning rate", 0.0, lower_open=False),
    _decay("momentum", r"\rho", r"momentum coefficient (with $\rho = 0$ momentum is SGD)"),
    _decay("dampening", r"\tau", "dampening of the gradient that enters the momentum buffer"),
    _decay("beta1", r"\beta_{1}", "decay rate of the first moment"),
    _decay("beta2", r"\beta_{2}", "decay rate of the second moment"),
    _nonnegative(
        "eps", r"\epsilon", "small constant in the denominator, outside the root unless said"
    ),
    _nonnegative("weight_decay", r"\lambda", "weight decay"),
    _nonnegative("lr_decay", r"\gamma", "decay of the learning rate with the steps (AdaGrad)"),
    _nonnegative("initial_accumulator", "G_{0}", "initial value of AdaGrad's accumulator"),
    _nonnegative("momentum_decay", r"\psi", "speed at which NAdam's momentum grows to its limit"),
    _positive("L", "L", r"smoothness: the gradient's Lipschitz constant"),
    _nonnegative("mu", r"\mu", "strong convexity"),
    Notation(
        _real("kappa", positive=True),
        r"\kappa",
        "condition number $L / \\mu$",
        1.0,
        lower_open=False,
    ),
    Notation(_real("H"), "H", "Hessian"),
    _count("steps", "T", "number of steps of a run"),
    _count("warmup", "T_{w}", "steps in which a schedule rises to its highest rate"),
    _count("cooldown", "T_{c}", "steps in which a schedule falls to its end"),
    _count("every", "T_{d}", "steps between two drops of a schedule"),
    Notation(
        _real("drop", nonnegative=True),
        r"\chi",
        "factor of a drop",
        0.0,
        1.0,
        lower_open=False,
        upper_open=False,
    ),
    _nonnegative("lr_start", r"\eta_{\text{start}}", "learning rate at which a schedule begins"),
    _nonnegative("lr_end", r"\eta_{\text{end}}", "learning rate at which a schedule ends"),
    _count("batch_size", "B", "minibatch size"),
    _count("rows", "n_{r}", "rows of a matrix of parameters"),
    _count("columns", "n_{c}", "columns of a matrix of parameters"),
)

TABLE: dict[str, Notation] = {row.name: row for row in _ROWS}
r"""The rows by the name in the code."""

x, f, g, t, lr, momentum, dampening = (
    TABLE[n].symbol for n in ("x", "f", "g", "t", "lr", "momentum", "dampening")
)
beta1, beta2, eps, weight_decay = (
    TABLE[n].symbol for n in ("beta1", "beta2", "eps", "weight_decay")
)
lr_decay, initial_accumulator, momentum_decay = (
    TABLE[n].symbol for n in ("lr_decay", "initial_accumulator", "momentum_decay")
)
L, mu, kappa, batch_size = (TABLE[n].symbol for n in ("L", "mu", "kappa", "batch_size"))
steps, warmup, cooldown, every = (TABLE[n].symbol for n in ("steps", "warmup", "cooldown", "every"))
rows, columns = TABLE["rows"].symbol, TABLE["columns"].symbol
drop, lr_start, lr_end = (TABLE[n].symbol for n in ("drop", "lr_start", "lr_end"))


def declare(
    name: str,
    latex: str,
    meaning: str,
    lower: float = -math.inf,
    upper: float = math.inf,
    *,
    lower_open: bool = True,
    upper_open: bool = True,
) -> Symbol:
    r"""Return a new symbol of the notation: a hyper-parameter that one rule has, in its own file.

    Parameters
    ----------
    name : str
        Its name in the code.
    latex : str
        How the book prints it.
    meaning : str
        One line for the table of the notation.
    lower, upper : float
        Its range, by which its assumptions go.
    lower_open, upper_open : bool
        Whether each end is excluded.

    Raises
    ------
    ValueError
        If the notation has this name, or this LaTeX, with another meaning.

    Examples
    --------
    >>> alpha = declare("alpha", r"\alpha", "weight of the slow mean", 0, lower_open=False)
    >>> of(alpha).lower, alpha.is_nonnegative
    (0, True)

    To say the same again, as the file of AdEMAMix does, gives the same symbol.
    """
    signs = {}
    if lower >= 0:
        signs = {"positive": True} if lower > 0 or lower_open else {"nonnegative": True}
    row = Notation(
        Quantity(name, latex, **signs), latex, meaning, lower, upper, lower_open, upper_open
    )
    for other in TABLE.values():
        if (other.name == name or other.latex == latex) and other != row:
            raise ValueError(
                f"{name} ({latex}) must have a name and LaTeX of its own: the notation has "
                f"{other.name} ({other.latex}), {other.meaning}"
            )
    return TABLE.setdefault(name, row).symbol


def declared() -> set[Symbol]:
    r"""Return the symbols that rules have brought with them."""
    return {row.symbol for row in TABLE.values() if isinstance(row.symbol, Quantity)}


def of(symbol: Symbol) -> Notation:
    r"""Return the row of a symbol.

    Parameters
    ----------
    symbol : sympy.Symbol
        With the assumptions that the table gives it: `optedu.symbols.lr`, say.

    Returns
    -------
    Notation

    Raises
    ------
    TypeError
        If it is no symbol.
    ValueError
        If the table has no such symbol: add it there first.

    Examples
    --------
    >>> optedu.symbols.of(optedu.symbols.lr).meaning
    'learning rate'
    """
    if not isinstance(symbol, Symbol):
        raise TypeError(f"symbol must be a SymPy symbol, got {symbol!r}")
    row = TABLE.get(symbol.name)
    if row is None:
        raise ValueError(f"symbol must be in the notation table of optedu.symbols, got {symbol}")
    if row.symbol != symbol:
        raise ValueError(
            f"symbol must be optedu.symbols.TABLE[{symbol.name!r}].symbol, "
            f"got another {symbol} with other assumptions"
        )
    return row


_ELSEWHERE = {
    "lr": "learning_rate learningrate eta eta0 step_size stepsize gamma rate init_lr alpha",
    "momentum": "mu mom rho beta beta1 b1 decay alpha",
    "beta1": "b1 beta_1 beta momentum mu",
    "beta2": "b2 beta_2 beta rho alpha decay decay_rate smoothing",
    "eps": "epsilon e eps_root",
    "weight_decay": "wd weightdecay l2 lam lambda_ lamb reg decay",
    "lr_decay": "decay",
    "initial_accumulator": "initial_accumulator_value",
    "momentum_decay": "schedule_decay",
}
r"""What other libraries, and papers, call our hyper-parameters."""


def meant(name: str, options: Iterable[str]) -> str:
    r"""Return a hint at the hyper-parameter that was meant, as `validate.hint` does.

    Parameters
    ----------
    name : str
        A keyword that there is not.
    options : iterable of str
        The hyper-parameters that there are.

    Examples
    --------
    >>> meant("learning_rate", ["lr", "beta2"])
    " (did you mean 'lr'?)"
    >>> meant("betas", ["lr", "beta1", "beta2"])
    " (did you mean 'beta1' and 'beta2'? Give them one by one)"
    """
    options, key = list(options), name.lower()
    if key == "betas" and {"beta1", "beta2"} <= set(options):
        return " (did you mean 'beta1' and 'beta2'? Give them one by one)"
    found = [n for n, others in _ELSEWHERE.items() if n in options and key in others.split()]
    # With two betas, what has one decay rate elsewhere is none of them: Adam's alpha is its rate.
    if "beta1" in options and key in ("alpha", "decay"):
        found.remove("beta2")
    if not found:
        return validate.hint(name, options)
    return f" (did you mean {' or '.join(map(repr, found))}?)"


@dataclass(frozen=True)
class Range:
    r"""Which values a symbol can take: the ends, whether each is excluded, whole numbers or all."""

    lower: float = -math.inf
    upper: float = math.inf
    lower_open: bool = True
    upper_open: bool = True
    integer: bool = False


def range_of(symbol: Symbol, *, by_name: bool = False) -> Range:
    r"""Return the range of a symbol: that of the notation table, or else of its assumptions.

    Parameters
    ----------
    symbol : sympy.Symbol
        Any symbol.
    by_name : bool
        Whether the name decides alone; otherwise a symbol with other assumptions than the table's
        is another one.

    Returns
    -------
    Range

    Examples
    --------
    >>> import sympy
    >>> n = sympy.Symbol("n", integer=True, positive=True)
    >>> optedu.symbols.range_of(n).lower
    1.0
    """
    row = TABLE.get(symbol.name)
    if row is not None and (by_name or row.symbol == symbol):
        integer = bool(row.symbol.is_integer or symbol.is_integer)
        return Range(row.lower, row.upper, row.lower_open, row.upper_open, integer)
    # A symbol that is positive is nonnegative too: the end decides whether zero is one of them.
    end = 1.0 if symbol.is_integer else 0.0
    lower, upper, lower_open, upper_open = -math.inf, math.inf, True, True
    if symbol.is_extended_nonnegative:
        lower_open = bool(symbol.is_extended_positive) and not symbol.is_integer
        lower = end if symbol.is_extended_positive else 0.0
    if symbol.is_extended_nonpositive:
        upper_open = bool(symbol.is_extended_negative) and not symbol.is_integer
        upper = -end if symbol.is_extended_negative else 0.0
    return Range(lower, upper, lower_open, upper_open, bool(symbol.is_integer))


def is_one_minus_decay(expr: Expr) -> bool:
    r"""Say whether an expression is $1 - \beta^n$ with a decay rate and n > 0: it is positive then.

    SymPy has no assumption "below one", so it cannot see that by itself.

    Examples
    --------
    >>> from optedu.symbols import beta1, lr, t
    >>> [is_one_minus_decay(1 - a) for a in (beta1**t, beta1, lr, 1 / beta1)]
    [True, True, False, False]
    """
    base, power = (1 - expr).as_base_exp()
    return bool(power.is_positive and base.is_Symbol and is_decay(base))


def is_decay(symbol: Symbol) -> bool:
    r"""Say whether a symbol is a decay rate by the notation: from zero to below one."""
    known = range_of(symbol)
    return (known.lower, known.upper, known.upper_open) == (0.0, 1.0, True)


def admits(symbol: Symbol, value: Any) -> bool:
    r"""Say whether a number has all that a symbol assumes: positive, even, prime, ..."""
    number = sympify(value)
    return all(
        getattr(number, f"is_{name}", None) in (wanted, None)
        for name, wanted in symbol.assumptions0.items()
    )
