r"""The known ways to write an update rule wrong, derived from the rule by substitution.

Each misconception changes the rule's equations as a student's slip of the pen or of the mind
would: `1 - beta1**t` becomes 1, `g**2` becomes `g`, the sign of the step flips. A check that finds
a difference evaluates all of them on the same inputs and names the one whose numbers are the
student's. The tests use the same list the other way round, as mutants that must be found.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from typing import Any

import numpy as np
import sympy
from sympy import Abs, Add, Expr, Max, Min, Mul, Piecewise, Pow, Rational, Symbol, sign

from optedu import matrices, symbols
from optedu.compile import matrices as compiled
from optedu.exercise.scenarios import shape_of
from optedu.quantities import State, total
from optedu.quantities import x as X
from optedu.rule import Rule
from optedu.safe_expr.functions import COMPARISONS, REAL

__all__ = ["Form", "Misconception", "cases", "combined", "of"]

HALF = Rational(1, 2)


class Mean(sympy.Function):
    r"""The mean over all elements of an array."""

    @classmethod
    def eval(cls, value: Expr) -> Expr | None:
        return ZERO if value.is_zero else None


ONE, ZERO = sympy.S.One, sympy.S.Zero


@dataclass(frozen=True)
class Form:
    r"""Equations that can be evaluated: a rule's, or those of a rule gone wrong.

    Attributes
    ----------
    rule : Rule
        The rule, for its names, defaults and initial state.
    equations : tuple of (Symbol, Expr)
        In the order of evaluation.
    outputs : tuple of (str, Expr)
        What is returned for `"x"` and for each state variable.
    """

    rule: Rule
    equations: tuple[tuple[Symbol, Expr], ...]
    outputs: tuple[tuple[str, Expr], ...]

    @classmethod
    def of(cls, rule: Rule) -> Form:
        r"""Return the equations of the rule itself."""
        return cls(
            rule,
            tuple((eq.lhs, eq.rhs) for eq in rule.equations),
            tuple((s.name, s.new) for s in (X, *rule.states)),
        )

    def step(
        self, x: Any, g: Any, state: Mapping[str, Any], t: int, **hyper: Any
    ) -> tuple[Any, dict[str, Any]]:
        r"""Return what these equations make of one step, on NumPy arrays; see `Rule.step`."""
        hyper = {**self.rule.defaults(), **hyper}
        # NumPy scalars divide by zero as arrays do, without an exception.
        env: dict[Expr, Any] = {X.old: x, symbols.g: g, symbols.t: np.float64(t)}
        env |= {s.old: state[s.name] for s in self.rule.states}
        env |= {h.symbol: np.float64(hyper[h.name]) for h in self.rule.hypers}
        if self.rule.matrices:
            env |= dict(zip((symbols.rows, symbols.columns), map(np.float64, x.shape), strict=True))
        with np.errstate(all="ignore"):
            for lhs, rhs in self.equations:
                env[lhs] = _value(rhs, env)
            values = {name: _value(expression, env) for name, expression in self.outputs}
        # A wrong equation may lose every array (a state that is a number): broadcast it back.
        scalars = {s.name for s in self.rule.states if s.scalar}
        shapes = {"x": x.shape, **{s.name: s.shape(x.shape) for s in self.rule.states}}
        out = {
            name: float(np.ravel(value)[0])
            if name in scalars
            else np.array(np.broadcast_to(value, shapes[name]), dtype=x.dtype)
            for name, value in values.items()
        }
        return out.pop("x"), out


@dataclass(frozen=True)
class Misconception:
    r"""One known mistake in one rule.

    Attributes
    ----------
    name : str
        Short and stable, such as `"no-bias-correction"`; with the variable where one is meant,
        as in `"not-squared:v"`.
    sentence : str
        What the student is told, beginning in lower case, without a full stop.
    form : Form
        The equations with the mistake.
    """

    name: str
    sentence: str
    form: Form

    def step(self, *arguments: Any, **hyper: Any) -> tuple[Any, dict[str, Any]]:
        r"""Return one step with the mistake; the arguments are those of `Rule.step`."""
        return self.form.step(*arguments, **hyper)


def _value(expression: Expr, env: Mapping[Expr, Any]) -> Any:
    r"""Evaluate an expression on NumPy arrays: thousands of forms, each too short to compile.

    Not by `optedu.exercise.evaluation`: that works with complex numbers, point by point, and bounds
    their rounding; here float32 stays float32, and sums run over all elements.
    """
    if expression in env:
        return env[expression]
    if expression.is_number:
        return np.float64(expression)
    if isinstance(expression, Piecewise):
        for value, condition in expression.args:
            if condition is sympy.true or bool(_value(condition, env)):
                return _value(value, env)
    if isinstance(expression, matrices.orthogonalized):
        matrix, _, steps = expression.args
        of_matrix = _value(matrix, env)
        return compiled.orthogonalized(of_matrix, expression.coefficients, int(steps))
    values = [_value(argument, env) for argument in expression.args]
    if isinstance(expression, Pow) and expression.exp in _POWERS:
        return _POWERS[expression.exp](values[0])
    return _OPERATIONS[expression.func](*values)


_POWERS: dict[Any, Callable[..., Any]] = {
    HALF: np.sqrt,
    -HALF: lambda base: 1 / np.sqrt(base),
    -ONE: lambda base: 1 / base,
    2 * ONE: np.square,
}
_OPERATIONS: dict[Any, Callable[..., Any]] = {
    **REAL,
    **COMPARISONS,
    Pow: operator.pow,
    total: np.sum,
    Mean: np.mean,
    matrices.matmul: np.matmul,
    matrices.transposed: np.transpose,
    matrices.inverse_root: compiled.inverse_root,
    matrices.row_sums: compiled.row_sums,
    matrices.column_sums: compiled.column_sums,
}

Change = Callable[[Form], Form]
Candidate = tuple[str, str, Change]


@lru_cache(maxsize=64)
def of(rule: Rule) -> tuple[Misconception, ...]:
    r"""Return every known misconception that changes this rule.

    Parameters
    ----------
    rule : Rule
        Fix the hyper-parameters that are not asked for first, `rule.at(weight_decay=0)`.

    Returns
    -------
    tuple of Misconception
        The more common ones first; two that give the same equations appear once. Of a rule that
        sums over all parameters or steps a matrix, those that show: a norm hides the factors that
        many mistakes are, and not all matrices can be multiplied.

    Examples
    --------
    >>> from optedu.exercise import misconceptions
    >>> for mistake in misconceptions.of(optedu.rules.get("sgd").at(weight_decay=0)):
    ...     print(mistake.name)
    wrong-sign
    ignored:lr
    left-out:lr
    x-unchanged
    returns-step
    returns-update
    """
    right = Form.of(rule)
    seen = {right}
    found: dict[str, Misconception] = {}
    # A norm may hide a factor: then the numbers are right, and so is whoever wrote it.
    tried = _tried(rule) if rule.sums or rule.matrices else None
    for name, sentence, change in _candidates(rule):
        form = change(right)
        if form not in seen:
            seen.add(form)
            if tried is None or _shows(form, tried):
                # Where a rule has two squares or two maxima in a state, the first is spoken of.
                found.setdefault(name, Misconception(name, sentence, form))
    return tuple(found.values())


Call = tuple[tuple[Any, Any, dict[str, Any], int], dict[str, float]]
Tried = list[tuple[Call, dict[str, Any]]]


def _tried(rule: Rule) -> Tried:
    r"""Return calls, and what the rule makes of each."""
    tried = []
    for (x, g, state, t), hyper in cases(rule, varied=True):
        new_x, new = rule.step(x, g, state, t, **hyper)
        tried.append((((x, g, state, t), hyper), {**new, "x": new_x}))
    return tried


def _shows(form: Form, tried: Tried) -> bool:
    r"""Say whether some result differs from the rule's, all being finite."""
    differs = False
    for ((x, g, state, t), hyper), right in tried:
        try:
            new_x, new = form.step(x, g, state, t, **hyper)
        except (TypeError, ValueError):  # matrices that do not fit one another, or are none
            return False
        for name, value in {**new, "x": new_x}.items():
            if not np.all(np.isfinite(value)):
                return False
            differs = differs or not np.allclose(value, right[name], rtol=1e-6, atol=0)
    return differs


