r"""Let a page show early: what the theme loads first and does not need is taken off its way.

The theme's head has fifteen style sheets, each a round trip before anything shows; a script of
1.5 MB that draws icons which the icon font already draws; and scripts that stop the parser though
they only act on a finished page. After the build each page is rewritten: one style sheet with the
rules and the characters that the book uses, no icon script, and the other scripts deferred in their
order.
"""

from __future__ import annotations

import hashlib
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from optedu.web.fonts import subset_fonts
from optedu.web.styles import purged, words_of_page, words_of_script

ICON_SCRIPT = re.compile(r'\s*<script src="[^"]*/fontawesome/[^"]*\.js[^"]*"></script>')
# Icons and menus are no reason to hold back the text.
PRELOAD = re.compile(r'\s*<link rel="preload" as="(?:font|script)"[^>]*>')
STYLE = re.compile(r'\s*<link\b[^>]*\brel="stylesheet"[^>]*>')
OPTIONS = re.compile(r'<script src="([^"?]*/documentation_options\.js)[^"]*"></script>')
SCRIPT = re.compile(
    r'<script (?![^>]*\b(?:defer|async|type)\b)([^>]*\bsrc="(?!https?:)[^"]+"[^>]*)>'
)
THEME_SCRIPT = re.compile(r'\s*<script src="[^"]*_static/scripts/[^"]*"></script>')
HREF = re.compile(r'\bhref="([^"]+)"')
URL = re.compile(r"""url\(\s*(['"]?)(?!data:|https?:|#)([^'")]+)\1\s*\)""")
IMPORT = re.compile(r"""@import\s+(?:url\()?\s*['"]([^'"]+)['"]\s*\)?\s*;""")
CHARSET = re.compile(r'@charset "[^"]*";')
# The theme measures every listing when a page has loaded, and again after each change of it: that
# lays out all that nobody has come to yet. `accessible.js` does the same for what is near.
MEASURING = re.compile(
    r',?"complete"===document\.readyState\?(\w+)\(\):window\.addEventListener\("load",\1\)'
)
# The two fonts of nearly every formula.
MATH_FONT = re.compile(r"fonts/MathJax_(?:Main-Regular|Math-Italic)-\w+\.woff")
# Scripts that only name what the purge must not go by: words of every language, Python itself.
NOT_READ = ("locales", "runtime", "mathjax", "vendor", "language_data.js")


def flattened(path: Path, target: Path) -> str:
    """Return a style sheet's text with its imports put in, and addresses seen from ``target``."""

    def imported(match: re.Match[str]) -> str:
        return flattened(path.parent / match[1].partition("?")[0], target)

    def moved(match: re.Match[str]) -> str:
        name, mark, rest = re.match(r"([^?#]*)([?#]?)(.*)", match[2]).groups()  # type: ignore[union-attr]
        return f"url({os.path.relpath(path.parent / name, target)}{mark}{rest})"

    text = CHARSET.sub("", path.read_text(encoding="utf-8"))
    parts, end = [], 0
    for match in IMPORT.finditer(text):
        parts += [URL.sub(moved, text[end : match.start()]), imported(match)]
        end = match.end()
    return "".join(parts) + URL.sub(moved, text[end:])


