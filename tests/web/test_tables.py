"""Tables of the book: everything that the package knows is in them."""

import dataclasses
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from optedu import rules, symbols
from optedu.web import api, tables

ROOT = Path(__file__).parents[2]
RULES = sorted(rules.all())


def test_notation_has_every_symbol():
    text = tables.notation()
    for name, row in symbols.TABLE.items():
        assert f"`{name}`" in text
        assert f"${row.latex}$" in text


@pytest.mark.parametrize("name", RULES)
def test_zoo_has_every_rule_in_full(name):
    rule = rules.get(name)
    section = tables.zoo().split(f"(zoo-{name})=\n")[1].split("\n(zoo-")[0]
    assert rule.latex() in section
    assert rule.source("array" if rule.matrices else "javascript").strip() in section
    for hyper in rule.hypers:
        assert f"`{hyper.name}`" in section
    assert f"{{ref}}`{rule.title} <zoo-{name}>`" in tables.zoo_table()


def test_a_new_rule_appears(monkeypatch):
    new = dataclasses.replace(rules.get("sgd"), name="newcomer", title="Newcomer")
    monkeypatch.setattr(rules, "all", lambda: {"newcomer": new})
    assert "Newcomer" in tables.zoo_table()
    assert "(zoo-newcomer)=" in tables.zoo()
    assert "zoo-newcomer" in tables.frameworks()


@pytest.mark.parametrize("name", RULES)
def test_notes_name_known_frameworks(name):
    assert set(rules.get(name).notes) <= set(tables.FRAMEWORKS)


@pytest.mark.parametrize("name", RULES)
def test_sources_are_in_the_bibliography(name):
    keys = re.findall(r"^@\w+\{([^,]+),", (ROOT / "book/references.bib").read_text(), re.MULTILINE)
    assert rules.get(name).source_ref.key in keys


def test_bibliography_keys_are_unique():
    keys = re.findall(r"^@\w+\{([^,]+),", (ROOT / "book/references.bib").read_text(), re.MULTILINE)
    assert sorted(keys) == sorted(set(keys))


def test_assignments_are_downloads_and_open_in_colab_where_the_repository_has_an_address(tmp_path):
    shutil.copytree(ROOT / "exercises", tmp_path / "exercises")
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text("[project]\nname = 'optedu'\n")
    without = tables.assignments(tmp_path, "book/index.md")
    assert "http" not in without
    pyproject.write_text(
        "[project]\nname = 'optedu'\nurls.Repository = 'https://github.com/ada/course'\n"
    )
    text = tables.assignments(tmp_path, "book/index.md")
    for path in (ROOT / "exercises").glob("*/*.ipynb"):
        where = path.relative_to(ROOT).as_posix()
        assert f"/github/ada/course/blob/main/{where}" in text
        assert f"{{download}}`Download <../{where}>`" in text and f"<../{where}>" in without


def test_the_page_has_an_assignment_that_came_since_the_last_build(tmp_path):
    (tmp_path / "conf.py").write_text('extensions = ["myst_parser", "optedu.web.generated"]\n')
    (tmp_path / "index.md").write_text("# Course\n\n```{generated} assignments\n```\n")
    (tmp_path / "other.md").write_text("---\norphan: true\n---\n\n# Other\n")
    shutil.copytree(ROOT / "exercises/ps01_loss", tmp_path / "exercises/ps01_loss")

    def build():
        command = [sys.executable, "-m", "sphinx", "-W", "-b", "text", ".", "_out"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        page = (tmp_path / "_out/index.txt").read_text()
        return page, re.findall(r"^reading sources\.\.\. \[.*\] (\w+)", done.stdout, re.MULTILINE)

    text, read = build()
    assert "Assignment 1" in text and "hw1" not in text and set(read) == {"index", "other"}
    (tmp_path / "exercises/hw1").mkdir()
    own = new_notebook(cells=[new_markdown_cell("Without a title.")])
    nbformat.write(own, tmp_path / "exercises/hw1/hw1.ipynb")
    text, read = build()
    assert "hw1" in text and set(read) == {"index"}


def test_api_page_has_every_public_name():
    import optedu

    text = api.page()
    for name in optedu._EXPORTS:
        assert f"### `optedu.{name}`" in text
    assert "object at 0x" not in text


def test_docstring_sections_become_markdown():
    text = api.render(
        "Halve.\n\nParameters\n----------\nx : float\n    A number,\n    any.\n\n"
        "Raises\n------\nTypeError\n    If not.\n\nExamples\n--------\n>>> halve(2)\n1"
    )
    assert "- `x` (float): A number, any." in text
    assert "- `TypeError`: If not." in text
    assert "```pycon\n>>> halve(2)\n1\n```" in text


def test_contents_link_the_chapters_that_are_there_with_their_times(tmp_path):
    (tmp_path / "ch02_b.md").write_text("Read it. About 45\nminutes.\n")
    text = tables.contents({"First": {1: "A", 2: "B"}}, {2: "ch02_b"}, tmp_path)
    assert text == "**First**\n\n- 1 A\n- 2 {doc}`B </ch02_b>`, 45 minutes\n"


def test_a_chapter_that_does_not_say_its_time_is_refused_by_name(tmp_path):
    (tmp_path / "ch02_b.md").write_text("Read it.\n")
    with pytest.raises(ValueError, match=r"ch02_b\.md: expected one sentence"):
        tables.contents({"First": {2: "B"}}, {2: "ch02_b"}, tmp_path)


def test_the_syllabus_has_a_week_for_each_chapter_that_is_there(tmp_path):
    (tmp_path / "book").mkdir()
    for name in ("ch02_b", "ch04_d"):
        (tmp_path / f"book/{name}.md").write_text("About 45 minutes.\n")
    notebook = tmp_path / "exercises/ps04_d/ps04_d.ipynb"
    notebook.parent.mkdir(parents=True)
    notebook.write_text('"**Time:** 30 to 60 minutes."')
    plan = {"First": {1: "A", 2: "B"}, "Second": {4: "D"}}
    pages = {2: "book/ch02_b", 4: "book/ch04_d"}
    rows = tables.syllabus(plan, pages, tmp_path, "book/instructor/syllabus.md").split("* - ")[2:]
    assert rows[0].split("\n  - ")[:5] == [
        "1", "1", "2 {doc}`B </book/ch02_b>`",
        '<a href="../../book/ch02_b.html?slides">slides 2</a>', "45 min",
    ]  # fmt: skip
    assert rows[1].startswith("2\n  - 1\n") and "`ps04`, 30 to 60 min" in rows[1]
    notebook.write_text('"no time"')
    with pytest.raises(ValueError, match=r"ps04_d\.ipynb: expected '\*\*Time"):
        tables.syllabus(plan, pages, tmp_path, "book/instructor/syllabus.md")
