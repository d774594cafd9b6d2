"""The measures of a page of the built book: what a reader meets, counted in Chromium.

The limits and the table are in :mod:`tests.browser.report`.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from myst_nb.core.read import read_myst_markdown_notebook

from optedu import symbols
from tests.browser.conftest import unfold

DESK, PHONE = (1440, 900), (360, 740)
SMALLEST_TEXT = 9  # pixels, in a figure on a phone
LONGEST_LINE = 62

# A sentence with one of these says what an output or a figure shows, or it may.
CLAIM = re.compile(
    r"\b(first|last|lowest|highest|largest|smallest|longest|shortest|fall(s|en)?|rises?|grows?"
    r"|shrinks?|peaks?|jumps?|crosses|more than|less than|at step|times as|twice|overlaps?)\b",
    re.IGNORECASE,
)
# Words of mathematics that hold one of those, and turns of speech.
NO_CLAIM = re.compile(
    r"\bfirst[- ](moments?|order|derivatives?|terms?|lines?|two|three|few)\b"
    r"|\bat (first|last|least)\b|\b(you|will|would) first\b",
    re.IGNORECASE,
)
# What every reader brings from school.
SCHOOL = {"x", "f", "t"}
# Too general to explain a symbol of the notation, unless its meaning has no other word.
GENERAL = {
    *("a", "by", "from", "in", "of", "on", "the", "unless", "used", "with"),
    *("number", "rate", "size", "small", "step", "steps"),
}

PICTURE = "opt-figure, figure svg, .cell_output svg, .bd-article img"
PART = "figure, opt-figure, .bd-article .cell_output img, .pyexercise, .task"

# Canvases note the size of the smallest text that was written on them, in pixels of the page.
WATCH_CANVAS = """for (const name of ['fillText', 'strokeText']) {
  const write = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...words) {
    const {a, b} = this.getTransform();
    const scale = Math.hypot(a, b) * this.canvas.getBoundingClientRect().width / this.canvas.width;
    const size = parseFloat(/([\\d.]+)px/.exec(this.font)[1]) * scale;
    const before = Number(this.canvas.dataset.text ?? Infinity);
    if (size) this.canvas.dataset.text = Math.min(before, size);
    return write.apply(this, words);
  };
}"""

# Everything else is read off the page. An element inside a closed fold is not visible.
TOOLS = """
  const article = document.querySelector('.bd-article');
  const seen = (e) => e.checkVisibility({visibilityProperty: true});
  const all = (selector) => [...article.querySelectorAll(selector)].filter(seen);
  const listing = (e) => !e.closest('.pyexercise, .task, .text_plain, .stream, .traceback');
  const listings = () => all('div.highlight pre').filter(listing);
  const pictures = (selector) => [...document.querySelectorAll(selector)].filter((e) => seen(e)
    && e.getBoundingClientRect().width > 100 && !e.parentElement.closest('opt-figure, figure svg'));
