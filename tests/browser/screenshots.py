"""Pictures of every interactive figure and of five whole pages, at three widths, light and dark.

python -m tests.browser.screenshots [--only NAME] OUT

A whole page becomes a row of pictures, each about a screen or two high. Contact sheets put all of a
scheme and a width together, so that a person can look over them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from optedu.web.figure.configuration import presets
from tests.browser.conftest import BOOK, at_rest, chromium, missing, unfold
from tests.browser.server import serve

SCHEMES = ("light", "dark")
# How large a whole page is on a contact sheet; figures keep their size where two columns fit.
SCALES = {360: 1.0, 768: 0.65, 1440: 0.52}
SHEET, GAP, LABEL = 1560, 12, 16
PAGES = {
    "landing": "book/index.html",
    "playground": "book/playground.html",
    "ch02": "book/part1/ch02_gradient_descent.html",
    "ch03": "book/part1/ch03_landscape.html",
    "ch09": "book/part3/ch09_adam.html",
    "ch13": "book/part4/ch13_hardware.html",
}
# The theme lets its sidebars slide; a picture taken meanwhile would show them half-way.
STILL = "*, ::before, ::after { animation: none !important; transition: none !important; }"
FIGURES = "figure:has(> opt-figure), opt-figure:not(figure > opt-figure)"


def opened(page: Any, address: str) -> None:
    """Open a page and wait until all of it stands as a reader would see it."""
    page.goto(address)
    page.add_style_tag(content=STILL)
    unfold(page)
    at_rest(page)


def figures(page: Any, home: str, only: str) -> Iterator[tuple[str, Any]]:
    """Show each figure of the pages, and each preset in the playground; yield name and place."""
    for name, path in PAGES.items():
        wanted = [f"{name}-{preset}" for preset in presets()] if name == "playground" else [name]
        if not any(only in label for label in wanted):
            continue
        opened(page, f"{home}/{path}")
        if name == "playground":  # it asks first, and until then nothing can be chosen
            page.get_by_role("button", name="Show me").click()
        for label in wanted if name == "playground" else ():
            if only in label:
                preset = label.removeprefix("playground-")
                page.get_by_label("Show", exact=True).select_option(preset)
                at_rest(page)
                yield label, page.locator("opt-figure")
        if name != "playground":
            for k, place in enumerate(page.locator(FIGURES).all(), start=1):
                yield f"{name}-figure{k}", place


def picture(page: Any, place: Any) -> bytes:
    """Picture an element, also one that is taller than the screen."""
    box = place.evaluate("e => e.getBoundingClientRect().toJSON()")
    box["y"] += page.evaluate("scrollY")
    return page.screenshot(full_page=True, clip={k: box[k] for k in ("x", "y", "width", "height")})


def whole(page: Any, address: str, height: int) -> Iterator[bytes]:
    """Open a page and yield pictures of it from top to bottom."""
    opened(page, address)
    width = page.viewport_size["width"]
    length = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, length, height):
        clip = {"x": 0, "y": top, "width": width, "height": min(height, length - top)}
        yield page.screenshot(full_page=True, clip=clip)


def contact_sheets(paths: list[Path], scale: float, target: Path) -> int:
    """Lay pictures out in columns, from top to bottom; write as many sheets as that takes."""
    strips = []
    for path in paths:
        with Image.open(path) as image:
            scale = min(scale, (SHEET / 2 - GAP) / image.width)
            small = image.convert("RGB").resize([round(scale * n) for n in image.size])
        for top in range(0, small.height, SHEET):
            bottom = min(top + SHEET, small.height)
            strips.append((path.stem, small.crop((0, top, small.width, bottom))))
    columns: list[list[tuple[str, Image.Image]]] = []
    free = 0
    for name, strip in strips:
        if strip.height + LABEL + GAP > free:
            columns.append([])
            free = SHEET + LABEL + GAP
        columns[-1].append((name, strip))
        free -= strip.height + LABEL + GAP
    width = max((strip.width for _, strip in strips), default=1) + GAP
    fit = max(1, (SHEET + GAP) // width)
    groups = [columns[k : k + fit] for k in range(0, len(columns), fit)]
    for number, group in enumerate(groups, start=1):
        sheet = Image.new("RGB", (len(group) * width, SHEET + LABEL), "#888")
        draw = ImageDraw.Draw(sheet)
        for k, column in enumerate(group):
            top = 0
            for name, strip in column:
                draw.text((k * width, top), name, fill="black")
                sheet.paste(strip, (k * width, top + LABEL))
                top += strip.height + LABEL + GAP
        sheet.save(f"{target}-{number:02d}.png")
    return len(groups)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--only", default="", metavar="NAME", help="part of a name: ch09, reddi")
    parser.add_argument("--width", type=int, choices=SCALES, nargs="+", default=list(SCALES))
    options = parser.parse_args()
    if reason := missing():
        sys.exit(reason)
    with serve(BOOK) as home, chromium() as browser:
        for width in options.width:
            for scheme in SCHEMES:
                folder = options.out / f"{width}-{scheme}"
                folder.mkdir(parents=True, exist_ok=True)
                page = browser.new_page(
                    viewport={"width": width, "height": 900}, color_scheme=scheme
                )
                taken: dict[str, list[Path]] = {"figures": [], "pages": []}
                for name, place in figures(page, home, options.only):
                    taken["figures"].append(folder / f"{name}.png")
                    taken["figures"][-1].write_bytes(picture(page, place))
                for name in filter(lambda name: options.only in name, PAGES):
                    strips = whole(page, f"{home}/{PAGES[name]}", round(SHEET / SCALES[width]))
                    for k, strip in enumerate(strips, start=1):
                        taken["pages"].append(folder / f"{name}-page-{k:02d}.png")
                        taken["pages"][-1].write_bytes(strip)
                page.close()
                for kind, scale in {"figures": 1.0, "pages": SCALES[width]}.items():
                    target = options.out / f"{width}-{scheme}-{kind}"
                    count = contact_sheets(taken[kind], scale, target)
                    print(f"{target}: {len(taken[kind])} pictures on {count} sheets", flush=True)


if __name__ == "__main__":
    main()
