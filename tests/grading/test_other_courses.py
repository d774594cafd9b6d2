"""Courses that were not written for two kernels: every cell has nbgrader's points, or is flagged.

One kernel gives nbgrader's points in every cell. Two kernels do, too, or put the submission under
"to look at" with the notebook's cell named; points that nbgrader does not give are never given.
"""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from click.testing import CliRunner

from optedu.cli import main
from tests.grading import compare, others
from tests.grading import course as courses

pytestmark = pytest.mark.sandbox

# What is wrong by intent: vectors are no numbers, nobody has imported numpy.
FAILING = {"operators-7", "unimported-1"}
CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "others"\n'


_ONCE = shutil.ignore_patterns("one", "two", "nbgrader-*")


def make_course(root):
    """The course, released, with the right, the wrong and the blank submission."""
    source = root / "source" / others.ASSIGNMENT
    source.mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(CONFIG)
    for name in others.NOTEBOOKS:
        nbformat.write(others.notebook(name, "source"), source / f"{name}.ipynb")
    courses.nbgrader(root, "generate_assignment", others.ASSIGNMENT)
    for variant in others.VARIANTS:
        folder = root / "submitted" / variant / others.ASSIGNMENT
        folder.mkdir(parents=True)
        for name in others.NOTEBOOKS:
            if others.handed_in(name, variant):
                nbformat.write(others.notebook(name, variant), folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def graded(once):
    """Points by way of grading, student, notebook and cell; and the flags of two kernels."""

    def build(folder):
        make_course(folder)
        reports = {}
        for way in ("one", "two"):
            root = shutil.copytree(folder, folder / way, ignore=_ONCE)
            before = os.getcwd()
            os.chdir(root)
            try:
                done = CliRunner().invoke(
                    main,
                    ["grade", others.ASSIGNMENT, "--kernels", way, "--report", "report.json"],
                )
            finally:
                os.chdir(before)
            assert done.exit_code in (0, 3), done.output
            reports[way] = points(root)
        reports["nbgrader"] = by_nbgrader(folder)
        report = json.loads((folder / "two" / "report.json").read_text())
        reports["flags"] = {s["student"]: s["tampered"] for s in report["students"]}
        reports["seen"] = {s["student"]: s["reason"] for s in report["needs_human"]}
        (folder / "points.json").write_text(json.dumps(reports))

    return json.loads((once("other-courses", build) / "points.json").read_text())


def by_nbgrader(folder):
    """What `nbgrader autograde` gives: two commands side by side, each with half of the class."""

    def grade(students):
        root = shutil.copytree(folder, folder / f"nbgrader-{students[0]}", ignore=_ONCE)
        for student in students:
            courses.nbgrader(root, "autograde", others.ASSIGNMENT, f"--student={student}")
        found = points(root)
        return {student: found[student] for student in students}

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(grade, (["right"], ["wrong", "blank"]))
    return first | second


def points(root):
    """Automatic scores by student, notebook and cell."""
    rows = compare.gradebook_rows(root, others.ASSIGNMENT)
    return {
        student: {
            name: {cell: grade[0] for cell, grade in notebook["grades"].items()}
            for name, notebook in row["notebooks"].items()
        }
        for student, row in rows.items()
    }


CASES = [(v, n) for n in others.NOTEBOOKS for v in others.VARIANTS if others.handed_in(n, v)]


@pytest.mark.parametrize(("student", "notebook"), CASES)
def test_one_kernel_gives_the_points_of_nbgrader(graded, student, notebook):
    assert graded["one"][student][notebook] == graded["nbgrader"][student][notebook]


@pytest.mark.parametrize(("student", "notebook"), CASES)
def test_two_kernels_give_the_points_of_nbgrader_or_a_flag(graded, student, notebook):
    theirs, ours = graded["nbgrader"][student][notebook], graded["two"][student][notebook]
    gained = {cell for cell in theirs if ours[cell] > theirs[cell]}
    assert not gained, "points that nbgrader does not give"
    for cell in theirs:
        if ours[cell] != theirs[cell]:
            flags = [line for line in graded["flags"][student] if is_about(line, cell)]
            assert flags, (cell, theirs[cell], ours[cell])
            assert all(line in graded["seen"][student] for line in flags)


def is_about(flag, cell):
    """Whether a flag names the cell, or a name that the student's cell before it has missed."""
    notebook = cell.partition("-")[0]
    missed = flag.startswith("a cell of the student needs") and f"'{notebook}-" in flag
    return f"cell '{cell}' " in flag or missed


# What the wire carries: nothing of it is flagged.
CARRIED = (
    "quickstart", "import", "kinds", "classes", "names", "modules", "generators", "results",
    "library", "mutable", "randomness", "printed", "asked", "sparse",
)  # fmt: skip


@pytest.mark.parametrize("notebook", CARRIED)
@pytest.mark.parametrize("student", ["right", "wrong"])
def test_what_the_wire_carries_has_the_points_of_nbgrader(graded, student, notebook):
    assert graded["two"][student][notebook] == graded["nbgrader"][student][notebook]
    assert not [line for line in graded["flags"][student] if f"'{notebook}-" in line]


@pytest.mark.skipif(not others.PANDAS, reason="pandas is not installed: no data frame is compared")
@pytest.mark.parametrize("student", ["right", "wrong"])
def test_data_frames_cross_both_ways(graded, student):
    test_what_the_wire_carries_has_the_points_of_nbgrader(graded, student, "frames")


def test_the_solutions_have_all_points_with_nbgrader(graded):
    """So that a cell that two kernels cannot judge is seen as one that loses points."""
    for name, cells in graded["nbgrader"]["right"].items():
        for number, part in enumerate(others.NOTEBOOKS[name]):
            if isinstance(part, others.Test):
                cell = f"{name}-{number}"
                expected = 0 if cell in FAILING else part.points
                assert cells[cell] == expected, cell


def test_the_quickstart_of_nbgrader_has_its_three_points(graded):
    assert sum(graded["nbgrader"]["right"]["quickstart"].values()) == 3.0
    assert sum(graded["one"]["right"]["quickstart"].values()) == 3.0
    assert sum(graded["two"]["right"]["quickstart"].values()) == 3.0
