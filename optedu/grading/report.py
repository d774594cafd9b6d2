"""What a run says: progress while it goes, a summary after it, JSON for programs."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from optedu.grading.lateness import Lateness, duration
from optedu.grading.run import Entry, Outcome
from optedu.grading.store import disk_errors, write_whole
from optedu.grading.tally import Tally
from optedu.grading.trial import WAYS, Trial

__all__ = [
    "Lines",
    "LiveBar",
    "late_lines",
    "observer",
    "print_summary",
    "print_trial",
    "stray_lines",
    "summarize",
    "write_report",
]  # fmt: skip

ONE_KERNEL = (
    "One kernel: the tests ran beside the students' code, which can read and change them "
    "and earn points that way; the machine and the class are as safe as with two."
)
_BINS = 5
_MESSAGES = 3
_MESSAGE_WIDTH = 88


class _Counts:
    """What both kinds of progress count."""

    def __init__(self) -> None:
        self.total = self.done = self.fresh = self.failures = 0
        self.started = time.monotonic()

    def begin(self, total: int, kept: int) -> None:
        self.total, self.kept = total, kept
        self.started = time.monotonic()

    def ended(self, entry: Entry) -> None:
        self.done += 1
        self.fresh += entry.fresh
        self.failures += entry.needs_human

    def per_minute(self) -> float:
        return 60.0 * self.fresh / max(time.monotonic() - self.started, 1e-9)


class LiveBar:
    """A progress bar with rate, time left and failures so far, for terminals."""

    def __init__(self, console: Console) -> None:
        self._counts = _Counts()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.0f}/min"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[failures]}"),
            console=console,
        )
        self._task = self._progress.add_task("grading", total=None, rate=0.0, failures="")

    def __enter__(self) -> LiveBar:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def begin(self, total: int, kept: int) -> None:
        """Show how much there is."""
        self._counts.begin(total, kept)
        self._progress.update(self._task, total=total, description="grading")

    def ended(self, entry: Entry) -> None:
        """Advance, and name who needs a person."""
        self._counts.ended(entry)
        if entry.needs_human:
            self._progress.console.print(
                Text.assemble((printable(entry.student), "bold"), f": {printable(entry.reason)}")
            )
        failures = self._counts.failures
        self._progress.update(
            self._task,
            advance=1,
            rate=self._counts.per_minute(),
            failures=f"{failures} to look at" if failures else "",
        )

    def waiting(self, reason: str) -> None:
        """Say what it waits for."""
        self._progress.update(self._task, description=f"waiting: {reason}")


class Lines:
    """The same as plain lines, for logs and pipes."""

    def __init__(self, stream: TextIO, *, every_s: float = 10.0) -> None:
        self._stream, self._every_s = stream, every_s
        self._counts = _Counts()
        self._shown = time.monotonic()
        self._waiting = ""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def begin(self, total: int, kept: int) -> None:
        """Say how much there is."""
        self._counts.begin(total, kept)
        known = f", {kept} of them graded already" if kept else ""
        print(f"{total} submissions{known}", file=self._stream, flush=True)

    def ended(self, entry: Entry) -> None:
        """Say who needs a person, and now and then how far it is."""
        counts = self._counts
        counts.ended(entry)
        if entry.needs_human:
            line = f"{printable(entry.student)}: {printable(entry.reason)}"
            print(line, file=self._stream, flush=True)
        now = time.monotonic()
        if now - self._shown > self._every_s or counts.done == counts.total:
            self._shown = now
            rate = counts.per_minute()
            left = f", {60 * (counts.total - counts.done) / rate:.0f} s left" if rate else ""
            print(
                f"{counts.done}/{counts.total} graded, {rate:.0f} a minute{left}, "
                f"{counts.failures} to look at",
                file=self._stream,
                flush=True,
            )

    def waiting(self, reason: str) -> None:
        """Say what it waits for, once."""
        if reason != self._waiting:
            print(f"waiting: {reason}", file=self._stream, flush=True)
        self._waiting = reason


def observer(stream: TextIO | None = None) -> LiveBar | Lines:
    """A bar where the stream is a terminal, else lines."""
    stream = sys.stderr if stream is None else stream
    return LiveBar(Console(file=stream)) if stream.isatty() else Lines(stream)


def printable(text: str) -> str:
    """Text from a submission, without characters that a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def summarize(outcome: Outcome) -> dict[str, Any]:
    """The run as plain data: what `--report` writes and the summary shows."""
    entries = outcome.entries
    scores = [entry.score for entry in entries if entry.score is not None]
    return {
        "submissions": len(entries),
        "graded_now": sum(entry.fresh for entry in entries),
        "seconds": round(outcome.seconds, 2),
        "kernels": outcome.plan.shared.kernels,
        "warning": ONE_KERNEL if outcome.plan.shared.kernels == "one" else None,
        "status": dict(Counter(entry.status for entry in entries).most_common()),
        "max_score": entries[0].max_score if entries else 0.0,
        "scores": _distribution(scores, entries[0].max_score if entries else 0.0),
        "items": _items(outcome),
        "needs_human": [
            {"student": entry.student, "reason": entry.reason}
            for entry in entries
            if entry.needs_human
        ],
        "lateness": _lateness(outcome.lateness),
        "source_is_newer": outcome.source or None,
        "students": [_student(entry) for entry in entries],
    }


