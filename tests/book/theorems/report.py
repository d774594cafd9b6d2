"""One test for each statement of the book, by other code than the chapter's.

A test names the label of the statement that it holds: ``@pytest.mark.theorem("thm-adam-step")``.
``python -m tests.book.theorems.report`` prints which test holds which.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
BOOK = HERE.parents[2] / "book"
STATED = re.compile(
    r"^:{3,}\{prf:(?P<kind>theorem|lemma|proposition|corollary)\} *(?P<title>.*)\n"
    r":label: (?P<label>\S+)$",
    re.MULTILINE,
)


def statements() -> dict[str, tuple[str, str]]:
    """Return the chapter and the title of each numbered statement, by its label."""
    return {
        found["label"]: (path.stem, found["title"])
        for path in sorted(BOOK.glob("part*/*.md"))
        for found in STATED.finditer(path.read_text())
    }


def tests() -> dict[str, list[str]]:
    """Return the tests that name each label."""
    named: dict[str, list[str]] = {}
    for path in sorted(HERE.glob("test_*.py")):
        for label, test in _marked(ast.parse(path.read_text())):
            named.setdefault(label, []).append(f"{path.stem}::{test}")
    return named


def _marked(module: ast.Module) -> Iterator[tuple[str, str]]:
    for function in module.body:
        if isinstance(function, ast.FunctionDef):
            for mark in function.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.theorem":
                    for label in mark.args:
                        yield ast.literal_eval(label), function.name


if __name__ == "__main__":
    named = tests()
    for label, (chapter, title) in statements().items():
        print(f"{chapter:24} {label:30} {title}")
        for test in named.get(label, ["no test"]):
            print(f"{'':24} -> {test}")
