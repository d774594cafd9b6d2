r"""A small kernel: IPython's shell, as ipykernel sets it up, behind one socket instead of five.

The shell class, the display hook and the tracebacks are ipykernel's own, so that a notebook gets
the outputs that it would get from a Jupyter kernel. Messages go to the grader over a
:class:`~optedu.grading.wire.channel.Channel`; what programs write to file descriptors 1 and 2
goes through two pipes that the grader reads.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import select
import signal
import sys
import threading
from types import SimpleNamespace
from typing import Any

from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.error import StdinNotImplementedError
from IPython.core.profiledir import ProfileDir
from jupyter_client.session import Session
from traitlets.config import Config

from optedu.grading.wire.channel import Channel, ChannelError, Unsendable
from optedu.grading.wire.names import PythonFirst

__all__ = ["CellRunner", "make_shell"]

_SHOWN = {"execute_result", "display_data", "update_display_data", "clear_output", "error"}


class _Session(Session):
    """Stands where ipykernel has a ZeroMQ session; hands each message to the kernel."""

    kernel: CellRunner | None = None

    def send(self, stream, msg_or_type, content=None, *args, **kwargs):
        if isinstance(msg_or_type, dict):
            content, msg_type = msg_or_type["content"], msg_or_type["header"]["msg_type"]
        else:
            msg_type = msg_or_type
        if self.kernel is not None and msg_type in _SHOWN:
            self.kernel.publish(msg_type, content)


class _Shell(ZMQInteractiveShell):
    """ipykernel's shell without an event loop: figures are inline, there is no window."""

    def enable_gui(self, gui: Any = None) -> None:
        self.active_eventloop = gui


class _Stream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of the kernel."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, kernel: CellRunner, name: str, descriptor: int):
        self._kernel, self.name, self._descriptor = kernel, name, descriptor
        self._lock = threading.RLock()
        self._parts: list[str] = []
        self._size = 0

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if os.getpid() != self._kernel.pid:  # a forked child must not write into the socket
            os.write(self._descriptor, text.encode("utf-8", "backslashreplace"))
            return len(text)
        with self._lock:
            self._parts.append(text)
            self._size += len(text)
            if self._size > 1 << 16:
                self.flush()
        return len(text)

    def flush(self) -> None:
        if os.getpid() != self._kernel.pid:
            return
        with self._lock:
            if self._parts:
                text, self._parts, self._size = "".join(self._parts), [], 0
                self._kernel.publish("stream", {"name": self.name, "text": text})


def make_shell(folder: str) -> ZMQInteractiveShell:
    """The shell, before any process is forked from this one: no threads, no files kept.

    IPython wants a ``folder``; it may go as soon as the shell has run a cell.
    """
    config = Config()
    config.HistoryManager.enabled = False
    os.environ["IPYTHONDIR"] = folder
    session = _Session(key=b"")
    shell = _Shell.instance(
        config=config,
        ipython_dir=folder,
        profile_dir=ProfileDir.create_profile_dir(os.path.join(folder, "profile")),
        compiler_class=XCachingCompiler,
        kernel=SimpleNamespace(eventloop=None, app=None, shell=None),
        input_transformer_manager=PythonFirst(),
    )
    for publisher in (shell.displayhook, shell.display_pub):
        publisher.session = session
        publisher.pub_socket = None
    return shell


