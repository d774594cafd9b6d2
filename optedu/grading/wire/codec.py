r"""Values as JSON and raw bytes, and back, with nothing that could run on arrival.

Plain JSON stands for ``None``, ``bool``, ``int``, ``float``, ``str`` and ``list``. Everything else
is an object with a one-letter tag ``t``:

=====  ==================================================================================
``t``  ``tuple``; ``d`` ``dict``; ``s`` ``set``; ``c`` ``complex``; ``b`` ``bytes``
``a``  NumPy array: dtype string, shape, raw bytes (never an object array, never a pickle)
``g``  NumPy scalar; ``p`` a type by name; ``n`` an array namespace by name
``y``  SymPy expression, as ``srepr`` text for :mod:`.expression`
``r``  NumPy random generator, by its state; ``i`` slice; ``j`` range; ``e`` Ellipsis
``I``  an integer of more than 64 bits, in hexadecimal
``v``  an array that shares memory with an argument; ``k`` a container that is an argument
``h``  something of the sender's that stays there (a function, an object); ``o`` one that
       stays with the receiver
``x``  pandas (:mod:`.frames`); the other letters are in :mod:`.library`
=====  ==================================================================================

Decoding makes exactly these types, and never runs what a student has written: an object whose
``==`` always answers ``True`` arrives as the number that it is made of, or not at all.
"""

from __future__ import annotations

import importlib
import sys
from collections import UserDict, UserList, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np

from optedu.grading.wire import expression, frames, kinds, library
from optedu.grading.wire.kinds import CannotCross

__all__ = ["CannotCross", "Decoder", "Encoder", "Seen", "dtype_of", "shape_of"]

MAX_DEPTH = 50
MAX_ITEMS = 1_000_000
_MOST = 8_000_000  # with plain numbers, which take two characters of a message's 16 MB at least
_KINDS = "biufcSUmM"
_KNOWN_DTYPES = {np.dtype(c).str: np.dtype(c) for c in "?bBhHiIlLefdFD"}
_AS_THEY_ARE = frozenset({type(None), bool, float, str})
_WORD = 1 << 63  # JSON's reader refuses integers of more than 4,300 digits
_TYPES: dict[str, type] = {
    t.__name__: t for t in (bool, int, float, complex, str, bytes, list, tuple, dict, set)
}
_SCALARS: dict[str, type] = {
    name: getattr(np, name)
    for name in ("bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
                 "float16", "float32", "float64", "complex64", "complex128")
}  # fmt: skip
_NAMESPACES = ("numpy", "array_api_strict", "cupy", "array_api_compat.numpy",
               "array_api_compat.cupy")  # fmt: skip
MODULES = frozenset(_NAMESPACES) | {
    "math", "cmath", "random", "itertools", "functools", "collections", "statistics",
    "numpy.linalg", "numpy.random", "numpy.testing", "sympy", "scipy", "scipy.optimize",
    "scipy.linalg", "scipy.stats", "matplotlib", "matplotlib.pyplot", "pandas", "optedu",
}  # fmt: skip
# What else may cross as a module: it is what it is in both kernels.
_LIBRARIES = {"numpy", "scipy", "sympy", "matplotlib", "pandas", "sklearn", "networkx", "seaborn"}
_STDLIB = {
    "abc", "array", "bisect", "calendar", "cmath", "collections", "contextlib", "copy", "csv",
    "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "heapq", "itertools",
    "json", "math", "numbers", "operator", "posixpath", "random", "re", "statistics", "string",
    "textwrap", "time", "types", "typing", "unicodedata",
}  # fmt: skip


@dataclass
class Seen:
    """Mutable things of a call's arguments, in the order in which they were met."""

    arrays: list[Any] = field(default_factory=list)
    containers: list[Any] = field(default_factory=list)
    generators: list[np.random.Generator] = field(default_factory=list)
    frames: list[Any] = field(default_factory=list)


