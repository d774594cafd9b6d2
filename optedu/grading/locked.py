r"""The instructor's cells of a submitted notebook: names, sources and order are the gradebook's.

A student may have edited, moved, copied, merged or deleted them, or changed what their metadata
say. Before anything runs they are put back, each once, where it belongs; all that is left are
the student's own cells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

__all__ = ["Findings", "restore"]

# Not the points: the gradebook's count, and who got the notebook before those were changed has the
# old ones in it.
_KEYS = ("grade", "solution", "locked", "task")
_NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
_NOT_RUN = "skip-execution"
_NOT_OURS = "is not the instructor's: it is the student's"
_MANY, _NEARLY_ALL = 4, 0.8  # missing cells, from which on a notebook is another one


@dataclass
class Findings:
    """What was put right: what a person should see, and what is only noted."""

    flags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def restore(nb: NotebookNode, blueprint: dict[str, Any]) -> Findings:
    r"""Put the instructor's cells of ``nb`` back in place.

    Parameters
    ----------
    nb : NotebookNode
        The submitted notebook.
    blueprint : dict
        Of this notebook: ``source_cells`` in their order, ``grade_cells``, ``solution_cells``,
        ``task_cells``, and ``released``: what students may have been given, by name.

    Returns
    -------
    Findings
    """
    found = Findings()
    missing: list[str] = []
    order = {cell["name"]: i for i, cell in enumerate(blueprint["source_cells"])}
    locked = {cell["name"] for cell in blueprint["source_cells"] if cell["locked"]}
    names = [_name(cell, order, found) for cell in nb.cells]
    last = {name: i for i, name in enumerate(names) if name is not None}
    # Of several solutions the last counts, as with nbgrader; of several copies of a locked cell
    # whichever is in place, since its source is the gradebook's in any case.
    counts = [i for i, n in enumerate(names) if n in locked or (n is not None and last[n] == i)]
    placed = {names[i]: i for i in _in_place(counts, names, order, locked)}
    moved = {name: nb.cells[i] for name, i in last.items() if name in locked - placed.keys()}
    for known in sorted(last, key=order.__getitem__):
        if _installs(blueprint["source_cells"][order[known]]):
            continue
        if known in moved:
            found.flags.append(f"cell '{known}' was moved: restored")
        if names.count(known) > 1:
            found.flags.append(f"cell '{known}' exists multiple times")
    cells: list[tuple[int, NotebookNode]] = []  # each with its place in the order, -1 for any
    for i, (cell, name) in enumerate(zip(nb.cells, names, strict=True)):
        is_last = name is not None and last[name] == i
        if name in moved and is_last:
            continue
        in_place = name is not None and placed.get(name) == i
        if name is not None and not in_place and (name in locked or not is_last):
            del cell.metadata["nbgrader"]  # a copy: the student's own
        cells.append((order[name] if in_place else -1, cell))
    for number, source in enumerate(blueprint["source_cells"]):
        name = source["name"]
        if name not in locked or name in placed:
            continue
        if name not in moved:
            if not _installs(source):
                missing.append(name)
            moved[name] = _new(source, nb)
        cells.insert(_place(cells, number, _is_test(source, blueprint)), (number, moved[name]))
    theirs = [cell for cell in blueprint["source_cells"] if cell["locked"] and not _installs(cell)]
    if len(missing) >= max(_MANY, _NEARLY_ALL * len(theirs)):
        # Not a line for each: that they are missing, and that others are there, is all one thing.
        found.flags = [flag for flag in found.flags if not flag.endswith(_NOT_OURS)]
        found.flags.insert(
            0,
            "this looks like another assignment's notebook: "
            f"{len(missing)} of {len(theirs)} of the instructor's cells were missing",
        )
    else:
        found.flags += [f"cell '{name}' was missing: restored" for name in missing]
    nb.cells = [cell for _, cell in cells]
    for cell in nb.cells:
        if "nbgrader" in cell.metadata:
            _settle(cell, blueprint, order, found)
    return found


def _name(cell: NotebookNode, order: dict[str, int], found: Findings) -> str | None:
    """The name in the gradebook; a cell that only claims to be the instructor's no longer does."""
    metadata = cell.metadata.get("nbgrader")
    if metadata is None:
        return None
    name = metadata.get("grade_id") if isinstance(metadata, dict) else None
    if isinstance(name, str) and name in order:
        return name
    del cell.metadata["nbgrader"]
    if metadata:
        found.flags.append(f"cell {str(name)[:60]!r} {_NOT_OURS}")
    return None


