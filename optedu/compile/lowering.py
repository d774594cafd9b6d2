r"""What every fast form needs: scalars out of the loop and merged, subexpressions shared.

`lower(rule)` returns a `Program`: assignments of scalars, computed once a step in double, and
assignments of arrays, the body of the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import sympy
from sympy import Add, Dummy, Expr, Mul, Piecewise, Pow, S, Symbol

from optedu import symbols
from optedu.quantities import Given, State, total, x

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = [
    "Assignment",
    "Program",
    "array_symbols",
    "lower",
    "lower_totals",
    "optional",
    "specialized",
    "without_totals",
]


@dataclass(frozen=True)
class Assignment:
    r"""`name = expression`; `target` is the symbol that later expressions use."""

    target: Symbol
    expression: Expr


@dataclass(frozen=True)
class Program:
    r"""The lowered form of a rule.

    Attributes
    ----------
    rule : Rule
        What was lowered.
    scalars : tuple of Assignment
        Computed once a step, in double: they use hyper-parameters, `t` and scalar states.
    body : tuple of Assignment
        Computed for every element. Targets are new states, `x.new` and temporaries; in the program
        of sums over all parameters what is summed.
    """

    rule: Rule
    scalars: tuple[Assignment, ...]
    body: tuple[Assignment, ...]

    @property
    def array_states(self) -> tuple[State, ...]:
        r"""The states that are arrays, in the rule's order."""
        return tuple(s for s in self.rule.states if not s.scalar)

    @property
    def scalar_states(self) -> tuple[State, ...]:
        r"""The states that are one number for all parameters."""
        return tuple(s for s in self.rule.states if s.scalar)

    @property
    def arrays(self) -> tuple[State, ...]:
        r"""Everything that the body updates: the parameters and the array states."""
        return (x, *self.array_states)

    @property
    def code_names(self) -> dict[Symbol, str]:
        r"""Names in code that updates in place: the old and the new value share one name."""
        names: dict[Symbol, str] = {}
        for variable in (x, *self.rule.states):
            names[variable.old] = names[variable.new] = variable.name
        return names

    @cached_property
    def sums(self) -> tuple[Symbol, ...]:
        r"""The sums over all parameters that the program takes; none in what changes the arrays."""
        return tuple(a.target for a in self.body if isinstance(a.target, Given))

    @cached_property
    def given(self) -> tuple[Symbol, ...]:
        r"""The sums over all parameters that the program reads, in their order."""
        read = {s for a in (*self.scalars, *self.body) for s in a.expression.free_symbols}
        return tuple(sorted((s for s in read if isinstance(s, Given)), key=lambda s: s.name))

    @cached_property
    def constants(self) -> tuple[Symbol, ...]:
        r"""The scalars that the body reads and that no step changes, in the order of their use."""
        return tuple(c for c in self._read if c not in self._stepwise)

    @cached_property
    def coefficients(self) -> tuple[Symbol, ...]:
        r"""The scalars that the body reads and that change with the step."""
        return tuple(c for c in self._read if c in self._stepwise)

    def needed_for(self, outputs: Iterable[Symbol]) -> tuple[Assignment, ...]:
        r"""Return the scalar assignments that the outputs need, in order."""
        wanted = set(outputs)
        kept = []
        for assignment in reversed(self.scalars):
            if assignment.target in wanted:
                kept.append(assignment)
                wanted |= assignment.expression.free_symbols
        return tuple(reversed(kept))

    @cached_property
    def _stepwise(self) -> set[Symbol]:
        changing = {symbols.t} | {s for v in self.scalar_states for s in (v.old, v.new)}
        changing |= set(self.given)
        for assignment in self.scalars:
            if assignment.expression.free_symbols & changing:
                changing.add(assignment.target)
        return changing

    @cached_property
    def _read(self) -> tuple[Symbol, ...]:
        arrays = {symbols.g, *(a.target for a in self.body)}
        arrays |= {s for v in self.arrays for s in (v.old, v.new)}
        seen: dict[Symbol, None] = {}
        for assignment in self.body:
            for symbol in sorted(assignment.expression.free_symbols, key=lambda s: s.name):
                if symbol not in arrays:
                    seen[symbol] = None
        return tuple(seen)


