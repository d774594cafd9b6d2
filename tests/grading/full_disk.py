"""Grade a class on a disk that is really full, then make room and grade again.

`test_full_disk` runs this inside a mount namespace in which `disk` is a small file system of its
own; what it found goes to stdout as JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import nbformat

from tests.grading import compare
from tests.grading import course as courses

_BALLAST = "ballast"
_BLOCK = 4096


def fill(disk: Path, free_kb: int) -> None:
    """Leave so much room on the disk, and no more."""
    space = os.statvfs(disk)
    size = space.f_bavail * space.f_frsize - 1024 * free_kb
    with open(disk / _BALLAST, "wb") as file:
        while size > 0:
            size -= file.write(b"\0" * min(size, _BLOCK))


def grade(root: Path, *options: str, scratch: Path | None = None) -> dict:
    """Run the command; return its exit status, what it said, and what it left."""
    command = [Path(sys.executable).with_name("optedu"), "grade", courses.ASSIGNMENT, "--jobs", "2"]
    done = subprocess.run(
        [*command, *options],
        cwd=root,
        env=os.environ | ({"TMPDIR": str(scratch)} if scratch else {}),
        capture_output=True,
        text=True,
        timeout=300,
    )
    return {"status": done.returncode, "said": done.stderr.splitlines()} | look(root)


def look(root: Path) -> dict:
    """What lies in the course: results, gradebook and notebooks, read as their users read them."""
    results = [
        json.loads(path.read_bytes())
        for path in sorted((root / "results" / courses.ASSIGNMENT).glob("*.json"))
    ]
    with contextlib.closing(sqlite3.connect(root / "gradebook.db")) as connection:
        health = connection.execute("PRAGMA integrity_check").fetchone()[0]
    notebooks = {
        path.parts[-3]: len(nbformat.read(path, as_version=4).cells)
        for path in (root / "autograded").glob(f"*/{courses.ASSIGNMENT}/*.ipynb")
    }
    left = [*root.rglob(".*.new"), *root.rglob(".*.old"), *root.glob("gradebook.db-*")]
    return {
        "results": {
            result["student"]: sum(grade["auto_score"] or 0.0 for grade in result["grades"])
            for result in results
        },
        "gradebook": health,
        "rows": {
            student: {
                "score": row["score"],
                "tests": sum(
                    grade[0] is not None for grade in row["notebooks"]["problem"]["grades"].values()
                ),
            }
            for student, row in compare.gradebook_rows(root).items()
        },
        "notebooks": notebooks,
        "left_over": sorted(str(path.relative_to(root)) for path in left),
        "written": {
            path.name: path.stat().st_mtime_ns
            for path in (root / "results" / courses.ASSIGNMENT).glob("*.json")
        },
    }


def scenario(kind: str, course: Path, disk: Path, free_kb: int) -> dict:
    """One disk that fills up: what the command did on it, and what it did with room again."""
    root, scratch = disk / "course", disk / "scratch"
    shutil.copytree(course, root)
    scratch.mkdir()
    options: tuple[str, ...] = ()
    if kind != "untried":  # the instructor has tried the assignment while there was room
        grade(root, "--try")
    if kind == "restored":  # all results are there: only the gradebook's part is to do
        grade(root)
        shutil.copy(course / "gradebook.db", root / "gradebook.db")
    if kind == "report":
        grade(root)
        options = ("--report", "report.json")
    fill(disk, free_kb)
    full = grade(root, *options, scratch=scratch if kind == "scratch" else None)
    (disk / _BALLAST).unlink()
    again = grade(root, *options)
    for path in (root, scratch):
        shutil.rmtree(path)
    return {"full": full, "again": again}


def main() -> None:
    """Work off scenarios given as ``kind:free_kb``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("course", type=Path)
    parser.add_argument("disk", type=Path)
    parser.add_argument("scenarios", nargs="+")
    given = parser.parse_args()
    found = {}
    for text in given.scenarios:
        kind, free_kb = text.split(":")
        found[text] = scenario(kind, given.course, given.disk, int(free_kb))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