# Rates at which 1 - beta*t is still positive at t = 2 and 3, and rates of a longer memory.
_RATES = (
    {"beta1": 0.43, "beta2": 0.31, "momentum": 0.38},
    {"beta1": 0.62, "beta2": 0.83, "momentum": 0.71},
)
_STEPS = ((1, 2, 3, 4), (1, 2, 5, 9, 12))
_MANY_STEPS = (tuple(range(1, 31)), tuple(range(1, 31)))
# Factors of the last two elements of a gradient: a root below eps, and one of zero.
_SMALL = ((1, 0.02), (0, 1))


def cases(rule: Rule, varied: bool) -> list[Call]:
    r"""Return calls at which the known misconceptions come apart: arguments and hypers."""
    rng = np.random.default_rng(90210)
    cases = []
    # Two wrong arguments of a sign agree by chance more often than not: it takes many to tell.
    signs = any(eq.rhs.has(sign) for eq in rule.equations)
    for rates, steps, small in zip(_RATES, _MANY_STEPS if signs else _STEPS, _SMALL, strict=True):
        values = {"eps": 0.07, "lr": 0.37, "shortest_step": 0.05, "longest_step": 0.4, **rates}
        hyper = {h.name: values.get(h.name, h.lower + 0.23) for h in rule.hypers} if varied else {}
        # As in the runs: a hidden array from one of them has to fit.
        x = rng.normal(size=shape_of(rule))
        state = rule.init(x, **hyper)
        for t in range(1, max(steps) + 1):
            # Of both signs, and now larger, now smaller than what the state remembers.
            g = rng.normal(size=x.shape) * (1.7 if t % 2 else 0.3)
            g.reshape(-1)[3:5] *= small
            if t in steps:
                cases.append(((x, g, state, t), hyper))
            x, state = rule.step(x, g, state, t, **hyper)
    return cases


def combined(rule: Rule, names: Collection[str]) -> Iterator[Misconception]:
    r"""Yield the misconceptions of these names two at a time."""
    right = Form.of(rule)
    candidates = [candidate for candidate in _candidates(rule) if candidate[0] in names]
    seen = {right} | {mistake.form for mistake in of(rule)}
    for index, (first, one, change) in enumerate(candidates):
        changed = change(right)
        if changed == right:
            continue
        for second, two, other in candidates[index + 1 :]:
            form = other(changed)
            # Where the second changes nothing, the first alone would go by the name of both.
            if form != changed and form not in seen:
                seen.add(form)
                yield Misconception(f"{first} + {second}", f"{one}; and {two}", form)


# -- how equations are changed ---------------------------------------------------------------


def _map(form: Form, change: Callable[[Symbol, Expr], Expr]) -> Form:
    equations = tuple((lhs, change(lhs, rhs)) for lhs, rhs in form.equations)
    return replace(form, equations=equations)


def _everywhere(mapping: Mapping[Expr, Expr]) -> Change:
    return lambda form: _map(form, lambda lhs, rhs: rhs.xreplace(mapping))


