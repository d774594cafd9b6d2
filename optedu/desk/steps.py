"""Steps of nbgrader, run quietly: what went wrong comes back, all else is not shown."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbgrader.exchange import ExchangeFactory
from nbgrader.utils import capture_log

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


def reason_of(outcome: Mapping[str, Any]) -> str:
    r"""Return the last exception in nbgrader's log as one line, or its last error.

    Examples
    --------
    >>> reason_of({"log": "[ERROR] Traceback\n    ValueError: no cell named f\n[ERROR] See above."})
    'ValueError: no cell named f'
    """
    lines = outcome.get("log", "").splitlines()
    raised = [line.strip() for line in lines if re.match(r"\s+[\w.]+: .", line)]
    errors = [line.removeprefix("[ERROR] ") for line in lines if line.startswith("[ERROR]")]
    line = (raised or errors or ["nbgrader gave no reason"])[-1]
    # Some exceptions quote the whole file.
    return re.sub(r"^[\w.]*\.(?=\w+: )|: '\{.*", "", line)[:120]
