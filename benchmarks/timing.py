r"""Timing side by side: contestants take turns in one process.

A shared machine changes its speed from second to second. Taking turns lets both sides meet the
same weather; the quartiles show how bad it was. Of two contestants the median of the ratios, turn
by turn, says more than the ratio of the medians: what slows one in a turn slows the other too.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

__all__ = ["Timing", "alternate", "machine", "samples", "summary"]


@dataclass(frozen=True)
class Timing:
    r"""Seconds a call: median and quartiles over the repeats."""

    median: float
    lower: float
    upper: float
    repeats: int

    def json(self) -> dict[str, float]:
        r"""Return the figures for the record."""
        return asdict(self)


def alternate(
    contestants: dict[str, Callable[[], object]],
    *,
    seconds: float = 1.0,
    repeats: tuple[int, int] = (7, 101),
) -> dict[str, Timing]:
    r"""Time the contestants in turns; the arguments are those of `samples`."""
    taken = samples(contestants, seconds=seconds, repeats=repeats)
    return {name: summary(values) for name, values in taken.items()}


def samples(
    contestants: dict[str, Callable[[], object]],
    *,
    seconds: float = 1.0,
    repeats: tuple[int, int] = (7, 101),
) -> dict[str, list[float]]:
    r"""Return the seconds a call of each contestant, one value for each turn.

    Parameters
    ----------
    contestants : dict of str to callable
        What is timed, by name. Each is called once before, uncounted.
    seconds : float
        About how long each contestant runs in all.
    repeats : tuple of int
        Least and most turns of each.
    """
    calls = {}
    for name, call in contestants.items():
        call()
        start = time.perf_counter()
        call()
        once = max(time.perf_counter() - start, 1e-7)
        # A turn lasts at least a millisecond: the clock's own cost vanishes.
        calls[name] = (call, max(1, round(1e-3 / once)), once)
    slowest = max(count * once for _, count, once in calls.values())
    turns = min(max(repeats[0], int(seconds / slowest)), repeats[1])
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(turns):
        # Every other round goes backwards, so that nobody always follows the same neighbour.
        for name in list(calls) if turn % 2 else reversed(list(calls)):
            call, count, _ = calls[name]
            start = time.perf_counter()
            for _ in range(count):
                call()
            taken[name].append((time.perf_counter() - start) / count)
    return taken


def summary(values: list[float]) -> Timing:
    r"""Return median and quartiles."""
    lower, median, upper = statistics.quantiles(values, n=4)
    return Timing(median, lower, upper, len(values))


def machine() -> dict[str, str | int]:
    r"""Return what the figures were measured on."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line for line in file if line.startswith("model name")).split(":")[1]
    except (OSError, StopIteration):
        pass
    return {
        "processor": model.strip(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        "system": platform.system(),
        "python": platform.python_version(),
    }
