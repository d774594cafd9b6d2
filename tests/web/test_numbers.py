"""Chapters are numbered by the names of their files, and all that is counted in them follows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFIGURATION = """
extensions = ["myst_parser", "sphinx_proof", "sphinx_exercise", "optedu.web.numbers"]
myst_enable_extensions = ["dollarmath"]
html_theme = "sphinx_book_theme"
project = "numbers"
exclude_patterns = ["_site"]
html_context = {"default_mode": "auto"}
html_secnumber_suffix = " "
numfig_format = {"section": "Chapter %s", "figure": "Figure %s"}
nitpicky = True
"""
CHAPTER = r"""(ch-SLUG)=
# WORD

```{figure} /picture.svg
:name: fig-SLUG
:alt: nothing
The first picture of WORD.
```

## A section

```{figure} /picture.svg
:name: fig-SLUG-2
:alt: nothing
The second picture of WORD.
```

```{prf:lemma}
:label: lem-SLUG
A lemma.
```

```{prf:theorem}
:label: thm-SLUG
A theorem.
```

```{exercise}
:label: ex-SLUG
A task.
```

```{solution} ex-SLUG
Its answer.
```

```{math}
:label: eq-SLUG
a = b
```
"""
REFERENCES = (
    "See {numref}`ch-SLUG`, {numref}`fig-SLUG-2`, {prf:ref}`lem-SLUG`, {prf:ref}`thm-SLUG`, "
    "{ref}`ex-SLUG`, {eq}`eq-SLUG`.\n"
)
APPENDIX = "# Tables\n\n```{figure} /picture.svg\n:name: fig-x\n:alt: nothing\nA picture.\n```\n"


def build(folder: Path, files: dict[str, str]) -> str:
    """Build a book of these pages, in this order; return what Sphinx said."""
    entries = "\n".join(files)
    written = {f"{name}.md": text for name, text in files.items()}
    written["index.md"] = f"# Book\n\n```{{toctree}}\n{entries}\n```\n"
    written["conf.py"] = CONFIGURATION
    written["picture.svg"] = '<svg xmlns="http://www.w3.org/2000/svg"/>'
    for name, text in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return run(folder)


def run(folder: Path) -> str:
    """Build what lies in a folder; return what Sphinx said."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", str(folder)]
    done = subprocess.run([*command, str(folder / "_site")], capture_output=True, text=True)
    return done.stderr if done.returncode else done.stdout


def chapter(word: str, also: str = "") -> str:
    """Return a chapter that refers to what it holds, and to another chapter."""
    text = (CHAPTER + REFERENCES).replace("WORD", word).replace("SLUG", word.lower())
    return text + REFERENCES.replace("SLUG", (also or word).lower())


FILES = {
    "a/ch02_descent": chapter("Descent"),
    "b/ch09_adam": chapter("Adam", "Descent"),
    "tables": APPENDIX,
}


def words(html: str) -> str:
    """Return the text of some HTML."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbers") / "book"
    said = build(folder, FILES)
    assert "build succeeded" in said, said
    return folder / "_site"


@pytest.mark.parametrize(("name", "number"), [("a/ch02_descent", 2), ("b/ch09_adam", 9)])
def test_a_chapter_and_what_it_counts_carry_the_number_of_its_file(site, name, number):
    text = (site / f"{name}.html").read_text()
    title = "Descent" if number == 2 else "Adam"
    assert f"<title>{number} {title} " in text
    shown = re.search(r"<h1>(.*?)<a", text.partition("<article")[2])[1]
    assert words(shown) == f"{number} {title}"
    assert f"<h1>{number} {title}</h1>" in text, "the title of a printed page"
    assert words(re.search(r"<h2>(.*?)<a", text)[1]) == "A section"
    body = words(text.partition("<article")[2].partition("</article>")[0])
    for item in ("Figure %d.1 The first", "Figure %d.2 The second", "Lemma %d.1", "Theorem %d.1"):
        assert item % number in body
    assert f"Exercise {number}.1" in body
    assert f"Solution to Exercise {number}.1" in body
    assert f"( {number}.1 )" in body.replace("(", "( ").replace(")", " )").replace("  ", " ")


def test_references_show_the_same_numbers_from_everywhere(site):
    for name in ("a/ch02_descent", "b/ch09_adam"):
        text = words((site / f"{name}.html").read_text())
        shown = "See Chapter 2 , Figure 2.2 , Lemma 2.1 , Theorem 2.1 , Exercise 2.1 , (2.1) ."
        assert shown in text
    assert shown.replace("2.1", "9.1").replace("2.2", "9.2").replace("r 2", "r 9") in text


def test_menu_and_links_to_the_next_page_show_the_number(site):
    text = (site / "a/ch02_descent.html").read_text()
    menu = words(text.partition('aria-label="Main"')[2].partition("</nav>")[0])
    assert "2 Descent 9 Adam Tables" in menu
    assert "next 9 Adam" in words(text.partition("prev-next-area")[2])


def test_a_page_that_is_no_chapter_counts_no_figures(site):
    text = (site / "tables.html").read_text()
    assert words(text.partition("<figcaption>")[2].partition("<a")[0]) == "A picture."


def test_numbers_stay_when_a_chapter_joins(tmp_path):
    build(tmp_path, FILES)
    before = {n: (tmp_path / f"_site/{n}.html").read_text().partition("<article")[2] for n in FILES}
    said = build(tmp_path, {"a/ch01_loss": chapter("Loss"), **FILES})
    assert "build succeeded" in said, said
    for name in FILES:
        after = (tmp_path / f"_site/{name}.html").read_text()
        body = before[name].partition("prev-next")[0]
        assert body == after.partition("<article")[2].partition("prev-next")[0]
    assert "1 Loss 2 Descent 9 Adam" in words(after)


def test_a_second_build_writes_no_page_again(tmp_path):
    build(tmp_path, FILES)
    assert "no targets are out of date" in run(tmp_path)


def test_two_chapters_of_one_number_are_refused(tmp_path):
    said = build(tmp_path, {**FILES, "b/ch09_lion": chapter("Lion")})
    assert "chapter 9 is b/ch09_adam already" in said
    assert "b/ch09_lion" in said


def test_a_figure_without_a_number_is_not_referred_to_by_number(tmp_path):
    said = build(tmp_path, {**FILES, "z": "# Z\n\nSee {numref}`fig-x`.\n"})
    assert "Failed to create a cross reference" in said or "no number is assigned" in said
