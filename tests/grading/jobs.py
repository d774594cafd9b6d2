"""Functions for the pool's tests, from bytes to bytes like the real one."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path


def work(shared: bytes, data: bytes) -> bytes:
    """Do what the first word of the data says."""
    verb, _, argument = data.decode().partition(" ")
    if verb == "echo":
        return shared + b":" + argument.encode()
    if verb == "pid":
        return str(os.getpid()).encode()
    if verb == "knows":
        return str(argument in sys.modules).encode()
    if verb == "die-once":
        marker = Path(argument)
        if marker.exists():
            return b"second life"
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if verb == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if verb == "hang":
        with Path(argument).open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(3600)
    raise ValueError(verb)
