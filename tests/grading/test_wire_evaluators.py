"""What SymPy does with a student's answer in the kernel with the checks: mathematics, no code."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.grading.cells import answer, graded, needs_sandbox, run, scores, setup, text

SETUP = setup("import sympy as sp\nimport builtins\nx = sp.Symbol('x')")
LEFT = graded("assert not hasattr(builtins, 'CAUGHT')")
CODE = "__import__('builtins').__setattr__('CAUGHT', True) or 2*x"

# Tests as an ordinary course writes them; each is given the right answer, then code.
TESTS = {
    "expand": "assert sp.expand(answer) == 2*x",
    "diff": "assert sp.diff(answer, x) == 2",
    "simplify": "assert sp.simplify(answer) - 2*x == 0",
    "sympify": "assert sp.sympify(answer) == 2*x",
    "parse": "from sympy.parsing.sympy_parser import parse_expr\nassert parse_expr(answer) == 2*x",
    "unevaluated": (
        "from sympy.parsing.sympy_parser import parse_expr\n"
        "assert parse_expr(answer, evaluate=False).doit() == 2*x"
    ),
    "N": "assert abs(sp.N(answer).subs(x, 3) - 6) < 1e-9",
    "S": "assert sp.S(answer) == 2*x",
    "Matrix": "assert sp.Matrix([[answer]])[0] == 2*x",
    "stripped": "assert sp.sympify(answer.strip() + '') == 2*x",
    "lambdify": "assert sp.lambdify(x, answer)(3) == 6",
    "lambdify list": "assert sp.lambdify(x, [answer])(3) == [6]",
    "lambdify text": "assert sp.lambdify('x', answer)(3) == 6",
}


@needs_sandbox
def test_a_string_is_read_as_a_formula_and_never_run():
    right, _ = run(SETUP, answer("answer = '2*x'"), *map(graded, TESTS.values()), LEFT)
    assert scores(right) == [1] * (len(TESTS) + 1), [text(c)[-300:] for c in right.cells]
    wrong, _ = run(SETUP, answer(f"answer = {CODE!r}"), *map(graded, TESTS.values()), LEFT)
    assert scores(wrong) == [0] * len(TESTS) + [1]


NAMES = {
    "a symbol that is code": f'sp.Symbol("{CODE}")',
    "a symbol that is a call": 'sp.Symbol("exit()")',
    "a symbol that is an expression": 'sp.Symbol("2 if x else 2")',
    "a dunder": 'sp.Symbol("__builtins__")',
    "a built-in function": 'sp.Function("exec")(x)',
    "a function that is code": f'sp.Function("{CODE}")(x)',
    "an attribute": 'sp.Function("np.load")(x)',
    "a function of NumPy": 'sp.Function("load")(x)',
    "a built-in as a value": 'sp.Symbol("eval")',
    "a matrix": f'sp.MatrixSymbol("{CODE}", 1, 1)',
    "in a sum": f'2*x + sp.Symbol("{CODE}")',
    "a class of one's own": f"type('Symbol', (sp.Symbol,), {{'__str__': lambda s: {CODE!r}}})('y')",
}


@needs_sandbox
@pytest.mark.parametrize("made", NAMES.values(), ids=NAMES)
def test_a_name_that_would_be_code_does_not_cross_or_is_not_printed(made):
    notebook, _ = run(
        SETUP,
        answer(f"answer = {made}"),
        graded("assert sp.lambdify(x, answer)(3) == 6"),
        graded("assert sp.lambdify(x, answer, 'math')(3) == 6"),
        LEFT,
    )
    assert scores(notebook) == [0, 0, 1], [text(c) for c in notebook.cells]


@needs_sandbox
def test_names_that_people_use_are_as_good_as_ever():
    names = [r"\beta_1", "x_{0}", "lambda", "beta1", r"\hat m_t", "ε"]
    notebook, _ = run(
        SETUP,
        answer(f"answer = [sp.Symbol(name) for name in {names!r}]"),
        graded("for s in answer:\n    assert sp.lambdify(s, s**2 + 1)(3) == 10"),
        graded("assert sp.lambdify([answer], answer[0] + answer[1])([1, 2, 3, 4, 5, 6]) == 3"),
        graded("f = sp.Function('f')\nassert sp.lambdify(x, f(x), [{'f': abs}])(-2) == 2"),
    )
    assert scores(notebook) == [1, 1, 1], [text(c) for c in notebook.cells]


IN_A_PROCESS = """
import sympy as sp
from optedu.grading.wire import evaluators
evaluators.harden()
evaluators.harden()
x = sp.Symbol("x")
for text, wanted in {wanted!r}.items():
    assert sp.srepr(sp.sympify(text)) == wanted, (text, sp.srepr(sp.sympify(text)))
for text in {refused!r}:
    try:
        sp.sympify(text)
    except (evaluators.EvaluationRefused, sp.SympifyError):
        continue
    raise SystemExit(text + " was evaluated")
"""
FORMULAS = [
    "x**2 + sin(x)/3", "f(x) + 1.5", "x^2", "lambda x: x", "[1, x]", "x > 1", "3!", "beta1**t",
    "Matrix([[1, x]])", "True", "Rational(1, 3)", "Integral(x, (x, 0, 1))", "diff(x**2, x)",
    "Symbol('x', positive=True)", "abs(x)", "binomial(n, 2)", "Max(x, 1)", "Sum(x, (x, 1, 3))",
    "Piecewise((1, x > 0), (0, True))", "E**x", "1e-8", "Float('0.1', precision=53)", "sqrt(2)",
]  # fmt: skip
NO_FORMULAS = [
    "eval('1')", "open('x')", "().__class__", "x.__class__", "exec(x)", "preview(x)",
    "(lambda: 1)()", "lambdify(x, x)", "sympify(x)", "f'{x}'", "print(1)", "Symbol('a.b()')",
    "Function('eval')(x)", "Function('a b')(x)", "Function(*['eval'])(x)", "[y for y in (1,)]",
    "getattr(x, 'name')", "globals()", "x[0]", "{1: 2}", "b'1'", "(y := 1)", "__import__('os')",
]  # fmt: skip


def test_formulas_mean_what_they_mean_to_sympy_and_the_rest_is_refused():
    import sympy

    wanted = {formula: sympy.srepr(sympy.sympify(formula)) for formula in FORMULAS}
    program = IN_A_PROCESS.format(wanted=wanted, refused=NO_FORMULAS)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
