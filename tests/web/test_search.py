"""The search index: titles without markup, statements with their number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optedu.web import search
from tests.web import test_numbers

CONFIGURATION = test_numbers.CONFIGURATION.replace(
    '"optedu.web.numbers"', '"optedu.web.numbers", "optedu.web.search"'
)
CHAPTER = """# Descent

Where $\\kappa = L / \\mu$ is large.

```{prf:lemma} Fall
:label: lem-fall
A lemma.
```

```{prf:remark}
:label: rem-fall
A remark.
```

```{exercise} Why
:label: ex-why
A task.
```

```{exercise}
:label: ex-more
Another.
```

## Descent

The same heading once more.
"""


def index(folder: Path) -> dict:
    found = search.INDEX.match((folder / "searchindex.js").read_text())
    return json.loads(found[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    pages = {"ch02_descent": CHAPTER, "tables": "# Tables\n\nA `<b>`.\n"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_numbers, "CONFIGURATION", CONFIGURATION)
        said = test_numbers.build(folder, pages)
    assert "build succeeded" in said, said
    return folder


def test_titles_are_those_of_the_pages(folder):
    built = index(folder / "_site")
    assert dict(zip(built["docnames"], built["titles"], strict=True)) == {
        "ch02_descent": "2 Descent",
        "index": "Book",
        "tables": "Tables",
    }
    assert built["alltitles"] == {
        "2 Descent": [[0, None]],
        "Descent": [[0, "id1"]],
        "Lemma 2.1 (Fall)": [[0, "lem-fall"]],
        "Remark 2.1": [[0, "rem-fall"]],
        "Exercise 2.1 (Why)": [[0, "ex-why"]],
        "Exercise 2.2": [[0, "ex-more"]],
        "Book": [[1, None]],
        "Tables": [[2, None]],
    }


def test_letters_of_formulas_are_found_by_name(folder):
    assert index(folder / "_site")["terms"]["kappa"] == 0


def test_a_later_build_changes_nothing_twice(folder):
    site = folder / "_site"
    before = index(site), (site / "_static/searchtools.js").read_text()
    assert before[1].count("Appended to Sphinx's searchtools.js") == 1
    (folder / "tables.md").write_text("# Tables\n\nOther words.\n")
    assert "build succeeded" in test_numbers.run(folder)
    after = index(site), (site / "_static/searchtools.js").read_text()
    assert after[0]["alltitles"] == before[0]["alltitles"]
    assert after[0]["titles"] == before[0]["titles"]
    assert after[1] == before[1]


def test_an_index_of_another_form_is_named(tmp_path):
    class App:
        outdir, builder, env = tmp_path, type("Builder", (), {"format": "html"}), None

    (tmp_path / "searchindex.js").write_text("something else")
    with pytest.raises(ValueError, match=r"searchindex.js is not as this version of Sphinx"):
        search.improve_search(App, None)