"""
SHAPE = f"""([PICTURE, PART]) => {{ {TOOLS}
  const box = (e) => e.getBoundingClientRect();
  const first = pictures(PICTURE)[0];
  const at = first ? (box(first).top + box(first).bottom) / 2 + scrollY : Infinity;
  const spans = all(PART).map((e) => [box(e).top, box(e).bottom]).sort((a, b) => a[0] - b[0]);
  let covered = 0, end = -Infinity;
  for (const [top, bottom] of spans) {{
    covered += Math.max(0, bottom - Math.max(top, end));
    end = Math.max(end, bottom);
  }}
  const height = box(article).height;
  const code = listings().flatMap((e) => e.textContent.split('\\n')).filter((l) => l.trim());
  return {{figure: at, share: covered / height, height, code}};
}}"""
ON_PHONE = f"""([PICTURE, LEAST]) => {{ {TOOLS}
  const size = (e) => parseFloat(getComputedStyle(e).fontSize)
    * (e.getScreenCTM ? Math.hypot(e.getScreenCTM().a, e.getScreenCTM().b) : 1);
  const smallest = (e) => e.tagName === 'IMG' ? 0 : Math.min(
    ...[...e.querySelectorAll('canvas[data-text]')].filter(seen).map((c) => c.dataset.text),
    ...[...e.querySelectorAll('text, tspan')].filter(seen).map(size));
  return {{
    cut: listings().filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent),
    small: pictures(PICTURE).map((e) => [smallest(e), e.closest('[id]')?.id])
      .filter(([size]) => size < LEAST),
  }};
}}"""
# The text in pieces [words, kind, block, term]; the symbols of a formula are its words.
TEXT = f"""() => {{ {TOOLS}
  const skip = 'h1, h2, h3, h4, h5, h6, pre, code, script, style, button, svg, .admonition-title,'
    + '.headerlink, .caption-number, mjx-math, opt-figure';
  const block = 'p, li, td, th, dd, dt, figcaption, div.math';
  const apart = '.proof, .task, .pyexercise, table, .toctree-wrapper';
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  const letter = (e) => e.textContent.normalize('NFKC');
  const pieces = [], blocks = new Map();
  const number = (e) => blocks.get(e) ?? (blocks.set(e, blocks.size), blocks.size - 1);
  const formulas = new Set();
  for (let node; (node = walker.nextNode());) {{
    const e = node.parentElement;
    if (e.closest(skip) || !e.closest(block)) continue;
    const where = number(e.closest(block));
    const math = e.closest('math');
    if (math) {{
      if (formulas.has(math)) continue;
      formulas.add(math);
      const found = [...math.querySelectorAll('mi')].map((mi) => {{
        const sub = mi.parentElement.matches('msub, msubsup') && !mi.previousElementSibling
          ? mi.nextElementSibling : null;
        return letter(mi) + (sub && /^\\d$/.test(letter(sub)) ? '_' + letter(sub) : '');
      }});
      pieces.push([found.join(' '), 'math', where, '']);
      continue;
    }}
    const link = e.closest('a[href]');
    const to = link?.getAttribute('href') ?? '';
    const term = /glossary\\.html#term-(.+)/.exec(to);
    const kind = term ? 'term' : /notation\\.html/.test(to) ? 'notation' : link ? 'link'
      : e.closest('strong, em, dfn, .proof.definition') ? 'defined' : 'plain';
    pieces.push([node.textContent, kind, where, term ? decodeURIComponent(term[1]) : '']);
  }}
  const prose = all('p, li, figcaption').filter((e) => !e.closest(apart) && !e.querySelector('p')
    && !e.matches('.admonition-title'));
  const words = (e) => {{
    const copy = e.cloneNode(true);
    for (const math of copy.querySelectorAll('mjx-container')) math.replaceWith('#');
    return copy.textContent.replace(/\\s+/g, ' ').trim();
  }};
  return {{pieces, prose: prose.map(words)}};
}}"""
TERMS = "() => [...document.querySelectorAll('dl.glossary dt[id]')].map((e) => [e.id.slice(5),"
TERMS += " [...e.childNodes].filter((n) => !n.matches?.('.headerlink')).map((n) => n.textContent)"
TERMS += ".join('').trim()])"


@dataclass
class Report:
    """The measures of a chapter, and where each comes from, in words."""

    values: dict[str, int]
    places: dict[str, list[str]] = field(default_factory=dict)


def assertions(source: Path) -> int:
    """Count what the cells tagged ``assert`` hold."""
    text = source.read_text(encoding="utf-8")
    cells = read_myst_markdown_notebook(text, path=source).cells
    code = [c.source for c in cells if "assert" in c.metadata.get("tags", [])]
    return sum(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "expect")
        for cell in code
        for node in ast.walk(ast.parse(cell))
    )


def claims(prose: list[str]) -> list[str]:
    """Return the sentences that say what an output or a figure shows."""
    sentences = [s for text in prose for s in re.split(r"(?<=[.!?])\s+(?=[A-Z(])", text)]
    return [s for s in sentences if s[-1:] != "?" and CLAIM.search(NO_CLAIM.sub("", s))]


def unexplained(pieces: list[list[Any]], terms: list[list[str]]) -> list[str]:
    """Return the terms whose first use comes before a link to the glossary or a definition.

    A definition is a term in bold or italics. A longer term hides the shorter one in it.
    """
    text = " ".join(words for words, *_ in pieces)
    starts, at = [], 0
    for words, *_ in pieces:
        starts.append(at)
        at += len(words) + 1
    shown = list(text)
    for (words, kind, *_), start in zip(pieces, starts, strict=True):
        if kind not in ("plain", "defined"):
            shown[start : start + len(words)] = "\0" * len(words)
    found = []
    for key, term in sorted(terms, key=lambda row: -len(row[1])):
        pattern = re.sub(r"\\[ -]", r"[\\s-]+", re.escape(term))
        uses = list(re.finditer(rf"\b{pattern}(e?s)?\b", "".join(shown), re.IGNORECASE))
        for use in uses:
            shown[use.start() : use.end()] = "\0" * (use.end() - use.start())
        linked = [s for (_, kind, _, to), s in zip(pieces, starts, strict=True) if to == key]
        kinds = [
            next(p[1] for p, s in zip(pieces[::-1], starts[::-1], strict=True) if s <= use.start())
            for use in uses
        ]
        plain = [use.start() for use, kind in zip(uses, kinds, strict=True) if kind == "plain"]
        known = linked + [u.start() for u, kind in zip(uses, kinds, strict=True) if kind != "plain"]
        if plain and plain[0] < min(known, default=len(text)):
            around = re.sub(r"\s+", " ", text[max(0, plain[0] - 30) : plain[0] + len(term) + 30])
            found.append(f"{term}: ... {around} ...")
    return sorted(found)


def unnamed(pieces: list[list[Any]]) -> list[str]:
    """Return the symbols of the notation whose first formula stands without a word on them.

    What counts is a word of the symbol's meaning, or a link to the notation, in the same paragraph
    or in the ones around it.
    """
    blocks: dict[int, str] = {}
    first: dict[str, int] = {}
    for words, kind, block, _ in pieces:
        if kind == "math":
            for letter in words.split():
                first.setdefault(letter, block)
        else:
            blocks[block] = blocks.get(block, "") + words.lower()
        if kind == "notation":
            blocks[block] += " see-the-notation"
    found = []
    for row in symbols.TABLE.values():
        letter = plain_letter(row.latex)
        if letter in SCHOOL or letter not in first:
            continue
        around = " ".join(blocks.get(first[letter] + k, "") for k in (-1, 0, 1))
        wanted = meaning(row.meaning)
        if not any(re.search(rf"\b{word[:7]}", around) for word in {*wanted, "see-the-notation"}):
            found.append(f"{letter} without a word like {', '.join(sorted(wanted))}")
    return found


GREEK = {
    "eta": "η", "rho": "ρ", "tau": "τ", "beta": "β", "epsilon": "ϵ", "lambda": "λ", "gamma": "γ",
    "psi": "ψ", "mu": "μ", "kappa": "κ", "chi": "χ",
}  # fmt: skip


def plain_letter(latex: str) -> str:
    r"""Write a symbol as the page's formulas hold it: ``\beta_{1}`` as ``β_1``.

    The step, as in ``g_{t}``, makes no other symbol; any other index does.
    """
    letter, _, index = latex.replace("{", "").replace("}", "").partition("_")
    letter = GREEK.get(letter.removeprefix("\\"), letter)
    return f"{letter}_{index}" if index not in ("", "t") else letter


def meaning(text: str) -> set[str]:
    """Return the words of a meaning that can explain its symbol."""
    head = re.split(r"[;:]|, ", re.sub(r"\$.*?\$", "", text.lower()))[0]
    words = set(re.findall(r"[a-z]{2,}", head))
    return words - GENERAL or words


def opened(browser: Any, size: tuple[int, int], address: str) -> Any:
    """Open a page as large as ``size``, and wait until all of it stands."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
    )
    context.add_init_script(WATCH_CANVAS)
    page = context.new_page()
    page.goto(address)
    unfold(page)
    return page


