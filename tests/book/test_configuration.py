"""The book's configuration, its table of contents and its sources."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())


def in_toc():
    chapters = [chapter for part in TOC["parts"] for chapter in part["chapters"]]
    return [TOC["root"], *(chapter["file"] for chapter in chapters)]


PAGES = [ROOT / f"{name}.md" for name in in_toc()]
page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)


def prose(path):
    """The page without front matter, code and directives' bodies that are code."""
    text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(), flags=re.DOTALL)
    return re.sub(r"^(`{3,})[^\n]*\n.*?^\1\s*$", "", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.filterwarnings("ignore")
def test_configuration_is_valid():
    from jupyter_book.config import validate_yaml

    validate_yaml(CONFIG, raise_on_errors=True)


def test_failing_cells_and_stray_pages_fail():
    assert CONFIG["sphinx"]["config"]["nb_execution_raise_on_error"] is True
    assert CONFIG["only_build_toc_files"] is True
    assert not CONFIG["execute"].get("allow_errors")
    recipe = re.search(r"^book:.*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "-n -W --keep-going" in recipe[1]


def test_every_page_of_the_toc_exists_and_every_page_is_in_it():
    assert [path for path in PAGES if not path.is_file()] == []
    written = {p.relative_to(ROOT).with_suffix("").as_posix() for p in ROOT.glob("book/**/*.md")}
    assert sorted(written - set(in_toc())) == []


@page
def test_page_is_described(path):
    front = re.match(r"\A---\n(.*?)\n---\n", path.read_text(), re.DOTALL)
    assert front, "the page has no front matter"
    description = yaml.safe_load(front[1]).get("description", "")
    assert 30 <= len(description) <= 170, f"description of {len(description)} characters"


@page
def test_headings_descend_one_at_a_time(path):
    levels = [len(m) for m in re.findall(r"^(#{1,6}) ", prose(path), re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@page
def test_images_of_the_source_have_alt_text(path):
    text = path.read_text()
    assert re.findall(r"!\[\s*\]\(", text) == []
    for body in re.findall(r"^`{3,}\{(?:image|figure)\}[^\n]*\n(.*?)^`{3,}", text, re.S | re.M):
        assert ":alt:" in body


def test_package_hash_follows_the_package(tmp_path, monkeypatch):
    from optedu.web import pages

    (tmp_path / "rules").mkdir()
    (tmp_path / "web").mkdir()
    (tmp_path / "rules" / "adam.py").write_text("beta = 0.9")
    (tmp_path / "web" / "pages.py").write_text("colour = 'red'")
    monkeypatch.setattr(pages, "PACKAGE", tmp_path)
    whole, cells = pages.package_hash(), pages.package_hash(pages.NOT_IN_CELLS)
    (tmp_path / "web" / "pages.py").write_text("colour = 'blue'")
    assert pages.package_hash() != whole
    assert pages.package_hash(pages.NOT_IN_CELLS) == cells
    (tmp_path / "rules" / "adam.py").write_text("beta = 0.8")
    assert pages.package_hash(pages.NOT_IN_CELLS) != cells


def test_cells_do_not_import_what_the_hash_leaves_out():
    from optedu.web import pages

    pattern = rf"optedu\.({'|'.join(pages.NOT_IN_CELLS)})\b"
    for path in PAGES:
        cells = re.findall(r"^```\{code-cell\}.*?^```", path.read_text(), re.DOTALL | re.MULTILINE)
        assert not re.search(pattern, "\n".join(cells)), path


@pytest.mark.filterwarnings("ignore")
def test_other_caches_are_removed(tmp_path):
    from types import SimpleNamespace

    from optedu.web import pages

    (tmp_path / ".jupyter_cache-old").mkdir()
    app = SimpleNamespace(outdir=tmp_path / "html")
    config = SimpleNamespace()
    pages.use_execution_cache(app, config)
    assert Path(config.nb_execution_cache_path).parent == tmp_path
    assert not (tmp_path / ".jupyter_cache-old").exists()
