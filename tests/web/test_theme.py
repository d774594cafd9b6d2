"""What our styles and scripts ask of the installed theme: without it they do nothing, silently."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

import optedu.web

STATIC = Path(optedu.web.__file__).parent / "static"
# The theme, the theme that it stands on, and the extensions whose parts the styles dress.
THEIRS = {
    "sphinx_book_theme": "*.html *.css *.js",
    "pydata_sphinx_theme": "*.html *.css *.js",
    "sphinx": "themes/basic/**/*.css* themes/basic/**/*.html",
    "sphinx_design": "*.css",
    "sphinx_togglebutton": "*.css *.js",
    "sphinx_proof": "*.css *.py",
    "sphinx_exercise": "*.css *.py",
    "myst_nb": "*.css *.py",
}
# Classes by the beginnings that only the theme and those extensions use.
CLASS = re.compile(r"\.((?:bd|pst|sd|prev-next|toggle|theme-switch|cell|header)[-_][\w-]+)")
VARIABLE = re.compile(r"var\((--(?:pst|sbt|mystnb)-[\w-]+)")


@cache
def theirs() -> str:
    """Return the text of what is installed."""
    texts = []
    for package, patterns in THEIRS.items():
        folder = Path(find_spec(package).submodule_search_locations[0])
        for pattern in patterns.split():
            texts += [p.read_text(encoding="utf-8") for p in sorted(folder.rglob(pattern))]
    return "\n".join(texts)


def asked(path: Path, pattern: re.Pattern[str]) -> list[str]:
    """Return the names that one of our files asks for."""
    return sorted(set(pattern.findall(path.read_text(encoding="utf-8"))))


OURS = [path for path in sorted(STATIC.rglob("*")) if path.suffix in (".css", ".js")]
NAMING = [path for path in OURS if asked(path, CLASS)]
COLOURED = [path for path in OURS if asked(path, VARIABLE)]


@pytest.mark.parametrize("path", NAMING, ids=lambda path: path.name)
def test_the_theme_has_the_classes_that_our_files_name(path):
    missing = [
        name
        for name in asked(path, CLASS)
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", theirs())
    ]
    assert missing == [], f"{path.name} names classes that the theme has no more"


@pytest.mark.parametrize("path", COLOURED, ids=lambda path: path.name)
def test_the_theme_defines_the_variables_that_our_files_use(path):
    missing = [name for name in asked(path, VARIABLE) if f"{name}:" not in theirs()]
    assert missing == [], f"{path.name} uses colours or sizes that the theme has no more"


def test_names_are_looked_for():
    """Where the patterns found nothing, the two tests above would hold of any theme."""
    names = {name for path in OURS for name in asked(path, CLASS)}
    assert {"bd-article", "pst-scrollable-table-container", "sd-card"} <= names
    assert len({name for path in OURS for name in asked(path, VARIABLE)}) > 5
