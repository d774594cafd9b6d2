r"""`minimize`: run an optimizer on a problem and keep what happened."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from optedu import validate
from optedu.arrays import namespace, to_numpy
from optedu.display import number, table
from optedu.problems import checks
from optedu.run import stepper
from optedu.run.progress import progress_bar

__all__ = ["Run", "minimize"]

_ARGUMENTS = (
    "x0", "optimizer", "steps", "seed", "callback", "on_divergence", "progress", "record",
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Run:
    r"""What `minimize` returns.

    Attributes
    ----------
    x : array
        The recorded points, of shape `(recorded, *x0.shape)`; `x[0]` is the start.
    f : numpy.ndarray
        Objective at those points, of shape `(recorded,)`, or `(recorded, runs)` for many runs.
        Of a stochastic problem, the full objective.
    grad_norm : numpy.ndarray
        Euclidean norm of the gradient at those points, in the shape of `f`; of a stochastic
        problem, of the stochastic gradient that was used.
    t : numpy.ndarray
        The step of each record: 0, 1, ..., steps where everything is recorded.
    steps : int
        Number of steps completed.
    diverged_at : int or None
        The first step at which the gradient, the point or the objective was not finite.
    stopped : bool
        Whether the callback stopped the run.
    optimizer : str
        Name of the rule or function.
    hyper : dict
        Hyper-parameters, defaults included; a schedule is the callable that was given.
    problem : Problem
        What was minimized.
    seed : int
        Seed of the stochastic gradients.
    """

    x: Any
    f: np.ndarray
    grad_norm: np.ndarray
    t: np.ndarray
    steps: int
    diverged_at: int | None
    stopped: bool
    optimizer: str
    hyper: dict[str, Any]
    problem: Any
    seed: int

    @property
    def gap(self) -> np.ndarray:
        r"""The distance to the minimum, $f(x_t) - f^\star$.

        Raises
        ------
        ValueError
            If the problem's minimum is unknown or `-inf`.
        """
        minimum = getattr(self.problem, "minimum", None)
        if minimum is None or not math.isfinite(minimum):
            raise ValueError(f"the minimum of {_name(self.problem)} must be known, got {minimum}")
        return self.f - minimum

    @property
    def _rows(self) -> list[tuple[str, str]]:
        hyper = ", ".join(
            f"{k}={number(v)}" if isinstance(v, float) else f"{k}={_short(v)}"
            for k, v in self.hyper.items()
        )
        rows = [
            ("optimizer", f"{self.optimizer}({hyper})"),
            ("problem", _name(self.problem)),
            ("steps", str(self.steps)),
            ("f", f"{_summary(self.f[0])} → {_summary(self.f[-1])}"),
            ("gradient norm", f"{_summary(self.grad_norm[0])} → {_summary(self.grad_norm[-1])}"),
        ]
        if self.diverged_at is not None:
            rows.append(("diverged", f"at step {self.diverged_at}"))
        if self.stopped:
            rows.append(("stopped", "by the callback"))
        return rows

    def __repr__(self) -> str:
        rows = dict(self._rows)
        end = f", diverged {rows['diverged']}" if "diverged" in rows else ""
        steps = f"{self.steps} step{'' if self.steps == 1 else 's'}"
        return f"<Run {self.optimizer} on {_name(self.problem)}: {steps}, f {rows['f']}{end}>"

    def _repr_html_(self) -> str:
        return table("Run", self._rows)


def minimize(
    problem: Any,
    x0: Any = None,
    *,
    optimizer: Any = "sgd",
    steps: int = 100,
    seed: int = 0,
    callback: Callable[[int, Any, Any], Any] | None = None,
    on_divergence: str = "stop",
    progress: bool | None = None,
    record: bool | int = True,
    **hyper: Any,
) -> Run:
    r"""Minimize a problem with an optimizer, and keep the trajectory.

    Parameters
    ----------
    problem : Problem
        With `f(x)` and `grad(x)`; a stochastic one with `sample(rng, t)` and `grad(x, batch)`.
    x0 : array or list of numbers, optional
        Start, of shape `(dim,)`, or `(dim, runs)` for many runs at once; floating point, of any
        array namespace. It is left as it is. The problem's own start where it is not given. Where
        the parameters of the problem are a matrix, of its shape.
    optimizer : str, Rule or callable
        A name: the function that `implement` registered under it, else the derived rule. Or a
        rule, or a function `(xp, x, g, state, t, *, lr=..., ...) -> (x_new, state_new)`, whose
        state starts as an empty dictionary.
    steps : int
        Number of steps, at least 0.
    seed : int
        Seed of the stochastic gradients.
    callback : callable, optional
        `callback(step, x, f)` is called after each step with a copy of `x`. Where it returns true
        the run ends: `True`, or one true value of another library, such as `np.True_` or an array
        of booleans of shape `()`. Whatever is no truth value, a number say, does not end it.
    on_divergence : {"stop", "raise", "record"}
        What to do once the gradient, the point or the objective is not finite: end the run with
        the last finite point, raise, or go on and record what comes. With many runs, "stop" ends
        when none is finite any more.
    progress : bool, optional
        Show a progress bar. By default only in a terminal or an open notebook, once the run has
        taken a second.
    record : bool or int
        Record every step; with `False` only the first and the last point; with an integer k
        every k-th, and the last. What else the run is, and where it ends, does not depend on it.
    **hyper : float, array or callable
        Hyper-parameters of the optimizer. A callable is a schedule: it maps the step t, from 1,
        to the value. An array gives each run of `(dim, runs)` its own value.

    Returns
    -------
    Run

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, shape or range; the message names it and its value. A
        schedule is asked at each step: there, the message names the step too.
    FloatingPointError
        With `on_divergence="raise"`, at the first step that is not finite.

    Notes
    -----
    Whatever ends a run late, an error of a schedule, of the problem, of the callback or an
    interrupt, the run so far is not lost: it is the attribute `run` of the exception.

    Examples
    --------
    >>> run = optedu.minimize(optedu.problems.quadratic(kappa=4), optimizer="sgd", lr=1.0, steps=3)
    >>> run.x[:, 0]
    array([1.      , 0.75    , 0.5625  , 0.421875])
    >>> run
    <Run sgd on quadratic: 3 steps, f 0.625 → 0.0222473>
    """
    x = checks.start(problem, x0)
    steps = validate.count("steps", steps)
    seed = validate.count("seed", seed)
    if isinstance(record, bool):
        every = 1 if record else steps
    else:
        every = validate.count("record", record, minimum=1)
    validate.choice("on_divergence", on_divergence, ("stop", "raise", "record"))
    if callback is not None:
        validate.function("callback", callback, "step", "x", "f")
    chosen = stepper.method(optimizer)
    stepper.check_names("minimize", _ARGUMENTS, chosen, hyper)
    complete = chosen.complete(hyper)

    # The objective of a stochastic problem is a sum over all data, often dearer than the steps: it
    # is left out between records, and a run that diverges is made again, with it.
    sparse = every != 1 and callback is None and getattr(problem, "stochastic", False)
    settings = stepper.Hyperparameters(chosen, complete, remember=sparse)

    def run(watched: bool) -> Run | None:
        engine = stepper.Engine(problem, chosen, settings, stepper.copied(x))
        loop = _Loop(problem, engine, stepper.gradient(problem, seed, x), steps, every, watched)

        def so_far() -> Run:
            return Run(
                x=loop.log.points(),
                f=np.array(loop.log.values),
                grad_norm=np.array(loop.log.norms),
                t=np.array(loop.log.steps),
                steps=loop.done,
                diverged_at=loop.diverged_at,
                stopped=loop.stopped,
                optimizer=chosen.name,
                hyper=complete,
                problem=problem,
                seed=seed,
            )

        # Overflow on the way to divergence is what the record is for, not a warning.
        with np.errstate(all="ignore"), progress_bar(steps, progress, chosen.name) as report:
            try:
                loop.go(on_divergence, callback, report)
            except BaseException as error:
                if loop.done:
                    _hand_over(error, loop, so_far)
                raise
        return so_far() if watched or loop.diverged_at is None else None

    return run(not sparse) or cast(Run, run(True))


class _Loop:
    r"""A run while it goes on.

    Attributes
    ----------
    log : _Log
        The records, and after them the last point that was reached.
    done : int
        Steps completed.
    diverged_at : int or None
        The first step at which something was not finite; where not every step is `watched`, the
        loop ends there.
    stopped : bool
        Whether the callback stopped it.
    """

    def __init__(
        self, problem: Any, engine: Any, gradient: Any, steps: int, every: int, watched: bool
    ) -> None:
        self.log = _Log(engine.x, steps, every)
        self.done = 0
        self.diverged_at: int | None = None
        self.stopped = False
        self._problem, self._engine, self._gradient = problem, engine, gradient
        self._steps, self._every, self._watched = steps, every, watched

    def go(self, on_divergence: str, callback: Any, report: Callable[[int], None]) -> None:
        r"""Take the steps."""
        engine, log, low = self._engine, self.log, _least_square(self._engine.x.dtype)
        line = engine.line
        root = math.sqrt(_limit(engine.x.dtype))
        high = 1e-4 * root  # below it no sum of squares overflows
        f: Any = self.objective(engine.x, checked=True)
        g = self._gradient(engine.point(1), 1)
        checks.checked_gradient(self._problem, g, engine.x)
        norm = _norm(line(g), low)
        log.keep(0, engine.x, f, norm)
        alive: Any = True  # which runs are still finite; one truth value for one run
        for t in range(1, self._steps + 1):
            alive = alive & _finite_norm(norm, line(g))
            if on_divergence == "record" or _some(alive):
                engine.step(g, t)
                alive = alive & _whole(line(engine.x))
                if not _every(norm < high):
                    # A moment that has overflowed stays infinite: the rule would stand still.
                    for value in engine.state.values():
                        alive = alive & _whole(line(value))
                    if engine.sums:
                        alive = alive & (norm < root)
                looked = self._watched or t % self._every == 0 or t == self._steps
                f = self.objective(engine.x) if looked else None
                if looked:
                    alive = alive & _finite(f)
            if self.diverged_at is None and not _every(alive):
                self.diverged_at = t
                if not self._watched:
                    return
                if on_divergence == "raise":
                    raise FloatingPointError(self._explain(g, t))
            if on_divergence == "stop" and not _some(alive):
                return
            g = self._gradient(engine.point(t + 1), t + 1)
            norm = _norm(line(g), low)
            log.keep(t, engine.x, f, norm)
            self.done = t
            if callback is not None and _stops(callback(t, stepper.copied(engine.x), f)):
                self.stopped = True
                return
            report(t)

    def objective(self, x: Any, *, checked: bool = False) -> Any:
        r"""Return the objective; what is called gets a copy, which it may spoil."""
        value = self._problem.f(stepper.copied(x))
        return _host(checks.checked_objective(self._problem, value, x) if checked else value)

    def _explain(self, g: Any, t: int) -> str:
        what, advice = self._cause(g, t)
        return (
            f"{self._engine.name} diverged on {_name(self._problem)} at step {t}: {what} is not "
            f"finite; the point before has f = {_summary(self.log.values[-1])}. {advice}"
        )

    def _cause(self, g: Any, t: int) -> tuple[str, str]:
        r"""Return what is not finite, and what may help."""
        hyper, x = self._engine.hyper(t), to_numpy(self._engine.x)
        lr = hyper.get("lr")
        slower = "A smaller lr may help" + (
            f" (lr is {number(lr)})" if isinstance(lr, float) else ""
        )
        if not _every(_whole(self._engine.line(g))):
            return "the gradient", slower
        g = to_numpy(g)
        squares = g * g  # in the dtype of the run
        states, line = self._engine.state, self._engine.line
        lost = [name for name, value in states.items() if not _every(_whole(line(value)))]
        if self._engine.sums:
            lost.append("a sum over all parameters")
        if lost and not np.all(np.isfinite(squares)):
            wider = ", or use float64" if x.dtype.itemsize < 8 else ""
            return f"the state ({', '.join(lost)})", (
                f"Squares of the gradient overflow in {x.dtype}, which holds numbers up to "
                f"{_limit(x.dtype):.2g}, and the largest of the gradient is "
                f"{np.max(np.abs(g)):.2g}: scale the objective down{wider}"
            )
        eps = hyper.get("eps")
        vanished = isinstance(eps, float) and x.dtype.type(eps) == 0
        if vanished and np.any(~np.isfinite(x) & (squares == 0)):
            zero = "" if eps == 0 else f", which {x.dtype} rounds to 0"
            return "the point", (
                f"Where the gradient is 0 the step is 0/0, since eps is {number(eps)}{zero}: a "
                f"larger eps helps (at least {np.finfo(x.dtype).smallest_subnormal:.0e})"
            )
        return "the point or the objective", slower


def _hand_over(error: BaseException, loop: _Loop, so_far: Callable[[], Run]) -> None:
    r"""Put the run so far into the exception that ends it."""
    with contextlib.suppress(Exception):  # what fails twice must not hide what failed first
        loop.log.complete(loop.objective)
        error.run = so_far()  # type: ignore[attr-defined]
        error.add_note(
            f"the run so far, {loop.done} step{'' if loop.done == 1 else 's'}, is in the "
            "attribute `run` of this exception"
        )


def _stops(answer: Any) -> bool:
    r"""Say whether the callback's answer is one truth value of any library, and true."""
    if isinstance(answer, (bool, np.bool_)):
        return bool(answer)
    if str(getattr(answer, "dtype", "")).rpartition(".")[2] == "bool":
        if tuple(answer.shape) != ():
            raise ValueError(
                "callback must return one truth value, got an array of booleans of shape "
                f"{tuple(answer.shape)}; say .all() or .any()"
            )
        return bool(answer)
    return bool(getattr(answer, "is_Boolean", False) and answer == True)  # noqa: E712 (SymPy's)


