r"""What the in-place kernels share: hyper-parameters, scalars and checks of a training loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from optedu import validate, written
from optedu.compile import scalars
from optedu.compile.lowering import Program, lower, lower_totals, optional, specialized

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = [
    "Bound", "Kernel", "OfCuPy", "coefficients", "coefficients_of_runs", "coefficients_source",
]  # fmt: skip

ScalarFunctions = tuple[Callable[..., tuple], Callable[..., tuple]]


def coefficients_source(program: Program, *, runs: bool = False) -> str:
    r"""Return the code of the two functions that compute the scalars of the loop.

    `constants(<hyper-parameters>)` is called once, `coefficients(t, <scalar states>,
    <hyper-parameters>, <sums over all parameters>)` once a step; it returns the new scalar states
    first. A function that would return nothing is left out. With `runs` both also take
    hyper-parameters that are arrays.
    """
    names = program.code_names
    hypers = [h.name for h in program.rule.hypers]
    states = [s.name for s in program.scalar_states]
    made = {a.target for a in program.scalars}
    given = [s.name for s in program.given]
    functions = []
    for name, inputs, outputs in (
        ("constants", hypers, program.constants),
        (
            "coefficients",
            ["t", *states, *hypers, *given],
            (*(s.new for s in program.scalar_states if s.new in made), *program.coefficients),
        ),
    ):
        if not outputs:
            continue
        body = scalars.lines(program.needed_for(outputs), names, runs=runs)
        results = ", ".join(names.get(o, o.name) for o in outputs)
        body.append(f"return ({results}{',' if len(outputs) == 1 else ''})")
        indented = "\n".join(f"    {line}" for line in body)
        functions.append(f"def {name}({', '.join(inputs)}):\n{indented}")
    return "\n\n\n".join(functions)


def _nothing(*_: Any, **__: Any) -> tuple[()]:
    return ()


@lru_cache(maxsize=256)
def coefficients(program: Program) -> ScalarFunctions:
    r"""Return `constants` and `coefficients` for hyper-parameters that are Python floats."""
    return _execute(program, scalars.environment(), runs=False)


def coefficients_of_runs(program: Program, xp: Any) -> ScalarFunctions:
    r"""Return `constants` and `coefficients` for hyper-parameters that are arrays of doubles."""
    # Both branches of a choice are computed, and one may be the root of a negative number.
    quiet = np.errstate(invalid="ignore", divide="ignore")
    functions = _execute(program, scalars.environment(xp, bound=True), runs=True)
    return quiet(functions[0]), quiet(functions[1])


def _execute(program: Program, environment: dict[str, Any], *, runs: bool) -> ScalarFunctions:
    code = coefficients_source(program, runs=runs)
    exec(compile(code, f"<optedu {program.rule.name}, scalars>", "exec"), environment)
    return environment.get("constants", _nothing), environment.get("coefficients", _nothing)


class Bound:
    r"""A kernel tied to its arrays: `bound(g, t)` is one step, in place.

    Everything that does not change from step to step is done once: compiling for the
    hyper-parameters that are on, checks, temporaries.

    Attributes
    ----------
    hyper : dict
        The hyper-parameters. Change them by keyword in the call.
    """

    array: ClassVar[str] = "NumPy"

    def __init__(self, rule: Rule, x: Any, state: dict[str, Any], hyper: Mapping[str, Any]) -> None:
        self._rule = rule
        self._x = x
        self._state = state
        self._check_arrays()
        self._kind = type(x)
        self._dtype = x.dtype
        self._shape = x.shape
        self.hyper = rule.check_hyper(**hyper)
        self._prepare()

    # A form says how it recognises its arrays, where they are not NumPy's, what it prepares, and
    # how it does a step.

    def _is_array(self, value: Any) -> bool:
        return isinstance(value, np.ndarray)

    def _build(self, rule: Rule, program: Program) -> None:
        raise NotImplementedError

    def _set_constants(self, values: Sequence[Any]) -> None:
        raise NotImplementedError

    def _run(self, g: Any, values: Sequence[Any]) -> None:
        raise NotImplementedError

    def _adder(self, program: Program) -> Callable[[Any, Sequence[Any]], Sequence[Any]]:
        r"""Return `add(g, scalars)`, the sums of what the program computes, over all parameters."""
        raise NotImplementedError

    def _coefficients_of(self, program: Program) -> ScalarFunctions:
        for name, value in self.hyper.items():
            if type(value) is not float:
                raise TypeError(f"{name} must be a number in this form, got an array")
        return coefficients(program)

    # -- shared --------------------------------------------------------------------------------

    def _prepare(self) -> None:
        hyper = self.hyper
        # What is off is compiled away, not multiplied by zero.
        zeros = frozenset(
            n for n in optional(self._rule) if type(hyper[n]) is float and hyper[n] == 0.0
        )
        rule = specialized(self._rule, zeros)
        program = lower(rule)
        self._names = [h.name for h in rule.hypers]
        self._scalar_states = [s.name for s in program.scalar_states]
        self._constants, self._coefficients = self._coefficients_of(program)
        self._given = [s.name for s in program.given]
        self._steady = not program.coefficients and not program.scalar_states
        self._values = [hyper[n] for n in self._names]
        self._step: Callable[[Any, int], None] = self._advance  # a form may have a quicker one
        self._build(rule, program)
        self._set_constants(self._constants(*self._values))
        self._levels = [self._level(part) for part in lower_totals(rule)]

    def _level(self, program: Program) -> Callable[..., dict[str, Any]]:
        r"""Return what takes the sums of one level, given those of the levels before."""
        constants, coefficients = self._coefficients_of(program)
        add = self._adder(program)
        names = [s.name for s in program.sums]
        given = [s.name for s in program.given]

        def sums(g: Any, t: int, known: Mapping[str, Any]) -> dict[str, Any]:
            states = [self._state[n] for n in self._scalar_states]
            values = self._values
            changing = coefficients(t, *states, *values, *[known[n] for n in given])
            return dict(zip(names, add(g, (*constants(*values), *changing)), strict=True))

        return sums

    def change(self, **hyper: Any) -> None:
        r"""Change hyper-parameters from here on."""
        self._set(hyper)

    @property
    def levels(self) -> int:
        r"""How many times a step goes over the arrays to take sums, before it changes them."""
        return len(self._levels)

    def sums(self, level: int, g: Any, t: int, known: Mapping[str, Any]) -> dict[str, Any]:
        r"""Return these arrays' share of the sums of one level, given all sums of those before.

        Where the parameters lie in several kernels, the shares of all are added; the call of each
        then takes the result.
        """
        return self._levels[level](g, t, known)

    def _set(self, changed: Mapping[str, Any]) -> None:
        for name, value in changed.items():
            before = self.hyper.get(name)
            if value is before:
                continue
            value = self._rule._hyper(name).check(value)
            self.hyper[name] = value
            numbers = type(value) is float and type(before) is float
            if not numbers or (value == 0.0) != (before == 0.0):
                self._prepare()
            elif name in self._names:
                self._values[self._names.index(name)] = value
                self._set_constants(self._constants(*self._values))

    def __call__(
        self, g: Any, t: int, sums: Mapping[str, Any] | None = None, /, **hyper: Any
    ) -> None:
        r"""Do step `t` with gradient `g`; keywords change hyper-parameters from here on.

        A rule that sums over all parameters takes the sums here, or has them in `sums`.

        Raises
        ------
        TypeError, ValueError
            If `g` has not the kind, dtype and shape of the parameters, `t` is no step, or a value
            is out of range.
        """
        if written.active():
            written.forbid(f"the {self._rule.name} kernel")
        if hyper:
            self._set(hyper)
        if type(t) is not int or t < 1:
            t = validate.count("t", t, minimum=1)
        if type(g) is not self._kind or g.shape != self._shape or g.dtype is not self._dtype:
            self._check_gradient(g)
        if g.base is not None or id(g) in self._ids or not self._owned:
            g = self._apart(g)
        if self._levels:
            self._advance(g, t, self._all_sums(g, t) if sums is None else sums)
            return
        self._step(g, t)

    def _all_sums(self, g: Any, t: int) -> dict[str, Any]:
        known: dict[str, Any] = {}
        for level in self._levels:
            known |= level(g, t, known)
        return known

    def _advance(self, g: Any, t: int, sums: Mapping[str, Any] | None = None) -> None:
        r"""Compute the scalars, and run the form's own part with them."""
        given = [sums[n] for n in self._given] if sums else []
        if not self._scalar_states:
            self._run(g, () if self._steady else self._coefficients(t, *self._values, *given))
            return
        state, names = self._state, self._scalar_states
        values = self._coefficients(t, *[state[n] for n in names], *self._values, *given)
        for name, value in zip(names, values, strict=False):
            state[name] = value
        self._run(g, values[len(names) :])

    def _may_share(self, a: Any, b: Any) -> bool:
        return np.may_share_memory(a, b)

    def _apart(self, g: Any) -> Any:
        r"""Return `g`, or a copy where it may lie in memory that the step changes."""
        return g.copy() if any(self._may_share(g, a) for a in self._changed) else g

    def _check_arrays(self) -> None:
        x = validate.floating_array("x", self._x)
        self._rule.check_state(x, self._state)
        arrays = {
            f"state[{s.name!r}]": self._state[s.name] for s in self._rule.states if not s.scalar
        }
        for name, array in {"x": x, **arrays}.items():
            if not self._is_array(array):
                raise TypeError(f"{name} must be a {self.array} array, got {type(array).__name__}")
            if not getattr(array.flags, "writeable", True):
                raise ValueError(f"{name} must be writable: the kernel works in place")
        names = list(arrays)
        for name, other in combinations(("x", *names), 2):
            one, two = ({"x": x, **arrays}[n] for n in (name, other))
            if one is two or (isinstance(one, np.ndarray) and _overlap(one, two)):
                raise ValueError(f"{name} and {other} must not share memory: each is written")
        self._changed = [x, *arrays.values()]
        self._ids = {id(a) for a in self._changed}
        self._owned = all(a.base is None for a in self._changed)

    def _check_gradient(self, g: Any) -> None:
        if not self._is_array(g):
            raise TypeError(f"g must be a {self.array} array, got {type(g).__name__}")
        validate.like("g", g, "x", self._x)


