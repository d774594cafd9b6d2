r"""`Schedule`: a hyper-parameter as a function of the step, written once, in SymPy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import CodeType
from typing import Any

import numpy as np
from sympy import Expr, Symbol, sympify

from optedu import symbols, validate
from optedu.compile import scalars
from optedu.compile.printing import JavaScriptPrinter, PythonPrinter
from optedu.display import number
from optedu.latex import latex

__all__ = ["Schedule"]

FORMS = ("python", "javascript")
_FUNCTIONS = {**scalars.environment(np), "pi": math.pi, "__builtins__": {}}


@dataclass(frozen=True, eq=False)
class Schedule:
    r"""A hyper-parameter that changes with the step.

    Parameters
    ----------
    name : str
        A Python name; that of the function in the generated code.
    expression : sympy.Expr
        In `optedu.symbols.t` and in symbols of the notation table.
    values : mapping of str to float or array
        The value of each of these symbols, by name. Arrays with one axis are swept over.
    reference : str
        Key of the bibliography.

    Raises
    ------
    TypeError, ValueError
        If a symbol is not of the notation, has no value, or has one out of range; or a value
        belongs to no symbol.

    Examples
    --------
    >>> schedule = optedu.schedules.cosine(0.1, steps=4)
    >>> [round(schedule(t), 4) for t in (1, 2, 3, 4, 5, 6)]
    [0.1, 0.0854, 0.05, 0.0146, 0.0, 0.0]
    """

    name: str
    expression: Expr
    values: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""

    def __post_init__(self) -> None:
        if not validate.text("name", self.name).isidentifier():
            raise ValueError(f"name must be a Python name, got {self.name!r}")
        object.__setattr__(self, "expression", sympify(self.expression))
        free = sorted(self.expression.free_symbols - {symbols.t}, key=lambda s: s.name)
        rows = {symbols.of(symbol).name: symbols.of(symbol) for symbol in free}
        validate.known(self.name, self.values, rows)
        missing = [name for name in rows if name not in self.values]
        if missing:
            raise TypeError(f"{self.name} needs a value of {missing[0]!r}")
        checked = {}
        for name, row in rows.items():
            value = self.values[name]
            value = row.check(validate.reals(name, value) if _is_list(value) else value)
            if np.ndim(value) > 1 or np.size(value) == 0:
                raise ValueError(
                    f"{name} must be a number or an array with one axis, got shape "
                    f"{np.shape(value)}"
                )
            whole = np.all(np.equal(np.mod(value, 1), 0))
            if row.symbol.is_integer and not whole:
                raise ValueError(f"{name} must be a whole number, got {number(value)}")
            checked[name] = value
        object.__setattr__(self, "values", checked)

    def __call__(self, t: int) -> Any:
        r"""Return the value at step `t`, from 1 on: a float, or an array with one for each run."""
        value = eval(_compiled(self.expression), _FUNCTIONS, {**self.values, "t": t})
        return float(value) if np.ndim(value) == 0 else value

    def __repr__(self) -> str:
        values = ", ".join(
            f"{n}={number(v) if np.ndim(v) == 0 else f'<{len(v)} values>'}"
            for n, v in self.values.items()
        )
        return f"<Schedule {self.name}({values})>"

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    @cached_property
    def axes(self) -> dict[str, np.ndarray]:
        r"""The parameters that are arrays: the axes of a sweep."""
        return {name: value for name, value in self.values.items() if np.ndim(value)}

    def at(self, **values: Any) -> Schedule:
        r"""Return the schedule with other values of some parameters.

        Raises
        ------
        TypeError, ValueError
            If there is no such parameter, or a value is out of range.
        """
        validate.known(self.name, values, self.values)
        return Schedule(self.name, self.expression, {**self.values, **values}, self.reference)

    def latex(self, of: Symbol = symbols.lr) -> str:
        r"""Return the formula for the hyper-parameter `of`, without parameters that are zero.

        Examples
        --------
        >>> print(optedu.schedules.linear(0.1, steps=100).latex())
        \eta_{t} = \eta \left(1 - \min\left(1, \frac{t - 1}{T}\right)\right)
        """
        base, _, index = symbols.of(of).latex.partition("_")
        left = f"{base}_{{{index.strip('{}') + ',' if index else ''}t}}"
        zero = {
            symbols.TABLE[name].symbol: 0
            for name, value in self.values.items()
            if np.ndim(value) == 0 and value == 0
        }
        return f"{left} = {latex(self.expression.subs(zero))}"

    def source(self, form: str = "python") -> str:
        r"""Return the code of the formula.

        Parameters
        ----------
        form : {"python", "javascript"}
            A function of `t` whose other arguments are the parameters.
        """
        if validate.choice("form", form, FORMS) == "javascript":
            names = ", ".join(self.values)
            body = JavaScriptPrinter().doprint(self.expression)
            return f"function {self.name}(t, {{{names}}}) {{\n  return {body};\n}}\n"
        arguments = "".join(f", {name}" for name in self.values)
        body = PythonPrinter(functions=scalars.FUNCTIONS).doprint(self.expression)
        return f"def {self.name}(t{arguments}):\n    return {body}\n"


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, range))


@lru_cache(maxsize=256)
def _compiled(expression: Expr) -> CodeType:
    code = PythonPrinter(functions=scalars.FUNCTIONS, choices="where").doprint(expression)
    return compile(code, "<schedule>", "eval")
