"""A disk that is really full: the course lies on a small file system of its own.

The file system is a tmpfs in a mount namespace that bubblewrap makes; the whole command, with its
workers and jails, runs inside. Where the machine does not allow that, the tests are skipped.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.grading import course as courses

pytestmark = pytest.mark.sandbox

REPOSITORY = Path(__file__).parents[2]
STUDENTS = 6
WRONG = "def mean(xs):\n    return 0.0\n"
EXPECTED = {f"s{number}": 7.0 if number % 2 else 3.0 for number in range(STUDENTS)}
SIZE = 4 << 20

# One result takes 8 kB, one autograded folder 12, and the gradebook, whose pages SQLite keeps in
# memory until a transaction ends, some 60 for its growth and its journal.
FRESH = [*(f"fresh:{free}" for free in (0, 12, 140)), "untried:0"]
RESTORED = [f"restored:{free}" for free in (4, 20)]
SCRATCH = [f"scratch:{free}" for free in (200,)]
REPORT = ["report:0"]
NO_ROOM_FOR_FILES = ": No space left on device"
NO_ROOM_FOR_ROWS = "the disk is full: the gradebook cannot grow"


def _inside(disk: Path, *command: str) -> subprocess.CompletedProcess:
    """Run a command in a namespace in which `disk` is a file system of `SIZE` bytes."""
    bwrap = shutil.which("bwrap") or "bwrap"
    rights = ["--cap-add", "ALL"] if os.geteuid() == 0 else []  # what the jails are made with
    return subprocess.run(
        [bwrap, *rights, "--die-with-parent", "--dev-bind", "/", "/", "--size", str(SIZE),
         "--tmpfs", str(disk), *command],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=600,
    )  # fmt: skip


@functools.cache
def _why_not(disk: Path) -> str:
    """Why a jail cannot be made inside of such a namespace; empty where it can."""
    code = "from optedu.grading.sandbox.jail import probe; probe()"
    try:
        done = _inside(disk, sys.executable, "-c", code)
    except OSError as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason"])[-1]


@pytest.fixture(scope="module")
def found(once, master_course, blank):
    """What happened in every scenario."""

    def build(folder):
        course, disk = folder / "course", folder / "disk"
        disk.mkdir()
        if reason := _why_not(disk):
            (folder / "skipped").write_text(reason)
            return
        shutil.copytree(master_course, course)
        for student, score in EXPECTED.items():
            answers = dict(courses.ANSWERS) if score == 7.0 else courses.ANSWERS | {"mean": WRONG}
            courses.submit(course, student, courses.answered(blank, **answers))
        done = _inside(
            disk, sys.executable, "-m", "tests.grading.full_disk", str(course), str(disk),
            *FRESH, *RESTORED, *SCRATCH, *REPORT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert not any(disk.iterdir())  # all of it was inside
        (folder / "found.json").write_text(done.stdout)

    folder = once("full-disk", build)
    if (folder / "skipped").exists():
        pytest.skip(f"no small file system with jails in it: {(folder / 'skipped').read_text()}")
    return json.loads((folder / "found.json").read_text())


@pytest.mark.parametrize("scenario", FRESH + RESTORED)
def test_a_full_disk_is_one_line_and_status_1(found, scenario):
    full = found[scenario]["full"]
    assert full["status"] == 1
    *before, line = full["said"]
    assert line.startswith("optedu grade: ") and line.endswith(
        "Run the same command again to go on."
    )
    assert (NO_ROOM_FOR_FILES in line) != (NO_ROOM_FOR_ROWS in line)
    assert not any("Traceback" in said or "Error" in said for said in before), before


def test_the_disk_is_full_at_different_moments(found):
    last = {name: steps["full"]["said"][-1] for name, steps in found.items()}
    assert "/results/" in last["fresh:0"] and ".json" in last["fresh:0"]
    assert "/results/" in last["untried:0"] and ".trial" in last["untried:0"]
    # A second result is kept before the first is merged; how many are merged together after that
    # depends on how fast they come.
    assert "/results/" in last["fresh:12"] and len(found["fresh:12"]["full"]["results"]) == 1
    assert "/autograded/" in last["restored:4"]
    assert NO_ROOM_FOR_ROWS in last["restored:20"]
    assert len(found["fresh:140"]["full"]["rows"]) < STUDENTS


@pytest.mark.parametrize("scenario", FRESH + RESTORED + SCRATCH + REPORT)
def test_nothing_on_a_full_disk_is_half_written(found, scenario):
    full = found[scenario]["full"]
    assert full["gradebook"] == "ok"
    assert full["left_over"] == []
    assert set(full["results"].items()) <= set(EXPECTED.items())
    assert set(full["notebooks"].values()) <= {9}
    if not scenario.startswith("scratch"):
        for student, row in full["rows"].items():
            assert row == {"score": EXPECTED[student], "tests": 3}
            assert full["results"][student] == row["score"]


@pytest.mark.parametrize("scenario", RESTORED)
def test_notebooks_and_results_that_were_there_stay(found, scenario):
    full = found[scenario]["full"]
    assert full["results"] == EXPECTED
    assert full["notebooks"] == dict.fromkeys(EXPECTED, 9)


@pytest.mark.parametrize("scenario", FRESH + RESTORED + SCRATCH + REPORT)
def test_with_room_again_every_score_is_right_and_nothing_is_graded_twice(found, scenario):
    full, again = found[scenario]["full"], found[scenario]["again"]
    assert again["status"] == 0, again["said"]
    assert again["rows"] == {s: {"score": score, "tests": 3} for s, score in EXPECTED.items()}
    assert again["results"] == EXPECTED
    assert again["notebooks"] == dict.fromkeys(EXPECTED, 9)
    assert again["gradebook"] == "ok" and again["left_over"] == []
    assert full["written"].items() <= again["written"].items()


@pytest.mark.parametrize("scenario", SCRATCH)
def test_no_room_for_the_workers_is_nobodys_bad_score(found, scenario):
    full = found[scenario]["full"]
    assert full["status"] in (1, 3)
    assert full["results"] == {}
    assert all(row == {"score": 0.0, "tests": 0} for row in full["rows"].values())


def test_no_room_for_the_report_is_one_line_and_status_1(found):
    full = found["report:0"]["full"]
    assert full["status"] == 1
    assert full["said"][-1].startswith("optedu grade: cannot write report.json: No space left")
