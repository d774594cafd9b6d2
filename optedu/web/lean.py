r"""Let a page show early: what the theme loads first and does not need is taken off its way.

The theme's head has fifteen style sheets, each a round trip before anything shows; a script of
1.5 MB that draws icons which the icon font already draws; and scripts that stop the parser though
they only act on a finished page. After the build each page is rewritten: one style sheet, no icon
script, the other scripts deferred in their order.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

ICON_SCRIPT = re.compile(r'\s*<script src="[^"]*/fontawesome/[^"]*\.js[^"]*"></script>')
# Icons and menus are no reason to hold back the text.
PRELOAD = re.compile(r'\s*<link rel="preload" as="(?:font|script)"[^>]*>')
STYLE = re.compile(r'\s*<link\b[^>]*\brel="stylesheet"[^>]*>')
SCRIPT = re.compile(r'<script src="(?!https?:)(?![^"]*documentation_options)([^"]+)">')
HREF = re.compile(r'\bhref="([^"]+)"')
URL = re.compile(r"""url\(\s*(['"]?)(?!data:|https?:|#)([^'")]+)\1\s*\)""")
IMPORT = re.compile(r"""@import\s+(?:url\()?\s*['"]([^'"]+)['"]\s*\)?\s*;""")
CHARSET = re.compile(r'@charset "[^"]*";')


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


def one_style(page: Path, head: str, static: Path) -> str:
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
    target = static / "css"
    text = "\n".join(flattened(path, target) for path in paths)
    name = hashlib.sha256(text.encode()).hexdigest()[:16] + ".css"
    target.mkdir(exist_ok=True)
    (target / name).write_text(text, encoding="utf-8")
    link = f'<link rel="stylesheet" href="{os.path.relpath(target / name, page.parent)}" />'
    head = head.replace(tags[0], "\n  " + link, 1)
    for tag in tags[1:]:
        head = head.replace(tag, "", 1)
    return head


def math_fonts(page: Path, static: Path) -> str:
    """Ask for the two fonts of nearly every formula early, so that none jumps when they come."""
    folder = os.path.relpath(static / "mathjax/output/chtml/fonts/woff-v2", page.parent)
    mark = '<link rel="preload" as="font" type="font/woff" crossorigin href="'
    names = ("MathJax_Main-Regular.woff", "MathJax_Math-Italic.woff")
    return "".join(f'  {mark}{folder}/{name}" />\n' for name in names)


def rewrite(page: Path, static: Path) -> None:
    """Rewrite one page's head."""
    text = page.read_text(encoding="utf-8")
    head, end, body = text.partition("</head>")
    if not end:
        return
    for pattern in (ICON_SCRIPT, PRELOAD):
        head = pattern.sub("", head)
    if "/mathjax/" in head:
        head += math_fonts(page, static)
    head = SCRIPT.sub(r'<script defer src="\1">', one_style(page, head, static))
    page.write_text(head + end + body, encoding="utf-8")


def rewrite_pages(app: Any, exception: Exception | None) -> None:
    """Rewrite every page of a finished build."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir).resolve()
    for page in out.rglob("*.html"):
        if "_static" not in page.relative_to(out).parts:
            rewrite(page, out / "_static")


def setup(app: Any) -> None:
    # After the theme, which writes the highlighting of its light and dark modes in the same event.
    app.connect("build-finished", rewrite_pages, priority=900)
