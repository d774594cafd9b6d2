"""The student version of an assignment: generated, registered, put into the exchange."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from nbgrader.api import Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.converters import GenerateAssignment
from nbgrader.utils import temp_attrs

from optedu.desk.course import course_here, gradebook
from optedu.desk.steps import exchange_root, exchange_step, run
from optedu.desk.words import count, place, some
from optedu.grading.course import Course
from optedu.grading.drift import Drift, drift
from optedu.grading.errors import UsageError

__all__ = ["release"]


def release(assignment: str, force: bool = False, update: bool = False) -> tuple[str, int]:
    r"""Release an assignment; return what to say, and the exit status.

    Parameters
    ----------
    assignment : str
        A folder of the sources.
    force : bool
        Whether to replace it in the exchange.
    update : bool
        Whether to bring only the gradebook up to date with the source. What students have been
        given stays as it is. One that the gradebook does not have yet is registered, and generated
        for the trial; it is not handed out.

    Raises
    ------
    UsageError
        When there is no course or no such source here, the gradebook cannot be used, nbgrader
        refuses the notebooks, or it is in the exchange already. The release that was there stays.
        When cells are new or gone, and the gradebook has submissions: it stays as it is then.
    """
    course = course_here(assignment, new=True)
    source = course.folder(course.coursedir.source_directory, ".")
    if not any(source.glob("*.ipynb")):
        sources = course.root / course.coursedir.source_directory
        names = sorted({path.parent.name for path in sources.glob("*/*.ipynb")})
        raise UsageError(
            f"no assignment '{assignment}' in {sources} (it has: {', '.join(names) or 'none'})"
        )
    if update:
        return _update(course)
    with gradebook(course) as book:
        changed = drift(course, book)
        lines, status = _effects(book, course, changed)
    root = exchange_root(course)
    published = root and root / course.coursedir.course_id / "outbound" / assignment
    if published and published.exists() and not force:
        raise UsageError(
            f"{assignment} is in the exchange already ({published}): --force replaces it there"
        )
    target = course.folder(course.coursedir.release_directory, ".")
    _generate(course, target)
    lines.insert(0, f"{assignment}: {', '.join(sorted(map(place, target.glob('*.ipynb'))))}")
    if published:
        step = exchange_step(course, "ReleaseAssignment")
        step.force = force
        if reason := run(step):
            raise UsageError(f"generated, but not in the exchange: {reason}")
        lines.insert(1, f"In the exchange: {place(published)}")
    else:
        lines.insert(1, "No exchange: hand it out by your learning platform, or by a link")
    return "\n".join(lines), status


def _update(course: Course) -> tuple[str, int]:
    name = course.assignment
    with gradebook(course) as book:
        if name not in {entry.name for entry in book.assignments}:
            _generate(course, course.folder(course.coursedir.release_directory, "."))
            then = f"optedu grade {name} --try, then optedu release {name}"
            return f"{name}: in the gradebook, and handed out to nobody: {then}", 0
        changed = drift(course, book)
        lines, status = _effects(book, course, changed)
    if not changed:
        return f"{course.assignment}: the gradebook is up to date", 0
    with (
        tempfile.TemporaryDirectory() as folder,
        temp_attrs(course.coursedir, release_directory=folder),
    ):
        _generate(course, course.folder(folder, "."))
    return "\n".join([f"{course.assignment}: the gradebook is now up to date", *lines]), status


def _effects(book: Gradebook, course: Course, changed: Drift) -> tuple[list[str], int]:
    """What a change of the source does to what has been graded; status 3 where a person must look.

    Raises
    ------
    UsageError
        When nbgrader would not have it: there is no place for new cells in submissions, and none
        for the points of cells that are gone.
    """
    name = course.assignment
    if not changed or changed.problem:  # nbgrader says what is wrong
        return [], 0
    graded = book.find_assignment(name).submissions
    if (changed.added or changed.removed) and graded:
        raise UsageError(
            f"cells of {name} are new or gone ({changed.what}), and the gradebook has "
            f"{count(len(graded), 'submission')}: undo that, or make it another assignment"
        )
    lines, status = [f"Changed: {changed.what}"], 0
    if not graded:
        return lines, status
    lines.append(
        f"{count(len(graded), 'submission')} in the gradebook: what the tests give is of the old "
        f"source until optedu grade {name}, which runs them again; the maximum is the new one"
    )
    by_hand = (
        book.db.query(Grade)
        .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .filter(SubmittedAssignment.id.in_([s.id for s in graded]), Grade.manual_score.isnot(None))
        .all()
    )
    if by_hand:
        lines.append(
            f"{count(len(by_hand), 'score')} given by hand stay{'' if len(by_hand) > 1 else 's'} "
            "as given; after that run the formgrader shows them again"
        )
    new = {cell: points for cell, _, points in changed.points}
    above = sorted(
        f"{grade.student.id} ({grade.name}: {grade.manual_score:g} of {new[grade.name]:g})"
        for grade in by_hand
        if grade.manual_score > new.get(grade.name, float("inf"))
    )
    if above:
        lines.append(f"Given by hand, and above the new maximum: {some(above)}")
        status = 3
    return lines, status


def _generate(course: Course, target: Path) -> None:
    """Generate the release, and put back what was there if that fails."""
    kept = target.with_name(f".{target.name}.kept")
    shutil.rmtree(kept, ignore_errors=True)
    if target.exists():
        os.rename(target, kept)
    step = GenerateAssignment(coursedir=course.coursedir, parent=course.autograde.parent)
    step.force = True
    reason = run(step)
    if reason and kept.exists():
        shutil.rmtree(target, ignore_errors=True)
        os.rename(kept, target)
    shutil.rmtree(kept, ignore_errors=True)
    if reason:
        raise UsageError(f"{course.assignment} was not released: {reason}")
