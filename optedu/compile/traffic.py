r"""How many arrays a step reads and writes: the number that decides how long a large step takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optedu import symbols, validate
from optedu.compile import array, numpy_kernel, scalars
from optedu.compile.lowering import Program, lower, lower_totals, optional, specialized

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = ["Pass", "Traffic", "passes", "traffic"]

FORMS = ("array", "numpy", "blocked", "fused")


@dataclass(frozen=True)
class Pass:
    r"""One pass over the arrays.

    Attributes
    ----------
    reads, writes : int
        Arrays read from memory and written to it.
    cached : int
        Arrays read and written that stay in the cache.
    """

    reads: int
    writes: int
    cached: int = 0


@dataclass(frozen=True)
class Traffic:
    r"""What one step does to its arrays.

    Attributes
    ----------
    passes : int
        Times that the arrays are gone through.
    reads, writes : int
        Arrays read from memory and written to it, over all passes.
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
    form : {"array", "numpy", "blocked", "fused"}
        The pure function, where every operation makes a new array; the in-place kernel, one pass
        a ufunc call; the same kernel run on one block after the other, each in the cache; one fused
        loop, as the Numba and CuPy kernels are.

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
    one_by_one = passes(rule, form)
    rule = _plain(rule)
    if form == "array":
        operations = len(one_by_one)
        temporaries = operations - len(lower(rule).arrays)
    else:
        counted = [numpy_kernel.calls_of(p) for p in (*lower_totals(rule), lower(rule))]
        operations = sum(len(lines) for lines, _ in counted)
        temporaries = max(number for _, number in counted)
    return Traffic(
        len(one_by_one),
        sum(p.reads for p in one_by_one),
        sum(p.writes for p in one_by_one),
        0 if form == "fused" else temporaries,
        operations,
    )


def passes(rule: Rule, form: str) -> list[Pass]:
    r"""Return the passes of a step in their order; the arguments are those of `traffic`.

    Examples
    --------
    >>> from optedu.compile.traffic import passes
    >>> passes(optedu.rules.get("sgd"), "blocked")
    [Pass(reads=1, writes=0, cached=1), Pass(reads=1, writes=1, cached=1)]
    """
    form = validate.choice("form", form, FORMS)
    rule = _plain(rule)
    if form == "array":
        return _pure(rule)
    if form == "fused":
        return [_fused(program) for program in (*lower_totals(rule), lower(rule))]
    return _inplace(rule, blocked=form == "blocked")


def _plain(rule: Rule) -> Rule:
    return specialized(rule, frozenset(optional(rule)))


class _Traced:
    r"""Stands for an array and counts what is done with it."""

    def __init__(self, log: list[int]) -> None:
        self._log = log

    def operate(self, *others: Any) -> _Traced:
        r"""Record one operation: how many arrays it reads."""
        self._log.append(1 + sum(isinstance(o, _Traced) and o is not self for o in others))
        return _Traced(self._log)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = operate
    __truediv__ = __rtruediv__ = __pow__ = __neg__ = operate


class _TracedNamespace:
    r"""Functions of arrays that count as one operation each."""

    def __getattr__(self, name: str) -> Callable[..., _Traced]:
        def call(*values: Any) -> _Traced:
            first = next(v for v in values if isinstance(v, _Traced))
            return first.operate(*values)

        return call


def _pure(rule: Rule) -> list[Pass]:
    sums: list[int] = []

    def total(value: _Traced) -> float:
        sums.append(1)
        return 1.0

    environment: dict[str, Any] = {**scalars.environment(), "total": total}
    exec(array.source(rule), environment)
    log: list[int] = []
    states = [1.0 if s.scalar else _Traced(log) for s in rule.states]
    environment[rule.name](_TracedNamespace(), _Traced(log), _Traced(log), *states, 1)
    return [Pass(reads, 1) for reads in log] + [Pass(reads, 0) for reads in sums]


def _inplace(rule: Rule, *, blocked: bool) -> list[Pass]:
    found = []
    for program in (*lower_totals(rule), lower(rule)):
        found += _calls(program, blocked=blocked)
    return found


def _calls(program: Program, *, blocked: bool) -> list[Pass]:
    calls, temporaries = numpy_kernel.calls_of(program)
    kept = {v.name for v in program.arrays}
    names = {"g", *kept, *(f"tmp{i}" for i in range(temporaries))}
    read = [{o for o in operands if o in names} for _, operands, _ in calls]
    if not blocked:
        return [
            Pass(len(operands), int(bool(out)))
            for operands, (_, _, out) in zip(read, calls, strict=True)
        ]
    # A block comes from memory where it is read first, and goes back after it was written last.
    last = {out: k for k, (_, _, out) in enumerate(calls) if out in kept}
    found, met = [], set(names) - kept - {"g"}
    for k, (operands, (_, _, out)) in enumerate(zip(read, calls, strict=True)):
        fetched = operands - met
        met |= operands
        back = bool(out) and last.get(out) == k
        inside = len(operands - fetched) + (bool(out) and not back)
        found.append(Pass(len(fetched), int(back), inside))
    return found


def _fused(program: Program) -> Pass:
    used = {s for a in program.body for s in a.expression.free_symbols}
    reads = sum(v.old in used for v in program.arrays) + (symbols.g in used)
    made = {a.target for a in program.body}
    return Pass(reads, sum(v.new in made for v in program.arrays))
