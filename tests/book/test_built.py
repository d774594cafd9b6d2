"""The built book: numbers, menu, references, search index. Skipped where it is not built."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from optedu.web.numbers import chapter_number
from optedu.web.search import INDEX

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "_build/html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PLAN = yaml.safe_load((ROOT / "book/_plan.yml").read_text())
PAGES = [chapter["file"] for part in TOC["parts"] for chapter in part["chapters"]]
CHAPTERS = [name for name in PAGES if chapter_number(name) is not None]
KINDS = "Chapter|Figure|Theorem|Lemma|Definition|Remark|Corollary|Proposition|Exercise"

pytestmark = pytest.mark.skipif(
    not (BUILT / f"{TOC['root']}.html").is_file(), reason="the book is not built: make book"
)


def words(html: str) -> str:
    """Return the text of some HTML."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def read(name: str) -> str:
    """Return a page's HTML."""
    return (BUILT / f"{name}.html").read_text(encoding="utf-8")


def article(name: str) -> str:
    """Return what a page says, without menus."""
    return read(name).partition("<article")[2].partition("</article>")[0]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_and_all_that_it_counts_begin_with_its_number(name):
    number, page = chapter_number(name), read(name)
    title = words(re.search(r"<h1>(.*?)<a ", article(name), re.DOTALL)[1])
    assert title.startswith(f"{number} ")
    assert f"<title>{title} " in page
    counted: dict[str, list[str]] = {}
    for kind, found in re.findall(r'"caption-number">(\w+) ([\d.]+) ', article(name)):
        counted.setdefault(kind, []).append(found)
    assert {"Figure", "Theorem"} <= set(counted)
    for kind, numbers in counted.items():
        assert numbers == [f"{number}.{i + 1}" for i in range(len(numbers))], kind


def test_a_reference_shows_the_number_that_stands_where_it_leads():
    links = 0
    for name in PAGES:
        for href, text in re.findall(
            rf'<a class="reference internal" href="([^"]*#[^"]+)"[^>]*>(?:<span[^>]*>)?'
            rf"((?:{KINDS}) \d[\d.]*)<",
            article(name),
        ):
            path, _, anchor = href.partition("#")
            target = (BUILT / name).parent.joinpath(path) if path else BUILT / f"{name}.html"
            at = target.read_text(encoding="utf-8").partition(f'id="{anchor}"')[2]
            number = re.search(r'"(?:caption|section)-number">([^<]*)<', at)[1].strip()
            assert text.removeprefix("Chapter ") == number, f"{name} refers to {text}"
            links += 1
    assert links > 10


@pytest.mark.parametrize("name", [TOC["root"], *PAGES])
def test_the_menu_lists_all_chapters_and_links_those_that_are_written(name):
    menu = read(name).partition('aria-label="Main"')[2].partition("</nav>")[0]
    shown = re.findall(r'<li class="toctree-l1[^>]*>(.*?)</li>', menu, re.DOTALL)
    numbered = [item for item in shown if re.match(r"\d+ ", words(item))]
    written = {chapter_number(chapter) for chapter in CHAPTERS}
    planned = {number: title for part in PLAN for number, title in part["chapters"].items()}
    assert [int(words(item).split()[0]) for item in numbered] == list(planned)
    for number, item in zip(planned, numbered, strict=True):
        assert ("<a " in item) == (number in written)
        if number not in written:
            assert words(item) == f"{number} {planned[number]} (to come)"
    captions = re.findall(r'class="caption-text">(.*?)<', menu)
    assert [caption for caption in captions if caption in {part["part"] for part in PLAN}] == [
        part["part"] for part in PLAN
    ]


def labels() -> dict[str, str]:
    """Return the labels of the list of references by the ids of the entries."""
    entries = re.findall(
        r'<div class="citation" id="([^"]+)"[^>]*>\s*<span class="label">(.*?)</span>\s*<p>',
        article("book/appendix/references"),
        re.DOTALL,
    )
    return {key: re.sub(r"<[^>]+>|[\[\]]", "", label).strip() for key, label in entries}


