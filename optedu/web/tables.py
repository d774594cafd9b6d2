r"""Tables of the book that are generated from the package, as MyST Markdown.

Nothing here states a formula or a range: it is all read from :mod:`optedu.symbols` and
:mod:`optedu.rules`, so a symbol or a rule that is added there appears in the book.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from optedu import rules, symbols, transformations  # noqa: F401 (for its symbols)
from optedu.course.addresses import read
from optedu.display import latex_number

__all__ = [
    "assignments",
    "contents",
    "frameworks",
    "losses",
    "notation",
    "syllabus",
    "zoo",
    "zoo_table",
]

FRAMEWORKS = ("PyTorch", "Keras", "Optax")
FORMS = (
    ("array", "Pure function, any array namespace", "python"),
    ("numpy", "In place, NumPy", "python"),
    ("javascript", "JavaScript", "javascript"),
    ("numba", "One fused loop, Numba", "python"),
    ("cupy", "One fused CuPy kernel", "python"),
)


def list_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, widths: str = "", name: str = ""
) -> str:
    r"""Return a MyST ``list-table``, whose cells may hold formulas with bars, unlike ``|`` tables.

    Parameters
    ----------
    header : sequence of str
        Column titles.
    rows : iterable of sequence of str
        One-line cells in Markdown.
    widths : str, optional
        Relative column widths, such as ``"20 80"``.
    name : str, optional
        Cross-reference target.

    Examples
    --------
    >>> print(list_table(["a", "b"], [["1", "2"]]))
    ```{list-table}
    :header-rows: 1
    * - a
      - b
    * - 1
      - 2
    ```
    """
    lines = ["```{list-table}", ":header-rows: 1"]
    if widths:
        lines.append(f":widths: {widths}")
    if name:
        lines.append(f":name: {name}")
    for row in (header, *rows):
        lines += [f"{'* ' if i == 0 else '  '}- {cell}" for i, cell in enumerate(row)]
    return "\n".join([*lines, "```"])


def interval(notation: Any) -> str:
    r"""Return the range of a hyper-parameter or symbol as LaTeX, empty where there is none.

    Examples
    --------
    >>> interval(symbols.TABLE["beta1"])
    '$[0, 1)$'
    """
    if math.isinf(notation.lower) and math.isinf(notation.upper):
        return ""
    left = "(" if notation.lower_open else "["
    right = ")" if notation.upper_open else "]"
    lower = r"-\infty" if math.isinf(notation.lower) else f"{notation.lower:g}"
    upper = r"\infty" if math.isinf(notation.upper) else f"{notation.upper:g}"
    return f"${left}{lower}, {upper}{right}$"


def notation() -> str:
    r"""Return the notation table, from :data:`optedu.symbols.TABLE`."""
    rules.all()  # some bring a symbol of their own, as do the transformations
    return list_table(
        ["Symbol", "In code", "Meaning", "Range"],
        (
            [f"${row.latex}$", f"`{row.name}`", row.meaning, interval(row)]
            for row in symbols.TABLE.values()
        ),
        widths="14 22 44 20",
        name="notation-table",
    )


def _state(rule: Any) -> str:
    return ", ".join(f"${state.latex_base}$" for state in rule.states) or "none"


def _rule_section(rule: Any, page_of: Mapping[str, str]) -> str:
    where = f"{{cite:t}}`{rule.source_ref.key}`, {rule.source_ref.where}"
    lines = [f"(zoo-{rule.name})=", f"## {rule.title}", "", rule.summary, ""]
    lines += ["```{math}", rule.latex(), "```", ""]
    lines.append(f"Source: {where}.")
    if page := page_of.get(rule.chapter):
        lines.append(f"Derived in {{doc}}`/{page}`.")
    lines += ["", f"Code name: `{rule.name}`. State: {_state(rule)}.", ""]
    lines.append(
        list_table(
            ["Hyper-parameter", "In code", "Default", "Range", "Meaning"],
            (
                [
                    f"${h.latex}$",
                    f"`{h.name}`",
                    f"${latex_number(h.default)}$",
                    interval(h),
                    h.meaning,
                ]
                for h in rule.hypers
            ),
            widths="14 20 12 16 38",
        )
    )
    lines += ["", *(f"- {name}: {rule.notes.get(name, 'not there')}" for name in FRAMEWORKS)]
    # What stands in for the other forms of a rule that steps a matrix says no more.
    for form, title, language in FORMS[:1] if rule.matrices else FORMS:
        lines += ["", f":::{{dropdown}} {title}", f"```{language}", rule.source(form).rstrip()]
        lines += ["```", ":::"]
    return "\n".join(lines)


def zoo_table() -> str:
    r"""Return one row for every rule, each linked to its section of :func:`zoo`."""
    return list_table(
        ["Rule", "In one sentence", "State", "Hyper-parameters"],
        (
            [
                f"{{ref}}`{rule.title} <zoo-{rule.name}>`",
                rule.summary,
                _state(rule),
                ", ".join(f"${h.latex} = {latex_number(h.default)}$" for h in rule.hypers),
            ]
            for rule in rules.all().values()
        ),
        widths="18 38 12 32",
        name="zoo-table",
    )


def zoo(page_of: Mapping[str, str] | None = None) -> str:
    r"""Return a section for every rule: equations, hyper-parameters, conventions and code.

    Parameters
    ----------
    page_of : mapping of str to str, optional
        Chapter name (``"ch09_adam"``) to its page, for the links.
    """
    return "\n\n".join(_rule_section(rule, page_of or {}) for rule in rules.all().values())


def frameworks() -> str:
    r"""Return what PyTorch, Keras and Optax do about each rule, from the rules' notes."""
    return list_table(
        ["Rule", *FRAMEWORKS],
        (
            [
                f"{{ref}}`{rule.title} <zoo-{rule.name}>`",
                *(rule.notes.get(framework, "not there") for framework in FRAMEWORKS),
            ]
            for rule in rules.all().values()
        ),
        widths="16 28 28 28",
        name="framework-table",
    )


