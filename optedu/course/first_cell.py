r"""The first cell of each notebook that people take away: it gets the package from the book.

The cell is the source of `install_optedu` and one call of it, so that the function is tested where
it stands. It says and does nothing where optedu is installed.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path

from optedu.course import addresses

__all__ = ["first_cell", "install_optedu"]


def install_optedu(books):
    """Install the course's package from its book, where it is missing (as on Colab)."""
    import importlib.util
    import os
    import re
    import subprocess
    import sys
    from urllib.request import urlopen

    if importlib.util.find_spec("optedu"):
        return

    class Missing(ImportError):
        def _render_traceback_(self):
            return [f"optedu is not installed: {self}"]

    own = os.environ.get("OPTEDU_BOOK_URL")
    books = [own.rstrip("/") + "/", *books] if own else books
    for book in books:
        try:
            with urlopen(book + "wheel/latest.txt", timeout=10) as answer:
                name = answer.read(200).decode("utf-8", "replace").strip()
        except Exception:
            continue  # nobody answers, or it is no book
        if not re.fullmatch(r"optedu-[\w.+]+-py3-none-any\.whl", name):
            continue  # another page, such as the one where a network asks you to sign in
        wanted = f"optedu[data] @ {book}wheel/{name}"
        command = [sys.executable, "-m", "pip", "install", "--quiet", wanted]
        pip = subprocess.run(command, capture_output=True, text=True)
        if pip.returncode:
            said = (pip.stderr.strip() or "no reason given").splitlines()[-1]
            raise Missing(f'pip install "{wanted}" failed here ({said}). Run it in a terminal.')
        importlib.invalidate_caches()
        return
    where = " or ".join(books)
    raise Missing(f"no book answers at {where}. Connect to the network and run this cell again.")


def first_cell(root: Path) -> str:
    r"""Return the source of the cell for the course at ``root``.

    Raises
    ------
    optedu.course.addresses.AddressError
        If ``pyproject.toml`` states an address that is none.
    """
    book = addresses.read(root).book
    # A reader who runs `make serve` has the book at hand, also without a network.
    books = [*([book] if book else []), addresses.LOCAL]
    return f"{inspect.getsource(install_optedu)}\n\ninstall_optedu({json.dumps(books)})"
