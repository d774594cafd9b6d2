"""The recipe for GitHub Classroom, as the page has it, with repositories on disk in GitHub's place."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from nbgrader.utils import parse_utc

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "book/instructor/recipes.md").read_text()
SECTION = PAGE.partition("(recipe-classroom)=")[2].partition("\n(recipe-")[0]
NOTEBOOK = "exercises/ps01_loss/ps01_loss.ipynb"
# What other tests do, and takes long.
ELSEWHERE = ("make publish", "optedu grade", "optedu feedback")


@pytest.fixture
def sh(tmp_path):
    """Run a line of the shell in a folder; github.com/example is a folder of bare repositories."""
    (tmp_path / "gitconfig").write_text(
        "[user]\nname = Teacher\nemail = t@example.org\n[init]\ndefaultBranch = main\n"
        f'[url "file://{tmp_path}/github/"]\ninsteadOf = https://github.com/example/\n'
    )
    environment = os.environ | {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig")}

    def run(line, folder):
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["bash", "-euc", line], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        return done.stdout

    return run


def test_the_commands_for_github_classroom(sh, tmp_path):
    blocks = re.findall(r"```console\n(.*?)```", SECTION, re.DOTALL)
    publish, collect, give_back = [
        "\n".join(x[2:] for x in block.splitlines() if not x[2:].startswith(ELSEWHERE))
        for block in blocks
    ]
    course, github = tmp_path / "course", tmp_path / "github"
    sh("git init -q --bare students", github)
    (course / "exercises").mkdir(parents=True)
    shutil.copytree((ROOT / NOTEBOOK).parent, (course / NOTEBOOK).parent)
    (course / "source").mkdir()
    (course / "source/secret.ipynb").write_text("the answers")
    sh("git init -q -b students; git add exercises; git commit -qm Students", course)
    sh(publish, course)

    # What GitHub Classroom and the students do.
    work = {
        "ada": f"echo ' ' >> {NOTEBOOK}",
        "emmy": f"ln -sf ../../../../source/secret.ipynb {NOTEBOOK}; ln -s ../../source/x ps01_loss.html",
    }
    for user, change in work.items():
        sh(
            f"git clone -q --bare https://github.com/example/students ps01_loss-{user}",
            github,
        )
        sh(f"git clone -q https://github.com/example/ps01_loss-{user} {user}", tmp_path)
        stamp = "GIT_COMMITTER_DATE=2026-10-01T20:00:00+02:00"
        sh(f"{change}; git add -A; {stamp} git commit -qm done; git push -q", tmp_path / user)

    sh(collect, course)
    handed_in = course / "submitted/ada/ps01_loss"
    assert (handed_in / "ps01_loss.ipynb").read_bytes() == (
        tmp_path / "ada" / NOTEBOOK
    ).read_bytes()
    assert parse_utc((handed_in / "timestamp.txt").read_text().strip()).hour == 18
    assert "answers" not in (course / "submitted/emmy/ps01_loss/ps01_loss.ipynb").read_text()

    for user in work:
        page = course / f"feedback/{user}/ps01_loss/ps01_loss.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"well done, {user}")
    sh(give_back, course)
    for user in work:
        assert sh("git pull -q; cat ps01_loss.html", tmp_path / user) == f"well done, {user}"
    assert not (course / "source/x").exists()
