r"""The end of the wire in the kernel with the checks.

Before each cell the names that it needs and the namespace lacks are asked from the student's
kernel. They are asked anew for every cell, since the student's code may have changed them.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Callable, Iterable
from typing import Any

from optedu.grading.sandbox.channel import Channel, ChannelClosed
from optedu.grading.wire import evaluators
from optedu.grading.wire.codec import CannotCross
from optedu.grading.wire.names import Needs, well_known
from optedu.grading.wire.peer import Away, CannotJudge, Peer, StudentGone
from optedu.grading.wire.service import Missing

__all__ = ["Trusted"]


class Trusted(Peer):
    """Binds the student's names in ``shell.user_ns`` and lets student code call back."""

    def __init__(self, channel: Channel, shell: Any):
        super().__init__(channel)
        self._shell = shell
        self._bound: dict[str, Any] = {}
        self._refused: list[str] = []
        self._inner: set[str] = set()  # read by functions of earlier cells
        self._instructors: set[str] = set()  # assigned by earlier cells
        self._between = False  # whether a cell of the student's is answered, and no test runs
        evaluators.harden()
        with contextlib.suppress(ImportError):
            from optedu.exercise import registry

            registry.set_provider(self.implemented)

    def before_cell(self, names: Iterable[Iterable[str]] | None) -> None:
        """Bind what a cell (and the functions of earlier cells) need and only the student has.

        ``names`` are the fields of :class:`~optedu.grading.wire.names.Needs`, None for a cell that
        is not Python. Raises :class:`StudentGone` if the cell itself, not one of its functions,
        needs a name from a kernel that has ended.
        """
        space = self._shell.user_ns
        for name, value in self._bound.items():
            if space.get(name, Missing) is value:
                del space[name]
        self._bound.clear()
        if names is None:
            return
        found = Needs(*map(set, names))
        for name in sorted((found.first | found.inner | self._inner) - self._instructors):
            if name not in space:
                self._bind(name, found)
        self._inner |= found.inner
        # Should a locked cell fail half-way, its names must not be taken from the student.
        self._instructors |= found.own

    def _bind(self, name: str, found: Needs) -> None:
        value = well_known(name)
        if value is None:
            try:
                value = self._ask("get", name)
            except CannotCross:
                value = _installed_module(name)
                if value is None and name in found.first:
                    raise
            except StudentGone:
                if name in found.first:
                    raise
        if value is not None:
            self._shell.user_ns[name] = value[0]
            if name not in found.own:  # else what the cell makes of it is the instructor's
                self._bound[name] = value[0]

    def refuse(self, what: str) -> None:
        self._refused.append(what)
        raise CannotJudge(f"{what} cannot be judged in two kernels")

    def after_cell(self) -> dict[str, list[str]]:
        """What the cell could not judge, whatever it made of the error."""
        found, self._refused = list(dict.fromkeys(self._refused))[:5], []
        return {"refused": found} if found else {}

    def implemented(self, name: str) -> Callable | None:
        """The student's function registered as ``name``, or None (the registry's provider)."""
        found = self._ask("implemented", name)
        return found[0] if found and isinstance(found[0], Away) else None

    def _ask(self, op: str, name: str) -> tuple[Any] | None:
        answer = self.request(op, name)
        return answer if isinstance(answer, tuple) and len(answer) == 1 else None

    def between_cells(self) -> None:
        """Step a derived rule for a cell of the student's; drop what else comes unasked."""
        message, buffers = self.channel.take()
        if isinstance(message, dict) and message.get("op") == "derived" and "q" in message:
            self._between = True
            try:
                self.answer(message, buffers)
            finally:
                self._between = False

    def handle(self, op: str, operands: list, args: list, kwargs: dict) -> Any:
        """Only calls of what was lent, public attributes of what :meth:`may_lend` allows, and
        steps of derived rules, which a test does not allow.
        """
        match op, operands:
            case "derived", [str(name)]:
                if not self._between:
                    raise PermissionError("no derived rule answers while a test runs")
                from optedu.grading.student import between  # not in the students' own process

                return between.step(name, args, kwargs)
            case "call", [function] if callable(function) and not isinstance(function, Away):
                return function(*args, **kwargs)
            case "getattr", [owner, str(name)] if _is_open(owner) and not name.startswith("_"):
                return getattr(owner, name)
        raise PermissionError("the kernel with the checks does not do that")

    def may_lend(self, value: Any) -> bool:
        return (callable(value) and not isinstance(value, type)) or _is_open(value)

    def answer(self, message: dict, buffers: list[bytes]) -> None:
        # Nobody waits for an answer that cannot be sent.
        with contextlib.suppress(ChannelClosed):
            super().answer(message, buffers)


def _installed_module(name: str) -> tuple[Any] | None:
    """The module of that name as this process finds it, where the student's value is no data."""
    if not name.isidentifier() or importlib.util.find_spec(name) is None:
        return None
    return (importlib.import_module(name),)


def _is_open(value: Any) -> bool:
    """Whether student code may read public attributes: instances of this package's classes and
    of classes that the notebook itself defines.
    """
    module = getattr(type(value), "__module__", "")
    return not isinstance(value, type) and (
        module == "__main__" or module.startswith(("optedu.problems", "optedu.rule"))
    )
