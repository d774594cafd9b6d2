r"""Requests and answers between the two kernels, in both directions and nested.

The kernel with the checks asks for names and calls the student's functions; while one runs, it may
call back what it was given as an argument. Each side keeps what it has lent (functions, objects)
in a table and sends a number; :class:`Away` stands for the other side's.
"""

from __future__ import annotations

import builtins
import contextlib
import inspect
from typing import Any

import numpy as np

from optedu.grading.sandbox.channel import Channel, ChannelClosed, ChannelError, Unsendable
from optedu.grading.wire.codec import CannotCross, Decoder, Encoder, Seen

__all__ = ["Away", "CannotJudge", "Peer", "StudentError", "StudentGone"]

_MAX_NESTED = 30
_MAX_TEXT = 20_000


class StudentError(Exception):
    """An exception of a class that only the other kernel knows."""


class StudentGone(RuntimeError):
    """The student's kernel has ended: time, memory, or a crash."""


class CannotJudge(BaseException):
    """A test compares or combines a stand-in: neither the student's fault, nor their merit.

    It is no `Exception`, so that no ``except`` of a test takes it for the student's.
    """


def _refusing(operator: str) -> Any:
    def method(self: Away, *others: Any) -> Any:
        same = len(others) == 1 and type(others[0]) is Away and others[0]._number == self._number
        if operator in ("==", "!="):
            if same or self._function or others[0] is None:
                return same == (operator == "==")
        elif self._function:
            return NotImplemented
        self._peer.refuse(f"'{operator}' of the student's object {self._name}")
        return NotImplemented

    return method


_OPERATORS = {
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "add": "+", "sub": "-",
    "mul": "*", "matmul": "@", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "and": "&", "or": "|", "xor": "^",
}  # fmt: skip


