"""Predictions on a figure: the truth is what its runs say; what is wrong is refused in words."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from optedu.web import tasks
from optedu.web.figure import catalog, script, trajectories
from optedu.web.figure.configuration import configuration, merged
from optedu.web.figure.prediction import Prediction, read
from tests.web.test_quiz import ROOT, build

ASK = {"ask": "What?"}


def figure(preset: str, **own: Any) -> dict[str, Any]:
    return configuration(merged(preset, own), preset)


def predicted(preset: str, entry: dict[str, Any], **own: Any) -> Prediction:
    return read(ASK | entry, figure(preset, **own))


# -- the truth -------------------------------------------------------------------------------------


def test_the_largest_learning_rate_is_found_by_running() -> None:
    got = predicted("divergence", {"number": {"largest": "lr"}, "within": "5 %"})
    config = figure("divergence", steps=2000)
    for factor, rests in ((0.99, True), (1.01, False)):
        run = {**config["runs"][0], "hyper": {"lr": factor * got.truth[0]}}
        f = trajectories.run(config, run).f
        assert (f[-1] < f[0]) == rests
    assert got.truth[0] == pytest.approx(2, rel=0.01)
    assert got.width == pytest.approx(0.05 * got.truth[0])


def test_a_formula_is_the_truth_if_the_runs_agree() -> None:
    entry = {"number": {"largest": "lr"}, "within": 0.1, "formula": "2/L"}
    got = predicted("divergence", entry)
    assert got.truth == (2.0,)
    assert got.shown == "2, which is $2 / L$"
    with pytest.raises(ValueError, match=r"formula 1/L is 1, but the figure's runs say 2"):
        predicted("divergence", entry | {"formula": "1/L"})


def test_the_smallest_of_a_control_is_found_too() -> None:
    # The signal's losses draw Adam to the wrong end, unless its memory is long enough.
    entry = {"number": {"smallest": "beta2"}, "within": 0.1}
    own = {"controls": ["beta2"], "ranges": {"beta2": [0.05, 0.9]}}
    config = figure("reddi", **own)
    got = predicted("reddi", entry, **own)
    for factor, falls in ((1.02, True), (0.98, False)):
        run = config["runs"][0]
        beta2 = factor * got.truth[0]
        f = trajectories.run(config, {**run, "hyper": {**run["hyper"], "beta2": beta2}}).f
        assert (f[-1] < f[0]) == falls, (factor, got.truth)


@pytest.mark.parametrize(
    ("preset", "expression", "quantity", "found"),
    [
        ("divergence", "first(loss < 0.01)", "gap", lambda f: int(np.argmax(f < 0.01))),
        ("divergence", "last(loss > 0.01)", "gap", lambda f: int(np.flatnonzero(f > 0.01)[-1])),
        ("adam-bias", "log10(loss[-1] / loss[0])", "gap", lambda f: np.log10(f[-1] / f[0])),
        ("adam-bias", "sum(abs(diff(f)))", "f", lambda f: np.abs(np.diff(f)).sum()),
        ("slope-step", "x[2]", "x", lambda x: x[2, 0]),
        ("slope-step", "lr * g[1] + x[1]", "x", lambda x: x[0, 0]),
    ],
)
def test_an_expression_is_measured_in_the_run(
    preset: str, expression: str, quantity: str, found: Any
) -> None:
    got = predicted(preset, {"number": expression, "within": 1})
    config = figure(preset)
    values = getattr(trajectories.run(config, config["runs"][0]), quantity)
    assert got.truth[0] == pytest.approx(float(found(values)))


def test_the_state_of_another_run_is_known_by_its_label() -> None:
    entry = {"number": "v[1]", "within": 1, "of": "Without correction"}
    config = figure("adam-bias")
    first = trajectories.run(config, config["runs"][1])
    gradient = first.problem.grad(first.x[0])[0]
    assert predicted("adam-bias", entry).truth[0] == pytest.approx(0.001 * gradient**2)


def test_one_of_the_choices_holds_in_the_run() -> None:
    got = predicted(
        "adam-bias", {"choices": {"It falls.": "all(diff(loss) < 0)", "No.": "loss[1] > loss[0]"}}
    )
    assert [one.right for one in got.choices] == [True, False]
    assert got.shown == "It falls."


@pytest.mark.parametrize(("end", "which"), [("least", 1), ("most", 0)])
def test_the_optimizers_are_choices_by_themselves(end: str, which: int) -> None:
    got = predicted("adam-bias", {"runs": {end: "first(loss < 0.01)"}})
    config = figure("adam-bias")
    arrived = [int(np.argmax(trajectories.run(config, r).gap < 0.01)) for r in config["runs"]]
    assert (arrived[0] > arrived[1]) and got.choices[which].right
    assert [one.text for one in got.choices] == ["Adam", "Without correction"]


def test_a_place_is_where_the_run_is_at_that_step() -> None:
    config = figure("adam-bias")
    x = trajectories.run(config, config["runs"][0]).x
    got = predicted("adam-bias", {"mark": 20, "within": "10 %"})
    assert got.truth == pytest.approx(tuple(x[20]))
    assert got.width == pytest.approx(0.28)  # of a window that is 2.8 wide
    flat = predicted("slope-step", {"mark": "first(f < 0)", "within": 0.1})
    assert len(flat.truth) == 1


# -- what is refused -------------------------------------------------------------------------------

NUMBER = {"number": "first(loss < 0.01)", "within": 5}
WRONG: list[tuple[str, Any, str]] = [
    ("divergence", "What?", "predict must be a mapping with ask and an answer, got 'What"),
    ("divergence", NUMBER, "predict needs the question: ask"),
    ("divergence", ASK, "predict needs one answer of number, choices, runs, mark, got none"),
    ("divergence", ASK | NUMBER | {"mark": 3}, "one answer of .*, got number and mark"),
    ("divergence", ASK | NUMBER | {"inside": 3}, "predict's option must be one of ask, .*'inside'"),
    ("divergence", ASK | NUMBER | {"of": "Adam"}, "of must be one of Gradient .*, got 'Adam'"),
    ("divergence", ASK | {"number": "first(loss < 1)"}, "within must be a positive number such as"),
    ("divergence", ASK | NUMBER | {"within": "near"}, "within must be a positive.*, got 'near'"),
    ("divergence", ASK | NUMBER | {"within": -1}, "within must be a positive.*, got '-1'"),
    ("divergence", ASK | {"number": 2, "within": 1}, "number must be measured in the run, .*'2'"),
    ("divergence", ASK | NUMBER | {"number": "first(los < 1)"}, "must be .*got 'los'.*'loss'"),
    ("divergence", ASK | NUMBER | {"number": "first(loss <"}, "number is no expression such as"),
    ("divergence", ASK | NUMBER | {"number": "loss"}, "must be one number, 'loss' is"),
    ("divergence", ASK | NUMBER | {"number": "loss[999]"}, "cannot be measured: index 999 is out"),
    ("divergence", ASK | NUMBER | {"number": "loss.size"}, "number may not hold 'loss.size'"),
    ("divergence", ASK | NUMBER | {"number": "first(loss < 0)"}, "asks for never happens"),
    ("divergence", ASK | NUMBER | {"number": {"largest": "beta1"}}, "a control of the figure must"),
    ("warm-up", ASK | NUMBER | {"number": {"largest": "eps"}}, "control of .* lr, got 'eps'"),
    ("divergence", ASK | NUMBER | {"number": {"longest": "lr"}}, "number must be one of largest"),
    ("adam-bias", ASK | NUMBER | {"number": {"largest": "beta1"}}, "there is no largest beta1 .*y"),
    ("divergence", ASK | NUMBER | {"formula": "2/Q"}, "a number written with L and mu, got '2/Q'"),
    ("divergence", ASK | {"choices": {"a": "loss[0] > 0"}}, "choices must be two or more"),
    ("divergence", ASK | {"choices": {"a": "f[0] > 0", "b": "f[0] > 0"}}, "exactly .* got a and b"),
    ("divergence", ASK | {"choices": {"a": "f[0] < 0", "b": "f[0] < 0"}}, "exactly .* got none"),
    ("divergence", ASK | {"choices": {"a": True, "b": False}}, "condition of 'a' must be measured"),
    ("divergence", ASK | {"choices": {"a": "f[0]>0", "b": "f[0]<0"}, "within": 1}, "within is for"),
    ("divergence", ASK | {"runs": {"least": "f[-1]"}}, "runs needs two optimizers or more"),
    ("adam-bias", ASK | {"runs": "f[-1]"}, "runs must be {least: EXPRESSION}"),
    ("adam-bias", ASK | {"runs": {"least": "f[0]"}}, r"f\[0\] is 0.572 for 2 of them"),
    ("adagrad-step", ASK | {"mark": 3, "within": 1}, "mark needs a view of the plane"),
    ("adam-bias", ASK | {"mark": 151, "within": 1}, "mark must be a step from 1 to 150, .* 151"),
    ("adam-bias", ASK | {"mark": 3}, "within must be a positive number such as 0.2"),
    ("adam-bias", ASK | {"mark": 3, "within": 1, "formula": "L"}, "formula is for a number"),
]  # fmt: skip


@pytest.mark.parametrize(("preset", "entry", "message"), WRONG)
def test_a_wrong_prediction_is_refused_in_words(preset: str, entry: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        read(entry, figure(preset))


def test_a_place_outside_the_plane_is_refused() -> None:
    own = {"optimizers": [{"sgd": {"lr": 2.5}}]}
    with pytest.raises(ValueError, match="at step 9 the run is outside the plane, at"):
        predicted("divergence", {"mark": 9, "within": 1}, **own)


def test_free_play_asks_about_the_runs_with_which_it_starts() -> None:
    asked = predicted("playground", {"runs": {"least": "loss[-1]"}}, free=True)
    assert asked.shown == "Momentum"


# -- the page --------------------------------------------------------------------------------------

PAGE = r"""# Predict

