"""The formgrader and feedback show formulas without MathJax; what is not known stays TeX."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
import sympy as sp
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from traitlets.config import Config

from optedu.grading.formulas import mathml

ROOT = Path(__file__).parents[2]
MATH = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$]+?)\$", re.S)


def shown(*cells):
    config = Config()
    config.HTMLExporter.preprocessors = ["optedu.grading.formulas.SetFormulas"]
    config.HTMLExporter.template_name = "basic"
    return HTMLExporter(config=config).from_notebook_node(new_notebook(cells=list(cells)))[0]


def test_every_formula_of_the_assignments_is_set():
    formulas = {
        found[1] or found[2]
        for path in ROOT.glob("solutions/*/*.ipynb")
        for cell in nbformat.read(path, 4).cells
        if cell.cell_type == "markdown"
        for found in MATH.finditer(cell.source)
    }
    assert len(formulas) > 400
    assert [tex for tex in formulas if mathml(tex) is None] == []


@pytest.mark.parametrize("template", ["classic", "lab"])
def test_mathjax_is_asked_for_when_the_page_is_there(template):
    """Before that, a network that drops what is asked of it would hold up the page."""
    config = Config()
    config.HTMLExporter.preprocessors = ["optedu.grading.formulas.SetFormulas"]
    config.HTMLExporter.template_name = template
    exporter = HTMLExporter(config=config)
    for _ in range(2):
        page, _ = exporter.from_notebook_node(new_notebook(cells=[new_markdown_cell("$x$")]))
        assert re.search(r'addEventListener\("load".*src: "https://[^"]*mathjax', page, re.S)
        assert not re.search(r"<script[^>]*src=[^>]*mathjax", page)


def test_text_and_code_around_formulas_stay_as_they_are():
    text = "From $x_0$, **all** in `$x_0$` at 5\\$:\n\n$$\n\\frac{1}{2}\n$$\n\n```\n$x_0$\n```"
    page = shown(new_markdown_cell(text))
    assert page.count("<math") == 2 and page.count("$x_0$") == 2
    assert "<strong>all</strong>" in page and "<mfrac>" in page and 'display="block"' in page
    assert "$$" not in page


def test_a_displayed_formula_is_set():
    latex = sp.Symbol("beta_1") ** 2 / 3
    output = new_output("display_data", {"text/latex": latex._repr_latex_(), "text/plain": "b"})
    page = shown(new_code_cell("latex", outputs=[output]))
    assert "<mfrac>" in page and "\\displaystyle" not in page


@pytest.mark.parametrize(
    "tex",
    [
        r"\unknown x",
        r"\text{<script>alert(1)</script>}",
        r"\href{javascript:alert(1)}{x}",
        "x^",
        r"\left( x",
        r"\text{a & b}",
    ],
)
def test_what_is_not_understood_stays_tex(tex):
    assert mathml(tex) is None
    page = shown(new_markdown_cell(f"Mine: ${tex}$, and $x$."))
    assert page.count("<math") == 1 and "<script>" not in page
    assert "Mine: $" in page


@pytest.mark.parametrize(
    ("tex", "part"),
    [
        (r"\mathbb E", "<mi>𝔼</mi>"),
        (r"\mathbb R", "<mi>ℝ</mi>"),
        (r"\mathcal L", "<mi>ℒ</mi>"),
        (r"\mathbf 1", 'style="font-weight: bold">1<'),
        (r"|x|", '<mo stretchy="false" lspace="0" rspace="0">'),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", '<mtd style="text-align: right">'),
    ],
)
def test_what_browsers_do_not_know_is_put_in_other_words(tex, part):
    assert part in mathml(tex)
