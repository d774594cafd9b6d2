"""What an author writes in ``{optfigure}``, and what becomes of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from matplotlib.figure import Figure

import optedu
from optedu import rules
from optedu.quantities import x
from optedu.symbols import batch_size, g, lr, momentum, t
from optedu.web.figure import (
    catalog,
    derived,
    examples,
    expectation,
    noise,
    script,
    still,
    trajectories,
)
from optedu.web.figure.configuration import _VIEWS, configuration, merged, presets

CHAPTER_PRESETS = {
    "slope-step",
    "divergence",
    "saddle-noise",
    "noise-floor",
    "minibatch-cloud",
    "momentum-eigenvalues",
    "look-ahead",
    "springs",
    "two-limits",
    "adagrad-step",
    "sum-and-mean",
    "rare-frequent",
    "rmsprop-window",
    "adam-bias",
    "reddi",
    "reddi-index",
    "decay-box",
    "warm-up",
    "schedule-handles",
    "sensitivity",
    "good-region",
    "good-rates",
}
# Scripts of views that few figures have, and the most bytes of each; what loads them.
RARE = {
    "relief.js": 8_000,
    "stability.js": 4_200,
    "ball.js": 1_500,
    "limits.js": 500,
    "compass.js": 5_000,
    "profile.js": 1_700,
    "cloud.js": 3_000,
    "memory.js": 3_000,
    "box.js": 3_600,
    "squares.js": 2_100,
    "width.js": 3_800,
    "rates.js": 11_500,
    "shapes.js": 6_000,
    "png.js": 1_500,
}
LOADED_BY = {"limits.js": "stability.js", "shapes.js": "rates.js", "png.js": "figure.js"}


def build(folder: Path, page: str, builder: str = "html") -> tuple[int, str]:
    """Build a site of one page; return the exit status and what Sphinx said."""
    (folder / "conf.py").write_text(
        'extensions = ["myst_parser", "optedu.web.figures"]\n'
        'exclude_patterns = ["_site"]\nnumfig = True\n'
    )
    (folder / "index.md").write_text(page)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-b", builder, str(folder), str(folder / "_site")],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


# -- the scripts -----------------------------------------------------------------------------------


def test_the_scripts_are_under_sixty_four_kilobytes() -> None:
    scripts = {k: v for k, v in script.assets().items() if k.endswith(".js")}
    everywhere = {"draw.js", "engine.js", "figure.js", "printed.js", "views.js"}
    assert set(scripts) == {*everywhere, *RARE}
    assert sum(len(scripts[name].encode()) for name in everywhere) < 64_000
    for name, most in RARE.items():
        assert len(scripts[name].encode()) < most
        assert f'from "./{name}"' not in "".join(scripts[other] for other in everywhere)
        if name in LOADED_BY:
            assert re.search(rf'(from |import\()"./{name}"', scripts[LOADED_BY[name]])
    # A view that the common scripts lack is loaded where it is needed only, by its name.
    assert "import(`./${SHARED[type] ?? type}.js`)" in scripts["figure.js"]
    (shared,) = re.findall(r"SHARED=\{(.*?)\}", scripts["figure.js"])
    shared = dict(re.findall(r'(\w+):"(\w+)"', shared))
    (common,) = re.findall(r"export const VIEWS=\{(.*?)\}", scripts["views.js"])
    rare = set(_VIEWS) - set(re.findall(r"(\w+):", common))
    assert {f"{shared.get(view, view)}.js" for view in rare} == set(RARE) - set(LOADED_BY)
    for view in rare:
        source = scripts[f"{shared.get(view, view)}.js"]
        assert f"export class {view.capitalize()} extends" in source


def test_the_hand_written_scripts_hold_no_rule() -> None:
    names = {h.name for rule in rules.all().values() for h in rule.hypers} - {"lr", "momentum"}
    for path in script.ASSETS.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(rf"\b({'|'.join(names)})\b", text), path.name
        assert "http" not in text, "a figure asks no other host for anything"


def test_every_rule_and_problem_is_printed() -> None:
    text = script.printed()
    for name in catalog.rule_names():
        assert f"function {name}(x, g, state, t, " in text
    derived_ = {name for name, rule in rules.all().items() if rule.chapter}
    assert {"adam", "sgd"} < derived_ < set(catalog.rule_names())
    assert "dog" not in text  # of which no chapter speaks yet
    rare = script.schedules()
    for name in catalog.PROBLEMS:
        assert f'problem("{name}"' in (text if name in catalog.EVERYWHERE else rare)
    assert set(catalog.PROBLEMS) > set(catalog.EVERYWHERE)


def test_compact_keeps_strings_and_signs() -> None:
    source = (
        'const a = "x  = // 1; y";  // note\n/* more */\nlet b = a - -1 + +2;\nif (a) {\n  b;\n}\n'
    )
    assert script.compact(source) == 'const a="x  = // 1; y";let b=a - -1 + +2;if(a){b}\n'


def test_sliders_have_the_rules_own_ranges_and_defaults() -> None:
    for rule in map(catalog.rule, catalog.rule_names()):
        for hyper in rule.hypers:
            ends = script.slider(hyper)
            assert hyper.lower <= ends["lo"] < ends["hi"] <= hyper.upper
            assert ends["lo"] <= hyper.default <= ends["hi"]
            hyper.check(ends["lo"])
            hyper.check(ends["hi"])
            if hyper.name in ("lr", "eps"):
                assert ends["scale"] == "log"


# -- what is derived -------------------------------------------------------------------------------


def test_the_uncorrected_adam_is_adam_without_its_two_divisors() -> None:
    adam, bare = catalog.rule("adam"), catalog.rule("adam_uncorrected")
    point, gradient = np.array([1.0]), np.array([0.5])
    state = adam.init(point)
    full = adam.step(point, gradient, state, 1, eps=0)[0] - point
    raw = bare.step(point, gradient, state, 1, eps=0)[0] - point
    assert raw / full == pytest.approx((1 - 0.9) / np.sqrt(1 - 0.999))


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_a_momentum_step_is_coasting_and_then_the_gradient(name: str) -> None:
    rule = catalog.rule(name)
    state, base, coast = derived.momentum_parts(rule)
    new = {k: v.subs(t, 2) for k, v in derived.composed(rule).items()}
    others = {h.symbol: 0 for h in rule.hypers if h.symbol not in (lr, momentum)}
    after = base.subs(
        {x.old: new[x.new], rule.states[0].old: new[rule.states[0].new]}, simultaneous=True
    )
    assert state == "b"
    assert sympy.simplify((after - coast + lr * g).subs(others)) == 0
    # Nesterov's gradient is taken after coasting, heavy ball's before: where each equals x.
    assert (coast if name == "nesterov" else base) == x.old


@pytest.mark.parametrize("name", ["adam", "adagrad", "sgd"])
def test_other_rules_have_no_momentum_parts(name: str) -> None:
    assert derived.momentum_parts(catalog.rule(name)) is None


def test_growing_momentum_takes_the_two_point_steps() -> None:
    problem, rule = catalog.problem("springs"), catalog.rule("nesterov_growing")
    walked = optedu.minimize(problem, optimizer=rule, lr=0.9, steps=40).x
    x = y = problem.x0
    for k in range(1, 41):
        new = x - 0.9 * problem.grad(x)
        x, y = new + (k - 1) / (k + 2) * (new - y), new
        np.testing.assert_allclose(walked[k], x, rtol=1e-12, atol=1e-15)


def test_only_linear_rules_have_a_matrix() -> None:
    linear = {
        n for n in catalog.rule_names() if derived.iteration_matrix(catalog.rule(n)) is not None
    }
    assert linear == {"sgd", "momentum", "nesterov"}


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
def test_the_largest_learning_rate_of_a_rule_is_where_a_long_run_stops_shrinking(name: str) -> None:
    """On grids of momentum, by the rule's own steps on x^2 and no eigenvalue."""
    rule = catalog.rule(name)
    limit = derived.stability_limit(rule).subs(derived.CURVATURE, 2)
    for rho in (0.0, 0.3, 0.6, 0.9) if name != "sgd" else (0.0,):
        hyper = {h.symbol: h.default for h in rule.hypers} | {momentum: rho}
        border = float(limit.subs(hyper))
        ends = []
        for share in (0.05, 0.3, 0.7, 0.98, 1.02):
            now, state = np.array([1.0]), rule.init(np.array([1.0]))
            own = {} if name == "sgd" else {"momentum": rho}
            for step in range(1, 1001):
                now, state = rule.step(now, 2 * now, state, step, lr=share * border, **own)
            ends.append(abs(now[0]))
        assert max(ends[:-1]) < 1e-3 < 1e3 < ends[-1], (rho, ends)


