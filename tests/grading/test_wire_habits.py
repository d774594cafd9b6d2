"""What the wire carries for other people's tests gives no marks that two kernels did not give."""

from __future__ import annotations

import pytest

from tests.grading.cells import answer, graded, needs_sandbox, run, scores, setup, text

pytestmark = needs_sandbox


def graded_alone(code, *tests, first=()):
    notebook, outcome = run(*first, answer(code), *map(graded, tests))
    return scores(notebook), outcome.tampered, notebook


ALWAYS = """
class Yes:
    def __eq__(self, other): return True
    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__
    def __bool__(self): return True
    def __hash__(self): return 6
    def __sub__(self, other): return self
    __rsub__ = __add__ = __radd__ = __mul__ = __and__ = __sub__
    def __abs__(self): return self
    def __array__(self, dtype=None, copy=None):
        import numpy
        return numpy.full(2, 6.0)
    def __array_ufunc__(self, *a, **k): return True
    def __array_function__(self, *a, **k): return True
{claim}
def f(x): return Yes()
"""
CLAIMS = {
    "itself": "",
    "a float": "Yes.__module__, Yes.__qualname__ = 'builtins', 'float'",
    "an array": "Yes.__module__, Yes.__qualname__ = 'numpy', 'ndarray'",
    "SymPy's integer": "Yes.__module__, Yes.__qualname__ = 'sympy.core.numbers', 'Integer'",
    "Mock's ANY": "Yes.__module__, Yes.__qualname__ = 'unittest.mock', '_ANY'",
    "Python's own type": "Yes.__module__, Yes.__qualname__ = 'builtins', 'type'",
}
TESTS = (
    "assert f(3) == 6", "assert 6 == f(3)", "assert not f(3) != 6", "assert f(3) in (6, 7)",
    "assert 6 in f(3)", "assert abs(f(3) - 6) < 1e-9", "assert {6: 1}[f(3)]",
    "import numpy as np\nassert np.allclose(f(3), [6, 6])",
    "import numpy as np\nnp.testing.assert_allclose(f(3), [6.0, 6.0])",
    "import numpy as np\nassert (np.asarray(f(3)) == 6).all()",
    "import math\nassert math.isclose(f(3), 6)",
    "import unittest\nunittest.TestCase().assertEqual(f(3), 6)",
    "import unittest\nunittest.TestCase().assertAlmostEqual(f(3), 6)",
    "import sympy as sp\nassert sp.simplify(f(3) - 6) == 0",
    "import sympy as sp\nassert sp.sympify(f(3)) == 6",
    "assert f(3) > 5 and f(3) < 7", "assert max([f(3), 1]) == 6",
    "assert sorted([f(3), 1])[1] == 6",
    "import statistics\nassert statistics.mean([f(3)]) == 6",
    "from unittest.mock import call\nassert call(f(3)) == call(6)",
)  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_an_object_that_says_yes_earns_nothing_whatever_it_claims_to_be(claim):
    points, *_ = graded_alone(ALWAYS.format(claim=CLAIMS[claim]), *TESTS)
    assert points == [0] * len(TESTS), [
        test for test, got in zip(TESTS, points, strict=True) if got
    ]


def test_a_right_number_earns_these():
    points, flags, _ = graded_alone("def f(x):\n    return 2.0 * x", *TESTS[:4])
    assert points == [1] * 4 and flags == []


SKIPPED = """
import io, unittest
class T(unittest.TestCase):
    def test(self):
        self.assertEqual(f(3), 6)
tests = unittest.defaultTestLoader.loadTestsFromTestCase(T)
assert unittest.TextTestRunner(stream=io.StringIO()).run(tests).wasSuccessful()
"""


@pytest.mark.parametrize(
    "raising",
    [
        "import unittest\ndef f(x): raise unittest.SkipTest('no')",
        "class SkipTest(Exception): pass\nSkipTest.__module__ = 'unittest.case'\n"
        "def f(x): raise SkipTest('no')",
        "def f(x): raise SystemExit(0)",
        "def f(x): raise StopIteration",
        "def f(x): raise GeneratorExit",
    ],
)
def test_an_exception_ends_no_test_as_if_it_had_passed(raising):
    points, _, _ = graded_alone(
        raising, SKIPPED, "for got, want in zip(map(f, [3]), [6]):\n    assert got == want"
    )
    assert points == [0, 0]


BLANK = "def {name}(*a):\n    raise NotImplementedError\ndef f(x):\n    return {name}(x)"


