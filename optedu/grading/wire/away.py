r"""Stand-ins: what one kernel has of a function, a class or an object that stays in the other."""

from __future__ import annotations

import contextlib
import inspect
import types
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from optedu.grading.wire import kinds
from optedu.grading.wire.kinds import CannotCross

if TYPE_CHECKING:
    from optedu.grading.wire.peer import Peer

__all__ = ["Away", "CannotJudge", "stand_in"]

_KINDS = ("function", "class", "object")
# What a function or an object says of itself, and is plain data.
_OPEN = {
    "__dict__", "__doc__", "__defaults__", "__kwdefaults__", "__annotations__", "__module__",
}  # fmt: skip
_LOST = {"__code__", "__closure__", "__globals__"}


class CannotJudge(BaseException):
    """A test does with a stand-in what cannot be done: neither the student's fault nor merit.

    It is no `Exception`, so that no ``except`` of a test takes it for the student's. Each that is
    made is remembered, whatever a test makes of it.
    """

    made: ClassVar[list[str]] = []

    def __init__(self, what: str):
        super().__init__(f"{what} cannot be judged in two kernels")
        self.made.append(what)


def _refusing(operator: str) -> Any:
    def method(self: Away, *others: Any) -> Any:
        same = len(others) == 1 and is_away(others[0]) and others[0]._number == self._number
        if operator in ("==", "!="):
            if same or self._kind != "object" or self._identity or others[0] is None:
                return same == (operator == "==")
        elif self._kind == "function":
            return NotImplemented
        self._peer.refuse(f"'{operator}' of the student's {self._kind} {self._name}")
        return NotImplemented

    return method


_OPERATORS = {
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "add": "+", "sub": "-",
    "mul": "*", "matmul": "@", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>",
}  # fmt: skip


def is_away(value: Any) -> bool:
    """Whether this is a stand-in; what it says of its class may be the class of the other side."""
    return issubclass(type(value), Away)


