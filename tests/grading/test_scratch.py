"""Folders for a run: nobody else removes them, and none stays for ever."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from optedu.grading import scratch

_MAKE_AND_SWEEP = """
import sys
from optedu.grading import scratch
for _ in range(400):
    scratch.sweep("x-", [sys.argv[1]])
    made = scratch.make("x-", sys.argv[1])
    assert (made.path / ".lock").exists()
    made.remove()
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_a_process_that_has_ended_left_is_removed_and_nothing_else(tmp_path):
    used = scratch.make("x-", str(tmp_path))
    for name in ("x-left", "y-left"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".lock").touch()
    (tmp_path / "x-just-made").mkdir()
    (tmp_path / "x-forgotten").mkdir()
    os.utime(tmp_path / "x-forgotten", (0, 0))
    scratch.sweep("x-", [str(tmp_path)])
    assert names(tmp_path) == sorted([used.path.name, "x-just-made", "y-left"])
    used.remove()
    assert names(tmp_path) == ["x-just-made", "y-left"]


def test_a_folder_that_is_being_made_is_not_swept_by_others(tmp_path):
    command = [sys.executable, "-c", _MAKE_AND_SWEEP, str(tmp_path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert names(tmp_path) == []


def test_what_is_half_removed_is_swept_at_once(tmp_path, monkeypatch):
    made = scratch.make("x-", str(tmp_path))
    (made.path / "a").mkdir()
    (made.path / "b").write_text("")

    def killed(path, **options):
        (path / ".lock").unlink(missing_ok=True)
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            made.remove()
    made.lock.close()  # as when the process ends
    scratch.sweep("x-", [str(tmp_path)])
    assert names(tmp_path) == []


ENDS = """
import os, sys, threading, time
from optedu.grading.pool import _die_with
class Gone:
    def recv_bytes(self):
        raise EOFError
tidied = []
def tidy():
    if not tidied:
        tidied.append(1)
        time.sleep(0.5)
        open(sys.argv[1], "w").close()
threading.Thread(target=_die_with, args=(Gone(), tidy)).start()
while not tidied:
    time.sleep(0.01)
_die_with(Gone(), tidy)
"""


def test_a_worker_that_ends_by_two_ways_tidies_up_to_the_end(tmp_path):
    done = tmp_path / "done"
    subprocess.run([sys.executable, "-c", ENDS, str(done)], check=True, timeout=60)
    assert done.exists()