def test_heavy_balls_limit_is_larger_than_nesterovs() -> None:
    at = {derived.CURVATURE: 1, momentum: sympy.Rational(9, 10)}
    at |= {h.symbol: 0 for h in catalog.rule("momentum").hypers if h.symbol not in (lr, momentum)}
    heavy, nesterov = (
        derived.stability_limit(catalog.rule(name)).subs(at) for name in ("momentum", "nesterov")
    )
    assert (heavy, nesterov) == (sympy.Rational(19, 5), sympy.Rational(19, 14))
    assert derived.stability_limit(catalog.rule("adam")) is None


def test_the_printed_limits_are_the_derived_ones() -> None:
    text = script.limits()
    assert "nesterov: (lam, {momentum, weight_decay}) =>" in text
    assert text.count("=>") == 3


def test_only_gradient_descent_has_a_second_moment_of_its_own() -> None:
    known = {n for n in catalog.rule_names() if derived.second_moment(catalog.rule(n)) is not None}
    assert known == {"sgd"}
    E, lam, s = derived.MOMENT, derived.CURVATURE, derived.VARIANCE
    plain = derived.second_moment(catalog.rule("sgd").at(weight_decay=0))
    assert sympy.expand(plain - ((1 - lr * lam) ** 2 * E + lr**2 * s)) == 0


