r"""The fast NumPy kernel: in place, no allocation a step, in blocks that stay in the cache.

The printed code has two functions. `coefficients` computes the scalars, once a step, in double;
`update` is a list of ufunc calls, each with `out=`. What is written by hand here runs them: block
by block over large arrays, or along the trailing axis of runs where a hyper-parameter is an array.
A step of a few parameters costs what its calls cost, so the two functions are joined into one, with
everything that it touches bound beforehand.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Add, Expr, Mul, Pow, S, Symbol

from optedu import symbols, validate
from optedu.compile import scalars
from optedu.compile.bound import (
    Bound,
    Kernel,
    ScalarFunctions,
    coefficients,
    coefficients_of_runs,
    coefficients_source,
)
from optedu.compile.lowering import Program, lower, lower_totals, optional, specialized
from optedu.compile.printing import UFUNCS
from optedu.quantities import Given, x

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = ["block_length", "calls", "calls_of", "kernel", "source"]

_LINE = 64  # bytes of a cache line, and of the widest vector


def _cache_size() -> int:
    r"""Return the bytes of a core's own cache, one megabyte where the system does not say."""
    try:
        size = os.sysconf("SC_LEVEL2_CACHE_SIZE")
    except (AttributeError, ValueError, OSError):
        size = 0
    return size if size >= 1 << 18 else 1 << 20


CACHE = _cache_size()
r"""Bytes of the cache in which a block with all its arrays and temporaries has to stay."""


