"""`optedu quickstart`: a course that nbgrader and optedu both work in, or nothing at all."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from optedu.course.release import assignments, course_config
from optedu.desk import quickstart as command
from tests.desk.conftest import CLASS, complaint, said, tree
from tests.grading import course as courses

CLONE = Path(__file__).parents[2]


def test_the_course_has_what_was_asked_for(tmp_path, monkeypatch):
    text = said(
        "quickstart", tmp_path / "optics 2", "--assignment", "ps09", "--assignment", "ps01_loss"
    )
    folder = tmp_path / "optics 2"
    assert "course 'optics-2' with ps01_loss, ps09_adam" in text
    names = {path.name for path in folder.iterdir()}
    assert names == {"source", "exchange", "gradebook.db", "nbgrader_config.py"}
    source = "ps09_adam/ps09_adam.ipynb"
    assert (folder / "source" / source).read_bytes() == (CLONE / "solutions" / source).read_bytes()
    assert assignments(CLONE) != ["ps01_loss", "ps09_adam"]
    assert {p.name for p in (folder / "source").iterdir()} == {"ps01_loss", "ps09_adam"}
    assert stat.S_IMODE((folder / "exchange").stat().st_mode) == 0o777
    assert list(tmp_path.iterdir()) == [folder]

    # All that the clone's configuration says, but where the folders are, holds there, too, and
    # wherever the folder is moved.
    moved = folder.rename(tmp_path / "elsewhere")
    config, ours = course_config(moved), course_config(CLONE)
    for section in ("ClearSolutions", "ExecutePreprocessor", "GenerateFeedback", "HTMLExporter"):
        assert config[section] == ours[section]
    assert config.CourseDirectory.ignore == ours.CourseDirectory.ignore
    assert config.Exchange.root == str(moved / "exchange")
    monkeypatch.chdir(moved)
    assert said("roster") == "0 students\n"


def test_a_second_course_leaves_the_one_alone_that_the_user_has_configured(tmp_path, monkeypatch):
    (tmp_path / "jupyter").mkdir()
    first = f"c = get_config()\nc.CourseDirectory.root = {str(tmp_path / 'first')!r}\n"
    (tmp_path / "jupyter/nbgrader_config.py").write_text(first)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    for name in ("second", "first"):
        said("quickstart", tmp_path / name, "--assignment", "ps01_loss")
        assert (tmp_path / name / "gradebook.db").is_file()
        assert (tmp_path / "first").exists() == (name == "first")


def test_the_gradebook_is_the_one_that_nbgrader_makes(tmp_path, master_course):
    said("quickstart", tmp_path / "new", "--assignment", "ps01")
    schemas = []
    for root in (tmp_path / "new", master_course):
        with sqlite3.connect(root / "gradebook.db") as database:
            rows = database.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
            version = database.execute("SELECT version_num FROM alembic_version").fetchall()
            schemas.append((rows, version))
        database.close()
    assert schemas[0] == schemas[1]


def test_nbgraders_own_commands_go_on_working(tmp_path, monkeypatch):
    """What one does the other finds: the class, the assignment."""
    folder = tmp_path / "new"
    said("quickstart", folder, "--assignment", "ps01")
    monkeypatch.chdir(folder)
    (folder / "class.csv").write_text(CLASS)
    said("roster", "class.csv")
    assert "ada (Lovelace, Ada)" in courses.nbgrader(folder, "db", "student", "list").stdout
    courses.nbgrader(folder, "generate_assignment", "ps01_loss")
    assert "3 of 3 students have not" in said("roster", "--missing", "ps01_loss")


def test_the_names_and_the_exchange_are_the_instructors(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    said("quickstart", folder, "--assignment", "ps01", "--course", "opt101", "--exchange", tmp_path)
    config = course_config(folder)
    assert config.CourseDirectory.course_id == "opt101"
    assert config.Exchange.root == str(tmp_path)
    assert not (folder / "exchange").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["full"], "full is not empty: name a new folder"),
        (["file.txt"], "file.txt is a file: name a folder"),
        (["no/such/folder"], "no folder"),
        (["new", "--assignment", "ps99"], "--assignment: no assignment 'ps99' in"),
        (["new", "--assignment", "ps0"], "more than one assignment 'ps0' in"),
        (["new", "--from", "full"], "--from: full has no solutions/ and nbgrader_config.py"),
        (["new", "--course", "../x"], "--course must be of letters, digits, - _ . and got '../x'"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(
    tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years of work")
    (tmp_path / "file.txt").write_text("a file")
    before = tree(tmp_path)
    assert words in complaint("quickstart", *arguments)
    assert tree(tmp_path) == before


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(source, target, **options):
        target.mkdir(parents=True)
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copytree", full)
    assert "No space left on device" in complaint("quickstart", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_an_installed_package_asks_for_the_clone(tmp_path, monkeypatch):
    monkeypatch.setattr(
        command.optedu, "__file__", str(tmp_path / "site-packages/optedu/__init__.py")
    )
    text = complaint("quickstart", tmp_path / "new")
    assert "the installed package holds no assignments" in text and "--from CLONE" in text
    said("quickstart", tmp_path / "new", "--from", CLONE, "--assignment", "ps01")


def test_the_next_command_can_be_pasted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = said("quickstart", "Kürs mit Leer", "--course", "k", "--assignment", "ps01_loss")
    assert "Go on there: cd 'Kürs mit Leer'; optedu doctor" in text
