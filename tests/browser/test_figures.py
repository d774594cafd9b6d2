"""The interactive figures in Chromium: they move, obey, restore, and keep to their own host."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import optedu
from optedu.web.figure import catalog
from optedu.web.figure.configuration import presets
from tests.browser.conftest import SETTLE, Account, at_rest, pixels, watch
from tests.browser.server import serve

LIMITS = "momentum-stability", "momentum-ball"
FIGURES = (
    "adam-bias",
    "warm-up",
    "sensitivity",
    "slope-step",
    "saddle-relief",
    "steepest",
    "schedule-handles",
)
CONFIGURATION = """
extensions = ["myst_parser", "optedu.web.figures"]
html_theme = "sphinx_book_theme"
project = "figures"
html_context = {"default_mode": "light"}
exclude_patterns = ["_site"]
"""
DROPS = """
steps: 200
noise: 0.3
optimizers:
  - sgd: {lr: {step: {lr: 0.8, every: 90}}, label: Steps}
  - sgd: {lr: {exponential: {lr: 0.8, drop: 0.99}}, label: Fall}
  - sgd: {lr: {one_cycle: {lr: 0.8, warmup: 60, start: 0.1}}, label: Cycle}
  - sgd: {lr: 0.4, warmup: 10, label: Plain}
views: [rates, expected]
"""
PATIENCE_S = 2.0
STATE = "document.querySelector('opt-figure').save()"


@pytest.fixture(scope="session")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a small site: one page for each of some figures, and a playground."""
    folder = tmp_path_factory.mktemp("figures")
    (folder / "conf.py").write_text(CONFIGURATION)
    body = "predict: null\n```\n"  # nothing waits for an answer
    pages = {name: f"# {name}\n\n```{{optfigure}} {name}\n{body}" for name in (*FIGURES, *LIMITS)}
    pages["fed"] = f"# Fed\n\n```{{optfigure}} sum-and-mean\n{body}"
    pages["playground"] = "# Playground\n\n```{optfigure} playground\nfree: true\n```\n"
    plays = "steps: 60\nspeed: 60\nautoplay: true\n"
    pages["autoplay"] = f"# Autoplay\n\n```{{optfigure}} slope-step\n{plays}```\n"
    pages["drops"] = f"# Drops\n\n```{{optfigure}}\n{DROPS}```\n"
    pages["index"] = "# Figures\n\n```{toctree}\n" + "\n".join(pages) + "\n```\n"
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", str(folder), str(folder / "_site")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with serve(folder / "_site") as address:
        yield address


def opened(page: Any, address: str) -> Account:
    """Open a page, wait for its figure, and keep account of what else it does."""
    account = watch(page, "/".join(address.split("/")[:3]))
    page.goto(address)
    page.wait_for_selector("opt-figure.of-ready")
    return account


def state(page: Any) -> dict[str, Any]:
    page.evaluate(SETTLE)
    return page.evaluate(STATE)


def changed_state(page: Any, before: dict[str, Any]) -> dict[str, Any]:
    """The state as soon as it differs from ``before``, or after some seconds all the same."""
    deadline = time.monotonic() + PATIENCE_S
    while (now := state(page)) == before and time.monotonic() < deadline:
        pass  # a page that draws a map is behind with what it is told
    return now


def clean(account: Account) -> None:
    # The theme has no icon in this small site.
    errors = [e for e in account.errors if "favicon" not in e]
    assert errors == []
    assert account.foreign == []


@pytest.mark.parametrize("name", presets())
def test_every_preset_shows_and_each_of_its_sliders_acts(
    name: str, page: Any, figures: str
) -> None:
    account = opened(page, f"{figures}/playground.html")
    page.get_by_label("Show", exact=True).select_option(name)
    before = at_rest(page)
    assert len(before) == len(presets()[name].get("views", ["plane", "loss"]))
    assert len(set(before)) == len(before), "two panes are alike, or blank"

    shown = state(page)
    gradient = catalog.problem(shown["problem"]).grad(np.array(shown["start"], dtype=float))
    stands = not gradient.any()  # a run that begins where it is zero stays, at every rate

    sliders = page.locator(".of-sliders").first.locator("input[type=range]")
    for k in range(sliders.count()):
        slider = sliders.nth(k)
        was, seen, stood = state(page), pixels(page), slider.input_value()
        slider.focus()
        page.keyboard.press("ArrowLeft")
        if slider.input_value() == stood:  # at its lower end
            page.keyboard.press("ArrowRight")
        assert changed_state(page, was) != was, "the first press of an arrow key changes nothing"
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        now = changed_state(page, was)
        if now == was:  # that was its upper end, where it began
            page.keyboard.press("ArrowLeft")
            now = changed_state(page, was)
        label = slider.get_attribute("data-name")
        assert now != was, f"{label} changes nothing"
        changed = json.dumps(now["runs"]) != json.dumps(was["runs"]) or now[label] != was[label]
        assert changed, f"{label} changed something else"
        if was["noise"] > 0 or (label not in ("batch", "seed") and not stands):
            assert pixels(page) != seen or at_rest(page) != seen, f"{label} moves nothing"
        assert slider.get_attribute("aria-valuetext")
    clean(account)


