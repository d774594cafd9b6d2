"""An exercise in the page, as a reader meets it."""

import re

import pytest

from tests.browser.conftest import watch
from tests.browser.server import serve
from tests.web.exercises import book_exercises
from tests.web.site import OTHER, STEP, build

DONE = (
    "(k) => !['busy', 'idle'].includes(document.querySelectorAll('.pyexercise')[k].dataset.state)"
)
BOOT_MS = 90_000


@pytest.fixture(scope="module")
def site(tmp_path_factory, browser):
    folder, printed = build(tmp_path_factory.mktemp("site"))
    if "are left out of this build" in printed:
        pytest.skip(re.search("Exercises in the page are left out.*", printed)[0])
    with serve(folder) as address:
        yield address


class Exercise:
    """The k-th exercise of a page, its editor unfolded."""

    def __init__(self, page, k=0):
        self.page, self.k = page, k
        self.root = page.locator(".pyexercise").nth(k)
        self.root.locator(".pyexercise-work").evaluate("(fold) => (fold.open = true)")
        self.area = self.root.locator("textarea")
        own = self.root.locator(".pyexercise-work summary:visible")
        self.hints = own.filter(has_not_text="Write and run")

    def button(self, name):
        return self.root.get_by_role("button", name=name)

    @property
    def status(self):
        return self.root.locator(".pyexercise-status").inner_text()

    @property
    def verdicts(self):
        return self.root.locator(".pyexercise-mark").all_inner_texts()

    @property
    def messages(self):
        return self.root.locator(".pyexercise-message").all_inner_texts()

    def run(self, source=None):
        if source is not None:
            self.area.fill(source)
        self.button("Run and check").click()
        self.page.wait_for_function(DONE, arg=self.k, timeout=BOOT_MS)
        return self


def test_the_editor_unfolds_and_stays_so_for_who_has_begun(page, site):
    page.goto(f"{site}/index.html")
    root = page.locator(".pyexercise").first
    area = root.locator("textarea")
    assert not area.is_visible()
    root.get_by_text("Write and run the code").click()
    area.fill("def step(x, g, lr): ...  # begun")
    page.reload()
    assert area.is_visible()
    assert not page.locator(".pyexercise textarea").nth(1).is_visible()


def test_a_readers_way_through(page, site):
    account = watch(page, site)
    page.goto(f"{site}/index.html")
    exercise = Exercise(page)
    exercise.button("Run and check").wait_for()
    assert not [url for url in account.requests if "/runtime/" in url]
    note = exercise.root.locator(".pyexercise-note").inner_text()
    assert re.search(r"downloads Python, NumPy, SymPy and optedu from this site, \d\d\.\d MB", note)

    exercise.run()
    assert exercise.verdicts == ["Fail", "Fail"]
    assert exercise.messages[0] == "Not written yet. return the new x"
    assert exercise.status.startswith("0 of 2 checks pass.")
    assert [url for url in account.requests if url.endswith("pyodide.asm.wasm")]

    exercise.run(STEP.text.solution.replace("x - lr", "x + lr"))
    assert exercise.messages[0] == "step(1.0, 2.0, 0.1) should be 0.8, yours is 1.2"

    exercise.run(STEP.text.solution)
    assert exercise.verdicts == ["Pass", "Pass"]
    assert exercise.status.startswith("All 2 checks pass.")
    assert "f ends at" in exercise.root.locator(".pyexercise-output pre").inner_text()
    assert exercise.root.locator("svg polyline").count() == 1
    assert exercise.root.locator("svg title").text_content() == "Descent: value against step for f"
    # Chromium asks for an icon of its own accord; this small site has none.
    assert [error for error in account.errors if "favicon" not in error] == []
    assert not account.foreign


