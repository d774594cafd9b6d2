"""Submissions that attack the grading: none earns a point, none costs another test its points."""

from __future__ import annotations

import pytest

from optedu.grading.execute import Execute, Limits
from tests.grading.cells import (
    SMALL,
    answer,
    empty,
    graded,
    needs_sandbox,
    run,
    scores,
    setup,
    text,
)

pytestmark = needs_sandbox

RIGHT = "def f(x):\n    return 2 * x"
TESTS = (
    "assert f(3) == 6",
    "import numpy.testing as nt\nnt.assert_allclose(f(np.ones(2)), [2.0, 2.0])",
    "assert np.allclose(f(np.arange(3.0)), [0, 2, 4])",
    "assert abs(f(0.5) - 1.0) < 1e-12",
)


def grade(*answers, limits=SMALL, tests=TESTS):
    notebook, outcome = run(
        setup("import numpy as np"),
        *map(answer, answers),
        *map(graded, tests),
        graded("assert True"),
        limits=limits,
    )
    points = scores(notebook)
    assert points.pop() == 1, "a test that does not need the student's code keeps its point"
    return points, outcome, notebook


def test_the_right_answer_keeps_its_points():
    points, outcome, _ = grade(RIGHT)
    assert points == [1, 1, 1, 1]
    assert (outcome.status, outcome.tampered) == ("ok", [])