def _only(target: Symbol, change: Callable[[Expr], Expr]) -> Change:
    return lambda form: _map(form, lambda lhs, rhs: change(rhs) if lhs == target else rhs)


def _elsewhere(target: Symbol, mapping: Mapping[Expr, Expr]) -> Change:
    return lambda form: _map(form, lambda lhs, rhs: rhs if lhs == target else rhs.xreplace(mapping))


def _in(target: Symbol, mapping: Mapping[Expr, Expr]) -> Change:
    return _only(target, lambda rhs: rhs.xreplace(mapping))


def _becomes(target: Symbol, value: Expr) -> Change:
    return _only(target, lambda rhs: value)


def _outputs(**changed: Expr) -> Change:
    return lambda form: replace(
        form, outputs=tuple((n, changed.get(n, e)) for n, e in form.outputs)
    )


def _rewrite(match: Callable[[Expr], bool], value: Callable[[Expr], Expr]) -> Change:
    return lambda form: _map(form, lambda lhs, rhs: rhs.replace(match, value))


def _chain(*changes: Change) -> Change:
    return lambda form: reduce(lambda changed, change: change(changed), changes, form)


# -- the catalogue ---------------------------------------------------------------------------


def _candidates(rule: Rule) -> Iterator[Candidate]:
    yield from _bias_correction(rule)
    yield from _first_and_old(rule)
    yield from _epsilon(rule)
    yield from _denominator(rule)
    yield from _matrices(rule)
    yield from _moments(rule)
    yield from _step(rule)
    yield from _memory(rule)
    yield from _decay(rule)
    yield from _turns(rule)
    yield from _hypers(rule)
    yield from _special(rule)


def _phrase(rule: Rule, state: State) -> str:
    r"""Name a state variable as a student would: "second moment v"."""
    rhs = rule.expression(state.name)
    if rhs.has(Max):
        return f"maximum {state.name}"
    if any(_is_square(node) for node in sympy.preorder_traversal(rhs)):
        return f"{_moment(rule, rhs)} {state.name}"
    if any(_is_correction_weight(node) for node in sympy.preorder_traversal(rhs)):
        return f"first moment {state.name}"
    return f"buffer {state.name}"


def _moment(rule: Rule, rhs: Expr) -> str:
    return "second moment" if rhs.has(symbols.beta2) else "sum of squares"


def _is_square(node: Expr) -> bool:
    return node.is_Pow and node.exp == 2 and node.base.is_Symbol


def _is_correction_weight(node: Expr) -> bool:
    return node.is_Add and node.args[0] == 1 and (1 - node).is_Symbol


def _corrections(rule: Rule) -> list[tuple[Symbol, Expr]]:
    r"""Find the bias corrections `1 - beta**t` of a rule: (beta, correction)."""
    found = []
    for hyper in rule.hypers:
        correction = 1 - hyper.symbol**symbols.t
        if any(eq.rhs.has(correction) for eq in rule.equations):
            found.append((hyper.symbol, correction))
    return found


def _bias_correction(rule: Rule) -> Iterator[Candidate]:
    t = symbols.t
    found = _corrections(rule)
    if not found:
        return
    written = " and ".join(f"1 - {beta}**t" for beta, _ in found)

    def all_by(value: Callable[[Symbol], Expr]) -> Change:
        return _everywhere({correction: value(beta) for beta, correction in found})

    yield (
        "no-bias-correction",
        f"this is {rule.title} without the bias correction: the moments start at zero, so they "
        f"are too small at first; divide by {written}",
        all_by(lambda beta: ONE),
    )
    yield (
        "correction-t-minus-1",
        "your bias correction uses t - 1 where t belongs: t counts from 1, and at the first step "
        "1 - beta**(t - 1) is zero",
        all_by(lambda beta: 1 - beta ** (t - 1)),
    )
    yield (
        "correction-t-plus-1",
        "your bias correction uses t + 1 where t belongs: t already counts from 1",
        all_by(lambda beta: 1 - beta ** (t + 1)),
    )
    yield (
        "t-stuck-at-1",
        "your bias correction uses t = 1 at every step: t has to grow; it is an argument of your "
        "function",
        all_by(lambda beta: 1 - beta),
    )
    yield (
        "correction-t-times",
        "your bias correction has beta*t where beta**t, a power, belongs",
        all_by(lambda beta: 1 - beta * t),
    )
    yield (
        "correction-power-only",
        f"your bias correction divides by beta**t alone; divide by {written}",
        all_by(lambda beta: beta**t),
    )
    yield (
        "correction-multiplies",
        f"your bias correction multiplies by {written}; it has to divide by them, since the "
        "moments are too small",
        _everywhere({1 / correction: correction for _, correction in found}),
    )
    yield (
        "correction-parentheses",
        f"parentheses are missing in your bias correction: m / 1 - {found[0][0]}**t divides by 1 "
        f"and then subtracts; write m / (1 - {found[0][0]}**t)",
        _chain(*(_without_parentheses(*each) for each in found)),
    )
    yield (
        "correction-power-of-difference",
        "your bias correction has (1 - beta)**t where 1 - beta**t belongs: beta is raised to the "
        "power t, and then subtracted from 1",
        all_by(lambda beta: (1 - beta) ** t),
    )
    if len(found) > 1:
        for beta, correction in found:
            yield (
                f"correction-parentheses:{beta}",
                f"parentheses are missing in one bias correction: ... / 1 - {beta}**t divides by 1 "
                f"and then subtracts; write ... / (1 - {beta}**t)",
                _without_parentheses(beta, correction),
            )
            yield (
                f"correction-power-of-difference:{beta}",
                f"one bias correction has (1 - {beta})**t where 1 - {beta}**t belongs",
                _everywhere({correction: (1 - beta) ** t}),
            )
            yield (
                f"uncorrected:{beta}",
                f"one bias correction is missing: divide by 1 - {beta}**t as well",
                _everywhere({correction: ONE}),
            )
        (first, one), (second, two) = found[:2]
        yield (
            "corrections-swapped",
            f"your bias corrections are exchanged: 1 - {first}**t stands where "
            f"1 - {second}**t belongs",
            _everywhere({one: two, two: one}),
        )
        for wrong, right, changed in ((first, second, {two: one}), (second, first, {one: two})):
            yield (
                f"correction-with-{wrong}",
                f"both of your bias corrections use {wrong}: one of them needs 1 - {right}**t",
                _everywhere(changed),
            )
    intermediates = {eq.lhs: eq.rhs for eq in rule.equations}
    for state in rule.states:
        for _, correction in found:
            for symbol, rhs in intermediates.items():
                if rhs == state.new / correction:
                    yield (
                        f"stores-corrected:{state.name}",
                        f"you return the corrected {_phrase(rule, state)} as the new state, so "
                        f"the next step starts from a wrong {state.name}: keep the uncorrected "
                        "one and correct a copy",
                        _outputs(**{state.name: symbol}),
                    )


