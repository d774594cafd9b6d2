"""A term of the glossary explains itself where it stands."""

import pytest

from tests.browser.conftest import npm_package, unfold, watch

CARD = "#optedu-term"


@pytest.fixture
def refresher(page, book):
    account = watch(page, book)
    page.goto(f"{book}/book/appendix/refresher.html")
    unfold(page)
    yield page
    assert account.errors == []
    assert not account.foreign


def link(page, term):
    return page.locator(f'.bd-article a[href$="glossary.html#term-{term}"]').first


def test_pointing_at_a_term_shows_what_the_glossary_says(refresher):
    assert refresher.locator(CARD).count() == 0
    link(refresher, "convex").hover()
    card = refresher.locator(CARD)
    card.wait_for()
    assert "the straight line between two points of its graph" in card.inner_text()
    assert card.locator("a").count() == 0
    card.hover()
    refresher.wait_for_timeout(400)
    assert card.is_visible(), "the pointer may move onto it"
    refresher.mouse.move(5, 5)
    card.wait_for(state="detached")


def test_the_keyboard_reaches_it_and_escape_takes_it_away(refresher):
    term = link(refresher, "minibatch")
    term.focus()
    card = refresher.locator(CARD)
    card.wait_for()
    assert term.get_attribute("aria-describedby") == card.get_attribute("id")
    assert card.get_attribute("role") == "tooltip"
    assert card.locator("math").count() == 1, "a formula is set by the browser"
    refresher.keyboard.press("Escape")
    assert card.count() == 0
    assert term.get_attribute("aria-describedby") is None


def test_a_click_goes_to_the_glossary(refresher):
    link(refresher, "Hessian").click()
    refresher.wait_for_url("**/glossary.html#term-Hessian")
    assert refresher.locator("#term-Hessian").is_visible()


def test_terms_of_one_entry_share_their_explanation(refresher):
    link(refresher, "level-line").focus()
    refresher.locator(CARD).wait_for()
    assert "contour lines" in refresher.locator(CARD).inner_text()


@pytest.mark.parametrize("width", [360, 1440])
def test_it_stays_inside_the_window(refresher, width):
    refresher.set_viewport_size({"width": width, "height": 740})
    unfold(refresher)
    for term in ("curvature", "bias-correction", "variance"):
        link(refresher, term).scroll_into_view_if_needed()
        refresher.wait_for_timeout(600)
        link(refresher, term).focus()
        refresher.locator(f"a[aria-describedby][href$='{term}']").first.wait_for()
        box = refresher.locator(CARD).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["y"] >= 0 and box["y"] + box["height"] <= 740
    assert refresher.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_in_it(refresher, scheme):
    refresher.emulate_media(color_scheme=scheme)
    link(refresher, "expectation").focus()
    refresher.locator(CARD).wait_for()
    refresher.add_script_tag(path=str(npm_package("axe-core") / "axe.min.js"))
    found = refresher.evaluate(f"axe.run('{CARD}').then((all) => all.violations.map((v) => v.id))")
    assert found == []
