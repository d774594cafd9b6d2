r"""Warm kernels: one process that has imported everything, and forks a kernel a submission.

Run as ``python -I -m optedu.grading.sandbox.zygote FD``, it serves its parent over the socket FD.
It never runs code of a notebook, holds no secret, has one thread, and lives as long as its
parent. A kernel for student code first joins a jail (:class:`~.jail.Jail`) and gives up every
right; the kernel for the checks stays on the host.

For each kernel two processes are forked. The outer one joins the namespaces, forks the kernel
into them, and stays on as a witness that reports how the kernel ended.
"""

from __future__ import annotations

import atexit
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
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optedu.grading.sandbox import enter
from optedu.grading.sandbox.channel import Channel
from optedu.grading.sandbox.jail import FOLDER, environment
from optedu.grading.sandbox.limits import Limits, bound_memory

__all__ = ["Zygote", "borrow", "shared"]

_REHEARSAL = """
import numpy as np
import optedu
def descent(xp, x, g, state, t, *, lr=1e-3):
    return x - lr * g, {}
def ascent(xp, x, g, state, t, *, lr=1e-3):
    return x + lr * g, {}
for rule in (descent, ascent):
    optedu.implement("sgd")(rule)
    optedu.check("sgd")
"""
_LEND = b"lend"
_COLLECT = (10_000, 10, 10)  # less often than is usual: most kernels live for a second
_TRUSTED_MB = 4096  # for the checks themselves, whatever answers they get
_CODE = (".ipynb", ".py", ".pyc", ".so", ".pth", ".pyd", ".zip")


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
        self._socket, theirs = _socketpair()
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "optedu"
        self._folder = tempfile.mkdtemp(prefix="optedu-ipython-")
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "optedu.grading.sandbox.zygote", str(theirs.fileno())],
                env=environment(), pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL, cwd="/", start_new_session=True,
            )  # fmt: skip
        # Not in the environment of the process, which student code could read in /proc.
        folders = {"matplotlib": str(cache / "matplotlib"), "ipython": self._folder}
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
        mine, theirs = _socketpair()
        with theirs:
            socket.send_fds(self._socket, [_LEND], [theirs.fileno()])
        return mine

    def close(self) -> None:
        if self._owner != os.getpid():
            return
        self._socket.close()
        if self._process:
            self._process.kill()  # it has nothing to lose, and its kernels end with it
            self._process.wait()
            shutil.rmtree(self._folder, ignore_errors=True)
            atexit.unregister(self.close)


def _socketpair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


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


def _preload(folder: str) -> Any:
    """Import what notebooks use and run each once, so that no kernel pays for it again."""
    from optedu.grading.sandbox.kernel import make_shell

    shell = make_shell(folder)
    import matplotlib.pyplot as plt
    import numpy as np
    import numpy.testing
    import sympy

    import optedu.grading.wire.service
    import optedu.grading.wire.trusted  # noqa: F401
    from optedu.exercise import registry

    _rehearse_package()
    sympy.simplify(sympy.sin(sympy.Symbol("x")) ** 2)
    np.linalg.solve(np.eye(2), np.ones(2))
    _rehearse_figure()
    plt.rcdefaults()
    # The first traceback and the first display of a process are slow (lazy imports, lexers).
    shell.run_cell(_REHEARSAL, store_history=False)
    shell.run_cell("1", store_history=False)
    shell.reset(new_session=True)
    registry.clear()
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            delattr(sys, name)
    shell._last_traceback = None
    linecache.clearcache()
    return shell


def _rehearse_figure() -> None:
    """Draw what most figures have: a logarithmic axis, mathematics, a legend, a contour."""
    import matplotlib.pyplot as plt
    import numpy as np
    from IPython.core.pylabtools import print_figure

    figure, (left, right) = plt.subplots(1, 2)
    left.semilogy([1.0, 0.01], label="$f(x_t)$")
    left.set(xlabel="step $t$", title="a title")
    left.legend()
    right.contour(np.outer([1.0, 2.0, 3.0], [1.0, 2.0]))
    print_figure(figure)
    plt.close(figure)


