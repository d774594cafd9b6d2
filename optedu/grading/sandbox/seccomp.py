r"""A seccomp filter: system calls that a submission never needs, refused by the Linux kernel.

Namespaces hide the machine; this filter keeps a process from making namespaces of its own (and
with them unbounded file systems), from keeping memory that no limit counts, from tracing others,
from leaving the processor that it was given, and (for warm kernels) from opening any socket that is
not a Unix one, so that not even the loopback of its own network namespace is there.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

__all__ = ["load", "program"]

_X86 = {
    "socket": 41, "clone": 56, "unshare": 272, "setns": 308, "mount": 165, "umount2": 166,
    "pivot_root": 155, "chroot": 161, "ptrace": 101, "process_vm_readv": 310,
    "process_vm_writev": 311, "kcmp": 312, "bpf": 321, "perf_event_open": 298,
    "userfaultfd": 323, "keyctl": 250, "add_key": 248, "request_key": 249, "kexec_load": 246,
    "kexec_file_load": 320, "init_module": 175, "finit_module": 313, "delete_module": 176,
    "name_to_handle_at": 303, "open_by_handle_at": 304, "reboot": 169, "swapon": 167,
    "swapoff": 168, "acct": 163, "quotactl": 179, "shmget": 29, "memfd_create": 319,
    "sched_setaffinity": 203,
}  # fmt: skip
_ARM = {
    "socket": 198, "clone": 220, "unshare": 97, "setns": 268, "mount": 40, "umount2": 39,
    "pivot_root": 41, "chroot": 51, "ptrace": 117, "process_vm_readv": 270,
    "process_vm_writev": 271, "kcmp": 272, "bpf": 280, "perf_event_open": 241,
    "userfaultfd": 282, "keyctl": 219, "add_key": 217, "request_key": 218, "kexec_load": 104,
    "kexec_file_load": 294, "init_module": 105, "finit_module": 273, "delete_module": 106,
    "name_to_handle_at": 264, "open_by_handle_at": 265, "reboot": 142, "swapon": 224,
    "swapoff": 225, "acct": 89, "quotactl": 60, "shmget": 194, "memfd_create": 279,
    "sched_setaffinity": 122,
}  # fmt: skip
# Numbers above 424 are the same on every architecture.
_COMMON = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "mount_setattr": 442, "memfd_secret": 447,
}  # fmt: skip
_CLONE3 = 435
_ARCHITECTURES = {"x86_64": (0xC000003E, _X86), "aarch64": (0xC00000B7, _ARM)}

_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWNS
_X32_BIT = 0x40000000
_AF_UNIX = 1

_LOAD, _JUMP_EQ, _JUMP_GE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_NR, _ARCH, _ARG0 = 0, 4, 16  # offsets in struct seccomp_data; the low word of an argument

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2


def program(*, loopback: bool = False) -> bytes:
    r"""The filter as BPF instructions for this machine.

    Parameters
    ----------
    loopback : bool
        Allow sockets of every family. ipykernel needs the loopback of its own network namespace,
        which is not that of the host.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system call filter for the architecture {machine}")
    arch, calls = _ARCHITECTURES[machine]
    refused = [n for name, n in calls.items() if name not in ("socket", "clone")]
    refused += _COMMON.values()
    code: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_EQ, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NR),
        # The x32 numbers are a second door to the same calls.
        (_JUMP_GE, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
        # clone3 has its flags in memory, out of sight; ENOSYS makes the C library use clone.
        (_JUMP_EQ, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
    ]
    for number in refused:
        code += [(_JUMP_EQ, 0, 1, number), (_RETURN, 0, 0, _FAIL | errno.EPERM)]
    if not loopback:
        code += [
            (_JUMP_EQ, 0, 4, calls["socket"]),
            (_LOAD, 0, 0, _ARG0),
            (_JUMP_EQ, 1, 0, _AF_UNIX),
            (_RETURN, 0, 0, _FAIL | errno.EAFNOSUPPORT),
            (_RETURN, 0, 0, _ALLOW),
        ]
    code += [
        (_JUMP_EQ, 0, 4, calls["clone"]),
        (_LOAD, 0, 0, _ARG0),
        (_JUMP_SET, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _FAIL | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


class _Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def load(*, loopback: bool = False) -> None:
    """Apply the filter to the calling process and all that it starts, for good."""
    code = program(loopback=loopback)
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_ = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(filter_), 0, 0):
        raise OSError(ctypes.get_errno(), "the system call filter was refused")
