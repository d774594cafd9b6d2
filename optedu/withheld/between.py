r"""In the kernel with the checks: what students' cells are told of the derived rules.

Between tests a student has what anybody has at home, the derived rule to run things with. While a
test runs there is no answer: no function of the student's gets one for what the test has asked it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from optedu import rules, symbols
from optedu.quantities import Hyper, x
from optedu.rule import Rule

__all__ = ["described", "step"]


def described() -> list[dict[str, Any]]:
    r"""Return all of every rule but its equations, as JSON has it."""
    return [_described(rule) for rule in rules.all().values()]


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "title": rule.title,
        "source": [rule.source_ref.key, rule.source_ref.where],
        "summary": rule.summary,
        "notes": dict(rule.notes),
        "chapter": rule.chapter,
        "sums": rule.sums,
        "per_tensor": rule.per_tensor,
        "matrices": rule.matrices,
        "hypers": [[h.name, h.default] for h in rule.hypers],
        "notation": [_notation(h) for h in rule.hypers if h.symbol in symbols.declared()],
        "states": [
            {
                "name": s.name,
                "base": s.base,
                "initial": _initial(s.initial),
                "nonnegative": s.nonnegative,
                "scalar": s.scalar,
                "axes": [axis if axis == 1 else axis.name for axis in s.axes],
            }
            for s in rule.states
        ],
        "latex": {"aligned": rule.latex(), "equations": rule.latex_equations()},
    }


def _notation(hyper: Hyper) -> list[Any]:
    row = hyper.notation
    ends = [row.lower, row.upper, row.lower_open, row.upper_open]
    return [row.name, row.latex, row.meaning, *ends]


def _initial(value: Any) -> float | str:
    value = sympy.sympify(value)
    if value == x.old:
        return "x_old"
    return value.name if value.is_Symbol else float(value)


def step(name: str, values: Any) -> dict[str, Any]:
    r"""Return one step of a derived rule; what comes in is a stranger's.

    Parameters
    ----------
    name : str
        The rule.
    values : dict
        ``x``, ``g``, ``state``, ``t`` and ``rates``, as `Rule.step` takes them.

    Returns
    -------
    dict
        The new ``x`` and ``state``.

    Raises
    ------
    TypeError, ValueError
        If something is no plain number or array, or not what the rule takes.
    """
    if not isinstance(values, dict) or set(values) != {"x", "g", "state", "t", "rates"}:
        raise TypeError("a step takes x, g, state, t and rates")
    x, g, state, t, rates = (values[key] for key in ("x", "g", "state", "t", "rates"))
    if not isinstance(state, dict) or not isinstance(rates, dict):
        raise TypeError("the state and the rates must be dictionaries")
    for value in (x, g, *state.values(), *rates.values()):
        if type(value) not in (np.ndarray, float, int):
            raise TypeError(f"a step takes arrays and numbers, got {type(value).__name__}")
    new, kept = rules.get(name).step(x, g, state, t, **rates)
    return {"x": new, "state": kept}