```{optfigure} divergence
:name: fig-number
caption: A bowl.
predict:
  ask: Which is the largest $\eta$ at which it rests?
  number: {largest: lr}
  formula: 2/L
  within: 5 %
  why: Beyond $2/L$ it **grows**.
```

```{optfigure} adam-bias
:name: fig-choice
caption: Two runs.
predict:
  ask: Who is the first below 0.01?
  runs: {least: first(loss < 0.01)}
```

```{optfigure} adam-bias
:name: fig-mark
caption: Two runs again.
predict:
  ask: Where is *Adam* after 20 steps?
  mark: 20
  within: 0.2
  why: It has gone straight down.
```
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("predict")
    status, said, site = build(folder, PAGE, uses="optedu.web.figures")
    assert status == 0, said
    return (site / "index.html").read_text()


def test_the_page_reads_without_scripts(page: str) -> None:
    assert page.count('<details class="task-answers">') == 3
    assert re.search(r"The figure says: 2, which is .*<mjx-container.*\n.*Beyond", page)
    assert "<strong>grows</strong>" in page
    assert "The figure says: (b) Without correction." in page
    assert "The figure says: (\N{MINUS SIGN}0.81, 0.612)." in page
    assert r"\(" not in page
    # A question stands before its figure.
    assert 0 < page.index('id="predict-opt-fig-number"') < page.index('<opt-figure id="opt-fig-nu')