class Away:
    """Stands for a function or an object that stays in the other kernel.

    Functions, and the same object twice, are equal or not; other comparisons and operators of
    objects are :meth:`refused <Peer.refuse>`: one that equals everything would earn everything.
    """

    for _name, _sign in _OPERATORS.items():
        vars()[f"__{_name}__"] = _refusing(_sign)
        if _name not in ("eq", "ne", "lt", "le", "gt", "ge"):
            vars()[f"__r{_name}__"] = _refusing(_sign)
    del _name, _sign

    def __hash__(self) -> int:
        return hash((id(self._peer), self._number))

    def __init__(self, peer: Peer, description: dict):
        name = str(description.get("name"))[:200]
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_number", description["id"])
        object.__setattr__(self, "_function", description.get("kind") == "function")
        if self._function:
            object.__setattr__(self, "__name__", name)
            object.__setattr__(self, "__qualname__", name)
            with contextlib.suppress(Exception):
                object.__setattr__(self, "__signature__", _signature(description["parameters"]))
        object.__setattr__(self, "_name", name)

    @staticmethod
    def _optedu_away(value: Away) -> int:
        return value._number

    def __repr__(self) -> str:
        return f"<{'function' if self._function else 'object'} {self._name} of the other kernel>"

    def __bool__(self) -> bool:
        if self._function:
            return True
        raise TypeError(f"{self._name} is not a truth value: it is not plain data")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        return self._peer.request("call", self, args=args, kwargs=kwargs)

    def _optedu_ahead(self, plans: list) -> list:
        """What `optedu.check` asks of a rule: the steps of several runs in one request."""
        try:
            answers = self._peer.request("ahead", self, args=tuple(plans))
        except CannotCross:  # asked for one by one, the step that cannot is found
            answers = ()
        return answers if isinstance(answers, list) else []

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        if name.startswith("__"):
            raise AttributeError(name)
        return self._peer.request("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        __tracebackhide__ = True
        self._peer.request("setattr", self, name, value)

    def __getitem__(self, key: Any) -> Any:
        __tracebackhide__ = True
        return self._peer.request("getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        __tracebackhide__ = True
        self._peer.request("setitem", self, key, value)

    def __len__(self) -> int:
        __tracebackhide__ = True
        length = self._peer.request("len", self)
        if type(length) is not int:
            raise TypeError(f"the length of {self._name} is not an integer")
        return length

    def __iter__(self) -> Any:
        __tracebackhide__ = True
        stream = self._peer.request("iter", self)
        if isinstance(stream, list | tuple):
            yield from stream
            return
        while True:
            found = self._peer.request("next", stream)
            if not isinstance(found, tuple) or len(found) != 1:
                return
            yield found[0]


class Peer:
    """One end of the wire; subclasses say in :meth:`handle` what the other side may ask."""

    def __init__(self, channel: Channel):
        self.channel = channel
        self._next = 0
        self._depth = 0
        self._lent: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}

    def refuse(self, what: str) -> None:
        """Say that ``what`` cannot be done; the side with the checks raises `CannotJudge`."""

    # What this side asks.

    def request(self, op: str, *operands: Any, args: tuple = (), kwargs: Any = None) -> Any:
        """Ask the other side and wait; serves its requests meanwhile.

        Raises the exception that the other side answered with: a built-in one by its name, or a
        :class:`StudentError`.
        """
        __tracebackhide__ = True  # whoever reads a failed test need not see the wire
        self._next += 1
        number = self._next
        encoder = Encoder(self._describe)
        body = [encoder.items(list(operands)), encoder.items(list(args))]
        body.append(encoder.items(dict(kwargs or {})))
        sent = encoder.seen
        try:
            self.channel.send({"q": number, "op": op, "body": body}, encoder.buffers)
            while True:
                message, buffers = self.channel.recv()
                if isinstance(message, dict) and "q" in message:
                    self.answer(message, buffers)
                elif isinstance(message, dict) and message.get("a") == number:
                    return self._result(message, buffers, sent)
        except ChannelClosed:
            raise StudentGone("the student's kernel has ended") from None
        except Unsendable as error:
            raise CannotCross(f"an argument cannot be sent: {error}") from None
        except ChannelError as error:
            raise CannotCross(f"the answer is not data: {error}") from None

    def _result(self, message: dict, buffers: list[bytes], sent: Seen) -> Any:
        __tracebackhide__ = True
        decoder = Decoder(buffers, self._stand_in, self._find, sent)
        if "error" in message:
            raise _exception(message["error"])
        for index, state in _pairs(message.get("generators")):
            decoder.set_state(sent.generators[index], state)
        for index, buffer in _pairs(message.get("arrays")):
            _overwrite(sent.arrays[index], buffers[buffer])
        for index, content in _pairs(message.get("containers")):
            _refill(sent.containers[index], decoder.decode(content))
        return decoder.decode(message.get("ok"))

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
            decoder = Decoder(buffers, self._stand_in, self._find)
            operands, args = map(decoder.items, message["body"][:2])
            kwargs = decoder.mapping(message["body"][2])
            before = [_snapshot(c) for c in decoder.seen.containers]
            states = [g.bit_generator.state for g in decoder.seen.generators]
            value = self.handle(message["op"], operands, args, kwargs)
            encoder = Encoder(self._describe, decoder.seen)
            reply = {"ok": encoder.encode(value)}
            reply |= _changes(decoder, encoder, before, states)
            out = encoder.buffers
        except BaseException as error:
            out = []
            reply = {"error": _describe_error(error)}
        finally:
            self._depth -= 1
        try:
            self.channel.send({"a": message["q"], **reply}, out)
        except Unsendable as error:
            refused = _describe_error(CannotCross(f"the result cannot be sent: {error}"))
            self.channel.send({"a": message["q"], "error": refused})

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
        function = inspect.isroutine(value)
        name = getattr(value, "__name__", None) or type(value).__name__
        described = {"id": number, "kind": "function" if function else "object", "name": str(name)}
        if function:
            described["parameters"] = _parameters(value)
        return described

    def _stand_in(self, description: dict) -> Away:
        if type(description.get("id")) is not int:
            raise CannotCross("not the description of a function or object")
        return Away(self, description)

    def _find(self, number: Any) -> Any:
        if type(number) is not int or number not in self._lent:
            raise CannotCross("no such function or object here")
        return self._lent[number]


def _pairs(value: Any) -> list:
    pairs = value or []
    if not all(isinstance(p, list) and len(p) == 2 and type(p[0]) is int for p in pairs):
        raise CannotCross("not a list of changes")
    return pairs


def _snapshot(container: Any) -> list:
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
        new = _snapshot(container)
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


def _refill(container: Any, content: Any) -> None:
    if isinstance(container, dict) and isinstance(content, dict):
        container.clear()
        container.update(content)
    elif isinstance(container, list) and isinstance(content, list):
        container[:] = content
    else:
        raise CannotCross("a changed argument has another type")


def _parameters(function: Any) -> list:
    try:
        parameters = inspect.signature(function).parameters.values()
        return [[p.name, int(p.kind), p.default is not p.empty] for p in parameters]
    except (TypeError, ValueError):
        return [["args", int(inspect.Parameter.VAR_POSITIONAL), False]]


def _signature(parameters: list) -> inspect.Signature:
    return inspect.Signature(
        [
            inspect.Parameter(
                name, inspect._ParameterKind(kind), default=... if has else inspect.Parameter.empty
            )
            for name, kind, has in parameters[:100]
        ]
    )


def _describe_error(error: BaseException) -> dict:
    with contextlib.suppress(BaseException):
        described: dict[str, Any] = {
            "name": type(error).__name__[:200],
            "text": str(error)[:_MAX_TEXT],
        }
        if type(error).__module__ == "optedu.exercise.errors":
            for part in ("kind", "message", "line", "source"):
                described[part] = getattr(error, part)
        return described
    return {"name": "StudentError", "text": "(an exception that cannot be shown)"}


def _exception(description: Any) -> Exception:
    if isinstance(description, dict) and "kind" in description:
        return _student_error(description)
    name, text = "StudentError", ""
    if isinstance(description, dict):
        name, text = str(description.get("name"))[:200], str(description.get("text"))[:_MAX_TEXT]
    if name == "KeyboardInterrupt":
        return TimeoutError("the student's code did not finish in time")
    if name == "CannotCross":
        return CannotCross(text)
    if name == "LinAlgError":
        return np.linalg.LinAlgError(text)
    known = getattr(builtins, name, None)
    special = (StopIteration, StopAsyncIteration, UnicodeError, ImportError)
    if isinstance(known, type) and issubclass(known, Exception) and not issubclass(known, special):
        with contextlib.suppress(Exception):
            return known(text)
    if not name.isidentifier():
        name = "StudentError"
    return type(name, (StudentError,), {})(text)


def _student_error(description: dict) -> Exception:
    """What `optedu.check` quotes: the exception, and the student's line that raised it."""
    from optedu.exercise.errors import StudentError as Raised

    kind, message, source = (
        str(description.get(key) or "")[:_MAX_TEXT] for key in ("kind", "message", "source")
    )
    line = description.get("line")
    if kind == "KeyboardInterrupt":
        return TimeoutError("the student's code did not finish in time")
    return Raised(kind, message, line if type(line) is int else None, source)
