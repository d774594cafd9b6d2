r"""A Jupyter kernel provisioner that runs any Python kernel in a bubblewrap sandbox.

Registered as ``bubblewrap-provisioner``; nbgrader and every other program that starts kernels with
jupyter_client can use it, without the rest of this package's grading.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from dataclasses import asdict
from typing import Any

from jupyter_client.provisioning import LocalProvisioner
from traitlets import Dict

from optedu.grading.sandbox.jail import arguments, probe, unprivileged_id
from optedu.grading.sandbox.limits import Limits

__all__ = ["BubblewrapProvisioner"]


class BubblewrapProvisioner(LocalProvisioner):
    r"""Starts the kernel in a jail, with Unix sockets in a private folder instead of ports.

    The kernel sees a copy of its working folder without the notebooks; what it writes is gone when
    it ends. :class:`~optedu.grading.sandbox.limits.Limits` bound it; ``limits`` in the ``config``
    of the kernel specification's ``kernel_provisioner`` entry changes them.
    """

    limits = Dict(help="Limits that differ from the defaults, by name.").tag(config=True)

    _sockets: str | None = None
    _info: int = -1
    _first: int | None = None
    _timer: threading.Timer | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        probe()
        if self._sockets is None:
            self._sockets = tempfile.mkdtemp(prefix="optedu-")  # mode 0700
            if os.geteuid() == 0:
                os.chown(self._sockets, unprivileged_id(), unprivileged_id())
            manager: Any = self.parent
            manager.cache_ports = False
            manager.transport = "ipc"
            manager.connection_file = os.path.join(self._sockets, "kernel.json")
            manager.ip = os.path.join(self._sockets, "socket")
        kwargs = await super().pre_launch(**kwargs)
        if os.geteuid() == 0:  # written with mode 0600; the kernel runs as another user
            uid = unprivileged_id()
            os.chown(os.path.join(self._sockets, "kernel.json"), uid, uid)
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        limits = Limits(**self.limits)
        folder = os.open(kwargs.get("cwd") or os.getcwd(), os.O_RDONLY | os.O_DIRECTORY)
        self._info, info = os.pipe()
        options = {
            "limits": asdict(limits), "folder": folder,
            "uid": unprivileged_id() if os.geteuid() == 0 else None,
        }  # fmt: skip
        assert self._sockets is not None
        place = ["--perms", "0755", "--dir", os.path.dirname(self._sockets)]
        jail = arguments(limits.tmp_mb, [*place, "--bind", self._sockets, self._sockets])
        python = cmd[0] if os.path.isabs(cmd[0]) else shutil.which(cmd[0]) or cmd[0]
        command = [
            *jail, "--info-fd", str(info), "--", python, "-I", "-m",
            "optedu.grading.sandbox.launch", json.dumps(options), python, *cmd[1:],
        ]  # fmt: skip
        kwargs["pass_fds"] = (folder, info)
        kwargs["cwd"] = "/"
        kwargs.setdefault("stdout", subprocess.DEVNULL)  # a greeting; output goes by the sockets
        try:
            connection = await super().launch_kernel(command, **kwargs)
        finally:
            os.close(folder)
            os.close(info)
        self._timer = threading.Timer(limits.wall_s, self._out_of_time)
        self._timer.daemon = True
        self._timer.start()
        return connection

    def _out_of_time(self) -> None:
        with contextlib.suppress(OSError):
            if self.process:
                self.process.kill()

    def _kernel_pid(self) -> int | None:
        """The kernel's process id on the host: the child of the jail's first process."""
        if self._first is None and self._info >= 0:
            self._first = json.loads(os.read(self._info, 4096))["child-pid"]
        try:
            with open(f"/proc/{self._first}/task/{self._first}/children") as file:
                return int(file.read().split()[0])
        except (OSError, ValueError, IndexError):  # it has ended
            return None

    async def send_signal(self, signum: int) -> None:
        """Interrupts go to the kernel; anything else ends the jail with all that is in it."""
        if not self.process:
            return
        if signum == signal.SIGINT:
            if (pid := self._kernel_pid()) is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT)
        elif signum != 0:
            # bubblewrap passes no signal on, and the jail dies with it.
            self.process.kill()

    async def wait(self) -> int | None:
        """Wait without polling."""
        if not self.process:
            return 0
        await asyncio.get_running_loop().run_in_executor(None, self.process.wait)
        return await super().wait()

    async def cleanup(self, restart: bool = False) -> None:
        if self._timer:
            self._timer.cancel()
        if self._info >= 0:
            os.close(self._info)
            self._info, self._first = -1, None
        if self._sockets and not restart:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None
        await super().cleanup(restart)