def test_a_citation_shows_the_label_of_the_entry_where_it_leads():
    listed = labels()
    assert len(listed) > 30
    assert len(set(listed.values())) == len(listed), "two entries with one label"
    assert list(listed.values()) == sorted(listed.values(), key=str.casefold)
    cited = 0
    for name in PAGES:
        for key, text in re.findall(
            r'<a class="reference internal" href="[^"#]*references.html#([^"]+)"[^>]*>(.*?)</a>',
            article(name),
        ):
            if key in listed:
                shown = re.sub(r"<[^>]+>", "", text)
                assert listed[key] == shown or listed[key].endswith(f", {shown}"), name
                cited += 1
    assert cited > 10


def test_references_show_no_source_code_of_formulas():
    text = words(article("book/appendix/references"))
    assert "O(1/k²)" in text and "ℓ∞ norm" in text
    assert not re.search(r"[$\\{}]", text)


def test_search_finds_letters_by_name_and_titles_as_the_pages_show_them():
    index = json.loads(INDEX.match((BUILT / "searchindex.js").read_text(encoding="utf-8"))[1])
    titles = dict(zip(index["docnames"], index["titles"], strict=True))
    for name in CHAPTERS:
        assert titles[name].startswith(f"{chapter_number(name)} ")
    shown = [*titles.values(), *index["alltitles"]]
    assert [title for title in shown if not title.strip() or re.search(r"^ |</?\w+", title)] == []
    assert any(title.startswith("Lemma 2.1 (") for title in index["alltitles"])
    for letter in ("kappa", "eta", "lambda"):
        assert index["docnames"].index("book/part1/ch02_gradient_descent") in index["terms"][letter]


NOTEBOOKS = sorted((BUILT / "_sources").rglob("*.ipynb"))
# What only MyST reads: a role, a directive, a mark of a block, an option, a target.
MYST = re.compile(
    r"\{[a-z][a-z:_-]*\}`|^ *>? *(?:`{3,}|:{3,})\{|^ *>? *%% |^:[a-z]+: |^\([\w-]+\)=", re.MULTILINE
)


def said(path: Path) -> str:
    """Return the Markdown of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def test_each_chapter_has_its_notebook():
    names = {path.relative_to(BUILT / "_sources").with_suffix("").as_posix() for path in NOTEBOOKS}
    assert set(CHAPTERS) <= names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_published_notebook_holds_no_role_directive_or_mark(path):
    text = re.sub(r"`\{[a-z:_-]+\}`", "", said(path))  # the page for maintainers names them
    assert MYST.findall(text) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_published_notebook_has_the_starters_and_no_solution(name):
    source = (ROOT / f"{name}.md").read_text(encoding="utf-8")
    cells = json.loads((BUILT / f"_sources/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    whole = "\n\n".join("".join(cell["source"]) for cell in cells)
    bodies = re.findall(r"^```\{pyexercise\}.*?\n(.*?)^```$", source, re.MULTILINE | re.DOTALL)
    assert bodies
    for body in bodies:
        starter = re.search(r"^%% starter\n(.*?)^%%", body, re.MULTILINE | re.DOTALL)[1].strip()
        solution = re.search(r"^%% solution\n(.*?)^%%", body, re.MULTILINE | re.DOTALL)[1].strip()
        assert starter in whole and solution not in whole
    for words in re.findall(r"^:::+\{solution\}.*\n:class:.*\n\n(.*)$", source, re.MULTILINE):
        assert words not in whole


def test_the_notebook_of_chapter_2_runs_in_a_fresh_kernel():
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    path = BUILT / "_sources/book/part1/ch02_gradient_descent.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    assert notebook.cells[-1].outputs


def test_the_first_page_lists_every_chapter_and_links_those_that_are_there():
    page = article(TOC["root"])
    for titles in PLAN:
        for number, title in titles["chapters"].items():
            # Sphinx sets the apostrophe.
            assert f"{number} {title}" in words(page).replace("\u2019", "'")
    for name in CHAPTERS:
        (link,) = re.findall(rf'<li>[^\n]*{Path(name).name}\.html"[^\n]*</li>', page)
        assert re.search(r", \d+ minutes$", words(link))


def test_the_first_page_has_a_lesson_above_teaching_and_no_word_of_what_is_missing():
    text = words(article(TOC["root"]))
    assert text.index("A first lesson") < text.index("The course") < text.index("hidden tests")
    assert not re.search(r"to come|unfinished|not written|coming soon|planned", text, re.IGNORECASE)
