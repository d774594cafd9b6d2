"""Workers that stay, and what is left when one of them dies."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from multiprocessing import forkserver
from pathlib import Path

import psutil
import pytest

from optedu.grading.pool import Job, Pool

FUNCTION = "tests.grading.jobs:work"


def job(key: str, data: str, *, shared: bytes = b"shared", deadline_s: float = 60.0) -> Job:
    return Job(key, data.encode, shared, deadline_s)


def run(jobs, *, workers=2):
    with Pool(FUNCTION, jobs=workers) as pool:
        return results_of(pool, jobs)


def results_of(pool, jobs):
    return {key: (result, reason) for key, result, reason in pool.run(jobs)}


def test_every_job_comes_back_with_the_shared_bytes():
    results = run([job(str(i), f"echo {i}") for i in range(20)])
    assert results == {str(i): (f"shared:{i}".encode(), "") for i in range(20)}


def test_workers_stay_from_job_to_job():
    results = run([job(str(i), "pid") for i in range(20)])
    assert 1 <= len({result for result, _ in results.values()}) <= 2


def test_each_job_gets_what_it_shares_whatever_the_worker_had_before():
    kinds = [b"first", b"first", b"second", b"first", b"second"]
    jobs = [job(str(i), f"echo {i}", shared=kind) for i, kind in enumerate(kinds)]
    results = run(jobs, workers=1)
    assert results == {str(i): (kind + b":%d" % i, "") for i, kind in enumerate(kinds)}


def test_workers_stay_from_run_to_run():
    with Pool(FUNCTION, jobs=1) as pool:
        (first, second) = (results_of(pool, [job("a", "pid")]) for _ in range(2))
    assert first == second
    assert not psutil.pid_exists(int(first["a"][0]))


def test_the_job_of_a_killed_worker_is_done_again(tmp_path):
    jobs = [job("victim", f"die-once {tmp_path / 'marker'}")]
    jobs += [job(str(i), f"echo {i}") for i in range(5)]
    results = run(jobs)
    assert results["victim"] == (b"second life", "")
    assert len(results) == 6 and all(result for result, _ in results.values())


def test_what_workers_are_forked_from_may_be_killed_while_it_forks():
    run([job("first", "echo 1")])
    server = psutil.Process(forkserver._forkserver._forkserver_pid)
    server.suspend()  # so that a worker is asked for and does not come
    threading.Timer(0.5, server.kill).start()
    assert run([job("second", "echo 2")], workers=1) == {"second": (b"shared:2", "")}


def test_a_job_that_kills_every_worker_is_reported_and_costs_no_other():
    results = run([job("bad", "die"), *(job(str(i), f"echo {i}") for i in range(5))])
    assert results.pop("bad") == (None, "the worker process died, twice")
    assert all(result for result, _ in results.values())


def test_a_worker_that_hangs_is_killed_at_its_deadline_and_holds_no_other(tmp_path):
    hang = job("hang", f"hang {tmp_path / 'pid'}", deadline_s=1.0)
    results = run([hang, job("a", "echo a")])
    assert results == {"hang": (None, "no result after 1 s"), "a": (b"shared:a", "")}
    (tried,) = (tmp_path / "pid").read_text().split()
    assert not psutil.pid_exists(int(tried))


def test_a_submission_that_vanished_is_reported():
    def gone():
        raise FileNotFoundError(2, "No such file or directory")

    results = run([Job("gone", gone, b"", 60.0), job("a", "echo a")], workers=1)
    assert results["gone"] == (
        None,
        "the submission can no longer be read: No such file or directory",
    )
    assert results["a"] == (b"shared:a", "")


def test_no_worker_is_left_when_the_run_is_given_up():
    pool = Pool(FUNCTION, jobs=2)
    jobs = [job(str(i), f"echo {i}") for i in range(10)]
    running = pool.run(jobs)
    next(running)
    pids = pool.pids()
    running.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_workers_die_with_the_parent(tmp_path):
    """Kill -9 of the parent in the middle of a job: its worker must not live on."""
    marker = tmp_path / "pid"
    script = textwrap.dedent(
        f"""
        from optedu.grading.pool import Job, Pool
        pool = Pool({FUNCTION!r}, jobs=1)
        hang = Job("hang", {f"hang {marker}".encode()!r}.__bytes__, b"", 600.0)
        list(pool.run([hang]))
        """
    )
    root = Path(__file__).parents[2]
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=root)
    try:
        worker = _pid_in(marker)
    finally:
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 30
    while psutil.pid_exists(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not psutil.pid_exists(worker)


def _pid_in(marker: Path) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if marker.exists() and (text := marker.read_text()):
            return int(text)
        time.sleep(0.02)
    pytest.fail("the worker did not start")


def test_an_interrupt_while_it_starts_is_not_the_fork_servers():
    """A terminal sends Ctrl-C to all processes of a command."""
    program = """
        import os, signal, sys, time
        from multiprocessing import forkserver
        from optedu.grading.pool import preload

        preload("tests.grading.jobs")
        try:
            os.killpg(0, signal.SIGINT)
            time.sleep(60)
        except KeyboardInterrupt:
            time.sleep(1)
        pid = forkserver._forkserver._forkserver_pid
        sys.exit("it has ended" if os.waitpid(pid, os.WNOHANG)[0] else 0)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=Path(__file__).parents[2], start_new_session=True, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


FORKED = """
    import os, signal, sys, threading, types
    from multiprocessing import forkserver
    from optedu.grading import pool

    def knows():
        job = pool.Job("a", b"knows only_here".__bytes__, b"", 60.0)
        with pool.Pool("tests.grading.jobs:work", jobs=1) as workers:
            return next(iter(workers.run([job])))[1].decode()

    sys.modules["only_here"] = types.ModuleType("only_here")
"""


def forked(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FORKED) + textwrap.dedent(program)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.split()


def test_workers_forked_from_here_know_what_is_imported_and_hold_none_of_its_files():
    said = forked("""
        reading, writing = os.pipe()
        pool.fork_from_here()
        print(knows())
        os.close(writing)
        print(os.read(reading, 1))  # its end: what workers are forked from has it not
    """)
    assert said == ["True", "b''"]


def test_what_workers_are_forked_from_is_started_anew_when_it_was_killed():
    said = forked("""
        pool.fork_from_here()
        os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
        print(knows())
    """)
    assert said == ["False"]


def test_a_process_with_threads_is_not_forked():
    said = forked("""
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        pool.fork_from_here()
        print(forkserver._forkserver._forkserver_pid, knows())
    """)
    assert said == ["None", "False"]


def test_what_is_forked_from_here_ends_with_it():
    (server,) = forked("""
        pool.fork_from_here()
        print(forkserver._forkserver._forkserver_pid, flush=True)
        os._exit(0)  # without saying so
    """)
    deadline = time.monotonic() + 30
    while psutil.pid_exists(int(server)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not psutil.pid_exists(int(server))
