"""A prediction before a figure: the figure waits, takes the answer, plays, and shows the truth."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.conftest import npm_package, pixels, watch
from tests.browser.measures import PICTURE
from tests.browser.report import chapters
from tests.browser.server import serve
from tests.web.test_prediction import PAGE
from tests.web.test_quiz import build

STATE = "(id) => document.getElementById(id).save()"
TRUTH = (-0.81, 0.612)  # of the mark, as the page says it


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Any:
    status, said, folder = build(
        tmp_path_factory.mktemp("predict"), PAGE, uses="optedu.web.figures"
    )
    assert status == 0, said
    with serve(folder) as address:
        yield address


def opened(page: Any, site: str, hash_: str = "", path: str = "index.html") -> Any:
    page.goto(f"{site}/{path}{hash_}")
    for figure in page.locator("opt-figure").all():
        figure.scroll_into_view_if_needed()
    page.wait_for_function("!document.querySelector('opt-figure:not(.of-ready)')")
    return page


@pytest.fixture
def predicting(page: Any, site: str) -> Any:
    account = watch(page, site)
    yield opened(page, site)
    assert [error for error in account.errors if "favicon" not in error] == []
    assert not account.foreign


def parts(page: Any, kind: str) -> tuple[Any, Any]:
    """The question and the figure of a kind."""
    return page.locator(f"#predict-opt-fig-{kind}"), page.locator(f"#opt-fig-{kind}")


def said(task: Any) -> str:
    return task.locator(".task-status").text_content()


def held(figure: Any) -> bool:
    """Whether nothing in the figure can be reached, and its charts do not show."""
    inert = figure.locator(".of").evaluate("e => e.inert")
    assert figure.locator(".of-chart canvas").first.is_visible() != inert
    assert figure.evaluate("e => e.classList.contains('of-held')") == inert
    return bool(inert)


def step(page: Any, kind: str) -> int:
    return int(page.evaluate(STATE, f"opt-fig-{kind}")["t"])


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        ("1.95", "You said 1.95. That is close enough."),
        ("3/2", "You said 1.5. That is too low."),
        ("3", "You said 3. That is too high."),
    ],
)
def test_a_number_sets_the_figure_free_and_stands_beside_the_truth(
    predicting: Any, written: str, verdict: str
) -> None:
    task, figure = parts(predicting, "number")
    assert held(figure)
    assert step(predicting, "number") == 0
    field = task.get_by_role("textbox")
    field.fill("two")
    field.press("Enter")
    assert said(task) == "Write a number, such as 0.25, 1/4 or 2.5e-1."
    assert held(figure)
    field.fill(written)
    field.press("Enter")
    assert said(task) == verdict
    truth = task.locator(".task-verdict")
    assert re.match(r"The figure says: 2, which is ", truth.inner_text())
    assert "grows" in truth.inner_text()
    assert not held(figure)
    predicting.wait_for_function(f"({STATE})('opt-fig-number').t > 3")
    assert predicting.evaluate("document.activeElement.className") == "task-verdict"
    assert not task.get_by_role("button").first.is_visible()
    # Both stand below the slider, left of one another as the numbers are.
    at = {
        name: figure.locator(f".predict-at-{name}").evaluate(
            "e => +e.style.getPropertyValue('--at')"
        )
        for name in ("you", "figure")
    }
    tops = {
        name: figure.locator(f".predict-at-{name}").evaluate("e => e.getBoundingClientRect().top")
        for name in ("you", "figure")
    }
    assert tops["figure"] > tops["you"] + 10, "close numbers would stand on one another"
    given = {"1.95": 1.95, "3/2": 1.5, "3": 3}[written]
    assert (at["you"] < at["figure"]) == (given < 2)
    line = figure.locator(".of-mark", has_text="2/L").evaluate(
        "e => +e.style.getPropertyValue('--at')"
    )
    assert at["figure"] == pytest.approx(line), "the truth is where the figure's own mark is"


def test_a_choice_is_made_with_the_keyboard(predicting: Any) -> None:
    task, figure = parts(predicting, "choice")
    task.get_by_role("button", name="Predict").click()
    assert said(task) == "Mark an answer first, or let the figure show it."
    assert held(figure)
    task.get_by_role("radio").first.focus()
    predicting.keyboard.press("Space")
    predicting.keyboard.press("Enter")
    assert said(task) == "You said (a). It goes otherwise."
    assert "(b) Without correction" in task.locator(".task-verdict").inner_text()
    assert not held(figure)
    assert held(parts(predicting, "number")[1]), "another figure goes on waiting"


def test_who_asks_is_shown(predicting: Any) -> None:
    task, figure = parts(predicting, "choice")
    assert not task.locator(".task-verdict").is_visible()
    task.get_by_role("button", name="Show me").click()
    assert task.locator(".task-verdict").is_visible()
    assert said(task) == ""
    assert not held(figure)


def marks(figure: Any) -> dict[str, tuple[float, float]]:
    """Where the marks are, in units of the plane."""
    found = figure.evaluate(
        """(figure) => {
          const view = figure.views.find((v) => v.el.classList.contains("of-plane"));
          const canvas = view.canvas.getBoundingClientRect();
          return [...figure.querySelectorAll(".predict-mark")].map((mark) => {
            const box = mark.getBoundingClientRect();
            return [mark.textContent, view.sx.invert(box.x + box.width / 2 - canvas.x),
              view.sy.invert(box.y + box.height / 2 - canvas.y)];
          });
        }"""
    )
    return {name: (x, y) for name, x, y in found}


def test_a_place_is_clicked_dragged_and_compared(predicting: Any) -> None:
    task, figure = parts(predicting, "mark")
    predict = task.get_by_role("button", name="Predict")
    predict.click()
    assert said(task) == "Mark a place in the figure first, or let it show the answer."
    pad = figure.locator(".predict-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    pad.click(position={"x": box["width"] * 0.75, "y": box["height"] * 0.25})
    assert marks(figure)["you"] == pytest.approx((0.7, 0.7), abs=0.02)
    predicting.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    predicting.mouse.down()
    x, y = box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25
    predicting.mouse.move(x, y, steps=3)
    predicting.mouse.up()
    assert marks(figure)["you"] == pytest.approx((-0.7, 0.7), abs=0.02)
    assert "\N{MINUS SIGN}0.7" in task.locator(".predict-placed").inner_text()
    before = pixels(predicting)
    predict.click()
    assert re.match(r"You said \S+, \S+\. That is close enough: by 0\.1\d*\.$", said(task))
    assert marks(figure)["figure"] == pytest.approx(TRUTH, abs=0.02)
    predicting.wait_for_function(f"({STATE})('opt-fig-mark').t > 3")
    assert pixels(predicting) != before
    figure.get_by_role("slider", name="Step shown").fill("10")
    assert marks(figure) == {}, "the marks go when the reader moves the figure on"


def test_a_place_is_marked_with_arrow_keys(predicting: Any) -> None:
    task, figure = parts(predicting, "mark")
    pad = figure.get_by_role("application", name="Where is Adam after 20 steps?")
    pad.focus()
    for key in ("Shift+ArrowRight", "ArrowLeft", "ArrowUp"):
        predicting.keyboard.press(key)
    # From the start, ten fiftieths of a window 2.8 wide to the right, one back, one up.
    assert marks(figure)["you"] == pytest.approx((-1.2 + 9 * 0.056, 1.056), abs=0.01)
    task.get_by_role("button", name="Predict").click()
    assert "That is off: by " in said(task)


def test_a_tap_marks_a_place_and_marks_stay_in_place_when_the_page_narrows(
    browser: Any, site: str
) -> None:
    context = browser.new_context(viewport={"width": 900, "height": 740}, has_touch=True)
    page = opened(context.new_page(), site)
    figure = parts(page, "mark")[1]
    pad = figure.locator(".predict-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    assert marks(figure)["you"] == pytest.approx((0.7, 0.7), abs=0.02)
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_function(f"document.querySelector('.predict-pad').offsetWidth < {box['width']}")
    assert marks(figure)["you"] == pytest.approx((0.7, 0.7), abs=0.02)
    context.close()


def test_a_link_to_a_state_of_the_figure_does_not_wait(page: Any, site: str) -> None:
    opened(page, site)
    link = page.evaluate("document.getElementById('opt-fig-number').link()")
    other = page.context.new_page()
    opened(other, site, "#" + link.split("#")[1])
    assert not held(parts(other, "number")[1])
    assert held(parts(other, "choice")[1])


def test_without_motion_the_answer_shows_the_end(context: Any, site: str) -> None:
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")
    task, figure = parts(opened(page, site), "number")
    task.get_by_role("button", name="Show me").click()
    assert step(page, "number") == 60
    assert not held(figure)


def test_without_scripts_question_truth_and_picture_can_be_seen(browser: Any, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/index.html")
    task, figure = parts(page, "choice")
    assert task.locator(".task-choices > li").count() == 2
    task.locator("summary").click()
    assert task.get_by_text("(b) Without correction.").is_visible()
    image = figure.locator("img")
    image.scroll_into_view_if_needed()
    assert image.is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_cut_on_a_phone(
    browser: Any, site: str, scheme: str
) -> None:
    axe = npm_package("axe-core") / "axe.min.js"
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page = opened(context.new_page(), site)
    page.add_script_tag(path=str(axe))
    tall = "(letters) => letters.map((e) => e.getClientRects().length)"
    letters = page.locator(".task-letter").evaluate_all(tall)
    assert letters and set(letters) == {1}, "the letter of a choice is broken over two lines"
    look = "axe.run('.bd-article').then((r) => r.violations.map((v) => [v.id, v.nodes[0].html]))"
    assert page.evaluate(look) == []
    for kind in ("number", "mark"):
        task, figure = parts(page, kind)
        if kind == "number":
            task.get_by_role("textbox").fill("2")
        else:
            figure.locator(".predict-pad").press("ArrowRight")
        task.get_by_role("button", name="Predict").click()
    assert page.evaluate(look) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


@pytest.mark.parametrize("width", [360, 1440])
def test_before_free_play_the_question_stands_first_and_nothing_else_can_be_reached(
    page: Any, book: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, book, "", "book/playground.html")
    question = page.locator(".task.predict").bounding_box()
    figure = page.locator("opt-figure")
    assert question["y"] + question["height"] <= figure.bounding_box()["y"]
    assert held(figure)
    assert figure.locator(".of-cards").evaluate("e => getComputedStyle(e).opacity") == "0.45"
    page.get_by_role("button", name="Show me").click()
    assert not held(figure)
    assert figure.locator(".of-cards").evaluate("e => getComputedStyle(e).opacity") == "1"


RELIEF = """# Relief