def test_the_script_gets_the_truth_and_the_figure_waits(page: str) -> None:
    got = re.findall(r'data-answer="(\w+)" data-figure="([\w-]+)"([^>]*)>', page)
    assert [one[:2] for one in got] == [
        ("number", "opt-fig-number"), ("choice", "opt-fig-choice"), ("mark", "opt-fig-mark"),
    ]  # fmt: skip
    assert unescape(got[0][2]) == ' data-truth="[2.0]" data-width="0.1" data-control="lr"'
    assert got[1][2] == ' data-right="b"'
    assert page.count('class="of-held"') == 3
    configs = re.findall(r'<script type="application/json">(.*?)</script>', page)
    assert [json.loads(config)["t"] for config in configs] == [0, 0, 0]
    assert "predict" not in configs[0], "the answer is not the figure's affair"
    assert page.count("tasks/predict.js") == page.count("tasks/tasks.css") == 1


def test_a_figure_without_a_prediction_waits_for_nobody(tmp_path: Path) -> None:
    page = "# Page\n\n```{optfigure} divergence\n```\n"
    status, said, site = build(tmp_path, page, uses="optedu.web.figures")
    assert status == 0, said
    text = (site / "index.html").read_text()
    assert "of-held" not in text
    assert "tasks/" not in text


