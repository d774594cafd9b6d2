"""What a student returns, in tests that hand it to SymPy's evaluators: it never runs as code."""

from __future__ import annotations

import pytest
import sympy as sp

from optedu.grading.wire.expression import UnsafeExpression, read, write
from tests.grading.cells import answer, graded, needs_sandbox, run, scores, setup, text

SETUP = "import sympy as sp\nx, y = sp.symbols('x y')"
UNHARMED = """
import os, sys, builtins
assert not os.path.exists('/tmp/owned') and not hasattr(builtins, 'owned')
assert 'owned' not in sys.modules and 'owned' not in os.environ"""
OWN = "__import__('os').environ.update(owned='1')"
# What a test of an ordinary course says of an answer.
TESTS = (
    "assert sp.expand(answer) == x**2 + 1",
    "assert sp.diff(answer, x) == 2*x",
    "assert sp.simplify(answer - (x**2 + 1)) == 0",
    "assert sp.simplify(answer) == x**2 + 1",
    "assert sp.sympify(answer) == x**2 + 1",
    "assert sp.sympify(str(answer).replace(' ', '')) == x**2 + 1",
    "assert sp.S(answer) == x**2 + 1",
    "assert sp.N(sp.sympify(answer, evaluate=False).subs(x, 1)) == 2.0",
    "assert sp.lambdify(x, answer)(2.0) == 5.0",
    "assert sp.lambdify(x, answer, 'sympy')(2) == 5",
    "assert sp.lambdify([x], [answer], 'numpy')(2.0) == [5.0]",
    "assert sp.lambdify(x, sp.sympify(answer), 'math')(2.0) == 5.0",
    "from sympy.parsing.sympy_parser import parse_expr\nassert parse_expr(str(answer)) == x**2 + 1",
    "assert sp.Matrix([[answer]])[0, 0] == x**2 + 1",
    "assert sp.limit(answer, x, 0) == 1",
    "assert sp.Eq(answer, x**2 + 1) == True",
    "from sympy.parsing.sympy_parser import *\nassert parse_expr(str(answer), "
    "transformations=standard_transformations + (implicit_multiplication_application,)"
    ") == x**2 + 1",
)
ATTACKS = {
    "a call": f"answer = {OWN!r}",
    "a call and the value": f"answer = '[{OWN}, x**2 + 1][1]'.replace(\"'\", '\"')",
    "through a class": 'answer = "().__class__.__mro__[-1].__subclasses__()"',
    "exec": "answer = \"exec('import owned')\"",
    "eval in capitals of another alphabet": f'answer = "\uff45\uff56\uff41\uff4c({OWN!r})"',
    "open": "answer = \"open('/tmp/owned', 'w')\"",
    "a lambda": f'answer = "(lambda: {OWN})()"',
    "a comprehension": f'answer = "sum([1 for _ in [{OWN}]])"',
    "a method": f'answer = "x.subs(x, {OWN})"',
    "a string in a class": f'answer = "Symbol({OWN!r})"',
    "a string in an integral": f'answer = "Integral(x, ({OWN!r}, 0, 1))"',
    "a symbol's name": f"answer = sp.Symbol({OWN!r})",
    "a function's name": 'answer = sp.Function("exec")(sp.Symbol("\'import owned\'"))',
    "a function named with a power": f"answer = sp.Function({OWN + '^exec'!r})(x)",
    "a matrix symbol": f"answer = sp.MatrixSymbol({OWN!r}, 1, 1)[0, 0]",
    "an indexed base": f"answer = sp.IndexedBase({OWN!r})[x]",
    "a dummy": f"answer = sp.Dummy({OWN!r})",
    "a subclass of str": f"""
class S(str):
    def replace(self, *a): return self
answer = S({OWN!r})""",
    "SymPy's own preview": "answer = \"preview(x, viewer='file', filename='/tmp/owned')\"",
    "NumPy's save": "answer = sp.Function('save')(sp.Symbol('x'), x)",
    "a printed form of its own": f"""
class Mine(sp.Symbol):
    def _sympyrepr(self, printer): return {"Integer(" + repr(OWN) + ")"!r}
answer = Mine('x')""",
    "a printed integral of its own": f"""
class Mine(sp.Symbol):
    def _sympyrepr(self, printer): return {"Integral(Symbol('x'), (" + repr(OWN) + ", 1, 2))"!r}
answer = Mine('x')""",
}


@needs_sandbox
@pytest.mark.parametrize("name", ATTACKS)
def test_an_answer_is_never_code(name):
    notebook, outcome = run(
        setup(SETUP), answer("import sympy as sp\n" + ATTACKS[name]),
        *map(graded, TESTS), graded(UNHARMED), graded("assert sp.sympify('x') == x"),
    )  # fmt: skip
    assert scores(notebook) == [0] * len(TESTS) + [1, 1], text(notebook.cells[-2])
    assert outcome.status == "ok"


@needs_sandbox
def test_arguments_that_a_student_names_are_names():
    notebook, _ = run(
        setup(SETUP), answer(f"bad, good = \"x={OWN}\", 'x'"),
        graded("assert sp.lambdify(bad, x)(1) == 1"), graded(UNHARMED),
        graded("assert sp.lambdify(good, x)(1) == 1"),
    )  # fmt: skip
    assert scores(notebook) == [0, 1, 1]


