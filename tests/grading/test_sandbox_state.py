"""A warm kernel starts clean, whatever the submissions before it did."""

from __future__ import annotations

import pytest

from optedu.grading.pair import Pair
from tests.grading.cells import SMALL, needs_sandbox

CHANGES = {
    "modules": (
        "import numpy, sys, types\nnumpy.pi = 3\nsys.modules['json'] = types.ModuleType('json')\n"
        "import optedu\noptedu.check = None",
        "import numpy, json, optedu\nprint(numpy.pi > 3.1, hasattr(json, 'dumps'), optedu.check)",
        "True True <function check",
    ),
    "builtins": (
        "import builtins\nbuiltins.round = lambda x: 7\nbuiltins.mine = 1",
        "print(round(2.2), 'mine' in dir(__builtins__))",
        "2 False",
    ),
    "environment": (
        "import os\nos.environ['MINE'] = '1'\nos.chdir('/tmp')",
        "import os\nprint(os.environ.get('MINE'), len(os.listdir('.')))",
        "None 0",
    ),
    "rules": (
        "import optedu\n@optedu.implement('sgd')\ndef sgd(xp, x, g, state, t): return x, {}",
        "from optedu import written\nprint(written.names())",
        "[]",
    ),
    "namespace": ("x = 1", "print('x' in globals(), In, Out)", "False ['',"),
    "figures": (
        "import matplotlib.pyplot as plt\nplt.rcParams['lines.linewidth'] = 99\nplt.figure()",
        "import pylab as plt\nprint(plt.rcParams['lines.linewidth'], plt.get_fignums())",
        "1.5 []",
    ),
    "shell": (
        "ip = get_ipython()\nip.input_transformers_post.append(lambda lines: ['pass'])",
        "print('ran')",
        "ran",
    ),
    "files": ("open('/tmp/mine', 'w').write('x')", "import os\nprint(os.listdir('/tmp'))", "['"),
}


@pytest.mark.parametrize("sandbox", [pytest.param(True, marks=needs_sandbox), False])
@pytest.mark.parametrize("what", CHANGES)
def test_changes_end_with_the_submission(what, sandbox, tmp_path):
    if what == "files" and not sandbox:
        pytest.skip("files are only isolated by the sandbox")
    change, look, expected = CHANGES[what]
    with Pair(SMALL, str(tmp_path), sandbox=sandbox) as pair:
        assert pair.run(pair.student, change, [], 1)["status"] == "ok"
    with Pair(SMALL, str(tmp_path), sandbox=sandbox) as pair:
        said = _say(pair, look)
    assert said.startswith(expected), said
    assert "mine" not in said


def _say(pair, code):
    outputs: list = []
    reply = pair.run(pair.student, code, outputs, 1)
    return "".join(o.get("text", "") for o in outputs) or str(reply)


def test_random_numbers_differ_between_submissions(tmp_path):
    code = "import numpy, random\nprint(numpy.random.rand(), random.random())"
    said = set()
    for _ in range(3):
        with Pair(SMALL, str(tmp_path), sandbox=False) as pair:
            said |= set(_say(pair, code).split())
    assert len(said) == 6


@needs_sandbox
def test_threads_and_processes_end_with_the_submission(tmp_path):
    code = """
import os, subprocess, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
subprocess.Popen(["sleep", "600"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
"""
    with Pair(SMALL, str(tmp_path)) as pair:
        assert pair.run(pair.student, code, [], 1)["status"] == "ok"
        before = pair.student.processes()
        assert len(before) >= 4
    with Pair(SMALL, str(tmp_path)) as pair:
        assert _say(pair, "import threading\nprint(threading.active_count())") == "1\n"
        assert not before & pair.student.processes()
