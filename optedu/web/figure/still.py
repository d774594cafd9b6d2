r"""The still of a figure: what a reader without JavaScript sees, and a reader on paper.

Drawn by `optedu.plot` from runs of `optedu.minimize` with the figure's own configuration.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from scipy.optimize import brentq

from optedu import plot, symbols
from optedu.compile.traffic import traffic
from optedu.plot import style
from optedu.run.minimization import Run
from optedu.run.sweeping import sweep
from optedu.symbols import lr, momentum
from optedu.web.figure import catalog, derived, expectation, trajectories

__all__ = ["draw"]


@style.styled
def draw(config: Mapping[str, Any], path: Path) -> tuple[int, int]:
    r"""Draw the still of a configuration into a PNG file; return its width and height.

    The width and height are those to show it at; the file has twice as many pixels.
    """
    runs = [trajectories.run(config, chosen) for chosen in config["runs"]]
    views = config["views"]
    figure = Figure(figsize=(3.75 * len(views), 3.125), dpi=192)
    panels = figure.subplots(1, len(views), squeeze=False)[0]
    for ax, view in zip(panels, views, strict=True):
        _VIEWS[view["type"]](ax, view, config, runs)
    handles, labels = panels[0].get_legend_handles_labels()
    for ax in panels:
        if ax.get_legend() is not None:
            ax.get_legend().remove()
        if not handles:
            handles, labels = ax.get_legend_handles_labels()
    if handles:
        legend(figure, handles, labels)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    # 64 colours are enough, and a third of the bytes.
    Image.open(buffer).convert("RGB").quantize(64).save(path, optimize=True)
    width, height = (figure.get_size_inches() * 96).round().astype(int)
    return int(width), int(height)


def legend(figure: Figure, handles: list[Any], labels: list[str]) -> Any:
    r"""Draw a legend below a figure, in as many columns as its width has room for."""
    for columns in range(len(labels), 0, -1):
        drawn = figure.legend(
            handles, labels, loc="outside lower center", ncols=columns, frameon=False
        )
        if columns == 1 or drawn.get_window_extent().width <= figure.bbox.width:
            return drawn
        drawn.remove()


def _each(
    config: Mapping[str, Any], runs: Iterable[Any]
) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    r"""Yield the colour of each run, what was chosen for it, and the run."""
    for number, (chosen, run) in enumerate(zip(config["runs"], runs, strict=True)):
        yield style.PALETTE[number % len(style.PALETTE)], chosen, run


def _hyper(chosen: Mapping[str, Any]) -> dict[str, float]:
    r"""Return all hyper-parameters of a run by name."""
    return {**catalog.rule(chosen["rule"]).defaults(), **chosen["hyper"]}


def _labelled(config: Mapping[str, Any], runs: list[Run]) -> dict[str, Run]:
    return {chosen["label"]: run for chosen, run in zip(config["runs"], runs, strict=True)}


def _plane(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    problem = catalog.problem(config["problem"])
    plot.contours(problem, _labelled(config, runs), window=view.get("window"), ax=ax)


def _chart(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    positive = True
    for colour, chosen, run in _each(config, runs):
        gradients, states = trajectories.state_history(config, chosen, run)
        for k, name in enumerate(view["y"]):
            values = trajectories.quantity(name, run, gradients, states)
            # A run on its way to infinity would leave nothing of the others; the script cuts too.
            values = np.where(np.abs(values) < 1e12, values, np.nan)
            finite = values[np.isfinite(values)]
            positive &= bool((finite >= 0).all() and (finite > 0).any())
            label = chosen["label"] if k == 0 else None
            ax.plot(values, color=colour, ls=("-", "--", ":")[k], label=label)
    if view.get("log", positive and view["y"][0] not in ("x", "f", "g")):
        ax.set_yscale("log", nonpositive="mask")
        ax.set_ylim(bottom=max(ax.get_ylim()[0], 1e-18))
    ax.set(xlabel="step $t$", title=view.get("title", " and ".join(map(_words, view["y"]))))
    ax.grid(True)


def _profile(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    problem = catalog.problem(config["problem"])
    ends = view.get("ends", [np.nan, np.nan])
    place = np.arange(problem.dim + 2)

    def chain(heights: np.ndarray, **look: Any) -> None:
        ax.plot(place, [ends[0], *heights, ends[1]], **look)

    if problem.minimizer is not None:
        chain(problem.minimizer, color=style.MUTED, ls="--")
    for colour, chosen, run in _each(config, runs):
        shown = run.x[min(config.get("t", run.steps), len(run.x) - 1)]
        chain(shown, color=colour, marker=".", label=chosen["label"])
    ax.set(xlabel="coordinate", title="height of each bead")
    ax.grid(True)


def _words(name: str) -> str:
    words = {
        "loss": "loss above the minimum",
        "f": "$f(x)$",
        "x": "$x$",
        "distance": "distance to the minimum",
        "step": "length of the step",
        "g": "gradient",
        "g2": "squared gradient",
    }
    return words.get(name, f"${name}$")


def _eigen(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
    ax.plot(circle.real, circle.imag, color=style.MUTED, lw=1)
    for colour, chosen, _ in _each(config, runs):
        rule = catalog.rule(chosen["rule"])
        matrix = derived.iteration_matrix(rule)
        if matrix is None:
            continue
        names = [derived.CURVATURE, *(h.symbol for h in rule.hypers)]
        parts = sympy.lambdify(names, derived.eigenvalues(matrix), "math")
        hyper = _hyper(chosen)
        for lam, mark in zip(catalog.problem(config["problem"]).eigenvalues, "os", strict=False):
            a, b, c, d = parts(lam, *hyper.values())
            ax.plot([a, c], [b, d], mark, color=colour)
    ax.set(aspect="equal", title="eigenvalues of a step")


def _heat(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    chosen = config["runs"][0]
    rule = catalog.rule(chosen["rule"])
    axes = {name: _along(rule, name, view["ranges"].get(name)) for name in (view["x"], view["y"])}
    swept = sweep(
        catalog.problem(config["problem"]),
        np.array(config["start"]),
        optimizer=rule,
        steps=config["steps"],
        **{**chosen["hyper"], **axes},
    )
    plot.sensitivity(swept, colorbar=False, ax=ax)


def _along(rule: Any, name: str, ends: Mapping[str, float] | None, count: int = 40) -> np.ndarray:
    from optedu.web.figure.script import slider

    (hyper,) = (h for h in rule.hypers if h.name == name)
    own = {**slider(hyper), **(ends or {})}
    if own["scale"] == "log":
        return np.geomspace(own["lo"], own["hi"], count)
    return np.linspace(own["lo"], own["hi"], count)


def _floor(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    batches = 2 ** np.arange(0, 11, 2)
    problem = catalog.problem(config["problem"])
    noises = getattr(problem, "noises", [config["noise"]] * problem.dim)
    for colour, chosen, _ in _each(config, runs):
        measured = []
        for batch in batches:
            away = trajectories.run(config, chosen, batch=int(batch)).x - problem.minimizer
            measured.append(np.mean(np.sum(away[len(away) // 2 :] ** 2, axis=1)))
        floor = derived.noise_floor().subs(symbols.lr, _hyper(chosen)["lr"])
        predicted = sum(
            floor.subs({derived.CURVATURE: lam, derived.NOISE: noise})
            for lam, noise in zip(problem.eigenvalues, noises, strict=True)
        )
        line = [float(predicted.subs(symbols.batch_size, int(b))) for b in batches]
        ax.loglog(batches, line, color=colour)
        ax.loglog(batches, measured, "o", color=colour, label=chosen["label"])
    squared = "x^2" if problem.dim == 1 else r"\mathrm{distance}^2"
    ax.set(xlabel="batch size $B$", title=f"mean of ${squared}$, second half of the run")


def _cloud(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    r"""Draw minibatch gradients where the first run stands, around the gradient of all examples."""
    problem, batch = catalog.problem(config["problem"]), config["batch"]
    point, g = _gradient(config, runs)
    rng = np.random.default_rng(config["seed"])
    drawn = [problem.grad(point, rng.integers(problem.examples, size=batch)) for _ in range(200)]
    ax.plot(*np.transpose(drawn), ".", color=style.PALETTE[0], markersize=4)
    root = np.linalg.cholesky(np.cov(problem.each(point), bias=True) / batch)
    turn = np.linspace(0, 2 * np.pi, 97)
    ax.plot(*(g[:, None] + root @ [np.cos(turn), np.sin(turn)]), color="black", lw=1, ls="--")
    ax.annotate("", g, (0, 0), arrowprops={"arrowstyle": "->", "color": "black", "lw": 2})
    spread = np.hstack([problem.each(problem.x0 * 0 + config["start"]), np.zeros((2, 1))])
    low, high = spread.min(axis=1), spread.max(axis=1)
    margin = 0.06 * (high - low)  # as in the script, or the outermost dots are cut
    ax.set(**dict(zip(("xlim", "ylim"), np.stack([low - margin, high + margin], 1), strict=True)))
    ax.set(xlabel="gradient: slope", title="gradients of 200 minibatches")


def _memory(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    r"""Draw the share that each past gradient has in the state by which a run divides."""
    for colour, chosen, run in _each(config, runs):
        kept = trajectories.memory(chosen)
        last = min(config.get("t", config["steps"]), run.steps)
        if kept is None or not last:
            continue
        past = np.arange(1, last + 1)
        squares = trajectories.state_history(config, chosen, run)[0][1 : last + 1] ** 2
        weight = kept.take * kept.keep ** (last - past) * squares
        ax.semilogy(past, weight / weight.sum(), color=colour, label=chosen["label"])
    ax.set(xlabel="past step", ylim=(1e-4, 1.6), xlim=(0, config["steps"]))
    ax.set_title("share of its gradient in the memory")
    ax.grid(True)


def _box(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    r"""Draw where each run is, the box of its weight decay, and the minimum with an L2 penalty."""
    problem = catalog.problem(config["problem"])
    (minimum,) = problem.minimizer
    for row, (colour, chosen, run) in enumerate(_each(config, runs)):
        decay = _hyper(chosen).get("weight_decay", 0)
        if decay > 0:
            ax.barh(row, 2 / decay, left=-1 / decay, height=0.5, color=style.MUTED, alpha=0.25)
        ends = sorted((0.0, minimum))
        penalized = brentq(lambda x, d=decay: float(problem.grad(np.array([x]))[0]) + d * x, *ends)
        ax.plot([penalized] * 2, [row - 0.25, row + 0.25], color=style.MUTED, lw=2)
        ax.plot(minimum, row, "x", color=style.MUTED)
        shown = run.x[min(config.get("t", run.steps), run.steps), 0]
        ax.plot(shown, row, "o", color=colour, label=chosen["label"])
    ends = [min(0, minimum), max(0, minimum)]
    pad = 0.12 * (ends[1] - ends[0])
    ax.set(xlabel="$x$", title="where each run is", yticks=[], xlim=(ends[0] - pad, ends[1] + pad))
    ax.set_ylim(len(runs) - 0.5, -0.5)


def _squares(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    r"""Draw what the first run that keeps it has added up of each coordinate, as squares."""
    for colour, chosen, run in _each(config, runs):
        if view["state"] not in (s.name for s in catalog.rule(chosen["rule"]).states):
            continue
        t = min(config.get("t", run.steps), len(run.x) - 1)
        sums = [trajectories.state_history(config, chosen, run, k)[1] for k in range(2)]
        sides = [np.sqrt(one[view["state"]]) for one in sums]
        most = max(side[-1] for side in sides)
        for k, side in enumerate(sides):
            now, left = side[t] / most, 1.15 * k
            light = (*to_rgb(colour), 0.25)
            ax.add_patch(Rectangle((left, 0), now, now, edgecolor=colour, facecolor=light, lw=2))
            ax.text(left, now + 0.03, f"side {side[t]:.3g}")
            ax.text(left, -0.12, view["names"][k])
        break
    ax.set(xlim=(-0.05, 2.2), ylim=(-0.2, 1.15), aspect="equal", title="summed squares as areas")
    ax.set_axis_off()


def _speed(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    r"""Draw the bytes that a step moves; the rates are measured in the reader's browser only."""
    for colour, chosen, _ in _each(config, runs):
        moved = traffic(catalog.rule(chosen["rule"]), "fused")
        ax.barh(
            [chosen["label"]],
            [8 * (moved.reads + moved.writes)],
            color=colour,
            label=chosen["label"],
        )
    ax.set(title="bytes moved, per parameter and step")
    ax.set_yticks([])


