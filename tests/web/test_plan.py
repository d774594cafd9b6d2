"""Planned chapters stand in the menu as text until they have a page, and in their place."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFIGURATION = """
extensions = ["myst_parser", "optedu.web.numbers", "optedu.web.plan"]
html_theme = "sphinx_book_theme"
project = "plan"
exclude_patterns = ["_site"]
html_context = {"default_mode": "auto"}
html_secnumber_suffix = " "
optedu_plan = "plan.yml"
"""
PLAN = """
- part: Ground
  chapters: {1: Loss, 2: Descent, 3: Landscape}
- part: Speed
  chapters: {4: Momentum}
- part: Scale
  chapters: {5: AdaGrad, 6: Adam & more}
"""
CONTENTS = {"": ["play"], "Ground": ["ch02_descent"], "Scale": ["ch06_adam"], "Tables": ["zoo"]}


def build(folder: Path, contents: dict[str, list[str]] = CONTENTS, plan: str = PLAN) -> str:
    """Build a book with these parts; return what Sphinx said."""
    (folder / "conf.py").write_text(CONFIGURATION)
    (folder / "plan.yml").write_text(plan)
    trees = ""
    for part, pages in contents.items():
        for page in pages:
            (folder / f"{page}.md").write_text(f"# Page {page}\n")
        caption = f":caption: {part}\n" if part else ""
        trees += f"```{{toctree}}\n:hidden:\n{caption}\n" + "\n".join(pages) + "\n```\n\n"
    (folder / "index.md").write_text(f"# Book\n\n{trees}")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(folder)]
    done = subprocess.run([*command, str(folder / "_site")], capture_output=True, text=True)
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr
    return done.stderr


def menu(folder: Path, page: str = "index") -> str:
    """Return the HTML of the menu."""
    text = (folder / f"_site/{page}.html").read_text()
    return text.partition('aria-label="Main"')[2].partition("</nav>")[0].partition(">")[2]


def lines(html: str) -> list[str]:
    """Return the lines of a menu, links in brackets."""
    html = re.sub(r'<span class="visually-hidden">.*?</span>', "", html)
    html = re.sub(r"<a [^>]*>\s*", "[", html).replace("</a>", "]")
    text = re.sub(r"</(?:p|li)>|<ul", r"\n\g<0>", html)
    return [line.strip() for line in re.sub(r"<[^>]+>", "", text).splitlines() if line.strip()]


def test_planned_chapters_stand_in_their_place_without_links(tmp_path):
    assert build(tmp_path) == ""
    expected = ["[Page play]", "Ground", "1 Loss", "[2 Page ch02_descent]"]
    expected += ["3 Landscape", "Speed", "4 Momentum", "Scale", "5 AdaGrad"]
    expected += ["[6 Page ch06_adam]", "Tables", "[Page zoo]"]
    for page in ("index", "play", "ch06_adam", "zoo", "search"):
        assert lines(menu(tmp_path, page)) == expected
    html = menu(tmp_path, "zoo")
    assert html.count("optedu-planned") == 4
    assert html.count("(to come)") == 4, "a screen reader hears why it is no link"
    assert html.count('class="caption"') == html.count('role="heading"') == 4


def test_a_chapter_that_joins_becomes_a_link_by_itself(tmp_path):
    contents = dict(CONTENTS)
    contents["Ground"] = ["ch02_descent", "ch03_landscape"]
    contents = dict(list(contents.items())[:2]) | {"Speed": ["ch04_momentum"]} | contents
    assert build(tmp_path, contents) == ""
    shown = lines(menu(tmp_path))
    assert "3 Landscape" not in shown and "4 Momentum" not in shown
    place = shown.index("[2 Page ch02_descent]")
    assert shown[place + 1 : place + 4] == [
        "[3 Page ch03_landscape]",
        "Speed",
        "[4 Page ch04_momentum]",
    ]


def test_a_title_is_text_and_not_markup(tmp_path):
    build(tmp_path, {"Scale": ["ch05_adagrad"]})
    assert "6 Adam &amp; more" in menu(tmp_path)
    assert lines(menu(tmp_path))[:2] == ["Ground", "1 Loss"], "first parts come before"


def test_a_book_without_parts_shows_the_plan_at_the_end(tmp_path):
    build(tmp_path, {"": ["play"]})
    assert lines(menu(tmp_path))[:3] == ["[Page play]", "Ground", "1 Loss"]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"Scale": ["ch02_descent"]}, "chapter 2: expected the part that plan.yml has, 'Ground'"),
        ({"Scale": ["ch09_lion"]}, "chapter 9: expected the part that plan.yml has, none, got 'S"),
    ],
)
def test_contents_that_disagree_with_the_plan_stop_the_build(tmp_path, contents, message):
    assert message in build(tmp_path, contents)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ("{", "optedu_plan: cannot read"),
        ("part: A", "plan.yml: expected a list of parts, got {'part': 'A'}"),
        ("- part: A", "plan.yml: a part has 'part' and 'chapters', got {'part': 'A'}"),
        ("- {part: 3, chapters: {}}", "plan.yml: a part needs a name of its own, got 3"),
        ("- {part: A, chapters: [x]}", "plan.yml: chapters of 'A' must be titles by number"),
        ("- {part: A, chapters: {2: x, 1: y}}", "numbers must rise, got 1 after 2 in 'A'"),
        ("- {part: A, chapters: {one: x}}", "numbers must rise, got 'one' after 0 in 'A'"),
        ("- {part: A, chapters: {1: }}", "plan.yml: chapter 1 needs a title, got None"),
    ],
)
def test_a_plan_of_another_form_is_refused(tmp_path, plan, message):
    assert message in build(tmp_path, plan=plan)