class OfCuPy(Bound):
    r"""A kernel whose arrays are CuPy's."""

    array = "CuPy"

    def _is_array(self, value: Any) -> bool:
        import cupy

        return isinstance(value, cupy.ndarray)

    def _may_share(self, a: Any, b: Any) -> bool:
        import cupy

        return bool(cupy.may_share_memory(a, b))


def _overlap(one: np.ndarray, two: np.ndarray) -> bool:
    try:
        return np.shares_memory(one, two, max_work=10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:  # interleaved in a way that nobody binds
        return False


class Kernel:
    r"""One form of a rule; see `Rule.kernel`.

    Notes
    -----
    A kernel computes what the pure function `Rule.step` does, in another order of operations. In
    float64 the two agree to a relative 1e-12 of the largest number of an array, over some dozen
    steps. In float32 one step from the same values differs from the rule evaluated in double by at
    most 2 ulp of the largest number of the array (5 for the accumulator `u` of Adadelta), and in
    each element by at most three times what a running error analysis of the formula allows. Over
    many steps on a sensitive path both sets of roundings grow.
    """

    def __init__(self, rule: Rule, form: str, bound: type[Bound]) -> None:
        self.rule = rule
        self.form = form
        self._bound = bound

    def __repr__(self) -> str:
        return f"<{self.form} kernel of {self.rule.name}>"

    def bind(self, x: Any, state: dict[str, Any], **hyper: Any) -> Bound:
        r"""Return `step(g, t, **changed)`, tied to these arrays, which it changes in place.

        Parameters
        ----------
        x : array
            Parameters: floating point, writable, of the library that the form is for.
        state : dict
            From `Rule.init`.
        **hyper : float
            Hyper-parameters. In the NumPy form also arrays, which broadcast over the trailing
            axis, an axis of runs.

        Raises
        ------
        TypeError, ValueError
            If an array or a value does not fit.
        """
        return self._bound(self.rule, x, state, hyper)

    def __call__(self, x: Any, g: Any, state: dict[str, Any], t: int, **hyper: Any) -> None:
        r"""Do one step in place. In a loop, `bind` is faster."""
        t = validate.count("t", t, minimum=1)
        self.bind(x, state, **hyper)(g, t)
