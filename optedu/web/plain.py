r"""MyST of a page as plain Markdown, for the notebooks that are published beside the pages.

A notebook knows no directive and no role. Here each becomes words, a block quote or a link to the
page; an exercise becomes its task and its starter, never its solution.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from docutils.nodes import make_id

from optedu.exercise.proofs import Proof
from optedu.web import exercise_text, quiz_text

__all__ = ["Page", "Passage", "cells"]

# `text`: code, in which nothing is a role; a role has its name before the first backtick.
ROLE = re.compile(r"(?<![`\w])\{([a-z][a-z:_-]*)\}`([^`]+)`")
FENCE = re.compile(r"^(\s*)(`{3,}|:{3,})(.*)$")
DIRECTIVE = re.compile(r"^\{([a-zA-Z:_-]+)\}\s*(.*)$")
OPTION = re.compile(r"^:([a-z][\w-]*):\s*(.*)$")
TARGET = re.compile(r"^\([\w-]+\)=\s*$")
EXPLICIT = re.compile(r"^(.*?)\s*<([^<>]+)>$", re.DOTALL)
QUOTED = ("note", "tip", "warning", "important", "seealso", "admonition", "exercise")
UNWRAPPED = ("div", "grid", "grid-item-card", "glossary", "dropdown")


@dataclass(frozen=True)
class Passage:
    """A part of a notebook: ``"markdown"``, or of an exercise its ``"task"`` and ``"starter"``."""

    kind: str
    text: str


@dataclass(frozen=True)
class Page:
    r"""What a text needs to know of the book around it.

    Attributes
    ----------
    address : str
        Where the page is published; empty where nobody has said so.
    resolve : callable
        Of a role's name and its text, gives the plain text that replaces it.
    macros : mapping
        LaTeX macros of the book, as MathJax takes them; notebooks have none of them.
    caption : callable
        Of a figure's name and its body, gives its caption.
    proofs : callable
        Of the name of a file, gives the text of the proof in it.
    """

    address: str
    resolve: Callable[[str, str], str]
    macros: Mapping[str, Any] = field(default_factory=dict)
    caption: Callable[[str, str], str] = lambda name, body: ""
    proofs: Callable[[str], str] = lambda name: ""

    def link(self, words: str, anchor: str = "") -> str:
        """Return a link to a place of the page; the words alone where it has no address."""
        if not self.address:
            return words
        return f"[{words}]({self.address}{'#' + anchor if anchor else ''})"


def cells(text: str, page: Page) -> list[Passage]:
    r"""Return a Markdown cell of the book as cells that a notebook shows.

    Parameters
    ----------
    text : str
        The source of the cell, in MyST.
    page : Page
        What is around it.

    Raises
    ------
    ValueError
        For a directive that is not known here, or one that is not closed.

    Examples
    --------
    >>> page = Page("https://example.org/page.html", lambda role, text: text.upper())
    >>> cells(":::{admonition} Mind\n{term}`this`\n:::", page)[0].text
    '> **Mind**\n>\n> THIS'
    """
    blocks: list[Passage] = []
    lines: list[str] = []

    def flush() -> None:
        words = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
        if words.strip():
            blocks.append(Passage("markdown", words))
        lines.clear()

    for part in _parts(text.splitlines(), page):
        if isinstance(part, Passage):
            flush()
            blocks.append(part)
        else:
            lines.append(part)
    flush()
    return blocks


def _parts(lines: Sequence[str], page: Page) -> Iterator[str | Passage]:
    """Go through lines; what is neither directive nor code is words."""
    words: list[str] = []
    i = 0
    while i < len(lines):
        found = FENCE.match(lines[i])
        if not found:
            if not TARGET.match(lines[i]) and not re.match(r"^%( |$)", lines[i]):
                words.append(lines[i])
            i += 1
            continue
        indent, fence, rest = found.groups()
        end = _end(lines, i, fence)
        yield from _words(words, page)
        words = []
        directive = DIRECTIVE.match(rest)
        if directive:
            inner = [line.removeprefix(indent) for line in lines[i + 1 : end]]
            for part in _directive(directive[1], directive[2].strip(), inner, page):
                yield part if isinstance(part, Passage) or not part else indent + part
        else:
            yield from lines[i : end + 1]  # code
        i = end + 1
    yield from _words(words, page)


def _end(lines: Sequence[str], start: int, fence: str) -> int:
    for k in range(start + 1, len(lines)):
        bare = lines[k].strip()
        if len(bare) >= len(fence) and set(bare) == {fence[0]}:
            return k
    raise ValueError(f"expected {fence} below {lines[start].strip()!r}, which it closes")


def _words(lines: Sequence[str], page: Page) -> Iterator[str]:
    # Roles may run over the end of a line.
    yield from inline("\n".join(lines), page).split("\n") if lines else ()


def inline(text: str, page: Page) -> str:
    """Return a text with roles and macros replaced."""
    text = ROLE.sub(lambda m: page.resolve(m[1], re.sub(r"\s+", " ", m[2])), text)
    for name, meaning in page.macros.items():
        text = _expanded(text, name, meaning)
    return text


def _expanded(text: str, name: str, meaning: Any) -> str:
    """Write a macro out; one with an argument takes what stands in braces."""
    pattern = re.compile(rf"\\{name}(?![a-zA-Z])")
    if isinstance(meaning, str):
        return pattern.sub(lambda _: meaning + " ", text)
    body = meaning[0]
    while found := re.search(rf"\\{name}\s*\{{", text):
        depth, k = 1, found.end()
        while depth and k < len(text):
            depth += {"{": 1, "}": -1}.get(text[k], 0) if text[k - 1] != "\\" else 0
            k += 1
        if depth:
            raise ValueError(
                f"\\{name}: expected a closing brace in {text[found.start() :][:60]!r}"
            )
        text = text[: found.start()] + body.replace("#1", text[found.end() : k - 1]) + text[k:]
    return text


def _quote(title: str, body: Sequence[str | Passage]) -> Iterator[str | Passage]:
    """Return a block quote; code cells, which it cannot hold, follow it."""
    said = [line for line in body if isinstance(line, str)]
    while said and not said[0].strip():
        said.pop(0)
    while said and not said[-1].strip():
        said.pop()
    yield ""
    for line in [f"**{title}**", "", *said] if title else said:
        yield f"> {line}".rstrip()
    yield ""
    yield from (part for part in body if isinstance(part, Passage))


def _split(inner: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    options = {}
    k = 0
    while k < len(inner) and (found := OPTION.match(inner[k])):
        options[found[1]] = found[2]
        k += 1
    return options, list(inner[k:])


@dataclass(frozen=True)
class Directive:
    """A directive as it is written, and the page that it stands on."""

    name: str
    title: str
    options: Mapping[str, str]
    body: Sequence[str]
    page: Page

    def inline(self, text: str) -> str:
        """Return a text with roles and macros replaced."""
        return inline(text, self.page)

    def parts(self, lines: Sequence[str]) -> list[str | Passage]:
        """Return lines as a notebook shows them."""
        return list(_parts(lines, self.page))


def _directive(name: str, title: str, inner: Sequence[str], page: Page) -> Iterator[str | Passage]:
    maker = _statement if name.startswith("prf:") else MAKERS.get(name)
    if maker is None:
        raise ValueError(f"the directive {{{name}}} has no form in a notebook, give it one here")
    yield from maker(Directive(name, title, *_split(inner), page))


def _box(it: Directive) -> Iterator[str | Passage]:
    label = {"inshort": "In short", "deeper": f"Go deeper: {it.title}"}.get(it.name)
    label = label or it.inline(it.title) or it.name.title()
    yield from _quote(label, it.parts(it.body))


def _statement(it: Directive) -> Iterator[str | Passage]:
    label = it.name.removeprefix("prf:").title()
    if "label" in it.options:
        label = it.page.resolve("prf:ref", it.options["label"])
    if it.title:
        label += f" ({it.inline(it.title)})"
    yield from _quote(f"{label}.", it.parts(it.body))


def _elsewhere(it: Directive) -> Iterator[str | Passage]:
    yield from ["", f"The table stands {it.page.link('on the page')}.", ""]


def _formula(it: Directive) -> Iterator[str | Passage]:
    yield from ["$$", *it.inline("\n".join(it.body)).split("\n"), "$$"]


def _figure(it: Directive) -> Iterator[str | Passage]:
    try:
        asked = (yaml.safe_load("\n".join(it.body)) or {}).get("predict")
    except yaml.YAMLError as error:
        raise ValueError(f"optfigure {it.title}: {error}") from error
    caption = it.options.get("caption") or it.page.caption(it.title, "\n".join(it.body))
    anchor = make_id(f"opt-{it.options.get('name') or it.title or 'figure'}")
    said = [it.inline(caption), "", f"The figure moves {it.page.link('on the page', anchor)}."]
    if asked:
        said += ["", f"Predict first: {it.inline(asked['ask'])}"]
    yield from _quote("", said)


def _quiz(it: Directive) -> Iterator[str | Passage]:
    # Only its form matters here: the page has looked the numbers up.
    question = quiz_text.parse(
        list(it.body), multiple="multiple" in it.options, lookup=lambda name: float(len(name))
    )
    said = it.parts(question.prose.splitlines())
    if question.kind != "number":
        said += ["", *(f"- {it.inline(answer.text)}" for answer in question.answers)]
    said += ["", f"Answer it {it.page.link('on the page', make_id(f'quiz-{it.title}'))}."]
    yield from _quote("Check yourself", said)


def _proof(it: Directive) -> Iterator[str | Passage]:
    proof = Proof.read(
        it.page.proofs(it.options["file"]) if "file" in it.options else "\n".join(it.body)
    )
    said = it.parts(proof.claim.splitlines())
    for letter, block in proof.blocks.items():
        first, *more = it.inline(block.text).splitlines()
        said += ["", f"- {letter}. {first}", *(f"  {line}" for line in more)]
    said += ["", f"Order it {it.page.link('on the page', make_id(f'prooforder-{it.title}'))}."]
    yield from _quote("Put this proof in order", said)


def _exercise(it: Directive) -> Iterator[str | Passage]:
    text = exercise_text.parse(list(it.body))
    said = [*it.parts(text.prose.splitlines()), "", "What is checked:", ""]
    said += [f"- {it.inline(check.sentence)}" for check in text.checks]
    where = it.page.link("on the page", make_id(f"pyexercise-{it.title}"))
    said += ["", f"Checks, hints and a solution wait {where}."]
    called = f"Try it: {it.inline(it.options['title'])}"
    yield from ["", f"**{called}.** The task and its cell are at the end of this notebook.", ""]
    yield Passage("task", "\n".join(str(line) for line in _quote(called, said)).strip("\n"))
    yield Passage("starter", text.starter.strip("\n"))


MAKERS: dict[str, Callable[[Directive], Iterable[str | Passage]]] = {
    **dict.fromkeys((*QUOTED, "inshort", "deeper"), _box),
    **dict.fromkeys(UNWRAPPED, lambda it: it.parts(it.body)),
    "deeper-start": lambda it: ["", f"**Go deeper: {it.inline(it.title)}**", ""],
    "deeper-end": lambda it: [""],
    "bibliography": _elsewhere,
    "generated": _elsewhere,
    "math": _formula,
    "optfigure": _figure,
    "prooforder": _proof,
    "pyexercise": _exercise,
    "quiz": _quiz,
    "solution": lambda it: [
        "",
        f"The solution stands {it.page.link('on the page', it.title)}.",
        "",
    ],
}
