r"""The floors of the package: which room stands on which, read from the imports of its modules.

``python -m tests.floors`` writes the table of CONTRIBUTING.md anew, and that of `tests.walks`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import optedu

__all__ = ["CONTRIBUTING", "FLOORS", "LEVEL", "circles", "graph", "page", "room", "rooms"]

PACKAGE = Path(optedu.__file__).parent
CONTRIBUTING = Path(__file__).resolve().parents[1] / "CONTRIBUTING.md"
# From below. What stands in one line may import from each other, in one direction.
FLOORS = [
    ["arrays"],
    ["validate", "safe_expr"],
    ["backend", "written", "display", "symbols", "latex"],
    ["quantities", "matrices", "compile", "rule", "rules", "schedules", "transformations"],
    ["problems"],
    ["run"],
    ["derive", "plot"],
    ["exercise"],
    ["course", "web"],
    [""],  # the package itself, which hands out names of every floor below
    ["withheld"],
    ["grading"],
    ["desk"],
    ["cli"],
    ["__main__"],
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def trees() -> dict[str, ast.Module]:
    r"""Return every module by its name without `optedu.`; the package itself has the empty name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(tree: ast.Module, known: set[str]) -> Iterator[str]:
    r"""Yield what a module imports, wherever it does, also where the module's name is a text.

    What only a type checker reads is left out.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [n if n.removeprefix("optedu.") in known else node.module for n in full]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value] if node.value.removeprefix("optedu.") in known - {""} else []
        else:
            continue
        for name in names:
            if f"{name}.".startswith("optedu."):
                yield name.removeprefix("optedu").removeprefix(".")


def graph() -> dict[str, set[str]]:
    r"""Return what each module imports."""
    found = trees()
    return {name: set(imports(tree, set(found))) - {name} for name, tree in found.items()}


def room(name: str) -> str:
    r"""Return the room that a module stands in."""
    return name.partition(".")[0]


def rooms() -> dict[str, set[str]]:
    r"""Return which rooms each room imports from."""
    found: dict[str, set[str]] = {}
    for name, imported in graph().items():
        found.setdefault(room(name), set()).update(room(n) for n in imported)
    return {name: imported - {name} for name, imported in found.items()}


def circles(arrows: dict[str, set[str]]) -> set[str]:
    r"""Take away, again and again, what imports nothing, or nothing imports; return the rest."""
    left = dict(arrows)
    while True:
        imported = set().union(*left.values()) if left else set()
        kept = {n: found & set(left) for n, found in left.items() if n in imported}
        kept = {n: found for n, found in kept.items() if found & set(kept)}
        if kept.keys() == left.keys():
            return set(left)
        left = kept


def page(text: str) -> str:
    r"""Return the text of CONTRIBUTING.md with the table as the imports are now."""
    said = {name: ast.get_docstring(tree) or "" for name, tree in trees().items()}
    arrows = rooms()
    rows = ["| room | what it holds | imports from |", "| --- | --- | --- |"]
    for floor in reversed(FLOORS):
        for name in reversed(floor):
            first = " ".join(said[name].partition("\n\n")[0].split()).replace("|", "\\|")
            below = sorted(arrows[name], key=lambda n: (-LEVEL[n], n))
            rows.append(
                f"| {name or 'optedu'} | {first} | {', '.join(n or 'optedu' for n in below)} |"
            )
    table = "\n".join(rows)
    return re.sub(
        r"(<!-- floors -->\n).*?(\n<!-- end of floors -->)",
        lambda marks: marks[1] + table + marks[2],
        text,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    from tests import walks

    text = page(CONTRIBUTING.read_text(encoding="utf-8"))
    CONTRIBUTING.write_text(walks.page(text, walks.walks()), encoding="utf-8")
