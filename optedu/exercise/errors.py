r"""What a student's function raised, as plain data that can cross to another process."""

from __future__ import annotations

import linecache
import os
import re
import sys
import sysconfig
from types import FrameType

__all__ = ["StudentError", "advice", "describe"]

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LIBRARIES = tuple(
    {sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
)


class StudentError(Exception):
    r"""An exception raised by a student's function.

    Parameters
    ----------
    kind : str
        Name of the exception's class.
    message : str
        Its text.
    line : int, optional
        Line of the cell where it was raised.
    source : str, optional
        That line.
    """

    def __init__(
        self, kind: str, message: str = "", line: int | None = None, source: str = ""
    ) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.message = message
        self.line = line
        self.source = source


def describe(error: BaseException) -> StudentError:
    r"""Return an exception as a `StudentError`, with the student's line that it came from.

    Parameters
    ----------
    error : BaseException
        As caught around the call of the student's function.

    Returns
    -------
    StudentError
        Its `line` and `source` are those of the deepest frame outside of libraries.
    """
    if isinstance(error, StudentError):
        return error
    line, source = None, ""
    trace = error.__traceback__
    while trace is not None:
        if _is_students(trace.tb_frame):
            line = trace.tb_lineno
            source = linecache.getline(trace.tb_frame.f_code.co_filename, line).strip()
        trace = trace.tb_next
    # A faulty __str__ of the student's own exception must not end the check.
    try:
        message = str(error)
    except Exception:
        message = ""
    return StudentError(type(error).__name__, _shorten(message), line, _shorten(source))


def advice(kind: str, message: str) -> str:
    r"""Return what helps against an exception whose own words help few; empty where none is known.

    Parameters
    ----------
    kind, message : str
        Of the exception: name of the class, and text.

    Examples
    --------
    >>> advice("TypeError", "loop of ufunc does not support argument 0 of type Symbol which has "
    ...        "no callable sqrt method")
    "NumPy's functions take numbers: for a SymPy expression write sp.sqrt."
    >>> advice("TypeError", "unsupported operand type(s) for ^: 'float' and 'int'")
    'In Python a power is **, as in beta**t; ^ is something else (exclusive or).'
    """
    if kind != "TypeError":
        return ""
    missing = re.search(r"which has no callable (\w+) method", message)
    if missing:
        # NumPy's name of an inverse function is longer than SymPy's.
        name = re.sub("^arc", "a", missing.group(1))
        return f"NumPy's functions take numbers: for a SymPy expression write sp.{name}."
    if message.startswith("Cannot convert expression to float"):
        return (
            "A function of math takes a number: for a SymPy expression write that of sp, such as "
            "sp.sqrt."
        )
    if "for ^" in message or "bitwise_xor" in message:
        return "In Python a power is **, as in beta**t; ^ is something else (exclusive or)."
    return ""


def _is_students(frame: FrameType) -> bool:
    path = frame.f_code.co_filename
    if path.startswith("<frozen") or path.startswith(_OWN):
        return False
    return not any(path.startswith(library) for library in _LIBRARIES) or path in (
        getattr(sys.modules.get("__main__"), "__file__", None),
    )


def _shorten(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
