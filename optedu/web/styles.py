r"""Rid a style sheet of the rules that nothing in the book can match.

The theme's sheets hold Bootstrap, the names of 2,000 icons, and parts that a book never shows; a
browser reads all of it before it shows anything. A rule stays if every class, id and element that
its selector asks for is named in a page or in a script; what stands inside ``:not()`` and its like
is not judged. This errs towards keeping.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import tinycss2

__all__ = ["purged", "words_of_page", "words_of_script"]

TAG = re.compile(r"<[a-zA-Z/][^<>]*>")
WORD = re.compile(r"[A-Za-z_][\w-]*")
# A name that a script completes as it runs: `py-${kind}`, "of-" + type.
BEGUN = re.compile(r"([A-Za-z_][\w-]*-)(?:\$\{|[\"']\s*\+)")
NESTING = {"media", "supports", "layer", "container"}
# Spaces around these have no meaning between declarations.
TIGHT = re.compile(r"\s*([;:,{}])\s*")


def words_of_page(text: str) -> set[str]:
    r"""Return the names in a page's tags, lower case: elements, classes, ids, attributes."""
    return {word.lower() for tag in TAG.findall(text) for word in WORD.findall(tag)}


def words_of_script(text: str) -> set[str]:
    r"""Return the words of a script, lower case: it may make an element or class of any.

    A name that it completes as it runs has a star for what is added.

    Examples
    --------
    >>> sorted(words_of_script("el.className = `py-${kind}`"))
    ['classname', 'el', 'kind', 'py-', 'py-*']
    """
    begun = {f"{word.lower()}*" for word in BEGUN.findall(text)}
    return begun | {word.lower() for word in WORD.findall(text)}


def purged(css: str, words: set[str]) -> str:
    r"""Return the style sheet without the rules that ask for a name not in ``words``.

    Spaces and comments go too. Fonts and animations that no rule names any more go as well.

    Examples
    --------
    >>> purged(".a, .b { color: red } .b > p { margin: 0 } @media print { .b { top: 0 } }", {"a"})
    '@charset "utf-8";.a{color:red}'
    """
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    kept = list(_kept(rules, words))
    used = " ".join(text for kind, _, text in kept if kind == "rule").replace("\\", "")
    # Written out, an icon is one character that only this encoding has.
    return '@charset "utf-8";' + "".join(
        text for kind, name, text in kept if kind == "rule" or name.replace("\\", "") in used
    )


def _kept(rules: Iterable[Any], words: set[str]) -> Iterator[tuple[str, str, str]]:
    r"""Yield (kind, name, text); the kind is rule, or font or animation, which have a name."""
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [
                s for s in _selectors(rule.prelude) if all(_named(n, words) for n in _names(s))
            ]
            if selectors:
                heads = ",".join(tinycss2.serialize(s).strip() for s in selectors)
                yield "rule", "", f"{heads}{{{_tight(rule.content)}}}"
        elif rule.type != "at-rule":
            continue
        elif rule.lower_at_keyword in NESTING and rule.content is not None:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            text = "".join(text for _, _, text in _kept(inner, words))
            if text:
                prelude = tinycss2.serialize(rule.prelude).strip()
                yield "rule", "", f"@{rule.at_keyword} {prelude}{{{text}}}"
        elif rule.lower_at_keyword == "font-face":
            family = re.search(
                r"font-family:\s*[\"']?([^;\"'}]+)", tinycss2.serialize(rule.content)
            )
            yield "font", family[1].strip() if family else "", _at_rule(rule)
        elif rule.lower_at_keyword.endswith("keyframes"):
            yield "animation", tinycss2.serialize(rule.prelude).strip(), _at_rule(rule)
        else:
            yield "rule", "", _at_rule(rule)


def _at_rule(rule: Any) -> str:
    head = f"@{rule.at_keyword} {tinycss2.serialize(rule.prelude).strip()}".strip()
    return f"{head};" if rule.content is None else f"{head}{{{_tight(rule.content)}}}"


def _selectors(prelude: list[Any]) -> Iterator[list[Any]]:
    r"""Split at the commas."""
    part: list[Any] = []
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _names(selector: list[Any]) -> set[str]:
    r"""Return the classes, ids and elements that a selector asks for, lower case."""
    names = set()
    before = ""
    for token in selector:
        if token.type == "hash" or (token.type == "ident" and before != ":"):
            names.add(token.value.lower())
        before = token.value if token.type == "literal" else ""
    return names


def _named(name: str, words: set[str]) -> bool:
    r"""Whether a page or script names it, or a script begins it and adds the rest."""
    ends = (at + 1 for at, letter in enumerate(name) if letter == "-")
    return name in words or any(f"{name[:end]}*" in words for end in ends)


def _tight(content: list[Any]) -> str:
    r"""Return declarations without comments and idle spaces; strings and functions stay."""
    parts = []
    for token in content:
        if token.type == "comment":
            continue
        parts.append((token.type in ("whitespace", "literal", "{} block"), token.serialize()))
    text, idle = "", ""
    for free, piece in [*parts, (True, "")]:
        if free:
            idle += piece
        else:
            text += TIGHT.sub(r"\1", re.sub(r"\s+", " ", idle)) + piece
            idle = ""
    return (text + TIGHT.sub(r"\1", re.sub(r"\s+", " ", idle))).strip().rstrip(";")
