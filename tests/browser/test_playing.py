"""Drawings play once by themselves when they come into view, then by button or slider."""

from __future__ import annotations

import pytest

import optedu
from optedu.plot.movement import movement

BUTTONS = "[...document.querySelectorAll('button')].map((b) => b.textContent)"
PLACES = """() => [
  document.querySelector('.optedu-movement').style.getPropertyValue('--now'),
  document.querySelector('.optedu-animation output').textContent,
]"""
PLAYED = """([bars, step]) => {
  const now = Number(document.querySelector('.optedu-movement').style.getPropertyValue('--now'));
  const shown = document.querySelector('.optedu-animation output').textContent;
  return now > 0 && now < 100 && shown !== step;
}"""


@pytest.fixture(scope="module")
def markup():
    adam = optedu.rules.get("adam")
    bars = movement(adam, calls={"fused": 2e-6}, memory=6e10, cache=2e11, block=50_000)
    problem = optedu.problems.quadratic(10)
    run = optedu.minimize(problem, [-4.0, 1.0], optimizer="adam", lr=0.1, steps=40)
    film = optedu.plot.animation(problem, run, seconds=4)
    apart = '<div style="height:3000px"></div>'
    return f"<!doctype html><main>{apart}{bars._repr_html_()}{film._repr_html_()}</main>"


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
    before = shown.evaluate(PLACES)
    assert before == ["100", "step 0"]
    shown.evaluate("scrollTo(0, 3000)")
    shown.wait_for_function(PLAYED, arg=before)
    assert shown.evaluate(BUTTONS) == ["Pause", "Pause"]
    shown.locator(".optedu-movement button").click()
    shown.locator(".optedu-animation input").fill("7")
    assert shown.evaluate(BUTTONS) == ["Play", "Play"]
    places = shown.evaluate(PLACES)
    assert places[1] == "step 7"
    shown.evaluate("scrollTo(0, 0)")
    shown.evaluate("scrollTo(0, 3000)")
    shown.wait_for_timeout(300)
    assert shown.evaluate(PLACES) == places  # once, not again
    shown.locator(".optedu-animation button").click()
    shown.wait_for_function(
        "document.querySelector('.optedu-animation output').textContent === 'step 40'"
    )
    assert shown.evaluate(BUTTONS) == ["Play", "Play"]


@pytest.mark.parametrize("shown", ["reduce"], indirect=True)
def test_who_asks_for_less_motion_gets_none_unasked(shown):
    shown.evaluate("scrollTo(0, 3000)")
    shown.wait_for_timeout(400)
    assert shown.evaluate(BUTTONS) == ["Play", "Play"]
    assert shown.evaluate(PLACES) == ["100", "step 0"]