def notebooks(root: Path) -> list[Path]:
    r"""Return the student notebooks below ``root``, in the order of their names."""
    return sorted(root.glob("exercises/*/*.ipynb"))


def assignments(root: Path, page: str, branch: str = "main") -> str:
    r"""Return the table of the assignments, read from their student notebooks.

    Parameters
    ----------
    root : Path
        Folder that holds ``exercises/``. Where it states a repository on GitHub, each notebook also
        has a link that opens it in Colab.
    page : str
        The page with the table, below ``root``: the notebooks are downloads of it.
    branch : str
        Branch that Colab opens.
    """
    slug = read(root).slug
    up = "../" * (len(PurePosixPath(page).parts) - 1)
    rows = []
    for path in notebooks(root):
        cells = json.loads(path.read_text())["cells"]
        text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        titles = re.findall(r"^# +(.*\S)", text, re.MULTILINE)
        title = titles[0] if titles else path.parent.name
        graded = [c["metadata"]["nbgrader"] for c in cells if "nbgrader" in c["metadata"]]
        points = sum(cell.get("points", 0) for cell in graded)
        where = path.relative_to(root).as_posix()
        colab = f"https://colab.research.google.com/github/{slug}/blob/{branch}/{where}"
        rows.append(
            [
                f"{title}",
                f"{points:g}",
                f"{{download}}`Download <{up}{where}>`" + (f", [Colab]({colab})" if slug else ""),
            ]
        )
    return list_table(["Assignment", "Points", "Notebook"], rows, widths="56 14 30")


