r"""Decide whether a claim holds: exact points first, then SymPy's simplification.

A random point refutes a false claim in a millisecond and gives the reader a counterexample.
Only a claim that survives the points is handed to SymPy, which may prove it. What SymPy cannot
prove rests on points, so it is tried at those of `optedu.derive.points` too: zero, ends, extremes.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from optedu import validate
from optedu.derive import arguments
from optedu.derive import points as trial
from optedu.derive.points import Bounds, Element
from optedu.symbols import is_decay, is_one_minus_decay

DIGITS = 40  # working precision of the numeric check
EXTRA = 40  # random points more, where points are all that a claim rests on
CANCELLED = 1000  # digits that may cancel in a difference before its sign is left open
TOLERANCE = sp.Float("1e-20", DIGITS)  # far above rounding at 40 digits, far below a real error


@dataclass(frozen=True)
class Verdict:
    r"""What is known about a claim.

    Attributes
    ----------
    proved : bool
        SymPy reduced the claim to an identity (or to a sign that it knows).
    points : int
        Different points at which the claim was evaluated and held.
    counterexample : dict or None
        A point at which it fails, symbol to exact number; ``None`` if none was found.
    left, right : sympy.Expr or None
        Values of the two sides at the counterexample.
    """

    proved: bool = False
    points: int = 0
    counterexample: dict | None = None
    left: sp.Expr | None = None
    right: sp.Expr | None = None

    @property
    def holds(self) -> bool:
        """Whether the claim was proved, or evaluated at some point and never refuted."""
        return self.counterexample is None and (self.proved or self.points > 0)


@dataclass(frozen=True)
class Domain:
    r"""Where a claim is made: open intervals for symbols, and conditions that points must meet.

    Parameters
    ----------
    intervals : mapping of Symbol to (low, high)
        Range from which a symbol is sampled. Without one, the range of the notation table
        decides (``beta1`` is in [0, 1)), else the symbol's SymPy assumptions (``positive``,
        ``nonnegative``, ``integer``).
    conditions : tuple of relational
        For example ``lr * L < 2``. A point that violates one is not used.

    Raises
    ------
    TypeError
        If a key is no symbol, or a condition no relation.
    ValueError
        If the ends of an interval are not in order.
    """

    intervals: Mapping[sp.Symbol, tuple] = field(default_factory=dict)
    conditions: tuple[Relational, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.intervals, Mapping):
            raise TypeError(f"intervals must be a mapping of symbols, got {self.intervals!r}")
        for key, ends in self.intervals.items():
            name = f"intervals[{arguments.symbol('intervals', key)}]"
            low, high = ends if isinstance(ends, (tuple, list)) and len(ends) == 2 else (None, None)
            low, high = (arguments.expression(name, end) for end in (low, high))
            if not (low.is_number and high.is_number and low < high):
                raise ValueError(f"{name} must be a pair (low, high) with low < high, got {ends!r}")
        for condition in arguments.sequence("conditions", self.conditions):
            arguments.relation("conditions", condition)

    def bounds(self, symbol: sp.Symbol) -> Bounds:
        r"""Return the range of a symbol."""
        return trial.bounds(symbol, self.intervals.get(symbol))

    def speaks_of(self, symbols: Iterable[sp.Symbol]) -> list[sp.Symbol]:
        r"""Return the symbols of a claim and those that conditions tie to them, in order."""
        needed = set(symbols)
        for condition in self.conditions:
            # A condition matters only where it speaks of symbols of the claim.
            if condition.free_symbols & needed:
                needed |= condition.free_symbols
        return sorted(needed, key=lambda s: s.sort_key())

    def sample(
        self,
        symbols: Iterable[sp.Symbol],
        rng: random.Random,
        fixed: Mapping[sp.Symbol, sp.Expr] | None = None,
    ) -> dict | None:
        r"""One exact point with a value for each symbol, or None if none was found.

        Parameters
        ----------
        symbols : iterable of sympy.Symbol
            Those of the claim.
        rng : random.Random
            Where the randomness comes from.
        fixed : mapping of Symbol to number, optional
            Values that are not drawn.
        """
        needed = self.speaks_of(symbols)
        fixed = fixed or {}
        # Where all is fixed one look decides; where some is, a few: there are many such points.
        attempts = 2000 if not fixed else 30 if set(needed) - set(fixed) else 1
        for _ in range(attempts):
            point = {s: fixed[s] if s in fixed else self._draw(s, rng) for s in needed}
            if all(
                condition.subs(point) == sp.true
                for condition in self.conditions
                if condition.free_symbols and condition.free_symbols <= set(needed)
            ) and all(trial.fits(s, v) for s, v in point.items()):
                return point
        return None

    def _draw(self, symbol: sp.Symbol, rng: random.Random) -> sp.Rational:
        low, high = self.bounds(symbol).window(bool(symbol.is_integer))
        if symbol.is_integer:
            return sp.Integer(rng.randint(int(low), int(high)))
        # 97 is prime, so fractions rarely meet a special value such as 1/2 by chance.
        return low + (high - low) * sp.Rational(rng.randint(1, 96), 97)


def check(
    claim: Relational,
    domain: Domain = Domain(),
    *,
    points: int = 12,
    seed: int = 0,
    certificate: sp.Expr | None = None,
) -> Verdict:
    r"""Check an equation or inequality.

    Parameters
    ----------
    claim : sympy.Eq or inequality
        May contain ``Sum`` over an indexed quantity, whose elements are then random numbers.
    domain : Domain
        Where the claim is made.
    points : int
        How many random points are tried. A claim that SymPy cannot prove, and any inequality, is
        tried at zero, at the ends of its ranges and at extreme values besides.
    seed : int
        Seed of the points.
    certificate : sympy.Expr, optional
        For an inequality: an expression that equals the greater side minus the lesser and that
        SymPy sees to be nonnegative (a square, say). It turns sampling into proof.

    Returns
    -------
    Verdict

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    Examples
    --------
    >>> import sympy as sp
    >>> a, b = sp.symbols("a b", real=True)
    >>> check(sp.Eq((a + b)**2, a**2 + 2*a*b + b**2)).proved
    True
    >>> check(sp.Eq((a + b)**2, a**2 + b**2)).holds
    False
    >>> check(2*a*b <= a**2 + b**2, certificate=(a - b)**2).proved
    True
    """
    arguments.relation("claim", claim, decided=True)
    if not isinstance(domain, Domain):
        raise TypeError(f"domain must be a Domain, got {type(domain).__name__}")
    points = validate.count("points", points, minimum=1)
    seed = validate.count("seed", seed)
    if certificate is not None:
        certificate = arguments.expression("certificate", certificate)
    if claim == sp.true:
        return Verdict(proved=True)
    if claim == sp.false:
        return Verdict(counterexample={})
    rng = random.Random(seed)
    held: set[tuple] = set()
    for kind in (_random_points, _special_points):
        # An equation that SymPy proves needs no more points. An inequality does: what is known of
        # decay rates leaves out the end of their range.
        if kind is _special_points and isinstance(claim, sp.Eq) and _prove(claim, certificate):
            return Verdict(proved=True, points=len(held))
        # An integral is worked out anew at each point, which may take seconds.
        most = points if claim.has(sp.Integral) else None
        for point, element in islice(kind(claim, domain, points, rng), most):
            values = _values(claim, point, rng, element)
            if values is None:
                continue
            left, right, chosen = values
            outcome = _compare(claim, left, right)
            if outcome is False:
                left, right = (side.evalf(DIGITS) for side in (left, right))
                return Verdict(counterexample=point | chosen, left=left, right=right)
            if outcome is True:
                held.add(tuple((point | chosen).items()))
    return Verdict(proved=_prove(claim, certificate), points=len(held))


Trial = Iterator[tuple[dict, Element | None]]


def _random_points(claim, domain, points, rng) -> Trial:
    for _ in range(points):
        point = domain.sample(_parameters(claim), rng)
        if point is None:
            return
        yield point, None


def _special_points(claim, domain, points, rng) -> Trial:
    parameters = _parameters(claim)
    ranges = {s: domain.bounds(s) for s in domain.speaks_of(parameters)}
    seen = set()

    def unseen(fixed):
        point = domain.sample(parameters, rng, fixed)
        key = None if point is None else tuple(point.items())
        if key is None or key in seen:
            return None
        seen.add(key)
        return point

    for fixed in trial.special(claim, ranges, rng):
        point = unseen(fixed)
        if point is not None:
            yield point, None
    for _ in range(EXTRA):
        point = domain.sample(parameters, rng)
        if point is None:
            break
        yield point, None
    for base in [domain.sample(parameters, rng) for _ in range(2)]:
        if base is None:
            return
        for symbol in parameters:
            for value in trial.meeting(claim, symbol, base, ranges[symbol]):
                point = unseen(base | {symbol: value})
                if point is not None:
                    yield point, None
        for condition in domain.conditions:
            for fixed in _on_the_edge(condition, base):
                point = unseen(base | fixed)
                if point is not None:
                    yield point, None
    if claim.has(sp.Indexed, AppliedUndef):
        for element in trial.elements(rng):
            yield domain.sample(parameters, rng), element


def _on_the_edge(condition, base) -> Iterator[dict]:
    """Points where a condition that allows equality holds with equality."""
    if not isinstance(condition, sp.Ge | sp.Le) or not condition.free_symbols <= set(base):
        return
    for symbol in sorted(condition.free_symbols, key=lambda s: s.sort_key()):
        others = {s: v for s, v in base.items() if s != symbol}
        gap = (condition.lhs - condition.rhs).subs(others)
        if gap.is_polynomial(symbol):
            yield from ({symbol: value} for value in sp.roots(gap, symbol) if value.is_real)


def _parameters(expr) -> set:
    """Free symbols without the names of indexed quantities, whose elements are drawn apart."""
    return {s for s in expr.free_symbols if isinstance(s, sp.Symbol)} - {
        base.label for base in expr.atoms(sp.IndexedBase)
    }


def _values(claim, point, rng, element=None):
    """Both sides at a point, exact, and the elements (g_1, f(x), ...) that were used.

    None where a side is too large to be written down, or has elements with no value to choose.
    """
    if not all(trial.manageable(side, point) for side in (claim.lhs, claim.rhs)):
        return None
    sides = [sp.sympify(side).subs(point).doit() for side in (claim.lhs, claim.rhs)]
    unknown = set().union(*(side.atoms(sp.Indexed, AppliedUndef) for side in sides))
    chosen = {}
    for index, atom in enumerate(sorted(unknown, key=sp.default_sort_key)):
        value = trial.element(atom, rng) if element is None else element(index)
        if value is None or not trial.fits(atom, value):
            return None
        chosen[atom] = value
    left, right = (side.subs(chosen).doit() for side in sides)
    return left, right, chosen


def _compare(claim, left, right):
    """True, False, or None where the sides have no finite value to compare, or none in sight."""
    numbers = [side.evalf(DIGITS) for side in (left, right)]
    if not all(number.is_number and number.is_finite for number in numbers):
        return None
    gap = left - right
    order = isinstance(claim, sp.Ge | sp.Gt | sp.Le | sp.Lt)
    if order and not all(number.is_real for number in numbers):
        return None
    scale = TOLERANCE * max(1, *(abs(number) for number in numbers))
    if gap.is_Rational:
        scale = 0
    else:
        # Sides that are almost equal: as many digits as their difference needs.
        gap = gap.evalf(DIGITS, maxn=CANCELLED)
        if not isinstance(claim, sp.Eq) and _lost(gap):
            if abs(gap) > scale or sp.simplify(left - right) != 0:
                return None
            gap = sp.S.Zero
    if isinstance(claim, sp.Eq):
        return bool(abs(gap) <= scale)
    if isinstance(claim, sp.Ne):
        return bool(gap != 0)
    gap = gap if isinstance(claim, sp.Ge | sp.Gt) else -gap
    strict = isinstance(claim, sp.Gt | sp.Lt)
    return bool(gap > 0) if strict else bool(gap >= -scale)


def _lost(gap) -> bool:
    """Whether all digits of a difference have cancelled, so that its sign is noise."""
    return any(number._prec < 20 for number in gap.atoms(sp.Float)) or gap == 0


def _prove(claim, certificate) -> bool:
    if isinstance(claim, sp.Eq):
        return vanishes(claim.lhs - claim.rhs)
    if isinstance(claim, sp.Ne):
        return False
    greater, lesser = (
        (claim.lhs, claim.rhs) if isinstance(claim, sp.Ge | sp.Gt) else (claim.rhs, claim.lhs)
    )
    strict = isinstance(claim, sp.Gt | sp.Lt)
    if certificate is not None:
        sign = certificate.is_positive if strict else certificate.is_nonnegative
        return bool(sign) and vanishes(greater - lesser - certificate)
    for form in (sp.factor, sp.simplify, lambda e: sp.factor(sp.simplify(below_one(e)))):
        gap = form(greater - lesser)
        if gap.is_positive or (not strict and gap.is_nonnegative):
            return True
    return False


def vanishes(expr: sp.Expr) -> bool:
    """Whether SymPy reduces an expression to zero; cheap ways first."""
    given = expr = sp.sympify(expr)
    for form in (lambda e: e, sp.expand, collect_sums, sp.factor, sp.simplify):
        expr = form(expr)
        if expr == 0:
            return True
    # Last, what is known of decay rates: it decides roots and geometric sums.
    known = below_one(given)
    return known == 0 or (known != given and sp.simplify(known) == 0)


def below_one(expr: sp.Expr) -> sp.Expr:
    r"""Tell SymPy that decay rates are below one, and evaluate sums.

    SymPy has no assumption "below one". A symbol whose range in the notation table is [0, 1) is
    written as :math:`1/(1 + s)` with :math:`s > 0`, which leaves out the end 0. What stands under
    a root gets a positive name where it is :math:`1 - \beta^n`.

    Examples
    --------
    >>> import sympy as sp
    >>> from optedu.symbols import beta2, t
    >>> below_one(sp.sqrt(1 / (1 - beta2**t)) - 1 / sp.sqrt(1 - beta2**t))
    0
    """
    decays = {s for s in expr.free_symbols if is_decay(s)}
    found = [gap for gap in expr.atoms(sp.Add) if is_one_minus_decay(gap)]
    gaps = {gap: sp.Dummy("gap", positive=True) for gap in found}
    if gaps and sp.simplify(expr.xreplace(gaps)) == 0:
        return sp.Integer(0)
    inside = {s: 1 / (1 + sp.Dummy(s.name, positive=True)) for s in decays}
    return collect_sums(expr).subs(inside).doit()


def collect_sums(expr: sp.Expr) -> sp.Expr:
    r"""Bring finite sums to one form, so that equal sums cancel.

    The terms beyond a common upper limit are split off (:math:`\sum_{i=1}^{t+1}` becomes
    :math:`\sum_{i=1}^{t}` plus the last term), factors without the index move out, and the index
    gets one name.

    Examples
    --------
    >>> import sympy as sp
    >>> a = sp.Symbol("a", positive=True)
    >>> i, t = sp.symbols("i t", integer=True, positive=True)
    >>> g = sp.IndexedBase("g")
    >>> left = a * sp.Sum(a**(t - i) * g[i], (i, 1, t)) + g[t + 1]
    >>> right = sp.Sum(a**(t + 1 - i) * g[i], (i, 1, t + 1))
    >>> sp.simplify(collect_sums(left - right))
    0
    """
    return sp.expand(sp.expand(expr).replace(lambda e: isinstance(e, sp.Sum), _normal_sum))


def _normal_sum(total: sp.Sum) -> sp.Expr:
    if len(total.limits) != 1 or len(total.limits[0]) != 3:
        return total
    index, low, high = total.limits[0]
    if (high - low).is_Integer:
        return total.doit()
    extra, anchor = high.as_coeff_Add()
    split = sp.Integer(0)
    if anchor != 0 and extra.is_Integer and extra > 0:
        split = sum(total.function.subs(index, anchor + k) for k in range(1, int(extra) + 1))
        high = anchor
    name = sp.Symbol("_k", integer=True, positive=index.is_positive)
    result = split
    for term in sp.Add.make_args(sp.expand(total.function.subs(index, name))):
        outside, inside = term.as_independent(name, as_Add=False)
        result += outside * sp.Sum(inside, (name, low, high))
    return result