RIGHT = {
    "an expression": "answer = x**2 + 1",
    "an expression of another shape": "answer = sp.factor(x**2 + 1)",
    "a string": "answer = 'x**2 + 1'",
}


@needs_sandbox
@pytest.mark.parametrize("name", RIGHT)
def test_what_is_an_expression_is_read(name):
    # With SymPy as it comes, too, a string is no term of a sum and no side of an equation.
    tests = [t for t in TESTS if name != "a string" or not ("answer - " in t or "Eq(" in t)]
    notebook, _ = run(setup(SETUP), answer(RIGHT[name]), *map(graded, tests))
    wrong = [c.source for c in notebook.cells[2:] if "error" in {o.output_type for o in c.outputs}]
    assert scores(notebook) == [1] * len(tests), wrong


TEXTS = (
    "sqrt(x) + sin(x)/Rational(1, 3) - 2.5e-3*pi", "Piecewise((x, x > 0), (0, True))",
    "Matrix([[1, x], [0, 1]])", "Sum(k**2, (k, 1, n))", "diff(x**3, x)", "Max(x, 1)",
    "max(x, 1) + abs(y)", "5!", "x if True else y", "lambda x: x + 1", "gamma(x) + beta(x, y)",
    "Symbol('x_1', positive=True)", "Float('0.1')", "x & y | ~z",
)  # fmt: skip


@needs_sandbox
def test_a_tests_own_strings_are_read_as_ever():
    """Except for attributes: no expression needs them."""
    asked = "\n".join(
        f"assert str(sp.sympify({t!r}, locals=dict(A=A, B=B))) == {str(_plain(t))!r}"
        for t in TEXTS
    )  # fmt: skip
    made = "A, B = sp.MatrixSymbol('A', 2, 2), sp.IndexedBase('B')\n"
    notebook, _ = run(
        setup(SETUP), graded(made + asked),
        graded("h = sp.lambdify([x, y], 'x*y + sin(x)')\nassert h(0.0, 2) == 0"),
        graded("f = sp.Function('f')\nh = sp.lambdify(x, f(x), [{'f': lambda v: v + 1}, 'numpy'])\n"
               "assert h(1) == 2"),
        graded("h = sp.lambdify(sp.symbols('lambda alpha_1'), sp.Matrix([[sp.Symbol('lambda')]]))\n"
               "assert h(3, 1) == [[3]]"),
        graded("h = sp.lambdify(x, sp.Piecewise((x, x > 0), (0, True)), 'numpy', cse=True)\n"
               "assert h(1.0) == 1"),
        graded("import numpy as np\nh = sp.lambdify(sp.Symbol(r'\\eta'), sp.Symbol(r'\\eta')**2)\n"
               "assert h(3) == 9"),
        graded("sp.sympify('f(x).subs')"),
    )  # fmt: skip
    assert scores(notebook) == [1, 1, 1, 1, 1, 1, 0], text(notebook.cells[1])


def _plain(source):
    return sp.sympify(
        source, locals={"A": sp.MatrixSymbol("A", 2, 2), "B": sp.IndexedBase("B")}
    )  # fmt: skip


NAMES = [
    "x", "x_1", "beta1", r"\eta", r"\hat{m}_t", "x_{t-1}", "x^{(k)}", "x^*",
    "lambda", "ν", "ϵ", "a b",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_of_symbols_cross(name):
    assert read(write(sp.Symbol(name, positive=True))) == sp.Symbol(name, positive=True)


@pytest.mark.parametrize("name", ["f", "u", "S", "N", "E", "beta", "zeta", "theta", r"\phi", "_f"])
def test_names_of_functions_cross(name):
    x = sp.Symbol("x")
    assert read(write(sp.Function(name)(x))) == sp.Function(name)(x)


@pytest.mark.parametrize(
    "expression",
    [
        *(sp.Symbol(n) for n in ("f(x)", "a.b", "x'", 'x"', "x\ny", "x;y", "x[0]", "__x", "x if y",
                                 "", "x" * 101, "x#", "x=1", "x:y", "a or b", "x-1",
                                 "f{(x)}(y)", "{(a)(b)}")),
        *(sp.Function(n)(1) for n in ("eval", "exec", "open", "load", "fromfile", "sympify", "__x",
                                      "lambdify", "lambda", "ｅval", "a b", "f(x)", "vectorize",
                                      "apply_along_axis")),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_name_does_not_cross(expression):
    with pytest.raises(UnsafeExpression):
        read(write(expression))


@pytest.mark.parametrize(
    "text",
    [
        "Integral(Symbol('x'), ('y', 0, 1))",
        "Tuple('x')",
        "Add('x', 1)",
        "Matrix(['x'])",
        "MutableDenseMatrix([['x']])",
        "Symbol('x', positive='x')",
        "Float('1', precision='x')",
        "Function('Float')('1')",
        "Function('Symbol')('x')",
        "Eq(Symbol('x'), 'x')",
        "Symbol('x', dummy_index='x')",
        "'x'",
        "['x']",
    ],
)
def test_no_string_reaches_a_constructor_that_would_read_it(text):
    with pytest.raises(UnsafeExpression):
        read(text)