def _relief(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    r"""Draw the surface as the script does: cells from far to near, the paths on it."""
    problem = catalog.problem(config["problem"])
    turn, tilt = np.radians(view.get("turn", -35.0)), np.radians(view.get("tilt", 32.0))
    lo, hi = np.array(problem.window, dtype=float).T
    u, v = np.meshgrid(*[np.linspace(-1, 1, 41)] * 2, indexing="ij")
    heights = problem.f(
        np.stack([u, v]).reshape(2, -1) * ((hi - lo) / 2)[:, None] + ((lo + hi) / 2)[:, None]
    )
    low, span = heights.min(), np.ptp(heights) or 1.0
    median = (np.median(heights) - low) / span
    power = min(1.0, np.log(0.5) / np.log(median)) if 0 < median < 1 else 1.0

    def level(f: Any) -> np.ndarray:
        return np.clip((f - low) / span, 0, 1) ** power - 0.5

    def pixel(u: Any, v: Any, z: Any) -> np.ndarray:
        far = u * np.sin(turn) + v * np.cos(turn)
        across = u * np.cos(turn) - v * np.sin(turn)
        return np.stack([across, 1.1 * z * np.cos(tilt) + far * np.sin(tilt)], axis=-1)

    def drawn(points: Any, *args: Any, **how: Any) -> None:
        inside = np.where(
            (np.abs(points := 2 * (points - lo) / (hi - lo) - 1) <= 1).all(axis=1)[:, None],
            points,
            np.nan,
        )
        f = problem.f((((inside + 1) / 2) * (hi - lo) + lo).T)
        ax.plot(*pixel(inside[:, 0], inside[:, 1], level(f)).T, *args, zorder=3, **how)

    z = level(heights).reshape(u.shape)
    corners = pixel(u, v, z)
    quads = np.stack(
        [corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], axis=2
    )
    far = (u * np.sin(turn) + v * np.cos(turn))[:-1, :-1].ravel()
    order = np.argsort(-far)
    shade = (np.round((z[:-1, :-1] + z[1:, 1:] + 1) * 7) / 14).ravel()[order]
    surface = PolyCollection(
        list(quads.reshape(-1, 4, 2)[order]),
        cmap=style.terrain,
        array=shade,
        edgecolors="face",
        lw=0.3,
    )
    ax.add_collection(surface)
    if "stable" in view:
        first, last = view["stable"]
        drawn(np.linspace(first, last, 60), ls="--", color="black", lw=1)
    for colour, chosen, run in _each(config, runs):
        drawn(run.x, color=colour, label=chosen["label"])
    ax.autoscale_view()
    letter = view.get("names", "x")[0][0]
    ax.set(aspect="equal", title=f"height: $f({letter})$")
    ax.set_axis_off()


def _stability(
    ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]
) -> None:
    r"""Draw where the rules converge, coloured by how fast the first does, and the runs' points."""
    scaled, rho = np.linspace(0, view["to"], 121)[1:], np.linspace(0, 0.999, 81)
    for number, name in enumerate(view["rules"]):
        rule = catalog.rule(name)
        fixed = {h.symbol: h.default for h in rule.hypers if h.symbol not in (lr, momentum)}
        fixed[derived.CURVATURE] = 1
        if number == 0:
            parts = [e.subs(fixed) for e in derived.eigenvalues(derived.iteration_matrix(rule))]
            a, b, c, d = sympy.lambdify([lr, momentum], parts)(*np.meshgrid(scaled, rho))
            radius = np.maximum(np.hypot(a, b), np.hypot(c, d))
            shown = np.where(radius <= 1, radius**2, np.nan)
            ax.set_facecolor(style.MUTED)
            ax.pcolormesh(scaled, rho, shown, cmap=style.terrain, shading="auto", rasterized=True)
        limit = sympy.lambdify(momentum, sympy.sympify(derived.stability_limit(rule)).subs(fixed))
        border = np.broadcast_to(limit(rho), rho.shape)
        ax.plot(border, rho, color="black", ls=("-", "--", ":")[number % 3], label=rule.title)
    for colour, chosen, _ in _each(config, runs):
        if chosen["rule"] not in view["rules"]:
            continue
        hyper = _hyper(chosen)
        curvatures = catalog.problem(config["problem"]).eigenvalues
        points = [hyper["lr"] * lam for lam in curvatures]
        ax.plot(points, [hyper["momentum"]] * len(points), "s-", color=colour)
    ax.set(xlabel=r"$\eta h$", ylabel=r"$\rho$", xlim=(0, view["to"]), ylim=(0, 1))
    ax.set(title="where it converges")


