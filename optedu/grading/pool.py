r"""Worker processes that stay: imports are paid once, and a worker that dies costs nothing else.

`concurrent.futures` gives up the whole pool when one process is killed; here the job of a dead
worker is given to a new one, once. A job that a worker was killed for at its deadline is not: it
would hold the next one as long.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.connection import Connection, wait
from typing import Any
from unittest import mock

__all__ = ["Job", "Pool", "fork_from_here", "preload"]

_TRIES = 2
_STARTS = 10
_PAUSE_S = 0.1
_TIDYING = threading.Lock()


@dataclass(frozen=True)
class Job:
    r"""One submission to grade.

    Attributes
    ----------
    key : str
        By which its result is known.
    load : callable
        Reads its bytes, when a worker is free for it.
    shared : bytes
        The first argument of the function: sent to a process once for all jobs that follow.
    deadline_s : float
        After so long its worker is killed and the job counts as dead: the outermost limit, for
        what the limits inside did not catch.
    """

    key: str
    load: Callable[[], bytes]
    shared: bytes
    deadline_s: float


@dataclass
class _Worker:
    process: Any
    connection: Connection
    lifeline: Connection
    shared: bytes | None = None  # what it has been sent last
    job: Job | None = None
    tries: int = 0
    deadline: float = 0.0


def preload(*modules: str) -> None:
    """Start the process that workers are forked from, to import these modules meanwhile."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([__name__, *modules])
    resource_tracker.ensure_running()  # it would let Ctrl-C in again
    with no_interrupt():
        forkserver.ensure_running()


def fork_from_here() -> None:
    """Fork workers from a copy of this process as it is now: what it has imported, they have.

    Without it, or where threads run, `Pool` starts another interpreter to fork them from.
    """
    if threading.active_count() > 1:
        return
    with mock.patch.object(util, "spawnv_passfds", _copy_of_this):
        preload()


def _copy_of_this(path: bytes, arguments: list[str], descriptors: Sequence[int]) -> int:
    """In place of starting a program: fork, and run what ``python -c`` would."""
    pid = os.fork()
    if pid:
        return pid
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for number in map(int, os.listdir("/proc/self/fd")):
            # Not closed: objects of ours still mean to close these numbers.
            if number > 2 and number not in (*descriptors, null):
                os.dup2(null, number)
        exec(arguments[-1], {})
    finally:
        os._exit(0)


