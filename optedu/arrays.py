r"""Arrays of any library: the namespace that they come from, and their values for NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["namespace", "to_numpy"]


def namespace(*arrays: Any) -> Any:
    r"""Return the array namespace (NumPy, CuPy, array-api-strict, ...) of the arrays.

    Parameters
    ----------
    *arrays : array
        Arrays of one library. Python numbers are ignored.

    Returns
    -------
    module
        The namespace, as array-api-compat wraps it; NumPy itself for NumPy arrays.

    Raises
    ------
    TypeError
        If there is no array among them, or they come from more than one library.
    """
    if all(type(array) is np.ndarray for array in arrays) and arrays:
        return np  # NumPy 2 follows the standard: no wrapper, and no import, is needed.
    from array_api_compat import array_namespace

    try:
        found = array_namespace(*[a for a in arrays if not isinstance(a, (int, float))])
    except TypeError:
        kinds = ", ".join(type(array).__name__ for array in arrays) or "nothing"
        raise TypeError(f"arrays must be arrays of one library, got {kinds}") from None
    return np if found.__name__ == "array_api_compat.numpy" else found


def to_numpy(array: Any) -> np.ndarray:
    r"""Return a NumPy array with the values of `array`, copied from the device where it lives.

    Parameters
    ----------
    array : array or nested sequence of numbers
        Of any array namespace. A NumPy array is returned as it is.

    Returns
    -------
    numpy.ndarray
        In the shape and dtype of `array`.

    Raises
    ------
    TypeError
        If it holds anything but numbers and booleans.
    ValueError
        If the lists are not of one length.

    Examples
    --------
    >>> optedu.backend.to_numpy([1.0, 2.0])
    array([1., 2.])
    """
    if isinstance(array, np.ndarray):
        return array
    get = getattr(array, "get", None)  # CuPy's explicit copy from the GPU
    if callable(get) and hasattr(array, "__cuda_array_interface__"):
        return get()
    # array-api-strict and other CPU libraries speak DLPack or the buffer protocol.
    try:
        return np.from_dlpack(array).copy()
    except (AttributeError, BufferError, RuntimeError, TypeError):
        pass
    try:
        values = np.asarray(array)
    except ValueError as error:
        raise ValueError(f"array must be an array or nested lists of numbers: {error}") from None
    if values.dtype.kind not in "fiubc":
        raise TypeError(f"array must hold numbers, got {type(array).__name__}")
    return values
