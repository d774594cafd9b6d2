r"""Cut a style sheet's fonts down to the characters that it shows.

Icons and formulas come as characters that the sheet itself names, so the few that are used are
known; the fonts hold thousands.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

__all__ = ["subset_fonts"]

FACE = re.compile(r"@font-face\{[^}]*\}")
FILE = re.compile(r"url\(['\"]?([^)'\"?#]+\.(?:woff|ttf|otf))['\"?#)]")
SOURCES = re.compile(r"src:[^;}]*")
STRING = re.compile(r"""(content:\s*)?(?:"([^"]*)"|'([^']*)')""")
ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?")


def characters(css: str) -> set[int]:
    r"""Return the code points that a style sheet can put on a page.

    Of the texts that are no ``content`` only what is not ASCII counts: an icon may come by a
    variable, an address or the value of an attribute is not shown.

    Examples
    --------
    >>> sheet = '.a { --icon: "\\f015"; src: "y" } .b::after { content: "x" }'
    >>> sorted(map(hex, characters(sheet)))
    ['0x78', '0xf015']
    """
    found: set[int] = set()
    for content, one, other in STRING.findall(css):
        text = ESCAPE.sub(lambda match: chr(int(match[1], 16)), one or other)
        found.update(ord(c) for c in text if content or not c.isascii())
    return found


def subset_fonts(css: str, folder: Path) -> str:
    r"""Return the sheet with its fonts cut down; the files go to ``folder``/fonts.

    Addresses in the sheet are seen from ``folder``. A face none of whose characters is used stays
    out.
    """
    wanted = characters(FACE.sub("", css))

    def cut(match: re.Match[str]) -> str:
        face = match[0]
        address = FILE.search(face)
        source = folder / address[1] if address else None
        if source is None or not source.is_file():
            return face
        path = _subset(source, wanted, folder / "fonts")
        if path is None:
            return ""
        name = os.path.relpath(path, folder)
        return SOURCES.sub(f'src:url({name}) format("woff")', face, count=1)

    return FACE.sub(cut, css)


def _subset(source: Path, wanted: set[int], folder: Path) -> Path | None:
    font = TTFont(source, recalcTimestamp=False)
    present = wanted & set(font.getBestCmap() or {})
    if not present:
        return None
    options = subset.Options(
        flavor="woff", notdef_outline=True, hinting=False, drop_tables=["FFTM"]
    )
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=present)
    subsetter.subset(font)
    font.flavor = "woff"
    buffer = io.BytesIO()
    font.save(buffer)
    data = buffer.getvalue()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{source.stem}-{hashlib.sha256(data).hexdigest()[:8]}.woff"
    path.write_bytes(data)
    return path
