r"""Which known misconception gives the student's numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optedu.arrays import to_numpy
from optedu.exercise import misconceptions
from optedu.exercise.errors import StudentError
from optedu.rule import Rule

__all__ = ["Diagnosis", "diagnose"]

TOLERANCE = 1e-7


@dataclass(frozen=True)
class Diagnosis:
    r"""What was found: names of known misconceptions, and what to tell the student."""

    names: tuple[str, ...] = ()
    sentence: str = ""


@dataclass(frozen=True)
class _Call:
    r"""One call: its arguments, the right result and the student's, by quantity."""

    arguments: tuple[Any, Any, Mapping[str, Any], int]
    hyper: Mapping[str, float]
    right: Mapping[str, Any]
    got: Mapping[str, Any]


def diagnose(
    function: Callable[..., Any], rule: Rule, quantity: str, invoke: Callable[..., Any]
) -> Diagnosis:
    r"""Find the misconceptions whose numbers are those of a student's function.

    Parameters
    ----------
    function : callable
        The student's.
    rule : Rule
        The rule that it was compared with.
    quantity : str
        What was found to differ: `"x"` or a state variable.
    invoke : callable
        Calls a student's function behind the guard.

    Returns
    -------
    Diagnosis
        Empty where the numbers match nothing that is known.
    """
    forgetful = _not_a_function(function, rule, invoke)
    if forgetful:
        return Diagnosis(sentence=forgetful)
    # Off the defaults every symbol has a value of its own; on them, an exercise in which a
    # hyper-parameter is also ignored can still be recognised.
    everything = [s.name for s in rule.states] + ["x"]
    for varied in (True, False):
        calls = _calls(function, rule, invoke, varied)
        if len(calls) < 2:
            continue
        if varied and all(_same(c.right[q], c.got[q]) for c in calls for q in everything):
            other = _calls(function, rule, invoke, False)
            if not all(_same(c.right[q], c.got[q]) for c in other for q in everything):
                defaults = ", ".join(f"{k}={v:g}" for k, v in rule.defaults().items())
                return Diagnosis(
                    sentence="with all hyper-parameters given your function is right, and without "
                    f"them it is not: a default differs. They are {defaults}",
                )
        right = [q for q in everything if all(_same(c.right[q], c.got[q]) for c in calls)]
        # Of a rule with norms of x a wrong step spoils, in a run, the next state, which is right.
        if quantity in right:
            quantity = next((q for q in everything if q not in right), quantity)
        # A mistake that would spoil what is right is not the one that was made.
        matches = [
            m
            for m in misconceptions.of(rule)
            if _matches(m, calls, [quantity]) and _keeps(m, calls, right)
        ]
        whole = [m for m in matches if _matches(m, calls, everything)]
        best = (whole or matches)[:1]
        if best:
            return Diagnosis((best[0].name,), best[0].sentence)
    calls = _calls(function, rule, invoke, True)
    if len(calls) < 2:
        return Diagnosis()
    factor = _constant_factor(calls, quantity)
    if factor:
        return Diagnosis(sentence=factor)
    unused = _unused(function, rule, quantity, invoke)
    if unused:
        return Diagnosis(sentence=unused)
    # Two mistakes at once: of those that leave alone what is right.
    right = [q for q in everything if all(_same(c.right[q], c.got[q]) for c in calls)]
    names = {m.name for m in misconceptions.of(rule) if _keeps(m, calls, right)}
    for mistake in misconceptions.combined(rule, names):
        if _matches(mistake, calls, everything):
            return Diagnosis(tuple(mistake.name.split(" + ")), mistake.sentence)
    return Diagnosis()


def _calls(
    function: Callable[..., Any], rule: Rule, invoke: Callable[..., Any], varied: bool
) -> list[_Call]:
    calls = []
    for (x, g, state, t), hyper in misconceptions.cases(rule, varied):
        right_x, right_state = rule.step(x, g, state, t, **hyper)
        try:
            got = _results(rule, invoke(function, np, *_copies(x, g, state), t, hyper))
        except (StudentError, TypeError, ValueError, KeyError, IndexError):
            continue
        calls.append(_Call((x, g, state, t), hyper, {**right_state, "x": right_x}, got))
    return calls