def test_which_schedule_is_best_turns_with_the_peak() -> None:
    """What the figure's question asks at 0.5, and that it is otherwise at 0.2."""
    ends = {}
    for peak in (0.5, 0.2):
        options = json.loads(json.dumps(presets()["schedule-handles"]))
        for entry in options["optimizers"]:
            next(iter(entry["sgd"]["lr"].values()))["lr"] = peak
        config = configuration(options)
        ends[peak] = [expectation.expected(config, run)[-1] for run in config["runs"]]
    constant, stable, cosine = ends[0.5]
    assert cosine < stable / 2 < stable < constant / 3
    assert ends[0.2][1] < min(ends[0.2]) * 1.001 < ends[0.2][0] / 1.5


def test_the_rates_of_a_still_are_those_of_the_runs() -> None:
    config = configuration(presets()["schedule-handles"], "schedule-handles")
    ax, mean = Figure().subplots(2)
    still._VIEWS["rates"](ax, config["views"][0], config, [None] * 3)
    still._VIEWS["expected"](mean, config["views"][1], config, [None] * 3)
    heights = [line.get_ydata() for line in ax.lines]
    assert [h[0] for h in heights] == [0.5, 0.5, 0.5]
    assert [h[-1] for h in heights] == pytest.approx([0.5, 0.5 / 200, 0], abs=1e-5)
    assert [line.get_label() for line in mean.lines] == [r["label"] for r in config["runs"]]
    assert all(len(line.get_ydata()) == 1001 for line in mean.lines)


def test_a_schedule_without_its_options_has_defaults() -> None:
    config = configuration(scheduled({"wsd": {"lr": 0.4, "warmup": 10}}))
    (run,) = config["runs"]
    assert run["rule"] == "sgd wsd"
    assert run["hyper"] == {"lr": 0.4}
    assert run["shape"] == {"lr_end": 0.0, "cooldown": 18.0, "warmup": 10.0}
    assert config["scheduled"] is True
    assert "scheduled" not in configuration({})


def test_the_spectrum_is_its_sum() -> None:
    problem = catalog.problem("spectrum")
    i, x = np.arange(1, 101), np.random.default_rng(3).standard_normal(100)
    assert problem.f(x) == pytest.approx(np.sum(x**2 / i) / 2)
    np.testing.assert_allclose(problem.grad(x), x / i)
    np.testing.assert_allclose(problem.spread**2, 1 / i)
    assert (problem.L, problem.mu) == (1, 0.01)


# -- configurations --------------------------------------------------------------------------------


def test_there_is_a_preset_for_every_figure_of_the_curriculum() -> None:
    assert set(presets()) >= CHAPTER_PRESETS
    for name, options in presets().items():
        config = configuration(options, name)
        assert config["title"]
        assert config["text"]
        assert json.loads(json.dumps(config)) == config


def test_an_authors_entries_replace_the_presets() -> None:
    config = configuration(merged("adam-bias", {"steps": 7, "controls": []}), "adam-bias")
    assert (config["steps"], config["controls"]) == (7, [])
    assert config["problem"] == presets()["adam-bias"]["problem"]


