"""The instructor guide's front desk, from the first command to the last, as a reader types it."""

from __future__ import annotations

import doctest
import re
import shlex
import zipfile
from pathlib import Path

import nbformat
import pytest

from optedu.cli import _COMMANDS
from tests.assignments import notebooks
from tests.desk.conftest import CLASS, optedu
from tests.desk.test_roster import CANVAS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "book/instructor/guide.md").read_text(encoding="utf-8")
DESK = GUIDE.partition("## The front desk\n")[2].partition("\n## ")[0]
NAME = "ps09_adam"


def steps() -> list[tuple[str, str]]:
    """Each command of the section, with what the page says that it prints."""
    blocks = re.findall(r"```console\n(.*?)```", DESK, re.DOTALL)
    return re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", "".join(blocks), re.MULTILINE)


def test_every_command_has_its_place_in_the_guide():
    said = {command.split()[1] for command, _ in steps() if command.startswith("optedu ")}
    assert said == set(_COMMANDS)
    assert all(f"`optedu {name}`" in DESK for name in _COMMANDS)


def write_class(folder: Path) -> None:
    """What a reader has: the list of the class, and later the platform's archive."""
    (folder / "class.csv").write_text(CLASS)
    solved = nbformat.writes(notebooks.submission(NAME, {}))
    blank = ROOT / "exercises" / NAME / f"{NAME}.ipynb"
    with zipfile.ZipFile(folder / "submissions.zip", "w") as archive:
        archive.writestr(f"lovelaceada_101_4711_{NAME}-1.ipynb", solved)
        archive.write(blank, f"noetheremmy_LATE_103_4712_{NAME}.ipynb")


@pytest.mark.sandbox
def test_the_guides_commands_do_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = 0, ""
    same = doctest.OutputChecker().check_output
    for command, expected in steps():
        program, *arguments = shlex.split(command)
        if program == "cd":
            monkeypatch.chdir(arguments[0])
            write_class(Path.cwd())
            continue
        if program == "echo":
            assert arguments == ["$?"] and int(expected) == code
            code = 0
            continue
        assert program == "optedu" and code == 0, f"the command before says:\n{said}"
        done = optedu(*arguments)
        said = done.output
        code = done.exit_code
        assert code in (0, 3), done.output
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert same(expected, done.output, flags), f"$ {command}\n{done.output}"
    assert code == 0


def test_the_recipe_for_a_platform(tmp_path, monkeypatch):
    page = (ROOT / "book/instructor/recipes.md").read_text(encoding="utf-8")
    (block,) = re.findall(
        r"```console\n(.*?)```", page.partition("(recipe-platform)=")[2], re.DOTALL
    )
    lines = [line.removeprefix("$ optedu ") for line in block.splitlines()]
    said = optedu("quickstart", tmp_path / "course", "--assignment", "ps01_loss")
    assert said.exit_code == 0, said.output
    monkeypatch.chdir(tmp_path / "course")
    Path("grades.csv").write_text(CANVAS)
    with zipfile.ZipFile("submissions.zip", "w") as archive:
        released = ROOT / "exercises/ps01_loss/ps01_loss.ipynb"
        archive.write(released, "lovelaceada_101_4711_ps01_loss.ipynb")
    for line in lines:
        if not line.startswith(("grade ", "feedback ")):  # as above
            done = optedu(*line.split())
            assert done.exit_code == 0, done.output
    assert "not handed in, or not graded yet: ada, emmy" in done.output
    table = Path("grades-canvas.csv").read_text().splitlines()
    assert [row.split(",")[:1] for row in table[2:]] == [['"Lovelace'], ['"Noether']]
