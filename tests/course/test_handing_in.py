"""What the book tells students about handing in, done as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "book/handing_in.md").read_text()
NAME = "ps09_adam"


def part(label):
    """The section of the page below a label."""
    return PAGE.partition(f"({label})=")[2].partition("\n(")[0]


def commands(text):
    return [
        line.removeprefix("$ ")
        for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    ]


@pytest.fixture
def run(tmp_path):
    """Run a command as on a machine whose nbgrader has an exchange of its own."""
    (tmp_path / "exchange").mkdir(mode=0o777)
    (tmp_path / "exchange").chmod(0o777)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/nbgrader_config.py").write_text(
        f"c = get_config()\nc.Exchange.root = {str(tmp_path / 'exchange')!r}\n"
    )
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "HOME": str(tmp_path),
        "PYTHONWARNINGS": "ignore",
    }

    def command(line, where):
        done = subprocess.run(
            line, shell=True, cwd=where, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-1500:]
        return done.stdout + done.stderr

    return command


def class_folder(tmp_path):
    """An instructor's folder with the released notebook of this course."""
    folder = tmp_path / "class"
    release = folder / "release" / NAME
    release.mkdir(parents=True)
    text = (ROOT / "exercises" / NAME / f"{NAME}.ipynb").read_text()
    (release / f"{NAME}.ipynb").write_text(text)
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'optedu'\n"
    )
    return folder


def test_the_commands_for_the_exchange_fetch_and_hand_in(run, tmp_path):
    run(f"nbgrader release_assignment {NAME}", class_folder(tmp_path))
    student = tmp_path / "student"
    student.mkdir()
    listed, fetch, submit, inbound = commands(part("handing-in-exchange"))
    assert f"optedu {NAME}" in run(listed, student)
    run(fetch, student)
    notebook = student / NAME / f"{NAME}.ipynb"
    notebook.write_text(notebook.read_text().replace("# YOUR CODE HERE", "# my work", 1))
    run(submit, student)
    assert re.search(rf"optedu \w+ {NAME} \d{{4}}-\d\d-\d\d", run(inbound, student))
    (arrived,) = (tmp_path / "exchange/optedu/inbound").glob(f"*/{NAME}.ipynb")
    assert arrived.read_bytes() == notebook.read_bytes()


# What a platform, or a browser before it, makes of the name of the file that the page names.
UPLOADED = {
    "ada": "ada_41_7001_ps09_adam.ipynb",
    "emmy": "emmy_42_7002_ps09_adam-1.ipynb",
    "alan": "alan_43_7003_ps09_adam (1).ipynb",
}
EXPRESSION = r"(?P<student_id>[a-z]+)_\d+_\d+_(?P<file_id>ps\d+_[a-z]+)"


def test_the_file_that_is_uploaded_is_collected(run, tmp_path):
    assert f"this one file, `{NAME}.ipynb`" in part("handing-in-upload").replace("\n", " ")
    folder = class_folder(tmp_path)
    archive = folder / "downloaded" / NAME / "archive"
    archive.mkdir(parents=True)
    text = (ROOT / "exercises" / NAME / f"{NAME}.ipynb").read_text()
    with zipfile.ZipFile(archive / "submissions.zip", "w") as out:
        for name in UPLOADED.values():
            out.writestr(name, text)
    option = f"--FileNameCollectorPlugin.named_regexp='.*/{EXPRESSION}.*'"
    run(f"nbgrader zip_collect {NAME} --strict {option}", folder)
    for student in UPLOADED:
        assert (folder / "submitted" / student / NAME / f"{NAME}.ipynb").read_text() == text
