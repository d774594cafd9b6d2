"""The sample class on the course's own assignments: the scores stated, which nbgrader gives too.

With OPTEDU_SAME_RESULT set, nbgrader grades the class as well and every row is compared.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from optedu.cli import main
from tests import sample_class
from tests.grading import compare
from tests.grading import course as courses

pytestmark = pytest.mark.sandbox

REPOSITORY = Path(__file__).parents[2]
CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "optedu"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.py", "*.md"]
c.ExecutePreprocessor.timeout = 120
"""


def make_class(folder: Path) -> None:
    """A course with the assignments of this one, and the class's submissions."""
    root = folder / "course"
    root.mkdir()
    (root / "nbgrader_config.py").write_text(CONFIG)
    expected = sample_class.write(root / "submitted")
    (folder / "expected.json").write_text(json.dumps(expected))
    for name in sorted({name for scores in expected.values() for name in scores}):
        shutil.copytree(REPOSITORY / "solutions" / name, root / "source" / name)
        courses.nbgrader(root, "generate_assignment", name)


@pytest.fixture(scope="module")
def graded(once):
    """The class as `optedu grade` leaves it, and the scores that each should get."""

    def build(folder):
        make_class(folder)
        root = folder / "course"
        if "OPTEDU_SAME_RESULT" in os.environ:
            shutil.copytree(root, folder / "theirs")
        before = Path.cwd()
        os.chdir(root)
        try:
            for path in sorted((root / "source").iterdir()):
                report = f"{path.name}.json"
                result = CliRunner().invoke(main, ["grade", path.name, "--report", report])
                assert result.exit_code in (0, 3), result.output
        finally:
            os.chdir(before)

    folder = once("sample-class", build)
    return folder, json.loads((folder / "expected.json").read_text())


def test_every_student_has_the_score_that_is_stated(graded):
    folder, expected = graded
    found = {}
    for path in (folder / "course").glob("*.json"):
        for row in json.loads(path.read_text())["students"]:
            found.setdefault(row["student"], {})[path.stem] = row["score"]
    assert found == {
        student: {name: pytest.approx(score) for name, score in scores.items()}
        for student, scores in expected.items()
    }


@pytest.mark.skipif("OPTEDU_SAME_RESULT" not in os.environ, reason="nbgrader takes minutes")
def test_rows_and_notebooks_are_those_of_nbgrader(graded):
    folder, expected = graded
    theirs, ours = folder / "theirs", folder / "course"
    for name in sorted({name for scores in expected.values() for name in scores}):
        courses.nbgrader(theirs, "autograde", name, check=False)
        rows = compare.gradebook_rows(ours, name)
        reference = compare.gradebook_rows(theirs, name)
        assert rows.keys() == reference.keys()
        for student in reference:
            assert rows[student] == reference[student], (name, student)
    notebooks = compare.autograded_notebooks(ours)
    reference = compare.autograded_notebooks(theirs)
    assert notebooks.keys() == reference.keys()
