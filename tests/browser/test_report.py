"""Each chapter is within the limits of the page report, or it says why not; and the measures."""

from __future__ import annotations

import pytest

from tests.browser import measures
from tests.browser.measures import DESK, ON_PHONE, PART, PHONE, PICTURE, SHAPE, TEXT, measured
from tests.browser.report import LIMITS, chapters, over

# Where a chapter passes a limit: how far it may, and why. A chapter that does better than its row
# says must have the row lowered, or taken out.
EXEMPT: dict[str, dict[str, tuple[int, str]]] = {}
# What another machine's fonts may move: these are not held to the last unit.
FONTS = {"figure", "figure, phone", "parts", "screens"}


@pytest.fixture(params=chapters(), ids=lambda chapter: chapter.name)
def chapter(request):
    return request.param


def test_a_chapter_is_within_its_limits(chapter, browser, book):
    report = measured(browser, book, chapter.page, chapter.source)
    exempt = EXEMPT.get(chapter.name, {})
    wrong = {}
    for name, value in report.values.items():
        limit, _ = exempt.get(name, (LIMITS[name], ""))
        slack = name in FONTS and name in exempt
        if over(name, value, limit) > slack:
            wrong[name] = f"{value}, and the limit is {limit}: {report.places.get(name, '')}"
        elif name in exempt and over(name, value, limit) < -slack:
            wrong[name] = f"{value}, better than its exemption of {limit}: lower or drop that"
    assert wrong == {}


def test_an_exemption_is_for_a_chapter_that_needs_it():
    named = {chapter.name for chapter in chapters()}
    assert set(EXEMPT) <= named
    needless = [
        (name, measure)
        for name, rows in EXEMPT.items()
        for measure, (value, reason) in rows.items()
        if over(measure, value, LIMITS[measure]) <= 0 or not reason
    ]
    assert needless == []


PAGE = """<!doctype html>
<style>* {{ margin: 0 }} pre {{ overflow: auto; font: 10px monospace }}</style>
<article class="bd-article"><h1>Page</h1>{}</article>"""


@pytest.fixture
def shown(page):
    """Show a piece of a page in a window of a size; return what a script says of it."""

    def show(body, script, *arguments, size=DESK):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.set_content(PAGE.format(body))
        return page.evaluate(script, list(arguments))

    return show


FIGURE = '<figure id="f"><svg width="200" height="300" viewBox="0 0 {w} 300">{t}</svg></figure>'


def test_the_first_figure_is_where_its_middle_is(shown):
    body = f'<div style="height: 800px"></div>{FIGURE.format(w=200, t="")}'
    found = shown(body, SHAPE, PICTURE, PART)
    assert 900 < found["figure"] < 1000
    assert measures.screen(found["figure"], DESK) == 2
    assert measures.screen(shown("", SHAPE, PICTURE, PART)["figure"], DESK) > 100


def test_what_is_folded_counts_neither_as_code_nor_as_a_figure(shown):
    code = '<div class="highlight"><pre>x = 1\n\ny = 2\n</pre></div>'
    output = f'<div class="output text_plain">{code}</div>'
    body = (
        f"{code}<details><summary>More</summary>{code}{FIGURE.format(w=9, t='')}</details>{output}"
    )
    found = shown(body, SHAPE, PICTURE, PART)
    assert found["code"] == ["x = 1", "y = 2"]
    assert found["share"] == 0


def test_figures_and_tasks_take_their_share_of_the_height_once(shown):
    task = '<div class="task" style="height: 100px"><figure style="height: 50px"></figure></div>'
    body = f'{task}<div style="height: 300px"></div>'
    found = shown(body, SHAPE, PICTURE, PART)
    assert found["share"] == pytest.approx(100 / found["height"], rel=1e-6)


@pytest.mark.parametrize(("width", "size"), [(200, 10.0), (400, 5.0)])
def test_the_text_of_a_figure_is_as_large_as_it_is_drawn(shown, width, size):
    words = '<text style="font-size: 10px" y="20">eta</text>'
    found = shown(FIGURE.format(w=width, t=words), ON_PHONE, PICTURE, 9, size=PHONE)
    assert found["small"] == ([] if size > 9 else [[size, "f"]])


