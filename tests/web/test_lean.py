"""Rewriting a page: one style sheet, scripts out of the way."""

from pathlib import Path

import pytest

from optedu.web.lean import MEASURING, Site

HEAD = """<html><head>
  <link href="../_static/a.css?digest=1" rel="stylesheet" />
  <link rel="preload" as="font" crossorigin href="../_static/vendor/fontawesome/6/x.woff2" />
  <script src="../_static/vendor/fontawesome/6/js/all.min.js?d=1"></script>
  <link rel="stylesheet" type="text/css" href="../_static/sub/b.css?v=2" />
  <link rel="stylesheet" media="print" href="../_static/print.css" />
  <link rel="canonical" href="https://example.org/x.html" />
  <script src="../_static/documentation_options.js?v=1"></script>
  <script src="../_static/doctools.js"></script>
  <script data-x="y" src="../_static/tabs.js"></script>
  <script>var inline = 1;</script>
  <script type="module" src="../_static/m.js"></script>
</head><body><p class="a b c d">text</p>
<script src="../_static/scripts/theme.js?v=1"></script><script src="kept.js"></script></body></html>
"""


@pytest.fixture
def page(tmp_path):
    static = tmp_path / "_static"
    (static / "sub").mkdir(parents=True)
    (static / "a.css").write_text(
        '@charset "utf-8";@import "c.css";\n.a { background: url("img/a.png?x#y") }'
    )
    (static / "c.css").write_text(".c { color: red }")
    (static / "sub" / "b.css").write_text(
        ".b { src: url(../f.woff2) } .d { background: url('data:image/png;base64,AA') }"
    )
    (static / "print.css").write_text(".p {}")
    (static / "documentation_options.js").write_text("const DOCUMENTATION_OPTIONS = {};")
    (tmp_path / "book").mkdir()
    path = tmp_path / "book" / "x.html"
    path.write_text(HEAD)
    Site(tmp_path).rewrite(path)
    return path


def test_one_sheet_in_order_with_addresses_seen_from_its_place(page):
    sheets = list((page.parents[1] / "_static" / "css").glob("*.css"))
    assert len(sheets) == 1
    text = sheets[0].read_text()
    assert text.index(".c{") < text.index(".a{") < text.index(".b{")
    assert "@import" not in text
    assert text.count("@charset") == 1
    assert "url(../img/a.png?x#y)" in text
    assert "url(../f.woff2)" in text
    assert 'url("data:image/png;base64,AA")' in text
    head = page.read_text()
    assert head.count('rel="stylesheet"') == 2
    assert f'href="../_static/css/{sheets[0].name}"' in head
    assert 'media="print"' in head


def test_scripts_wait_and_the_icon_script_is_gone(page):
    text = page.read_text()
    assert "fontawesome" not in text
    assert '<script defer src="../_static/doctools.js">' in text
    assert '<script defer data-x="y" src="../_static/tabs.js">' in text
    assert "<script>var inline = 1;</script>" in text
    assert '<script type="module" src="../_static/m.js">' in text
    assert '<script src="kept.js">' in text


def test_options_stand_in_the_page_before_what_reads_them(page):
    text = page.read_text()
    assert "documentation_options.js" not in text
    options = text.index("<script>const DOCUMENTATION_OPTIONS = {};</script>")
    assert options < text.index("doctools.js")


def test_the_themes_scripts_come_first_of_those_that_wait(page):
    text = page.read_text()
    theme = text.index('<script defer src="../_static/scripts/theme.js?v=1">')
    assert theme < text.index("doctools.js") < text.index("</head>")
    assert text.count("scripts/theme.js") == 1


def test_the_installed_theme_measures_as_the_correction_expects():
    import pydata_sphinx_theme

    folder = Path(pydata_sphinx_theme.__file__).parent
    (script,) = folder.rglob("static/scripts/pydata-sphinx-theme.js")
    assert len(MEASURING.findall(script.read_text(encoding="utf-8"))) == 1


def test_a_second_pass_changes_nothing(page):
    before = page.read_text()
    Site(page.parents[1]).rewrite(page)
    assert page.read_text() == before