def test_what_was_written_survives_a_reload_and_reset_can_be_undone(page, site):
    page.goto(f"{site}/index.html")
    first, second = Exercise(page, 0), Exercise(page, 1)
    first.area.fill("x = 'mine'\n")
    page.reload()
    assert first.area.input_value() == "x = 'mine'\n"
    assert second.area.input_value() == OTHER.text.starter
    first.button("Reset").click()
    assert first.area.input_value() == STEP.text.starter
    first.area.press("Control+z")
    assert first.area.input_value() == "x = 'mine'\n"
    first.button("Reset").click()
    page.reload()
    assert first.area.input_value() == STEP.text.starter


def folds(exercise):
    return exercise.hints.all_inner_texts()


def test_hints_come_in_stages_and_the_solution_after_them_or_on_passing(page, site):
    page.goto(f"{site}/index.html")
    exercise = Exercise(page)
    exercise.button("Run and check").wait_for()
    assert folds(exercise) == ["Hint 1 of 2"]
    exercise.hints.click()
    assert folds(exercise) == ["Hint 1 of 2", "Hint 2 of 2"]
    exercise.hints.nth(1).click()
    assert folds(exercise)[2:] == ["Show a solution"]
    second = exercise.root.locator("details details:nth-of-type(2) strong")
    assert "learning rate" in second.inner_text()
    exercise.button("Reset").click()
    assert folds(exercise) == ["Hint 1 of 2"]
    exercise.run(STEP.text.solution)
    assert "Show a solution" in folds(exercise)
    assert exercise.status.endswith("A solution to compare with stands below.")


def test_reset_takes_marks_messages_and_plots_away(page, site):
    page.goto(f"{site}/index.html")
    exercise = Exercise(page).run(STEP.text.solution.replace("x - lr", "x + lr"))
    assert (len(exercise.verdicts), exercise.root.locator("svg").count()) == (2, 1)
    exercise.button("Reset").click()
    assert (exercise.verdicts, exercise.messages) == ([], [])
    assert exercise.root.locator(".pyexercise-output").is_hidden()
    assert exercise.root.locator("svg").count() == 0
    assert exercise.root.get_attribute("data-state") == "idle"
    # Of a run that does not end, too.
    exercise.area.fill("while True: pass")
    exercise.button("Run and check").click()
    exercise.button("Reset").click()
    assert exercise.root.get_attribute("data-state") == "idle"
    assert exercise.run(STEP.text.solution).verdicts == ["Pass", "Pass"]


def test_lines_have_numbers_that_scroll_with_them(page, site):
    page.goto(f"{site}/index.html")
    exercise = Exercise(page)
    exercise.area.fill("\n".join(f"x = {k}" for k in range(60)))
    lines = exercise.root.locator(".lines")
    assert lines.inner_text().split() == [str(k) for k in range(1, 61)]
    exercise.area.evaluate("e => (e.scrollTop = 1e6)")
    page.wait_for_timeout(100)
    tops = "e => [...e.parentElement.children].map((child) => child.scrollTop)"
    assert len(set(exercise.area.evaluate(tops))) == 1


def test_stop_and_limit_end_an_endless_loop_and_the_next_run_works(page, site):
    page.clock.install()
    page.goto(f"{site}/index.html")
    exercise = Exercise(page, 1)
    page.on("worker", lambda worker: None)
    exercise.run()
    assert exercise.messages == ["y is 0"]

    exercise.area.fill("print('started')\nwhile True: print('x' * 999)")
    exercise.button("Run and check").click()
    exercise.root.locator(".pyexercise-output", has_text="started").wait_for()
    exercise.button("Stop").click()
    assert exercise.status == "Stopped."

    exercise.button("Run and check").click()
    exercise.root.locator(".pyexercise-output", has_text="started").wait_for(timeout=BOOT_MS)
    page.clock.fast_forward(19_000)
    assert exercise.root.get_attribute("data-state") == "busy"
    page.clock.fast_forward(1_500)
    assert exercise.status == "Stopped: it ran for 20 seconds."
    assert len(exercise.root.locator(".pyexercise-output").inner_text()) <= 20_100

    exercise.run(OTHER.text.solution)
    assert exercise.verdicts == ["Pass"]


