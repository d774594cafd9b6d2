r"""Try an assignment on the instructor's solution and on the blank notebook before any student.

Both are graded with two kernels, and with one where two give the solution less than all points or
the blank notebook any. Where the points then differ, the tests are not written for two kernels, and
the instructor hears of it before a student has lost a point.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nbgrader.utils import find_all_files

from optedu.grading.course import Course
from optedu.grading.plan import Shared
from optedu.grading.store import Store

__all__ = ["VERSIONS", "WAYS", "Row", "Trial", "attempt"]

WAYS = ("two", "one")
VERSIONS = ("solution", "blank")
_NAMED = 6  # cells in a message; the table has them all


@dataclass(frozen=True)
class Row:
    """A graded cell, and its points by version and number of kernels; only two may be there."""

    notebook: str
    cell: str
    most: float
    points: dict[str, dict[str, float | None]]

    @property
    def differs(self) -> bool:
        """Whether the two ways give other points."""
        return any(len(set(points.values())) > 1 for points in self.points.values())


@dataclass(frozen=True)
class Trial:
    """How the solution and the blank notebook did, in both ways."""

    rows: tuple[Row, ...]
    problems: tuple[str, ...] = ()

    @property
    def differing(self) -> tuple[Row, ...]:
        """The cells whose points depend on the number of kernels."""
        return tuple(row for row in self.rows if row.differs)

    def explain(self, assignment: str) -> str:
        """One line for the instructor, which names cells and says what to do."""
        found = [self._said_of(version) for version in VERSIONS]
        return (
            f"nothing was graded: the tests of '{assignment}' are not written for two kernels. "
            f"Points with two kernels, and with one: {'; '.join(filter(None, found))}. Grade with "
            "--kernels one (tests beside the students' code, as with nbgrader), or with "
            "--kernels two if this is how it should be. "
            f"`optedu grade {assignment} --try` shows every cell"
        )

    def _said_of(self, version: str) -> str:
        pairs = [(row, row.points.get(version, {})) for row in self.rows]
        found = [
            f"{row.cell} {_number(points['two'])}, {_number(points['one'])}"
            for row, points in pairs
            if len(set(points.values())) > 1
        ]
        more = [f"{len(found) - _NAMED} more cells"] if len(found) > _NAMED else []
        return f"of the {version} {' - '.join(found[:_NAMED] + more)}" if found else ""


def _number(points: float | None) -> str:
    return "none" if points is None else f"{points:g}"


def attempt(
    course: Course,
    shared: Shared,
    workers: Any,
    store: Store,
    begin: Callable[[], None] = lambda: None,
    *,
    compare: bool = False,
) -> Trial | None:
    r"""Grade the solution and the blank notebook, or look up what an earlier run found.

    Parameters
    ----------
    shared : Shared
        What the tests are, with any number of kernels.
    workers : optedu.grading.run.Backend
        Where jobs are worked off.
    store : Store
        Keeps the result until the tests, the configuration or an installed version changes.
    begin : callable
        Called before anything is run.
    compare : bool
        With one kernel also what two have left no doubt of.

    Returns
    -------
    Trial or None
        None where the course has no source version to try.
    """
    versions = {name: files for name in VERSIONS if (files := _files(course, name))}
    if "solution" not in versions:
        return None
    digest = hashlib.sha256()
    for part in (shared.content["digest"].encode(), *map(_packed, versions.values())):
        digest.update(hashlib.sha256(part).digest())
    key = digest.hexdigest()[:40]
    known = store.load_trial(key) or {way: {} for way in WAYS}
    for way in WAYS:
        doubtful = [n for n in versions if way == "two" or _in_doubt(n, known["two"][n], shared)]
        todo = [n for n in (versions if compare else doubtful) if n not in known[way]]
        if not todo:
            continue
        if way == "two":
            begin()
        known[way] |= _grade(replace(shared, kernels=way), {n: versions[n] for n in todo}, workers)
        if all(result["status"] != "error" for way in known.values() for result in way.values()):
            store.save_trial(key, json.dumps(known).encode())
    return _trial(shared, known, versions)


def _in_doubt(version: str, result: dict[str, Any], shared: Shared) -> bool:
    """Whether it got, with two kernels, other points than its author should."""
    points = {(notebook, cell): score for notebook, cell, score in result["grades"]}
    return any(
        points.get((item["notebook"], item["name"]))
        != (item["max_score"] if version == "solution" else 0)
        for item in shared.items
        if item["automatic"]
    )


def _files(course: Course, version: str) -> dict[str, bytes]:
    """What this version's author would hand in; nothing where there is no notebook."""
    coursedir = course.coursedir
    step = coursedir.source_directory if version == "solution" else coursedir.release_directory
    folder = course.folder(step, ".")
    paths = find_all_files(str(folder), coursedir.ignore) if folder.is_dir() else []
    files = {}
    for path in sorted(paths):
        name = str(course.folder(step, ".").joinpath(path).relative_to(folder))
        with open(path, "rb") as file:
            files[name] = file.read()
    return files if any(name.endswith(".ipynb") for name in files) else {}


def _packed(files: dict[str, bytes]) -> bytes:
    return pickle.dumps(sorted(files.items()))


def _grade(shared: Shared, versions: dict[str, dict[str, bytes]], workers: Any) -> dict[str, Any]:
    """What each version's cells got."""
    jobs = [shared.job(name, partial(pickle.dumps, files)) for name, files in versions.items()]
    found: dict[str, Any] = {}
    for name, data, reason in workers.run(jobs):
        result = json.loads(data) if data is not None else {"status": "error", "detail": reason}
        found[name] = {
            "status": result["status"],
            "detail": result["detail"],
            "grades": [
                [g["notebook"], g["name"], g["auto_score"]] for g in result.get("grades", [])
            ],
        }
    return found


def _trial(shared: Shared, known: dict[str, Any], versions: dict[str, Any]) -> Trial:
    points = {
        (version, way): {(notebook, cell): score for notebook, cell, score in result["grades"]}
        for way, results in known.items()
        for version, result in results.items()
    }
    rows = [
        Row(
            item["notebook"],
            item["name"],
            item["max_score"],
            {
                version: {
                    way: points[version, way].get((item["notebook"], item["name"]))
                    for way in WAYS
                    if version in known[way]
                }
                for version in versions
            },
        )
        for item in shared.items
        if item["automatic"]
    ]
    problems = [
        f"the {version}, {way} kernel{'s' if way == 'two' else ''}: "
        f"{result['detail'] or result['status']}"
        for way, results in known.items()
        for version, result in results.items()
        if result["status"] != "graded"
    ]
    return Trial(tuple(rows), tuple(problems))
