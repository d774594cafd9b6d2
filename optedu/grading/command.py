"""The command line of grading."""

from __future__ import annotations

from pathlib import Path

import click

from optedu.grading.one_line import one_line


@click.command()
@click.argument("assignment")
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes; one a core by default.")
@click.option("--cluster", metavar="ADDRESS", help="Grade on a Dask cluster, tcp://host:port.")
@click.option(
    "--resume/--force",
    default=True,
    help="Keep results of earlier runs that still hold (the default), or grade everything anew.",
)
@click.option(
    "--student", "students", multiple=True, metavar="ID", help="Only this student; repeat."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds of wall-clock time for a submission.",
)
@click.option(
    "--memory", type=click.IntRange(min=64), metavar="MB", help="Memory for a submission."
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the summary as JSON.",
)
@click.option(
    "--kernels",
    type=click.Choice(["two", "one"]),
    help="Run the tests in a kernel of their own (the default), or beside the students' code.",
)
@click.option(
    "--try",
    "only_try",
    is_flag=True,
    help="Only grade the instructor's solution and the blank notebook, both ways, and compare.",
)
@click.option("--no-sandbox", is_flag=True, help="Run student code without isolation.")
@one_line("Run the same command again to go on.", stopped=1)
def grade(assignment, no_sandbox, **options):
    """Grade the submissions of ASSIGNMENT into the course's nbgrader gradebook.

    Run it in the course's folder: it reads nbgrader_config.py. Where nobody chose the number of
    kernels, the instructor's solution and the blank notebook are tried first, and nothing is graded
    if their points depend on it. The exit status is 0 when every submission has its score, 3 when
    some need a person or the trial does, 2 when the command was misused, and 1 when the gradebook
    or the disk could not be written; then the same command goes on from there.
    """
    return "", _grade(assignment, sandbox=not no_sandbox, **options)


def _grade(
    assignment, *, jobs, cluster, resume, students, timeout, memory, report, kernels, only_try,
    sandbox,
) -> int:  # fmt: skip
    import gc

    gc.disable()  # a tenth of the time of the imports, in which nothing becomes garbage
    if cluster is None:
        from optedu.grading.sandbox import zygote

        zygote.shared()  # on another core it imports what kernels need, while this process does

    from dataclasses import replace

    from optedu.grading.course import open_course
    from optedu.grading.drift import drift
    from optedu.grading.errors import UsageError
    from optedu.grading.execute import SandboxUnavailable, probe
    from optedu.grading.pool import fork_from_here
    from optedu.grading.report import observer, print_summary, print_trial, write_report
    from optedu.grading.run import Options, default_jobs, run, try_out

    gc.freeze()
    gc.enable()
    if cluster is None:
        import optedu.grading.task  # noqa: F401 (for the workers)

        fork_from_here()
    if cluster is not None and jobs is not None:
        raise UsageError("--jobs is for this machine: with --cluster the cluster's workers count")
    if report is not None and not report.absolute().parent.is_dir():
        raise UsageError(f"--report: no folder {report.parent}")
    if sandbox and cluster is None:
        try:
            probe()
        except SandboxUnavailable as error:
            raise UsageError(str(error)) from error
    course = open_course(assignment)
    options = Options(
        jobs=jobs or default_jobs(),
        limits=_limits(course.config, timeout, memory),
        sandbox=sandbox,
        students=students,
        resume=resume,
        kernels=kernels,
        try_first=True,
    )
    with course.gradebook() as gradebook:
        changed = drift(course, gradebook)
    source = changed.said(assignment) if changed else ""
    if source and not only_try:
        click.echo(source, err=True)
    with _backend(cluster, options) as backend, observer() as progress:
        if only_try:
            trial = try_out(course, options, progress, backend=backend)
        else:
            outcome = run(course, options, progress, backend=backend)
    if only_try:
        if trial is None:
            raise UsageError(f"--try: no source version of '{assignment}' to try")
        print_trial(trial)
        return 3 if trial.differing or trial.problems else 0
    outcome = replace(outcome, source=source)
    print_summary(outcome)
    if report is not None:
        try:
            write_report(outcome, report)
        except OSError as error:
            raise UsageError(f"--report {report}: {error.strerror}") from error
    odd = source or outcome.lateness.strays
    return 3 if odd or any(entry.needs_human for entry in outcome.entries) else 0


def _limits(config, timeout, memory):
    """Limits from the command line, and a cell's from nbgrader's configuration."""
    from dataclasses import replace

    from optedu.grading.execute import Limits

    limits = Limits()
    for section in ("ExecutePreprocessor", "Execute"):
        seconds = config.get(section, {}).get("timeout")
        if isinstance(seconds, (int, float)) and seconds > 0:
            limits = replace(limits, cell_timeout_s=float(seconds))
    if timeout is not None:
        limits = replace(
            limits,
            wall_s=timeout,
            cpu_s=max(1, min(limits.cpu_s, round(timeout))),
            cell_timeout_s=min(limits.cell_timeout_s, timeout),
        )
    return limits if memory is None else replace(limits, memory_mb=memory)


def _backend(cluster, options):
    """Where jobs are worked off; None is this machine."""
    from contextlib import nullcontext

    if cluster is None:
        return nullcontext()
    from optedu.grading.cluster import on_cluster

    return on_cluster(cluster, options)
