"""Steps of nbgrader, run quietly: what went wrong comes back, all else is not shown."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import Any

from nbgrader.exchange import ExchangeFactory
from nbgrader.utils import capture_log

from optedu.course.sample import reason_of
from optedu.grading.course import Course

__all__ = ["exchange_root", "exchange_step", "run"]


def run(step: Any) -> str:
    r"""Run a converter or a step of the exchange; return why it failed, or nothing.

    Parameters
    ----------
    step : object
        What ``nbgrader.utils.capture_log`` takes.
    """
    log = step.log
    log = getattr(log, "logger", log)
    before = log.handlers[:], log.level, log.propagate
    log.handlers[:], log.propagate = [], False
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # hundreds of lines about nbconvert's insides
            outcome = capture_log(step)
    finally:
        log.handlers[:], _, log.propagate = before
        log.setLevel(before[1])
    if outcome["success"]:
        return ""
    return reason_of({"log": f"{outcome.get('log', '')}\n{outcome['error']}"})


def exchange_step(course: Course, kind: str) -> Any:
    r"""Return a step of the exchange that the course is configured for, such as ``"Collect"``."""
    app = course.autograde.parent
    step = getattr(ExchangeFactory(parent=app), kind)
    return step(coursedir=course.coursedir, parent=app)


def exchange_root(course: Course) -> Path | None:
    r"""Return the folder of the exchange, or None where there is none to use."""
    root = Path(getattr(exchange_step(course, "List"), "root", ""))
    there = sys.platform != "win32" and root.is_dir() and bool(course.coursedir.course_id)
    return root if there else None
