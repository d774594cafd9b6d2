"""MyST as plain Markdown: what a published notebook says where the page has a directive."""

import pytest

from optedu.web.notebooks import shown
from optedu.web.plain import Page, cells, inline

PAGE = Page(
    "https://example.org/page.html",
    lambda role, text: f"<{role} {text}>",
    macros={"norm": [r"\lVert #1 \rVert", 1], "R": r"\mathbb{R}"},
    caption=lambda name, body: f"Caption of {name}",
    proofs=lambda name: "",
)
EXERCISE = """Before.

```{pyexercise} sum
:title: Add {term}`numbers`

Write `add`.

%% starter
def add(a, b): ...
%% hint
Look at the keyboard.
%% solution
def add(a, b): return a + b
%% check: Two and three are five.
assert add(2, 3) == 5
```

After."""


def only(text):
    (block,) = cells(text, PAGE)
    assert block.kind == "markdown"
    return block.text


def test_a_role_becomes_what_it_stands_for_also_across_a_line_end():
    assert only("See {prf:ref}`a b`, {term}`two\nwords`.") == (
        "See <prf:ref a b>, <term two words>."
    )


def test_a_role_within_code_stays_as_it_is():
    code = "```python\nx = '{term}`x`'\n```"
    assert only(code) == code


def test_macros_are_written_out_with_nested_braces():
    assert inline(r"$\norm{x_{\norm{y}}}$ in $\R^n$, \Rightarrow", PAGE) == (
        r"$\lVert x_{\lVert y \rVert} \rVert$ in $\mathbb{R} ^n$, \Rightarrow"
    )


def test_a_macro_whose_brace_is_never_closed_is_refused():
    with pytest.raises(ValueError, match=r"\\norm: expected a closing brace"):
        inline(r"$\norm{x$", PAGE)


def test_targets_and_comments_vanish():
    assert only("(a-place)=\n% said to authors\n# Title") == "# Title"


def test_an_exercise_keeps_task_and_starter_and_says_nothing_of_its_solution():
    before, task, starter, after = cells(EXERCISE, PAGE)
    assert before.text.startswith("Before.") and "end of this notebook" in before.text
    assert after.text == "After."
    assert (task.kind, starter.kind) == ("task", "starter")
    assert starter.text == "def add(a, b): ..."
    assert "Add <term numbers>" in task.text and "- Two and three are five." in task.text
    assert "https://example.org/page.html#pyexercise-sum" in task.text
    for block in (before, task, starter, after):
        assert "return a + b" not in block.text and "keyboard" not in block.text


def test_a_question_lists_its_choices_and_keeps_the_answer():
    text = only("```{quiz} even\nIs 2 even?\n\n%% right: Yes\nWhy not.\n%% wrong: No\nIt is.\n```")
    assert "> Is 2 even?" in text and "> - Yes" in text and "> - No" in text
    assert "#quiz-even" in text
    assert "right" not in text and "Why not" not in text


def test_boxes_become_quotes_and_theorems_keep_their_number():
    text = only("::::{prf:theorem} Main\n:label: thm-a\n\nAll is {term}`well`.\n::::")
    assert text.splitlines() == ["> **<prf:ref thm-a> (Main).**", ">", "> All is <term well>."]
    assert only(":::{inshort}\nDo.\n:::").startswith("> **In short**")


def test_a_figure_says_what_it_shows_and_where_it_moves():
    text = only("```{optfigure} bowl\npredict:\n  ask: How {term}`far`?\n```")
    assert "Caption of bowl" in text and "#opt-bowl" in text and "How <term far>?" in text


def test_a_solution_is_only_linked():
    text = only(":::{solution} ex-a\n:class: dropdown\n\nSeven.\n:::")
    assert "Seven" not in text and "#ex-a" in text


def test_an_unknown_directive_is_refused_by_name():
    with pytest.raises(ValueError, match=r"\{hologram\} has no form in a notebook"):
        cells("```{hologram}\n```", PAGE)


def test_a_directive_that_is_never_closed_is_refused():
    with pytest.raises(ValueError, match=r"expected ::: below"):
        cells(":::{note}\nOpen.", PAGE)


@pytest.mark.parametrize(
    ("printed", "form", "wanted"),
    [("'three'", "", "three"), ("0.12345", ".2f", "0.12"), ("np.float64(7.0)", ".0f", "7")],
)
def test_a_glued_value_is_shown_as_the_page_shows_it(printed, form, wanted):
    assert shown(printed, form) == wanted
