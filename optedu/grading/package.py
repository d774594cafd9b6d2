r"""The package as a student's kernel has it: which modules it lacks, and which are stand-ins."""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import shutil
import site
import sys
import tempfile
from functools import cache
from pathlib import Path

from optedu.grading import scratch
from optedu.grading.subject import subject

__all__ = ["binds", "forget", "install"]

_PACKAGE = subject.PACKAGE
_FOLDER = "optedu-student-"
_copies: dict[int, scratch.Scratch] = {}  # by process: a fork must not remove its parent's


def binds() -> list[str]:
    """Arguments for bubblewrap that put the package without the rules over every installed one."""
    copy = str(_copy())
    return [word for place in _places() for word in ("--ro-bind", copy, place)]


@cache
def _places() -> list[str]:
    """Every folder with this package in what a jail can read; another Python may have it too."""
    folders = {_PACKAGE}
    folders |= {Path(f) / _PACKAGE.name for f in (*site.getsitepackages(), *sys.path) if f}
    for prefix in {"/usr", "/usr/local", sys.prefix, sys.base_prefix}:
        folders |= set(Path(prefix).glob(f"lib*/python3*/*-packages/{_PACKAGE.name}"))
    found = {
        str(f.absolute()) for f in folders if any((f / name).exists() for name in subject.LEFT_OUT)
    }
    return sorted(found | {os.path.realpath(f) for f in found})


def _copy() -> Path:
    """A folder of this process with the package as it is now, without the rules."""
    if os.getpid() not in _copies:
        scratch.sweep(_FOLDER, (tempfile.gettempdir(),))
        _copies[os.getpid()] = scratch.make(_FOLDER)
        atexit.register(forget)
        _write(_copies[os.getpid()].path / _PACKAGE.name)
    return _copies[os.getpid()].path / _PACKAGE.name


def _write(target: Path) -> None:
    missing = {*subject.LEFT_OUT, *subject.STAND_INS}

    def left_out(folder: str, names: list[str]) -> list[str]:
        place = Path(folder).relative_to(_PACKAGE)
        # What is compiled of a module lies in a folder below it, with a longer name.
        place = place.parent if place.name == "__pycache__" else place
        # Python writes a compiled module under a passing name first (`a.pyc.123`), then renames it.
        return [n for n in names if str(place / n.partition(".")[0]) in missing or ".pyc." in n]

    shutil.copytree(_PACKAGE, target, ignore=left_out)
    for module, stand_in in subject.STAND_INS.items():
        file = (target / module).with_suffix(".py")
        file.parent.mkdir(exist_ok=True)
        shutil.copy((_PACKAGE / stand_in).with_suffix(".py"), file)
    for folder, _, files in os.walk(target):  # for the jail's user, whatever the umask is
        os.chmod(folder, 0o755)
        for name in files:
            os.chmod(os.path.join(folder, name), 0o644)


def forget() -> None:
    """Remove the copy of this process; kernels that run in jails keep what they see."""
    copy = _copies.pop(os.getpid(), None)
    if copy is not None:
        copy.remove()


def _name(module: str) -> str:
    return ".".join([_PACKAGE.name, *module.removesuffix("/__init__").split("/")])


def install(described: list[dict]) -> None:
    r"""In a process that has not imported any of them, import the stand-ins by their names.

    Parameters
    ----------
    described : list of dict
        From `described` of the subject.
    """
    for module in (*subject.LEFT_OUT, *subject.STAND_INS):
        if _name(module) in sys.modules:
            raise RuntimeError(f"{_name(module)} is where students' kernels are forked from")
    for module, stand_in in subject.STAND_INS.items():
        name = _name(module)
        path = (_PACKAGE / stand_in).with_suffix(".py")
        within: list[str] | None = [] if module.endswith("/__init__") else None
        spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=within)
        assert spec is not None and spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        parent, _, last = name.rpartition(".")
        importlib.import_module(parent)
        sys.modules[name] = made
        spec.loader.exec_module(made)
        setattr(sys.modules[parent], last, made)
    subject.installed(described)
