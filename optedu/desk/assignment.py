"""An assignment of one's own: a notebook to begin with, and in a clone answers for the tests."""

from __future__ import annotations

import re
from string import Template
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from optedu.desk.course import course_here
from optedu.desk.words import place
from optedu.grading.errors import UsageError
from optedu.grading.store import write_whole

__all__ = ["assignment", "skeleton"]

_TITLE = """\
# $title

What you will do, in a sentence.

**Time:** 45 minutes. **You need:** nothing from other assignments.

| task | points |
| --- | --- |
| 1. The mean of squares | 7 |
| 2. Why it is not negative | 3 |"""

_TASK = """\
## Task 1. The mean of squares (7 points)

Return the mean of the squares of an array. The array belongs to the caller: do not change it."""

_ANSWER = '''\
def mean_square(x):
    """Return the mean of the squares of the entries of x."""
    ### BEGIN SOLUTION
    return np.mean(x**2)
    ### END SOLUTION'''

# With `$f` for the function: students have this package, and a hidden test that stands in it to the
# letter would be found there when the course is published.
_VALUES = Template("""\
value = $f(np.array([1.0, 2.0, 3.0]))
assert np.allclose(value, 14 / 3), f"the squares are 1, 4 and 9, their mean is 14/3, not {value}"
### BEGIN HIDDEN TESTS
value = $f(np.array([-2.0, 0.0]))
assert np.allclose(value, 2.0), f"$f: the squares are 4 and 0, their mean is 2, not {value}"
### END HIDDEN TESTS""")

_CALLER = Template("""\
x = np.array([1.0, 2.0])
$f(x)
assert x.tolist() == [1.0, 2.0], "$f has changed the array of the caller: make a new one"
### BEGIN HIDDEN TESTS
x = np.array([3.0, -4.0])
$f(x)
assert x.tolist() == [3.0, -4.0], "$f has changed the array of the caller: make a new one"
### END HIDDEN TESTS""")

_WRITTEN = """\
## Task 2. Why it is not negative (3 points)

Say in one sentence why the mean of squares is never negative."""

_MODEL = "A square is never negative, and the mean of such numbers is not below the least of them."

_BENCH = Template('''\
"""$name: right answers in other words, and wrong ones with what each must lose.

`make test` grades them all. Each test cell should be lost by one of the wrong answers.
"""

from tests.assignments.bench import Bench

BENCH = Bench("$name")

BENCH.right(
    "in_a_loop",
    mean_square="""def mean_square(x):
    total = 0.0
    for value in x:
        total += value * value
    return total / len(x)
""",
)

BENCH.wrong(
    "sum_for_mean",
    "values",
    "their mean is",
    BENCH.edit("mean_square", ("np.mean(x**2)", "np.sum(x**2)")),
)

BENCH.wrong(
    "callers_array",
    "caller",
    "has changed the array of the caller",
    BENCH.edit("mean_square", ("np.mean(x**2)", "np.mean(np.multiply(x, x, out=x))")),
)
''')


def assignment(name: str, title: str = "") -> str:
    r"""Write an assignment to begin with; return what to say.

    Parameters
    ----------
    name : str
        Of letters, digits and ``_``: in a clone of the repository it is a module of the tests, too.
    title : str
        The notebook's first line; the name when left out.

    Raises
    ------
    UsageError
        When there is no course here, no assignment can have this name, or it is there already.
    """
    if not re.fullmatch(r"[A-Za-z]\w{0,99}", name, re.ASCII):
        raise UsageError(f"an assignment's name is of letters, digits and _, got '{name}'")
    course = course_here(name, new=True)
    folder = course.folder(course.coursedir.source_directory, ".")
    benches = course.root / "tests" / "assignments"
    notebook, bench = folder / f"{name}.ipynb", benches / f"{name}.py"
    tested = (benches / "bench.py").is_file()
    for path in (folder, *([bench] if tested else [])):
        if path.exists():
            raise UsageError(f"{path} is there already: choose another name")
    made = skeleton(title or name)
    try:
        folder.mkdir(parents=True)
        write_whole(notebook, (nbformat.writes(made) + "\n").encode())
        if tested:
            write_whole(bench, _BENCH.substitute(name=name).encode())
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from error
    lines = [f"{name}: {place(notebook)}, which works as it is: change it"]
    if tested:
        lines.append(f"Right and wrong answers, which make test grades: {place(bench)}")
        only = f"PYTEST_FLAGS='tests/assignments -k {name}'"
        lines.append(f"Then: make exercises; make test {only}")
    else:
        lines.append(
            f"Then: optedu release {name} --update; optedu grade {name} --try; "
            f"optedu release {name}, which hands it out"
        )
    return "\n".join(lines)


def skeleton(title: str) -> Any:
    r"""Return a notebook of one task with two tests, and one answer that people grade."""
    cells = [
        new_markdown_cell(Template(_TITLE).substitute(title=title)),
        _cell("code", "setup", "import numpy as np", locked=True),
        new_markdown_cell(_TASK),
        _cell("code", "mean_square", _ANSWER, solution=True),
        new_markdown_cell("**1a. Its values** (5 points)."),
        _test("test_values", _VALUES, 5),
        new_markdown_cell("**1b. The caller's array** (2 points)."),
        _test("test_caller", _CALLER, 2),
        new_markdown_cell(_WRITTEN),
        _cell("markdown", "why", _MODEL, grade=True, solution=True, points=3),
    ]
    for position, cell in enumerate(cells):
        cell["id"] = cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell-{position:02d}"
    made = new_notebook(cells=cells)
    made.metadata["kernelspec"] = {
        "display_name": "Python 3", "language": "python", "name": "python3",
    }  # fmt: skip
    made.metadata["language_info"] = {"name": "python"}
    return made


def _test(name: str, source: Template, points: int) -> Any:
    text = source.substitute(f="mean_square")
    return _cell("code", name, text, grade=True, locked=True, points=points)


def _cell(kind: str, name: str, source: str, **marks: Any) -> Any:
    about = {"grade": False, "grade_id": name, "locked": False, "schema_version": 3}
    about |= {"solution": False, "task": False} | marks
    make = new_code_cell if kind == "code" else new_markdown_cell
    return make(source, metadata={"nbgrader": about})
