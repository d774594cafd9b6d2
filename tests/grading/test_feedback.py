"""Feedback: hidden tests stay hidden, and the student still learns what failed."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from traitlets.config import Config

from optedu.grading.feedback import HideTests, hide_tests
from tests.grading import course as courses
from tests.grading.test_same_result import optedu_grade

HIDDEN = "assert f(1)\n### BEGIN HIDDEN TESTS\nassert f(1234) == 5\n### END HIDDEN TESTS\n"


def processed(source: str, *outputs, grade: bool = True, solution: bool = False):
    metadata = {"grade": grade, "solution": solution, "locked": True, "grade_id": "t"}
    cell = new_code_cell(source, metadata={"nbgrader": metadata}, outputs=list(outputs))
    notebook, _ = HideTests().preprocess(new_notebook(cells=[cell]), {})
    return notebook.cells[0]


def error(message="f(1234) is wrong"):
    lines = ["---- Traceback", "----> 2 assert f(1234) == 5", f"AssertionError: {message}"]
    return new_output("error", ename="AssertionError", evalue=message, traceback=lines)


def test_the_hidden_region_and_the_traceback_go_and_the_message_stays():
    cell = processed(HIDDEN, error("the last value is wrong"))
    assert cell.source == "assert f(1)\n"
    (output,) = cell.outputs
    assert output.traceback == ["AssertionError: the last value is wrong"]


def test_what_was_printed_in_a_test_goes():
    printed = new_output("stream", name="stdout", text="called with 1234\n")
    shown = new_output("display_data", data={"text/plain": "1234"})
    assert processed(HIDDEN, printed, shown).outputs == []
    assert processed("assert f(1)", printed, shown).outputs == []


def test_a_visible_test_keeps_its_traceback():
    (output,) = processed("assert f(1)", error()).outputs
    assert len(output.traceback) == 3


def test_partial_credit_stays_visible():
    result = new_output("execute_result", data={"text/plain": "2"}, execution_count=1)
    assert processed("points", result).outputs == [result]


def test_answers_of_students_are_left_alone():
    printed = new_output("stream", name="stdout", text="mine\n")
    cell = processed("print('mine')", printed, grade=True, solution=True)
    assert cell.outputs == [printed]


@pytest.mark.parametrize(
    "source", ["### BEGIN HIDDEN TESTS\nassert f(1234)", HIDDEN * 2 + HIDDEN[:40]]
)
def test_delimiters_that_do_not_match_hide_everything(source):
    cell = processed(source, error())
    assert "1234" not in cell.source
    assert cell.outputs[0].traceback == ["AssertionError: f(1234) is wrong"]


@pytest.mark.sandbox
def test_generated_feedback_tells_the_message_and_no_hidden_test(root, blank):
    config = root / "nbgrader_config.py"
    lines = "from optedu.grading.feedback import hide_tests\nhide_tests(c)\n"
    config.write_text(config.read_text() + lines)
    tells = "def squares(n):\n    print('asked for', n)\n    return [1, 4, 9]\n"
    courses.submit(root, "ada", courses.answered(blank, **courses.ANSWERS | {"squares": tells}))
    assert optedu_grade(root).exit_code == 0
    said = courses.nbgrader(root, "generate_feedback", courses.ASSIGNMENT)
    assert "WARNING" not in said.stdout + said.stderr
    page = (root / "feedback" / "ada" / courses.ASSIGNMENT / "problem.html").read_text()
    assert "squares(0) should be the empty list" in page
    for secret in ("secret_length", "HIDDEN TESTS", "asked for 3"):
        assert secret not in page


def test_the_configuration_keeps_grades_and_style():
    config = Config()
    hide_tests(config)
    names = config.GenerateFeedback.preprocessors
    assert [name.rpartition(".")[2] for name in names] == [
        "GetGrades",
        "HideTests",
        "CSSHTMLHeaderPreprocessor",
    ]
