r"""Labels with formulas as SVG text, which the reader's own fonts set.

Matplotlib writes a formula as outlines in a font of its own. A label of a figure needs little of
TeX: letters, indices, exponents, a root, a hat. That much is written as text here, so that it grows
with the page's text, takes its colour, and can be found and read aloud.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

__all__ = ["SERIF", "plain", "runs", "set_text"]

SERIF = "'STIX Two Text','Cambria Math',Georgia,serif"

_SIGNS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "ϕ", "psi": "ψ",
    "omega": "ω", "Delta": "Δ", "Sigma": "Σ", "nabla": "∇", "infty": "∞", "star": "⋆", "ell": "ℓ",
    "cdot": "·", "times": "×", "pm": "±", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠",
    "approx": "≈", "propto": "∝", "to": "→", "ldots": "…", "dots": "…", "|": "‖", "%": "%",
    "{": "{", "}": "}", ",": "\N{THIN SPACE}", ";": " ", " ": " ", "quad": "  ", "top": "⊤",
}  # fmt: skip
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307"}
_WORDS = {"log", "ln", "exp", "min", "max", "sin", "cos", "sign"}
_UPRIGHT = {"mathrm", "text", "mathdefault", "operatorname", "mathbf", "mathit", "mathsf"}
_IGNORED = {"left", "right", "displaystyle", "!", "big", "bigl", "bigr"}
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[^\\]")
_SHIFT = {"": 0.0, "sup": -0.38, "sub": 0.22}
_SMALL = 0.78

Run = tuple[str, str, str]
r"""Text, its style ("" as the label, "math", "italic"), and its place ("", "sup", "sub")."""


def runs(label: str) -> list[Run]:
    r"""Split a label into what is set alike.

    Raises
    ------
    ValueError
        If a formula holds TeX that has no text of its own, such as `\frac`.

    Examples
    --------
    >>> runs(r"step length / $\eta_2$")
    [('step length / ', '', ''), ('η', 'italic', ''), ('2', 'math', 'sub')]
    """
    found: list[Run] = []
    for k, piece in enumerate(re.split(r"(?<!\\)\$", label)):
        if k % 2:
            found += _formula(_TOKEN.findall(piece), label)
        elif piece:
            found.append((piece.replace(r"\$", "$"), "", ""))
    joined: list[Run] = []
    for text, style, place in found:
        if joined and joined[-1][1:] == (style, place):
            joined[-1] = (joined[-1][0] + text, style, place)
        else:
            joined.append((text, style, place))
    return joined


def plain(label: str) -> str:
    r"""Return a label's characters alone."""
    return "".join(text for text, _, _ in runs(label))


def _formula(tokens: list[str], label: str) -> list[Run]:
    out: list[Run] = []
    tokens = list(tokens)
    while tokens:
        token = tokens.pop(0)
        name = token[1:]
        if token in "^_":
            place = "sup" if token == "^" else "sub"
            inner = _argument(tokens, label)
            out += [(text.replace(" ", ""), style, place) for text, style, _ in inner]
        elif token == "{":
            out += _formula(_group(tokens, label), label)
        elif token == "'":
            out.append(("\N{PRIME}", "math", ""))
        elif not token.startswith("\\"):
            out += _character(token, out)
        elif name in _SIGNS:
            sign = _SIGNS[name]
            binary = sign in "≤≥≠≈∝→·×±"
            out.append(
                (f" {sign} " if binary else sign, "italic" if "α" <= sign <= "ω" else "math", "")
            )
        elif name in _ACCENTS:
            inner = _argument(tokens, label)
            out += [(text + _ACCENTS[name], style, place) for text, style, place in inner]
        elif name == "sqrt":
            inner = _argument(tokens, label)
            long = len("".join(text for text, _, place in inner if not place)) > 1
            out += [("√", "math", ""), *([("(", "math", "")] if long else []), *inner]
            out += [(")", "math", "")] if long else []
        elif name in _UPRIGHT:
            style = "" if name in ("text", "mathdefault", "mathsf") else "math"
            out += [(text, style, place) for text, _, place in _argument(tokens, label)]
        elif name in _WORDS:
            out.append((f"{name} ", "math", ""))
        elif name not in _IGNORED:
            raise ValueError(
                f"label must hold TeX that can be set as text, got {token} in {label!r}"
            )
    return out


def _character(token: str, before: list[Run]) -> list[Run]:
    if token.isspace():
        return []
    if token in "-+=<>":
        sign = "\N{MINUS SIGN}" if token == "-" else token
        # A sign with nothing before it belongs to its number.
        lonely = not before or before[-1][0].endswith(("(", " "))
        return [(sign if lonely else f" {sign} ", "math", "")]
    if token == ",":
        return [(", ", "math", "")]
    return [(token, "italic" if token.isalpha() else "math", "")]


def _argument(tokens: list[str], label: str) -> list[Run]:
    while tokens and tokens[0].isspace():
        tokens.pop(0)
    if not tokens:
        raise ValueError(f"label must have something after its last command, got {label!r}")
    if tokens[0] == "{":
        tokens.pop(0)
        return _formula(_group(tokens, label), label)
    return _formula([tokens.pop(0)], label)


def _group(tokens: list[str], label: str) -> list[str]:
    r"""Take the tokens up to the brace that closes, and return them."""
    depth = 1
    inner: list[str] = []
    while tokens:
        token = tokens.pop(0)
        depth += (token == "{") - (token == "}")
        if not depth:
            return inner
        inner.append(token)
    raise ValueError(f"label must close its braces, got {label!r}")


def set_text(element: ElementTree.Element, label: str, size: float) -> None:
    r"""Set a label into an SVG text element whose font is `size` large."""
    height, last = 0.0, None
    element.text = ""
    for text, style, place in runs(label):
        shift = size * _SHIFT[place]
        if not style and not place and not height and last is None:
            element.text += text
            continue
        last = ElementTree.SubElement(element, "tspan")
        last.text = text
        if shift != height:
            last.set("dy", f"{shift - height:.1f}".removesuffix(".0"))
        height = shift
        if place:
            last.set("font-size", f"{_SMALL * size:.1f}".removesuffix(".0"))
        if style:
            last.set("font-family", SERIF)
        if style == "italic":
            last.set("font-style", "italic")
