r"""The zygote: one process that has imported everything, and forks a kernel a submission.

Run as ``python -I -m optedu.grading.sandbox.server FD``, it serves its parent over the socket FD.
It never runs code of a notebook, holds no secret, has one thread, and lives as long as its
parent. A kernel first joins a jail of its own (:class:`~.jail.Jail`) and gives up every right.

Students' kernels come from a process that has imported no derived rule, and the others from a child
of it that has (see :mod:`optedu.withheld`).

The zygote reports how a kernel ended. For a kernel in a jail it can do so only as root: an ordinary
user who enters a jail cannot leave it. Then two processes are forked. The outer one joins the
namespaces, forks the kernel into them, and stays on as a witness.
"""

from __future__ import annotations

import contextlib
import gc
import json
import linecache
import os
import random
import select
import shutil
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any

from optedu.grading import canary
from optedu.grading.sandbox import enter, figures
from optedu.grading.sandbox.huge_pages import collapse
from optedu.grading.sandbox.jail import FOLDER, environment
from optedu.grading.sandbox.limits import Limits, bound_memory
from optedu.grading.sandbox.protocol import LEND, socketpair
from optedu.grading.subject import subject
from optedu.grading.wire.channel import Channel

_COLLECT = (10_000, 10, 10)  # less often than is usual: most kernels live for a second
# To join the memory in huge pages takes as long as they save in so many forks: whoever has seen
# those may expect as many again (`benchmarks/forks.py`).
_MANY = 100
_CODE = (".ipynb", ".py", ".pyc", ".so", ".pth", ".pyd", ".zip")


def _preload(folder: str) -> Any:
    """Import what all notebooks use and run each once, so that no kernel pays for it again.

    No derived rule is among it: students' kernels come from this process.
    """
    from optedu.grading.sandbox.kernel import make_shell
    from optedu.grading.wire import service, trusted, watch  # noqa: F401 (what a kernel is made of)

    shell = make_shell(folder)
    import matplotlib.pyplot as plt
    import numpy as np
    import numpy.testing
    import sympy

    sympy.simplify(sympy.sin(sympy.Symbol("x")) ** 2)
    np.linalg.solve(np.eye(2), np.ones(2))
    figures.show_quickly(shell)
    plt.rcdefaults()
    subject.preload()
    # The first traceback and the first display of a process are slow (lazy imports, lexers).
    shell.run_cell(subject.REHEARSAL, store_history=False)
    shell.run_cell("1", store_history=False)
    return shell


def _forget_rehearsals(shell: Any) -> None:
    shell.run_cell(canary.CELL, store_history=False)
    shell.reset(new_session=True)
    subject.forget()
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            delattr(sys, name)
    shell._last_traceback = None
    linecache.clearcache()


def _serve(connection: socket.socket) -> None:
    """Be two servers: this process, which has no derived rule, and its child, which has them."""
    enter.die_with_parent()
    gc.disable()
    first = json.loads(connection.recv(1 << 16))
    os.makedirs(first["matplotlib"], exist_ok=True)
    os.makedirs(first["ipython"], exist_ok=True)
    os.environ["MPLCONFIGDIR"] = first["matplotlib"]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    shell = _preload(first["ipython"])
    shutil.rmtree(os.environ.pop("IPYTHONDIR"), ignore_errors=True)
    gc.freeze()  # what is garbage by now stays: to look for it takes each a tenth of a second
    ours, theirs = socketpair()
    if os.fork() == 0:
        connection.close()
        ours.close()
        _serve_checks(shell, theirs)
        os._exit(0)
    theirs.close()
    from optedu.grading import package

    if described := ours.recv(1 << 20):
        package.install(json.loads(described))
        _forget_rehearsals(shell)
        _settle()
        _Server(shell, connection, checks=ours).run()


def _serve_checks(shell: Any, connection: socket.socket) -> None:
    """Serve kernels with the checks, and those where checks and students share one."""
    enter.die_with_parent()
    import sympy

    from optedu.grading.wire import expression

    connection.send(json.dumps(subject.described()).encode())
    subject.rehearse()
    expression.read(expression.write(sympy.Eq(sympy.Symbol("x"), sympy.sqrt(sympy.Symbol("y")))))
    shell.run_cell(subject.REHEARSAL_OF_CHECKS, store_history=False)
    _forget_rehearsals(shell)
    _settle()
    _Server(shell, connection).run()