@pytest.mark.parametrize(
    ("code", "test"),
    [
        (BLANK.format(name="factorial"), "from math import factorial\nassert factorial(3) == 6"),
        (BLANK.format(name="factorial"), "from math import *\nassert factorial(3) == 6"),
        (BLANK.format(name="reference"), "def reference(x):\n    return 6\nassert True"),
        (BLANK.format(name="reference"), "reference = lambda x: 6\nassert True"),
        (BLANK.format(name="reference"), "old = reference\nreference = lambda x: 6\nassert True"),
        ("def f(x):\n    return expected(x)", "expected = lambda x: 6"),
        ("def f(x):\n    return answers[x]", "answers = {3: 6}"),
    ],
)
def test_what_a_test_makes_does_not_answer_for_the_student(code, test):
    points, flags, _ = graded_alone(code, test, "assert f(3) == 6")
    assert points == [1, 0]
    assert flags  # with one kernel it would have


def test_an_import_of_a_test_holds_for_the_answers_that_follow():
    notebook, outcome = run(
        graded("import math, json as j\nfrom collections import deque as d\nsecret = 6"),
        answer("def f(x):\n    return math.sqrt(36)\ng = d([j.dumps(1)])\nknown = dir()"),
        graded("assert f(3) == 6 and g == d(['1']) and 'secret' not in known"),
    )
    assert scores(notebook) == [1, 1] and outcome.tampered == [], text(notebook.cells[2])


def test_a_test_that_deletes_a_function_deletes_it_there_too():
    code = "def helper(x):\n    return x\ndef f(x):\n    return helper(x)\ndef g(x):\n    return x"
    gone = (
        "kept = helper\ndel helper\ntry:\n    {0}(1)\nexcept NameError:\n    pass\nelse:\n"
        "    raise AssertionError('{0} does not use helper')\nfinally:\n    helper = kept"
    )
    points, flags, _ = graded_alone(
        code, gone.format("f"), gone.format("g"), "assert f(1) == 1", "del helper",
        "try:\n    f(1)\nexcept NameError:\n    pass\nelse:\n    assert False", "helper(1)",
    )  # fmt: skip
    assert points == [1, 0, 1, 1, 1, 0] and flags == []


def test_what_is_printed_is_seen_by_a_test_that_catches_it_and_by_no_score():
    catch = "import io, contextlib as c\nwith c.redirect_stdout(io.StringIO()) as out:\n    f()\n"
    points, _, notebook = graded_alone(
        "def f():\n    print('1.0')\n    return 1", catch + "assert out.getvalue() == '1.0\\n'",
        "f()\nassert False", catch + "print(len(out.getvalue()))\nassert False",
    )  # fmt: skip
    assert points == [1, 0, 0]
    assert "1.0" not in text(notebook.cells[2]) and "4" in text(notebook.cells[3])


def test_classes_of_locked_cells_are_those_of_both_kernels():
    notebook, outcome = run(
        setup("class Node:\n    def __init__(self, v):\n        self.v = v\n"
              "class Odd(ValueError):\n    pass\nfrom enum import Enum\n"
              "class Color(Enum):\n    RED = 1\n    BLUE = 2"),
        answer("class Leaf(Node):\n    pass\ndef make():\n    return Leaf(1)\n"
               "def fail():\n    raise Odd('three')\ndef red(c):\n    return c is Color.RED\n"
               "def blue():\n    return Color.BLUE"),
        graded("assert isinstance(make(), Node) and issubclass(Leaf, Node)"),
        graded("assert type(make()) is not Node and type(make()).__name__ == 'Leaf'"),
        graded("try:\n    fail()\nexcept Odd as error:\n    assert type(error) is Odd"),
        graded("assert red(Color.RED) and not red(Color.BLUE) and blue() is Color.BLUE"),
        graded("assert blue() == Color.RED"),
        graded("assert isinstance(make(), str)"),
    )  # fmt: skip
    assert scores(notebook) == [1, 1, 1, 1, 0, 0], [text(c) for c in notebook.cells]
    assert outcome.tampered == []


def test_a_default_that_is_no_data_is_not_compared():
    points, flags, _ = graded_alone(
        "class C:\n    def __eq__(self, other): return True\ndef f(x, by=2, how=C()):\n    pass",
        "import inspect\np = inspect.signature(f).parameters\nassert p['by'].default == 2",
        "assert p['by'].default == 3",
        "assert p['how'].default == 3",
    )
    assert points == [1, 0, 0]
    assert len(flags) == 1 and "default" in flags[0]


def test_copies_and_attributes_that_do_not_cross_are_refused():
    points, flags, _ = graded_alone(
        "class P:\n    x = 1\np = P()\ndef f(): pass",
        "import copy\nq = copy.deepcopy(p)\nassert q.x == 1",
        "try:\n    del p.x\nexcept AttributeError:\n    pass",
        "try:\n    f.__code__\nexcept Exception:\n    pass",
    )
    assert points == [0, 0, 0] and len(flags) == 3


def test_a_value_that_is_too_large_is_no_doubt_of_the_test():
    points, flags, _ = graded_alone(
        "def f():\n    return [0] * 60_000_000\ndef g():\n    return object",
        "assert f() == [0]",
        "import threading\ng(threading.Lock())",
    )
    assert points == [0, 0] and len(flags) == 1 and "lock" in flags[0]
