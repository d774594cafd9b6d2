"""One registered course for all grading tests, copied where a test writes to it."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from tests.grading import course as courses


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Make a folder once for all processes of a test run: grading a class is not cheap."""

    def make(name: str, build) -> Path:
        base = tmp_path_factory.getbasetemp()
        if "PYTEST_XDIST_WORKER" in os.environ:
            base = base.parent
        folder, done = base / name, base / f"{name}.done"
        with open(base / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                build(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def master_course(once):
    """A course with its assignment released and registered, and no submission."""
    return once("master", courses.make_course)


@pytest.fixture(scope="session")
def blank(master_course):
    """The notebook that students receive."""
    return courses.released(master_course)


@pytest.fixture
def root(master_course, tmp_path):
    """A course of its own for one test."""
    return shutil.copytree(master_course, tmp_path / "course")
