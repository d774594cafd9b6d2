r"""The two kernels of one notebook, each in a jail: the student's, and the one with the checks."""

from __future__ import annotations

import contextlib
import select
import socket
import tempfile
import time
from dataclasses import replace
from functools import cache
from typing import Any

from optedu.grading import scratch
from optedu.grading.outputs import Outputs
from optedu.grading.sandbox.affinity import own_cpu, some_cpu
from optedu.grading.sandbox.jail import FOLDER, Jail
from optedu.grading.sandbox.limits import Limits
from optedu.grading.sandbox.process import KernelProcess
from optedu.grading.sandbox.zygote import shared
from optedu.grading.wire import names
from optedu.grading.wire.channel import ChannelClosed, ChannelError

__all__ = ["Pair"]

_FOLDER = "optedu-grading-"
_GRACE_S = 5.0  # from the interrupt to the end of patience; a loaded machine is slow to answer
_LOOK_S = 0.2  # how often the memory of a busy submission is looked at
_MB = 1 << 20
_FLOOD = 64 * _MB  # of messages from a kernel that has been told to stop
# The checks may need more than one submission is granted; a check without end is interrupted.
_FOR_CHECKS = {
    "tmp_mb": 4096, "file_mb": 4096, "memory_mb": 4096, "open_files": 1024, "cpu_s": 86_400,
}  # fmt: skip


