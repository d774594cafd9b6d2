"""The page for users of torch.optim: what stands side by side does the same."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import optedu

PAGE = Path(__file__).parents[2] / "book/appendix/torch_users.md"
BLOCKS = re.findall(
    r"^```(python|\{code-cell\} python)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S
)


@pytest.mark.torch
def test_both_sides_of_each_part_end_at_the_same_point():
    pytest.importorskip("torch")
    theirs: dict = {}
    ours: dict = {}
    compared = 0
    for kind, source in BLOCKS:
        if kind == "python":
            exec(source, theirs)
        elif not source.startswith(":tags: [assert]"):
            exec(source, ours)
            if "optimizer" not in ours:
                continue
            compared += 1
            for name in ("w", "b"):
                there = theirs[name].detach().numpy()
                # Two runs of a hundred steps, rounded in another order.
                np.testing.assert_allclose(ours["optimizer"].params[name], there, rtol=1e-7)
    assert compared == 8
    assert "step(" in BLOCKS[-1][1]


def test_the_names_in_the_table_are_there():
    rows = re.findall(r"^\| `.*` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    names = [name for row in rows for name in re.findall(r'`"(\w+)"', row)]
    assert len(names) == 7 and set(names) <= set(optedu.rules.all())
    assert optedu.rules.get("rmsprop").defaults()["beta2"] == 0.99
    rprop = optedu.rules.get("rprop").defaults()
    assert rprop == {
        "lr": 0.01,
        "shrink": 0.5,
        "grow": 1.2,
        "shortest_step": 1e-6,
        "longest_step": 50,
    }
    adam = optedu.rules.get("adam").defaults()
    assert (adam["beta1"], adam["beta2"]) == (0.9, 0.999)
