r"""Notebook outputs out of messages that a hostile process may have written, within a budget."""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

__all__ = ["Outputs", "as_text"]

_MAX_OUTPUTS = 2000  # of one cell
_JSON = re.compile(r"application/(\w+\+)?json")  # the types whose value nbformat takes as JSON


def as_text(value: object) -> str:
    """Text that a file in UTF-8 can hold: a lone surrogate becomes its escape."""
    return str(value).encode("utf-8", "backslashreplace").decode()


class Outputs:
    r"""Turns messages into the outputs of cells; keeps at most ``max_bytes`` of a notebook.

    Attributes
    ----------
    cut : bool
        Whether something was dropped.
    """

    def __init__(self, max_bytes: int):
        self._left = max_bytes
        self._limit = max_bytes
        self._displayed: dict[tuple[str, str], list[NotebookNode]] = {}
        self._owner = ""
        self._clear_first = False
        self._cell: list[NotebookNode] = []
        self._count = 0
        self.cut = False

    def begin(self, outputs: list[NotebookNode], count: int, owner: str = "") -> None:
        """What comes next belongs to the cell with these outputs and this execution count.

        A display is changed by cells of its own ``owner`` alone.
        """
        self._cell, self._count, self._clear_first = outputs, count, False
        self._owner = owner

    def add(self, message: Any) -> None:
        """Add one message; what is no output, or not made of JSON and text, is dropped."""
        try:
            self._add(message)
        except (RecursionError, _TooMuch):  # nested too deeply for anybody to read, or too large
            self._room(self._left + 1)

    def _add(self, message: Any) -> None:
        kind = message.get("type") if isinstance(message, dict) else None
        content = message.get("content") if kind else None
        if not isinstance(content, dict):
            return
        if kind == "clear_output":
            if content.get("wait"):
                self._clear_first = True
            else:
                self._cell.clear()
            return
        if kind == "cut":  # the kernel itself has stopped sending
            self._room(self._left + 1)
        elif kind == "stream":
            self._stream(content)
        elif kind == "error":
            self._error(content)
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self._display(kind, content)

    def _room(self, size: int) -> bool:
        if self._clear_first:
            self._cell.clear()
            self._clear_first = False
        if size <= self._left and len(self._cell) < _MAX_OUTPUTS:
            self._left -= size
            return True
        if not self.cut:
            note = f"\n[the output of this notebook was cut after {self._limit // 1024} kB]\n"
            self._cell.append(new_output("stream", name="stdout", text=note))
        self.cut = True
        return False

    def _stream(self, content: dict) -> None:
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        text = content.get("text")
        if not isinstance(text, str) or not text:
            return
        text = as_text(text)
        if self._left < len(text):  # the beginning of a long text is worth keeping
            if self._left and not self.cut:
                self._append(name, text[: self._left])
                self._left = 0
            self._room(1)
        elif self._room(len(text)):
            self._append(name, text)

    def _append(self, name: str, text: str) -> None:
        last = self._cell[-1] if self._cell else None
        if last is not None and last.output_type == "stream" and last.name == name:
            last.text += text
        else:
            # Not by `new_output`, which has a schema checked for it: it takes longer than all else.
            self._cell.append(NotebookNode(output_type="stream", name=name, text=text))

    def _error(self, content: dict) -> None:
        traceback = content.get("traceback")
        lines = [as_text(x) for x in traceback] if isinstance(traceback, list) else []
        name, value = as_text(content.get("ename")), as_text(content.get("evalue"))
        size = len(name) + len(value) + sum(map(len, lines))
        if not self._room(size):
            return
        self._cell.append(new_output("error", ename=name, evalue=value, traceback=lines))

    def _display(self, kind: str, content: dict) -> None:
        budget = _Budget(self._left)
        data = _bundle(content.get("data"), budget)
        metadata = _plain(content.get("metadata") or {}, budget)
        if not data or not isinstance(metadata, dict) or not self._room(budget.used):
            return
        transient = content.get("transient")
        name = transient.get("display_id") if isinstance(transient, dict) else None
        known = (self._owner, name) if isinstance(name, str) else None
        if known:
            for earlier in self._displayed.get(known, []):
                earlier.data, earlier.metadata = data, metadata
        if kind == "update_display_data":
            return
        extra = {"execution_count": self._count} if kind == "execute_result" else {}
        output = new_output(kind, data=data, metadata=metadata, **extra)
        self._cell.append(output)
        if known:
            self._displayed.setdefault(known, []).append(output)


class _TooMuch(Exception):
    """A message is larger than what is left."""


class _Budget:
    """Counts while nodes are made: they take many times the memory of the JSON."""

    def __init__(self, left: int):
        self._left, self.used = left, 0

    def spend(self, size: int) -> None:
        self.used += size
        if self.used > self._left:
            raise _TooMuch


def _bundle(data: Any, budget: _Budget) -> NotebookNode:
    """A MIME bundle with text (or, for JSON types, JSON) as values."""
    kept = NotebookNode()
    if isinstance(data, dict):
        for mime, value in data.items():
            if isinstance(value, str) or _JSON.fullmatch(mime):
                budget.spend(len(mime))
                kept[as_text(mime)] = _plain(value, budget)
    return kept


def _plain(value: Any, budget: _Budget) -> Any:
    """JSON as notebook nodes."""
    budget.spend(8)
    if isinstance(value, str):
        budget.spend(len(value))
        return as_text(value)
    if isinstance(value, dict):
        node = NotebookNode()
        for key, item in value.items():
            budget.spend(len(key))
            node[as_text(key)] = _plain(item, budget)
        return node
    if isinstance(value, list):
        return [_plain(item, budget) for item in value]
    return value
