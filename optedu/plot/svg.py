r"""A Matplotlib figure as SVG for a page: text as text, colours of the theme, few bytes.

The same figure gives the same bytes, whenever and wherever it is drawn with the same Matplotlib.
"""

from __future__ import annotations

import colorsys
import hashlib
import io
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.colors import to_hex, to_rgb

from optedu.plot import style
from optedu.plot.labels import plain, set_text

__all__ = ["markup"]

# The colours that a page gives its own values, by their name there.
ROLES = {
    **{colour.lower(): f"line{k}" for k, colour in enumerate(style.PALETTE, start=1)},
    style.INK: "ink",
    "#000000": "ink",
    style.MUTED: "soft",
    "#808080": "soft",
    style.GROUND: "ground",
    style.GRID: "grid",
}
# Of what Matplotlib writes into a style; the rest are SVG's own defaults.
KEPT = {
    *("fill", "fill-opacity", "fill-rule", "opacity", "stroke", "stroke-opacity", "stroke-width"),
    *("stroke-dasharray", "stroke-dashoffset", "stroke-linecap"),
}
NEAR = 0.15  # how far a simplified line may lie from the drawn one, in pixels
XLINK = "{http://www.w3.org/1999/xlink}href"
ROUNDED = {"x", "y", "width", "height", "transform"}
NUMBER = r"-?\d*\.?\d+(?:e-?\d+)?"


class _Renderer(RendererSVG):
    r"""Matplotlib's own, which leaves text to the page's fonts."""

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any = False,
        mtext: Any = None,
    ) -> None:  # fmt: skip
        r"""Write the label as it was given, anchored where fonts of other widths do least harm."""
        width, _, _ = self.get_text_width_height_descent(s, prop, ismath)
        align = mtext.get_ha() if mtext is not None else "left"
        if mtext is not None and angle and mtext.get_rotation_mode() != "anchor":
            align = "center"
        along = {"left": 0.0, "center": 0.5, "right": 1.0}[align] * width
        turn = np.deg2rad(angle)
        x, y = x + along * np.cos(turn), y - along * np.sin(turn)
        where = {"x": f"{x:.1f}", "y": f"{y:.1f}"}
        if angle:
            where["transform"] = f"rotate({-angle:g} {x:.1f} {y:.1f})"
        if align != "left":
            where["text-anchor"] = {"center": "middle", "right": "end"}[align]
        if str(prop.get_weight()) in ("bold", "semibold", "600", "700"):
            where["font-weight"] = "bold"
        if gc.get_alpha() not in (None, 1.0):
            where["opacity"] = f"{gc.get_alpha():.2g}"
        size = prop.get_size_in_points()
        colour = to_hex(gc.get_rgb()[:3])
        where |= {"font-size": f"{size:g}", "style": f"fill: {colour}"}
        self.writer.element("text", s if ismath else s.replace("$", r"\$"), attrib=where)


