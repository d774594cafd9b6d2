"""A small course with a class, and the commands run in its folder."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from optedu.cli import main
from tests.grading.conftest import blank, master_course, once, root  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore")

CLASS = """\
id,first_name,last_name,email,lms_user_id
ada,Ada,Lovelace,ada@example.org,101
bob,Bob,Box,bob@example.org,102
emmy,Emmy,Noether,emmy@example.org,103
"""


def optedu(*arguments: object):
    """Run a command; its output is what goes to both streams."""
    return CliRunner().invoke(main, [str(a) for a in arguments])


def said(*arguments: object, code: int = 0) -> str:
    """Run a command that ends with this status; return what it says."""
    done = optedu(*arguments)
    assert done.exit_code == code, done.output
    return done.output


def complaint(*arguments: object, code: int = 2) -> str:
    """Run a command that fails in one line; return it."""
    text = said(*arguments, code=code)
    assert text.startswith(f"optedu {arguments[0]}: ") and text.count("\n") == 1, text
    assert "Traceback" not in text
    return text


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None
        for p in folder.rglob("*")
    }


@pytest.fixture
def here(root, monkeypatch):  # noqa: F811
    """The course of one assignment, `ps1`, and nobody in it."""
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def course(here):
    """The same with a class of three."""
    (here / "class.csv").write_text(CLASS)
    said("roster", "class.csv")
    return here
