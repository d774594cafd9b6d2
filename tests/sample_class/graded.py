r"""Grade a sample class with stock nbgrader: ``python -m tests.sample_class.graded``.

The class is made by a Python package, ``tests.sample_class`` unless another is named, whose
``write(submitted)`` writes the submissions and returns the score that each should get. Everything
lies in ``_build/sample/``, an nbgrader course folder of its own, and is graded again only when the
assignments, the submissions or the package changed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from optedu.course.release import assignments, course_config
from optedu.desk.steps import reason_of

__all__ = ["Grade", "grade", "main", "mismatches", "table"]

Expected = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Grade:
    r"""What the gradebook holds of one submission.

    Attributes
    ----------
    student, assignment : str
        Whose, and which.
    score : float or None
        Points given automatically; None where nbgrader could not grade.
    max_score : float
        Points that can be given automatically.
    by_hand : float
        Points that wait for a grader.
    reason : str
        Why it could not be graded, in one line.
    """

    student: str
    assignment: str
    score: float | None
    max_score: float
    by_hand: float = 0.0
    reason: str = ""


def sample_config(root: Path, folder: Path) -> Any:
    r"""Return the course's configuration with every folder of the class below ``folder``."""
    config = course_config(root)
    directory = config.CourseDirectory
    directory.root = str(folder)
    directory.source_directory = str(root / "solutions")
    directory.release_directory = "release"
    directory.submitted_directory = "submitted"
    directory.autograded_directory = "autograded"
    directory.feedback_directory = "feedback"
    directory.db_url = f"sqlite:///{folder / 'gradebook.db'}"
    return config


def grade(
    root: Path,
    folder: Path,
    students: Iterable[str],
    names: Iterable[str],
    progress: Callable[[str], None] = lambda line: None,
) -> list[Grade]:
    r"""Grade every submission below ``folder/submitted`` with nbgrader's own API.

    Parameters
    ----------
    root : Path
        The course: ``nbgrader_config.py`` and ``solutions/``.
    folder : Path
        An nbgrader course folder; gradebook, graded notebooks and feedback are written there.
    students, names : iterable of str
        Whose submissions of which assignments.
    progress : callable, optional
        Gets a line for each submission.

    Returns
    -------
    list of Grade
        One for each submission that there is, by student and assignment.
    """
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    # nbgrader runs `alembic` by name, which lies beside the Python that runs this.
    here = str(Path(sys.executable).parent)
    if here not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([here, os.environ["PATH"]])
    config = sample_config(root, folder)
    api = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
    # nbgrader's log is kept in each outcome; on the terminal it would drown the table.
    api.log.setLevel("INFO")
    api.log.propagate = False
    for handler in list(api.log.handlers):
        api.log.removeHandler(handler)
    # nbgrader's own use of SQLAlchemy warns at every submission, without effect on the grades.
    warnings.filterwarnings("ignore", message="Object of type <Submitted")
    names, students = list(names), list(students)
    for name in names:
        outcome = api.generate_assignment(name, force=True, create=True)
        _keep_log(folder, f"release-{name}", outcome)
        if not outcome["success"]:
            raise RuntimeError(f"{name} cannot be released: {reason_of(outcome)}")
    grades = []
    for student in students:
        for name in names:
            if not (folder / "submitted" / student / name).is_dir():
                continue
            start = time.monotonic()
            outcome = api.autograde(name, student, force=True, create=True)
            if outcome["success"]:
                api.generate_feedback(name, student, force=True)
            _keep_log(folder, f"{student}-{name}", outcome)
            grades.append(_read(api, student, name, outcome))
            progress(f"  {student}: {name} ({time.monotonic() - start:.1f} s)")
    return grades


def _keep_log(folder: Path, name: str, outcome: Mapping[str, Any]) -> None:
    logs = folder / "log"
    logs.mkdir(exist_ok=True)
    text = f"{outcome.get('log', '')}\n{outcome.get('error', '')}".strip() + "\n"
    (logs / f"{name}.txt").write_text(text)


def _read(api: Any, student: str, name: str, outcome: Mapping[str, Any]) -> Grade:
    with api.gradebook as gradebook:
        assignment = gradebook.find_assignment(name)
        cells = [cell for book in assignment.notebooks for cell in book.grade_cells]
        tests = {(cell.notebook.name, cell.name) for cell in cells if cell.cell_type == "code"}
        most = sum(cell.max_score for cell in cells if cell.cell_type == "code")
        by_hand = sum(cell.max_score for cell in cells if cell.cell_type != "code")
        if not outcome["success"]:
            return Grade(student, name, None, most, by_hand, reason_of(outcome))
        submission = gradebook.find_submission(name, student)
        score = sum(
            entry.auto_score or 0.0
            for book in submission.notebooks
            for entry in book.grades
            if (book.name, entry.name) in tests
        )
        return Grade(student, name, score, most, by_hand)


