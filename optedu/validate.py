r"""Argument checks, each with an error that names the argument, the value and what was expected."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = [
    "choice",
    "count",
    "finite",
    "floating_array",
    "in_range",
    "nonnegative",
    "number",
    "positive",
    "same_shape",
]


def number(name: str, value: Any) -> Any:
    r"""Return a real number as a Python float; leave an array of real numbers as it is.

    Raises
    ------
    TypeError
        If `value` is no real number, nor an array of real numbers.
    """
    # A Python float is weakly typed: it leaves float32 state at float32, which np.float64 does not.
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, (np.floating, np.integer)):
        return float(value)
    dtype = getattr(value, "dtype", None)
    if dtype is not None and getattr(value, "shape", None) is not None and _is_real(dtype):
        return float(value) if value.shape == () else value
    raise TypeError(f"{name} must be a real number, got {_describe(value)}")


def in_range(
    name: str,
    value: Any,
    lower: float = -math.inf,
    upper: float = math.inf,
    *,
    lower_open: bool = False,
    upper_open: bool = False,
) -> Any:
    r"""Return `value` as a number (or array of numbers) after checking that it lies in a range.

    Raises
    ------
    TypeError
        If `value` is no real number, nor an array of them.
    ValueError
        If it (or an element) lies outside the range, or is NaN.
    """
    value = number(name, value)
    above = operator.gt if lower_open else operator.ge
    below = operator.lt if upper_open else operator.le
    if isinstance(value, float):
        if above(value, lower) and below(value, upper):
            return value
        raise ValueError(
            f"{name} must be {_range(lower, upper, lower_open, upper_open)}, got {value!r}"
        )
    elements = np.asarray(value)
    good = above(elements, lower) & below(elements, upper)
    if not bool(np.all(good)):
        wrong = elements[~good].flat[0].item()
        raise ValueError(
            f"every element of {name} must be "
            f"{_range(lower, upper, lower_open, upper_open)}, got {wrong!r}"
        )
    return value


def positive(name: str, value: Any) -> Any:
    r"""Return `value` after checking that it is finite and above zero."""
    return in_range(name, value, 0.0, math.inf, lower_open=True, upper_open=True)


def nonnegative(name: str, value: Any) -> Any:
    r"""Return `value` after checking that it is finite and not below zero."""
    return in_range(name, value, 0.0, math.inf, upper_open=True)


def count(name: str, value: Any, *, minimum: int = 0) -> int:
    r"""Return `value` as a Python int after checking that it is a whole number, at least `minimum`.

    Raises
    ------
    TypeError
        If `value` is not an integer.
    ValueError
        If it is smaller than `minimum`.
    """
    if isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        result = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {_describe(value)}") from None
    if result < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {result}")
    return result


def choice(name: str, value: Any, options: Iterable[str]) -> str:
    r"""Return `value` after checking that it is one of `options`.

    Raises
    ------
    TypeError
        If `value` is not a string.
    ValueError
        If it is none of the options, which the message lists.
    """
    options = list(options)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {', '.join(options)}, got {_describe(value)}")
    if value not in options:
        import difflib

        near = difflib.get_close_matches(value, options, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"{name} must be one of {', '.join(options)}, got {value!r}{hint}")
    return value


def floating_array(name: str, value: Any) -> Any:
    r"""Return `value` after checking that it is a floating-point array of some array namespace.

    Raises
    ------
    TypeError
        If it is no array, or an array of integers, booleans, complex numbers or objects.
    """
    dtype = getattr(value, "dtype", None)
    if dtype is None or not hasattr(value, "shape"):
        raise TypeError(f"{name} must be a floating-point array, got {_describe(value)}")
    if not _is_floating(dtype):
        raise TypeError(f"{name} must be a floating-point array, got dtype {_dtype_name(dtype)}")
    return value


def same_shape(name: str, value: Any, other_name: str, other: Any) -> None:
    r"""Check that two arrays have one shape.

    Raises
    ------
    ValueError
        If they have not; the message gives both.
    """
    if tuple(value.shape) != tuple(other.shape):
        raise ValueError(
            f"{name} must have the shape of {other_name}, {tuple(other.shape)}, "
            f"got {tuple(value.shape)}"
        )


def finite(name: str, value: Any) -> Any:
    r"""Return an array (or number) after checking that it holds no NaN and no infinity.

    Raises
    ------
    ValueError
        If it does; the message gives the first such element and its index.
    """
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise ValueError(f"{name} must be finite, got {value!r}")
    from optedu.backend import namespace

    good = namespace(value).isfinite(value)
    if not bool(namespace(value).all(good)):
        from optedu.backend import to_numpy

        elements = to_numpy(value)
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(elements))[0])
        where = f" at index {index if len(index) != 1 else index[0]}" if index else ""
        raise ValueError(f"{name} must be finite, got {elements[index].item()!r}{where}")
    return value


def _range(lower: float, upper: float, lower_open: bool, upper_open: bool) -> str:
    if upper == math.inf:
        if lower == 0:
            return "positive" if lower_open else "nonnegative"
        if lower == -math.inf:
            return "a finite number"
        return f"{'greater than' if lower_open else 'at least'} {lower:g}"
    if lower == -math.inf:
        return f"{'less than' if upper_open else 'at most'} {upper:g}"
    return f"in {'(' if lower_open else '['}{lower:g}, {upper:g}{')' if upper_open else ']'}"


def _describe(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} of type {type(value).__name__}"


def _dtype_name(dtype: Any) -> str:
    return str(getattr(dtype, "name", None) or dtype).removeprefix("array_api_strict.")


def _is_floating(dtype: Any) -> bool:
    kind = getattr(dtype, "kind", None)
    return kind == "f" if kind is not None else "float" in _dtype_name(dtype)


def _is_real(dtype: Any) -> bool:
    kind = getattr(dtype, "kind", None)
    if kind is not None:
        return kind in "fiu"
    return any(word in _dtype_name(dtype) for word in ("float", "int"))