def _ball(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    r"""Draw the plane, and a ball for each run where it stands, with its velocity as an arrow."""
    _plane(ax, view, config, runs)
    problem = catalog.problem(config["problem"])
    for colour, _, run in _each(config, runs):
        t = min(config.get("t", len(run.x) - 1), len(run.x) - 1)
        at, ahead = run.x[t], run.x[min(t + 1, len(run.x) - 1)]
        if problem.dim == 1:
            height = float(problem.f(at))
            at, ahead = np.array([at[0], height]), np.array([ahead[0], height])
        ax.plot(*at, "o", color=colour, markersize=9)
        ax.annotate("", ahead, at, arrowprops={"arrowstyle": "->", "color": colour, "lw": 2})


def _gradient(config: Mapping[str, Any], runs: list[Run]) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the point at which the figure begins, and the gradient there."""
    point = runs[0].x[min(config.get("t", config["steps"]), len(runs[0].x) - 1)]
    return point, catalog.problem(config["problem"]).grad(point)


def _arrows(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    _plane(ax, view, config, runs)
    ax.set_aspect("equal")
    point, g = _gradient(config, runs)
    size = 0.2 * np.ptp(ax.get_xlim())
    angle = np.radians(next(v for v in config["views"] if v["type"] == "compass").get("angle", 0))
    for way, name, color in (
        (g / np.linalg.norm(g), r"$\nabla f$", "black"),
        (np.array([np.cos(angle), np.sin(angle)]), "$d$", style.PALETTE[0]),
    ):
        ax.annotate(
            name,
            point,
            point + size * way,
            color=color,
            ha="center",
            va="center",
            arrowprops={"arrowstyle": "<-", "color": color, "lw": 2},
        )


def _compass(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    _, g = _gradient(config, runs)
    turns = np.arange(-180, 181)
    slopes = g @ np.array([np.cos(np.radians(turns)), np.sin(np.radians(turns))])
    ax.plot(turns, slopes, color="black")
    ax.axhline(0, color=style.MUTED, lw=1)
    ax.axvline(turns[np.argmin(slopes)], color="black", lw=1, ls=":")
    at = int(view.get("angle", 0))
    ax.plot(at, slopes[at + 180], "o", color=style.PALETTE[0])
    ax.set(xlabel="direction of $d$, in degrees", title="slope along $d$")


def _width(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    r"""Draw the last loss of each run over its learning rate, and the level that counts as good."""
    problem, rates = catalog.problem(config["problem"]), np.geomspace(view["lo"], view["hi"], 61)
    first = runs[0].gap[0]
    for colour, chosen, _ in _each(config, runs):
        swept = sweep(
            problem,
            np.array(config["start"]),
            optimizer=catalog.rule(chosen["rule"]),
            steps=config["steps"],
            **{**chosen["hyper"], "lr": rates},
        )
        height = np.where(swept.diverged, np.nan, swept.f - problem.minimum)
        ax.loglog(
            rates, np.clip(height, first * 1e-10, None), ".-", color=colour, label=chosen["label"]
        )
    ax.axhline(first * view["within"], color=style.MUTED, ls="--", lw=1)
    ax.set(ylim=(first * 1e-10, first * 1e6), xlabel=r"$\eta$", title="loss at the end")
    ax.grid(True)


def _rates(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    r"""Draw the learning rate of each run over the step."""
    steps = np.arange(1, config["steps"] + 1)
    for colour, chosen, _ in _each(config, runs):
        hyper = _hyper(chosen)
        moves = trajectories.rate(config, chosen)
        values = [moves(int(k)) if moves else hyper["lr"] for k in steps]
        ax.plot(steps, values, color=colour, label=chosen["label"])
    ax.set(ylim=(0, view["to"]), xlabel="step $t$", title="learning rate")
    ax.grid(True)


def _expected(ax: Any, view: Mapping[str, Any], config: Mapping[str, Any], runs: list[Run]) -> None:
    r"""Draw the expected loss of each run over the step."""
    for colour, chosen, _ in _each(config, runs):
        losses = expectation.expected(config, chosen)
        if losses is not None:
            ax.semilogy(losses, color=colour, label=chosen["label"])
    ax.set(xlabel="step $t$", title="expected loss")
    ax.grid(True)


_VIEWS: dict[str, Callable[..., None]] = {
    "plane": _plane,
    "chart": _chart,
    "profile": _profile,
    "eigen": _eigen,
    "heat": _heat,
    "floor": _floor,
    "cloud": _cloud,
    "memory": _memory,
    "box": _box,
    "speed": _speed,
    "squares": _squares,
    "relief": _relief,
    "stability": _stability,
    "ball": _ball,
    "arrows": _arrows,
    "compass": _compass,
    "width": _width,
    "rates": _rates,
    "expected": _expected,
}
