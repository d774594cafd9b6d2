r"""Problems stated as one SymPy expression; gradient, Hessian and code are derived from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any

import sympy
from sympy import Expr, Matrix, Symbol

from optedu import validate
from optedu.arrays import namespace
from optedu.compile.printing import JavaScriptPrinter
from optedu.latex import latex
from optedu.problems.base import Problem
from optedu.problems.printing import ArrayPrinter, compile_source, share
from optedu.validate import choice

__all__ = ["Chain", "Symbolic", "coordinates", "symbolic"]

FORMS = ("array", "javascript")
_KNOWN = (
    "name", "title", "minimizer", "minimum", "minimizers", "window", "L", "mu", "bounds",
    "source_ref",
)  # fmt: skip


def coordinates(dim: int) -> tuple[Symbol, ...]:
    r"""Return the symbols of the coordinates: x; x, y; or x_1, ..., x_dim."""
    if dim <= 2:
        return sympy.symbols("x y", real=True)[:dim]
    return sympy.symbols(f"x_1:{dim + 1}", real=True)


def symbolic(expr: Expr, variables: Sequence[Symbol], *, x0: Any, **known: Any) -> Symbolic:
    r"""Return a problem made from your own SymPy expression.

    Parameters
    ----------
    expr : sympy.Expr
        The objective.
    variables : sequence of sympy.Symbol
        The coordinates, in order.
    x0 : array_like
        The starting point.
    **known : optional
        `name`, `title`, `minimizer`, `minimum`, `window`, ... as for `Problem`.

    Raises
    ------
    TypeError
        If `expr` is no SymPy expression, `variables` no sequence of symbols, or something else that
        is known of a problem of a wrong kind.
    ValueError
        If `expr` holds a symbol that is not among `variables`, or the imaginary unit; if a variable
        comes twice; or if `x0` has not one coordinate for each.

    Examples
    --------
    >>> import sympy
    >>> x, y = sympy.symbols("x y", real=True)
    >>> problem = optedu.problems.symbolic(x**2 + x * y + y**4, [x, y], x0=[1.0, 1.0])
    >>> problem.gradient_expr
    (2*x + y, x + 4*y**3)
    >>> problem.grad(problem.x0)
    array([3., 5.])
    """
    validate.known("symbolic", known, _KNOWN)
    known.setdefault("name", "custom")
    return Symbolic(expr, variables, x0=x0, **known)


class _Coded(Problem):
    r"""What the symbolic problems share: code that is generated, compiled and can be read."""

    symbols: tuple[Symbol, ...]
    _expr: Expr

    def __getstate__(self) -> dict[str, Any]:
        # Without what was compiled, which each process makes for itself.
        compiled = ("_functions", "_hessian")
        return {name: value for name, value in vars(self).items() if name not in compiled}

    @property
    def expr(self) -> Expr:
        r"""The objective as a SymPy expression in `symbols`."""
        return self._expr

    @cached_property
    def gradient_expr(self) -> tuple[Expr, ...]:
        r"""The gradient as SymPy expressions."""
        return tuple(sympy.diff(self.expr, s) for s in self.symbols)

    @cached_property
    def hessian_expr(self) -> Matrix:
        r"""The Hessian as a SymPy matrix."""
        return Matrix(
            self.dim, self.dim, lambda i, j: sympy.diff(self.gradient_expr[i], self.symbols[j])
        )

    def latex(self) -> str:
        r"""Return the LaTeX of the definition, such as `f(x, y) = x^{2} - y^{2}`."""
        arguments = ", ".join(latex(s) for s in self.symbols)
        return f"f({arguments}) = {latex(self.expr)}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def source(self, form: str = "array") -> str:
        r"""Return readable code of `f` and `grad`, printed from the expression.

        Parameters
        ----------
        form : {"array", "javascript"}
            `f(xp, x)` and `grad(xp, x)` on any array namespace `xp`; or `f(x)` and `grad(x, out)`
            in JavaScript, on arrays of numbers.

        Raises
        ------
        TypeError, ValueError
            If there is no such form, or the expression uses a function that it lacks.
        """
        if choice("form", form, FORMS) == "array":
            return self._array_source()
        return self._javascript_source()

    def hessian(self, x: Any) -> Any:
        r"""Return the Hessian at `x`, of shape `(dim, dim)` or `(dim, dim, runs)`.

        Raises
        ------
        TypeError, ValueError
            If `x` is no floating-point array, or not of shape `(dim,)` or `(dim, runs)`.
        """
        x = self._checked(x)
        return self._hessian(namespace(x), x)

    @cached_property
    def _functions(self) -> dict[str, Callable[..., Any]]:
        return compile_source(self._array_source(), f"<optedu.problems {self.name} {id(self)}>")

    @cached_property
    def _hessian(self) -> Callable[..., Any]:
        source = _hessian_source(self.symbols, self.hessian_expr)
        return compile_source(source, f"<optedu.problems {self.name} {id(self)} hessian>")[
            "hessian"
        ]

    def f(self, x: Any, batch: Any = None) -> Any:
        x = self._checked(x)
        return self._functions["f"](namespace(x), x)

    def grad(self, x: Any, batch: Any = None) -> Any:
        x = self._checked(x)
        return self._functions["grad"](namespace(x), x)

    def _array_source(self) -> str:
        raise NotImplementedError

    def _javascript_source(self) -> str:
        raise NotImplementedError


class Symbolic(_Coded):
    r"""A problem whose objective is one expression in its coordinates."""

    def __init__(self, expr: Expr, variables: Sequence[Symbol], **known: Any) -> None:
        if not isinstance(expr, Expr):
            raise TypeError(f"expr must be a SymPy expression, got {type(expr).__name__}")
        if expr.has(sympy.I, sympy.nan, sympy.zoo):
            raise ValueError(f"expr must be real, got {expr}")
        if not isinstance(variables, Sequence) or not all(isinstance(v, Symbol) for v in variables):
            raise TypeError(f"variables must be a sequence of SymPy symbols, got {variables!r}")
        if len(set(variables)) < len(variables):
            raise ValueError(f"variables must differ from each other, got {variables!r}")
        unknown = expr.free_symbols - set(variables)
        if unknown:
            names = ", ".join(sorted(map(str, unknown)))
            raise ValueError(f"variables must list every symbol of expr, {names} is missing")
        self._describe(**known)
        self.symbols = tuple(variables)
        self._expr = expr
        if self.dim != len(self.symbols):
            raise ValueError(f"x0 must have shape ({len(self.symbols)},), got {self.x0.shape}")

    def _array_source(self) -> str:
        return _array_code(self.expr, self.symbols)

    def _javascript_source(self) -> str:
        objective, gradient = _blocks(self.expr, self.symbols)
        printer = JavaScriptPrinter()
        load = f"  const {_loads(self.dim, python=False)};"
        lines = ["function f(x) {", load]
        named, (value,) = share([objective])
        lines += [f"  const {name} = {printer.doprint(e)};" for name, e in named]
        lines += [f"  return {printer.doprint(value)};", "}", "", "function grad(x, out) {", load]
        named, values = share(gradient)
        lines += [f"  const {name} = {printer.doprint(e)};" for name, e in named]
        lines += [f"  out[{i}] = {printer.doprint(e)};" for i, e in enumerate(values)]
        return "\n".join([*lines, "  return out;", "}", ""])


def _blocks(expr: Expr, variables: tuple[Symbol, ...]) -> tuple[Expr, list[Expr]]:
    r"""Return the objective and its gradient in the names of the code: there x is the array, and a
    coordinate of that name is another.
    """
    names = {s: Symbol(f"x{i}", real=True) for i, s in enumerate(variables)}
    return expr.xreplace(names), [sympy.diff(expr, s).xreplace(names) for s in variables]


@lru_cache(maxsize=128)  # notebooks ask for the same problem again and again
def _array_code(expr: Expr, variables: tuple[Symbol, ...]) -> str:
    objective, gradient = _blocks(expr, variables)
    load = f"    {_loads(len(variables), python=True)}"
    lines = ["def f(xp, x):", load]
    named, (value,) = share([objective])
    printer = ArrayPrinter("x0")
    lines += [f"    {name} = {printer.doprint(e)}" for name, e in named]
    lines += [f"    return {printer.array(value)}", "", "", "def grad(xp, x):", load]
    named, values = share(gradient)
    lines += [f"    {name} = {printer.doprint(e)}" for name, e in named]
    lines += ["    out = xp.empty_like(x)"]
    lines += [f"    out[{i}, ...] = {printer.doprint(e)}" for i, e in enumerate(values)]
    return "\n".join([*lines, "    return out", ""])


class Chain(_Coded):
    r"""A problem that sums one term over neighbouring coordinates, such as (x_i, x_{i+1}).

    The term is the one statement; code for any dimension is printed from it and its derivatives.

    Parameters
    ----------
    term : sympy.Expr
        The term, in the symbols of `window_symbols`.
    window_symbols : sequence of sympy.Symbol
        One symbol for a separable sum, two for a chain of neighbours, and so on.
    """

    def __init__(self, term: Expr, window_symbols: Sequence[Symbol], **known: Any) -> None:
        self._describe(**known)
        self.term = term
        self.window_symbols = tuple(window_symbols)
        self.symbols = coordinates(self.dim)

    @cached_property
    def _expr(self) -> Expr:
        return total(self.term, self.window_symbols, self.symbols)

    def latex(self) -> str:
        r"""Return the LaTeX of the definition, as a sum."""
        width = len(self.window_symbols)
        last = "n" if width == 1 else f"n-{width - 1}"
        names = {
            s: Symbol(f"x_{{i{f'+{k}' if k else ''}}}", real=True)
            for k, s in enumerate(self.window_symbols)
        }
        body = latex(self.term.xreplace(names))
        return rf"f(x) = \sum_{{i=1}}^{{{last}}} \left[ {body} \right]"

    def _derivatives(self) -> list[Expr]:
        return [sympy.diff(self.term, s) for s in self.window_symbols]

    def _plain(self) -> dict[Symbol, Symbol]:
        return {s: Symbol("abcdefgh"[k], real=True) for k, s in enumerate(self.window_symbols)}

    def _array_source(self) -> str:
        plain, printer = self._plain(), ArrayPrinter("a")
        width = len(plain)
        slices = [f"{k or ''}:{k - width + 1 or ''}" for k in range(width)]
        names = [str(s) for s in plain.values()]
        load = f"    {', '.join(names)} = {', '.join(f'x[{s}, ...]' for s in slices)}"
        named, (value,) = share([self.term.xreplace(plain)])
        lines = ["def f(xp, x):", load]
        lines += [f"    {name} = {printer.doprint(e)}" for name, e in named]
        lines += [f"    return xp.sum({printer.array(value)}, axis=0)", "", ""]
        named, values = share([d.xreplace(plain) for d in self._derivatives()])
        lines += ["def grad(xp, x):", load]
        lines += [f"    {name} = {printer.doprint(e)}" for name, e in named]
        lines += ["    out = xp.zeros_like(x)"]
        lines += [
            f"    out[{s}, ...] += {printer.doprint(e)}"
            for s, e in zip(slices, values, strict=True)
        ]
        return "\n".join([*lines, "    return out", ""])

    def _javascript_source(self) -> str:
        plain, printer = self._plain(), JavaScriptPrinter()
        width = len(plain)
        load = "    const " + ", ".join(
            f"{s} = x[i{f' + {k}' if k else ''}]" for k, s in enumerate(plain.values())
        )
        loop = f"  for (let i = 0; i{f' + {width - 1}' if width > 1 else ''} < x.length; i++) {{"
        named, (value,) = share([self.term.xreplace(plain)])
        lines = ["function f(x) {", "  let sum = 0;", loop, load + ";"]
        lines += [f"    const {name} = {printer.doprint(e)};" for name, e in named]
        lines += [f"    sum += {printer.doprint(value)};", "  }", "  return sum;", "}", ""]
        named, values = share([d.xreplace(plain) for d in self._derivatives()])
        lines += ["function grad(x, out) {", "  out.fill(0);", loop, load + ";"]
        lines += [f"    const {name} = {printer.doprint(e)};" for name, e in named]
        lines += [
            f"    out[i{f' + {k}' if k else ''}] += {printer.doprint(e)};"
            for k, e in enumerate(values)
        ]
        return "\n".join([*lines, "  }", "  return out;", "}", ""])


def total(term: Expr, window_symbols: Sequence[Symbol], symbols: Sequence[Symbol]) -> Expr:
    r"""Return the sum of `term` over all windows of neighbouring symbols."""
    width = len(window_symbols)
    return sympy.Add(
        *(
            term.xreplace(dict(zip(window_symbols, symbols[i : i + width], strict=True)))
            for i in range(len(symbols) - width + 1)
        )
    )


def chain(
    term: Expr, window_symbols: Sequence[Symbol], *, x0: Any, **known: Any
) -> Symbolic | Chain:
    r"""Return the sum of a term over neighbours: written out in few dimensions, a loop in many."""
    dim = len(x0)
    if dim <= 3:
        variables = coordinates(dim)
        return Symbolic(total(term, window_symbols, variables), variables, x0=x0, **known)
    return Chain(term, window_symbols, x0=x0, **known)


def _loads(dim: int, *, python: bool) -> str:
    if python:
        names = ", ".join(f"x{i}" for i in range(dim))
        return f"{names} = {', '.join(f'x[{i}, ...]' for i in range(dim))}"
    return ", ".join(f"x{i} = x[{i}]" for i in range(dim))


def _hessian_source(symbols: Sequence[Symbol], matrix: Matrix) -> str:
    dim = len(symbols)
    plain = {s: Symbol(f"x{i}", real=True) for i, s in enumerate(symbols)}
    cells = [(i, j) for i in range(dim) for j in range(i, dim)]
    named, values = share([matrix[i, j].xreplace(plain) for i, j in cells])
    printer = ArrayPrinter("x0")
    lines = ["def hessian(xp, x):", f"    {_loads(dim, python=True)}"]
    lines += [f"    {name} = {printer.doprint(e)}" for name, e in named]
    lines += [f"    out = xp.zeros(({dim}, *x.shape), dtype=x.dtype)"]
    for (i, j), e in zip(cells, values, strict=True):
        if e != 0:
            lines.append(f"    out[{i}, {j}, ...] = {printer.doprint(e)}")
            if i != j:
                lines.append(f"    out[{j}, {i}, ...] = out[{i}, {j}, ...]")
    return "\n".join([*lines, "    return out", ""])
