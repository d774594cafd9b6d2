r"""Run a reader's code and its checks; the page's worker, Node and the tests all call this.

Nothing here needs a browser: what the code prints and draws is handed to ``emit``.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import linecache
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

READER_FILE = "<your code>"
CHECK_FILE = "<check>"
PRINT_LIMIT = 20_000
# Short enough to look live, long enough that a flood of prints costs few messages.
FLUSH_SECONDS = 0.1
Emit = Callable[[str, str], None]


class BoundedStream(io.TextIOBase):
    """Standard output that hands text on in batches and keeps at most ``limit`` characters."""

    def __init__(self, emit: Emit, limit: int = PRINT_LIMIT) -> None:
        self.emit, self.left, self.dropped = emit, limit, 0
        self.waiting: list[str] = []
        self.flushed = time.monotonic()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        kept = text[: self.left]
        if kept:
            self.waiting.append(kept)
            self.left -= len(kept)
        self.dropped += len(text) - len(kept)
        if self.waiting and time.monotonic() - self.flushed > FLUSH_SECONDS:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if self.waiting:
            self.emit("stream", "".join(self.waiting))
            self.waiting.clear()
        self.flushed = time.monotonic()


def teach(error: BaseException) -> str:
    """Say what went wrong, with the reader's own lines and none of the machinery's."""
    told = traceback.TracebackException.from_exception(error)
    own = [frame for frame in told.stack if frame.filename == READER_FILE]
    told.stack = traceback.StackSummary.from_list(own)
    told.__cause__ = told.__context__ = None
    from optedu.exercise.errors import advice

    known = advice(type(error).__name__, str(error))
    return "".join([*told.format(), known]).strip()


def verdict(error: BaseException, code: str) -> tuple[str, str]:
    """Return a check's status and message: its own words if it failed, else the error's."""
    if isinstance(error, AssertionError):
        return "fail", str(error).strip() or f"This did not hold: {code.strip()}"
    if isinstance(error, NotImplementedError):
        return "fail", f"Not written yet. {error}".strip()
    last = traceback.extract_tb(error.__traceback__)[-1]
    if isinstance(error, NameError) and last.filename == CHECK_FILE:
        return "fail", f"Your code does not define {error.name}."
    return "error", teach(error)


def forget_answers() -> None:
    """Forget what an earlier run registered, so that no stale function passes a check."""
    written = sys.modules.get("optedu.written")
    if written is not None:
        written.clear()


def execute(source: str, namespace: dict[str, Any], show: Callable[[Any], None]) -> None:
    """Execute like a notebook cell: a last expression is shown."""
    tree = ast.parse(source, READER_FILE)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
    exec(compile(tree, READER_FILE, "exec"), namespace)
    if last is not None:
        value = eval(compile(last, READER_FILE, "eval"), namespace)
        if value is not None:
            show(value)


def run_exercise(
    source: str,
    checks: Iterable[tuple[str, str]] = (),
    emit: Emit | None = None,
    limit: int = PRINT_LIMIT,
) -> dict[str, Any]:
    r"""Run the reader's code, then each check on what it defined.

    Parameters
    ----------
    source : str
        The reader's code.
    checks : iterable of (sentence, code)
        Each code runs in the names that the reader's code left, and raises when it fails.
    emit : callable, optional
        ``emit("stream", text)`` for printed text, ``emit("svg", markup)`` for drawings.
    limit : int
        Characters of printed text that are handed on; the rest is counted.

    Returns
    -------
    dict
        ``ok`` (bool), ``error`` (str or None), ``checks`` (list of ``sentence``, ``status`` in
        ``pass``, ``fail``, ``error``, ``skipped``, and ``message``), ``dropped`` (characters that
        were not handed on), ``seconds``.

    Examples
    --------
    >>> result = run_exercise("x = 1", [("x is one.", "assert x == 1")])
    >>> result["ok"], result["checks"][0]["status"]
    (True, 'pass')
    """
    emit = emit or (lambda kind, text: None)
    stream = BoundedStream(emit, limit)

    def show(value: Any) -> None:
        drawing = getattr(value, "_repr_svg_", None)
        if callable(drawing):
            stream.flush()
            emit("svg", drawing())
        else:
            print(value if isinstance(value, str) else repr(value))

    forget_answers()
    namespace: dict[str, Any] = {"__name__": "__main__", "display": show}
    namespace["__builtins__"] = builtins
    lines = source.splitlines(keepends=True)
    # Tracebacks and inspect.getsource find the reader's lines here.
    linecache.cache[READER_FILE] = (len(source), None, lines, READER_FILE)
    start = time.perf_counter()
    error: str | None = None
    results: list[dict[str, str]] = []
    before = sys.stdin
    # A page has no keyboard to read from: input() ends at once instead of blocking.
    sys.stdin = io.StringIO()
    try:
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            try:
                execute(source, namespace, show)
            except KeyboardInterrupt:
                raise
            except BaseException as raised:
                error = teach(raised)
            for sentence, code in checks:
                results.append({"sentence": sentence, **one_check(code, namespace, error)})
    finally:
        sys.stdin = before
        stream.flush()
    return {
        "ok": error is None and all(result["status"] == "pass" for result in results),
        "error": error,
        "checks": results,
        "dropped": stream.dropped,
        "seconds": time.perf_counter() - start,
    }


def one_check(code: str, namespace: dict[str, Any], error: str | None) -> dict[str, str]:
    """Run one check on its own copy of the names, so that checks cannot lean on each other."""
    if error is not None:
        return {"status": "skipped", "message": "Your code stopped before this could be checked."}
    try:
        exec(compile(code, CHECK_FILE, "exec"), dict(namespace))
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        status, message = verdict(raised, code)
        return {"status": status, "message": message}
    return {"status": "pass", "message": ""}