class Away:
    """Stands for a function, a class or an object that stays in the other kernel.

    It has the special methods that the other side's has: those whose result is data or another
    stand-in are asked for. Functions, and the same object twice, are equal or not; other
    comparisons and operators are :meth:`refused <Peer.refuse>`: an object that equals everything
    would earn everything.
    """

    __slots__ = ("_bases", "_identity", "_kind", "_name", "_number", "_peer", "_said")

    for _name, _sign in _OPERATORS.items():
        vars()[f"__{_name}__"] = _refusing(_sign)
        if _name not in ("eq", "ne", "lt", "le", "gt", "ge"):
            vars()[f"__r{_name}__"] = _refusing(_sign)
    del _name, _sign

    def __hash__(self) -> int:
        return hash((id(self._peer), self._number))

    def __init__(self, peer: Peer, description: dict):
        put = object.__setattr__
        kind = description.get("kind")
        put(self, "_peer", peer)
        put(self, "_number", description["id"])
        put(self, "_kind", kind if kind in _KINDS else "object")
        put(self, "_name", str(description.get("name"))[:200])
        put(self, "_identity", description.get("identity") is True)
        put(self, "_said", description)
        known = (peer.resolve(name) for name in _listed(description.get("of")))
        put(self, "_bases", tuple(base for base in known if base is not None))

    @staticmethod
    def _optedu_away(value: Away) -> int:
        return value._number

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What `isinstance` goes by: the nearest class that both kernels know."""
        if self._kind == "function":
            return types.FunctionType
        if self._kind == "class" or not self._bases:
            return type(self)
        first = self._bases[0]
        if not all(issubclass(first, base) for base in self._bases):
            self._peer.refuse(f"the class of the student's object {self._name}")
        return first

    def __reduce_ex__(self, protocol: Any) -> Any:
        self._peer.refuse(f"a copy of the student's {self._kind} {self._name}")
        raise TypeError(f"{self._name} stays in the other kernel")

    def __repr__(self) -> str:
        return f"<{self._kind} {self._name} of the other kernel>"

    def __bool__(self) -> bool:
        if "__len__" in self._can():
            return len(self) > 0
        return True  # as everything that does not say otherwise; what does is refused

    def _can(self) -> list[str]:
        return _listed(self._said.get("can"))

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
            return self._special(name)
        return self._peer.request("getattr", self, name)

    def _special(self, name: str) -> Any:
        if self._kind != "object":
            if name in ("__name__", "__qualname__"):
                return self._name
            if name == "__signature__" and "parameters" in self._said:
                return _signature(self._peer, self._said["parameters"], self._said.get("defaults"))
        if self._kind == "class" and name == "__bases__":
            return self._bases
        if name in _OPEN:
            return self._peer.request("getattr", self, name)
        if name in _LOST and self._kind == "function":
            self._peer.refuse(f"'{name}' of the student's function {self._name}")
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        __tracebackhide__ = True
        self._peer.request("setattr", self, name, value)

    def __delattr__(self, name: str) -> None:
        self._peer.refuse(f"'del' of an attribute of the student's {self._kind} {self._name}")
        raise AttributeError(name)

    def __dir__(self) -> list[str]:
        return [name for name in _listed(self._peer.request("dir", self)) if type(name) is str]


def _call(self: Away, *args: Any, **kwargs: Any) -> Any:
    __tracebackhide__ = True
    return self._peer.request("call", self, args=args, kwargs=kwargs)


def _asking(op: str, kind: type | None = None) -> Any:
    def method(self: Away, *operands: Any) -> Any:
        __tracebackhide__ = True
        answer = self._peer.request(op, self, *operands)
        if kind is not None and type(answer) is not kind:
            raise TypeError(f"{op}() of {self._name} is not {kind.__name__}")
        return answer

    return method


def _iter(self: Away) -> Any:
    return self if "__next__" in self._can() else _stream(self)


def _stream(self: Away) -> Any:
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


def _next(self: Away) -> Any:
    __tracebackhide__ = True
    found = self._peer.request("next", self)
    if not isinstance(found, tuple) or len(found) != 1:
        raise StopIteration
    return found[0]


def _refusing_special(what: str) -> Any:
    def method(self: Away, *_: Any, **__: Any) -> Any:
        self._peer.refuse(f"{what} of the student's {self._kind} {self._name}")
        raise TypeError(f"{what} of {self._name} is not known here")

    return method


def _doc(self: Away) -> Any:
    try:
        return self._peer.request("getattr", self, "__doc__")
    except PermissionError:  # a thing of the checks, in the student's kernel
        return None


def _instancecheck(self: Away, value: Any) -> bool:
    return self._peer.request("isinstance", self, value) is True


def _subclasscheck(self: Away, value: Any) -> bool:
    return is_away(value) and self._peer.request("issubclass", self, value) is True


_KIND_OF = {"len": int, "str": str, "repr": str, "format": str, "float": float, "int": int,
            "complex": complex, "index": int}  # fmt: skip
_METHODS: dict[str, Any] = {
    name: _asking(op, _KIND_OF.get(op)) for name, op in kinds.ASKED.items()
} | {name: _refusing_special(what) for name, what in kinds.REFUSED.items()}
_METHODS |= {"__call__": _call, "__iter__": _iter, "__next__": _next}


@lru_cache(maxsize=256)
def _class(name: str, kind: str, can: frozenset[str]) -> type[Away]:
    body = {method: made for method, made in _METHODS.items() if method in can}
    if kind != "object":
        body["__call__"] = _call
    if kind == "class":
        body |= {"__instancecheck__": _instancecheck, "__subclasscheck__": _subclasscheck}
    if "unhashable" in can:
        body["__hash__"] = None
    elif "__hash__" not in body:
        body["__hash__"] = Away.__hash__
    body["__slots__"] = ()
    body["__doc__"] = property(_doc)
    return type(name if name.isidentifier() else "Away", (Away,), body)


def stand_in(peer: Peer, description: dict) -> Away:
    """A stand-in with the special methods that the description names."""
    kind = description.get("kind")
    if kind == "function":
        return _class("Away", "function", frozenset())(peer, description)
    can = frozenset(name for name in _listed(description.get("can")) if type(name) is str)
    return _class(str(description.get("name"))[:200], str(kind), can)(peer, description)


def member(peer: Peer, description: dict) -> Any:
    """The member of an enumeration that both kernels know; None for anything else."""
    said = description.get("member")
    if not isinstance(said, list) or len(said) != 2 or type(said[1]) is not str:
        return None
    kind = peer.resolve(said[0])
    if kind is None or not issubclass(kind, Enum):
        return None
    return kind.__members__.get(said[1])


def _listed(value: Any) -> list:
    return value[:100] if isinstance(value, list) else []


class _Unknown:
    """The default of a parameter that is no plain data."""

    def __init__(self, peer: Peer, name: str):
        self._peer, self._name = peer, name

    def __eq__(self, other: object) -> bool:
        self._peer.refuse(f"the default of the parameter {self._name}")
        return False

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "..."


def _signature(peer: Peer, parameters: Any, defaults: Any) -> inspect.Signature:
    known = defaults if isinstance(defaults, dict) else {}
    made = []
    for name, kind, has in parameters[:100]:
        default: Any = inspect.Parameter.empty
        if has:
            default = known[name] if name in known else _Unknown(peer, name)
        made.append(inspect.Parameter(name, inspect._ParameterKind(kind), default=default))
    return inspect.Signature(made)


def described(value: Any, number: int) -> dict[str, Any]:
    """What the other side may know of a thing that stays here."""
    kind = "class" if isinstance(value, type) else "object"
    if inspect.isroutine(value):
        kind = "function"
    name = getattr(value, "__name__", None) or type(value).__name__
    said: dict[str, Any] = {"id": number, "kind": kind, "name": str(name)}
    if kind != "object":
        said["parameters"], said["defaults"] = _parameters(value)
    if kind != "function":
        said["of"] = kinds.lineage(value if kind == "class" else type(value))
        with contextlib.suppress(Exception):
            said["can"] = kinds.specials(value)
    # Members of an enumeration are equal where they are the same, and nowhere else.
    if kind == "object" and isinstance(value, Enum):
        said["identity"] = type(value).__eq__ is object.__eq__
        said["member"] = [kinds.lineage(type(value))[0], value.name]
    return said


def _parameters(function: Any) -> tuple[list, dict[str, Any]]:
    try:
        parameters = inspect.signature(function).parameters.values()
        made = [[p.name, int(p.kind), p.default is not p.empty] for p in parameters]
    except (TypeError, ValueError):
        return [["args", int(inspect.Parameter.VAR_POSITIONAL), False]], {}
    plain = (type(None), bool, int, float, str)
    small = {
        p.name: p.default for p in parameters
        if type(p.default) in plain and abs(hash(p.default)) < 1 << 62
    }  # fmt: skip
    return made, small
