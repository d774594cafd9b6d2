r"""Formulas that a browser sets by itself, in nbgrader's formgrader and in feedback.

nbgrader's pages load MathJax from a server far away: without a network, and where a viewer runs no
scripts, as JupyterLab's for HTML files, a reader sees TeX. In ``nbgrader_config.py``::

    c.HTMLExporter.preprocessors = ["optedu.grading.formulas.SetFormulas"]
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

from jinja2 import ChoiceLoader, DictLoader, Environment, pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from optedu.grading.feedback import OfExporter

__all__ = ["SetFormulas", "mathml"]

_DELIMITED = re.compile(r"\s*(?:\$\$(.+)\$\$|\$(?!\$)(.+)\$|\\\[(.+)\\\]|\\\((.+)\\\))\s*", re.S)

_MATHJAX = "mathjax.html.j2"  # of nbconvert
_AT_ONCE = '<script src="{{url}}"> </script>'
_LAST = """<script>
window.addEventListener("load", () => {
  document.head.append(Object.assign(document.createElement("script"), { src: "{{url}}" }));
});
</script>"""
_TAG = re.compile(r"\{http://www\.w3\.org/1998/Math/MathML\}m[a-z]+")
_BAR = re.compile(r'<mo(?: (?:fence|stretchy)="false")*>(&#x0(?:2016|007C);)</mo>')
_ALIGNED = re.compile(r"\\(begin|end)\{(?:aligned|gathered|equation)\*?\}")


@lru_cache(maxsize=10_000)  # of a class everybody has the formulas of the tasks
def mathml(tex: str, *, display: bool = False) -> str | None:
    r"""Return a formula as MathML, which all browsers know; None where that is not possible.

    Parameters
    ----------
    tex : str
        The formula, without its delimiters.
    display : bool
        Whether it stands on a line of its own.

    Examples
    --------
    >>> mathml(r"\mathbb E").partition("<mrow>")[2]
    '<mi>𝔼</mi></mrow></math>'
    >>> mathml(r"\unknown x") is None
    True
    """
    tex = _ALIGNED.sub(r"\\\1{align*}", tex)
    try:
        from latex2mathml.converter import convert

        known = convert(tex, display="block" if display else "inline")
        parts = list(ElementTree.fromstring(known).iter())
    # Whatever a student wrote, the page shows it, as TeX, and has all the rest. So it does in an
    # environment that is older than the converter's place among the requirements.
    except Exception:
        return None
    # The text in a formula is taken as it is, tags too, and an unknown command becomes text.
    if any("\\" in (part.text or "") or "href" in part.attrib for part in parts):
        return None
    if not all(_TAG.fullmatch(part.tag) for part in parts):
        return None
    # A bar is no operator with space around it, and is not stretched. Attributes for columns and
    # alphabets are of the full MathML, of which browsers know a part.
    known = re.sub(_BAR, r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>', known)
    known = re.sub(r'columnalign="(\w+)"', r'style="text-align: \1"', known)
    return re.sub(r'<(m[ion]) mathvariant="([a-z-]+)">(\S+?)</\1>', _lettered, known)


def _lettered(found: re.Match[str]) -> str:
    """Letters of another alphabet, each as the character that Unicode has for it."""
    tag, kind, letters = found.groups()
    if kind.startswith("bold"):
        upright = ' mathvariant="normal"' if kind == "bold" else ""
        return f'<{tag}{upright} style="font-weight: bold">{letters}</{tag}>'
    kind = kind.upper().replace("-", " ").replace("DOUBLE STRUCK", "DOUBLE-STRUCK")
    try:
        return f"<{tag}>{''.join(_character(kind, letter) for letter in letters)}</{tag}>"
    except KeyError:
        return found[0]


def _character(kind: str, letter: str) -> str:
    """A mathematical letter; the few that are older than the others have no prefix."""
    name = f"{kind} {'CAPITAL' if letter.isupper() else 'SMALL'} {letter.upper()}"
    try:
        return unicodedata.lookup(f"MATHEMATICAL {name}")
    except KeyError:
        return unicodedata.lookup(name)


class _WithMathML(IPythonRenderer):
    """nbconvert's Markdown, with formulas that are set."""

    def block_math(self, body: str) -> str:
        return mathml(body, display=True) or super().block_math(body)

    def inline_math(self, body: str) -> str:
        return mathml(body) or super().inline_math(body)

    def latex_environment(self, name: str, body: str) -> str:
        whole = rf"\begin{{{name}}}{body}\end{{{name}}}"
        return mathml(whole, display=True) or super().latex_environment(name, body)


class _Last(DictLoader):
    """The template that loads MathJax, when the page is there."""


def _load_mathjax_last(environment: Environment) -> None:
    """Have the script from far away hold up nothing, where a network lets it wait for ever.

    nbgrader's pages ask for it before all else, and no option of theirs says from where.
    """
    loader = environment.loader
    if loader is None or (
        isinstance(loader, ChoiceLoader) and isinstance(loader.loaders[0], _Last)
    ):
        return
    source, *_ = loader.get_source(environment, _MATHJAX)
    environment.loader = ChoiceLoader([_Last({_MATHJAX: source.replace(_AT_ONCE, _LAST)}), loader])


class SetFormulas(OfExporter):
    """Set the formulas of a notebook's text, and those that its cells display.

    A formula that is not understood stays TeX, for MathJax, as nbgrader has all of them; the page
    is there before MathJax is asked for.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        exporter = self.parent

        @pass_context
        def markdown2html(context: Any, source: str) -> str:
            renderer = _WithMathML(
                escape=False,
                attachments=context.get("cell", {}).get("attachments", {}),
                embed_images=exporter.embed_images,
                path=context.get("resources", {}).get("metadata", {}).get("path", ""),
                anchor_link_text=exporter.anchor_link_text,
                exclude_anchor_links=exporter.exclude_anchor_links,
                **exporter.lexer_options,
            )
            return MarkdownWithMath(renderer=renderer).render(source)

        exporter.register_filter("markdown2html", markdown2html)
        _load_mathjax_last(exporter.environment)
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/latex" in data and "text/html" not in data:
                whole = _DELIMITED.fullmatch("".join(data["text/latex"]))
                tex = next(filter(None, whole.groups())) if whole else ""
                if set_ := mathml(tex, display=True):
                    data["text/html"] = set_
        return cell, resources