def losses(path: Path) -> str:
    r"""Return what the known misconceptions cost, by assignment.

    Parameters
    ----------
    path : Path
        The file that ``python -m tests.assignments.losses`` writes.
    """
    rows = []
    for name, found in json.loads(path.read_text(encoding="utf-8")).items():
        shares = {mutant: cost / found["points"] for mutant, cost in found["lost"].items()}
        worst = max(shares, key=lambda mutant: shares[mutant])
        middle = statistics.median(shares.values())
        rows.append(
            [
                f"`{name}`",
                f"{found['points']:g}",
                f"{len(shares)}",
                f"{100 * middle:.0f} %",
                f"{100 * shares[worst]:.0f} %, {worst.replace('_', ' ')}",
            ]
        )
    header = ["Assignment", "Points by tests", "Misconceptions", "Median loss", "Largest loss"]
    return list_table(header, rows, widths="26 12 16 12 34", name="losses-table")


def minutes(path: Path) -> int:
    r"""Return how long a chapter takes to read, from its own sentence "About 60 minutes."

    Raises
    ------
    ValueError
        If the chapter does not say it, or says it twice.
    """
    found = re.findall(r"\bAbout (\d+)\s+minutes\.", path.read_text(encoding="utf-8"))
    if len(found) != 1:
        raise ValueError(f"{path}: expected one sentence 'About 60 minutes.', got {len(found)}")
    return int(found[0])


def contents(plan: Mapping[str, Mapping[int, str]], page_of: Mapping[int, str], root: Path) -> str:
    r"""Return the chapters of the course by part, those with a page linked and with their time.

    Parameters
    ----------
    plan : mapping
        Titles by part and number, as `optedu.web.plan.read_plan` returns them.
    page_of : mapping of int to str
        Page of each chapter that has one, below `root` and without its suffix.
    root : Path
        The folder of the book's sources.
    """
    lines = []
    for part, titles in plan.items():
        lines += [f"**{part}**", ""]
        for number, title in titles.items():
            page = page_of.get(number)
            # The number is text: a Markdown list would count for itself.
            if page is None:
                lines.append(f"- {number} {title}")
            else:
                time = minutes(root / f"{page}.md")
                lines.append(f"- {number} {{doc}}`{title} </{page}>`, {time} minutes")
        lines.append("")
    return "\n".join(lines)


def syllabus(
    plan: Mapping[str, Mapping[int, str]], page_of: Mapping[int, str], root: Path, page: str
) -> str:
    r"""Return the weeks of a course: each chapter that has a page, its slides and its assignment.

    Parameters
    ----------
    plan, page_of, root
        As for `contents`; ``root`` holds ``exercises/``, too.
    page : str
        The page with the table, below `root`: slides are linked from there.

    Raises
    ------
    ValueError
        If a chapter or an assignment does not say how long it takes.
    """
    number_of = re.compile(r"ps(\d+)_")
    given = {int(m[1]): path for path in notebooks(root) if (m := number_of.match(path.stem))}
    up = "../" * (len(PurePosixPath(page).parts) - 1)
    titles = {n: title for part in plan.values() for n, title in part.items() if n in page_of}
    rows = []
    for week, (number, title) in enumerate(titles.items(), start=1):
        where = page_of[number]
        slides = f'<a href="{up}{where}.html?slides">slides {number}</a>'
        assignment = ""
        if number in given:
            text = given[number].read_text(encoding="utf-8")
            time = re.search(r"\*\*Time:\*\* (\d+ to \d+) minutes", text)
            if time is None:
                raise ValueError(f"{given[number]}: expected '**Time:** 45 to 90 minutes'")
            assignment = f"`{given[number].stem.partition('_')[0]}`, {time[1]} min"
        chapter = f"{number} {{doc}}`{title} </{where}>`"
        reading = f"{minutes(root / f'{where}.md')} min"
        rows.append([f"{week}", f"{(week + 1) // 2}", chapter, slides, reading, assignment])
    header = ["Of 14", "Of 7", "Chapter", "Slides", "To read", "Assignment"]
    return list_table(header, rows, widths="8 8 34 12 12 26", name="syllabus-table")
