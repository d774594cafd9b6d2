"""Results on disk: each one whole or absent, whatever happens while it is written."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optedu.grading.errors import RunError

__all__ = ["Store", "write_whole"]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that after any crash it is there whole, or not at all."""
    _replace(path, data, sync=True)
    _sync(path.parent)


def _replace(path: Path, data: bytes, *, sync: bool) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    """Return when the disk has a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors(target: Path) -> Iterator[None]:
    """Turn a full or read-only disk into one line; `target` is what is being written."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG):
            raise
        # A copy that fails names its source first.
        where = error.filename2 or error.filename or target
        raise RunError(f"cannot write {where}: {error.strerror}") from error


class Store:
    """The results of one assignment, one file a job key, and which of them are in the gradebook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._unsynced: list[str] = []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second run of the same assignment out.

        Raises
        ------
        RunError
            When another run holds the lock.
        """
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            file = open(self.folder / ".lock", "a+")  # noqa: SIM115
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RunError(f"another run is grading this assignment ({self.folder})") from None
            for left in self.folder.glob(".*.new"):
                left.unlink(missing_ok=True)
            yield

    def save(self, key: str, result: bytes) -> None:
        """Keep a result: whoever kills this process, it is there. See `sync` for power cuts.

        Raises
        ------
        RunError
            When the disk is full or read-only.
        """
        with disk_errors(self._path(key)):
            self._mark(key).unlink(missing_ok=True)
            _replace(self._path(key), result, sync=False)
        self._unsynced.append(key)

    def sync(self) -> None:
        """Return when the disk has all that was saved. Many results cost it little more than one.

        Raises
        ------
        RunError
            When the disk is full.
        """
        if not self._unsynced:
            return
        with disk_errors(self.folder):
            try:
                for key in self._unsynced:
                    _sync(self._path(key))
                _sync(self.folder)
            except OSError:  # what the disk may not have is graded again
                for key in self._unsynced:
                    self._path(key).unlink(missing_ok=True)
                raise
            finally:
                self._unsynced = []

    def has(self, key: str) -> bool:
        """Whether a result of the job was saved."""
        return self._path(key).exists()

    def load(self, key: str) -> dict[str, Any] | None:
        """The result of a job, or None when there is none that can be read."""
        try:
            return json.loads(self._path(key).read_bytes())
        except (OSError, ValueError):
            return None

    def mark_merged(self, key: str) -> None:
        """Remember that the gradebook has this result."""
        with disk_errors(self._mark(key)):
            self._mark(key).touch()

    def is_merged(self, key: str) -> bool:
        """Whether the gradebook was given this result."""
        return self._mark(key).exists()

    def keep_only(self, keys: set[str]) -> None:
        """Remove results of submissions that were changed or are gone."""
        for path in self.folder.iterdir():
            if path.suffix in (".json", ".merged") and path.stem not in keys:
                path.unlink(missing_ok=True)

    def load_trial(self, key: str) -> dict[str, Any] | None:
        """What a trial of the assignment found, or None when there was none like it."""
        try:
            return json.loads(self._trial(key).read_bytes())
        except (OSError, ValueError):
            return None

    def save_trial(self, key: str, result: bytes) -> None:
        """Keep what a trial found, in place of earlier ones.

        Raises
        ------
        RunError
            When the disk is full or read-only.
        """
        with disk_errors(self._trial(key)):
            for old in self.folder.glob("*.trial"):
                old.unlink(missing_ok=True)
            write_whole(self._trial(key), result)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _mark(self, key: str) -> Path:
        return self.folder / f"{key}.merged"

    def _trial(self, key: str) -> Path:
        return self.folder / f"{key}.trial"
