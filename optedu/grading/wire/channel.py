r"""Framed messages over a stream socket: one JSON object and any number of byte buffers.

A frame is ``total`` and ``head`` (two unsigned 32-bit integers, big endian), ``head`` bytes of
JSON ``[object, [len, ...]]``, then the buffers. Nothing here evaluates what it reads: the peer
may be a student's process that writes whatever it likes.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import time

__all__ = ["Channel", "ChannelClosed", "ChannelError", "ChannelTimeout", "Unsendable"]

_PREFIX = struct.Struct("!II")
_to_json = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
_MAX_HEAD = 16 << 20
_READ = 1 << 18


class ChannelError(Exception):
    """The peer sent something that is not a frame, or a frame that is too large."""


class ChannelClosed(ChannelError):
    """The peer is gone."""


class ChannelTimeout(ChannelError):
    """Nothing complete arrived in time."""


class Unsendable(ChannelError):
    """A message is no JSON, or too large for the peer; nothing of it was sent."""


class Channel:
    """One end of a connection; it belongs to the process that made it, and not to its forks.

    Parameters
    ----------
    sock : socket.socket
        A connected stream socket, in blocking mode.
    max_frame : int
        Largest frame accepted and sent, in bytes. Of these at most 16 MB may be JSON, which takes
        many times its size when it is read.
    max_head : int
        Most of JSON that is accepted.
    patience_s : float, optional
        How long the peer may leave a message unread before it counts as gone.
    """

    def __init__(
        self,
        sock: socket.socket,
        max_frame: int = 64 << 20,
        *,
        max_head: int = _MAX_HEAD,
        patience_s: int = 0,
    ):
        self.sock = sock
        self.max_frame, self.max_head = max_frame, max_head
        if patience_s:  # not `settimeout`, which would hold for reading, too
            left = struct.pack("@ll", patience_s, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, left)
        self.received = 0
        self._owner = os.getpid()
        self._buffer = bytearray()
        self._arrived = memoryview(bytearray(_READ))  # kept: to make one takes longer than to read

    def fileno(self) -> int:
        return self.sock.fileno()

    def close(self) -> None:
        self.sock.close()

    def send(self, message: object, buffers: list[bytes] | tuple[bytes, ...] = ()) -> None:
        """Send one frame.

        Raises
        ------
        ChannelClosed
            When nobody reads.
        Unsendable
            When the message cannot be sent; the channel is as good as before.
        """
        try:
            head = _to_json([message, [len(b) for b in buffers]]).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise Unsendable(f"no JSON: {error}") from None
        total = len(head) + sum(len(b) for b in buffers)
        if total > self.max_frame or len(head) > _MAX_HEAD:
            raise Unsendable(f"{total} bytes are too many to be sent")
        self._only_here()
        try:
            self.sock.sendall(b"".join([_PREFIX.pack(total, len(head)), head, *buffers]))
        except OSError as error:
            raise ChannelClosed(str(error)) from None

    def _only_here(self) -> None:
        # Also in a fork that Python was not told of, such as `ctypes.CDLL(None).fork()`.
        if os.getpid() != self._owner:
            raise ChannelClosed("this connection is another process's")

    def pending(self) -> bool:
        """Whether a complete frame is buffered already (``select`` cannot see it)."""
        if len(self._buffer) < _PREFIX.size:
            return False
        total, _ = _PREFIX.unpack_from(self._buffer)
        return len(self._buffer) >= _PREFIX.size + total

    def fill(self) -> None:
        """Read what is there once; blocks when nothing is."""
        self._only_here()
        try:
            count = self.sock.recv_into(self._arrived)
        except OSError as error:
            raise ChannelClosed(str(error)) from None
        if not count:
            raise ChannelClosed("the peer closed the connection")
        self.received += count
        self._buffer += self._arrived[:count]
        if len(self._buffer) >= _PREFIX.size:
            total, head = _PREFIX.unpack_from(self._buffer)
            if total > self.max_frame or head > min(total, self.max_head):
                raise ChannelError(f"a message of {total} bytes is too large")

    def take(self) -> tuple[object, list[bytes]]:
        """The next buffered frame; call only when :meth:`pending`."""
        total, head = _PREFIX.unpack_from(self._buffer)
        body = bytes(self._buffer[_PREFIX.size : _PREFIX.size + total])
        del self._buffer[: _PREFIX.size + total]
        try:
            message, lengths = json.loads(body[:head])
            buffers, at = [], head
            for length in lengths:
                if type(length) is not int or length < 0 or at + length > total:
                    raise ValueError("buffer lengths do not fit the frame")
                buffers.append(body[at : at + length])
                at += length
        except (ValueError, TypeError, RecursionError) as error:
            raise ChannelError(f"not a frame: {error}") from None
        return message, buffers

    def recv(self, timeout: float | None = None) -> tuple[object, list[bytes]]:
        """Wait for one frame, at most ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.pending():
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                    raise ChannelTimeout(f"no message within {timeout} s")
            self.fill()
        return self.take()