def test_marks_are_computed_from_the_problems_constants() -> None:
    config = configuration(
        {"problem": "bowl", "marks": {"lr": {"2/L": "2/L", "2/(L + mu)": "best"}}}
    )
    assert [mark["at"] for mark in config["marks"]] == [2.0, pytest.approx(2 / 1.1)]


def scheduled(schedule: dict[str, Any]) -> dict[str, Any]:
    """Options of a figure of 100 steps with this schedule."""
    return {"optimizers": [{"sgd": {"lr": schedule}}]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"problem": "nosuch"}, "problem must be one of parabola, .*, got 'nosuch'"),
        ({"optimizers": ["nosuch"]}, "optimizer must be one of adadelta, .*, got 'nosuch'"),
        ({"optimizers": [{"adam": {"beta1": 1.5}}]}, r"beta1 must be .*got 1.5"),
        ({"optimizers": [{"adam": {"momentum": 0.5}}]}, "momentum"),
        ({"optimizers": []}, "optimizers"),
        ({"start": [1.0]}, r"start must have 2 numbers for bowl, got \[1.0\]"),
        ({"steps": 0}, "steps must be a whole number from 1 to 10000, got 0"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"noise": -1}, "noise must be"),
        ({"views": ["nosuch"]}, "quantity must be one of"),
        ({"views": [{"type": "nosuch"}]}, "view must be one of"),
        ({"views": [{"type": "heat", "x": "lr", "y": "momentum"}]}, "y of the map must be one of"),
        ({"views": ["compass"], "problem": "square"}, "compass needs a problem of 2 .*got 1"),
        (
            {"views": [{"type": "compass", "angle": 200}]},
            "angle must be in .*got 200",
        ),
        ({"views": ["relief"], "problem": "square"}, "relief needs a problem of 2 coord.*got 1"),
        ({"views": [{"type": "relief", "angle": 3}]}, "option of the relief must be .*'angle'"),
        ({"views": [{"type": "relief", "names": ["w"]}]}, r"names of the relief must be .*\['w'\]"),
        ({"views": [{"type": "relief", "tilt": 90}]}, r"tilt must be in \[8, 80\], got 90"),
        ({"views": [{"type": "relief", "stable": [1, 2]}]}, r"two points .*got \[1, 2\]"),
        ({"views": ["stability"]}, "needs a run of momentum or nesterov, there is none"),
        (
            {"optimizers": ["momentum"], "views": [{"type": "stability", "rules": ["adam"]}]},
            "rule of the map must be one of momentum, nesterov, got 'adam'",
        ),
        (
            {"optimizers": ["momentum"], "views": [{"type": "stability", "to": 0}]},
            r"to must be in \[0.1, 20\], got 0",
        ),
        (
            {"optimizers": ["momentum"], "views": [{"type": "stability", "limit": 2}]},
            "option of the stability map must be .*'limit'",
        ),
        (
            {"views": [{"type": "profile", "ends": [1.0]}]},
            r"ends of a profile must be \[first, last\], got \[1.0\]",
        ),
        (
            {"views": [{"type": "width", "rates": [0.0, 1.0]}]},
            "rates of a width view must be positive, got 0.0",
        ),
        (
            {"views": ["cloud"]},
            "a cloud needs a problem made of examples, got",
        ),
        (
            {"views": ["box"]},
            "a box needs a problem of 1 coordinate with a known minimum, got",
        ),
        (
            {"views": ["memory"]},
            "a memory needs a run that keeps squared gradients, got sgd",
        ),
        ({"views": ["squares"]}, "squares need a run that keeps G; the runs keep none"),
        (
            {"views": ["squares"], "problem": "square", "optimizers": ["adagrad"]},
            "squares need a problem of 2 coordinates, got 1",
        ),
        (
            {"views": [{"type": "squares", "names": ["one"]}], "optimizers": ["adagrad"]},
            r"names of the squares must be \[first, second\], got \['one'\]",
        ),
        (
            {"views": [{"type": "squares", "sum": "G"}], "optimizers": ["adagrad"]},
            "option of the squares must be .*'sum'",
        ),
        (
            {"views": [{"type": "rates", "handles": "Adam"}]},
            r"handles must be .*Gradient descent \(SGD\).*got 'Adam'",
        ),
        ({"views": [{"type": "rates", "to": 0}]}, "to must be in .*got 0"),
        ({"views": [{"type": "rates", "log": True}]}, "option of the rates must be .*'log'"),
        (
            {"views": ["expected"], "problem": "rotated"},
            "an expected loss needs a quadratic along its eigen-directions, lowest at 0, got",
        ),
        (
            {"views": ["expected"], "optimizers": ["adam", "momentum"]},
            "an expected loss needs a run whose step is linear and keeps no state, such as sgd, "
            "got adam, momentum",
        ),
        (
            {"views": [{"type": "expected", "log": 1}]},
            "option of the expected loss must be one of type, got 'log'",
        ),
        (scheduled({"nosuch": {"lr": 1}}), "schedule of lr must be one of constant, linear, .*"),
        (scheduled({"cosine": 1}), r"cosine needs its highest rate, such as \{lr: 0.1\}, got 1"),
        (scheduled({"cosine": {"end": 1}}), "cosine needs its highest rate"),
        (scheduled({"linear": {}, "cosine": {}}), "lr must be a number or one schedule, got"),
        (scheduled({"cosine": {"lr": -1}}), r"lr must be .*got -1"),
        (scheduled({"cosine": {"lr": 1, "end": -1}}), "lr_end must be .*got -1"),
        (
            scheduled({"cosine": {"lr": 1, "cooldown": 5}}),
            "option of cosine must be one of lr, end, warmup, got 'cooldown'",
        ),
        (
            scheduled({"wsd": {"lr": 1, "cooldown": 50, "warmup": 60}}),
            "cooldown must be at most 40, the steps that the warm-up leaves, got 50",
        ),
        (scheduled({"wsd": {"lr": 1, "cooldown": 2.5}}), "cooldown must be a whole number"),
        (scheduled({"step": {"lr": 1, "drop": 2}}), "drop must be .*got 2"),
        (
            scheduled({"constant": {"lr": 1, "warmup": 100}}),
            "warmup must be a whole number from 0 to 99, got 100",
        ),
        (
            scheduled({"one_cycle": {"lr": 1, "warmup": 0}}),
            "warmup must be a whole number from 1 to 99, got 0",
        ),
        (scheduled({"constant": {"lr": 1, "warmup": 0.5}}), "warmup must be"),
        (
            {"optimizers": [{"sgd": {"lr": {"constant": {"lr": 1}}, "warmup": 3}}]},
            "warmup stands in the schedule of lr, or beside a number, not both",
        ),
        ({"controls": ["cooldown"]}, "control must be one of"),
        ({"controls": ["nosuch"]}, "control must be one of"),
        ({"ranges": {"lr": [1, 0]}}, r"ranges of lr must be \[low, high\]"),
    ],
)
def test_a_wrong_entry_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        configuration(options)


