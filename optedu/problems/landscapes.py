r"""Classical landscapes: valleys, several minima, saddles and plateaus."""

from __future__ import annotations

import numpy as np
import sympy
from sympy import Expr, Rational, exp

from optedu import validate
from optedu.problems.expressions import Chain, Symbolic, chain, coordinates

__all__ = [
    "beale",
    "double_well",
    "himmelblau",
    "monkey_saddle",
    "plateau",
    "rosenbrock",
    "saddle",
    "saturated_neuron",
    "styblinski_tang",
    "tiny_network",
]

_a, _b = sympy.symbols("a b", real=True)


def exact(value: float) -> Rational:
    r"""Return the rational that the shortest decimal of a float means: 0.1 is 1/10."""
    return Rational(repr(float(value)))


def rosenbrock(dim: int = 2) -> Symbolic | Chain:
    r"""Return Rosenbrock's valley, $\sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2$.

    The minimum 0 at (1, ..., 1) lies in a curved valley whose floor is almost flat. From the usual
    start (-1.2, 1) the condition number at the minimizer, about 2508, sets the pace. [#]_

    Parameters
    ----------
    dim : int
        Dimension, at least 2. From four dimensions on there is also a local minimum.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    References
    ----------
    .. [#] H. H. Rosenbrock, An automatic method for finding the greatest or least value of a
       function, The Computer Journal 3 (1960) 175-184.

    Examples
    --------
    >>> problem = optedu.problems.rosenbrock()
    >>> print(problem.latex())
    f(x, y) = \left(1 - x\right)^{2} + 100 \left(y - x^{2}\right)^{2}
    """
    dim = validate.count("dim", dim, minimum=2)
    return chain(
        100 * (_b - _a**2) ** 2 + (1 - _a) ** 2,
        (_a, _b),
        x0=np.where(np.arange(dim) % 2 == 0, -1.2, 1.0),
        name="rosenbrock",
        title="Rosenbrock's valley",
        minimizer=np.ones(dim),
        minimum=0.0,
        window=((-2.0, 2.0), (-1.0, 3.0)) if dim == 2 else None,
        source_ref="Rosenbrock 1960",
    )


def beale() -> Symbolic:
    r"""Return Beale's function: flat in the middle, steep at the corners, minimum at (3, 1/2). [#]_

    References
    ----------
    .. [#] E. M. L. Beale, On an iterative method for finding a local minimum of a function of more
       than one variable, Technical Report 25, Princeton University (1958).
    """
    x, y = coordinates(2)
    expr: Expr = (
        (Rational(3, 2) - x + x * y) ** 2
        + (Rational(9, 4) - x + x * y**2) ** 2
        + (Rational(21, 8) - x + x * y**3) ** 2
    )
    return Symbolic(
        expr,
        (x, y),
        x0=[-1.0, 1.5],
        name="beale",
        title="Beale's function",
        minimizer=[3.0, 0.5],
        minimum=0.0,
        window=((-4.5, 4.5), (-4.5, 4.5)),
        source_ref="Beale 1958",
    )


