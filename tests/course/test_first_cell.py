"""The first cell of a notebook: silent where the package is, else it installs the book's own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy
import pytest

from optedu.course import wheel
from optedu.course.addresses import LOCAL
from optedu.course.first_cell import first_cell
from optedu.course.publish import hidden

ROOT = Path(__file__).parents[2]
# Shows an error as IPython does, which prefers `_render_traceback_`.
RUN = (
    "import sys\n"
    "try:\n    exec(open(sys.argv[1]).read())\n"
    "except ImportError as error:\n    print(*error._render_traceback_(), sep='\\n')\n"
)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A served folder with the wheel in it, as a book has it."""
    folder = tmp_path_factory.mktemp("site")
    wheel.serve(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def bare(folder, without=()):
    """Make a Python that has pip and all that optedu needs, but for some of it, and not optedu."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for path in Path(numpy.__file__).parents[1].iterdir():
        if not path.name.startswith(("optedu", "_optedu", "_editable", "__pycache__", *without)):
            (packages / path.name).symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    return bare(tmp_path_factory.mktemp("outside"))


def run(where, tmp_path, source):
    """Run a cell as in a kernel of that environment, without a network; return what it shows."""
    script = tmp_path / "cell.py"
    script.write_text(source)
    done = subprocess.run(
        [str(where / "bin/python"), "-c", RUN, str(script)],
        capture_output=True, text=True, cwd=tmp_path, check=False,
        env={"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def cell(tmp_path, book):
    """Return the cell as a course has it whose book is there."""
    source = first_cell(tmp_path)
    assert LOCAL in source
    return source.replace(LOCAL, book)


def test_it_installs_the_package_from_the_book_and_then_says_nothing(site, tmp_path):
    folder, book = site
    where = bare(tmp_path / "colab")
    source = cell(tmp_path, book) + "\nimport optedu\nprint(optedu.__file__)"
    for _ in range(2):
        (line,) = run(where, tmp_path, source).splitlines()
        assert line.startswith(str(where))
    probe = (
        "import optedu\nrun = optedu.minimize(optedu.problems.rosenbrock(), optimizer='adam', lr=0.05,"
        " steps=20)\nprint(bool(run.f[-1] < run.f[0]), optedu.__file__)"
    )
    assert run(where, tmp_path, probe).startswith(f"True {where}")


def test_with_no_book_at_hand_it_says_in_one_line_what_to_do(tmp_path, outside):
    (line,) = run(outside, tmp_path, cell(tmp_path, "http://127.0.0.1:9/")).splitlines()
    assert line == (
        "optedu is not installed: no book answers at http://127.0.0.1:9/. "
        "Connect to the network and run this cell again."
    )


def test_a_page_that_is_no_book_is_not_installed_from(site, tmp_path, outside):
    folder, book = site
    (folder / "portal" / "wheel").mkdir(parents=True)
    (folder / "portal" / "wheel" / "latest.txt").write_text("<html>Sign in to this network")
    (line,) = run(outside, tmp_path, cell(tmp_path, f"{book}portal/")).splitlines()
    assert line.startswith(f"optedu is not installed: no book answers at {book}portal/")


def test_without_what_the_package_needs_and_no_network_one_line_says_so(site, tmp_path):
    folder, book = site
    where = bare(tmp_path / "plain", without=["array_api_strict"])
    (line,) = run(where, tmp_path, cell(tmp_path, book)).splitlines()
    assert line.startswith(f'optedu is not installed: pip install "optedu[data] @ {book}wheel/')
    assert "array-api-strict" in line and line.endswith("Run it in a terminal.")


def test_the_variable_of_a_hub_comes_before_the_course_s_own_book(site, tmp_path, outside):
    source = f"import os\nos.environ['OPTEDU_BOOK_URL'] = 'http://127.0.0.1:9/hub'\n"
    (line,) = run(outside, tmp_path, source + cell(tmp_path, "http://127.0.0.1:9/")).splitlines()
    assert "at http://127.0.0.1:9/hub/ or http://127.0.0.1:9/." in line


def test_each_notebook_of_the_course_starts_with_it(tmp_path):
    for path in sorted((ROOT / "exercises").glob("*/*.ipynb")):
        code = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
        assert code[0].source == first_cell(ROOT), path
        assert code[0].metadata.nbgrader.locked and not code[0].metadata.nbgrader.grade


def test_the_wheel_has_the_package_and_nothing_that_is_graded(site, tmp_path):
    folder, _ = site
    name = (folder / "wheel/latest.txt").read_text().strip()
    served = (folder / "wheel" / name).read_bytes()
    assert wheel.build(tmp_path).read_bytes() == served, "the same package gives the same bytes"
    with zipfile.ZipFile(folder / "wheel" / name) as archive:
        names = archive.namelist()
        text = "\n".join(archive.read(n).decode("utf-8", "replace") for n in names)
    package = {p.relative_to(ROOT).as_posix() for p in (ROOT / "optedu").rglob("*.py")}
    assert package <= set(names)
    assert {n.split("/")[0] for n in names} == {"optedu", f"optedu-{version('optedu')}.dist-info"}
    assert not [n for n in names if "__pycache__" in n or "/." in n]
    tests, _ = hidden(ROOT)
    assert [line for line in tests if line in text] == []
    assert "Requires-Dist: array-api-strict>=" in text
