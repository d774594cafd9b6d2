r"""Jails made by bubblewrap: a fresh set of namespaces and mounts for one submission.

:func:`arguments` is the command line that both the kernel provisioner (which runs a kernel as
the jail's command) and the warm kernels (which join a jail that :class:`Jail` holds open) use.

As an ordinary user the jail has a user namespace. As root it has none: bubblewrap makes the mounts
with root's rights, and what runs inside changes to an unprivileged user (:func:`unprivileged_id`)
before any student code, because the limit on processes does not bind root.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import site
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import ClassVar

from optedu.grading import package
from optedu.grading.sandbox import seccomp

__all__ = ["FOLDER", "Jail", "SandboxUnavailable", "arguments", "probe", "sweep", "unprivileged_id"]

FOLDER = "/submission"  # where the student's code finds its files

_MB = 1 << 20
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime", "/etc/ssl")
_INSTALL = "install it (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"


class SandboxUnavailable(RuntimeError):
    """Student code cannot be isolated on this machine; the message says what to do."""


def unprivileged_id(role: str = "student") -> int:
    """The user id for notebook code of this process when it runs as root.

    From systemd's range for dynamic service users, which no account uses; two a worker process,
    so that workers' submissions, and a submission and its checks, do not share a count of
    processes.
    """
    return 61184 + 2 * (os.getpid() % 2000) + (role != "student")


def as_root() -> bool:
    return os.geteuid() == 0


@cache
def readable() -> tuple[str, ...]:
    """Folders with Python, its packages and this package; nothing else of the home folders."""
    package = Path(__file__).resolve().parents[2]
    wanted = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1]]
    wanted += [Path(p) for p in site.getsitepackages()]
    wanted.append(package)
    covered: list[str] = ["/usr"]
    for path in sorted({str(p.resolve()) for p in wanted} | {str(p) for p in wanted}, key=len):
        if os.path.isdir(path) and not any(_inside(path, c) for c in covered):
            covered.append(path)
    return tuple(covered[1:])


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def environment(home: str = "/tmp") -> dict[str, str]:
    """All of the environment that code inside gets: nothing of the host's."""
    return {
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "USER": "student",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMEXPR_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "NBGRADER_EXECUTION": "autograde",
    }


def _folders_above(paths: Iterable[str]) -> list[str]:
    found = {str(parent) for path in paths for parent in Path(path).parents}
    return sorted(found - {"/"}, key=len)