def test_an_unknown_option_or_preset_is_named() -> None:
    with pytest.raises(ValueError, match=r"option must be one of .*, got 'step'"):
        merged(None, {"step": 5})
    with pytest.raises(ValueError, match=r"preset must be one of .*, got 'nosuch'"):
        merged("nosuch", {})


def test_every_presets_stable_line_is_one() -> None:
    """From each point of the line that a relief draws, the run ends where the gradient is zero."""
    drawn = 0
    for name, options in presets().items():
        config = configuration(options, name)
        for view in config["views"]:
            if "stable" not in view:
                continue
            drawn += 1
            a, b = np.array(view["stable"])
            for share in (0.0, 0.3, 0.9, 1.0):
                chosen = config["runs"][0]
                at = {**config, "start": list(a + share * (b - a)), "steps": 2000}
                end = trajectories.run(at, chosen).x[-1]
                gradient = catalog.problem(config["problem"]).grad(end)
                assert np.abs(gradient).max() < 1e-12, (name, share)
            beside = {**config, "start": (a + 1e-3).tolist(), "steps": 400}
            assert np.abs(trajectories.run(beside, chosen).x[-1]).max() > 1
    assert drawn


# -- the still and the page ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "adam-bias",
        "sensitivity",
        "momentum-eigenvalues",
        "springs",
        "hardware",
        "saddle-relief",
        "momentum-ball",
        "steepest",
        "noise-floor",
        "minibatch-cloud",
        "sum-and-mean",
        "reddi-index",
        "decay-box",
        "rare-frequent",
        "good-rates",
        "schedule-handles",
    ],
)
def test_a_still_is_drawn(name: str, tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "still.png"
    config = configuration(presets()[name], name)
    width, height = still.draw(config, path)
    with Image.open(path) as image:
        assert image.size == (2 * width, 2 * height)
        assert len(image.convert("RGB").getcolors(1 << 24)) > 20
    assert path.stat().st_size < 100_000


PAGE = """
# Figures

```{optfigure} adam-bias
:name: fig-bias
title: "</script><b>not markup"
steps: 20
caption: Its **caption** with $x^2$.
alt: What it shows & more.
```

See {numref}`fig-bias`.
"""


@pytest.mark.parametrize(
    "labels", [["f"], ["Gradient descent (SGD)", "Momentum", "Adam"], ["x" * 90]]
)
@pytest.mark.parametrize("width", [3.75, 7.5])
def test_the_legend_of_a_still_has_the_columns_that_fit(labels: list[str], width: float) -> None:
    figure = Figure(figsize=(width, 3), dpi=100)
    handles = [figure.subplots().plot([1, 2])[0] for _ in labels]
    drawn = still.legend(figure, handles, labels)
    assert len(figure.legends) == 1
    fits = drawn.get_window_extent().width <= figure.bbox.width
    assert fits or len(labels) == 1
    assert drawn._ncols == (2 if len(labels) == 3 and width < 4 else len(labels))


def test_the_page_holds_configuration_still_and_caption(tmp_path: Path) -> None:
    status, said = build(tmp_path, PAGE)
    assert status == 0, said
    html = (tmp_path / "_site" / "index.html").read_text()
    (data,) = re.findall(
        r'<opt-figure id="opt-fig-bias"><script type="application/json">(.*?)</script>', html
    )
    assert json.loads(data)["title"] == "</script><b>not markup"
    assert json.loads(data)["steps"] == 20
    source, alt = re.search(r'<img src="([^"]+)" alt="([^"]+)"', html).groups()
    assert unescape(alt) == "What it shows & more."
    assert (tmp_path / "_site" / source).is_file()
    assert "<strong>caption</strong>" in html
    assert html.count("optfigure/figure.js") == 1
    assert 'type="module"' in html
    for name in script.assets():
        assert (tmp_path / "_site" / "_static" / "optfigure" / name).is_file()
    assert "Fig. 1" in html


def test_a_page_without_a_figure_loads_nothing(tmp_path: Path) -> None:
    status, said = build(tmp_path, "# Page\n\nText.\n")
    assert status == 0, said
    assert "optfigure" not in (tmp_path / "_site" / "index.html").read_text()


def test_on_paper_the_still_stands_in_the_figure(tmp_path: Path) -> None:
    status, said = build(tmp_path, PAGE, "latex")
    assert status == 0, said
    (tex,) = (tmp_path / "_site").glob("*.tex")
    assert re.search(r"\\sphinxincludegraphics.*adam-bias", tex.read_text())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("```{optfigure} nosuch\n```", "preset must be one of"),
        ("```{optfigure} adam-bias\nstep: 5\n```", "option must be one of"),
        ("```{optfigure} adam-bias\njust words\n```", "the body must be YAML"),
    ],
)
def test_a_mistake_stops_the_build_and_says_where(body: str, message: str, tmp_path: Path) -> None:
    status, said = build(tmp_path, f"# Page\n\n{body}\n")
    assert status != 0
    assert message in said
    assert "index.md:3" in said