class Site:
    """A built site, whose pages share what they can."""

    def __init__(self, out: Path) -> None:
        self.out = out.resolve()
        self.static = self.out / "_static"
        self._sheets: dict[tuple[Path, ...], str] = {}

    @cached_property
    def pages(self) -> list[Path]:
        """The pages; what lies below ``_static`` are pieces of a theme."""
        return sorted(p for p in self.out.rglob("*.html") if self.static not in p.parents)

    @cached_property
    def words(self) -> set[str]:
        """Every name that a page or a script of the site has."""
        words: set[str] = set()
        for page in self.pages:
            words |= words_of_page(page.read_text(encoding="utf-8"))
        for script in self.static.rglob("*.*js"):
            if not set(NOT_READ) & set(script.relative_to(self.static).parts):
                words |= words_of_script(script.read_text(encoding="utf-8"))
        return words

    def sheet(self, paths: tuple[Path, ...]) -> str:
        """Return the name of the one sheet that stands for these, in ``_static/css``."""
        if paths not in self._sheets:
            folder = self.static / "css"
            folder.mkdir(exist_ok=True)
            text = "\n".join(flattened(path, folder) for path in paths)
            text = subset_fonts(purged(text, self.words), folder)
            name = hashlib.sha256(text.encode()).hexdigest()[:16] + ".css"
            (folder / name).write_text(text, encoding="utf-8")
            self._sheets[paths] = name
        return self._sheets[paths]

    def rewrite(self, page: Path) -> None:
        """Rewrite one page."""
        text = page.read_text(encoding="utf-8")
        head, end, body = text.partition("</head>")
        if not end:
            return
        head = self._one_style(page, PRELOAD.sub("", ICON_SCRIPT.sub("", head)))
        # The theme's own scripts stand at the end, where they hold the parser back: they come
        # first among those that wait, for the others were written to come after them.
        theme = THEME_SCRIPT.findall(body)
        if theme and (first := SCRIPT.search(head)):
            head = (
                head[: first.start()] + "".join(theme).lstrip() + "\n    " + head[first.start() :]
            )
            body = THEME_SCRIPT.sub("", body)
        head = OPTIONS.sub(lambda match: self._inlined(page, match), head)
        head = SCRIPT.sub(r"<script defer \1>", head)
        page.write_text(head + end + body, encoding="utf-8")

    def _inlined(self, page: Path, match: re.Match[str]) -> str:
        """Put the few words of Sphinx's options into the page: an inline script asks for them."""
        source = (page.parent / match[1]).resolve()
        return (
            f"<script>{source.read_text(encoding='utf-8')}</script>"
            if source.is_file()
            else match[0]
        )

    def _one_style(self, page: Path, head: str) -> str:
        """Replace the style sheets of a page's head by one file that holds them in order."""
        paths, tags = [], []
        for tag in STYLE.findall(head):
            href = HREF.search(tag)
            if href is None or "media=" in tag or href[1].startswith(("http:", "https:", "//")):
                continue
            paths.append((page.parent / href[1].partition("?")[0]).resolve())
            tags.append(tag)
        # Some sheets are named twice.
        paths = list(dict.fromkeys(path for path in paths if path.is_file()))
        if len(paths) < 2:
            return head
        folder = self.static / "css"
        sheet = self.sheet(tuple(paths))
        where = os.path.relpath(folder, page.parent)
        link = f'\n  <link rel="stylesheet" href="{where}/{sheet}" />'
        if any(path.name == "formulas.css" for path in paths):
            mark = f'\n  <link rel="preload" as="font" type="font/woff" crossorigin href="{where}/'
            fonts = MATH_FONT.findall((folder / sheet).read_text(encoding="utf-8"))
            link += "".join(f'{mark}{font}" />' for font in dict.fromkeys(fonts))
        head = head.replace(tags[0], "\n  " + link, 1)
        for tag in tags[1:]:
            head = head.replace(tag, "", 1)
        return head


def rewrite_pages(app: Any, exception: Exception | None) -> None:
    """Rewrite every page of a finished build."""
    if exception is not None or app.builder.format != "html":
        return
    site = Site(Path(app.outdir))
    theme = site.static / "scripts" / "pydata-sphinx-theme.js"
    if theme.is_file():
        theme.write_text(MEASURING.sub("", theme.read_text(encoding="utf-8")), encoding="utf-8")
    for page in site.pages:
        site.rewrite(page)


def setup(app: Any) -> None:
    # After the theme, which writes the highlighting of its light and dark modes in the same event.
    app.connect("build-finished", rewrite_pages, priority=900)
