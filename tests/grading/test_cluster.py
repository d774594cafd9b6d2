"""The same function on a Dask cluster of separate processes, one of which is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time

import pytest

from optedu.grading.errors import UsageError
from optedu.grading.execute import Limits
from optedu.grading.run import Options, run
from tests.grading import compare
from tests.grading import course as courses

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.sandbox, pytest.mark.filterwarnings("default")]

STUDENTS = 8


@pytest.fixture
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster


class Counting:
    """An observer that tells when the first result is there."""

    def __init__(self):
        self.first = threading.Event()
        self.entries = []

    def begin(self, total, kept):
        self.total = total

    def ended(self, entry):
        self.entries.append(entry)
        self.first.set()

    def waiting(self, reason):
        pass


def test_a_killed_worker_costs_nothing(root, blank, cluster):
    from optedu.grading.cluster import on_cluster
    from optedu.grading.course import open_course

    wrong = courses.ANSWERS | {"mean": "def mean(xs):\n    return 0.0\n"}
    for number in range(STUDENTS):
        answers = courses.ANSWERS if number % 2 else wrong
        courses.submit(root, f"s{number}", courses.answered(blank, **answers))
    options = Options(limits=Limits(), sandbox=True)
    observer = Counting()
    pids = [worker.pid for worker in cluster.workers.values()]
    killer = threading.Thread(target=_kill_after_first, args=(observer, pids[0]))
    killer.start()
    course = open_course(courses.ASSIGNMENT, root)
    with on_cluster(cluster.scheduler_address, options) as backend:
        outcome = run(course, options, observer, backend=backend)
    killer.join()
    assert all(entry.status == "graded" for entry in outcome.entries), outcome.entries
    rows = compare.gradebook_rows(root)
    assert {student: row["score"] for student, row in rows.items()} == {
        f"s{number}": 7.0 if number % 2 else 3.0 for number in range(STUDENTS)
    }
    results = (root / "results" / courses.ASSIGNMENT).glob("*.json")
    assert len([json.loads(path.read_bytes()) for path in results]) == STUDENTS


def _kill_after_first(observer, pid):
    observer.first.wait(timeout=120)
    time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)


def test_nobody_at_the_address_is_a_usage_error():
    from optedu.grading.cluster import on_cluster

    nobody = on_cluster("tcp://127.0.0.1:9", Options(), timeout_s=0.5)
    with pytest.raises(UsageError, match=r"no Dask scheduler at tcp://127\.0\.0\.1:9"), nobody:
        pass


def test_the_command_tries_the_assignment_there_and_grades_it_there(root, blank, cluster):
    """As the guide says it: nothing is said of kernels, so that a trial comes first."""
    from click.testing import CliRunner

    from optedu.cli import main

    courses.submit(root, "ada", courses.answered(blank, **courses.ANSWERS))
    with contextlib.chdir(root):
        done = CliRunner().invoke(
            main, ["grade", courses.ASSIGNMENT, "--cluster", cluster.scheduler_address]
        )
    assert "solution and the blank notebook are tried first" in done.output
    assert compare.gradebook_rows(root)["ada"]["score"] == 7.0, done.output
