"""The bars of what a step calls and moves, in Chromium: they say what Python computes."""

from __future__ import annotations

import re

import pytest

import optedu
from optedu.plot.movement import LABELS, movement, spoken

CALLS = {"array": 9e-7, "numpy": 4e-7, "blocked": 2e-7, "fused": 2e-6}
MEMORY, CACHE, BLOCK = 6e10, 2e11, 50_000


@pytest.fixture
def bars():
    adam = optedu.rules.get("adam")
    return movement(adam, calls=CALLS, memory=MEMORY, cache=CACHE, block=BLOCK)


@pytest.fixture
def shown(page, bars):
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 800, "height": 600})
    page.set_content(f"<!doctype html><main>{bars._repr_html_()}</main>")
    return page


def said(page):
    rows = page.locator(".mv-row")
    return {
        rows.nth(k).get_attribute("data-form"): rows.nth(k).locator(".mv-time").inner_text()
        for k in range(rows.count())
    }


def wanted(bars, size):
    found = {}
    for form in CALLS:
        times = bars.costs(form, size)
        share = 100 * times[0] / sum(times)
        found[form] = (spoken(sum(times)), share)
    return found


@pytest.mark.parametrize("power", [1, 3, 5, 7, 8])
def test_the_slider_shows_what_python_computes(shown, bars, power):
    shown.locator("input").fill(str(power))
    assert shown.locator(".mv-size").inner_text() == f"{10**power:,}"
    text, computed = said(shown), wanted(bars, 10**power)
    for form, (time, share) in computed.items():
        told = re.fullmatch(r"(.*), (\d+)% calls", text[form])
        assert told[1] == time
        assert abs(int(told[2]) - share) <= 0.5


def test_the_longest_bar_fills_the_width_and_the_others_their_share(shown, bars):
    ends = shown.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.mv-row')].map((row) => {
        const whole = row.querySelector('svg').getBoundingClientRect();
        const rects = [...row.querySelectorAll('rect:not(.mv-later)')];
        const right = Math.max(...rects.map((r) => r.getBoundingClientRect().right));
        return [row.dataset.form, (right - whole.left) / whole.width]; }))"""
    )
    totals = {form: sum(bars.costs(form, bars.start)) for form in CALLS}
    for form, end in ends.items():
        assert end == pytest.approx(totals[form] / max(totals.values()), abs=0.01)


def test_played_it_ends_where_it_stood(shown):
    before = said(shown)
    assert shown.evaluate("getComputedStyle(document.querySelector('.optedu-movement'))"
                          ".getPropertyValue('--now')") == "100"  # fmt: skip
    shown.locator("button").click()
    shown.wait_for_function(
        "document.querySelector('.mv-row[data-form=fused]').classList.contains('mv-done')"
    )
    shown.locator("button").click()
    assert shown.locator("button").inner_text() == "Play"
    assert said(shown) == before


def test_the_pieces_are_those_of_the_rule(bars):
    text = bars._repr_html_()
    for bar, label in zip(bars.bars, LABELS.values(), strict=True):
        assert label in text
        pieces = re.findall(r"<rect", bars.pieces[bar.form])
        assert len(pieces) >= 2 * bar.calls
    other = movement(
        optedu.rules.get("momentum"), calls=CALLS, memory=MEMORY, cache=CACHE, block=BLOCK
    )
    assert [b.memory for b in other.bars] == [10, 10, 5, 5]
    assert [b.memory for b in bars.bars] == [32, 28, 7, 7]


def test_bad_input():
    adam = optedu.rules.get("adam")
    rest = {"memory": MEMORY, "cache": CACHE, "block": BLOCK}
    with pytest.raises(ValueError, match=r"form must be one of array, numpy, .* got 'c'"):
        movement(adam, calls={"c": 1e-6}, **rest)
    with pytest.raises(ValueError, match=r"calls must name at least one form of .* got none"):
        movement(adam, calls={}, **rest)
    with pytest.raises(ValueError, match=r"calls\['fused'\] must be positive, got 0"):
        movement(adam, calls={"fused": 0}, **rest)
    with pytest.raises(ValueError, match="start must be at most 100,000,000, got 1,000,000,000"):
        movement(adam, calls=CALLS, start=10**9, **rest)
