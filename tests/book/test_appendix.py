"""The glossary explains what chapters use, and is right; the refresher has all its parts."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from myst_nb.core.read import read_myst_markdown_notebook

import optedu
from optedu import web

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "book/appendix/glossary.md").read_text(encoding="utf-8")
REFRESHER = ROOT / "book/appendix/refresher.md"
SECTIONS = {
    *("derivative", "gradient", "chain", "taylor", "hessian", "eigen", "cauchy", "convex"),
    *("expectation", "induction", "geometric", "telescope"),
}
TERMS = """bandwidth, bias, bias correction, cache, Cauchy-Schwarz, chain rule, condition number,
convex, critical point, descent lemma, eigenvalue, epoch, expectation, exponential
moving average, float32, gradient, Hessian, hyper-parameter, induction, kernel,
learning rate, level set, Lipschitz, logistic loss, minibatch, moment, momentum, norm,
oracle, regret, regularizer, roofline, saddle, sigmoid, smooth, spectral radius,
stationary point, strongly convex, telescoping, ulp, unbiased, variance, weight decay"""


def entries() -> dict[str, str]:
    """Return what the glossary says of each term."""
    body = GLOSSARY.partition(":::{glossary}\n")[2].partition("\n:::")[0]
    found = {}
    for block in body.split("\n\n"):
        lines = block.splitlines()
        terms = [line for line in lines if not line.startswith("  ")]
        said = " ".join(line.strip() for line in lines if line.startswith("  "))
        found |= dict.fromkeys(terms, said)
    return found


@pytest.mark.parametrize("term", " ".join(TERMS.split()).split(", "))
def test_a_term_that_chapters_use_is_explained_in_a_sentence_or_more(term):
    said = entries()[term]
    assert len(said) > 60
    assert said.endswith(".")


def test_terms_stand_in_the_order_of_the_alphabet():
    body = GLOSSARY.partition(":::{glossary}\n")[2].partition("\n:::")[0]
    first = [block.splitlines()[0].casefold() for block in body.split("\n\n")]
    assert first == sorted(first)


def test_the_descent_lemma_is_that_of_chapter_2():
    chapter = (ROOT / "book/part1/ch02_gradient_descent.md").read_text(encoding="utf-8")
    lemma = chapter.partition(":label: lem-descent")[2].partition(":::")[0]
    said = entries()["descent lemma"]
    assert "{prf:ref}`lem-descent`" in said

    def plain(text: str) -> str:
        """Return a formula without what only arranges it."""
        return re.sub(r"\\quad|\\\\|[&\s$]", "", text)

    formula = plain(re.search(r"\$(f\(x_1\).*?)\$\.", said)[1])
    assert formula in plain(lemma)


def test_a_saddle_includes_the_monkey_saddle():
    said = entries()["saddle"]
    assert "monkey saddle $x^3 - 3 x y^2$" in said and "three ways down, it is zero" in said
    monkey = optedu.problems.monkey_saddle()
    assert (monkey.hessian(np.zeros(2)) == 0).all()
    assert monkey.f(np.array([0.3, 0.2])) == pytest.approx(0.3**3 - 3 * 0.3 * 0.2**2)
    angle = np.linspace(0, 2 * np.pi, 1000)[:-1]
    around = np.array([monkey.f(np.array([np.cos(a), np.sin(a)])) for a in angle])
    downhill = around < 0
    assert np.count_nonzero(downhill & ~np.roll(downhill, 1)) == 3
    assert around.max() > 0


def test_the_examples_of_the_glossary_are_right():
    said = entries()
    assert "$3.5$" in said["expectation"] and np.mean(range(1, 7)) == 3.5
    assert "Of $(3, 4)$ it is $5$" in said["norm"] and np.hypot(3, 4) == 5
    assert "$5$ for $3 + 4i$" in said["complex number"] and abs(3 + 4j) == 5
    assert "about $10^{-7}$" in said["ulp"]
    assert np.spacing(np.float32(1)) == pytest.approx(1e-7, rel=0.2)
    assert "1,000 examples and minibatches of 50 it has 20" in said["epoch"] and 1000 / 50 == 20
    # A quadratic with condition number 100: level lines reach as far as the root of 1 / curvature.
    assert "ten times as long as wide" in said["condition number"] and np.sqrt(100) == 10
    assert "a tenth of the first value" in said["bias correction"]
    m, g, beta = sp.symbols("m g beta")
    step = (beta * m + (1 - beta) * g).subs({m: 0, beta: sp.Rational(9, 10)})
    assert step == g / 10
    assert "$-\\ln 0.9 = 0.11$" in said["cross-entropy"] and round(-math.log(0.9), 2) == 0.11
    assert "$-\\ln 0.1 = 2.30$" in said["cross-entropy"] and round(-math.log(0.1), 2) == 2.30
    z = sp.Symbol("z", real=True)
    assert "like $-z$" in said["logistic loss"]
    assert sp.limit(sp.log(1 + sp.exp(-z)) / -z, z, -sp.oo) == 1
    assert sp.limit(sp.log(1 + sp.exp(-z)), z, sp.oo) == 0


def refresher() -> dict[str, list[list[str]]]:
    """Return the tags of the cells below each label of the refresher."""
    cells = read_myst_markdown_notebook(REFRESHER.read_text(encoding="utf-8"), path=REFRESHER).cells
    found: dict[str, list[list[str]]] = {}
    label = ""
    for cell in cells:
        if cell.cell_type == "markdown":
            label = (re.findall(r"^\(refresher-(\w+)\)=", cell.source, re.MULTILINE) or [label])[-1]
        else:
            found.setdefault(label, []).append(cell.metadata.get("tags", []))
            if not cell.metadata.get("tags"):
                assert max(map(len, cell.source.splitlines())) <= 62, cell.source
    return found


def test_the_refresher_has_one_picture_and_its_assertions_in_every_part():
    parts = refresher()
    assert set(parts) - {""} == SECTIONS
    for label in SECTIONS:
        assert parts[label].count(["plot"]) == 1, label
        assert parts[label].count(["assert"]) == 1, label
        assert 1 <= parts[label].count([]) <= 3, label


def test_the_glossary_leads_to_every_part_of_the_refresher_that_explains_a_term():
    linked = set(re.findall(r"\{ref\}`refresher-(\w+)`", GLOSSARY))
    assert linked == SECTIONS - {"derivative", "geometric"}


WEB = Path(optedu.__file__).parent / "web"
MAINTAINERS = (ROOT / "book/appendix/maintainers.md").read_text(encoding="utf-8")
USES = re.compile(
    r"""app\.connect\("(?P<event>[\w-]+)"|listeners\["(?P<replaced>[\w-]+)"\]"""
    r"""|add_directive\("(?P<directive>[\w-]+)"|(?P<method>add_node|add_transform)\("""
)


@pytest.mark.parametrize("path", sorted(WEB.glob("*.py")), ids=lambda path: path.stem)
def test_the_page_for_maintainers_names_all_that_is_used_of_sphinx(path):
    rows = [line for line in MAINTAINERS.splitlines() if line.startswith("| ")]
    for found in USES.finditer(path.read_text(encoding="utf-8")):
        used = next(filter(None, found.groups()))
        assert [r for r in rows if f"`{used}`" in r and f"`{path.stem}`" in r], (
            f"no row of a table has {used} of {path.name}"
        )


def test_the_page_for_maintainers_has_the_steps_after_sphinx_in_their_order():
    steps = []
    for place, feature in enumerate(web.FEATURES):
        text = (WEB / f"{feature}.py").read_text(encoding="utf-8")
        for priority in re.findall(r'connect\("build-finished", \w+(?:, priority=(\d+))?\)', text):
            steps.append((int(priority or 500), place, f"optedu.web.{feature}"))
    table = MAINTAINERS.partition("| step |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(optedu[\w.]+)`", table, re.M) == [name for *_, name in sorted(steps)]


def test_the_page_for_maintainers_names_tests_that_are_there():
    named = set(re.findall(r"`(test_\w+)`", MAINTAINERS))
    there = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests").glob("*/test_*.py"))
    assert len(named) > 8
    assert {name for name in named if f"def {name}(" not in there} == set()
