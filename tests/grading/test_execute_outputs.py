"""The autograded notebook shows what nbgrader's own `Execute` shows."""

from __future__ import annotations

import base64
import copy
import io
import re
import tracemalloc

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.preprocessors import Execute as Stock
from PIL import Image

from optedu.grading.execute import Execute, Limits
from optedu.grading.outputs import Outputs
from optedu.grading.sandbox import process
from tests.grading.cells import SMALL, answer, graded, needs_sandbox, run, scores, setup, text

SOURCES = [
    "import numpy as np, matplotlib.pyplot as plt\nnp.arange(3)",
    "plt.plot([1, 2]); plt.title('a')",
    "fig, ax = plt.subplots()\nax.plot([3, 1])\nplt.show()\nprint('after')",
    "print('a')\nimport sys\nprint('b', file=sys.stderr)\nprint('c')",
    "def g(x):\n    '''doc'''\n    return 1 / x\ng(0)",
    "for i in range(3): print(i)\ni",
    "!echo hello",
    "import sympy as sp\nsp.Symbol('t')**2 / 3",
    "from IPython.display import display, HTML, clear_output\ndisplay(HTML('<b>x</b>'))\n"
    "display({'a': 1}, display_id='q')",
    "from IPython.display import update_display\nupdate_display({'b': 2}, display_id='q')",
    "print('x'); clear_output(); print('y')",
    "syntax error here",
    "await __import__('asyncio').sleep(0.01)\n5",
    "np.log(-1.0)",
    "import warnings; warnings.warn('careful')",
    "In[2], Out[1], _, __name__",
    "import os, time; os.system('echo from a program'); time.sleep(0.5)",
    "%matplotlib inline\nplt.imshow(np.eye(2))",
    "raise SystemExit",
    "len?",
    "%%bash\necho bash",
    "class A:\n    def _repr_html_(self): return '<i>A</i>'\nA()",
    "import threading\nt = threading.Thread(target=lambda: print('thread'))\nt.start(); t.join()",
    "try:\n    1 / 0\nexcept Exception as e:\n    raise ValueError('second') from e",
    "assert 1 == 2, 'message'",
    "print(__import__('inspect').getsource(g))",
    "1;",
    "   ",
]


def _comparable(cell):
    """Outputs with neighbouring streams joined, images unpacked, no addresses and process ids."""
    merged: list = []
    for output in copy.deepcopy(cell.outputs):
        if image := output.get("data", {}).get("image/png"):
            pixels = Image.open(io.BytesIO(base64.b64decode(image)))
            output.data["image/png"] = pixels.mode, pixels.size, pixels.tobytes()
        if output.output_type == "stream" and merged and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    shown = re.sub(r"0x[0-9a-f]+", "0x", repr(merged))
    return re.sub(r"ipykernel_\d+", "ipykernel", shown), cell.execution_count


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    made = new_notebook(cells=[new_code_cell(source) for source in SOURCES])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    stock = copy.deepcopy(made)
    where = {"metadata": {"path": str(tmp_path_factory.mktemp("empty"))}}
    Execute(sandbox=False).preprocess(made, where)
    with pytest.MonkeyPatch.context() as patch:
        # Where ipykernel sees pytest, it leaves the output of programs alone.
        patch.delenv("PYTEST_CURRENT_TEST", raising=False)
        Stock().preprocess(stock, where)
    return made, stock


@pytest.mark.parametrize("index", range(len(SOURCES)), ids=lambda i: SOURCES[i][:25])
def test_same_outputs(both, index):
    ours, stock = both[0].cells[index], both[1].cells[index]
    # A traceback and a warning of the same place: everything else is compared to the letter.
    assert _comparable(ours) == _comparable(stock)


def test_same_metadata(both):
    assert both[0].metadata == both[1].metadata


@needs_sandbox
def test_a_hundred_megabytes_of_output(tmp_path):
    floods = [
        "for i in range(1000): print('x' * 100_000)",
        "import os\nfor i in range(1000): os.write(1, b'y' * 100_000)",
        "from IPython.display import display, HTML\ndisplay(HTML('z' * 100_000_000))",
        "raise ValueError('e' * 100_000_000)",
        "'r' * 100_000_000",
    ]
    limits = Limits(memory_mb=1500, output_kb=400)
    for flood in floods:
        notebook, outcome = run(answer(flood), answer("print('next')"), limits=limits)
        assert outcome.status in ("ok", "output-limit"), (flood, outcome)
        assert len(repr(notebook)) < 600_000, flood
        assert "was cut after 400 kB" in text(notebook.cells[0]), flood


