"""One run: plan, work, store, merge; the order in which nothing can be lost."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from optedu.grading.course import Course
from optedu.grading.errors import NotForTwoKernels, RunError
from optedu.grading.execute import Limits
from optedu.grading.lateness import Lateness
from optedu.grading.merge import GradebookBusy, Merger
from optedu.grading.plan import Plan, Submission, make_plan, read_submission, share
from optedu.grading.pool import Job, Pool
from optedu.grading.sandbox import zygote
from optedu.grading.store import Store
from optedu.grading.tally import Tally, count
from optedu.grading.trial import VERSIONS, Trial, attempt

__all__ = ["Backend", "Entry", "Observer", "Options", "Outcome", "run", "try_out"]

# How long a result waits for others to be merged with.
_TOGETHER_S = 1.0
_PAUSE_S = 0.2


class Backend(Protocol):
    """Where jobs are worked off: processes of this machine, or a cluster."""

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[str, bytes | None, str]]:
        """Yield (key, result or None, reason) in whatever order jobs end."""


class Observer(Protocol):
    """Who is told what happens, as it happens."""

    def begin(self, total: int, kept: int) -> None:
        """There are `total` submissions; `kept` were graded by an earlier run."""

    def ended(self, entry: Entry) -> None:
        """A submission has its result."""

    def waiting(self, reason: str) -> None:
        """The run waits for something outside."""


@dataclass(frozen=True)
class Options:
    """What the command was asked."""

    jobs: int = 1
    limits: Limits = field(default_factory=Limits)
    sandbox: bool = True
    students: tuple[str, ...] = ()
    resume: bool = True
    busy_s: float = 60.0
    together: int = 32  # results in one transaction of the gradebook, if they come fast enough
    kernels: str | None = None  # None: as the configuration says, and two where it says nothing
    try_first: bool = False  # the solution and the blank notebook, where nobody chose the kernels


@dataclass(frozen=True)
class Entry:
    """One submission and how its grading ended."""

    student: str
    status: str
    detail: str
    tampered: tuple[str, ...]
    notes: tuple[str, ...]
    score: float | None
    max_score: float
    ungraded: tuple[str, ...]
    seconds: float
    fresh: bool
    earlier: float | None = None  # points of an earlier submission, where this one has none

    @property
    def needs_human(self) -> bool:
        """Whether a person must look at it, beyond the answers that people grade anyway."""
        return (
            self.status != "graded"
            or bool(self.tampered)
            or bool(self.ungraded)
            or bool(self.costly_notes)
        )

    @property
    def costly_notes(self) -> tuple[str, ...]:
        """Notes that may be why points are missing: none where the score is full."""
        full = self.score is not None and self.score >= self.max_score
        return () if full else tuple(dict.fromkeys(self.notes))

    @property
    def reason(self) -> str:
        """One line on why."""
        parts = [self.detail] if self.status != "graded" and self.detail else []
        if self.status != "graded" and not parts:
            parts = [self.status]
        parts += [*self.tampered, *self.costly_notes]
        if self.ungraded:
            parts.append(f"no score for {', '.join(self.ungraded)}: the test cell is missing")
        if self.earlier is not None:
            parts.append(f"the {self.earlier:g} points of an earlier submission stand")
        return "; ".join(parts)


@dataclass(frozen=True)
class Outcome:
    """A finished run."""

    plan: Plan
    entries: tuple[Entry, ...]
    seconds: float
    items: dict[tuple[str, str], Tally] = field(default_factory=dict)  # by notebook and name
    lateness: Lateness = field(default_factory=Lateness)
    source: str = ""  # what the source says otherwise than the gradebook


def run(
    course: Course,
    options: Options,
    observer: Observer,
    backend: Backend | None = None,
) -> Outcome:
    r"""Grade an assignment, with processes of this machine where no `backend` is given.

    Every result is on disk before the gradebook sees it, and is marked merged only after the
    gradebook has it: a run that was ended at any moment goes on where it stopped.

    Raises
    ------
    UsageError
        When there is nothing to grade.
    RunError
        When the gradebook or the disk cannot be written; what was graded is kept.
    NotForTwoKernels
        When a trial was asked for, and the solution's points depend on the number of kernels.
    """
    started = time.perf_counter()
    store = Store(course.results)
    plan = make_plan(
        course,
        limits=options.limits,
        sandbox=options.sandbox,
        students=options.students,
        kernels=options.kernels or course.kernels or "two",
    )
    with store.locked(), _workers(options, backend) as workers, course.gradebook() as gradebook:
        if options.try_first and (options.kernels or course.kernels) is None:
            found = _attempt(course, plan.shared, workers, store, observer)
            if found is not None and found.differing:
                raise NotForTwoKernels(found.explain(course.assignment))
        merger = Merger(course, gradebook)
        merger.check_writable()
        if not options.students:
            store.keep_only({submission.key for submission in plan.submissions})
        graded = _Grading(course, options, observer, plan, store, merger)
        entries = graded.work(workers)
        lateness = graded.settle()
    return Outcome(plan, entries, time.perf_counter() - started, graded.items, lateness)


def try_out(
    course: Course,
    options: Options,
    observer: Observer,
    backend: Backend | None = None,
) -> Trial | None:
    """Only grade the solution and the blank notebook, both ways; None where there is no source."""
    store = Store(course.results)
    shared = share(course, options.limits, options.sandbox)
    few = replace(options, jobs=min(options.jobs, len(VERSIONS)))
    with store.locked(), _workers(few, backend) as workers:
        return _attempt(course, shared, workers, store, observer, compare=True)


def _attempt(course, shared, workers, store, observer, *, compare=False) -> Trial | None:
    def begin() -> None:
        observer.waiting("the solution and the blank notebook are tried first")

    return attempt(course, shared, workers, store, begin, compare=compare)


def _workers(options: Options, backend: Backend | None) -> AbstractContextManager[Backend]:
    """The backend that was given, or this machine's processes: they stay from the trial on."""
    if backend is not None:
        return nullcontext(backend)
    # One zygote for all workers.
    function, lend = "optedu.grading.task:grade", lambda: zygote.shared().lend()
    return Pool(function, jobs=options.jobs, lend=lend)


