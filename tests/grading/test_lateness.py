"""Due dates, extensions and penalties as they are at each run: no notebook is run for them.

Results are made up here; `test_same_result.py` holds that penalties are nbgrader's.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from optedu.grading.course import open_course
from optedu.grading.errors import RunError, UsageError
from optedu.grading.lateness import Extensions, parse_time, zone_of
from optedu.grading.report import late_lines, stray_lines, summarize
from optedu.grading.run import Options, run
from tests.grading import compare
from tests.grading import course as courses
from tests.grading.test_merge import Silent, one  # noqa: F401
from tests.grading.workers import Finds, Nobody

GUIDE = (Path(__file__).parents[2] / "book/instructor/guide.md").read_text("utf-8")
# The submission of `one` is of 2026-01-10 12:00 UTC.
ZERO = 'c.LateSubmissionPlugin.penalty_method = "zero"\n'
PER_DAY = """
from nbgrader.plugins import BasePlugin
from traitlets import Float

class PerDay(BasePlugin):
    points = Float(0.5).tag(config=True)
    def late_submission_penalty(self, student, score, seconds):
        return self.points * (seconds // 86400)

c.AssignLatePenalties.plugin_class = PerDay
"""


def due(root, text):
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "tiny") as gradebook:
        when = parse_time(text) if text else None
        gradebook.update_or_create_assignment(courses.ASSIGNMENT, duedate=when)


def configure(root, text):
    (root / "nbgrader_config.py").write_text(courses.CONFIG + text)


def extend(root, *lines):
    (root / "extensions.csv").write_text("\n".join(["assignment,student,due", *lines]) + "\n")


def graded(root, backend=None):
    course = open_course(courses.ASSIGNMENT, root)
    return run(course, Options(), Silent(), backend=backend or Nobody())


def penalty(root):
    return compare.gradebook_rows(root)["ada"]["notebooks"]["problem"]["penalty"]


@pytest.fixture
def late(one):  # noqa: F811
    """A submission of 1.5 points, graded, two days late, with a penalty of all its points."""
    root = one[0].root
    configure(root, ZERO)
    due(root, "2026-01-08 12:00")
    outcome = graded(root, Finds(one[2]))
    assert penalty(root) == 1.5
    assert outcome.lateness.changed == ()  # it is new, not changed
    assert late_lines(outcome.lateness) == [
        "Due 2026-01-08 12:00 UTC",
        "Late: 1, 1.5 points of penalty (zero): ada by 2 d (-1.5)",
    ]
    return root


def test_a_later_due_date_counts_at_the_next_run(late):
    due(late, "2026-01-10 12:00")
    outcome = graded(late)
    assert penalty(late) is None
    assert late_lines(outcome.lateness) == [
        "Due 2026-01-10 12:00 UTC",
        "Penalties changed, and nothing was graded for it: ada 1.5 to 0",
    ]
    assert graded(late).lateness.changed == ()
    due(late, "2026-01-01")
    assert summarize(graded(late))["lateness"]["late"] == [
        {"student": "ada", "seconds": 8 * 86400 + 43201, "points": 1.5, "points_before": 0.0}
    ]
    due(late, None)
    graded(late)
    assert penalty(late) is None


def test_an_extension_counts_at_the_next_run(late):
    extend(late, "ps1,ada,2026-01-10 13:00 Europe/Berlin", "ps1,bob,2026-01-20")
    outcome = graded(late)
    assert penalty(late) is None
    assert compare.gradebook_rows(late)["ada"]["late"] == 0.0, "nbgrader knows of it, too"
    assert late_lines(outcome.lateness)[0] == (
        "Due 2026-01-08 12:00 UTC; extended: ada until 2026-01-10 12:00 UTC, "
        "bob until 2026-01-20 23:59 UTC"
    )
    extend(late, "ps1,ada,2026-01-09")
    graded(late)
    assert penalty(late) == 1.5
    assert compare.gradebook_rows(late)["ada"]["late"] == 12 * 3600 + 1


def test_an_extension_is_there_before_the_submission(one):  # noqa: F811
    root = one[0].root
    configure(root, ZERO)
    due(root, "2026-01-08")
    extend(root, "ps1,ada,2026-01-11", "other,ada,2026-01-01")
    outcome = graded(root, Finds(one[2]))
    assert penalty(root) is None and outcome.lateness.late == ()


def test_an_extension_of_nobody_is_told(late):
    extend(late, "ps1,ada,2026-01-09", "ps1,bob,2026-01-20")
    assert stray_lines(graded(late).lateness) == [
        "extensions.csv: ps1,bob: no student 'bob' in the class: mend it"
    ]


def test_an_extension_that_nbgrader_gave_stays(late):
    with Gradebook(f"sqlite:///{late / 'gradebook.db'}", "tiny") as gradebook:
        gradebook.grant_extension(courses.ASSIGNMENT, "ada", days=3)
    outcome = graded(late)
    assert penalty(late) is None
    assert outcome.lateness.extensions == {"ada": "2026-01-11 12:00 UTC"}


def test_another_penalty_counts_at_the_next_run(late):
    configure(late, PER_DAY)
    outcome = graded(late)
    assert penalty(late) == 1.0
    assert late_lines(outcome.lateness)[1:] == [
        "Late: 1, 1 points of penalty (PerDay): ada by 2 d (-1)",
        "Penalties changed, and nothing was graded for it: ada 1.5 to 1",
    ]
    configure(late, PER_DAY + "c.PerDay.points = 0.25\nc.Exchange.timezone = 'Europe/Berlin'\n")
    assert graded(late).lateness.due == "2026-01-08 13:00 Europe/Berlin"
    assert penalty(late) == 0.5
    configure(late, "")
    assert late_lines(graded(late).lateness)[1] == "Late: 1, no penalty: ada by 2 d"
    assert penalty(late) is None


def test_the_guides_rule_takes_a_tenth_for_each_day_begun(late):
    rule = GUIDE.partition("(desk-due)=")[2].partition("```python\n")[2].partition("```")[0]
    configure(late, rule)
    assert graded(late).lateness.method == "TenthADay"
    assert penalty(late) == pytest.approx(1.5 * 0.2)
    due(late, "2026-01-08 11:59")
    graded(late)
    assert penalty(late) == pytest.approx(1.5 * 0.3)


def test_points_given_by_hand_are_in_the_next_penalty(late):
    with Gradebook(f"sqlite:///{late / 'gradebook.db'}", "tiny") as gradebook:
        grade = gradebook.find_grade("essay", "problem", courses.ASSIGNMENT, "ada")
        grade.manual_score, grade.needs_manual_grade = 3.0, False
        gradebook.db.commit()
    graded(late)
    assert penalty(late) == 4.5
    with Gradebook(f"sqlite:///{late / 'gradebook.db'}", "tiny") as gradebook:
        grade = gradebook.find_grade("essay", "problem", courses.ASSIGNMENT, "ada")
        assert (grade.manual_score, grade.needs_manual_grade) == (3.0, False)


def test_a_corrected_time_counts_at_the_next_run(late):
    folder = late / "submitted/ada/ps1"
    (folder / "timestamp.txt").write_text("2026-01-08 12:00:00 UTC")
    graded(late)
    assert penalty(late) is None
    copied = late / "autograded/ada/ps1/timestamp.txt"
    assert copied.read_text() == "2026-01-08 12:00:00 UTC"


@pytest.mark.parametrize("stamp", [None, "", "02.12.2026 10:00"])
def test_without_a_time_it_is_on_time_also_when_it_had_one(late, stamp):
    path = late / "submitted/ada/ps1/timestamp.txt"
    path.unlink()
    if stamp is not None:
        path.write_text(stamp)
    for _ in range(2):  # it is said at every run
        (entry,) = graded(late).entries
        assert ("timestamp.txt is no time" in entry.reason) == (stamp is not None)
        assert penalty(late) is None
        assert compare.gradebook_rows(late)["ada"]["timestamp"] is None
    path.write_text("2026-01-10 12:00:00 UTC")
    (entry,) = graded(late).entries
    assert "timestamp" not in entry.reason and penalty(late) == 1.5


@pytest.mark.parametrize(
    ("returns", "words"),
    [("1 / 0", "division by zero"), ("'two'", "could not convert"), ("float('nan')", "nan")],
)
def test_a_penalty_that_cannot_be_computed_is_one_line(late, returns, words):
    configure(late, PER_DAY.replace("self.points * (seconds // 86400)", returns))
    with pytest.raises(RunError, match=rf"the late penalty of ada \(PerDay\): .*{words}"):
        graded(late)
    assert penalty(late) == 1.5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("student,due\nada,2026-01-01\n", "line 1: the columns must be assignment,student,due"),
        ("", "line 1: the columns must be assignment,student,due"),
        ("assignment,student,due\nps1,ada\n", "line 2: an assignment, a student and a time"),
        ("assignment,student,due\nps1,ada,soon\n", "line 2: 'soon' is no time: write it as"),
        ("assignment,student,due\nps1,ada,01/02/2026\n", "line 2: '01/02/2026' is no time"),
        (
            "assignment,student,due\nps1,ada,2026-01-01\n\nps1,ada,2026-01-02\n",
            "line 4: 'ada' has an extension of ps1 above",
        ),
        ('assignment,student,due\nps1,"ada"b,2026-01-01\n', "line 2: no CSV"),
        (b"assignment,student,due\nps1,\xff,2026-01-01\n", "not UTF-8"),
    ],
)
def test_a_file_of_extensions_that_is_none_is_one_line(root, text, words):
    path = root / "extensions.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as error:
        Extensions(open_course(courses.ASSIGNMENT, root))
    assert str(path) in str(error.value) and words in str(error.value)


def test_a_time_zone_that_is_none_is_named(root):
    configure(root, "c.Exchange.timezone = 'Berlin-ish'\n")
    with pytest.raises(UsageError, match=r"Exchange\.timezone .* 'Berlin-ish'"):
        zone_of(open_course(courses.ASSIGNMENT, root))


def test_times_without_a_zone_are_of_the_course():
    assert parse_time("2026-07-01 18:00", "Europe/Berlin") == datetime.datetime(2026, 7, 1, 16)
    assert parse_time("2026-01-01", "Europe/Berlin") == datetime.datetime(2026, 1, 1, 22, 59, 59)
    for day in ("20260101", "2026-W01-4"):
        assert parse_time(day, "Europe/Berlin") == parse_time("2026-01-01", "Europe/Berlin")
    assert parse_time("2026-01-01T18:00+02:00", "Europe/Berlin") == datetime.datetime(
        2026, 1, 1, 16
    )


def test_a_broken_resubmission_loses_nothing_and_a_person_is_told(late):
    before = compare.gradebook_rows(late)["ada"]
    courses.submit(late, "ada", b"{ no notebook", timestamp="2026-01-20 12:00:00 UTC")
    (entry,) = graded(late).entries
    assert entry.needs_human and entry.earlier == 1.5
    assert entry.reason.startswith("problem.ipynb is not valid JSON")
    assert entry.reason.endswith("the 1.5 points of an earlier submission stand")
    after = compare.gradebook_rows(late)["ada"]
    assert after["notebooks"]["problem"].pop("flagged")
    assert not before["notebooks"]["problem"].pop("flagged")
    assert after == before
    assert (late / "autograded/ada/ps1/problem.ipynb").read_text() == "{}"


def test_a_first_submission_that_is_broken_has_no_points_that_stand(root):
    courses.submit(root, "ada", b"{ no notebook", timestamp="2026-01-10 12:00:00 UTC")
    (entry,) = graded(root).entries
    assert entry.needs_human and entry.earlier is None and "stand" not in entry.reason
    assert str(compare.gradebook_rows(root)["ada"]["timestamp"]) == "2026-01-10 12:00:00"
