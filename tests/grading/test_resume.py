"""Runs that are ended in the middle: whatever is killed, the next run has every score right.

Set OPTEDU_KILLS to the number of kills; each costs a second or two.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.grading import compare
from tests.grading import course as courses

pytestmark = pytest.mark.sandbox

KILLS = int(os.environ.get("OPTEDU_KILLS", "5"))
STUDENTS = 8
WRONG = "def mean(xs):\n    return 0.0\n"


@pytest.fixture
def class_of_eight(root, blank):
    """Half of the class has everything right, the other half a wrong mean."""
    for number in range(STUDENTS):
        answers = dict(courses.ANSWERS) if number % 2 else courses.ANSWERS | {"mean": WRONG}
        courses.submit(root, f"s{number}", courses.answered(blank, **answers))
    return root


def expected():
    return {f"s{number}": 7.0 if number % 2 else 3.0 for number in range(STUDENTS)}


def start(root: Path, *options: str) -> subprocess.Popen:
    command = [Path(sys.executable).with_name("optedu"), "grade", courses.ASSIGNMENT, "--jobs", "2"]
    return subprocess.Popen(
        [*command, *options],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(root: Path, *options: str) -> tuple[int, str]:
    process = start(root, *options)
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors


def succeed(root: Path, *options: str) -> str:
    code, errors = finish(root, *options)
    assert code == 0, errors
    return errors


def scores(root: Path) -> dict[str, float]:
    return {student: row["score"] for student, row in compare.gradebook_rows(root).items()}


def kept(root: Path) -> dict[str, tuple[int, str]]:
    """When each result was written, by student."""
    results = {}
    for path in (root / "results" / courses.ASSIGNMENT).glob("*.json"):
        results[path.name] = path.stat().st_mtime_ns
    return results


def test_a_second_run_grades_nothing_and_changes_nothing(class_of_eight):
    root = class_of_eight
    succeed(root)
    rows, results = compare.gradebook_rows(root), kept(root)
    errors = succeed(root)
    assert f"{STUDENTS} submissions, {STUDENTS} of them graded already" in errors
    assert (compare.gradebook_rows(root), kept(root)) == (rows, results)


def test_only_what_changed_is_graded_again(class_of_eight, blank):
    root = class_of_eight
    succeed(root)
    before = kept(root)
    courses.submit(root, "s0", courses.answered(blank, **courses.ANSWERS))
    succeed(root)
    after = kept(root)
    assert len(after) == STUDENTS
    assert len(set(before.items()) & set(after.items())) == STUDENTS - 1
    assert scores(root) == expected() | {"s0": 7.0}


def test_force_grades_everything_again(class_of_eight):
    root = class_of_eight
    succeed(root, "--student", "s1")
    before = kept(root)
    succeed(root, "--student", "s1", "--force")
    after = kept(root)
    assert before.keys() == after.keys() and before != after


def test_kill_9_at_random_moments_costs_nothing(class_of_eight):
    root = class_of_eight
    chance = random.Random(9)
    killed: dict[str, int] = {"command": 0, "worker": 0, "kernel": 0}
    options: tuple[str, ...] = ()
    process = start(root)
    while sum(killed.values()) < KILLS:
        time.sleep(chance.uniform(0.0, 2.0))
        before = kept(root)
        if process.poll() is not None:
            # It was through before it could be killed: from the start again.
            errors = process.stderr.read()
            process.stderr.close()
            if killed["kernel"] and "cannot make a sandbox" in errors:
                # The jail that it first tries was killed: it refuses to begin.
                assert process.returncode == 2
                process = start(root)
                continue
            assert process.returncode == 0, errors
            assert scores(root) == expected()
            process = start(root, "--force")
            continue
        target = min(killed, key=lambda kind: (killed[kind], chance.random()))
        victims = _processes(process)[target]
        if not victims:
            continue
        with contextlib.suppress(psutil.NoSuchProcess):
            chance.choice(victims).kill()
            killed[target] += 1
        if target == "command":
            process.wait()
            process.stderr.close()
            assert before.items() <= kept(root).items()
            process = start(root, *options)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    succeed(root)
    assert scores(root) == expected()
    results = (root / "results" / courses.ASSIGNMENT).glob("*.json")
    assert sorted(json.loads(path.read_bytes())["student"] for path in results) == sorted(
        expected()
    )


def _processes(command: subprocess.Popen) -> dict[str, list[psutil.Process]]:
    """The command, its workers, and the kernels and what they are forked from."""
    found: dict[str, list] = {"command": [], "worker": [], "kernel": []}
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(command.pid)
        found["command"].append(top)
        copies = " ".join(top.cmdline())  # workers, and what they are forked from
        for child in top.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                line = " ".join(child.cmdline())
                kind = "worker" if line == copies or "multiprocessing" in line else "kernel"
                found[kind].append(child)
    return found