def test_the_figures_shown_to_contributors_are_valid() -> None:
    import yaml

    text = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(
        r"^```\{optfigure\} ?(\S*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL
    )
    assert len(blocks) >= 2
    for preset, body in blocks:
        lines = [line for line in body.splitlines() if not line.startswith(":")]
        options = merged(preset or None, yaml.safe_load("\n".join(lines)))
        assert configuration(options)["runs"]


def test_what_the_caption_says_of_adams_first_step() -> None:
    point, gradient = np.array([1.0]), np.array([0.5])
    adam, bare = catalog.rule("adam"), catalog.rule("adam_uncorrected")

    def ratio(beta2: float) -> float:
        state = adam.init(point)
        hyper = {"beta1": 0.9, "beta2": beta2, "eps": 0}
        full = adam.step(point, gradient, state, 1, **hyper)[0] - point
        raw = bare.step(point, gradient, state, 1, **hyper)[0] - point
        return float(raw[0] / full[0])

    border = 1 - (1 - 0.9) ** 2
    assert ratio(border) == pytest.approx(1)
    assert ratio(0.999) > 1 > ratio(border - 0.01)


def test_autoplay_is_true_or_false_and_not_beside_a_prediction() -> None:
    assert configuration({"autoplay": True})["autoplay"] is True
    assert "autoplay" not in configuration({"autoplay": False})
    with pytest.raises(ValueError, match="autoplay must be true or false, got 'once'"):
        configuration({"autoplay": "once"})
    with pytest.raises(ValueError, match="would show what predict asks"):
        configuration({"autoplay": True, "predict": {"ask": "Where?"}})


