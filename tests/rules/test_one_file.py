r"""Adding a rule is one file: what everything else needs is in it, or follows from it."""

import importlib
import json
import re
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import optedu
from optedu import rules, symbols
from optedu.web import tables
from optedu.withheld import between

FILE = r"""
from sympy import Eq

from optedu.quantities import Source, State, x
from optedu.rule import Rule
from optedu.symbols import declare, g, lr

share = declare("share", r"\varsigma", "share of the slow mean", 0, 1, lower_open=False)
s = State("s")
SLUGGISH = Rule(
    name="sluggish",
    title="Sluggish",
    source_ref=Source("nobody", "nowhere"),
    summary="Steps along a slow mean.",
    hypers={lr: 0.1, share: 0.5},
    states=(s,),
    equations=(
        Eq(s.new, share * s.old + (1 - share) * g),
        Eq(x.new, x.old - lr * s.new),
    ),
)
"""


@pytest.fixture
def sluggish(tmp_path, monkeypatch):
    (tmp_path / "sluggish.py").write_text(textwrap.dedent(FILE))
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(tmp_path)])
    rules._discover.cache_clear()
    yield rules.get("sluggish")
    monkeypatch.undo()
    rules._discover.cache_clear()
    rules.all()
    symbols.TABLE.pop("share")
    sys.modules.pop("optedu.rules.sluggish")
    optedu.written.clear()


def test_it_is_everywhere(sluggish):
    assert sluggish.latex_equations()[0] == (
        r"s_{t} = \varsigma s_{t-1} + \left(1 - \varsigma\right) g_{t}"
    )
    x, g = np.array([1.0, -2.0]), np.array([4.0, 8.0])
    right = ([0.6, -2.8], [2.0, 4.0])
    for form in ("array", "numpy", "numba"):
        new, state = x.copy(), sluggish.init(x, share=0.5)
        if form == "array":
            new, state = sluggish.step(x, g, state, 1, lr=0.2)
        else:
            sluggish.kernel(form)(new, g, state, 1, lr=0.2)
        np.testing.assert_allclose(new, right[0])
        np.testing.assert_allclose(state["s"], right[1])
    assert "share" in sluggish.source("javascript")
    assert "share" in sluggish.source("cupy")
    run = optedu.minimize(optedu.problems.quadratic(kappa=2.0), optimizer="sluggish", steps=200)
    assert run.f[-1] < 1e-3 * run.f[0]
    assert "Sluggish" in tables.zoo_table()
    assert "not there" in tables.frameworks()
    assert "share of the slow mean" in tables.notation()


def test_its_range_is_checked_and_a_student_can_write_it(sluggish):
    with pytest.raises(ValueError, match=r"share must .* got 1\.5"):
        sluggish.init(np.ones(2), share=1.5)

    @optedu.implement("sluggish")
    def mine(xp, x, g, state, t, *, lr=0.1, share=0.5):
        s = share * state["s"] + (1 - share) * g
        return x - lr * s, {"s": s}

    assert optedu.check("sluggish")

    @optedu.implement("sluggish")
    def wrong(xp, x, g, state, t, *, lr=0.1, share=0.5):
        s = share * state["s"] + g
        return x - lr * s, {"s": s}

    with pytest.raises(optedu.exercise.CheckFailed):
        optedu.check("sluggish")


def test_where_submissions_are_graded_its_symbol_is_known(sluggish):
    (row,) = [row for row in between.described() if row["name"] == "sluggish"]
    assert json.loads(json.dumps(row["notation"])) == [
        ["share", r"\varsigma", "share of the slow mean", 0, 1, False, True]
    ]


def test_a_symbol_means_one_thing():
    with pytest.raises(ValueError, match="learning rate"):
        symbols.declare("pace", r"\eta", "another rate")
    with pytest.raises(ValueError, match="learning rate"):
        symbols.declare("lr", "l", "another rate")
    assert "pace" not in symbols.TABLE


def lines_of(text):
    r"""Count the lines that are not blank."""
    return sum(bool(line.strip()) for line in text.splitlines())


FILES = sorted(p for p in Path(rules.__file__).parent.glob("*.py") if p.name[0] != "_")


def test_a_rule_takes_at_most_forty_lines():
    guide = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    section = guide.partition("## Add an update rule")[2].partition("\n## ")[0]
    assert "at most forty lines" in section
    shown = set(re.findall(r"`(\w+\.py)`", section))
    assert {"momentum.py", "dog.py", "lars.py", "rmsprop.py", "rprop.py", "muon.py"} <= shown
    assert shown <= {path.name for path in FILES}
    found = 0
    for path in FILES:
        module = importlib.import_module(f"optedu.rules.{path.stem}")
        text = path.read_text()
        made = [
            value.name
            for name, value in vars(module).items()
            if isinstance(value, optedu.Rule) and re.search(rf"^{name} = ", text, re.M)
        ]
        # Variants of one rule bear its name; AMSGrad is known by another.
        assert all(name.startswith(path.stem) or name == "amsgrad" for name in made), made
        assert lines_of(text) <= 40 * len(made), path.name
        found += len(made)
    assert found == len(rules.all())
