r"""What one submission may use, as kernel resource limits."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass, fields

__all__ = ["Limits", "bound_memory"]

_MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    r"""Bounds for one submission; all must be positive.

    Parameters
    ----------
    wall_s : float
        Seconds from the first cell to the last, enforced from outside.
    cpu_s : int
        CPU seconds of one process (``RLIMIT_CPU``).
    memory_mb : int
        Megabytes (2**20 bytes) that a process may map beyond what the warm kernel has
        (``RLIMIT_AS``: the student sees a ``MemoryError``), and, enforced from outside, the
        resident megabytes of all processes of the submission together.
    processes : int
        Processes and threads at one time.
    open_files : int
        File descriptors of one process.
    file_mb : int
        Megabytes of one file.
    tmp_mb : int
        Megabytes of the private ``/tmp``, and again of the working folder.
    output_kb : int
        Kilobytes of output kept in the notebook; the rest is dropped with a note.
    cell_timeout_s : float
        Seconds for one cell; then the cell is interrupted and the next one runs.
    """

    wall_s: float = 300.0
    cpu_s: int = 120
    memory_mb: int = 1024
    processes: int = 64
    open_files: int = 256
    file_mb: int = 64
    tmp_mb: int = 128
    output_kb: int = 512
    cell_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not value > 0:
                raise ValueError(f"{item.name} must be positive, got {value!r}")

    def apply(self, *, own_user: bool = True) -> None:
        """Bind the calling process (and all that it starts) to these limits.

        The limit on processes counts those of the user; ``own_user=False`` leaves it out, for a
        process that shares its user with the grader.
        """
        bound_memory(self.memory_mb)
        _lower(resource.RLIMIT_CPU, int(self.cpu_s), int(self.cpu_s) + 2)
        if own_user:
            _lower(resource.RLIMIT_NPROC, self.processes)
        _lower(resource.RLIMIT_NOFILE, self.open_files)
        _lower(resource.RLIMIT_FSIZE, self.file_mb * _MB)
        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_MEMLOCK, 64 << 10)
        _lower(resource.RLIMIT_MSGQUEUE, 0)


def bound_memory(megabytes: int) -> None:
    """Let the calling process map so much more than it has mapped already."""
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    _lower(resource.RLIMIT_AS, mapped + megabytes * _MB)


def _lower(which: int, soft: int, hard: int | None = None) -> None:
    hard = soft if hard is None else hard
    _, ceiling = resource.getrlimit(which)
    if ceiling != resource.RLIM_INFINITY:
        hard = min(hard, ceiling)
    resource.setrlimit(which, (min(soft, hard), hard))
