"""Grade on a Dask cluster: the same function on other machines, bytes there and bytes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from optedu.grading.errors import UsageError
from optedu.grading.pool import Job
from optedu.grading.run import Options

__all__ = ["ClusterBackend", "on_cluster"]

# How many jobs a worker has at most in its queue: submissions travel when they are needed.
_AHEAD = 3


class ClusterBackend:
    r"""Jobs on a `distributed` cluster.

    Only this side reads the course and writes its gradebook: workers need optedu with its ``grade``
    extra and, for the sandbox, bubblewrap. A worker that is lost has its jobs given to others.
    """

    def __init__(self, client) -> None:
        self.client = client
        self._shared: dict[bytes, Any] = {}  # what has been sent, by its content

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[str, bytes | None, str]]:
        """Yield (key, result, reason) as jobs end."""
        from distributed import as_completed

        waiting, ended = iter(jobs), as_completed(loop=self.client.loop)
        keys: dict[str, str] = {}
        workers = len(self.client.scheduler_info(n_workers=-1)["workers"])
        for _ in range(_AHEAD * max(1, workers)):
            yield from self._submit_next(waiting, ended, keys)
        for future in ended:
            key = keys.pop(future.key)
            try:
                result = (key, future.result(), "")
            except Exception as error:
                result = (key, None, _reason(error))
            future.release()
            yield from self._submit_next(waiting, ended, keys)
            yield result

    def _submit_next(self, waiting, ended, keys):
        """Hand over one more job; yield those whose files are gone."""
        for job in waiting:
            try:
                data = job.load()
            except OSError as error:
                reason = f"the submission can no longer be read: {error.strerror}"
                yield job.key, None, reason
                continue
            if job.shared not in self._shared:
                # A task and not scattered data: the scheduler can make it again on another worker.
                sent = self.client.submit(bytes, job.shared, key=f"shared-{uuid4().hex}")
                self._shared[job.shared] = sent
            shared = self._shared[job.shared]
            future = self.client.submit(_grade_there, shared, data, key=f"grade-{uuid4().hex}")
            keys[future.key] = job.key
            ended.add(future)
            return


def _grade_there(shared: bytes, submission: bytes) -> bytes:
    """What a Dask worker runs."""
    from optedu.grading.task import grade

    return grade(shared, submission)


def _reason(error: Exception) -> str:
    if type(error).__name__ == "KilledWorker":
        return "the cluster's workers died on it"
    return f"the cluster failed: {type(error).__name__}: {' '.join(str(error).split())}"[:300]


@contextmanager
def on_cluster(
    address: str, options: Options, *, timeout_s: float = 10.0
) -> Iterator[ClusterBackend]:
    r"""A backend for the cluster at `address`, while the context lasts.

    Raises
    ------
    UsageError
        When `distributed` is missing or nobody answers.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise UsageError("Dask is missing: pip install 'optedu[cluster]'") from None
    try:
        client = Client(address, timeout=f"{timeout_s}s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler at {address}: {error}") from error
    with client:
        if options.sandbox:
            _probe_workers(client)
        yield ClusterBackend(client)


def _probe_workers(client) -> None:
    """Refuse before the start when a worker cannot isolate student code."""
    for worker, problem in client.run(_probe_there).items():
        if problem:
            raise UsageError(f"worker {worker}: {problem}")


def _probe_there() -> str:
    from optedu.grading.execute import SandboxUnavailable, probe

    try:
        probe()
    except SandboxUnavailable as error:
        return str(error)
    return ""
