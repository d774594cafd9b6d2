r"""What stands in for the kernels where a rule steps a matrix: the pure function, in place.

Products of matrices are not computed element by element, so there is no loop to fuse: the work is
done by the library of the arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from optedu.backend import device
from optedu.compile import array
from optedu.compile.bound import Bound, Kernel, OfCuPy

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = ["kernel", "source"]


class MatrixBound(Bound):
    r"""The pure function, whose results are copied into the arrays."""

    def _prepare(self) -> None:
        for name, value in self.hyper.items():
            if type(value) is not float:
                raise TypeError(
                    f"{name} must be a number, got an array: {self._rule.name} steps a matrix, "
                    "which has no axis of runs"
                )
        self._names: list[str] = []  # of hyper-parameters with something to prepare
        self._levels = []
        self._step = self._advance

    def _advance(self, g: Any, t: int, sums: Mapping[str, Any] | None = None) -> None:
        new, state = self._rule._pure(self._x, g, self._state, t, self.hyper)
        self._x[...] = new
        for name, value in state.items():
            if isinstance(value, float):
                self._state[name] = value
            else:
                self._state[name][...] = value


class CuPyMatrixBound(OfCuPy, MatrixBound):
    r"""The same on a GPU."""


def source(rule: Rule, form: str) -> str:
    r"""Return the code that does the work, and say that it is the pure function.

    Raises
    ------
    ValueError
        If `form` is JavaScript, which has no products of matrices.
    """
    if form == "javascript":
        raise ValueError(
            f"form must be one of array, numpy, numba, cupy for {rule.name}, got 'javascript': it "
            "multiplies matrices"
        )
    return (
        f"# {rule.title} multiplies matrices: there is no loop over elements to fuse. The {form}\n"
        f"# form calls the pure function, and copies its results into place.\n{array.source(rule)}"
    )


def kernel(rule: Rule, form: str) -> Kernel:
    r"""Return what does the steps of a rule in place, for NumPy's arrays or CuPy's.

    Raises
    ------
    RuntimeError
        If there is no GPU, or no CuPy, for that form; the message says which, and what to do.
    """
    if form == "cupy":
        device("gpu")
        return Kernel(rule, "CuPy", CuPyMatrixBound)
    return Kernel(rule, "NumPy", MatrixBound)
