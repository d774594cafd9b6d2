"""One registered course for all grading tests, copied where a test writes to it."""

from __future__ import annotations

import shutil

import pytest

from tests.grading import course as courses


@pytest.fixture(scope="session")
def master_course(tmp_path_factory):
    """A course with its assignment released and registered, and no submission."""
    return courses.make_course(tmp_path_factory.mktemp("master") / "course")


@pytest.fixture(scope="session")
def blank(master_course):
    """The notebook that students receive."""
    return courses.released(master_course)


@pytest.fixture
def root(master_course, tmp_path):
    """A course of its own for one test."""
    return shutil.copytree(master_course, tmp_path / "course")
