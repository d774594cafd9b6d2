"""Drawings play once by themselves when they come into view, then by button or slider."""

from __future__ import annotations

import pytest

import optedu
from optedu.plot.movement import movement

BUTTONS = "[...document.querySelectorAll('button')].map((b) => b.textContent)"
PLACES = """[...document.querySelectorAll('.optedu-movement')].map(
  (bars) => Number(bars.style.getPropertyValue('--now'))
)"""
PLAYED = f"{PLACES}.every((now) => now > 0 && now < 100)"


@pytest.fixture(scope="module")
def markup():
    adam = optedu.rules.get("adam")
    bars = movement(adam, calls={"fused": 2e-6}, memory=6e10, cache=2e11, block=50_000)
    sgd = optedu.rules.get("sgd")
    more = movement(sgd, calls={"fused": 2e-6}, memory=6e10, cache=2e11, block=50_000)
    apart = '<div style="height:3000px"></div>'
    return f"<!doctype html><main>{apart}{bars._repr_html_()}{more._repr_html_()}</main>"


@pytest.fixture
def shown(page, markup, request):
    page.emulate_media(reduced_motion=request.param)
    page.set_viewport_size({"width": 800, "height": 1400})
    page.set_content(markup)
    return page


@pytest.mark.parametrize("shown", ["no-preference"], indirect=True)
def test_both_drawings_of_a_page_play_once_when_they_come_into_view(shown):
    shown.wait_for_timeout(300)
    assert shown.evaluate(BUTTONS) == ["Play", "Play"]  # they are far below
    assert shown.evaluate(PLACES) == [100, 100]
    shown.evaluate("scrollTo(0, 3000)")
    shown.wait_for_function(PLAYED)
    assert shown.evaluate(BUTTONS) == ["Pause", "Pause"]
    for button in shown.locator(".optedu-movement button").all():
        button.click()
    assert shown.evaluate(BUTTONS) == ["Play", "Play"]
    places = shown.evaluate(PLACES)
    shown.evaluate("scrollTo(0, 0)")
    shown.evaluate("scrollTo(0, 3000)")
    shown.wait_for_timeout(300)
    assert shown.evaluate(PLACES) == places  # once, not again
    shown.locator(".optedu-movement button").last.click()
    shown.wait_for_function(f"{PLACES}[1] === 100")
    assert shown.evaluate(BUTTONS) == ["Play", "Play"]


@pytest.mark.parametrize("shown", ["reduce"], indirect=True)
def test_who_asks_for_less_motion_gets_none_unasked(shown):
    shown.evaluate("scrollTo(0, 3000)")
    shown.wait_for_timeout(400)
    assert shown.evaluate(BUTTONS) == ["Play", "Play"]
    assert shown.evaluate(PLACES) == [100, 100]
