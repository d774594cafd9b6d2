"""The floors of the package: no module imports from a floor above its own, lazily or not."""

import ast
from pathlib import Path

import optedu

PACKAGE = Path(optedu.__file__).parent
# From below. What stands in one line may import from each other, in one direction.
FLOORS = [
    {"arrays"},
    {"validate"},
    {"backend", "symbols", "display", "latex", "written"},
    {"quantities", "compile", "rule", "rules", "schedules"},
    {"problems"},
    {"run"},
    {"derive", "plot"},
    {"exercise"},
    {"course", "web"},
    {""},  # the package itself, which hands out names of every floor below
    {"grading"},
    {"cli"},
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name != "__main__":
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree, known):
    r"""All of them, wherever they stand, also a module whose name is a text.

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


def graph():
    trees = dict(modules())
    return {name: set(imports(tree, set(trees))) - {name} for name, tree in trees.items()}


def room(name):
    return name.partition(".")[0]


def circles(arrows):
    r"""Take away, again and again, who imports nothing or is imported by nothing."""
    left = dict(arrows)
    while True:
        imported = set().union(*left.values()) if left else set()
        kept = {n: found & set(left) for n, found in left.items() if n in imported}
        kept = {n: found for n, found in kept.items() if found & set(kept)}
        if kept.keys() == left.keys():
            return set(left)
        left = kept


def test_every_room_has_a_floor():
    assert {room(name) for name in graph()} == set(LEVEL)


def test_no_import_goes_up():
    up = [
        (name, target)
        for name, found in graph().items()
        for target in found
        if LEVEL[room(target)] > LEVEL[room(name)]
    ]
    assert up == []


def test_no_modules_import_each_other():
    assert circles(graph()) == set()


def test_no_rooms_import_each_other():
    rooms = {}
    for name, found in graph().items():
        rooms.setdefault(room(name), set()).update(room(n) for n in found)
    assert circles({name: found - {name} for name, found in rooms.items()}) == set()


def test_a_circle_is_found():
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}
    assert circles(arrows) == {"b", "c"}