class CellRunner:
    r"""Runs cells that arrive on ``control`` and serves requests that arrive on ``wire``.

    Parameters
    ----------
    shell : ZMQInteractiveShell
        From :func:`make_shell`, unused so far.
    control : Channel
        To the grader.
    wire : Channel
        To the other kernel.
    output_bytes : int
        After so many bytes of output nothing more is sent. The grader has its own limit; this
        one saves an honest program's time.
    """

    def __init__(self, shell: Any, control: Channel, wire: Channel, output_bytes: int):
        self.shell, self.control, self.wire = shell, control, wire
        self.pid = os.getpid()
        self._left = output_bytes
        self._cell = 0
        self._busy = False
        self._lock = threading.RLock()
        shell.displayhook.session.kernel = self
        # Kept, since a notebook may put something else in their place.
        self._streams = _Stream(self, "stdout", 1), _Stream(self, "stderr", 2)
        sys.stdout, sys.stderr = self._streams
        builtins.input = _no_input
        signal.signal(signal.SIGINT, self._interrupt)
        os.register_at_fork(after_in_child=self._leave)
        self.before_cell: Any = None  # (what the cell needs) -> None, may raise
        self.after_cell: Any = None  # (error or None) -> dict for the reply
        self.serve_wire: Any = None  # () -> None

    def _interrupt(self, signum, frame):
        if self._busy:
            raise KeyboardInterrupt

    def publish(self, msg_type: str, content: dict) -> None:
        """Send one output message to the grader, tagged with the running cell."""
        if os.getpid() != self.pid:
            return
        with self._lock:
            # Outside of a cell a test is calling a function: what that shows is nobody's output.
            if self._left < 0 or not self._cell:
                return
            weight = _weight(content)
            if weight > self._left:
                if msg_type == "stream":
                    content["text"] = content["text"][: self._left]
                    self._send(msg_type, content)
                msg_type, content = "cut", {}
            self._left -= weight
            self._send(msg_type, content)

    def _send(self, msg_type: str, content: dict) -> None:
        message = {"op": "output", "cell": self._cell, "type": msg_type, "content": content}
        # An object of the student's making may show itself as something that is not JSON.
        with contextlib.suppress(Unsendable):
            self.control.send(message)

    def run(self) -> None:
        """Serve until the grader closes the connection."""
        open_ends = [self.control, self.wire]
        while True:
            if not self.control.pending() and not self.wire.pending():
                for channel in select.select(open_ends, [], [])[0]:
                    try:
                        channel.fill()
                    except ChannelError:
                        if channel is self.control:
                            return
                        open_ends.remove(channel)  # the other kernel has ended
            if self.wire.pending():
                self._guarded(self.serve_wire)
            if self.control.pending():
                message: Any = self.control.take()[0]
                if message["op"] == "ping":
                    self.control.send({"op": "pong"})
                else:
                    self._execute(message)

    def _guarded(self, action) -> None:
        self._busy = True
        try:
            action()
        except (KeyboardInterrupt, ChannelError):
            pass
        finally:
            self._only_here()
            self._busy = False
            self._flush()

    def _execute(self, message) -> None:
        self._cell = message["cell"]
        self._busy = True
        reply: dict[str, Any] = {"op": "done", "cell": self._cell, "status": "ok"}
        self.shell.execution_count = message["count"]
        try:
            error: BaseException | None = self._prepare(message["needs"])
            if error is None:
                result = self.shell.run_cell(message["code"], store_history=True)
                error = result.error_before_exec or result.error_in_exec
        except (Exception, KeyboardInterrupt) as raised:
            error = raised  # of the shell itself, which a cell may have broken
        finally:
            self._only_here()
            self._busy = False
        if error is not None:
            reply |= {
                "status": "error",
                "ename": type(error).__name__,
                "evalue": _text(error),
            }
        if self.after_cell is not None:
            reply |= self.after_cell(error)
        self._flush()
        self.shell.payload_manager.clear_payload()
        with self._lock:
            self._cell = 0
            self.control.send(reply)

    def _flush(self) -> None:
        for stream in self._streams:
            stream.flush()
        if not (_flushes(sys.stdout) and _flushes(sys.stderr)):  # the shell cannot do without
            sys.stdout, sys.stderr = self._streams

    def _only_here(self) -> None:
        """End a child that comes back from the cell, or the call, that has forked it."""
        if os.getpid() != self.pid:
            os._exit(0)

    def _leave(self) -> None:
        """In a child that a cell has forked: it has no part in the conversation of its parent."""
        self.control.close()
        self.wire.close()

    def _prepare(self, needs: list | None) -> Exception | None:
        if self.before_cell is None:
            return None
        try:
            self.before_cell(needs)
        except Exception as error:
            shown = {"ename": type(error).__name__, "evalue": _text(error)}
            lines = [f"\x1b[31m{shown['ename']}\x1b[39m: {shown['evalue']}"]
            self.publish("error", {**shown, "traceback": lines})
            return error
        return None


def _flushes(stream: Any) -> bool:
    with contextlib.suppress(Exception):  # an object of the student's may do anything
        return callable(stream.flush)
    return False


def _weight(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(_weight(v) for v in value.values())
    if isinstance(value, list | tuple):
        return sum(_weight(v) for v in value)
    return 8


def _text(error: BaseException) -> str:
    try:
        return str(error)[:10_000]
    except Exception:
        return "(an exception that cannot be shown)"


def _no_input(prompt: object = "") -> str:
    raise StdinNotImplementedError(
        "raw_input was called, but this frontend does not support input requests."
    )
