r"""Several runs of a student's rule, asked for at once.

At grading the student's function lives in another process, where each question costs more than a
step of the rule. So `check` describes its runs as plain data (`Walk`), `walk` takes the steps
where the function is, and `columns` reads what comes back. It trusts nothing: an answer that is not
the expected arrays is no answer, and `check` then asks for that step by itself, finds what is
wrong and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from optedu.arrays import to_numpy

__all__ = ["Answer", "Walk", "columns", "walk"]

Answer = tuple[Any, dict[str, Any]]
r"""The parameters after each step, and the states, along a new first axis."""


class Walk(NamedTuple):
    r"""One run.

    Attributes
    ----------
    xp : module
        Namespace of the arrays.
    x : array
        Start.
    state : dict
        State at the start.
    scalars : list of str
        Names of the states that are numbers.
    first : int
        Number of the first step.
    gradients : array
        One for each step, along the first axis.
    hyper : list of dict
        Hyper-parameters of each step, or one for all.
    """

    xp: Any
    x: Any
    state: dict[str, Any]
    scalars: list[str]
    first: int
    gradients: Any
    hyper: list[dict[str, float]]


def walk(call: Callable[..., Any], plan: Sequence[Any]) -> Answer | None:
    r"""Feed a rule with its own results, up to the first that raises or has the wrong form.

    Parameters
    ----------
    call : callable
        ``call(xp, x, g, state, t, **hyper)``, as the student's function.
    plan : sequence
        The fields of a `Walk`.

    Returns
    -------
    tuple or None
        Results of the steps before that; None where there is none.
    """
    xp, x, state, scalars, first, gradients, hyper = plan
    arrays = {"x": x, **{k: v for k, v in state.items() if k not in scalars}}
    shapes, dtype = {k: v.shape for k, v in arrays.items()}, x.dtype

    def copied(name: str, value: Any) -> Any:
        # A rule may go on working in arrays that it was given or has returned.
        if not isinstance(value, type(x)) or value.shape != shapes[name] or value.dtype != dtype:
            raise TypeError("of another form")
        return xp.asarray(value, copy=True)

    done: list[tuple[Any, dict]] = []
    for index in range(gradients.shape[0]):
        g = xp.asarray(gradients[index, ...], copy=True)
        rates = hyper[index] if len(hyper) > 1 else hyper[0]
        try:
            result = call(xp, x, g, state, first + index, **rates)
            if not isinstance(result, tuple | list):
                break
            new_x, new = result
            new = {} if new is None else new
            if not isinstance(new, Mapping):
                break
            kept = {k: _number(new[k]) if k in scalars else copied(k, new[k]) for k in state}
            done.append((copied("x", new_x), kept))
        except Exception:  # asked for by itself, the step raises again, and is reported
            break
        x = copied("x", new_x)
        state = {k: v if k in scalars else copied(k, v) for k, v in kept.items()}
    if not done:
        return None
    columns = {k: [kept[k] for _, kept in done] for k in state}
    return xp.stack([new_x for new_x, _ in done]), {
        k: column if k in scalars else xp.stack(column) for k, column in columns.items()
    }


def _number(value: Any) -> float:
    if not isinstance(value, float | int | np.generic):
        raise TypeError("not a number")
    return float(value)


def columns(plan: Walk, answer: Any) -> dict[str, np.ndarray]:
    r"""Return what came back, a row for each step and `x` among the states.

    Nothing at all if the form is wrong.
    """
    if not isinstance(answer, tuple) or len(answer) != 2:
        return {}
    x, state = answer
    if not _fits(plan.x, x) or not isinstance(state, dict) or set(state) != set(plan.state):
        return {}
    found = {"x": to_numpy(x)}
    for name, column in state.items():
        if name not in plan.scalars:
            if not _fits(plan.state[name], column):
                return {}
            found[name] = to_numpy(column)
        elif isinstance(column, list) and all(type(value) is float for value in column):
            found[name] = np.array(column)
        else:
            return {}
    return found if len({len(column) for column in found.values()}) == 1 else {}


def _fits(one: Any, column: Any) -> bool:
    return (
        isinstance(column, type(one))
        and column.shape[1:] == one.shape
        and column.dtype == one.dtype
    )