class Encoder:
    r"""Encodes one message.

    Parameters
    ----------
    keep : callable, optional
        ``keep(value) -> dict`` describes a value that stays here (``id`` and what the receiver
        should know); it raises :class:`CannotCross` for one that may not be named.
    arguments : Seen, optional
        What the peer sent, so that an array or container among it is named, not copied.
    """

    def __init__(self, keep: Callable[[Any], dict] | None = None, arguments: Seen | None = None):
        self.buffers: list[bytes] = []
        self.seen = Seen()
        self.lost: set[str] = set()  # attributes that what crosses has no more
        self._keep = keep
        self._arguments = arguments or Seen()
        self._places = {id(array): i for i, array in enumerate(self._arguments.arrays)}
        self._items = 0

    def encode(self, value: Any, depth: int = 0) -> Any:
        kind = type(value)
        if kind in _AS_THEY_ARE:  # not their subclasses: those are made plain below
            return value
        if kind is int:
            return value if -_WORD < value < _WORD else {"t": "I", "v": hex(value)}
        self._items += 1
        if depth > MAX_DEPTH or self._items > MAX_ITEMS:
            raise CannotCross("the value is nested too deeply or has too many parts")
        if (write := _WRITERS.get(kind)) is not None:  # most of what crosses
            return write(self, value, depth)
        # Before anything that asks for its class: that may be one of the other side.
        if (away := getattr(kind, "_optedu_away", None)) is not None:
            return {"t": "o", "i": away(value)}
        if (found := library.write(self, value, depth)) is not None:
            return found
        if (found := frames.write(self, value, depth)) is not None:
            return found
        if self._keep is not None and self._stays(kind):
            return {"t": "h", **self._keep(value)}
        if kind.__module__ == "__main__":  # a number or text, of which the methods stay here
            self.lost |= {name for name in vars(kind) if not name.startswith("_")}
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return self._scalar(value)
        if isinstance(value, int):
            return self.encode(int(value), depth)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, list | dict | deque | bytearray):
            return self._container(value, depth)
        if isinstance(value, MappingProxyType | UserDict) or _is_mapping(value):
            return self._container(dict(value), depth)
        if isinstance(value, UserList):
            return self._container(list(value), depth)
        if isinstance(value, tuple):
            return self._tuple(value, depth)
        if isinstance(value, set):
            return self._container(value, depth)
        if isinstance(value, frozenset):
            return {"t": "s", "f": 1, "v": [self.encode(v, depth + 1) for v in value]}
        if isinstance(value, complex):
            return {"t": "c", "v": [value.real, value.imag]}
        if isinstance(value, bytes):
            return {"t": "b", "i": self._buffer(bytes(value))}
        if isinstance(value, ModuleType):
            return self._module(value, depth)
        if isinstance(value, slice):
            parts = (value.start, value.stop, value.step)
            return {"t": "i", "v": [self.encode(v, depth + 1) for v in parts]}
        if isinstance(value, range):
            return {"t": "j", "v": [value.start, value.stop, value.step]}
        if value is Ellipsis:
            return {"t": "e"}
        if kind is type:
            name = value.__name__
            if _TYPES.get(name) is value or _SCALARS.get(name) is value:
                return {"t": "p", "v": name}
        if isinstance(value, np.dtype):
            return {"t": "q", "v": _dtype_name(value)}
        if isinstance(value, np.random.Generator):
            return self._generator(value)
        if expression.is_expression(value):
            return {"t": "y", "v": expression.write(value)}
        if hasattr(kind, "__array_namespace__"):
            return self._foreign(value)
        if self._keep is not None:
            return {"t": "h", **self._keep(value)}
        raise CannotCross(f"a value of type {kind.__name__} is not data and cannot cross")

    def _count(self, parts: int) -> None:
        # Before they are written: fifty million zeros take seconds, and gigabytes.
        self._items += parts
        if self._items > _MOST:
            raise CannotCross("the value has too many parts")

    def _stays(self, kind: type) -> bool:
        """Whether this is a container, made by the notebook, that is more than what it holds."""
        base = next((b for b in (list, dict, set, deque) if issubclass(kind, b)), None)
        return base is not None and library.is_class_of_its_own(kind, base)

    def array(self, value: np.ndarray) -> dict:
        """An array that is a part of something else."""
        return {"t": "a", "d": _dtype_name(value.dtype), "s": list(value.shape),
                "i": self._buffer(value.tobytes()), "w": True, "u": 1}  # fmt: skip

    def items(self, value: Any, depth: int = 0) -> Any:
        """The contents of a container."""
        self._count(len(value))
        depth += 1
        if isinstance(value, dict):
            pairs = [[self.encode(k, depth), self.encode(v, depth)]
                     for k, v in dict.items(value)]  # fmt: skip
            return {"t": "d", "v": pairs}
        each = list.__iter__(value) if isinstance(value, list) else iter(value)
        return [self.encode(v, depth) for v in each]

    def _container(self, value: Any, depth: int) -> Any:
        for index, container in enumerate(self._arguments.containers):
            if container is value:
                return {"t": "k", "i": index}
        self.seen.containers.append(value)
        if isinstance(value, bytearray):
            return {"t": "B", "i": self._buffer(bytes(value))}
        content = self.items(value, depth)
        if isinstance(value, dict):
            name = library.mapping_name(type(value)) if type(value) is not dict else None
            factory = library.default_factory(value)
            if name or factory:
                content["c"] = name or f"default:{factory}"
        elif isinstance(value, set):
            return {"t": "s", "v": content}
        elif isinstance(value, deque):
            return {"t": "Q", "v": content, "m": value.maxlen}
        return content

    def _tuple(self, value: tuple, depth: int) -> dict:
        self._count(len(value))
        return {"t": "t", "v": [self.encode(v, depth + 1) for v in value]}

    def _module(self, value: ModuleType, depth: int = 0) -> dict:
        name = value.__name__
        if _may_cross(name) and sys.modules.get(name) is value:
            return {"t": "n", "v": name}
        if self._keep is not None:  # a file of the notebook's folder
            return {"t": "h", **self._keep(value)}
        raise CannotCross(f"the module {value.__name__} cannot cross between the kernels")

    def _buffer(self, data: bytes) -> int:
        self.buffers.append(data)
        return len(self.buffers) - 1

    def _array(self, value: np.ndarray, depth: int = 0) -> dict:
        plain = value if type(value) is np.ndarray else np.ndarray.view(value, np.ndarray)
        if plain.dtype.kind not in _KINDS or plain.dtype.fields:
            raise CannotCross(f"an array of dtype {plain.dtype} cannot cross; use numbers")
        if (view := self._view(plain, value)) is not None:
            return view
        self.seen.arrays.append(value)
        return {
            "t": "a", "d": _dtype_name(plain.dtype), "s": list(plain.shape),
            "i": self._buffer(plain.tobytes()), "w": bool(plain.flags.writeable),
        }  # fmt: skip

    def _view(self, plain: np.ndarray, value: np.ndarray) -> dict | None:
        if (index := self._places.get(id(value))) is not None:
            return {"t": "v", "i": index, "whole": True}
        if plain.base is None:  # it owns its memory, and so does every argument
            return None
        for index, argument in enumerate(self._arguments.arrays):
            if not isinstance(argument, np.ndarray):
                continue
            if argument.size and plain.size and np.may_share_memory(plain, argument):
                start, end = np.lib.array_utils.byte_bounds(plain)
                low, high = np.lib.array_utils.byte_bounds(argument)
                if low <= start and end <= high and argument.flags.c_contiguous:
                    here = plain.__array_interface__["data"][0]
                    return {
                        "t": "v", "i": index, "whole": False, "at": here - low,
                        "d": _dtype_name(plain.dtype), "s": list(plain.shape),
                        "st": list(plain.strides),
                    }  # fmt: skip
        return None

    def _scalar(self, value: np.generic, depth: int = 0) -> dict:
        if value.dtype.kind not in _KINDS or value.dtype.fields:
            raise CannotCross(f"a scalar of dtype {value.dtype} cannot cross; use a number")
        return {"t": "g", "d": _dtype_name(value.dtype), "v": value.tobytes().hex()}

    def _generator(self, value: np.random.Generator) -> dict:
        self.seen.generators.append(value)
        return {"t": "r", "v": self.state(value)}

    def state(self, generator: np.random.Generator) -> Any:
        """The state of a random generator (PCG64 only, which is NumPy's default)."""
        state = generator.bit_generator.state
        if state.get("bit_generator") != "PCG64":
            raise CannotCross("only NumPy's default random generator (PCG64) can cross")
        return [state["state"]["state"], state["state"]["inc"], state["has_uint32"],
                state["uinteger"]]  # fmt: skip

    def _foreign(self, value: Any) -> dict:
        name = value.__array_namespace__().__name__
        if name not in _NAMESPACES:
            raise CannotCross(f"an array of {name} cannot cross")
        encoded = self._array(np.array(np.asarray(value)))
        self.seen.arrays[-1] = value
        return {**encoded, "n": name}


