"""The page is quiet: lines that can be read, plain captions, one style for all that is stated."""

from __future__ import annotations

import statistics

import pytest

from tests.browser.conftest import unfold
from tests.browser.report import chapters

# The characters of each line but the last of a paragraph without formulas.
LINES = """all => all.filter((e) => !e.querySelector('mjx-container')).flatMap((e) => {
  const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), range = document.createRange();
  const lines = [];
  let edge = -Infinity;
  for (let node; (node = walker.nextNode());) {
    for (let k = 0; k < node.length; k++) {
      range.setStart(node, k);
      range.setEnd(node, k + 1);
      const box = range.getBoundingClientRect();
      if (!box.width) continue;
      if (box.left < edge - 50) lines.push(0);
      if (!lines.length) lines.push(0);
      lines[lines.length - 1] += 1;
      edge = box.left;
    }
  }
  return lines.slice(0, -1);
})"""
LOOK = """all => all.map((e) => {
  const style = getComputedStyle(e);
  const title = e.querySelector('.admonition-title');
  const icons = ['::before', '::after'].map((p) => title && getComputedStyle(title, p).content);
  return [style.backgroundColor, style.borderLeftWidth, style.boxShadow, ...icons,
    title && getComputedStyle(title).backgroundColor].join(' ');
})"""
STATED = ".proof.admonition:not(#proof)"


# One style sheet for all: a few pages show what it does.
@pytest.fixture(scope="module", params=chapters()[::6], ids=lambda chapter: chapter.name)
def chapter(request, browser, book):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{book}/{request.param.page}")
    unfold(page)
    yield page
    context.close()


def test_a_line_has_about_seventy_characters(chapter):
    lines = chapter.locator(".bd-article section > p").evaluate_all(LINES)
    assert len(lines) > 5
    assert 62 < statistics.median(lines) < 78
    assert max(lines) < 90


def test_captions_have_the_weight_of_text(chapter):
    captions = chapter.locator("figure > figcaption .caption-text")
    weights = captions.evaluate_all("all => all.map((e) => getComputedStyle(e).fontWeight)")
    assert set(weights) == {"400"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theorem_lemma_definition_and_remark_look_alike(chapter, scheme):
    chapter.emulate_media(color_scheme=scheme)
    chapter.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
    looks = chapter.locator(STATED).evaluate_all(LOOK)
    assert set(looks) == {"rgba(0, 0, 0, 0) 3px none none none rgba(0, 0, 0, 0)"}


def test_headings_step_down_towards_the_text(chapter):
    _step_down(chapter, "h1", "h2")


def test_headings_of_the_third_rank_step_down_too(page, book):
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{book}/book/appendix/api.html")  # chapters do without them
    _step_down(page, "h1", "h2", "h3")


def _step_down(page, *headings):
    size = "e => parseFloat(getComputedStyle(e).fontSize)"
    sizes = [page.locator(f".bd-article {h}").first.evaluate(size) for h in headings]
    text = page.locator(".bd-article > section p").first.evaluate(size)
    assert sorted({40, *sizes, text}, reverse=True) == [40, *sizes, text]
    assert sizes[1] <= 1.6 * text


def test_a_page_of_free_play_keeps_the_room_of_the_column(page, book):
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{book}/book/playground.html")
    unfold(page)
    assert page.locator("opt-figure").bounding_box()["width"] > 740
