r"""Argument checks, each with an error that names the argument, the value and what was expected."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from optedu.arrays import namespace, to_numpy

__all__ = [
    "boolean",
    "choice",
    "count",
    "finite",
    "floating_array",
    "function",
    "hint",
    "in_range",
    "interval",
    "known",
    "like",
    "nonnegative",
    "number",
    "positive",
    "reals",
    "same_library",
    "same_shape",
    "text",
    "trailing_shape",
]


def number(name: str, value: Any, *, arrays: bool = False) -> Any:
    r"""Return a real number as a Python float.

    Parameters
    ----------
    name : str
        The argument's name, for the error; so in every function of this module.
    value : object
        What the caller passed.
    arrays : bool
        Whether an array of real numbers will do too; it is returned as it is.

    Raises
    ------
    TypeError
        If `value` is no real number; booleans and text are none.
    ValueError
        If it is an integer that no float can hold.
    """
    # A Python float is weakly typed: it leaves float32 state at float32, which np.float64 does not.
    if isinstance(value, (int, float, np.floating, np.integer)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{name} must be finite, got an integer above 1e308") from None
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    if dtype is not None and shape is not None and _is_real(dtype):
        if shape == ():
            return float(value)
        if arrays:
            return value
        raise TypeError(f"{name} must be a real number, got an array of shape {tuple(shape)}")
    raise TypeError(f"{name} must be a real number, got {_describe(value)}")


def in_range(
    name: str,
    value: Any,
    lower: float = -math.inf,
    upper: float = math.inf,
    *,
    lower_open: bool = False,
    upper_open: bool = False,
    arrays: bool = False,
) -> Any:
    r"""Return `value` as a Python float after checking that it lies in a range.

    Parameters
    ----------
    lower, upper : float
        The range.
    lower_open, upper_open : bool
        Whether each end is excluded.
    arrays : bool
        Whether an array will do too, all of whose elements lie in the range.

    Raises
    ------
    TypeError
        If `value` is no real number.
    ValueError
        If it (or an element) lies outside the range, or is NaN.
    """
    value = number(name, value, arrays=arrays)
    above = operator.gt if lower_open else operator.ge
    below = operator.lt if upper_open else operator.le
    if isinstance(value, float):
        if above(value, lower) and below(value, upper):
            return value
        raise ValueError(
            f"{name} must be {_range(lower, upper, lower_open, upper_open)}, got {value!r}"
        )
    elements = to_numpy(value)
    good = above(elements, lower) & below(elements, upper)
    if not bool(np.all(good)):
        wrong = elements[~good].flat[0].item()
        raise ValueError(
            f"every element of {name} must be "
            f"{_range(lower, upper, lower_open, upper_open)}, got {wrong!r}"
        )
    return value


def positive(name: str, value: Any, *, arrays: bool = False) -> Any:
    r"""Return `value` as a float after checking that it is finite and above zero."""
    return in_range(name, value, 0.0, math.inf, lower_open=True, upper_open=True, arrays=arrays)


def nonnegative(name: str, value: Any, *, arrays: bool = False) -> Any:
    r"""Return `value` as a float after checking that it is finite and not below zero."""
    return in_range(name, value, 0.0, math.inf, upper_open=True, arrays=arrays)


def interval(
    name: str, value: Any, *, point: bool = False, infinite: bool = False
) -> tuple[float, float]:
    r"""Return a pair of numbers, the lower first, as floats.

    Parameters
    ----------
    point : bool
        Whether both ends may be one number.
    infinite : bool
        Whether an end may be infinite.

    Raises
    ------
    TypeError
        If `value` is no pair of real numbers.
    ValueError
        If the ends are in the wrong order, NaN, or infinite where they must not be.
    """
    try:
        if isinstance(value, str):
            raise TypeError
        low, high = value
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a pair (low, high), got {_describe(value)}") from None
    low, high = number(name, low), number(name, high)
    if not (low < high or (point and low == high)):
        order = "low <= high" if point else "low < high"
        raise ValueError(f"{name} must be a pair (low, high) with {order}, got ({low}, {high})")
    if not infinite and not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name} must be a pair of finite numbers, got ({low}, {high})")
    return low, high


def boolean(name: str, value: Any) -> bool:
    r"""Return `value` after checking that it is `True` or `False`.

    Raises
    ------
    TypeError
        If it is anything else, 0 and 1 included.
    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, got {_describe(value)}")


