r"""Generate the student notebooks: ``python -m optedu.course.release``.

nbgrader makes them from ``solutions/``; this module gives every cell a fixed id, so that the same
source always gives the same bytes, and keeps ``exercises/`` free of what has no source any more.
``--check`` writes nothing and fails where ``exercises/`` differs from what would be generated.
"""

from __future__ import annotations

import argparse
import filecmp
import logging
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["assignments", "course_config", "differences", "generate", "main"]


def course_config(root: Path) -> Any:
    r"""Load ``nbgrader_config.py`` of the course at ``root``."""
    from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.CourseDirectory.root = str(root)
    return config


def assignments(root: Path) -> list[str]:
    r"""Return the names of the assignments that have a source notebook, sorted."""
    return sorted(
        folder.name
        for folder in (root / "solutions").glob("*/")
        if (folder / f"{folder.name}.ipynb").is_file()
    )


def fix_ids(notebook: Any) -> None:
    r"""Give every cell the id of its grade, or of its place where it is not graded."""
    for position, cell in enumerate(notebook.cells):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell["id"] = (grade_id or f"cell-{position:02d}")[:64]


def generate(root: Path, target: Path) -> list[str]:
    r"""Write the student version of every assignment below ``target``.

    Parameters
    ----------
    root : Path
        The course: ``nbgrader_config.py`` and ``solutions/``.
    target : Path
        Folder that gets one subfolder per assignment.

    Returns
    -------
    list of str
        Names of the assignments.

    Raises
    ------
    nbgrader.converters.base.NbGraderException
        If nbgrader finds an assignment malformed.
    """
    import nbformat
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory

    names = assignments(root)
    for name in names:
        config = course_config(root)
        config.CourseDirectory.release_directory = str(target)
        config.CourseDirectory.assignment_id = name
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        config.BaseConverter.force = True
        converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config)
        converter.log.setLevel(logging.WARNING)
        converter.start()
        for path in (target / name).glob("*.ipynb"):
            notebook = nbformat.read(path, as_version=4)
            fix_ids(notebook)
            nbformat.write(notebook, path)
    return names


def differences(expected: Path, found: Path) -> list[str]:
    r"""Return the files that differ between two folders, by relative path."""
    names = {
        path.relative_to(folder).as_posix()
        for folder in (expected, found)
        for path in folder.rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }
    return sorted(
        name
        for name in names
        if not (
            (expected / name).is_file()
            and (found / name).is_file()
            and filecmp.cmp(expected / name, found / name, shallow=False)
        )
    )


def main(arguments: list[str] | None = None) -> int:
    r"""Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="optedu.course.release", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    options = parser.parse_args(arguments)
    root = Path.cwd()
    exercises = root / "exercises"
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "exercises"
        fresh.mkdir()
        names = generate(root, fresh)
        changed = differences(fresh, exercises)
        if options.check:
            for name in changed:
                print(f"exercises/{name} is not what solutions/ gives; run make exercises")
            return 1 if changed else 0
        for name in changed:
            target = exercises / name
            if (fresh / name).is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(fresh / name, target)
            else:
                target.unlink()
                if not any(target.parent.iterdir()):
                    target.parent.rmdir()
    print(f"exercises/: {len(names)} assignments, {len(changed)} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