def _without_parentheses(beta: Symbol, correction: Expr) -> Change:
    def divides(node: Expr) -> bool:
        return node.is_Mul and 1 / correction in node.args

    return _rewrite(divides, lambda node: node * correction - beta**symbols.t)


def _epsilon(rule: Rule) -> Iterator[Candidate]:
    eps = symbols.eps
    if eps not in {h.symbol for h in rule.hypers}:
        return

    def beside_root(node: Expr) -> bool:
        return node.is_Add and eps in node.args and _root_of(node - eps) is not None

    def under_root(node: Expr) -> bool:
        return node.is_Pow and abs(node.exp) == HALF and node.base.is_Add and eps in node.base.args

    yield (
        "eps-inside",
        "your eps is inside the square root; here it is added to the root, sqrt(...) + eps",
        _rewrite(beside_root, lambda node: sympy.sqrt(_root_of(node - eps) + eps)),
    )
    yield (
        "eps-outside",
        "your eps is added to the square root; here it is inside, sqrt(... + eps)",
        _rewrite(under_root, lambda node: (sympy.sqrt(node.base - eps) + eps) ** (2 * node.exp)),
    )
    yield (
        "eps-added-to-x",
        "your eps is added to the parameter and not to the denominator: a parenthesis is missing "
        "around sqrt(...) + eps",
        _chain(_everywhere({eps: ZERO}), _only(X.new, lambda rhs: rhs + eps)),
    )
    yield (
        "eps-subtracted-from-x",
        "your eps is added to the whole step and not to the denominator: a parenthesis is missing "
        "around sqrt(...) + eps",
        _chain(_everywhere({eps: ZERO}), _only(X.new, lambda rhs: rhs - eps)),
    )
    yield (
        "eps-maximum",
        "your denominator is the larger of the root and eps, max(sqrt(...), eps); here eps is "
        "added to the root, sqrt(...) + eps",
        _rewrite(beside_root, lambda node: Max(node - eps, eps)),
    )
    yield (
        "eps-maximum-inside",
        "your root is that of the larger one, sqrt(max(..., eps)); here eps is added",
        _chain(
            _rewrite(beside_root, lambda node: sympy.sqrt(Max(_root_of(node - eps), eps))),
            _rewrite(under_root, lambda node: Max(node.base - eps, eps) ** node.exp),
        ),
    )
    yield (
        "eps-sum",
        "your denominator is the sum of the root and eps; here it is the larger of the two",
        _rewrite(
            lambda node: isinstance(node, Max) and eps in node.args, lambda node: Add(*node.args)
        ),
    )
    yield (
        "no-eps",
        "eps is missing: nothing keeps the denominator away from zero",
        _everywhere({eps: ZERO}),
    )
    for beta, correction in _corrections(rule):
        if beta == symbols.beta2:
            yield (
                "eps-hat",
                "your eps is added before the second moment is corrected: that is the form with "
                "'epsilon hat', as in Keras; here eps is added to sqrt(v_hat)",
                _rewrite(beside_root, lambda node, c=correction: node - eps + eps / sympy.sqrt(c)),
            )


def _root_of(node: Expr) -> Expr | None:
    return node.base if node.is_Pow and node.exp == HALF else None


def _first_and_old(rule: Rule) -> Iterator[Candidate]:
    r"""Yield what goes wrong where a rule divides by an old state, which its first step fills."""
    starts = [
        eq.lhs for eq in rule.equations if eq.rhs == Piecewise((1, symbols.t <= 1), (0, True))
    ]
    for state in rule.states:
        root = sympy.sqrt(state.old)
        users = [eq.lhs for eq in rule.equations if eq.rhs.has(root)]
        if not users or not starts:
            continue
        new = sympy.sqrt(rule.expression(state.name))
        yield (
            f"divides-by-new:{state.name}",
            f"you divide by the root of the new {state.name}, which has seen this gradient; "
            f"divide by that of the old {state.name}",
            _chain(*(_in(u, {root: new}) for u in users)),
        )
        yield (
            "first-step-taken",
            f"your first step is a step like the others: it may only fill {state.name}, with the "
            "square of the gradient",
            _everywhere(dict.fromkeys(starts, ZERO)),
        )


