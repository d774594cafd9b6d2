r"""JavaScript for the interactive figures: the lowered rule as one loop over plain arrays."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from optedu import symbols
from optedu.compile.lowering import lower
from optedu.compile.printing import JavaScriptPrinter
from optedu.quantities import x

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = ["source"]


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
    outputs = {v.new for v in (x, *rule.states)}
    for assignment in program.scalars:
        declare = "" if assignment.target in outputs else "const "
        head.append(
            f"{declare}{printer.doprint(assignment.target)} = "
            f"{printer.doprint(assignment.expression)};"
        )
    head += [f"state.{s.name} = {s.name};" for s in program.scalar_states]
    body = []
    for assignment in program.body:
        declare = "" if assignment.target in outputs else "const "
        body.append(
            f"{declare}{printer.doprint(assignment.target)} = "
            f"{printer.doprint(assignment.expression)};"
        )
    loop = "for (let i = 0; i < x.length; i++) {\n" + textwrap.indent("\n".join(body), "  ") + "\n}"
    defaults = ", ".join(f"{h.name} = {h.default!r}" for h in rule.hypers)
    lines = textwrap.indent("\n".join([*head, loop]), "  ")
    return f"function {rule.name}(x, g, state, t, {{{defaults}}} = {{}}) {{\n{lines}\n}}\n"
