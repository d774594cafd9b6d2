r"""Linear recurrences: unroll to a sum, prove by induction, take expectations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from optedu import validate
from optedu.derive import arguments
from optedu.derive.derivation import Derivation


@dataclass(frozen=True)
class Recurrence:
    r"""The recurrence :math:`m_t = a\,m_{t-1} + b\,g_t` with :math:`m_0` given.

    Attributes
    ----------
    a, b : sympy.Expr
        Coefficients, free of t.
    drive : callable
        ``drive(i)`` is the term that enters at step i: ``g[i]``, or ``g[i]**2``.
    t, i : sympy.Symbol
        Step count and summation index.
    initial : sympy.Expr
        Value at t = 0.
    """

    a: sp.Expr
    b: sp.Expr
    drive: Callable[[sp.Expr], sp.Expr]
    t: sp.Symbol
    i: sp.Symbol
    initial: sp.Expr = sp.S.Zero

    def step(self, previous, t):
        r"""The value at step t (a number or symbol), from the value before it, an expression."""
        return self.a * previous + self.b * self.drive(t)

    def after(self, steps: int) -> sp.Expr:
        r"""The value after a number of steps, by applying the recurrence that often.

        Parameters
        ----------
        steps : int
            At least 0.

        Raises
        ------
        TypeError, ValueError
            If `steps` is no whole number, at least 0.
        """
        steps = validate.count("steps", steps)
        value = self.initial
        for t in range(1, steps + 1):
            value = self.step(value, sp.Integer(t))
        if self.initial == 0 and self.b != 0:
            # b divides every term; taken out, the weights can be read off.
            return self.b * sp.collect(
                sp.expand(sp.cancel(value / self.b)), [self.drive(t) for t in range(1, steps + 1)]
            )
        return sp.expand(value)

    @property
    def closed_form(self) -> sp.Expr:
        r"""The sum :math:`a^t m_0 + b \sum_{i=1}^t a^{t-i} g_i`."""
        total = sp.Sum(self.a ** (self.t - self.i) * self.drive(self.i), (self.i, 1, self.t))
        return self.a**self.t * self.initial + self.b * total


def unroll(a, b, drive, *, t=None, i=None, initial=0) -> Recurrence:
    r"""The recurrence :math:`m_t = a\,m_{t-1} + b\,g_t`, ready to be unrolled.

    Parameters
    ----------
    a, b : sympy.Expr
        Coefficients, free of t.
    drive : sympy.IndexedBase or callable
        What enters at step i: ``g`` for :math:`g_i`, ``lambda i: g[i]**2`` for its square.
    t, i : sympy.Symbol, optional
        Step count and summation index (positive integers).
    initial : sympy.Expr
        Value at t = 0.

    Returns
    -------
    Recurrence
        Its ``after(n)`` writes out n steps; its ``closed_form`` is the sum, which is a conjecture
        until :func:`prove_by_induction` has checked it.

    Raises
    ------
    TypeError
        If an argument has a wrong kind.
    ValueError
        If a coefficient depends on t.

    Examples
    --------
    >>> import sympy as sp
    >>> beta = sp.Symbol("beta", positive=True)
    >>> m = unroll(beta, 1 - beta, sp.IndexedBase("g"))
    >>> m.after(2)
    (1 - beta)*(beta*g[1] + g[2])
    >>> m.closed_form
    (1 - beta)*Sum(beta**(-i + t)*g[i], (i, 1, t))
    """
    t = sp.Symbol("t", integer=True, positive=True) if t is None else t
    i = sp.Symbol("i", integer=True, positive=True) if i is None else i
    arguments.symbol("t", t)
    arguments.symbol("i", i)
    a, b, initial = (
        arguments.expression(name, value)
        for name, value in (("a", a), ("b", b), ("initial", initial))
    )
    for name, value in (("a", a), ("b", b)):
        if value.has(t):
            raise ValueError(f"{name} must not depend on {t}, got {value}")
    if isinstance(drive, sp.IndexedBase):
        drive = drive.__getitem__
    elif not callable(drive):
        raise TypeError(f"drive must be an IndexedBase or callable, got {type(drive).__name__}")
    else:
        validate.function("drive", drive, "i")
    return Recurrence(a, b, drive, t, i, initial)


def prove_by_induction(recurrence: Recurrence, claim=None, *, name="m") -> Derivation:
    r"""Prove a formula for :math:`m_t` by induction on t, each part checked.

    Parameters
    ----------
    recurrence : Recurrence
        From :func:`unroll`.
    claim : sympy.Expr, optional
        The formula in ``recurrence.t``; without it, the closed form.
    name : str
        How the quantity is called in the result.

    Returns
    -------
    Derivation
        Base case and induction step.

    Raises
    ------
    DerivationError
        Naming the part (base case or induction step) that fails, with a counterexample.
    TypeError, ValueError
        If an argument has a wrong kind.

    Examples
    --------
    >>> import sympy as sp
    >>> beta = sp.Symbol("beta", positive=True)
    >>> prove_by_induction(unroll(beta, 1 - beta, sp.IndexedBase("g"))).proved
    True
    """
    if not isinstance(recurrence, Recurrence):
        raise TypeError(f"recurrence must be a Recurrence, got {type(recurrence).__name__}")
    t = recurrence.t
    claim = recurrence.closed_form if claim is None else arguments.expression("claim", claim)
    at = sp.IndexedBase(validate.text("name", name))
    proof = Derivation(f"Induction on {t}")
    proof.given(sp.Eq(at[t], claim, evaluate=False), f"claim, for every {t} >= 0")
    proof.fact(
        sp.Eq(claim.subs(t, 0), recurrence.initial, evaluate=False),
        f"base case: {t} = 0",
    )
    next_value = recurrence.step(claim, t + 1)
    proof.fact(
        sp.Eq(next_value, claim.subs(t, t + 1), evaluate=False),
        f"induction step: the recurrence turns the claim at {t} into the claim at {t} + 1",
    )
    return proof


def expectation(expr, g, *, mean=None, second=None):
    r"""Expectation of an expression in random :math:`g_i`, term by term.

    Expectation is linear, so a sum of :math:`c_i g_i + d_i g_i^2` with fixed coefficients becomes
    the same sum with the moments in place. Products of different :math:`g_i` are refused: their
    expectation needs to know how they depend on each other.

    Parameters
    ----------
    expr : sympy.Expr
        An expression in ``g[i]`` and ``g[i]**2``, usually with a ``Sum``.
    g : sympy.IndexedBase
        The random quantity.
    mean, second : sympy.Expr or callable, optional
        :math:`E[g_i]` and :math:`E[g_i^2]`. An expression means stationary (the same for all i)
        and sums are then evaluated in closed form; a callable of i means that it may change.

    Returns
    -------
    sympy.Expr

    Raises
    ------
    TypeError
        If an argument has a wrong kind.
    ValueError
        If the expression is not of that form, or a moment that it needs is missing.

    Examples
    --------
    >>> import sympy as sp
    >>> beta, s = sp.symbols("beta s", positive=True)
    >>> g = sp.IndexedBase("g")
    >>> v = unroll(beta, 1 - beta, lambda i: g[i]**2)
    >>> expectation(v.closed_form, g, second=s)
    s*(1 - beta**t)
    """
    expr = arguments.expression("expr", expr)
    if not isinstance(g, sp.IndexedBase):
        raise TypeError(f"g must be a SymPy IndexedBase, got {g!r}")
    mean, second = (
        moment if moment is None or callable(moment) else arguments.expression(name, moment)
        for name, moment in (("mean", mean), ("second", second))
    )
    result = expr.replace(
        lambda e: isinstance(e, sp.Sum),
        lambda total: total.func(_moments(total.function, g, mean, second), *total.limits),
    )
    result = _moments(result, g, mean, second)
    if callable(mean) or callable(second):
        return result
    return _one_minus(sp.factor(close_geometric(result)))


def _moments(term, g, mean, second):
    elements = sorted((e for e in term.atoms(sp.Indexed) if e.base == g), key=sp.default_sort_key)
    # Sums have been treated already; inside them no element is left.
    if not elements:
        return term
    try:
        polynomial = sp.Poly(term, *elements)
    except sp.PolynomialError:
        raise ValueError(f"expectation needs a polynomial in {g}, got {term}") from None
    total = sp.Integer(0)
    for powers, coefficient in polynomial.terms():
        used = [(e, p) for e, p in zip(elements, powers, strict=True) if p]
        if not used:
            total += coefficient
        elif len(used) > 1 or used[0][1] > 2:
            raise ValueError(
                f"expectation needs terms linear in {g}[i] or {g}[i]**2, got "
                f"{sp.Mul(*(e**p for e, p in used))}"
            )
        else:
            ((element, power),) = used
            moment, label = (mean, "mean") if power == 1 else (second, "second")
            if moment is None:
                raise ValueError(f"{label} must be given: the expression contains {element**power}")
            total += coefficient * (moment(element.indices[0]) if callable(moment) else moment)
    return total


def close_geometric(expr):
    r"""Evaluate sums; of a geometric sum keep the branch for a ratio other than one.

    Parameters
    ----------
    expr : sympy.Expr
        With ``Sum`` in it.

    Raises
    ------
    TypeError, ValueError
        If `expr` is no expression.

    Examples
    --------
    >>> import sympy as sp
    >>> beta = sp.Symbol("beta", positive=True)
    >>> i, t = sp.symbols("i t", integer=True, positive=True)
    >>> close_geometric(sp.Sum(beta**(t - i), (i, 1, t)))
    (1 - beta**t)/(1 - beta)
    """
    evaluated = sp.simplify(arguments.expression("expr", expr).doit())
    closed = evaluated.replace(lambda e: isinstance(e, sp.Piecewise), lambda e: e.args[-1].expr)
    return _one_minus(sp.simplify(closed))


def _one_minus(expr):
    """Write the factors ``a - 1`` of a product as ``1 - a``, the form that readers know."""
    factors, sign = [], 1
    for factor in sp.Mul.make_args(expr):
        base, power = factor.as_base_exp()
        if base.is_Add and len(base.args) == 2 and sp.S.NegativeOne in base.args and power.is_odd:
            sign, base = -sign, sp.Add(1, -(base + 1))
        factors.append(base**power)
    return sp.Mul(sign, *factors)
