"""JupyterLab as a student or an instructor uses it: a server, and a page with its menus."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

# A machine with two processors runs other tests beside these.
PATIENCE = 120


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def environment(home: Path, **more: object) -> dict[str, str]:
    """What a program of somebody who lives in ``home`` is given, with the tests' own Python."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**kept, "PATH": path, "HOME": str(home), **{k: str(v) for k, v in more.items()}}


@contextmanager
def serving(
    command: list[str], address: str, env: Mapping[str, str], folder: Path, log: Path
) -> Iterator[str]:
    """Run a server until the block ends; begin the block when the address answers."""
    with log.open("w") as out:
        server = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=out)
    try:
        until = time.monotonic() + PATIENCE
        while not _answers(address):
            assert server.poll() is None and time.monotonic() < until, log.read_text()[-3000:]
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=5):
            return True
    except (URLError, OSError):
        return False


@contextmanager
def jupyterlab(home: Path, folder: Path) -> Iterator[str]:
    """JupyterLab of somebody who lives in ``home`` and works in ``folder``; yields its address."""
    # A cell that is out of sight would be taken off the page, with what it shows.
    settings = home / ".jupyter/lab/user-settings/@jupyterlab/notebook-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    port = free_port()
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", "--IdentityProvider.token=", "--ServerApp.port_retries=0"),
        *(f"--ServerApp.root_dir={folder}", "--allow-root"),
    ]
    site = f"http://127.0.0.1:{port}"
    with serving(command, f"{site}/api", environment(home), folder, home / "lab.log"):
        yield f"{site}/lab"


class Lab:
    """A page that shows JupyterLab with nbgrader's extensions."""

    def __init__(self, page: Any):
        page.set_default_timeout(PATIENCE * 1000)
        self.page = page
        page.locator("#jp-MainMenu").wait_for()

    def menu(self, menu: str, entry: str) -> None:
        """Choose an entry of a menu, as they are written there."""
        bar = self.page.locator("#jp-MainMenu")
        bar.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()

    def tab(self, label: str) -> None:
        """Bring an open tab to the front."""
        self.page.locator("#jp-main-dock-panel").get_by_role("tab", name=label).click()

    def in_list(self, which: str, assignment: str) -> Any:
        """The row of an assignment in nbgrader's list: released, fetched or submitted."""
        rows = self.page.locator(f"#{which}_assignments_list > .list_item")
        return rows.filter(has_text=assignment)

    def _below(self, row: Any, selector: str) -> Any:
        """What a row of the list holds, unfolded where need be."""
        wanted = row.locator(selector)
        row.wait_for()
        # The list is read anew, some time after each step, and then is folded again.
        until = time.monotonic() + PATIENCE
        while not wanted.is_visible():
            assert time.monotonic() < until, f"no {selector} in {row.inner_text()!r}"
            folded = row.locator(".assignment-notebooks-link.collapsed")
            if folded.count():
                folded.click()
            self.page.wait_for_timeout(700)
        return wanted

    def press(self, which: str, assignment: str, label: str) -> None:
        """Press a button of the list."""
        row = self.in_list(which, assignment)
        self._below(row, f"button:text-is('{label}')").click()

    def open(self, assignment: str) -> None:
        """Open the notebook of a fetched assignment, which has its name."""
        self._below(self.in_list("fetched", assignment), ".nested_list_item a").click()
        self.cell(0).wait_for()

    def cell(self, index: int) -> Any:
        """A cell of the open notebook."""
        return self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{index}']")

    def write(self, index: int, source: str) -> None:
        """Replace what stands in a cell."""
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source)

    def run_all(self, last: int) -> None:
        """Run all cells in a new kernel, as students are told to, to the last one of code."""
        self.menu("Kernel", "Restart Kernel and Run All Cells…")
        self.page.get_by_role("button", name="Confirm Kernel Restart").click()
        prompt = self.cell(last).locator(".jp-InputPrompt")
        prompt.get_by_text("[*]:").wait_for()
        prompt.get_by_text(re.compile(r"\[\d+\]:")).wait_for()

    def save(self) -> None:
        """Save the open notebook, and wait until its tab says that it is saved."""
        self.menu("File", "Save Notebook")
        self.page.locator(".jp-mod-current.jp-mod-dirty").wait_for(state="detached")

    def dialog(self, answer: str) -> str:
        """Wait for a dialog, answer it; return what it says."""
        box = self.page.locator("dialog.jp-Dialog")
        box.wait_for()
        said: str = box.inner_text()
        box.get_by_text(answer, exact=True).click()
        return said
