"""All cells in one jailed kernel: for tests that are not written for the wire."""

from __future__ import annotations

import pytest

from optedu.grading.course import open_course
from optedu.grading.errors import UsageError
from optedu.grading.execute import Limits
from optedu.grading.plan import make_plan
from tests.grading import course as courses
from tests.grading.cells import answer, graded, needs_sandbox, run, scores, setup


@pytest.fixture
def folder(root, blank):
    courses.submit(root, "ada", courses.answered(blank, **courses.ANSWERS))
    return root


@needs_sandbox
def test_tests_and_answers_share_their_names():
    notebook, outcome = run(
        setup("import json\nlimit = 3"),
        graded("import math\nhidden = 4"),
        answer("class Node:\n    pass\nroot = math.sqrt(hidden) + limit"),
        graded("assert root == 5 and Node() != Node() and isinstance(Node(), Node)"),
        graded("del Node\nassert 'Node' not in globals()"),
        kernels="one",
    )
    assert scores(notebook) == [1, 1, 1]
    assert outcome.status == "ok" and outcome.tampered == []


@needs_sandbox
def test_what_is_tampered_with_is_still_found():
    _, outcome = run(
        answer("import numpy as np\nnp.allclose = lambda *a, **k: True"),
        graded("assert np.allclose(1, 2)"),
        kernels="one",
    )
    assert any("numpy.allclose" in line for line in outcome.tampered)


@needs_sandbox
def test_a_test_without_end_costs_its_own_points():
    limits = Limits(cell_timeout_s=1)
    notebook, outcome = run(
        answer("def f():\n    while True: pass"),
        graded("f()"),
        graded("assert True"),
        kernels="one",
        limits=limits,
    )
    assert scores(notebook) == [0, 1]
    assert (outcome.status, outcome.detail) == ("timeout", "a cell ran longer than 1 s")


UNEQUAL = "class P:\n    def __init__(self, x):\n        self.x = x"


@needs_sandbox
@pytest.mark.parametrize(
    "test",
    [
        "assert P(1) != P(2)",  # earned without looking, before it was refused
        "assert not P(1) == P(2)",
        "try:\n    P(1) + P(2)\nexcept TypeError:\n    pass",
        "try:\n    assert P(1) == P(1)\nexcept:\n    pass",
        "import unittest\nwith unittest.TestCase().assertRaises(TypeError):\n    P(1) < P(2)",
    ],
)
def test_what_two_kernels_cannot_compare_earns_nothing_and_is_looked_at(test):
    notebook, outcome = run(answer(UNEQUAL), graded(test), graded("assert P(3).x == 3"))
    assert scores(notebook) == [0, 1]
    (line,) = outcome.tampered
    assert "cannot be judged in two kernels: " in line and "object P" in line


@needs_sandbox
def test_the_same_object_is_the_same():
    notebook, outcome = run(
        answer(UNEQUAL + "\np = P(1)\ndef same(): return p"),
        graded("assert p == same() and not p != same() and p in [same()] and p is not None"),
    )
    assert scores(notebook) == [1] and outcome.tampered == []


def test_the_choice_is_the_instructors_and_part_of_the_job_key(folder):
    course = open_course(courses.ASSIGNMENT, folder)
    assert course.kernels is None
    keys = {
        make_plan(course, limits=Limits(), sandbox=False, kernels=kernels).submissions[0].key
        for kernels in ("one", "two")
    }
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("line", "chosen"),
    [
        ("c.OpteduGrade.kernels = 'one'", "one"),
        ("c.OpteduGrade.kernels = {'ps1': 'one', 'ps2': 'two'}", "one"),
        ("c.OpteduGrade.kernels = {'ps2': 'one'}", None),
    ],
)
def test_the_configuration_chooses_by_assignment(folder, line, chosen):
    config = folder / "nbgrader_config.py"
    config.write_text(config.read_text() + line + "\n")
    assert open_course(courses.ASSIGNMENT, folder).kernels == chosen


@pytest.mark.parametrize("value", ["1", "'three'", "{'ps1': 'three'}", "[]"])
def test_another_number_of_kernels_is_refused_by_name(folder, value):
    config = folder / "nbgrader_config.py"
    config.write_text(config.read_text() + f"c.OpteduGrade.kernels = {value}\n")
    with pytest.raises(UsageError, match=r"OpteduGrade.kernels .* 'one' or 'two', got"):
        _ = open_course(courses.ASSIGNMENT, folder).kernels
