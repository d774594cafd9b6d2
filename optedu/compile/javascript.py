r"""JavaScript for the interactive figures: the lowered rule as one loop over plain arrays."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from optedu import symbols
from optedu.compile.lowering import Assignment, Program, lower, lower_totals
from optedu.compile.printing import JavaScriptPrinter
from optedu.quantities import x

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = ["source"]


def _sums(program: Program, printer: JavaScriptPrinter) -> list[str]:
    r"""Return the lines that take the sums of one level, in a block of their own."""
    inside = [
        f"const {printer.doprint(a.target)} = {printer.doprint(a.expression)};"
        for a in program.scalars
    ]
    loop = []
    for assignment in program.body:
        code = printer.doprint(assignment.expression)
        name = printer.doprint(assignment.target)
        adds = assignment.target in program.sums
        loop.append(f"{name} += {code};" if adds else f"const {name} = {code};")
    inside += ["for (let i = 0; i < x.length; i++) {", *(f"  {line}" for line in loop), "}"]
    return [
        *(f"let {s.name} = 0;" for s in program.sums),
        "{",
        *(f"  {line}" for line in inside),
        "}",
    ]


def source(rule: Rule) -> str:
    r"""Return a function `name(x, g, state, t, hyper)` that updates `x` and `state` in place.

    `x`, `g` and the states are arrays or typed arrays; scalar states are numbers in `state`.
    """
    program = lower(rule)
    names = program.code_names
    indexed = {s: f"{v.name}[i]" for v in program.arrays for s in (v.old, v.new)}
    indexed[symbols.g] = "g[i]"
    printer = JavaScriptPrinter(names, indexed)

    head = [f"let {s.name} = state.{s.name};" for s in program.scalar_states]
    if program.array_states:
        head.append(f"const {{{', '.join(s.name for s in program.array_states)}}} = state;")
    for level in lower_totals(rule):
        head += _sums(level, printer)
    outputs = {v.new for v in (x, *rule.states)}

    def line(a: Assignment) -> str:
        declare = "" if a.target in outputs else "const "
        return f"{declare}{printer.doprint(a.target)} = {printer.doprint(a.expression)};"

    head += map(line, program.scalars)
    head += [f"state.{s.name} = {s.name};" for s in program.scalar_states]
    body = "\n".join(map(line, program.body))
    loop = "for (let i = 0; i < x.length; i++) {\n" + textwrap.indent(body, "  ") + "\n}"
    defaults = ", ".join(f"{h.name} = {h.default!r}" for h in rule.hypers)
    lines = textwrap.indent("\n".join([*head, loop]), "  ")
    return f"function {rule.name}(x, g, state, t, {{{defaults}}} = {{}}) {{\n{lines}\n}}\n"
