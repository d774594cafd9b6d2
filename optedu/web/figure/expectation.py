r"""The expected loss of SGD on a quadratic, exact and without a sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy

from optedu.symbols import batch_size, lr
from optedu.web.figure import catalog, derived, trajectories

__all__ = ["expected", "refusal"]


def refusal(config: Mapping[str, Any]) -> str:
    r"""Say what keeps a figure from an expected loss; nothing if it has one."""
    problem = catalog.problem(config["problem"])
    if curvatures(problem) is None:
        return f"a quadratic along its eigen-directions, lowest at 0, got {problem.title}"
    if not any(derived.second_moment(catalog.rule(run["rule"])) for run in config["runs"]):
        given = ", ".join(run["rule"] for run in config["runs"])
        return f"a run whose step is linear and keeps no state, such as sgd, got {given}"
    return ""


def curvatures(problem: Any) -> np.ndarray | None:
    r"""Return the curvature along each coordinate, or None where another coordinate has a part.

    Only of a quadratic with its minimum at the origin: that is where weight decay pulls to.
    """
    if getattr(problem, "eigenvalues", None) is None or hasattr(problem, "examples"):
        return None
    if problem.minimizer is None or np.any(problem.minimizer):
        return None
    hessian = np.array([problem.grad(e) for e in np.eye(problem.dim)])
    diagonal = np.diag(hessian)
    return diagonal if np.abs(hessian - np.diag(diagonal)).max() < 1e-12 else None


def expected(config: Mapping[str, Any], chosen: Mapping[str, Any]) -> np.ndarray | None:
    r"""Return the expected loss above the minimum after 0, 1, ... steps, without any sampling.

    Along each coordinate the second moment after a step is a function of the one before
    (`derived.second_moment`). None for a rule of another kind.
    """
    problem, rule = catalog.problem(config["problem"]), catalog.rule(chosen["rule"])
    moment, curvature = derived.second_moment(rule), curvatures(problem)
    if moment is None or curvature is None:
        return None
    hyper = {**rule.defaults(), **chosen["hyper"]}
    fixed = {h.symbol: hyper[h.name] for h in rule.hypers if h.symbol != lr}
    names = (derived.MOMENT, derived.CURVATURE, derived.VARIANCE, lr)
    step = sympy.lambdify(names, moment.subs(fixed), "numpy")
    one = config["noise"] * getattr(problem, "spread", np.ones(problem.dim))
    std = derived.noise_std().subs({derived.NOISE: 1, batch_size: config["batch"]})
    variance = (float(std) * one) ** 2
    second = np.array(config["start"], dtype=float) ** 2
    losses = [curvature @ second / 2]
    rate = trajectories.rate(config, chosen) or (lambda _: hyper["lr"])
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(1, config["steps"] + 1):
            second = step(second, curvature, variance, rate(k))
            losses.append(curvature @ second / 2)
    return np.array(losses)
