"""A gradebook on PostgreSQL: the server is locked, restarted and cut off while it is written."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from optedu.grading.course import open_course
from optedu.grading.errors import RunError, UsageError
from optedu.grading.run import Options, run
from tests.grading import compare, postgresql
from tests.grading import course as courses
from tests.grading.test_merge import Silent
from tests.grading.workers import Finds, Nobody

STUDENTS = tuple(f"s{number}" for number in range(6))
WRONG = "def mean(xs):\n    return 0.0\n"

# In the middle of a merge, after some rows of it are written: waits while another has the lock.
WAITS = """
CREATE FUNCTION middle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
CREATE TRIGGER middle BEFORE INSERT ON grade FOR EACH ROW EXECUTE FUNCTION middle();
"""
# In the same place: the connection is cut, the first three times. (A sequence is not rolled back.)
CUTS = """
CREATE SEQUENCE cuts;
CREATE FUNCTION middle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF nextval('cuts') <= 3 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
RETURN NEW; END $$;
CREATE TRIGGER middle BEFORE UPDATE ON grade FOR EACH ROW EXECUTE FUNCTION middle();
"""


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("psycopg")
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here (Debian: apt install postgresql)")
    server = postgresql.Server(programs)
    try:
        server.start()
        yield server
        server.stop("immediate")
    finally:
        server.remove()


@pytest.fixture(scope="module")
def master(server, master_course, blank, tmp_path_factory):
    """A course of six whose assignment nbgrader itself has put into a gradebook on the server."""
    root = shutil.copytree(master_course, tmp_path_factory.mktemp("postgresql") / "course")
    (root / "gradebook.db").unlink()
    server.execute("CREATE DATABASE master")
    _configure(root, server.url("master"))
    courses.nbgrader(root, "generate_assignment", courses.ASSIGNMENT, "--force")
    for number, student in enumerate(STUDENTS):
        answers = courses.ANSWERS if number % 2 else courses.ANSWERS | {"mean": WRONG}
        courses.submit(root, student, courses.answered(blank, **answers))
    return root


@pytest.fixture
def database(server):
    """A copy of the gradebook."""
    name = f"copy{len(server.execute('SELECT oid FROM pg_database'))}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE master")
    return name


@pytest.fixture
def course(server, master, database, tmp_path):
    root = shutil.copytree(master, tmp_path / "course")
    _configure(root, server.url(database))
    return open_course(courses.ASSIGNMENT, root)


def _configure(root, url):
    (root / "nbgrader_config.py").write_text(
        courses.CONFIG + f"c.CourseDirectory.db_url = {url!r}\n"
    )


def scores(course):
    rows = compare.gradebook_rows(course.root, url=course.db_url)
    return {student: row["score"] for student, row in rows.items()}


def row_counts(server, database):
    """How many rows of each kind there are: what was written twice would be counted twice."""
    kinds = ("student", "submitted_assignment", "submitted_notebook", "grade", "comment")
    return [server.execute(f"SELECT count(*) FROM {kind}", database)[0][0] for kind in kinds]


WHOLE = [6, 6, 6, 6 * 5, 6 * 4]  # five graded cells, and four that can be commented


def _results(course, mean=3.0):
    """A backend that has a result for whoever asks, as workers would find it."""
    scores = {"test_squares": 2.0, "test_mean": mean, "test_partial": 1.0, "essay": None}
    result = {
        "status": "graded", "detail": "", "tampered": [], "notes": [],
        "notebooks": {"problem": "{}"}, "comments": [], "items": [], "seconds": 0.1, "cpu_s": 0.1,
        "grades": [{"notebook": "problem", "name": name, "auto_score": score}
                   for name, score in scores.items()],
    }  # fmt: skip
    return Finds(result)


class Doing(Silent):
    """An observer that does something when a submission has ended, or while the run waits."""

    def __init__(self, ended=lambda number: None, waiting=lambda: None):
        super().__init__()
        self._ended, self._waiting, self._count = ended, waiting, 0

    def ended(self, entry):
        self._count += 1
        self._ended(self._count)

    def waiting(self, reason):
        super().waiting(reason)
        self._waiting()


@pytest.mark.sandbox
def test_a_command_killed_in_the_middle_of_a_merge_costs_nothing(course, server, database):
    server.execute(WAITS, database)
    holder = server.connect(database)
    holder.cursor().execute("SELECT pg_advisory_lock(1)")
    process = _optedu_grade(course)
    sessions = f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}'"
    while not server.execute(f"{sessions} AND wait_event = 'advisory'"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate()
    holder.close()
    while server.execute(sessions):
        time.sleep(0.02)  # the server notices, and takes back what was not committed
    assert row_counts(server, database) == [0] * 5
    process = _optedu_grade(course)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert scores(course) == dict.fromkeys(STUDENTS[::2], 3.0) | dict.fromkeys(STUDENTS[1::2], 7.0)
    assert row_counts(server, database) == WHOLE


def _optedu_grade(course):
    command = [Path(sys.executable).with_name("optedu"), "grade", courses.ASSIGNMENT]
    return subprocess.Popen(
        [*command, "--jobs", "2", "--kernels", "two"],
        cwd=course.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_it_is_written_as_sqlite_is(course, master_course, tmp_path):
    root = shutil.copytree(master_course, tmp_path / "sqlite")
    shutil.copytree(course.root / "submitted", root / "submitted")
    here = open_course(courses.ASSIGNMENT, root)
    for mean in (3.0, 0.5):  # rows that are new, and rows that are there
        rows = []
        for each in (course, here):
            run(each, Options(resume=False), Silent(), backend=_results(each, mean))
            rows.append(compare.gradebook_rows(each.root, url=each.db_url))
        assert rows[0] == rows[1]
    assert scores(course) == dict.fromkeys(STUDENTS, 3.5)


def test_a_course_that_moves_to_a_server_is_not_graded_again(course, master_course):
    shutil.copy(master_course / "gradebook.db", course.root)
    _configure(course.root, "sqlite:///gradebook.db")
    here = open_course(courses.ASSIGNMENT, course.root)
    run(here, Options(), Silent(), backend=_results(here))
    _configure(course.root, course.db_url)
    run(course, Options(), Silent(), backend=Nobody())
    assert scores(course) == dict.fromkeys(STUDENTS, 6.0)


def test_who_saves_a_score_meanwhile_is_waited_for_and_keeps_it(course, server, database, request):
    run(course, Options(), Silent(), backend=_results(course))
    person = server.connect(database)
    person.autocommit = False
    request.addfinalizer(person.close)
    essay = "(SELECT id FROM base_cell WHERE name = 'essay')"
    update = (
        f"UPDATE grade SET manual_score = 2.5, needs_manual_grade = false WHERE cell_id IN {essay}"
    )
    person.cursor().execute(update)
    observer = Doing(waiting=person.commit)
    run(course, Options(resume=False), observer, backend=_results(course, 0.5))
    assert set(observer.reasons) == {"the gradebook is locked by another program"}
    assert scores(course) == dict.fromkeys(STUDENTS, 2.0 + 0.5 + 1.0 + 2.5)
    assert row_counts(server, database) == WHOLE


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_that_is_restarted_is_waited_for(course, server, database, how):
    def ended(number):
        if number == 2:
            server.stop(how)

    waits = []

    def waiting():
        waits.append(0)
        if len(waits) == 3:
            server.start()

    observer = Doing(ended, waiting)
    outcome = run(course, Options(together=1), observer, backend=_results(course))
    assert len(waits) >= 3
    assert all(r.startswith("the gradebook's server cannot be reached: ") for r in observer.reasons)
    assert {entry.status for entry in outcome.entries} == {"graded"}
    assert scores(course) == dict.fromkeys(STUDENTS, 6.0)
    assert row_counts(server, database) == WHOLE


def test_a_server_that_stays_away_costs_no_result(course, server, database):
    stopped = Doing(lambda number: server.stop("fast") if number == 2 else None)
    try:
        with pytest.raises(RunError, match=r"cannot be reached: .* 4 results are kept in ") as told:
            run(course, Options(busy_s=0.0, together=1), stopped, backend=_results(course))
        with pytest.raises(RunError, match="cannot be reached"):
            run(course, Options(), Silent(), backend=Nobody())
        assert "\n" not in str(told.value)
    finally:
        server.start()
    assert scores(course) == dict.fromkeys(STUDENTS[:2], 6.0)
    run(course, Options(), Silent(), backend=Nobody())
    assert scores(course) == dict.fromkeys(STUDENTS, 6.0)


def test_idle_connections_that_were_closed_are_opened_again(course, server, database):
    idle = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
    closed = []
    observer = Doing(lambda number: closed.extend(server.execute(idle)))
    run(course, Options(together=1), observer, backend=_results(course))
    assert len(closed) >= len(STUDENTS)
    assert observer.reasons == []
    assert row_counts(server, database) == WHOLE


def test_a_connection_that_is_cut_in_the_middle_of_a_merge(course, server, database):
    run(course, Options(), Silent(), backend=_results(course))
    server.execute(CUTS, database)
    observer = Doing()
    run(course, Options(resume=False, together=1), observer, backend=_results(course, 0.5))
    assert server.execute("SELECT last_value > 3 FROM cuts", database) == [(True,)]
    assert observer.reasons  # twice in a row is more than an idle connection
    assert scores(course) == dict.fromkeys(STUDENTS, 3.5)
    assert row_counts(server, database) == WHOLE


def test_the_password_does_not_travel_to_the_workers(course):
    workers = _results(course)
    run(course, Options(), Silent(), backend=workers)
    sent = {job.shared for job in workers.jobs} | {job.load() for job in workers.jobs}
    assert "sesame" in course.db_url
    assert not any(b"sesame" in each for each in sent)
    assert pickle.loads(workers.jobs[0].shared)["config"].CourseDirectory


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (
            "postgresql+psycopg://@/class?host=/nowhere",
            "the gradebook's server cannot be reached: ",
        ),
        ("postgresql+wrong:///class", "db_url is no address of a database: .*postgresql.wrong"),
        ("mysql:///class", "the gradebook's database needs MySQLdb"),
        ("gradebook", "db_url is no address of a database: Could not parse"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_line(root, url, says):
    pytest.importorskip("psycopg")
    _configure(root, url)
    with pytest.raises((UsageError, RunError), match=says) as told:
        run(open_course(courses.ASSIGNMENT, root), Options(), Silent(), backend=Nobody())
    assert "\n" not in str(told.value)