def _denominator(rule: Rule) -> Iterator[Candidate]:
    has_root = any(
        node.is_Pow and abs(node.exp) == HALF
        for eq in rule.equations
        for node in sympy.preorder_traversal(eq.rhs)
    )
    if not has_root:
        return

    def divides(node: Expr) -> bool:
        if not (node.is_Pow and node.exp.is_negative):
            return False
        return node.exp == -HALF or node.base.has(symbols.eps)

    yield (
        "multiplies-by-root",
        "your step multiplies by the root where it has to divide: coordinates with large "
        "gradients must move less",
        _rewrite(divides, lambda node: 1 / node),
    )
    yield (
        "root-of-sum",
        "your step divides by the root of a sum over all elements, the same for all parameters; "
        "here each element has its own root",
        _rewrite(
            lambda node: node.is_Pow and abs(node.exp) == HALF,
            lambda node: total(node.base) ** node.exp,
        ),
    )
    yield (
        "no-root",
        "the square root is missing in your denominator",
        _rewrite(lambda node: node.is_Pow and abs(node.exp) == HALF, lambda node: node**2),
    )
    yield (
        "no-denominator",
        "your step does not divide by the root at all",
        _rewrite(divides, lambda node: ONE),
    )


def _moments(rule: Rule) -> Iterator[Candidate]:
    for state in rule.states:
        rhs = rule.expression(state.name)
        phrase = _phrase(rule, state)
        squares = [n for n in sympy.preorder_traversal(rhs) if _is_square(n)]
        for square in squares:
            base = _spoken(square.base)
            yield (
                f"not-squared:{state.name}",
                f"your {phrase} matches {base} instead of {base}**2",
                _in(state.new, {square: square.base}),
            )
            yield (
                f"absolute:{state.name}",
                f"your {phrase} matches |{base}| instead of {base}**2",
                _in(state.new, {square: Abs(square.base)}),
            )
            yield (
                f"doubled:{state.name}",
                f"your {phrase} matches {base}*2, twice the gradient, instead of {base}**2",
                _in(state.new, {square: 2 * square.base}),
            )
            for over, word in ((total, "sum"), (Mean, "mean")):
                yield (
                    f"{word}-over-elements:{state.name}",
                    f"your {phrase} takes the {word} of {base}**2 over all elements: one number "
                    "for all parameters; here each element has its own",
                    _in(state.new, {square: over(square)}),
                )
            yield (
                f"square-of-sum:{state.name}",
                f"your {phrase} squares the sum of {base} over all elements; here each element has "
                f"its own {base}**2",
                _in(state.new, {square: total(square.base) ** 2}),
            )
            for other, value in _means(rule, state):
                yield (
                    f"centered-{other}:{state.name}",
                    f"your {phrase} squares the distance to {other.partition('_')[0]}, "
                    f"({base} - {other.partition('_')[0]})**2, as AdaBelief does; here it squares "
                    f"{base} itself",
                    _in(state.new, {square: (square.base - value) ** 2}),
                )
            for first in _earlier(rule, state):
                yield (
                    f"squares-{first.name}:{state.name}",
                    f"your {phrase} squares {first.name}; it has to square {base}",
                    _in(state.new, {square: first.new**2}),
                )
        if not squares and not rhs.has(Max) and not state.scalar and rhs.has(state.old):
            yield (
                f"negated:{state.name}",
                f"your {phrase} subtracts the gradient; here it is added, and it is the step that "
                "is subtracted, from x",
                _only(state.new, lambda e, state=state: 2 * _part(e, state) - e),
            )
        if rhs.has(state.old) and not rhs.has(Max) and not state.scalar:
            yield (
                f"added-to-old:{state.name}",
                f"you add the new {state.name} to the old one, += where = belongs: the right side "
                f"has the old {state.name} in it already",
                _only(state.new, lambda e, state=state: e + state.old),
            )
        for weight in _weights(rule, rhs):
            swapped = {symbols.beta1: symbols.beta2, symbols.beta2: symbols.beta1}
            mixed = swapped.get(weight)
            if mixed is not None and mixed in {h.symbol for h in rule.hypers}:
                yield (
                    f"{mixed}-in:{state.name}",
                    f"your {phrase} uses {mixed} where {weight} belongs",
                    _in(state.new, {weight: mixed}),
                )
            if squares and rhs.has(1 - weight):
                yield (
                    f"accumulates:{state.name}",
                    f"your {phrase} adds up all squares, as AdaGrad does; here the old ones are "
                    f"forgotten: {weight}*{state.name} + (1 - {weight})*{_spoken(squares[0].base)}"
                    "**2",
                    _becomes(state.new, state.old + squares[0]),
                )
            yield (
                f"swapped-weights:{state.name}",
                f"the weights of your {phrase} are exchanged: {weight} belongs to the old "
                f"{state.name}, 1 - {weight} to the new term",
                _only(state.new, lambda e, weight=weight: e.subs(weight, 1 - weight)),
            )
            if rhs.has(1 - weight):
                yield (
                    f"sum-not-mean:{state.name}",
                    f"the new term of your {phrase} lacks its weight 1 - {weight}: this is a "
                    "decaying sum (heavy ball), not a moving average",
                    _in(state.new, {1 - weight: ONE}),
                )
                yield (
                    f"no-decay:{state.name}",
                    f"the old {state.name} is not multiplied by {weight}",
                    _in(state.new, {weight * state.old: state.old}),
                )
            elif not rhs.has(Max):
                yield (
                    f"mean-not-sum:{state.name}",
                    f"your {phrase} is a moving average, with weight 1 - {weight} on the new "
                    "term; here it is a decaying sum (heavy ball), with weight 1",
                    _only(
                        state.new,
                        lambda e, state=state, weight=weight: (
                            weight * state.old + (1 - weight) * (e - weight * state.old)
                        ),
                    ),
                )


