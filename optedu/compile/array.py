r"""The pure function: the equations as they stand, on arrays of any namespace."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from sympy import Add, Expr, Function, Lambda, Mul, Piecewise, Pow, S, Symbol

from optedu import symbols
from optedu.arrays import namespace
from optedu.compile import scalars
from optedu.compile.lowering import Assignment, array_symbols
from optedu.compile.printing import UFUNCS, PythonPrinter
from optedu.display import number
from optedu.quantities import Given, total, x

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = ["function", "point", "source"]

FUNCTIONS = {name: f"xp.{ufunc}" for name, ufunc in UFUNCS.items()}
OF_ARRAYS = {
    **FUNCTIONS,
    "total": "total",
    "matmul": "xp.matmul",
    "transposed": "xp.matrix_transpose",
    "inverse_root": "inverse_root",
    "row_sums": "row_sums",
    "column_sums": "column_sums",
}


@lru_cache(maxsize=256)
def _lines(rule: Rule, runs: bool = False) -> tuple[tuple[Assignment, ...], frozenset[Symbol]]:
    r"""Return the assignments in the order of the code, and which targets are scalars.

    Only the scalar parts that call a function are taken out: the rest stays as on the page. With
    `runs` every scalar part is: it is computed in double, and narrowed afterwards. Where no sum
    over all parameters is taken, the scalars come first.
    """
    arrays = array_symbols(rule)
    lines: list[Assignment] = []
    scalars_: set[Symbol] = set()
    taken: dict[Expr, Any] = {}

    def scalar(target: Symbol, expression: Expr) -> Symbol:
        scalars_.add(target)
        lines.append(Assignment(target, expression))
        return target

    def outside(expression: Expr) -> Expr:
        if isinstance(expression, total):
            if expression not in taken:
                inner = outside(expression.args[0])
                name = f"total{sum(isinstance(e, total) for e in taken)}"
                taken[expression] = scalar(Given(name, ""), total(inner, evaluate=False))
            return taken[expression]
        if not expression.free_symbols & arrays:
            if isinstance(expression, Lambda):
                return expression
            if not expression.free_symbols if runs else not _calls(expression):
                return expression
            if expression not in taken:
                name = f"s{sum(not isinstance(e, total) for e in taken)}"
                taken[expression] = scalar(symbols.Symbol(name, real=True), expression)
            return taken[expression]
        if expression.is_Atom:
            return expression
        if isinstance(expression, (Add, Mul)):
            return expression.func(*[outside(a) for a in expression.args])
        return expression.func(*[outside(a) for a in expression.args], evaluate=False)

    def summed(expression: Expr) -> Expr:
        r"""Name the sums in a scalar expression."""
        return expression.xreplace({e: outside(e) for e in _outermost(expression)})

    for equation in rule.equations:
        rhs = summed(equation.rhs)
        if rhs.free_symbols & arrays:
            arrays.add(equation.lhs)
            lines.append(Assignment(equation.lhs, outside(rhs)))
        else:
            scalar(equation.lhs, rhs)
    if not rule.sums:
        lines.sort(key=lambda a: a.target not in scalars_)
    return tuple(lines), frozenset(scalars_)


def _outermost(expression: Expr) -> list[total]:
    r"""Return the sums in an expression that stand in no other sum, in one order."""
    found = expression.atoms(total)
    inside = {inner for e in found for inner in e.args[0].atoms(total)}
    return sorted(found - inside, key=str)


def _total(value: Any) -> float:
    # NumPy turns what it computes of a 0-d array into a scalar.
    return float(value if value.shape == () else namespace(value).sum(value))


def _total_of_runs(value: Any) -> Any:
    xp = namespace(value)
    return xp.sum(xp.asarray(value, dtype=xp.float64), axis=tuple(range(value.ndim - 1)))


def _calls(expression: Expr) -> bool:
    return expression.has(Function, Piecewise) or any(
        power.exp == S.Half or power.exp == -S.Half for power in expression.atoms(Pow)
    )


def source(rule: Rule, *, runs: bool = False) -> str:
    r"""Return the code of the pure function; `runs` for hyper-parameters that are arrays.

    The functions of matrices that it calls stand before it.
    """
    lines, scalar = _lines(rule, runs)
    variables = (x, *(s for s in rule.states if not s.scalar))
    names = {s: v.name for v in (x, *rule.states) for s in (v.old, v.new)}
    indexed: dict[Any, str] = {s: v.name for v in variables for s in (v.old, v.new)}
    indexed |= {symbols.g: "g"}
    indexed |= {
        a.target: names.get(a.target, a.target.name) for a in lines if a.target not in scalar
    }
    printer = PythonPrinter(names, indexed, OF_ARRAYS)
    inside = [a.expression for a in lines if a.target not in scalar or a.expression.has(total)]
    read = {symbol for expression in inside for symbol in expression.free_symbols}
    first: list[str] = []
    then: list[str] = []
    for assignment in lines:
        target, expression = assignment.target, assignment.expression
        # With sums everything stands in its turn.
        code = first if target in scalar and not rule.sums else then
        if target in scalar and not isinstance(expression, total):
            code += scalars.lines((assignment,), names, runs=runs)
        else:
            code.append(f"{printer.doprint(target)} = {printer.doprint(expression)}")
        if runs and target in scalar and target in read:
            name = names.get(target, target.name)
            code.append(f"{name} = narrow({name})")
    if first:
        then = ["# scalars, once a step", *first, "# arrays", *then]
    elif rule.sums:
        then = ["# sums over all parameters: total(...)", *then]
    if any({symbols.rows, symbols.columns} & a.expression.free_symbols for a in lines):
        then = [f"rows, columns = {x.name}.shape", *then]
    outputs = ", ".join([x.name, *(s.name for s in rule.states)])
    defaults = "".join(f", {h.name}={number(h.default, exact=True)}" for h in rule.hypers)
    inputs = ", ".join(["xp", x.name, "g", *(s.name for s in rule.states), "t"])
    helpers = ""
    if rule.matrices:
        from optedu.compile import matrices  # which is withheld where submissions are graded

        helpers = "".join(
            matrices.source(name)
            for name in matrices.FUNCTIONS
            if any(f"{name}(" in line for line in then)
        )
    return (
        f"{helpers}def {rule.name}({inputs}{defaults}):\n"
        + textwrap.indent("\n".join([*then, f"return {outputs}"]), "    ")
        + "\n"
    )


def function(rule: Rule) -> Callable[..., tuple[Any, dict[str, Any]]]:
    r"""Return `step(x, g, state, t, hyper)`, which computes with the printed code."""

    def run(environment: dict[str, Any], *, runs: bool) -> Callable[..., Any]:
        code = compile(source(rule, runs=runs), f"<optedu {rule.name}, array form>", "exec")
        exec(code, environment)
        return environment[rule.name]

    of_one = run({**scalars.environment(), "total": _total, "namespace": namespace}, runs=False)
    names = [s.name for s in rule.states]

    @cache
    def of_runs(xp: Any, dtype: Any) -> Callable[..., Any]:
        def narrow(value: Any) -> Any:
            plain = isinstance(value, (int, float))
            return value if plain else xp.asarray(value, dtype=dtype)

        environment = {**scalars.environment(xp), "narrow": narrow, "total": _total_of_runs}
        return run(environment, runs=True)

    def step(
        x: Any, g: Any, state: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        xp = namespace(x, g)
        call = of_one
        quiet: Any = contextlib.nullcontext()
        if not all(type(v) is float for v in hyper.values()):
            import numpy as np

            call = of_runs(xp, x.dtype)
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


def point(rule: Rule) -> Callable[[Any, Mapping[str, Any], Mapping[str, Any]], Any]:
    r"""Return `point(x, state, hyper)`, where the gradient is taken, on any array namespace."""
    assert rule.evaluated is not None
    arrays: dict[Any, str] = {x.old: "x"}
    arrays |= {s.old: s.name for s in rule.states if not s.scalar}
    names: dict[Any, str] = {s.old: s.name for s in rule.states if s.scalar}
    printed = PythonPrinter(names, arrays, FUNCTIONS).doprint(rule.evaluated)
    inputs = ["xp", "x", *(s.name for s in rule.states), *(h.name for h in rule.hypers)]
    code = f"def point({', '.join(inputs)}):\n    return {printed}\n"
    environment: dict[str, Any] = {}
    exec(compile(code, f"<optedu {rule.name}, point>", "exec"), environment)

    def at(value: Any, state: Mapping[str, Any], hyper: Mapping[str, Any]) -> Any:
        xp = namespace(value)
        rates = {
            k: v if type(v) is float else xp.asarray(v, dtype=value.dtype) for k, v in hyper.items()
        }
        return environment["point"](xp, value, *[state[s.name] for s in rule.states], **rates)

    return at
