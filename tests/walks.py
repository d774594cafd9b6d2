r"""How many modules of the package one rule passes: to a page, a kernel, a figure, a grade.

``python -m tests.walks`` prints them; ``make floors`` writes them into CONTRIBUTING.md. A module
counts when a function of it runs. Each walk is taken in a fork of its own, so that none finds what
another has kept.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

import optedu
from optedu.rule import Rule
from optedu.web.figure.configuration import configuration

__all__ = ["WALKS", "page", "said", "walks"]

X = np.array([1.0, 2.0])
PROBLEM = optedu.problems.rosenbrock()


def adam(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam as a student writes it."""
    m = beta1 * state["m"] + (1 - beta1) * g
    v = beta2 * state["v"] + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return x - lr * m_hat / (xp.sqrt(v_hat) + eps), {"m": m, "v": v}


def _check(rule: Rule) -> None:
    optedu.implement(rule.name)(adam)
    str(optedu.check(rule.name))


WALKS: dict[str, Callable[[Rule], Any]] = {
    "page: its equations": lambda rule: rule.latex_equations(),
    "array source": lambda rule: rule.source("array"),
    "JavaScript": lambda rule: rule.source("javascript"),
    "NumPy kernel, bound": lambda rule: rule.kernel("numpy").bind(X.copy(), rule.init(X)),
    "figure: its settings": lambda rule: configuration({"optimizers": [rule.name]}),
    "check of a student's function": _check,
    "one step of `minimize`": lambda rule: optedu.minimize(
        PROBLEM, optimizer=rule.name, lr=0.1, steps=1
    ),
}


def passed(walk: Callable[[Rule], Any]) -> list[str]:
    """Take a walk; return the modules whose functions ran."""
    found: set[str] = set()
    importing = 0  # what runs then runs once, for whoever asks first

    def watch(frame: FrameType, event: str, _: Any) -> None:
        nonlocal importing
        if frame.f_code.co_name == "<module>":
            importing += (event == "call") - (event == "return")
        elif event == "call" and not importing:
            found.add(frame.f_globals.get("__name__", ""))

    rule = optedu.rules.get("adam")
    sys.setprofile(watch)
    try:
        walk(rule)
    finally:
        sys.setprofile(None)
    return sorted(name for name in found if name.partition(".")[0] == "optedu")


def walks() -> dict[str, list[str]]:
    """Take each walk in a fork; return the modules that it passed."""
    result = {}
    for name, walk in WALKS.items():
        reading, writing = os.pipe()
        if not (child := os.fork()):
            try:
                os.write(writing, json.dumps(passed(walk)).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with open(reading, encoding="utf-8") as pipe:
            result[name] = json.loads(pipe.read() or "null")
        os.waitpid(child, 0)
    return result


def page(text: str, found: dict[str, list[str]]) -> str:
    """Return the text of CONTRIBUTING.md with the counts in it."""
    rows = ["| walk of `adam` | modules | which |", "| --- | --- | --- |"]
    for name, modules in found.items():
        shown = ", ".join(module.removeprefix("optedu.") for module in modules)
        rows.append(f"| {name} | {len(modules)} | {shown} |")
    before, mark, rest = text.partition("<!-- walks -->\n")
    return before + mark + "\n".join(rows) + "\n" + rest[rest.index("<!-- end of walks -->") :]


def said(text: str) -> dict[str, int]:
    """Return the counts that CONTRIBUTING.md has."""
    table = text.partition("<!-- walks -->")[2].partition("<!-- end of walks -->")[0]
    return {name: int(count) for name, count in re.findall(r"^\| ([^|]+) \| (\d+) \|", table, re.M)}


if __name__ == "__main__":
    print(json.dumps(walks()))
