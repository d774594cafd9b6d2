"""Rewriting a page's head: one style sheet with working addresses, scripts out of the way."""

import pytest

from optedu.web.lean import rewrite

HEAD = """<html><head>
  <link href="../_static/a.css?digest=1" rel="stylesheet" />
  <link rel="preload" as="font" crossorigin href="../_static/vendor/fontawesome/6/x.woff2" />
  <script src="../_static/vendor/fontawesome/6/js/all.min.js?d=1"></script>
  <link rel="stylesheet" type="text/css" href="../_static/sub/b.css?v=2" />
  <link rel="stylesheet" media="print" href="../_static/print.css" />
  <link rel="canonical" href="https://example.org/x.html" />
  <script src="../_static/documentation_options.js?v=1"></script>
  <script src="../_static/doctools.js"></script>
  <script>var inline = 1;</script>
  <script type="module" src="../_static/m.js"></script>
</head><body><p>text</p><script src="kept.js"></script></body></html>
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
    (tmp_path / "book").mkdir()
    path = tmp_path / "book" / "x.html"
    path.write_text(HEAD)
    rewrite(path, static)
    return path


def test_one_sheet_in_order_with_addresses_seen_from_its_place(page):
    sheets = list((page.parents[1] / "_static" / "css").glob("*.css"))
    assert len(sheets) == 1
    text = sheets[0].read_text()
    assert text.index(".c {") < text.index(".a {") < text.index(".b {")
    assert "@import" not in text
    assert "@charset" not in text
    assert "url(../img/a.png?x#y)" in text
    assert "url(../f.woff2)" in text
    assert "url('data:image/png;base64,AA')" in text
    head = page.read_text()
    assert head.count('rel="stylesheet"') == 2
    assert f'href="../_static/css/{sheets[0].name}"' in head
    assert 'media="print"' in head


def test_scripts_wait_and_the_icon_script_is_gone(page):
    text = page.read_text()
    assert "fontawesome" not in text
    assert '<script defer src="../_static/doctools.js">' in text
    assert '<script src="../_static/documentation_options.js?v=1">' in text
    assert "<script>var inline = 1;</script>" in text
    assert '<script type="module" src="../_static/m.js">' in text
    assert '<body><p>text</p><script src="kept.js">' in text


def test_a_second_pass_changes_nothing(page):
    before = page.read_text()
    rewrite(page, page.parents[1] / "_static")
    assert page.read_text() == before