def _rehearse_package() -> None:
    """Derive every rule and run a check once: what is compiled now, no kernel compiles again."""
    import numpy as np

    import optedu
    from optedu import rules

    x = np.ones(2)
    for rule in rules.all().values():
        rule.step(x, x, rule.init(x), 1)
    optedu.check_expression("x + 1", "1 + x", name="a sum")
    optedu.minimize(optedu.problems.rosenbrock(), optimizer="adam", steps=2)


def _serve(connection: socket.socket) -> None:
    enter.die_with_parent()
    gc.disable()
    first = json.loads(connection.recv(1 << 16))
    os.makedirs(first["matplotlib"], exist_ok=True)
    os.environ["MPLCONFIGDIR"] = first["matplotlib"]
    shell = _preload(first["ipython"])
    shutil.rmtree(os.environ.pop("IPYTHONDIR"), ignore_errors=True)
    gc.collect()
    gc.freeze()  # a later collection in a child would copy every page that it marks
    gc.set_threshold(*_COLLECT)
    gc.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Who may ask for kernels, and the witnesses of the kernels of each.
    clients: dict[socket.socket, set[int]] = {connection: set()}
    while True:
        for client in select.select(list(clients), [], [])[0]:
            data, descriptors, _, _ = socket.recv_fds(client, 1 << 20, 8)
            if not data and client is connection:
                return
            if not data:
                client.close()
                for pid in clients.pop(client):
                    os.kill(pid, signal.SIGKILL)
            elif data == _LEND:
                clients[socket.socket(fileno=descriptors.pop())] = set()
            elif pid := os.fork():
                clients[client].add(pid)
            else:
                _witness(shell, json.loads(data), descriptors, clients)
            for descriptor in descriptors:
                os.close(descriptor)
        for pid in _ended():
            for witnesses in clients.values():
                witnesses.discard(pid)


def _ended() -> Iterator[int]:
    with contextlib.suppress(ChildProcessError):
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            yield pid


def _witness(shell: Any, request: dict, descriptors: list[int], clients: Any) -> None:
    """In the outer fork: join the jail, fork the kernel, report its end. Never returns."""
    status = descriptors[4]
    try:
        enter.die_with_parent()
        for client in clients:
            client.close()
        folder = os.open(request["folder"], os.O_RDONLY | os.O_DIRECTORY)
        if request["jail"]:
            enter.join(request["jail"])
        pid = os.fork()
        if pid == 0:
            try:
                enter.die_with_parent()
                _become_kernel(shell, request, descriptors, folder)
            except BaseException as error:  # the witness tells the grader, nothing runs
                os.write(status, json.dumps({"failed": repr(error)}).encode() + b"\n")
            os._exit(70)
        for descriptor in (*descriptors[:4], folder):
            os.close(descriptor)
        os.write(status, json.dumps({"pid": pid}).encode() + b"\n")
        _, code = os.waitpid(pid, 0)
        os.write(status, json.dumps({"exit": os.waitstatus_to_exitcode(code)}).encode() + b"\n")
    except BaseException as error:
        os.write(status, json.dumps({"failed": repr(error)}).encode() + b"\n")
    finally:
        os._exit(0)


def _become_kernel(shell: Any, request: dict, descriptors: list[int], folder: int) -> None:
    import numpy as np

    from optedu.grading.sandbox.kernel import Kernel
    from optedu.grading.wire.service import Service
    from optedu.grading.wire.trusted import Trusted

    limits = Limits(**request["limits"])
    student = request["role"] == "student"
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
        bound_memory(_TRUSTED_MB)
    enter.die_with_parent()  # a change of user has cleared it
    if request["modules"]:
        sys.path.insert(0, "")
    random.seed()
    np.random.seed()  # noqa: NPY002 (what notebooks still use)
    kernel = Kernel(
        shell,
        Channel(socket.socket(fileno=control)),
        Channel(socket.socket(fileno=wire), max_frame=256 << 20),
        limits.output_kb * 1024,
    )
    if student:
        kernel.serve_wire = Service(kernel.wire, shell).serve_one
    else:
        trusted = Trusted(kernel.wire, shell)
        kernel.before_cell = trusted.before_cell
        kernel.serve_wire = trusted.stray
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
