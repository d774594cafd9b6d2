r"""The rules and problems that the interactive figures offer, by the name in a configuration."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sympy import Eq, Mod, Piecewise, Symbol, nsimplify

from optedu import problems, rules
from optedu.problems import Problem
from optedu.rule import Rule
from optedu.symbols import t
from optedu.web.figure.examples import stopping
from optedu.web.figure.rare import Rare
from optedu.web.figure.signals import Signal
from optedu.web.figure.spectrum import Spectrum

__all__ = ["EVERYWHERE", "PROBLEMS", "problem", "rule", "rule_names"]


def _adam_without_correction() -> Rule:
    adam = rules.get("adam")
    return adam.rewrite(
        "adam_uncorrected",
        "Adam without bias correction",
        m_hat=adam.symbols["m_new"],
        v_hat=adam.symbols["v_new"],
    )


def _nesterov_growing() -> Rule:
    """Momentum (t - 1)/(t + 2) after step t: without curvature, the one with the O(1/t^2) bound."""
    nesterov = rules.get("nesterov").at(weight_decay=0)
    s, after = nesterov.symbols, (t - 1) / (t + 2)
    # The memory grew by the last step's momentum, the look-ahead is with this one's.
    growing = nesterov.rewrite(
        "nesterov_growing",
        "Nesterov, growing momentum",
        b=after.subs(t, t - 1) * s["b_old"] + s["g"],
        x=s["x_old"] - s["lr"] * (s["g"] + after * s["b_new"]),
    )
    return growing.at(momentum=0)  # which it no longer has


# Rules that exist to be compared with, each a rewriting of a rule of the course.
_VARIANTS: dict[str, Callable[[], Rule]] = {
    "adam_uncorrected": _adam_without_correction,
    "nesterov_growing": _nesterov_growing,
}


def _far() -> Problem:
    """A minimum so far away that weight decay has something to pull at."""
    x = Symbol("x", real=True)
    return problems.symbolic(
        (x - 10) ** 2 / 2,
        [x],
        x0=[0.0],
        name="far",
        title="(x − 10)²/2",
        minimizer=[10.0],
        minimum=0.0,
        window=((-1.0, 11.0),),
    )


def _reddi() -> Signal:
    online = problems.get("reddi")
    slope = Piecewise(
        (nsimplify(online.large), Eq(Mod(t, online.period), 1)),
        (nsimplify(online.small), True),
    )
    return Signal(
        slope,
        title="Reddi, Kale and Kumar's losses",
        start=0.0,
        bounds=online.bounds,
        mean=online.mean_slope,
    )


# The name in a configuration -> the problem. Dimensions 1 and 2: a reader can see those; a chain of
# beads is seen as a profile.
PROBLEMS: dict[str, Callable[[], Any]] = {
    "parabola": lambda: problems.get("quadratic", dim=1),
    "square": lambda: problems.get("quadratic", dim=1, L=2.0),
    "bowl": lambda: problems.get("quadratic", kappa=10),
    "valley": lambda: problems.get("quadratic", kappa=100),
    "rotated": lambda: problems.get("quadratic", kappa=30, rotation=4),
    "rosenbrock": lambda: problems.get("rosenbrock"),
    "beale": lambda: problems.get("beale"),
    "himmelblau": lambda: problems.get("himmelblau"),
    "styblinski_tang": lambda: problems.get("styblinski_tang"),
    "saddle": lambda: problems.get("saddle", a=0.5, b=0.5),
    "monkey_saddle": lambda: problems.get("monkey_saddle"),
    "plateau": lambda: problems.get("plateau"),
    "saturated_neuron": lambda: problems.get("saturated_neuron"),
    "tiny_network": lambda: problems.get("tiny_network"),
    "double_well": lambda: problems.get("double_well", tilt=0.1),
    "huber": lambda: problems.get("huber"),
    "lessard": lambda: problems.get("lessard"),
    "far": _far,
    "springs": lambda: problems.get("springs"),
    "stopping": stopping,
    "rare": lambda: Rare(10),
    "constant": lambda: Signal(1, title="Constant gradient 1"),
    "burst": lambda: Signal(
        Piecewise((10, (t > 100) & (t <= 140)), (1, True)),
        title="Gradient 1, for 40 steps 10",
    ),
    "reddi": _reddi,
    "spectrum": lambda: Spectrum(100),
}

# Those that every figure loads; the others come with the script of the views that need them.
EVERYWHERE = [name for name in PROBLEMS if name != "spectrum"]


@cache
def problem(name: str) -> Any:
    r"""Return the problem of that name in the figures.

    Raises
    ------
    ValueError
        If there is none; the message lists those that there are.
    """
    if name not in PROBLEMS:
        raise ValueError(f"problem must be one of {', '.join(PROBLEMS)}, got {name!r}")
    return PROBLEMS[name]()


def rule_names() -> list[str]:
    r"""Return the names of all rules of the figures: those of the course, then the variants."""
    return [*derived_rules(), *_VARIANTS]


def derived_rules() -> list[str]:
    r"""Return the names of the rules that a chapter derives: each costs every figure some bytes.

    The figures take the gradient at the parameters, and step coordinates: no rule that takes it
    elsewhere is there, and none that steps a matrix.
    """
    known = rules.all(matrices=False).items()
    return [n for n, rule in known if rule.chapter and rule.evaluated is None]


@cache
def rule(name: str) -> Rule:
    r"""Return the rule of that name; a schedule, named after a space, is none of its matter.

    Raises
    ------
    ValueError
        If there is none; the message lists those that there are.
    """
    name = name.split(" ")[0]
    if name in _VARIANTS:
        return _VARIANTS[name]()
    if name not in rule_names():
        raise ValueError(f"optimizer must be one of {', '.join(rule_names())}, got {name!r}")
    return rules.get(name)
