"""Every command, given what it cannot work with: one line, status 2, nothing written."""

from __future__ import annotations

import sqlite3

import pytest

from optedu.cli import _COMMANDS
from optedu.desk import course as desk
from tests.desk.conftest import CLASS, complaint, optedu, tree
from tests.desk.test_collect import zipped
from tests.grading import course as courses

COMMANDS = {
    "import": ("roster", "class.csv"),
    "list": ("roster",),
    "missing": ("roster", "--missing", "ps1"),
    "release": ("release", "ps1", "--force"),
    "update": ("release", "ps1", "--update"),
    "due": ("due", "ps1", "2026-12-01"),
    "extension": ("due", "ps1", "2026-12-01", "--student", "ada"),
    "collect": ("collect", "ps1", "all.zip"),
    "exchange": ("collect", "ps1"),
    "grade": ("grade", "ps1", "--no-sandbox"),
    "feedback": ("feedback", "ps1"),
    "export": ("export", "--to", "csv"),
}


def test_the_table_has_every_command_that_works_on_a_course():
    # They are for where there is none, and `assignment` for where there is no gradebook yet.
    told_elsewhere = {"doctor", "quickstart", "assignment"}
    assert {arguments[0] for arguments in COMMANDS.values()} == set(_COMMANDS) - told_elsewhere


def with_files(folder):
    (folder / "class.csv").write_text(CLASS)
    zipped(folder / "all.zip", {"ada/problem.ipynb": b"{}"})


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_outside_a_course(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    with_files(tmp_path)
    before = tree(tmp_path)
    text = complaint(*arguments)
    assert str(tmp_path) in text and "optedu quickstart FOLDER" in text
    assert tree(tmp_path) == before


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_gradebook_that_is_no_database(course, blank, arguments):
    courses.submit(course, "ada", blank)
    with_files(course)
    (course / "gradebook.db").write_text("no database, " * 100)
    before = tree(course)
    text = complaint(*arguments)
    assert "the gradebook's file is no SQLite database: put a backup of it in its place" in text
    assert tree(course) == before


@pytest.mark.parametrize("arguments", [c for n, c in COMMANDS.items() if n != "grade"])
def test_a_gradebook_that_is_locked(course, monkeypatch, arguments):
    """Of `optedu grade`, which waits a minute and goes on, tests/grading/test_merge.py."""
    with_files(course)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('c.CourseDirectory.db_url = "sqlite:///gradebook.db?timeout=0.05"\n')
    monkeypatch.setattr(desk, "WAIT_S", 0.1)
    before = tree(course)
    holder = sqlite3.connect(course / "gradebook.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        text = complaint(*arguments)
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert "the gradebook is locked by another program" in text and "gradebook.db" in text
    assert tree(course) == before


@pytest.mark.parametrize(
    "arguments",
    [c for c in COMMANDS.values() if "ps1" in c],
    ids=[n for n, c in COMMANDS.items() if "ps1" in c],
)
def test_an_unknown_assignment(course, arguments):
    with_files(course)
    before = tree(course)
    text = complaint(*("ps9" if argument == "ps1" else argument for argument in arguments))
    assert "no assignment 'ps9' in" in text and "(it has: ps1)" in text
    assert tree(course) == before


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_gradebook_that_is_a_folder(course, blank, arguments):
    courses.submit(course, "ada", blank)
    with_files(course)
    (course / "gradebook.db").unlink()
    (course / "gradebook.db").mkdir()
    before = tree(course)
    assert "the gradebook's file cannot be opened" in complaint(*arguments)
    assert tree(course) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("release",), "Missing argument 'ASSIGNMENT'"),
        (("export", "--to", "excel"), "'excel' is not one of"),
        (("grade", "ps1", "--jobs", "0"), "--jobs"),
        (("grade", "ps1", "--report", "source"), "'source' is a directory"),
        (("collect", "--all"), "No such option"),
        (("export", "--to", "csv", "--output", "source"), "source is there already"),
        (("export", "--to", "csv", "--output", "no/such.csv"), "no/such.csv: No such file"),
        (("roster", "source"), "source: Is a directory"),
        (("roster", "source/ps1/problem.ipynb"), "is no CSV file but a notebook"),
        (("collect", "ps1", "class.csv"), "class.csv is no ZIP file"),
    ],
)
def test_options_and_files_that_cannot_be(course, arguments, words):
    before = tree(course)
    text = complaint(*arguments)
    assert words in text
    assert tree(course) == before


def test_an_unknown_command_is_one_line_and_none_is_the_help():
    done = optedu("grad", "ps1")
    assert done.exit_code == 2
    assert done.output == "optedu: No such command 'grad'. (see optedu --help)\n"
    assert "Commands:" in optedu().output
    assert optedu("--help").exit_code == 0


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_configuration_that_is_no_python(course, arguments):
    with_files(course)
    (course / "nbgrader_config.py").write_text("c = get_config(\n")
    before = tree(course)
    assert "nbgrader_config.py cannot be used" in complaint(*arguments)
    assert tree(course) == before


def test_grading_speaks_as_the_other_commands_do(course, tmp_path, monkeypatch):
    command = ("grade", "ps9", "--no-sandbox")
    text = complaint(*command)
    assert "no assignment 'ps9' in the gradebook (it has: ps1): run optedu release ps9 " in text
    (course / "gradebook.db").unlink()
    assert "gradebook.db: run optedu release ps9 (or nbgrader generate" in complaint(*command)
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    assert f"no course in {empty}: go to the folder with nbgrader_config" in complaint(*command)


def test_what_the_system_or_the_configuration_refuses_is_one_line(course):
    assert "File name too long" in complaint("quickstart", "x" * 300)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('c.LateSubmissionPlugin.penalty_method = "half"\n')
    text = complaint("due", "ps1")
    assert "nbgrader_config.py, the late penalty: " in text and "half" in text