def specialized(rule: Rule, zeros: frozenset[str]) -> Rule:
    r"""Return the rule with the named hyper-parameters fixed at zero: no work for what is off."""
    return rule.at(**dict.fromkeys(zeros, 0.0)) if zeros else rule


def optional(rule: Rule) -> tuple[str, ...]:
    r"""Return the hyper-parameters that are off by default, such as weight decay."""
    return tuple(h.name for h in rule.hypers if h.default == 0)


@lru_cache(maxsize=256)
def without_totals(rule: Rule) -> tuple[Rule, tuple[dict[Symbol, Expr], ...]]:
    r"""Return the rule with a symbol for each sum over all parameters, and what the sums are of.

    The sums come in levels: those of one level are taken in one pass over the arrays, and read the
    values from before the step and sums of earlier levels alone.
    """
    given: dict[Expr, Given] = {}
    terms: dict[Symbol, Expr] = {}
    known: dict[Symbol, Expr] = {}
    equations = []

    def named(expression: Expr) -> Expr:
        while found := expression.atoms(total):
            inner = min(found, key=lambda e: (len(e.atoms(total)), str(e)))
            if inner not in given:
                given[inner] = Given(f"total{len(given)}", rf"\Sigma_{{{len(given)}}}")
                terms[given[inner]] = inner.args[0].xreplace(known)
            expression = expression.xreplace({inner: given[inner]})
        return expression

    for equation in rule.equations:
        rhs = named(equation.rhs)
        known[equation.lhs] = rhs.xreplace(known)
        equations.append(sympy.Eq(equation.lhs, rhs, evaluate=False))
    if not terms:
        return rule, ()
    levels: list[dict[Symbol, Expr]] = []
    done: set[Symbol] = set()
    while len(done) < len(terms):
        level = {
            s: e
            for s, e in terms.items()
            if s not in done and {f for f in e.free_symbols if isinstance(f, Given)} <= done
        }
        levels.append(level)
        done |= set(level)
    return replace(rule, equations=tuple(equations)), tuple(levels)


@lru_cache(maxsize=256)
def lower(rule: Rule) -> Program:
    r"""Lower a rule; see the module. Of one with sums over all parameters, what follows them."""
    rule, _ = without_totals(rule)
    outputs = {x.new} | {v.new for v in rule.states}
    return _lowered(rule, _inline(rule, array_symbols(rule), outputs))


@lru_cache(maxsize=256)
def lower_totals(rule: Rule) -> tuple[Program, ...]:
    r"""Lower what the sums over all parameters are of: a program for each level."""
    plain, levels = without_totals(rule)
    return tuple(_lowered(plain, list(level.items())) for level in levels)


def _lowered(rule: Rule, equations: list[tuple[Symbol, Expr]]) -> Program:
    arrays = array_symbols(rule)
    scalars: list[Assignment] = []
    body: list[Assignment] = []
    names = _names("s", rule)
    known: dict[Expr, Symbol] = {}

    def hoist(expression: Expr) -> Expr:
        if expression.is_Number or expression.is_Symbol:
            return expression
        if expression not in known:
            known[expression] = next(names)
            scalars.append(Assignment(known[expression], expression))
        return known[expression]

    old_of = {v.new: v.old for v in rule.states if not v.scalar}
    for target, expression in equations:
        if old_of.get(target) == expression:
            continue  # a state that stays, as a start that is remembered
        if expression.free_symbols & arrays:
            arrays.add(target)
            body.append(Assignment(target, _separate(expression, arrays, hoist)))
        else:
            scalars.append(Assignment(target, expression))
    return Program(rule, tuple(_share(scalars, rule, "r")), tuple(_share(body, rule, "w")))


def array_symbols(rule: Rule) -> set[Symbol]:
    r"""Return the symbols of the gradient, the parameters and the array states."""
    return {symbols.g, x.old, x.new} | {
        s for v in rule.states if not v.scalar for s in (v.old, v.new)
    }