def _settle() -> None:
    # All garbage is collected, by `shell.reset`.
    gc.freeze()  # a later collection in a child would copy every page that it marks
    gc.set_threshold(*_COLLECT)
    gc.enable()


class _Server:
    r"""Forks kernels for who asks for them.

    Parameters
    ----------
    shell : ZMQInteractiveShell
    connection : socket.socket
        The first client; when it ends, so does the server.
    checks : socket.socket, optional
        To the server that forks all kernels but the students'.
    """

    def __init__(
        self, shell: Any, connection: socket.socket, checks: socket.socket | None = None
    ) -> None:
        self.shell, self.connection, self.checks = shell, connection, checks
        self.clients = {connection: 0}  # who may ask for kernels, by number
        self._numbers = 0
        self._forks = 0
        self.children: dict[int, _Child] = {}  # by pidfd

    def run(self) -> None:
        """Serve until the first client, or the other server, has ended."""
        others = [self.checks] if self.checks else []
        while True:
            watched: list[Any] = [*self.clients, *others, *self.children]
            for ready in select.select(watched, [], [])[0]:
                if isinstance(ready, int):
                    self.children.pop(ready).ended(ready)
                    continue
                data, descriptors, _, _ = socket.recv_fds(ready, 1 << 20, 8)
                if not data and ready in (self.connection, self.checks):
                    return
                try:
                    self._take(ready, data, descriptors)
                finally:
                    for descriptor in descriptors:
                        os.close(descriptor)

    def _take(self, client: socket.socket, data: bytes, descriptors: list[int]) -> None:
        if not data:
            client.close()
            self._end(self.clients.pop(client))
        elif data == LEND:
            self._numbers += 1
            self.clients[socket.socket(fileno=descriptors.pop())] = self._numbers
        else:
            request = {"client": self.clients[client], **json.loads(data)}
            if "ended" in request:
                self._end(request["ended"])
            elif self.checks is not None and request["role"] != "student":
                socket.send_fds(self.checks, [json.dumps(request).encode()], descriptors)
            else:
                self._forks += 1
                if self._forks == _MANY:
                    collapse()
                child = _bear(self, request, descriptors)
                if child is not None:
                    self.children[os.pidfd_open(child.pid)] = child

    def _end(self, number: int) -> None:
        """Kill the kernels of a client that has ended."""
        for pidfd, child in self.children.items():
            if child.client == number:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        if self.checks is not None:
            self.checks.send(json.dumps({"ended": number}).encode())

    def forget(self) -> None:
        """In a fork: close what belongs to the server."""
        for theirs in (*self.clients, *([self.checks] if self.checks else [])):
            theirs.close()
        for pidfd, child in self.children.items():
            child.forget(pidfd)


def _bear(server: _Server, request: dict, descriptors: list[int]) -> _Child | None:
    """Fork a kernel, or its witness; None where Linux refuses, which the grader is told."""
    jail = descriptors[5] if request["jail"] else -1
    status = descriptors[4]
    inside = jail >= 0 and enter.bear_inside(jail)
    witness = jail >= 0 and not inside
    failed = ""
    try:
        pid = os.fork()
    except OSError as error:  # also where the first process of the jail has just ended
        pid, failed = -1, _said(error)
    if pid == 0:
        server.forget()
        (_witness if witness else _kernel)(server.shell, request, descriptors[:5], jail)
    if inside:
        enter.bear_outside()
    if failed:
        _report(status, failed=f"no process for a kernel: {failed}")
        return None
    return _Child(pid, request["client"], None if witness else os.dup(status))


@dataclass
class _Child:
    """A process forked for ``client``: a kernel, of which ``status`` tells, or its witness."""

    pid: int
    client: int
    status: int | None

    def __post_init__(self) -> None:
        if self.status is not None:
            _report(self.status, pid=self.pid)

    def ended(self, pidfd: int) -> None:
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if self.status is not None:
            _report(self.status, exit=code)
        self.forget(pidfd)

    def forget(self, pidfd: int) -> None:
        os.close(pidfd)
        if self.status is not None:
            os.close(self.status)


