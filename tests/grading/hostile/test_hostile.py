"""The hostile class, graded in one run among honest students: every score is the one stated."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.grading import compare
from tests.grading import course as courses
from tests.grading.hostile.submissions import CLASS, Hostile, Place

pytestmark = pytest.mark.sandbox

HONEST = [f"honest-{i}" for i in range(6)]
CONFIG = courses.CONFIG + "c.ExecutePreprocessor.timeout = 5\n"


@dataclass(frozen=True)
class Graded:
    """The class after grading, as every process of the test run finds it."""

    root: Path
    students: dict[str, dict]
    output: str
    reached: int
    unchanged: bool


@pytest.fixture(scope="module")
def graded(master_course, blank, once):
    folder = once("hostile", lambda folder: _grade_class(folder, master_course, blank))
    facts = json.loads((folder / "facts.json").read_text())
    report = json.loads((folder / "course" / "report.json").read_text())
    students = {row["student"]: row for row in report["students"]}
    return Graded(folder / "course", students, **facts)


def _grade_class(folder: Path, master_course: Path, blank) -> None:
    root = shutil.copytree(master_course, folder / "course")
    (root / "nbgrader_config.py").write_text(CONFIG)
    before = _important(root)
    reached = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, reached), daemon=True).start()
        for entry in CLASS:
            entry.build(Place(root, blank, entry.id, server.getsockname()[1]))
        for student in HONEST:
            courses.submit(root, student, courses.answered(blank, **courses.ANSWERS))
        done = subprocess.run(
            [
                *(Path(sys.executable).with_name("optedu"), "grade", courses.ASSIGNMENT),
                *("--jobs", "2", "--timeout", "25", "--memory", "512", "--report", "report.json"),
            ],
            cwd=root,
            env=os.environ | {"OPTEDU_TEST_SECRET": "hidden"},
            capture_output=True,
            text=True,
            timeout=900,
        )
    assert done.returncode == 3, done.stdout + done.stderr
    facts = {
        "output": done.stdout + done.stderr,
        "reached": len(reached),
        "unchanged": _important(root) == before,
    }
    (folder / "facts.json").write_text(json.dumps(facts))


def _accept(server, reached):
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        reached.append(connection)


def _important(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (root / "source").rglob("*") if path.is_file()}


def test_there_are_enough_of_them():
    assert len(CLASS) >= 30
    assert len({entry.id for entry in CLASS}) == len(CLASS)
    assert all(entry.why for entry in CLASS)


@pytest.mark.parametrize("entry", CLASS, ids=lambda entry: entry.name)
def test_the_score_is_the_one_stated(graded, entry: Hostile):
    row = graded.students[entry.id]
    assert row["score"] == entry.score, f"{entry.why}: {row}"
    assert row["status"] in entry.status, row
    if entry.flagged is not None:
        assert bool(row["tampered"] or row["ungraded"]) == entry.flagged, row


@pytest.mark.parametrize("student", HONEST)
def test_no_honest_student_loses_anything(graded, student):
    row = graded.students[student]
    assert (row["score"], row["status"], row["tampered"]) == (7.0, "graded", [])


def test_the_gradebook_says_the_same_as_the_report(graded):
    students = graded.students
    rows = compare.gradebook_rows(graded.root)
    assert rows.keys() == students.keys()
    for student, row in students.items():
        automatic = [
            grade[0]
            for notebook in rows[student]["notebooks"].values()
            for name, grade in notebook["grades"].items()
            if name.startswith("test_")
        ]
        if row["score"] is None:
            assert automatic == [None, None, None], student
        else:
            assert sum(score or 0.0 for score in automatic) == row["score"], student


def test_nobody_got_out(graded):
    assert graded.unchanged
    assert graded.reached == 0
    assert not (graded.root / "owned").exists()
    for student in HONEST:
        path = graded.root / "submitted" / student / courses.ASSIGNMENT / "problem.ipynb"
        assert json.loads(path.read_text())["cells"]


def test_the_terminal_is_given_no_orders(graded):
    assert "owned" in (graded.root / "report.json").read_text()
    assert "\x1b]0;" not in graded.output and "\x1b[2J" not in graded.output


def test_nothing_is_left_running(graded):
    left = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if "time.sleep(3600)" in " ".join(process.info["cmdline"] or [])
    ]
    assert left == []


def test_much_output_makes_a_small_result(graded):
    sizes = {
        json.loads(path.read_text())["student"]: path.stat().st_size
        for path in (graded.root / "results" / courses.ASSIGNMENT).glob("*.json")
    }
    assert sizes["much-output"] < 1_000_000
    assert sizes["output-bomb"] < 1_000_000