def _inline(rule: Rule, arrays: set[Symbol], outputs: set[Symbol]) -> list[tuple[Symbol, Expr]]:
    r"""Put array intermediates that are used once where they are used."""
    uses: dict[Symbol, int] = {}
    for equation in rule.equations:
        for symbol in equation.rhs.free_symbols:
            uses[symbol] = uses.get(symbol, 0) + equation.rhs.count(symbol)
    inline: dict[Symbol, Expr] = {}
    result: list[tuple[Symbol, Expr]] = []
    overwritten: set[Symbol] = set()
    old_of = {v.new: v.old for v in (x, *rule.states)}
    arrays = set(arrays)
    for equation in rule.equations:
        # What an intermediate reads may have been overwritten since: then it keeps its own line.
        for symbol, expression in list(inline.items()):
            if symbol in equation.rhs.free_symbols and expression.free_symbols & overwritten:
                result.append((symbol, inline.pop(symbol)))
        rhs = equation.rhs.subs(inline)
        if equation.lhs in old_of:
            for symbol, expression in list(inline.items()):
                if old_of[equation.lhs] in expression.free_symbols and (
                    symbol in _used_later(rule, equation)
                ):
                    result.append((symbol, inline.pop(symbol)))
            overwritten.add(old_of[equation.lhs])
        is_array = bool(rhs.free_symbols & arrays)
        if is_array:
            arrays.add(equation.lhs)
        if is_array and equation.lhs not in outputs and uses.get(equation.lhs, 0) == 1:
            inline[equation.lhs] = rhs
        else:
            result.append((equation.lhs, rhs))
    return result


def _used_later(rule: Rule, equation: sympy.Eq) -> set[Symbol]:
    position = rule.equations.index(equation)
    later: set[Symbol] = set()
    for other in rule.equations[position + 1 :]:
        later |= other.rhs.free_symbols
    return later


def _separate(expression: Expr, arrays: set[Symbol], hoist: Callable[[Expr], Expr]) -> Expr:
    r"""Rewrite so that each product has one scalar factor, and hoist every scalar part."""
    coefficient, rest = _pull(expression, arrays)
    return _attach(coefficient, _hoist_inside(rest, arrays, hoist), hoist)


def _attach(coefficient: Expr, rest: Expr, hoist: Callable[[Expr], Expr]) -> Expr:
    if coefficient == 1:
        return rest
    number, _ = coefficient.as_coeff_Mul()
    sign = S.NegativeOne if number.is_negative else S.One
    return Mul(sign * hoist(sign * coefficient), rest)


def _hoist_inside(expression: Expr, arrays: set[Symbol], hoist: Callable[[Expr], Expr]) -> Expr:
    if not expression.free_symbols & arrays:
        return hoist(expression) if expression.free_symbols else expression
    if expression.is_Atom:
        return expression
    if isinstance(expression, Add):
        terms, scalar = _collect(expression, arrays)
        rest = [_attach(c, _hoist_inside(a, arrays, hoist), hoist) for a, c in terms.items()]
        if scalar != 0:
            rest.append(hoist(scalar) if scalar.free_symbols else scalar)
        return Add(*rest)
    if isinstance(expression, Mul):
        return Mul(*[_hoist_inside(a, arrays, hoist) for a in expression.args])
    if isinstance(expression, Pow):
        base, exponent = expression.args
        return Pow(_separate(base, arrays, hoist), exponent)
    return expression.func(*[_separate(a, arrays, hoist) for a in expression.args])


def _collect(expression: Add, arrays: set[Symbol]) -> tuple[dict[Expr, Expr], Expr]:
    r"""Return the sum as array term -> scalar coefficient, and its scalar rest.

    A bracket is multiplied out only where one of its terms merges with one outside: x - lr (d +
    weight_decay x) becomes (1 - lr weight_decay) x - lr d, one pass over the array less.
    """
    terms: dict[Expr, Expr] = {}
    scalar = S.Zero
    pairs = [_pull(a, arrays) for a in expression.args]
    outside = {a for _, a in pairs}
    for coefficient, rest in pairs:
        inner = [(coefficient, rest)]
        if isinstance(rest, Add):
            expanded = [_pull(a, arrays) for a in rest.args]
            if outside & {a for _, a in expanded if a != 1}:
                inner = [(coefficient * c, a) for c, a in expanded]
        for c, a in inner:
            if a == 1:
                scalar += c
            else:
                terms[a] = terms.get(a, S.Zero) + c
    return terms, scalar


