"""Running a reader's code: verdicts, messages, output, and what one run leaves to the next."""

import sys

import pytest

from optedu import written
from optedu.web.pyrun import PRINT_LIMIT, run_exercise


def run(source, *checks):
    events = []
    result = run_exercise(source, checks, lambda kind, text: events.append((kind, text)))
    return result, events


def messages(result):
    return [check["message"] for check in result["checks"]]


def test_pass_and_fail_are_told_apart():
    result, _ = run("x = 1", ("one", "assert x == 1"), ("two", "assert x == 2, 'x should be 2'"))
    assert [check["status"] for check in result["checks"]] == ["pass", "fail"]
    assert messages(result)[1] == "x should be 2"
    assert not result["ok"]


def test_an_error_shows_the_readers_line_and_nothing_of_the_machinery():
    result, _ = run("import numpy as np\n\nnp.linalg.inv(np.zeros((2, 2)))\n", ("c", "pass"))
    assert "line 3" in result["error"]
    assert "np.linalg.inv(np.zeros((2, 2)))" in result["error"]
    assert "Singular matrix" in result["error"]
    assert "pyrun" not in result["error"]
    assert result["checks"][0]["status"] == "skipped"


def test_an_error_that_says_little_comes_with_advice():
    result, _ = run("import numpy as np\nimport sympy as sp\nnp.sqrt(sp.Symbol('v'))\n")
    assert result["error"].endswith("for a SymPy expression write sp.sqrt.")
    result, _ = run("def f(b, t): return 1 - b^t\n", ("c", "f(0.9, 2)"))
    assert "In Python a power is **" in messages(result)[0]


def test_a_syntax_error_points_at_the_line():
    result, _ = run("x = 1\ny = (\n", ("c", "pass"))
    assert "line 2" in result["error"]
    assert "SyntaxError" in result["error"]


def test_an_error_inside_a_check_points_into_the_readers_function():
    result, _ = run("def f(x):\n    return y", ("c", "f(1)"))
    assert result["checks"][0]["status"] == "error"
    assert "line 2" in messages(result)[0]
    assert "name 'y' is not defined" in messages(result)[0]


def test_a_missing_name_is_said_plainly():
    result, _ = run("x = 1", ("c", "f(1)"))
    assert messages(result) == ["Your code does not define f."]


def test_not_implemented_is_a_fail():
    result, _ = run("def f(): raise NotImplementedError('return x')", ("c", "f()"))
    assert messages(result) == ["Not written yet. return x"]


def test_leaving_python_is_an_error_not_an_end():
    result, _ = run("raise SystemExit(3)", ("c", "pass"))
    assert "SystemExit" in result["error"]


def test_input_does_not_block():
    result, _ = run("input('name? ')")
    assert "EOFError" in result["error"]


def test_last_expression_is_shown_and_drawings_are_handed_on():
    _, events = run("1 + 1")
    assert events == [("stream", "2\n")]
    drawn = "from optedu.web.svgplot import line_plot\nprint('before')\nline_plot({'f': [3, 2, 1]})"
    _, events = run(drawn)
    assert [kind for kind, _ in events] == ["stream", "svg"]
    assert events[1][1].startswith("<svg")


def test_a_flood_of_prints_is_bounded_and_counted():
    result, events = run("for k in range(5000):\n    print('x' * 99)")
    sent = "".join(text for _, text in events)
    assert len(sent) == PRINT_LIMIT
    assert result["dropped"] == 5000 * 100 - PRINT_LIMIT
    # Batches, not one message a print.
    assert len(events) < 100


def test_standard_streams_come_back_after_an_error():
    before = sys.stdout, sys.stderr, sys.stdin
    run("import sys\nsys.stdout = None\nraise ValueError")
    assert (sys.stdout, sys.stderr, sys.stdin) == before


def test_a_later_run_does_not_see_an_earlier_answer():
    written.clear()
    run("from optedu import written\nwritten.register('mine', len)")
    assert written.get("mine") is len
    result, _ = run(
        "x = 1",
        ("c", "from optedu import written\nassert written.get('mine') is None"),
        ("d", "x"),
    )
    assert result["ok"], messages(result)


def test_checks_do_not_lean_on_each_other():
    result, _ = run("x = 1", ("a", "y = 2"), ("b", "y"))
    assert [check["status"] for check in result["checks"]] == ["pass", "fail"]


@pytest.mark.parametrize("source", ["", "# nothing\n"])
def test_empty_code_runs(source):
    result, events = run(source)
    assert result["ok"]
    assert events == []
