r"""Huge pages for a process that is about to be forked many times."""

from __future__ import annotations

import ctypes

__all__ = ["collapse"]

_MADV_COLLAPSE = 25  # Linux 6.1
_HUGE = 2 << 20


def collapse() -> int:
    r"""Join this process's memory in pages of 2 MB where Linux can; how many were made.

    A fork copies the table of pages, and the end of the child takes it down again: without the
    entries of 4 kB each both take half the time (`benchmarks/forks.py`).
    """
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    made = 0
    with open("/proc/self/maps") as file:
        regions = [line.split(None, 5) for line in file]
    for addresses, rights, _, _, inode, *name in regions:
        if rights != "rw-p" or inode != "0" or (name and not name[0].startswith("[heap]")):
            continue
        low, high = (int(number, 16) for number in addresses.split("-"))
        for start in range(-(-low // _HUGE) * _HUGE, high // _HUGE * _HUGE, _HUGE):
            made += libc.madvise(start, _HUGE, _MADV_COLLAPSE) == 0
    return made