def _pull(expression: Expr, arrays: set[Symbol]) -> tuple[Expr, Expr]:
    r"""Return (scalar, array) with `expression` = scalar * array."""
    if not expression.free_symbols & arrays:
        return _power(expression, S.One), S.One
    if isinstance(expression, Mul):
        pairs = [_pull(a, arrays) for a in expression.args]
        return Mul(*[c for c, _ in pairs]), Mul(*[a for _, a in pairs])
    if isinstance(expression, Pow):
        base, exponent = expression.args
        coefficient, rest = _pull(base, arrays)
        if isinstance(base, Add):
            coefficient, rest = _pull_sum(base, arrays)
        if exponent.is_Integer or _positive(coefficient):
            return _power(coefficient, exponent), Pow(rest, exponent)
        return S.One, expression
    return S.One, expression


def _pull_sum(expression: Add, arrays: set[Symbol]) -> tuple[Expr, Expr]:
    r"""Take the factor c out of c*a + scalar: one array operation less."""
    terms = [a for a in expression.args if a.free_symbols & arrays]
    scalar = Add(*[a for a in expression.args if not a.free_symbols & arrays])
    if len(terms) == 1:
        coefficient, rest = _pull(terms[0], arrays)
        if coefficient != 1 and _positive(coefficient):
            return coefficient, Add(rest, scalar / coefficient)
    return S.One, expression


def _positive(expression: Expr) -> bool:
    r"""Say whether a scalar is surely positive; 1 - beta**t is, for a decay rate."""
    # A learning rate is positive in formulas and may be zero in a step.
    zero = {
        s: Dummy(nonnegative=True)
        for s in expression.free_symbols
        if s.name in symbols.TABLE and symbols.TABLE[s.name].lower == 0
    }
    return bool(_with_positive(expression)[0].xreplace(zero).is_positive)


def _power(expression: Expr, exponent: Expr) -> Expr:
    r"""Return the power, simplified with what is known to be positive: sqrt(1/a) is 1/sqrt(a)."""
    replaced, back = _with_positive(expression)
    return Pow(replaced, exponent).xreplace(back)


def _with_positive(expression: Expr) -> tuple[Expr, dict[Dummy, Expr]]:
    back: dict[Dummy, Expr] = {}

    def positive(e: Expr) -> Dummy:
        dummy = Dummy(positive=True)
        back[dummy] = e
        return dummy

    found = [e for e in expression.atoms(Add) if symbols.is_one_minus_decay(e)]
    return expression.xreplace({e: positive(e) for e in found}), back


def _share(assignments: list[Assignment], rule: Rule, prefix: str) -> Iterator[Assignment]:
    r"""Compute common subexpressions once, just before their first use."""
    names = _names(prefix, rule)
    replacements, reduced = sympy.cse(
        # What stands in one case of a choice only may not be computed outside it.
        [a.expression for a in assignments if not a.expression.has(Piecewise)],
        symbols=names,
        order="canonical",
    )
    pending = dict(replacements)
    done: set[Symbol] = set()

    def before(expression: Expr) -> Iterator[Assignment]:
        for symbol in sorted(expression.free_symbols & set(pending), key=lambda s: s.name):
            if symbol not in done:
                yield from before(pending[symbol])
                done.add(symbol)
                yield Assignment(symbol, pending[symbol])

    shared = iter(reduced)
    for assignment in assignments:
        choice = assignment.expression.has(Piecewise)
        expression = assignment.expression if choice else next(shared)
        yield from before(expression)
        yield Assignment(assignment.target, expression)


def _names(prefix: str, rule: Rule) -> Iterator[Symbol]:
    names = {s.name for eq in rule.equations for s in eq.free_symbols}
    taken = [Symbol(name, real=True) for name in names]
    return sympy.numbered_symbols(prefix, exclude=taken, real=True)
