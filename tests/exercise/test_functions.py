"""One table of functions: the same answer as an object, as text and over the wire."""

import numpy as np
import pytest
import sympy as sp

import optedu
from optedu.exercise import CheckFailed
from optedu.exercise.evaluation import evaluate
from optedu.grading.wire import expression
from optedu.safe_expr import functions, reader

x, y = sp.symbols("x y")
n, k = sp.symbols("n k", integer=True, positive=True)
# Inside the domain of each; acosh and its like have branches that are no matter here.
ARGUMENTS = {
    "acosh": (x + 2,), "acoth": (x + 2,), "asec": (x + 2,), "acsc": (x + 2,), "Mod": (x, y),
    "atan2": (x, y), "binomial": (n, 2), "harmonic": (n,), "RisingFactorial": (x, n), "rf": (x, n),
    "FallingFactorial": (x, n), "ff": (x, n), "polygamma": (1, x), "KroneckerDelta": (n, k),
    "Max": (x, y), "Min": (x, y), "max": (x, y), "min": (x, y), "Add": (x, y), "Mul": (x, y),
}  # fmt: skip
RANGES = {"x": (0.05, 0.95), "y": (0.05, 0.95)}


def verdict(answer, expected):
    try:
        optedu.check_expression(answer, expected, variables=RANGES)
    except CheckFailed:
        return "wrong"
    return "right"


@pytest.mark.parametrize("name", functions.NAMES)
def test_every_function_is_the_same_at_home_as_text_and_over_the_wire(name):
    value = functions.NAMES[name](*ARGUMENTS.get(name, (x,)))
    over = expression.read(expression.write(value))
    assert over == value
    text = reader.parse(str(value), {"n": n, "k": k})
    assert text == value
    assert [verdict(form, value) for form in (value, over, str(value))] == ["right"] * 3
    wrong = value + x / 7
    over = expression.read(expression.write(wrong))
    assert [verdict(form, value) for form in (wrong, over, str(wrong))] == ["wrong"] * 3


@pytest.mark.parametrize("name", functions.NAMES)
def test_values_are_those_of_sympy(name):
    value = functions.NAMES[name](*ARGUMENTS.get(name, (x,)))
    points = {x: np.array([0.3, 0.8]), y: np.array([0.6, 0.35]), n: np.array([1.0, 4.0]),
              k: np.array([4.0, 4.0])}  # fmt: skip
    values = np.broadcast_to(evaluate(value, points), (2,))
    for i, got in enumerate(values):
        exact = complex(value.subs({s: sp.nsimplify(v[i]) for s, v in points.items()}).evalf(20))
        assert abs(got - exact) <= 1e-12 * (1 + abs(exact))


g = sp.IndexedBase("g")
A = sp.MatrixSymbol("A", 2, 2)
WITHOUT_VALUES = [
    sp.Integral(x, (x, 0, 1)), sp.Integral(x**2, x), sp.Derivative(x**3, x), sp.besselj(0, x),
    sp.zeta(x), sp.Function("f")(x), g[n], sp.Sum(g[n], (n, 1, 3)), A[0, 1], A * A, sp.Trace(A),
    sp.Lambda(x, x**2), sp.Interval(0, 1), sp.FiniteSet(1, x), sp.Eq(x, y), x < y, sp.true,
    sp.Subs(sp.Derivative(sp.Function("f")(x), x), x, 0), sp.Order(x**2), sp.oo, -sp.oo, sp.zoo,
    sp.nan, sp.Tuple(x, y), sp.DiracDelta(x), sp.fibonacci(n), sp.Contains(x, sp.S.Reals),
]  # fmt: skip


@pytest.mark.parametrize("value", WITHOUT_VALUES, ids=str)
def test_what_has_no_value_is_wrong_everywhere_and_crosses_none_the_less(value):
    over = expression.read(expression.write(value))
    assert over == value or value is sp.nan
    assert [verdict(form, x) for form in (value, over)] == ["wrong"] * 2


@pytest.mark.parametrize(
    "value",
    [sp.EulerGamma * x, sp.GoldenRatio + x, x**sp.Rational(1, 3), x % 1, x // 1 + x,
     sp.Piecewise((x, x < sp.Rational(1, 2)), (1, True)), sp.Sum(x**n, (n, 1, 4)),
     sp.Product(x + n, (n, 1, 4)), sp.Float("0.1") * x],
    ids=str,
)  # fmt: skip
def test_forms_that_have_values(value):
    over = expression.read(expression.write(value))
    assert [verdict(form, value) for form in (value, over)] == ["right"] * 2


def test_matrices_in_every_form():
    right = sp.Matrix([[x, 1], [0, x]])
    unfinished = sp.MatMul(sp.ImmutableMatrix([[1, 0], [0, 1]]), sp.ImmutableMatrix(right))
    for answer in (right, right.as_immutable(), sp.SparseMatrix(right), unfinished):
        over = expression.read(expression.write(answer))
        assert [verdict(form, right) for form in (answer, over)] == ["right"] * 2
    assert verdict(sp.Identity(2), right) == "wrong"


@pytest.mark.parametrize(
    "text",
    ["MutableDenseMatrix([['1+1']])", "Tuple(('1+1',))", "Lambda(Symbol('x'), ['1+1'])",
     "FiniteSet('1+1')", "Add(['1+1'])", "harmonic(Integer(1000000))", "fibonacci(10**8)",
     "fibonacci(Integer(100000000))", "factorial(Integer(100000))", "WildFunction('x')"],
)  # fmt: skip
def test_no_text_is_evaluated_and_nothing_grows(text):
    with pytest.raises(expression.UnsafeExpression):
        expression.read(text)


def test_binomials_and_powers_at_the_ends():
    optedu.check_expression(n * (n - 1) / 2, sp.binomial(n, 2))
    optedu.check_expression(sp.harmonic(n), sp.Sum(1 / k, (k, 1, n)))
