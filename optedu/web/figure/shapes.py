r"""Schedules in a figure: what an author writes for `lr`, and the module `shapes.js`.

A run whose learning rate follows a schedule is named by both, `sgd cosine`: its rule is that of
`sgd`, and a step is given the rate that the schedule has then. The formulas are those of
`optedu.schedules`, printed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from optedu import schedules, symbols
from optedu.schedules import Schedule
from optedu.validate import choice

__all__ = ["SHAPES", "Shape", "knobs", "read", "schedule", "sources"]


@dataclass(frozen=True)
class Shape:
    r"""A schedule that a figure offers.

    Attributes
    ----------
    make : callable
        The schedule of `optedu.schedules`, from the highest rate, the steps, and its own options.
    options : mapping of str to str
        What an author writes for an option of `make`, and its symbol in the notation. With a
        `warmup` among them it has a rise of its own, of one step or more; any other shape may
        have one before it.
    title : str
        Its name in prose.
    """

    make: Callable[..., Schedule]
    options: Mapping[str, str]
    title: str

    @property
    def rises(self) -> bool:
        r"""Whether the shape has a warm-up of its own."""
        return "warmup" in self.options


def _endless(make: Callable[..., Schedule]) -> Callable[..., Schedule]:
    """A schedule that does not know how long the run is."""
    return lambda lr, steps, **own: make(lr, **own)


_END = {"end": "lr_end"}
_COOLED = {"cooldown": "cooldown", **_END}

SHAPES: dict[str, Shape] = {
    "constant": Shape(_endless(schedules.constant), {}, "constant"),
    "linear": Shape(schedules.linear, _END, "linear"),
    "cosine": Shape(schedules.cosine, _END, "cosine"),
    "wsd": Shape(schedules.wsd, _COOLED, "WSD"),
    "wsd_sqrt": Shape(partial(schedules.wsd, shape="sqrt"), _COOLED, "WSD, by a root"),
    "step": Shape(_endless(schedules.step), {"every": "every", "drop": "drop"}, "steps"),
    "exponential": Shape(_endless(schedules.exponential), {"drop": "drop"}, "exponential"),
    "inverse_root": Shape(
        _endless(schedules.inverse_root), {"warmup": "warmup"}, "one over the root"
    ),
    "one_cycle": Shape(
        schedules.one_cycle, {"warmup": "warmup", "start": "lr_start", **_END}, "one cycle"
    ),
}

# Where an author gives none; the script's defaults too, so that links can leave them out.
DEFAULTS = {
    "lr_start": 0.0,
    "lr_end": 0.0,
    "cooldown": 200,
    "every": 300,
    "drop": 0.5,
    "warmup": 0,
}
DROP_OF_A_STEP = 0.995  # of a schedule that drops at every step
# What the sliders say; a schedule's own symbols are none of a rule.
_KNOBS: dict[str, dict[str, Any]] = {
    "lr_start": {"meaning": "first rate", "lo": 0, "hi": 1, "scale": "zerolog"},
    "lr_end": {"meaning": "final rate", "lo": 0, "hi": 1, "scale": "zerolog"},
    "cooldown": {"meaning": "steps of the cooldown", "lo": 1, "hi": 1000, "scale": "int"},
    "every": {"meaning": "steps between drops", "lo": 1, "hi": 1000, "scale": "int"},
    "drop": {"meaning": "factor of a drop", "lo": 0, "hi": 0.9999, "max": 1, "scale": "complement"},
    "warmup": {"meaning": "warm-up steps", "lo": 0, "hi": 1000, "scale": "int", "minor": True},
}


def knobs(name: str) -> dict[str, float]:
    r"""Return what can be set of a shape besides the rate and the steps, with the defaults."""
    values = {symbol: DEFAULTS[symbol] for symbol in SHAPES[name].options.values()}
    if name == "exponential":
        values["drop"] = DROP_OF_A_STEP
    return values | {"warmup": 1 if SHAPES[name].rises else 0}


def read(written: Mapping[str, Any], steps: int) -> tuple[str, float, dict[str, float]]:
    r"""Read `{wsd: {lr: 0.5, cooldown: 200, warmup: 50}}`: the shape, the rate, and the rest.

    Raises
    ------
    TypeError, ValueError
        If a name is unknown, or a value out of range; the message says which.
    """
    if len(written) != 1:
        raise ValueError(f"lr must be a number or one schedule, got {dict(written)}")
    ((name, own),) = written.items()
    choice("schedule of lr", name, SHAPES)
    if not isinstance(own, Mapping) or "lr" not in own:
        raise ValueError(f"{name} needs its highest rate, such as {{lr: 0.1}}, got {own!r}")
    values = knobs(name)
    options = {**SHAPES[name].options, "warmup": "warmup"}
    for key, value in own.items():
        if choice(f"option of {name}", key, ["lr", *options]) != "lr":
            values[options[key]] = value
    # Their own checks, with the values as written; a warm-up may be none.
    least = 1 if SHAPES[name].rises else 0
    if values["warmup"] != 0:
        symbols.TABLE["warmup"].check(values["warmup"])
    if not least <= values["warmup"] < steps or values["warmup"] != int(values["warmup"]):
        raise ValueError(
            f"warmup must be a whole number from {least} to {steps - 1}, got {values['warmup']!r}"
        )
    rest = steps - int(values["warmup"])
    if "cooldown" in values:
        values["cooldown"] = own.get("cooldown", max(1, rest // 5))
        if symbols.TABLE["cooldown"].check(values["cooldown"]) > rest:
            raise ValueError(
                f"cooldown must be at most {rest}, the steps that the warm-up leaves, "
                f"got {values['cooldown']}"
            )
    _made(name, own["lr"], values, steps)
    return name, float(own["lr"]), {key: float(value) for key, value in values.items()}


def schedule(name: str, lr: Any, values: Mapping[str, float], steps: int) -> Schedule:
    r"""Return a shape as a schedule; a cooldown is no longer than what the warm-up leaves."""
    values = dict(values)
    if "cooldown" in values:
        values["cooldown"] = min(values["cooldown"], steps - int(values["warmup"]))
    return _made(name, lr, values, steps)


def _made(name: str, lr: Any, values: Mapping[str, float], steps: int) -> Schedule:
    shape = SHAPES[name]
    rise = 0 if shape.rises else int(values["warmup"])
    own = {key: values[symbol] for key, symbol in shape.options.items()}
    made = shape.make(lr, steps=steps - rise, **own)
    return schedules.warmup(made, rise) if rise else made


def sources() -> tuple[dict[str, str], dict[str, str]]:
    r"""Return the objects `SHAPES` and `KNOBS` of the script, their values in JavaScript.

    A shape has four entries: the function of `t` and its values, the same after a warm-up (null
    where it has its own), what can be set of it, and its name in prose.
    """
    shapes = {}
    for name, shape in SHAPES.items():
        plain = schedule(name, 1.0, knobs(name), 1000)
        both = [plain] if shape.rises else [plain, schedules.warmup(plain, 1)]
        codes = [" ".join(one.source("javascript").split()) for one in both]
        codes += ["null"] * (2 - len(codes))
        shapes[name] = f"[{', '.join(codes)}, {json.dumps(knobs(name))}, {json.dumps(shape.title)}]"
    return shapes, {key: json.dumps({"symbol": "", **meta}) for key, meta in _KNOBS.items()}
