"""The box in short and the folds: what they hold, and what they refuse."""

import pytest

from tests.web.test_folding import CONFIGURATION, build, cell

BOXES = CONFIGURATION.replace("folding", "boxes")
BOXES += "myst_enable_extensions = ['colon_fence', 'dollarmath']\n"
FOLD = "```{deeper-start} With *code*\n```\n\nBefore.\n" + cell("", "print(6 * 7)")
END = "\nLast.\n\n```{deeper-end}\n```\n\nOutside.\n"


def test_box_and_folds(tmp_path):
    text = (
        ":::{inshort}\nTake $\\eta$ small.\n:::\n\n:::{deeper} A second proof\nIt is $x$.\n:::\n\n"
    )
    page = build(tmp_path, text + FOLD + END, BOXES)
    assert 'class="inshort admonition"' in page and "In short</p>" in page
    _, first, second = page.split('<details class="optedu-deeper">')
    assert "<span>Go deeper:</span> A second proof</summary>" in first
    assert "<span>Go deeper:</span> With <em>code</em></summary>" in second
    inside, _, after = second.partition("</details>")
    assert all(words in inside for words in ("Before.", "42", "Last."))
    assert "Outside." in after


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```{inshort}\n```\n", "index.md:8: ERROR: inshort: expected the rule"),
        ("```{deeper}\nx\n```\n", "index.md:8: ERROR: deeper: expected a title"),
        ("```{deeper} T\n```\n", "deeper: expected what is to be folded, got no text"),
        ("```{deeper-start}\n```\n", "deeper-start: expected a title"),
        (
            "```{deeper-start} T\n```\n\ntext\n",
            "index.md:8: WARNING: deeper-start: expected a deep",
        ),
        (FOLD + "\n## Heading\n" + END, "deeper-start: expected a deeper-end after it, before the"),
        (FOLD + FOLD + END, "deeper-start: expected a deeper-end after it, before the"),
        (END, "deeper-end: expected a deeper-start before it in its section"),
    ],
)
def test_wrong_content_stops_the_build(tmp_path, text, message):
    assert message in build(tmp_path, text, BOXES)
