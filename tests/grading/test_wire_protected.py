"""What a test sets, and what a locked cell defines, is the instructor's, whatever students do."""

from __future__ import annotations

import dataclasses

import pytest

from optedu.grading.wire import names
from optedu.grading.wire.names import needs, read_by_functions
from tests.grading.cells import SMALL, answer, graded, needs_sandbox, run, scores, setup, text

ECHO = """
{name} = None
calls = 0
def f(x):
    space = globals()
    space["calls"] += 1
    space["{name}"] = space["calls"] + 0.5
    return space["{name}"]
"""


@needs_sandbox
@pytest.mark.parametrize(
    "test",
    [
        "for x, wanted in ((1, 3), (2, 7), (5, 11)):\n    assert f(x) == wanted, (x, wanted)",
        "with open('/dev/null') as file:\n    wanted = 7\n    assert f(1) == wanted",
        "try:\n    wanted = 7\n    assert f(1) == wanted\nfinally:\n    pass",
        "wanted = 7\njudge(4)",
        "wanted = [3]\nassert [f(1)] == wanted",
        "cases = {1: 3}\nfor x in cases:\n    wanted = cases[x]\n    assert f(x) == wanted",
    ],
)
def test_what_a_test_compares_with_is_not_taken_from_the_student(test):
    judge = "import numpy as np\ndef judge(x):\n    got = f(x)\n    assert got == wanted"
    notebook, _ = run(setup(judge), answer(ECHO.format(name="wanted")), graded(test))
    assert scores(notebook) == [0], text(notebook.cells[-1])


@needs_sandbox
def test_data_of_a_test_stays_as_it_is():
    code = "data = None\ndef f(x):\n    globals()['data'] = [0, 0]\n    return 0"
    test = "for data in ([1, 2], [3, 4]):\n    assert f(data) == sum(data)"
    notebook, _ = run(answer(code), graded(test))
    assert scores(notebook) == [0]


@needs_sandbox
def test_a_name_that_is_the_students_still_follows_his_function():
    code = "count = 0\ndef f():\n    global count\n    count += 1"
    test = "before = count\nf()\nf()\nassert count == before + 2"
    notebook, outcome = run(answer(code), graded(test))
    assert scores(notebook) == [1] and outcome.tampered == [], text(notebook.cells[-1])


EVIL = {
    "a property raises": (
        "class E:\n    @property\n    def __class__(self): raise ValueError\nf = E()"
    ),
    "the service raises": (
        "import optedu.grading.wire.service as s\nold = s.Service.handle\n"
        "def handle(self, op, *a):\n    if op in ('look', 'names', 'get'): raise ValueError\n"
        "    return old(self, op, *a)\ns.Service.handle = handle"
    ),
    "the service waits": (
        "import optedu.grading.wire.service as s, time\nold = s.Service.handle\n"
        "def handle(self, op, *a):\n    if op == 'look': time.sleep(30)\n"
        "    return old(self, op, *a)\ns.Service.handle = handle"
    ),
}


@needs_sandbox
@pytest.mark.parametrize("evil", EVIL)
def test_a_locked_cell_that_the_student_disturbs_leaves_its_names_the_instructors(evil):
    good = "" if "property" in evil else "s.Service.handle = old\n"
    notebook, _ = run(
        answer("def f(x): return 0\ndef judge(*a): pass"),
        graded("def peek(x):\n    return f(x), judge, LIMIT\nassert f(3) == 6"),
        answer(EVIL[evil]),
        setup("LIMIT = 1e-9\ndef judge(x, wanted):\n    assert abs(f(x) - wanted) < LIMIT"),
        answer(good + "LIMIT = 99\ndef f(x): return 0\ndef judge(*a): pass"),
        graded("judge(3, 6)"),
        graded("assert abs(f(4) - 8) < LIMIT"),
        limits=dataclasses.replace(SMALL, cell_timeout_s=2.0),
    )
    assert scores(notebook) == [0, 0, 0]


@needs_sandbox
def test_a_locked_cell_runs_although_a_name_of_an_earlier_test_raises():
    notebook, _ = run(
        answer("def f(x): return 2 * x"),
        graded("def peek(x):\n    return other(x)\nassert f(3) == 6"),
        answer(EVIL["a property raises"].replace("f = E()", "other = E()")),
        setup("def judge(x, wanted):\n    assert f(x) == wanted"),
        graded("judge(3, 6)"),
    )
    assert scores(notebook) == [1, 1]