@contextlib.contextmanager
def no_interrupt() -> Iterator[None]:
    """Keep Ctrl-C from what is started here, from its first line on; we have it afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Pool:
    r"""Run `function(shared, submission)` in `jobs` processes, which stay until it is closed.

    Parameters
    ----------
    function : str
        ``module:name`` of a function from two byte strings to one.
    jobs : int
        How many processes.
    lend : callable, optional
        What it returns, a socket or None, is handed to the function ``warm_up`` of the module in
        each new process.
    """

    def __init__(
        self,
        function: str,
        *,
        jobs: int,
        lend: Callable[[], socket.socket | None] = lambda: None,
    ) -> None:
        self.function, self.jobs, self.lend = function, jobs, lend
        self._context = multiprocessing.get_context("forkserver")
        self._workers: list[_Worker] = []

    def start(self) -> None:
        """Begin to start the workers; returns before they are ready."""
        preload(self.function.partition(":")[0])
        while len(self._workers) < self.jobs:
            self._workers.append(self._spawn())

    def pids(self) -> list[int]:
        """The process ids of the workers."""
        return [worker.process.pid for worker in self._workers]

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[str, bytes | None, str]]:
        """Yield (key, result, reason) as jobs end; the result is None where the reason says why."""
        waiting = deque((job, 0) for job in jobs)
        self.start()
        try:
            while waiting or any(worker.job for worker in self._workers):
                for worker in list(self._workers):
                    if worker.job is None and waiting:
                        yield from self._assign(worker, waiting)
                yield from self._collect(waiting)
        except BaseException:  # given up half-way: nobody wants what the workers are at
            self.close()
            raise

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.lifeline.close()
            worker.connection.close()
        for worker in self._workers:
            worker.process.join(timeout=2.0)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def _spawn(self) -> _Worker:
        for _ in range(_STARTS - 1):
            # What workers are forked from may be killed while it forks; once it is seen to have
            # ended, the next start renews it.
            with contextlib.suppress(EOFError, OSError):
                return self._start_worker()
            time.sleep(_PAUSE_S)
        return self._start_worker()

    def _start_worker(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        # The far end of this pipe closes with us, however we end; the worker then ends too.
        reading, lifeline = self._context.Pipe(duplex=False)
        lent = self.lend()
        process = self._context.Process(
            target=_work, args=(theirs, reading, self.function, lent), daemon=False
        )
        try:
            with _without_main():
                process.start()
        except BaseException:
            for end in (ours, lifeline):  # a worker that is there all the same ends
                end.close()
            raise
        finally:
            handed: list[Any] = [theirs, reading, *([lent] if lent else [])]
            for end in handed:
                end.close()
        return _Worker(process, ours, lifeline)

    def _assign(self, worker, waiting) -> Iterator[tuple[str, bytes | None, str]]:
        job, tries = waiting.popleft()
        try:
            data = job.load()
        except OSError as error:
            yield job.key, None, f"the submission can no longer be read: {error.strerror}"
            return
        worker.job, worker.tries = job, tries
        worker.deadline = time.monotonic() + job.deadline_s
        with contextlib.suppress(OSError):  # dead: the job is given to another worker
            known = worker.shared == job.shared
            worker.connection.send((None if known else job.shared, data))
            worker.shared = job.shared

    def _collect(self, waiting: Any) -> Iterator[tuple[str, bytes | None, str]]:
        busy = [worker for worker in self._workers if worker.job is not None]
        if not busy:
            return
        soonest = min(worker.deadline for worker in busy)
        handles: list[Any] = [worker.connection for worker in busy] + [
            w.process.sentinel for w in busy
        ]
        ready = wait(handles, timeout=max(0.0, soonest - time.monotonic()))
        now = time.monotonic()
        for worker in busy:
            assert worker.job is not None
            if worker.connection in ready:
                try:
                    result = worker.connection.recv_bytes()
                except (EOFError, OSError):
                    yield from self._lost(worker, waiting)
                else:
                    key, worker.job = worker.job.key, None
                    yield key, result, ""
            elif worker.process.sentinel in ready:
                yield from self._lost(worker, waiting)
            elif now > worker.deadline:
                job = worker.job
                self._replace(worker)
                yield job.key, None, f"no result after {job.deadline_s:.0f} s"

    def _lost(self, worker, waiting) -> Iterator[tuple[str, bytes | None, str]]:
        job, tries = worker.job, worker.tries + 1
        self._replace(worker)
        if tries < _TRIES:
            waiting.appendleft((job, tries))
        else:
            yield job.key, None, "the worker process died, twice"

    def _replace(self, worker) -> None:
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        worker.lifeline.close()
        self._workers[self._workers.index(worker)] = self._spawn()


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Keep `multiprocessing` from running the caller's script anew in every worker."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _work(
    connection: Connection, lifeline: Connection, function: str, lent: socket.socket | None
) -> None:
    """The life of a worker: receive bytes, send bytes, until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # kernels may want it
    module, _, name = function.partition(":")
    code = importlib.import_module(module)
    with contextlib.suppress(Exception):  # what fails here fails again where it is reported
        getattr(code, "warm_up", lambda lent: None)(lent)
    tidy = getattr(code, "forget_courses", lambda: None)
    threading.Thread(target=_die_with, args=(lifeline, tidy), daemon=True).start()
    action = getattr(code, name)
    try:
        shared = b""
        while True:
            new, data = connection.recv()
            shared = shared if new is None else new
            connection.send_bytes(action(shared, data))
    except (EOFError, OSError):
        _die_with(lifeline, tidy)


def _die_with(lifeline: Connection, tidy: Callable[[], None]) -> None:
    """End this process as soon as the parent is gone, even in the middle of a job."""
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv_bytes()
    with _TIDYING:  # two threads come here: who is second must not end the first half-way
        with contextlib.suppress(Exception):
            tidy()
        os._exit(0)