```{optfigure} saddle-relief
:name: fig-relief
predict:
  ask: After how many steps has it fallen by a half?
  number: first(f < -0.5)
  within: 20 %
```
"""


def test_a_relief_is_seen_while_its_figure_waits_and_its_chart_is_not(
    tmp_path: Any, page: Any
) -> None:
    status, out, folder = build(tmp_path, RELIEF, uses="optedu.web.figures")
    assert status == 0, out
    with serve(folder) as address:
        task, figure = parts(opened(page, address), "relief")
        assert held(figure)
        surface = figure.locator(".of-relief canvas")
        assert surface.is_visible()
        before = pixels(page)
        task.get_by_role("textbox").fill("100")
        task.get_by_role("button", name="Predict").click()
        assert said(task) == "You said 100. That is close enough."
        assert "The figure says: 97." in task.locator(".task-verdict").inner_text()
        assert not held(figure)
        page.wait_for_function(f"({STATE})('opt-fig-relief').t > 20")
        assert pixels(page)[0] != before[0], "the path is drawn on the surface"


SCHEDULES = """# Schedules

```{optfigure} schedule-handles
:name: fig-schedules
```
"""


def test_schedules_are_seen_while_their_figure_waits_and_cannot_be_moved(
    tmp_path: Any, page: Any
) -> None:
    status, out, folder = build(tmp_path, SCHEDULES, uses="optedu.web.figures")
    assert status == 0, out
    with serve(folder) as address:
        task, figure = parts(opened(page, address), "schedules")
        assert figure.locator(".of").evaluate("e => e.inert")
        assert figure.locator(".of-rates canvas").is_visible()
        assert not figure.locator(".of-expected canvas").is_visible()
        handle = figure.locator(".of-handle").first
        handle.evaluate("e => e.focus()")
        assert handle.evaluate("e => e !== document.activeElement")
        task.get_by_role("radio").nth(2).check()
        task.get_by_role("button", name="Predict").click()
        assert said(task) == "You said (c). That is what happens."
        assert "(c) Cosine" in task.locator(".task-verdict").inner_text()
        assert figure.locator(".of-expected canvas").is_visible()


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)
def test_the_first_figure_of_a_chapter_shows_its_scene_before_the_prediction(
    page: Any, book: str, chapter: Any
) -> None:
    page.goto(f"{book}/{chapter.page}")
    first = page.locator(PICTURE).first
    if first.evaluate("e => e.matches('opt-figure.of-held')"):
        page.wait_for_selector("opt-figure.of-ready")
        assert first.locator(".of-scene canvas").first.is_visible()
