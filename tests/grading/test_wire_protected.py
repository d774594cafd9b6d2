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
    ],
)  # fmt: skip
def test_names_are_needed_that_are_read_before_they_are_assigned(code, first):
    assert needs(code).first == first


@pytest.mark.parametrize("part", ["1+" * 5000 + "1", "-" * 100_000 + "1", "a" + ".a" * 20_000])
def test_code_that_is_nested_too_deeply_is_not_looked_at(part):
    assert read_by_functions(f"def f():\n    return {part}") == frozenset()


def test_long_code_is_not_searched_for_magics(monkeypatch):
    """The search takes minutes for what a student can write on purpose."""
    monkeypatch.setattr(names, "transformed", lambda code: pytest.fail("it is searched"))
    assert names.read_by_functions("%time x = 1\n" * 480 + "y = 2\n" * 4000) == frozenset()
