r"""The runs of a configuration in NumPy: for the stills, and to compare the script with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optedu.rule import Rule
from optedu.run.minimization import Run, minimize
from optedu.symbols import lr, t, warmup
from optedu.web.figure import catalog, derived, shapes
from optedu.web.figure.noise import Disturbed

__all__ = ["QUANTITIES", "Memory", "memory", "quantity", "rate", "run", "state_history"]

# What a chart can show besides the states of a rule.
QUANTITIES = ("loss", "f", "x", "distance", "step", "g", "g2")


def run(config: Mapping[str, Any], chosen: Mapping[str, Any], **over: Any) -> Run:
    r"""Return one run of a configuration.

    Parameters
    ----------
    config : mapping
        As `configuration` returns it.
    chosen : mapping
        One entry of `config["runs"]`.
    **over
        `batch` or `steps` in place of the configuration's.
    """
    rule = catalog.rule(chosen["rule"])
    hyper = {**rule.defaults(), **chosen["hyper"]}
    moves = rate(config, chosen)
    if moves is not None:
        hyper["lr"] = moves
    return minimize(
        _problem(config, over.get("batch", config["batch"])),
        np.array(config["start"], dtype=float),
        optimizer=rule,
        steps=over.get("steps", config["steps"]),
        progress=False,
        **hyper,
    )


def rate(config: Mapping[str, Any], chosen: Mapping[str, Any]) -> Callable[[int], float] | None:
    r"""Return the learning rate of each step of a run, or None where it is always the same."""
    if "shape" in chosen:
        name, rate = chosen["rule"].split(" ")[1], chosen["hyper"]["lr"]
        return shapes.schedule(name, rate, chosen["shape"], config["steps"])
    if chosen["warmup"]:
        return warmed(chosen["hyper"]["lr"], chosen["warmup"])
    return None


def warmed(rate: float, steps: int) -> Callable[[int], float]:
    r"""Return the schedule of a linear warm-up."""
    expr = derived.warmup_lr().subs({lr: rate, warmup: steps})
    return lambda step: float(expr.subs(t, step))


@dataclass(frozen=True)
class Memory:
    r"""What a step keeps of the squared gradients that a rule remembers, and takes in of a new one.

    Attributes
    ----------
    keep, take : float
        The factor on the old state, and the one on $g^2$.
    """

    keep: float
    take: float


def memory(chosen: Mapping[str, Any]) -> Memory | None:
    r"""Return the memory of a run's rule, asked of its own steps; None if it keeps no squares."""
    rule: Rule = catalog.rule(chosen["rule"])
    hyper = {**rule.defaults(), **chosen["hyper"]}
    name = next((s.name for s in rule.states if s.name in ("G", "v")), None)
    if name is None:
        return None

    def after(old: float, g: float) -> float:
        state = rule.init(np.zeros(1), **hyper)
        state[name] = np.full_like(state[name], old)
        with np.errstate(all="ignore"):  # without an epsilon 0/0 is no matter here
            new = rule.step(np.zeros(1), np.full(1, g), state, 1, **hyper)[1]
        return float(np.ravel(new[name])[0])

    return Memory(keep=after(1.0, 0.0), take=after(0.0, 1.0))


def state_history(
    config: Mapping[str, Any], chosen: Mapping[str, Any], done: Run, point: int = 0
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    r"""Return the gradients of a run, and each state after each step, of one coordinate.

    The gradients are those at the recorded points; the rule is stepped with them once more.
    """
    rule: Rule = catalog.rule(chosen["rule"])
    hyper = {**rule.defaults(), **chosen["hyper"]}
    problem = _problem(config, config["batch"])
    rng = np.random.default_rng(0)
    moves = rate(config, chosen)
    state = rule.init(done.x[0], **hyper)
    gradients = np.full(len(done.x), np.nan)
    history = {name: np.full(len(done.x), np.nan) for name in state}

    def keep(k: int) -> None:
        for name, value in state.items():
            # A state that is one number for all coordinates has no other entry.
            history[name][k] = np.ravel(value)[point if np.size(value) > point else 0]

    keep(0)
    for k in range(1, len(done.x)):
        x = done.x[k - 1]
        g = problem.grad(x, problem.sample(rng, k))
        gradients[k] = g[point]
        if moves is not None:
            hyper["lr"] = moves(k)
        state = rule.step(x, g, state, k, **hyper)[1]
        keep(k)
    return gradients, history


def quantity(
    name: str, run: Run, gradients: np.ndarray, states: Mapping[str, np.ndarray]
) -> np.ndarray:
    r"""Return one of `QUANTITIES`, or a state, at every step of a run."""
    if name == "loss":
        known = run.problem.minimum is not None and np.isfinite(run.problem.minimum)
        return run.gap if known else run.f
    if name == "distance":
        return np.linalg.norm(run.x - run.problem.minimizer, axis=1)
    if name == "step":
        moves = np.linalg.norm(np.diff(run.x, axis=0), axis=1)
        return np.concatenate([[np.nan], moves])
    table = {"f": run.f, "x": run.x[:, 0], "g": gradients, "g2": gradients**2}
    return table[name] if name in table else states.get(name, np.full(len(run.f), np.nan))


def _problem(config: Mapping[str, Any], batch: int) -> Disturbed:
    inner = catalog.problem(config["problem"])
    return Disturbed(inner, config["noise"], batch, config["seed"])
