r"""Stands in for the kernel in NumPy where a submission is graded: a step by the rule's own.

The calls of the real kernel are the answer of a task, and it could not run without the equations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from optedu import written
from optedu.rule import Rule

__all__ = ["kernel"]


def kernel(rule: Rule, form: str = "numpy") -> _Kernel:
    r"""Return what does the steps of a rule in place, on NumPy's arrays."""
    return _Kernel(rule)


class _Kernel:
    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    def __call__(self, x: Any, g: Any, state: Any, t: int, **hyper: Any) -> None:
        _write(x, state, self._rule.step(x, g, state, t, **hyper))

    def bind(self, x: Any, state: Any, **hyper: Any) -> Callable[..., None]:
        r"""Return `step(g, t, **changed)`, which remembers the hyper-parameters."""
        rates = self._rule.check_hyper(**hyper)

        def step(g: Any, t: int, **changed: Any) -> None:
            written.forbid(f"the kernel of {self._rule.name}")
            if changed:
                rates.update(self._rule.check_hyper(**{**rates, **changed}))
            # Not by `step`, which would check anew what only this kernel has changed.
            _write(x, state, self._rule._pure(x, g, state, t, rates))

        return step


def _write(x: Any, state: Any, result: tuple[Any, Mapping[str, Any]]) -> None:
    new, kept = result
    x[...] = new
    for name, value in kept.items():
        if isinstance(value, float):
            state[name] = value
        else:
            state[name][...] = value
