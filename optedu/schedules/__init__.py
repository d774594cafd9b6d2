r"""Learning-rate schedules, each written once, as a SymPy expression in the step t.

Wherever a hyper-parameter may change with the step, a schedule is its value:
``optedu.minimize(problem, lr=optedu.schedules.cosine(0.1, steps=100))``. With an array among its
parameters it is an axis of `optedu.sweep`.
"""

from optedu.schedules.schedule import Schedule
from optedu.schedules.shapes import (
    constant,
    cosine,
    exponential,
    inverse_root,
    linear,
    one_cycle,
    step,
    warmup,
    wsd,
)

__all__ = [
    "Schedule",
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
