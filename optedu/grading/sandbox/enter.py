r"""What a forked process does to leave the host for a jail, before any student code runs."""

from __future__ import annotations

import ctypes
import os
import stat

from optedu.grading.sandbox import seccomp
from optedu.grading.sandbox.jail import FOLDER
from optedu.grading.sandbox.limits import Limits

__all__ = ["bear_inside", "bear_outside", "confine", "die_with_parent", "fill_folder", "join"]

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_SIGKILL = 9
_PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _CLEAR_ALL, _LAST_CAP = 24, 47, 4, 63
_NEW = {"user": 0x10000000, "mnt": 0x00020000, "pid": 0x20000000, "net": 0x40000000,
        "ipc": 0x08000000, "uts": 0x04000000, "cgroup": 0x02000000}  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def join(pid: int, descriptor: int) -> None:
    """Enter all namespaces in which ``pid`` differs from this process, in one step.

    ``descriptor`` is its pidfd: from within its namespace, another process would have that number.
    """
    flags = 0
    for name, flag in _NEW.items():
        if os.stat(f"/proc/{pid}/ns/{name}").st_ino != os.stat(f"/proc/self/ns/{name}").st_ino:
            flags |= flag
    if _libc.setns(descriptor, flags):
        raise OSError(ctypes.get_errno(), "cannot join the jail")


def bear_inside(descriptor: int) -> bool:
    """Have this process's next children be born in the process namespace of that pidfd.

    Only root may; others have to enter the jail first, and can then not leave it.
    """
    return _libc.setns(descriptor, _NEW["pid"]) == 0


def bear_outside() -> None:
    """Undo :func:`bear_inside`."""
    descriptor = os.open("/proc/self/ns/pid", os.O_RDONLY)
    try:
        if _libc.setns(descriptor, _NEW["pid"]):
            raise OSError(ctypes.get_errno(), "cannot go back to the own process namespace")
    finally:
        os.close(descriptor)


def fill_folder(
    source: int, target: str, max_bytes: int, without: tuple[str, ...] = (".ipynb",)
) -> None:
    r"""Copy the regular files below the open folder ``source`` to ``target``.

    Links are not followed and not copied; notebooks are left out, since the one that is being
    graded holds the restored tests.
    """
    left = max_bytes
    for folder, subfolders, files, descriptor in os.fwalk(".", dir_fd=source):
        subfolders[:] = [name for name in subfolders if name != ".ipynb_checkpoints"]
        destination = os.path.join(target, folder)
        os.makedirs(destination, exist_ok=True)
        for name in files:
            if name.endswith(without):
                continue
            info = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if not stat.S_ISREG(info.st_mode) or info.st_size > left:
                continue
            left -= info.st_size
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            with (
                open(os.open(name, flags, dir_fd=descriptor), "rb") as reader,
                open(os.path.join(destination, name), "wb") as writer,
            ):
                while block := reader.read(1 << 20):
                    writer.write(block)


def confine(limits: Limits, uid: int | None, *, loopback: bool = False) -> None:
    """Give up every right for good: user, capabilities, system calls, resources."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # when memory is short, this process goes first
    except OSError:
        pass
    for capability in range(_LAST_CAP + 1):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    _libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    if uid is not None:
        for folder, _, files in os.walk(FOLDER):
            for path in (folder, *(os.path.join(folder, f) for f in files)):
                os.chown(path, uid, uid, follow_symlinks=False)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # else its own /proc entries belong to root
    _drop_capabilities()
    limits.apply()
    seccomp.load(loopback=loopback)


def _drop_capabilities() -> None:
    class Header(ctypes.Structure):
        _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]

    class Data(ctypes.Structure):
        _fields_ = [(n, ctypes.c_uint32) for n in ("effective", "permitted", "inheritable")]

    header = Header(0x20080522, 0)
    if _libc.capset(ctypes.byref(header), ctypes.byref((Data * 2)())):
        raise OSError(ctypes.get_errno(), "capabilities could not be dropped")