def test_a_picture_has_text_of_unknown_size_and_a_long_line_is_cut_off(shown):
    dot = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
    code = f'<div class="highlight"><pre>{"x" * 200}</pre></div>'
    body = f'<figure id="f"><img src="{dot}" width="300"></figure>{code}'
    found = shown(body, ON_PHONE, PICTURE, 9, size=PHONE)
    assert found == {"cut": ["x" * 200], "small": [[0, "f"]]}


def test_the_text_on_a_canvas_is_measured_too(page, browser):
    page.add_init_script(measures.WATCH_CANVAS)
    page.goto("about:blank")
    canvas = '<opt-figure id="f"><canvas width="400" height="99" style="width: 200px"></canvas>'
    page.set_content(PAGE.format(canvas + "</opt-figure>"))
    page.evaluate("""() => {
      const pen = document.querySelector('canvas').getContext('2d');
      pen.font = '14px serif';
      pen.fillText('eta', 0, 20);
    }""")
    assert page.evaluate(ON_PHONE, [PICTURE, 9])["small"] == [[7, "f"]]


TERMS = [["saddle", "saddle point"], ["rate", "rate"], ["lr", "learning rate"]]


def test_the_terms_are_those_of_the_glossary(page, book):
    page.goto(f"{book}/book/appendix/glossary.html")
    terms = page.evaluate(measures.TERMS)
    assert ["learning-rate", "learning rate"] in terms
    assert len(terms) > 20


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<p>A Saddle\npoint.</p>", ["saddle point"]),
        ("<h2>Saddle points</h2><p><code>saddle point</code></p>", []),
        ("<p>A <strong>saddle point</strong> is a pass. Saddle points are common.</p>", []),
        ('<p><a href="glossary.html#term-saddle">Passes</a>, or saddle points.</p>', []),
        ('<p>Saddle points: <a href="glossary.html#term-saddle">passes</a>.</p>', ["saddle point"]),
        ("<p>The <em>learning rate</em> sets the rate.</p>", ["rate"]),
        ("<p>The <em>learning rate</em> is a number. Operate!</p>", []),
    ],
)
def test_a_term_is_linked_or_explained_before_its_first_use(shown, body, found):
    pieces = shown(body, TEXT)["pieces"]
    assert [place.partition(":")[0] for place in measures.unexplained(pieces, TERMS)] == found


FORMULA = "<math><msub><mi>{}</mi><mn>{}</mn></msub></math>"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (f"<p>Let {FORMULA.format('β', 1)} be 0.9.</p>", ["β_1"]),
        (f"<p>The decay {FORMULA.format('β', 1)} is 0.9.</p>", []),
        (f"<p>Let {FORMULA.format('η', 1)}.</p>", []),  # another symbol than eta
        ("<p>Let <math><mi>χ</mi></math> be 0.1.</p>", ["χ"]),
        ("<p>Let <math><mi>η</mi></math>.</p><p>It is the learning rate.</p>", []),
        ("<p>Let <math><mi>η</mi></math>.</p><p>It is.</p><p>The learning rate.</p>", ["η"]),
        ('<p><math><mi>η</mi></math>: <a href="notation.html">see there</a>.</p>', []),
    ],
)
def test_a_symbol_of_the_notation_stands_beside_a_word_on_it(shown, body, found):
    assert [
        place[: place.find(" ")] for place in measures.unnamed(shown(body, TEXT)["pieces"])
    ] == (found)


def test_sentences_that_say_what_is_seen_are_told_from_the_others(shown):
    body = """<p>The loss falls. The first moment is a mean. Which falls first? It is 3.</p>
      <div class="proof"><p>The sum grows.</p></div>
      <ul><li>At step 12 it peaks.</li></ul>"""
    said = measures.claims(shown(body, TEXT)["prose"])
    assert said == ["The loss falls.", "At step 12 it peaks."]


def test_assertions_are_counted_in_their_own_cells_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("""---
kernelspec:
  name: python3
---

```{code-cell} python
assert True
```

```{code-cell} python
:tags: [assert]
assert 1 < 2
for k in range(3):
    expect(k < 3, "small")
```
""")
    assert measures.assertions(page) == 2
