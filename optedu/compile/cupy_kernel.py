r"""One fused CuPy kernel: a single launch a step reads and writes each array once."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from optedu import symbols
from optedu.backend import device
from optedu.compile.bound import Kernel, OfCuPy, coefficients_source
from optedu.compile.lowering import Program, lower, lower_totals, optional, specialized
from optedu.compile.printing import CPrinter

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = ["body", "kernel", "parameters", "source"]


OPTIONS = ("--fmad=false",)
r"""What the compiler is told: as in the other forms, multiply and add stay two operations."""


def body(program: Program) -> str:
    r"""Return the CUDA C of one element, in a type `T` that the kernel takes from its arrays."""
    names = program.code_names
    # Elements are read into locals and written back at the end, as in the Numba form: the arrays
    # might overlap for all that the compiler knows, and it would read again after each write.
    arrays = {s: f"{v.name}_i" for v in program.arrays for s in (v.old, v.new)}
    arrays |= {symbols.g: "g_i"}
    arrays |= {
        a.target: names.get(a.target, a.target.name) for a in program.body if a.target not in arrays
    }
    printer = CPrinter(names, arrays)
    outputs = {v.new for v in program.arrays} | set(program.sums)
    lines = ["const T g_i = g;", *(f"T {v.name}_i = {v.name};" for v in program.arrays)]
    for assignment in program.body:
        declare = "" if assignment.target in outputs else "const T "
        lines.append(
            f"{declare}{printer.doprint(assignment.target)} = "
            f"{printer.doprint(assignment.expression)};"
        )
    if not program.sums:  # which change nothing
        lines += [f"{v.name} = {v.name}_i;" for v in program.arrays]
    return "\n".join(lines)


def parameters(program: Program) -> tuple[str, str]:
    r"""Return the kernel's inputs and outputs as CuPy declares them."""
    names = program.code_names
    inputs = ["T g"]
    inputs += [f"T {names.get(c, c.name)}" for c in (*program.constants, *program.coefficients)]
    arrays = [f"T {v.name}" for v in program.arrays]
    outputs = arrays
    if program.sums:  # what is summed afterwards; nothing is changed
        inputs, outputs = [*inputs, *arrays], [f"T {s.name}" for s in program.sums]
    return ", ".join(inputs), ", ".join(outputs)


def source(rule: Rule) -> str:
    r"""Return the code of the kernel, with what is off by default left out."""
    rule = specialized(rule, frozenset(optional(rule)))
    program = lower(rule)
    inputs, outputs = parameters(program)
    sums = "; ".join(parameters(level)[1] for level in lower_totals(rule))
    before = f"# first, summed over all parameters: {sums}\n" if sums else ""
    scalar_part = coefficients_source(program)
    head = "from math import sqrt\n\n" if "sqrt(" in scalar_part else ""
    lines = textwrap.indent(body(program), "    ")
    return (
        f"{head}import cupy\n\n\n{scalar_part}\n\n\n{before}"
        f"update = cupy.ElementwiseKernel(\n"
        f'    "{inputs}",\n    "{outputs}",\n    """\n{lines}\n    """,\n'
        f'    "{rule.name}",\n    options={OPTIONS},\n)\n'
    )


@lru_cache(maxsize=256)
def _function(rule: Rule) -> Any:
    import cupy

    program = lower(rule)
    name = f"optedu_{rule.name}"
    return cupy.ElementwiseKernel(*parameters(program), body(program), name, options=OPTIONS)


class CuPyBound(OfCuPy):
    r"""One launch a step."""

    def _build(self, rule: Rule, program: Program) -> None:
        self._update = _function(rule)
        self._arrays = [self._x, *(self._state[s.name] for s in program.array_states)]

    def _set_constants(self, values: Sequence[Any]) -> None:
        self._fixed = tuple(values)

    def _adder(self, program: Program) -> Callable[[Any, Sequence[Any]], list[float]]:
        import cupy

        name = f"optedu_{program.rule.name}_sums"
        terms = cupy.ElementwiseKernel(*parameters(program), body(program), name, options=OPTIONS)

        def add(g: Any, values: Sequence[Any]) -> list[float]:
            found = [cupy.empty_like(self._x) for _ in program.sums]
            terms(g, *values, *self._arrays, *found)
            return [float(one.sum(dtype=cupy.float64)) for one in found]

        return add

    def _run(self, g: Any, values: Sequence[Any]) -> None:
        self._update(g, *self._fixed, *values, *self._arrays)


def kernel(rule: Rule) -> Kernel:
    r"""Return the kernel of a rule.

    Raises
    ------
    RuntimeError
        If there is no GPU, or no CuPy; the message says which, and what to do.
    """
    device("gpu")
    return Kernel(rule, "CuPy", CuPyBound)