def _in_place(
    cells: Sequence[int], names: Sequence[Any], order: dict[str, int], locked: set[str]
) -> list[int]:
    """Those of ``cells`` that need not be moved: as many as follow each other in the order."""
    best: dict[int, tuple[float, tuple]] = {}  # by the place of the last cell: weight, chain
    for cell in cells:
        place = order[names[cell]]
        weight, chain = max(
            (best[p] for p in best if p < place), key=lambda each: each[0], default=(0.0, ())
        )
        # Of two that could be moved, it is the locked one that is.
        weight += 1.0 if names[cell] in locked else 1.001
        if weight > best.get(place, (0.0, ()))[0]:
            best[place] = weight, (chain, cell)
    _, chain = max(best.values(), key=lambda each: each[0], default=(0.0, ()))
    kept = []
    while chain:
        chain, cell = chain
        kept.append(cell)
    return kept


def _place(cells: Sequence[tuple[int, Any]], number: int, late: bool) -> int:
    """Where the cell of that number goes: a test as late as it may, all else as early."""
    before = [i for i, (place, _) in enumerate(cells) if 0 <= place < number]
    after = [i for i, (place, _) in enumerate(cells) if place > number]
    if late:
        return after[0] if after else len(cells)
    return before[-1] + 1 if before else 0


def _installs(source: dict[str, Any]) -> bool:
    """Whether this is the cell that installs the package, which `optedu.course.prepare` adds.

    Who has the package may delete it or change it; it is put back, and nobody need look at that.
    """
    return source["name"] == "install" and source["source"].startswith("def install_optedu(")


def _is_test(source: dict[str, Any], blueprint: dict[str, Any]) -> bool:
    return any(cell["name"] == source["name"] for cell in blueprint["grade_cells"])


def _new(source: dict[str, Any], nb: NotebookNode) -> NotebookNode:
    cell = _NEW[source["cell_type"]](source["source"])
    cell.metadata["nbgrader"] = {"grade_id": source["name"]}
    if "id" in cell:
        del cell["id"]
    if (nb.nbformat, nb.nbformat_minor) >= (4, 5):
        cell["id"] = hashlib.sha256(source["name"].encode()).hexdigest()[:16]
    return cell


def _settle(
    cell: NotebookNode, blueprint: dict[str, Any], order: dict[str, int], found: Findings
) -> None:
    """Give a cell its metadata, and where it is locked its source."""
    name = cell.metadata["nbgrader"]["grade_id"]
    source = blueprint["source_cells"][order[name]]
    points = {
        each["name"]: each["max_score"]
        for kind in ("grade_cells", "task_cells")
        for each in blueprint[kind]
    }
    metadata = {
        "schema_version": 3,
        "grade_id": name,
        "cell_type": source["cell_type"],
        "checksum": source["checksum"],
        "locked": source["locked"],
        "grade": _is_test(source, blueprint),
        "solution": any(each["name"] == name for each in blueprint["solution_cells"]),
        "task": any(each["name"] == name for each in blueprint["task_cells"]),
    }
    if name in points:
        metadata["points"] = points[name]
    said = cell.metadata["nbgrader"]
    changed = [k for k in _KEYS if k in said and said[k] != metadata.get(k, said[k])]
    if changed:
        found.notes.append(f"the metadata of cell '{name}' were changed: {', '.join(changed)}")
    cell.metadata["nbgrader"] = NotebookNode(metadata)
    if not source["locked"]:
        return
    given = [source["source"], *blueprint["released"][name]]
    same = cell.cell_type == source["cell_type"] and _plain(cell.source) in map(_plain, given)
    if not same and not _installs(source):
        found.flags.append(f"cell '{name}' was edited: restored")
    tags = cell.metadata.pop("tags", [])
    if isinstance(tags, Iterable) and _NOT_RUN in tags:
        found.notes.append(f"cell '{name}' says that it is not to be run: it is run")
    cell.source = source["source"]
    cell.cell_type = source["cell_type"]
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
        cell.pop("attachments", None)
    else:
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


def _plain(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())
