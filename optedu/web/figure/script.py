r"""Prints the ES module `printed.js`: every rule and problem of the figures, from SymPy.

The hand-written scripts hold no update rule and no objective; they import them from this module.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol
from sympy.printing.pretty.pretty_symbology import greek_unicode, sub

from optedu.compile.printing import JavaScriptPrinter
from optedu.compile.traffic import traffic
from optedu.quantities import Hyper, x
from optedu.rule import Rule
from optedu.symbols import batch_size, lr, t, warmup
from optedu.web.figure import catalog, derived, shapes

__all__ = [
    "ASSETS",
    "assets",
    "compact",
    "limits",
    "printed",
    "schedules",
    "slider",
    "unicode_symbol",
]

ASSETS = Path(__file__).resolve().parent.parent / "static" / "figures"


@cache
def printed() -> str:
    r"""Return the source of `printed.js`."""
    rules = {name: catalog.rule(name) for name in catalog.rule_names()}
    parts = ["// Generated from optedu.rules and optedu.problems. Do not edit.\n"]
    parts += [rule.source("javascript").strip() + "\n" for rule in rules.values()]
    parts.append(_hypers(rules))
    parts.append(_list("RULES", [_rule(rule) for rule in rules.values()]))
    parts.append(
        _list("PROBLEMS", [_problem(name, catalog.problem(name)) for name in catalog.EVERYWHERE])
    )
    parts.append(_function("noise_std", derived.noise_std(), derived.NOISE, batch_size))
    parts.append(_function("warmup_lr", derived.warmup_lr(), lr, t, warmup))
    parts.append(
        _function(
            "noise_floor", derived.noise_floor(), derived.CURVATURE, lr, derived.NOISE, batch_size
        )
    )
    parts.append(_object("EIGEN", _eigen(rules)))
    parts.append(_object("PARTS", _parts(rules)))
    return "\n".join(parts)


@cache
def limits() -> str:
    r"""Return the source of `limits.js`: each linear rule's largest learning rate at a curvature.

    A file of its own, for few figures draw it.
    """
    out = {}
    for name in catalog.rule_names():
        limit = derived.stability_limit(catalog.rule(name))
        if limit is not None:
            hypers = ", ".join(sorted(map(str, limit.free_symbols - {derived.CURVATURE})))
            body = JavaScriptPrinter().doprint(limit)
            out[name] = f"({derived.CURVATURE}, {{{hypers}}}) => {body}"
    return "// Generated from optedu.rules. Do not edit.\n" + _object("LIMITS", out)


@cache
def schedules() -> str:
    r"""Return the source of `shapes.js`: schedules, second moments, the problems of few figures."""
    moments = {}
    for name in catalog.derived_rules():
        moment = derived.second_moment(catalog.rule(name))
        if moment is not None:
            hypers = ", ".join(h.name for h in catalog.rule(name).hypers)
            arguments = f"{derived.MOMENT}, {derived.CURVATURE}, {derived.VARIANCE}, {{{hypers}}}"
            moments[name] = f"({arguments}) => {JavaScriptPrinter().doprint(moment)}"
    shown, knobs = shapes.sources()
    parts = [
        "// Generated from optedu.schedules, optedu.rules and optedu.problems. Do not edit.\n"
        'import { PROBLEMS, problem } from "./printed.js";\n',
        _object("SHAPES", shown),
        _object("KNOBS", knobs),
        _object("MOMENTS", moments),
    ]
    for name, make in catalog.PROBLEMS.items():
        if name not in catalog.EVERYWHERE:
            parts.append(f"PROBLEMS.{name} = {_problem(name, make())};\n")
    return "\n".join(parts)


def compact(source: str) -> str:
    r"""Return a script without its comments, its indentation and idle spaces.

    Not a minifier: names and statements stay, so that what a browser shows can still be read.
    It knows strings but not regular expressions: the scripts hold none with a space or a slash.
    """
    source = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    text = "\n".join(filter(None, map(_tight, source.splitlines())))
    # A line break means nothing after these, nor a semicolon before a closing brace.
    text = re.sub(r"(?<=[{(\[,;])\n(?!function|export|class)", "", text)
    return re.sub(r";\s*}", "}", text) + "\n"


def _tight(line: str) -> str:
    # Strings are every second piece. Spaces around + and - stay: `a - -b` must not become `a--b`.
    pieces = re.split(r'("(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)', line)
    for k in range(0, len(pieces), 2):
        code, comment, _ = pieces[k].partition("//")
        code = re.sub(r" *([=*/<>!&|?:,;{}()\[\]]) *", r"\1", code)
        pieces[k] = re.sub(r"(?<=[\w)\]]) ([+-]) (?=[\w(\[])", r"\1", code)
        if comment:
            return "".join(pieces[: k + 1]).strip()
    return "".join(pieces).strip()


def assets() -> dict[str, str]:
    r"""Return the files of the figures as the book serves them, by name."""
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(ASSETS.iterdir())}
    files |= {"printed.js": printed(), "limits.js": limits(), "shapes.js": schedules()}
    return {k: compact(v) if k.endswith(".js") else v for k, v in files.items()}


# -- rules -----------------------------------------------------------------------------------------


def unicode_symbol(latex: str) -> str:
    r"""Return a short LaTeX symbol as Unicode text.

    Examples
    --------
    >>> unicode_symbol(r"\beta_{1}"), unicode_symbol("G_{0}"), unicode_symbol("B")
    ('β₁', 'G₀', 'B')
    """
    base, _, index = latex.replace("{", "").replace("}", "").partition("_")
    base = base.strip()
    return greek_unicode.get(base.removeprefix("\\"), base) + "".join(
        sub.get(ch, ch) for ch in index
    )


def slider(hyper: Hyper) -> dict[str, Any]:
    r"""Return the ends and the scale of the slider of a hyper-parameter.

    The ends are the rule's own range, cut where it is infinite or open. Decay rates move on the
    scale of $1 - \beta$, learning rates and epsilon on a logarithmic one.
    """
    if math.isfinite(hyper.upper):
        top = hyper.upper - 1e-4 if hyper.upper_open else hyper.upper
        return {"lo": hyper.lower, "hi": top, "scale": "complement"}
    if hyper.name == "eps":
        return {"lo": 1e-12, "hi": 1.0, "scale": "log"}
    if hyper.symbol.is_positive:
        return {"lo": 1e-4, "hi": 10.0, "scale": "log"}
    return {"lo": 0.0, "hi": 1.0, "scale": "zerolog"}


# The hypers are stated once; a rule gives their defaults. `minor` ones stand behind a fold.
_HELPERS = """
const hypers = (defaults) => Object.entries(defaults).map(([name, value]) => ({
  ...HYPERS[name], name, default: value, minor: name === "eps" || value === 0,
}));
const rule = (step, title, traffic, defaults, init, scalars = {}) => ({
  name: step.name, step, title, traffic, hypers: hypers(defaults), init, scalars,
});
export const problem = (name, known, f, grad, example) => ({
  name, dim: known.start.length, ...known, f, grad, example,
});
const zeros = (n, v = 0) => new Float64Array(n).fill(v);
const named = (list) => Object.fromEntries(list.map((one) => [one.name, one]));
"""


def _hypers(rules: Mapping[str, Rule]) -> str:
    r"""Print what the rules share: every hyper-parameter, and helpers."""
    shared = {h.name: _hyper(h) for rule in rules.values() for h in rule.hypers}
    entries = ",\n".join(f"{name}: {_json(meta)}" for name, meta in shared.items())
    return f"const HYPERS = {{\n{entries}\n}};\n{_HELPERS}"


def _hyper(hyper: Hyper) -> dict[str, Any]:
    ends = slider(hyper)
    return {
        "symbol": unicode_symbol(hyper.latex),
        "meaning": re.split(r" \(|, ", hyper.meaning)[0],
        **ends,
        # The admissible values, for links written by hand.
        "min": 1e-12 if hyper.symbol.is_positive else hyper.lower,
        **({"max": ends["hi"]} if math.isfinite(hyper.upper) else {}),
    }


def _rule(rule: Rule) -> str:
    code = JavaScriptPrinter()
    used, fields = set(), []
    for state in rule.states:
        initial = sympy.sympify(state.initial)
        used |= {symbol.name for symbol in initial.free_symbols} - {x.old.name}
        value = code.doprint(initial)
        if initial == x.old:
            value = "x.slice()"
        elif not state.scalar:
            value = "zeros(n)" if initial == 0 else f"zeros(n, {value})"
        fields.append(f"{state.name}: {value}")
    copies = any("x.slice()" in field for field in fields)
    arguments = f"(n, {{{', '.join(sorted(used))}}})" if used or copies else "(n)"
    arguments = arguments.removesuffix(")") + ", x)" if copies else arguments
    moved = traffic(rule, "fused")
    numbers = moved.reads + moved.writes  # an element and step
    scalars = {s.name: True for s in rule.states if s.scalar}
    return (
        f"rule({rule.name}, {_json(rule.title)}, {numbers}, {_json(rule.defaults())}, "
        f"{arguments} => ({{{', '.join(fields)}}}){', ' + _json(scalars) if scalars else ''})"
    )


def _problem(name: str, problem: Any) -> str:
    if problem.composite:
        raise ValueError(f"problem must have bounds alone in a figure, got {name} with a prox")
    window = [list(map(float, side)) for side in problem.window or ()]
    minimum = problem.minimum
    lowest = [] if problem.minimizer is None else [problem.minimizer.tolist()]
    others = [] if problem.minimizers is None else problem.minimizers.tolist()
    meta = {
        "title": problem.title[0].upper() + problem.title[1:],
        "start": problem.x0.tolist(),
        "window": window or None,
        "minimum": minimum if minimum is not None and math.isfinite(minimum) else None,
        # The minimizer first; the script reads it there.
        "minima": lowest + [point for point in others if point not in lowest],
        "clip": list(problem.bounds) if problem.bounds else None,
        "curvatures": curvatures(problem) or None,
        # Of a problem that is a mean over examples; then it prints `example` too.
        "examples": getattr(problem, "examples", None),
        "noises": problem.noises.tolist() if hasattr(problem, "noises") else None,
    }
    known = _json({key: value for key, value in meta.items() if value is not None})
    code = problem.source("javascript").strip()
    functions = "f, grad, example" if "examples" in known else "f, grad"
    if hasattr(problem, "spread"):
        known = known[:-1] + ",spread}"
    return f"(() => {{\n{code}\nreturn problem({_json(name)}, {known}, {functions});\n}})()"


def curvatures(problem: Any) -> list[float]:
    r"""Return the distinct eigenvalues of a constant Hessian, ascending; none where it changes."""
    eigenvalues = getattr(problem, "eigenvalues", None)
    return [] if eigenvalues is None else sorted({float(v) for v in np.round(eigenvalues, 12)})


# -- derived quantities ----------------------------------------------------------------------------


def _body(expressions: list[Expr]) -> str:
    printer = JavaScriptPrinter()
    named, values = sympy.cse(expressions, symbols=sympy.numbered_symbols("s"))
    lines = "".join(f"const {n} = {' '.join(printer.doprint(e).split())};\n" for n, e in named)
    return (
        lines
        + "return "
        + (
            "[" + ", ".join(printer.doprint(v) for v in values) + "]"
            if len(values) > 1
            else printer.doprint(values[0])
        )
        + ";\n"
    )


def _function(name: str, expr: Expr, *arguments: Symbol) -> str:
    return f"export function {name}({', '.join(a.name for a in arguments)}) {{\n{_body([expr])}}}\n"


def _eigen(rules: Mapping[str, Rule]) -> dict[str, str]:
    out = {}
    for name, rule in rules.items():
        matrix = derived.iteration_matrix(rule)
        if matrix is not None:
            hypers = ", ".join(h.name for h in rule.hypers)
            body = _body(list(derived.eigenvalues(matrix)))
            out[name] = f"({derived.CURVATURE}, {{{hypers}}}) => {{\n{body}}}"
    return out


def _parts(rules: Mapping[str, Rule]) -> dict[str, str]:
    out = {}
    for name, rule in rules.items():
        parts = derived.momentum_parts(rule)
        if parts is not None:
            state, base, coast = parts
            printer = JavaScriptPrinter()
            arguments = f"({x.old}, {rule.states[0].old}, {{lr, momentum}})"
            out[name] = (
                f"{{state: {json.dumps(state)}, base: {arguments} => {printer.doprint(base)}, "
                f"coast: {arguments} => {printer.doprint(coast)}}}"
            )
    return out


def _list(name: str, values: list[str]) -> str:
    inside = ",\n".join(values)
    return f"export const {name} = named([\n{inside},\n]);\n"


def _object(name: str, values: Mapping[str, str]) -> str:
    inside = ",\n".join(f"{key}: {value}" for key, value in values.items())
    return f"export const {name} = {{\n{inside},\n}};\n"


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = re.sub(r"(?<=[\[:,])(-?\d+)\.0(?=[,}\]])", r"\1", text)  # 1.0 is 1 in JavaScript
    return re.sub(r'"([a-z_A-Z]\w*)":', r"\1:", text)
