"""What students get has the book, the notebooks and the package, and nothing that is graded."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from optedu.course import publish as command
from optedu.course.publish import PublishError, branch, hidden, publish
from optedu.course.release import assignments

ROOT = Path(__file__).parents[2]
SECRET = "assert secret_of_the_hidden_tests(41) == 'forty-two', 'never shown'"
ANSWER = "value = the_answer_that_is_not_to_be_given_away(6, 7)"


def git(folder, *arguments):
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def notebook(*sources):
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code", "execution_count": None, "id": f"c{i}", "metadata": {},
                    "outputs": [], "source": source.splitlines(keepends=True),
                }
                for i, source in enumerate(sources)
            ],
            "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
        }
    )  # fmt: skip


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A small course in a repository of its own, its book built."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "a")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@b")
    root = tmp_path / "course"
    files = {
        "solutions/ps01/ps01.ipynb": notebook(
            f"### BEGIN SOLUTION\n{ANSWER}\n### END SOLUTION",
            f"assert value\n### BEGIN HIDDEN TESTS\n{SECRET}\n### END HIDDEN TESTS",
        ),
        "exercises/ps01/ps01.ipynb": notebook("# YOUR CODE HERE", "assert value"),
        "optedu/__init__.py": "x = 1\n",
        "optedu/course/students.md": "# For students\n",
        "pyproject.toml": "[project]\n",
        "LICENSE": "free\n",
        "tests/test_it.py": f"{SECRET}\n",
        ".gitignore": "_build/\n",
        "_build/html/index.html": "<p>the book</p>",
        "_build/html/book/a.html": "<p>a page</p>",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "all")
    return root


def found(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_the_tree_has_the_book_the_notebooks_and_the_package(course, tmp_path):
    (course / "optedu" / "notes.txt").write_text("not committed")
    count, kept = publish(course, tmp_path / "out")
    assert kept is None
    names = {
        "README.md", "LICENSE", "pyproject.toml", "optedu/__init__.py", "book/index.html",
        "optedu/course/students.md", "book/book/a.html", "exercises/ps01/ps01.ipynb",
        ".published-by-optedu",
    }  # fmt: skip
    assert found(tmp_path / "out") == names
    assert count == len(names)


def test_a_second_time_replaces_the_first(course, tmp_path):
    publish(course, tmp_path / "out")
    (tmp_path / "out" / "old.txt").write_text("of last year")
    _, kept = publish(course, tmp_path / "out")
    assert "old.txt" not in found(tmp_path / "out")
    assert kept == tmp_path / "out.kept-1"
    assert (kept / "old.txt").read_text() == "of last year", "nothing of somebody's is lost"


@pytest.mark.parametrize("change", ["add", "edit", "remove", "git"])
def test_a_tree_that_somebody_has_worked_in_is_moved_aside(course, tmp_path, change):
    out = tmp_path / "out"
    publish(course, out)
    assert publish(course, out)[1] is None, "nobody had"
    mine = {
        "add": "exercises/ps01/notes.md", "edit": "exercises/ps01/ps01.ipynb",
        "remove": "README.md", "git": ".git/config",
    }[change]  # fmt: skip
    if change == "remove":
        (out / mine).unlink()
    else:
        (out / mine).parent.mkdir(exist_ok=True)
        (out / mine).write_text("my own work")
    before = found(out)
    (tmp_path / "out.kept-1").mkdir()
    _, kept = publish(course, out)
    assert kept == tmp_path / "out.kept-2", "no earlier one is overwritten"
    assert found(kept) == before
    if change != "remove":
        assert (kept / mine).read_text() == "my own work"
    assert "README.md" in found(out)
    assert "notes.md" not in str(found(out))


def test_a_folder_of_somebody_is_never_replaced(course, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    with pytest.raises(PublishError, match="mine is not empty, and was not written"):
        publish(course, mine)
    assert found(mine) == {"thesis.tex"}


@pytest.mark.parametrize(
    ("line", "place"),
    [
        (SECRET, "exercises/ps01/ps01.ipynb"),
        (ANSWER, "exercises/ps01/ps01.ipynb"),
        (SECRET, "_build/html/book/a.html"),
        (SECRET, "optedu/__init__.py"),
    ],
)
def test_a_leak_stops_it_and_is_named(course, tmp_path, line, place):
    path = course / place
    path.write_text(notebook(line) if place.endswith("ipynb") else f"# {line}")
    publish_to = tmp_path / "out"
    with pytest.raises(PublishError, match="must not see") as error:
        publish(course, publish_to)
    assert line in str(error.value)
    assert not publish_to.exists()


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("_build/html/index.html", "there is no book in .*run make book"),
        ("exercises/ps01/ps01.ipynb", "ps01 is not in exercises/: run make exercises"),
    ],
)
def test_what_is_missing_is_named(course, tmp_path, gone, words):
    (course / gone).unlink()
    with pytest.raises(PublishError, match=words):
        publish(course, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_clone_of_the_branch_has_no_history_of_the_course(course, tmp_path):
    publish(course, tmp_path / "out")
    first = branch(course, tmp_path / "out", "students")
    assert branch(course, tmp_path / "out", "students") == first  # nothing changed
    (course / "exercises/ps01/ps01.ipynb").write_text(notebook("# new"))
    publish(course, tmp_path / "out")
    second = branch(course, tmp_path / "out", "students")
    assert git(course, "rev-parse", f"{second}^").strip() == first
    assert git(course, "status", "--porcelain") == " M exercises/ps01/ps01.ipynb\n"
    git(tmp_path, "clone", "-q", "--branch", "students", "--single-branch", str(course), "clone")
    clone = tmp_path / "clone"
    assert {n for n in found(clone) if not n.startswith(".git/")} == found(tmp_path / "out")
    everything = git(clone, "log", "-p", "--all", "--full-history")
    assert "secret_of_the_hidden_tests" not in everything
    assert len(git(clone, "log", "--format=%H").split()) == 2


def test_a_branch_with_other_work_is_left_alone(course, tmp_path):
    publish(course, tmp_path / "out")
    git(course, "branch", "work")
    before = git(course, "rev-parse", "work")
    with pytest.raises(PublishError, match="branch work holds other work"):
        branch(course, tmp_path / "out", "work")
    assert git(course, "rev-parse", "work") == before


def test_the_command_says_in_one_line_what_is_wrong(course, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(course)
    assert command.main([str(tmp_path / "out"), "--branch", "students"]) == 0
    assert "branch students at" in capsys.readouterr().out
    (tmp_path / "out" / "notes.md").write_text("mine")
    assert command.main([str(tmp_path / "out")]) == 0
    assert "had changes of somebody: it is now" in capsys.readouterr().out
    (course / "_build/html/index.html").unlink()
    assert command.main([str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("publish: there is no book in")


def test_no_student_file_of_this_course_holds_what_is_graded():
    tests, solutions = hidden(ROOT)
    assert len(tests) > 50 and len(solutions) > 20
    notebooks = [ROOT / "exercises" / n / f"{n}.ipynb" for n in assignments(ROOT)]
    for path in [*notebooks, *(ROOT / "optedu").rglob("*.py"), *(ROOT / "book").rglob("*.md")]:
        text = path.read_text().replace('\\"', '"').replace("\\\\", "\\")
        lines = tests | solutions if path in notebooks else tests
        assert not [line for line in lines if line in text], path


@pytest.mark.skipif(
    not (ROOT / "_build/html/index.html").is_file(), reason="the book is not built: make book"
)
def test_this_course_can_be_published(tmp_path):
    publish(ROOT, tmp_path / "students")
    names = found(tmp_path / "students")
    assert {f"exercises/{n}/{n}.ipynb" for n in assignments(ROOT)} <= names
    assert {"README.md", "pyproject.toml", "optedu/__init__.py", "book/index.html"} <= names
    assert not [n for n in names if n.startswith(("solutions/", "tests/", ".git/"))]


def test_a_leak_in_the_wheel_of_the_book_stops_it(course, tmp_path):
    wheel = course / "_build/html/wheel/optedu-1-py3-none-any.whl"
    wheel.parent.mkdir()
    for line, leaks in ((ANSWER, False), (SECRET, True)):
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("optedu/forgotten.py", line)
        if leaks:
            with pytest.raises(PublishError, match=r"py3-none-any\.whl holds a line"):
                publish(course, tmp_path / "out2")
        else:
            publish(course, tmp_path / "out")


def test_a_page_may_teach_what_a_task_asks_for(course, tmp_path):
    place = course / "_build/html/book/_sources/a.ipynb"
    place.parent.mkdir(parents=True)
    place.write_text(notebook(ANSWER))
    publish(course, tmp_path / "out")
    place.write_text(notebook(SECRET))
    with pytest.raises(PublishError, match="must not see"):
        publish(course, tmp_path / "out2")
