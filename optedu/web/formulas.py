r"""Set the formulas when the book is built, with MathJax, so that no reader's browser has to.

MathJax's own files, from the installed ``sphinx-mathjax-offline`` package, run in V8
(``mini-racer``). A page then holds finished formulas: nothing loads, nothing jumps, and they show
without JavaScript. Beside each stands its MathML, which screen readers read. A formula that
MathJax does not understand stops the build.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Loaded in this order, these are MathJax without its start-up, which waits for a browser.
PARTS = (
    "loader.js",
    "core.js",
    "adaptors/liteDOM.js",
    "input/tex-full.js",
    "output/chtml.js",
    "output/chtml/fonts/tex.js",
    "a11y/assistive-mml.js",
)
FONTS = "output/chtml/fonts/woff-v2"
FOLDER = "mathjax"  # under _static

SET = """
const _ = MathJax._;
const adaptor = _.adaptors.liteAdaptor.liteAdaptor();
const handler = _.handlers.html_ts.RegisterHTMLHandler(adaptor);
_.a11y['assistive-mml'].AssistiveMmlHandler(handler);
const output = new _.output.chtml_ts.CHTML({
  font: new _.output.chtml.fonts.tex_ts.TeXFont({ fontURL: 'fonts' }),
  adaptiveCSS: false, matchFontHeight: false,
});
const document_ = _.mathjax.mathjax.document('', {
  InputJax: new _.input.tex_ts.TeX({
    packages: ['base', 'ams', 'newcommand', 'configmacros', 'boldsymbol', 'cases'],
    macros: MACROS, tags: 'none',
    // The default writes the message into the page, where nobody looks for it.
    formatError: (jax, error) => { throw Error(error.message); },
  }),
  OutputJax: output,
});
globalThis.set = (tex, display) => adaptor.outerHTML(document_.convert(tex, { display }));
globalThis.sheet = () => adaptor.textContent(output.styleSheet(document_));
0
"""

# TeX between the delimiters that Sphinx and the derivations write.
FORMULA = re.compile(r"\\\(([^<]+?)\\\)|\\\[([^<]+?)\\\]")
# A comma after a formula must not begin the next line.
ENDING = re.compile(
    r'(<span class="math notranslate nohighlight">\\\([^<]+?\\\)</span>)([,.;:!?)\]]+)'
)
# What shows text as it is, or is no text.
VERBATIM = re.compile(r"(<(pre|code|script|style|textarea)\b.*?</\2>)", re.DOTALL)


class FormulaError(ValueError):
    r"""A formula that MathJax does not understand."""


def mathjax_folder() -> Path:
    r"""Folder of the MathJax files in the installed ``sphinx-mathjax-offline`` package."""
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "sphinx-mathjax-offline is not installed: pip install 'optedu[book]'"
        )
    return Path(spec.origin).parent / "static" / "mathjax"


def macros() -> dict[str, Any]:
    r"""LaTeX macros of the notation: operators here, symbols by name from :mod:`optedu.symbols`."""
    table: dict[str, Any] = {
        "E": r"\operatorname{\mathbb{E}}",
        "Var": r"\operatorname{Var}",
        "R": r"\mathbb{R}",
        "argmin": r"\operatorname*{arg\,min}",
        "sign": r"\operatorname{sign}",
        "norm": [r"\left\lVert #1 \right\rVert", 1],
        "abs": [r"\left\lvert #1 \right\rvert", 1],
    }
    return table


class Typesetter:
    r"""MathJax in V8. Each formula is set once.

    Examples
    --------
    >>> with Typesetter() as typesetter:
    ...     "<mi>x</mi>" in typesetter.set("x^2")
    True
    """

    def __init__(self) -> None:
        from py_mini_racer import MiniRacer

        self._engine = MiniRacer()
        self._engine.eval("globalThis.MathJax = {loader: {}, options: {}}; 0")
        for part in PARTS:
            text = (mathjax_folder() / part).read_text(encoding="utf-8")
            self._engine.eval(text + "\n;0")
        self._engine.eval(SET.replace("MACROS", json.dumps(macros())))
        self._known: dict[tuple[str, bool], str] = {}

    def __enter__(self) -> Typesetter:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def set(self, tex: str, display: bool = False) -> str:
        r"""Return the HTML of a formula.

        Raises
        ------
        FormulaError
            If MathJax does not understand it; the message holds the formula and MathJax's reason.
        """
        from py_mini_racer import JSEvalException

        key = tex.strip(), display
        if key not in self._known:
            call = f"set({json.dumps(key[0])}, {json.dumps(display)})"
            try:
                self._known[key] = str(self._engine.eval(call))
            except JSEvalException as error:
                reason = re.search(r"Error: (.*)", str(error))
                raise FormulaError(
                    f"{reason[1] if reason else error} in the formula\n{key[0]}"
                ) from None
        return self._known[key]

    def style(self) -> str:
        r"""Return MathJax's style sheet for every formula there can be."""
        return str(self._engine.eval("sheet()"))


def typeset(page: str, set_formula: Callable[[str, bool], str]) -> str:
    r"""Return a page with its formulas set."""

    def formula(match: re.Match[str]) -> str:
        display = match[2] is not None
        return set_formula(html.unescape(match[2] if display else match[1]), display)

    head, end, body = page.partition("</head>")
    pieces = VERBATIM.split(body)
    # split gives text, verbatim, the verbatim's tag, text, ...
    del pieces[2::3]
    for k in range(0, len(pieces), 2):
        text = ENDING.sub(r'<span class="optedu-whole">\1\2</span>', pieces[k])
        pieces[k] = FORMULA.sub(formula, text)
    return head + end + "".join(pieces)


def typeset_pages(app: Any, exception: Exception | None) -> None:
    r"""Set the formulas of a finished build."""
    if exception is not None or app.builder.format != "html":
        return
    from sphinx.errors import ExtensionError

    out = Path(app.outdir).resolve()
    static = out / "_static"
    target = static / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(mathjax_folder() / FONTS, target / "fonts")
    with Typesetter() as typesetter:
        (target / "formulas.css").write_text(typesetter.style(), encoding="utf-8")
        for page in out.rglob("*.html"):
            if static in page.parents:
                continue
            text = page.read_text(encoding="utf-8")
            try:
                done = typeset(text, typesetter.set)
            except FormulaError as error:
                raise ExtensionError(f"{page.relative_to(out)}: {error}") from None
            if done != text:
                sheet = os.path.relpath(target / "formulas.css", page.parent)
                link = f'  <link rel="stylesheet" href="{sheet}" />\n</head>'
                page.write_text(done.replace("</head>", link, 1), encoding="utf-8")


def use_own_renderer(app: Any) -> None:
    r"""Let Sphinx write formulas as it does for MathJax, but load no MathJax.

    After myst-parser, which brings its own form of the renderer.
    """
    registry = app.registry
    registry.html_block_math_renderers["optedu"] = registry.html_block_math_renderers["mathjax"]
    registry.html_inline_math_renderers["optedu"] = registry.html_inline_math_renderers["mathjax"]


def setup(app: Any) -> None:
    app.setup_extension("sphinx.ext.mathjax")
    app.add_html_math_renderer("optedu", (None, None), (None, None))
    app.connect("config-inited", lambda _, config: setattr(config, "html_math_renderer", "optedu"))
    app.connect("builder-inited", use_own_renderer, priority=900)
    # Before the style sheets are joined and rid of what no page needs.
    app.connect("build-finished", typeset_pages, priority=800)