class _Log:
    r"""The records: written into one array where the library has such, else kept and stacked."""

    def __init__(self, x: Any, steps: int, every: int) -> None:
        self._xp = namespace(x)
        self._step = every
        count = 1 + (-(-steps // every) if every else 0)
        self._array = np.empty((count, *x.shape), x.dtype) if self._xp is np else None
        self._list: list[Any] = []
        self.values: list[Any] = []
        self.norms: list[Any] = []
        self.steps: list[int] = []

    def keep(self, t: int, x: Any, f: Any, norm: Any) -> None:
        r"""Keep the point of step `t`, in place of the one before where that is no record."""
        if self.steps and self.steps[-1] and self.steps[-1] % self._step:
            for kept in (self.steps, self.values, self.norms, self._list):
                del kept[-1:]
        if self._array is not None:
            self._array[len(self.steps)] = x
        else:
            self._list.append(stepper.copied(x))
        self.steps.append(t)
        self.values.append(f)
        self.norms.append(norm)

    def complete(self, objective: Callable[[Any], Any]) -> None:
        r"""Look at the last point where nobody has."""
        if self.values[-1] is None:
            self.values[-1] = objective(self.points()[-1, ...])

    def points(self) -> Any:
        r"""Return the points kept, stacked along a new first axis."""
        if self._array is not None:
            kept = self._array[: len(self.steps)]
            return kept if len(kept) == len(self._array) else kept.copy()
        return self._xp.stack(self._list)


def _host(value: Any) -> Any:
    r"""Return one number as a Python float, several as a NumPy array of doubles."""
    if getattr(value, "shape", ()) == ():
        return float(value)
    return to_numpy(value).astype(float)


def _norm(g: Any, low: float) -> Any:
    r"""Return the Euclidean norm of one gradient, or those of `(dim, runs)`.

    Sums of squares up to `low` may have lost something to underflow.
    """
    square = _square(g)
    # Squares overflow, and vanish, long before the gradient does.
    if isinstance(square, float):
        return math.sqrt(square) if low < square < math.inf else _scaled_norm(to_numpy(g))
    if bool(((low < square) & (square < math.inf)).all()):
        return np.sqrt(square)
    return _scaled_norm(to_numpy(g))


def _square(v: Any) -> Any:
    r"""Return the sum of the squares, as `_host` does."""
    if type(v) is np.ndarray and v.ndim == 1:
        # The dot product wakes threads on long arrays, which costs more than it saves.
        return float(np.dot(v, v) if v.size < 4096 else np.einsum("i,i->", v, v))
    if type(v) is np.ndarray and v.ndim == 2:
        return np.einsum("ij,ij->j", v, v).astype(float)
    return _host(namespace(v).sum(v * v, axis=0 if v.ndim == 2 else None))


def _least_square(dtype: Any) -> float:
    r"""Return the sum of squares above which what has underflowed is less than rounding.

    A square that underflows is less than the smallest normal number; this bears 2**30 such.
    """
    info = np.finfo(str(dtype).rpartition(".")[2])
    return 2.0**30 * float(info.smallest_normal) / float(info.eps)


def _limit(dtype: Any) -> float:
    r"""Return the largest number of a dtype."""
    return float(np.finfo(str(dtype).rpartition(".")[2]).max)


def _scaled_norm(g: np.ndarray) -> Any:
    g = g.astype(float)
    axis = 0 if g.ndim == 2 else None
    largest = np.max(np.abs(g), axis=axis)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    return _host(scale * np.sqrt(np.sum((g / scale) ** 2, axis=axis)))


def _whole(v: Any) -> Any:
    r"""Say whether all of a point is finite; of `(dim, runs)`, of each run."""
    finite = _finite(_square(v))
    if _every(finite):
        return finite
    xp = namespace(v)
    return _truth(xp.all(xp.isfinite(v), axis=0 if v.ndim == 2 else None))


def _finite_norm(norm: Any, g: Any) -> Any:
    r"""Say whether a gradient is finite, and so it is where its norm alone overflows."""
    finite = _finite(norm)
    return finite if _every(finite) else _whole(g)


def _truth(value: Any) -> Any:
    return bool(value) if getattr(value, "shape", ()) == () else to_numpy(value)


def _finite(value: Any) -> Any:
    return math.isfinite(value) if isinstance(value, float) else np.isfinite(value)


def _every(alive: Any) -> bool:
    return alive if isinstance(alive, bool) else bool(alive.all())


def _some(alive: Any) -> bool:
    return alive if isinstance(alive, bool) else bool(alive.any())


def _name(problem: Any) -> str:
    return getattr(problem, "name", type(problem).__name__)


def _summary(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.ndim:
        finite = value[np.isfinite(value)]
        median = f"median {np.median(finite):g} of " if finite.size else "none finite of "
        lost = f", {value.size - finite.size} not finite" if 0 < finite.size < value.size else ""
        return f"{median}{value.size} runs{lost}"
    return f"{value:g}"


def _short(value: Any) -> str:
    if callable(value):
        return f"{getattr(value, '__name__', 'schedule')}(t)"
    return f"array of {np.size(value)}"