class _Grading:
    def __init__(self, course, options, observer, plan, store, merger) -> None:
        self.course, self.options, self.observer = course, options, observer
        self.plan, self.store, self.merger = plan, store, merger
        self.entries: dict[str, Entry] = {}
        self.items: dict[tuple[str, str], Tally] = {}
        self.waiting: list[tuple[Submission, dict[str, Any]]] = []  # to be merged together
        self.since = 0.0
        # What found the gradebook busy; a result that is on the disk is not kept here too.
        self.unmerged: list[tuple[Submission, dict[str, Any] | None]] = []
        self.busy = ""  # why

    def work(self, workers: Backend) -> tuple[Entry, ...]:
        kept, todo = self._sort()
        known = sum(submission.problem is None for submission in kept)
        self.observer.begin(len(self.plan.submissions), known)
        # One result at a time: those of a large class together do not fit into the memory.
        held = self.merger.held() if kept else None
        for submission in kept:
            result = self._kept(submission)
            if result is None:  # there, and cannot be read
                todo.append(submission)
                continue
            assert held is not None
            if not (self.store.is_merged(submission.key) and held(submission, result)):
                self._merge(submission, result)
            self._enter(submission, result, fresh=False)
        if todo:
            self._grade(todo, workers)
        self._merge_rest()
        entries = [self.entries[submission.student] for submission in self.plan.submissions]
        ungraded = {entry.student for entry in entries if entry.score is None}
        earlier = self.merger.standing(ungraded) if ungraded else {}
        return tuple(
            replace(entry, earlier=earlier[entry.student]) if entry.student in earlier else entry
            for entry in entries
        )

    def settle(self) -> Lateness:
        """See to lateness, as due dates, extensions and penalties are now."""
        deadline = time.monotonic() + self.options.busy_s
        students = {submission.student for submission in self.plan.submissions}
        while True:
            try:
                return self.merger.settle(students if self.options.students else None)
            except GradebookBusy as busy:
                self.observer.waiting(str(busy))
                if time.monotonic() > deadline:
                    raise RunError(f"{busy}: all is graded, late penalties are as before") from busy
                time.sleep(_PAUSE_S)

    def _sort(self) -> tuple[list[Submission], list[Submission]]:
        """What is graded already, or cannot be graded, and what is to do."""
        kept: list[Submission] = []
        todo: list[Submission] = []
        for submission in self.plan.submissions:
            known = self.options.resume and self.store.has(submission.key)
            (kept if known or submission.problem is not None else todo).append(submission)
        return kept, todo

    def _kept(self, submission: Submission) -> dict[str, Any] | None:
        if submission.problem is not None:
            return _set_aside(submission, "invalid", submission.problem)
        return self.store.load(submission.key)

    def _grade(self, todo: list[Submission], workers: Backend) -> None:
        by_key = {submission.key: submission for submission in todo}
        shared = self.plan.shared
        jobs = [shared.job(s.key, partial(read_submission, self.course, s)) for s in todo]
        for key, data, reason in workers.run(jobs):
            submission = by_key[key]
            if data is None:
                result = _set_aside(submission, "error", reason)
            else:
                result = _complete(submission, data)
            if result["status"] != "error":  # the next run tries those again
                self.store.save(key, json.dumps(result).encode())
            self._merge(submission, result)
            self._enter(submission, result, fresh=True)

    def _merge(self, submission: Submission, result: dict[str, Any]) -> None:
        """Merge it, soon: together with others that come right after it."""
        if not self.waiting:
            self.since = time.monotonic()
        self.waiting.append((submission, result))
        full = len(self.waiting) >= self.options.together
        if full or time.monotonic() - self.since > _TOGETHER_S:
            self._merge_waiting()

    def _merge_waiting(self) -> None:
        waiting, self.waiting = self.waiting, []
        if not waiting:
            return
        self.store.sync()
        try:
            self.merger.merge(waiting)
        except GradebookBusy as busy:
            self.busy = str(busy)
            self.unmerged += [(s, None if r["notebooks"] else r) for s, r in waiting]
        else:
            for submission, result in waiting:
                if result["status"] != "error":
                    self.store.mark_merged(submission.key)

    def _merge_rest(self) -> None:
        """Merge what is left, also what found the gradebook busy or gone: wait, not for ever."""
        self._merge_waiting()
        deadline = time.monotonic() + self.options.busy_s
        while self.unmerged:
            self.observer.waiting(self.busy)
            unmerged, self.unmerged = self.unmerged, []
            for number, (submission, kept) in enumerate(unmerged):
                result = self.store.load(submission.key) if kept is None else kept
                if result is not None:  # else the next run grades it again
                    self.waiting.append((submission, result))
                if len(self.waiting) >= self.options.together:
                    self._merge_waiting()
                if self.unmerged:
                    self.unmerged += unmerged[number + 1 :]
                    break
            self._merge_waiting()
            if self.unmerged and time.monotonic() > deadline:
                raise RunError(
                    f"{self.busy}: {len(self.unmerged)} results are kept in {self.store.folder}"
                )
            if self.unmerged:
                time.sleep(_PAUSE_S)  # who is refused at once need not ask all the time

    def _enter(self, submission: Submission, result: dict[str, Any], *, fresh: bool) -> None:
        entry = _entry(self.plan, submission, result, fresh)
        count(self.items, result["items"])
        self.entries[submission.student] = entry
        self.observer.ended(entry)


