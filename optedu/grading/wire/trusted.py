r"""The end of the wire in the kernel with the checks.

Before each cell the names that it needs and the namespace lacks are asked from the student's
kernel. They are asked anew for every cell, since the student's code may have changed them; those
that a call changes are told with its answer.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.util
import random
import re
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from optedu.grading.subject import subject
from optedu.grading.wire import evaluators, plain
from optedu.grading.wire.away import CannotJudge, described, is_away
from optedu.grading.wire.channel import Channel, ChannelClosed
from optedu.grading.wire.codec import Decoder
from optedu.grading.wire.kinds import CannotCross
from optedu.grading.wire.names import KNOWN, Needs, well_known
from optedu.grading.wire.notebook import Names, Rewriter
from optedu.grading.wire.peer import SPECIAL, Peer, StudentGone, refill, snapshot
from optedu.grading.wire.service import Missing

__all__ = ["Trusted"]

_SPECIAL_NAMES = frozenset(kind.__name__ for kind in SPECIAL)
_BUILTINS = (type, types.BuiltinFunctionType, types.FunctionType)
_CONTAINERS = (list, dict, set)
_UNDEFINED = re.compile(r"name '(\w+)' is not defined")
_MOCKED = ("input", "print")  # the student's kernel asks for these where a test replaces them
_WATCHED = 100_000  # items of a container that is compared after each call
_OF_SIZE = ("too many parts", "too large", "too deeply")
_SHOWN = 5  # of what could not be judged in a cell


class Trusted(Peer):
    """Binds the student's names in ``shell.user_ns`` and lets student code call back."""

    def __init__(self, channel: Channel, shell: Any):
        super().__init__(channel)
        self._shell = shell
        self._bound: dict[str, Any] = {}
        self._theirs: dict[str, Any] = {}  # what the cell's names of the student are there now
        self._held: dict[str, list] = {}  # and what the containers among them hold
        self._rules: set[int] = set()
        self._doubts: list[str] = []
        self._needs = Needs.none()
        self._inner: set[str] = set()  # read by functions of earlier cells
        self._instructors: set[str] = set()  # assigned by earlier cells
        self._sets: set[str] = set()  # and by functions of cells
        self._between = False  # whether a cell of the student's is answered, and no test runs
        self._made: set[str] = set()  # by tests, which the student's kernel does not have
        self._deleted: set[str] = set()
        self._copies: list[tuple[Any, list]] = []  # of what the student's objects hold
        self._lost: set[str] = set()  # attributes of what crossed as plain data
        self._replaced: set[str] = set()  # by something of the test, for a while
        self._tests: set[str] = set()  # of the student's names, those that hold a test's value now
        self._busy = False
        self.active = False  # while a cell runs
        self.seeded = False  # by the cell that runs
        self._stdout = sys.stdout
        self._builtins = {n: v for n, v in vars(builtins).items() if isinstance(v, _BUILTINS)}
        evaluators.harden()
        self._rewriter = Rewriter(self)
        subject.provide(self.implemented)

    def space(self) -> Mapping[str, Any]:
        return self._shell.user_ns

    # Before a cell.

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
        known_to_them = bool(self._theirs)
        for each in (self._bound, self._theirs, self._held, self._deleted, self._replaced,
                     self._tests, self._copies):  # fmt: skip
            each.clear()
        CannotJudge.made.clear()
        self._doubts.clear()
        self.active, self.seeded = True, False
        self._needs = found = Needs(*map(set, names)) if names is not None else Needs.none()
        self._rewrite(names is None or bool(found.asks))
        if names is None:
            if known_to_them:
                self._quietly("forget")
            return
        # What the cell assigns before it reads it is its own, whoever else has such a name.
        wanted = (found.first | (found.inner | self._inner) - found.own) - self._instructors
        # At once: should something below fail, or the cell half-way, the names must not be taken
        # from the student.
        self._instructors |= found.own
        self._inner |= found.inner
        self._sets |= found.sets
        lacking = sorted(name for name in wanted if name not in space)
        known = [name for name in lacking if well_known(name) is not None]
        there = set(self.student_names()) if known else set()
        asked = [name for name in lacking if name not in known]
        if known_to_them and not asked:
            self._quietly("forget")
        given = self._look(asked) if asked else {}
        for name in lacking:
            if name not in known or name in there:
                self._bind(name, found, given)

    def _rewrite(self, wanted: bool) -> None:
        """Have the next cell rewritten, or not: most have nothing that would be."""
        transformers = getattr(self._shell, "ast_transformers", [])
        if wanted and self._rewriter not in transformers:
            transformers.append(self._rewriter)
        elif not wanted and self._rewriter in transformers:
            transformers.remove(self._rewriter)

    def student_names(self) -> list[str]:
        """The names in the student's notebook; those of well-known modules where it has ended."""
        try:
            names = super().request("names")
        except (StudentGone, CannotCross):
            return sorted(KNOWN)
        return [name for name in names if type(name) is str] if isinstance(names, list) else []

    def _look(self, names: list[str]) -> dict[str, tuple[Any] | None]:
        """What the student has under these names, in one request; nothing where one cannot cross,
        and then each is asked for by itself.
        """
        try:
            answers = super().request("look", *names)
        except Exception:  # also one of the student's: a property may raise what it likes
            return {}
        if not isinstance(answers, list) or len(answers) != len(names):
            return {}
        return {name: _single(each) for name, each in zip(names, answers, strict=True)}

    def _bind(self, name: str, found: Needs, given: Mapping[str, tuple[Any] | None]) -> None:
        value = well_known(name)
        if value is None:
            try:
                value = self._found(name, given[name]) if name in given else self.lookup(name)
                if value is not None:
                    self._hold(name, value[0])
            except CannotCross as error:
                value = _installed_module(name)
                if value is None and name in found.first:
                    self.doubt_crossing(error)
                    raise
            except Exception:  # the student's kernel has ended, or what it has there raises
                if name in found.first:
                    raise
        if value is not None:
            self._shell.user_ns[name] = value[0]
            if name not in found.own:  # else what the cell makes of it is the instructor's
                self._bound[name] = value[0]

    def lookup(self, name: str) -> tuple[Any] | None:
        """``(value,)`` of a name of the student's notebook, None where there is none."""
        return self._found(name, self._ask("get", name))

    def _found(self, name: str, found: tuple[Any] | None) -> tuple[Any] | None:
        if found is None:
            return None
        if is_away(found[0]) and found[0]._said.get("of") == [["builtins", "module"]]:
            found = _installed_module(name) or found
        return found

    def _hold(self, name: str, value: Any) -> None:
        self._theirs[name] = value
        if type(value) in _CONTAINERS and len(value) < _WATCHED:
            self._held[name] = snapshot(value)

    # While it runs.

    def request(self, op: str, *operands: Any, args: tuple = (), kwargs: Any = None) -> Any:
        __tracebackhide__ = True
        if op in ("call", "next", "getattr") and not self._busy:
            self._busy = True
            try:
                self._act()
            finally:
                self._busy = False
        try:
            found = super().request(op, *operands, args=args, kwargs=kwargs)
            if (
                op in ("getattr", "getitem")
                and type(found) in _CONTAINERS
                and len(found) < _WATCHED
            ):
                self._copies.append((found, snapshot(found)))
            return found
        except CannotCross as error:
            if not (operands and is_away(operands[0]) and operands[0]._number in self._rules):
                self.doubt_crossing(error)
            raise

    def _act(self) -> None:
        """Do in the student's kernel what the cell has done with the student's names."""
        space = self._shell.user_ns
        for name, before in list(self._theirs.items()):
            now = space.get(name, Missing)
            if now is before:
                if name in self._held and not _unchanged(snapshot(now), self._held[name]):
                    content = list(now) if isinstance(now, set) else now
                    super().request("refill", name, content)
                    self._held[name] = snapshot(now)
                continue
            self._tests.discard(name)
            if now is Missing:
                super().request("delete", name)
                self._deleted.add(name)
            elif is_away(now):
                super().request("bind", name, now)
                self._deleted.discard(name)
            else:
                self._replaced.add(name)
                self._tests.add(name)
            self._theirs[name] = now
        if self.seeded:
            super().request("randomness", random.getstate(), np.random.get_state())  # noqa: NPY002

    def _around(self, op: str) -> dict[str, Any]:
        said: dict[str, Any] = {}
        if op not in ("call", "next"):
            return said
        if sys.stdout is not self._stdout:
            said["print"] = True
        mocked = [n for n, v in self._builtins.items() if vars(builtins).get(n) is not v]
        if mocked:
            said["mocked"] = [name for name in mocked if name in _MOCKED]
            for name in sorted(set(mocked) - set(_MOCKED)):
                self.doubt(f"the test replaces the built-in '{name}'")
        return said

    def _besides(self, message: dict, decoder: Decoder) -> None:
        if type(printed := message.get("printed")) is str and sys.stdout is not self._stdout:
            sys.stdout.write(printed)
        self._lost |= {name for name in message.get("lost") or [] if type(name) is str}
        space = self._shell.user_ns
        for name, encoded in message.get("changed") or []:
            if name not in self._theirs or space.get(name, Missing) is not self._theirs[name]:
                continue  # the test has put something else there
            if name in self._tests:  # and long ago: what it compares with is not the student's
                continue
            if name in self._sets or name in self._needs.own:
                # Whose it is now cannot be told where both have the same number.
                self.doubt(f"the student's code changes '{name}', which the test sets")
            (new,) = decoder.decode(encoded)
            old = self._theirs[name]
            if type(old) is type(new) and type(old) in _CONTAINERS:
                refill(old, list(new) if isinstance(new, set) else new)
                self._held[name] = snapshot(old)
                continue
            space[name] = new
            self._hold(name, new)
            if name in self._bound:
                self._bound[name] = new

    def _exception(self, said: Any) -> Exception:
        error = super()._exception(said)
        if isinstance(said, dict) and said.get("name") in _SPECIAL_NAMES:
            self.doubt(f"the student's code raises {said['name']}")
        if isinstance(error, NameError) and (found := _UNDEFINED.match(str(error))):
            name = found[1]
            if name not in self._deleted and name in self._made | self._needs.own:
                self.doubt(f"the student's code needs '{name}', which a test makes")
        return error

    def refuse(self, what: str) -> None:
        raise CannotJudge(what)

    def doubt(self, what: str) -> None:
        """Note what may cost this cell points, or give it some, and need not."""
        self._doubts.append(what)

    def doubt_crossing(self, error: CannotCross) -> None:
        """Note that a value could not cross for what it is; not for its size, which is limited."""
        if not any(words in str(error) for words in _OF_SIZE):
            self.doubt(str(error))

    def type_of(self, value: Any) -> type:
        """What `type` says, of a stand-in too."""
        if not is_away(value):
            return type(value)
        if value._kind == "function":
            return types.FunctionType
        names = value._said.get("of")
        exact = self.resolve(names[0]) if isinstance(names, list) and names else None
        if value._kind == "object" and exact is not None:
            return exact
        return self.request("type", value)

    # After it.

    def after_cell(self, error: BaseException | None = None) -> dict[str, Any]:
        """What the cell could not judge, whatever it made of the error, and what it has made."""
        self.active = False
        said: dict[str, Any] = {}
        if _misses_a_name(error) and error.name in self.student_names():  # type: ignore[union-attr]
            self.doubt(f"the test finds '{error.name}' by its name alone")  # type: ignore[union-attr]
        if isinstance(error, AttributeError) and error.name in self._lost:
            self.doubt(f"'{error.name}' of the student's object has not crossed")
        if not all(_unchanged(snapshot(value), before) for value, before in self._copies):
            self.doubt("the test changes a list, dictionary or set of the student's object")
        with contextlib.suppress(Exception):
            self._act()
        self._carry_imports()
        if refused := list(dict.fromkeys(CannotJudge.made))[:_SHOWN]:
            said["refused"] = refused
        if doubts := list(dict.fromkeys(self._doubts))[:_SHOWN]:
            said["doubts"] = doubts
        made = self._made_names()
        if made or self._replaced:
            said["made"] = sorted(made | self._replaced)[:1000]
        self._made |= made
        return said

    def _made_names(self) -> set[str]:
        """What the cell has assigned, and is not the student's again."""
        space, made = self._shell.user_ns, set()
        imported = {line.split("\t")[2] for line in self._needs.imports}
        for name in self._needs.own:
            value = space.get(name, Missing)
            theirs = name in self._theirs or is_away(value)
            if theirs and (value is Missing or is_away(value)):
                # A student's thing, put back or deleted: the next test asks for it anew.
                space.pop(name, None)
                self._instructors.discard(name)
            elif name not in imported and not isinstance(value, types.ModuleType):
                made.add(name)
        return made

    def _carry_imports(self) -> None:
        """An import of a test holds for the student's code that follows, as in one kernel."""
        for line in sorted(self._needs.imports):
            module, attribute, name = line.split("\t")
            if attribute != "*" and name not in self._shell.user_ns:
                continue
            if self._quietly("import", module, attribute, name) is False:
                self._replaced.add(name)

    def _quietly(self, op: str, *operands: Any) -> Any:
        with contextlib.suppress(Exception):  # the student's kernel may have ended
            return super().request(op, *operands)

    # What the student's kernel may ask.

    def implemented(self, name: str) -> Callable | None:
        """The student's function registered as ``name``, or None."""
        found = self._ask("implemented", name)
        if not found or not is_away(found[0]):
            return None
        self._rules.add(found[0]._number)
        return found[0]

    def _ask(self, op: str, name: str) -> tuple[Any] | None:
        return _single(super().request(op, name))

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
        """Only calls of what was lent, and public attributes of what :meth:`may_lend` allows."""
        match op, operands:
            case "call", [function] if self._is_lent(function) and callable(function):
                return function(*args, **kwargs)
            case "getattr", [owner, str(name)] if self._is_lent(owner) and _is_open(owner):
                if not name.startswith("_"):
                    return getattr(owner, name)
            case (("input" | "print"), []) if getattr(builtins, op) is not self._builtins[op]:
                return getattr(builtins, op)(*args, **kwargs)
        if op in ("setattr", "setitem"):
            self.doubt("the student's code changes an object of the test")
        raise PermissionError("the kernel with the checks does not do that")

    def _is_lent(self, value: Any) -> bool:
        # Not a class or a module that the student's kernel names.
        return id(value) in self._numbers

    def may_lend(self, value: Any) -> bool:
        return (callable(value) and not isinstance(value, type)) or _is_open(value)

    def _said(self, value: Any, number: int) -> dict:
        said = described(value, number)
        # The student's kernel may call, and ask for attributes; defaults are nobody's business.
        return said | {"can": ["__call__"] if callable(value) else [], "defaults": {}}

    def answer(self, message: dict, buffers: list[bytes]) -> None:
        # Nobody waits for an answer that cannot be sent.
        with contextlib.suppress(ChannelClosed):
            if message.get("op") == "derived":
                self._step(message, buffers)
            else:
                super().answer(message, buffers)

    def _step(self, message: dict, buffers: list[bytes]) -> None:
        """Step a derived rule, which a test does not allow."""
        out: list[bytes] = []
        try:
            if not self._between:
                raise PermissionError("no derived rule answers while a test runs")
            values = plain.read(message["values"], iter(buffers))
            reply = {"values": plain.write(subject.step(message["name"], values), out)}
        except BaseException as error:
            reply, out = {"error": self._describe_error(error)}, []
        self.channel.send({"a": message["q"], **reply}, out)

    # What the notebook's own built-ins answer, see `Rewriter`.

    def all_names(self) -> list[str]:
        """What ``dir()`` lists: the names of both kernels."""
        mine = [name for name in self._shell.user_ns if name not in self._bound]
        return sorted({*mine, *self.student_names()})

    def names(self) -> Names:
        """What ``globals()`` holds: the names of both kernels."""
        return Names(self._shell.user_ns, self)


def _single(answer: Any) -> tuple[Any] | None:
    return answer if isinstance(answer, tuple) and len(answer) == 1 else None


def _unchanged(one: list, other: list) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _misses_a_name(error: BaseException | None) -> bool:
    """Whether a cell looked in the notebook for a name that its code does not show."""
    if isinstance(error, AttributeError):
        return getattr(error.obj, "__name__", "") == "__main__"
    return isinstance(error, NameError)


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
    return not isinstance(value, type) and (module == "__main__" or module.startswith(subject.OPEN))