WRONG = {
    "always equal": """
class E:
    def __eq__(self, other): return True
    def __call__(self, *a): return self
    def __sub__(self, o): return self
    def __abs__(self): return self
    def __lt__(self, o): return True
    def __array__(self, *a, **k): return np.full(2, 2.0)
    def __iter__(self): return iter([2.0, 2.0])
f = E()""",
    "always equal number": """
class E(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
f = lambda x: E(7)""",
    "always equal array": """
class E(np.ndarray):
    def __eq__(self, other): return np.bool_(True)
    def __array_function__(self, *a): return True
    def __array_ufunc__(self, *a, **k): return True
f = lambda x: np.zeros(np.shape(x)).view(E)""",
    "reads In": "def f(x):\n    import re\n    return eval(re.findall(r'== (.*)', In[-1])[0])",
    "reads frames": """
import sys, gc
def f(x):
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            if isinstance(value, str) and 'assert f' in value:
                return eval(value.split('==')[1])
        frame = frame.f_back
    for thing in gc.get_objects():
        if isinstance(thing, str) and thing.startswith('assert f'):
            return eval(thing.split('==')[1])
    return 0""",
    "patched comparisons": """
import builtins, numpy.testing
np.allclose = numpy.testing.assert_allclose = lambda *a, **k: True
builtins.abs = lambda x: 0
f = lambda x: 0""",
    "shadowed modules": """
import types
np = types.SimpleNamespace(allclose=lambda *a: True, ones=lambda n: 1, arange=lambda n: 1)
nt = types.SimpleNamespace(assert_allclose=lambda *a: True)
f = lambda x: 0""",
    "input transformer": """
get_ipython().input_transformers_post.append(lambda lines: ['pass'])
f = lambda x: 0""",
    "ast transformer": """
import ast
class T(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
get_ipython().ast_transformers.append(T())
f = lambda x: 0""",
    "shows a score": """
from IPython.display import display
def f(x):
    display(1)
    get_ipython().displayhook(1)
    print(1)
    return 0""",
    "catches errors": """
get_ipython().set_custom_exc((Exception,), lambda *a: None)
get_ipython().showtraceback = lambda *a, **k: None
f = lambda x: 0""",
    "raises to leave": "def f(x):\n    raise SystemExit(0)",
    "returns the function": "def f(x):\n    return f",
    "returns a generator": "def f(x):\n    while True:\n        yield 6",
    "pickles": """
import os
class P:
    def __reduce__(self): return (os._exit, (0,))
f = lambda x: np.array([P()], dtype=object)""",
    "huge": "f = lambda x: [[]] * 10_000_000",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_earns_nothing(name):
    points, outcome, _ = grade(WRONG[name])
    assert points == [0, 0, 0, 0]
    assert outcome.status in ("ok", "memory")


@pytest.mark.parametrize("name", ["patched comparisons", "input transformer", "ast transformer"])
def test_patches_are_noticed(name):
    _, outcome, _ = grade(WRONG[name])
    assert outcome.tampered, "the canaries must have noticed"


ENDINGS = {
    "exit": ("import os\nos._exit(0)", "crashed", "exit status 0"),
    "segfault": ("import ctypes\nctypes.string_at(0)", "crashed", "segmentation fault"),
    "memory": (
        "import os, time\nfor i in range(5):\n    if os.fork() == 0:\n"
        "        x = bytearray(150 << 20); time.sleep(60)\ntime.sleep(60)",
        "memory", "300 MB",
    ),
    "garbage": (
        "import os\nfor fd in range(3, 20):\n    try: os.write(fd, b'x' * 999)\n"
        "    except OSError: pass", "crashed", "no message",
    ),
    "closed": ("import os\nos.closerange(0, 50)", "crashed", "exit status"),
    "cpu": ("while True: pass", "timeout", "CPU seconds"),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDINGS)
def test_what_ends_the_kernel_is_named(name):
    code, status, detail = ENDINGS[name]
    limits = Limits(**{**SMALL.__dict__, "cpu_s": 1, "cell_timeout_s": 30})
    points, outcome, notebook = grade(RIGHT, code, limits=limits, tests=TESTS[:1])
    assert points == [0]
    assert outcome.status == status and detail in outcome.detail
    assert "DeadKernelError" in text(notebook.cells[2])


GUARD_OFF = {
    "forbid": "written.forbid = lambda *a: None",
    "student_code": "import contextlib\nwritten.student_code = contextlib.nullcontext",
    "the rule": "import optedu.rule\noptedu.rule.written = type(written)('written')\n"
                "optedu.rule.written.forbid = lambda *a: None",
}  # fmt: skip


@pytest.mark.parametrize("name", GUARD_OFF)
def test_a_guard_that_was_switched_off_is_noticed(name):
    _, outcome, _ = grade("from optedu import written\n" + GUARD_OFF[name] + "\n" + RIGHT)
    assert any("the guard" in line for line in outcome.tampered), outcome.tampered


@pytest.mark.parametrize("forged", ["{}", "{'status': 7}", "{'status': 'error', 'ename': []}"])
def test_a_forged_end_of_a_cell_changes_no_score(forged):
    code = f"""
kernel = get_ipython().displayhook.session.kernel
kernel.control.send({{'op': 'done', 'cell': kernel._cell, **{forged}}})
"""
    points, outcome, _ = grade(RIGHT + code)
    assert (points, outcome.status) == ([1, 1, 1, 1], "ok")


@pytest.mark.parametrize("wanted", ["bytes", "np.float64", "dict"])
def test_the_checks_call_nothing_but_what_they_lent(wanted):
    asks = f"""
def ask(x):
    service = get_ipython().displayhook.session.kernel.serve_wire.__self__
    try:
        return str(service.request("call", {wanted}, args=()))
    except PermissionError as error:
        return str(error)
"""
    notebook, _ = run(
        setup("import numpy as np"), answer(asks), graded("assert 'does not do that' in ask(1)")
    )
    assert scores(notebook) == [1], text(notebook.cells[-1])


def test_points_from_before_the_end_are_kept():
    notebook, outcome = run(
        answer(RIGHT), graded("assert f(3) == 6"),
        answer("import os; os._exit(1)"), graded("assert f(3) == 6"),
    )  # fmt: skip
    assert scores(notebook) == [1, 0]
    assert outcome.status == "crashed"


QUICK = Limits(**{**SMALL.__dict__, "cell_timeout_s": 1})


def test_an_endless_cell_is_interrupted_and_the_rest_runs():
    points, outcome, notebook = grade("while True: pass", RIGHT, limits=QUICK)
    assert points == [1, 1, 1, 1]
    assert outcome.status == "timeout" and outcome.detail == "a cell ran longer than 1 s"
    assert "CellTimeoutError" in text(notebook.cells[1])


def test_an_endless_function_costs_its_own_test_only():
    endless = "def f(x):\n    while True: pass\ndef g(x):\n    return x"
    points, outcome, _ = grade(endless, limits=QUICK, tests=(TESTS[0], "assert g(1) == 1"))
    assert points == [0, 1]
    assert outcome.status == "timeout" and "a test" in outcome.detail


def test_a_function_that_ignores_interrupts_costs_one_time_limit():
    stubborn = "import signal\ndef f(x):\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    points, outcome, notebook = grade(stubborn + "    while True: pass", limits=QUICK)
    assert points == [0, 0, 0, 0] and outcome.status == "timeout"
    assert "has ended" in text(notebook.cells[-2])


def test_a_test_that_does_not_end_costs_no_other_test():
    endless = "x = 0\nwhile x < 1:\n    x = f(x)"
    points, outcome, _ = grade(RIGHT, limits=QUICK, tests=(endless, TESTS[0]))
    assert points == [0, 1]
    assert outcome.detail == "a test ran longer than 1 s"


def test_a_cell_that_ignores_interrupts_is_ended():
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    points, outcome, _ = grade(stubborn, RIGHT, limits=QUICK)
    assert points == [0, 0, 0, 0] and outcome.status == "timeout"


def test_wall_clock():
    limits = Limits(**{**SMALL.__dict__, "wall_s": 1.5})
    _, outcome, _ = grade("import time; time.sleep(60)", limits=limits)
    assert outcome.status == "timeout" and outcome.detail == "the notebook ran longer than 1.5 s"


def test_fork_bomb():
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    _, outcome, _ = grade(RIGHT, bomb, limits=QUICK, tests=TESTS[:1])
    assert outcome.status in ("timeout", "memory", "crashed")


def test_right_code_that_warns_keeps_its_points():
    warns = "import warnings, sys\ndef f(x):\n    warnings.warn('careful')\n"
    points, _, notebook = grade(
        warns + "    print('note', file=sys.stderr)\n    return 2 * x",
        tests=(*TESTS, "import sys\nassert f(1) == 2\nprint('noted', file=sys.stderr)"),
    )
    assert points == [1, 1, 1, 1, 1]
    assert "careful" not in str(notebook.cells[-3:])


def test_partial_credit_comes_from_the_tests_own_result():
    notebook, _ = run(
        answer("def f(x):\n    return 3"),
        graded("0.5 * (f(1) == 3) + 0.25", points=2),
        graded("f(1)", points=2),
    )
    assert scores(notebook) == [0.75, 0]
    assert "greater than maximum" in text(notebook.cells[2])


def test_names_of_locked_cells_are_the_instructors():
    notebook, _ = run(
        setup("target = 10\ndef check(value):\n    assert value == target"),
        answer("target = 0\ndef check(value): pass\ndef f(): return 0"),
        graded("check(f())"),
    )
    assert scores(notebook) == [0]


def test_names_of_a_locked_cell_that_fails_are_not_the_students():
    notebook, _ = run(
        answer("def f(): raise ValueError\ndef check(value): pass"),
        setup("first = f()\ndef check(value):\n    assert value == 10"),
        answer("def f(): return 0\ndef check(value): pass"),
        graded("check(f())"),
    )
    assert scores(notebook) == [0]


def test_functions_of_locked_cells_see_what_the_student_defines_later():
    notebook, _ = run(
        setup("def judge(x):\n    assert answer(x) == 2 * x"),
        answer("def answer(x):\n    return 2 * x"),
        graded("judge(4)"),
        answer("def answer(x):\n    return 3 * x"),
        graded("judge(4)"),
    )
    assert scores(notebook) == [1, 0]


def test_modules_of_the_submission_do_not_reach_the_checks(tmp_path):
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "statistics.py").write_text("mean = lambda x: 1 / 0\nevil = 1")
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "data.txt").write_text("7")
    cells = (
        setup("import statistics\ndata = open('data.txt').read() if 'open' else 0"),
        answer("seven = 7"),
        graded("import statistics\nassert not hasattr(statistics, 'evil')"),
        graded("assert open('data.txt').read() == str(seven)"),
    )
    notebook, _ = run(
        *cells, workspace=tmp_path / "submission", materials=str(tmp_path / "materials")
    )
    assert scores(notebook) == [1, 1]


