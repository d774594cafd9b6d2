"""What is too wide for a phone scrolls sideways, and its edge fades where there is more."""

from __future__ import annotations

import io

import pytest

from optedu.web.pages import STATIC

FOLDER = STATIC.parent / "accessible"
ROWS = "<tr>" + "<td style='min-width:90px;background:#000;height:40px'></td>" * 6 + "</tr>"
MASK = "e => getComputedStyle(e).maskImage"
KIND = "e => e.dataset.scrolls ?? 'no'"
TO = "(e, x) => { e.scrollLeft = x; }"


@pytest.fixture
def shown(page):
    style = (FOLDER / "accessible.css").read_text(encoding="utf-8")
    script = (FOLDER / "accessible.js").read_text(encoding="utf-8")
    page.set_viewport_size({"width": 360, "height": 740})
    page.set_content(
        f"<!doctype html><style>{style} "
        ".pst-scrollable-table-container, .math { overflow-x: auto } "
        "table { border-spacing: 0 } body { margin: 0; background: #fff }</style><main>"
        f'<div id="wide" class="pst-scrollable-table-container"><table>{ROWS}</table></div>'
        f'<div id="formula" class="math"><p style="width:700px">x</p></div>'
        '<div class="math"><mjx-container id="set" display="true" style="display:block;'
        'overflow-x:auto"><p style="width:700px">x</p></mjx-container></div>'
        f'<div id="fits" class="math"><p>x = y</p></div>'
        f'<pre id="reached" tabindex="0" style="overflow-x:auto">{"long " * 40}</pre></main>'
        f"<script>{script}</script>"
    )
    page.wait_for_selector("#wide[data-scrolls]")
    return page


def grey(page, where, at):
    """How light the picture of an element is, 20 pixels below its top, from 0 to 255."""
    from PIL import Image

    picture = Image.open(io.BytesIO(page.locator(where).screenshot())).convert("L")
    return picture.getpixel((at % picture.width, 20))


@pytest.mark.parametrize("where", ["#wide", "#formula", "#set", "#reached"])
def test_the_edge_behind_which_there_is_more_fades(shown, where):
    box = shown.locator(where)
    assert box.evaluate(KIND) == "right"
    for place, kind in ((30, "left right"), (9999, "left"), (0, "right")):
        box.evaluate(TO, place)
        shown.wait_for_function(
            "([where, kind]) => document.querySelector(where).dataset.scrolls === kind",
            arg=[where, kind],
        )
        mask = box.evaluate(MASK)
        assert mask.count("linear-gradient") == len(kind.split())
        assert ("to left" in mask) == ("right" in kind)
        assert ("to right" in mask) == ("left" in kind)


def test_the_hint_is_seen_on_black_rows_and_gone_at_the_end(shown):
    assert grey(shown, "#wide", -2) > 150
    assert grey(shown, "#wide", 2) < 30
    shown.locator("#wide").evaluate(TO, 9999)
    shown.wait_for_selector("#wide[data-scrolls=left]")
    assert grey(shown, "#wide", -2) < 30
    assert grey(shown, "#wide", 2) > 150


def test_what_fits_has_no_hint_also_once_the_screen_is_wide_enough(shown):
    assert shown.locator("#fits").evaluate(KIND) == "no"
    assert shown.locator("#fits").evaluate(MASK) == "none"
    assert shown.locator("#wide").get_attribute("tabindex") == "0"
    shown.set_viewport_size({"width": 900, "height": 740})
    shown.wait_for_selector("#wide:not([data-scrolls])")
    assert shown.locator("#wide").evaluate(MASK) == "none"
    assert shown.locator("#wide").get_attribute("tabindex") is None


def test_a_place_in_the_order_that_others_have_given_stays(shown):
    shown.set_viewport_size({"width": 3000, "height": 740})
    shown.wait_for_selector("#reached:not([data-scrolls])")
    assert shown.locator("#reached").get_attribute("tabindex") == "0"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_table_of_the_book_that_is_cut_on_a_phone_says_so(page, book, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{book}/book/part1/ch02_gradient_descent.html")
    table = page.locator(".bd-article .pst-scrollable-table-container").first
    table.scroll_into_view_if_needed()
    page.wait_for_selector(".pst-scrollable-table-container[data-scrolls=right]")
    cut = page.locator(".pst-scrollable-table-container[data-scrolls=right]").first
    assert "linear-gradient" in cut.evaluate(MASK)


def test_a_formula_of_the_book_that_is_cut_on_a_phone_says_so(page, book):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{book}/book/part3/ch09_adam.html")
    formula = page.locator(".cell_output mjx-container[display]").first
    formula.scroll_into_view_if_needed()
    page.wait_for_selector(".cell_output mjx-container[data-scrolls=right]")
    cut = page.locator(".cell_output mjx-container[data-scrolls=right]").first
    assert "linear-gradient" in cut.evaluate(MASK)
    assert cut.get_attribute("tabindex") == "0"
