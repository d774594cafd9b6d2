"""A chapter as slides, made from its page: for who teaches with it."""

from __future__ import annotations

import pytest

from tests.browser.conftest import at_rest, npm_package, settled, watch

CHAPTERS = ("part1/ch02_gradient_descent", "part4/ch12_sensitivity")
# What a class looks at: all of it that the page does not fold.
SHOWN = """() => [...document.querySelectorAll(
    '.bd-article :is(opt-figure, .theorem, .lemma, .definition, .proposition, .pyexercise, .task)')]
  .filter((element) => !element.closest('details.optedu-deeper'))"""
VISIBLE = f"({SHOWN})().map((element) => element.getClientRects().length > 0)"


def open_slides(page, book, chapter, begin=""):
    page.goto(f"{book}/book/{chapter}.html?slides{begin}")
    page.locator(".optedu-slides-bar").wait_for()
    settled(page)
    return int(page.locator(".optedu-slides-bar output").inner_text().split()[-1])


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_all_that_a_class_looks_at_is_on_one_slide(page, book, chapter):
    account = watch(page, book)
    count = open_slides(page, book, chapter)
    seen = [0] * page.evaluate(f"({SHOWN})().length")
    wide = []
    for k in range(1, count + 1):
        assert page.locator(".optedu-slides-bar output").inner_text() == f"{k} of {count}"
        seen = [n + shown for n, shown in zip(seen, page.evaluate(VISIBLE), strict=True)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(k)
        page.keyboard.press("ArrowRight")
    away = page.locator(".task.task-away").count()  # questions that take turns
    assert sorted(set(seen)) in ([1], [0, 1]) and seen.count(0) == away
    assert wide == []
    assert account.errors == [] and account.foreign == []


def test_keys_and_buttons_turn_and_the_page_is_one_click_away(page, book):
    count = open_slides(page, book, CHAPTERS[0], "=4")
    at = page.locator(".optedu-slides-bar output")
    for key, number in (("ArrowLeft", 3), ("End", count), ("PageUp", count - 1), ("Home", 1)):
        page.keyboard.press(key)
        assert at.inner_text() == f"{number} of {count}"
    page.get_by_role("button", name="Next slide").click()
    page.keyboard.press("ArrowRight")  # with the button in focus
    assert at.inner_text() == f"3 of {count}" and page.url.endswith("?slides=3")
    heading = page.locator(".bd-article h2:visible").inner_text()
    page.locator(".optedu-slides-bar a").click()
    page.wait_for_url("**/ch02_gradient_descent.html#*")
    assert page.locator(".optedu-slides-bar").count() == 0
    assert page.locator("section:target > h2").inner_text() == heading


def test_a_figure_moves_on_its_slide_and_keeps_its_keys(page, book):
    open_slides(page, book, CHAPTERS[0])
    page.get_by_role("button", name="Show me").click()
    slider = page.get_by_role("slider", name="learning rate").first
    slider.focus()
    before = at_rest(page)
    page.keyboard.press("ArrowRight")
    assert at_rest(page) != before, "the slider has moved the figure"
    assert page.locator(".optedu-slides-bar output").inner_text().startswith("1 of")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_slide_is_readable_by_everyone(page, book, scheme):
    axe = npm_package("axe-core") / "axe.min.js"
    page.emulate_media(color_scheme=scheme)
    open_slides(page, book, CHAPTERS[0], "=6")
    page.add_script_tag(path=axe)
    found = page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })")
    assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == []
