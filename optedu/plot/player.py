r"""`animation`: trajectories that move, in a page or a notebook, without any server or library."""

from __future__ import annotations

import base64
import html
import io
import json
import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np

from optedu import validate
from optedu.arrays import to_numpy
from optedu.plot import style
from optedu.plot.alternative import alt_text
from optedu.plot.landscape import contours, trajectories, view
from optedu.plot.scripts import script
from optedu.run.minimization import Run

__all__ = ["Animation", "animation"]

# Enough for a smooth picture; the file stays small.
_FRAMES = 400


@dataclass(frozen=True, repr=False, eq=False)
class Animation:
    r"""What `animation` returns; a notebook or page shows it by itself.

    Attributes
    ----------
    html : str
        A self-contained fragment: the landscape as a picture, the points as numbers, a canvas, a
        play button and a slider. It starts by itself, save where the reader prefers no motion.
    description : str
        What it shows, in words.
    frames : int
        Number of frames.
    """

    html: str
    description: str
    frames: int

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<Animation of {self.frames} frames: {self.description}>"


def animation(problem: Any, runs: Any, *, window: Any = None, seconds: float = 6.0) -> Animation:
    r"""Return an animation of runs on the landscape of a problem.

    Parameters
    ----------
    problem : Problem
        In one or two dimensions.
    runs : Run, list of Run, or mapping of label to Run
        Trajectories; they move in step.
    window : pair of pairs, optional
        As for `contours`.
    seconds : float
        How long it takes.

    Returns
    -------
    Animation

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    Examples
    --------
    >>> problem = optedu.problems.himmelblau()
    >>> run = optedu.minimize(problem, optimizer="adam", lr=0.2, steps=60)
    >>> optedu.plot.animation(problem, run)
    <Animation of 61 frames: adam on himmelblau: in 60 steps the objective goes from 170 to ...>
    """
    window = view(problem, window)
    seconds = validate.positive("seconds", seconds)
    labelled = trajectories(problem, runs)
    longest = max(len(run.t) for run in labelled.values())
    frames = np.unique(np.linspace(0, longest - 1, min(longest, _FRAMES)).round().astype(int))
    picture, box = _background(problem, window)
    steps = max((run.t for run in labelled.values()), key=len)
    data = {
        "box": box,
        "seconds": seconds,
        "steps": steps[frames].tolist(),
        "runs": [
            {
                "label": label,
                "color": style.PALETTE[i % len(style.PALETTE)],
                "points": _points(problem, run, window, frames),
            }
            for i, (label, run) in enumerate(labelled.items())
        ],
    }
    description = alt_text(labelled)
    name = f"optedu-{uuid.uuid4().hex[:12]}"
    legend = "".join(
        f'<span style="white-space:nowrap"><span aria-hidden="true" style="display:inline-block;'
        f"width:1.1em;height:.25em;margin:0 .35em .2em .8em;background:{run['color']}"
        f'"></span>{html.escape(run["label"])}</span>'
        for run in data["runs"]
    )
    # A label can't end the script element from within its data.
    numbers = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    fragment = f"""<figure id="{name}" class="optedu-animation" style="max-width:44rem;margin:0">
<div style="position:relative">
<img alt="{html.escape(description)}" src="data:image/png;base64,{picture}" \
style="width:100%;display:block;margin:0">
<canvas aria-hidden="true" style="position:absolute;inset:0;width:100%;height:100%"></canvas>
</div>
<div style="display:flex;align-items:center;gap:.6em;margin-top:.4em">
<button type="button" style="min-width:4.5em;min-height:2.75em;font:inherit">Play</button>
<input type="range" min="0" max="{len(frames) - 1}" value="0" step="1" \
aria-label="Step" style="flex:1;min-width:4em">
<output style="min-width:6em;font-variant-numeric:tabular-nums">step 0</output>
</div>
<figcaption style="font-size:.9em">{legend}</figcaption>
<script type="application/json">{numbers}</script>
<script>{script("player").replace("__ID__", name)}</script>
</figure>"""
    return Animation(fragment, description, len(frames))


def _background(problem: Any, window: Any) -> tuple[str, list[float]]:
    r"""Return the landscape as a PNG, and where its axes lie in it, as fractions."""
    import matplotlib.pyplot as plt
    from PIL import Image

    figure, ax = style.subplots()
    try:
        contours(problem, window=window, ax=ax)
        figure.canvas.draw()
        where = ax.get_position()
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=150)
    finally:
        plt.close(figure)
    # The picture has few colours: a palette makes it a third of the size.
    small = io.BytesIO()
    with Image.open(stream) as image:
        image.convert("RGB").quantize(96).save(small, format="png", optimize=True)
    box = [where.x0, 1 - where.y1, where.x1, 1 - where.y0]
    # On a graph the ordinate is chosen by the drawing.
    limits = [*ax.get_xlim(), *ax.get_ylim()]
    return base64.b64encode(small.getvalue()).decode(), [round(v, 5) for v in (*box, *limits)]


def _points(problem: Any, run: Run, window: Any, frames: np.ndarray) -> list[list[float]]:
    r"""Return the points of the frames, as long as the run goes, with four significant digits."""
    path = to_numpy(run.x)
    if path.ndim == 3:
        path = path[:, :, 0]
    path = path[frames[frames < len(path)]]
    path = path[np.isfinite(path).all(axis=1)]
    if problem.dim == 1:
        path = np.stack([path[:, 0], np.asarray(problem.f(path.T.copy()))], axis=1)
    # Points far away are drawn beyond the edge all the same.
    return [[float(f"{v:.5g}") for v in point] for point in np.clip(path, -1e6, 1e6)]