def _report(status: int, **report: Any) -> None:
    with contextlib.suppress(OSError):  # a grader that was killed does not want to know
        os.write(status, json.dumps(report).encode() + b"\n")


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"  # the text names a file that is missing


def _witness(shell: Any, request: dict, descriptors: list[int], jail: int) -> None:
    """In a fork: enter the jail, fork the kernel into it, report its end. Never returns."""
    status = descriptors[4]
    try:
        enter.die_with_parent()
        folder = os.open(request["folder"], os.O_RDONLY | os.O_DIRECTORY)
        enter.join(request["jail"], jail)
        pid = os.fork()
        if pid == 0:
            _kernel(shell, request, descriptors, -1, folder)
        for descriptor in (*descriptors[:4], folder, jail):
            os.close(descriptor)
        _report(status, pid=pid)
        _report(status, exit=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    except BaseException as error:
        _report(status, failed=_said(error))
    finally:
        os._exit(0)


def _kernel(shell: Any, request: dict, descriptors: list[int], jail: int, folder: int = -1) -> None:
    """In a fork: enter the jail, unless its pidfd is -1, and be a kernel. Never returns."""
    try:
        enter.die_with_parent()
        if folder < 0:
            folder = os.open(request["folder"], os.O_RDONLY | os.O_DIRECTORY)
        if jail >= 0:
            enter.join(request["jail"], jail)
        _become_kernel(shell, request, descriptors, folder)
    except BaseException as error:  # the grader is told, nothing runs
        _report(descriptors[4], failed=_said(error))
    finally:
        os._exit(70)


def _become_kernel(shell: Any, request: dict, descriptors: list[int], folder: int) -> None:
    import numpy as np

    from optedu.grading.sandbox.kernel import CellRunner
    from optedu.grading.wire import watch
    from optedu.grading.wire.service import Service
    from optedu.grading.wire.trusted import Trusted

    limits = Limits(**request["limits"])
    student = request["role"] != "trusted"  # or "alone": with the checks beside the student's code
    control, wire, out, err, _status = descriptors
    os.setsid()
    if request["cpu"] is not None:
        os.sched_setaffinity(0, {request["cpu"]})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment())
    os.chdir(request["cwd"])
    target = FOLDER if request["jail"] else request["cwd"]
    if request["fill"]:
        without = (".ipynb",) if request["modules"] else _CODE
        enter.fill_folder(folder, target, limits.tmp_mb << 20, without)
    null = os.open(os.devnull, os.O_RDWR)
    for number, descriptor in enumerate((null, out, err)):
        os.dup2(descriptor, number)
    keep = [control, wire]
    _close_others(keep)
    for descriptor in keep:
        os.set_inheritable(descriptor, False)
    if request["jail"]:
        enter.confine(limits, request["uid"])
        os.makedirs(shell.profile_dir.location)  # in the private /tmp
    elif student:
        limits.apply(own_user=False)
    else:
        bound_memory(limits.memory_mb)
    enter.die_with_parent()  # a change of user has cleared it
    if request["modules"]:
        sys.path.insert(0, "")
    random.seed()
    np.random.seed()  # noqa: NPY002 (what notebooks still use)
    kernel = CellRunner(
        shell,
        Channel(socket.socket(fileno=control)),
        Channel(socket.socket(fileno=wire), max_frame=256 << 20),
        limits.output_kb * 1024,
    )
    if student:
        service = Service(kernel.wire, shell)
        kernel.serve_wire = service.serve_one
        if request["role"] == "student":
            subject.connect(service.ask_step)
    else:
        trusted = Trusted(kernel.wire, shell)
        watch.install(trusted)
        kernel.before_cell, kernel.after_cell = trusted.before_cell, trusted.after_cell
        kernel.serve_wire = trusted.between_cells
    kernel.control.send({"op": "ready"})
    kernel.run()
    os._exit(0)


def _close_others(keep: list[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor > 2 and descriptor not in keep:
            with contextlib.suppress(OSError):  # the descriptor of the listing itself
                os.close(descriptor)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
