r"""The functions of matrices that the printed code of a rule calls, on any array namespace."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from optedu.arrays import namespace

__all__ = ["FUNCTIONS", "column_sums", "inverse_root", "orthogonalized", "row_sums", "source"]


def orthogonalized(m: Any, coefficients: tuple[float, ...], steps: int) -> Any:
    r"""Apply an odd polynomial to the singular values of a matrix, several times.

    Parameters
    ----------
    m : array
        A matrix.
    coefficients : tuple of float
        Of the powers 1, 3, 5, ...
    steps : int
        How often it is applied.
    """
    xp = namespace(m)
    tall = m.shape[0] > m.shape[1]
    if tall:  # the smaller of the two products with the transpose
        m = xp.matrix_transpose(m)
    # Of a long matrix two or three steps are taken together, on its product with the transpose
    # alone. With more, what is small would be lost in the rounding of the squares.
    together = 3 if m.shape[1] >= 2 * m.shape[0] else 1
    first = coefficients[0] * xp.eye(m.shape[0], dtype=m.dtype)
    factor = None
    for left in reversed(range(steps)):
        # A matrix times its own transpose is half the work for NumPy: the result is symmetric.
        if factor is None:
            gram = xp.matmul(m, xp.matrix_transpose(m))
        power, sum_ = gram, first + coefficients[1] * gram
        for c in coefficients[2:]:
            power = xp.matmul(power, xp.matrix_transpose(gram))
            sum_ += c * power
        factor = sum_ if factor is None else xp.matmul(sum_, factor)
        if left % together == 0:
            m, factor = xp.matmul(factor, m), None
        else:
            gram = xp.matmul(xp.matmul(sum_, xp.matrix_transpose(sum_)), gram)
    return xp.matrix_transpose(m) if tall else m


def inverse_root(a: Any, root: int) -> Any:
    r"""Return $A^{-1/p}$ of a positive definite matrix."""
    xp = namespace(a)
    if not bool(xp.all(xp.isfinite(a))):  # of which NumPy finds no eigenvalues, and raises
        return a * float("nan")
    values, vectors = xp.linalg.eigh(a)
    # What is smaller is rounding.
    least = xp.max(values) * xp.finfo(a.dtype).eps
    powers = xp.maximum(values, least) ** (-1.0 / root)
    return xp.matmul(vectors * powers, xp.matrix_transpose(vectors))


def row_sums(a: Any) -> Any:
    r"""Return the sums of the rows, as a column."""
    return namespace(a).sum(a, axis=1, keepdims=True)


def column_sums(a: Any) -> Any:
    r"""Return the sums of the columns, as a row."""
    return namespace(a).sum(a, axis=0, keepdims=True)


FUNCTIONS = {f.__name__: f for f in (orthogonalized, inverse_root, row_sums, column_sums)}
r"""By the name in the code."""


def source(name: str) -> str:
    r"""Return the code of one of them, without its docstring."""
    tree = ast.parse(inspect.getsource(FUNCTIONS[name]))
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    del function.body[0]
    function.returns = None
    for argument in function.args.args:
        argument.annotation = None
    return f"{ast.unparse(tree)}\n\n\n"
