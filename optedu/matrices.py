r"""Functions of whole matrices, for the equations of a rule.

Between matrices `*`, `/` and powers go element by element, as everywhere in a rule; a product of
matrices is `matmul(a, b)`.
"""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer, Lambda, Poly, Rational, Symbol

from optedu.quantities import MatrixFunction

__all__ = [
    "QUINTIC",
    "coefficients",
    "column_sums",
    "inverse_root",
    "matmul",
    "orthogonalized",
    "row_sums",
    "transposed",
]

_sigma = Symbol("sigma", real=True)

QUINTIC = Lambda(
    _sigma,
    Rational(34445, 10000) * _sigma
    - Rational(4775, 1000) * _sigma**3
    + Rational(20315, 10000) * _sigma**5,
)
r"""What one iteration of Muon does to each singular value (Jordan et al. 2024).

It is steep at 0, so that few iterations do, and settles near 1, not at it.

Examples
--------
>>> QUINTIC(1)
701/1000
"""


def coefficients(polynomial: Lambda) -> tuple[Rational, ...]:
    r"""Return the coefficients of an odd polynomial, that of the first power first.

    Raises
    ------
    TypeError
        If it is no `sympy.Lambda` of one variable.
    ValueError
        If it is no odd polynomial with numbers as coefficients.

    Examples
    --------
    >>> coefficients(QUINTIC)
    (6889/2000, -191/40, 4063/2000)
    """
    if not isinstance(polynomial, Lambda) or len(polynomial.variables) != 1:
        raise TypeError(f"polynomial must be a sympy.Lambda of one variable, got {polynomial!r}")
    (variable,) = polynomial.variables
    if not polynomial.expr.is_polynomial(variable):
        raise ValueError(f"polynomial must be an odd polynomial, got {polynomial.expr}")
    found = Poly(polynomial.expr, variable).all_coeffs()[::-1]
    if any(c != 0 for c in found[::2]) or not all(c.is_number for c in found) or len(found) < 2:
        raise ValueError(f"polynomial must be an odd polynomial, got {polynomial.expr}")
    return tuple(found[1::2])


def _factor(printer: Any, expr: Expr) -> str:
    inner = printer._print(expr)
    return rf"\left({inner}\right)" if printer._needs_mul_brackets(expr) else inner


def _power(base: str, exp: str | None) -> str:
    return base if exp is None else rf"\left({base}\right)^{{{exp}}}"


class matmul(MatrixFunction):
    r"""The product of two matrices.

    Examples
    --------
    >>> from optedu.latex import latex
    >>> from optedu.symbols import g
    >>> latex(matmul(g, transposed(g)))
    'g_{t} g_{t}^{\\top}'
    """

    nargs = 2

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _power(" ".join(_factor(printer, a) for a in self.args), exp)


class transposed(MatrixFunction):
    r"""The transpose of a matrix, as in :class:`matmul`."""

    nargs = 1

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        (matrix,) = self.args
        inner = printer._print(matrix)
        inner = inner if matrix.is_Symbol else rf"\left({inner}\right)"
        return _power(rf"{inner}^{{\top}}", exp)


class row_sums(MatrixFunction):
    r"""The sum of each row, as a column.

    Examples
    --------
    >>> from optedu.latex import latex
    >>> from optedu.symbols import g
    >>> latex(row_sums(g**2)), latex(column_sums(g))
    ('g_{t}^{2} \\mathbf{1}', '\\mathbf{1}^{\\top} g_{t}')
    """

    nargs = 1

    def _eval_is_nonnegative(self) -> bool | None:
        return self.args[0].is_nonnegative

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _power(rf"{_factor(printer, self.args[0])} \mathbf{{1}}", exp)


class column_sums(MatrixFunction):
    r"""The sum of each column, as a row; see :class:`row_sums`."""

    nargs = 1

    def _eval_is_nonnegative(self) -> bool | None:
        return self.args[0].is_nonnegative

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _power(rf"\mathbf{{1}}^{{\top}} {_factor(printer, self.args[0])}", exp)


class inverse_root(MatrixFunction):
    r"""The root of the inverse of a positive definite matrix: $A^{-1/p}$ is `inverse_root(A, p)`.

    It is taken of the eigenvalues. What rounding has left of those that are far below the largest
    one counts as the rounding of that one.

    Examples
    --------
    >>> from optedu.latex import latex
    >>> from optedu.symbols import g
    >>> latex(inverse_root(matmul(g, transposed(g)), 4))
    '\\left(g_{t} g_{t}^{\\top}\\right)^{-1/4}'
    """

    nargs = 2

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        matrix, root = self.args
        inner = printer._print(matrix)
        inner = inner if matrix.is_Symbol else rf"\left({inner}\right)"
        return _power(rf"{inner}^{{-1/{printer._print(root)}}}", exp)


class orthogonalized(MatrixFunction):
    r"""A matrix after some steps of an iteration that brings its singular values towards 1.

    A step applies an odd polynomial to each singular value and needs products of matrices alone:
    with $p(\sigma) = a \sigma + b \sigma^3 + c \sigma^5$ it maps $M$ to
    $a M + (b A + c A^2) M$, where $A = M M^\top$. No singular value may exceed 1 at the start:
    divide by the Frobenius norm.

    Parameters
    ----------
    matrix : sympy.Expr
        The matrix.
    polynomial : sympy.Lambda
        An odd polynomial; `QUINTIC` where it is not given.
    steps : int
        How often it is applied.

    Raises
    ------
    TypeError, ValueError
        If the polynomial is none, or not odd.

    Examples
    --------
    >>> from optedu.latex import latex
    >>> from optedu.symbols import g
    >>> latex(orthogonalized(g))
    '\\operatorname{NS}_{5}\\left(g_{t}\\right)'
    """

    nargs = 3

    def __new__(
        cls, matrix: Expr, polynomial: Lambda = QUINTIC, steps: int = 5, **options: Any
    ) -> orthogonalized:
        coefficients(polynomial)  # which must be odd
        return super().__new__(cls, matrix, polynomial, Integer(steps), **options)

    @property
    def coefficients(self) -> tuple[float, ...]:
        r"""Those of the polynomial, that of the first power first."""
        return tuple(float(c) for c in coefficients(self.args[1]))

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        matrix, _, steps = self.args
        inner = printer._print(matrix)
        return _power(rf"\operatorname{{NS}}_{{{steps}}}\left({inner}\right)", exp)
