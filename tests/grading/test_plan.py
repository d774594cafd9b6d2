"""Looking at submissions without running them: keys, what is left out, what is set aside."""

from __future__ import annotations

import json
import os
import pickle
import socket

import nbformat
import pytest

from optedu.grading.course import open_course
from optedu.grading.errors import UsageError
from optedu.grading.execute import Limits
from optedu.grading.plan import make_plan, read_submission
from tests.grading import course as courses


def plan(root, **options):
    course = open_course(courses.ASSIGNMENT, root)
    options = {"limits": Limits(), "sandbox": False} | options
    return make_plan(course, **options)


def only(root, **options):
    (submission,) = plan(root, **options).submissions
    return submission


@pytest.fixture
def folder(root, blank):
    """One good submission, in a course of its own."""
    return courses.submit(root, "ada", courses.answered(blank, **courses.ANSWERS))


def test_a_good_submission_is_ready(root, folder):
    submission = only(root)
    assert submission.problem is None
    assert submission.notebooks == ("problem",)
    assert submission.files == ("data.csv", "problem.ipynb")
    assert submission.tampered == () and submission.notes == ()


def test_the_key_stays_and_changes_with_whatever_could_change_the_score(root, folder):
    key = only(root).key
    assert only(root).key == key
    assert only(root, limits=Limits(wall_s=1.0)).key != key
    assert only(root, sandbox=True).key != key

    (folder / "helper.py").write_text("x = 1\n")
    with_helper = only(root).key
    assert with_helper != key
    (folder / "helper.py").unlink()

    config = root / "nbgrader_config.py"
    text = config.read_text()
    config.write_text(text + "c.LimitOutput.max_lines = 3\n")
    assert only(root).key != key
    config.write_text(text)

    (root / "source" / courses.ASSIGNMENT / "data.csv").write_text("5\n")
    assert only(root).key != key


def test_two_students_with_the_same_files_have_two_keys(root, folder, blank):
    courses.submit(root, "bob", courses.answered(blank, **courses.ANSWERS))
    first, second = plan(root).submissions
    assert first.key != second.key


def test_the_bytes_that_travel_are_the_files(root, folder):
    submission = only(root)
    course = open_course(courses.ASSIGNMENT, root)
    files = pickle.loads(read_submission(course, submission))
    assert files == {name: (folder / name).read_bytes() for name in submission.files}


def test_the_shared_part_has_no_student_and_no_solution(root, folder):
    shared = plan(root).shared
    assert b"ada" not in shared.data
    assert b"i * i for i in range" not in shared.data
    assert [item["name"] for item in shared.items if item["automatic"]] == [
        "test_squares",
        "test_mean",
        "test_partial",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "problem.ipynb is empty"),
        (b"{", "problem.ipynb is not valid JSON: line 1, column 2: Expecting property name"),
        (b"\xff\xfe{}", "problem.ipynb is not valid UTF-8: byte 0 is 0xff"),
        (b"[]", "problem.ipynb is not a notebook: no JSON object"),
        (b'{"nbformat": 4}', "problem.ipynb is not a notebook: no cells"),
        (b"[" * 200_000, "problem.ipynb is not a notebook: nested too deeply"),
    ],
    ids=["empty", "truncated", "latin", "list", "no-cells", "nested"],
)
def test_what_is_no_notebook_is_set_aside_with_the_reason(root, content, reason):
    courses.submit(root, "ada", content)
    assert only(root).problem.startswith(reason)


def test_a_byte_order_mark_is_no_obstacle(root, blank):
    text = nbformat.writes(courses.answered(blank, **courses.ANSWERS))
    courses.submit(root, "ada", b"\xef\xbb\xbf" + text.encode())
    assert only(root).problem is None


def test_no_notebook_and_a_wrong_name_are_told_apart(root, folder):
    (folder / "problem.ipynb").rename(folder / "Untitled.ipynb")
    assert only(root).problem == "no problem.ipynb, but Untitled.ipynb"
    (folder / "Untitled.ipynb").unlink()
    assert only(root).problem == "no notebook: problem.ipynb is missing"


def test_a_second_notebook_is_left_out_and_mentioned(root, folder):
    (folder / "scratch.ipynb").write_bytes((folder / "problem.ipynb").read_bytes())
    submission = only(root)
    assert submission.problem is None and submission.notebooks == ("problem",)
    assert submission.notes == ("scratch.ipynb is not part of the assignment: left out",)


def test_links_out_of_the_folder_are_never_read(root, folder):
    (folder / "secrets.txt").symlink_to("/etc/passwd")
    (folder / "gone.txt").symlink_to(folder / "nothing")
    (folder / "copy.csv").symlink_to(folder / "data.csv")
    submission = only(root)
    assert submission.files == ("copy.csv", "data.csv", "problem.ipynb")
    assert submission.tampered == (
        "'gone.txt' is a broken symbolic link: left out",
        "'secrets.txt' is a symbolic link out of the folder: left out",
    )


def test_a_notebook_that_links_to_the_solution_is_set_aside(root, folder):
    (folder / "problem.ipynb").unlink()
    (folder / "problem.ipynb").symlink_to(root / "source" / courses.ASSIGNMENT / "problem.ipynb")
    submission = only(root)
    assert submission.problem == "no notebook: problem.ipynb is missing"
    assert "symbolic link out of the folder" in submission.tampered[0]


