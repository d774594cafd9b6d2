r"""How many arrays a step reads and writes: the number that decides how long a large step takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from optedu import symbols, validate
from optedu.compile import array, inplace, scalars
from optedu.compile.lowering import Program, lower, optional, specialized
from optedu.rule import Rule

__all__ = ["Traffic", "traffic"]


@dataclass(frozen=True)
class Traffic:
    r"""What one step does to its arrays.

    Attributes
    ----------
    passes : int
        Times that the arrays are gone through.
    reads, writes : int
        Arrays read and written, over all passes.
    temporaries : int
        Arrays made for intermediate results.
    operations : int
        Arithmetic operations an element.
    """

    passes: int
    reads: int
    writes: int
    temporaries: int
    operations: int

    def bytes(self, size: int, itemsize: int) -> int:
        r"""Return the bytes moved in a step on `size` elements of `itemsize` bytes."""
        validate.count("size", size)
        validate.count("itemsize", itemsize, minimum=1)
        return (self.reads + self.writes) * size * itemsize


def traffic(rule: Rule, form: str) -> Traffic:
    r"""Count what a step of a rule moves, with what is off by default left out.

    Parameters
    ----------
    rule : Rule
        The update rule.
    form : {"array", "numpy", "fused"}
        The pure function, where every operation makes a new array; the in-place kernel, one pass
        a ufunc call; one fused loop, as the Numba and CuPy kernels are.

    Returns
    -------
    Traffic
        Counted from the code that is run, not estimated.

    Examples
    --------
    >>> from optedu.compile.traffic import traffic
    >>> traffic(optedu.rules.get("adam"), "fused")
    Traffic(passes=1, reads=4, writes=3, temporaries=0, operations=12)
    """
    form = validate.choice("form", form, ("array", "numpy", "fused"))
    rule = specialized(rule, frozenset(optional(rule)))
    if form == "array":
        return _pure(rule)
    if form == "numpy":
        return _inplace(rule)
    return _fused(lower(rule))


class _Traced:
    r"""Stands for an array and counts what is done with it."""

    def __init__(self, log: list[int]) -> None:
        self._log = log

    def operate(self, *others: Any) -> _Traced:
        r"""Record one operation: how many arrays it reads."""
        self._log.append(1 + sum(isinstance(o, _Traced) and o is not self for o in others))
        return _Traced(self._log)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = operate
    __truediv__ = __rtruediv__ = __pow__ = operate


class _TracedNamespace:
    r"""Functions of arrays that count as one operation each."""

    def __getattr__(self, name: str) -> Callable[..., _Traced]:
        def call(*values: Any) -> _Traced:
            first = next(v for v in values if isinstance(v, _Traced))
            return first.operate(*values)

        return call


def _pure(rule: Rule) -> Traffic:
    environment: dict[str, Any] = scalars.environment()
    exec(array.source(rule), environment)
    log: list[int] = []
    states = [1.0 if s.scalar else _Traced(log) for s in rule.states]
    environment[rule.name](_TracedNamespace(), _Traced(log), _Traced(log), *states, 1)
    kept = len(lower(rule).arrays)
    return Traffic(len(log), sum(log), len(log), len(log) - kept, len(log))


def _inplace(rule: Rule) -> Traffic:
    calls, temporaries = inplace.calls(rule)
    program = lower(rule)
    names = {"g", *(v.name for v in program.arrays), *(f"tmp{i}" for i in range(temporaries))}
    reads = sum(len({o for o in operands if o in names}) for _, operands, _ in calls)
    return Traffic(len(calls), reads, len(calls), temporaries, len(calls))


def _fused(program: Program) -> Traffic:
    used = {s for a in program.body for s in a.expression.free_symbols}
    reads = sum(v.old in used for v in program.arrays) + (symbols.g in used)
    operations = len(inplace.calls(program.rule)[0])
    return Traffic(1, reads, len(program.arrays), 0, operations)