def test_a_mistake_fails_the_build_with_file_and_line(tmp_path: Path) -> None:
    wrong = PAGE.replace("runs: {least: first(loss < 0.01)}", "number: {largest: eps}\n  within: 1")
    status, said, _ = build(tmp_path, wrong, uses="optedu.web.figures")
    assert status != 0
    line = PAGE[: PAGE.index("```{optfigure} adam-bias")].count("\n") + 1
    assert re.search(rf"index.md:{line}:.*a control of the figure must be .* got 'eps'", said), said


def test_other_formats_hold_question_and_truth(tmp_path: Path) -> None:
    status, said, site = build(tmp_path, PAGE, builder="text", uses="optedu.web.figures")
    assert status == 0, said
    text = (site / "index.txt").read_text()
    assert "Where is *Adam* after 20 steps?" in text
    assert "The figure says: (b) Without correction." in text


def test_the_predictions_shown_to_contributors_are_valid() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\{optfigure\} (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    entries = [(preset, yaml.safe_load(body)) for preset, body in blocks if "predict:" in body]
    assert entries
    for preset, options in entries:
        assert read(options["predict"], configuration(merged(preset, options))).shown


# -- the script of the figure ----------------------------------------------------------------------


def test_the_scripts_own_runs_say_the_same(tmp_path: Path) -> None:
    """What the reader then sees is the printed rule in JavaScript, not NumPy."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    for name, text in script.assets().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}')

    def job(preset: str, k: int = 0, **hyper: float) -> dict[str, Any]:
        config = figure(preset)
        run = config["runs"][k]
        full = {**catalog.rule(run["rule"]).defaults(), **run["hyper"], **hyper}
        setup = {k: config[k] for k in ("start", "steps", "noise", "batch", "seed")}
        return {
            "task": "run", "problem": config["problem"], "rule": run["rule"], "hyper": full,
            "setup": setup,
        }  # fmt: skip

    largest = predicted("divergence", {"number": {"largest": "lr"}, "within": 1}).truth[0]
    jobs = [
        job("divergence", lr=0.9999 * largest),
        job("divergence", lr=1.0001 * largest),
        job("divergence"),
        job("adam-bias"),
    ]
    command = [node, str(Path(__file__).with_name("figure_node.mjs")), str(tmp_path)]
    done = subprocess.run(command, input=json.dumps(jobs), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    below, above, bowl, adam = json.loads(done.stdout)
    assert below["f"][-1] < below["f"][0]
    assert above["f"][-1] >= above["f"][0]
    arrived = next(t for t, f in enumerate(bowl["f"]) if f < 0.01)
    assert predicted("divergence", {"number": "first(loss < 0.01)", "within": 1}).truth == (
        arrived,
    )
    place = predicted("adam-bias", {"mark": 20, "within": 1}).truth
    assert place == pytest.approx(tuple(adam["x"][40:42]), rel=1e-9)


def test_the_scripts_of_tasks_stay_small() -> None:
    sizes = [len((tasks.ASSETS / name).read_bytes()) for name in ("predict.js", "pad.js")]
    assert max(sizes) < 8_000
