"""A class of students, made from the released notebooks: right, wrong, partly right, empty, broken.

`write` makes their submissions and says what each should score; nothing is stored but the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from tests.assignments import notebooks
from tests.assignments.bench import load

ADAM, DESCENT, HARDWARE = "ps09_adam", "ps02_gradient_descent", "ps13_hardware"


@dataclass(frozen=True)
class Work:
    """One submission.

    Attributes
    ----------
    cells : mapping of str to str
        What the student wrote, by grade id.
    fill : bool
        Whether the other tasks are right, or were left as released.
    loses : str
        The test cells that give no points, without `test_`; where `fill` is false, those that
        give points are in `earns`, and all others give none.
    earns : str
        See `loses`.
    damage : str
        How the file is broken: `"truncated"`, or empty.
    """

    cells: Mapping[str, str] = field(default_factory=dict)
    fill: bool = True
    loses: str = ""
    earns: str = ""
    damage: str = ""


def _of(assignment: str, *names: str) -> Work:
    """Return the work of a student who has these variants of the assignment's bench."""
    bench = load(assignment)
    by_name = {variant.name: variant for variant in bench.rights + bench.wrongs}
    found = [by_name[name] for name in names]
    cells = {name: source for variant in found for name, source in variant.cells.items()}
    loses = sorted({name.removeprefix("test_") for v in found for name in v.loses})
    return Work({**bench.given, **cells}, loses=" ".join(loses))


_SYNTAX = "def adam(xp, x, g, state, t, *, lr=1e-3:\n    return x"
_STOPPED = """@optedu.implement("sgd")
def sgd(xp, x, g, state, t, *, lr=1e-3):
    return x - lr * g, {}
"""
_NO_BLOCKS = "def blocks(n, size):\n    raise NotImplementedError('no idea what a block is')"

CLASS: dict[str, dict[str, Work]] = {
    # All right, each in another way.
    "ada": {ADAM: Work(), DESCENT: Work(), HARDWARE: Work()},
    "boris": {ADAM: _of(ADAM, "in_place_on_copies"), DESCENT: _of(DESCENT, "lists_and_copies")},
    "chen": {ADAM: _of(ADAM, "other_order"), DESCENT: _of(DESCENT, "stacked")},
    # The classics.
    "dalia": {
        ADAM: _of(ADAM, "no_bias_correction"),
        DESCENT: _of(DESCENT, "sgd_wrong_sign"),
        HARDWARE: _of(
            HARDWARE, "adam_with_plain_epsilon", "gradient_overwritten", "ratio_of_means"
        ),
    },
    "emeka": {
        ADAM: _of(ADAM, "eps_inside_the_root", "beta1_is_its_complement"),
        DESCENT: _of(DESCENT, "sgd_in_place", "descend_keeps_one_array"),
    },
    "fatima": {
        ADAM: _of(ADAM, "g_for_g_squared", "expected_v_off_by_one", "longest_step_counts_from_0"),
        DESCENT: _of(DESCENT, "best_lr_is_2_over_L", "closed_form_without_t"),
    },
    "goran": {
        ADAM: _of(ADAM, "t_from_0", "reads_the_table_wrong"),
        DESCENT: _of(DESCENT, "descend_one_row_short", "thinks_root_kappa"),
        HARDWARE: _of(HARDWARE, "last_block_lost", "counts_numbers", "elements_for_bytes"),
    },
    "hana": {ADAM: _of(ADAM, "float64_leaks"), DESCENT: _of(DESCENT, "sgd_float64_leaks")},
    # Half of the work, the rest as it was released.
    "ivan": {
        ADAM: Work(
            {"expected_v": "expected_v = s + (c - s) * beta2**t"}, fill=False, earns="expected_v"
        ),
        DESCENT: Work(
            {"sgd": _STOPPED}, fill=False, earns="sgd_step sgd_rate sgd_arrays sgd_inputs"
        ),
    },
    # Nothing at all.
    "jun": {ADAM: Work(fill=False), DESCENT: Work(fill=False), HARDWARE: Work(fill=False)},
    # What does not even parse, or raises, costs its own points alone; a late exception costs none.
    "kofi": {
        ADAM: Work(
            {"adam": _SYNTAX, **load(ADAM).given},
            loses="adam_moments adam_first_step adam_many_steps adam_hyper_parameters adam_dtype "
            "adam_inputs adam_backend",
        ),
        DESCENT: Work({"growth": "growth = 10.0\nraise RuntimeError('I was here')"}),
        HARDWARE: Work(
            {"blocks": _NO_BLOCKS, "gigabytes": "gigabytes = 1 / 0"}, loses="blocks gigabytes"
        ),
    },
    # Files that are no notebooks.
    "lena": {ADAM: Work(damage="truncated"), DESCENT: Work()},
}


def expected(assignment: str, work: Work) -> float | None:
    """Return the points that a submission should get without a grader; None for a broken file."""
    if work.damage:
        return None
    points = notebooks.points(assignment)
    lost = {f"test_{name}" for name in work.loses.split()}
    earned = {f"test_{name}" for name in work.earns.split()}
    unknown = (lost | earned) - set(points)
    if unknown:
        raise ValueError(f"{assignment} has no tests {sorted(unknown)}")
    counted = set(points) - lost if work.fill else earned
    return float(sum(points[name] for name in counted))


def write(submitted: Path) -> dict[str, dict[str, float | None]]:
    """Write `submitted/<student>/<assignment>/<assignment>.ipynb` for the whole class.

    Returns
    -------
    dict
        The score that each should get automatically, by student and assignment; None where the
        file cannot be graded.
    """
    scores: dict[str, dict[str, float | None]] = {}
    for student, works in CLASS.items():
        scores[student] = {}
        for assignment, work in works.items():
            path = submitted / student / assignment / f"{assignment}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebooks.submission(assignment, work.cells, fill=work.fill), path)
            if work.damage == "truncated":
                text = path.read_text()
                path.write_text(text[: len(text) // 2])
            scores[student][assignment] = expected(assignment, work)
    return scores