def test_the_start_follows_click_drag_and_arrow_keys(page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/adam-bias.html")
    plane = page.locator(".of-plane canvas")
    box = plane.bounding_box()
    first = state(page)["start"]
    plane.click(position={"x": box["width"] * 0.7, "y": box["height"] * 0.6})
    clicked = state(page)["start"]
    assert clicked[0] > 0 > first[0]

    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.6)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.2, steps=4)
    page.mouse.up()
    dragged = state(page)["start"]
    assert dragged[0] < 0
    assert dragged[1] > clicked[1]

    plane.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    moved = state(page)["start"]
    # A hundredth of the window's width of 2.8, and ten of them.
    assert moved[0] - dragged[0] == pytest.approx(0.028, abs=1e-3)
    assert moved[1] - dragged[1] == pytest.approx(-0.28, abs=1e-2)
    clean(account)


def test_playing_slowly_begins_at_the_start(page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/playground.html")
    page.get_by_label("Show", exact=True).select_option("look-ahead")
    page.get_by_role("button", name="Back to the start").click()
    least = page.evaluate(
        """() => new Promise((done) => {
          const figure = document.querySelector("opt-figure");
          const seen = [];
          const draw = figure.draw;
          figure.draw = () => {
            seen.push(figure.s.t);
            draw.call(figure);
            if (figure.s.t >= 2) done(Math.min(...seen));
          };
          document.querySelector("[aria-label=Play]").click();
        })"""
    )
    assert least == 0
    clean(account)


def test_a_tap_sets_the_start_and_a_finger_drags_it(browser: Any, figures: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    page = context.new_page()
    account = opened(page, f"{figures}/adam-bias.html")
    plane = page.locator(".of-plane canvas")
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    first = state(page)["start"]
    page.touchscreen.tap(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.6)
    assert state(page)["start"][0] > 0 > first[0]
    # A touch on the handle keeps the page still; elsewhere it scrolls.
    touch = """([x, y]) => {
        const target = document.querySelector(".of-plane canvas");
        const touches = [new Touch({identifier: 1, target, clientX: x, clientY: y})];
        return target.dispatchEvent(new TouchEvent("touchstart", {touches, cancelable: true}));
    }"""
    on_handle = [box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.6]
    assert page.evaluate(touch, on_handle) is False
    assert page.evaluate(touch, [box["x"] + 60, box["y"] + 40]) is True
    clean(account)
    context.close()


def test_the_outcome_is_told_to_a_screen_reader(page: Any, figures: str) -> None:
    opened(page, f"{figures}/adam-bias.html")
    live = page.locator(".of-live")
    assert live.get_attribute("aria-live") == "polite"
    page.locator(".of-plane canvas").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.of-live').textContent.includes('Start')")
    assert "Without correction loss" in live.inner_text()


def test_where_gradients_are_fed_the_legend_tells_what_is_charted(page: Any, figures: str) -> None:
    """There is no loss to tell; after 60 ones a mean has filled, and a sum is 60."""
    account = opened(page, f"{figures}/fed.html")
    rmsprop, adagrad = page.locator(".of-legend li").all_inner_texts()
    told = re.compile(r"(\w+) length of the step = ([\d.]+)")
    for text, name, step in ((rmsprop, "RMSProp", 0.1), (adagrad, "AdaGrad", 0.1 / 60**0.5)):
        found = told.fullmatch(text.strip())
        assert found and found[1] == name, text
        assert float(found[2]) == pytest.approx(step, rel=0.01)
    clean(account)


def test_step_play_and_reset(page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/adam-bias.html")
    page.get_by_role("button", name="Back to the start").click()
    assert state(page)["t"] == 0
    still = pixels(page)
    page.get_by_role("button", name="One step").click()
    assert state(page)["t"] == 1
    assert pixels(page) != still
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{STATE}.t > 10")
    page.get_by_role("button", name="Pause").click()
    stopped = state(page)["t"]
    page.wait_for_timeout(200)
    assert state(page)["t"] == stopped < 150
    page.get_by_role("slider", name="Step shown").fill("42")
    assert state(page)["t"] == 42
    assert page.locator(".of-count").inner_text() == "42 / 150"
    clean(account)


def test_without_motion_play_shows_the_end(context: Any, figures: str) -> None:
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")
    opened(page, f"{figures}/adam-bias.html")
    page.get_by_role("button", name="Back to the start").click()
    page.get_by_role("button", name="Play").click()
    assert state(page)["t"] == 150
    assert page.get_by_role("button", name="Play").is_visible()


def test_autoplay_plays_once_and_stops_at_the_end(context: Any, figures: str) -> None:
    page = context.new_page()
    account = opened(page, f"{figures}/autoplay.html")
    assert page.get_by_role("button", name="Pause").is_visible()
    assert state(page)["t"] < 60
    page.wait_for_function(f"{STATE}.t === 60")
    page.get_by_role("button", name="Play").wait_for()
    page.wait_for_timeout(200)
    assert state(page)["t"] == 60
    clean(account)


def test_autoplay_waits_where_the_reader_asked_for_less_motion(context: Any, figures: str) -> None:
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")
    opened(page, f"{figures}/autoplay.html")
    page.wait_for_timeout(200)
    assert state(page)["t"] == 1  # as the preset says
    assert page.get_by_role("button", name="Play").is_visible()


def test_a_link_restores_everything(context: Any, figures: str) -> None:
    page = context.new_page()
    opened(page, f"{figures}/playground.html")
    page.get_by_label("Show", exact=True).select_option("warm-up")
    page.get_by_label("Problem", exact=True).select_option("himmelblau")
    page.get_by_label("Optimizer to add").select_option("nadam")
    page.get_by_role("button", name="Add optimizer").click()
    page.get_by_role("button", name="Remove Adam", exact=True).click()
    rate = page.get_by_role("group", name="NAdam").get_by_role("slider", name="learning rate")
    rate.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("slider", name="Step shown").fill("77")
    page.get_by_role("button", name="Copy link").click()
    saved, seen, address = state(page), pixels(page), page.url
    assert [run[0] for run in saved["runs"]] == ["adam", "nadam"]
    assert saved["problem"] == "himmelblau"

    other = context.new_page()
    account = opened(other, address)
    assert state(other) == saved
    assert pixels(other) == seen
    assert other.get_by_label("Show", exact=True).input_value() == "warm-up"
    clean(account)


@pytest.mark.parametrize("text", ["", "%7B", "%7B%7D", '{"problem":"nosuch","runs":[]}', "1"])
def test_a_broken_link_is_ignored(text: str, page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/adam-bias.html#opt-adam-bias={text}")
    assert state(page)["problem"] == "bowl"
    clean(account)


def test_a_link_cannot_leave_the_ranges(page: Any, figures: str) -> None:
    saved = {
        "problem": "bowl", "start": ["x", 1e99], "steps": 1e9, "noise": -1, "batch": 0,
        "seed": 1, "t": 5, "runs": [["adam", {"lr": -3, "beta1": 7}, 0, "<b>x</b>"]],
    }  # fmt: skip
    account = opened(page, f"{figures}/adam-bias.html#opt-adam-bias={json.dumps(saved)}")
    now = state(page)
    assert (now["steps"], now["noise"], now["batch"]) == (10000, 0, 1)
    (run,) = now["runs"]
    assert run[1]["lr"] > 0
    assert run[1]["beta1"] < 1
    assert "<b>x</b>" in page.locator(".of-legend").inner_text()
    clean(account)


def test_the_pointer_on_the_map_chooses_the_run(page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/sensitivity.html")
    heat = page.locator(".of-heat canvas")
    box = heat.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.7)
    first = state(page)["runs"][0][1]
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.3)
    second = state(page)["runs"][0][1]
    assert second["lr"] > first["lr"]
    heat.focus()
    page.keyboard.press("ArrowLeft")
    assert state(page)["runs"][0][1]["lr"] < second["lr"]
    clean(account)


VIEW = "(({turn, tilt}) => [turn, tilt])(document.querySelector('opt-figure').views[0])"
END = "document.querySelector('opt-figure').runs[0].result.f[105]"
RING = "document.querySelector('opt-figure').views[0].start"


def test_a_relief_is_turned_by_dragging_and_by_keys(page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/saddle-relief.html")
    canvas = page.locator(".of-relief canvas")
    box = canvas.bounding_box()
    first, seen, start = page.evaluate(VIEW), pixels(page), state(page)["start"]
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.7)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.8, steps=3)
    page.mouse.up()
    dragged, then = page.evaluate(VIEW), pixels(page)
    assert dragged[0] > first[0]
    assert dragged[1] > first[1]
    assert then[0] != seen[0]
    assert then[1] == seen[1]
    canvas.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    pressed = page.evaluate(VIEW)
    assert pressed[0] < dragged[0]
    assert pressed[1] < dragged[1]
    assert pixels(page)[0] != then[0]
    for _ in range(30):
        page.keyboard.press("ArrowUp")
    assert page.evaluate(VIEW)[1] > 0, "never seen from below"
    assert state(page)["start"] == start
    clean(account)


def test_the_start_on_a_relief_is_dragged_onto_the_stable_line_and_off_it(
    page: Any, figures: str
) -> None:
    account = opened(page, f"{figures}/saddle-relief.html")
    page.evaluate("document.querySelector('opt-figure').set({start: [1.2, 0.4]})")
    page.evaluate(SETTLE)
    box = page.locator(".of-relief canvas").bounding_box()
    here = """([x, y]) => document.querySelector("opt-figure").views[0]
        .pixel(x / 1.5, y / 1.5, (x * x - y * y) / 4.5)"""

    def drag(to: list[float]) -> list[float]:
        ring = page.evaluate(RING)
        end = page.evaluate(here, to)
        page.mouse.move(box["x"] + ring[0], box["y"] + ring[1])
        page.mouse.down()
        page.mouse.move(box["x"] + end[0], box["y"] + end[1], steps=6)
        page.mouse.up()
        return state(page)["start"]

    on = drag([0.9, 0.0])
    assert on[0] == pytest.approx(0.9, abs=0.05)
    assert on[1] == 0, "near the line it snaps onto it"
    assert 0 <= page.evaluate(END) < 1e-8
    off = drag([0.9, 0.3])
    assert off == pytest.approx([0.9, 0.3], abs=0.05)
    assert page.evaluate(END) < -1
    page.locator(".of-relief canvas").focus()
    page.keyboard.press("Shift+ArrowDown")
    assert state(page)["start"][1] == pytest.approx(off[1] - 0.03, abs=1e-3)
    page.mouse.click(
        *[box[k] + v for k, v in zip("xy", page.evaluate(here, [-1, 0.6]), strict=True)]
    )
    assert state(page)["start"] == pytest.approx([-1, 0.6], abs=0.05), "a click sets the start"
    clean(account)


def test_a_finger_beside_the_ring_of_a_relief_scrolls(browser: Any, figures: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    page = context.new_page()
    account = opened(page, f"{figures}/saddle-relief.html")
    page.evaluate(SETTLE)
    canvas = page.locator(".of-relief canvas")
    assert canvas.evaluate("(e) => getComputedStyle(e).touchAction") == "pan-y"
    box = canvas.bounding_box()
    ring = page.evaluate(RING)
    touch = """([x, y]) => {
        const target = document.querySelector(".of-relief canvas");
        const touches = [new Touch({identifier: 1, target, clientX: x, clientY: y})];
        return target.dispatchEvent(new TouchEvent("touchstart", {touches, cancelable: true}));
    }"""
    assert page.evaluate(touch, [box["x"] + ring[0], box["y"] + ring[1]]) is False
    assert page.evaluate(touch, [box["x"] + 8, box["y"] + box["height"] - 8]) is True
    clean(account)
    context.close()


def test_the_slope_along_a_direction_is_shown_as_the_reader_turns_it(
    page: Any, figures: str
) -> None:
    account = opened(page, f"{figures}/steepest.html")
    chart = page.locator(".of-compass canvas")
    problem = catalog.problem("rotated")
    g = problem.grad(np.array([-0.9, 0.7]))

    def shown() -> tuple[int, float]:
        said = chart.get_attribute("aria-label").replace("\N{MINUS SIGN}", "-")
        angle, slope = re.search(r"Along (-?\d+) degrees it is ([-\d.]+?);", said).groups()
        return int(angle), float(slope)

    def slope(angle: float) -> float:
        return float(g @ [np.cos(np.radians(angle)), np.sin(np.radians(angle))])

    page.evaluate("document.querySelector('opt-figure').set({t: 0})")
    page.evaluate(SETTLE)
    assert shown() == (100, pytest.approx(slope(100), rel=0.01))
    chart.focus()
    page.keyboard.press("ArrowRight")
    assert shown() == (105, pytest.approx(slope(105), rel=0.02, abs=0.002))
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert shown()[0] == -155, "after 180 comes -180"
    down = float(np.degrees(np.arctan2(-g[1], -g[0])))
    at = page.evaluate("(v) => document.querySelector('opt-figure').views[1].sx(v)", down)
    box = chart.bounding_box()
    seen = pixels(page)
    page.mouse.click(box["x"] + at, box["y"] + 60)
    assert shown() == (round(down), pytest.approx(-np.linalg.norm(g), rel=0.01))
    assert all(now != before for now, before in zip(pixels(page), seen, strict=True))
    page.keyboard.press("ArrowLeft")
    assert shown()[1] > -np.linalg.norm(g), "every other direction is less steep"
    clean(account)


def test_the_arrow_of_the_gradient_is_square_to_the_level_line(page: Any, figures: str) -> None:
    opened(page, f"{figures}/steepest.html")
    page.evaluate(SETTLE)
    one = "(([a, b]) => a(1) - a(0) + b(1) - b(0))"
    view = "document.querySelector('opt-figure').views[0]"
    assert page.evaluate(f"{one}([{view}.sx, {view}.sy])") == pytest.approx(0, abs=1e-9)


PLACE = """(name) => {
    const box = [...document.querySelectorAll(".of-handle")]
        .find((e) => e.getAttribute("aria-label").endsWith(name)).getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
}"""
ENDS = "document.querySelector('opt-figure').runs.map((r) => r.result.expected.at(-1))"
UNIT = """(() => {
    const { sx, sy } = document.querySelector("opt-figure").views[0];
    return [sx(1) - sx(0), sy(1) - sy(0)];
})()"""


def test_the_handles_of_a_schedule_are_dragged(page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/schedule-handles.html")
    page.evaluate(SETTLE)
    step, rate = page.evaluate(UNIT)

    def drag(name: str, steps: float = 0, rates: float = 0) -> dict[str, float]:
        page.locator(".of-rates").scroll_into_view_if_needed()
        x, y = page.evaluate(PLACE, name)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + steps * step, y + rates * rate, steps=4)
        page.mouse.up()
        return state(page)["runs"][1][1]

    first = page.evaluate(ENDS)
    seen = pixels(page)
    # To half of the run; what is not given is at its default, 200.
    assert drag("start of the cooldown", steps=-300)["cooldown"] == pytest.approx(500, abs=4)
    page.evaluate(SETTLE)
    later = page.evaluate(ENDS)
    assert later[1] < 0.75 * first[1], "an earlier cooldown ends lower"
    assert (later[0], later[2]) == (first[0], first[2]), "the other schedules stay"
    assert all(a != b for a, b in zip(pixels(page), seen, strict=True))
    assert drag("peak rate", rates=0.3)["lr"] == pytest.approx(0.8, abs=0.01)
    assert drag("final rate", rates=0.2)["lr_end"] == pytest.approx(0.2, abs=0.01)
    # Its handle stands in the middle of the rise.
    assert drag("length of the warm-up", steps=50)["warmup"] == pytest.approx(100, abs=4)
    config = page.evaluate("document.querySelector('opt-figure').runs[1].hyper")
    T, W = 1000, int(config["warmup"])
    made = optedu.schedules.wsd(
        config["lr"], steps=T - W, cooldown=config["cooldown"], end=config["lr_end"]
    )
    risen = optedu.schedules.warmup(made, W)
    i, moments = np.arange(1, 101), np.ones(100)
    for t in range(1, T + 1):
        moments = (1 - risen(t) / i) ** 2 * moments + risen(t) ** 2 * 0.1 / i
    page.evaluate(SETTLE)
    assert page.evaluate(ENDS)[1] == pytest.approx(np.sum(moments / i) / 2, rel=1e-6)
    # Nothing leaves its range.
    drag("peak rate", rates=50)
    drag("start of the cooldown", steps=5000)
    drag("length of the warm-up", steps=5000)
    last = page.evaluate("document.querySelector('opt-figure').runs[1].hyper")
    assert (last["cooldown"], last["warmup"], last["lr"]) == (1, 999, 1)
    clean(account)


def test_the_handles_of_a_schedule_have_names_and_take_arrow_keys(page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/schedule-handles.html")
    page.evaluate(SETTLE)
    rates = page.locator(".of-rates")
    handles = rates.get_by_role("slider")
    assert [one.get_attribute("aria-label") for one in handles.all()] == [
        f"Stable, then decay: {name}"
        for name in (
            "peak rate",
            "length of the warm-up",
            "start of the cooldown",
            "final rate",
        )
    ]
    begin = rates.get_by_role("slider", name="start of the cooldown")
    assert begin.get_attribute("aria-valuetext") == "step 800"
    begin.focus()
    seen = pixels(page)
    page.keyboard.press("ArrowLeft")
    page.evaluate(SETTLE)
    assert begin.get_attribute("aria-valuetext") == "step 790"
    assert all(a != b for a, b in zip(pixels(page), seen, strict=True))
    page.keyboard.press("Shift+ArrowLeft")
    page.evaluate(SETTLE)
    assert begin.get_attribute("aria-valuenow") == "690"
    for name, key, value in (
        ("peak rate", "ArrowUp", "0.51"),
        ("final rate", "Shift+ArrowUp", "0.1"),
        ("length of the warm-up", "ArrowRight", "10"),
    ):
        one = rates.get_by_role("slider", name=name)
        one.focus()
        page.keyboard.press(key)
        page.evaluate(SETTLE)
        assert one.get_attribute("aria-valuetext") == value
        assert one.evaluate("e => e === document.activeElement"), "the focus stays on it"
    # Another schedule has the handles that it has.
    rates.get_by_label("Handles on").select_option("Cosine")
    page.evaluate(SETTLE)
    names = [one.get_attribute("aria-label") for one in handles.all()]
    assert names == [
        f"Cosine: {name}" for name in ("peak rate", "length of the warm-up", "final rate")
    ]
    assert "Cosine from 0.5 to" in rates.locator("canvas").get_attribute("aria-label")
    at = page.evaluate("""(() => {
        const { sx, sy, canvas } = document.querySelector("opt-figure").views[0];
        const { left, top } = canvas.getBoundingClientRect();
        return [left + sx(600), top + sy(0.5)];
    })()""")
    page.mouse.click(*at)
    page.evaluate(SETTLE)
    assert handles.first.get_attribute("aria-label") == "Constant: peak rate", "the curve clicked"
    clean(account)


def test_a_schedule_is_restored_from_a_link(context: Any, figures: str) -> None:
    page = context.new_page()
    opened(page, f"{figures}/schedule-handles.html")
    for name, key in (("start of the cooldown", "ArrowLeft"), ("warm-up", "ArrowRight")):
        page.get_by_role("slider", name=name).focus()
        page.keyboard.press(key)
    page.evaluate(SETTLE)
    saved, ends = state(page), page.evaluate(ENDS)
    assert saved["runs"][1][0] == "sgd wsd"
    assert saved["runs"][1][1] == {"lr": 0.5, "cooldown": 210, "warmup": 10}
    other = context.new_page()
    account = opened(other, page.evaluate("document.querySelector('opt-figure').link()"))
    assert state(other) == saved
    assert other.evaluate(ENDS) == ends
    clean(account)


def test_every_kind_of_schedule_has_handles_on_its_curve(page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/drops.html")
    page.evaluate(SETTLE)
    step, rate = page.evaluate(UNIT)
    wanted = {
        "Steps": ("peak rate", "warm-up", "steps between two drops", "factor of a drop"),
        "Fall": ("peak rate", "warm-up", "factor of a drop"),
        "Cycle": ("peak rate", "warm-up", "first rate", "final rate"),
        "Plain": ("peak rate", "warm-up"),
    }
    moved = {}
    for name, handles in wanted.items():
        page.get_by_label("Handles on").select_option(name)
        page.evaluate(SETTLE)
        assert page.locator(".of-handle").count() == len(handles)
        for handle in handles[1:]:
            page.locator(".of-rates").scroll_into_view_if_needed()
            x, y = page.evaluate(PLACE, handle)
            page.mouse.move(x, y)
            page.mouse.down()
            sideways = handle in ("warm-up", "steps between two drops")
            page.mouse.move(x + 10 * step * sideways, y + 0.1 * rate * (not sideways), steps=3)
            page.mouse.up()
        page.evaluate(SETTLE)
        moved[name] = page.evaluate(
            "(k) => (({ hyper, warmup }) => ({ own: warmup, ...hyper }))"
            "(document.querySelector('opt-figure').runs[k])",
            len(moved),
        )
    steps, fall, cycle, plain = moved.values()
    # A warm-up's handle stands in its middle: ten steps there are twenty here.
    assert [m["warmup"] for m in (steps, fall, cycle)] == pytest.approx([20, 20, 80], abs=2)
    assert plain["own"] == pytest.approx(30, abs=2)
    assert steps["every"] == pytest.approx(100, abs=1)
    # The rate after the first drop was 0.4, the rate at the end 0.8 * 0.99^179 with the warm-up.
    assert steps["drop"] == pytest.approx(0.5 / 0.8, abs=0.02)
    end = 0.8 * 0.99**179 + 0.1
    assert 0.8 * fall["drop"] ** 179 == pytest.approx(end, abs=0.02)
    assert cycle["lr_start"] == pytest.approx(0.2, abs=0.02)
    assert cycle["lr_end"] == pytest.approx(0.1, abs=0.02)
    page.evaluate("document.querySelector('opt-figure').set({steps: 50})")
    page.evaluate(SETTLE)
    clean(account)


def test_in_free_play_an_optimizer_gets_a_schedule(context: Any, figures: str) -> None:
    page = context.new_page()
    opened(page, f"{figures}/playground.html")
    page.evaluate(SETTLE)
    card = page.get_by_role("group", name="Adam")
    card.get_by_text("More").click()
    last = "Array.from(document.querySelector('opt-figure').runs[2].result.x.slice(-2))"
    before = page.evaluate(last)
    card.get_by_label("Schedule").select_option("cosine")
    page.evaluate(SETTLE)
    saved, walked = state(page), page.evaluate(last)
    assert card.get_by_label("Schedule").evaluate("e => e === document.activeElement")
    assert saved["runs"][2] == ["adam cosine", {"lr": 0.05}, 0, "Adam"]
    assert walked != before
    run = optedu.minimize(
        optedu.problems.get("rosenbrock"),
        np.array(saved["start"]),
        optimizer="adam",
        lr=optedu.schedules.cosine(0.05, steps=500),
        steps=500,
    )
    np.testing.assert_allclose(walked, run.x[-1], rtol=1e-6)
    assert card.get_by_role("slider", name="final rate").is_visible()
    other = context.new_page()
    account = opened(other, page.evaluate("document.querySelector('opt-figure').link()"))
    assert state(other) == saved
    assert other.evaluate(last) == walked
    card.get_by_label("Schedule").select_option("step")
    drop = card.get_by_role("slider", name="factor of a drop")
    drop.focus()
    page.keyboard.press("ArrowRight")
    assert 0.5 < state(page)["runs"][2][1]["drop"] < 0.6
    card.get_by_label("Schedule").select_option("none")
    assert state(page)["runs"][2][0] == "adam"
    clean(account)


def test_a_finger_drags_a_handle_and_scrolls_beside_it(browser: Any, figures: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    page = context.new_page()
    account = opened(page, f"{figures}/schedule-handles.html")
    page.evaluate(SETTLE)
    handle = page.get_by_role("slider", name="start of the cooldown")
    assert handle.evaluate("e => getComputedStyle(e).touchAction") == "none"
    canvas = page.locator(".of-rates canvas")
    assert canvas.evaluate("e => getComputedStyle(e).touchAction") == "auto"
    page.locator(".of-rates").scroll_into_view_if_needed()
    x, y = page.evaluate(PLACE, "start of the cooldown")
    touch = context.new_cdp_session(page)

    def send(kind: str, *points: dict[str, float]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    top = page.evaluate("scrollY")
    send("touchStart", {"x": x, "y": y})
    for k in range(1, 6):
        send("touchMove", {"x": x - 12 * k, "y": y + 3 * k})
    send("touchEnd")
    step = page.evaluate(UNIT)[0]
    assert state(page)["runs"][1][1]["cooldown"] == pytest.approx(200 + 60 / step, abs=5)
    assert page.evaluate("scrollY") == top
    clean(account)
    context.close()


def test_only_a_figure_with_a_relief_loads_its_script(page: Any, figures: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, f"{figures}/adam-bias.html")
    assert not any("relief.js" in url for url in asked)
    opened(page, f"{figures}/saddle-relief.html")
    assert sum("relief.js" in url for url in asked) == 1


MAP = """(([lr, rho]) => {
    const v = document.querySelector("opt-figure").views[0];
    return [v.sx(lr), v.sy(rho)];
})"""


def test_the_point_of_a_stability_map_is_dragged_across_the_border_and_keyed(
    page: Any, figures: str
) -> None:
    account = opened(page, f"{figures}/momentum-stability.html")
    canvas = page.locator(".of-stability canvas")
    box = canvas.bounding_box()

    def drag(lr: float, rho: float) -> dict[str, float]:
        for k, place in enumerate(
            (page.evaluate(f"{STABILITY}.at"), page.evaluate(MAP, [lr, rho]))
        ):
            page.mouse.move(box["x"] + place[0], box["y"] + place[1], steps=1 + 4 * k)
            page.mouse.down() if not k else page.mouse.up()
        return state(page)["runs"][0][1]

    # The valley's largest curvature is 1, so lr is lr * h; the border is 2 (1 + rho) = 3.2.
    inside, seen = drag(3.1, 0.6), pixels(page)
    assert [inside["lr"], inside["momentum"]] == pytest.approx([3.1, 0.6], abs=0.03)
    assert loss(page) < 1e-3
    outside = drag(3.4, 0.6)
    assert outside["lr"] == pytest.approx(3.4, abs=0.03)
    assert loss(page) > 1e3
    assert all(a != b for a, b in zip(pixels(page), seen, strict=True))
    canvas.focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowUp")
    keyed = state(page)["runs"][0][1]
    assert keyed["lr"] == pytest.approx(outside["lr"] - 0.4, abs=1e-3)
    assert keyed["momentum"] == pytest.approx(outside["momentum"] + 0.01, abs=1e-3)
    assert loss(page) < 1e-3
    for _ in range(12):
        page.keyboard.press("Shift+ArrowUp")
    assert state(page)["runs"][0][1]["momentum"] == 0.999, "never at 1"
    clean(account)


STABILITY = "document.querySelector('opt-figure').views[0]"


def loss(page: Any) -> float:
    """The last loss of the first run; infinite where it diverged."""
    page.evaluate(SETTLE)
    value = page.evaluate(
        "(({f, last, steps}) => last < steps ? 1e300 : f[last])"
        "(document.querySelector('opt-figure').runs[0].result)"
    )
    return float(value)


def test_the_border_on_a_stability_map_is_where_the_colour_ends(page: Any, figures: str) -> None:
    """The limit comes from SymPy, the colours from eigenvalues: they must meet."""
    account = opened(page, f"{figures}/momentum-stability.html")
    radii = page.evaluate(f"""() => [0, 0.3, 0.6, 0.9].map((rho) =>
        [1.99, 2.01].map((k) => {STABILITY}.radius("momentum", k * (1 + rho), rho)))""")
    assert all(below < 1 < above for below, above in radii)
    clean(account)


def test_the_arrow_of_a_ball_ends_where_the_velocity_takes_it(page: Any, figures: str) -> None:
    """Coasting and the push of the slope together are the next step."""
    account = opened(page, f"{figures}/momentum-ball.html")
    arrows = page.evaluate("""() => {
        const fig = document.querySelector("opt-figure");
        const view = fig.views[0], seen = [], arrow = view.arrow;
        view.arrow = (...a) => seen.push(a);
        view.draw();
        view.arrow = arrow;
        const {x} = fig.runs[0].result;
        const at = (k) => view.sx(x[fig.s.t + k]);
        return {seen, now: at(0), next: at(1), last: at(-1)};
    }""")
    coasting, push = arrows["seen"][:2]
    assert coasting[0] == pytest.approx(arrows["now"])
    # Four times as long as the step, or the ball would hide them.
    velocity = arrows["now"] - arrows["last"]
    assert coasting[2] - coasting[0] == pytest.approx(4 * 0.9 * velocity)
    assert push[:2] == pytest.approx(coasting[2:4])
    assert push[2] - arrows["now"] == pytest.approx(4 * (arrows["next"] - arrows["now"]))
    clean(account)


@pytest.mark.parametrize("name", ["adam-bias", "saddle-relief", "schedule-handles", *LIMITS])
def test_dark_and_light_follow_the_page(name: str, page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/{name}.html")
    light = pixels(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    dark = pixels(page)
    assert all(a != b for a, b in zip(light, dark, strict=True))
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert pixels(page) == light
    clean(account)


@pytest.mark.parametrize("name", ["playground", *FIGURES])
def test_nothing_is_wider_than_a_phone(name: str, browser: Any, figures: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    opened(page, f"{figures}/{name}.html")
    page.evaluate(SETTLE)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    widest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('opt-figure *')]"
        ".map((e) => e.getBoundingClientRect().right))"
    )
    assert widest <= 360
    small = page.evaluate(
        "[...document.querySelectorAll('opt-figure button, opt-figure input')]"
        ".filter((e) => e.offsetParent && e.getBoundingClientRect().height < 24)"
        ".map((e) => e.outerHTML)"
    )
    assert small == [], "too small for a finger"
    page.close()


def test_every_control_has_a_name(page: Any, figures: str) -> None:
    opened(page, f"{figures}/playground.html")
    for role in ("button", "slider", "combobox"):
        for one in page.locator("opt-figure").get_by_role(role).all():
            name = one.evaluate(
                "(e) => e.getAttribute('aria-label') || (e.labels && e.labels[0] || e).textContent"
            )
            assert name.strip()
    for canvas in page.locator("opt-figure canvas").all():
        assert len(canvas.get_attribute("aria-label")) > 20


def test_the_picture_is_saved(page: Any, figures: str, tmp_path: Path) -> None:
    from PIL import Image

    account = opened(page, f"{figures}/adam-bias.html")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG").click()
    path = tmp_path / "figure.png"
    download.value.save_as(path)
    assert download.value.suggested_filename == "opt-adam-bias.png"
    with Image.open(path) as image:
        assert image.width > 800
        assert len(image.convert("RGB").getcolors(1 << 24)) > 100
    clean(account)


def test_without_javascript_the_still_stands_there(browser: Any, figures: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{figures}/adam-bias.html")
    still = page.locator("opt-figure img")
    still.scroll_into_view_if_needed()
    assert still.is_visible()
    assert still.bounding_box()["width"] > 300
    assert len(still.get_attribute("alt")) > 40
    context.close()


def test_every_preset_takes_every_problem_and_every_optimizer(page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/playground.html")
    blank = page.evaluate("""async () => {
        const figure = document.querySelector("opt-figure");
        const choice = (text) => [...figure.querySelectorAll("label")]
            .find((l) => l.textContent === text).nextElementSibling;
        const options = (select) => [...select.options].map((o) => o.value);
        const pick = async (select, value) => {
            select.value = value;
            select.dispatchEvent(new Event("change", { bubbles: true }));
            await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
        };
        const blank = [];
        for (const preset of options(choice("Show"))) {
            await pick(choice("Show"), preset);
            for (const problem of options(choice("Problem"))) {
                await pick(choice("Problem"), problem);
                for (const canvas of figure.querySelectorAll("canvas")) {
                    const { width, height } = canvas;
                    const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
                    if (data.every((v) => v === 0)) blank.push([preset, problem]);
                }
            }
            const adder = figure.querySelector(".of-adder select");
            for (const rule of options(adder).slice(0, 5)) {
                adder.value = rule;
                figure.querySelector(".of-adder button").click();
                await new Promise(requestAnimationFrame);
                figure.querySelector(".of-close").click();
                await new Promise(requestAnimationFrame);
            }
        }
        return blank;
    }""")
    assert blank == []
    clean(account)


def test_a_cloud_of_sixteen_examples_is_a_quarter_as_wide(page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/playground.html")
    page.get_by_label("Show", exact=True).select_option("minibatch-cloud")
    at_rest(page)
    spreads, clouds = [], []
    for batch in (1, 16):
        figure = page.locator("opt-figure")
        clouds.append(
            figure.evaluate(
                """(f, batch) => {
                  f.set({ batch });
                  f.draw();
                  const view = f.views.find((v) => v.cloud);
                  return view.cloud.map((g) => Array.from(g));
                }""",
                batch,
            )
        )
        label = page.locator(".of-cloud canvas").get_attribute("aria-label")
        assert f"minibatches of {batch} after 0 steps" in label
        spreads.append(float(re.search(r"They are ([\d.]+) away", label)[1]))
    assert spreads[0] == pytest.approx(4 * spreads[1], rel=0.02)
    whole = -2149 / 500  # the slope of f along the height, at (0, 0)
    for drawn, spread in zip(map(np.array, clouds), spreads, strict=True):
        assert drawn.shape == (200, 2)
        assert np.sqrt(drawn.var(axis=0).sum()) == pytest.approx(spread, rel=0.2)
        assert abs(drawn[:, 1].mean() - whole) < 4 * spread / np.sqrt(200)
    clean(account)


def test_the_squares_grow_with_the_gradients_that_came(page: Any, figures: str) -> None:
    account = opened(page, f"{figures}/playground.html")
    page.get_by_label("Show", exact=True).select_option("rare-frequent")
    at_rest(page)
    for step, sides in ((0, [0, 0]), (9, [3, 0]), (25, [5, 2**0.5]), (100, [10, 10**0.5])):
        drawn = page.locator("opt-figure").evaluate(
            """(f, step) => {
              f.s.t = step;
              f.draw();
              return f.views.find((v) => v.sides).sides;
            }""",
            step,
        )
        assert drawn == pytest.approx(sides)
    label = page.locator(".of-squares canvas").get_attribute("aria-label")
    assert "frequent: a square with the side 10, the last step 0.03" in label
    assert "rare: a square with the side 3.16, the last step 0.0949" in label
    clean(account)


def test_the_bars_of_good_rates_are_those_of_a_sweep_and_keys_move_the_rate(
    page: Any, figures: str
) -> None:
    account = opened(page, f"{figures}/playground.html")
    page.get_by_label("Show", exact=True).select_option("good-rates")
    counts, ends = page.evaluate(
        """() => {
          const view = document.querySelector("opt-figure").views.find((v) => v.rates);
          return [view.rows.map((r) => r.ends.filter((v) => v <= view.goal).length), view.rates];
        }"""
    )
    problem, start = optedu.problems.quadratic(kappa=100), np.array([-1.2, 1.0])
    goal = 1e-3 * problem.f(start)
    for name, count in zip(("sgd", "momentum", "adam"), counts, strict=True):
        swept = optedu.sweep(problem, start, optimizer=name, steps=300, lr=np.array(ends))
        assert count == (swept.f <= goal).sum(), name
    canvas = page.locator(".of-width canvas")
    assert "Momentum: a factor of" in canvas.get_attribute("aria-label")
    before = state(page)["runs"][0][1]["lr"]
    canvas.focus()
    page.keyboard.press("ArrowRight")
    assert state(page)["runs"][0][1]["lr"] > before
    clean(account)
