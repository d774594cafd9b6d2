"""`optedu doctor`, and the other commands where an extra is not installed."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

from optedu.desk import doctor
from tests.desk.conftest import optedu, said


def table(text: str) -> dict[str, str]:
    """The status of each row by what it is about."""
    widths = text.splitlines()[0]
    start = widths.index("status")
    return {line[:start].strip(): line[start:].split()[0] for line in text.splitlines()[1:]}


def without(module: str, *arguments: str) -> subprocess.CompletedProcess:
    code = (
        f"import sys\nsys.modules[{module!r}] = None\nsys.argv = ['optedu', *{list(arguments)!r}]\n"
        "from optedu.__main__ import main\nsys.exit(main())"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.sandbox
def test_all_is_well_in_a_course(course):
    rows = table(said("doctor"))
    assert {"Python", "nbgrader", "click", "sandbox", "disk", "git", "Node.js"} <= rows.keys()
    assert {rows[n] for n in ("Python", "nbgrader", "sandbox", "course", "gradebook")} == {"ok"}
    assert "1 assignments, 3 students" in optedu("doctor").output


HIDDEN = "from optedu.grading.feedback import HideTests\n"
HIDDEN += "c.GenerateFeedback.preprocessors = [HideTests]\n"
SET = 'c.HTMLExporter.preprocessors.append("optedu.grading.formulas.SetFormulas")\n'


@pytest.mark.parametrize(
    ("lines", "hidden", "formulas"),
    [
        (HIDDEN + SET, "ok", "ok"),
        (HIDDEN, "ok", "optional"),
        (SET, "optional", "ok"),
    ],
)
def test_what_a_configuration_lacks_is_told_with_its_line(course, lines, hidden, formulas):
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(lines)
    rows = {row.what: row for row in doctor.findings()}
    assert (rows["hidden tests"].status, rows["formulas"].status) == (hidden, formulas)
    told = rows["hidden tests"].do + rows["formulas"].do
    assert ("feedback shows hidden tests" in told) == (hidden != "ok")
    line = '"optedu.grading.formulas.SetFormulas" in c.HTMLExporter.preprocessors'
    assert (line in told) == (formulas != "ok")


def test_what_is_missing_has_status_3_and_what_to_install(course, monkeypatch):
    from optedu.grading.sandbox import jail

    def missing():
        raise jail.SandboxUnavailable("bubblewrap is not installed: apt install bubblewrap")

    monkeypatch.setattr(jail, "probe", missing)
    text = said("doctor", code=3)
    assert table(text)["sandbox"] == "missing"
    assert "apt install bubblewrap" in text


def test_what_grading_does_without_is_no_fault(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    rows = {row.what: row for row in doctor.findings()}
    assert rows["git"].status == rows["Chromium"].status == rows["course"].status == "optional"
    assert "optedu quickstart FOLDER" in rows["course"].do
    assert rows["environment"].found == "not active"


def test_a_missing_and_an_old_package_are_told(monkeypatch):
    real = metadata.version

    def version(name):
        if name == "nbgrader":
            return "0.9.5"
        if name == "rich":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    rows = {row.what: row for row in doctor.findings()}
    assert rows["nbgrader"].status == rows["rich"].status == "missing"
    assert "==0.9.6" in rows["nbgrader"].do
    assert rows["rich"].do == "pip install 'optedu[grade]'"


def test_a_gradebook_that_is_no_database_is_told(course):
    (course / "gradebook.db").write_text("no database, " * 100)
    text = said("doctor", code=3)
    assert table(text)["gradebook"] == "missing"
    assert "no SQLite database" in text


def test_without_click_one_line_names_the_extra_and_doctor_still_works():
    done = without("click", "grade", "ps1")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "optedu: click is missing: pip install 'optedu[grade]'\n"
    done = without("click", "doctor")
    assert done.returncode in (0, 3), done.stderr
    assert "nbgrader" in table(done.stdout)


@pytest.mark.parametrize("command", ["grade ps1 --cluster tcp://127.0.0.1:1", "roster"])
def test_without_nbgrader_one_line_names_the_extra(command):
    done = without("nbgrader", *command.split())
    name = command.split()[0]
    assert done.stderr == f"optedu {name}: nbgrader is missing: pip install 'optedu[grade]'\n"
    assert done.returncode == 2
