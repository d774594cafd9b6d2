r"""The pure function: the equations as they stand, on arrays of any namespace."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sympy import Add, Expr, Function, Mul, Piecewise, Pow, S, Symbol

from optedu import symbols
from optedu.arrays import namespace
from optedu.compile import scalars
from optedu.compile.lowering import Assignment, Program, array_symbols, without_totals
from optedu.compile.printing import PythonPrinter
from optedu.display import number
from optedu.quantities import Given, x

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = ["function", "source"]

FUNCTIONS = {
    "sqrt": "xp.sqrt",
    "Abs": "xp.abs",
    "sign": "xp.sign",
    "Max": "xp.maximum",
    "Min": "xp.minimum",
    "exp": "xp.exp",
    "log": "xp.log",
}


@lru_cache(maxsize=256)
def _program(rule: Rule, runs: bool = False) -> tuple[Program, tuple[Assignment, ...]]:
    r"""Take out only the scalar parts that call a function: the rest stays as on the page.

    With `runs` take out every scalar part: it is computed in double, and narrowed afterwards.
    """
    rule, levels = without_totals(rule)
    arrays = array_symbols(rule)
    scalar: list[Assignment] = []
    body: list[Assignment] = []
    sums: list[Assignment] = []
    taken: dict[Expr, Any] = {}

    def outside(expression: Expr) -> Expr:
        if not expression.free_symbols & arrays:
            if not expression.free_symbols if runs else not _calls(expression):
                return expression
            if expression not in taken:
                taken[expression] = symbols.Symbol(f"s{len(taken)}", real=True)
                scalar.append(Assignment(taken[expression], expression))
            return taken[expression]
        if expression.is_Atom:
            return expression
        if isinstance(expression, (Add, Mul)):
            return expression.func(*[outside(a) for a in expression.args])
        return expression.func(*[outside(a) for a in expression.args], evaluate=False)

    for level in levels:
        sums += [Assignment(s, outside(expression)) for s, expression in level.items()]
    for equation in rule.equations:
        if equation.rhs.free_symbols & arrays:
            arrays.add(equation.lhs)
            body.append(Assignment(equation.lhs, outside(equation.rhs)))
        else:
            scalar.append(Assignment(equation.lhs, equation.rhs))
    return Program(rule, tuple(scalar), tuple(body)), tuple(sums)


def _in_turn(scalars: Sequence[Assignment], sums: Sequence[Assignment]) -> list[Assignment]:
    r"""Return scalars and sums in an order in which each stands after what it reads."""
    waiting = [*scalars, *sums]
    made = {a.target for a in waiting}
    done: list[Assignment] = []
    while waiting:
        missing = made - {a.target for a in done}
        ready = next(a for a in waiting if not a.expression.free_symbols & missing)
        done.append(ready)
        waiting.remove(ready)
    return done


def _total(value: Any) -> float:
    return float(namespace(value).sum(value))


def _total_of_runs(value: Any) -> Any:
    xp = namespace(value)
    return xp.sum(xp.asarray(value, dtype=xp.float64), axis=tuple(range(value.ndim - 1)))


def _used(program: Program) -> list[Symbol]:
    r"""Return the scalars that the lines of arrays read."""
    used = {s for a in program.body for s in a.expression.free_symbols}
    return [a.target for a in program.scalars if a.target in used] + [
        s for s in program.given if s in used
    ]


def _calls(expression: Expr) -> bool:
    return expression.has(Function, Piecewise) or any(
        power.exp == S.Half or power.exp == -S.Half for power in expression.atoms(Pow)
    )


def source(rule: Rule, *, runs: bool = False) -> str:
    r"""Return the code of the pure function; `runs` for hyper-parameters that are arrays."""
    program, sums = _program(rule, runs)
    names = program.code_names
    indexed: dict[Any, str] = {s: names[s] for v in program.arrays for s in (v.old, v.new)}
    indexed |= {symbols.g: "g"} | {
        a.target: names.get(a.target, a.target.name) for a in program.body
    }
    printer = PythonPrinter(names, indexed, FUNCTIONS)
    code = []
    for assignment in _in_turn(program.scalars, sums):
        if isinstance(assignment.target, Given):
            expression = printer.doprint(assignment.expression)
            code.append(f"{assignment.target.name} = total({expression})")
        else:
            code += scalars.lines((assignment,), names, runs=runs)
    if runs:
        code += [f"{names.get(s, s.name)} = narrow({names.get(s, s.name)})" for s in _used(program)]
    if code:
        first = "# sums over all parameters, and scalars" if sums else "# scalars, once a step"
        code = [first, *code, "# arrays"]
    code += [f"{printer.doprint(a.target)} = {printer.doprint(a.expression)}" for a in program.body]
    outputs = ", ".join([x.name, *(s.name for s in rule.states)])
    defaults = "".join(f", {h.name}={number(h.default, exact=True)}" for h in rule.hypers)
    inputs = ", ".join(["xp", x.name, "g", *(s.name for s in rule.states), "t"])
    return (
        f"def {rule.name}({inputs}{defaults}):\n"
        + textwrap.indent("\n".join([*code, f"return {outputs}"]), "    ")
        + "\n"
    )


def function(rule: Rule) -> Callable[..., tuple[Any, dict[str, Any]]]:
    r"""Return `step(x, g, state, t, hyper)`, which computes with the printed code."""
    code, code_of_runs = (
        compile(source(rule, runs=runs), f"<optedu {rule.name}, array form>", "exec")
        for runs in (False, True)
    )
    floats: dict[str, Any] = {**scalars.environment(), "total": _total}
    exec(code, floats)
    names = [s.name for s in rule.states]

    def step(
        x: Any, g: Any, state: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        xp = namespace(x, g)
        call = floats[rule.name]
        quiet: Any = contextlib.nullcontext()
        if not all(type(v) is float for v in hyper.values()):
            import numpy as np

            def narrow(value: Any) -> Any:
                plain = isinstance(value, (int, float))
                return value if plain else xp.asarray(value, dtype=x.dtype)

            runs = {**scalars.environment(xp), "narrow": narrow, "total": _total_of_runs}
            exec(code_of_runs, runs)
            call = runs[rule.name]
            hyper = {
                k: v if type(v) is float else xp.asarray(v, dtype=xp.float64)
                for k, v in hyper.items()
            }
            # Both branches of a choice are computed, and one may be the root of a negative.
            quiet = np.errstate(invalid="ignore", divide="ignore")
        with quiet:
            result = call(xp, x, g, *[state[n] for n in names], t, **hyper)
        result = result if isinstance(result, tuple) else (result,)
        if not x.shape:  # NumPy turns 0-d results into scalars
            result = tuple(v if type(v) is float else xp.asarray(v) for v in result)
        return result[0], dict(zip(names, result[1:], strict=True))

    return step
