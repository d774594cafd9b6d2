r"""Configurations of a figure: what an author writes in YAML, checked and filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import sympy
import yaml

from optedu import symbols
from optedu.validate import choice, in_range, nonnegative
from optedu.web.figure import catalog, derived, expectation, shapes, trajectories
from optedu.web.figure.trajectories import QUANTITIES

__all__ = ["PRESETS", "configuration", "evaluate", "formula", "merged", "presets"]

PRESETS = Path(__file__).with_name("presets.yml")

# What an author may write, with its default.
_OPTIONS: dict[str, Any] = {
    "title": "",
    "text": "",
    "alt": "",
    "caption": "",
    "problem": "bowl",
    "problems": None,
    "optimizers": [{"sgd": {"lr": 0.1}}],
    "start": None,
    "steps": 100,
    "noise": 0.0,
    "batch": 1,
    "seed": 1,
    "t": None,
    "speed": None,
    "views": ["plane", "loss"],
    "controls": ["lr"],
    "ranges": {},
    "marks": {},
    "free": False,
    "autoplay": False,  # plays once, unless the reader's system asks for less motion
    "predict": None,  # read by optedu.web.figure.prediction
}
_VIEWS = (
    "plane", "chart", "eigen", "heat", "floor", "speed", "relief", "stability", "ball",
    "arrows", "compass", "profile", "cloud", "memory", "box", "squares", "width",
    "rates", "expected",
)  # fmt: skip
_FIGURE_CONTROLS = ("steps", "noise", "batch", "seed", "warmup")
_RUN_OPTIONS = ("warmup", "label")


@cache
def presets() -> dict[str, dict[str, Any]]:
    r"""Return the presets as their authors wrote them, by name; no line breaks in a formula."""
    text = PRESETS.read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(" ([−×=]) ", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text))


def merged(preset: str | None, own: Mapping[str, Any] | None) -> dict[str, Any]:
    r"""Return the options of a preset with the author's own over them.

    Raises
    ------
    ValueError
        If there is no such preset, or an option is unknown.
    """
    options = dict(presets()[choice("preset", preset, presets())]) if preset else {}
    for name, value in (own or {}).items():
        options[choice("option", name, _OPTIONS)] = value
    return options


def configuration(options: Mapping[str, Any], preset: str = "") -> dict[str, Any]:
    r"""Return what the script reads: every option set, every name and value checked.

    Parameters
    ----------
    options : mapping
        As `merged` returns them.
    preset : str
        The preset's name, for the link that restores the state.

    Raises
    ------
    ValueError
        If a name is unknown or a value out of range; the message says which.
    """
    o = {**_OPTIONS, **options}
    problem = catalog.problem(o["problem"])
    steps = _whole("steps", o["steps"], 1, 10000)
    runs = [_run(entry, steps) for entry in o["optimizers"]]
    if not 1 <= len(runs) <= 8:
        raise ValueError(f"optimizers must be 1 to 8, got {len(runs)}")
    start = problem.x0.tolist() if o["start"] is None else [float(v) for v in o["start"]]
    if len(start) != problem.dim:
        raise ValueError(f"start must have {problem.dim} numbers for {o['problem']}, got {start}")
    result = {
        "preset": preset,
        "title": o["title"],
        "text": o["text"],
        "label": o["alt"] or o["title"] or f"Optimizers on {problem.title}",
        "problem": o["problem"],
        "start": start,
        "steps": steps,
        "noise": nonnegative("noise", float(o["noise"])),
        "batch": _whole("batch", o["batch"], 1, 1024),
        "seed": _whole("seed", o["seed"], 0, 99),
        "runs": runs,
        "views": [_view(entry, runs, problem) for entry in o["views"]],
        "controls": [_control(name, runs) for name in o["controls"]],
        "ranges": {k: _range(k, v) for k, v in o["ranges"].items()},
        "marks": [
            {"hyper": hyper, "at": evaluate(at, problem), "label": label}
            for hyper, marks in o["marks"].items()
            for at, label in marks.items()
        ],
    }
    for view in result["views"]:
        if view["type"] == "expected" and (wanted := expectation.refusal(result)):
            raise ValueError(f"an expected loss needs {wanted}")
    if o["problem"] not in catalog.EVERYWHERE or any("shape" in run for run in runs):
        result["scheduled"] = True  # it needs the script with the schedules
    if o["t"] is not None:
        result["t"] = _whole("t", o["t"], 0, steps)
    if o["speed"] is not None:
        result["speed"] = float(o["speed"])
    if o["problems"]:
        for name in o["problems"]:
            catalog.problem(name)
        result["problems"] = list(o["problems"])
    if not isinstance(o["autoplay"], bool):
        raise ValueError(f"autoplay must be true or false, got {o['autoplay']!r}")
    if o["autoplay"]:
        if o["predict"] is not None:
            raise ValueError("autoplay would show what predict asks: give one of the two")
        result["autoplay"] = True
    if o["free"]:
        result["free"] = True
    return result


def _run(entry: Any, steps: int) -> dict[str, Any]:
    r"""Read `adam`, or `{adam: {lr: 0.1, warmup: 10, label: Adam, warm}}`; lr may be a schedule."""
    name, settings = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
    rule = catalog.rule(name)
    settings = dict(settings or {})
    extra = {k: settings.pop(k) for k in _RUN_OPTIONS if k in settings}
    scheduled = {}
    if isinstance(settings.get("lr"), Mapping):
        shape, settings["lr"], scheduled["shape"] = shapes.read(settings["lr"], steps)
        name = f"{name} {shape}"
        if "warmup" in extra:
            raise ValueError("warmup stands in the schedule of lr, or beside a number, not both")
    rule.check_hyper(**settings)  # names and ranges
    return {
        "rule": name,
        **scheduled,
        "hyper": {k: float(v) for k, v in settings.items()},
        "warmup": _whole("warmup", extra.get("warmup", 0), 0, 10000),
        "label": extra.get("label", rule.title),
    }


def _view(entry: Any, runs: list[dict[str, Any]], problem: Any) -> dict[str, Any]:
    r"""Read `plane`, `loss`, `v`, or a mapping with `type` (a chart where it is not given)."""
    if isinstance(entry, str):
        entry = {"type": entry} if entry in _VIEWS else {"type": "chart", "y": [entry]}
    view = {"type": "chart", **entry}
    choice("view", view["type"], _VIEWS)
    if view["type"] == "chart":
        view["y"] = [view["y"]] if isinstance(view["y"], str) else list(view["y"])
        states = {s.name for run in runs for s in catalog.rule(run["rule"]).states}
        for name in view["y"]:
            choice("quantity", name, [*QUANTITIES, *sorted(states)])
    if view["type"] == "profile" and "ends" in view:
        view["ends"] = [float(v) for v in view["ends"]]
        if len(view["ends"]) != 2:
            raise ValueError(f"ends of a profile must be [first, last], got {entry['ends']}")
    if view["type"] == "heat":
        names = catalog.rule(runs[0]["rule"]).defaults()
        choice("x of the map", view["x"], names)
        choice("y of the map", view["y"], names)
        view["ranges"] = {k: _range(k, v) for k, v in view.get("ranges", {}).items()}
    if view["type"] in ("relief", "arrows", "compass") and problem.dim != 2:
        raise ValueError(f"{view['type']} needs a problem of 2 coordinates, got {problem.dim}")
    if view["type"] == "memory" and not any(trajectories.memory(run) for run in runs):
        given = ", ".join(run["rule"] for run in runs)
        raise ValueError(f"a memory needs a run that keeps squared gradients, got {given}")
    if view["type"] == "box" and (problem.dim != 1 or problem.minimizer is None):
        raise ValueError(
            f"a box needs a problem of 1 coordinate with a known minimum, got {problem.title}"
        )
    if view["type"] == "box":
        view["decay"] = symbols.weight_decay.name  # the scripts know no hyper-parameter by name
    if view["type"] == "cloud" and not hasattr(problem, "examples"):
        raise ValueError(f"a cloud needs a problem made of examples, got {problem.title}")
    if view["type"] == "squares":
        _check_squares(view, runs, problem)
    if view["type"] == "relief":
        _check_relief(view)
    if view["type"] == "stability":
        _check_stability(view, runs)
    if view["type"] == "width":
        _check_width(view)
    if view["type"] == "rates":
        _check_rates(view, runs)
    if view["type"] == "expected":
        for name in view:
            choice("option of the expected loss", name, ("type",))
    if "angle" in view and view["type"] == "compass":
        view["angle"] = in_range("angle", float(view["angle"]), -180, 180)
    return view


def _check_relief(view: dict[str, Any]) -> None:
    r"""Check what a relief says: whence it is seen, the ends of a stable line, two names."""
    for name in view:
        choice("option of the relief", name, ("type", "turn", "tilt", "stable", "names"))
    if "names" in view:
        view["names"] = _two_names("names of the relief", view["names"])
    for name, (lo, hi) in {"turn": (-360, 360), "tilt": (8, 80)}.items():
        if name in view:
            view[name] = in_range(name, float(view[name]), lo, hi)
    if "stable" in view:
        ends = view["stable"]
        try:
            (a, b), (c, d) = ends
            view["stable"] = [[float(a), float(b)], [float(c), float(d)]]
        except (TypeError, ValueError):
            raise ValueError(f"stable must be two points of two numbers, got {ends!r}") from None


def _check_squares(view: dict[str, Any], runs: list[dict[str, Any]], problem: Any) -> None:
    r"""Check which sum the squares show, and what the two coordinates are called."""
    for name in view:
        choice("option of the squares", name, ("type", "state", "names"))
    if problem.dim != 2:
        raise ValueError(f"squares need a problem of 2 coordinates, got {problem.dim}")
    kept = {s.name for run in runs for s in catalog.rule(run["rule"]).states if not s.scalar}
    view["state"] = str(view.get("state", "G"))
    if view["state"] not in kept:
        own = ", ".join(sorted(kept)) or "none"
        raise ValueError(f"squares need a run that keeps {view['state']}; the runs keep {own}")
    view["names"] = _two_names("names of the squares", view.get("names", ["x₁", "x₂"]))


def _two_names(what: str, names: Any) -> list[str]:
    r"""Return the names of two coordinates as text."""
    if not isinstance(names, list) or len(names) != 2 or not all(map(str, names)):
        raise ValueError(f"{what} must be [first, second], got {names!r}")
    return [str(name) for name in names]


def _check_width(view: dict[str, Any]) -> None:
    r"""Fill in the rates of a width view, and the share of the first loss that is good."""
    for name in view:
        choice("option of the width view", name, ("type", "rates", "within"))
    ends = _range("the rates", view.pop("rates", (1e-3, 10.0)))
    if not ends["lo"] > 0:
        raise ValueError(f"rates of a width view must be positive, got {ends['lo']}")
    view |= ends
    view["within"] = in_range("within", float(view.get("within", 1e-3)), 1e-9, 1.0)


def _check_rates(view: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    r"""Check whose curve has the handles, and how far up the rates go."""
    for name in view:
        choice("option of the rates", name, ("type", "handles", "to"))
    labels = [run["label"] for run in runs]
    view["handles"] = labels.index(choice("handles", view.get("handles", labels[0]), labels))
    highest = max(
        run["hyper"].get("lr", catalog.rule(run["rule"]).defaults()["lr"]) for run in runs
    )
    view["to"] = in_range("to", float(view.get("to", 1.5 * highest)), 1e-9, 1e3)


def _check_stability(view: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    r"""Check the rules whose limits a stability map draws, and how far it goes in lr times h.

    The map is coloured by the first of them; those of the runs are the default.
    """
    for name in view:
        choice("option of the stability map", name, ("type", "rules", "to"))
    able = [
        name
        for name in catalog.rule_names()
        if "momentum" in (rule := catalog.rule(name)).defaults()
        and derived.stability_limit(rule) is not None
    ]
    own = dict.fromkeys(run["rule"] for run in runs if run["rule"] in able)
    view["rules"] = [choice("rule of the map", n, able) for n in view.get("rules", own)]
    if not view["rules"] or not own:
        raise ValueError(f"a stability map needs a run of {' or '.join(able)}, there is none")
    view["to"] = in_range("to", float(view.get("to", 4)), 0.1, 20)


def _control(name: str, runs: list[dict[str, Any]]) -> str:
    hypers = {h.name for run in runs for h in catalog.rule(run["rule"]).hypers}
    hypers |= {name for run in runs for name in run.get("shape", ())}
    return choice("control", name, [*_FIGURE_CONTROLS, *sorted(hypers)])


def _range(name: str, ends: Any) -> dict[str, float]:
    lo, hi = (float(v) for v in ends)
    if not lo < hi:
        raise ValueError(f"ranges of {name} must be [low, high], got {ends}")
    return {"lo": lo, "hi": hi}


def evaluate(expression: Any, problem: Any) -> float:
    r"""Return a number written with L and mu, such as 2/L, for this problem."""
    known = {k: v for k, v in {"L": problem.L, "mu": problem.mu}.items() if v is not None}
    value = formula(expression).subs(known)
    if not value.is_number:
        names = " and ".join(known) or "nothing, for the problem has neither L nor mu"
        raise ValueError(f"expected a number written with {names}, got {expression!r}")
    return float(value)


def formula(expression: Any) -> sympy.Expr:
    r"""Return what an author wrote with L and mu."""
    try:
        return sympy.sympify(str(expression), locals={k: sympy.Symbol(k) for k in ("L", "mu")})
    except (sympy.SympifyError, TypeError, AttributeError):
        raise ValueError(f"expected a number written with L and mu, got {expression!r}") from None


def _whole(name: str, value: Any, lo: int, hi: int) -> int:
    if isinstance(value, bool) or int(value) != value or not lo <= value <= hi:
        raise ValueError(f"{name} must be a whole number from {lo} to {hi}, got {value!r}")
    return int(value)