_WRITERS: dict[type, Callable[[Encoder, Any, int], Any]] = {
    np.ndarray: Encoder._array,
    np.float64: Encoder._scalar,
    list: Encoder._container,
    dict: Encoder._container,
    tuple: Encoder._tuple,
    ModuleType: Encoder._module,
}


class Decoder:
    r"""Decodes one message; raises :class:`CannotCross` for what is not an encoding.

    Parameters
    ----------
    buffers : list of bytes
        The message's buffers.
    remote : callable, optional
        ``remote(description) -> value`` stands in for a thing that stayed with the sender.
    local : callable, optional
        ``local(id) -> value`` finds a thing that stayed here.
    arguments : Seen, optional
        What this side sent in the call that this message answers.
    resolve : callable, optional
        ``resolve(name) -> class or None``: the class of that name here.
    """

    def __init__(
        self,
        buffers: list[bytes],
        remote: Callable[[dict], Any] | None = None,
        local: Callable[[Any], Any] | None = None,
        arguments: Seen | None = None,
        resolve: Callable[[Any], type | None] = lambda name: kinds.resolve(name, {}),
    ):
        self.resolve = resolve
        self._buffers = buffers
        self._remote, self._local = remote, local
        self._arguments = arguments or Seen()
        self._items = 0
        self.seen = Seen()
        self.originals: list[bytes] = []

    def decode(self, message: Any, depth: int = 0) -> Any:
        if type(message) in _AS_THEY_ARE or type(message) is int:
            return message
        self._items += 1
        if depth > MAX_DEPTH or self._items > MAX_ITEMS:
            raise CannotCross("the message is nested too deeply or has too many parts")
        if isinstance(message, list):
            filled: list = []
            self.seen.containers.append(filled)  # before what it holds, as the encoder counts
            filled += self.items(message, depth)
            return filled
        try:
            if (read := _READERS.get(message["t"])) is not None:  # most of what crosses
                return read(self, message, depth)
            return self._tagged(message, depth)
        except CannotCross:
            raise
        except Exception as error:
            raise CannotCross(f"the message cannot be read: {error}") from None

    def items(self, message: Any, depth: int = 0) -> list:
        """The contents of a list that is itself no argument."""
        if not isinstance(message, list):
            raise CannotCross("not a list")
        self._items += len(message)
        depth += 1
        return [self.decode(v, depth) for v in message]

    def mapping(self, message: Any, depth: int = 0) -> dict:
        """The contents of a dict that is itself no argument."""
        if not isinstance(message, dict) or message.get("t") != "d":
            raise CannotCross("not a dict")
        return self._pairs({}, message, depth)

    def _dict(self, message: dict, depth: int) -> dict:
        filled: dict = library.mapping_class(message["c"])() if "c" in message else {}
        self.seen.containers.append(filled)
        return self._pairs(filled, message, depth)

    def _pairs(self, filled: dict, message: dict, depth: int) -> dict:
        pairs = message["v"]
        self._items += len(pairs)
        depth += 1
        for key, value in pairs:
            filled[self.decode(key, depth)] = self.decode(value, depth)
        return filled

    def _tuple(self, message: dict, depth: int) -> tuple:
        return tuple(self.items(message["v"], depth))

    def _scalar(self, message: dict, depth: int) -> Any:
        return np.frombuffer(bytes.fromhex(message["v"]), dtype_of(message["d"]), count=1)[0]

    def _tagged(self, message: dict, depth: int) -> Any:
        tag = message["t"]
        match tag:
            case "s":
                return self._set(message, depth)
            case "I":
                return int(message["v"], 16)
            case "c":
                return complex(float(message["v"][0]), float(message["v"][1]))
            case "b":
                return self.buffer(message["i"])
            case "y":
                return expression.read(message["v"])
            case "n":
                return _module(message["v"])
            case "p":
                return _TYPES.get(message["v"]) or _SCALARS[message["v"]]
            case "q":
                return dtype_of(message["v"])
            case "r":
                generator = np.random.default_rng(0)
                self.set_state(generator, message["v"])
                self.seen.generators.append(generator)
                return generator
            case "i":
                return slice(*self.items(message["v"], depth))
            case "j":
                return range(*(int(v) for v in message["v"]))
            case "e":
                return Ellipsis
            case "v":
                return self._view(message)
            case "k":
                return self._arguments.containers[_index(message["i"])]
            case "h" if self._remote is not None:
                return self._remote(message)
            case "o" if self._local is not None:
                return self._local(message["i"])
            case "x":
                return frames.read(self, message, depth)
        return library.read(self, message, depth)

    def _set(self, message: dict, depth: int) -> set | frozenset:
        if message.get("f"):
            return frozenset(self.items(message["v"], depth))
        filled: set = set()
        self.seen.containers.append(filled)
        filled.update(self.items(message["v"], depth))
        return filled

    def buffer(self, index: Any) -> bytes:
        """The raw bytes of that number."""
        return self._buffers[_index(index)]

    def _array(self, message: dict, depth: int) -> Any:
        data = self.buffer(message["i"])
        array = np.frombuffer(data, dtype_of(message["d"])).reshape(shape_of(message["s"])).copy()
        if message.get("n"):
            if message["n"] not in _NAMESPACES:
                raise CannotCross(f"unknown array namespace {message['n']!r}")
            array = _module(message["n"]).asarray(array)
        elif not message["w"]:
            array.flags.writeable = False
        if message.get("u"):  # a part of something else, which is compared as a whole
            return array
        self.seen.arrays.append(array)
        self.originals.append(data)
        return array

    def _view(self, message: dict) -> Any:
        array = self._arguments.arrays[_index(message["i"])]
        if message["whole"]:
            return array
        # NumPy checks that offset, shape and strides stay inside the buffer.
        return np.ndarray(
            shape_of(message["s"]), dtype_of(message["d"]), buffer=array.reshape(-1).view(np.uint8),
            offset=_index(message["at"]), strides=tuple(int(s) for s in message["st"]),
        )  # fmt: skip

    def set_state(self, generator: np.random.Generator, state: Any) -> None:
        value, increment, has, uinteger = (int(v) for v in state)
        generator.bit_generator.state = {
            "bit_generator": "PCG64", "state": {"state": value, "inc": increment},
            "has_uint32": has, "uinteger": uinteger,
        }  # fmt: skip


