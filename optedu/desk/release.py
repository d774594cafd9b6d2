"""The student version of an assignment: generated, registered, put into the exchange."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from nbgrader.converters import GenerateAssignment

from optedu.desk.course import course_here, gradebook
from optedu.desk.steps import exchange_root, exchange_step, run
from optedu.desk.words import place
from optedu.grading.course import Course
from optedu.grading.errors import UsageError

__all__ = ["release"]


def release(assignment: str, force: bool = False) -> str:
    r"""Release an assignment; return what to say.

    Parameters
    ----------
    assignment : str
        A folder of the sources.
    force : bool
        Whether to replace it in the exchange.

    Raises
    ------
    UsageError
        When there is no course or no such source here, the gradebook cannot be used, nbgrader
        refuses the notebooks, or it is in the exchange already. The release that was there stays.
    """
    course = course_here(assignment, new=True)
    source = course.folder(course.coursedir.source_directory, ".")
    if not any(source.glob("*.ipynb")):
        sources = course.root / course.coursedir.source_directory
        names = sorted({path.parent.name for path in sources.glob("*/*.ipynb")})
        raise UsageError(
            f"no assignment '{assignment}' in {sources} (it has: {', '.join(names) or 'none'})"
        )
    with gradebook(course):
        pass  # it can be used
    root = exchange_root(course)
    published = root and root / course.coursedir.course_id / "outbound" / assignment
    if published and published.exists() and not force:
        raise UsageError(
            f"{assignment} is in the exchange already ({published}): --force replaces it there"
        )
    target = course.folder(course.coursedir.release_directory, ".")
    _generate(course, target)
    lines = [f"{assignment}: {', '.join(sorted(map(place, target.glob('*.ipynb'))))}"]
    if published:
        step = exchange_step(course, "ReleaseAssignment")
        step.force = force
        if reason := run(step):
            raise UsageError(f"generated, but not in the exchange: {reason}")
        lines.append(f"In the exchange: {place(published)}")
    else:
        lines.append("No exchange: hand it out by your learning platform, or by a link")
    return "\n".join(lines)


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
