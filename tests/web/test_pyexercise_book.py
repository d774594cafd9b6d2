"""Every exercise in the book: its starter fails, its solution passes, natively and in Pyodide."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from optedu.web.pyrun import run_exercise
from optedu.web.runtime import Unavailable, assemble, find_vendor
from tests.web.exercises import ROOT, book_exercises

EXERCISES = book_exercises()
DRAWING = "from optedu.web.svgplot import line_plot\nprint('hello')\nline_plot({'f': [3, 2, 1]})"


def failures(outcome):
    return [f"{c['status']}: {c['sentence']} {c['message']}" for c in outcome["checks"]] + [
        outcome["error"]
    ]


def test_the_book_has_exercises():
    assert EXERCISES


def test_names_are_unique_on_a_page():
    names = [(found.page, found.name) for found in EXERCISES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("found", EXERCISES, ids=str)
def test_solution_passes_and_starter_fails(found):
    solved = run_exercise(found.text.solution, found.checks)
    assert solved["ok"], failures(solved)
    started = run_exercise(found.text.starter, found.checks)
    assert not started["ok"]
    statuses = {check["status"] for check in started["checks"]}
    # A starter is for filling in: it runs, and says by its checks what is missing.
    assert started["error"] is None, started["error"]
    assert "fail" in statuses, failures(started)


@pytest.fixture(scope="module")
def pyodide(tmp_path_factory):
    """Run jobs in the page's own Python, in Node, and return their results."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    folder = tmp_path_factory.mktemp("runtime")
    try:
        assemble(find_vendor(ROOT), folder)
    except Unavailable as error:
        pytest.skip(f"the page's Python cannot be gathered: {error}")
    # Node takes a module by its ending; hosts do not always know that ending.
    shutil.copy2(folder / "pyodide.module.js", folder / "pyodide.mjs")

    def run(jobs):
        script = Path(__file__).with_name("pyodide_run.mjs")
        done = subprocess.run(
            [node, str(script), str(folder)],
            input=json.dumps(jobs),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return run


@pytest.mark.node
def test_the_same_in_pyodide(pyodide):
    jobs = [
        {"source": source, "checks": found.checks}
        for found in EXERCISES
        for source in (found.text.starter, found.text.solution)
    ]
    answer = pyodide([*jobs, {"source": DRAWING, "checks": []}])
    *results, drawn = answer["results"]
    for found, started, solved in zip(EXERCISES, results[::2], results[1::2], strict=True):
        assert solved["outcome"]["ok"], (str(found), failures(solved["outcome"]))
        assert not started["outcome"]["ok"], str(found)
        assert started["outcome"]["error"] is None, (str(found), started["outcome"]["error"])
    assert {kind for kind, _ in drawn["events"]} == {"stream", "svg"}
    assert answer["packages"]["numpy"] == "2.0.2"
    assert answer["packages"]["sympy"] == "1.13.3"
    assert "matplotlib" not in answer["packages"]["modules"]