def test_floods_and_drawings_cannot_hurt_the_page(page, site):
    page.goto(f"{site}/index.html")
    exercise = Exercise(page, 1)
    exercise.run("for k in range(10**5): print('x' * 99)")
    output = exercise.root.locator(".pyexercise-output").inner_text()
    assert "9,980,000 more characters were printed and are not shown" in output
    assert len(output) < 20_200
    exercise.run(
        "class Evil:\n"
        "    def _repr_svg_(self):\n"
        '        return \'\'\'<svg xmlns="http://www.w3.org/2000/svg" onload="window.bad = 1">'
        '<script>window.bad = 1</script><a href="javascript:1"><text>t</text></a>'
        '<foreignObject><b xmlns="http://www.w3.org/1999/xhtml">b</b></foreignObject>'
        '<image href="x.png"/><circle r="3" style="fill:url(x.png)"/></svg>\'\'\'\n'
        "Evil()"
    )
    kept = exercise.root.locator("svg").evaluate("e => e.outerHTML")
    assert re.sub(r' xmlns="[^"]*"', "", kept) == '<svg><circle r="3"></circle></svg>'
    assert page.evaluate("window.bad") is None


def test_the_keyboard_is_enough(page, site):
    page.goto(f"{site}/index.html")
    exercise = Exercise(page, 1)
    exercise.area.fill("")
    exercise.area.focus()
    page.keyboard.type("if True:")
    page.keyboard.press("Enter")
    page.keyboard.type("y = 3")
    assert exercise.area.input_value() == "if True:\n    y = 3"
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert exercise.area.input_value().startswith("if True:\ny = 3")
    page.keyboard.press("Tab")
    assert exercise.area.evaluate("e => document.activeElement === e")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert exercise.button("Run and check").evaluate("e => document.activeElement === e")
    exercise.area.fill(OTHER.text.solution)
    exercise.area.press("Control+Enter")
    page.wait_for_function(DONE, arg=1, timeout=BOOT_MS)
    assert exercise.verdicts == ["Pass"]


def test_one_at_a_time(page, site):
    page.goto(f"{site}/index.html")
    first, second = Exercise(page, 0), Exercise(page, 1)
    first.area.fill("while True: pass")
    first.button("Run and check").click()
    second.button("Run and check").click()
    assert second.status == "Another exercise of this page is still running."
    assert second.root.get_attribute("data-state") == "idle"
    first.button("Stop").click()
    assert second.run(OTHER.text.solution).verdicts == ["Pass"]


def test_without_javascript_the_exercise_is_readable(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/index.html")
    page.get_by_text("Write and run the code").first.click()
    text = page.locator(".pyexercise").first.inner_text()
    assert "raise NotImplementedError" in text
    assert "From 1, with gradient 2 and step 0.1" in text
    assert page.locator(".pyexercise button").count() == 0
    context.close()


# `tests/web/test_pyexercise_book.py` runs all of the book in this Python, without a browser.
PAGES = sorted({found.page for found in book_exercises()})


@pytest.mark.parametrize("chapter", [PAGES[0], PAGES[-1]])
def test_in_the_book_starters_fail_and_solutions_pass(page, book, chapter):
    account = watch(page, book)
    page.goto(f"{book}/{chapter}.html")
    # One page for all, as a reader has it: starting Python takes longer than all exercises.
    for found in (exercise for exercise in book_exercises() if exercise.page == chapter):
        place = page.locator(f"#pyexercise-{found.name}")
        if not place.locator("script").count():
            pytest.skip("the book was built without Python for the page")
        ids = page.locator(".pyexercise").evaluate_all("all => all.map((e) => e.id)")
        exercise = Exercise(page, ids.index(f"pyexercise-{found.name}"))
        exercise.run()
        assert "Fail" in exercise.verdicts, found.name
        exercise.run(found.text.solution)
        assert set(exercise.verdicts) == {"Pass"}, (found.name, exercise.messages)
    assert not account.errors
    assert not account.foreign
