r"""The grader's side of the zygote, the process that kernels are forked from (:mod:`.server`)."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from optedu.grading import scratch
from optedu.grading.sandbox.jail import environment
from optedu.grading.sandbox.protocol import LEND, socketpair

__all__ = ["Zygote", "borrow", "shared"]

_FOLDER = "optedu-ipython-"


class Zygote:
    r"""A handle on a zygote process.

    Parameters
    ----------
    lent : socket.socket, optional
        The connection to a zygote of another process, from its :meth:`lend`. Without it a
        process is started, which ends with this one.
    """

    def __init__(self, lent: socket.socket | None = None) -> None:
        self._process: subprocess.Popen | None = None
        self._owner = os.getpid()
        if lent is not None:
            self._socket = lent
            return
        self._socket, theirs = socketpair()
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "optedu"
        scratch.sweep(_FOLDER, (tempfile.gettempdir(),))  # of processes that were killed
        self._scratch = scratch.make(_FOLDER)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "optedu.grading.sandbox.server", str(theirs.fileno())],
                env=environment(), pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL, cwd="/", start_new_session=True,
            )  # fmt: skip
        # Not in the environment of the process, which student code could read in /proc.
        ipython = str(self._scratch.path / "ipython")
        folders = {"matplotlib": str(cache / "matplotlib"), "ipython": ipython}
        self._socket.send(json.dumps(folders).encode())
        atexit.register(self.close)

    @property
    def pid(self) -> int | None:
        """The process id; None for a zygote that is lent."""
        return self._process.pid if self._process else None

    def usable(self) -> bool:
        """Whether it runs and belongs to this process (not to the one that it was forked from)."""
        if self._owner != os.getpid() or (self._process and self._process.poll() is not None):
            return False
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:  # nothing to read: it is there
            return True
        except OSError:
            return False

    def spawn(self, request: dict[str, Any], descriptors: list[int]) -> None:
        """Fork a kernel; it answers on its own channels."""
        socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)

    def lend(self) -> socket.socket:
        """A connection for another process; kernels that it has started end with it."""
        mine, theirs = socketpair()
        with theirs:
            socket.send_fds(self._socket, [LEND], [theirs.fileno()])
        return mine

    def close(self) -> None:
        if self._owner != os.getpid():
            return
        self._socket.close()
        if self._process:
            self._process.kill()  # it has nothing to lose, and its kernels end with it
            self._process.wait()
            self._scratch.remove()
            atexit.unregister(self.close)


_shared: Zygote | None = None


def shared() -> Zygote:
    """The zygote of this process, started when first wanted and again when it died."""
    global _shared
    if _shared is None or not _shared.usable():
        if _shared is not None:
            _shared.close()
        _shared = Zygote()
    return _shared


def borrow(connection: socket.socket) -> None:
    """Make another process's zygote the shared one, as long as it lives."""
    global _shared
    _shared = Zygote(connection)
