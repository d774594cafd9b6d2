r"""What a check runs: gradients, states and hyper-parameters, made from a seed.

The gradients are given and do not depend on the parameters, so that rounding does not grow from
step to step and a difference is a mistake.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from optedu.quantities import Hyper
from optedu.rule import Rule

__all__ = ["EARLY", "PARTS", "Scenario", "of", "shape_of", "told"]

PARTS: dict[str, str] = {
    "state": "the new state alone, from the initial state and later in a run",
    "first step": "1 step from the initial state, with the defaults",
    "many steps": "60 steps from the initial state, 220 from later ones, 10 at t in the thousands",
    "schedule": "20 steps with a learning rate that changes at every step",
    "hyper-parameters": "10 steps with each hyper-parameter off its default",
    "shapes": "arrays with 1 element, with 2 and 3 axes, and without elements",
    "dtype": "float32 in, float32 out",
    "inputs": "what is handed in stays as it is, the arrays and the state",
    "backend": "the same code on a second array library",
}
r"""The parts of a check and what each compares, in the order in which they run."""

MATRICES = {"shapes": "matrices with 1 element, wide and tall"}
r"""What a part compares of a rule that steps a matrix, where that is something else."""

EARLY = 60
r"""Steps from the initial state, all of them, in one run."""

FORMAL = ("shapes", "dtype", "inputs", "backend")
r"""Parts about the form of the code. The numbers there are compared with those that the function
itself gives for plain vectors, for a wrong formula is for the other parts to find."""


@dataclass(frozen=True)
class Scenario:
    r"""One run of a student's function beside the rule.

    Attributes
    ----------
    part : str
        One of `PARTS`.
    label : str
        How the message speaks of the run.
    x : ndarray
        Start, float64.
    gradients : ndarray
        One for each step, along the first axis.
    state : dict or None
        State at the start; None for the initial one.
    first : int
        Number of the first step.
    hyper : tuple of dict
        The hyper-parameters of each step; those that are left out are at their default.
    dtype, library : str
        Kind of the arrays.
    read_only : bool
        Whether writing to the arrays that are handed in is an error.
    state_only : bool
        Whether the new parameters are left out of the comparison.
    tolerance : float
        Relative difference that rounding in another order of operations can explain.
    """

    part: str
    label: str
    x: np.ndarray
    gradients: np.ndarray
    state: Mapping[str, Any] | None
    first: int
    hyper: tuple[dict[str, float], ...]
    dtype: str = "float64"
    library: str = "numpy"
    read_only: bool = False
    state_only: bool = False

    @property
    def formal(self) -> bool:
        r"""Whether the run is about the form of the code."""
        return self.part in FORMAL

    def plain(self, *, matrices: bool = False) -> Scenario:
        r"""The same numbers as vectors of float64, of NumPy; `matrices` stay such."""
        x, gradients, state = self.x, self.gradients, self.state
        if not matrices:
            x, gradients = np.ravel(x), gradients.reshape(len(gradients), -1)
            if state is not None:
                state = {k: v if np.ndim(v) == 0 else np.ravel(v) for k, v in state.items()}
        return replace(
            self,
            label=f"with plain {'matrices' if matrices else 'vectors'} of the same numbers",
            x=x,
            gradients=gradients,
            state=state,
            dtype="float64",
            library="numpy",
        )

    @property
    def tolerance(self) -> float:
        # In float32 terms that cancel lose digits, and a wrong formula may have such terms.
        if self.dtype == "float32":
            return 1e-3
        return 1e-6 if self.formal else 1e-9


def told(rule: Rule, part: str) -> str:
    r"""Return what a part of the check compares."""
    return MATRICES.get(part, PARTS[part]) if rule.matrices else PARTS[part]


def shape_of(rule: Rule) -> tuple[int, ...]:
    r"""Return the shape of the parameters in most runs."""
    return (3, 4) if rule.matrices else (5,)


def of(rule: Rule, part: str, seed: int) -> Iterator[Scenario]:
    r"""Yield the runs of one part of the check.

    Parameters
    ----------
    rule : Rule
        The rule, with the hyper-parameters fixed that the exercise does not ask for.
    part : str
        One of `PARTS`.
    seed : int
        Other seeds give other numbers.
    """
    rng = np.random.default_rng([seed, zlib.crc32(f"{rule.name}/{part}".encode())])
    make = _Maker(rule, part, rng)
    if part == "state":
        yield make.run("from the initial state", steps=5, state_only=True)
        yield make.later("later in a run", steps=5, state_only=True)
        yield make.later("late in a run", steps=5, first=5000, state_only=True)
    elif part == "first step":
        # The coordinates of very different size tell where epsilon stands, and that it is there.
        x = rng.normal(size=6)
        g = rng.normal(size=6) * np.array([1.0, 1.0, 1e-3, 1e-7, 30.0, 0.0])
        if rule.matrices:
            x, g = x.reshape(2, 3), g.reshape(2, 3)
        yield make.run("from the initial state", x=x, gradients=g[np.newaxis])
    elif part == "many steps":
        yield make.run("from the initial state", steps=EARLY)
        yield make.run("with small gradients", steps=10, size=1e-7)
        yield make.later("later in a run", steps=20)
        # What breaks when t is large is not seen by taking thousands of steps: a run may start
        # there. Past t = 60 one after the other, then here and there.
        yield make.later("past the first 60 steps", steps=200, first=EARLY + 1)
        yield make.later("late in a run", steps=10, first=int(rng.integers(1000, 9000)))
    elif part == "schedule":
        rates = 10.0 ** rng.uniform(-3, -1, size=20)
        yield make.later(
            "with lr changing at every step", steps=20, hyper=[{"lr": float(r)} for r in rates]
        )
    elif part == "hyper-parameters":
        for hyper in rule.hypers:
            value = _other(hyper, rng)
            given = [{hyper.name: value}] * 10
            yield make.run(f"with {hyper.name} = {value:.4g}", steps=10, hyper=given)
        everything = {h.name: _other(h, rng) for h in rule.hypers}
        yield make.later("with all hyper-parameters changed", steps=10, hyper=[everything] * 10)
        # By default nothing is left of 1 - beta**t so late: a longer memory shows it.
        slow = {n: 0.9999 for n in ("beta1", "beta2", "momentum") if n in everything}
        if slow:
            first = int(rng.integers(50_000, 100_000))
            label = "with a long memory, late in a run"
            yield make.later(label, steps=5, first=first, hyper=[slow] * 5)
        if "eps" in everything:
            # A maximum of the root and epsilon sees epsilon beside gradients of its size alone.
            eps = everything["eps"]
            label = f"with eps = {eps:.4g} and gradients of that size"
            yield make.run(label, steps=10, size=eps, hyper=[{"eps": eps}] * 10)
    elif part == "shapes":
        shapes: tuple[tuple[int, ...], ...] = ((1,), (2, 3), (2, 1, 3), (0,))
        for shape in ((1, 1), (2, 3), (4, 2)) if rule.matrices else shapes:
            yield make.run(f"with x of shape {shape}", steps=3, shape=shape)
    elif part == "dtype":
        lr = [{"lr": 0.1, **make.far}] * 4
        yield make.narrow("with float32 arrays", steps=4, hyper=lr)
        label = "with float32 arrays, later in a run"
        yield make.later(label, steps=4, hyper=lr, dtype="float32", given=make.far)
    elif part == "inputs":
        yield make.run("with read-only arrays", steps=3, read_only=True)
    elif part == "backend":
        name = "array_api_strict"
        yield make.run("with arrays of array-api-strict", steps=3, library=name)
        yield make.later("with arrays of array-api-strict", steps=3, library=name)
        label = "with float32 arrays of array-api-strict"
        yield make.narrow(label, steps=2, hyper=[make.far] * 2, library=name)


class _Maker:
    def __init__(self, rule: Rule, part: str, rng: np.random.Generator) -> None:
        self.rule, self.part, self.rng = rule, part, rng
        # A first step of 1e-6 is a difference of nearly equal numbers, for which float32 has no
        # digits: there it is longer.
        short = {"first_move", "first_distance"} & set(rule.defaults())
        self.far: dict[str, float] = dict.fromkeys(short, 0.1)

    def narrow(self, label: str, *, hyper: list[dict[str, float]], **rest: Any) -> Scenario:
        r"""Start in float32, from a state of the hyper-parameters `far`."""
        x = self.rng.normal(size=shape_of(self.rule)).astype(np.float32).astype(np.float64)
        state = self.rule.init(x, **self.far) if self.far else None
        return self.run(label, x=x, state=state, hyper=hyper, dtype="float32", **rest)

    def run(
        self,
        label: str,
        *,
        steps: int = 1,
        shape: tuple[int, ...] | None = None,
        size: float = 1.0,
        x: np.ndarray | None = None,
        gradients: np.ndarray | None = None,
        hyper: list[dict[str, float]] | None = None,
        **rest: Any,
    ) -> Scenario:
        shape = shape or shape_of(self.rule)
        if x is None:
            x = self.rng.normal(size=shape)
        if gradients is None:
            gradients = self.rng.normal(size=(steps, *x.shape)) * size
            if self.part in FORMAL:
                gradients = np.sign(gradients) * (0.5 + np.abs(gradients))
        rest = {"state": None, "first": 1, **rest}
        hyper = hyper or [{}] * len(gradients)
        dtype = np.dtype(rest.get("dtype", "float64"))
        # Both sides start from the same numbers: those that the narrower type can hold.
        x = x.astype(dtype).astype(np.float64)
        gradients = gradients.astype(dtype).astype(np.float64)
        return Scenario(self.part, label, x, gradients, hyper=tuple(hyper), **rest)

    def later(
        self,
        label: str,
        *,
        steps: int,
        before: int = 4,
        first: int | None = None,
        given: Mapping[str, float] | None = None,
        **rest: Any,
    ) -> Scenario:
        r"""Start from the state that the rule itself has reached after some steps.

        These are the steps before `first`, with the hyper-parameters `given`; the state before them
        is the initial one all the same.
        """
        first = before + 1 if first is None else first
        x = self.rng.normal(size=shape_of(self.rule))
        given = given or {}
        state = self.rule.init(x, **given)
        gradients = self.rng.normal(size=(before, *x.shape))
        *_, (x, state) = self.rule.walk(x, gradients, state, first=first - before, hyper=[given])
        dtype = np.dtype(rest.get("dtype", "float64"))
        scalars = {s.name for s in self.rule.states if s.scalar}
        state = {
            k: v if k in scalars else v.astype(dtype).astype(np.float64) for k, v in state.items()
        }
        return self.run(label, steps=steps, x=x, state=state, first=first, **rest)


def _other(hyper: Hyper, rng: np.random.Generator) -> float:
    r"""Choose a value well off the default, inside the range."""
    low, high = hyper.lower, hyper.upper
    if np.isfinite(low) and np.isfinite(high):
        value = low + (high - low) * rng.uniform(0.3, 0.6)
        return float(round(value, 3))
    # Limits of a step are of use where they are near its first length; 1e-2 by default.
    special = {"eps": 1e-3, "eps_square": 1e-3, "shortest_step": 1e-4, "longest_step": 5e-4}
    scale = special.get(hyper.name, hyper.default if hyper.default > 0 else 0.01)
    return float(f"{scale * rng.uniform(20, 60):.3g}")
