"""Drawings in a page: the one that fits shows, its text can be read, in light and in dark."""

from __future__ import annotations

import pytest

import optedu
from optedu.web.pages import STATIC
from tests.browser.measures import ON_PHONE, PICTURE

THEME = """
html { --pst-color-text-base: #222832; --pst-color-text-muted: #48566b;
  --pst-color-background: #ffffff; background: var(--pst-color-background); }
html[data-theme="dark"] { --pst-color-text-base: #ced6dd; --pst-color-text-muted: #9ca4af;
  --pst-color-background: #121212; }
body, figure { margin: 0; font-family: sans-serif }
body { padding: 12px }
"""
SHOWN = "all => all.filter((e) => e.checkVisibility()).map((e) => e.classList[0])"
# How light each large shape and each text is, from 0 to 1.
LIGHT = """selector => {
  const light = (paint) => {
    const [r, g, b] = paint.match(/[\\d.]+/g).map(Number);
    return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
  };
  const area = (e) => { const b = e.getBoundingClientRect(); return b.width * b.height; };
  return [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility())
    .filter((e) => e.tagName === 'text' || area(e) > 3000)
    .map((e) => getComputedStyle(e).fill).filter((paint) => paint !== 'none').map(light);
}"""


def draw(plane, curve):
    problem = optedu.problems.quadratic(30)
    run = optedu.minimize(problem, [-4.0, 1.0], optimizer="adam", lr=0.05, steps=50)
    optedu.plot.contours(problem, run, ax=plane)
    optedu.plot.loss({r"$\beta_1 = 0.9$": run}, ax=curve)


@pytest.fixture(scope="module")
def markup():
    alt = "A path on level lines, and its loss over the steps."
    style = THEME + (STATIC / "drawings.css").read_text(encoding="utf-8")
    drawing = optedu.plot.show(draw, panels=2, alt=alt)._repr_html_()
    figure = f'<figure id="f">{drawing}<figcaption>Path and loss.</figcaption></figure>'
    return f'<!doctype html><style>{style}</style><article class="bd-article">{figure}</article>'


@pytest.mark.parametrize(("width", "shown"), [(1440, ["od-wide"]), (360, ["od-narrow"])])
def test_the_drawing_that_fits_shows_and_its_text_can_be_read(markup, page, width, shown):
    page.set_viewport_size({"width": width, "height": 740})
    page.set_content(markup)
    assert page.locator(".optedu-drawing svg").evaluate_all(SHOWN) == shown
    assert page.evaluate(ON_PHONE, [PICTURE, 9])["small"] == []
    # 13 pixels would be too much to ask for: the measure does tell sizes apart.
    assert page.evaluate(ON_PHONE, [PICTURE, 13])["small"] != []
    overflow = "document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(overflow) <= 0


def test_light_and_dark_have_their_own_ground_and_text(markup, page):
    page.set_content(markup)
    texts, shapes = ".optedu-drawing text", ".optedu-drawing :is(path, rect)"
    assert max(page.evaluate(LIGHT, texts)) < 0.4
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert min(page.evaluate(LIGHT, texts)) > 0.55
    dark = page.evaluate(LIGHT, shapes)
    assert len(dark) > 5
    assert max(dark) < 0.45, "a light box stands in the dark"


def test_a_reader_hears_the_words_and_not_the_ticks(markup, page):
    page.set_content(markup)
    assert page.get_by_role("img").count() == 1
    assert page.get_by_role("img", name="A path on level lines").is_visible()


def test_nothing_jumps_when_the_style_comes(markup, page):
    """The size of each drawing stands in it, as its shape does."""
    page.set_viewport_size({"width": 660 + 24, "height": 740})
    page.set_content(markup)
    box = page.locator(".od-wide").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(660 / 300, rel=0.01)
