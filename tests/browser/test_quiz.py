"""A question in the page, as a reader answers it."""

import pytest

from tests.browser.conftest import npm_package, watch
from tests.browser.server import serve
from tests.web.test_quiz import build

VISIBLE = ".task-verdict:visible"


@pytest.fixture(scope="module")
def site(tmp_path_factory, browser):
    status, said, folder = build(tmp_path_factory.mktemp("quiz"))
    assert status == 0, said
    with serve(folder) as address:
        yield address


@pytest.fixture
def questions(page, site):
    account = watch(page, site)
    page.goto(f"{site}/index.html")
    page.locator(".task-series-bar").wait_for()
    yield [page.locator(".task.quiz").nth(k) for k in range(3)]
    assert [error for error in account.errors if "favicon" not in error] == []
    assert not account.foreign


def turn_to(page, number):
    page.get_by_role("button", name=f"Question {number} of 3").click()


def said(question):
    return question.get_by_role("status").inner_text()


def test_one_choice_with_the_keyboard(questions, page):
    first = questions[0]
    first.get_by_role("radio").nth(0).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert said(first) == "Not this one: see above why, and try again."
    assert first.locator(VISIBLE).count() == 1
    assert "it grows" in first.locator(VISIBLE).inner_text()
    page.keyboard.press("ArrowDown")
    assert first.locator(VISIBLE).count() == 0, "another choice takes the verdict away"
    page.keyboard.press("Enter")
    assert said(first).startswith("Right.")
    assert first.locator(VISIBLE).count() == 2, "each answer is explained"


def test_several_choices(questions, page):
    turn_to(page, 2)
    second = questions[1]
    check = second.get_by_role("button", name="Check")
    check.click()
    assert said(second) == "Mark an answer first."
    two, three, four = second.get_by_role("checkbox").all()
    two.check()
    three.check()
    check.click()
    assert said(second) == "1 marked answer is wrong, 1 right answer is not marked."
    assert second.locator(VISIBLE).count() == 2
    three.uncheck()
    four.check()
    check.click()
    assert said(second).startswith("Right.")


def test_a_number(questions, page):
    turn_to(page, 3)
    third = questions[2]
    field = third.get_by_role("textbox")
    for written, verdict, why in [
        ("0.505", "Right:", "(within 0.01) is right"),
        ("1/2", "Right:", "(within 0.01) is right"),
        ("0.52", "Not this number:", "Any other number:"),
        ("2", "Not this number:", "2 is wrong"),
        ("two", "Write a number, such as 0.25, 1/4 or 2.5e-1.", ""),
    ]:
        field.fill(written)
        field.press("Enter")
        assert said(third) == verdict, written
        assert [why in text for text in third.locator(VISIBLE).all_inner_texts()] == [True] * bool(
            why
        )
    third.get_by_role("button", name="Show all explanations").click()
    assert third.locator(VISIBLE).count() == 3


def test_questions_in_a_row_take_turns(questions, page):
    visible = lambda: [question.is_visible() for question in questions]  # noqa: E731
    assert visible() == [True, False, False]
    following = page.get_by_role("button", name="Next question")
    following.focus()
    page.keyboard.press("Enter")
    assert visible() == [False, True, False]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Question 2 of 3"
    following.click()
    assert visible() == [False, False, True]
    assert not following.is_visible(), "there is none after the last"
    turn_to(page, 1)
    questions[0].get_by_role("radio").nth(1).check()
    questions[0].get_by_role("button", name="Check").click()
    assert page.get_by_role("button", name="Question 1 of 3, answered").is_visible()


def test_the_address_of_a_question_shows_it(page, site):
    page.goto(f"{site}/index.html#quiz-several")
    page.locator(".task-series-bar").wait_for()
    shown = page.locator(".task.quiz:visible")
    assert shown.evaluate_all("all => all.map((e) => e.id)") == ["quiz-several"]
    page.evaluate("location.hash = '#quiz-number'")
    page.locator("#quiz-number").wait_for()
    assert shown.count() == 1


def test_on_paper_all_questions_stand_below_one_another(questions, page):
    page.emulate_media(media="print")
    assert all(question.is_visible() for question in questions)
    assert not page.locator(".task-series-bar").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_cut_on_a_phone(browser, site, scheme):
    axe = npm_package("axe-core") / "axe.min.js"
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{site}/index.html")
    page.locator(".task-series-bar").wait_for()
    for number, question in enumerate(page.locator(".task.quiz").all(), start=1):
        turn_to(page, number)
        if (field := question.get_by_role("textbox")).count():
            field.fill("2")
        else:
            question.locator("input").first.check()
        question.get_by_role("button", name="Check").click()
    page.add_script_tag(path=str(axe))
    found = page.evaluate(
        "axe.run('.task-series').then((r) => r.violations.map((v) => [v.id, v.nodes[0].html]))"
    )
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()
