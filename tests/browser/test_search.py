"""What a reader sees who searches the built book."""

import re

import pytest

SNIPPETS = (
    "[...document.querySelectorAll('#search-results li p.context')].map((p) => p.textContent)"
)
MENU = re.compile(r"Colab|Binder|Toggle|Print to PDF|Contents|Show code|Suggest edit")


def results(page, book, query):
    """Return links and snippets of a search."""
    page.goto(f"{book}/search.html?q={query}")
    page.get_by_text("Search finished, found").wait_for()
    page.wait_for_load_state("networkidle")
    return page.locator("#search-results li > a").all_inner_texts(), page.evaluate(SNIPPETS)


@pytest.mark.parametrize("query", ["kappa", "%CE%BA"])
def test_the_name_of_a_letter_finds_its_formulas_and_the_letter_its_name(page, book, query):
    links, snippets = results(page, book, query)
    assert "2 Gradient descent and the learning rate" in links
    assert len(snippets) == len(links)
    (descent,) = [
        text for link, text in zip(links, snippets, strict=True) if link.startswith("2 G")
    ]
    assert "κ" in descent or "kappa" in descent
    assert "from optedu" not in descent, "what is said comes before what is programmed"
    assert page.locator("#search-results .highlighted").count() > 0


@pytest.mark.parametrize("query", ["momentum", "bias+correction", "descent+lemma", "float32"])
def test_below_a_result_stands_text_of_the_page_where_the_words_are(page, book, query):
    _, snippets = results(page, book, query)
    assert len(snippets) >= 2
    words = query.split("+")
    holding = [text for text in snippets if any(word in text.lower() for word in words)]
    assert len(holding) >= 0.7 * len(snippets), snippets
    assert any(query.replace("+", " ") in text.lower() for text in snippets)
    for text in snippets:
        assert not MENU.search(text), text
        assert len(text) < 260


def test_a_statement_is_found_by_its_name_and_shows_its_number(page, book):
    links, _ = results(page, book, "Descent lemma")
    assert any(link.endswith("Lemma 2.1 (Descent lemma)") for link in links), links
