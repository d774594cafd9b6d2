r"""What a test does outside of the wire: files, figures, seeds.

Nothing is carried but the state of the two global random generators, once a test has seeded them.
The rest is noted, so that a person hears of it.
"""

from __future__ import annotations

import builtins
import contextlib
import inspect
import os
import random
import sys
from collections.abc import Callable
from functools import wraps
from types import FrameType
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from optedu.grading.wire.away import is_away

if TYPE_CHECKING:
    from optedu.grading.wire.trusted import Trusted

__all__ = ["install"]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def install(trusted: Trusted) -> None:
    """Watch what the cells of this kernel do, for the rest of its life."""
    _watch_files(trusted)
    _watch_seeds(trusted)
    _watch_figures(trusted)
    _watch_mocks(trusted)
    _answer_inspect()


def _watch_files(trusted: Trusted) -> None:
    real, here = os.stat, os.getcwd() + os.sep

    def name_of(path: Any) -> str | None:
        """The name of a file of the notebook's folder."""
        try:
            text = os.fsdecode(path)
        except TypeError:
            return None
        whole = os.path.abspath(text) if not text.startswith("<") else ""
        return whole.removeprefix(here) if whole.startswith(here) else None

    def note_missing(path: Any) -> None:
        if trusted.active and (name := name_of(path)) is not None and not _shows_an_error():
            trusted.doubt(f"the test asks for the file '{name}', which is not among yours")

    def stat(path: Any, *args: Any, **options: Any) -> Any:
        try:
            return real(path, *args, **options)
        except FileNotFoundError:
            note_missing(path)
            raise

    def hook(event: str, args: tuple) -> None:
        if not trusted.active:
            return
        if event == "open" and isinstance(args[0], str | bytes | os.PathLike):
            name = name_of(args[0])
            if name is not None and (args[2] or 0) & _WRITING:
                trusted.doubt(f"the test writes the file '{name}', which stays with it")
            elif name is not None:
                try:
                    real(args[0])
                except OSError:
                    note_missing(args[0])
        elif event == "glob.glob" and not os.path.isabs(str(args[0])):
            trusted.doubt(f"the test lists the files '{args[0]}', which are yours alone")

    os.stat = stat
    sys.addaudithook(hook)


def _shows_an_error() -> bool:
    """Whether a traceback is being written, which looks for sources of other machines."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_globals.get("__name__") in ("linecache", "IPython.core.ultratb"):
            return True
        frame = frame.f_back
    return False


def _watch_seeds(trusted: Trusted) -> None:
    def noting(seed: Callable) -> Callable:
        @wraps(seed)
        def noted(*args: Any, **options: Any) -> Any:
            trusted.seeded = trusted.active
            return seed(*args, **options)

        return noted

    random.seed = noting(random.seed)
    np.random.seed = noting(np.random.seed)


def _watch_figures(trusted: Trusted) -> None:
    try:
        from matplotlib import pyplot
    except ImportError:
        return

    def noting(name: str, ask: Callable) -> Callable:
        @wraps(ask)
        def noted(*args: Any, **options: Any) -> Any:
            asked = sys._getframe(1).f_globals.get("__name__") == "__main__"
            if trusted.active and asked and not pyplot._pylab_helpers.Gcf.get_all_fig_managers():
                trusted.doubt(f"plt.{name}() knows no figure of the student's")
            return ask(*args, **options)

        return noted

    for name in ("gca", "gcf", "get_fignums", "get_figlabels", "fignum_exists"):
        setattr(pyplot, name, noting(name, getattr(pyplot, name)))


def _watch_mocks(trusted: Trusted) -> None:
    """What a test replaces in a module is replaced for the tests alone."""
    enter = mock._patch.__enter__
    carried = {(sys, "stdout"), (builtins, "input"), (builtins, "print")}

    @wraps(enter)
    def noted(patch: Any) -> Any:
        with contextlib.suppress(Exception):
            target = patch.getter()
            if trusted.active and not is_away(target) and (target, patch.attribute) not in carried:
                name = getattr(target, "__name__", type(target).__name__)
                trusted.doubt(f"the test replaces {name}.{patch.attribute}")
        return enter(patch)

    mock._patch.__enter__ = noted  # type: ignore[method-assign]


def _answer_inspect() -> None:
    """Let `inspect` answer for functions of the student: their source is data."""
    source, lines = inspect.getsource, inspect.getsourcelines
    generator = inspect.isgeneratorfunction

    def getsource(thing: Any) -> str:
        return str(thing._peer.request("source", thing)) if is_away(thing) else source(thing)

    def getsourcelines(thing: Any) -> Any:
        if not is_away(thing):
            return lines(thing)
        return getsource(thing).splitlines(keepends=True), 0

    def isgeneratorfunction(thing: Any) -> bool:
        if not is_away(thing):
            return generator(thing)
        return thing._peer.request("generator", thing) is True

    for replaced in (getsource, getsourcelines, isgeneratorfunction):
        setattr(inspect, replaced.__name__, replaced)