def text(name: str, value: Any) -> str:
    r"""Return `value` after checking that it is a string with something in it.

    Raises
    ------
    TypeError
        If it is not a string.
    ValueError
        If it is empty.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {_describe(value)}")
    if not value.strip():
        raise ValueError(f"{name} must not be empty, got {value!r}")
    return value


def function(name: str, value: Any, *arguments: str, more: bool = False) -> Any:
    r"""Return `value` after checking that it can be called with these positional arguments.

    Parameters
    ----------
    *arguments : str
        Their names, for the message.
    more : bool
        Whether it may need further arguments.

    Raises
    ------
    TypeError
        If it is not callable, or its signature does not fit; the message gives both.
    """
    if not callable(value):
        raise TypeError(f"{name} must be callable, got {type(value).__name__}")
    import inspect

    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):  # some built-in functions have none
        return value
    try:
        (signature.bind_partial if more else signature.bind)(*arguments)
    except TypeError as error:
        own = getattr(value, "__name__", type(value).__name__)
        raise TypeError(
            f"{name} must be callable as {name}({', '.join(arguments)}), "
            f"got {own}{signature}: {error}"
        ) from None
    return value


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
        raise ValueError(
            f"{name} must be one of {', '.join(options)}, got {value!r}{hint(value, options)}"
        )
    return value


def hint(value: str, options: Iterable[str]) -> str:
    r"""Return the question whether the nearest of `options` was meant; empty if none is near."""
    import difflib

    options = list(options)
    near = difflib.get_close_matches(value, options, n=1)
    # Capitals are no reason to miss a name.
    near = near or [o for o in options if o.lower() == value.lower()]
    return f" (did you mean {near[0]!r}?)" if near else ""


def known(what: str, given: Iterable[str], options: Iterable[str]) -> None:
    r"""Check that every keyword in `given` is one that `what` takes.

    Raises
    ------
    TypeError
        If one is not; the message lists those that there are, and the nearest.
    """
    options = list(options)
    for name in given:
        if name not in options:
            listed = ", ".join(options) or "none"
            raise TypeError(f"{what} takes no {name!r}; it takes {listed}{hint(name, options)}")


def floating_array(name: str, value: Any) -> Any:
    r"""Return `value` after checking that it is a floating-point array of some array namespace.

    Raises
    ------
    TypeError
        If it is no array, or an array of integers, booleans, complex numbers or objects, or in the
        byte order of another machine.
    """
    dtype = getattr(value, "dtype", None)
    if dtype is None or not hasattr(value, "shape"):
        raise TypeError(f"{name} must be a floating-point array, got {_describe(value)}")
    if not _is_floating(dtype):
        raise TypeError(f"{name} must be a floating-point array, got dtype {_dtype_name(dtype)}")
    if not getattr(dtype, "isnative", True):
        # Its name is that of the native one, and yet the two are different dtypes.
        raise TypeError(
            f"{name} must be in this machine's byte order, got dtype {dtype.str}: "
            f".astype({dtype.name!r}) converts it"
        )
    return value


def reals(name: str, value: Any) -> np.ndarray:
    r"""Return a new NumPy array of doubles from an array, or nested lists, of real numbers.

    Raises
    ------
    TypeError
        If there is anything else in it: booleans, complex numbers, text, `None`.
    ValueError
        If the lists are not of one length.
    """
    try:
        array = to_numpy(value) if hasattr(value, "dtype") else np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{name} must be an array, got lists of different lengths: {_describe(value)}"
        ) from None
    if array.dtype.kind == "O" and array.size and all(_is_number(v) for v in array.flat):
        return array.astype(float)  # exact numbers, such as SymPy's
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array.astype(float)


def like(name: str, value: Any, other_name: str, other: Any) -> Any:
    r"""Return `value` after checking that it is an array of the kind of another.

    Raises
    ------
    TypeError
        If it is no floating-point array, or of another library or dtype.
    ValueError
        If it has another shape.
    """
    floating_array(name, value)
    same_library(name, value, other_name, other)
    same_shape(name, value, other_name, other)
    if value.dtype != other.dtype:
        raise TypeError(
            f"{name} must have the dtype of {other_name}, {_dtype_name(other.dtype)}, "
            f"got {_dtype_name(value.dtype)}"
        )
    return value


def same_library(name: str, value: Any, other_name: str, other: Any) -> None:
    r"""Check that two arrays come from one library.

    Raises
    ------
    TypeError
        If they don't; the message names both libraries.
    """
    library, wanted = (type(array).__module__.partition(".")[0] for array in (value, other))
    if library != wanted:
        raise TypeError(f"{name} must be an array of {wanted}, as {other_name} is, got {library}")


def trailing_shape(name: str, value: Any, x: Any) -> None:
    r"""Check that an array of hyper-parameters broadcasts over the trailing axes of `x`.

    Raises
    ------
    ValueError
        If it does not; the message gives both shapes.
    """
    shape, wanted = tuple(value.shape), tuple(x.shape)
    if len(shape) > len(wanted) or shape != wanted[len(wanted) - len(shape) :]:
        raise ValueError(
            f"{name} must have the shape of the trailing axes of x, {wanted}, got {shape}"
        )


def same_shape(name: str, value: Any, other_name: str, other: Any) -> None:
    r"""Check that two arrays have one shape.

    Raises
    ------
    TypeError
        If one is no array.
    ValueError
        If the shapes differ; the message gives both.
    """
    for label, array in ((name, value), (other_name, other)):
        if not hasattr(array, "shape"):
            raise TypeError(f"{label} must be an array, got {_describe(array)}")
    if tuple(value.shape) != tuple(other.shape):
        raise ValueError(
            f"{name} must have the shape of {other_name}, {tuple(other.shape)}, "
            f"got {tuple(value.shape)}"
        )


def finite(name: str, value: Any) -> Any:
    r"""Return an array (or number) after checking that it holds no NaN and no infinity.

    Raises
    ------
    TypeError
        If it is neither a number nor an array of floating-point numbers.
    ValueError
        If it does; the message gives the first such element and its index.
    """
    if getattr(value, "dtype", None) is None:
        value = number(name, value)
        if math.isfinite(value):
            return value
        raise ValueError(f"{name} must be finite, got {value!r}")
    floating_array(name, value)
    good = namespace(value).isfinite(value)
    if not bool(namespace(value).all(good)):
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


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


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
