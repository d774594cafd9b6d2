r"""Turn what a caller passes as runs into labelled groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optedu.display import number

__all__ = ["groups", "single"]


def groups(runs: Any, kind: type | tuple[type, ...], name: str = "runs") -> dict[str, list[Any]]:
    r"""Return label -> results of one kind, in order.

    Parameters
    ----------
    runs : result, list, or mapping of label to result or list
        In a list without labels, results that differ by nothing but the seed form one group, and
        labels name the optimizer and what tells the groups apart.
    kind : type or tuple of type
        `Run`, `Sweep`, or both.
    name : str
        The argument's name, for the error.

    Raises
    ------
    TypeError
        If there is anything else in it.
    ValueError
        If it is empty.
    """
    if isinstance(runs, Mapping):
        result = {str(k): _listed(v) for k, v in runs.items()}
    else:
        found: dict[Any, list[Any]] = {}
        for run in _listed(runs):
            found.setdefault(_identity(run), []).append(run)
        result = dict(zip(_labels([g[0] for g in found.values()]), found.values(), strict=True))
    for group in result.values():
        for run in group:
            if not isinstance(run, kind):
                of = kind if isinstance(kind, tuple) else (kind,)
                kinds = " or ".join(k.__name__ for k in of)
                raise TypeError(f"{name} must hold {kinds} objects, got {type(run).__name__}")
    if not result or not all(result.values()):
        raise ValueError(f"{name} must not be empty, got {runs!r}")
    return result


def single(runs: Any, kind: type, name: str = "runs") -> dict[str, Any]:
    r"""Return label -> result, every result by itself."""
    result: dict[str, Any] = {}
    for given, group in groups(runs, kind, name).items():
        for run in group:
            label = given
            if len(group) > 1:
                seed = getattr(run, "seed", None)
                label = f"{label} ({len(result) + 1})" if seed is None else f"{label}, seed {seed}"
            result[label] = run
    return result


def _listed(runs: Any) -> list[Any]:
    return list(runs) if isinstance(runs, (list, tuple)) else [runs]


def _identity(run: Any) -> Any:
    hyper = getattr(run, "hyper", {})
    axes = tuple(getattr(run, "axes", {}))
    return (
        getattr(run, "optimizer", id(run)),
        id(getattr(run, "problem", run)),
        axes,
        tuple((k, _value(v)) for k, v in hyper.items()),
    )


def _value(value: Any) -> Any:
    return value if isinstance(value, float) else id(value)


def _labels(runs: list[Any]) -> list[str]:
    r"""Name the optimizer; where that is not enough, what tells the runs of one optimizer apart."""
    labels = []
    for run in runs:
        name = getattr(run, "optimizer", "")
        others = [r for r in runs if getattr(r, "optimizer", "") == name]
        hyper = getattr(run, "hyper", {})
        differ = [k for k in hyper if len({_value(r.hyper.get(k)) for r in others}) > 1]
        parts = [
            f"{k}={number(hyper[k])}"
            if isinstance(hyper[k], float)
            else f"{k}: {_called(hyper[k])}"
            for k in differ
        ]
        if len({id(r.problem) for r in others if hasattr(r, "problem")}) > 1:
            parts.append(f"on {getattr(run.problem, 'name', 'problem')}")
        labels.append(", ".join([name, *parts]))
    # What is left can't be told apart by anything that it holds: number it.
    return [
        f"{label} ({i + 1})" if labels.count(label) > 1 else label for i, label in enumerate(labels)
    ]


def _called(value: Any) -> str:
    return getattr(value, "__name__", "schedule") if callable(value) else "array"
