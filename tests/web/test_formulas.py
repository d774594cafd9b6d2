"""Formulas set at build time."""

import re
from xml.etree import ElementTree

import pytest

from optedu.web.formulas import FormulaError, Typesetter, macros, typeset


@pytest.fixture(scope="module")
def typesetter():
    with Typesetter() as one:
        yield one


def spoken(made):
    """What a screen reader gets."""
    (mathml,) = re.findall(r"<math.*?</math>", made)
    return "".join(ElementTree.fromstring(mathml).itertext())


def test_a_formula_is_drawn_and_spoken(typesetter):
    made = typesetter.set(r"\hat m_t = \frac{m_t}{1 - \beta_1^t}")
    assert made.startswith("<mjx-container")
    assert 'aria-hidden="true"' in made
    assert spoken(made) == "m^t=mt1\u2212\u03b21t"
    assert 'display="true"' not in made
    assert 'display="true"' in typesetter.set("x", display=True)


def test_every_macro_of_the_notation_is_known(typesetter):
    for name, meaning in macros().items():
        argument = "{x}" if isinstance(meaning, list) else ""
        assert "<merror" not in typesetter.set(f"\\{name}{argument} x")


@pytest.mark.parametrize(
    ("tex", "reason"),
    [(r"\etaa + 1", "Undefined control sequence"), (r"\frac{1", "Missing close brace")],
)
def test_a_wrong_formula_is_an_error_that_shows_it(typesetter, tex, reason):
    with pytest.raises(FormulaError, match=reason) as caught:
        typesetter.set(tex)
    assert tex in str(caught.value)


def test_punctuation_stays_with_its_formula():
    math = '<span class="math notranslate nohighlight">{}</span>'
    page = "<head></head>" + math.format(r"\(a\)") + "), " + math.format(r"\(b\)") + " c."
    whole = '<span class="optedu-whole">' + math.format("*") + "),</span> "
    assert typeset(page, lambda *_: "*") == "<head></head>" + whole + math.format("*") + " c."


def test_a_page_keeps_what_is_no_formula():
    page = (
        r"<head><title>\(t\)</title></head><body>"
        r"<p>\(a &lt; b\) and \[\begin{split}c\\[2pt]d\end{split}\]</p>"
        r"<pre>re.compile(r'\(x\)')</pre><code class='x'>\(y\)</code><script>'\(z\)'</script>"
    )
    asked = []

    def mark(tex, display):
        asked.append((tex, display))
        return "*"

    made = typeset(page, mark)
    assert asked == [("a < b", False), (r"\begin{split}c\\[2pt]d\end{split}", True)]
    assert made == page.replace(r"\(a &lt; b\)", "*").replace(
        r"\[\begin{split}c\\[2pt]d\end{split}\]", "*"
    )