def test_pipes_and_sockets_are_not_opened(root, folder, monkeypatch):
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert only(root).tampered == (
            "'pipe' is not a regular file: left out",
            "'socket' is not a regular file: left out",
        )


def test_a_submission_larger_than_the_course_allows_is_set_aside(root, folder):
    config = root / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.CourseDirectory.max_dir_size = 10\n")
    (folder / "big.bin").write_bytes(b"0" * 20_000)
    assert "more than 10 kB" in only(root).problem


@pytest.mark.parametrize("student", ["anna maria", "o'neil", "日本", "-rf", "a\nb", "[x]", "a%s{}"])
def test_odd_student_ids_are_found_as_they_are(root, blank, student):
    courses.submit(root, student, courses.answered(blank, **courses.ANSWERS))
    submission = only(root)
    assert submission.student == student and submission.problem is None


def test_a_student_id_that_is_no_text_is_set_aside(root, blank):
    folder = courses.submit(root, "ada", courses.answered(blank, **courses.ANSWERS)).parent
    os.rename(os.fsencode(folder), os.fsencode(folder.parent) + b"/\xff")
    assert only(root).problem == "the student id is not valid UTF-8"


def test_students_can_be_chosen_by_id_and_pattern(root, blank):
    for student in ("ada", "bob", "bea"):
        courses.submit(root, student, courses.answered(blank, **courses.ANSWERS))
    assert [s.student for s in plan(root).submissions] == ["ada", "bea", "bob"]
    assert [s.student for s in plan(root, students=["b*"]).submissions] == ["bea", "bob"]
    with pytest.raises(UsageError, match="no submission of eve"):
        plan(root, students=["eve"])


def test_an_unknown_assignment_is_named_with_the_known_ones(root):
    course = open_course("ps2", root)
    with pytest.raises(UsageError, match=r"no assignment 'ps2' .*it has: ps1"):
        make_plan(course, limits=Limits())


def test_a_broken_configuration_is_a_usage_error(root):
    (root / "nbgrader_config.py").write_text("c = get_config(\n")
    with pytest.raises(UsageError, match=r"nbgrader_config.py cannot be used"):
        open_course(courses.ASSIGNMENT, root)


def test_a_missing_gradebook_is_not_made(root):
    (root / "gradebook.db").unlink()
    with pytest.raises(UsageError, match="no gradebook at"):
        open_course(courses.ASSIGNMENT, root)
    assert not (root / "gradebook.db").exists()


def test_hidden_cells_of_a_submission_are_data_only(root, folder):
    """A file that looks like a pickle stays a file: its bytes are never loaded."""

    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(root / "exploded"),))

    (folder / "data.pkl").write_bytes(pickle.dumps(Bomb()))
    course = open_course(courses.ASSIGNMENT, root)
    files = pickle.loads(read_submission(course, only(root)))
    assert isinstance(files["data.pkl"], bytes)
    assert not (root / "exploded").exists()
    assert json.loads(files["problem.ipynb"])["nbformat"] == 4


def test_a_folder_that_cannot_be_read_is_not_one_without_a_notebook(root, folder, monkeypatch):
    def walk(path, onerror=None):
        if onerror:
            onerror(PermissionError(13, "Permission denied", str(path)))
        return iter(())

    monkeypatch.setattr("optedu.grading.plan.os.walk", walk)
    assert only(root).problem == "its folder cannot be read: Permission denied"


@pytest.mark.parametrize(
    "stamp",
    ["", "yesterday", "\x00", "2026-13-45 99:00", "02.12.2026 10:00", "10:00", "12/01/2026",
     "2026-12-01 18:00 MOON", "0001-01-01 00:00 +05:00", "2026-12-01 18:00 UTC\nor so"],
)  # fmt: skip
def test_a_time_that_is_none_is_told(root, folder, stamp):
    (folder / "timestamp.txt").write_text(stamp)
    told = only(root).time_problem
    assert only(root).time is None
    assert told.startswith("timestamp.txt is no time (") and told.endswith("counts as on time")


@pytest.mark.parametrize(
    "stamp",
    ["2026-12-01 18:00", "2026-12-01 18:00:00.000000 UTC", "2026-12-01T18:00:00Z", "20261201T18",
     "2026-12-01 19:00+01:00", "2026-12-01 19:00 Europe/Berlin", "\ufeff2026-12-01 18:00 UTC\r\n"],
)  # fmt: skip
def test_a_time_is_read_in_isos_forms_and_in_nbgraders(root, folder, stamp):
    (folder / "timestamp.txt").write_text(stamp, "utf-8")
    submission = only(root)
    assert (str(submission.time), submission.time_problem) == ("2026-12-01 18:00:00", None)


def test_a_notebook_that_is_nested_too_deeply_or_has_endless_numbers(root, folder):
    path = folder / "problem.ipynb"
    path.write_text('{"cells": ' + "[" * 300 + "]" * 300 + "}")
    assert only(root).problem == "problem.ipynb is not a notebook: nested more than 100 deep"
    path.write_text('{"cells": [], "n": ' + "9" * 5000 + "}")
    assert "problem.ipynb is not valid JSON: Exceeds the limit (4300 digits)" in only(root).problem
