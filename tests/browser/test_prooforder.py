"""A proof to put in order, as a reader does it: with a mouse, a finger, and the keyboard alone."""

import pytest

from optedu.exercise import Proof
from tests.browser.conftest import npm_package, watch
from tests.browser.server import serve
from tests.web.test_prooforder import PAGE, PROOF
from tests.web.test_quiz import build

LETTERS = {block.name: letter for letter, block in Proof(PROOF).blocks.items()}
SMOOTH, BOUND, CHOICE, END, CONVEX = (
    LETTERS[name] for name in ("smooth", "bound", "choice", "end", "convex")
)
REASONS = ".task-verdict:visible"


@pytest.fixture(scope="module")
def site(tmp_path_factory, browser):
    status, said, folder = build(
        tmp_path_factory.mktemp("order"), PAGE, uses="optedu.web.prooforder"
    )
    assert status == 0, said
    with serve(folder) as address:
        yield address


def opened(page, site):
    page.goto(f"{site}/index.html")
    task = page.locator(".task.prooforder")
    task.locator(".order-pool").wait_for()
    page.evaluate("document.fonts.ready")
    return task


@pytest.fixture
def task(page, site):
    # High enough that the page does not scroll under a block that is dragged.
    page.set_viewport_size({"width": 1280, "height": 1400})
    account = watch(page, site)
    yield opened(page, site)
    assert [error for error in account.errors if "favicon" not in error] == []
    assert not account.foreign


def order(task):
    blocks = task.locator(".order-proof > .order-block")
    return "".join(blocks.evaluate_all("all => all.map((e) => e.dataset.letter)"))


def press(task, name):
    task.get_by_role("button", name=name, exact=True).click()


def said(task):
    return task.get_by_role("status").inner_text()


def middle(place):
    box = place.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_mouse_drags_blocks_into_the_proof_and_out(task, page):
    def drag(letter, where, share=0.5):
        page.mouse.move(*middle(task.locator(f"[data-letter={letter}] .order-text")))
        page.mouse.down()
        box = where.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + share * box["height"]
        page.mouse.move(x, y - 3, steps=4)
        page.mouse.move(x, y)
        assert task.locator(".order-drop").count() == 1, "a line shows where the block would go"
        page.mouse.up()
        assert task.locator(".order-drop, .order-held").count() == 0

    proof = task.locator(".order-proof")
    drag(END, proof)
    drag(BOUND, proof.locator(f"[data-letter={END}]"), 0.1)
    assert order(task) == BOUND + END
    drag(SMOOTH, proof.locator(f"[data-letter={END}]"), 0.95)
    drag(SMOOTH, proof.locator(f"[data-letter={BOUND}]"), 0.1)
    drag(CONVEX, proof, 0.99)
    assert order(task) == SMOOTH + BOUND + END + CONVEX
    drag(CONVEX, task.locator(".order-pool"))
    assert order(task) == SMOOTH + BOUND + END
    waiting = task.locator(".order-pool > .order-block")
    assert waiting.evaluate_all("all => all.map((e) => e.dataset.letter)") == sorted(
        CONVEX + CHOICE
    )


def test_escape_leaves_a_dragged_block_where_it_was(task, page):
    page.mouse.move(*middle(task.locator(f"[data-letter={END}] .order-text")))
    page.mouse.down()
    page.mouse.move(*middle(task.locator(".order-proof")), steps=4)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert order(task) == ""
    assert task.locator(".order-drop, .order-held").count() == 0


def test_a_finger_drags_at_the_letter_and_scrolls_elsewhere(browser, site):
    context = browser.new_context(viewport={"width": 360, "height": 900}, has_touch=True)
    page = context.new_page()
    task = opened(page, site)
    task.locator(".order-proof").scroll_into_view_if_needed()
    touch = context.new_cdp_session(page)

    def slide(start, end):
        points = [
            [
                {
                    "x": start[0] + (end[0] - start[0]) * k / 8,
                    "y": start[1] + (end[1] - start[1]) * k / 8,
                }
            ]
            for k in range(9)
        ]
        for kind, at in zip(["touchStart"] + ["touchMove"] * 8, points, strict=True):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    grip = task.locator(f"[data-letter={SMOOTH}] .order-grip")
    slide(middle(grip), middle(task.locator(".order-proof")))
    assert order(task) == SMOOTH
    text = task.locator(f"[data-letter={CHOICE}] .order-text")
    slide(middle(text), middle(task.locator(".order-proof")))
    assert order(task) == SMOOTH, "a finger on the text does not drag"
    # A tap on a letter does what its button does.
    page.touchscreen.tap(*middle(task.locator(f"[data-letter={CHOICE}] .order-grip")))
    assert order(task) == SMOOTH + CHOICE
    context.close()


