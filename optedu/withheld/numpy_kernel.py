r"""Stands in for the kernel in NumPy where a submission is graded: a step by the rule's own.

The calls of the real kernel are the answer of a task, and it could not run without the equations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from optedu.rule import Rule

__all__ = ["kernel"]


def kernel(rule: Rule, form: str = "numpy") -> _Kernel:
    r"""Return what does the steps of a rule in place, on NumPy's arrays."""
    return _Kernel(rule)


class _Kernel:
    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    def __call__(self, x: Any, g: Any, state: Any, t: int, **hyper: Any) -> None:
        new, kept = self._rule.step(x, g, state, t, **hyper)
        x[...] = new
        for name, value in kept.items():
            if isinstance(value, float):
                state[name] = value
            else:
                state[name][...] = value

    def bind(self, x: Any, state: Any, **hyper: Any) -> Callable[..., None]:
        r"""Return `step(g, t, **changed)`, which remembers the hyper-parameters."""
        rates: dict[str, Any] = dict(hyper)

        def step(g: Any, t: int, **changed: Mapping[str, Any]) -> None:
            rates.update(changed)
            self(x, g, state, t, **rates)

        return step
