r"""The texts of a check that failed, for a student who does not yet see why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optedu.exercise.diagnosis import Diagnosis
from optedu.exercise.errors import StudentError, advice
from optedu.exercise.scenarios import EARLY, Scenario
from optedu.rule import Rule

__all__ = [
    "changed_input",
    "changed_state",
    "missing_keys",
    "no_array",
    "no_number",
    "not_registered",
    "other_form",
    "raised",
    "return_line",
    "stands_still",
    "wrong_dtype",
    "wrong_return",
    "wrong_shape",
    "wrong_state",
    "wrong_values",
]

NEW_ARRAY = (
    "Make a new array, as a = b * a + c does; a *= b and a[:] = b * a write into the old one."
)
SHOWN = 4
r"""Elements of an array that a message shows."""


def not_registered(name: str) -> str:
    return (
        f"{name}: this notebook has no function for it yet. Run the cell with @optedu.implement("
        f'"{name}") first, and see that it runs without an error.'
    )


def return_line(states: Sequence[str]) -> str:
    inside = ", ".join(f'"{s}": {s}' for s in states)
    return f"return x_new, {{{inside}}}"


def wrong_return(name: str, result: Any, wanted: str) -> str:
    if result is None:
        return f"{name} returned None. End it with:\n    {wanted}"
    what = f"{_article(type(result).__name__)}"
    if isinstance(result, (tuple, list)):
        what += f" of {len(result)}"
    return (
        f"{name} returned {what}; a pair is needed, the new parameters and the new state. "
        f"End it with:\n    {wanted}"
    )


def wrong_state(name: str, state: Any, wanted: str) -> str:
    return (
        f"{name}: the state that you return is {_article(type(state).__name__)}; it has to be a "
        f"dictionary. End it with:\n    {wanted}"
    )


def missing_keys(name: str, missing: Sequence[str], found: Sequence[str], wanted: str) -> str:
    has = f"it has {_list(found)}" if found else "it is empty"
    return (
        f"{name}: the state that you return lacks {_list(missing)}; {has}. "
        f"End it with:\n    {wanted}"
    )


def no_number(name: str, quantity: str, value: Any) -> str:
    return (
        f"{name}: {_spoken(quantity)} is {_article(type(value).__name__)}; it has to be a number."
    )


def no_array(name: str, quantity: str, value: Any, run: Scenario) -> str:
    kind = type(value).__name__
    if run.library != "numpy" and isinstance(value, (np.ndarray, np.generic)):
        return (
            f"{name}: {_spoken(quantity)} left as a NumPy array although arrays of another "
            f"library (array-api-strict) came in. Use the functions of xp, not those of np."
        )
    return f"{name}: {_spoken(quantity)} is {_article(kind)}; it has to be an array like x."


def wrong_shape(
    name: str, quantity: str, shape: tuple[int, ...], wanted: tuple[int, ...], run: Scenario
) -> str:
    if wanted != run.x.shape:
        return (
            f"{name}: {_spoken(quantity)} has shape {shape}; for x and g of shape {run.x.shape} it "
            f"has to have shape {wanted}."
        )
    return (
        f"{name}: {_spoken(quantity)} has shape {shape}; x and g have shape {run.x.shape}, and it "
        "has to have the same. The rule works on each element by itself."
    )


def wrong_dtype(name: str, quantity: str, dtype: np.dtype, run: Scenario) -> str:
    text = f"{name}: {_spoken(quantity)} has dtype {dtype} although x and g came in as {run.dtype}."
    if dtype == np.float64:
        text += (
            "\nA float64 array or NumPy scalar widens everything that it touches, and "
            "np.sqrt of a number is such a scalar. A Python number does not: write "
            "(...) ** 0.5. For new arrays use xp.zeros_like(x)."
        )
    return text


def changed_input(name: str, what: str) -> str:
    return f"{name} changed {what} in place, an array that belongs to the caller. {NEW_ARRAY}"


def changed_state(name: str, key: Any, wanted: str) -> str:
    return (
        f"{name} writes into the caller's dictionary, state[{key!r}] = ...: whoever needs the old "
        f"state finds the new one there. Give the new value a name, and end with:\n    {wanted}"
    )


def other_form(name: str, quantity: str, got: Any, own: Any, run: Scenario, index: int) -> str:
    r"""Say that a function gives other numbers for other arrays of the same numbers."""
    steps = len(run.gradients)
    return (
        f"{name}: {quantity} at step {index + 1} of {steps} is not the same {run.label} as for a "
        "plain vector of the same numbers. Any array gives the same numbers.\n"
        f"    {run.label}: {quantity} = {_array(got)}\n"
        f"    for a plain vector: {quantity} = {_array(own)}"
    )


def stands_still(name: str, run: Scenario) -> str:
    return (
        f"{name}: x is the same after {len(run.gradients)} steps as before, {run.label}. "
        "A step has to move it."
    )


def raised(name: str, error: StudentError, t: int, run: Scenario, rule: Rule) -> str:
    where = f"\n    line {error.line}: {error.source}" if error.line and error.source else ""
    if error.kind == "NotImplementedError":
        return (
            f"{name} is not written yet: it still raises NotImplementedError. "
            "Replace that line by your own code."
        )
    if error.kind == "GuardError":
        return f"{name} calls the rule that it is compared with.{where}\n{error.message}."
    if run.read_only and "read-only" in error.message:
        return f"{name} changes an array in place that belongs to the caller.{where}\n{NEW_ARRAY}"
    text = f"{name} raised {error}\n    at step t = {t}, {run.label}{where}"
    return text + _advice(error, run, rule)


def _advice(error: StudentError, run: Scenario, rule: Rule) -> str:
    hypers = [h.name for h in rule.hypers]
    known = advice(error.kind, error.message)
    if known:
        return f"\n{known}"
    if error.kind == "KeyError" and rule.states:
        return f"\nThe state that comes in has the keys {_list([s.name for s in rule.states])}."
    if error.kind == "TypeError" and "keyword argument" in error.message:
        return f"\nThe hyper-parameters are {_list(hypers)}, in these names, after the star."
    if error.kind == "ZeroDivisionError" and run.first == 1:
        return "\nt counts from 1: is there an expression that is zero at t = 1?"
    if run.library != "numpy":
        return (
            "\nThe same code has to run on other array libraries than NumPy: use the functions of "
            "xp, not those of np, and the operators + - * / **. For a Python number write "
            "(...) ** 0.5: xp.sqrt takes arrays."
        )
    return ""


def wrong_values(
    *,
    name: str,
    rule: Rule,
    scenario: Scenario,
    index: int,
    before: tuple[Any, Mapping[str, Any]],
    wrong: Sequence[str],
    got: Mapping[str, Any],
    wanted: Mapping[str, Any],
    bad: np.ndarray,
    found: Diagnosis,
) -> str:
    r"""Say where two runs part, with the numbers on both sides; a known mistake comes first."""
    quantity, steps = wrong[0], len(scenario.gradients)
    place = "after 1 step" if steps == 1 else f"at step {index + 1} of {steps}"
    if found.sentence:
        known = "Your numbers match this known mistake. " if found.names else ""
        first = f"{known}The first difference: {quantity}, {place}, {scenario.label}."
        lines = [f"{name}: {found.sentence}.", "", first]
    else:
        lines = [f"{name}: {quantity} is wrong {place}, {scenario.label}."]
        if scenario.first > EARLY:
            lines.append(
                "At small t your function is right. What in it changes when t is large? No t may "
                "be cut off, counted anew or treated apart."
            )
    lines += ["", *_comparison(quantity, got[quantity], wanted[quantity], bad)]
    if quantity == "x":
        # The step is small beside x: by itself it shows sign and size.
        old = np.asarray(before[0], dtype=float)
        lines.append(f"    your step  {_array(got['x'] - old)}")
        lines.append(f"    right step {_array(wanted['x'] - old)}")
    right = [s.name for s in rule.states if s.name not in wrong]
    if right:
        lines.append(f"    as it should be: {_list(right)}")
    t = scenario.first + index
    hyper = {**rule.defaults(), **scenario.hyper[index]}
    numbers = ", ".join(f"{k} = {v:.6g}" for k, v in hyper.items())
    lines.append(f"    in         t = {t}, {numbers}")
    x, state = before
    shown = {"x": x, **state, "g": scenario.gradients[index]}
    width = max(map(len, shown))
    for number, (key, value) in enumerate(shown.items()):
        label = "    with       " if number == 0 else " " * 15
        lines.append(f"{label}{key:<{width}} = {_array(value)}")
    return "\n".join(lines)


def _comparison(quantity: str, got: Any, wanted: Any, bad: np.ndarray) -> list[str]:
    lines = [
        f"    expected   {quantity} = {_array(wanted)}",
        f"    got        {quantity} = {_array(got)}",
    ]
    got, wanted = np.asarray(got, dtype=float), np.asarray(wanted, dtype=float)
    if not got.ndim:
        return lines
    with np.errstate(invalid="ignore"):
        distance = np.where(np.isfinite(got), np.abs(got - wanted), np.inf)
    worst = np.unravel_index(int(np.argmax(distance)), got.shape)
    spot = ", ".join(str(int(i)) for i in worst)
    value, target = got[worst], wanted[worst]
    digits = 6 if abs(value - target) > 1e-4 * abs(target) else 12
    by = f"{value:.{digits}g} instead of {target:.{digits}g}"
    if np.isfinite(value):
        by += f", off by {abs(value - target):.3g}"
    count = f"{int(np.sum(bad))} of {bad.size} elements"
    lines.append(f"    worst      {quantity}[{spot}] is {by}; {count} differ")
    return lines


def _array(value: Any) -> str:
    if np.ndim(value) == 0:
        return f"{float(value):.8g}"
    flat = np.ravel(np.asarray(value, dtype=float))
    text = ", ".join(f"{v:.6g}" for v in flat[:SHOWN])
    return f"[{text}{', ...' if flat.size > SHOWN else ''}]"


def _spoken(quantity: str) -> str:
    return "the x that you return" if quantity == "x" else f'state["{quantity}"]'


def _list(words: Sequence[str]) -> str:
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _article(word: str) -> str:
    if word == "ndarray":
        return "a NumPy array"
    return f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}"
