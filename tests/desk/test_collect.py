"""`optedu collect`: archives as Canvas, Moodle and people make them, and hostile ones."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import nbformat
import pytest

from optedu.desk import archives
from tests.desk.conftest import complaint, said, tree
from tests.grading import course as courses

MONDAY = (2026, 11, 23, 12, 0, 0)
TUESDAY = (2026, 11, 24, 12, 0, 0)


def notebook(text: str) -> bytes:
    cells = [nbformat.v4.new_markdown_cell(text, id="a")]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()


def zipped(path: Path | io.BytesIO, files: dict[str, bytes], when=MONDAY):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, when), content, zipfile.ZIP_DEFLATED)
    return path


def nested(files: dict[str, bytes]) -> bytes:
    return zipped(io.BytesIO(), files).getvalue()


def submitted(root: Path) -> dict[str, bytes]:
    """Every file that was collected, by student and name."""
    folder = root / "submitted"
    if not folder.is_dir():
        return {}
    found = {p.relative_to(folder).parts: p for p in folder.rglob("*") if p.is_file()}
    return {"/".join([x[0], *x[2:]]): path.read_bytes() for x, path in found.items()}


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("lovelaceada_101_4711_ps1.ipynb", ("lovelaceada", None, "101", "4711", "ps1.ipynb")),
        ("lovelaceada_LATE_101_4711_a_1_2_b", ("lovelaceada", "LATE", "101", "4711", "a_1_2_b")),
        ("lovelaceada2_101_4711_ps1-2.ipynb", ("lovelaceada2", None, "101", "4711", "ps1-2.ipynb")),
        ("oneillseán_7_8_x.zip", ("oneillseán", None, "7", "8", "x.zip")),
        ("late_LATE_7_8_LATE_9_10_x.ipynb", ("late", "LATE", "7", "8", "LATE_9_10_x.ipynb")),
    ],
)  # fmt: skip
def test_a_name_of_canvas(name, groups):
    assert archives.CANVAS.fullmatch(name).groups() == groups


@pytest.mark.parametrize(
    ("name", "who", "path"),
    [
        ("Ada Lovelace_205_assignsubmission_file/ps1.ipynb", "Ada Lovelace", "ps1.ipynb"),
        ("Ada Lovelace_205_assignsubmission_file_/data/a_1.csv", "Ada Lovelace", "data/a_1.csv"),
        ("Ada Lovelace_205_assignsubmission_file_ps_1.ipynb", "Ada Lovelace", "ps_1.ipynb"),
        ("Ada 2 Lovelace_205_assignsubmission_file/a/b_205_c.md", "Ada 2 Lovelace", "a/b_205_c.md"),
    ],
)  # fmt: skip
def test_a_name_of_moodle(name, who, path):
    match = archives.MOODLE.fullmatch(name)
    assert (match["name"], match["user"], match["path"] or match["file"]) == (who, "205", path)


@pytest.mark.parametrize(
    "name", ["ps1.ipynb", "ada_ps1.ipynb", "ada_1_ps1.ipynb", "ada/1_2_x.ipynb"]
)
def test_other_names_are_of_neither(name):
    assert archives.CANVAS.fullmatch(name) is None and archives.MOODLE.fullmatch(name) is None


A, B, E = notebook("ada"), notebook("bob"), notebook("emmy")


@pytest.mark.parametrize(
    "files",
    [
        {
            "lovelaceada_101_4711_problem-1.ipynb": A,
            "boxbob_LATE_102_4712_problem (2).ipynb": B,
            "noetheremmy_777_4713_my answers.ipynb": E,  # by the name: another number
        },
        {
            "Ada Lovelace_205_assignsubmission_file/problem.ipynb": A,
            "Box Bob_206_assignsubmission_file_/problem - Copy.ipynb": B,
            "EMMY Noether_207_assignsubmission_file_problem.ipynb": E,
            "Ada Lovelace_205_assignsubmission_onlinetext/onlinetext.html": b"<p>see file</p>",
            "Ada Lovelace_205_assignsubmission_onlinetext_onlinetext.html": b"<p>see file</p>",
        },
        {
            "ps1 submissions/ada/problem.ipynb": A,
            "ps1 submissions/bob/ps1/Problem.ipynb": B,
            "ps1 submissions/emmy/x.ipynb": E,
            "__MACOSX/ada/._problem.ipynb": b"\0",
            "ps1 submissions/ada/.ipynb_checkpoints/problem-checkpoint.ipynb": B,
        },
        {"ada.ipynb": A, "bob_problem.ipynb": B, "emmy-ps1.zip": nested({"work/problem.ipynb": E})},
    ],
    ids=["canvas", "moodle", "folders", "files"],
)
def test_each_platforms_archive_is_recognized(course, files):
    zipped(course / "all.zip", files)
    text = said("collect", "ps1", "all.zip")
    assert text.startswith("ps1: 3 new\n")
    assert ("Late, as the platform says: bob" in text) == any("LATE" in name for name in files)
    assert submitted(course) == {
        "ada/problem.ipynb": A, "bob/problem.ipynb": B, "emmy/problem.ipynb": E,
    }  # fmt: skip
    again = said("collect", "ps1", "all.zip")
    assert again.startswith("ps1: 3 as before\n")
    assert not (course / "replaced").exists()
    assert "0 of 3 students have not" in said("roster", "--missing", "ps1")


@pytest.mark.parametrize("place", ["source", "release"])
def test_another_assignments_notebook_does_not_replace_the_right_one(course, place):
    (course / place / "ps2").mkdir(parents=True)
    (course / place / "ps2/second.ipynb").write_bytes(B)
    zipped(course / "monday.zip", {"lovelaceada_101_1_problem.ipynb": A})
    said("collect", "ps1", "monday.zip")
    zipped(course / "tuesday.zip", {"lovelaceada_101_2_second-1.ipynb": B}, TUESDAY)
    text = said("collect", "ps1", "tuesday.zip", code=3)
    assert "Set aside: ada: second-1.ipynb: it is the notebook of ps2\n" in text
    assert submitted(course) == {"ada/problem.ipynb": A}


def test_a_notebook_of_an_unknown_name_is_taken_and_said(course):
    zipped(course / "all.zip", {"ada/my_homework.ipynb": A, "bob.ipynb": B})
    text = said("collect", "ps1", "all.zip")
    assert "\nTaken as problem.ipynb: ada (my_homework.ipynb)\n" in text
    assert submitted(course) == {"ada/problem.ipynb": A, "bob/problem.ipynb": B}


def test_data_files_come_along_and_a_time_of_the_students_own_does_not(course):
    zipped(
        course / "all.zip",
        {
            "Ada Lovelace_2_assignsubmission_file/problem.ipynb": A,
            "Ada Lovelace_2_assignsubmission_file/data/mine.csv": b"1",
            "Ada Lovelace_2_assignsubmission_file/timestamp.txt": b"2000-01-01 00:00:00 UTC",
            "Bob Box_3_assignsubmission_file/hw.zip": nested(
                {"hw/problem.ipynb": B, "hw/timestamp.txt": b"2000-01-01 00:00:00 UTC"}
            ),
        },
    )
    said("collect", "ps1", "all.zip")
    assert submitted(course) == {
        "ada/problem.ipynb": A, "ada/data/mine.csv": b"1", "bob/problem.ipynb": B,
    }  # fmt: skip


def test_the_newest_counts_and_the_other_is_kept(course):
    zipped(course / "monday.zip", {"ada/problem.ipynb": A, "bob/problem.ipynb": B})
    zipped(course / "tuesday.zip", {"ada/problem.ipynb": E}, TUESDAY)
    said("collect", "ps1", "monday.zip")
    text = said("collect", "ps1", "tuesday.zip")
    assert text.startswith(
        "ps1: 1 replaced by a newer one\nReplaced (what was there is in replaced/): ada"
    )
    assert submitted(course) == {"ada/problem.ipynb": E, "bob/problem.ipynb": B}
    assert (course / "replaced/ada/ps1.1/problem.ipynb").read_bytes() == A
    text = said("collect", "ps1", "monday.zip")
    assert "1 not newer than what is there, which stays" in text
    assert submitted(course)["ada/problem.ipynb"] == E
    said("collect", "ps1", "monday.zip", "--replace")
    assert submitted(course)["ada/problem.ipynb"] == A
    assert (course / "replaced/ada/ps1.2/problem.ipynb").read_bytes() == E


def test_of_several_archives_the_newest_counts_whatever_their_order(course):
    zipped(course / "monday.zip", {"ada/problem.ipynb": A})
    zipped(course / "tuesday.zip", {"ada/problem.ipynb": E}, TUESDAY)
    said("collect", "ps1", "tuesday.zip", "monday.zip")
    assert submitted(course) == {"ada/problem.ipynb": E}


def test_of_two_attempts_in_one_archive_of_canvas_the_later_counts(course):
    zipped(
        course / "all.zip",
        {"lovelaceada_101_4720_problem-1.ipynb": E, "lovelaceada_101_4711_problem.ipynb": A},
    )
    said("collect", "ps1", "all.zip")
    assert submitted(course) == {"ada/problem.ipynb": E}


def test_a_late_one_comes_after_one_in_time(course):
    zipped(course / "a.zip", {"lovelaceada_101_1_problem.ipynb": A}, TUESDAY)
    zipped(course / "b.zip", {"lovelaceada_LATE_101_2_problem.ipynb": E}, MONDAY)
    assert "Late, as the platform says: ada" in said("collect", "ps1", "a.zip", "b.zip")
    assert submitted(course) == {"ada/problem.ipynb": E}


def test_nbgraders_time_of_what_is_there_counts(course, blank):
    folder = courses.submit(course, "ada", blank, timestamp="2026-11-23 18:00:00 UTC")
    zipped(course / "monday.zip", {"ada/problem.ipynb": A})
    assert "1 not newer" in said("collect", "ps1", "monday.zip")
    zipped(course / "tuesday.zip", {"ada/problem.ipynb": A}, TUESDAY)
    assert "1 replaced" in said("collect", "ps1", "tuesday.zip")
    assert not (folder / "timestamp.txt").exists()
    assert (course / "replaced/ada/ps1.1/timestamp.txt").exists()


def test_without_a_time_nothing_is_replaced_unasked(course):
    zipped(course / "a.zip", {"ada/problem.ipynb": A})
    zipped(course / "b.zip", {"ada/problem.ipynb": E}, (1980, 1, 1, 0, 0, 0))
    said("collect", "ps1", "a.zip")
    assert "Without a time (--replace takes them): ada" in said("collect", "ps1", "b.zip", code=3)
    assert submitted(course) == {"ada/problem.ipynb": A}


def test_who_is_unknown_is_listed_and_the_others_are_collected(course):
    zipped(
        course / "all.zip",
        {
            "lovelaceada_101_1_problem.ipynb": A,
            "zerozed_9_2_problem.ipynb": B,
            "zerozed_9_3_a.txt": b"",
        },
    )
    text = said("collect", "ps1", "all.zip", code=3)
    assert "Unknown: 'zerozed' is not in the class: zerozed_9_2_problem.ipynb and 1 more" in text
    assert "2 of the class have not handed in: optedu roster --missing ps1" in text
    assert submitted(course) == {"ada/problem.ipynb": A}


def test_anonymous_submissions_of_canvas_say_so(course):
    zipped(course / "all.zip", {"anon_x1Y2z_4711_problem.ipynb": A})
    assert "graded anonymously: reveal the names" in said("collect", "ps1", "all.zip", code=3)


def test_two_students_of_one_name_need_moodles_worksheet(course):
    (course / "more.csv").write_text(
        "id,first_name,last_name,email\nada2,Ada,Lovelace,ada2@example.org\n"
    )
    said("roster", "more.csv")
    files = {
        "Ada Lovelace_205_assignsubmission_file/problem.ipynb": A,
        "Ada Lovelace_206_assignsubmission_file/problem.ipynb": E,
    }
    zipped(course / "all.zip", files)
    text = said("collect", "ps1", "all.zip", code=3)
    assert "'Ada Lovelace' is ada and ada2: say which with --worksheet FILE" in text
    assert submitted(course) == {}
    (course / "sheet.csv").write_text(
        "Identifier,Full name,Email address,Status,Grade\n"
        "Participant 205,Ada Lovelace,ADA2@example.org,Submitted,\n"
        "Participant 206,Ada Lovelace,ada@example.org,Submitted,\n"
    )
    said("collect", "ps1", "all.zip", "--worksheet", "sheet.csv")
    assert submitted(course) == {"ada2/problem.ipynb": A, "ada/problem.ipynb": E}


# -- what must do no harm --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../../evil.ipynb",
        "/etc/evil.ipynb",
        "..\\..\\evil.ipynb",
        "C:\\evil.ipynb",
        "ada/../../evil.ipynb",
    ],
)
def test_nothing_is_written_outside(course, path):
    """As a member of the archive, and of one that a student has put into it."""
    zipped(
        course / "all.zip",
        {path: B, "ada/problem.ipynb": A, "bob/hw.zip": nested({path: A, "problem.ipynb": B})},
    )
    before = tree(course.parent).keys()
    text = said("collect", "ps1", "all.zip", code=3)
    assert text.count("its path leads out of the folder") == 2
    assert submitted(course) == {"ada/problem.ipynb": A, "bob/problem.ipynb": B}
    new = tree(course.parent).keys() - before
    assert all(name.startswith("course/submitted") for name in new)


def test_a_symbolic_link_is_left_out(course):
    link = zipfile.ZipInfo("ada/data.csv", MONDAY)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(zipped(course / "all.zip", {"ada/problem.ipynb": A}), "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "ada/data.csv: a symbolic link" in said("collect", "ps1", "all.zip", code=3)
    assert submitted(course) == {"ada/problem.ipynb": A}


def test_a_bomb_is_not_unpacked(course):
    config = (course / "nbgrader_config.py").read_text()
    config += "c.CourseDirectory.max_file_size = 50\nc.CourseDirectory.max_dir_size = 120\n"
    (course / "nbgrader_config.py").write_text(config)
    large = b"0" * 45_000
    zipped(
        course / "all.zip",
        {
            "ada/problem.ipynb": A,
            "bob/problem.ipynb": b"0" * 10_000_000,
            "emmy/problem.ipynb": E,
            **{f"emmy/{i}.csv": large for i in range(3)},
        },
    )
    assert (course / "all.zip").stat().st_size < 20_000
    text = said("collect", "ps1", "all.zip", code=3)
    assert "Set aside: bob: it unpacks to more than 0.05 MB" in text
    assert "Set aside: emmy: it unpacks to more than 0.12 MB" in text
    assert submitted(course) == {"ada/problem.ipynb": A}


def test_a_size_that_lies_is_found_out(course):
    path = zipped(course / "all.zip", {"ada/problem.ipynb": b"0" * 3_000_000})
    content = path.read_bytes()
    path.write_bytes(
        content.replace((3_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    )
    assert "Set aside: ada: damaged" in said("collect", "ps1", "all.zip", code=3)
    assert submitted(course) == {}


def test_one_students_damage_keeps_nobody_else_out(course):
    zipped(
        course / "all.zip",
        {
            "ada/problem.ipynb": A,
            "ada/a": b"a file",
            "ada/a/b": b"and a folder",
            "bob/problem.ipynb": B,
            "emmy/hw.zip": b"no archive",
        },
    )
    text = said("collect", "ps1", "all.zip", code=3)
    assert "Set aside: ada: two of its files have one path" in text
    assert "Set aside: emmy: no ZIP file" in text
    assert submitted(course) == {"bob/problem.ipynb": B}
    assert not list((course / "submitted").rglob(".collecting-*"))


def test_names_cannot_write_to_the_terminal(course):
    zipped(course / "all.zip", {"\x1b]0;mine\x07zed_1_2_x.ipynb": A, "ada/problem.ipynb": A})
    text = said("collect", "ps1", "all.zip", code=3)
    assert "\x1b" not in text and "?]0;mine?zed" in text


def test_a_notebook_of_another_assignment_is_set_aside(course):
    zipped(course / "all.zip", {"ada/problem.ipynb": A, "ada/ps2.ipynb": B, "bob/notes.txt": b"-"})
    text = said("collect", "ps1", "all.zip", code=3)
    assert "Set aside: ada: ps2.ipynb: no notebook of it (problem)" in text
    assert "Set aside: bob: there is no notebook of the assignment in it" in text
    assert submitted(course) == {"ada/problem.ipynb": A}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ps1", "no.zip"], "no.zip: No such file or directory"),
        (["ps1", "class.csv"], "class.csv is no ZIP file"),
        (["ps1", "submitted"], "submitted: "),
        (["ps9", "good.zip"], "no assignment 'ps9' in the gradebook (it has: ps1)"),
        (["ps1", "good.zip", "class.csv"], "class.csv is no ZIP file"),
        (["ps1", "good.zip", "--worksheet", "class.csv"], "class.csv is no grading worksheet"),
        (["ps1", "--replace"], "--from, --worksheet and --replace are for ZIP files"),
        (["ps1"], "no exchange here, see c.Exchange.root"),
    ],
)
def test_misuse_is_one_line_and_collects_nothing(course, arguments, words):
    zipped(course / "good.zip", {"ada/problem.ipynb": A})
    before = tree(course)
    assert words in complaint("collect", *arguments)
    assert tree(course) == before


@pytest.fixture
def hand_in(course):
    """Hand in by an exchange that the course has."""
    config = (course / "nbgrader_config.py").read_text()
    exchange = course.parent / "exchange"
    inbound = exchange / "tiny" / "inbound"
    inbound.mkdir(parents=True)
    config += f"c.Exchange.root = {str(exchange)!r}\n"
    (course / "nbgrader_config.py").write_text(config)

    def hand_in(student, stamp, content):
        folder = inbound / f"{student}+ps1+{stamp}+x"
        folder.mkdir()
        (folder / "problem.ipynb").write_bytes(content)
        (folder / "timestamp.txt").write_text(stamp)

    return hand_in


def test_the_exchange_is_collected_by_nbgrader(course, hand_in):
    hand_in("ada", "2026-11-23 12:00:00.123457 UTC", A)
    hand_in("bob", "2026-11-23 12:00:00 UTC", B)
    assert said("collect", "ps1").startswith("ps1: 2 new\n1 of the class have not handed in")
    assert said("collect", "ps1").startswith("ps1: 2 as before\n")
    hand_in("ada", "2026-11-24 12:00:00 UTC", E)
    text = said("collect", "ps1")
    assert text.startswith(
        "ps1: 1 replaced by a newer one, 1 as before\n"
        "Replaced (what was there is in replaced/): ada\n"
    )
    assert submitted(course)["ada/problem.ipynb"] == E
    assert (course / "replaced/ada/ps1.1/problem.ipynb").read_bytes() == A
    assert [p.name for p in course.iterdir() if p.name.startswith(".")] == []


def test_a_newer_one_of_an_archive_stays_where_the_exchange_has_an_older(course, hand_in):
    zipped(course / "tuesday.zip", {"ada/problem.ipynb": A}, TUESDAY)
    said("collect", "ps1", "tuesday.zip")
    hand_in("ada", "2026-11-23 12:00:00 UTC", E)
    assert said("collect", "ps1").startswith("ps1: 1 as before\n")
    assert submitted(course) == {"ada/problem.ipynb": A}
    hand_in("ada", "2026-11-25 12:00:00 UTC", B)
    assert "1 replaced" in said("collect", "ps1")
    assert submitted(course)["ada/problem.ipynb"] == B
    assert (course / "replaced/ada/ps1.1/problem.ipynb").read_bytes() == A


@pytest.mark.parametrize("stamp", [None, "", "soon"])
def test_what_a_teacher_has_repaired_stays_until_there_is_a_newer_one(course, hand_in, stamp):
    hand_in("ada", "2026-01-23 12:00:00 UTC", A)
    said("collect", "ps1")
    folder = course / "submitted/ada/ps1"
    (folder / "problem.ipynb").chmod(0o644)
    (folder / "problem.ipynb").write_bytes(B)
    (folder / "timestamp.txt").unlink()
    if stamp is not None:
        (folder / "timestamp.txt").write_text(stamp)
    assert said("collect", "ps1").startswith("ps1: 1 as before\n")
    assert submitted(course)["ada/problem.ipynb"] == B


def test_who_is_not_in_the_class_is_not_collected_from_the_exchange(course, hand_in):
    hand_in("ada", "2026-11-23 12:00:00 UTC", A)
    hand_in("eve", "2026-11-23 12:00:00 UTC", E)
    courses.submit(course, "adda", B)
    text = said("collect", "ps1", code=3)
    assert "Unknown: 'eve' is not in the class, and not collected: eve\n" in text
    assert "Set aside: submitted/adda: not in the class: rename it, or add it to" in text
    assert not (course / "submitted/eve").exists() and (course / "submitted/adda").is_dir()
    (course / "more.csv").write_text("id\neve\nadda\n")
    said("roster", "more.csv")
    assert said("collect", "ps1").startswith("ps1: 1 new, 2 as before\n")
    assert submitted(course)["eve/problem.ipynb"] == E
