r"""The search of the book: titles without markup, statements with their number, results as text.

Sphinx's index has a chapter's number as HTML, and titles of theorems and exercises without their
names: ``" (Descent lemma)"``, or nothing. Its script shows the words of menus and buttons below a
result, and does not know that a formula's κ is the word kappa; ours is appended to it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from optedu.web.numbers import chapter_number

SCRIPT = Path(__file__).resolve().parent / "static" / "search" / "search.js"
INDEX = re.compile(r"\ASearch\.setIndex\((.*)\)\Z", re.DOTALL)
MARKUP = re.compile(r"<[^>]+>")


def statement(env: Any, docname: str, label: str) -> str:
    """Return what a theorem, an exercise or the like is called: ``Lemma 2.1``.

    Returns ``""`` for what has no number.
    """
    for kind, numbers in env.toc_fignumbers.get(docname, {}).items():
        if label in numbers:
            proofs = getattr(env, "proof_list", {})
            called = proofs.get(label, {}).get("realtype", kind)
            return f"{called.title()} {'.'.join(map(str, numbers[label]))}"
    return ""


def corrected(index: dict[str, Any], env: Any) -> dict[str, Any]:
    """Return the index with titles as the pages show them.

    Parameters
    ----------
    index : dict
        What Sphinx wrote, or what this returned for an earlier build.
    env : BuildEnvironment
        The environment, with the numbers.
    """
    docnames = index["docnames"]
    titles = [MARKUP.sub("", title) for title in index["titles"]]
    bare = {}
    for docname, title in zip(docnames, titles, strict=True):
        number = chapter_number(docname)
        bare[docname] = title if number is None else title.removeprefix(f"{number} ")
    listed: dict[str, list[list[Any]]] = {}
    for title, places in index["alltitles"].items():
        for place, label in places:
            docname, shown = docnames[place], title
            if not title.strip() or title.startswith(" ("):
                shown = f"{statement(env, docname, label)}{title}".strip()
            elif title == bare[docname] and label is None:
                shown = titles[place]
            if shown:
                listed.setdefault(shown, []).append([place, label])
    return index | {"titles": titles, "alltitles": listed}


def improve_search(app: Any, exception: Exception | None) -> None:
    """Correct the index of a finished build, and add our script to Sphinx's."""
    index = Path(app.outdir) / "searchindex.js"
    tools = Path(app.outdir) / "_static" / "searchtools.js"
    if exception is not None or app.builder.format != "html" or not index.is_file():
        return
    found = INDEX.match(index.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{index} is not as this version of Sphinx was known to write it")
    data = json.dumps(corrected(json.loads(found[1]), app.env), ensure_ascii=False)
    index.write_text(f"Search.setIndex({data})", encoding="utf-8")
    ours = SCRIPT.read_text(encoding="utf-8")
    theirs = tools.read_text(encoding="utf-8")
    # Sphinx copies its script anew only where it changed.
    theirs = theirs.partition(ours.splitlines()[0])[0]
    tools.write_text(theirs + ours, encoding="utf-8")


def setup(app: Any) -> None:
    # Sphinx writes the index before this event; the builder's own handlers come first.
    app.connect("build-finished", improve_search, priority=850)