def _earlier(rule: Rule, state: State) -> list[State]:
    r"""Return the states whose new value is known where that of `state` is computed."""
    order = [eq.lhs for eq in rule.equations]
    known = order[: order.index(state.new)]
    return [s for s in rule.states if s.new in known and not s.scalar]


def _means(rule: Rule, state: State) -> Iterator[tuple[str, Expr]]:
    r"""Yield the first moments from which a distance may be taken: new, corrected and old."""
    for other in rule.states:
        rhs = rule.expression(other.name)
        if other is state or other.scalar or rhs.has(Max) or _phrase(rule, other)[0] != "f":
            continue
        if other in _earlier(rule, state):
            yield other.name, other.new
            for _, correction in _corrections(rule):
                if rhs.has(1 - (1 - correction).as_base_exp()[0]):
                    yield f"{other.name}_hat", other.new / correction
        yield f"{other.name}_old", other.old


def _weights(rule: Rule, rhs: Expr) -> list[Symbol]:
    r"""Find the decay rates in the recurrence of a state variable."""
    names = {symbols.beta1, symbols.beta2, symbols.momentum}
    return sorted(rhs.free_symbols & names & {h.symbol for h in rule.hypers}, key=str)


def _spoken(symbol: Symbol) -> str:
    return "g" if symbol.name == "g_decayed" else symbol.name


def _step(rule: Rule) -> Iterator[Candidate]:
    yield (
        "wrong-sign",
        "your step has the wrong sign: it goes up the gradient, x + ... where x - ... belongs",
        _only(X.new, lambda rhs: 2 * X.old - rhs),
    )
    mean = symbols.beta1 in {h.symbol for h in rule.hypers}
    if mean and any(eq.rhs.has(sign) for eq in rule.equations):
        kept = {X.new, *(s.new for s in rule.states)}
        between = {eq.lhs: eq.rhs for eq in rule.equations if eq.lhs not in kept}
        yield (
            "sign-of-g",
            "your step takes the sign of the gradient alone; here it is the sign of a mean of the "
            "old state and the gradient",
            _rewrite(_is(sign), lambda node: sign(symbols.g)),
        )
        for state in rule.states:
            yield (
                f"sign-of-old:{state.name}",
                f"your step takes the sign of the old {state.name} alone: the gradient is missing",
                _rewrite(_is(sign), lambda node, s=state: sign(s.old)),
            )
            yield (
                f"sign-of-new:{state.name}",
                f"your step takes the sign of the new {state.name}, the state that you return; "
                "here it is the sign of another mean of the old one and the gradient, with beta1",
                _only(
                    X.new,
                    lambda e, s=state: e.replace(_is(sign), lambda node: sign(s.new)),
                ),
            )
            yield (
                f"sign-mixes-new:{state.name}",
                f"your step mixes the gradient with the new {state.name}, which holds it already; "
                f"mix it with the old {state.name}, and then take the sign",
                _only(
                    X.new,
                    lambda e, s=state: e.replace(
                        _is(sign),
                        lambda node: node.xreplace(between).xreplace({s.old: s.new}),
                    ),
                ),
            )


def _memory(rule: Rule) -> Iterator[Candidate]:
    arrays = [s for s in rule.states if not s.scalar]
    initial = {s.old: sympy.sympify(s.initial) for s in arrays}
    if len(arrays) > 1:
        yield (
            "state-not-kept",
            "your state starts anew at every step: use the old values, state[...]",
            _everywhere(initial),
        )
    for state in arrays:
        yield (
            f"state-not-kept:{state.name}",
            f'your {state.name} starts anew at every step: use the old one, state["{state.name}"]',
            _everywhere({state.old: initial[state.old]}),
        )
        yield (
            f"state-not-updated:{state.name}",
            f"you return the old {state.name}: return the new one in the state",
            _outputs(**{state.name: state.old}),
        )
        yield (
            f"no-look-ahead:{state.name}",
            f"your step is {state.name} alone, or looks ahead with the {state.name} from before "
            f"this step, which is the same: update {state.name} first, then look ahead with the "
            "new one",
            _not_ahead(state),
        )
        yield (
            f"uses-old:{state.name}",
            f"your step uses the {state.name} from before this step: update {state.name} first, "
            "then use the new one",
            _elsewhere(state.new, {state.new: state.old}),
        )


def _not_ahead(state: State) -> Change:
    r"""Put the state where the rule has it once more, a step further: Nesterov's g + momentum*b."""

    def change(form: Form) -> Form:
        made = dict(form.equations).get(state.new)

        def ahead(node: Expr) -> bool:
            moved_on = isinstance(node, Add) and node != made
            return moved_on and node.xreplace({state.new: state.old}) == made

        return _rewrite(ahead, lambda node: state.new)(form)

    return change


def _decay(rule: Rule) -> Iterator[Candidate]:
    wd, lr, g = symbols.weight_decay, symbols.lr, symbols.g
    if wd not in {h.symbol for h in rule.hypers}:
        return
    yield (
        "decay-sign",
        "your weight decay has the wrong sign: it makes the parameters grow",
        _everywhere({wd: -wd}),
    )
    yield (
        "no-weight-decay",
        "weight_decay has no effect in your function",
        _everywhere({wd: ZERO}),
    )
    last = rule.expression("x")
    if last.has(wd):
        yield (
            "l2-not-decoupled",
            "your weight decay is added to the gradient (an L2 penalty); here it is decoupled and "
            "acts on the parameters, past the moments",
            _chain(_everywhere({wd: ZERO}), _everywhere({g: g + wd * X.old})),
        )
        yield (
            "decays-new-x",
            "your weight decay acts on the x that the step has already moved; here it acts on the "
            "x from before the step, x - lr*(... + weight_decay*x)",
            _only(
                X.new,
                lambda rhs: rhs.xreplace({wd * X.old: wd * rhs.subs(wd, 0)}),
            ),
        )
        yield (
            "decay-without-lr",
            "your weight decay is not multiplied by lr",
            _everywhere({wd: wd / lr}),
        )
    else:
        yield (
            "decoupled-not-l2",
            "your weight decay acts on the parameters directly; here it is an L2 penalty, added "
            "to the gradient before the moments",
            _chain(
                _everywhere({wd: ZERO}),
                _only(X.new, lambda rhs: rhs - lr * wd * X.old),
            ),
        )