def _lateness(found: Lateness) -> dict[str, Any]:
    return {
        "due": found.due or None,
        "penalty": found.method or None,
        "extensions": found.extensions,
        "late": [
            {
                "student": each.student,
                "seconds": each.seconds,
                "points": each.penalty,
                "points_before": each.before,
            }
            for each in found.late
        ],
        "strays": list(found.strays),
    }


def _student(entry: Entry) -> dict[str, Any]:
    return {
        "student": entry.student,
        "status": entry.status,
        "detail": entry.detail,
        "score": entry.score,
        "max_score": entry.max_score,
        "tampered": list(entry.tampered),
        "notes": list(entry.notes),
        "ungraded": list(entry.ungraded),
        "earlier_score": entry.earlier,
        "seconds": entry.seconds,
    }


def _distribution(scores: list[float], max_score: float) -> dict[str, Any]:
    if not scores:
        return {"count": 0}
    width = max_score / _BINS if max_score else 1.0
    counts = [0] * _BINS
    for score in scores:
        counts[max(0, min(_BINS - 1, int(score / width)))] += 1
    return {
        "count": len(scores),
        "mean": round(statistics.fmean(scores), 3),
        "median": round(statistics.median(scores), 3),
        "min": min(scores),
        "max": max(scores),
        "bins": [
            {"from": round(i * width, 3), "to": round((i + 1) * width, 3), "count": count}
            for i, count in enumerate(counts)
        ],
    }


def _items(outcome: Outcome) -> list[dict[str, Any]]:
    """How each test went over the class, and with which messages it failed."""
    rows = []
    for item in outcome.plan.shared.items:
        if not item["automatic"]:
            continue
        tally = outcome.items.get((item["notebook"], item["name"]), Tally())
        rows.append(
            {
                "notebook": item["notebook"],
                "item": item["name"],
                "max_score": item["max_score"],
                "attempts": tally.attempts,
                "failed": tally.failed,
                "mean": None if tally.mean is None else round(tally.mean, 3),
                "messages": [
                    {"message": message, "count": count}
                    for message, count in tally.messages.most_common()
                ],
            }
        )
    return rows


def print_summary(outcome: Outcome, console: Console | None = None) -> None:
    """Print how the class did: scores, items, and who needs a person."""
    console = console or Console()
    summary = summarize(outcome)
    console.print(_score_table(summary))
    console.print(_item_table(summary))
    if summary["needs_human"]:
        table = Table(title="To look at", title_justify="left")
        table.add_column("student", overflow="fold")
        table.add_column("why", overflow="fold")
        for row in summary["needs_human"]:
            table.add_row(Text(printable(row["student"])), Text(printable(row["reason"])))
        console.print(table)
    if summary["warning"]:
        console.print(summary["warning"], highlight=False)
    for line in [*late_lines(outcome.lateness), *stray_lines(outcome.lateness)]:
        console.print(printable(line), highlight=False, soft_wrap=True)
    if outcome.source:
        console.print(printable(outcome.source), highlight=False, soft_wrap=True)
    states = ", ".join(f"{count} {status}" for status, count in summary["status"].items())
    rate = 60 * summary["graded_now"] / max(summary["seconds"], 1e-9)
    console.print(
        f"{summary['submissions']} submissions: {states}. Graded {summary['graded_now']} in "
        f"{summary['seconds']:.1f} s ({rate:.0f} a minute).",
        highlight=False,
    )