@pytest.mark.parametrize(
    ("code", "first"),
    [
        ("for x, w in g(h):\n    f(x, w)\nw", {"g", "h", "f"}),
        ("for x in x:\n    pass", {"x"}),
        ("with a as b, b as c:\n    b, c, d", {"a", "d"}),
        ("if a:\n    b = 1\nelse:\n    b\nb", {"a", "b"}),
        ("if a:\n    b = 1\nelse:\n    b = 2\nb", {"a"}),
        ("try:\n    a = 1\n    a\nexcept E as e:\n    e, b\nelse:\n    c\nfinally:\n    d",
         {"E", "b", "c", "d"}),
        ("while a:\n    a = b", {"a", "b"}),
        ("match a:\n    case [b, *c] if d:\n        b, c\n    case {'k': e, **r}:\n        e, r",
         {"a", "d"}),
        ("n += 1\nn", {"n"}),
        ("async def f(): await g()\nf", set()),
        ("[f(i) for i in ()]\nfor i in g:\n    i", {"g"}),
        ("[i for j in i if j for i in j]", {"i"}),
        ("{k: a for k in b}\nk", {"b", "k"}),
        ("sorted(a, key=lambda p, q=b: p + tol)\np = 1", {"a", "b"}),
        ("(n := a) and f(n)", {"a", "f"}),
        ("f(n) or (n := 1)", {"f", "n"}),
        ("[y for x in z if (y := x)]\ny", {"z"}),
        ("class R:\n    n = 3\n    def area(self): return n\narea(2) + n", {"area", "n"}),
        ("x: int\nx", {"x"}),
        ("x: int = 3\nx", set()),
        ("get_ipython().run_cell_magic('time', '', 'r = f(a)')", {"get_ipython", "a", "f"}),
    ],
)  # fmt: skip
def test_names_are_needed_that_are_read_before_they_are_assigned(code, first):
    assert needs(code).first == first


def test_a_sum_of_hundreds_of_terms_is_read():
    assert needs("total = " + " + ".join(["a", *["b"] * 600])).first == {"a", "b"}


@pytest.mark.parametrize("part", ["1+" * 5000 + "1", "-" * 100_000 + "1", "a" + ".a" * 20_000])
def test_code_that_is_nested_too_deeply_is_not_looked_at(part):
    assert read_by_functions(f"def f():\n    return {part}") == frozenset()


def test_long_code_is_not_searched_for_magics(monkeypatch):
    """The search takes minutes for what a student can write on purpose."""
    monkeypatch.setattr(names, "transformed", lambda code: pytest.fail("it is searched"))
    assert names.read_by_functions("%time x = 1\n" * 480 + "y = 2\n" * 4000) == frozenset()


def hides(name, value, returns):
    """A function whose author knows what a test assigns, and assigns it too."""
    return f"""
{name} = {value}
def f(x):
    globals()["{name}"] = {returns}
    return {returns}
"""


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "test"),
    [
        (hides("i", 0, "2 * globals()['i'] + 2"),
         "assert [f(i) for i in ()] == []\nfor i in range(5):\n    assert f(i) == 2 * i"),
        (hides("p", 1, "0"), "sorted([(2, 1)], key=lambda p: p[1])\np = 1\nassert f(2) == p"),
        (hides("tol", 1, "1000"),
         "close = lambda a, b: abs(a - b) <= tol\ntol = 1\nassert close(f(3), 6) and tol"),
        (hides("n", 6, "'x'"), "assert (n := 6) and f(3) == n"),
    ],
)  # fmt: skip
def test_what_the_student_binds_before_to_the_same_number_is_the_tests(code, test):
    notebook, _ = run(answer(code), graded(test))
    assert scores(notebook) == [0], text(notebook.cells[-1])


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "tests"),
    [
        (hides("points", 0, "2"),
         ["def run_tests():\n    global points\n    points = 0\n    points += f(1) == 3\n"
          "run_tests()\nassert points == 2"]),
        (hides("errors", 0, "-3"),
         ["def check():\n    global errors\n    errors = 0\n    for x in (11, 23, 57):\n"
          "        if f(x) != x * x:\n            errors += 1\ncheck()\nassert errors <= 0"]),
    ],
)  # fmt: skip
def test_who_changes_what_a_tests_function_sets_is_looked_at(code, tests):
    _, outcome = run(answer(code), *map(graded, tests))
    assert any("which the test sets" in flag for flag in outcome.tampered), outcome.tampered


@needs_sandbox
@pytest.mark.parametrize(
    "test",
    [
        "class Reference:\n    def area(self): return 4\nassert area(2) == Reference().area()",
        "r = [area(2) for n in range(3)]\nassert n == 3",
        "n: int\nassert n == 3",
        "%%capture out\nr = [area(x) for x in (1, 2)]\nassert r == [1, 4]",
        "%%time\ndef twice(x): return 2 * area(x)\nassert twice(1) == 2",
    ],
)
def test_a_name_that_only_looks_assigned_is_the_students(test):
    notebook, outcome = run(answer("n = 3\ndef area(x):\n    return x * x"), graded(test))
    assert scores(notebook) == [1] and outcome.tampered == [], text(notebook.cells[-1])