def _turns(rule: Rule) -> Iterator[Candidate]:
    r"""Yield what goes wrong where a rule compares the signs of two gradients, as Rprop does."""
    g, hypers = symbols.g, {h.name: h.symbol for h in rule.hypers}
    for state in rule.states:
        if not any(eq.rhs.has(sign(g * state.old)) for eq in rule.equations):
            continue
        yield (
            "turn-not-skipped",
            "where the sign of the gradient has changed you take a step all the same; there "
            "the gradient counts as zero",
            _becomes(state.new, g),
        )
        yield (
            f"turn-kept:{state.name}",
            f"you keep the gradient in {state.name} also where its sign has changed; keep zero "
            "there, so that the next step compares with nothing",
            _outputs(**{state.name: g}),
        )
        yield (
            "step-not-sign",
            "your step is as long as the gradient says; only its sign counts",
            _in(X.new, {sign(state.new): state.new}),
        )
    if {"shrink", "grow"} <= set(hypers):
        shrink, grow = hypers["shrink"], hypers["grow"]
        yield (
            "factors-swapped",
            "your steps shrink where the sign stays and grow where it changes: exchange the two",
            _everywhere({shrink: grow, grow: shrink}),
        )
        yield (
            "never-grows",
            "your steps never grow: where the sign stays, multiply by grow",
            _everywhere({grow: ONE}),
        )
        yield (
            "never-shrinks",
            "your steps never shrink: where the sign changes, multiply by shrink",
            _everywhere({shrink: ONE}),
        )
    for state in rule.states:
        rhs = rule.expression(state.name)
        for node in sorted(rhs.atoms(Max, Min), key=str) if rhs.has(Min) else ():
            for limit in (a for a in node.args if a in hypers.values()):
                (other,) = set(node.args) - {limit}
                side = "below" if isinstance(node, Max) else "above"
                yield (
                    f"no-limit:{limit}",
                    f"your {state.name} gets {side} {limit}: keep it within its limits",
                    _in(state.new, {node: other}),
                )


def _hypers(rule: Rule) -> Iterator[Candidate]:
    named = [h.symbol for h in rule.hypers]
    for hyper in rule.hypers:
        default = sympy.nsimplify(hyper.default)
        yield (
            f"ignored:{hyper.name}",
            f"your function uses {hyper.name} = {hyper.default:g} whatever it is given: use the "
            f"argument {hyper.name}",
            _everywhere({hyper.symbol: default}),
        )
    if symbols.lr in named:
        yield "left-out:lr", "lr is missing in your step", _everywhere({symbols.lr: ONE})
    if symbols.beta1 in named and symbols.beta2 in named:
        yield (
            "betas-swapped",
            "beta1 and beta2 are exchanged",
            _everywhere({symbols.beta1: symbols.beta2, symbols.beta2: symbols.beta1}),
        )
        for used, lost in (
            (symbols.beta1, symbols.beta2),
            (symbols.beta2, symbols.beta1),
        ):
            yield (
                f"{used}-everywhere",
                f"your function uses {used} also where {lost} belongs",
                _everywhere({lost: used}),
            )


def _special(rule: Rule) -> Iterator[Candidate]:
    lr, g = symbols.lr, symbols.g
    yield "x-unchanged", "you return x unchanged", _outputs(x=X.old)
    yield (
        "returns-step",
        "you return the step alone; return the new parameters, x minus the step",
        _outputs(x=X.old - X.new),
    )
    yield (
        "returns-update",
        "you return the update alone; return the new parameters, x plus the update",
        _outputs(x=X.new - X.old),
    )
    if rule.states:
        yield (
            "plain-gradient",
            "this is plain gradient descent, x - lr*g: your step does not use the state",
            _becomes(X.new, X.old - lr * g),
        )
    for state in rule.states:
        rhs = rule.expression(state.name)
        phrase = _phrase(rule, state)
        sums = state.initial == 0 and not (state.scalar or state.axes)
        if phrase.startswith("buffer") and sums:
            yield (
                f"lr-inside:{state.name}",
                f"lr is inside your {phrase}: that is the classical form, which differs as soon "
                f"as lr changes; here {state.name} sums the gradients and lr multiplies it",
                _chain(
                    _only(X.new, lambda e: e.subs(lr, 1)),
                    _only(state.new, lambda e, s=state: e.subs(s.old, 0) * lr + _part(e, s)),
                ),
            )
            if rule.expression("x") == X.old - lr * state.new:
                yield (
                    f"velocity:{state.name}",
                    f"your {phrase} is the velocity, momentum*{state.name} - lr*g, and your step "
                    f"adds it: that is Keras' form, which differs as soon as lr changes; here "
                    f"{state.name} sums the gradients and x - lr*{state.name} is the step",
                    _chain(
                        _becomes(X.new, X.old + state.new),
                        _only(
                            state.new,
                            lambda e, s=state: _part(e, s) - lr * (e - _part(e, s)),
                        ),
                    ),
                )
            if rule.expression("x") != X.old - lr * state.new:
                yield (
                    f"plain-{state.name}",
                    f"your step goes along {state.name} alone: this is plain momentum, without "
                    "the look-ahead",
                    _becomes(X.new, X.old - lr * state.new),
                )
            elif weights := _weights(rule, rhs):
                # The equation of the state once more, a step further.
                ahead = Add(rhs.subs(state.old, 0), Mul(*weights) * state.new)
                yield (
                    f"look-ahead:{state.name}",
                    "your step looks ahead: this is Nesterov's momentum, not the heavy ball",
                    _becomes(X.new, X.old - lr * ahead),
                )
        yield from _adam_ahead(rule, state)
        limits = {h.symbol for h in rule.hypers} if rhs.has(Min) else set()
        maxima = [node for node in rhs.atoms(Max) if not limits & set(node.args)]
        for node in maxima:
            for kept in node.args:
                yield (
                    f"no-maximum:{state.name}",
                    f"your {state.name} takes {_spell(rule, kept)} without the maximum",
                    _in(state.new, {node: kept}),
                )
    if any(eq.rhs.has(Abs) for eq in rule.equations):
        yield (
            "no-absolute",
            "the absolute value of the gradient is missing",
            _rewrite(_is(Abs), lambda node: node.args[0]),
        )
    if any(eq.rhs.has(sign) for eq in rule.equations):
        yield (
            "no-sign",
            "the sign function is missing in your step",
            _rewrite(_is(sign), lambda node: node.args[0]),
        )


