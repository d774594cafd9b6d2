r"""Write what students get: ``python -m optedu.course.publish [FOLDER] [--branch NAME]``.

The rendered book, the student notebooks and the package, and nothing else of the repository: no
solution, no hidden test, no history. Whoever clones that branch cannot find in it what is graded.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from itertools import count
from pathlib import Path

from optedu.course.release import assignments

__all__ = ["PublishError", "branch", "hidden", "main", "publish"]

STAMP = ".published-by-optedu"
FILES = ("LICENSE", "LICENSE-text", "CITATION.cff", "pyproject.toml")
_READ = {".py", ".ipynb", ".md", ".html", ".js", ".json", ".txt", ".yml", ".toml", ".css", ".cff"}
_BLOCK = re.compile(
    r"^[ \t]*### BEGIN (HIDDEN TESTS|SOLUTION)\n(.*?)^[ \t]*### END \1", re.DOTALL | re.MULTILINE
)
# What a line of a solution must have before it says something: `return x, state` stands anywhere.
_TELLING = 40


class PublishError(Exception):
    r"""What was to be published is missing, or holds what students must not see."""


def hidden(root: Path) -> tuple[set[str], set[str]]:
    r"""Return the telling lines of all hidden tests, and those of all solutions."""
    import nbformat

    found: dict[str, set[str]] = {"HIDDEN TESTS": set(), "SOLUTION": set()}
    for name in assignments(root):
        notebook = nbformat.read(root / "solutions" / name / f"{name}.ipynb", as_version=4)
        # What the author shows on purpose, the blocks of a proof to put in order say, is no secret.
        shown = "\n".join(_BLOCK.sub("", cell.source) for cell in notebook.cells)
        for cell in notebook.cells:
            for kind, block in _BLOCK.findall(cell.source):
                found[kind] |= {
                    line
                    for line in map(str.strip, block.splitlines())
                    if len(line) >= _TELLING and line not in shown
                }
    return found["HIDDEN TESTS"], found["SOLUTION"]


def publish(root: Path, target: Path) -> tuple[int, Path | None]:
    r"""Write the tree for students.

    Parameters
    ----------
    root : Path
        The course: a git repository with ``exercises/`` and the book built in ``_build/html``.
    target : Path
        A folder that is empty, not there yet, or was written by this function before. If anybody
        has changed or added a file there since, it is first moved aside, to a name beside it.

    Returns
    -------
    int
        How many files it holds.
    Path or None
        Where the folder with somebody's changes is now, if there was one.

    Raises
    ------
    PublishError
        If the book is not built, an assignment is not released, ``target`` holds something else,
        or a line of a solution or of a hidden test is in what would be published. Then nothing is
        written.
    """
    html = root / "_build" / "html"
    if not (html / "index.html").is_file():
        raise PublishError(f"there is no book in {html}: run make book first")
    for name in assignments(root):
        if not (root / "exercises" / name / f"{name}.ipynb").is_file():
            raise PublishError(f"{name} is not in exercises/: run make exercises first")
    if target.exists() and any(target.iterdir()) and not (target / STAMP).is_file():
        raise PublishError(f"{target} is not empty, and was not written by this command")
    with tempfile.TemporaryDirectory(prefix="optedu-publish-") as folder:
        fresh = Path(folder) / "tree"
        for name in _tracked(root, "optedu", "exercises", *FILES):
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, fresh / name)
        ours = fresh / "optedu" / "course" / "students.md"
        shutil.copyfile(ours, fresh / "README.md")
        shutil.copytree(html, fresh / "book", ignore=shutil.ignore_patterns(".doctrees"))
        _search(fresh, *hidden(root))
        (fresh / STAMP).write_text(_list(fresh), encoding="utf-8")
        kept = _out_of_the_way(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(fresh, target)
    return sum(path.is_file() for path in target.rglob("*")), kept


def _list(tree: Path) -> str:
    r"""Return what a tree holds, a line for each file but the stamp: its hash and its place."""
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(tree).as_posix()}\n"
        for path in sorted(tree.rglob("*"))
        if path.is_file() and path != tree / STAMP
    )
    return "".join(lines)


def _out_of_the_way(target: Path) -> Path | None:
    r"""Remove what was published; what somebody has worked in is moved aside, and named."""
    if not target.exists():
        return None
    stamp = target / STAMP
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") == _list(target):
        shutil.rmtree(target)
        return None
    names = (target.with_name(f"{target.name}.kept-{number}") for number in count(1))
    return target.rename(next(name for name in names if not name.exists()))


def _tracked(root: Path, *paths: str) -> list[str]:
    listed = _git(root, "ls-files", "-z", "--", *paths)
    return [name for name in listed.split("\0") if name and (root / name).is_file()]


def _search(tree: Path, tests: set[str], solutions: set[str]) -> None:
    for path in sorted(tree.rglob("*")):
        if path.is_file() and path.suffix in {*_READ, ".whl"}:
            text = _text(path)
            if path.suffix == ".ipynb":  # where each line is a string
                text = text.replace('\\"', '"').replace("\\\\", "\\")
            # The book, its notebooks too, may teach what a task asks for: a line of a solution is
            # a leak in the exercises alone.
            lines = tests | solutions if path.is_relative_to(tree / "exercises") else tests
            for line in sorted(lines):
                if line in text:
                    where = path.relative_to(tree)
                    raise PublishError(f"{where} holds a line that students must not see: {line}")


def _text(path: Path) -> str:
    if path.suffix != ".whl":
        return path.read_text(encoding="utf-8", errors="replace")
    with zipfile.ZipFile(path) as wheel:
        return "\n".join(wheel.read(n).decode("utf-8", "replace") for n in wheel.namelist())


def branch(root: Path, tree: Path, name: str) -> str:
    r"""Commit a published tree to a branch that has nothing of the repository's history.

    Parameters
    ----------
    root : Path
        The repository.
    tree : Path
        What `publish` wrote.
    name : str
        The branch: a new one, or one that this function made.

    Returns
    -------
    str
        The commit; the one before where nothing changed.

    Raises
    ------
    PublishError
        If the branch exists and holds what was not published.
    """
    reference = f"refs/heads/{name}"
    old = _git(root, "for-each-ref", "--format=%(objectname)", reference).strip()
    if old and STAMP not in _git(root, "ls-tree", "--name-only", old).split():
        raise PublishError(f"the branch {name} holds other work: choose another name")
    with tempfile.TemporaryDirectory(prefix="optedu-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index"), "GIT_WORK_TREE": str(tree)}
        # Forced: what the repository ignores, the built book, is what is published.
        _git(root, "add", "--all", "--force", ".", **index)
        made = _git(root, "write-tree", **index).strip()
    if old and _git(root, "rev-parse", f"{old}^{{tree}}").strip() == made:
        return old
    parent = ("-p", old) if old else ()
    commit = _git(root, "commit-tree", made, *parent, "-m", "The course for its students").strip()
    _git(root, "update-ref", reference, commit, old or "0" * 40)
    return commit


def _git(root: Path, *arguments: str, **environment: str) -> str:
    tree = environment.get("GIT_WORK_TREE")
    # An index of its own needs the repository named, for git then runs inside the tree.
    where = ["--git-dir", _git(root, "rev-parse", "--absolute-git-dir").strip()] if tree else []
    done = subprocess.run(
        ["git", *where, *arguments],
        cwd=tree or root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PublishError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    r"""Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="optedu.course.publish", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("dist/students"))
    parser.add_argument("--branch", help="also commit it to this branch, without other history")
    options = parser.parse_args(arguments)
    root = Path.cwd()
    try:
        files, kept = publish(root, options.folder.resolve())
        if kept:
            print(f"{options.folder} had changes of somebody: it is now {kept}")
        print(f"{options.folder}: {files} files for students")
        if options.branch:
            commit = branch(root, options.folder.resolve(), options.branch)
            print(f"branch {options.branch} at {commit[:12]}: push it where students clone from")
    except PublishError as error:
        print(f"publish: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