def test_the_first_figure_of_chapter_9_is_the_race_that_its_text_describes() -> None:
    shown = presets()["two-scales"]
    problem = catalog.problem(shown["problem"])
    # "A hundred times as steep across as along", "nearly the largest rate that it can bear".
    assert problem.L / problem.mu == pytest.approx(100)
    assert shown["optimizers"] == [{"sgd": {"lr": 1.8}}, {"adam": {"lr": 0.05}}]
    assert 0.85 < 1.8 * problem.L / 2 < 1


# -- a problem made of examples --------------------------------------------------------------------


def test_the_line_through_the_cars_is_the_least_squares_line() -> None:
    line = catalog.problem("stopping")
    speeds, feet = np.array(examples.SPEEDS), np.array(examples.DISTANCES)
    assert (len(speeds), speeds.sum(), feet.sum()) == (50, 770, 2149)
    slope, height = np.polyfit(speeds - speeds.mean(), feet, 1)
    np.testing.assert_allclose(line.minimizer, [slope, height / 10])
    np.testing.assert_allclose(line.grad(line.minimizer), 0, atol=1e-12)
    steps = 1e-6 * np.eye(2)
    for at in ([0.3, -1.0], [5.0, 2.0]):
        slopes = [(line.f(at + e) - line.f(at - e)) / 2e-6 for e in steps]
        np.testing.assert_allclose(line.grad(np.array(at)), slopes, rtol=1e-6)
        np.testing.assert_allclose(line.each(at).mean(axis=1), slopes, rtol=1e-6)


def test_minibatches_of_the_cars_spread_as_one_over_the_root_of_their_size() -> None:
    line, rng = catalog.problem("stopping"), np.random.default_rng(4)
    x = np.array([1.0, 2.0])
    sigma2 = line.each(x).var(axis=1)
    for size in (1, 4, 16):
        drawn = np.array([line.grad(x, rng.integers(50, size=size)) for _ in range(20_000)])
        assert (abs(drawn.mean(axis=0) - line.grad(x)) < 5 * np.sqrt(sigma2 / size / 20_000)).all()
        np.testing.assert_allclose(drawn.var(axis=0), sigma2 / size, rtol=0.06)


def test_the_predicted_floor_of_the_cars_is_measured() -> None:
    config = configuration(presets()["minibatch-cloud"], "minibatch-cloud")
    line, rate, size = catalog.problem("stopping"), 0.1, 8
    predicted = sum(
        float(
            derived.noise_floor().subs(
                {derived.CURVATURE: h, derived.NOISE: s, lr: rate, batch_size: size}
            )
        )
        for h, s in zip(line.eigenvalues, line.noises, strict=True)
    )
    squares = []
    for seed in range(8):
        path = trajectories.run(config | {"seed": seed}, config["runs"][0], batch=size).x[500:]
        squares.append(np.mean(np.sum((path - line.minimizer) ** 2, axis=1)))
    assert np.mean(squares) == pytest.approx(predicted, rel=0.15)
    assert config["runs"][0]["hyper"]["lr"] == rate


def test_a_run_takes_its_minibatches_in_order_from_the_seed() -> None:
    line = catalog.problem("stopping")
    first, again, other = (noise.Disturbed(line, 0.0, 5, seed) for seed in (3, 3, 4))
    rng = np.random.default_rng(0)
    batches = [problem.sample(rng, 1)[0].tolist() for problem in (first, again, other)]
    assert batches[0] == batches[1] != batches[2]
    assert first.sample(rng, 2)[0].tolist() != batches[0]
    np.testing.assert_allclose(
        again.grad(line.x0, (np.array(batches[0]), np.zeros(2))),
        line.each(line.x0)[:, batches[0]].mean(axis=1),
    )


