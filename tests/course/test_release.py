"""Student notebooks: what nbgrader leaves of a source, the same bytes each time, drift found."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from optedu.course import release

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, on import and on use


def code_cell(source, name, **nbgrader):
    metadata = {"schema_version": 3, "grade_id": name, "grade": False, "solution": False}
    metadata |= {"locked": False, "task": False, **nbgrader}
    return nbformat.v4.new_code_cell(source, metadata={"nbgrader": metadata})


def write_course(root):
    """One assignment, with a text cell, a solution, a visible and a hidden test."""
    cells = [
        nbformat.v4.new_markdown_cell("# Double"),
        code_cell(
            "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
            "double",
            solution=True,
        ),
        code_cell(
            "assert double(1) == 2\n### BEGIN HIDDEN TESTS\nassert double(3) == 6\n"
            "### END HIDDEN TESTS",
            "test_double",
            grade=True,
            locked=True,
            points=3,
        ),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    folder = root / "solutions" / "ps00_double"
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / "ps00_double.ipynb")
    (folder / "notes.md").write_text("the answer is 2 * x")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    return root


@pytest.fixture
def course(tmp_path, monkeypatch):
    root = write_course(tmp_path / "course")
    monkeypatch.chdir(root)
    return root


def test_solutions_and_hidden_tests_are_gone(course):
    assert release.main([]) == 0
    text = (course / "exercises/ps00_double/ps00_double.ipynb").read_text()
    assert "2 * x" not in text
    assert "double(3)" not in text
    assert "double(1) == 2" in text
    assert "raise NotImplementedError" in text


def test_instructor_notes_are_not_released(course):
    release.main([])
    assert [p.name for p in (course / "exercises/ps00_double").iterdir()] == ["ps00_double.ipynb"]


def test_ids_come_from_the_grade_or_the_place(course):
    release.main([])
    notebook = json.loads((course / "exercises/ps00_double/ps00_double.ipynb").read_text())
    assert [cell["id"] for cell in notebook["cells"]] == ["cell-00", "double", "test_double"]


def test_check_finds_an_edited_a_missing_and_a_stale_notebook(course, capsys):
    release.main([])
    assert release.main(["--check"]) == 0
    path = course / "exercises/ps00_double/ps00_double.ipynb"
    content = path.read_text()
    path.write_text(content.replace("# Double", "# Triple"))
    assert release.main(["--check"]) == 1
    assert "exercises/ps00_double/ps00_double.ipynb" in capsys.readouterr().out
    path.unlink()
    assert release.main(["--check"]) == 1
    path.write_text(content)
    stale = course / "exercises/ps01_gone/ps01_gone.ipynb"
    stale.parent.mkdir()
    stale.write_text("{}")
    assert release.main(["--check"]) == 1
    release.main([])
    assert not stale.parent.exists()
    assert release.main(["--check"]) == 0


def test_exercises_are_up_to_date(monkeypatch, capsys):
    """The committed student notebooks are what ``make exercises`` would write."""
    monkeypatch.chdir(ROOT)
    status = release.main(["--check"])
    assert status == 0, capsys.readouterr().out
