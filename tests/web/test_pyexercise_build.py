"""What the directive writes: with the page's Python, without npm, and for other formats."""

import json
import re
import shutil
import zipfile

import pytest

from optedu.course.wheel import build as build_wheel
from optedu.web.runtime import Unavailable, find_vendor, gather, in_page, tool, verify
from tests.web.exercises import ROOT, book_exercises
from tests.web.site import OTHER, STEP, build


@pytest.fixture
def bare_vendor(tmp_path):
    """A copy of vendor whose Python has not been gathered yet."""
    folder = tmp_path / "bare" / "vendor"
    shutil.copytree(ROOT / "vendor", folder)
    return folder


def test_without_npm_the_exercise_stands_and_says_why(tmp_path, bare_vendor):
    site, printed = build(tmp_path, vendor=bare_vendor, path="/nonexistent")
    page = (site / "index.html").read_text()
    assert "Exercises in the page are left out of this build: node is not installed" in printed
    assert page.count("built without Python for the page (node is not installed)") == 2
    assert "return the new x" in page
    assert "From 1, with gradient 2" in page
    assert re.findall("<summary>(.*?)</summary>", page) == [
        "Write and run the code", "Hint 1 of 2", "Hint 2 of 2", "Show a solution",
        "Write and run the code", "Show a solution",
    ]  # fmt: skip
    assert "pyexercise.js" not in page
    assert not (site / "_static" / "pyexercise" / "runtime").exists()


def test_other_formats_hold_the_static_exercise(tmp_path):
    site, _ = build(tmp_path, builder="text")
    text = (site / "index.txt").read_text()
    assert STEP.text.starter.splitlines()[2] in text
    assert OTHER.text.checks[0].sentence in text


def test_a_changed_file_is_refused(bare_vendor):
    wheel = next(bare_vendor.glob("numpy-*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"x")
    with pytest.raises(Unavailable, match=rf"{wheel.name} has SHA-256 .*, expected ebb61241"):
        verify(bare_vendor / "SHA256SUMS", bare_vendor)


@pytest.mark.node
def test_numpy_is_the_one_that_pyodide_names_and_nothing_else_can_be_loaded():
    verify(ROOT / "vendor" / "SHA256SUMS", ROOT / "vendor")
    try:
        folder = gather(find_vendor(ROOT))
    except Unavailable as error:
        pytest.skip(f"the page's Python cannot be gathered: {error}")
    npm = folder.parent / "npm" / "node_modules" / "pyodide" / "pyodide-lock.json"
    named = json.loads(npm.read_text())["packages"]["numpy"]
    expected, name = (ROOT / "vendor" / "SHA256SUMS").read_text().split()
    assert (named["sha256"], named["file_name"]) == (expected, name)
    assert json.loads((folder / "pyodide-lock.json").read_text())["packages"] == {}


def test_missing_tools_and_folders_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match="npm is not installed"):
        tool("npm")
    with pytest.raises(Unavailable, match="no folder vendor"):
        find_vendor(tmp_path)


def test_the_wheel_of_optedu_is_whole_and_repeatable(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = build_wheel(tmp_path / "a", in_page), build_wheel(tmp_path / "b", in_page)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as wheel:
        names = wheel.namelist()
        package = ROOT / "optedu"
        assert wheel.read("optedu/__init__.py") == (package / "__init__.py").read_bytes()
        assert "optedu/rules/adam.py" in names
        assert "optedu/web/pdf.py" not in names
        used = set(re.findall(r"optedu\.(\w+\.\w+) import", str(book_exercises())))
        assert "web.svgplot" in used
        for module in used:
            assert f"optedu/{module.replace('.', '/')}.py" in names
        recorded = wheel.read(next(n for n in names if n.endswith("RECORD"))).decode()
        assert [line.split(",")[0] for line in recorded.splitlines()] == names


def test_mistakes_in_the_source_stop_the_build(tmp_path):
    page = "# Page\n\n```{pyexercise} bad\n:title: T\n\n%% starter\nx = 1\n```\n"
    with pytest.raises(RuntimeError, match=r"index.md:3:.*pyexercise bad: no solution"):
        build(tmp_path, page=page)
    with pytest.raises(RuntimeError, match=r"index.md:6:.*pyexercise bad: unknown mark 'start'"):
        build(tmp_path, page=page.replace("starter", "start"))