def markup(figure: Any) -> str:
    r"""Return an `<svg>` element, as large in pixels as the figure in points."""
    width, height = figure.get_size_inches() * 72
    figure.dpi = 72
    stream = io.StringIO()
    renderer = MixedModeRenderer(
        figure, width / 72, height / 72, 144,
        _Renderer(width, height, stream, image_dpi=144, metadata={"Date": None}),
    )  # fmt: skip
    figure.draw(renderer)
    renderer.finalize()
    text = re.sub(r"<\?xml.*?\?>|<!DOCTYPE[^>]*>", "", stream.getvalue(), flags=re.S)
    old = ElementTree.fromstring(text.replace('xmlns="http://www.w3.org/2000/svg"', ""))
    size = {"viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    new = ElementTree.Element("svg", {**size, "stroke-linejoin": "round", "aria-hidden": "true"})
    new.extend(_children(old))
    return _named(new)


def _children(parent: ElementTree.Element) -> list[ElementTree.Element]:
    r"""Return what is drawn inside an element, without groups that say nothing."""
    out: list[ElementTree.Element] = []
    for child in parent:
        if child.tag in ("metadata", "style"):
            continue
        new = ElementTree.Element(child.tag)
        for name, value in child.attrib.items():
            if name == "style":
                _paint(new, value)
            elif name == XLINK:
                new.set("href", value if value.startswith("#") else re.sub(r"\s+", "", value))
            elif name == "d":
                new.set("d", _path(value))
            elif name == "id" and child.tag == "g":
                continue
            else:
                new.set(name, _rounded(value) if name in ROUNDED else value)
        if child.tag == "text":
            set_text(new, child.text or "", float(child.get("font-size", style.SIZE)))
            if plain(child.text or "").strip():
                out.append(new)
            continue
        new.extend(_children(child))
        if child.tag == "path" and new.get("fill") == "none" and "stroke" not in new.attrib:
            continue
        if child.tag in ("g", "defs") and not len(new):
            continue
        if child.tag == "g" and not new.attrib:
            out.extend(new)
        else:
            out.append(new)
    return out


def _paint(element: ElementTree.Element, declarations: str) -> None:
    r"""Turn a style into attributes; a colour that the page does not name has a dark twin."""
    twins = []
    for name, value in re.findall(r"([\w-]+):\s*([^;]+)", declarations):
        if name not in KEPT:
            continue
        if name in ("fill", "stroke") and value.startswith("#"):
            role = ROLES.get(value)
            if role is None:
                twins.append(f"--{name}:{dark(value)}")
            value = value if role is None else f"var(--od-{role},{value})"
        elif name.startswith("stroke-") or name.endswith("opacity"):
            value = _rounded(value, 2)
        element.set(name, value)
    if twins:
        element.set("style", ";".join(twins))


def dark(colour: str) -> str:
    r"""Return a colour's twin for a dark page: light for dark, with the same hue.

    Examples
    --------
    >>> dark("#f5f8fb"), dark("#102030")
    ('#151f2a', '#bed0e3')
    """
    hue, lightness, saturation = colorsys.rgb_to_hls(*to_rgb(colour))
    return to_hex(colorsys.hls_to_rgb(hue, 0.1 + 0.82 * (1 - lightness), saturation * 0.8))


def _rounded(text: str, digits: int = 1) -> str:
    def short(match: re.Match[str]) -> str:
        return f"{round(float(match[0]), digits) + 0:.{digits}f}".rstrip("0").rstrip(".")

    return re.sub(NUMBER, short, text)


def _path(text: str) -> str:
    r"""Write a path in tenths of a pixel, and without corners that nobody could see."""
    out = []
    for piece in re.findall(r"M[^M]*", text):
        if re.search("[CQS]", piece):
            out.append(re.sub(r"\s*([A-Za-z])\s*", r"\1", _rounded(" ".join(piece.split()))))
            continue
        corners = np.array(re.findall(NUMBER, piece), dtype=float).reshape(-1, 2)
        tenths = np.rint(10 * corners[_corners(corners)]).astype(int)
        steps = np.diff(tenths, axis=0)
        steps = steps[steps.any(axis=1)] if steps.any() else steps[:1]
        # From corner to corner: the numbers are shorter, and a minus parts them too.
        moves = " ".join(_tenths(n) for n in steps.ravel()).replace(" -", "-")
        start = " ".join(_tenths(n) for n in tenths[0])
        out.append(f"M{start}" + (f"l{moves}" if moves else "") + ("z" if "z" in piece else ""))
    return "".join(out)


def _tenths(number: int) -> str:
    whole, rest = divmod(abs(int(number)), 10)
    digits = f"{whole or ''}.{rest}" if rest else str(whole)
    return "-" + digits if number < 0 else digits


def _corners(points: np.ndarray) -> np.ndarray:
    r"""Return which points of a line to keep, after Douglas and Peucker."""
    keep = np.zeros(len(points), dtype=bool)
    keep[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        inner, base = points[first + 1 : last] - points[first], points[last] - points[first]
        length = float(np.hypot(*base))
        if length:
            along = np.clip(inner @ base / length**2, 0, 1)
            inner = inner - along[:, None] * base
        far = np.hypot(*inner.T)
        worst = int(far.argmax())
        if far[worst] > NEAR:
            middle = first + 1 + worst
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return keep


def _named(root: ElementTree.Element) -> str:
    r"""Return the text, with ids that no other drawing of a page has."""
    text = ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")
    used = list(dict.fromkeys(re.findall(r"(?:href=\"|url\()#([\w-]+)", text)))
    text = re.sub(r' id="([\w-]+)"', lambda m: m[0] if m[1] in used else "", text)
    names = {name: f"@{k}" for k, name in enumerate(used)}
    text = re.sub(r'(\bid="|href="#|url\(#)([\w-]+)', lambda m: m[1] + names.get(m[2], m[2]), text)
    return text.replace("@", f"od{hashlib.sha256(text.encode()).hexdigest()[:8]}-")