def arguments(tmp_mb: int, extra: Iterable[str] = ()) -> list[str]:
    r"""The bubblewrap command up to the program to run.

    Parameters
    ----------
    tmp_mb : int
        Size of ``/tmp`` and of the working folder, megabytes each, in memory.
    extra : iterable of str
        Further bubblewrap arguments, placed before the root is made read-only.
    """
    size = str(tmp_mb * _MB)
    command = [_bwrap(), "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    if as_root():
        # --unshare-all without the user namespace, and no capability for the jail's first process
        command[1:2] = [f"--unshare-{name}" for name in ("ipc", "pid", "net", "uts", "cgroup-try")]
    command += ["--hostname", "sandbox"]
    for key, value in environment().items():
        command += ["--setenv", key, value]
    for path in _SYSTEM:
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            command += ["--ro-bind", path, path]
    command += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    writable = ["--perms", "1777", "--size", size, "--tmpfs"]
    # Before what is bound: the course, or its environment, may itself lie below /tmp.
    command += [*writable, "/dev/shm", *writable, "/tmp"]
    for folder in _folders_above([*readable(), FOLDER + "/x", *_ETC]):
        if not _inside(folder, "/usr") and folder != "/tmp":
            command += ["--perms", "0755", "--dir", folder]
    for path in (*readable(), *(p for p in _ETC if os.path.exists(p))):
        command += ["--ro-bind", path, path]
    return [*command, *writable, FOLDER, *extra, "--remount-ro", "/", "--chdir", FOLDER]


@cache
def _bwrap() -> str:
    path = shutil.which("bwrap")
    if path is None:
        raise SandboxUnavailable(
            f"bubblewrap is not installed: {_INSTALL}, or grade without isolation (--no-sandbox)"
        )
    return path


@cache
def probe() -> None:
    r"""Check, once a process, that a jail can be made and holds.

    Raises
    ------
    SandboxUnavailable
        With one line that says how to install or allow bubblewrap.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable(f"the sandbox needs Linux, got {sys.platform}")
    try:
        seccomp.program()
    except OSError as error:
        raise SandboxUnavailable(error.strerror) from None
    sweep()
    script = "test ! -e /etc/shadow && ! touch /usr/x /x 2>/dev/null && touch /tmp/x && echo held"
    command = [*arguments(1), "--", "/bin/sh", "-c", script]
    try:
        for _ in range(2):
            done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
            if done.returncode >= 0:  # else somebody has killed it: that says nothing
                break
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxUnavailable(f"bubblewrap could not run: {error}") from None
    if done.stdout.strip() != "held":
        reason = (done.stderr.strip().splitlines() or ["the jail does not hold"])[-1]
        raise SandboxUnavailable(
            f"bubblewrap cannot make a sandbox ({reason}): allow unprivileged user namespaces, "
            f"or {_INSTALL} with its AppArmor profile, or grade without isolation (--no-sandbox)"
        )


def sweep() -> None:
    r"""End what is left of jails whose makers were killed while they made them.

    The first process of a new namespace waits for bubblewrap to let it go on. Should bubblewrap be
    killed before, as it is when its parent ends, it waits for ever.
    """
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if _is_left(Path("/proc") / name):
                os.kill(int(name), signal.SIGKILL)


def _is_left(process: Path) -> bool:
    if (process / "comm").read_text() != "bwrap\n":
        return False
    status = dict(row.split(":\t", 1) for row in (process / "status").read_text().splitlines())
    words = (process / "cmdline").read_bytes().split(b"\0")
    return (
        FOLDER.encode() in words
        and status["NSpid"].split()[-1] == "1"
        and (process.parent / status["PPid"] / "comm").read_text() != "bwrap\n"
        and not (process / "task" / process.name / "children").read_text()
    )


class Jail:
    r"""A jail held open by a sleeping process; warm kernels join it, :meth:`kill` ends it all.

    Parameters
    ----------
    tmp_mb : int
        Size of ``/tmp`` and of the working folder.
    rules : bool
        Whether the derived rules can be read in it; else the package is there without them.
    """

    # Jails that nobody has entered yet (by process, size and kind), and those that come to an end.
    _spare: ClassVar[dict[tuple[int, int, bool], Jail]] = {}
    _ending: ClassVar[list[Jail]] = []

    @classmethod
    def take(cls, tmp_mb: int, rules: bool = True) -> Jail:
        """A new jail, made before by :meth:`prepare` where possible; none before it is left."""
        while cls._ending:
            cls._ending.pop().kill()
        jail = cls._spare.pop((os.getpid(), tmp_mb, rules), None)
        if jail is not None and jail._process.poll() is not None:  # somebody has ended it
            jail.kill()
            jail = None
        return jail or cls(tmp_mb, rules)

    @classmethod
    def end_spares(cls) -> None:
        """End the jails of this process that nobody has entered."""
        for key in [key for key in cls._spare if key[0] == os.getpid()]:
            cls._spare.pop(key).kill()

    @classmethod
    def prepare(cls, tmp_mb: int, rules: bool = True) -> None:
        """Start the next jail: most of the time that it takes is spent in waiting for Linux."""
        key = os.getpid(), tmp_mb, rules
        if key not in cls._spare:
            cls._spare[key] = cls(tmp_mb, rules)
            atexit.register(cls.end_spares)

    def __init__(self, tmp_mb: int, rules: bool = True):
        command = [*arguments(tmp_mb, () if rules else package.binds()), "--cap-drop", "ALL"]
        info_read, info_write = os.pipe()
        try:
            self._process = subprocess.Popen(
                [*command, "--info-fd", str(info_write), "--", "/bin/sh", "-c", "echo; read _"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                pass_fds=(info_write,),
            )  # fmt: skip
        except BaseException:
            os.close(info_read)
            raise
        finally:
            os.close(info_write)
        self._info = info_read
        self.pid = 0
        self.pidfd = -1

    def wait_ready(self, timeout: float = 20.0) -> int:
        """The process id, on the host, of the jail's first process; its mounts are complete."""
        if not self._made(timeout):
            assert self._process.stderr is not None
            self._process.kill()
            reason = self._process.stderr.read().decode(errors="replace").strip()
            self.kill()
            raise SandboxUnavailable(f"bubblewrap could not make a jail: {reason or 'no answer'}")
        return self.pid

    def _made(self, timeout: float = 20.0) -> bool:
        assert self._process.stdout is not None
        if self.pidfd < 0 and not self._process.stdout.closed:
            ready, _, _ = select.select([self._process.stdout], [], [], timeout)
            if ready and os.read(self._process.stdout.fileno(), 1):
                self.pid = json.loads(os.read(self._info, 4096))["child-pid"]
                self.pidfd = os.pidfd_open(self.pid)
        return self.pidfd >= 0

    def kill(self, wait: bool = True) -> None:
        """End every process inside, at once; none is left when this returns, if it is to wait."""
        with contextlib.suppress(ProcessLookupError):
            # Who is killed while it makes the jail leaves a process behind, see `sweep`.
            if self._process.poll() is None and self._made():
                # With its first process the kernel kills the whole namespace.
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        self._process.kill()
        if not wait:
            self._ending.append(self)
            return
        if self.pidfd >= 0:
            select.select([self.pidfd], [], [], 10)
            os.close(self.pidfd)
            self.pidfd = -1
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        if self._info >= 0:
            os.close(self._info)
            self._info = -1
