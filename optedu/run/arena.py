r"""The flat arena: many tensors in one buffer, so that a step over them all is one kernel call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from optedu import validate
from optedu.arrays import namespace

__all__ = ["Arena", "ListedViews", "Lone", "NamedViews", "fill", "flatten"]


def flatten(name: str, params: Any) -> tuple[list[Any], list[str], Callable[[str, list[Any]], Any]]:
    r"""Return the arrays of `params`, a name for each, and what rebuilds the structure of views.

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

    def rebuild(label: str, views: list[Any]) -> Any:
        if keys is not None:
            return NamedViews(label, dict(zip(keys, views, strict=True)))
        return ListedViews(label, views) if isinstance(params, (list, tuple)) else views[0]

    if not arrays:
        raise ValueError(f"{name} must hold at least one array, got {params!r}")
    for label, array in zip(names, arrays, strict=True):
        validate.floating_array(label, array)
    return arrays, names, rebuild


def fill(label: str, view: Any, value: Any) -> None:
    r"""Copy an array into a view of the same shape and dtype.

    Raises
    ------
    TypeError, ValueError
        If it does not fit.
    """
    if value is not view:  # as in `params["w"] -= step`, which sets what it has changed
        view[...] = validate.like(label, value, "the array there", view)


def _fixed(self: Any, *_: Any, **__: Any) -> Any:
    raise TypeError(f"{self.label} keeps its arrays: set an entry, which copies into it")


class NamedViews(dict):
    r"""A dictionary of views: to set an entry is to copy into its view."""

    def __init__(self, label: str, views: Mapping[Any, Any]) -> None:
        super().__init__(views)
        self.label = label

    def __setitem__(self, key: Any, value: Any) -> None:
        if key not in self:
            raise KeyError(f"{self.label} has no {key!r}; it has {', '.join(map(repr, self))}")
        fill(f"{self.label}[{key!r}]", self[key], value)

    def update(self, *given: Any, **named: Any) -> None:
        r"""Copy into several views."""
        for key, value in dict(*given, **named).items():
            self[key] = value

    def __ior__(self, other: Any) -> NamedViews:  # type: ignore[misc]
        self.update(other)
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:  # what is kept, or copied, is a dictionary
        return dict, (dict(self),)

    __delitem__ = clear = pop = popitem = setdefault = _fixed


class ListedViews(list):
    r"""A list of views: to set an entry is to copy into its view."""

    def __init__(self, label: str, views: Sequence[Any]) -> None:
        super().__init__(views)
        self.label = label

    def __setitem__(self, index: Any, value: Any) -> None:
        for i, one in _pairs(self.label, range(len(self))[index], value):
            fill(f"{self.label}[{i}]", self[i], one)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)

    __delitem__ = __iadd__ = __imul__ = append = clear = extend = _fixed
    insert = pop = remove = reverse = sort = _fixed


def _pairs(label: str, where: Any, value: Any) -> list[tuple[int, Any]]:
    if isinstance(where, int):
        return [(where, value)]
    values = list(value)
    if len(values) != len(where):
        raise ValueError(f"{label} must be given {len(where)} arrays there, got {len(values)}")
    return list(zip(where, values, strict=True))


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
        self.shapes = [tuple(a.shape) for a in arrays]
        self.flat = self.joined(arrays)
        self.views = self.split(self.flat)

    def joined(self, arrays: Sequence[Any]) -> Any:
        r"""Return arrays of the arena's shapes as one flat array: a copy even of a single one."""
        xp = namespace(*arrays)
        return xp.concat([xp.reshape(a, (-1,)) for a in arrays])

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


class Lone(Arena):
    r"""One array that keeps its shape, for what steps a matrix as a whole."""

    def joined(self, arrays: Sequence[Any]) -> Any:
        r"""Return a copy of the one array."""
        (array,) = arrays
        return namespace(array).asarray(array, copy=True)

    def split(self, flat: Any) -> list[Any]:
        r"""Return the array itself."""
        return [flat]

    def gather(self, arrays: Sequence[Any], out: Any) -> Any:
        r"""Return the gradient as it is: nothing has to be copied."""
        (array,) = arrays
        return array