def _complete(submission: Submission, data: bytes) -> dict[str, Any]:
    """A worker's result together with what the plan found."""
    result = json.loads(data)
    result["student"] = submission.student
    result["tampered"] = [*submission.tampered, *result["tampered"]]
    result["notes"] = [*submission.notes, *result["notes"]]
    return result


def _set_aside(submission: Submission, status: str, reason: str) -> dict[str, Any]:
    """The result of a submission that no worker could grade."""
    return {
        "status": status,
        "detail": reason,
        "student": submission.student,
        "tampered": list(submission.tampered),
        "notes": list(submission.notes),
        "notebooks": {},
        "grades": [],
        "comments": [],
        "items": [],
        "seconds": 0.0,
        "cpu_s": 0.0,
    }


def _entry(plan: Plan, submission: Submission, result: dict[str, Any], fresh: bool) -> Entry:
    scores = {(g["notebook"], g["name"]): g["auto_score"] for g in result["grades"]}
    automatic = [item for item in plan.shared.items if item["automatic"]]
    missing = [
        item["name"]
        for item in automatic
        if item["notebook"] in result["notebooks"]
        and (item["notebook"], item["name"]) not in scores
    ]
    graded = bool(result["notebooks"])
    return Entry(
        student=submission.student,
        status=result["status"],
        detail=result["detail"],
        # Not in the result, which is kept when the file is corrected.
        tampered=(*filter(None, [submission.time_problem]), *result["tampered"]),
        notes=tuple(result["notes"]),
        score=sum(score or 0.0 for score in scores.values()) if graded else None,
        max_score=sum(item["max_score"] for item in automatic),
        ungraded=tuple(missing),
        seconds=result["seconds"],
        fresh=fresh,
    )


def default_jobs() -> int:
    """As many workers as this process may use cores."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
