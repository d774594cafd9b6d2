r"""The student's end of the wire: looks names up and calls what the student wrote."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import inspect
import io
import operator
import random
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from optedu.grading.subject import subject
from optedu.grading.wire.away import is_away
from optedu.grading.wire.channel import Channel
from optedu.grading.wire.codec import Encoder
from optedu.grading.wire.kinds import CannotCross
from optedu.grading.wire.peer import Peer, refill, snapshot

__all__ = ["Missing", "Service"]

Missing = "optedu: no such name"  # crosses as text; a value never does, it comes in a tuple

_WATCHED_BYTES, _WATCHED_ITEMS = 1 << 20, 100_000
_PRINTED = 1 << 20
_ASKED: dict[str, Callable[..., Any]] = {
    "getattr": getattr, "setattr": setattr, "getitem": operator.getitem,
    "setitem": operator.setitem, "len": len, "iter": iter, "str": str, "repr": repr,
    "format": format, "float": float, "int": int, "complex": complex, "index": operator.index,
    "abs": abs, "neg": operator.neg, "pos": operator.pos, "round": round, "dir": dir,
    "isinstance": lambda kind, value: isinstance(value, kind),
    "issubclass": lambda kind, other: issubclass(other, kind),
    "source": inspect.getsource, "generator": inspect.isgeneratorfunction,
}  # fmt: skip


class Service(Peer):
    """Answers the kernel with the checks out of the student's namespace ``shell.user_ns``."""

    def __init__(self, channel: Channel, shell: Any):
        super().__init__(channel)
        self._shell = shell
        self._implemented: set[int] = set()
        self._told: dict[str, tuple[Any, Any]] = {}  # names asked for, and what was in them
        self._printed: io.StringIO | None = None

    def space(self) -> Mapping[str, Any]:
        return self._shell.user_ns

    def handle(self, op: str, operands: list, args: list, kwargs: dict) -> Any:
        space = self._shell.user_ns
        match op, operands:
            case "get", [name]:
                return self._told_of(name)
            case "look", _:  # what a new cell needs; what earlier ones knew is of no matter now
                self._told.clear()
                return [self._told_of(name) for name in operands]
            case "names", []:
                return [name for name in space if type(name) is str]
            case "forget", []:
                self._told.clear()
                return None
            case "delete", [name]:
                space.pop(name, None)
                return None
            case "bind", [name, value]:
                space[name] = value
                return None
            case "refill", [name, content]:
                refill(space[name], content)
                self._told[name] = space[name], _content(space[name])
                return None
            case "import", [module, attribute, name]:
                return _import(space, module, attribute, name)
            case "randomness", [python, numpy]:
                return _set_randomness(python, numpy)
            case "type", [value]:
                return type(value)
            case "implemented", [name]:
                function = subject.implemented(name)
                if function is None:
                    return Missing
                self._implemented.add(id(function))
                return (function,)
            case "call", [function]:
                if id(function) not in self._implemented:
                    return function(*args, **kwargs)
                return _checked(function, args, kwargs)
            case "ahead", [function] if id(function) in self._implemented:
                return list(_answers(function, args))
            case "next", [stream]:
                return tuple(islice(stream, 1))
        if op in _ASKED:
            return _ASKED[op](*operands)
        raise ValueError(f"unknown request {op!r}")

    def _told_of(self, name: str) -> Any:
        """``(value,)`` of a name, whose changes are told from now on."""
        space = self._shell.user_ns
        if name not in space:
            return Missing
        self._told[name] = space[name], _content(space[name])
        return (space[name],)

    @contextlib.contextmanager
    def _while(self, message: dict) -> Iterator[None]:
        """Keep what is printed, and ask the test for input, where the test wants that."""
        with contextlib.ExitStack() as stack:
            if message.get("print") is True:
                self._printed = io.StringIO()
                stack.enter_context(contextlib.redirect_stdout(self._printed))
            for name in set(message.get("mocked") or []) & {"input", "print"}:
                stack.callback(setattr, builtins, name, getattr(builtins, name))
                setattr(builtins, name, partial(self._mocked, name))
            yield

    def _mocked(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self.request(name, args=args, kwargs=kwargs)

    def _afterwards(self, encoder: Encoder) -> dict[str, Any]:
        """What was printed, and which names that the test knows have other values now."""
        said: dict[str, Any] = {}
        if self._printed is not None:
            said["printed"], self._printed = self._printed.getvalue()[:_PRINTED], None
        changed = []
        for name, (value, before) in list(self._told.items()):
            now = self._shell.user_ns.get(name, Missing)
            content = _content(now)
            if now is value and _same(content, before):
                continue
            self._told[name] = now, content
            with contextlib.suppress(CannotCross):
                changed.append([name, encoder.encode((now,))])
        if changed:
            said["changed"] = changed
        return said

    def _class_number(self, kind: type) -> int | None:
        return self._describe(kind)["id"] if kind.__module__ == "__main__" else None


def _content(value: Any) -> Any:
    """What a container holds, to see later whether it has changed; None for what is none."""
    if is_away(value):
        return None
    if type(value) in (list, dict, set):
        return snapshot(value) if len(value) < _WATCHED_ITEMS else None
    if type(value) is np.ndarray and value.nbytes < _WATCHED_BYTES and not value.dtype.hasobject:
        return value.tobytes()
    return None


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and one == other


def _import(space: dict[str, Any], module: str, attribute: str, name: str) -> bool:
    r"""Whether an import of a test holds in the notebook now; where it fails, all is as it was.

    What the student has written stays: an import must not stand in for an answer.
    """
    if getattr(space.get(name), "__module__", "") == "__main__":
        return False
    found = importlib.import_module(module)
    if attribute == "*":
        public = getattr(found, "__all__", None) or [n for n in vars(found) if n[:1] != "_"]
        space.update({n: getattr(found, n) for n in public if n not in space})
    elif attribute == ".":  # `import a.b as c`
        space[name] = found
    elif attribute:
        try:
            space[name] = getattr(found, attribute)
        except AttributeError:
            space[name] = importlib.import_module(f"{module}.{attribute}")
    else:  # `import a.b` binds a
        space[name] = sys.modules[module.partition(".")[0]]
    return True


def _set_randomness(python: Any, numpy: Any) -> None:
    if python is not None:
        random.setstate((python[0], tuple(python[1]), python[2]))
    if numpy is not None:
        np.random.set_state((numpy[0], numpy[1], *numpy[2:]))  # noqa: NPY002


def _checked(function: Any, args: list, kwargs: dict) -> Any:
    """Call a registered rule; describe what it raises by the student's line."""
    try:
        with _guarded():
            return _plain_state(function(*args, **kwargs))
    except Exception as error:
        raise subject.describe_error(error) from None


def _plain_state(result: Any) -> Any:
    """A rule's result whose state, any mapping as at home, is a dictionary."""
    pair = isinstance(result, tuple | list) and len(result) == 2
    if pair and isinstance(result[1], Mapping):
        return result[0], dict(result[1])
    return result


def _answers(function: Any, runs: Iterable[Any]) -> Iterator[Any]:
    """Take the steps of each run, up to the first that comes to nothing.

    What shows the reason is asked for by itself then, and mostly ends the check.
    """
    for run in runs:
        with _guarded():
            answer = subject.walk(function, run)
        yield answer
        if answer is None:
            return


@contextlib.contextmanager
def _guarded() -> Iterator[None]:
    """Run a registered rule as a check does: the derived rules must not answer for it."""
    # A warning is no mistake, also where the notebook has made errors of them all.
    with warnings.catch_warnings(), np.errstate(all="ignore"), subject.guarded():
        warnings.simplefilter("ignore")
        yield