def test_outputs_survive_any_message():
    outputs = Outputs(1000)
    cell: list = []
    outputs.begin(cell, 3)
    for message in (
        None, 7, [], {}, {"type": "stream"}, {"type": "stream", "content": []},
        {"type": "stream", "content": {"name": "stdout", "text": 5}},
        {"type": "error", "content": {"traceback": 5}},
        {"type": "display_data", "content": {"data": {"text/plain": 5}}},
        {"type": "display_data", "content": {"data": {"text/plain": "x"}, "metadata": 5}},
        {"type": "execute_result", "content": {"data": {"application/json": [1]}, "transient": 3}},
        {"type": "execute_result", "content": {"data": {"text/plain": "5"}, "execution_count": 9}},
        {"type": "display_data", "content": {"data": {"a/json": {"b": [1]}}}},
        {"type": "evil", "content": {}},
    ):  # fmt: skip
        outputs.add(message)
    assert [o.output_type for o in cell] == ["error", "execute_result", "execute_result"]
    assert {o.execution_count for o in cell[1:]} == {3}


@pytest.mark.parametrize("item", [[], {}, 0, "", {"": []}, [[]]])
def test_small_things_without_number_are_cut_before_they_take_memory(item):
    outputs, cell = Outputs(10_000), []
    outputs.begin(cell, 1)
    many = [item] * 1_000_000
    tracemalloc.start()
    outputs.add({"type": "display_data", "content": {"data": {"application/json": many}}})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outputs.cut and "was cut" in cell[0].text
    assert peak < 50_000_000  # of which most is the schema of the note


def test_a_display_is_changed_by_cells_of_its_owner_alone():
    outputs, test, students = Outputs(10_000), [], []

    def show(kind, text):
        content = {"data": {"text/plain": text}, "transient": {"display_id": "d"}}
        outputs.add({"type": kind, "content": content})

    outputs.begin(test, 1, owner="checks")
    show("display_data", "checked: wrong")
    outputs.begin(students, 2, owner="student")
    show("update_display_data", "checked: right")
    assert test[0].data == {"text/plain": "checked: wrong"}
    outputs.begin(test, 3, owner="checks")
    show("update_display_data", "checked anew")
    assert test[0].data == {"text/plain": "checked anew"}


FORGED = """
import gc
from optedu.grading.sandbox.kernel import CellRunner
kernel = next(o for o in gc.get_objects() if isinstance(o, CellRunner))
"""


@needs_sandbox
def test_a_forged_error_is_cut_as_any_other():
    forged = FORGED + (
        "kernel.control.send({'op': 'done', 'cell': kernel._cell, 'status': 'error',\n"
        "                     'ename': 'E', 'evalue': 'x' * 1_000_000})"
    )
    notebook, _ = run(answer(forged), graded("assert True"))
    assert 9_000 < len(repr(notebook)) < 100_000


@needs_sandbox
def test_a_kernel_that_takes_no_more_cells_is_given_up(monkeypatch):
    monkeypatch.setattr(process, "_PATIENCE_S", 1)
    deaf = FORGED + (
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "kernel.control.send({'op': 'done', 'cell': kernel._cell, 'status': 'ok'})\n"
        "time.sleep(1000)"
    )
    notebook, outcome = run(
        answer("x = 6"), graded("assert x == 6"), answer(deaf), answer("#" * 2_000_000),
        graded("assert 1 + 1 == 2"),
    )  # fmt: skip
    assert scores(notebook) == [1, 1]
    assert outcome.status == "crashed" and "takes no more cells" in outcome.detail


def test_unsandboxed_run_works(tmp_path):
    (tmp_path / "data.txt").write_text("5")
    notebook, outcome = run(
        setup("n = int(open('data.txt').read())"),
        answer("def f(x): return x + n"),
        graded("assert f(1) == n + 1"),
        graded("assert f(1) == n"),
        workspace=tmp_path, sandbox=False, limits=SMALL,
    )  # fmt: skip
    assert scores(notebook) == [1, 0]
    assert (outcome.status, outcome.tampered) == ("ok", [])
