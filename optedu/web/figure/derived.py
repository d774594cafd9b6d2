r"""What the figures draw besides the runs, derived from the rules in SymPy.

Each function returns expressions; `optedu.web.figure.script` prints them as JavaScript.
"""

from __future__ import annotations

from functools import cache

import sympy
from sympy import Expr, Matrix, Max, Symbol, sqrt

from optedu import derive, rules, schedules
from optedu.quantities import x
from optedu.rule import Rule
from optedu.symbols import batch_size, g, lr, momentum, t

__all__ = [
    "CURVATURE",
    "MOMENT",
    "NOISE",
    "VARIANCE",
    "composed",
    "eigenvalues",
    "iteration_matrix",
    "momentum_parts",
    "noise_floor",
    "noise_std",
    "second_moment",
    "stability_limit",
    "warmup_lr",
]

CURVATURE = Symbol("lam", real=True)
NOISE = Symbol("sigma", nonnegative=True)
MOMENT = Symbol("E", nonnegative=True)  # of x, the mean of its square
VARIANCE = Symbol("s", nonnegative=True)  # of the gradient's noise


def composed(rule: Rule) -> dict[Symbol, Expr]:
    r"""Return the new x and states in terms of the old ones, g, t and the hyper-parameters."""
    values: dict[Symbol, Expr] = {}
    for equation in rule.equations:
        values[equation.lhs] = equation.rhs.subs(values)
    return {state.new: values[state.new] for state in (x, *rule.states)}


@cache
def iteration_matrix(rule: Rule) -> Matrix | None:
    r"""Return the matrix of a step on $\lambda x^2/2$, or None where the step is not linear.

    The step is one after the first, which some rules treat apart. A step that goes on changing has
    no one matrix.
    """
    old = [x.old, *(state.old for state in rule.states)]
    if len(old) > 2 or any(state.scalar for state in rule.states):
        return None
    new = [expr.subs(t, 2).subs(g, CURVATURE * x.old) for expr in composed(rule).values()]
    later = [expr.subs(t, 3).subs(g, CURVATURE * x.old) for expr in composed(rule).values()]
    if any(sympy.simplify(a - b) != 0 for a, b in zip(new, later, strict=True)):
        return None
    try:
        return derive.iteration_matrix(new, old).applyfunc(sympy.simplify)
    except ValueError:
        return None


def eigenvalues(matrix: Matrix) -> tuple[Expr, Expr, Expr, Expr]:
    r"""Return real and imaginary part of both eigenvalues of a real matrix of order 1 or 2."""
    if matrix.rows == 1:
        return (matrix[0, 0], sympy.S.Zero) * 2
    half = matrix.trace() / 2
    discriminant = half**2 - matrix.det()
    spread, turn = sqrt(Max(discriminant, 0)), sqrt(Max(-discriminant, 0))
    return half + spread, turn, half - spread, -turn


@cache
def stability_limit(rule: Rule) -> Expr | None:
    r"""Return the learning rate at which a step on $\lambda x^2/2$ stops converging, or None.

    It is where the iteration matrix M has the eigenvalue -1: the determinant of M + 1 is zero
    there, and linear in the learning rate. In the rules of the course no eigenvalue leaves the unit
    circle before.
    """
    matrix = iteration_matrix(rule)
    if matrix is None:
        return None
    (limit,) = sympy.solve((matrix + sympy.eye(matrix.rows)).det(), lr)
    return sympy.factor(limit)


def momentum_parts(rule: Rule) -> tuple[str, Expr, Expr] | None:
    r"""Split the step of a momentum method in two: the state's name, base and coast.

    The base is where the plain momentum iterate stands, coast where momentum alone takes it; the
    gradient then leads from coast to the next base. Heavy ball evaluates the gradient at the base,
    Nesterov's method at coast. Returns None for rules of another kind.
    """
    new = composed(rule)
    if len(rule.states) != 1 or iteration_matrix(rule) is None:
        return None
    state = rule.states[0]
    coasting = new[x.new].subs(t, 2).subs(g, 0)
    for base in (x.old, x.old + lr * momentum * state.old):
        # The base is right if the next base is coast minus a multiple of the gradient of one lr.
        coast = x.old if base != x.old else coasting
        after = base.subs({x.old: new[x.new], state.old: new[state.new]}, simultaneous=True)
        rest = after.subs(t, 2) - coast + lr * g
        free = {h.symbol: 0 for h in rule.hypers if h.symbol not in (lr, momentum)}
        if sympy.simplify(rest.subs(free)) == 0:
            return state.name, base, coast.subs(free)
    return None


def noise_std() -> Expr:
    r"""Return the standard deviation of the mean of B independent gradients."""
    return NOISE / sqrt(batch_size)


def warmup_lr() -> Expr:
    r"""Return the learning rate of step t under a linear warm-up."""
    return schedules.warmup(schedules.constant(1), 1).expression


@cache
def second_moment(rule: Rule) -> Expr | None:
    r"""Return the mean of $x^2$ after a step on $\lambda x^2/2$, from the one before.

    The gradient carries noise of mean 0 and variance s that knows nothing of x: in the square of
    the step, the mean of $x^2$ is E, that of the noise's square s, and the mixed term has none.
    None for a rule that keeps a state, changes with the step, or is not linear.
    """
    noise = Symbol("noise", real=True)
    step = composed(rule)[x.new]
    if rule.states or step.has(t):
        return None
    try:
        square = sympy.Poly(step.subs(g, CURVATURE * x.old + noise) ** 2, x.old, noise)
    except sympy.PolynomialError:
        return None
    means = {(2, 0): MOMENT, (1, 1): sympy.S.Zero, (0, 2): VARIANCE}
    if not set(square.monoms()) <= set(means):
        return None
    return sum(sympy.factor(c) * means[powers] for powers, c in square.terms())


def noise_floor() -> Expr:
    r"""Return SGD's stationary $E[x^2]$ on $\lambda x^2/2$ with noisy gradients.

    It is the fixed point of the second moment.
    """
    moment = second_moment(rules.get("sgd").at(weight_decay=0))
    assert moment is not None
    moment = moment.subs(VARIANCE, noise_std() ** 2)
    (fixed,) = sympy.solve(sympy.Eq(MOMENT, moment), MOMENT)
    return sympy.factor(fixed)
