r"""Where the course says that it is: the table ``[project.urls]`` of ``pyproject.toml``.

No other file knows an address of the course; the README and ``CITATION.cff``, which cannot look it
up, are compared with that table by a test. Without the table nothing claims to be online.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["LOCAL", "AddressError", "Addresses", "read"]

# Where ``make serve`` shows the book.
LOCAL = "http://localhost:8000/"


class AddressError(Exception):
    r"""An address of the course is no address."""


@dataclass(frozen=True)
class Addresses:
    r"""Where the course is online; empty where nobody has said so.

    Attributes
    ----------
    book : str
        The built book, with a slash at its end.
    repository : str
        The repository, without one.
    """

    book: str = ""
    repository: str = ""

    @property
    def slug(self) -> str:
        r"""``owner/name`` of a repository on GitHub, which is what Colab can open; else empty.

        Examples
        --------
        >>> Addresses(repository="https://github.com/ada/course").slug
        'ada/course'
        >>> Addresses(repository="https://git.example.org/course").slug
        ''
        """
        host, _, path = self.repository.removeprefix("https://").partition("/")
        return path if host == "github.com" else ""


def read(root: Path) -> Addresses:
    r"""Return the addresses that ``root/pyproject.toml`` states.

    Parameters
    ----------
    root : Path
        Folder of the course. Where it has no ``pyproject.toml`` of optedu, as a class's own folder
        has not, those count that the installed package was built with.

    Raises
    ------
    AddressError
        If one of them is not of the form ``https://host/...``.
    """
    path = root / "pyproject.toml"
    project = _project(path)
    if project.get("name") == "optedu":
        table, where = project.get("urls", {}), str(path)
    else:
        pairs = metadata("optedu").get_all("Project-URL") or []
        table, where = dict(pair.split(", ", 1) for pair in pairs), "the installed optedu"
    for name, address in table.items():
        parts = urlsplit(str(address))
        if parts.scheme != "https" or not parts.hostname or re.search(r"[\s\"'<>]", str(address)):
            raise AddressError(f"{where}: {name} must be an address https://..., got {address!r}")
    book = str(table.get("Documentation", "")).rstrip("/")
    repository = str(table.get("Repository", "")).rstrip("/").removesuffix(".git")
    return Addresses(f"{book}/" if book else "", repository)


def _project(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")).get("project", {})
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise AddressError(f"{path}: {error}") from error
