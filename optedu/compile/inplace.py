r"""The fast NumPy kernel: in place, no allocation a step, in blocks that stay in the cache.

The printed code has two functions. `coefficients` computes the scalars, once a step, in double;
`update` is a list of ufunc calls, each with `out=`. What is written by hand here runs them: block
by block over large arrays, or along the trailing axis of runs where a hyper-parameter is an array.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from sympy import Add, Expr, Mul, Pow, S, Symbol

from optedu import symbols, validate
from optedu.compile import scalars
from optedu.compile.lowering import Program, lower, optional, specialized
from optedu.exercise import guard
from optedu.rule import Rule, x

__all__ = ["BLOCK", "Bound", "Kernel", "coefficients_source", "kernel", "source"]

BLOCK = 1 << 15
r"""Elements a block. Adam's six float64 blocks of this size fill 1.5 MB, a core's cache."""

_UFUNCS = {
    "Abs": "abs",
    "sign": "sign",
    "Max": "maximum",
    "Min": "minimum",
    "exp": "exp",
    "log": "log",
}


# -- printing ------------------------------------------------------------------------------------


def coefficients_source(program: Program, *, runs: bool = False) -> str:
    r"""Return the code of `coefficients(t, <scalar states>, <hyper-parameters>)`.

    It returns the new scalar states, then the scalars that the loop reads. With `runs` it also
    takes hyper-parameters that are arrays.
    """
    names = program.code_names
    inputs = ["t", *(s.name for s in program.scalar_states), *(h.name for h in program.rule.hypers)]
    outputs = [s.name for s in program.scalar_states]
    outputs += [names.get(c, c.name) for c in program.coefficients]
    body = scalars.lines(program.scalars, names, runs=runs)
    body.append(f"return ({', '.join(outputs)}{',' if len(outputs) == 1 else ''})")
    return f"def coefficients({', '.join(inputs)}):\n" + textwrap.indent("\n".join(body), "    ")


class _Emitter:
    r"""Turns expressions into ufunc calls, reusing temporaries."""

    def __init__(self, program: Program) -> None:
        self.lines: list[str] = []
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
        for assignment in program.body:
            if assignment.target in outputs:
                variable = outputs[assignment.target]
                self._assign(variable.name, variable.old, assignment.expression)
            else:
                self._held[assignment.target] = self._value(assignment.expression, None)
            for symbol in assignment.expression.free_symbols:
                self._uses[symbol] -= 1
                if symbol in self._held and not self._uses[symbol]:
                    self._free.append(self._held.pop(symbol))

    def _assign(self, name: str, old: Symbol, expression: Expr) -> None:
        # The array that is assigned serves as scratch for the one part that reads its old value.
        scratch = (name, old) if expression.count(old) <= 1 else None
        result = self._value(expression, scratch, final=name)
        if result != name:
            self.lines.append(f"copyto({name}, {result})")
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
        self.lines.append(f"{ufunc}({', '.join(operands)}, out={out})")
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


@lru_cache(maxsize=256)
def _emit(rule: Rule) -> tuple[Program, str, int]:
    r"""Return the program, the code of `update`, and the number of temporaries."""
    program = lower(rule)
    emitter = _Emitter(program)
    names = program.code_names
    inputs = [x.name, "g", *(s.name for s in program.array_states)]
    inputs += [f"tmp{i}" for i in range(emitter.temporaries)]
    inputs += [names.get(c, c.name) for c in program.coefficients]
    body = textwrap.indent("\n".join(emitter.lines), "    ")
    return program, f"def update({', '.join(inputs)}):\n{body}", emitter.temporaries


def source(rule: Rule) -> str:
    r"""Return the code of the kernel, with what is off by default left out."""
    program, update, _ = _emit(specialized(rule, frozenset(optional(rule))))
    coefficients = coefficients_source(program)
    used = [n for n in ("sqrt", "exp", "log") if f"{n}(" in coefficients]
    head = f"from math import {', '.join(used)}\n\n" if used else ""
    # The scalar functions and the ufuncs share names; here the reader sees which is which.
    update = "\n".join(
        line if line.startswith("def") else f"    np.{line.strip()}" for line in update.splitlines()
    )
    return f"{head}import numpy as np\n\n\n{coefficients}\n\n\n{update}\n"


# -- running -------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _functions(rule: Rule) -> tuple[Callable[..., None], Callable[..., tuple], Program, int]:
    program, update, temporaries = _emit(rule)
    environment: dict[str, Any] = {
        name: getattr(np, name)
        for name in (
            "add",
            "subtract",
            "multiply",
            "divide",
            "square",
            "sqrt",
            "power",
            "copyto",
            "reciprocal",
            "negative",
            "abs",
            "sign",
            "maximum",
            "minimum",
            "exp",
            "log",
        )
    }
    exec(compile(update, f"<optedu {rule.name}, numpy form>", "exec"), environment)
    floats: dict[str, Any] = scalars.environment()
    code = compile(coefficients_source(program), f"<optedu {rule.name}, scalars>", "exec")
    exec(code, floats)
    return environment["update"], floats["coefficients"], program, temporaries


def _coefficients_of_runs(rule: Rule, dtype: np.dtype) -> Callable[..., tuple]:
    environment: dict[str, Any] = scalars.environment(np, dtype)
    code = coefficients_source(lower(rule), runs=True)
    exec(compile(code, f"<optedu {rule.name}, scalars>", "exec"), environment)
    # Both branches of a choice are computed, and one may be the root of a negative number.
    return np.errstate(invalid="ignore", divide="ignore")(environment["coefficients"])


class Bound:
    r"""A kernel tied to its arrays: `bound(g, t)` is one step, in place.

    Everything that does not change from step to step is done here once: views of the blocks,
    temporaries, checks of the hyper-parameters.

    Attributes
    ----------
    hyper : dict
        The hyper-parameters. Change them by keyword in the call.
    """

    def __init__(self, rule: Rule, x: np.ndarray, state: dict[str, Any], hyper: dict) -> None:
        _check_arrays(rule, x, state)
        self._rule = rule
        self._x = x
        self._state = state
        self._dtype = x.dtype
        self._shape = x.shape
        self.hyper = rule.check_hyper(**hyper)
        self._prepare()

    def _prepare(self) -> None:
        hyper = self.hyper
        floats = all(type(v) is float for v in hyper.values())
        zeros = frozenset(
            n for n in optional(self._rule) if type(hyper[n]) is float and hyper[n] == 0.0
        )
        rule = specialized(self._rule, zeros)
        self._zeros = zeros
        update, coefficients, program, temporaries = _functions(rule)
        self._update = update
        self._coefficients = coefficients if floats else _coefficients_of_runs(rule, self._dtype)
        self._floats = floats
        self._names = [h.name for h in rule.hypers]
        self._scalar_states = [s.name for s in program.scalar_states]
        arrays = [self._x, *(self._state[s.name] for s in program.array_states)]
        if not floats:
            self._cast_runs()
        self._values = [hyper[n] for n in self._names]
        count = len(program.coefficients)
        # 0-d arrays of the state's dtype: a ufunc takes them faster than Python floats.
        self._scalars = [np.empty((), self._dtype) for _ in range(count)]
        # An array is itself where it can be indexed whole: x[...] for a 0-d or strided one.
        flat = floats and all(a.flags.c_contiguous for a in arrays)
        self._flat = flat
        if flat:
            arrays = [a.reshape(-1) for a in arrays]
        axis = arrays[0].shape[-1] if arrays[0].ndim else 1
        rows = max(1, arrays[0].size // max(1, axis))
        length = max(1, BLOCK // rows)
        self._blocks = []
        shape = (*arrays[0].shape[:-1], min(length, axis))
        work = [np.empty(shape, self._dtype) for _ in range(temporaries)]
        if not arrays[0].ndim:
            work = [np.empty((), self._dtype) for _ in range(temporaries)]
            self._blocks.append((slice(None), arrays, work))
        else:
            for start in range(0, axis, length):
                part = slice(start, min(start + length, axis))
                size = part.stop - part.start
                self._blocks.append(
                    (part, [a[..., part] for a in arrays], [w[..., :size] for w in work])
                )
        self._single = self._blocks[0] if len(self._blocks) == 1 else None

    def _cast_runs(self) -> None:
        for name, value in self.hyper.items():
            if type(value) is not float:
                # A run's hyper-parameter in the dtype of its state: nothing is promoted.
                value = np.ascontiguousarray(value, dtype=self._dtype)
                if value.shape != self._shape[len(self._shape) - value.ndim :]:
                    raise ValueError(
                        f"{name} must broadcast over the trailing axes of x, {self._shape}, "
                        f"got shape {value.shape}"
                    )
                self.hyper[name] = value

    def _set(self, changed: Mapping[str, Any]) -> None:
        for name, value in changed.items():
            before = self.hyper.get(name)
            if value is before:
                continue
            value = self._rule._hyper(name).check(value)
            self.hyper[name] = value
            if (
                type(value) is not float
                or type(before) is not float
                or (value == 0.0) != (before == 0.0)
            ):
                self._prepare()
            elif name in self._names:
                self._values[self._names.index(name)] = value

    def __call__(self, g: np.ndarray, t: int, **hyper: Any) -> None:
        r"""Do step `t` with gradient `g`; keywords change hyper-parameters from here on.

        Raises
        ------
        TypeError, ValueError
            If `g` has not the kind, dtype and shape of the parameters, or a value is out of range.
        """
        guard.forbid(f"the {self._rule.name} kernel")
        if hyper:
            self._set(hyper)
        if type(g) is not np.ndarray or g.shape != self._shape or g.dtype != self._dtype:
            _check_gradient(g, self._x)
        if self._scalar_states:
            state = self._state
            values = self._coefficients(t, *[state[n] for n in self._scalar_states], *self._values)
            for name, value in zip(self._scalar_states, values, strict=False):
                state[name] = value
            values = values[len(self._scalar_states) :]
        else:
            values = self._coefficients(t, *self._values)
        if not self._floats:
            self._step_runs(g, values)
            return
        for scalar, value in zip(self._scalars, values, strict=True):
            scalar[()] = value
        if self._flat:
            g = g.reshape(-1)
        if self._single is not None:
            _, arrays, work = self._single
            self._update(arrays[0], g, *arrays[1:], *work, *self._scalars)
            return
        for part, arrays, work in self._blocks:
            self._update(arrays[0], g[..., part], *arrays[1:], *work, *self._scalars)

    def _step_runs(self, g: np.ndarray, values: Sequence[Any]) -> None:
        values = [
            np.asarray(v, dtype=self._dtype) if not isinstance(v, np.ndarray) else v for v in values
        ]
        for part, arrays, work in self._blocks:
            cut = [v[..., part] if v.ndim else v for v in values]
            self._update(arrays[0], g[..., part], *arrays[1:], *work, *cut)


class Kernel:
    r"""The NumPy form of a rule; see `Rule.kernel`."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __repr__(self) -> str:
        return f"<NumPy kernel of {self.rule.name}>"

    def bind(self, x: np.ndarray, state: dict[str, Any], **hyper: Any) -> Bound:
        r"""Return `step(g, t, **changed)`, tied to these arrays, which it changes in place.

        Parameters
        ----------
        x : numpy.ndarray
            Parameters, floating point and writable.
        state : dict
            From `Rule.init`.
        **hyper : float or array
            Hyper-parameters; an array broadcasts over the trailing axis, an axis of runs.

        Raises
        ------
        TypeError, ValueError
            If an array or a value does not fit.
        """
        return Bound(self.rule, x, state, hyper)

    def __call__(
        self, x: np.ndarray, g: np.ndarray, state: dict[str, Any], t: int, **hyper: Any
    ) -> None:
        r"""Do one step in place. In a loop, `bind` is faster."""
        t = validate.count("t", t, minimum=1)
        self.bind(x, state, **hyper)(g, t)


def kernel(rule: Rule) -> Kernel:
    r"""Return the kernel of a rule."""
    return Kernel(rule)


def _check_arrays(rule: Rule, x: Any, state: Any) -> None:
    validate.floating_array("x", x)
    rule.check_state(x, state)
    arrays = {f"state[{s.name!r}]": state[s.name] for s in rule.states if not s.scalar}
    for name, array in {"x": x, **arrays}.items():
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name} must be a NumPy array, got {type(array).__name__}")
        if array.dtype != x.dtype:
            raise TypeError(f"{name} must have the dtype of x, {x.dtype}, got {array.dtype}")
        if not array.flags.writeable:
            raise ValueError(f"{name} must be writable: the kernel works in place")


def _check_gradient(g: Any, x: np.ndarray) -> None:
    if not isinstance(g, np.ndarray):
        raise TypeError(f"g must be a NumPy array, got {type(g).__name__}")
    validate.floating_array("g", g)
    validate.same_shape("g", g, "x", x)
    if g.dtype != x.dtype:
        raise TypeError(f"g must have the dtype of x, {x.dtype}, got {g.dtype}")