def late_lines(found: Lateness) -> list[str]:
    """What there is to say of the due date: nothing where there is none, and nobody was late."""
    if not found.due and not found.late:
        return []
    extended = [f"{student} until {due}" for student, due in found.extensions.items()]
    lines = [f"Due {found.due or 'at no time'}{_listed('; extended: ', extended)}"]
    late = [each for each in found.late if each.seconds > 0]
    if late:
        who = [
            f"{each.student} by {duration(each.seconds)}"
            + (f" (-{each.penalty:g})" if each.penalty else "")
            for each in late
        ]
        points = sum(each.penalty for each in late)
        cost = f"{points:g} points of penalty ({found.method})" if points else "no penalty"
        lines.append(f"Late: {len(late)}, {cost}{_listed(': ', who)}")
    changes = [f"{e.student} {e.before:g} to {e.penalty:g}" for e in found.changed]
    if changes:
        lines.append(f"Penalties changed, and nothing was graded for it{_listed(': ', changes)}")
    return lines


def stray_lines(found: Lateness) -> list[str]:
    """What in the file of extensions does nothing."""
    return [f"extensions.csv{_listed(': ', list(found.strays))}: mend it"] if found.strays else []


def _listed(before: str, texts: list[str], most: int = 10) -> str:
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return f"{before}{', '.join(texts[:most])}{more}" if texts else ""


def print_trial(trial: Trial, console: Console | None = None) -> None:
    """Print what the solution and the blank notebook got, with two kernels and with one."""
    console = console or Console()
    table = Table(title="Trial: points with two kernels / with one", title_justify="left")
    table.add_column("item", overflow="fold")
    table.add_column("of", justify="right")
    versions = list(trial.rows[0].points) if trial.rows else []
    for version in versions:
        table.add_column(version, justify="right")
    table.add_column("")
    for row in trial.rows:
        ways = [[row.points[version].get(way) for way in WAYS] for version in versions]
        shown = [" / ".join("-" if p is None else f"{p:g}" for p in points) for points in ways]
        table.add_row(Text(row.cell), f"{row.most:g}", *shown, "differs" if row.differs else "")
    console.print(table)
    for problem in trial.problems:
        console.print(printable(problem), highlight=False)


def _score_table(summary: dict[str, Any]) -> Table:
    scores = summary["scores"]
    title = f"Scores (tests that run by themselves, of {summary['max_score']:g} points)"
    table = Table(title=title, title_justify="left")
    table.add_column("points")
    table.add_column("students", justify="right")
    table.add_column("")
    bins = scores.get("bins", [])
    most = max((b["count"] for b in bins), default=0) or 1
    for b in bins:
        bar = "█" * round(30 * b["count"] / most)
        table.add_row(f"{b['from']:g} to {b['to']:g}", str(b["count"]), bar)
    if scores["count"]:
        table.caption = f"mean {scores['mean']:g}, median {scores['median']:g}"
    return table


def _item_table(summary: dict[str, Any]) -> Table:
    table = Table(title="Items", title_justify="left")
    table.add_column("item", overflow="fold")
    table.add_column("failed", justify="right")
    table.add_column("mean", justify="right")
    table.add_column("most frequent messages", overflow="fold")
    for row in summary["items"]:
        mean = "" if row["mean"] is None else f"{row['mean']:.2f} of {row['max_score']:g}"
        shown = row["messages"][:_MESSAGES]
        lines = "\n".join(f"{m['count']} x {printable(_short(m['message']))}" for m in shown)
        table.add_row(Text(row["item"]), f"{row['failed']} of {row['attempts']}", mean, Text(lines))
    return table


def _short(text: str) -> str:
    return text if len(text) <= _MESSAGE_WIDTH else text[: _MESSAGE_WIDTH - 3] + "..."


def write_report(outcome: Outcome, path: Path) -> None:
    """Write the summary as JSON.

    Raises
    ------
    RunError
        When the file cannot be written.
    """
    text = json.dumps(summarize(outcome), indent=2) + "\n"
    with disk_errors(path):
        write_whole(path, text.encode("utf-8", "surrogateescape"))
