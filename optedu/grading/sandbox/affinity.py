r"""One processor for each worker and its two kernels.

The three take turns: while one works, the others wait for it. On a processor of their own they
find its caches warm and need not wake another one at each of the hundreds of calls between the
kernels. And a submission that starts many processes keeps one processor busy, not all: in a jail
none of them can leave it. `benchmarks/affinity.py` measures both.
"""

from __future__ import annotations

import os
import socket
from functools import cache

__all__ = ["own_cpu", "some_cpu"]


@cache
def own_cpu() -> int | None:
    """The processor that this process has for itself among all graders; None if there is none.

    Processors are claimed by the names of abstract sockets, which the system frees when a process
    ends, however it ends.
    """
    allowed = os.sched_getaffinity(0)
    if len(allowed) == 1:
        return None
    for cpu in sorted(allowed):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0optedu-grading-cpu-{cpu}")
        except OSError:
            claim.close()
            continue
        claim.detach()  # open, and the name taken, until this process ends
        return cpu
    return None


def some_cpu() -> int:
    """The processor that this process has for itself, or else one that it shares."""
    own = own_cpu()
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[os.getpid() % len(allowed)] if own is None else own
