r"""Numbers and NumPy arrays by name: how steps of a derived rule cross, hundreds in one run.

A value is a number, an array (``[dtype, length, ...]`` and the next buffer) or an object of values.
What :mod:`.codec` does besides (aliases, views, changed arguments) these have no use for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from optedu.grading.wire.codec import dtype_of, shape_of
from optedu.grading.wire.kinds import CannotCross

__all__ = ["read", "write"]

_MAX_DEPTH = 4


def write(value: Any, buffers: list[bytes]) -> Any:
    """The value as JSON; the bytes of its arrays go to the end of ``buffers``."""
    kind = type(value)
    if kind is float or kind is int:
        return value
    if kind is np.ndarray and not value.dtype.hasobject:
        buffers.append(value.tobytes())
        return [value.dtype.str, *value.shape]
    if kind is dict:
        return {name: write(each, buffers) for name, each in value.items()}
    raise CannotCross(f"a value of type {kind.__name__} is no number and no array")


def read(message: Any, buffers: Iterator[bytes], depth: int = 0) -> Any:
    """The value that :func:`write` has written.

    Raises
    ------
    CannotCross
        If it is none.
    """
    kind = type(message)
    if kind is float or kind is int:
        return message
    if kind is dict and depth < _MAX_DEPTH:
        return {name: read(each, buffers, depth + 1) for name, each in message.items()}
    if kind is not list or not message:
        raise CannotCross("not a number or an array")
    try:
        array = np.frombuffer(next(buffers), dtype_of(message[0]))
        return array.reshape(shape_of(message[1:])).copy()
    except (StopIteration, TypeError, ValueError) as error:
        raise CannotCross(f"not an array: {error}") from None
