"""How the box in short, side paths and folded code look, on screen and on paper."""

import pytest

from optedu.web.pages import STATIC
from tests.browser.conftest import npm_package
from tests.browser.server import serve
from tests.web.test_boxes import BOXES
from tests.web.test_folding import build, cell

CONFIGURATION = BOXES.replace('"optedu.web.boxes"', '"optedu.web.boxes", "optedu.web.folding"')
CONFIGURATION = CONFIGURATION.replace('"basic"', '"sphinx_book_theme"')
CONFIGURATION += "html_context = {'default_mode': 'auto'}\nexclude_patterns = ['_site']\n"
STYLE = str(STATIC / "pages.css")
TEXT = """
Text.

:::{inshort}
Words of the box.

- A point.
:::

:::{deeper} A second proof
Words of the fold.
:::

<details class="pyexercise-fold"><summary>A hint</summary><p>Words of a hint.</p></details>
"""
TEXT += cell("setup", "seen = 6  # source of setup")
TEXT += cell("check", "print('said by check')  # source of check")
TEXT += cell("hide-cell", "print('said by hide', seen)  # source of hide")


@pytest.fixture(scope="module")
def site(tmp_path_factory, browser):
    folder = tmp_path_factory.mktemp("boxes")
    said = build(folder, TEXT, CONFIGURATION)
    assert said.lstrip().startswith("<!DOCTYPE html>"), said
    with serve(folder / "_site") as address:
        yield address


def opened(page, site):
    page.goto(f"{site}/index.html")
    page.add_style_tag(path=STYLE)
    return page


def style(place, name):
    return place.evaluate("(e, name) => getComputedStyle(e)[name]", name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_box_has_no_shadow_and_its_text_stands_below_its_title(browser, site, scheme):
    page = opened(browser.new_page(color_scheme=scheme), site)
    box = page.locator(".inshort")
    assert style(box, "boxShadow") == "none"
    title, words = (
        box.get_by_text(text, exact=True).bounding_box()["x"]
        for text in ("In short", "Words of the box.")
    )
    assert title == words
    page.close()


def test_folded_code_is_quieter_than_a_side_path(page, site):
    opened(page, site)
    bar = page.locator("details.hide").first
    words = bar.locator("p:visible")
    side = page.locator("details.optedu-deeper > summary")
    assert style(bar, "boxShadow") == "none"
    assert style(bar, "borderLeftWidth") == "0px"
    assert int(style(words, "fontWeight")) < int(style(side.locator("span").first, "fontWeight"))
    assert float(style(words, "fontSize")[:-2]) < float(style(side, "fontSize")[:-2])
    words.click()
    assert page.get_by_text("# source of setup").is_visible()


def test_paper_has_what_is_folded_but_no_folded_code(page, site):
    opened(page, site)
    page.emulate_media(media="print")
    on_paper = page.locator("article").inner_text()
    for words in ("Words of the fold.", "said by check", "said by hide 6"):
        assert words in on_paper
        assert page.get_by_text(words, exact=True).first.bounding_box()["height"] > 0
    for kind in ("setup", "check", "hide"):
        assert f"# source of {kind}" not in on_paper
    assert "Show" not in on_paper
    assert "Words of a hint" not in on_paper


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, site, scheme):
    axe = npm_package("axe-core") / "axe.min.js"
    page = opened(browser.new_page(color_scheme=scheme), site)
    page.add_script_tag(path=str(axe))
    found = page.evaluate(
        "axe.run('.inshort, .optedu-deeper, details.hide').then((r) => r.violations.map((v) =>"
        " [v.id, v.nodes[0].html]))"
    )
    assert found == []
    page.close()
