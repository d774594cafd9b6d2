r"""Values of the standard library and of SciPy that are data, each as what it is.

=====  ==================================================================================
``t``  ``F`` fraction; ``D`` decimal; ``T`` date, time or duration; ``P`` path
``N``  named tuple, with its field names
``Q``  deque; ``B`` bytearray; ``m`` sparse matrix, by its coordinates
=====  ==================================================================================

Dictionaries of known classes (`Counter`, SciPy's `OptimizeResult`, ...) are dictionaries (``d``)
that name their class with ``c``.
"""

from __future__ import annotations

import datetime
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from importlib import import_module
from keyword import iskeyword
from operator import itemgetter
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from optedu.grading.wire import kinds

if TYPE_CHECKING:
    from optedu.grading.wire.codec import Decoder, Encoder

__all__ = ["NotData", "is_class_of_its_own", "mapping_class", "mapping_name", "read", "write"]

_DATES: dict[str, Any] = {
    "date": datetime.date,
    "time": datetime.time,
    "datetime": datetime.datetime,
}
_FACTORIES = {t.__name__: t for t in (int, float, list, dict, set, str, tuple)}
_RESULTS = {"OptimizeResult": "scipy.optimize", "Bunch": "sklearn.utils"}
_SPARSE = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")


class NotData(Exception):
    """What arrived is not the encoding of such a value."""


def is_class_of_its_own(kind: type, base: type) -> bool:
    """Whether a notebook has made this kind of ``base`` and given it methods: then it stays."""
    return kind.__module__ == "__main__" and any(
        not name.startswith("_") and (callable(value) or isinstance(value, property))
        for each in kind.__mro__[: kind.__mro__.index(base)]
        if each.__module__ == "__main__"
        for name, value in vars(each).items()
    )


def write(encoder: Encoder, value: Any, depth: int) -> dict[str, Any] | None:
    """The message for a value of one of these kinds, None for another."""
    kind = type(value)
    if kind is Fraction:
        return {"t": "F", "v": [encoder.encode(value.numerator), encoder.encode(value.denominator)]}
    if kind is Decimal:
        return {"t": "D", "v": str(value)}
    if kind in _DATES.values():
        return {
            "t": "T",
            "k": kind.__name__,
            "v": value.isoformat(),
            "f": getattr(value, "fold", 0),
        }
    if kind is datetime.timedelta:
        return {"t": "T", "k": "timedelta", "v": [value.days, value.seconds, value.microseconds]}
    if isinstance(value, PurePath) and kind.__module__ == "pathlib":
        return {"t": "P", "v": str(value)}
    if isinstance(value, tuple) and isinstance(fields := getattr(kind, "_fields", None), tuple):
        return _write_record(encoder, value, fields, depth)
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(value):
        return _write_sparse(encoder, value, depth)
    return None


def read(decoder: Decoder, message: dict, depth: int) -> Any:
    """The value of a message that :func:`write` made.

    Raises
    ------
    NotData
        When it is none.
    """
    reader = _READERS.get(message["t"])
    if reader is None:
        raise NotData(f"a message with the tag {message['t']!r} cannot be read here")
    return reader(decoder, message, depth)


def _read_fraction(decoder: Decoder, message: dict, depth: int) -> Fraction:
    return Fraction(*(int(decoder.decode(v)) for v in message["v"]))


def _read_decimal(decoder: Decoder, message: dict, depth: int) -> Decimal:
    return Decimal(str(message["v"])[:5000])


def _read_date(decoder: Decoder, message: dict, depth: int) -> Any:
    if message["k"] == "timedelta":
        days, seconds, microseconds = (int(v) for v in message["v"])
        return datetime.timedelta(days, seconds, microseconds)
    found = _DATES[message["k"]].fromisoformat(message["v"])
    return found.replace(fold=1) if message["f"] == 1 else found


def _read_path(decoder: Decoder, message: dict, depth: int) -> Path:
    return Path(str(message["v"]))


# Named tuples.


def _write_record(encoder: Encoder, value: tuple, fields: tuple, depth: int) -> dict | None:
    kind = type(value)
    if is_class_of_its_own(kind, tuple) and not _plain_record(kind, fields):
        return None
    extra = {
        key: item for key, item in getattr(value, "__dict__", {}).items()
        if type(key) is str and not key.startswith("_") and key not in fields
    }  # fmt: skip
    return {
        "t": "N", "n": kind.__name__, "f": list(fields), "c": kinds.lineage(kind)[0],
        "v": [encoder.encode(item, depth + 1) for item in tuple.__iter__(value)],
        "x": [[key, encoder.encode(item, depth + 1)] for key, item in extra.items()],
    }  # fmt: skip


def _plain_record(kind: type, fields: tuple) -> bool:
    """Whether a class has nothing but what `namedtuple` gives it."""
    made = {"count", "index", *fields}
    return all(
        name.startswith("_") or name in made
        for each in kind.__mro__
        if each.__module__ == "__main__"
        for name in vars(each)
    )


