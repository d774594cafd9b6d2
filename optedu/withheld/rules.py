r"""Stands in for `optedu.rules` where a submission is graded: rules with everything but equations.

Names, defaults, states and LaTeX are here. The steps are not: `connect` says who is asked for them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from optedu import symbols
from optedu.arrays import namespace, to_numpy
from optedu.quantities import Hyper, Source, State, x
from optedu.rule import NAMED, Rule
from optedu.validate import choice
from optedu.written import GuardError

__all__ = ["all", "connect", "describe", "get"]

_rules: dict[str, Rule] = {}
_ask: Callable[[str, dict[str, Any]], dict[str, Any]] | None = None


def describe(described: list[dict]) -> None:
    r"""Make the rules of what `optedu.withheld.between.described` says of them."""
    _rules.update((row["name"], _Described.of(row)) for row in described)
    NAMED.update(_rules)


def connect(ask: Callable[[str, dict[str, Any]], dict[str, Any]] | None) -> None:
    r"""Say who steps: `ask(name, {"x": x, "g": g, "state": state, "t": t, "rates": rates})`."""
    global _ask
    _ask = ask


def all(*, matrices: bool = True) -> dict[str, Rule]:
    r"""Return every rule by name."""
    return {name: rule for name, rule in _rules.items() if matrices or not rule.matrices}


def get(name: str) -> Rule:
    r"""Return the rule of that name."""
    return _rules[choice("optimizer", name, _rules)]


class _Described(Rule):
    r"""A rule that knows its equations from hearsay."""

    _fixed: Mapping[str, float]
    _latex: Mapping[str, Any]
    _sums: bool
    _matrices: bool

    @classmethod
    def of(cls, row: dict) -> _Described:
        # First: a state may start as a hyper-parameter that its rule brings.
        for name, *notation, lower_open, upper_open in row["notation"]:
            symbols.declare(name, *notation, lower_open=lower_open, upper_open=upper_open)
        states = tuple(
            State(
                s["name"],
                s["base"],
                _initial(s["initial"]),
                s["nonnegative"],
                s["scalar"],
                tuple(_axis(axis) for axis in s["axes"]),
            )
            for s in row["states"]
        )
        hypers = tuple(Hyper(symbols.TABLE[n].symbol, value) for n, value in row["hypers"])
        return cls._made(
            {}, row["latex"], row["sums"], row["matrices"],
            name=row["name"], title=row["title"], source_ref=Source(*row["source"]), hypers=hypers,
            states=states, equations=(), summary=row["summary"], notes=row["notes"],
            chapter=row["chapter"], per_tensor=row["per_tensor"],
        )  # fmt: skip

    @classmethod
    def _made(
        cls, fixed: Mapping, latex: Mapping, sums: bool, matrices: bool, **parts: Any
    ) -> _Described:
        made = cls(**parts)
        object.__setattr__(made, "_fixed", dict(fixed))
        object.__setattr__(made, "_latex", latex)
        object.__setattr__(made, "_sums", sums)
        object.__setattr__(made, "_matrices", matrices)
        return made

    def __post_init__(self) -> None:
        pass  # there are no equations to be checked

    def latex(self) -> str:
        return self._latex["aligned"] if self._latex else self._missing("LaTeX")

    def latex_equations(self) -> list[str]:
        return list(self._latex["equations"]) if self._latex else self._missing("LaTeX")

    def at(self, **fixed: float) -> Rule:
        values = {name: float(self._hyper(name).check(value)) for name, value in fixed.items()}
        parts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        parts["hypers"] = tuple(h for h in self.hypers if h.name not in values)
        parts["states"] = tuple(
            replace(s, initial=values.get(str(s.initial), s.initial)) for s in self.states
        )
        latex = {} if values else self._latex
        fixed = {**self._fixed, **values}
        return self._made(fixed, latex, self._sums, self._matrices, **parts)

    @property
    def sums(self) -> bool:
        return self._sums

    @property
    def matrices(self) -> bool:
        return self._matrices

    def expression(self, name: str) -> NoReturn:
        self._missing("equations")

    def rewrite(self, name: str, title: str = "", **quantities: Any) -> NoReturn:
        self._missing("equations")

    def source(self, form: str = "numpy") -> NoReturn:
        self._missing("code")

    @property
    def symbols(self) -> NoReturn:
        self._missing("equations")

    def _missing(self, what: str) -> NoReturn:
        raise GuardError(f"{self.name}: its {what} cannot be had while a notebook is graded")

    @cached_property
    def _pure(self) -> Callable[..., tuple[Any, dict[str, Any]]]:
        def step(x: Any, g: Any, state: Mapping[str, Any], t: int, hyper: Mapping) -> Any:
            xp = namespace(x)
            arrays = {k: v if isinstance(v, float) else to_numpy(v) for k, v in state.items()}
            values = {"x": to_numpy(x), "g": to_numpy(g), "state": arrays, "t": t}
            rates = {k: v if isinstance(v, float) else to_numpy(v) for k, v in hyper.items()}
            new = _asked(self.name, {**values, "rates": {**self._fixed, **rates}})

            def back(value: Any) -> Any:
                return np.asarray(value) if xp is np else xp.asarray(np.array(value))

            kept = {k: v if isinstance(v, float) else back(v) for k, v in new["state"].items()}
            return back(new["x"]), kept

        return step


def _asked(name: str, values: dict[str, Any]) -> dict[str, Any]:
    # Two threads would take each other's answers.
    if _ask is None or threading.current_thread() is not threading.main_thread():
        raise GuardError(f"{name}: no derived rule can be asked here, in a thread or a process")
    try:
        return _ask(name, values)
    except PermissionError as refused:
        raise GuardError(f"{name}: {refused}") from None


def _axis(name: int | str) -> Any:
    return symbols.TABLE[name].symbol if isinstance(name, str) else name


def _initial(value: float | str) -> Any:
    if value == "x_old":
        return x.old
    return symbols.TABLE[value].symbol if isinstance(value, str) else value
