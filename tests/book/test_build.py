"""A book of a few pages, built as the real one is: what it contains, and what makes it fail."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlparse

import pytest
import yaml

from optedu.course.addresses import read
from optedu.course.first_cell import first_cell

ROOT = Path(__file__).parents[2]
URL, BOOK = "https://github.com/ada/course", "https://course.example.org/"
ADDRESSES = f'''[project]
name = "optedu"
[project.urls]
Documentation = "{BOOK}"
Repository = "{URL}"
'''
NOTEBOOK = """---
description: A page of a test, with a cell that runs and a formula that shows.
file_format: mystnb
kernelspec:
  name: python3
---

(ch-gradient-descent)=
(ch-hardware)=
# Page

$\\norm{x}$ and {cite:t}`kingma2015adam`.

```{code-cell} python
CODE
```

```{code-cell} python
:tags: [glue]
from myst_nb import glue
glue("tau", 6.2832, display=False)
```

Glued: {glue:text}`tau:.2f`.

```{code-cell} python
:tags: [setup]
import math
```
"""


def build(folder, code):
    """Build a book of the appendices and one page with ``code`` in a cell."""
    (folder / "book").mkdir(parents=True)
    shutil.copytree(ROOT / "book/appendix", folder / "book/appendix")
    for name in ("_config.yml", "book/references.bib", "book/_plan.yml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "pyproject.toml").write_text(ADDRESSES)
    (folder / "book/index.md").write_text(NOTEBOOK.replace("CODE", code))
    files = ["notation", "references"]
    chapters = [{"file": f"book/appendix/{name}"} for name in files]
    toc = {"format": "jb-book", "root": "book/index", "chapters": chapters}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc))
    here = Path(sys.executable).parent
    command = [str(here / "jupyter-book"), "build", ".", "-n", "-W", "--keep-going"]
    path = os.pathsep.join([str(here), os.environ["PATH"]])
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": path}
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    done = build(folder, "print(6 * 7)")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return folder / "_build/html"


def test_cells_ran(site):
    text = (site / "book/index.html").read_text()
    assert re.search(r"<span></span>42\s*<", text)


def test_formulas_are_set_and_their_fonts_lie_in_the_site(site):
    text = (site / "book/index.html").read_text()
    assert "<mjx-container" in text
    assert "MathJax.js" not in text and "tex-chtml" not in text
    (sheet,) = re.findall(r'rel="stylesheet" href="\.\./(_static/css/[^"]+)"', text)
    css = (site / sheet).read_text(encoding="utf-8")
    for font in re.findall(r"url\((fonts/MathJax[^)]+)\)", css):
        assert (site / "_static/css" / font).is_file()
    assert "fonts/MathJax_Math-Italic" in css


def test_nothing_is_loaded_from_another_host(site):
    for path in site.rglob("*.html"):
        text = path.read_text()
        loaded = re.findall(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"([^\"]+)\"", text)
        for tag in re.findall(r"<link\b[^>]*>", text):
            if re.search(r'rel="(?:stylesheet|preload|icon|modulepreload|preconnect)', tag):
                loaded += re.findall(r'href="([^"]+)"', tag)
        assert [address for address in loaded if urlparse(address).netloc] == [], path
        assert "unpkg" not in text
        assert "THEBE_JS_URL" not in text, path


# What Sphinx, the theme and the extensions write and a step after them takes away. Where one of
# them writes it in another way, the step finds nothing, says nothing, and leaves this on a page.
LEFT = {
    "lean.STYLE": r'<link\b(?![^>]*media=)[^>]*rel="?stylesheet[^>]*>(?=.*rel="?stylesheet)',
    "lean.ICON_SCRIPT": r"<script\b[^>]*fontawesome[^>]*>",
    "lean.PRELOAD": r"<link\b[^>]*preload(?![^>]*_static/css/fonts/)[^>]*>",
    "lean.OPTIONS": r"<script\b[^>]*documentation_options[^>]*>",
    "lean.SCRIPT": r"<script\b(?![^>]*(?:\bdefer|\basync|=.module))[^>]*\bsrc=[^>]*>",
    "lean.THEME_SCRIPT": r"</head>.*(<script\b[^>]*\bsrc=[^>]*>)",
    "formulas.FORMULA": r"\\\([^<]*\\\)|<script\b[^>]*mathjax[^>]*>",
    "accessible.CITATION_ROLES": r"<div[^>]*role=[^>]*citation-list[^>]*>",
    "accessible.ENTRY_ROLE": r"<div[^>]*doc-biblioentry[^>]*>",
    "accessible.SUMMARY_LABEL": r"<summary[^>]*aria-label[^>]*>",
    "pages.drop_thebe": r"<(?:script|link)\b[^>]*thebe[^>]*>",
}


@pytest.mark.parametrize("step", LEFT)
def test_the_theme_writes_what_the_steps_after_it_expect(site, step):
    pages = [p for p in site.rglob("*.html") if "_static" not in p.parts]
    assert {"index.html", "references.html"} <= {p.name for p in pages}
    for page in pages:
        found = re.search(LEFT[step], page.read_text(encoding="utf-8"), re.DOTALL)
        assert found is None, (
            f"{step} of optedu.web no longer finds {found[0][-200:]} on {page.name}"
        )


def test_the_page_has_what_the_steps_are_for(site):
    """Or nothing could be left of it."""
    text = (site / "book/index.html").read_text()
    assert "Show the set-up" in text and "DOCUMENTATION_OPTIONS" in text
    assert 'class="citation"' in (site / "book/appendix/references.html").read_text()


def test_page_describes_itself(site):
    text = (site / "book/index.html").read_text()
    wanted = "A page of a test, with a cell that runs and a formula that shows."
    assert f'<meta name="description" content="{wanted}"' in text
    assert f'<meta property="og:description" content="{wanted}"' in text
    assert text.count('<meta name="description"') == 1
    assert re.search(r'<meta property="og:image" content="[^"]+\.png"', text)
    assert re.search(r"optedu \d+\.\d+\.\d+", text), "the version is missing from the footer"


def test_buttons_open_notebooks(site):
    text = (site / "book/index.html").read_text()
    slug = URL.removeprefix("https://github.com/")
    assert f"/github/{slug}/blob/gh-pages/_sources/book/index.ipynb" in text
    assert "urlpath=lab/tree/book/index.ipynb" in text
    assert f"{URL}/edit/main/book/index.md" in text
    assert f"{URL}/issues/new" in text
    assert f'<link rel="canonical" href="{BOOK}book/index.html"' in text


def test_published_notebook_installs_the_package(site):
    notebook = json.loads((site / "_sources/book/index.ipynb").read_text())
    source = "".join(notebook["cells"][0]["source"])
    assert source.endswith(f'install_optedu(["{BOOK}", "http://localhost:8000/"])')
    assert (site / "wheel" / (site / "wheel/latest.txt").read_text().strip()).is_file()


def test_published_notebook_says_in_words_what_the_page_has_roles_for(site):
    notebook = json.loads((site / "_sources/book/index.ipynb").read_text())
    text = "".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    assert f"[Kingma and Ba (2015)]({BOOK}" in text
    assert r"\left\lVert x \right\rVert" in text
    assert "{cite" not in text and "(ch-hardware)=" not in text
    page = re.sub(r"<[^>]+>", "", (site / "book/index.html").read_text())
    assert "Glued: 6.28." in page
    assert "Glued: 6.28." in text


def test_a_failing_cell_fails_the_build(tmp_path):
    done = build(tmp_path / "failing", "1 / 0")
    assert done.returncode != 0
    assert "ZeroDivisionError" in done.stdout + done.stderr


BUILT = ROOT / "_build/html/book"


@pytest.mark.skipif(not BUILT.is_dir(), reason="the book is not built: make book")
def test_images_of_the_built_book_have_alt_text_and_a_size():
    """Also those that cells drew, whose sources have no place for a missing word."""
    bare = {}
    for path in BUILT.rglob("*.html"):
        body = path.read_text().partition("<article")[2].partition("</article>")[0]
        for tag in re.findall(r"<img\b[^>]*>", body):
            alt = re.search(r'\balt="([^"]*)"', tag)
            # An image without a text of its own gets its file name from Sphinx; below one without
            # a size the text jumps when it comes.
            named = alt and alt[1].strip() and not re.search(r"\.(png|svg|jpg)$", alt[1])
            if not named or not re.search(r'\bwidth="', tag):
                bare.setdefault(path.relative_to(BUILT).as_posix(), []).append(tag)
    assert bare == {}


@pytest.mark.skipif(not BUILT.is_dir(), reason="the book is not built: make book")
def test_the_built_book_claims_no_address_that_nobody_has_stated():
    stated = read(ROOT)
    claims = {
        stated.book: ['rel="canonical"', 'property="og:url" content="http'],
        stated.repository: ["/edit/main/", "/issues/new", "executablebooks/jupyter-book"],
        stated.slug: ["colab.research.google.com/github", "mybinder.org/v2"],
    }
    forbidden = [claim for address, found in claims.items() if not address for claim in found]
    for path in BUILT.rglob("*.html"):
        text = path.read_text()
        assert [claim for claim in forbidden if claim in text] == [], path
    notebook = (ROOT / "_build/html/_sources/book/part3/ch09_adam.ipynb").read_text()
    assert json.dumps(first_cell(ROOT).splitlines()[-1])[1:-1] in notebook
    assert (ROOT / "_build/html/wheel" / f"optedu-{version('optedu')}-py3-none-any.whl").is_file()