def measured(browser: Any, home: str, address: str, source: Path) -> Report:
    """Measure the chapter at an address of the built book, written in ``source``."""
    page = opened(browser, DESK, f"{home}/book/appendix/glossary.html")
    terms = page.evaluate(TERMS)
    page.goto(f"{home}/{address}")
    unfold(page)
    desk = page.evaluate(SHAPE, [PICTURE, PART])
    text = page.evaluate(TEXT)
    page.context.close()
    page = opened(browser, PHONE, f"{home}/{address}")
    phone = page.evaluate(SHAPE, [PICTURE, PART])
    narrow = page.evaluate(ON_PHONE, [PICTURE, SMALLEST_TEXT])
    page.context.close()
    words = unexplained(text["pieces"], terms) + unnamed(text["pieces"])
    said, held = claims(text["prose"]), assertions(source)
    longest = max(map(len, desk["code"]), default=0)
    values = {
        "figure": screen(desk["figure"], DESK),
        "figure, phone": screen(phone["figure"], PHONE),
        "lines": len(desk["code"]),
        "longest": longest,
        "parts": int(100 * desk["share"]),
        "screens": screen(desk["height"], DESK),
        "terms": len(words),
        "cut off": len(narrow["cut"]),
        "small text": len(narrow["small"]),
        "unasserted": max(0, len(said) - held),
    }
    places = {
        "longest": [line for line in desk["code"] if len(line) > LONGEST_LINE],
        "terms": words,
        "cut off": [code.strip().partition("\n")[0] for code in narrow["cut"]],
        "small text": [
            f"{name}: {f'{size:.1f} px' if size else 'a picture, whose text has no size'}"
            for size, name in narrow["small"]
        ],
        "unasserted": [f"{held} assertions for {len(said)} sentences", *said],
    }
    return Report(values, places)


def screen(place: float, size: tuple[int, int]) -> int:
    """Return the number of the screen on which a place lies; a page without it has none."""
    return 999 if math.isinf(place) else int(place // size[1]) + 1
