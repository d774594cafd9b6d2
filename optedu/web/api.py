r"""The API page of the book, from the docstrings, as MyST Markdown.

Docstrings are in NumPy's style with Markdown inside (code between backticks, formulas between
dollar signs), which is why Sphinx's own reader, made for reStructuredText, is not used.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

__all__ = ["page", "public_names", "render"]

# Modules whose names are for users of the package, in the order of the page.
MODULES = (
    "rules", "transformations", "schedules", "problems", "plot", "derive", "exercise", "backend",
    "symbols",
)  # fmt: skip
LISTS = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns")


def public_names(module: Any) -> list[str]:
    r"""Return the names in ``__all__`` of a module that are functions or classes of ours."""
    names = []
    for name in sorted(getattr(module, "__all__", ())):
        value = getattr(module, name)
        callable_ = inspect.isfunction(value) or inspect.isclass(value)
        if callable_ and getattr(value, "__module__", "").startswith("optedu"):
            names.append(name)
    return names


def sections(docstring: str) -> list[tuple[str, str]]:
    r"""Split a NumPy-style docstring at its underlined titles; the first title is empty.

    Examples
    --------
    >>> sections("Add.\n\nReturns\n-------\nint\n    The sum.")
    [('', 'Add.'), ('Returns', 'int\n    The sum.')]
    """
    parts = re.split(r"^(\w[\w ]*)\n-{3,}[ ]*$", inspect.cleandoc(docstring), flags=re.MULTILINE)
    titles, bodies = ["", *parts[1::2]], parts[0::2]
    return [(t, b.strip()) for t, b in zip(titles, bodies, strict=True)]


def entries(body: str) -> Iterator[tuple[str, str]]:
    r"""Split the body of a section into its entries: the line at the margin, the text below it."""
    for block in re.split(r"\n(?=\S)", body):
        head, _, text = block.partition("\n")
        yield head, " ".join(dedent(text).split())


def _entry(title: str, head: str, text: str) -> str:
    name, _, kind = head.partition(" : ")
    if title in ("Returns", "Yields", "Raises", "Warns") and not kind:
        label = f"`{name}`"
    else:
        label = f"`{name}` ({kind})" if kind else f"`{name}`"
    return f"- {label}: {text}" if text else f"- {label}"


def render(docstring: str) -> str:
    r"""Return a docstring as Markdown."""
    out = []
    # A docstring's footnotes are reStructuredText; on the page the section is enough.
    plain = re.sub(r" \[#\]_|^( *)\.\. \[#\] ", r"\1", docstring, flags=re.MULTILINE)
    for title, body in sections(plain):
        if not title:
            out.append(body)
        elif title in LISTS:
            listed = "\n".join(_entry(title, head, text) for head, text in entries(body))
            out.append(f"**{title}**\n\n{listed}")
        elif title == "Examples":
            out.append(f"**{title}**\n\n```pycon\n{body}\n```")
        else:
            out.append(f"**{title}**\n\n{body}")
    return "\n\n".join(out)


def _signature(name: str, value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return name
    # Types are in the text; in the signature they would hide the arguments.
    parameters = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in signature.parameters.values()
        if p.name != "self"
    ]
    bare = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return re.sub(r"<([\w.]+) object at 0x[0-9a-f]+>", r"\1", f"{name}{bare}")


def _item(qualified: str, value: Any, level: str) -> str:
    lines = [f"{level} `{qualified}`", "", "```python", _signature(qualified, value), "```", ""]
    lines.append(render(value.__doc__ or ""))
    if inspect.isclass(value):
        for name, member in vars(value).items():
            function = member.__func__ if isinstance(member, classmethod) else member
            if name.startswith("_") or not inspect.isfunction(function) or not function.__doc__:
                continue
            summary = " ".join(sections(function.__doc__)[0][1].split("\n\n")[0].split())
            lines += ["", f"- `{_signature(name, function)}`: {summary}"]
    return "\n".join(lines)


def page() -> str:
    r"""Return a section for the names of ``optedu`` itself and one for each public module."""
    optedu = importlib.import_module("optedu")
    out = ["## `optedu`", ""]
    for name in sorted(optedu._EXPORTS):
        out += [_item(f"optedu.{name}", getattr(optedu, name), "###"), ""]
    for module_name in MODULES:
        module = importlib.import_module(f"optedu.{module_name}")
        out += [f"## `optedu.{module_name}`", "", render(module.__doc__ or ""), ""]
        for name in public_names(module):
            if name not in optedu._EXPORTS:
                out += [_item(f"optedu.{module_name}.{name}", getattr(module, name), "###"), ""]
    return "\n".join(out)
