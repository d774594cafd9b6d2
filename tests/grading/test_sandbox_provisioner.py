"""The kernel provisioner by itself: stock nbclient, an ordinary ipykernel, inside the jail."""

from __future__ import annotations

import glob
import os
import tempfile

import pytest
from jupyter_client.provisioning import KernelProvisionerFactory
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.preprocessors import Execute as Stock

from tests.grading.cells import needs_sandbox, text

pytestmark = needs_sandbox


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("submission")
    (folder / "data.txt").write_text("data")
    (folder / "hw.ipynb").write_text("hidden tests")
    sources = [
        "import os, sys\nprint(sorted(os.listdir('.')), os.getcwd())",
        "print(os.getuid(), 'JPY_PARENT_PID' in os.environ, 'PYTEST_CURRENT_TEST' in os.environ)",
        "open('/etc/shadow')",
        "import urllib.request\nurllib.request.urlopen('http://192.0.2.1', timeout=5)",
        "open('data.txt', 'w').write('changed')\nos.system('echo from a program')\n"
        "import time; time.sleep(0.5)",
        "while True: pass",
        "print('still here')",
    ]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    name = "JUPYTER_DEFAULT_PROVISIONER_NAME"
    before = os.environ.get(name)
    os.environ[name] = "bubblewrap-provisioner"
    # The factory reads the variable once, when the first kernel of the process is started.
    KernelProvisionerFactory.clear_instance()
    sockets = set(glob.glob(os.path.join(tempfile.gettempdir(), "optedu-????????")))
    try:
        Stock(timeout=20).preprocess(notebook, {"metadata": {"path": str(folder)}})
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})
        KernelProvisionerFactory.clear_instance()
    left = set(glob.glob(os.path.join(tempfile.gettempdir(), "optedu-????????"))) - sockets
    return [text(cell) for cell in notebook.cells], folder, left


def test_sees_only_a_copy_of_its_folder(executed):
    said, folder, _ = executed
    assert said[0] == "['data.txt'] /submission\n"
    assert "from a program" in said[4]
    assert (folder / "data.txt").read_text() == "data"


def test_is_unprivileged_and_without_the_environment(executed):
    uid, poller, ours = executed[0][1].split()
    assert (poller, ours) == ("False", "False")
    assert uid == str(os.getuid()) or os.getuid() == 0
    assert uid != "0"
    assert executed[0][2].startswith("FileNotFoundError")
    assert "URLError" in executed[0][3]


def test_interrupts_reach_the_kernel(executed):
    assert executed[0][5].startswith("KeyboardInterrupt")
    assert executed[0][6] == "still here\n"


def test_the_private_folder_of_the_sockets_is_removed(executed):
    assert executed[2] == set()