def test_locked_cells_must_be_the_gradebooks(master_course, blank):
    import nbformat

    from tests.grading.course import ASSIGNMENT, NOTEBOOK

    notebook = nbformat.from_dict(blank)
    ours = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade"))
    forged = graded("open('/tmp/escaped', 'w')")
    notebook.cells = [forged, ours]
    execute = Execute(limits=SMALL)
    execute.preprocess(
        notebook,
        {
            "metadata": {"path": empty()},
            "nbgrader": {
                "db_url": f"sqlite:///{master_course}/gradebook.db",
                "assignment": ASSIGNMENT, "notebook": NOTEBOOK, "student": "s",
            },
        },
    )  # fmt: skip
    assert "NotTheInstructorsCell" in text(forged)
    assert any("not the instructor's" in line for line in execute.outcome.tampered)


def test_magics_and_modules_in_tests():
    notebook, _ = run(
        answer("import fractions\ndef f(x):\n    return 2 * x"),
        graded("%time assert f(3) == 6"),
        graded("%%capture said\nassert f(3) == 7"),
        graded("assert fractions.Fraction(f(1), 4) == 0.5"),
    )
    assert scores(notebook) == [1, 0, 1]


def test_the_checks_have_a_jail_of_their_own(tmp_path):
    """Whatever a test does with an answer, the grader's machine is out of its reach."""
    secret = tmp_path / "gradebook.db"
    secret.write_text("everybody's scores")
    notebook, outcome = run(
        answer(f"def where():\n    return {str(secret)!r}"),
        graded("import os, socket\nassert not os.path.exists(where())"),
        graded("assert os.getuid() != 0 and os.listdir('/proc/1') and os.getpid() < 1000"),
        graded(
            "try:\n    socket.socket(socket.AF_INET)\nexcept OSError:\n    pass\n"
            "else:\n    raise AssertionError('a network')"
        ),
        graded("open('own.txt', 'w').write('1')\nassert os.listdir('.') == ['own.txt']"),
        graded("assert all('OPTEDU' not in name for name in os.environ)"),
    )
    assert scores(notebook) == [1] * 5, [text(c) for c in notebook.cells]
    assert outcome.status == "ok"
