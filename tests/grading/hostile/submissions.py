"""The hostile class: each submission with the score that it must get, and why in a line.

The assignment is that of :mod:`tests.grading.course`: ``test_squares`` has 2 points, ``test_mean``
3 and ``test_partial`` 2. ``None`` as the score means that no machine can grade it.
"""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat.v4 import new_output

from tests.grading.course import ANSWERS, ASSIGNMENT, NOTEBOOK, answered, submit

RIGHT_MEAN = ANSWERS["mean"]
WRONG_SQUARES = "def squares(n):\n    return []\n"
WRONG_MEAN = "def mean(xs):\n    return -1.0\n"
ALL, NONE = 7.0, 0.0


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a submission is put, and what it may try to reach from there."""

    root: Path
    blank: nbformat.NotebookNode
    student: str
    port: int = 0

    def put(self, notebook: nbformat.NotebookNode | bytes) -> Path:
        return submit(self.root, self.student, notebook)

    def answers(self, **answers: str) -> Path:
        return self.put(answered(self.blank, **{**ANSWERS, **answers}))


@dataclasses.dataclass(frozen=True)
class Hostile:
    """One submission, and what must become of it."""

    name: str
    score: float | None
    why: str
    build: Callable[[Place], object]
    status: tuple[str, ...] = ("graded",)
    flagged: bool = False
    student: str = ""

    @property
    def id(self) -> str:
        return self.student or self.name


CLASS: list[Hostile] = []


def hostile(score: float | None, why: str, *, status="graded", flagged=False, student=""):
    """Register a builder under its name."""

    def register(build: Callable[[Place], object]):
        states = (status,) if isinstance(status, str) else tuple(status)
        name = build.__name__.replace("_", "-")
        CLASS.append(Hostile(name, score, why, build, states, flagged, student))
        return build

    return register


def code(score: float, why: str, name: str, *, status="graded", flagged=False, **answers: str):
    """Register a submission that only differs in its answers."""
    states = (status,) if isinstance(status, str) else tuple(status)
    CLASS.append(Hostile(name, score, why, lambda p: p.answers(**answers), states, flagged))


# ---------------------------------------------------------------------------- using up the machine

code(3.0, "the cell is stopped at its time limit, the other answer counts", "infinite-loop",
     status="timeout",
     squares="while True:\n    pass\n")  # fmt: skip
code(3.0, "each test that calls it is stopped at its time limit", "infinite-loop-when-called",
     status="timeout",
     squares="def squares(n):\n    while True:\n        pass\n")  # fmt: skip
code(3.0, "sleeping is stopped like looping", "sleeps", status="timeout",
     squares="import time\ntime.sleep(10_000)\n")  # fmt: skip
code(NONE, "what ignores the interrupt is killed, and with it what was defined",
     "loop-that-ignores-interrupts", status="timeout",
     squares="import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
             "while True:\n    try:\n        while True:\n            pass\n"
             "    except BaseException:\n        pass\n")  # fmt: skip
code(NONE, "the number of processes is bounded, then the time is up", "fork-bomb",
     status=("timeout", "crashed", "memory", "graded"),
     squares="import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n"
             "        pass\n", mean=WRONG_MEAN)  # fmt: skip
code(3.0, "an allocation beyond the limit is a MemoryError or ends the kernel",
     "memory-bomb-at-once",
     squares="block = bytearray(100_000_000_000)\n")  # fmt: skip
code(NONE, "growing until the limit ends in a MemoryError or ends the kernel", "memory-bomb",
     status=("graded", "memory", "crashed", "timeout"), mean=WRONG_MEAN,
     squares="blocks = []\nwhile True:\n    blocks.append(bytearray(10_000_000))\n")  # fmt: skip
code(NONE, "output beyond the limit ends the run", "output-bomb",
     status=("output-limit", "timeout", "memory", "crashed", "graded"), mean=WRONG_MEAN,
     squares="while True:\n    print('x' * 10_000)\n")  # fmt: skip
code(ALL, "100 MB of output are cut, the answer counts", "much-output",
     status=("graded", "output-limit"),
     essay="x", squares=ANSWERS["squares"] + "print('x' * 100_000_000)\n")  # fmt: skip
code(3.0, "files are bounded in size and number of bytes", "disk-bomb",
     status=("graded", "crashed", "memory", "timeout"),
     squares="with open('big', 'wb') as f:\n    while True:\n"
             "        f.write(bytes(1_000_000))\n")  # fmt: skip
code(3.0, "many files are bounded too", "disk-bomb-of-many-files",
     status=("graded", "crashed", "memory", "timeout"),
     squares="i = 0\nwhile True:\n    i += 1\n    with open(f'/tmp/{i}', 'wb') as f:\n"
             "        f.write(bytes(10_000_000))\n")  # fmt: skip
code(3.0, "open files are bounded", "opens-files",
     squares="files = [open('/dev/null') for _ in range(100_000)]\n")  # fmt: skip
code(3.0, "endless recursion is an error like others", "recursion",
     squares="def squares(n):\n    return squares(n)\n")  # fmt: skip
code(3.0, "a value too large to come over is an error", "enormous-value",
     status=("graded", "memory", "timeout", "crashed", "output-limit"),
     squares="def squares(n):\n    return [0] * 50_000_000\n")  # fmt: skip
code(3.0, "an endless generator cannot be compared with a list", "endless-generator", flagged=True,
     squares="import itertools\ndef squares(n):\n    return itertools.count()\n")  # fmt: skip

# ------------------------------------------------------------------------------- ending the kernel

DEAD = ("crashed", "graded", "timeout", "memory")
code(NONE, "the kernel ends, and with it every definition", "os-exit", status=DEAD,
     mean=WRONG_MEAN, squares="import os\nos._exit(0)\n")  # fmt: skip
code(NONE, "a segmentation fault ends this kernel only", "segfault", status=DEAD,
     mean=WRONG_MEAN, squares="import ctypes\nctypes.string_at(0)\n")  # fmt: skip
code(NONE, "the first test that calls it ends the kernel, so no test passes",
     "segfault-when-called", status=DEAD,
     squares="def squares(n):\n    import ctypes\n    ctypes.string_at(0)\n")  # fmt: skip
code(NONE, "it can kill what it can see: itself", "kills-everybody", status=DEAD,
     mean=WRONG_MEAN, squares="import os, signal\nos.kill(-1, signal.SIGKILL)\n"
                              "os.kill(os.getppid(), signal.SIGKILL)\n"
                              "os.kill(os.getpid(), signal.SIGKILL)\n")  # fmt: skip
code(3.0, "leaving the cell is not leaving the test", "sys-exit",
     squares="def squares(n):\n    raise SystemExit(0)\n")  # fmt: skip
code(3.0, "nobody answers input()", "waits-for-input",
     squares="def squares(n):\n    return eval(input())\n")  # fmt: skip
code(NONE, "what it leaves behind ends with it", "leaves-processes", mean=WRONG_MEAN,
     squares="import subprocess, sys\nfor _ in range(5):\n    subprocess.Popen("
             "[sys.executable, '-c', 'import time; time.sleep(3600)'], start_new_session=True)\n"
             + WRONG_SQUARES)  # fmt: skip

code(2.0, "what was earned before the end is kept, whichever try it was", "dies-late",
     status="crashed", mean="import os, time\ntime.sleep(1)\nos._exit(1)\n")  # fmt: skip
code(2.0, "a function that is changed to end the kernel has one test behind it",
     "dies-when-called-later", status="crashed",
     mean="import os\ndef squares(n):\n    os._exit(1)\n" + WRONG_MEAN)  # fmt: skip

# -------------------------------------------------------------------- what a beginner leaves behind

code(ALL, "children that go on after the cell are nobody's kernel", "forks-without-an-exit",
     squares="import os\nfor _ in range(3):\n    os.fork()\n" + ANSWERS["squares"])  # fmt: skip
code(ALL, "the same, where Python is not told of the fork", "forks-behind-pythons-back",
     squares="import ctypes\nctypes.CDLL(None).fork()\n" + ANSWERS["squares"])  # fmt: skip
code(ALL, "of a call that forks, one answer counts", "forks-when-called",
     squares=ANSWERS["squares"] + "def squares(n, squares=squares):\n    import os\n"
             "    os.fork()\n    return squares(n)\n")  # fmt: skip
code(ALL, "a stream that can do nothing but write costs nothing", "replaces-stdout",
     squares="import sys\nclass Log:\n    def write(self, text): pass\n"
             "sys.stdout = sys.stderr = Log()\n" + ANSWERS["squares"])  # fmt: skip
code(ALL, "nor does a stream that is closed", "closes-stdout",
     squares="import sys\nsys.stdout.close()\nsys.stderr.close()\n"
             + ANSWERS["squares"])  # fmt: skip
code(ALL, "nor warnings that are errors", "makes-errors-of-warnings",
     squares="import warnings\nwarnings.simplefilter('error')\n" + ANSWERS["squares"])  # fmt: skip
code(3.0, "a warning that is an error is the answer's own", "raises-its-own-warning",
     squares="import warnings\nwarnings.simplefilter('error')\ndef squares(n):\n"
             "    warnings.warn('careful')\n    return [i * i for i in range(1, n + 1)]\n"
     )  # fmt: skip

# --------------------------------------------------------------------------- changing the notebook


def _cell(notebook, grade_id):
    found = (
        c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )
    return next(found)


@hostile(ALL, "a deleted test is put back and a person is told", flagged=True)
def deletes_a_test(place):
    notebook = answered(place.blank, **ANSWERS)
    notebook.cells.remove(_cell(notebook, "test_mean"))
    place.put(notebook)


@hostile(ALL, "of two cells with one id one is the test, and it is restored", flagged=True)
def duplicates_a_test(place):
    notebook = answered(place.blank, **ANSWERS)
    twin = copy.deepcopy(_cell(notebook, "test_squares"))
    twin["id"], twin.source = "twin", "assert True"
    notebook.cells.append(twin)
    place.put(notebook)


@hostile(4.0, "an edited test is restored: mean has 3, and 1 of 2 for the partial", flagged=True)
def edits_a_test(place):
    notebook = answered(place.blank, **{**ANSWERS, "squares": WRONG_SQUARES})
    _cell(notebook, "test_mean").source = "raise AssertionError"
    _cell(notebook, "test_squares").source = "assert True"
    place.put(notebook)


@hostile(4.0, "a test turned into text is turned back", flagged=True)
def retypes_a_test(place):
    notebook = answered(place.blank, **{**ANSWERS, "squares": WRONG_SQUARES})
    cell = _cell(notebook, "test_squares")
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]
    place.put(notebook)


@hostile(ALL, "points are the gradebook's")
def changes_points(place):
    notebook = answered(place.blank, **ANSWERS)
    _cell(notebook, "test_squares").metadata.nbgrader["points"] = 1000.0
    place.put(notebook)


@hostile(ALL, "a test under another name is the student's, and the test is put back", flagged=True)
def edits_a_grade_id(place):
    notebook = answered(place.blank, **ANSWERS)
    _cell(notebook, "test_squares").metadata.nbgrader["grade_id"] = "mine"
    place.put(notebook)


@hostile(NONE, "a cell that claims to be a test is the student's own", flagged=True)
def adds_a_test_of_its_own(place):
    notebook = answered(place.blank, squares=WRONG_SQUARES, mean=WRONG_MEAN)
    own = copy.deepcopy(_cell(notebook, "test_squares"))
    own["id"], own.source = "own", "assert True"
    own.metadata.nbgrader.update(grade_id="bonus", points=100)
    notebook.cells.append(own)
    place.put(notebook)


@hostile(NONE, "the tests are put back, after the set-up, whatever came before", flagged=True)
def moves_everything(place):
    notebook = answered(place.blank, squares=WRONG_SQUARES, mean=WRONG_MEAN)
    notebook.cells.reverse()
    notebook.cells.remove(_cell(notebook, "setup"))
    fake = copy.deepcopy(_cell(notebook, "squares"))
    fake.metadata, fake["id"] = nbformat.NotebookNode(), "fake"
    fake.source = "import builtins\nbuiltins.abs = lambda x: 0\nopen = lambda *a: ['2.5']"
    notebook.cells.insert(0, fake)
    place.put(notebook)


@hostile(ALL, "locked is what the gradebook says is locked")
def unlocks_the_tests(place):
    notebook = answered(place.blank, **ANSWERS)
    for name in ("setup", "test_squares", "test_mean"):
        _cell(notebook, name).metadata.nbgrader.update(locked=False, solution=True)
    place.put(notebook)


@hostile(ALL, "the kernel is the gradebook's")
def wrong_kernel_name(place):
    notebook = answered(place.blank, **ANSWERS)
    notebook.metadata["kernelspec"] = {"name": "matlab", "display_name": "M", "language": "m"}
    place.put(notebook)


@hostile(ALL, "the kernel is the gradebook's")
def no_kernel_metadata(place):
    notebook = answered(place.blank, **ANSWERS)
    notebook.metadata = nbformat.NotebookNode()
    place.put(notebook)


@hostile(NONE, "outputs of a submission are cleared before it is run")
def forged_outputs(place):
    notebook = answered(place.blank, squares=WRONG_SQUARES, mean=WRONG_MEAN)
    for name in ("test_squares", "test_mean", "test_partial"):
        cell = _cell(notebook, name)
        data = {"text/plain": "2"}
        cell.outputs = [new_output("execute_result", data=data, execution_count=7)]
        cell.execution_count = 7
    place.put(notebook)


@hostile(NONE, "a cell that asks not to be run is run")
def tags_against_execution(place):
    notebook = answered(place.blank, squares=WRONG_SQUARES, mean=WRONG_MEAN)
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception"]
    place.put(notebook)


# ----------------------------------------------------------------------------- what is no notebook


@hostile(None, "not JSON", status="invalid")
def invalid_json(place):
    place.put(b"{'cells': []}")


@hostile(None, "not JSON: cut off", status="invalid")
def truncated(place):
    text = nbformat.writes(answered(place.blank, **ANSWERS))
    place.put(text.encode()[: len(text) // 2])


@hostile(None, "not UTF-8", status="invalid")
def not_utf8(place):
    text = nbformat.writes(answered(place.blank, **ANSWERS))
    place.put(text.encode("utf-16"))


@hostile(None, "JSON, but no notebook", status="invalid")
def no_cells(place):
    place.put(b'{"cells": {"0": "print(1)"}, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')


@hostile(ALL, "old outputs of 50 MB are cleared like others")
def notebook_of_50_mb(place):
    notebook = answered(place.blank, **ANSWERS)
    blob = "x" * 50_000_000
    _cell(notebook, "mean").outputs = [new_output("stream", name="stdout", text=blob)]
    place.put(notebook)


@hostile(None, "there is nothing to grade", status="invalid")
def no_notebook(place):
    (place.answers() / f"{NOTEBOOK}.ipynb").unlink()


@hostile(ALL, "the notebook of the assignment counts")
def two_notebooks(place):
    folder = place.answers()
    nbformat.write(answered(place.blank, squares=WRONG_SQUARES), folder / "other.ipynb")


@hostile(ALL, "links out of the folder are left out", flagged=True)
def symbolic_links(place):
    folder = place.answers()
    os.symlink("/etc/passwd", folder / "passwd")
    os.symlink(place.root / "source", folder / "source")
    os.symlink(place.root / "gradebook.db", folder / "gradebook.db")


@hostile(
    None, "a link to the instructor's notebook is no submission", status="invalid", flagged=True
)
def links_to_the_solution(place):
    path = place.answers() / f"{NOTEBOOK}.ipynb"
    path.unlink()
    os.symlink(place.root / "source" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", path)


@hostile(ALL, "a pipe is not opened", flagged=True)
def named_pipe(place):
    os.mkfifo(place.answers() / "pipe")


@hostile(ALL, "names are only names")
def odd_file_names(place):
    folder = place.answers()
    for name in ("a b", "-rf", "new\nline", "$(touch owned)", "日本.txt", "x" * 250):
        (folder / name).write_text("data")


@hostile(ALL, "ids are only ids", student="Robert'); DROP TABLE student;--")
def odd_student_id(place):
    place.answers()


@hostile(ALL, "ids are only ids", student="{nbgrader_step} %s [a-z] ünï 🙂")
def odd_student_id_with_format(place):
    place.answers()


# ---------------------------------------------------------------------- reading what is not theirs


@hostile(NONE, "the gradebook cannot be seen from inside")
def reads_the_gradebook(place):
    path = str(place.root / "gradebook.db")
    place.answers(
        mean=WRONG_MEAN,
        squares=f"import sqlite3, os\nassert os.path.getsize({path!r})\n{ANSWERS['squares']}",
    )


@hostile(NONE, "the gradebook cannot be written from inside")
def writes_the_gradebook(place):
    path = str(place.root / "gradebook.db")
    place.answers(
        mean=WRONG_MEAN,
        squares=f"import sqlite3\nwith sqlite3.connect({path!r}) as c:\n"
        f"    c.execute('update grade set manual_score = 100')\n{ANSWERS['squares']}",
    )


@hostile(NONE, "the solutions cannot be seen from inside")
def reads_the_solutions(place):
    path = str(place.root / "source" / ASSIGNMENT / f"{NOTEBOOK}.ipynb")
    place.answers(mean=WRONG_MEAN, squares=f"text = open({path!r}).read()\n{ANSWERS['squares']}")


@hostile(NONE, "no notebook with hidden tests lies anywhere that it can look")
def searches_for_hidden_tests(place):
    place.answers(
        mean=WRONG_MEAN,
        squares="import os\nhits = []\n"
        "for folder, names, files in os.walk('/'):\n"
        "    names[:] = [n for n in names if n not in ('proc', 'sys', 'lib', 'site-packages')]\n"
        "    for name in files:\n"
        "        if not name.endswith(('.ipynb', '.json', '.db', '.py')):\n"
        "            continue\n"
        "        try:\n"
        "            with open(os.path.join(folder, name), errors='ignore') as f:\n"
        "                if 'secret_' + 'length' in f.read(1_000_000):\n"
        "                    hits.append(name)\n"
        "        except OSError:\n"
        "            pass\n"
        f"assert hits\n{ANSWERS['squares']}",
    )


@hostile(NONE, "a neighbour's work cannot be seen from inside")
def reads_a_neighbour(place):
    path = str(place.root / "submitted" / "honest-1" / ASSIGNMENT / f"{NOTEBOOK}.ipynb")
    place.answers(mean=WRONG_MEAN, squares=f"text = open({path!r}).read()\n{ANSWERS['squares']}")


@hostile(NONE, "a neighbour's work cannot be written from inside")
def edits_a_neighbour(place):
    path = str(place.root / "submitted" / "honest-1" / ASSIGNMENT / f"{NOTEBOOK}.ipynb")
    place.answers(mean=WRONG_MEAN, squares=f"open({path!r}, 'w').close()\n{ANSWERS['squares']}")


@hostile(NONE, "there is no network, not even to this machine")
def uses_the_network(place):
    place.answers(
        mean=WRONG_MEAN,
        squares="import socket\n"
        f"socket.create_connection(('127.0.0.1', {place.port}), timeout=1).close()\n"
        + ANSWERS["squares"],
    )


@hostile(NONE, "the environment of the host stays outside")
def reads_the_environment(place):
    place.answers(
        mean=WRONG_MEAN,
        squares=f"import os\nassert os.environ['OPTEDU_TEST_SECRET']\n{ANSWERS['squares']}",
    )


# ------------------------------------------------------------------------ deceiving the comparison

code(NONE, "an always-equal object does not come over the wire", "always-equal",
     flagged=True, squares="class Equal:\n    def __eq__(self, other): return True\n"
             "    def __len__(self): return 7\n    def __sub__(self, other): return 0.0\n"
             "    def __abs__(self): return 0.0\n    def __lt__(self, other): return True\n"
             "def squares(n): return Equal()\n",
     mean="def mean(xs): return Equal()\n")  # fmt: skip
code(NONE, "a subclass of list comes over as a list", "list-that-equals",
     squares="class L(list):\n    def __eq__(self, other): return True\n"
             "    def __len__(self): return 7\ndef squares(n): return L()\n",
     mean="class F(float):\n    def __sub__(self, other): return 0.0\n"
          "    def __abs__(self): return 0.0\ndef mean(xs): return F(-1)\n")  # fmt: skip
code(NONE, "an array subclass comes over as an array", "array-that-equals", squares=WRONG_SQUARES,
     mean="class A(np.ndarray):\n    def __array_ufunc__(self, *a, **k): return 0.0\n"
          "    def __sub__(self, other): return 0.0\n"
          "def mean(xs): return np.array(-1.0).view(A)\n")  # fmt: skip
code(NONE, "pickles do not come over the wire", "reduces-to-a-call", flagged=True,
     squares="class R:\n    def __reduce__(self): return (list, ([1, 4, 9],))\n"
             "def squares(n): return R()\n", mean=WRONG_MEAN)  # fmt: skip
code(NONE, "the caller is another process: no frame holds the answer", "looks-into-frames",
     mean=WRONG_MEAN,
     squares="import sys\ndef squares(n):\n    frame = sys._getframe()\n    while frame:\n"
             "        for value in list(frame.f_locals.values()):\n"
             "            if isinstance(value, str) and 'squares(3) ==' in value:\n"
             "                return [1, 4, 9] if n == 3 else [0] * n\n"
             "        for const in frame.f_code.co_consts:\n"
             "            if const == (1, 4, 9):\n                return [1, 4, 9]\n"
             "        frame = frame.f_back\n    return None\n")  # fmt: skip
code(NONE, "the test's source is in another process", "reads-the-test-from-In", mean=WRONG_MEAN,
     squares="def squares(n):\n    from IPython import get_ipython\n"
             "    source = get_ipython().user_ns['In'][-1]\n"
             "    return eval(source.split('==')[1].split(', \"')[0])\n")  # fmt: skip
code(NONE, "garbage in this process holds no test", "searches-memory", mean=WRONG_MEAN,
     squares="import gc\ndef squares(n):\n    for thing in gc.get_objects():\n"
             "        if isinstance(thing, list) and thing == [1, 4] + [9]:\n"
             "            return thing\n"
             "    hits = [s for s in gc.get_objects() if isinstance(s, dict)\n"
             "            for s in s.values() if isinstance(s, str) and 'secret_' 'length' in s]\n"
             "    return [i * i for i in range(1, n + 1)] if hits else None\n")  # fmt: skip

PATCH = "def squares(n): return [0]\n"
code(NONE, "patched here, compared there", "patches-builtins", mean=WRONG_MEAN, flagged=None,
     status=DEAD,
     squares="import builtins\nbuiltins.abs = lambda x: 0.0\nbuiltins.len = lambda x: 7\n"
             "builtins.float = lambda x: 2.5\n" + PATCH)  # fmt: skip
code(NONE, "errors cannot be made harmless from here", "patches-AssertionError", mean=WRONG_MEAN,
     flagged=None,
     squares="import builtins\nbuiltins.AssertionError = Warning\n" + PATCH)  # fmt: skip
code(NONE, "patched here, compared there", "patches-numpy", mean=WRONG_MEAN, flagged=True,
     squares="import numpy, numpy.testing\nfor module in (numpy, numpy.testing):\n"
             "    for name in dir(module):\n        if name.startswith('assert_'):\n"
             "            setattr(module, name, lambda *a, **k: None)\n"
             "numpy.allclose = numpy.array_equal = lambda *a, **k: True\n" + PATCH)  # fmt: skip
code(NONE, "modules exchanged here stay here", "patches-sys-modules", mean=WRONG_MEAN, flagged=None,
     squares="import sys, types\nfake = types.ModuleType('numpy')\nfake.array = lambda *a: 3.0\n"
             "sys.modules['numpy'] = fake\n" + PATCH)  # fmt: skip
code(NONE, "optedu patched here, checked there", "patches-optedu", mean=WRONG_MEAN, flagged=None,
     squares="import optedu\noptedu.check = lambda *a, **k: None\n" + PATCH)  # fmt: skip
code(NONE, "hooks of this IPython see no test", "input-transformer", mean=WRONG_MEAN, flagged=None,
     squares="ip = get_ipython()\nip.input_transformers_cleanup.append(\n"
             "    lambda lines: [l for l in lines if 'assert' not in l])\n" + PATCH)  # fmt: skip
code(NONE, "AST transformers of this IPython see no test", "ast-transformer", mean=WRONG_MEAN,
     flagged=None,
     squares="import ast\nclass Drop(ast.NodeTransformer):\n"
             "    def visit_Assert(self, node): return ast.Pass()\n"
             "get_ipython().ast_transformers.append(Drop())\n" + PATCH)  # fmt: skip
code(NONE, "events of this IPython see no test", "ipython-events", mean=WRONG_MEAN, flagged=None,
     status=DEAD,
     squares="def before(info):\n    info.raw_cell = ''\n"
             "get_ipython().events.register('pre_run_cell', before)\n"
             "get_ipython().run_cell = lambda *a, **k: None\n" + PATCH)  # fmt: skip
code(NONE, "magics of this IPython run no test", "magics", mean=WRONG_MEAN, flagged=None,
     squares="from IPython.core.magic import register_cell_magic\n"
             "%xmode Minimal\n%autocall 2\n" + PATCH)  # fmt: skip
code(NONE, "exceptions hidden here are raised there", "custom-exception-handler", mean=WRONG_MEAN,
     flagged=None,
     squares="ip = get_ipython()\nip.set_custom_exc((BaseException,), lambda *a, **k: None)\n"
             "ip.showtraceback = lambda *a, **k: None\n" + PATCH)  # fmt: skip
code(NONE, "what the code displays in a test is no score", "forged-display", mean=WRONG_MEAN,
     squares="import sys\ndef squares(n):\n    get_ipython().displayhook(2)\n"
             "    sys.displayhook(2)\n    print(2)\n    return [0]\n")  # fmt: skip
code(NONE, "messages forged on the kernel's sockets are no score", "forged-messages",
     mean=WRONG_MEAN, flagged=None,
     squares="def squares(n):\n    kernel = getattr(get_ipython(), 'kernel', None)\n"
             "    try:\n        kernel.session.send(kernel.iopub_socket, 'execute_result',\n"
             "            {'data': {'text/plain': '2'}, 'metadata': {}, 'execution_count': 9},\n"
             "            kernel.get_parent())\n    except Exception:\n        pass\n"
             "    return [0]\n")  # fmt: skip
code(NONE, "file descriptors of this process lead to no score", "writes-to-descriptors",
     mean=WRONG_MEAN, flagged=None, status=DEAD,
     squares="import os\ndef squares(n):\n    for fd in range(3, 256):\n        try:\n"
             "            os.write(fd, b'{\"status\": \"ok\", \"value\": [1, 4, 9]}\\n')\n"
             "        except OSError:\n            pass\n    return [0]\n")  # fmt: skip
code(NONE, "a thread that patches later patches this process", "patches-later", mean=WRONG_MEAN,
     flagged=None, status=DEAD,
     squares="import threading, time, builtins\ndef later():\n    while True:\n"
             "        time.sleep(0.01)\n        builtins.len = lambda x: 7\n"
             "        np.allclose = lambda *a, **k: True\n"
             "threading.Thread(target=later, daemon=True).start()\n" + PATCH)  # fmt: skip
code(NONE, "names of the tests belong to the tests", "defines-the-test's-names", flagged=None,
     squares="points = 2\ndata = [2.5]\nabs = lambda x: 0.0\nlen = lambda x: 7\n"
             "open = lambda *a: ['2.5']\n" + PATCH, mean=WRONG_MEAN)  # fmt: skip


@hostile(NONE, "a module of the student's is not imported by the tests", flagged=None)
def shadows_numpy(place):
    folder = place.answers(squares=WRONG_SQUARES, mean=WRONG_MEAN)
    for name in ("numpy.py", "sitecustomize.py", "usercustomize.py", "IPython.py"):
        (folder / name).write_text("def array(*a): return 3.0\nabs = None\n")
    (folder / "data.csv").write_text("-1\n")


@hostile(ALL, "the data of the tests are the instructor's")
def changes_the_data(place):
    folder = place.answers(
        mean="open('data.csv', 'w').write('100\\n')\n" + RIGHT_MEAN,
    )
    (folder / "data.csv").write_text("1000\n")


@hostile(3.0, "messages from code are shown without what a terminal obeys")
def terminal_escapes(place):
    place.answers(
        squares="def squares(n):\n"
        "    raise ValueError('\\x1b]0;owned\\x07\\x1b[2J<script>alert(1)</script>')\n"
    )
