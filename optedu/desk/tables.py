"""Tables from CSV files as learning platforms and spreadsheets write them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from optedu.grading.errors import UsageError

__all__ = ["Table", "read_table"]

_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class Table:
    r"""What a CSV file holds.

    Attributes
    ----------
    path : Path
        The file.
    header : list of str
        Names of the columns as the file has them.
    rows : list of (int, dict)
        For each row that is not empty the line where it ends, and its values by column.
    """

    path: Path
    header: list[str]
    rows: list[tuple[int, dict[str, str]]]

    def column(self, name: str) -> str | None:
        r"""Return the column of this name, whatever its case and its spaces."""
        return next((c for c in self.header if plain(c) == plain(name)), None)


def plain(name: str) -> str:
    r"""Return a column's name without what programs write differently.

    Examples
    --------
    >>> plain(" Email_address ")
    'email address'
    """
    return " ".join(name.replace("_", " ").split()).casefold()


def read_table(path: Path) -> Table:
    r"""Read a CSV file: commas, semicolons or tabs; UTF-8, or UTF-16 with its mark.

    Raises
    ------
    UsageError
        When it cannot be read, or is no CSV file with a header and a row.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UsageError(f"{path} is a spreadsheet or a ZIP file: save it as CSV, in UTF-8")
    encoding = next((name for mark, name in _BOMS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}, line {line}: not UTF-8: save it as CSV, in UTF-8") from None
    text = text.lstrip("\ufeff\r\n")
    if "\0" in text:
        raise UsageError(f"{path} is no CSV file: it holds binary data")
    if text.lstrip()[:1] in ("{", "<"):
        kind = "a notebook or other JSON" if text.lstrip().startswith("{") else "a web page"
        raise UsageError(f"{path} is no CSV file but {kind}: export the table as CSV")
    return _parse(path, text)


def _parse(path: Path, text: str) -> Table:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    rows = []
    try:
        for values in reader:
            values = [value.strip() for value in values]
            if not any(values):
                continue
            if not header:
                header = values
                continue
            if len(values) > len(header) and any(values[len(header) :]):
                raise UsageError(
                    f"{path}, line {reader.line_num}: {len(values)} values, "
                    f"and the header has {len(header)} columns"
                )
            values += [""] * (len(header) - len(values))
            rows.append((reader.line_num, dict(zip(header, values, strict=False))))
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: no CSV: {error}") from None
    if not rows:
        raise UsageError(f"{path} is no CSV file with a header and a row for each student")
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{path}: two columns are named '{twice}': rename one")
    return Table(path, header, rows)