def _part(expression: Expr, state: State) -> Expr:
    r"""Return the part of a recurrence that carries the old value."""
    return expression - expression.subs(state.old, 0)


def _adam_ahead(rule: Rule, state: State) -> Iterator[Candidate]:
    r"""Yield the ways in which Adam is made to look ahead along its corrected first moment."""
    beta, t = symbols.beta1, symbols.t
    correction = 1 - beta**t
    corrected = [eq.lhs for eq in rule.equations if eq.rhs == state.new / correction]
    rhs = rule.expression(state.name)
    if not corrected or not rhs.has(beta):
        return
    fresh = rhs.subs(state.old, 0)
    for name, ahead in (
        ("look-ahead", beta * corrected[0] + fresh / correction),
        ("look-ahead-plain", beta * corrected[0] + fresh),
        ("look-ahead-next", beta * state.new / (1 - beta ** (t + 1)) + fresh / correction),
    ):
        yield (
            f"{name}:{state.name}",
            f"your step looks ahead along {state.name}, as NAdam does, {beta}*{state.name}_hat + "
            f"(1 - {beta})*g/...; here it goes along {state.name}_hat itself",
            _in(X.new, {corrected[0]: ahead}),
        )


def _spell(rule: Rule, expression: Expr) -> str:
    names = {symbol: Symbol(s.name) for s in rule.states for symbol in (s.old, s.new)}
    names |= {s: Symbol("g") for s in expression.free_symbols if s.name == "g_decayed"}
    return str(expression.xreplace(names))


def _matrices(rule: Rule) -> Iterator[Candidate]:
    r"""Yield what goes wrong where a rule steps a matrix as a whole."""
    if not rule.matrices:
        return
    rows, columns = symbols.rows, symbols.columns
    yield (
        "shape-transposed",
        "rows and columns are exchanged in your factor of the shape: x.shape is (rows, columns)",
        _everywhere({rows: columns, columns: rows}),
    )
    yield (
        "not-orthogonalized",
        "your step goes along the matrix as it is; here its singular values are brought to one",
        _rewrite(_is(matrices.orthogonalized), lambda node: node.args[0]),
    )
    yield (
        "one-step-of-iteration",
        "your iteration takes one step where it takes several: the singular values are not yet "
        "near to one",
        _rewrite(_is(matrices.orthogonalized), lambda node: node.func(*node.args[:2], 1)),
    )
    for eq in rule.equations:
        for state in rule.states:
            if eq.lhs != state.new and eq.rhs.has(state.new) and eq.rhs.has(symbols.g):
                yield (
                    f"no-look-ahead:{state.name}",
                    f"your step goes along {state.name} alone: this is plain momentum, without "
                    "the look-ahead",
                    _becomes(eq.lhs, state.new),
                )
    yield (
        "inverse-of-half-the-root",
        "your inverse roots are of half the order: there are two of them around the gradient, so "
        "that each takes twice as high a root",
        _rewrite(
            _is(matrices.inverse_root), lambda node: node.func(node.args[0], node.args[1] / 2)
        ),
    )
    yield (
        "roots-not-inverse",
        "your step multiplies by roots where it has to multiply by inverse roots: directions with "
        "large gradients must move less",
        _rewrite(_is(matrices.inverse_root), lambda node: node.func(node.args[0], -node.args[1])),
    )
    for side, place, rest in (("left", 0, 1), ("right", 1, 0)):
        yield (
            f"one-sided:{side}",
            f"the inverse root on the {side} of the gradient is missing",
            _rewrite(
                lambda node, place=place: (
                    isinstance(node, matrices.matmul)
                    and isinstance(node.args[place], matrices.inverse_root)
                ),
                lambda node, rest=rest: node.args[rest],
            ),
        )
    for function, number, word in (
        (matrices.row_sums, columns, "row"),
        (matrices.column_sums, rows, "column"),
    ):
        yield (
            f"mean-of-each-{word}",
            f"you take the mean of each {word}; here it is the sum",
            _rewrite(_is(function), lambda node, number=number: node / number),
        )


def _is(kind: type) -> Callable[[Expr], bool]:
    return lambda node: isinstance(node, kind)
