r"""Gather what the exercises in the page run on: Pyodide, NumPy, SymPy, and optedu itself.

``python -m optedu.web.runtime`` fills ``build/pyexercise/`` next to the folder ``vendor``; the
build of the book calls the same functions. Every file is checked against the sums in ``vendor``.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from optedu.course.wheel import build

COMPILE = Path(__file__).resolve().parent / "static" / "pyexercise" / "compile.mjs"
PYODIDE_FILES = ("pyodide.asm.js", "pyodide.asm.wasm")
# Parts of the package that the page has no use for, and what of them it does have: what runs the
# code, and the plot that needs no Matplotlib.
NOT_IN_PAGE = ("course", "grading", "web")
IN_PAGE = ("web/__init__.py", "web/pyrun.py", "web/svgplot.py")


class Unavailable(Exception):
    """The page's Python cannot be gathered here; the message says what is missing."""


@dataclass(frozen=True)
class Runtime:
    """A folder with every file that the page's Python loads, and their sizes in bytes."""

    folder: Path
    files: tuple[str, ...]

    @property
    def raw_bytes(self) -> int:
        """Bytes of all files as they lie on disk."""
        return sum((self.folder / name).stat().st_size for name in self.files)

    @property
    def compressed_bytes(self) -> int:
        """Bytes of all files as a host sends them that compresses."""
        total = 0
        for name in self.files:
            data = (self.folder / name).read_bytes()
            small = name.endswith(".zip")
            total += len(data) if small else len(gzip.compress(data, 6))
        return total


def find_vendor(start: Path) -> Path:
    """Return the folder ``vendor`` at ``start`` or at the nearest folder above it."""
    for folder in (start, *start.parents):
        if (folder / "vendor" / "SHA256SUMS-pyodide").is_file():
            return folder / "vendor"
    raise Unavailable(f"no folder vendor with SHA256SUMS-pyodide at or above {start}")


def tool(name: str) -> str:
    """Return the path of a command-line tool."""
    path = shutil.which(name)
    if path is None:
        raise Unavailable(f"{name} is not installed")
    return path


def verify(sums: Path, folder: Path) -> None:
    """Compare files in ``folder`` with a file of sums in the format of ``sha256sum``."""
    for line in sums.read_text().splitlines():
        expected, name = line.split(maxsplit=1)
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != expected:
            raise Unavailable(f"{name} has SHA-256 {found}, expected {expected}")


def run(command: list[str], what: str) -> None:
    """Run a command; on failure say what it was for and its last lines."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        tail = " ".join((done.stderr or done.stdout).strip().splitlines()[-2:])[:300]
        raise Unavailable(f"{what} failed: {tail}")


def stamp(vendor: Path) -> str:
    """Hash everything that decides the gathered files."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + COMPILE.read_bytes())
    for name in ("package.json", "requirements.txt", "SHA256SUMS", "SHA256SUMS-pyodide"):
        digest.update((vendor / name).read_bytes())
    return digest.hexdigest()


def gather(vendor: Path) -> Path:
    """Fill ``build/pyexercise/runtime`` beside ``vendor`` and return it; a second call is free.

    Raises
    ------
    Unavailable
        Where npm, Node or a package cannot be had, or a file is not the one expected.
    """
    cache = vendor.parent / "build" / "pyexercise"
    target, done = cache / "runtime", cache / "stamp"
    if done.is_file() and done.read_text() == stamp(vendor):
        return target
    node, npm = tool("node"), tool("npm")
    packages = cache / "npm"
    wheels = cache / "wheels"
    for folder in (target, wheels):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    done.unlink(missing_ok=True)
    packages.mkdir(exist_ok=True)
    shutil.copy2(vendor / "package.json", packages)
    install = [npm, "install", "--prefix", str(packages)]
    quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    run([*install, *quiet], "npm install of Pyodide")
    pyodide = packages / "node_modules" / "pyodide"
    verify(vendor / "SHA256SUMS-pyodide", pyodide)
    verify(vendor / "SHA256SUMS", vendor)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    options = ["--only-binary=:all:", "--dest", str(wheels), "-r", str(vendor / "requirements.txt")]
    run([*pip, *options], "pip download of SymPy, mpmath and array-api-compat")
    for name in PYODIDE_FILES:
        shutil.copy2(pyodide / name, target)
    # Some hosts do not know the ending .mjs.
    shutil.copy2(pyodide / "pyodide.mjs", target / "pyodide.module.js")
    # Pyodide loads what its lock file names; this one names nothing.
    lock = json.loads((pyodide / "pyodide-lock.json").read_text())
    (target / "pyodide-lock.json").write_text(json.dumps({"info": lock["info"], "packages": {}}))
    bundles = {
        "python_stdlib.zip": [pyodide / "python_stdlib.zip"],
        "numpy.zip": list(vendor.glob("numpy-*.whl")),
        "site.zip": sorted(wheels.glob("*.whl")),
    }
    command = [node, str(COMPILE), str(pyodide)]
    for name, archives in bundles.items():
        command += [str(target / name), "bare", *map(str, archives), "--"]
    run(command, "compiling Python's library, NumPy and SymPy")
    shutil.copy2(vendor / "README.md", target / "LICENCES.txt")
    shutil.copy2(vendor / "LICENSE-numpy.txt", target)
    done.write_text(stamp(vendor))
    return target


def in_page(path: Path) -> bool:
    """Say whether the page has a use for a file of the package."""
    kept = path.parts[0] not in NOT_IN_PAGE or path.as_posix() in IN_PAGE
    return kept and path.suffix == ".py"


def assemble(vendor: Path, folder: Path) -> Runtime:
    """Put the page's Python with this package's wheel into ``folder``.

    Raises
    ------
    Unavailable
        As :func:`gather`.
    """
    source = gather(vendor)
    # Files of an earlier build would be shipped too.
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    compiled_optedu(source.parent, folder / "optedu.zip")
    archives = ("python_stdlib.zip", "numpy.zip", "site.zip", "optedu.zip")
    runtime = Runtime(folder, ("pyodide.module.js", "pyodide-lock.json", *PYODIDE_FILES, *archives))
    # The page asks for each archive with its hash, so that a browser never mixes two builds.
    sums = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12] for name in archives
    }
    (folder / "manifest.json").write_text(json.dumps(sums, indent=1))
    return runtime


def compiled_optedu(cache: Path, target: Path) -> None:
    """Compile this package's wheel to ``target``, or take the last result if nothing changed."""
    wheel = build(cache, in_page)
    key = hashlib.sha256(wheel.read_bytes() + COMPILE.read_bytes()).hexdigest()
    kept, kept_key = cache / "optedu.zip", cache / "optedu.key"
    if not (kept.is_file() and kept_key.is_file() and kept_key.read_text() == key):
        kept_key.unlink(missing_ok=True)
        pyodide = cache / "npm" / "node_modules" / "pyodide"
        command = [tool("node"), str(COMPILE), str(pyodide), str(kept), "whole", str(wheel)]
        run(command, "compiling optedu")
        kept_key.write_text(key)
    shutil.copy2(kept, target)


if __name__ == "__main__":
    try:
        where = gather(find_vendor(Path.cwd()))
    except Unavailable as error:
        sys.exit(f"exercises in the page cannot run: {error}")
    print(where)
