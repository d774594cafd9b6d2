"""What students get back: an HTML page for each notebook, and to the exchange with it."""

from __future__ import annotations

from pathlib import Path

from nbgrader.converters import GenerateFeedback
from traitlets.config import Config

from optedu.desk.course import course_here, gradebook, known
from optedu.desk.steps import exchange_root, exchange_step, run
from optedu.desk.words import count, place
from optedu.grading.course import Course
from optedu.grading.errors import UsageError

__all__ = ["feedback"]


def feedback(assignment: str, students: tuple[str, ...] = ()) -> tuple[str, int]:
    r"""Write the feedback on an assignment; return what to say, and the exit status.

    Parameters
    ----------
    assignment : str
        Which.
    students : tuple of str
        Whose; of everybody who has been graded when empty.

    Raises
    ------
    UsageError
        When there is no course, gradebook or such assignment here, or nobody to write it for.
    """
    course = course_here(assignment)
    with gradebook(course) as book:
        known(book, assignment)
    graded = _graded(course)
    for student in students:
        if student not in graded:
            raise UsageError(f"--student: no graded notebook of '{student}' for {assignment}")
    chosen = sorted(set(students)) or graded
    if not chosen:
        raise UsageError(f"nothing of {assignment} is graded: run optedu grade {assignment} first")
    # All at once is faster; what failed then is asked for one by one, to know whose it was.
    at_once = not students and not _write(course, "*")
    failed = {s: reason for s in chosen if not at_once and (reason := _write(course, s))}
    done = [s for s in chosen if s not in failed]
    folder = course.root / course.coursedir.feedback_directory
    whose = f"{len(done)} of {count(len(chosen), 'student')}"
    lines = [f"{assignment}: feedback for {whose} in {place(folder)}"]
    if exchange_root(course):
        released = [s for s in done if _came_by_exchange(course, s)]
        for student in released:
            course.coursedir.student_id = student
            if reason := run(exchange_step(course, "ReleaseFeedback")):
                failed[student] = f"not in the exchange: {reason}"
        if there := sum(s not in failed for s in released):
            lines.append(f"In the exchange: feedback for {count(there, 'student')}")
    lines += [f"No feedback for {student}: {reason}" for student, reason in failed.items()]
    return "\n".join(lines), 3 if failed else 0


def _graded(course: Course) -> list[str]:
    """Who has graded notebooks."""
    everybody = course.root / course.coursedir.autograded_directory
    if not everybody.is_dir():
        return []
    step = course.coursedir.autograded_directory
    names = [path.name for path in everybody.iterdir() if path.is_dir()]
    return sorted(name for name in names if any(course.folder(step, name).glob("*.ipynb")))


def _write(course: Course, student: str) -> str:
    """Write the feedback of a student, or of all; returns why not, or nothing."""
    course.coursedir.student_id = student
    step = GenerateFeedback(coursedir=course.coursedir, parent=course.autograde.parent)
    template = Config()
    template.HTMLExporter.template_name = "feedback"
    step.update_config(template)
    step.force = True
    return run(step)


def _came_by_exchange(course: Course, student: str) -> bool:
    """Whether the exchange can give it back: only who has handed in there has a key to it."""
    folder: Path = course.folder(course.coursedir.feedback_directory, student)
    return (folder / "submission_secret.txt").is_file() and (folder / "timestamp.txt").is_file()