_READERS: dict[Any, Callable[[Decoder, dict, int], Any]] = {
    "a": Decoder._array,
    "d": Decoder._dict,
    "g": Decoder._scalar,
    "t": Decoder._tuple,
}


def _index(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise CannotCross("not an index")
    return value


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape that a message gives."""
    shape = tuple(_index(v) for v in value)
    if len(shape) > 32:
        raise CannotCross("too many axes")
    return shape


def _dtype_name(dtype: np.dtype) -> str:
    return dtype.str


def dtype_of(name: Any) -> np.dtype:
    """The dtype of that name, of numbers or text."""
    if type(name) is str and (known := _KNOWN_DTYPES.get(name)) is not None:
        return known
    if not isinstance(name, str) or len(name) > 20:
        raise CannotCross("not a dtype")
    dtype = np.dtype(name)
    if dtype.kind not in _KINDS or dtype.fields or dtype.subdtype or dtype.hasobject:
        raise CannotCross(f"arrays of dtype {name} cannot cross")
    return dtype


def _may_cross(name: str) -> bool:
    top = name.partition(".")[0]
    if name in MODULES:
        return True
    parts = name.split(".")
    return (
        (top in _LIBRARIES or top in _STDLIB)
        and not any(part.startswith("_") and part != "_" for part in parts)
        and all(part.isidentifier() for part in parts)
        and not {"conftest", "tests", "testing", "__main__"} & set(parts)
    )


def _is_mapping(value: Any) -> bool:
    """A mapping of a library, which is what it holds; one that a notebook has made stays there."""
    return type(value).__module__ != "__main__" and isinstance(value, Mapping)


def _module(name: Any) -> ModuleType:
    if not isinstance(name, str) or not _may_cross(name):
        raise CannotCross(f"the module {name!r} cannot cross")
    return sys.modules.get(name) or importlib.import_module(name)
