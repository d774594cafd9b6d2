r"""The student's end of the wire: looks names up and calls what the student wrote."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from optedu.grading.sandbox.channel import Channel
from optedu.grading.wire.peer import Peer

__all__ = ["Missing", "Service"]

Missing = "optedu: no such name"  # crosses as text; a value never does, it comes in a tuple


class Service(Peer):
    """Answers the kernel with the checks out of the student's namespace ``shell.user_ns``."""

    def __init__(self, channel: Channel, shell: Any):
        super().__init__(channel)
        self._shell = shell
        self._implemented: set[int] = set()

    def handle(self, op: str, operands: list, args: list, kwargs: dict) -> Any:
        match op, operands:
            case "get", [name]:
                space = self._shell.user_ns
                return (space[name],) if name in space else Missing
            case "implemented", [name]:
                function = _implemented(name)
                if function is None:
                    return Missing
                self._implemented.add(id(function))
                return (function,)
            case "call", [function]:
                if id(function) not in self._implemented:
                    return function(*args, **kwargs)
                return _checked(function, args, kwargs)
            case "chain", [function] if id(function) in self._implemented:
                return list(_chain(function, *args))
            case "getattr", [owner, name]:
                return getattr(owner, name)
            case "setattr", [owner, name, value]:
                return setattr(owner, name, value)
            case "getitem", [owner, key]:
                return owner[key]
            case "setitem", [owner, key, value]:
                owner[key] = value
                return None
            case "len", [owner]:
                return len(owner)
            case "iter", [owner]:
                return iter(owner)
            case "next", [stream]:
                return tuple(islice(stream, 1))
        raise ValueError(f"unknown request {op!r}")


def _chain(
    function: Any, xp: Any, x: Any, state: dict, scalars: list, first: int, gradients: list,
    hyper: list,
) -> Iterator[tuple]:  # fmt: skip
    """Results of a rule that is fed with its own, up to the first that is an error or none.

    Each is a copy: a rule may go on working in the arrays that it has returned.
    """
    names = list(state)
    for t, (g, rates) in enumerate(zip(gradients, hyper, strict=True), first):
        try:
            answer = _checked(function, [xp, x, g, state, t], rates)
            if not isinstance(answer, tuple | list):
                return
            new_x, new = answer
            result = _copy(xp, new_x), {name: _copy(xp, new[name]) for name in names}
            if any(np.shape(result[1][n]) != np.shape(state[n]) for n in names):
                return
            if np.shape(result[0]) != np.shape(x):
                return
            x = xp.asarray(result[0], copy=True)
            state = {
                name: float(value) if name in scalars else xp.asarray(value, copy=True)
                for name, value in result[1].items()
            }
        except Exception:  # the check asks for this step by itself, and says what is wrong
            return
        yield result


def _copy(xp: Any, value: Any) -> Any:
    if isinstance(value, float | int | np.generic):
        return value
    if not isinstance(value, type(xp.asarray(0.0))):
        raise TypeError(f"not an array: {value!r}")
    return xp.asarray(value, copy=True)


def _implemented(name: str) -> Any:
    try:
        from optedu.exercise import registry
    except ImportError:
        return None
    return registry.get(name)


def _checked(function: Any, args: list, kwargs: dict) -> Any:
    """Call a registered rule as a check does: the derived rules must not answer for it."""
    from optedu.exercise import errors, guard

    try:
        with guard.student_code():
            return function(*args, **kwargs)
    except Exception as error:
        raise errors.describe(error) from None
