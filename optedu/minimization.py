r"""`minimize`: run an optimizer on a problem and keep what happened."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optedu import stepper, validate
from optedu.backend import namespace, to_numpy
from optedu.display import table
from optedu.progress import Progress

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
            f"{k}={v:g}" if isinstance(v, float) else f"{k}={_short(v)}"
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
        array namespace. It is left as it is. The problem's own start where it is not given.
    optimizer : str, Rule or callable
        A name: the function that `implement` registered under it, else the derived rule. Or a
        rule, or a function `(xp, x, g, state, t, *, lr=..., ...) -> (x_new, state_new)`, whose
        state starts as an empty dictionary.
    steps : int
        Number of steps, at least 0.
    seed : int
        Seed of the stochastic gradients.
    callback : callable, optional
        `callback(step, x, f)` is called after each step with a copy of `x`; where it returns
        `True` the run ends.
    on_divergence : {"stop", "raise", "record"}
        What to do once the gradient, the point or the objective is not finite: end the run with
        the last finite point, raise, or go on and record what comes. With many runs, "stop" ends
        when none is finite any more.
    progress : bool, optional
        Show a progress bar. By default only in a terminal or an open notebook, once the run has
        taken a second.
    record : bool or int
        Record every step; with `False` only the first and the last point; with an integer k
        every k-th, and the last.
    **hyper : float, array or callable
        Hyper-parameters of the optimizer. A callable is a schedule: it maps the step t, from 1,
        to the value. An array gives each run of `(dim, runs)` its own value.

    Returns
    -------
    Run

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, shape or range; the message names it and its value.
    FloatingPointError
        With `on_divergence="raise"`, at the first step that is not finite.

    Examples
    --------
    >>> run = optedu.minimize(optedu.problems.quadratic(kappa=4), optimizer="sgd", lr=1.0, steps=3)
    >>> run.x[:, 0]
    array([1.      , 0.75    , 0.5625  , 0.421875])
    >>> run
    <Run sgd on quadratic: 3 steps, f 0.625 → 0.0222473>
    """
    x = stepper.start(problem, x0)
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

    schedule = stepper.Schedule(chosen, complete)
    engine = stepper.Engine(problem, chosen, schedule, x)
    log = _Log(x, steps, every)
    gradient = stepper.gradient(problem, seed, x)
    alive: Any = True  # which runs are still finite; one truth value for one run
    diverged_at: int | None = None
    stopped = False
    done = 0
    # Overflow on the way to divergence is what the record is for, not a warning.
    with np.errstate(all="ignore"), Progress(steps, progress, chosen.name) as bar:
        f = _host(stepper.checked_objective(problem, problem.f(engine.x), engine.x))
        g = gradient(engine.x, 1)
        stepper.checked_gradient(problem, g, engine.x)
        norm = _norm(g)
        log.add(0, engine.x, f, norm)
        for t in range(1, steps + 1):
            alive = alive & _finite(norm)
            wanted = t % every == 0 or t == steps
            if on_divergence == "record" or _some(alive):
                engine.step(g, t)
                if wanted or callback is not None:
                    f = _host(problem.f(engine.x))
                    alive = alive & _finite(f)
                else:
                    alive = alive & _finite(_norm(engine.x))
            if diverged_at is None and not _every(alive):
                diverged_at = t
                if on_divergence == "raise":
                    raise FloatingPointError(_explain(problem, chosen.name, complete, log, g, t))
            if on_divergence == "stop" and not _some(alive):
                break
            done = t
            g = gradient(engine.x, t + 1)
            norm = _norm(g)
            if callback is not None and callback(t, _copy(engine.x), f) is True:
                stopped = True
            if wanted or stopped:
                log.add(t, engine.x, f, norm)
            if stopped:
                break
            bar.update(t)
    return Run(
        x=log.points(),
        f=np.array(log.values),
        grad_norm=np.array(log.norms),
        t=np.array(log.steps),
        steps=done,
        diverged_at=diverged_at,
        stopped=stopped,
        optimizer=chosen.name,
        hyper=complete,
        problem=problem,
        seed=seed,
    )


class _Log:
    r"""The records: written into one array where the library has such, else kept and stacked."""

    def __init__(self, x: Any, steps: int, every: int) -> None:
        self._xp = namespace(x)
        count = 1 + (-(-steps // every) if every else 0)
        self._array = np.empty((count, *x.shape), x.dtype) if self._xp is np else None
        self._list: list[Any] = []
        self.values: list[Any] = []
        self.norms: list[Any] = []
        self.steps: list[int] = []

    def add(self, t: int, x: Any, f: Any, norm: Any) -> None:
        r"""Keep the point of step `t`."""
        if self._array is not None:
            self._array[len(self.steps)] = x
        else:
            self._list.append(_copy(x))
        self.steps.append(t)
        self.values.append(f)
        self.norms.append(norm)

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


def _norm(g: Any) -> Any:
    r"""Return the Euclidean norm of one gradient, or those of `(dim, runs)`."""
    if g.ndim == 1 and type(g) is np.ndarray:
        # The dot product wakes threads on long arrays, which costs more than it saves.
        square = np.dot(g, g) if g.size < 4096 else np.einsum("i,i->", g, g)
        norm = math.sqrt(square)
        # Squares overflow long before the gradient does.
        return norm if norm < math.inf else _scaled_norm(g)
    if type(g) is np.ndarray and g.ndim == 2:
        norms = np.sqrt(np.einsum("ij,ij->j", g, g)).astype(float)
        return norms if np.isfinite(norms).all() else _scaled_norm(g)
    xp = namespace(g)
    norm = _host(xp.sqrt(xp.sum(g * g, axis=0 if g.ndim == 2 else None)))
    return norm if _every(_finite(norm)) else _scaled_norm(to_numpy(g))


def _scaled_norm(g: np.ndarray) -> Any:
    g = g.astype(float)
    axis = 0 if g.ndim == 2 else None
    largest = np.max(np.abs(g), axis=axis)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    return _host(scale * np.sqrt(np.sum((g / scale) ** 2, axis=axis)))


def _finite(value: Any) -> Any:
    return math.isfinite(value) if isinstance(value, float) else np.isfinite(value)


def _every(alive: Any) -> bool:
    return alive if isinstance(alive, bool) else bool(alive.all())


def _some(alive: Any) -> bool:
    return alive if isinstance(alive, bool) else bool(alive.any())


def _copy(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else namespace(x).asarray(x, copy=True)


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


def _explain(
    problem: Any, optimizer: str, hyper: Mapping[str, Any], log: _Log, g: Any, t: int
) -> str:
    what = "the gradient" if not _every(_finite(_norm(g))) else "the point or the objective"
    rate = f" (lr is {hyper['lr']:g})" if isinstance(hyper.get("lr"), float) else ""
    return (
        f"{optimizer} diverged on {_name(problem)} at step {t}: {what} is not finite; the last "
        f"record has f = {_summary(log.values[-1])} at step {log.steps[-1]}. "
        f"A smaller lr may help{rate}"
    )
