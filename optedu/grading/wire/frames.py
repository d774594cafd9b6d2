r"""Data frames, series and indexes of pandas as data, where pandas is installed.

A column crosses as a NumPy array where it is one, else as a list of plain values with the name of
its dtype. Nothing here imports pandas unless a value of it is there already.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from optedu.grading.wire.kinds import CannotCross

if TYPE_CHECKING:
    from optedu.grading.wire.codec import Decoder, Encoder

__all__ = ["is_frame", "overwrite", "read", "same", "write"]

_DTYPE = re.compile(r"object|str|string|boolean|category|U?[Ii]nt\d+|[Ff]loat\d+")
_OF_NUMBERS = "biufcmM"


def _pandas() -> Any:
    return sys.modules.get("pandas")


def is_frame(value: Any) -> bool:
    """Whether this is a data frame or a series, which a function may change."""
    pandas = _pandas()
    frames = getattr(pandas, "DataFrame", ()), getattr(pandas, "Series", ())
    return pandas is not None and type(value) in frames


def write(encoder: Encoder, value: Any, depth: int) -> dict[str, Any] | None:
    """The message for a value of pandas, None for what is none or cannot cross."""
    pandas = _pandas()
    if pandas is None or not hasattr(pandas, "DataFrame"):  # it is being imported
        return None
    kind = type(value)
    if value is pandas.NaT or value is pandas.NA:
        return {"t": "x", "k": "NaT" if value is pandas.NaT else "NA"}
    if kind in (pandas.Timestamp, pandas.Timedelta):
        zone = str(value.tz) if getattr(value, "tz", None) is not None else None
        return {"t": "x", "k": kind.__name__, "v": value.isoformat(), "z": zone, "u": value.unit}
    if kind is pandas.DataFrame:
        columns = [_column(encoder, value.iloc[:, i], depth) for i in range(value.shape[1])]
        encoder.seen.frames.append(value)
        return {"t": "x", "k": "DataFrame", "v": columns, **_axes(encoder, value, depth),
                "c": write(encoder, value.columns, depth + 1)}  # fmt: skip
    if kind is pandas.Series:
        encoder.seen.frames.append(value)
        said = {"v": _column(encoder, value, depth), **_axes(encoder, value, depth)}
        return {"t": "x", "k": "Series", "n": encoder.encode(value.name, depth + 1), **said}
    if isinstance(value, pandas.RangeIndex):
        return {"t": "x", "k": "RangeIndex", "v": [value.start, value.stop, value.step],
                "n": encoder.encode(value.name, depth + 1)}  # fmt: skip
    if isinstance(value, pandas.MultiIndex):
        names = encoder.encode(list(value.names), depth + 1)
        return {
            "t": "x",
            "k": "MultiIndex",
            "v": encoder.encode(list(value), depth + 1),
            "n": names,
        }
    if isinstance(value, pandas.Index):
        return {"t": "x", "k": "Index", "v": _column(encoder, value, depth),
                "n": encoder.encode(value.name, depth + 1)}  # fmt: skip
    return None


def _axes(encoder: Encoder, value: Any, depth: int) -> dict[str, Any]:
    return {"i": write(encoder, value.index, depth + 1)}


def _column(encoder: Encoder, values: Any, depth: int) -> dict[str, Any]:
    array, dtype = values.array, values.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in _OF_NUMBERS:
        return {"a": encoder.array(values.to_numpy())}
    name = str(dtype)
    if name.startswith("datetime64[") and getattr(dtype, "tz", None) is not None:
        naive = array.tz_convert("UTC").tz_localize(None)
        return {"a": encoder.array(np.array(naive)), "z": str(dtype.tz)}
    if not _DTYPE.fullmatch(name):
        raise CannotCross(f"a column of dtype {name[:40]} cannot cross")
    plain = [None if _missing(v) else v for v in array]
    said: dict[str, Any] = {"l": [encoder.encode(v, depth + 1) for v in plain], "d": name}
    if name == "category":
        said["o"] = bool(dtype.ordered)
        said["g"] = [encoder.encode(v, depth + 1) for v in dtype.categories]
    return said


def _missing(value: Any) -> bool:
    return value is _pandas().NA or (isinstance(value, float) and value != value)


def read(decoder: Decoder, message: dict, depth: int) -> Any:
    """The value of a message that :func:`write` made; anything else raises an error."""
    pandas = import_module("pandas")
    kind = message["k"]
    if kind in ("NaT", "NA"):
        return getattr(pandas, kind)
    if kind in ("Timestamp", "Timedelta"):
        made = getattr(pandas, kind)(str(message["v"])).as_unit(message["u"])
        return made.tz_convert(str(message["z"])) if message["z"] is not None else made
    if kind == "RangeIndex":
        start, stop, step = (int(v) for v in message["v"])
        return pandas.RangeIndex(start, stop, step, name=decoder.decode(message["n"], depth))
    if kind == "MultiIndex":
        names = decoder.decode(message["n"], depth)
        return pandas.MultiIndex.from_tuples(decoder.decode(message["v"], depth), names=names)
    if kind == "Index":
        column = _read_column(pandas, decoder, message["v"], depth)
        return pandas.Index(column, name=decoder.decode(message["n"], depth))
    if kind == "Series":
        column = _read_column(pandas, decoder, message["v"], depth)
        name = decoder.decode(message["n"], depth)
        made = pandas.Series(column, name=name, index=decoder.decode(message["i"], depth))
    elif kind == "DataFrame":
        columns = [_read_column(pandas, decoder, v, depth) for v in message["v"]]
        index = decoder.decode(message["i"], depth)
        made = pandas.DataFrame(dict(enumerate(columns)), index=index)
        made.columns = decoder.decode(message["c"], depth)
    else:
        raise ValueError(f"{kind!r} is nothing of pandas")
    decoder.seen.frames.append(made)
    return made


def _read_column(pandas: Any, decoder: Decoder, message: dict, depth: int) -> Any:
    if "a" in message:
        array = decoder.decode(message["a"], depth)
        if "z" in message:
            return (
                pandas.DatetimeIndex(array).tz_localize("UTC").tz_convert(str(message["z"])).array
            )
        return pandas.array(array, dtype=array.dtype) if array.dtype.kind in "mM" else array
    if not _DTYPE.fullmatch(message["d"]):
        raise ValueError("not a dtype")
    values = decoder.items(message["l"], depth)
    if message["d"] == "category":
        known = decoder.items(message["g"], depth)
        return pandas.Categorical(values, categories=known, ordered=message["o"] is True)
    if message["d"] == "object":
        made = np.empty(len(values), dtype=object)
        made[:] = values
        return made
    return pandas.array(values, dtype=message["d"])


def same(one: Any, other: Any) -> bool:
    """Whether two of them hold the same, names and all."""
    if not one.equals(other) or not one.index.equals(other.index):
        return False
    return one.name == other.name if one.ndim == 1 else one.columns.equals(other.columns)


def overwrite(value: Any, new: Any) -> None:
    """Make of one what the other is, in place."""
    if type(value) is not type(new):
        raise ValueError("a changed argument has another type")
    value._update_inplace(new)
    if value.ndim == 1:
        value.name = new.name
