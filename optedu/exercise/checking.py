r"""`check`: a student's update rule beside the derived one, step by step.

Nothing here looks at the source or the identity of the student's function: at grading it is a
proxy to another process, and its arguments and results are plain data.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NoReturn

import numpy as np

from optedu import rules, written
from optedu.arrays import to_numpy
from optedu.exercise import ahead, diagnosis, messages, scenarios
from optedu.exercise.errors import StudentError, describe
from optedu.exercise.report import CheckFailed, Report
from optedu.exercise.scenarios import PARTS, Scenario
from optedu.rule import Rule
from optedu.validate import choice, count, text

__all__ = ["asked", "check"]


def check(
    name: str,
    parts: str | Iterable[str] | None = None,
    *,
    optional: Iterable[str] = (),
    seed: int = 0,
) -> Report:
    r"""Compare the function that the notebook registered as `name` with the derived rule.

    The two run side by side from the same start, and every quantity is compared after every step.

    Parameters
    ----------
    name : str
        A rule of `optedu.rules`, such as `"adam"`.
    parts : str or iterable of str, optional
        What to check, all of it by default: `"state"` (the new state alone), `"first step"`,
        `"many steps"`, `"schedule"`, `"hyper-parameters"`, `"shapes"`, `"dtype"`, `"inputs"`
        (the caller's arrays and state are left as they are), `"backend"` (array-api-strict; left
        out in a browser, which has no such package). The last four look at their own matter alone:
        the numbers have to be those that the same function gives for plain vectors of float64.
    optional : iterable of str
        Hyper-parameters that are off by default (`"weight_decay"`, `"dampening"`) and that the
        function has to know none the less.
    seed : int
        Other seeds check with other numbers.

    Returns
    -------
    Report
        What was checked.

    Raises
    ------
    CheckFailed
        At the first difference. The text says at which step, in which quantity and by how much,
        and which known misconception gives the same numbers.
    TypeError, ValueError
        If there is no such rule, part or hyper-parameter, or `seed` is no whole number, at least 0.
    ImportError
        If array-api-strict is missing: a check that cannot run is never passed.

    Examples
    --------
    >>> @optedu.implement("sgd")
    ... def sgd(xp, x, g, state, t, *, lr=1e-3):
    ...     return x + lr * g, {}
    >>> optedu.check("sgd", "first step")
    Traceback (most recent call last):
    ...
    optedu.exercise.report.CheckFailed: sgd: your step has the wrong sign: ...
    """
    rule = asked(choice("name", name, rules.all()), tuple(_names("optional", optional)))
    chosen = _parts(parts)
    count("seed", seed)
    function = written.get(name)
    if function is None:
        raise CheckFailed(messages.not_registered(name), name=name)
    done, runs = [], []
    for part in chosen:
        if part == "backend" and sys.platform == "emscripten":
            done.append(f"{part}: left out in the browser")
            continue
        runs += [_Trial(name, rule, function, each) for each in scenarios.of(rule, part, seed)]
        done.append(f"{part}: {scenarios.told(rule, part)}")
    twins = {n: twin for n, run in enumerate(runs) if (twin := run.plain())}
    known = _ahead(function, [*runs, *twins.values()])
    own = dict(zip(twins, known[len(runs) :], strict=True))
    for n, run in enumerate(runs):
        run.go(known[n], twins[n].walked(own[n]) if n in twins else None)
    return Report(name, tuple(done))


def _ahead(function: Callable[..., Any], runs: Sequence[_Trial]) -> list[dict[str, np.ndarray]]:
    r"""Ask for the results of all runs at once where the function lives in another process."""
    many = getattr(type(function), "_optedu_ahead", None)
    plans = {i: run.plan() for i, run in enumerate(runs) if many and not run.scenario.read_only}
    if many is None or not plans:
        return [{} for _ in runs]
    try:
        answers = dict(zip(plans, many(function, list(plans.values())), strict=False))
    except Exception as error:  # the other process has ended, or took too long
        run = runs[min(plans)]
        run.fail_raised(describe(error), run.scenario.first)
    return [ahead.columns(plans[i], answers[i]) if i in answers else {} for i in range(len(runs))]


@lru_cache(maxsize=64)
def asked(name: str, optional: tuple[str, ...]) -> Rule:
    r"""Return the rule without the hyper-parameters that are off and not asked for."""
    rule = rules.get(name)
    known = [h.name for h in rule.hypers]
    for hyper in optional:
        choice("optional", hyper, known)
    off = {h.name: 0 for h in rule.hypers if h.default == 0 and h.name not in optional}
    return rule.at(**off) if off else rule


def _parts(parts: str | Iterable[str] | None) -> list[str]:
    if parts is None:
        return list(PARTS)
    wanted = _names("parts", parts)
    if not wanted:
        raise ValueError(f"parts must name at least one part, got {parts!r}")
    return [choice("parts", part, PARTS) for part in wanted]


def _names(name: str, value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Iterable):
        raise TypeError(f"{name} must be a string or several, got {value!r}")
    return [text(name, each) for each in names]


def _library(name: str) -> Any:
    if name == "numpy":
        return np
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.replace("_", "-")
        raise ImportError(
            f"{package} is not installed, so the backend cannot be checked: pip install {package}"
        ) from error


@dataclass(frozen=True)
class _Trial:
    r"""One scenario: the student's function and the rule, each fed with its own results."""

    name: str
    rule: Rule
    function: Callable[..., Any]
    scenario: Scenario

    def go(
        self, known: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray] | None = None
    ) -> None:
        r"""Compare step by step; `known` has the first results, asked for ahead, in its rows.

        `own` has what the function makes of the same numbers as plain vectors, to compare with in
        place of the rule's: how arrays are handled costs no points where the formula is wrong.
        """
        run = self.scenario
        if own is not None:
            own = {k: rows.reshape(len(rows), *self.form(k)) for k, rows in own.items()}
        wanted = self.wanted() if own is None else own
        first = self.right(known, wanted)  # that is wrong, or not known
        x, state = _row(known, first - 1) if first else (run.x, self.start())
        for index in range(first, len(run.gradients)):
            before = x, state
            if known and index < len(known["x"]):
                x, state = _row(known, index)
            else:
                t, hyper = run.first + index, run.hyper[index]
                x, state = self.call(x, run.gradients[index], state, t, hyper)
            got = {**state, "x": x}
            expected = {quantity: rows[index] for quantity, rows in wanted.items()}
            wrong = [] if run.read_only else self.wrong(got, expected)
            if wrong and own is not None:
                quantity = wrong[0]
                values = got[quantity], expected[quantity]
                self.fail(messages.other_form(self.name, quantity, *values, run, index), quantity)
            if wrong:
                self.fail_values(index, before, wrong, got, expected)
        if run.formal:
            self.moved(x)

    def plain(self) -> _Trial | None:
        r"""Return the run with plain vectors that a run about the form is compared with."""
        run = self.scenario
        if not run.formal or run.read_only:
            return None
        return replace(self, scenario=run.plain(matrices=self.rule.matrices))

    def walked(self, known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        r"""Return what the function makes of its own results, a row for each step."""
        run, steps = self.scenario, []
        x, state = run.x, self.start()
        for index, (g, hyper) in enumerate(zip(run.gradients, run.hyper, strict=True)):
            if known and index < len(known["x"]):
                x, state = _row(known, index)
            else:
                x, state = self.call(x, g, state, run.first + index, hyper)
            steps.append({**state, "x": x})
        return {quantity: np.stack([s[quantity] for s in steps]) for quantity in steps[0]}

    def form(self, quantity: str) -> tuple[int, ...]:
        r"""Return the shape that a quantity has."""
        return () if quantity in self.scalars else self.shapes[quantity]

    def moved(self, x: Any) -> None:
        r"""Refuse a function that does nothing: its form is right, and nothing is shown by it."""
        if x.size and np.array_equal(x, self.scenario.x):
            self.fail(messages.stands_still(self.name, self.scenario), "x")

    def wanted(self) -> dict[str, np.ndarray]:
        r"""Return what the rule makes of its own results, a row for each step."""
        run = self.scenario
        walk = self.rule.walk(run.x, run.gradients, self.start(), first=run.first, hyper=run.hyper)
        steps = [{**state, "x": x} for x, state in walk]
        return {quantity: np.stack([s[quantity] for s in steps]) for quantity in steps[0]}

    def right(self, known: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray]) -> int:
        r"""Count the first steps of which all that is compared is right."""
        if not known:
            return 0
        count = min(len(known["x"]), len(wanted["x"]))
        agree = np.ones(count, dtype=bool)
        for quantity in self.compared:
            near = self.near(known[quantity][:count], wanted[quantity][:count], rows=True)
            agree &= near.all(axis=tuple(range(1, near.ndim)))
        return count if agree.all() else int(np.argmin(agree))

    def plan(self) -> ahead.Walk:
        r"""Describe the run for the process where the function lives."""
        run = self.scenario
        xp = _library(run.library)
        same = all(h == run.hyper[0] for h in run.hyper)
        return ahead.Walk(
            xp=xp,
            x=self.make(xp, run.x),
            state=self.given(xp, self.start()),
            scalars=sorted(self.scalars),
            first=run.first,
            gradients=self.make(xp, run.gradients),
            hyper=[dict(h) for h in (run.hyper[:1] if same else run.hyper)],
        )

    def start(self) -> dict[str, Any]:
        r"""Return the state before the first step."""
        run = self.scenario
        return dict(self.rule.init(run.x) if run.state is None else run.state)

    def call(
        self, x: Any, g: Any, state: Mapping[str, Any], t: int, hyper: Mapping[str, float]
    ) -> tuple[Any, dict[str, Any]]:
        r"""Call the student's function once; return NumPy arrays, their form checked."""
        run = self.scenario
        xp = _library(run.library)
        arrays = {"x": self.make(xp, x), "g": self.make(xp, g)}
        given = self.given(xp, state)
        watched = arrays | {f'state["{k}"]': v for k, v in given.items() if k not in self.scalars}
        copies = {k: np.array(to_numpy(v)) for k, v in watched.items()}
        held = dict(given)
        try:
            result = invoke(self.function, xp, arrays["x"], arrays["g"], given, t, hyper)
        except StudentError as error:
            self.fail_raised(error, t)
        if run.read_only:
            for key, array in watched.items():
                if not np.array_equal(to_numpy(array), copies[key], equal_nan=True):
                    self.fail(messages.changed_input(self.name, key))
            for key in held.keys() | given.keys():
                if given.get(key) is not held.get(key):
                    wanted = messages.return_line([s.name for s in self.rule.states])
                    self.fail(messages.changed_state(self.name, key, wanted))
        return self.unpack(result, xp)

    @cached_property
    def scalars(self) -> frozenset[str]:
        r"""Names of the states that are numbers."""
        return frozenset(s.name for s in self.rule.states if s.scalar)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        r"""The shape of each array that is returned."""
        shape = self.scenario.x.shape
        return {"x": shape, **{s.name: s.shape(shape) for s in self.rule.states}}

    def given(self, xp: Any, state: Mapping[str, Any]) -> dict[str, Any]:
        r"""Return the state as the student's function gets it."""
        return {k: v if k in self.scalars else self.make(xp, v) for k, v in state.items()}

    def make(self, xp: Any, values: Any) -> Any:
        array = np.array(values, dtype=self.scenario.dtype)
        if xp is not np:
            return xp.asarray(array)
        array.flags.writeable = not self.scenario.read_only
        return array

    # -- the form of the result ----------------------------------------------------------------

    def unpack(self, result: Any, xp: Any) -> tuple[Any, dict[str, Any]]:
        states = [s.name for s in self.rule.states]
        wanted = messages.return_line(states)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            self.fail(messages.wrong_return(self.name, result, wanted))
        x, state = result
        if state is None and not states:
            state = {}
        if not isinstance(state, Mapping):
            self.fail(messages.wrong_state(self.name, state, wanted))
        missing = [s for s in states if s not in state]
        if missing:
            self.fail(messages.missing_keys(self.name, missing, sorted(map(str, state)), wanted))
        new = {
            s: self.scalar(s, state[s]) if s in self.scalars else self.array(s, state[s], xp)
            for s in states
        }
        return self.array("x", x, xp), new

    def scalar(self, quantity: str, value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError):
            self.fail(messages.no_number(self.name, quantity, value), quantity)

    def array(self, quantity: str, value: Any, xp: Any) -> np.ndarray:
        run = self.scenario
        like = xp.asarray(np.zeros(1))
        # A NumPy scalar is what NumPy makes of an array without axes; it has a dtype and a shape.
        if not isinstance(value, type(like)) and not (xp is np and isinstance(value, np.generic)):
            self.fail(messages.no_array(self.name, quantity, value, run), quantity)
        array = to_numpy(value)
        shape = self.shapes[quantity]
        if array.shape != shape:
            text = messages.wrong_shape(self.name, quantity, array.shape, shape, run)
            self.fail(text, quantity)
        if array.dtype != np.dtype(run.dtype):
            self.fail(messages.wrong_dtype(self.name, quantity, array.dtype, run), quantity)
        return array

    # -- comparison ----------------------------------------------------------------------------

    def wrong(self, got: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
        r"""Return the quantities that differ after a step."""
        return [q for q in self.compared if not np.all(self.near(got[q], wanted[q]))]

    def near(self, got: Any, wanted: Any, *, rows: bool = False) -> np.ndarray:
        r"""Say of each element whether rounding explains the difference; see `close`."""
        tolerance = self.scenario.tolerance
        same = close(got, wanted, tolerance, rows=rows)
        if not self.scenario.formal:
            return same
        # A wrong formula may well give infinities: then it gives them in any form.
        return same | np.isclose(got, wanted, rtol=tolerance, atol=0, equal_nan=True)

    @cached_property
    def compared(self) -> list[str]:
        r"""Names of the quantities to compare, in the order of the rule's equations."""
        return [s.name for s in self.rule.states] + ([] if self.scenario.state_only else ["x"])

    # -- failing -------------------------------------------------------------------------------

    def fail(self, text: str, quantity: str = "", **details: Any) -> NoReturn:
        raise CheckFailed(
            text, name=self.name, part=self.scenario.part, quantity=quantity, **details
        )

    def fail_raised(self, error: StudentError, t: int) -> NoReturn:
        run = self.scenario
        # The chain of exceptions would end in our own code: the message has all that it says.
        failure = messages.raised(self.name, error, t, run, self.rule)
        raise CheckFailed(failure, name=self.name, part=run.part) from None

    def fail_values(
        self,
        index: int,
        before: tuple[Any, Mapping[str, Any]],
        wrong: Sequence[str],
        got: Mapping[str, Any],
        wanted: Mapping[str, Any],
    ) -> None:
        run = self.scenario
        found = diagnosis.diagnose(self.function, self.rule, wrong[0], invoke)
        text = messages.wrong_values(
            name=self.name,
            rule=self.rule,
            scenario=run,
            index=index,
            before=before,
            wrong=wrong,
            got=got,
            wanted=wanted,
            bad=~close(got[wrong[0]], wanted[wrong[0]], run.tolerance),
            found=found,
        )
        self.fail(text, wrong[0], step=index + 1, misconceptions=found.names)


def close(got: Any, wanted: Any, tolerance: float, *, rows: bool = False) -> np.ndarray:
    r"""Say of each element whether it differs by no more than rounding; `rows` are arrays apart."""
    got, wanted = np.asarray(got, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    if not wanted.size:
        return np.ones(wanted.shape, dtype=bool)
    # Sums that cancel are as exact as their terms: allow for the largest element beside its own.
    size = np.abs(wanted)
    axes = tuple(range(1 if rows else 0, wanted.ndim))
    size = np.maximum(size, size.max(axis=axes, keepdims=True))
    with np.errstate(invalid="ignore"):
        return np.abs(got - wanted) <= tolerance * size


def _row(columns: Mapping[str, np.ndarray], index: int) -> tuple[Any, dict[str, Any]]:
    row = {quantity: column[index] for quantity, column in columns.items()}
    return row.pop("x"), row


def invoke(
    function: Callable[..., Any],
    xp: Any,
    x: Any,
    g: Any,
    state: dict[str, Any],
    t: int,
    hyper: Mapping[str, float],
) -> Any:
    r"""Call a student's function behind the guard; raise `StudentError` where it raises."""
    # A warning is no mistake, and on the error stream it would cost points in nbgrader.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            with written.student_code():
                return function(xp, x, g, state, t, **hyper)
        except Exception as error:
            raise describe(error) from None
