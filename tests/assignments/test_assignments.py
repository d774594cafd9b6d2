"""Every assignment, graded as students' work is: exercises are tested like code."""

import dis
import re

import pytest

from optedu.course.release import assignments
from optedu.exercise.scenarios import PARTS
from tests.assignments import notebooks
from tests.assignments.bench import load

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, on import and on use

NAMES = assignments(notebooks.ROOT)
OURS = [name for name in NAMES if notebooks.of_the_course(name)]
RIGHT = [(name, variant) for name in NAMES for variant in load(name).rights]
WRONG = [(name, variant) for name in NAMES for variant in load(name).wrongs]


def ids(cases):
    return [f"{name}-{variant.name}" for name, variant in cases]


def full(assignment, result):
    points = notebooks.points(assignment)
    lost = {name: result.said[name] for name, got in result.points.items() if got < points[name]}
    assert not lost, lost
    assert result.points == points


@pytest.mark.parametrize("assignment", NAMES)
def test_instructor_version_scores_everything(graded, assignment):
    full(assignment, graded(assignment)["instructor"])


@pytest.mark.parametrize("assignment", NAMES)
def test_released_version_scores_nothing(graded, assignment):
    result = graded(assignment)["released"]
    assert set(result.points) == set(notebooks.points(assignment))
    assert not any(result.points.values()), result.points


@pytest.mark.parametrize(("assignment", "variant"), RIGHT, ids=ids(RIGHT))
def test_right_answer_written_differently_scores_everything(graded, assignment, variant):
    full(assignment, graded(assignment)[variant.name])


@pytest.mark.parametrize(("assignment", "variant"), WRONG, ids=ids(WRONG))
def test_mutant_loses_exactly_its_points(graded, assignment, variant):
    pack = next(pack for pack in load(assignment).packs if variant in pack.variants)
    # What the other mutants of the same submission lose is their business.
    others = {name for other in pack.variants if other is not variant for name in other.loses}
    result = graded(assignment)[pack.name]
    points = notebooks.points(assignment)
    # Where there is partial credit, some of the points are lost.
    lost = {name for name, got in result.points.items() if got < points[name]} - others
    assert lost == variant.loses, {name: result.said[name] for name in lost ^ variant.loses}
    kept = {name: got for name, got in result.points.items() if name not in lost | others}
    assert kept == {name: points[name] for name in kept}
    messages = [result.said[name] for name in sorted(lost)]
    assert any(variant.says in message for message in messages), messages


@pytest.mark.parametrize("assignment", OURS)
def test_there_are_enough_of_both(assignment):
    assert len(load(assignment).rights) >= 3
    assert len(load(assignment).wrongs) >= 15
    # Every test cell is lost by some mutant: none is there for show.
    lost = {name for variant in load(assignment).wrongs for name in variant.loses}
    assert lost == set(notebooks.points(assignment))


@pytest.mark.parametrize("assignment", OURS)
def test_points_in_the_text_are_those_in_the_metadata(assignment):
    notebook = notebooks.read("exercises", assignment)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    tasks = re.findall(r"^## Task .*\((\d+) points", text, re.MULTILINE)
    table = re.findall(r"^\| \d+\..*\| (\d+) \|$", text, re.MULTILINE)
    assert tasks == table
    assert sum(map(int, tasks)) == 100
    parts = re.findall(r"^\*\*\d[a-z]\. [^*]*\*\* \((\d+) points", text, re.MULTILINE)
    assert sum(map(int, parts)) == sum(notebooks.points(assignment).values())


@pytest.mark.parametrize("assignment", OURS)
def test_source_has_stable_ids_and_no_outputs(assignment):
    for position, cell in enumerate(notebooks.read("solutions", assignment).cells):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        assert cell.id == (grade_id or f"cell-{position:02d}")
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_the_text_says_how_many_steps_the_check_of_adam_runs():
    cells = notebooks.read("solutions", "ps09_adam").cells
    (text,) = [cell.source for cell in cells if cell.source.startswith("**1c. ")]
    said = text.partition("This runs ")[2]
    assert re.findall(r"\d+", said) == re.findall(r"\d+", PARTS["many steps"])


def bound(cell):
    """Return the names that a code cell binds where it stands, not inside its functions."""
    code = dis.get_instructions(compile(cell.source, "cell", "exec"))
    return {step.argval for step in code if step.opname == "STORE_NAME"} - {"_"}


@pytest.mark.parametrize("assignment", OURS)
def test_no_test_cell_takes_a_name_of_the_students(assignment):
    # In one kernel the test's value would stand in for an answer that was never given.
    marked = [
        (cell, cell.metadata["nbgrader"])
        for cell in notebooks.read("solutions", assignment).cells
        if cell.cell_type == "code" and "nbgrader" in cell.metadata
    ]
    theirs = set().union(*(bound(cell) for cell, meta in marked if meta.solution))
    for cell, meta in marked:
        assert not meta.grade or not bound(cell) & theirs, meta.grade_id
