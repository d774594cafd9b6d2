r"""The wheel of this package, as it is on disk: what the book serves, and what its pages run.

Pure Python, so the wheel is a zip with a few files of metadata; no build tool is needed. The same
package gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

__all__ = ["FOLDER", "INDEX", "build", "serve"]

PACKAGE = Path(__file__).resolve().parent.parent
# Where a book has the wheel, and beside it the file that says how it is called in this version.
FOLDER = "wheel"
INDEX = "latest.txt"
# Of the metadata that pip has of the package, what pip needs to install it elsewhere.
_FIELDS = ("Summary", "License", "Requires-Python", "Project-URL", "Provides-Extra", "Requires-Dist")
_TAGS = "Wheel-Version: 1.0\nGenerator: optedu\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_LICENCES = ("LICENSE", "LICENSE-text")


def build(folder: Path, wanted: Callable[[Path], bool] = lambda path: True) -> Path:
    r"""Write the wheel into ``folder``; return its path.

    Parameters
    ----------
    folder : Path
        It exists.
    wanted : callable
        Of the path of a file below the package, says whether the wheel has it.
    """
    installed = distribution("optedu")
    info = f"optedu-{installed.version}.dist-info"
    entries: dict[str, bytes] = {}
    for source in sorted(PACKAGE.rglob("*")):
        relative = source.relative_to(PACKAGE)
        ours = not any(part.startswith((".", "__pycache__")) for part in relative.parts)
        if ours and source.is_file() and wanted(relative):
            entries[f"optedu/{relative.as_posix()}"] = source.read_bytes()
    entries[f"{info}/METADATA"] = _metadata().encode()
    entries[f"{info}/WHEEL"] = _TAGS.encode()
    for name in ("entry_points.txt", *(f"licenses/{licence}" for licence in _LICENCES)):
        if text := installed.read_text(name):
            entries[f"{info}/{name}"] = text.encode()
    record = [f"{name},sha256={_sum(data)},{len(data)}" for name, data in entries.items()]
    entries[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,\n"]).encode()
    path = folder / f"optedu-{installed.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in entries.items():
            # A fixed date: the same package gives the same bytes.
            out.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return path


def serve(site: Path) -> Path:
    r"""Put the wheel into a built book, with the file by which a notebook finds it.

    Parameters
    ----------
    site : Path
        The folder with the book's ``index.html``.
    """
    folder = site / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    wheel = build(folder)
    (folder / INDEX).write_text(f"{wheel.name}\n", encoding="utf-8")
    return wheel


def _metadata() -> str:
    known = distribution("optedu").metadata
    lines = ["Metadata-Version: 2.1", f"Name: {known['Name']}", f"Version: {known['Version']}"]
    for field in _FIELDS:
        lines += [f"{field}: {value}" for value in known.get_all(field) or []]
    return "\n".join(lines) + "\n"


def _sum(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
