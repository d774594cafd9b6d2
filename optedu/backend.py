r"""The array backend: found from the arrays that come in, never from a global switch."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from optedu.arrays import namespace, to_numpy
from optedu.validate import choice

__all__ = ["Device", "device", "gpu_available", "namespace", "to_numpy"]


@dataclass(frozen=True)
class Device:
    r"""Where arrays are made: `xp` is the namespace to make them with."""

    name: str
    xp: ModuleType

    def asarray(self, values: Any, dtype: Any = None) -> Any:
        r"""Return `values` as an array on this device.

        Parameters
        ----------
        values : array or nested sequence of numbers
            Of any array namespace.
        dtype : dtype, optional
            Of the new array; that of `values` where it is not given.

        Raises
        ------
        TypeError
            If `values` hold anything but numbers and booleans.
        ValueError
            If the lists are not of one length.
        """
        return self.xp.asarray(to_numpy(values), dtype=dtype)


def gpu_available() -> bool:
    r"""Say whether CuPy is installed and finds a GPU that it can use."""
    return _gpu_problem() is None


def device(name: str = "cpu") -> Device:
    r"""Return the device to make arrays on.

    Parameters
    ----------
    name : {"cpu", "gpu"}
        NumPy's memory or the GPU's, through CuPy.

    Raises
    ------
    ValueError
        If `name` is neither.
    RuntimeError
        If there is no GPU, or no CuPy; the message says which, and what to do.

    Examples
    --------
    >>> optedu.device("cpu").asarray([1.0, 2.0])
    array([1., 2.])
    """
    if choice("name", name, ("cpu", "gpu")) == "cpu":
        return Device("cpu", np)
    problem = _gpu_problem()
    if problem:
        raise RuntimeError(f"no GPU can be used: {problem}")
    import cupy

    return Device("gpu", cupy)


def _gpu_problem() -> str | None:
    try:
        import cupy
    except ImportError:
        return (
            "CuPy is not installed; install the build for your CUDA version, "
            "for example: pip install cupy-cuda12x"
        )
    # `import cupy` works without a driver and the first allocation raises: ask before.
    if not cupy.is_available():
        return "CuPy is installed but finds no CUDA device (is the NVIDIA driver loaded?)"
    return None
