"""What learning platforms put into the ZIP files with a class's submissions.

Canvas names a file ``lovelaceada_LATE_101_4711_ps1.ipynb``: the name without spaces, ``LATE``
where it was, the student's number, the file's number, the file's name. Moodle makes a folder
``Ada Lovelace_205_assignsubmission_file`` (older ones end in ``_``), or puts all that before the
file's name; its number counts in one assignment only.
"""

from __future__ import annotations

import io
import re
import stat
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

__all__ = ["File", "Unsafe", "files", "read", "recognize", "safe_path"]

CANVAS = re.compile(
    r"(?:(?P<name>\w+?)_)?(?:(?P<late>LATE)_)?(?P<user>\d+)_(?P<number>\d+)_(?P<file>.+)"
)
CANVAS_ANONYMOUS = re.compile(r"(?:LATE_)?anon_\w+_\d+_.+")
MOODLE = re.compile(
    r"(?P<name>[^/]+)_(?P<user>\d+)_assignsubmission_file_?(?:/(?P<path>.+)|(?P<file>[^/]+))"
)
_MOODLE_TEXT = re.compile(r"[^/]+_\d+_assignsubmission_(?!file)\w+")
_OF_SYSTEMS = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints"}
_MOST_FILES = 200_000


class Unsafe(Exception):
    """A file of an archive that is not taken, and why."""


@dataclass(frozen=True)
class File:
    r"""A file in an archive.

    Attributes
    ----------
    archive : zipfile.ZipFile
        Where it is.
    info : zipfile.ZipInfo
        What the archive says of it.
    path : str
        Its path in the submission.
    who : dict of str to str
        What the archive's names say of the student: ``name``, ``user``, ``late``, ``number``.
    when : float
        The archive's time of it in seconds, or 0.0 where it has none.
    """

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    path: str
    who: dict[str, str] = field(default_factory=dict)
    when: float = 0.0


def safe_path(name: str) -> str:
    r"""Return a member's name as a path below its folder.

    Raises
    ------
    Unsafe
        When it leads out of there.

    Examples
    --------
    >>> safe_path("data\\a.csv")
    'data/a.csv'
    """
    path = name.replace("\\", "/")
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or ":" in parts[0] or "\0" in path:
        raise Unsafe("its path leads out of the folder")
    return str(PurePosixPath(*[part for part in parts if part not in ("", ".")]))


def files(archive: zipfile.ZipFile, aside: list[tuple[str, str]]) -> Iterator[File]:
    r"""Yield an archive's files; what is not taken goes to `aside`, with the reason."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > _MOST_FILES:
        aside.append((archive.filename or "", f"more than {_MOST_FILES} files"))
        return
    for info in infos:
        try:
            path = safe_path(info.filename)
            if _OF_SYSTEMS & set(path.split("/")):
                continue
            if stat.S_ISLNK(info.external_attr >> 16):
                raise Unsafe("a symbolic link")
            if info.flag_bits & 1:
                raise Unsafe("it is encrypted")
        except Unsafe as error:
            aside.append((info.filename, str(error)))
            continue
        yield File(archive, info, path, when=_when(info))


def _when(info: zipfile.ZipInfo) -> float:
    if info.date_time[0] <= 1980:  # no time: ZIP files count from there
        return 0.0
    try:
        return time.mktime((*info.date_time, 0, 0, -1))
    except (OverflowError, ValueError):
        return 0.0


def recognize(found: list[File]) -> str:
    r"""Return whose archive this is by the names in it: ``"moodle"``, ``"canvas"``, ``"plain"``."""
    if any(MOODLE.fullmatch(file.path) or _MOODLE_TEXT.match(file.path) for file in found):
        return "moodle"
    flat = all("/" not in file.path for file in found)
    named = [CANVAS.fullmatch(f.path) or CANVAS_ANONYMOUS.fullmatch(f.path) for f in found]
    return "canvas" if found and flat and all(named) else "plain"


def read(file: File, most: int) -> bytes:
    r"""Return what a file holds, however little the archive says that it holds.

    Raises
    ------
    Unsafe
        When it holds more than `most` bytes, or is damaged.
    """
    try:
        with file.archive.open(file.info) as stream:
            content = stream.read(most + 1)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise Unsafe(f"damaged: {error}") from error
    except Exception as error:  # the decompressors have errors of their own
        raise Unsafe(f"damaged: {type(error).__name__}: {error}") from error
    if len(content) > most:
        raise Unsafe(f"it unpacks to more than {most / 1e6:g} MB")
    return content


def nested(file: File, most: int, aside: list[tuple[str, str]]) -> list[File]:
    r"""Return the files of a ZIP file that a student has handed in, without its one top folder.

    Raises
    ------
    Unsafe
        When it cannot be read.
    """
    try:
        inner = zipfile.ZipFile(io.BytesIO(read(file, most)))
    except zipfile.BadZipFile as error:
        raise Unsafe(f"no ZIP file: {error}") from error
    dropped: list[tuple[str, str]] = []
    found = list(files(inner, dropped))
    aside += [(f"{file.path}: {name}", reason) for name, reason in dropped]
    tops = {f.path.partition("/")[0] for f in found if "/" in f.path}
    one = len(tops) == 1 and all("/" in f.path for f in found)
    return [
        File(inner, f.info, f.path.partition("/")[2] if one else f.path, file.who, file.when)
        for f in found
    ]
