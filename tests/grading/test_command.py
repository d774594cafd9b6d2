"""The command line: exit status, one-line errors, what it prints and writes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from optedu.cli import main
from tests.grading import course as courses

RIGHT = courses.ANSWERS


@pytest.fixture
def here(root, monkeypatch):
    monkeypatch.chdir(root)
    return root


def grade(*arguments: str):
    return CliRunner().invoke(main, ["grade", *arguments])


def test_help_needs_no_course_and_imports_no_nbgrader():
    code = (
        "import sys\nfrom optedu.cli import main\n"
        "main(['grade', '--help'], standalone_mode=False)\n"
        "assert 'nbgrader' not in sys.modules and 'sympy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--no-sandbox" in done.stdout and "exit status" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ps2"], "no assignment 'ps2' in the gradebook (it has: ps1)"),
        (["ps1"], "no submission for 'ps1' in submitted/"),
        (["ps1", "--student", "eve"], "no submission of eve for 'ps1' in submitted/"),
        (["ps1", "--report", "no/such/folder.json"], "--report: no folder no/such"),
        (["ps1", "--cluster", "tcp://127.0.0.1:1", "--jobs", "2"], "--jobs is for this machine"),
        (["a+b"], "Assignment names should not contain"),
    ],
)
def test_misuse_is_one_line_and_status_2(here, arguments, message):
    result = grade(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.startswith("optedu grade: ") and result.output.count("\n") == 1


def test_options_out_of_range_are_refused_by_name(here):
    assert grade("ps1", "--jobs", "0").exit_code == 2
    assert grade("ps1", "--timeout", "0").exit_code == 2
    assert grade("ps1", "--memory", "1").exit_code == 2


def test_outside_a_course_it_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = grade("ps1")
    assert result.exit_code == 2 and f"no course in {tmp_path}: go to" in result.output


def test_without_bubblewrap_it_refuses_and_says_how_to_install_it(here, monkeypatch):
    from optedu.grading import execute

    def missing():
        raise execute.SandboxUnavailable("bubblewrap is not installed: apt install bubblewrap")

    monkeypatch.setattr(execute, "probe", missing)
    result = grade("ps1")
    assert result.exit_code == 2
    assert result.output == ("optedu grade: bubblewrap is not installed: apt install bubblewrap\n")


def test_debug_shows_where(here):
    result = grade("ps2", "--debug")
    assert result.exception is not None and "UsageError" in repr(result.exception)


@pytest.mark.sandbox
def test_a_class_with_its_summary_report_and_status(here, blank):
    courses.submit(here, "ada", courses.answered(blank, **RIGHT))
    courses.submit(here, "bob", courses.answered(blank, **{**RIGHT, "mean": "mean = None"}))
    courses.submit(here, "eve", b"no notebook")
    result = grade("ps1", "--jobs", "2", "--report", "report.json")
    assert result.exit_code == 3
    assert "eve: problem.ipynb is not valid JSON" in result.output
    assert "3 submissions: 2 graded, 1 invalid" in result.output

    report = json.loads((here / "report.json").read_text())
    assert [(row["student"], row["score"]) for row in report["students"]] == [
        ("ada", 7.0),
        ("bob", 2.0),
        ("eve", None),
    ]
    assert [row["student"] for row in report["needs_human"]] == ["eve"]
    items = {row["item"]: row for row in report["items"]}
    assert items["test_squares"]["failed"] == 0
    assert items["test_mean"]["failed"] == 1
    assert "'NoneType' object is not callable" in items["test_mean"]["messages"][0]["message"]
    assert report["scores"]["mean"] == 4.5 and report["max_score"] == 7.0

    assert grade("ps1", "--student", "ada", "--student", "bob").exit_code == 0


@pytest.mark.sandbox
def test_without_sandbox_the_scores_are_the_same(here, blank):
    courses.submit(here, "ada", courses.answered(blank, **RIGHT))
    result = grade("ps1", "--no-sandbox", "--report", "report.json")
    assert result.exit_code == 0, result.output
    assert json.loads((here / "report.json").read_text())["students"][0]["score"] == 7.0


@pytest.mark.sandbox
def test_a_warning_on_stderr_costs_no_points(here, blank):
    warns = (
        "import sys, warnings\ndef mean(xs):\n    warnings.warn('close call')\n"
        "    print('hm', file=sys.stderr)\n    np.array([1.0]) / np.array([0.0])\n"
        "    return float(np.mean(xs))\n"
    )
    courses.submit(here, "ada", courses.answered(blank, **RIGHT | {"mean": warns}))
    assert grade("ps1", "--report", "report.json").exit_code == 0
    assert json.loads((here / "report.json").read_text())["students"][0]["score"] == 7.0


@pytest.mark.sandbox
def test_with_one_kernel_the_scores_are_the_same_and_the_report_says_so(here, blank):
    courses.submit(here, "ada", courses.answered(blank, **RIGHT))
    result = grade("ps1", "--kernels", "one", "--report", "report.json")
    assert result.exit_code == 0, result.output
    assert "One kernel: the tests ran beside" in result.output
    report = json.loads((here / "report.json").read_text())
    assert report["students"][0]["score"] == 7.0
    assert report["kernels"] == "one" and "can read and change" in report["warning"]


def test_a_gradebook_that_is_no_database_is_told_in_one_line(here, blank):
    courses.submit(here, "ada", courses.answered(blank, **RIGHT))
    (here / "gradebook.db").write_text("this is no database, " * 100)
    done = grade("ps1")
    assert done.exit_code == 2, done.output
    assert "the gradebook's file is no SQLite database" in done.output
    assert "Traceback" not in done.output and "SELECT" not in done.output