def test_no_dot_of_a_clouds_still_is_cut_at_its_edge() -> None:
    config = configuration(presets()["minibatch-cloud"], "minibatch-cloud")
    ax = Figure().subplots()
    runs = [trajectories.run(config, chosen, steps=1) for chosen in config["runs"]]
    still._VIEWS["cloud"](ax, {"type": "cloud"}, config, runs)
    drawn = ax.lines[0].get_xydata()
    assert drawn.shape == (200, 2)
    for values, (low, high) in zip(drawn.T, (ax.get_xlim(), ax.get_ylim()), strict=True):
        inside = (values - low) / (high - low)
        assert 0.02 < inside.min() < inside.max() < 0.98


def test_the_drawn_memory_is_what_the_rule_has_stored() -> None:
    """The shares of a memory, scaled back, add up to the state, by NumPy's steps of the rule."""
    config = configuration(presets()["rmsprop-window"], "rmsprop-window") | {"t": 130}
    ax = Figure().subplots()
    runs = [trajectories.run(config, chosen) for chosen in config["runs"]]
    still._VIEWS["memory"](ax, {"type": "memory"}, config, runs)
    assert len(ax.lines) == 2
    squares = np.array([100.0 if i > 100 else 1.0 for i in range(1, 131)])
    for line, chosen, run in zip(ax.lines, config["runs"], runs, strict=True):
        states = trajectories.state_history(config, chosen, run)[1]
        stored = next(states[name][130] for name in ("v", "G") if name in states)
        decay = chosen["hyper"].get("beta2", 1.0)
        share = squares * decay ** np.arange(129, -1, -1) * (1 - decay if decay < 1 else 1)
        np.testing.assert_allclose(share.sum(), stored)
        np.testing.assert_allclose(line.get_ydata(), share / stored)


def test_the_drawn_box_and_the_penalized_minimum_are_those_of_the_decay() -> None:
    """At decay 1/2 the box ends at 2, and (x - 10)^2/2 + x^2/4 is lowest at 20/3."""
    config = configuration(presets()["decay-box"], "decay-box") | {"t": 500}
    runs = [trajectories.run(config, chosen) for chosen in config["runs"]]
    ax = Figure().subplots()
    still._VIEWS["box"](ax, {"type": "box"}, config, runs)
    for bar in ax.patches:
        assert (bar.get_x(), bar.get_x() + bar.get_width()) == (-2.0, 2.0)
    penalized, _, points = ax.lines[::3], ax.lines[1::3], ax.lines[2::3]
    np.testing.assert_allclose([line.get_xdata()[0] for line in penalized], 20 / 3)
    ended = [float(line.get_xdata()[0]) for line in points]
    np.testing.assert_allclose(ended, [20 / 3, 20 / 3, 2, 2], rtol=0.03)


# -- a rare and a frequent coordinate --------------------------------------------------------------


def test_the_rare_coordinate_has_a_gradient_in_every_tenth_step() -> None:
    rare = catalog.problem("rare")
    for at in ([-1.2, -1.0], [0.4, -0.1]):
        steps = np.array([rare.grad(np.array(at), k) for k in range(1, 101)])
        assert (steps[:, 0] == np.sign(at[0])).all()
        assert (np.flatnonzero(steps[:, 1]) + 1 == np.arange(10, 101, 10)).all()
        np.testing.assert_allclose(steps.mean(axis=0), rare.grad(np.array(at)))
        slopes = [(rare.f(at + e) - rare.f(at - e)) / 2e-6 for e in 1e-6 * np.eye(2)]
        np.testing.assert_allclose(rare.grad(np.array(at)), slopes, rtol=1e-6)


def test_the_squares_have_as_many_units_as_gradients_came() -> None:
    config = configuration(presets()["rare-frequent"], "rare-frequent")
    chosen = config["runs"][0]
    done = trajectories.run(config, chosen)
    areas = [trajectories.state_history(config, chosen, done, k)[1]["G"] for k in range(2)]
    np.testing.assert_array_equal(areas[0], np.arange(101))
    np.testing.assert_array_equal(areas[1], np.arange(101) // 10)
    ax = Figure().subplots()
    still._VIEWS["squares"](ax, config["views"][0], config, [done])
    sides = [patch.get_width() for patch in ax.patches]
    assert sides == pytest.approx([1, np.sqrt(1 / 10)])
    words = [text.get_text() for text in ax.texts]
    assert words == ["side 10", "frequent", "side 3.16", "rare"]
