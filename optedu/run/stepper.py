r"""What `minimize` and `sweep` share: the optimizer by name, its hyper-parameters and its state."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from optedu import symbols, validate, written
from optedu.arrays import namespace
from optedu.problems import checks

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = [
    "DerivedMethod",
    "Engine",
    "Hyperparameters",
    "WrittenMethod",
    "check_names",
    "copied",
    "gradient",
    "is_matrix",
    "kernel_form",
    "method",
]


def method(optimizer: Any) -> DerivedMethod | WrittenMethod:
    r"""Return the optimizer: the student's function of that name, else the derived rule.

    Parameters
    ----------
    optimizer : str, Rule or callable
        A name; a rule; or a function `(xp, x, g, state, t, *, ...) -> (x_new, state_new)`.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If the name is neither a rule nor implemented.
    """
    from optedu.rule import Rule

    if isinstance(optimizer, Rule):
        return DerivedMethod(optimizer)
    if isinstance(optimizer, str):
        from optedu import rules

        function = written.get(optimizer)
        if function is not None:
            return WrittenMethod(optimizer, function, rules.all().get(optimizer))
        return DerivedMethod(rules.get(optimizer))
    if callable(optimizer):
        validate.function("optimizer", optimizer, "xp", "x", "g", "state", "t", more=True)
        return WrittenMethod(getattr(optimizer, "__name__", "optimizer"), optimizer, None)
    raise TypeError(
        "optimizer must be the name of a rule, a Rule, or a function "
        f"(xp, x, g, state, t, *, ...), got {type(optimizer).__name__}"
    )


class DerivedMethod:
    r"""A rule of `optedu.rules`.

    Attributes
    ----------
    squares : bool
        Whether the state has the square of the gradient in it, which overflows early.
    sums : bool
        Whether a step needs sums over all parameters.
    per_tensor : bool
        Whether it sums over each tensor by itself.
    matrices : bool
        Whether it steps a matrix as a whole, and nothing that is none.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.name = rule.name
        self.squares = _squares(rule)
        self.sums = rule.sums
        self.per_tensor = rule.per_tensor
        self.matrices = rule.matrices

    def complete(self, hyper: Mapping[str, Any]) -> dict[str, Any]:
        r"""Return all hyper-parameters, checked, defaults filled in; schedules as they are."""
        constant = {k: v for k, v in hyper.items() if not callable(v)}
        for name in hyper:
            if name not in constant:
                self.check(name, self.rule.defaults().get(name, 1.0))  # the name must be known
                validate.function(name, hyper[name], "t")
        full = self.rule.check_hyper(**constant)
        return {k: hyper[k] if k in hyper and k not in constant else full[k] for k in full}

    def takes(self, name: str) -> bool:
        r"""Say whether there is a hyper-parameter of that name."""
        return name in self.rule.defaults()

    def check_shape(self, name: str, x: Any) -> None:
        r"""Check that parameters are a matrix, where the rule steps one."""
        self.rule.check_shape(name, x)

    def check(self, name: str, value: Any) -> Any:
        r"""Return one value after checking its name and range."""
        return self.rule.check_hyper(**{name: value})[name]

    def init(self, x: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        r"""Return the initial state."""
        return self.rule.init(x, **hyper)

    def step(self, x: Any, g: Any, state: Any, t: int, hyper: Mapping[str, Any]) -> tuple[Any, Any]:
        r"""Return the new parameters and state."""
        return self.rule.step(x, g, state, t, **hyper)


class WrittenMethod:
    r"""A function written by the reader.

    Attributes
    ----------
    squares : bool
        Whether the state has the square of the gradient in it, by the rule of its name.
    matrices : bool
        Whether it steps a matrix as a whole: that goes by the rule of its name.
    """

    sums = per_tensor = False

    def __init__(self, name: str, function: Callable[..., Any], rule: Rule | None) -> None:
        self.name = name
        self._function = function
        self._rule = rule
        self.squares = rule is not None and _squares(rule)
        self.matrices = rule is not None and rule.matrices
        self._defaults, self._open = _keywords(function)

    def complete(self, hyper: Mapping[str, Any]) -> dict[str, Any]:
        r"""Return all hyper-parameters: those given, checked, and the function's own defaults."""
        result = dict(self._defaults)
        for name, value in hyper.items():
            result[name] = self.check(name, value) if not callable(value) else value
            if callable(value):
                validate.function(name, value, "t")
        for name, value in result.items():
            if value is inspect.Parameter.empty:
                raise TypeError(f"{self.name} needs the hyper-parameter {name!r}")
            if name not in hyper and name in symbols.TABLE:
                # An option of the function's own may be anything; the notation's names may not.
                result[name] = self.check(name, value)
        return result

    def takes(self, name: str) -> bool:
        r"""Say whether there is a hyper-parameter of that name."""
        return self._open or name in self._defaults

    def check_shape(self, name: str, x: Any) -> None:
        r"""Check that parameters are a matrix, where the rule of its name steps one."""
        if self._rule is not None:
            self._rule.check_shape(name, x)

    def check(self, name: str, value: Any) -> Any:
        r"""Return one value after checking its name, and its range where the notation has one."""
        if not self._open and name not in self._defaults:
            known = ", ".join(self._defaults) or "none"
            raise TypeError(
                f"your {self.name} takes no hyper-parameter {name!r}; it takes {known}"
                f"{symbols.meant(name, self._defaults)}"
            )
        row = symbols.TABLE.get(name)
        return validate.number(name, value, arrays=True) if row is None else row.check(value)

    def init(self, x: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        r"""Return the rule's initial state; an empty dictionary where no rule has the name."""
        if self._rule is None:
            return {}
        known = self._rule.defaults()
        return self._rule.init(x, **{k: v for k, v in hyper.items() if k in known})

    def step(self, x: Any, g: Any, state: Any, t: int, hyper: Mapping[str, Any]) -> tuple[Any, Any]:
        r"""Return what the function returns, after checking it."""
        xp = namespace(x)
        hyper = {  # arrays, one value for each run, would widen what they meet
            k: xp.asarray(v, dtype=x.dtype) if getattr(v, "shape", ()) != () else v
            for k, v in hyper.items()
        }
        result = self._function(xp, x, g, state, t, **hyper)
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"your {self.name} must return (x_new, state_new), got {type(result).__name__}"
            )
        new, state = result
        if getattr(new, "shape", None) != x.shape:
            raise ValueError(
                f"your {self.name} must return x_new in the shape of x, {tuple(x.shape)}, got "
                f"{tuple(new.shape) if hasattr(new, 'shape') else type(new).__name__}"
            )
        if new.dtype != x.dtype:
            raise TypeError(
                f"your {self.name} must return x_new in the dtype of x, {x.dtype}, got {new.dtype} "
                "(a NumPy scalar or np.sqrt of a number widens it; math.sqrt does not)"
            )
        if not isinstance(state, Mapping):
            raise TypeError(
                f"your {self.name} must return state_new as a dictionary, "
                f"got {type(state).__name__}"
            )
        return new, state


@lru_cache(maxsize=64)
def _squares(rule: Rule) -> bool:
    known = {symbols.g, *(eq.lhs for eq in rule.equations if eq.rhs.has(symbols.g))}
    return any(
        node.exp == 2 and node.base in known
        for equation in rule.equations
        for node in equation.rhs.atoms(sympy.Pow)
    )


def _keywords(function: Callable[..., Any]) -> tuple[dict[str, Any], bool]:
    r"""Return the keyword-only arguments with their defaults, and whether there are others."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}, True
    named = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    # Written without the star, the hyper-parameters are whatever follows (xp, x, g, state, t).
    plain = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD][5:]
    named |= {p.name: p.default for p in plain}
    return named, any(p.kind is p.VAR_KEYWORD for p in parameters)


class Hyperparameters:
    r"""The hyper-parameters of each step: constants as they are, schedules called and checked.

    A schedule is asked once a step. With `remember`, a run that is made again gets the values of
    the first time.
    """

    def __init__(
        self,
        chosen: DerivedMethod | WrittenMethod,
        hyper: Mapping[str, Any],
        *,
        remember: bool = False,
    ) -> None:
        self._check = chosen.check
        self._constant = {k: v for k, v in hyper.items() if not callable(v)}
        self._changing = {k: v for k, v in hyper.items() if callable(v)}
        self._remember = remember
        self._known: dict[int, dict[str, Any]] = {}

    def of_runs(self, t: int, x: Any) -> dict[str, Any]:
        r"""Return all values at step `t`, each of them an array with one value for each run of `x`.

        From here on schedules give such arrays too.
        """
        xp = namespace(x)

        def spread(value: Any) -> Any:
            plain = getattr(value, "shape", ()) == ()
            return xp.full(x.shape[-1], value, dtype=xp.float64) if plain else value

        def all_spread(values: Mapping[str, Any]) -> dict[str, Any]:
            return {name: spread(value) for name, value in values.items()}

        check, self._constant = self._check, all_spread(self._constant)
        self._check = lambda name, value: spread(check(name, value))
        self._known = {t: all_spread(values) for t, values in self._known.items()}
        return self.at(t)

    def at(self, t: int) -> dict[str, Any]:
        r"""Return all values at step `t`."""
        return {**self._constant, **self.changes(t)}

    def changes(self, t: int) -> dict[str, Any]:
        r"""Return the values of the schedules at step `t`.

        Raises
        ------
        TypeError, ValueError
            If a schedule returns a value of a wrong kind or range; the message names the step, as
            it does for whatever else the schedule raises.
        """
        if not self._changing:
            return {}
        values = self._known.get(t)
        if values is None:
            values = {}
            for name, schedule in self._changing.items():
                try:
                    values[name] = self._check(name, schedule(t))
                except Exception as error:
                    error.add_note(f"{name} is a schedule; this is its value at step {t}")
                    raise
            if not self._remember:
                self._known.clear()
            self._known[t] = values
        return values


def check_names(function: str, arguments: tuple[str, ...], chosen: Any, hyper: Any) -> None:
    r"""Refuse a keyword that the optimizer does not know and that looks like an argument.

    Raises
    ------
    TypeError
        For `optimiser=`, say, which would else be an unknown hyper-parameter.
    """
    known = [name for name in symbols.TABLE if name not in arguments]
    for name in hyper:
        # What the notation or another library calls a hyper-parameter is no argument misspelt.
        if chosen.takes(name) or name in known or symbols.meant(name, known):
            continue
        hint = validate.hint(name, arguments)
        if hint:
            raise TypeError(f"{function} has no argument {name!r}{hint}")


def kernel_form(x: Any) -> str | None:
    r"""Return the form of the in-place kernel for arrays like `x`; `None` where there is none."""
    if isinstance(x, np.ndarray):
        return "numpy"
    return "cupy" if type(x).__module__.partition(".")[0] == "cupy" else None


def gradient(problem: Any, seed: int, x: Any) -> Callable[[Any, int], Any]:
    r"""Return `gradient(x, t)`: the problem's, on the batch of step t where it draws batches."""
    # The problem gets a copy of the point: it may work in place, or return the point itself.
    if not getattr(problem, "stochastic", False):
        return lambda x, t: problem.grad(copied(x))
    rng = np.random.default_rng(seed)
    runs = {"runs": x.shape[1]} if x.ndim == 2 and not is_matrix(problem) else {}
    return lambda x, t: problem.grad(copied(x), problem.sample(rng, t, **runs))


def is_matrix(problem: Any) -> bool:
    r"""Say whether the parameters of a problem are a matrix, and not `(dim, runs)`."""
    return bool(getattr(problem, "matrix", False))


def copied(x: Any) -> Any:
    r"""Return a copy of an array, on its device."""
    return x.copy() if isinstance(x, np.ndarray) else namespace(x).asarray(x, copy=True)


class Engine:
    r"""The parameters and the state of the optimizer, and how one step changes them."""

    def __init__(self, problem: Any, chosen: Any, settings: Hyperparameters, x: Any) -> None:
        self.x = x
        self.name = chosen.name
        self.hyper = settings.at
        self._chosen = chosen
        self._settings = settings
        self._problem = problem
        self._bounds = getattr(problem, "bounds", None)
        self._composite = bool(getattr(problem, "composite", False))
        self._matrix = is_matrix(problem)
        hyper = settings.at(1)
        if self._composite and "lr" not in hyper:
            raise ValueError(
                "optimizer must have a learning rate lr, by which the prox of "
                f"{getattr(problem, 'name', 'the problem')} goes, got {chosen.name} with "
                f"{', '.join(hyper) or 'no hyper-parameters'}"
            )
        if chosen.matrices and not self._matrix:
            name = getattr(problem, "name", type(problem).__name__)
            raise ValueError(
                f"problem must have a matrix of parameters for {chosen.name} (an x0 of shape "
                f"(rows, columns)), got {name} with x of shape {tuple(x.shape)}"
            )
        for name, value in hyper.items():
            if getattr(value, "shape", ()) != () and self._matrix:
                raise TypeError(
                    f"{name} must be a number, got an array of shape {tuple(value.shape)}: where "
                    "the parameters are a matrix there are no runs"
                )
            if getattr(value, "shape", ()) != ():
                validate.trailing_shape(name, value, x)
        self._state = chosen.init(x, hyper)
        self._kernel = None
        form = kernel_form(x)
        numbers = all(type(value) is float for value in hyper.values())
        if chosen.sums and numbers and x.ndim == 2 and not self._matrix:
            # Each run has its sums: told by a hyper-parameter that has a value for each.
            numbers, hyper = False, settings.of_runs(1, x)
        # The in-place kernel: the parameters are a private copy, and nobody sees the state. Only
        # NumPy's takes hyper-parameters that differ from run to run.
        if isinstance(chosen, DerivedMethod) and form and (numbers or form == "numpy"):
            self._kernel = chosen.rule.kernel(form).bind(self.x, self._state, **hyper)

    @property
    def sums(self) -> bool:
        r"""Whether a step needs sums over all parameters."""
        return self._chosen.sums

    @property
    def numbers(self) -> dict[str, Any]:
        r"""The states that are one number for each run."""
        return {k: v for k, v in self._state.items() if getattr(v, "shape", ()) == self.x.shape[1:]}

    @property
    def state(self) -> dict[str, Any]:
        r"""The arrays of the state: those that belong to the parameters one by one, or all there
        are of a matrix.
        """
        return {
            name: value
            for name, value in self._state.items()
            if getattr(value, "shape", None) == self.x.shape
            or (self._matrix and getattr(value, "shape", ()) != ())
            if value.dtype == self.x.dtype
        }

    def line(self, v: Any) -> Any:
        r"""Return an array like the parameters with one axis for all of a matrix."""
        return namespace(v).reshape(v, (-1,)) if self._matrix else v

    def point(self, t: int) -> Any:
        r"""Return where the gradient of step `t` is taken: for most rules the parameters."""
        rule = self._chosen.rule if isinstance(self._chosen, DerivedMethod) else None
        if rule is None or rule.evaluated is None:
            return self.x
        return rule.point(self.x, self._state, **self._settings.at(t))

    def step(self, g: Any, t: int) -> None:
        r"""Take step `t`, and go on to the proximal point where the problem has such."""
        if self._kernel is not None:
            self._kernel(g, t, **self._settings.changes(t))
            if self._bounds is not None or self._composite:
                self.x[...] = self._proximal(t)
            return
        hyper = self._settings.at(t)
        self.x, self._state = self._chosen.step(self.x, g, self._state, t, hyper)
        if self._bounds is not None or self._composite:
            self.x = self._proximal(t)

    def _proximal(self, t: int) -> Any:
        r"""Return the proximal point of the parameters, after step `t`."""
        if self._bounds is not None:  # a projection, which asks for no rate
            return namespace(self.x).clip(self.x, *self._bounds)
        try:
            return checks.checked_prox(self._problem, self.x, self._settings.at(t)["lr"])
        except Exception as error:
            error.add_note(f"this is the prox after step {t}")
            raise
