"""The floors of the package: no module imports from a floor above its own, lazily or not."""

import ast
import json
import subprocess
import sys
from collections import Counter

from optedu import withheld
from optedu.grading.subject import Subject
from tests import floors, walks
from tests.floors import LEVEL, room


def test_every_room_has_a_floor():
    assert set(floors.rooms()) == set(LEVEL)


def test_no_import_goes_up():
    up = [
        (name, target)
        for name, found in floors.graph().items()
        for target in found
        if LEVEL[room(target)] > LEVEL[room(name)]
    ]
    assert up == []


def test_no_modules_import_each_other():
    assert floors.circles(floors.graph()) == set()


def test_no_rooms_import_each_other():
    assert floors.circles(floors.rooms()) == set()


def test_a_circle_is_found():
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}
    assert floors.circles(arrows) == {"b", "c"}


def test_the_table_of_the_floors_is_as_the_imports_are():
    text = floors.CONTRIBUTING.read_text(encoding="utf-8")
    assert "| grading | " in text
    assert floors.page(text) == text, "make floors"


def test_no_rule_walks_farther_than_the_table_says():
    done = subprocess.run(
        [sys.executable, "-m", "tests.walks"],
        cwd=floors.CONTRIBUTING.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = walks.said(floors.CONTRIBUTING.read_text(encoding="utf-8"))
    found = json.loads(done.stdout)
    assert list(said) == list(found) == list(walks.WALKS), "make floors"
    longer = {name: modules for name, modules in found.items() if len(modules) > said[name]}
    assert longer == {}, "a module more for a reason? make floors"
    assert all("optedu.rule" in modules for modules in found.values())


def test_grading_is_a_guest():
    r"""It knows one plug-in and the reader of expressions, and of the package nothing else."""
    assert floors.rooms()["grading"] <= {"withheld", "safe_expr"}


def test_the_plug_in_says_all_that_the_grader_asks():
    wanted = set(Subject.__annotations__) | {n for n in vars(Subject) if not n.startswith("_")}
    assert {"LEFT_OUT", "step", "answers_for_a_student"} <= wanted
    assert {name for name in wanted if not hasattr(withheld, name)} == set()


def test_between_the_two_kernels_the_wire_is_below_the_sandbox():
    arrows = {n: found for n, found in floors.graph().items() if n.startswith("grading.wire")}
    assert arrows
    assert [n for n, found in arrows.items() if any("grading.sandbox" in m for m in found)] == []


def test_no_two_classes_have_one_name():
    names = Counter(
        node.name
        for tree in floors.trees().values()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []
