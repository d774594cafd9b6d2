r"""`movement`: what a step calls and moves, form by form, as bars along one axis of time.

Counted from the code that each form runs (`optedu.compile.traffic`), not drawn by hand. A slider
sets the number of parameters; played, the bars fill at the pace at which the time would pass. The
places of all pieces are written as formulas in the style, so that the script sets three numbers a
bar.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from optedu import validate
from optedu.compile.traffic import FORMS, passes
from optedu.rule import Rule

__all__ = ["LABELS", "Movement", "movement"]

LABELS = {"array": "pure", "numpy": "in place", "blocked": "blocked", "fused": "fused"}
LEAST, MOST = 1, 8  # decimal exponents of the slider's ends
# What a piece is, the colour's name in a page and its value elsewhere.
KINDS = {
    "call": ("calls", "soft", "#5c6672"),
    "read": ("read from memory", "line1", "#0072b2"),
    "write": ("written to memory", "line2", "#d55e00"),
    "cached": ("read and written in the cache", "line6", "#56b4e9"),
}


@dataclass(frozen=True)
class Bar:
    r"""A form: what its step costs, and what it moves.

    Attributes
    ----------
    form : str
        Its name in `traffic`.
    call : float
        Seconds a call.
    calls : int
        Calls a step, or a block of it.
    memory, cached : int
        Arrays moved from and to memory, and within the cache.
    """

    form: str
    call: float
    calls: int
    memory: int
    cached: int


@dataclass(frozen=True, repr=False)
class Movement:
    r"""What `movement` returns; a page or a notebook shows it by itself.

    Attributes
    ----------
    bars : tuple of Bar
        The forms.
    memory, cache : float
        Bytes a second.
    itemsize, block : int
        Bytes a parameter; parameters a block.
    start : int
        Parameters at which it stands at first.
    pieces : dict
        The drawn pieces of each form.
    """

    bars: tuple[Bar, ...]
    memory: float
    cache: float
    itemsize: int
    block: int
    start: int
    pieces: dict[str, str]

    def costs(self, form: str, size: float) -> tuple[float, float, float]:
        r"""Return the seconds that a step spends in calls, on memory and on the cache."""
        bar = next(b for b in self.bars if b.form == form)
        blocks = math.ceil(size / self.block) if form == "blocked" else 1
        bytes_each = size * self.itemsize
        return (
            bar.call * bar.calls * blocks,
            bar.memory * bytes_each / self.memory,
            bar.cached * bytes_each / self.cache,
        )

    def _repr_html_(self) -> str:
        longest = max(sum(self.costs(b.form, self.start)) for b in self.bars)
        rows = []
        for bar in self.bars:
            times = self.costs(bar.form, self.start)
            shares = [100 * seconds / longest for seconds in times]
            counts = (bar.calls, bar.memory, bar.cached)
            values = ";".join(
                f"--{name}:{share / count if count else 0:.5g}"
                for name, share, count in zip("cbk", shares, counts, strict=True)
            )
            moved = f"{bar.memory} arrays"
            if bar.cached:
                moved += f", {bar.cached} in the cache"
            plural = "s" if bar.calls > 1 else ""
            each = " a block" if bar.form == "blocked" else ""
            said = f"{spoken(sum(times))}, {times[0] / sum(times):.0%} calls"
            rows.append(
                f'<div class="mv-row" data-form="{bar.form}"><div><b>{LABELS[bar.form]}</b> '
                f"<span>{bar.calls} call{plural}{each}, {moved}</span> "
                f'<span class="mv-time">{said}</span></div>'
                f'<svg width="100%" height="24" style="height:24px;{values}" aria-hidden="true">'
                f"{self.pieces[bar.form]}"
                '<rect class="mv-later" height="24" width="100%"></rect></svg></div>'
            )
        legend = "".join(
            f'<span><i style="background:var(--od-{name},{value})"></i>{words}</span>'
            for words, name, value in KINDS.values()
        )
        numbers = json.dumps(
            {
                "memory": self.memory,
                "cache": self.cache,
                "itemsize": self.itemsize,
                "block": self.block,
                "bars": {b.form: [b.call, b.calls, b.memory, b.cached] for b in self.bars},
            }
        )
        script = resources.files(__package__).joinpath("movement.js").read_text(encoding="utf-8")
        position = math.log10(self.start)
        return f"""<div class="optedu-drawing optedu-movement" role="group" \
aria-label="{html.escape(self.alt)}" style="--now:100">
<div class="mv-bar" hidden><button type="button">Play</button>
<label>Parameters <input type="range" min="{LEAST}" max="{MOST}" step="0.05" value="{position:g}">
</label><output class="mv-size">{self.start:,}</output></div>
{"".join(rows)}
<div class="mv-legend">{legend}</div>
<script type="application/json">{numbers}</script>
<script>{script}</script>
</div>"""

    @property
    def alt(self) -> str:
        r"""What is seen, in words, at the size at which it starts."""
        parts = [
            f"{LABELS[b.form]} {spoken(sum(self.costs(b.form, self.start)))}" for b in self.bars
        ]
        return f"One step on {self.start:,} parameters, as bars along time: {', '.join(parts)}."

    def __repr__(self) -> str:
        return f"<Movement: {self.alt}>"


def spoken(seconds: float) -> str:
    r"""Write a time with two digits and the unit that suits it.

    Examples
    --------
    >>> spoken(0.0204), spoken(4.97e-6), spoken(1.5)
    ('20 ms', '5.0 µs', '1.5 s')
    """
    for unit, factor in (("µs", 1e6), ("ms", 1e3), ("s", 1.0)):
        value = seconds * factor
        if value < 999.5 or unit == "s":
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    raise AssertionError


def movement(
    rule: Rule,
    *,
    calls: Mapping[str, float],
    memory: float,
    cache: float,
    block: int,
    itemsize: int = 4,
    start: int = 10_000_000,
) -> Movement:
    r"""Return the bars of a rule's step.

    Parameters
    ----------
    rule : Rule
        The update rule; its forms are counted by `optedu.compile.traffic.passes`.
    calls : mapping of str to float
        The forms to show, in their order, with the seconds that one of their calls costs.
    memory, cache : float
        Bytes that memory and the cache move in a second.
    block : int
        Parameters of a block of the blocked form.
    itemsize : int
        Bytes a parameter.
    start : int
        Parameters at which it stands at first, between 10 and 100,000,000.

    Returns
    -------
    Movement

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    Examples
    --------
    >>> adam = optedu.rules.get("adam")
    >>> movement(adam, calls={"numpy": 4e-7, "fused": 2e-6}, memory=6e10, cache=2e11, block=50_000)
    <Movement: One step on 10,000,000 parameters, as bars along time: in place 19 ms, fused 4.7 ms.>
    """
    if not calls:
        raise ValueError(f"calls must name at least one form of {', '.join(FORMS)}, got none")
    memory = validate.positive("memory", memory)
    cache = validate.positive("cache", cache)
    block = validate.count("block", block, minimum=1)
    itemsize = validate.count("itemsize", itemsize, minimum=1)
    start = validate.count("start", start, minimum=10**LEAST)
    if start > 10**MOST:
        raise ValueError(f"start must be at most {10**MOST:,}, got {start:,}")
    bars, pieces = [], {}
    for form, call in calls.items():
        form = validate.choice("form", form, FORMS)
        found = passes(rule, form)
        pieces[form] = _pieces([(p.reads, p.writes, p.cached) for p in found])
        bars.append(
            Bar(
                form,
                validate.positive(f"calls[{form!r}]", call),
                len(found),
                sum(p.reads + p.writes for p in found),
                sum(p.cached for p in found),
            )
        )
    return Movement(tuple(bars), memory, cache, itemsize, block, start, pieces)


def _pieces(found: list[tuple[int, int, int]]) -> str:
    r"""Return the rectangles: each begins after all calls and arrays that came before it."""
    out, done = [], [0, 0, 0]
    for reads, writes, cached in found:
        for kind, number, slot in (
            ("call", 1, 0), ("read", reads, 1), ("cached", cached, 2), ("write", writes, 1),
        ):  # fmt: skip
            if not number:
                continue
            x = _sum(done)
            width = _sum([number if k == slot else 0 for k in range(3)])
            done[slot] += number
            _, name, value = KINDS[kind]
            fill = f"var(--od-{name},{value})"
            out.append(f'<rect height="24" style="x:{x};width:{width};fill:{fill}"></rect>')
    return "".join(out)


def _sum(numbers: list[int]) -> str:
    terms = [f"{n}*var(--{name})" for n, name in zip(numbers, "cbk", strict=True) if n]
    return f"calc(1%*({' + '.join(terms) or 0}))"