def test_the_keyboard_alone_builds_a_proof(task, page):
    live = task.locator(".order-live")
    for letter in (BOUND, SMOOTH, CHOICE, END):
        task.locator(f"[data-letter={letter}] .order-grip").focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.textContent") == letter
    assert live.inner_text() == f"{END} is step 4 of 4."
    task.locator(f"[data-letter={SMOOTH}] .order-grip").focus()
    page.keyboard.press("ArrowUp")
    assert order(task) == SMOOTH + BOUND + CHOICE + END
    assert live.inner_text() == f"{SMOOTH} is step 1 of 4."
    page.keyboard.press("ArrowUp")
    assert live.inner_text() == f"{SMOOTH} is the first step already."
    grip = task.get_by_role("button", name=f"Block {SMOOTH}, step 1 of 4")
    assert grip.evaluate("e => e === document.activeElement")
    task.get_by_role("button", name="Check").focus()
    page.keyboard.press("Enter")
    assert said(task).startswith("Right: each step stands after what it needs. Other orders are")
    assert task.locator(REASONS).count() == 1
    assert f"{CONVEX} does not belong" in task.locator(REASONS).inner_text()


def test_every_order_that_the_needs_allow_is_right(task):
    for right in (SMOOTH + CHOICE + BOUND + END, CHOICE + SMOOTH + BOUND + END):
        press(task, "Start again")
        for letter in right:
            press(task, f"Use {letter}")
        press(task, "Check")
        assert said(task).startswith("Right:"), right


def test_a_wrong_order_gets_its_share_and_its_reasons(task):
    press(task, "Check")
    assert said(task) == "The proof is empty: put its first step in."
    wrong = BOUND + SMOOTH + CONVEX + END
    for letter in wrong:
        press(task, f"Use {letter}")
    press(task, "Check")
    share = round(100 * Proof(PROOF).score(wrong))
    assert said(task) == f"{share} % of this is right. 1 step is missing."
    texts = task.locator(REASONS).all_inner_texts()
    assert [text.split(":")[0] for text in texts] == [
        f"{BOUND} comes after {SMOOTH}",
        f"{CONVEX} does not belong",
    ]
    faulty = task.locator(".order-fault")
    assert set(faulty.evaluate_all("all => all.map((e) => e.dataset.letter)")) == {BOUND, CONVEX}
    press(task, f"Take {CONVEX} out")
    assert task.locator(f"{REASONS}, .order-fault").count() == 0, "a move takes the verdict away"
    press(task, f"Move {SMOOTH} up")
    press(task, f"Use {CHOICE}")
    press(task, f"Move {CHOICE} up")
    press(task, "Check")
    assert said(task).startswith("Right:")


def test_the_solution_is_shown_after_a_try_and_is_right(task):
    show = task.get_by_role("button", name="Show an order that is right")
    assert not show.is_visible()
    press(task, f"Use {CONVEX}")
    press(task, "Check")
    assert said(task) == "Nothing of this is right yet. 4 steps are missing."
    show.click()
    assert order(task) == SMOOTH + BOUND + CHOICE + END
    assert task.locator(REASONS).count() == 4
    assert not show.is_visible()


def test_without_scripts_blocks_and_solution_can_be_read(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/index.html")
    assert page.locator(".task-blocks > li").count() == 5
    page.locator(".task-answers > summary").click()
    assert page.get_by_text(f"In order: {SMOOTH}, {BOUND}, {CHOICE}, {END}.").is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_cut_on_a_phone(browser, site, scheme):
    axe = npm_package("axe-core") / "axe.min.js"
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page = context.new_page()
    task = opened(page, site)
    for letter in (BOUND, SMOOTH, CONVEX):
        press(task, f"Use {letter}")
    press(task, "Check")
    page.add_script_tag(path=str(axe))
    found = page.evaluate(
        "axe.run('.task').then((r) => r.violations.map((v) => [v.id, v.nodes[0].html]))"
    )
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = task.locator("button:visible").evaluate_all(
        "all => all.filter((e) => Math.min(e.offsetWidth, e.offsetHeight) < 32)"
        ".map((e) => e.outerHTML)"
    )
    assert small == [], "too small for a finger"
    cut = task.locator(".order-text").evaluate_all(
        "all => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)"
    )
    assert cut == []
    context.close()