def block_length(arrays: int, itemsize: int) -> int:
    r"""Return the elements a block that fills the cache, all but a sixteenth for other things.

    Parameters
    ----------
    arrays : int
        Arrays that a step touches, the gradient and the temporaries among them.
    itemsize : int
        Bytes an element.
    """
    line = _LINE // itemsize or 1
    return max(1, CACHE * 15 // 16 // (arrays * itemsize * line)) * line


# A root is a power in SymPy, and printed with the powers.
_UFUNCS = {name: ufunc for name, ufunc in UFUNCS.items() if name != "sqrt"}


# -- printing ------------------------------------------------------------------------------------


class _Emitter:
    r"""Turns expressions into ufunc calls, reusing temporaries."""

    def __init__(self, program: Program) -> None:
        self.lines: list[tuple[str, list[str], str]] = []
        self.temporaries = 0
        self._free: list[str] = []
        self._held: dict[Symbol, str] = {}
        self._names = program.code_names
        self._arrays = {symbols.g}
        self._arrays |= {s for v in program.arrays for s in (v.old, v.new)}
        self._arrays |= {a.target for a in program.body}
        self._uses: dict[Symbol, int] = {}
        for assignment in program.body:
            for symbol in assignment.expression.free_symbols:
                self._uses[symbol] = self._uses.get(symbol, 0) + 1
        outputs = {v.new: v for v in program.arrays}
        self.summed: dict[str, str] = {}  # by the name of a sum, what adds a block to it
        for assignment in program.body:
            if isinstance(assignment.target, Given):
                self.summed[assignment.target.name] = self._sum_of(assignment.expression)
            elif assignment.target in outputs:
                variable = outputs[assignment.target]
                self._assign(variable.name, variable.old, assignment.expression)
            else:
                self._held[assignment.target] = self._value(assignment.expression, None)
            for symbol in assignment.expression.free_symbols:
                self._uses[symbol] -= 1
                if symbol in self._held and not self._uses[symbol]:
                    self._free.append(self._held.pop(symbol))

    def _sum_of(self, expression: Expr) -> str:
        base, exponent = expression.as_base_exp()
        if exponent == 2 and base.is_Symbol:  # no temporary
            name = self._value(base, None)
            return f"dot({name}, {name})"
        pair = expression.args if isinstance(expression, Mul) and len(expression.args) == 2 else ()
        if pair and all(a.is_Symbol and a in self._arrays for a in pair):
            return f"dot({', '.join(self._value(a, None) for a in pair)})"
        return f"sum({self._value(expression, None)})"

    def _assign(self, name: str, old: Symbol, expression: Expr) -> None:
        # The array that is assigned serves as scratch for the one part that reads its old value.
        scratch = (name, old) if expression.count(old) <= 1 else None
        result = self._value(expression, scratch, final=name)
        if result != name:
            self.lines.append(("positive", [result], name))
            self._release(result)

    def _value(
        self, expression: Expr, scratch: tuple[str, Symbol] | None, final: str | None = None
    ) -> str:
        r"""Emit what computes an expression and return the name of the result."""
        if expression.is_Symbol:
            return self._held.get(expression) or self._names.get(expression, expression.name)
        if expression.is_Number:
            return str(int(expression)) if expression.is_Integer else repr(float(expression))
        if isinstance(expression, Add):
            return self._sum(expression, scratch, final)
        if isinstance(expression, Mul):
            return self._product(expression, scratch, final)
        if isinstance(expression, Pow):
            return self._power(expression, scratch, final)
        name = type(expression).__name__
        if name not in _UFUNCS:
            raise TypeError(
                f"an update rule can't use {name}; the kernels know {', '.join(_UFUNCS)}"
            )
        result, *rest = self._operands(expression.args, scratch)
        if not rest:
            return self._call(_UFUNCS[name], [result], scratch, final)
        for position, operand in enumerate(rest):  # a maximum takes two at a time
            last = position == len(rest) - 1
            result = self._call(_UFUNCS[name], [result, operand], scratch, final if last else None)
        return result

    def _sum(self, expression: Add, scratch: Any, final: str | None) -> str:
        terms = sorted(expression.args, key=lambda a: self._cost(a, scratch))
        positive = [a for a in terms if not _negative(a)]
        negative = [-a for a in terms if _negative(a)]
        if not positive:  # -(a + b): rare, and only rounding's sign is at stake
            inner = self._value(Add(*negative), scratch)
            return self._call("negative", [inner], scratch, final)
        operands = self._operands([*negative, *positive], scratch)
        subtract, add = operands[: len(negative)], operands[len(negative) :]
        steps = [("add", name) for name in add[1:]] + [("subtract", name) for name in subtract]
        result = add[0]
        for position, (ufunc, name) in enumerate(steps):
            last = position == len(steps) - 1
            result = self._call(ufunc, [result, name], scratch, final if last else None)
        return result

    def _product(self, expression: Mul, scratch: Any, final: str | None) -> str:
        if _negative(expression) and expression.as_coeff_Mul()[0] == -1:
            inner = self._value(-expression, scratch)
            return self._call("negative", [inner], scratch, final)
        top, bottom = [], []
        for factor in expression.args:
            if isinstance(factor, Pow) and factor.exp.as_coeff_Mul()[0].is_negative:
                bottom.append(Pow(factor.base, -factor.exp))
            else:
                top.append(factor)
        # Scalars last: they multiply the finished array, once.
        top.sort(key=lambda a: (not a.free_symbols & self._arrays, self._cost(a, scratch)))
        operands = self._operands([*top, *bottom], scratch)
        above, below = operands[: len(top)], operands[len(top) :]
        result, steps = (above[0], above[1:]) if above else ("1", [])
        scalar = [
            n for n, f in zip(steps, top[1:], strict=False) if not f.free_symbols & self._arrays
        ]
        arrays = [n for n in steps if n not in scalar]
        calls = [("multiply", n) for n in arrays]
        calls += [("divide", n) for n in below]
        calls += [("multiply", n) for n in scalar]
        for position, (ufunc, name) in enumerate(calls):
            last = position == len(calls) - 1
            result = self._call(ufunc, [result, name], scratch, final if last else None)
        return result

    def _power(self, expression: Pow, scratch: Any, final: str | None) -> str:
        base, exponent = expression.args
        if exponent == S.Half:
            return self._call("sqrt", [self._value(base, scratch)], scratch, final)
        if exponent == 2:
            name = self._value(base, scratch)
            return self._call("square", [name], scratch, final)
        if exponent.as_coeff_Mul()[0].is_negative:
            name = self._value(Pow(base, -exponent), scratch)
            return self._call("reciprocal", [name], scratch, final)
        operands = self._operands([base, exponent], scratch)
        return self._call("power", operands, scratch, final)

    def _operands(self, expressions: Sequence[Expr], scratch: Any) -> list[str]:
        r"""Emit the operands, the one that overwrites the scratch array last."""
        order = sorted(range(len(expressions)), key=lambda i: self._reads(expressions[i], scratch))
        names = [""] * len(expressions)
        for i in order:
            names[i] = self._value(
                expressions[i], scratch if self._reads(expressions[i], scratch) else None
            )
        return names

    @staticmethod
    def _reads(expression: Expr, scratch: Any) -> bool:
        return bool(scratch) and scratch[1] in expression.free_symbols

    def _cost(self, expression: Expr, scratch: Any) -> tuple[bool, bool, str]:
        return self._reads(expression, scratch), expression.is_Symbol, str(expression)

    def _call(self, ufunc: str, operands: list[str], scratch: Any, final: str | None) -> str:
        owned = [n for n in operands if n in self._temporary_names()]
        held = set(self._held.values())
        owned = [n for n in owned if n not in held]
        if final is not None:
            out = final
        elif scratch and scratch[0] in operands:
            out = scratch[0]
        elif owned:
            out = owned[0]
        else:
            out = self._take()
        for name in owned:
            if name != out:
                self._release(name)
        self.lines.append((ufunc, operands, out))
        return out

    def _temporary_names(self) -> set[str]:
        return {f"tmp{i}" for i in range(self.temporaries)}

    def _take(self) -> str:
        if self._free:
            return self._free.pop()
        self.temporaries += 1
        return f"tmp{self.temporaries - 1}"

    def _release(self, name: str) -> None:
        if name in self._temporary_names() and name not in self._free:
            self._free.append(name)


def _negative(expression: Expr) -> bool:
    return bool(expression.as_coeff_Mul()[0].is_negative)


def calls(rule: Rule) -> tuple[list[tuple[str, list[str], str]], int]:
    r"""Return the calls as (ufunc, operands, out), and the number of temporaries."""
    return calls_of(lower(rule))


@lru_cache(maxsize=256)
def calls_of(program: Program) -> tuple[list[tuple[str, list[str], str]], int]:
    r"""Return the calls of a program; the sums that it takes come last, without an `out`."""
    emitter = _Emitter(program)
    sums = [re.findall(r"\w+", code) for code in emitter.summed.values()]
    lines = [*emitter.lines, *((name, operands, "") for name, *operands in sums)]
    return lines, emitter.temporaries


def _call(ufunc: str, operands: str, out: str) -> str:
    # NumPy parses a positional output faster than a keyword; its maximum and minimum, with more
    # than two arguments, are on their way to another meaning.
    keyword = "out=" if ufunc in ("maximum", "minimum") else ""
    return f"{ufunc}({operands}, {keyword}{out})"


def _inputs(program: Program, temporaries: int) -> list[str]:
    names = program.code_names
    inputs = [x.name, "g", *(s.name for s in program.array_states)]
    inputs += [f"tmp{i}" for i in range(temporaries)]
    return inputs + [names.get(c, c.name) for c in (*program.constants, *program.coefficients)]


def _update_source(rule: Rule, call: Callable[[str, str, str], str]) -> str:
    r"""Return the code of `update`; `call` formats one ufunc call."""
    program = lower(rule)
    emitted, temporaries = calls(rule)
    inputs = _inputs(program, temporaries)
    lines = [call(ufunc, ", ".join(operands), out) for ufunc, operands, out in emitted] or ["pass"]
    return f"def update({', '.join(inputs)}):\n" + textwrap.indent("\n".join(lines), "    ")


def _sums_source(
    program: Program, call: Callable[[str, str, str], str], prefix: str = ""
) -> tuple[str, int]:
    r"""Return the code of `sums`, which adds up a block, and the number of its temporaries."""
    emitter = _Emitter(program)
    lines = [call(ufunc, ", ".join(operands), out) for ufunc, operands, out in emitter.lines]
    lines.append(f"return {', '.join(prefix + s for s in emitter.summed.values())},")
    body = textwrap.indent("\n".join(lines), "    ")
    inputs = _inputs(program, emitter.temporaries)
    return f"def sums({', '.join(inputs)}):\n{body}", emitter.temporaries


def source(rule: Rule) -> str:
    r"""Return the code of the kernel, with what is off by default left out."""
    rule = specialized(rule, frozenset(optional(rule)))
    parts = []
    for level in lower_totals(rule):
        parts += [
            coefficients_source(level),
            _sums_source(level, "np.{}({}, out={})".format, "np.")[0],
        ]
    scalar_part = "\n\n\n".join(p for p in (*parts, coefficients_source(lower(rule))) if p)
    used = [n for n in ("sqrt", "exp", "log") if re.search(rf"(?<![.\w]){n}\(", scalar_part)]
    head = f"from math import {', '.join(used)}\n\n" if used else ""
    update = _update_source(rule, "np.{}({}, out={})".format)
    return f"{head}import numpy as np\n\n\n{scalar_part}\n\n\n{update}\n"


# -- running -------------------------------------------------------------------------------------

_ENVIRONMENT = {
    name: getattr(np, name)
    for name in (
        *("add", "subtract", "multiply", "divide", "square", "sqrt", "power", "reciprocal"),
        *("negative", "abs", "sign", "maximum", "minimum", "exp", "log", "positive"),
    )
}


@lru_cache(maxsize=256)
def _function(rule: Rule) -> tuple[Callable[..., None], int]:
    code = _update_source(rule, _call)
    environment: dict[str, Any] = dict(_ENVIRONMENT)
    exec(compile(code, f"<optedu {rule.name}, numpy form>", "exec"), environment)
    return environment["update"], calls(rule)[1]


@lru_cache(maxsize=256)
def _adding(program: Program, runs: bool) -> tuple[Callable[..., tuple], int]:
    code, temporaries = _sums_source(program, _call)

    def total(values: np.ndarray) -> Any:
        return np.add.reduce(values, axis=tuple(range(values.ndim - 1)) if runs else None)

    def dot(a: np.ndarray, b: np.ndarray) -> Any:
        if a.ndim == 1 and not runs:
            return np.dot(a, b)
        return total(a * b)

    environment: dict[str, Any] = {**_ENVIRONMENT, "sum": total, "dot": dot}
    exec(compile(code, f"<optedu {program.rule.name}, sums>", "exec"), environment)
    return environment["sums"], temporaries


def _step_source(rule: Rule, *, blocks: bool) -> str:
    r"""Return the code of `bind(...)`, whose result `step(g, t)` does a whole step.

    The scalars are computed, written into 0-d arrays (named with an underscore), which a ufunc
    takes faster than Python floats, and then the calls follow, or with `blocks` a loop over blocks.
    """
    program = lower(rule)
    names = program.code_names
    outputs = {c: names.get(c, c.name) for c in (*program.constants, *program.coefficients)}
    states = [s.name for s in program.scalar_states]
    new = tuple(s.new for s in program.scalar_states)
    lines = [f"{name} = state_[{name!r}]" for name in states]
    lines += scalars.lines(program.needed_for((*new, *program.coefficients)), names)
    lines += [f"state_[{name!r}] = {name}" for name in states]
    lines += [f"_{outputs[c]}[()] = {outputs[c]}" for c in program.coefficients]
    emitted, temporaries = calls(rule)
    if blocks:
        arrays = ["blocks_"]
        lines += ["for part_, x_, rest_ in blocks_:", "    update_(x_, g[part_], *rest_)"]
    else:
        arrays = [v.name for v in program.arrays] + [f"tmp{i}" for i in range(temporaries)]
        inside = {name: f"_{name}" for name in outputs.values()}
        lines += [
            "np_" + _call(ufunc, ", ".join(inside.get(o, o) for o in operands), out)
            for ufunc, operands, out in emitted
        ]
    inputs = [*arrays, *(f"_{name}" for name in outputs.values()), "state_"]
    inputs += [h.name for h in rule.hypers]
    body = textwrap.indent("\n".join(lines or ["pass"]), " " * 8)
    return f"def bind({', '.join(inputs)}):\n    def step(g, t):\n{body}\n    return step\n"


@lru_cache(maxsize=256)
def _binder(rule: Rule, blocks: bool) -> Callable[..., Callable[[np.ndarray, int], None]]:
    # math's functions for the scalars, NumPy's under names of their own
    environment: dict[str, Any] = {**scalars.environment(), "update_": _function(rule)[0]}
    environment |= {f"np_{name}": ufunc for name, ufunc in _ENVIRONMENT.items()}
    code = _step_source(rule, blocks=blocks)
    exec(compile(code, f"<optedu {rule.name}, numpy step>", "exec"), environment)
    return environment["bind"]


class NumPyBound(Bound):
    r"""The blocks, their temporaries, and the loop over them."""

    def _coefficients_of(self, program: Program) -> ScalarFunctions:
        self._floats = all(type(v) is float for v in self.hyper.values())
        if self._floats:
            return coefficients(program)
        for name, value in self.hyper.items():
            if type(value) is not float:
                value = np.ascontiguousarray(value, dtype=float)
                validate.trailing_shape(name, value, self._x)
                self.hyper[name] = value
        return coefficients_of_runs(program, np)

    def _build(self, rule: Rule, program: Program) -> None:
        self._update, temporaries = _function(rule)
        arrays = [self._x, *(self._state[s.name] for s in program.array_states)]
        self._flat = self._floats and all(a.flags.c_contiguous for a in arrays)
        if self._flat:
            arrays = [a.reshape(-1) for a in arrays]
        # 0-d arrays of the state's dtype: a ufunc takes them faster than Python floats.
        self._fixed: list[np.ndarray] = [np.empty((), self._dtype) for _ in program.constants]
        self._scalars = [np.empty((), self._dtype) for _ in program.coefficients]
        self._blocks = _blocks(arrays, temporaries)
        self._of_blocks = arrays
        if not self._floats or program.given:
            return
        numbers = (*self._fixed, *self._scalars)
        self._bind = _binder(rule, len(self._blocks) != 1)
        if len(self._blocks) == 1:
            _, parameters, states, work = self._blocks[0]
            self._bound = (parameters, *states, *work, *numbers)
        else:
            blocks = [
                (part, x, (*states, *work, *numbers)) for part, x, states, work in self._blocks
            ]
            self._bound = (blocks, *numbers)

    def _set_constants(self, values: Sequence[Any]) -> None:
        if not self._floats:
            self._fixed = [np.asarray(v, dtype=self._dtype) for v in values]
            return
        for scalar, value in zip(self._fixed, values, strict=True):
            scalar[()] = value
        if self._given:  # what the sums are is known in the step alone
            return
        step = self._bind(*self._bound, self._state, *self._values)
        if self._flat and len(self._shape) != 1:
            self._step = lambda g, t: step(g.reshape(-1), t)
        else:
            self._step = step

    def _adder(self, program: Program) -> Callable[[np.ndarray, Sequence[Any]], list[Any]]:
        sums, temporaries = _adding(program, not self._floats)
        blocks = _blocks(self._of_blocks, temporaries)
        count = len(program.sums)

        def add(g: np.ndarray, values: Sequence[Any]) -> list[Any]:
            g = g.reshape(-1) if self._flat else g
            scalars = [np.asarray(v, dtype=self._dtype) for v in values]
            if self._floats:
                found = [0.0] * count
                for part, parameters, states, work in blocks:
                    shares = sums(parameters, g[part], *states, *work, *scalars)
                    found = [a + float(b) for a, b in zip(found, shares, strict=True)]
                return found
            rows = [np.empty(self._shape[-1]) for _ in range(count)]
            for part, parameters, states, work in blocks:
                cut = [v[part] if v.ndim else v for v in scalars]
                for row, share in zip(
                    rows, sums(parameters, g[part], *states, *work, *cut), strict=True
                ):
                    row[part[-1]] = share
            return rows

        return add

    def _run(self, g: np.ndarray, values: Sequence[Any]) -> None:
        g = g.reshape(-1) if self._flat else g
        arrays = [*self._fixed, *(np.asarray(v, dtype=self._dtype) for v in values)]
        for part, parameters, states, work in self._blocks:
            cut = [v[part] if v.ndim else v for v in arrays]
            self._update(parameters, g[part], *states, *work, *cut)


def _blocks(arrays: list[np.ndarray], temporaries: int) -> list[tuple[Any, Any, list, list]]:
    r"""Cut arrays along the last axis; return (index, parameters, states, temporaries)."""
    shape, dtype = arrays[0].shape, arrays[0].dtype
    if not shape:
        return [(..., arrays[0], arrays[1:], [np.empty((), dtype) for _ in range(temporaries)])]
    rows = max(1, arrays[0].size // max(1, shape[-1]))
    length = block_length((len(arrays) + 1 + temporaries) * rows, dtype.itemsize)
    cuts = [0]
    if shape[-1] > length:
        # Blocks of one size, that begin with a cache line of the parameters: NumPy's arrays begin
        # a quarter of a line into it, and each vector would touch two lines.
        lead = arrays[0].ctypes.data % _LINE // dtype.itemsize if rows == 1 else 0
        count = -(-(shape[-1] + lead) // length)
        length = -(-(shape[-1] + lead) // (count * _LINE)) * _LINE
        cuts += range(length - lead, shape[-1], length)
    else:
        length = shape[-1]
    work = [_aligned((*shape[:-1], length), dtype) for _ in range(temporaries)]
    blocks = []
    for start, stop in pairwise([*cuts, shape[-1]]):
        part = (slice(start, stop),) if len(shape) == 1 else (..., slice(start, stop))
        parameters, *states = (a[part] for a in arrays)
        blocks.append((part, parameters, states, [w[..., : stop - start] for w in work]))
    return blocks


def _aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    r"""Return an empty array that begins with a cache line."""
    size = prod(shape) * dtype.itemsize
    memory = np.empty(size + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def kernel(rule: Rule) -> Kernel:
    r"""Return the kernel of a rule."""
    return Kernel(rule, "NumPy", NumPyBound)