def himmelblau() -> Symbolic:
    r"""Return Himmelblau's function, with four global minima, a maximum and four saddles. [#]_

    References
    ----------
    .. [#] D. M. Himmelblau, Applied Nonlinear Programming, McGraw-Hill (1972).
    """
    x, y = coordinates(2)
    return Symbolic(
        (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
        (x, y),
        x0=[0.0, 0.0],
        name="himmelblau",
        title="Himmelblau's function",
        minimizer=[3.0, 2.0],
        minimizers=[
            [3.0, 2.0],
            [-2.805118086952745, 3.131312518250573],
            [-3.779310253377747, -3.283185991286170],
            [3.584428340330492, -1.848126526964404],
        ],
        minimum=0.0,
        window=((-5.0, 5.0), (-5.0, 5.0)),
        source_ref="Himmelblau 1972",
    )


def styblinski_tang(dim: int = 2) -> Symbolic | Chain:
    r"""Return $\frac12 \sum_i x_i^4 - 16 x_i^2 + 5 x_i$: $2^n$ minima, one of them global. [#]_

    Parameters
    ----------
    dim : int
        Dimension, at least 1.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    References
    ----------
    .. [#] M. A. Styblinski, T.-S. Tang, Experiments in nonconvex optimization: stochastic
       approximation with function smoothing and simulated annealing, Neural Networks 3 (1990)
       467-483.
    """
    dim = validate.count("dim", dim, minimum=1)
    best = -2.903534027771177  # the least root of 4 x^3 - 32 x + 5
    return chain(
        (_a**4 - 16 * _a**2 + 5 * _a) / 2,
        (_a,),
        x0=np.full(dim, 0.5),
        name="styblinski_tang",
        title="the Styblinski-Tang function",
        minimizer=np.full(dim, best),
        minimum=-39.16616570377142 * dim,
        window=((-4.5, 4.5),) * dim if dim <= 2 else None,
        source_ref="Styblinski and Tang 1990",
    )


def double_well(tilt: float = 0.0) -> Symbolic:
    r"""Return $x^4/4 - x^2/2 + \tau x$, in one dimension: two minima, of which a tilt favours one.

    Parameters
    ----------
    tilt : float
        $\tau$; with 0 the minima are at -1 and 1, and 0 is a maximum. Both minima exist while
        $|\tau| < 2/(3\sqrt3)$.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.
    """
    tilt = validate.finite("tilt", validate.number("tilt", tilt))
    (x,) = coordinates(1)
    # The critical points are the roots of x^3 - x + tilt; the minimum is the lowest of them.
    roots = np.roots([1.0, 0.0, -1.0, tilt])
    real = np.sort(roots[np.abs(roots.imag) < 1e-9].real)
    values = real**4 / 4 - real**2 / 2 + tilt * real
    return Symbolic(
        x**4 / 4 - x**2 / 2 + exact(tilt) * x,
        (x,),
        x0=[0.1],
        name="double_well",
        title="the double well",
        minimizer=[real[values.argmin()]],
        minimizers=[[-1.0], [1.0]] if tilt == 0 else None,
        minimum=float(values.min()),
        window=((-1.8, 1.8),),
    )


def saddle(a: float = 1.0, b: float = 1.0) -> Symbolic:
    r"""Return the strict saddle $a x^2 - b y^2$, unbounded below.

    Parameters
    ----------
    a, b : float
        Positive. `saddle(0.5, 0.5)` is $x^2/2 - y^2/2$, with curvatures 1 and -1.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.
    """
    a, b = validate.positive("a", a), validate.positive("b", b)
    x, y = coordinates(2)
    return Symbolic(
        exact(a) * x**2 - exact(b) * y**2,
        (x, y),
        x0=[1.0, 1e-3],
        name="saddle",
        title="the saddle",
        minimum=-np.inf,
        window=((-1.5, 1.5), (-1.5, 1.5)),
        L=2 * max(a, b),
    )


def monkey_saddle() -> Symbolic:
    r"""Return $x^3 - 3 x y^2$: a critical point at 0 whose Hessian vanishes; unbounded below."""
    x, y = coordinates(2)
    return Symbolic(
        x**3 - 3 * x * y**2,
        (x, y),
        x0=[1.0, 1e-3],
        name="monkey_saddle",
        title="the monkey saddle",
        minimum=-np.inf,
        window=((-1.5, 1.5), (-1.5, 1.5)),
    )


def plateau(dim: int = 2) -> Symbolic:
    r"""Return $1 - e^{-|x|^2/2}$: a well in a plain, where the gradient vanishes with the distance.

    Parameters
    ----------
    dim : int
        Dimension, at least 1.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.
    """
    dim = validate.count("dim", dim, minimum=1)
    variables = coordinates(dim)
    start = np.zeros(dim)
    start[0] = -3.0
    start[1:2] = 1.0
    return Symbolic(
        1 - exp(-sum(s**2 for s in variables) / 2),
        variables,
        x0=start,
        name="plateau",
        title="the plateau",
        minimizer=np.zeros(dim),
        minimum=0.0,
        window=((-4.0, 4.0),) * dim if dim <= 2 else None,
        L=1.0,
    )


def saturated_neuron(target: float = 0.0) -> Symbolic:
    r"""Return the squared error of one sigmoid neuron with input 1: $\frac12(\sigma(w + b) - y)^2$.

    From the start (2, 2) the sigmoid is saturated: the error is large and the gradient small. [#]_

    Parameters
    ----------
    target : float
        $y$, in [0, 1].

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    References
    ----------
    .. [#] M. A. Nielsen, Neural Networks and Deep Learning (2015), chapter 3.
    """
    target = validate.in_range("target", target, 0.0, 1.0)
    w, b = sympy.symbols("w b", real=True)
    inside = 0.0 < target < 1.0
    return Symbolic(
        (1 / (1 + exp(-w - b)) - exact(target)) ** 2 / 2,
        (w, b),
        x0=[2.0, 2.0],
        name="saturated_neuron",
        title="the saturated neuron",
        minimizer=[np.log(target / (1 - target)) / 2] * 2 if inside else None,
        minimum=0.0,
        window=((-6.0, 6.0), (-6.0, 6.0)),
        source_ref="Nielsen 2015",
    )


def tiny_network(target: float = 0.5) -> Symbolic:
    r"""Return the squared error of a network of two weights: $\frac12(w_2 \tanh w_1 - y)^2$.

    One input, 1, one hidden unit and one output, without biases. The start (0, 0) is a saddle: both
    weights wait for each other. To change the sign of both weights changes nothing.

    Parameters
    ----------
    target : float
        $y$, any number but 0.

    Raises
    ------
    TypeError, ValueError
        If `target` is no finite number, or 0.

    Examples
    --------
    >>> problem = optedu.problems.tiny_network()
    >>> print(problem.grad(problem.x0))
    [-0. -0.]
    """
    target = validate.in_range("target", target)
    if target == 0.0:
        raise ValueError(f"target must not be 0, got {target}")
    first, second = sympy.symbols("w1 w2", real=True)
    reach = max(3.0, 2 * abs(target))
    return Symbolic(
        (second * sympy.tanh(first) - exact(target)) ** 2 / 2,
        (first, second),
        x0=[0.0, 0.0],
        name="tiny_network",
        title="a network of two weights",
        minimum=0.0,
        window=((-reach, reach), (-reach, reach)),
    )
