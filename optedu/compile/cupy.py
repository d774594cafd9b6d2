r"""One fused CuPy kernel: a single launch a step reads and writes each array once."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from optedu import symbols, validate
from optedu.backend import device
from optedu.compile import scalars
from optedu.compile.inplace import coefficients_source
from optedu.compile.lowering import Program, lower, optional, specialized
from optedu.compile.printing import CPrinter
from optedu.exercise import guard
from optedu.rule import Rule

__all__ = ["Bound", "Kernel", "body", "kernel", "parameters", "source"]


def body(program: Program) -> str:
    r"""Return the CUDA C of one element, in a type `T` that the kernel takes from its arrays."""
    names = program.code_names
    arrays = {s: v.name for v in program.arrays for s in (v.old, v.new)} | {symbols.g: "g"}
    arrays |= {a.target: names.get(a.target, a.target.name) for a in program.body}
    printer = CPrinter(names, arrays)
    outputs = {v.new for v in program.arrays}
    lines = []
    for assignment in program.body:
        declare = "" if assignment.target in outputs else "const T "
        lines.append(
            f"{declare}{printer.doprint(assignment.target)} = "
            f"{printer.doprint(assignment.expression)};"
        )
    return "\n".join(lines)


def parameters(program: Program) -> tuple[str, str]:
    r"""Return the kernel's inputs and outputs as CuPy declares them."""
    names = program.code_names
    inputs = ["T g", *(f"T {names.get(c, c.name)}" for c in program.coefficients)]
    outputs = [f"T {v.name}" for v in program.arrays]
    return ", ".join(inputs), ", ".join(outputs)


def source(rule: Rule) -> str:
    r"""Return the code of the kernel, with what is off by default left out."""
    program = lower(specialized(rule, frozenset(optional(rule))))
    inputs, outputs = parameters(program)
    coefficients = coefficients_source(program)
    head = "from math import sqrt\n\n" if "sqrt(" in coefficients else ""
    lines = textwrap.indent(body(program), "    ")
    return (
        f"{head}import cupy\n\n\n{coefficients}\n\n\n"
        f"update = cupy.ElementwiseKernel(\n"
        f'    "{inputs}",\n    "{outputs}",\n    """\n{lines}\n    """,\n    "{rule.name}",\n)\n'
    )


@lru_cache(maxsize=256)
def _compiled(rule: Rule) -> tuple[Any, Any, Program]:
    import cupy

    program = lower(rule)
    inputs, outputs = parameters(program)
    update = cupy.ElementwiseKernel(inputs, outputs, body(program), f"optedu_{rule.name}")
    environment: dict[str, Any] = scalars.environment()
    code = compile(coefficients_source(program), f"<optedu {rule.name}, scalars>", "exec")
    exec(code, environment)
    return update, environment["coefficients"], program


class Bound:
    r"""A kernel tied to its arrays on the GPU: `bound(g, t)` is one launch, in place."""

    def __init__(self, rule: Rule, x: Any, state: dict[str, Any], hyper: dict[str, Any]) -> None:
        import cupy

        validate.floating_array("x", x)
        if not isinstance(x, cupy.ndarray):
            raise TypeError(f"x must be a CuPy array, got {type(x).__name__}")
        rule.check_state(x, state)
        self._rule = rule
        self._x = x
        self._state = state
        self.hyper = rule.check_hyper(**hyper)
        self._prepare()

    def _prepare(self) -> None:
        zeros = frozenset(n for n in optional(self._rule) if self.hyper[n] == 0.0)
        self._update, self._coefficients, program = _compiled(specialized(self._rule, zeros))
        self._scalar_states = [s.name for s in program.scalar_states]
        self._names = [h.name for h in program.rule.hypers]
        self._arrays = [self._x, *(self._state[s.name] for s in program.array_states)]

    def __call__(self, g: Any, t: int, **hyper: Any) -> None:
        r"""Do step `t` with gradient `g`; keywords change hyper-parameters from here on."""
        guard.forbid(f"the {self._rule.name} kernel")
        if hyper:
            self.hyper = self._rule.check_hyper(**{**self.hyper, **hyper})
            self._prepare()
        validate.same_shape("g", g, "x", self._x)
        if g.dtype != self._x.dtype:
            raise TypeError(f"g must have the dtype of x, {self._x.dtype}, got {g.dtype}")
        values: Sequence[Any] = self._coefficients(
            t,
            *[self._state[n] for n in self._scalar_states],
            *[self.hyper[n] for n in self._names],
        )
        for name, value in zip(self._scalar_states, values, strict=False):
            self._state[name] = value
        self._update(g, *values[len(self._scalar_states) :], *self._arrays)


class Kernel:
    r"""The CuPy form of a rule; see `Rule.kernel`."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __repr__(self) -> str:
        return f"<CuPy kernel of {self.rule.name}>"

    def bind(self, x: Any, state: dict[str, Any], **hyper: float) -> Bound:
        r"""Return `step(g, t, **changed)`, tied to these CuPy arrays, which it changes in place."""
        return Bound(self.rule, x, state, hyper)

    def __call__(self, x: Any, g: Any, state: dict[str, Any], t: int, **hyper: float) -> None:
        r"""Do one step in place. In a loop, `bind` is faster."""
        self.bind(x, state, **hyper)(g, validate.count("t", t, minimum=1))


def kernel(rule: Rule) -> Kernel:
    r"""Return the kernel of a rule.

    Raises
    ------
    RuntimeError
        If there is no GPU, or no CuPy; the message says which, and what to do.
    """
    device("gpu")
    return Kernel(rule)