class Pair:
    r"""Starts both kernels; runs cells in either; ends them.

    Parameters
    ----------
    limits : Limits
    workspace : str
        Folder whose files the student's kernel gets a copy of.
    materials : str
        Folder with the instructor's files, for the kernel with the checks; when empty, that
        kernel gets the data files of ``workspace`` and no modules.
    sandbox : bool
        Whether each kernel runs in a jail of its own. The checks too: what they do with an answer
        (`sympy.lambdify`, `eval`) is the instructor's choice, and must not reach the grader.
    kernels : {"two", "one"}
        With one, ``trusted`` is ``student``: all cells run in it.

    Attributes
    ----------
    status, detail : str
        Why the student's kernel was ended or interrupted; ``"ok"`` while nothing happened.
    """

    def __init__(
        self, limits: Limits, workspace: str, materials: str = "", sandbox: bool = True,
        kernels: str = "two",
    ):  # fmt: skip
        self.limits = limits
        self.status, self.detail = "ok", ""
        self.outputs = Outputs(limits.output_kb * 1024)
        self._cells = 0
        self._kernels: list[KernelProcess] = []
        self._folders: list[scratch.Scratch] = []
        self._jails: list[Jail] = []
        self._sandbox, self._one = sandbox, kernels == "one"
        try:
            self._start(workspace, materials)
            for kernel in self._kernels:
                kernel.wait_ready()
        except BaseException:
            self.close()
            raise
        self._wall = time.monotonic() + limits.wall_s
        self._look = time.monotonic() + _LOOK_S

    def _start(self, workspace: str, materials: str) -> None:
        mine, theirs = socket.socketpair()
        if self._one:  # nobody is at the other end of its wire
            theirs.close()
            self.trusted = self.student = self._kernel(
                "alone", mine, self.limits, workspace, workspace
            )
            if self._sandbox:
                Jail.prepare(self.limits.tmp_mb)
            return
        checks = replace(self.limits, **_FOR_CHECKS)
        self.trusted = self._kernel("trusted", theirs, checks, materials or workspace, materials)
        self.student = self._kernel("student", mine, self.limits, workspace, workspace)
        if self._sandbox:
            Jail.prepare(checks.tmp_mb)
            Jail.prepare(self.limits.tmp_mb, rules=False)

    def _kernel(
        self, role: str, wire: socket.socket, limits: Limits, folder: str, modules: str
    ) -> KernelProcess:
        jail = None
        if self._sandbox:
            jail = Jail.take(limits.tmp_mb, rules=role != "student")
            self._jails.append(jail)
            jail.wait_ready()
        kernel = KernelProcess(
            shared(), role, wire, limits, folder=folder,
            cwd=FOLDER if jail else self._folder(), jail=jail, modules=bool(modules),
            cpu=own_cpu() if role == "trusted" else some_cpu(),
        )  # fmt: skip
        self._kernels.append(kernel)
        return kernel

    def _folder(self) -> str:
        _sweep()
        self._folders.append(scratch.make(_FOLDER))
        folder = self._folders[-1].path / "work"
        folder.mkdir()
        return str(folder)

    def run(
        self, kernel: KernelProcess, code: str, outputs: list, count: int, shared: bool = False
    ) -> dict[str, Any]:
        r"""Run one cell in one kernel; a ``shared`` one runs in the other, too.

        Returns
        -------
        reply : dict
            ``status`` is ``"ok"``, ``"error"`` (with ``ename``, ``evalue``),
            ``"timeout"`` (interrupted) or ``"dead"`` (the kernel has ended).
        """
        if time.monotonic() >= self._wall and self.student.alive:
            self._blame(kernel, time.monotonic())
            self.end_student()
        if not kernel.alive:
            return {"status": "dead"}
        self._cells += 1
        self.outputs.begin(outputs, count, owner="student" if kernel is self.student else "checks")
        try:
            needs = names.of_cell(code) if kernel is not self.student else None
            if needs is not None and shared:  # its imports are there
                needs = needs._replace(imports=set())
            kernel.send_cell(self._cells, count, code, needs)
        except ChannelError:
            self._gone(kernel)
            return {"status": "dead"}
        return self._wait(kernel, self._cells)

    def _wait(self, kernel: KernelProcess, cell: int) -> dict[str, Any]:
        limit = self.limits.cell_timeout_s
        deadline = time.monotonic() + limit
        if self.student.alive:
            deadline = min(deadline, self._wall)
        steps = self._escalation(kernel)
        interrupted = False
        while True:
            for message in self._read(kernel):
                if message.get("op") == "done" and message.get("cell") == cell:
                    self._drain(kernel, keep=True)
                    if interrupted and kernel is not self.student:
                        self._end_student_unless_idle()
                    return {**message, "status": "timeout"} if interrupted else message
            if not kernel.alive:
                return {"status": "dead"}
            now = time.monotonic()
            if now >= deadline:
                if not interrupted:
                    self._blame(kernel, now)
                interrupted = True
                next(steps)()
                deadline = now + _GRACE_S
            if now >= self._look:
                self._look = now + _LOOK_S
                self._watch_memory()

    def _blame(self, kernel: KernelProcess, now: float) -> None:
        if now >= self._wall:
            self._note("timeout", f"the notebook ran longer than {self.limits.wall_s:g} s")
        else:
            where = "a cell" if kernel is self.student else "a test"
            self._note("timeout", f"{where} ran longer than {self.limits.cell_timeout_s:g} s")

    def _escalation(self, kernel: KernelProcess):
        """What to do, one after the other, about a cell that does not end."""
        # A test mostly waits for the student's function, so that goes first.
        yield self.student.interrupt
        if kernel is not self.student:
            yield kernel.interrupt
        yield self.end_student
        while True:
            yield lambda: self._end(kernel)

    def _end_student_unless_idle(self) -> None:
        """After an interrupted test: may the student's kernel be asked again?"""
        try:
            if self.student.alive:
                self.student.control.send({"op": "ping"})
                deadline = time.monotonic() + _GRACE_S
                while time.monotonic() < deadline and self.student.alive:
                    if any(message.get("op") == "pong" for message in self._read(self.student)):
                        return
        except ChannelError:
            pass
        self.end_student()

    def _note(self, status: str, detail: str) -> None:
        if self.status in ("ok", "timeout"):
            self.status, self.detail = status, detail

    def _read(self, running: KernelProcess) -> list[dict]:
        """Wait for messages; what comes from the kernel that is not running is dropped."""
        poll = select.poll()
        ready = []
        for kernel in self._kernels:
            if kernel.alive:
                poll.register(kernel.control, select.POLLIN)
                for pipe in kernel.pipes.values():
                    poll.register(pipe, select.POLLIN)
                ready.append(kernel)
        events = {descriptor for descriptor, _ in poll.poll(1000 * _LOOK_S)}
        found: list[dict] = []
        for kernel in ready:
            if events.intersection(kernel.pipes.values()):
                self._drain(kernel, keep=kernel is running)
            if kernel.control.fileno() in events:
                try:
                    kernel.control.fill()
                    while kernel.control.pending():
                        message, _ = kernel.control.take()
                        if isinstance(message, dict) and kernel is running:
                            self._show(message)
                            found.append(message)
                except ChannelClosed:
                    self._gone(kernel)
                except ChannelError:
                    self._note("crashed", f"{self._whose(kernel)} wrote what is no message")
                    self._end(kernel)
            if kernel.alive and kernel.control.received > _FLOOD:
                self._note("output-limit", f"more than {_FLOOD // _MB} MB of messages")
                self._end(kernel)
        return found

    def _show(self, message: dict) -> None:
        if message.get("op") == "output" and message.get("cell") == self._cells:
            self.outputs.add(message)

    def _drain(self, kernel: KernelProcess, keep: bool) -> None:
        for _ in range(16):  # a pipe holds 64 kB; a writer may be at it still
            found = kernel.read_pipes()
            if not found:
                return
            for name, text in found:
                if keep:
                    self.outputs.add({"type": "stream", "content": {"name": name, "text": text}})

    def _watch_memory(self) -> None:
        for kernel in self._kernels:
            limit = kernel.limits.memory_mb
            if kernel.alive and kernel.uses_more_than(limit * _MB):
                whose = "" if kernel is self.student else f" by {self._whose(kernel)}"
                self._note("memory", f"more than {limit} MB of memory in use{whose}")
                self._end(kernel)

    def end_student(self) -> None:
        """Kill the student's kernel and everything in its jail."""
        self._end(self.student)

    def _end(self, kernel: KernelProcess) -> None:
        if kernel.jail:
            kernel.jail.kill()
        kernel.kill()
        kernel.alive = False

    def _gone(self, kernel: KernelProcess) -> None:
        """The kernel closed its connection: it ended, or nobody can talk to it any more."""
        kernel.alive = False
        self._drain(kernel, keep=True)
        kernel.read_status(0.5)
        whose = self._whose(kernel)
        if kernel.exit_code == -24:
            self._note("timeout", f"more than {self.limits.cpu_s} CPU seconds")
        elif kernel.exit_code is None:
            self._note("crashed", f"{whose} closed its connection, or takes no more cells")
        elif kernel.exit_code in _SIGNALS:
            self._note("crashed", f"{whose} ended: {_SIGNALS[kernel.exit_code]}")
        else:
            self._note("crashed", f"{whose} ended with exit status {kernel.exit_code}")
        self._end(kernel)

    def _whose(self, kernel: KernelProcess) -> str:
        return "the student's kernel" if kernel is self.student else "the kernel with the checks"

    def close(self) -> None:
        """End both kernels and remove their folders."""
        for jail in self._jails:
            jail.kill(wait=False)
        for kernel in self._kernels:
            with contextlib.suppress(OSError):
                kernel.close()
        for folder in self._folders:
            folder.remove()

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@cache
def _sweep() -> None:
    """Remove, once a process, the folders of processes that were killed."""
    scratch.sweep(_FOLDER, (tempfile.gettempdir(),))


_SIGNALS = {
    -4: "illegal instruction", -6: "abort", -7: "bus error", -8: "arithmetic error",
    -9: "killed (out of memory or CPU time)", -11: "segmentation fault",
    -25: "a file larger than allowed", -31: "a forbidden system call",
}  # fmt: skip
