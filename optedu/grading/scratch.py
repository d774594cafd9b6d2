r"""Folders that go with the process that made them, or are swept up after it was killed.

Whether it lives is told by a lock on a file in the folder, not by a process id: containers that
share a disk number their processes each from one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["Scratch", "make", "sweep"]

_LOCK = ".lock"
_FORGOTTEN_S = 3600.0  # a folder whose maker had no time for a lock


@dataclass(frozen=True)
class Scratch:
    """A folder ``path``, locked until it is removed or the process ends."""

    path: Path
    lock: IO[str]

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        _clear(self.path)
        self.lock.close()


def make(prefix: str, parent: str | None = None) -> Scratch:
    """A new folder below ``parent``, the system's place for temporary files by default."""
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    lock = open(path / f"{_LOCK}.new", "w")  # noqa: SIM115  (held as long as the folder lives)
    fcntl.flock(lock, fcntl.LOCK_EX)
    # Under the name that others look for, the file has never been without its lock.
    os.rename(lock.name, path / _LOCK)
    return Scratch(path, lock)


def sweep(prefix: str, parents: Iterable[str]) -> None:
    """Remove the folders that processes which have ended left below ``parents``."""
    for parent in set(parents):
        for path in Path(parent).glob(f"{prefix}*"):
            with contextlib.suppress(OSError):
                _remove_if_left(path)


def _remove_if_left(path: Path) -> None:
    if not (path / _LOCK).exists():
        if time.time() - path.stat().st_mtime > _FORGOTTEN_S:
            shutil.rmtree(path, ignore_errors=True)
        return
    with open(path / _LOCK) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _clear(path)


def _clear(path: Path) -> None:
    """Remove a folder, its lock last: who is killed half-way leaves what can be swept."""
    with contextlib.suppress(OSError):
        for entry in list(path.iterdir()):
            if entry.name != _LOCK:
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)
