"""`optedu roster`: what learning platforms export, and what is wrong with a file."""

from __future__ import annotations

import pytest
from nbgrader.api import Gradebook

from tests.desk.conftest import CLASS, complaint, said, tree
from tests.grading import course as courses

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,"ps1 (4711)",Current Score
    Points Possible,,,,,12,(read only)
"Lovelace, Ada King",101,S-1,ada,Group A,12,100
"Noether, Emmy",102,S-2,emmy,Group A,,
"Student, Test",999,,e1b2c3,Group A,,
"""
MOODLE = """\
\ufeffFirst name,Last name,ID number,Email address,Groups
Ada King,Lovelace,,ada@example.org,A
Emmy,Noether,,emmy@example.org,A
"""
MOODLE_GRADES = """\
First name;Surname;Username;ID number;Email address;Assignment: ps1 (Real)
Ada King;Lovelace;ada;4;ada@example.org;-
Emmy;Noether;emmy;5;emmy@example.org;9
"""
NBGRADER = (
    "id,first_name,last_name,email\nada,Ada King,Lovelace,ada@example.org\nemmy,Emmy,Noether,\n"
)
SPREADSHEET = "Name\tLogin\nAda King Lovelace\tada\n\nEmmy Noether\temmy\n"


def students(root):
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "tiny") as book:
        return {s.id: (s.first_name, s.last_name, s.email, s.lms_user_id) for s in book.students}


@pytest.mark.parametrize(
    ("text", "ids", "emails", "numbers"),
    [
        (CANVAS, ["ada", "emmy"], [None, None], ["101", "102"]),
        (
            MOODLE,
            ["ada@example.org", "emmy@example.org"],
            ["ada@example.org", "emmy@example.org"],
            [None, None],
        ),
        (MOODLE_GRADES, ["ada", "emmy"], ["ada@example.org", "emmy@example.org"], [None, None]),
        (NBGRADER, ["ada", "emmy"], ["ada@example.org", None], [None, None]),
        (SPREADSHEET, ["ada", "emmy"], [None, None], [None, None]),
    ],
    ids=["canvas", "moodle", "moodle grades", "nbgrader", "spreadsheet"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_platforms_export_is_read(here, text, ids, emails, numbers, encoding):
    path = here / "class.csv"
    path.write_text(text.replace("\n", "\r\n"), encoding, newline="")
    assert said("roster", "class.csv") == "2 students in class.csv: 2 new\n"
    names = [("Ada King", "Lovelace"), ("Emmy", "Noether")]
    assert students(here) == {
        i: (*n, e, m) for i, n, e, m in zip(ids, names, emails, numbers, strict=True)
    }


def test_another_column_may_have_the_ids(here):
    (here / "class.csv").write_text(CANVAS)
    said("roster", "class.csv", "--id", "sis user id")
    assert students(here).keys() == {"S-1", "S-2"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,lms_user_id\nS-1,101\n", "the platform's number '101' is of 'S-1', and in the "
         "gradebook of 'ada': "),
        ("username,email\nal1,ADA@example.org\nada,\n", "the e-mail address 'ADA@example.org' is "
         "of 'al1', and in the gradebook of 'ada': "),
    ],
)  # fmt: skip
def test_a_class_is_not_doubled_by_another_column_of_ids(course, text, words):
    (course / "other.csv").write_text(text)
    before = students(course)
    assert words in complaint("roster", "other.csv")
    assert students(course) == before


def test_numbers_may_be_exchanged_and_an_address_of_two_stays(course):
    (course / "other.csv").write_text("id,lms_user_id\nada,102\nbob,101\n")
    assert "2 changed" in said("roster", "other.csv")
    (course / "two.csv").write_text("id,email\nzed,z@example.org\nzoe,z@example.org\n")
    said("roster", "two.csv")
    assert "2 as before" in said("roster", "two.csv")


def test_a_second_file_changes_what_it_says_and_removes_nobody(course):
    (course / "new.csv").write_text("id,email\nada,ada@new.example.org\nzed,\nbob,\n")
    text = said("roster", "new.csv")
    assert text == (
        "3 students in new.csv: 1 new, 1 changed, 1 as before\n"
        "In the gradebook, and not in new.csv: emmy\n"
    )
    assert students(course)["ada"] == ("Ada", "Lovelace", "ada@new.example.org", "101")
    assert students(course)["bob"][2] == "bob@example.org"
    assert said("roster").splitlines()[-1] == "4 students"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CLASS + "bob,Bob,Again,,9\n", "line 5: student 'bob' is in line 3, too: keep one"),
        (CLASS + "eve,Eve,Doe,,101\n", "line 5: the platform's number '101' is in line 2, too"),
        (CLASS + ",Eve,Doe,,\n", "line 5: no id in column 'id' (Eve Doe)"),
        (CLASS + "../eve,Eve,Doe,,\n", "line 5: '../eve' cannot be an id"),
        (CLASS + "eve,Eve,Doe,,,,7\n", "line 5: 7 values, and the header has 5 columns"),
        (CLASS + f"{'e' * 200},Eve,Doe,,\n", "line 5: id must have at most 128 letters"),
        (
            "first,last\nAda,Lovelace\n",
            "has no column with the students' ids, such as id, username",
        ),
        ("id,id\na,b\n", "two columns are named 'id': rename one"),
        ("id,first_name\n", "is no CSV file with a header and a row for each student"),
        ("", "is no CSV file with a header"),
        ('id,name\n"ada,Ada\n', "no CSV: unexpected end of data"),
        (b"PK\x03\x04 a workbook", "is a spreadsheet or a ZIP file: save it as CSV, in UTF-8"),
        (b"id,last_name\nada,L\xf6v\n", "line 2: not UTF-8: save it as CSV, in UTF-8"),
        (b"id\0,x\nada,1\n", "is no CSV file: it holds binary data"),
        ('{"students": ["ada"]}\n["x"]\n', "is no CSV file but a notebook or other JSON"),
        (None, "class.csv: No such file or directory"),
    ],
)
def test_a_wrong_file_is_one_line_and_nothing_is_written(course, content, words):
    path = course / "class.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = students(course), tree(course).keys()
    assert words in complaint("roster", "class.csv")
    assert (students(course), tree(course).keys()) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["class.csv", "--id", "number"], "has no column 'number': it has id, first_name"),
        (["class.csv", "--missing", "ps1"], "give no FILE with it"),
        (["--id", "id"], "--id says which column of FILE to read: give FILE"),
        (["."], ".: Is a directory"),
    ],
)
def test_misuse_is_one_line(course, arguments, words):
    assert words in complaint("roster", *arguments)


def test_who_has_not_handed_in(course, blank):
    courses.submit(course, "ada", blank)
    courses.submit(course, "zed", blank)
    (course / "submitted" / "bob" / "ps1").mkdir(parents=True)  # and nothing in it
    url = f"sqlite:///{course / 'gradebook.db'}"
    with Gradebook(url, "tiny") as book, book.db.no_autoflush:
        book.add_submission("ps1", "emmy")  # graded, and the folder moved away since
    assert said("roster", "--missing", "ps1") == (
        "bob  Bob Box  bob@example.org\n"
        "1 of 3 students have not handed in ps1\n"
        "Handed in, and not in the class: zed\n"
    )


def test_nobody_is_missing_where_there_is_no_class(here):
    assert "no student in the gradebook: run optedu roster" in complaint(
        "roster", "--missing", "ps1"
    )


def test_a_clone_whose_gradebook_is_to_be_made(here):
    (here / "gradebook.db").unlink()
    config = (here / "nbgrader_config.py").read_text()
    config += 'c.CourseDirectory.db_url = "sqlite:///course/gradebook.db"\n'
    (here / "nbgrader_config.py").write_text(config)
    (here / "class.csv").write_text(CLASS)
    assert "no gradebook at" in complaint("roster")
    said("roster", "class.csv")
    assert said("roster").splitlines()[-1] == "3 students"
