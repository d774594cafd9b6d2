"""The floors of the package: no module imports from a floor above its own, lazily or not."""

import ast
from pathlib import Path

import optedu

PACKAGE = Path(optedu.__file__).parent
# From below. What stands in one line may import from each other.
FLOORS = [
    {"validate", "backend", "symbols", "display", "latex", "progress", "written"},
    {"rule", "rules", "schedules", "compile"},
    {"problems"},
    {"stepper", "arena", "minimization", "sweeping", "optimizer"},
    {"derive", "plot"},
    {"exercise"},
    {"course", "web"},
    {"grading"},
    {"cli", ""},  # the command, and the package, which hands out names of every floor
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name != "__main__":
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree, known):
    r"""All of them, wherever they stand; what only a type checker reads is left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [n if n.removeprefix("optedu.") in known else node.module for n in full]
        else:
            continue
        for name in names:
            if name.startswith("optedu."):
                yield name.removeprefix("optedu.")


def upward():
    trees = dict(modules())
    for name, tree in trees.items():
        for target in imports(tree, trees):
            if LEVEL[target.partition(".")[0]] > LEVEL[name.partition(".")[0]]:
                yield name, target


def test_every_room_has_a_floor():
    assert {name.partition(".")[0] for name, _ in modules()} == set(LEVEL)


def test_no_import_goes_up():
    assert list(upward()) == []
