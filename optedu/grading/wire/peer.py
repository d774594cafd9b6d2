r"""Requests and answers between the two kernels, in both directions and nested.

The kernel with the checks asks for names and calls the student's functions; while one runs, it may
call back what it was given as an argument. Each side keeps what it has lent (functions, objects)
in a table and sends a number; :class:`Away` stands for the other side's.
"""

from __future__ import annotations

import builtins
import contextlib
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from optedu.grading.subject import subject
from optedu.grading.wire import frames, kinds, plain
from optedu.grading.wire.away import Away, CannotJudge, described, member, stand_in
from optedu.grading.wire.channel import Channel, ChannelClosed, ChannelError, Unsendable
from optedu.grading.wire.codec import Decoder, Encoder, Seen
from optedu.grading.wire.kinds import CannotCross

__all__ = ["Away", "CannotJudge", "ForeignError", "Peer", "StudentGone"]

_MAX_NESTED = 30
_MAX_TEXT = 20_000
_MAX_ARGS = 10


class ForeignError(Exception):
    """An exception of a class that only the other kernel knows."""


class StudentGone(RuntimeError):
    """The student's kernel has ended: time, memory, or a crash."""


class Peer:
    """One end of the wire; subclasses say in :meth:`handle` what the other side may ask."""

    def __init__(self, channel: Channel):
        self.channel = channel
        self._next = 0
        self._depth = 0
        self._lent: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._stand_ins: dict[int, Any] = {}

    def resolve(self, name: Any) -> type | None:
        """The class that the other side names, as it is known here."""
        return kinds.resolve(name, self.space())

    def space(self) -> Mapping[str, Any]:
        """The namespace of the notebook."""
        return {}

    def refuse(self, what: str) -> None:
        """Say that ``what`` cannot be done; the side with the checks raises `CannotJudge`."""

    # What this side asks.

    def request(self, op: str, *operands: Any, args: tuple = (), kwargs: Any = None) -> Any:
        """Ask the other side and wait; serves its requests meanwhile.

        Raises the exception that the other side answered with: a built-in one by its name, or a
        :class:`ForeignError`.
        """
        __tracebackhide__ = True  # whoever reads a failed test need not see the wire
        encoder = Encoder(self._describe)
        body = [encoder.items(list(operands)), encoder.items(list(args))]
        body.append(encoder.items(dict(kwargs or {})))
        message = {"op": op, "body": body, **self._around(op)}
        answer, buffers = self._exchange(message, encoder.buffers)
        return self._result(answer, buffers, encoder.seen)

    def ask_step(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        """Ask for a step of a derived rule, with numbers and arrays: see :mod:`.plain`."""
        __tracebackhide__ = True
        out: list[bytes] = []
        message = {"op": "derived", "name": name, "values": plain.write(values, out)}
        answer, buffers = self._exchange(message, out)
        if "error" in answer:
            raise self._exception(answer["error"])
        return plain.read(answer.get("values"), iter(buffers))

    def _exchange(self, message: dict, buffers: list[bytes]) -> tuple[dict, list[bytes]]:
        """Send a question and wait for its answer; serves the other side's questions meanwhile."""
        __tracebackhide__ = True
        self._next += 1
        number = self._next
        try:
            self.channel.send({"q": number, **message}, buffers)
            while True:
                answer, found = self.channel.recv()
                if isinstance(answer, dict) and "q" in answer:
                    self.answer(answer, found)
                elif isinstance(answer, dict) and answer.get("a") == number:
                    return answer, found
        except ChannelClosed:
            raise StudentGone("the student's kernel has ended") from None
        except Unsendable as error:
            raise CannotCross(f"an argument cannot be sent: {error}") from None
        except ChannelError as error:
            raise CannotCross(f"the answer is not data: {error}") from None

    def _result(self, message: dict, buffers: list[bytes], sent: Seen) -> Any:
        __tracebackhide__ = True
        decoder = Decoder(buffers, self._stand_in, self._find, sent, self.resolve)
        self._besides(message, decoder)
        if "error" in message:
            raise self._exception(message["error"])
        for index, state in _pairs(message.get("generators")):
            decoder.set_state(sent.generators[index], state)
        for index, buffer in _pairs(message.get("arrays")):
            _overwrite(sent.arrays[index], buffers[buffer])
        for index, content in _pairs(message.get("containers")):
            refill(sent.containers[index], decoder.decode(content))
        for index, content in _pairs(message.get("frames")):
            frames.overwrite(sent.frames[index], decoder.decode(content))
        return decoder.decode(message.get("ok"))

    def _around(self, op: str) -> dict[str, Any]:
        """What a request says besides."""
        return {}

    def _besides(self, message: dict, decoder: Decoder) -> None:
        """What an answer says besides."""

    # What the other side asks.

    def serve_one(self) -> None:
        """Answer the frame that has arrived; one that is no request is dropped."""
        message, buffers = self.channel.take()
        if isinstance(message, dict) and "q" in message:
            self.answer(message, buffers)

    def answer(self, message: dict, buffers: list[bytes]) -> None:
        """Do what ``message`` asks and send the answer, whatever happens on the way."""
        self._depth += 1
        out: list[bytes] = []
        try:
            if self._depth > _MAX_NESTED:
                raise RecursionError("the two kernels call each other too deeply")
            decoder = Decoder(buffers, self._stand_in, self._find, resolve=self.resolve)
            operands, args = map(decoder.items, message["body"][:2])
            kwargs = decoder.mapping(message["body"][2])
            before = [snapshot(c) for c in decoder.seen.containers]
            frames_before = [frame.copy() for frame in decoder.seen.frames]
            states = [g.bit_generator.state for g in decoder.seen.generators]
            with self._while(message):
                value = self.handle(message["op"], operands, args, kwargs)
            encoder = Encoder(self._describe, decoder.seen)
            reply = {"ok": encoder.encode(value)}
            reply |= _changes(decoder, encoder, before, states)
            changed = zip(decoder.seen.frames, frames_before, strict=True)
            reply["frames"] = [
                [index, encoder.encode(frame)]
                for index, (frame, old) in enumerate(changed)
                if not frames.same(frame, old)
            ]
            reply |= self._afterwards(encoder)
            if encoder.lost:
                reply["lost"] = sorted(encoder.lost)[:100]
            out = encoder.buffers
        except BaseException as error:
            encoder = Encoder(self._describe)
            reply = {"error": self._describe_error(error), **self._afterwards(encoder)}
            out = encoder.buffers
        finally:
            self._depth -= 1
        try:
            self.channel.send({"a": message["q"], **reply}, out)
        except Unsendable as error:
            refused = self._describe_error(CannotCross(f"the result cannot be sent: {error}"))
            self.channel.send({"a": message["q"], "error": refused})

    def _while(self, message: dict) -> contextlib.AbstractContextManager:
        """What holds while a request is served."""
        return contextlib.nullcontext()

    def _afterwards(self, encoder: Encoder) -> dict[str, Any]:
        """What the answer says besides."""
        return {}

    def handle(self, op: str, operands: list, args: list, kwargs: dict) -> Any:
        raise NotImplementedError

    # What is lent.

    def may_lend(self, value: Any) -> bool:
        """Whether the other side may hold ``value``."""
        return True

    def _describe(self, value: Any) -> dict:
        if not self.may_lend(value):
            raise CannotCross(
                f"a value of type {type(value).__name__} is not data and cannot cross"
            )
        number = self._numbers.get(id(value))
        if number is None:
            number = len(self._lent) + 1
            self._lent[number] = value  # also keeps id(value) from being used again
            self._numbers[id(value)] = number
        return self._said(value, number)

    def _said(self, value: Any, number: int) -> dict:
        return described(value, number)

    def _stand_in(self, description: dict) -> Any:
        number = description.get("id")
        if type(number) is not int:
            raise CannotCross("not the description of a function or object")
        if number not in self._stand_ins:  # the same thing is the same thing here
            error = description.get("kind") == "class" and self._error_class(description)
            known = error or None
            if known is None:
                known = member(self, description)
            self._stand_ins[number] = stand_in(self, description) if known is None else known
        return self._stand_ins[number]

    # Exceptions.

    def _error_class(self, description: dict) -> type[Exception] | None:
        """A class for a class of exceptions of the other kernel, None for another class."""
        names: Any = description.get("of")
        known = [_error_base(self.resolve(name)) for name in names] if _is_lineage(names) else []
        bases = tuple(base for base in known if base is not None)
        if not bases:
            return None
        number = description.get("id")
        name = str(description.get("name"))[:200]
        return _made_class(name if name.isidentifier() else "ForeignError", bases[0], number)  # type: ignore[arg-type]

    def _describe_error(self, error: BaseException) -> dict:
        with contextlib.suppress(BaseException):
            kind = type(error)
            said: dict[str, Any] = {"name": kind.__name__[:200], "text": str(error)[:_MAX_TEXT]}
            if (parts := subject.parts_of_error(error)) is not None:
                said |= parts
            elif issubclass(kind, Exception):
                said["of"] = kinds.lineage(kind)
                said["class"] = self._class_number(kind)
                if len(error.args) < _MAX_ARGS and all(map(_is_plain, error.args)):
                    said["args"] = list(error.args)
                said["has"] = {k: v for k, v in vars(error).items() if _is_plain(v)}
            return said
        return {"name": "ForeignError", "text": "(an exception that cannot be shown)"}

    def _class_number(self, kind: type) -> int | None:
        """The number under which the other side may ask for a class of the notebook."""
        return None

    def _exception(self, said: Any) -> Exception:
        if not isinstance(said, dict):
            return ForeignError("")
        if "kind" in said:
            return _student_error(said)
        name, text = str(said.get("name"))[:200], str(said.get("text"))[:_MAX_TEXT]
        if name == "KeyboardInterrupt":
            return TimeoutError("the student's code did not finish in time")
        if name == "CannotCross":
            return CannotCross(text)
        names: Any = said.get("of")
        if not _is_lineage(names):
            return ForeignError(text)
        exact = _error_base(self.resolve(names[0]))
        if exact is None:
            number = said.get("class")
            about = {"id": number, "name": name, "kind": "class", "of": names}
            exact = self._stand_in(about) if type(number) is int else self._error_class(about)
        if not (isinstance(exact, type) and issubclass(exact, Exception)):
            exact = _made_class(name if name.isidentifier() else "ForeignError", Exception, None)
        return _instance(exact, text, said)

    def _find(self, number: Any) -> Any:
        if type(number) is not int or number not in self._lent:
            raise CannotCross("no such function or object here")
        return self._lent[number]


def _pairs(value: Any) -> list:
    pairs = value or []
    if not all(isinstance(p, list) and len(p) == 2 and type(p[0]) is int for p in pairs):
        raise CannotCross("not a list of changes")
    return pairs


def snapshot(container: Any) -> list:
    if isinstance(container, dict):
        return [x for pair in container.items() for x in pair]
    return list(container)


def _changes(decoder: Decoder, encoder: Encoder, before: list, states: list) -> dict:
    """What a call did to its mutable arguments, for the caller to repeat on its own."""
    changes: dict[str, list] = {"arrays": [], "containers": [], "generators": []}
    for index, (array, original) in enumerate(
        zip(decoder.seen.arrays, decoder.originals, strict=True)
    ):
        data = np.asarray(array).tobytes()
        if data != original and len(data) == len(original):
            changes["arrays"].append([index, len(encoder.buffers)])
            encoder.buffers.append(data)
    for index, (container, old) in enumerate(zip(decoder.seen.containers, before, strict=True)):
        new = snapshot(container)
        if len(new) != len(old) or any(a is not b for a, b in zip(new, old, strict=True)):
            changes["containers"].append([index, encoder.items(container)])
    for index, (generator, state) in enumerate(zip(decoder.seen.generators, states, strict=True)):
        if generator.bit_generator.state != state:
            changes["generators"].append([index, encoder.state(generator)])
    return {key: value for key, value in changes.items() if value}


def _overwrite(array: Any, data: bytes) -> None:
    plain = np.asarray(array)
    new = np.frombuffer(data, plain.dtype).reshape(plain.shape)
    if isinstance(array, np.ndarray):
        array[...] = new
    else:
        array[...] = array.__array_namespace__().asarray(new)


def refill(container: Any, content: Any) -> None:
    """Give a container what the other side's holds now."""
    if isinstance(container, dict) and isinstance(content, dict):
        container.clear()
        container.update(content)
    elif isinstance(container, list) and isinstance(content, list):
        container[:] = content
    elif isinstance(container, bytearray) and isinstance(content, list):
        container[:] = bytes(content)
    elif isinstance(container, set | deque) and isinstance(content, list):
        container.clear()
        for item in content:
            container.add(item) if isinstance(container, set) else container.append(item)
    else:
        raise CannotCross("a changed argument has another type")


def _is_plain(value: Any) -> bool:
    if type(value) is int:
        return abs(value) < 1 << 63
    return type(value) in (type(None), bool, float, str)


# What means something else to the interpreter, or is made with more than a text.
SPECIAL = (
    StopIteration, StopAsyncIteration, UnicodeDecodeError, UnicodeEncodeError,
    UnicodeTranslateError,
)  # fmt: skip


def _is_lineage(names: Any) -> bool:
    return isinstance(names, list) and 0 < len(names) <= 100


def _error_base(kind: type | None) -> type[Exception] | None:
    """The class if it is one that the student's code may be taken to raise."""
    if kind is None or not issubclass(kind, Exception) or kind in SPECIAL:
        return None
    return None if issubclass(kind, CannotCross | StudentGone) else kind


@lru_cache(maxsize=256)
def _made_class(name: str, base: type[Exception], number: Any) -> type[Exception]:
    """A class of exceptions that only the other kernel knows; ``number`` tells two apart."""
    bases: tuple[type, ...] = (ForeignError,) if base is Exception else (ForeignError, base)
    with contextlib.suppress(TypeError):
        return type(name, bases, {})
    return type(name, (ForeignError,), {})


def _instance(kind: type[Exception], text: str, said: dict) -> Exception:
    """An exception without running what the class does when one is made."""
    plain = said.get("args")
    tries = [plain] if isinstance(plain, list) and all(map(_is_plain, plain)) else []
    for arguments in [*tries, [text]]:
        with contextlib.suppress(Exception):
            error = kind.__new__(kind, *arguments)
            error.args = tuple(arguments)
            if getattr(builtins, kind.__name__, None) is kind:
                error = kind(*arguments)
            if str(error) == text or arguments is not plain:
                break
    else:
        error = ForeignError(text)
    has = said.get("has")
    for key, value in has.items() if isinstance(has, dict) else ():
        if key.isidentifier() and not key.startswith("__") and _is_plain(value):
            with contextlib.suppress(Exception):
                object.__setattr__(error, key, value)
    return error


def _student_error(description: dict) -> Exception:
    """What `optedu.check` quotes: the exception, and the student's line that raised it."""
    kind, message, source = (
        str(description.get(key) or "")[:_MAX_TEXT] for key in ("kind", "message", "source")
    )
    line = description.get("line")
    if kind == "KeyboardInterrupt":
        return TimeoutError("the student's code did not finish in time")
    return subject.made_error(kind, message, line if type(line) is int else None, source)
