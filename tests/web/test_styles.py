"""What stays of a style sheet, and of its fonts."""

from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from optedu.web.fonts import characters, subset_fonts
from optedu.web.formulas import FONTS, mathjax_folder
from optedu.web.styles import purged, words_of_page, words_of_script


@pytest.mark.parametrize(
    "kept",
    [
        ".a:hover::before",
        "p.a > .b:not(.gone)",
        '#id[data-x="y"]',
        ".a:is(.gone,.b)",
        "MJX-A.b",
        "*,:root",
        "html[data-theme=dark] .b",
    ],
)
def test_what_can_match_stays(kept):
    words = {"a", "b", "p", "id", "mjx-a", "html"}
    assert purged(f"{kept} {{ color: red }}", words).endswith("{color:red}")


def test_a_class_that_a_script_completes_as_it_runs_stays():
    words = words_of_script("a = `py-at-${kind}`; b = `${kind}-end`; c = 'x of-' + kind; d-- + 1")
    css = ".py-at-string, .py-other, .key-end, .py-at, .x-string, .of-string { top: 0 }"
    assert purged(css, words).endswith(";.py-at-string,.of-string{top:0}")


@pytest.mark.parametrize(
    "gone", [".gone", "p.gone", ".a .gone p", "#gone", "gone.a", ".a:hover>.gone"]
)
def test_what_cannot_match_goes(gone):
    css = purged(f"{gone} {{ color: red }} .a {{ top: 0 }}", {"a", "p"})
    assert css.endswith(";.a{top:0}")
    assert "gone" not in css


def test_one_selector_of_a_list_goes_without_the_others():
    assert purged(".a, .gone .b, .b { top: 0 }", {"a", "b"}).endswith(";.a,.b{top:0}")


def test_blocks_inside_blocks():
    css = "@media print { .gone { top: 0 } @supports (top: 0) { .a { top: 0 } } }"
    assert purged(css, {"a"}).endswith(";@media print{@supports (top: 0){.a{top:0}}}")
    assert purged(css, set()) == purged("", set())


def test_values_are_not_changed():
    css = (
        """.a { width: calc(1px + 2em) ; content: "a ; b" ; margin: 0  auto !important; --x: ; }"""
    )
    kept = purged(css, {"a"})
    assert 'width:calc(1px + 2em);content:"a ; b";margin:0 auto !important' in kept


def test_fonts_and_animations_stay_while_a_rule_names_them():
    css = (
        "@font-face { font-family: 'One Font'; src: url(a.woff) }"
        "@font-face { font-family: Two; src: url(b.woff) }"
        "@keyframes turn { to { rotate: 1turn } } @keyframes still { to { top: 0 } }"
        ".a { font-family: 'One Font'; animation: turn 1s }"
    )
    kept = purged(css, {"a"})
    assert "a.woff" in kept
    assert "b.woff" not in kept
    assert "turn{to{rotate:1turn}}" in kept
    assert "still" not in kept


def test_words():
    page = '<p class="a b-c" id=D>prose</p><mjx-Mi x="1"></mjx-Mi>'
    assert words_of_page(page) >= {"p", "a", "b-c", "d", "mjx-mi"}
    assert "prose" not in words_of_page(page)
    assert {"made-later", "modal"} <= words_of_script("x.className='made-later';$('.modal')")


def test_a_font_keeps_what_the_sheet_shows(tmp_path):
    source = mathjax_folder() / FONTS / "MathJax_Main-Regular.woff"
    (tmp_path / "css").mkdir()
    (tmp_path / "m.woff").write_bytes(source.read_bytes())
    css = (
        '@font-face{font-family:M;src:url("../m.woff?v=1") format("woff")}'
        '@font-face{font-family:N;src:url(../missing.woff) format("woff")}'
        '.a::before{content:"x\\221E"}'
    )
    done = subset_fonts(css, tmp_path / "css")
    (made,) = (tmp_path / "css" / "fonts").iterdir()
    assert f"src:url(fonts/{made.name}) format(" in done
    assert "missing.woff" in done
    assert set(TTFont(made).getBestCmap()) == {ord("x"), 0x221E}
    assert made.stat().st_size < source.stat().st_size / 5


def test_a_font_without_a_character_in_use_goes(tmp_path):
    source = mathjax_folder() / FONTS / "MathJax_Main-Regular.woff"
    (tmp_path / "m.woff").write_bytes(Path(source).read_bytes())
    assert (
        subset_fonts("@font-face{font-family:M;src:url(m.woff)}.a{top:0}", tmp_path) == ".a{top:0}"
    )


def test_only_shown_texts_count():
    assert characters('.a[b="cd"]{content:"x";background:url("e.png");--i:"\\f015"}') == {
        120,
        0xF015,
    }