def _read_record(decoder: Decoder, message: dict, depth: int) -> tuple:
    fields = tuple(message["f"])
    extra = {str(key): decoder.decode(item, depth) for key, item in message["x"]}
    names = (*fields, *extra, message["n"])
    if not all(type(n) is str and n.isidentifier() and not iskeyword(n) for n in names):
        raise NotData("the fields of a named tuple are no names")
    if any(n.startswith("_") for n in names[:-1]) or len(set(fields)) < len(fields):
        raise NotData("the fields of a named tuple are no names")
    values = decoder.items(message["v"], depth)
    if len(values) != len(fields):
        raise NotData("a named tuple has as many values as fields")
    kind = decoder.resolve(message["c"])
    if kind is None or not issubclass(kind, tuple) or getattr(kind, "_fields", None) != fields:
        kind = _record(message["n"], fields, bool(extra))
    made = tuple.__new__(kind, values)
    if extra and hasattr(made, "__dict__"):
        vars(made).update(extra)
    return made


@lru_cache(maxsize=256)
def _record(name: str, fields: tuple[str, ...], open_: bool) -> type[tuple]:
    """What `namedtuple` makes, without the code that it evaluates."""

    def asdict(self: tuple) -> dict[str, Any]:
        return dict(zip(fields, self, strict=True))

    def changed(self: tuple, **new: Any) -> tuple:
        if unknown := set(new) - set(fields):
            raise ValueError(f"Got unexpected field names: {sorted(unknown)!r}")
        return tuple.__new__(type(self), (new.get(f, v) for f, v in zip(fields, self, strict=True)))

    def shown(self: tuple) -> str:
        return f"{name}({', '.join(f'{f}={v!r}' for f, v in zip(fields, self, strict=True))})"

    body: dict[str, Any] = {f: property(itemgetter(i)) for i, f in enumerate(fields)}
    body |= {"_fields": fields, "_asdict": asdict, "_replace": changed, "__repr__": shown}
    if not open_:
        body["__slots__"] = ()
    return type(name, (tuple,), body)


# Containers.


def mapping_name(kind: type) -> str | None:
    """The name under which a class of dictionaries crosses; None for a plain one."""
    if kind in (Counter, OrderedDict):
        return kind.__name__
    top = kind.__module__.partition(".")[0]
    return kind.__name__ if top == _RESULTS.get(kind.__name__, "").partition(".")[0] else None


def default_factory(value: dict) -> str | None:
    """The name of what a `defaultdict` makes."""
    factory = value.default_factory if type(value) is defaultdict else None
    name = getattr(factory, "__name__", "")
    return name if _FACTORIES.get(name) is factory else None


def mapping_class(name: Any) -> Callable[[], dict]:
    """What makes an empty dictionary of the class of that name."""
    if name in _RESULTS:
        return getattr(import_module(_RESULTS[name]), name)
    if type(name) is str and name.startswith("default:"):
        return lambda: defaultdict(_FACTORIES[name.removeprefix("default:")])
    return {"Counter": Counter, "OrderedDict": OrderedDict}[name]


def _read_deque(decoder: Decoder, message: dict, depth: int) -> deque:
    filled: deque = deque(maxlen=message["m"])
    decoder.seen.containers.append(filled)
    filled.extend(decoder.items(message["v"], depth))
    return filled


def _read_bytearray(decoder: Decoder, message: dict, depth: int) -> bytearray:
    filled = bytearray(decoder.buffer(message["i"]))
    decoder.seen.containers.append(filled)
    return filled


# Sparse matrices.


def _write_sparse(encoder: Encoder, value: Any, depth: int) -> dict | None:
    kind = type(value).__name__
    family, _, shape = kind.partition("_")
    if family not in _SPARSE or shape not in ("matrix", "array") or value.ndim != 2:
        return None
    flat = value.tocoo()
    parts = (flat.data, flat.row, flat.col)
    return {
        "t": "m", "k": kind, "s": list(map(int, value.shape)),
        "v": [encoder.encode(np.array(part), depth + 1) for part in parts],
    }  # fmt: skip


def _read_sparse(decoder: Decoder, message: dict, depth: int) -> Any:
    kind = str(message["k"])
    family, _, shape = kind.partition("_")
    if family not in _SPARSE or shape not in ("matrix", "array"):
        raise NotData("no kind of sparse matrix")
    data, row, column = decoder.items(message["v"], depth)
    rows, columns = (int(n) for n in message["s"])
    sparse = import_module("scipy.sparse")
    made = getattr(sparse, f"coo_{shape}")((data, (row, column)), shape=(rows, columns))
    return made.asformat(family)


_READERS: dict[Any, Callable[[Any, dict, int], Any]] = {
    "F": _read_fraction, "D": _read_decimal, "T": _read_date, "P": _read_path,
    "N": _read_record, "Q": _read_deque, "B": _read_bytearray, "m": _read_sparse,
}  # fmt: skip
