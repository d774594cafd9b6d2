"""The floors of the package: no module imports from a floor above its own, lazily or not."""

from tests import floors
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
