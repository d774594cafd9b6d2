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
        self._displayed: dict[str, list[NotebookNode]] = {}
        self._clear_first = False
        self._cell: list[NotebookNode] = []
        self._count = 0
        self.cut = False

    def begin(self, outputs: list[NotebookNode], count: int) -> None:
        """What comes next belongs to the cell with these outputs and this execution count."""
        self._cell, self._count, self._clear_first = outputs, count, False

    def add(self, message: Any) -> None:
        """Add one message; what is no output, or not made of JSON and text, is dropped."""
        try:
            self._add(message)
        except RecursionError:  # nested too deeply for anybody to read
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
        data, size = _bundle(content.get("data"))
        metadata, more = _plain(content.get("metadata") or {})
        if not data or not isinstance(metadata, dict) or not self._room(size + more):
            return
        transient = content.get("transient")
        name = transient.get("display_id") if isinstance(transient, dict) else None
        if isinstance(name, str):
            for earlier in self._displayed.get(name, []):
                earlier.data, earlier.metadata = data, metadata
        if kind == "update_display_data":
            return
        extra = {"execution_count": self._count} if kind == "execute_result" else {}
        output = new_output(kind, data=data, metadata=metadata, **extra)
        self._cell.append(output)
        if isinstance(name, str):
            self._displayed.setdefault(name, []).append(output)


def _bundle(data: Any) -> tuple[NotebookNode, int]:
    """A MIME bundle with text (or, for JSON types, JSON) as values, and its size."""
    kept, total = NotebookNode(), 0
    if isinstance(data, dict):
        for mime, value in data.items():
            if isinstance(value, str) or _JSON.fullmatch(mime):
                plain, size = _plain(value)
                kept[as_text(mime)] = plain
                total += size + len(mime)
    return kept, total


def _plain(value: Any) -> tuple[Any, int]:
    """JSON as notebook nodes, and roughly its size."""
    if isinstance(value, str):
        return as_text(value), len(value)
    if isinstance(value, dict):
        node, total = NotebookNode(), 0
        for key, item in value.items():
            node[as_text(key)], size = _plain(item)
            total += size + len(key)
        return node, total
    if isinstance(value, list):
        items = [_plain(item) for item in value]
        return [item for item, _ in items], sum(size for _, size in items)
    return value, 8