def _copies(x: Any, g: Any, state: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    return (
        x.copy(),
        g.copy(),
        {k: v if isinstance(v, float) else v.copy() for k, v in state.items()},
    )


def _results(rule: Rule, result: Any) -> dict[str, Any]:
    x, state = result
    got = {s.name: np.array(to_numpy(state[s.name]), dtype=float) for s in rule.states}
    got["x"] = np.array(to_numpy(x), dtype=float)
    return got


def _matches(
    mistake: misconceptions.Misconception, calls: list[_Call], quantities: list[str]
) -> bool:
    differs = False
    for call in calls:
        x, state = mistake.step(*call.arguments, **call.hyper)
        made = {**state, "x": x}
        for quantity in quantities:
            mine, theirs = made[quantity], call.got[quantity]
            if np.shape(theirs) != np.shape(mine):
                return False
            if not _same(mine, theirs):
                return False
            finite = np.isfinite(mine)
            if not _same(np.extract(finite, mine), np.extract(finite, call.right[quantity])):
                differs = True
    return differs


def _keeps(
    mistake: misconceptions.Misconception, calls: list[_Call], quantities: list[str]
) -> bool:
    for call in calls:
        x, state = mistake.step(*call.arguments, **call.hyper)
        made = {**state, "x": x}
        if not all(_same(made[q], call.right[q]) for q in quantities):
            return False
    return True


def _same(one: Any, other: Any) -> bool:
    one, other = np.broadcast_arrays(one, other)
    finite = np.isfinite(one)
    # Division by zero: whether it gave NaN or an infinity depends on the order of operations.
    if not np.array_equal(finite, np.isfinite(other)):
        return False
    return bool(np.allclose(one[finite], other[finite], rtol=TOLERANCE, atol=1e-12))


def _not_a_function(
    function: Callable[..., Any], rule: Rule, invoke: Callable[..., Any]
) -> str | None:
    r"""Tell whether the same arguments give different results: state kept somewhere else."""
    (x, g, state, t), hyper = misconceptions.cases(rule, True)[2]
    try:
        first, second = (
            _results(rule, invoke(function, np, *_copies(x, g, state), t, hyper)) for _ in range(2)
        )
    except (StudentError, TypeError, ValueError, KeyError, IndexError):
        return None
    if all(np.array_equal(first[q], second[q], equal_nan=True) for q in first):
        return None
    return (
        "called twice with the same arguments, your function gives two results: something is kept "
        "outside of `state`, in a global variable or an attribute. Everything that the next step "
        "needs goes into the state that you return"
    )


def _unused(
    function: Callable[..., Any], rule: Rule, quantity: str, invoke: Callable[..., Any]
) -> str | None:
    r"""Tell which hyper-parameter changes nothing: a number may stand in its place."""
    unused = []
    for hyper in rule.hypers:
        same, matters = True, False
        for (x, g, state, t), given in misconceptions.cases(rule, True):
            # Twice as far from the end of its range, or half: 0.62 to 0.81, 0.07 to 0.14.
            value = given[hyper.name]
            other = {**given, hyper.name: (1 + value) / 2 if hyper.upper == 1 else 2 * value}
            right, theirs = [], []
            for values in (given, other):
                new_x, new = rule.step(x, g, state, t, **values)
                right.append({**new, "x": new_x}[quantity])
                try:
                    result = invoke(function, np, *_copies(x, g, state), t, values)
                    theirs.append(_results(rule, result)[quantity])
                except (StudentError, TypeError, ValueError, KeyError, IndexError):
                    return None
            same = same and np.array_equal(theirs[0], theirs[1], equal_nan=True)
            matters = matters or not _same(*right)
        if same and matters:
            unused.append(hyper.name)
    if len(unused) != 1:  # of a function that looks at none of them, this is not what is wrong
        return None
    return (
        f"your {'step' if quantity == 'x' else quantity} is the same whatever {unused[0]} is: use "
        f"the argument {unused[0]}, and no number in its place"
    )


def _constant_factor(calls: list[_Call], quantity: str) -> str | None:
    r"""Tell whether the step, or the state, is a fixed multiple of the right one."""
    ratios = []
    for call in calls:
        x = call.arguments[0]
        base = x if quantity == "x" else 0
        got, right = np.broadcast_arrays(call.got[quantity] - base, call.right[quantity] - base)
        still = right == 0
        if np.any(got[still]):
            return None
        with np.errstate(all="ignore"):
            ratios.append(got[~still] / right[~still])
    factors = np.concatenate(ratios)
    if not np.all(np.isfinite(factors)) or np.ptp(factors) > 1e-6 * abs(factors[0]):
        return None
    if abs(factors[0] - 1) < 1e-6:  # right on these numbers, wrong on others
        return None
    what = "your step is" if quantity == "x" else f"your {quantity} is"
    return f"{what} {factors[0]:.4g} times the right one, in every coordinate and every call"
