r"""JavaScript for the interactive figures: the lowered rule as one loop over plain arrays."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from optedu import symbols
from optedu.compile.lowering import lower
from optedu.compile.printing import JavaScriptPrinter
from optedu.rule import Rule, x

__all__ = ["metadata", "module", "source"]


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


def metadata(rule: Rule) -> dict[str, Any]:
    r"""Return what a figure needs to know of a rule, ready for JSON: ranges, defaults, states.

    Infinite ends are `None`.
    """

    def end(value: float) -> float | None:
        return value if abs(value) != float("inf") else None

    constants = {h.symbol: h.default for h in rule.hypers}
    return {
        "name": rule.name,
        "title": rule.title,
        "hypers": [
            {
                "name": h.name,
                "latex": h.latex,
                "meaning": h.meaning,
                "default": h.default,
                "lower": end(h.lower),
                "upper": end(h.upper),
                "lowerOpen": h.lower_open,
                "upperOpen": h.upper_open,
            }
            for h in rule.hypers
        ],
        "states": [
            {
                "name": s.name,
                "initial": float(constants.get(s.initial, s.initial)),
                "scalar": s.scalar,
            }
            for s in rule.states
        ],
    }


def module(rules: dict[str, Rule]) -> str:
    r"""Return an ES module that exports every rule: `RULES[name] = {..., step}`."""
    functions = "\n".join(source(rule) for rule in rules.values())
    entries = ",\n".join(
        f"  {name}: {{...{json.dumps(metadata(rule))}, step: {name}}}"
        for name, rule in rules.items()
    )
    return f"{functions}\nexport const RULES = {{\n{entries}\n}};\n"
