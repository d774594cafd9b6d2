r"""`sweep`: a grid of hyper-parameters as one vectorised computation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from optedu import validate
from optedu.arrays import namespace, to_numpy
from optedu.display import number, table
from optedu.problems import checks
from optedu.run import stepper
from optedu.run.progress import progress_bar
from optedu.schedules import Schedule

__all__ = ["Sweep", "sweep"]

# Elements of x that are advanced together: bounds the memory of a grid of any size.
_CHUNK = 1 << 16
_ARGUMENTS = ("x0", "optimizer", "steps", "seed", "progress")


@dataclass(frozen=True, repr=False, eq=False)
class Sweep:
    r"""What `sweep` returns: the end of one run for each point of the grid.

    Attributes
    ----------
    axes : dict of str to numpy.ndarray
        The hyper-parameters that were varied, in the order of the grid's axes.
    f : numpy.ndarray
        Final objective, one axis for each hyper-parameter; `inf` where the run diverged.
    x : array
        Final points, of shape `(dim, *f.shape)`; NaN where the run diverged.
    diverged : numpy.ndarray of bool
        Where the run did not stay finite, in the shape of `f`.
    steps : int
        Number of steps of each run.
    optimizer : str
        Name of the rule or function.
    hyper : dict
        The hyper-parameters that were not varied.
    problem : Problem
        What was minimized.
    """

    axes: dict[str, np.ndarray]
    f: np.ndarray
    x: Any
    diverged: np.ndarray
    steps: int
    optimizer: str
    hyper: dict[str, Any]
    problem: Any

    @property
    def best(self) -> dict[str, float]:
        r"""The point of the grid with the least final objective, and that objective, as `"f"`.

        Raises
        ------
        ValueError
            If every run diverged.
        """
        if self.diverged.all():
            raise ValueError(f"all {self.f.size} runs diverged: no point of the grid is best")
        index = np.unravel_index(np.argmin(self.f), self.f.shape)
        point = {n: float(v[i]) for (n, v), i in zip(self.axes.items(), index, strict=True)}
        return {**point, "f": float(self.f[index])}

    @property
    def _rows(self) -> list[tuple[str, str]]:
        name = getattr(self.problem, "name", type(self.problem).__name__)
        grid = ", ".join(f"{k}: {v.size}" for k, v in self.axes.items())
        rows = [("optimizer", self.optimizer), ("problem", name)]
        rows += [("grid", f"{grid} ({self.f.size} runs)"), ("steps", str(self.steps))]
        if not self.diverged.all():
            rows.append(("best", ", ".join(f"{k}={number(v)}" for k, v in self.best.items())))
        return [*rows, ("diverged", f"{self.diverged.mean():.0%}")]

    def __repr__(self) -> str:
        rows = dict(self._rows)
        best = f", best {rows['best']}" if "best" in rows else ""
        return (
            f"<Sweep {self.optimizer} on {rows['problem']}: {rows['grid']}, {self.steps} steps"
            f"{best}, {rows['diverged']} diverged>"
        )

    def _repr_html_(self) -> str:
        return table("Sweep", self._rows)


def sweep(
    problem: Any,
    x0: Any = None,
    *,
    optimizer: Any = "sgd",
    steps: int = 100,
    seed: int = 0,
    progress: bool | None = None,
    **hyper: Any,
) -> Sweep:
    r"""Run an optimizer once for each point of a grid of hyper-parameters, all runs at once.

    The runs are columns of one array of shape `(dim, runs)`, so that a step of all of them is one
    vectorised step. A run that diverges goes on as NaN, without warnings.

    Parameters
    ----------
    problem : Problem
        As for `minimize`. A stochastic problem draws one batch a step for all runs (common random
        numbers), unless it says otherwise.
    x0 : array or list of numbers, optional
        The start of every run, of shape `(dim,)`; the problem's own where it is not given.
    optimizer : str, Rule or callable
        As for `minimize`. A function of your own gets hyper-parameters that vary as arrays of
        shape `(runs,)`, which broadcast against `x` of shape `(dim, runs)`.
    steps, seed, progress
        As for `minimize`.
    **hyper : array, list, float, Schedule or callable
        An array or list with one axis is an axis of the grid; so is each parameter of a schedule
        that is one, under its own name (its highest value under that of the hyper-parameter). The
        rest is the same in all runs.

    Returns
    -------
    Sweep

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, shape or range; the message names it and its value. All
        values of a schedule are looked at before the first step.

    Examples
    --------
    >>> problem = optedu.problems.quadratic(kappa=10)
    >>> result = optedu.sweep(problem, optimizer="sgd", steps=50, lr=np.linspace(0.1, 2.1, 21))
    >>> print(f"{result.best['lr']:.1f}")  # theory: 2 / (L + mu) = 1.82
    1.8
    """
    x0 = checks.start(problem, x0)
    if x0.ndim != 1:
        raise ValueError(f"x0 must have shape (dim,), got {tuple(x0.shape)}")
    steps = validate.count("steps", steps)
    seed = validate.count("seed", seed)
    chosen = stepper.method(optimizer)
    stepper.check_names("sweep", _ARGUMENTS, chosen, hyper)
    plain = {name: _axis(name, value) for name, value in hyper.items() if _varies(value)}
    scheduled = {
        name: {p: name if p == "lr" else p for p in value.axes}
        for name, value in hyper.items()
        if isinstance(value, Schedule) and value.axes
    }
    axes = dict(plain)
    for name, labels in scheduled.items():
        for parameter, label in labels.items():
            if label in axes or (label in hyper and label != name):
                raise ValueError(f"two axes of the grid are called {label!r}: one is of {name}")
            axes[label] = hyper[name].axes[parameter]
    complete = chosen.complete({**hyper, **plain})
    if not axes:
        raise ValueError(
            "a hyper-parameter must be an array, to be swept over, got only single values"
        )
    grid = np.meshgrid(*axes.values(), indexing="ij")
    columns = {name: values.ravel() for name, values in zip(axes, grid, strict=True)}
    runs = grid[0].size

    def of(part: slice) -> dict[str, Any]:
        return {
            **complete,
            **{name: columns[name][part] for name in plain},
            **{
                name: hyper[name].at(**{p: columns[label][part] for p, label in labels.items()})
                for name, labels in scheduled.items()
            },
        }

    settings = stepper.Hyperparameters(chosen, of(slice(None)))
    for t in range(1, steps + 1):  # a bad value at step 900 is found before the first
        settings.changes(t)

    # Runs don't depend on each other; those of a stochastic problem may share its random numbers.
    width = runs
    if not getattr(problem, "stochastic", False):
        width = max(1, _CHUNK // x0.shape[0])
    parts = [slice(i, min(i + width, runs)) for i in range(0, runs, width)]
    f = np.empty(runs)
    frozen = np.zeros(runs, dtype=bool)
    finals = []
    with (
        np.errstate(all="ignore"),
        progress_bar(steps * len(parts), progress, chosen.name) as report,
    ):
        for number, part in enumerate(parts):
            values = of(part)
            x, frozen[part] = _advance(
                problem, chosen, values, x0, part.stop - part.start, steps, seed,
                partial(_shifted, report, number * steps),
            )  # fmt: skip
            f[part] = to_numpy(checks.checked_objective(problem, problem.f(stepper.copied(x)), x))
            finals.append(x)
    xp = namespace(x0)
    x = finals[0] if len(finals) == 1 else xp.concat(finals, axis=1)
    diverged = frozen | ~(np.isfinite(f) & np.isfinite(to_numpy(x)).all(axis=0))
    f[diverged] = np.inf
    x = xp.where(xp.asarray(diverged), xp.asarray(np.nan, dtype=x.dtype), x)
    shape = grid[0].shape
    return Sweep(
        axes=axes,
        f=f.reshape(shape),
        x=xp.reshape(x, (x.shape[0], *shape)),
        diverged=diverged.reshape(shape),
        steps=steps,
        optimizer=chosen.name,
        hyper={k: v for k, v in complete.items() if k not in plain},
        problem=problem,
    )


def _shifted(report: Callable[[int], None], done: int, t: int) -> None:
    report(done + t)


def _advance(
    problem: Any,
    chosen: Any,
    hyper: dict[str, Any],
    x0: Any,
    runs: int,
    steps: int,
    seed: int,
    report: Callable[[int], None],
) -> tuple[Any, np.ndarray]:
    r"""Return the final points of some runs, of shape `(dim, runs)`, and which stand still.

    These are the ones in which a square of the gradient has overflowed: it stays infinite.
    """
    xp = namespace(x0)
    x = xp.asarray(xp.broadcast_to(x0[:, None], (x0.shape[0], runs)), copy=True)
    hyper = {k: xp.asarray(v) if isinstance(v, np.ndarray) else v for k, v in hyper.items()}
    engine = stepper.Engine(problem, chosen, stepper.Hyperparameters(chosen, hyper), x)
    gradient = stepper.gradient(problem, seed, x)
    for t in range(1, steps + 1):
        g = gradient(engine.point(t), t)
        if t == 1:
            checks.checked_gradient(problem, g, engine.x)
        try:
            engine.step(g, t)
        except Exception as error:
            if t == 1:
                error.add_note(
                    f"sweep calls {chosen.name} with x of shape {tuple(x.shape)} and with the "
                    f"hyper-parameters that vary as arrays of shape ({runs},)"
                )
            raise
        report(t)
        if t % 64 == 0 and not bool(xp.any(xp.isfinite(engine.x))):
            break
    frozen = np.zeros(runs, dtype=bool)
    if chosen.squares:
        for value in engine.state.values():
            frozen |= ~np.isfinite(to_numpy(value)).all(axis=0)
    if chosen.sums:
        for value in engine.numbers.values():
            frozen |= ~np.isfinite(to_numpy(value))
    return engine.x, frozen


def _varies(value: Any) -> bool:
    return isinstance(value, (list, tuple, range)) or getattr(value, "ndim", 0) > 0


def _axis(name: str, value: Any) -> np.ndarray:
    values = validate.reals(name, value)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(
            f"{name} must be a number or an array with one axis, got shape {values.shape}"
        )
    return values
