r"""The schedules of the field. Step t = 1 is the first; before step t, t - 1 steps are done."""

from __future__ import annotations

from typing import Any

import numpy as np
from sympy import Max, Min, cos, floor, pi, sqrt

from optedu import symbols, validate
from optedu.display import number
from optedu.schedules.schedule import Schedule
from optedu.symbols import cooldown as T_c
from optedu.symbols import drop, every, lr, lr_end, lr_start, t
from optedu.symbols import steps as T
from optedu.symbols import warmup as T_w

__all__ = [
    "constant",
    "cosine",
    "exponential",
    "inverse_root",
    "linear",
    "one_cycle",
    "step",
    "warmup",
    "wsd",
]

_DONE = Min(1, (t - 1) / T)  # the share of the run that is done; after its end, all of it


def constant(lr: Any) -> Schedule:
    r"""Return the rate that does not change."""
    return Schedule("constant", symbols.lr, {"lr": lr})


def step(lr: Any, *, every: Any, drop: Any = 0.1) -> Schedule:
    r"""Return the rate that is multiplied by `drop` after each `every` steps.

    Parameters
    ----------
    lr : float or array
        Rate of the first step, at least 0.
    every : int or array
        Steps between two drops, at least 1.
    drop : float or array
        Factor, in [0, 1].

    Examples
    --------
    >>> schedule = optedu.schedules.step(1.0, every=2)
    >>> [round(schedule(t), 3) for t in (1, 2, 3, 4, 5)]
    [1.0, 1.0, 0.1, 0.1, 0.01]
    """
    return Schedule("step", _STEP, {"lr": lr, "every": every, "drop": drop})


def exponential(lr: Any, *, drop: Any) -> Schedule:
    r"""Return the rate that is multiplied by `drop`, in [0, 1], after each step."""
    return Schedule("exponential", _EXPONENTIAL, {"lr": lr, "drop": drop})


def inverse_root(lr: Any, *, warmup: Any = 1) -> Schedule:
    r"""Return the rate that rises to `lr` in `warmup` steps, then falls like $1/\sqrt t$.

    Vaswani et al. 2017, section 5.3, where `lr` is $1/\sqrt{d\,T_w}$. With `warmup=1` it is
    $\eta/\sqrt t$.
    """
    values = {"lr": lr, "warmup": warmup}
    return Schedule("inverse_root", _INVERSE_ROOT, values, "vaswani2017attention")


def linear(lr: Any, *, steps: Any, end: Any = 0) -> Schedule:
    r"""Return the rate that falls on a line from `lr` to `end`, which it has after `steps` steps.

    Parameters
    ----------
    lr : float or array
        Rate of the first step, at least 0.
    steps : int or array
        Length of the run, at least 1. Whoever goes on has the rate `end`.
    end : float or array
        Rate after the last step, at least 0.
    """
    values = {"lr": lr, "steps": steps, "lr_end": end}
    return Schedule("linear", _LINEAR, values, "defazio2023when")


def cosine(lr: Any, *, steps: Any, end: Any = 0) -> Schedule:
    r"""Return the rate that falls from `lr` to `end` like half a cosine.

    Loshchilov & Hutter 2017, eq. (5), without restarts. After `steps` steps it stays at `end`;
    the bare formula, used past its end, would rise again.

    Parameters
    ----------
    lr, steps, end
        As for `linear`.
    """
    values = {"lr": lr, "steps": steps, "lr_end": end}
    return Schedule("cosine", _COSINE, values, "loshchilov2017sgdr")


def wsd(lr: Any, *, steps: Any, cooldown: Any, end: Any = 0, shape: str = "linear") -> Schedule:
    r"""Return the rate that is constant but for the last `cooldown` steps, in which it falls.

    The second and third phase of warm-up, stable, decay (Hu et al. 2024); `warmup` adds the first.

    Parameters
    ----------
    lr, steps, end
        As for `linear`.
    cooldown : int or array
        Steps of the fall, from 1 to `steps`.
    shape : {"linear", "sqrt"}
        On a line, or as 1 less the root of the share done (Hägele et al. 2024).

    Raises
    ------
    ValueError
        If the cooldown is longer than the run.
    """
    expression = _WSD[validate.choice("shape", shape, _WSD)]
    values = {"lr": lr, "steps": steps, "cooldown": cooldown, "lr_end": end}
    made = Schedule("wsd", expression, values, "hu2024minicpm")
    _not_longer(made, "cooldown")
    return made


