r"""The grader's side of one kernel: start it, send it cells, collect what it says, end it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
from dataclasses import asdict
from typing import Any

from optedu.grading.sandbox.jail import Jail, unprivileged_id
from optedu.grading.sandbox.limits import Limits
from optedu.grading.sandbox.zygote import Zygote
from optedu.grading.wire.channel import Channel, ChannelError
from optedu.grading.wire.names import Needs

__all__ = ["KernelFailed", "KernelProcess"]

_PATIENCE_S = 10  # until a kernel that takes no cell counts as ended
_START_S = 120.0  # includes the imports of a new zygote, on a busy machine


class KernelFailed(RuntimeError):
    """A kernel could not be started."""


class KernelProcess:
    r"""A kernel forked from ``zygote``; inside ``jail`` where one is given.

    Parameters
    ----------
    zygote : Zygote
    role : {"student", "trusted", "alone"}
        What runs in it: the student's cells, the checks, or both.
    wire : socket.socket
        The kernel's end of the connection to the other kernel; closed here.
    limits : Limits
    folder : str
        Its files are copied to where the kernel runs.
    cwd : str
        Where it runs; with a jail, a path inside.
    jail : Jail, optional
    modules : bool
        Whether the folder may hold modules that cells import.
    cpu : int, optional
        The only processor that it runs on, any where none is given; a jail keeps it there.
    """

    def __init__(
        self,
        zygote: Zygote,
        role: str,
        wire: socket.socket,
        limits: Limits,
        *,
        folder: str,
        cwd: str,
        jail: Jail | None = None,
        modules: bool = True,
        cpu: int | None = None,
    ):
        mine, theirs = socket.socketpair()
        # Of output a kernel sends what the limit allows, in JSON up to six bytes a character.
        head = (limits.output_kb << 13) + (1 << 20)
        self.control = Channel(mine, max_head=head, patience_s=_PATIENCE_S)
        self.limits, self.jail = limits, jail
        self.status = ""
        self.pid = 0
        self.exit_code: int | None = None
        self.alive = True
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        self._descriptors = [read for read, _ in pipes]
        out, err, self._status = self._descriptors
        self.pipes = {"stdout": out, "stderr": err}
        for descriptor in self._descriptors:
            os.set_blocking(descriptor, False)
        request = {
            "role": role, "jail": jail.pid if jail else 0, "limits": asdict(limits),
            "uid": unprivileged_id(role) if jail and os.geteuid() == 0 else None,
            "cpu": cpu, "folder": folder, "cwd": cwd, "fill": folder != cwd, "modules": modules,
        }  # fmt: skip
        descriptors = [theirs.fileno(), wire.fileno(), *(write for _, write in pipes)]
        if jail:
            descriptors.append(jail.pidfd)
        try:
            zygote.spawn(request, descriptors)
        finally:
            theirs.close()
            wire.close()
            for _, write in pipes:
                os.close(write)

    def wait_ready(self) -> None:
        """Wait until cells can be sent; raises :class:`KernelFailed`."""
        try:
            self.control.recv(_START_S)
        except ChannelError as error:
            self.read_status(1.0)
            raise KernelFailed(self.status or f"a kernel did not start: {error}") from None
        self.read_status(1.0)

    def send_cell(self, cell: int, count: int, code: str, needs: Needs | None = None) -> None:
        """Have a cell run; ``needs`` are the names that it may ask of the other kernel."""
        names = None if needs is None else [sorted(each) for each in needs]
        message = {"op": "execute", "cell": cell, "count": count, "code": code, "needs": names}
        self.control.send(message)

    def read_pipes(self) -> list[tuple[str, str]]:
        """What is in the two pipes now, as (stream name, text)."""
        found = []
        for name, descriptor in list(self.pipes.items()):
            with contextlib.suppress(BlockingIOError):
                if data := os.read(descriptor, 1 << 18):
                    found.append((name, data.decode("utf-8", "replace")))
                else:  # closed at the other end
                    del self.pipes[name]
        return found

    def read_status(self, wait: float = 0.0) -> None:
        """Read what the witness of the kernel reports."""
        with contextlib.suppress(BlockingIOError):
            while select.select([self._status], [], [], wait)[0]:
                data = os.read(self._status, 1 << 16)
                for line in data.splitlines():
                    report: dict[str, Any] = json.loads(line)
                    self.pid = report.get("pid", self.pid)
                    self.exit_code = report.get("exit", self.exit_code)
                    self.status = report.get("failed", self.status)
                wait = 0.0
                if not data:
                    return

    def interrupt(self) -> None:
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        self.read_status()
        if self.pid and self.exit_code is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def processes(self) -> set[int]:
        """Process ids of the kernel, of the first process of its jail, and of all below them."""
        waiting, seen = [self.pid, *([self.jail.pid] if self.jail else [])], set()
        while waiting:
            pid = waiting.pop()
            if pid in seen:
                continue
            seen.add(pid)
            with contextlib.suppress(OSError, ValueError):
                for thread in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{thread}/children") as file:
                        waiting.extend(int(n) for n in file.read().split())
        return seen

    def uses_more_than(self, limit: int) -> bool:
        """Whether the processes together hold more than ``limit`` bytes of memory."""
        pids = self.processes()
        page = os.sysconf("SC_PAGE_SIZE")
        quick = 0
        for pid in pids:
            with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/statm") as file:
                quick += int(file.read().split()[1]) * page
        # That counts pages which forked processes share once for each; the exact sum is slower.
        return quick > limit and sum(map(_proportional_bytes, pids)) > limit

    def close(self) -> None:
        self.kill()
        self.control.close()
        for descriptor in self._descriptors:
            os.close(descriptor)


def _proportional_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return 1024 * int(next(x for x in file if x.startswith("Pss:")).split()[1])
    except (OSError, ValueError, StopIteration):  # it has ended
        return 0
