"""The harness that grades a class with stock nbgrader, on a course of one small assignment."""

import shutil
from pathlib import Path

import pytest

from optedu.course import release
from tests.sample_class import graded as sample
from tests.sample_class.graded import Grade
from tests.course.test_release import write_course

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, on import and on use


@pytest.fixture
def course(tmp_path, monkeypatch):
    root = write_course(tmp_path / "course")
    monkeypatch.chdir(root)
    release.main([])
    return root


def submit(folder, student, text):
    target = folder / "submitted" / student / "ps00_double"
    target.mkdir(parents=True)
    (target / "ps00_double.ipynb").write_text(text)


def test_grades_right_blank_and_broken(course, tmp_path):
    folder = tmp_path / "class"
    right = (course / "solutions/ps00_double/ps00_double.ipynb").read_text()
    blank = (course / "exercises/ps00_double/ps00_double.ipynb").read_text()
    submit(folder, "ada", right)
    submit(folder, "bob", blank)
    submit(folder, "cyd", "{ this is no notebook")
    grades = sample.grade(course, folder, ["ada", "bob", "cyd"], ["ps00_double"])
    assert [(g.student, g.score, g.max_score) for g in grades] == [
        ("ada", 3.0, 3.0),
        ("bob", 0.0, 3.0),
        ("cyd", None, 3.0),
    ]
    assert "JSON" in grades[2].reason
    assert (folder / "feedback/ada/ps00_double/ps00_double.html").is_file()
    shown = sample.table(grades)
    assert "3 / 3" in shown
    assert "not graded" in shown


def test_grades_are_kept_until_something_changes(course, monkeypatch, capsys):
    package = course / "invented"
    package.mkdir()
    (course / "optedu").mkdir()
    (package / "__init__.py").write_text("")
    folder = course / "_build" / "sample"
    written = []

    class Invented:
        @staticmethod
        def write(submitted):
            written.append(submitted)
            return {}

    monkeypatch.setattr(sample.importlib, "import_module", lambda name: Invented)
    monkeypatch.setattr(sample, "grade", lambda *args, **kwargs: [])
    sample.run(course, folder, "invented")
    sample.run(course, folder, "invented")
    assert len(written) == 1
    (package / "__init__.py").write_text("# changed")
    sample.run(course, folder, "invented")
    assert len(written) == 2
    sample.run(course, folder, "invented", again=True)
    assert len(written) == 3


def test_unexpected_scores_are_named():
    grades = [Grade("ada", "ps", 3.0, 3.0), Grade("bob", "ps", None, 3.0)]
    assert sample.mismatches(grades, {"ada": {"ps": 3}, "bob": {"ps": None}}) == []
    assert sample.mismatches(grades, {"ada": {"ps": 2}}) == ["ada, ps: expected 2, got 3.0"]
    assert sample.mismatches(grades, {"bob": {"ps": 0}}) == ["bob, ps: expected 0, got None"]
    assert sample.mismatches(grades, {"cyd": {"ps": 1}}) == ["cyd, ps: expected 1, got None"]


def test_nbgrader_sees_our_folders():
    root = Path(__file__).parents[2]
    config = release.course_config(root)
    directory = config.CourseDirectory
    assert directory.source_directory == "solutions"
    assert directory.release_directory == "exercises"
    for name in ("submitted", "autograded", "feedback"):
        assert directory[f"{name}_directory"].startswith("course/")
    assert shutil.which("alembic", path=str(Path(sample.sys.executable).parent))