def one_cycle(lr: Any, *, steps: Any, warmup: Any, start: Any = None, end: Any = None) -> Schedule:
    r"""Return the rate that rises from `start` to `lr` and falls to `end`, each like half a cosine.

    Smith & Topin 2017, arXiv 1708.07120. PyTorch's ``OneCycleLR(max_lr, total_steps=n,
    pct_start=p)`` has the end at its last step: it is ``one_cycle(max_lr, steps=n - 1,
    warmup=p * n - 1)``.

    Parameters
    ----------
    lr : float or array
        The highest rate, at least 0.
    steps : int or array
        Length of the run.
    warmup : int or array
        Steps of the rise, from 1 to `steps` - 1.
    start, end : float or array, optional
        By default `lr` / 25, and a ten-thousandth of that, as in PyTorch.

    Raises
    ------
    ValueError
        If the rise is as long as the run, or longer.
    """
    start = validate.nonnegative("lr", lr, arrays=True) / 25 if start is None else start
    end = start / 1e4 if end is None else end
    values = {"lr": lr, "steps": steps, "warmup": warmup, "lr_start": start, "lr_end": end}
    made = Schedule("one_cycle", _ONE_CYCLE, values, "smith2017super")
    _not_longer(made, "warmup", less=1)
    return made


def warmup(schedule: Schedule, warmup: Any) -> Schedule:
    r"""Return a schedule with a rise before it: `warmup` steps from 1/`warmup` of its start to it.

    The first of them has not the rate 0, which would waste it.

    Parameters
    ----------
    schedule : Schedule
        What comes afterwards, from its own first step on.
    warmup : int or array
        Steps of the rise, at least 1.

    Raises
    ------
    TypeError, ValueError
        If the schedule is none, or has a warm-up already.

    Examples
    --------
    >>> schedule = optedu.schedules.warmup(optedu.schedules.linear(1.0, steps=4), 2)
    >>> [schedule(t) for t in (1, 2, 3, 4, 5, 6)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(f"schedule must be a Schedule, got {type(schedule).__name__}")
    if "warmup" in schedule.values:
        raise ValueError(f"schedule must have no warm-up yet, got {schedule!r}")
    later = schedule.expression.subs(t, Max(1, t - T_w))
    return Schedule(
        f"{schedule.name}_after_warmup",
        Min(1, t / T_w) * later,
        {**schedule.values, "warmup": warmup},
        schedule.reference,
    )


def _not_longer(schedule: Schedule, name: str, less: int = 0) -> None:
    part, whole = schedule.values[name], schedule.values["steps"]
    if not np.all(part <= whole - less):
        limit = f"steps - {less}" if less else "steps"
        raise ValueError(
            f"{name} must be at most {limit}, got {_shown(part)} with steps={_shown(whole)}"
        )


def _shown(value: Any) -> str:
    return number(value) if np.ndim(value) == 0 else str(value)


def _half_cosine(share: Any) -> Any:
    """From 0 to 1."""
    return (1 - cos(pi * share)) / 2


_STEP = lr * drop ** floor((t - 1) / every)
_EXPONENTIAL = lr * drop ** (t - 1)
_INVERSE_ROOT = lr * Min(t / T_w, sqrt(T_w / t))
_LINEAR = lr_end + (lr - lr_end) * (1 - _DONE)
_COSINE = lr_end + (lr - lr_end) * (1 + cos(pi * _DONE)) / 2
_COOLING = Min(1, Max(0, (t - 1 - (T - T_c)) / T_c))
_WSD = {
    "linear": lr_end + (lr - lr_end) * (1 - _COOLING),
    "sqrt": lr_end + (lr - lr_end) * (1 - sqrt(_COOLING)),
}
_ONE_CYCLE = (
    lr_start
    + (lr - lr_start) * _half_cosine(Min(1, (t - 1) / T_w))
    - (lr - lr_end) * _half_cosine(Min(1, Max(0, (t - 1 - T_w) / (T - T_w))))
)
