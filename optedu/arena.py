r"""The flat arena: many tensors in one buffer, so that a step over them all is one kernel call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from optedu import validate
from optedu.backend import namespace

__all__ = ["Arena", "flatten"]


def flatten(name: str, params: Any) -> tuple[list[Any], list[str], Callable[[list[Any]], Any]]:
    r"""Return the arrays of `params`, a name for each, and what rebuilds the structure.

    Parameters
    ----------
    name : str
        The argument's name, for errors.
    params : array, or list or dict of arrays
        Parameters, gradients or state.

    Raises
    ------
    TypeError
        If it is anything else, or holds anything but floating-point arrays.
    ValueError
        If it is empty.
    """
    keys: list[Any] | None = None
    if isinstance(params, Mapping):
        keys = list(params)
        arrays, names = list(params.values()), [f"{name}[{key!r}]" for key in keys]
    elif isinstance(params, (list, tuple)):
        arrays, names = list(params), [f"{name}[{i}]" for i in range(len(params))]
    else:
        arrays, names = [params], [name]

    def rebuild(values: list[Any]) -> Any:
        if keys is not None:
            return dict(zip(keys, values, strict=True))
        return list(values) if isinstance(params, (list, tuple)) else values[0]

    if not arrays:
        raise ValueError(f"{name} must hold at least one array, got {params!r}")
    for label, array in zip(names, arrays, strict=True):
        validate.floating_array(label, array)
    return arrays, names, rebuild


class Arena:
    r"""Arrays of one dtype, copied into one flat buffer.

    Attributes
    ----------
    flat : array
        The buffer, of shape `(elements,)`.
    views : list of array
        The tensors, in their shapes: views of the buffer.
    shapes : list of tuple
        Their shapes.
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        xp = namespace(*arrays)
        self.shapes = [tuple(a.shape) for a in arrays]
        # A copy even of a single array: what the caller passed stays as it is.
        self.flat = xp.concat([xp.reshape(a, (-1,)) for a in arrays])
        self.views = self.split(self.flat)

    def split(self, flat: Any) -> list[Any]:
        r"""Return views of another buffer of this layout, in the shapes of the tensors."""
        xp = namespace(flat)
        views, start = [], 0
        for shape in self.shapes:
            end = start + prod(shape)
            views.append(xp.reshape(flat[start:end], shape))
            start = end
        return views

    def gather(self, arrays: Sequence[Any], out: Any) -> Any:
        r"""Copy arrays of the arena's shapes into the buffer `out`, and return it."""
        if isinstance(out, np.ndarray):
            # One call in C for any number of tensors.
            return np.concatenate(arrays, axis=None, out=out)
        xp = namespace(out)
        out[...] = xp.concat([xp.reshape(a, (-1,)) for a in arrays])
        return out
