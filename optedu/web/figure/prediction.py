r"""Predictions: a question on a figure, answered before it moves, whose truth its own runs tell.

The entry `predict` of a figure's YAML has the question and one kind of answer::

    predict:
      ask: Which is the largest learning rate at which the path comes to rest?
      number: {largest: lr}        # of a control: the runs are tried from end to end
      formula: 2/L                 # what it must agree with, optional
      within: 5 %
      why: Beyond $2/L$ the steepest direction grows with each step.

    number: first(loss < 0.001)    # an expression in the run
    within: 10

    choices:                       # exactly one condition must hold
      It falls at every step.: all(diff(loss) < 0)
      It rises first.: loss[1] > loss[0]

    runs: {least: first(loss < 0.001)}    # the choices are the figure's optimizers

    mark: 20                       # a place in the plane: where the run is at this step
    within: 0.2                    # how far from it still counts

`of` is the label of the run that is meant, where it is not the first. Expressions know the
quantities of the run (`loss`, `f`, `x`, `distance`, `step`, `g`, `g2`, the states of its rule, and
the `expected` loss where it is known) as arrays over the
steps, its hyper-parameters, `L`, `mu`, `steps`, and the functions below. A number is never typed:
it is measured, and a `formula` is compared with the measurement.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from optedu.latex import latex
from optedu.validate import choice
from optedu.web.figure import catalog, expectation, trajectories
from optedu.web.figure.configuration import evaluate, formula
from optedu.web.figure.script import slider

__all__ = ["Choice", "Prediction", "read"]

KINDS = ("number", "choices", "runs", "mark")
OPTIONS = ("ask", *KINDS, "of", "formula", "within", "why")
# How far a formula may be from what the runs say: they end, and are tried at a finite resolution.
AGREEMENT = 0.01
GRID, HALVINGS = 25, 40


@dataclass(frozen=True)
class Choice:
    r"""An answer to choose, in MyST, and whether it is the right one."""

    text: str
    right: bool


@dataclass(frozen=True)
class Prediction:
    r"""What is asked, and the truth.

    Attributes
    ----------
    ask, why : str
        The question and the explanation, in MyST.
    kind : str
        ``"number"``, ``"choice"`` or ``"mark"``.
    truth : tuple of float
        The number, or the coordinates of the place; empty for a choice.
    width : float
        How far from it still counts.
    shown : str
        The truth in words.
    choices : tuple of Choice
    control : str
        The control of the figure whose value the number is; empty if it is another's.
    """

    ask: str
    why: str
    kind: str
    shown: str
    truth: tuple[float, ...] = ()
    width: float = 0.0
    choices: tuple[Choice, ...] = ()
    control: str = ""


def read(written: Any, config: Mapping[str, Any]) -> Prediction:
    r"""Return the prediction that an author wrote for a figure.

    Parameters
    ----------
    written : mapping
        The entry `predict` of the figure's YAML.
    config : mapping
        The figure, as `configuration` returns it.

    Raises
    ------
    ValueError
        If something is missing, unknown or unmeasurable, or the runs say otherwise; the message
        says what and what was expected.
    """
    if not isinstance(written, Mapping):
        raise ValueError(f"predict must be a mapping with ask and an answer, got {written!r}")
    for name in written:
        choice("predict's option", name, OPTIONS)
    ask = str(written.get("ask") or "").strip()
    if not ask:
        raise ValueError("predict needs the question: ask")
    kinds = [kind for kind in KINDS if kind in written]
    if len(kinds) != 1:
        got = " and ".join(kinds) or "none"
        raise ValueError(f"predict needs one answer of {', '.join(KINDS)}, got {got}")
    (kind,) = kinds
    for name in ("formula", "within"):
        if name in written and kind not in ("number", "mark"):
            raise ValueError(f"{name} is for a number, predict has {kind}")
    if "formula" in written and kind == "mark":
        raise ValueError("formula is for a number, predict has mark")
    run = _run(config, written.get("of"))
    why = str(written.get("why") or "").strip()
    if kind == "choices":
        choices = _choices(written[kind], config, run)
        (right,) = (one.text for one in choices if one.right)
        return Prediction(ask, why, "choice", right, choices=choices)
    if kind == "runs":
        choices = _of_runs(written[kind], config)
        (right,) = (one.text for one in choices if one.right)
        return Prediction(ask, why, "choice", right, choices=choices)
    if kind == "mark":
        truth = _place(written[kind], config, run)
        shown = ", ".join(_words(v) for v in truth)
        shown = f"({shown})" if len(truth) > 1 else f"x = {shown}"
        extent = max(hi - lo for lo, hi in _window(config))
        width = _width(written, extent, "0.2, or '5 %' of the window")
        return Prediction(ask, why, "mark", shown, truth, width)
    value = _number(written, config, run)
    shown = _words(value)
    if "formula" in written:
        shown += f", which is ${latex(formula(written['formula']), fold_short_frac=True)}$"
    width = _width(written, abs(value))
    control = next(iter(written[kind].values())) if isinstance(written[kind], Mapping) else ""
    return Prediction(ask, why, "number", shown, (value,), width, control=control)


def _words(value: float) -> str:
    text = f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


def _run(config: Mapping[str, Any], label: Any) -> Mapping[str, Any]:
    labels = [run["label"] for run in config["runs"]]
    if label is None:
        return config["runs"][0]
    return config["runs"][labels.index(choice("of", label, labels))]


# -- the four kinds of answers ---------------------------------------------------------------------


def _number(written: Mapping[str, Any], config: Mapping[str, Any], run: Mapping[str, Any]) -> float:
    asked = written["number"]
    value = (
        _extreme(asked, config, run)
        if isinstance(asked, Mapping)
        else _scalar("number", asked, config, run)
    )
    if "formula" not in written:
        return value
    exact = evaluate(written["formula"], catalog.problem(config["problem"]))
    if not abs(exact - value) <= AGREEMENT * abs(value):
        raise ValueError(
            f"formula {written['formula']} is {exact:.4g}, but the figure's runs say {value:.4g}"
        )
    return exact


def _extreme(asked: Mapping[str, Any], config: Mapping[str, Any], run: Mapping[str, Any]) -> float:
    r"""Return the largest or smallest value of a control at which the run converges.

    It converges when it ends lower than it began. The slider is walked from end to end, and the
    border then halved.
    """
    if len(asked) != 1:
        raise ValueError(f"number must be {{largest: lr}} or an expression, got {dict(asked)}")
    ((end, name),) = asked.items()
    choice("number", end, ("largest", "smallest"))
    own = {hyper.name: hyper for hyper in catalog.rule(run["rule"]).hypers}
    choice(f"{end}: a control of the figure", name, [c for c in config["controls"] if c in own])
    ends = {**slider(own[name]), **config["ranges"].get(name, {})}
    lo, hi = ends["lo"], ends["hi"]

    def works(value: float) -> bool:
        f = trajectories.run(config, {**run, "hyper": {**run["hyper"], name: value}}).f
        # A run that diverges may have become NaN, which is not below anything.
        return bool(f[-1] < f[0])

    ladder = np.geomspace(lo, hi, GRID) if lo > 0 else np.linspace(lo, hi, GRID)
    held = [works(float(v)) for v in ladder]
    changes = [k for k in range(GRID - 1) if held[k] != held[k + 1]]
    if len(changes) != 1 or held[0] != (end == "largest"):
        spans = ", ".join(
            f"{'yes' if held[k] else 'no'} from {ladder[k]:.3g}"
            for k in (0, *(change + 1 for change in changes))
        )
        raise ValueError(
            f"there is no {end} {name} at which the run converges on [{lo:g}, {hi:g}]: "
            f"does it end lower than it began? {spans}"
        )
    yes, no = (ladder[changes[0] + k] for k in ((0, 1) if end == "largest" else (1, 0)))
    for _ in range(HALVINGS):
        middle = math.sqrt(yes * no) if lo > 0 else (yes + no) / 2
        yes, no = (middle, no) if works(float(middle)) else (yes, middle)
    return float(yes)


def _choices(asked: Any, config: Mapping[str, Any], run: Mapping[str, Any]) -> tuple[Choice, ...]:
    if not isinstance(asked, Mapping) or len(asked) < 2:
        raise ValueError(f"choices must be two or more, each with its condition, got {asked!r}")
    made = tuple(
        Choice(str(text), bool(_scalar(f"the condition of {text!r}", condition, config, run)))
        for text, condition in asked.items()
    )
    right = [one.text for one in made if one.right]
    if len(right) != 1:
        raise ValueError(
            f"exactly one of choices must hold in the run, got {' and '.join(right) or 'none'}"
        )
    return made


def _of_runs(asked: Any, config: Mapping[str, Any]) -> tuple[Choice, ...]:
    if not isinstance(asked, Mapping) or list(asked) not in (["least"], ["most"]):
        raise ValueError(f"runs must be {{least: EXPRESSION}} or {{most: ...}}, got {asked!r}")
    if len(config["runs"]) < 2:
        raise ValueError("runs needs two optimizers or more in the figure, got one")
    ((end, expression),) = asked.items()
    values = [_scalar("runs", expression, config, run) for run in config["runs"]]
    best = min(values) if end == "least" else max(values)
    if values.count(best) > 1:
        raise ValueError(f"runs: {expression} is {_words(best)} for {values.count(best)} of them")
    return tuple(
        Choice(run["label"], value == best)
        for run, value in zip(config["runs"], values, strict=True)
    )


def _window(config: Mapping[str, Any]) -> list[tuple[float, float]]:
    problem = catalog.problem(config["problem"])
    for view in config["views"]:
        if view["type"] == "plane":
            sides = view.get("window") or problem.window
            return [(float(lo), float(hi)) for lo, hi in sides][: problem.dim]
    raise ValueError("mark needs a view of the plane in the figure, there is none")


def _place(asked: Any, config: Mapping[str, Any], run: Mapping[str, Any]) -> tuple[float, ...]:
    window = _window(config)
    step = _scalar("mark", asked, config, run, typed=True)
    if step != round(step) or not 0 < step <= config["steps"]:
        raise ValueError(
            f"mark must be a step from 1 to {config['steps']}, or say how to find it, got {step:g}"
        )
    path = trajectories.run(config, run).x
    place = path[int(step)] if step < len(path) else np.full(len(window), np.nan)
    if not all(lo <= v <= hi for v, (lo, hi) in zip(place, window, strict=True)):
        raise ValueError(
            f"mark: at step {step:g} the run is outside the plane, at {place.tolist()}"
        )
    return tuple(float(v) for v in place)


def _width(written: Mapping[str, Any], whole: float, example: str = "0.1, or '5 %'") -> float:
    r"""Read `within`: a number, or a percentage of the truth or of the window."""
    text = str(written.get("within", "")).strip()
    try:
        width = float(text[:-1]) / 100 * whole if text.endswith("%") else float(text)
    except ValueError:
        width = math.nan
    if not (math.isfinite(width) and width > 0):
        raise ValueError(f"within must be a positive number such as {example}, got {text!r}")
    return width


# -- expressions in a run --------------------------------------------------------------------------


def _when(name: str, place: int) -> Callable[[Any], int]:
    def found(holds: Any) -> int:
        steps = np.flatnonzero(holds)
        if not len(steps):
            raise ValueError(f"what {name}(...) asks for never happens")
        return int(steps[place])

    return found


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "first": _when("first", 0),
    "last": _when("last", -1),
    "argmax": np.nanargmax,
    "argmin": np.nanargmin,
    "max": np.nanmax,
    "min": np.nanmin,
    "sum": np.nansum,
    "mean": np.nanmean,
    "diff": np.diff,
    "all": np.all,
    "any": np.any,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "log10": np.log10,
}
_ALLOWED = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Name, ast.Load, ast.Constant,
    ast.Subscript, ast.Slice, ast.operator, ast.unaryop, ast.cmpop,
)  # fmt: skip


def _scalar(
    what: str, text: Any, config: Mapping[str, Any], run: Mapping[str, Any], *, typed: bool = False
) -> float:
    r"""Return the value of an expression in a run; a number that is only typed is refused."""
    text = str(text)
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        raise ValueError(f"{what} is no expression such as first(loss < 0.01): {text!r}") from None
    known = _measured(_Frozen(config), _Frozen(run))
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise ValueError(f"{what} may not hold {ast.unparse(node)!r}: {text!r}")
    for name in names:
        choice(f"a name in {what}", name, [*known, *FUNCTIONS])
    if not typed and not set(names) & set(known):
        raise ValueError(
            f"{what} must be measured in the run, such as first(loss < 0.01), got {text!r}; "
            "what you know beforehand is a formula"
        )
    try:
        with np.errstate(all="ignore"):
            value = eval(compile(tree, what, "eval"), {"__builtins__": {}}, {**FUNCTIONS, **known})
        value = np.asarray(value).astype(float)
    except (ValueError, TypeError, IndexError, ZeroDivisionError) as error:
        raise ValueError(f"{what}: {text!r} cannot be measured: {error}") from None
    if value.size != 1 or not np.isfinite(value).all():
        raise ValueError(f"{what} must be one number, {text!r} is {value}")
    return float(value.item())


class _Frozen(dict[str, Any]):
    r"""A configuration by what it says, so that its run is made once."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(repr(sorted(self.items())))


@cache
def _measured(config: _Frozen, run: _Frozen) -> dict[str, Any]:
    r"""Return what an expression may name: a run's quantities, and numbers of the figure."""
    done = trajectories.run(config, run)
    gradients, states = trajectories.state_history(config, run, done)
    problem = catalog.problem(config["problem"])
    names = [*trajectories.QUANTITIES, *states]
    if problem.minimizer is None:
        names.remove("distance")
    known = {name: trajectories.quantity(name, done, gradients, states) for name in names}
    mean = expectation.expected(config, run)
    if mean is not None:
        known["expected"] = mean
    numbers = {**catalog.rule(run["rule"]).defaults(), **run["hyper"]}
    numbers |= {"steps": config["steps"], "L": problem.L, "mu": problem.mu}
    return known | {name: value for name, value in numbers.items() if value is not None}