def table(grades: Iterable[Grade]) -> str:
    r"""Return the grades as text, students down and assignments across.

    Examples
    --------
    >>> print(table([Grade("ada", "ps09_adam", 7.0, 10.0, 2.0)]))
    student  ps09_adam
    -------  ---------
    ada         7 / 10
    """
    grades = list(grades)
    names = sorted({g.assignment for g in grades})
    cells = {(g.student, g.assignment): _cell(g) for g in grades}
    students = list(dict.fromkeys(g.student for g in grades))
    rows = [[s, *(cells.get((s, name), "") for name in names)] for s in students]
    header = ["student", *names]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cell(g: Grade) -> str:
    return "not graded" if g.score is None else f"{g.score:g} / {g.max_score:g}"


def mismatches(grades: Iterable[Grade], expected: Expected) -> list[str]:
    r"""Return a line for each submission whose score is not the expected one."""
    found = {(g.student, g.assignment): g.score for g in grades}
    wrong = []
    for student, scores in expected.items():
        for name, want in scores.items():
            got = found.get((student, name))
            same = got is None if want is None else got is not None and abs(got - want) < 1e-9
            if not same:
                wrong.append(f"{student}, {name}: expected {want}, got {got}")
    return wrong


def _key(root: Path, package: str) -> str:
    r"""Hash all that the grades depend on."""
    digest = hashlib.sha256()
    folders = (root / "solutions", root / "optedu", root.joinpath(*package.split(".")))
    files = [root / "nbgrader_config.py"]
    for folder in folders:
        files += [p for p in folder.rglob("*") if p.is_file()]
    # Neither the pages of the book nor compiled files have a part in a grade.
    files = [p for p in files if not {"__pycache__", "web"} & set(p.relative_to(root).parts)]
    for path in sorted(files):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def run(root: Path, folder: Path, package: str, again: bool = False) -> tuple[list[Grade], dict]:
    r"""Write the class, grade it, and return the grades and the expected scores.

    Grades of the last run are returned where nothing that they depend on has changed.
    """
    kept, key = folder / "grades.json", _key(root, package)
    if kept.is_file() and not again:
        last = json.loads(kept.read_text())
        if last["key"] == key:
            print(f"Nothing changed since {folder.relative_to(root)} was graded.")
            return [Grade(**g) for g in last["grades"]], last["expected"]
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "submitted").mkdir(parents=True)
    expected = importlib.import_module(package).write(folder / "submitted")
    names = [n for n in assignments(root) if any(n in scores for scores in expected.values())]
    print(f"Grading {sum(map(len, expected.values()))} submissions with nbgrader ...")
    grades = grade(root, folder, expected, names, progress=lambda line: print(line, flush=True))
    content = {"key": key, "grades": [asdict(g) for g in grades], "expected": expected}
    kept.write_text(json.dumps(content, indent=1))
    return grades, expected


def main(arguments: list[str] | None = None) -> int:
    r"""Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="tests.sample_class.graded", description=__doc__)
    parser.add_argument("--package", default="tests.sample_class", help="what writes the class")
    parser.add_argument("--again", action="store_true", help="grade even if nothing changed")
    options = parser.parse_args(arguments)
    root = Path.cwd()
    folder = root / "_build" / "sample"
    sys.path.insert(0, str(root))
    grades, expected = run(root, folder, options.package, options.again)
    print("\nPoints given by the tests of each assignment:\n")
    print(table(grades))
    for g in grades:
        if g.score is None:
            print(f"\n{g.student}, {g.assignment}: not graded. {g.reason}")
    hand = {g.assignment: g.by_hand for g in grades if g.by_hand}
    for name, points in hand.items():
        print(f"\n{name}: {points:g} more points are given by hand (nbgrader formgrader).")
    where = folder.relative_to(root)
    print(
        f"\nGradebook: {where}/gradebook.db. What a student gets back: {where}/feedback/."
        "\nBook: _build/html/index.html. Student notebooks: exercises/."
    )
    wrong = mismatches(grades, expected)
    for line in wrong:
        print(f"UNEXPECTED  {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
