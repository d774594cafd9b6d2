"""A PostgreSQL server of one's own: in a temporary folder, by an unprivileged user, on no port."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_USER = "grader"


def programs() -> Path | None:
    """The folder of the server's programs (Debian keeps them apart), or None without them."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in folders), default=None)


class Server:
    """One server; `stop` and `start` it as often as you like, its data stay until `remove`."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # Not below pytest's folder: a socket's path is short, and only root may enter that one.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        # The server refuses to run as root.
        self._identity = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
            self._identity = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        self._run("initdb", "-A", "trust", "-U", _USER, "-E", "UTF8", "--locale=C.UTF-8", "-N")

    def start(self) -> None:
        """Start it, and return when it answers."""
        options = f"-k {self.folder} -h '' -c shared_buffers=16MB"
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, how: str) -> None:
        """Stop it, `fast` or `immediate`: as an administrator, or a power cut."""
        self._run("pg_ctl", "-w", "-m", how, "stop")

    def remove(self) -> None:
        """Remove its data."""
        shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        """The address of a database. The password is not asked for, and is one all the same."""
        return f"postgresql+psycopg://{_USER}:sesame@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres"):
        """A connection that commits each statement by itself."""
        import psycopg

        return psycopg.connect(host=str(self.folder), user=_USER, dbname=database, autocommit=True)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple]:
        """Run one statement; the rows that it gives."""
        with self.connect(database) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, "-D", self.folder / "data", *arguments],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,  # the server keeps it open
            **self._identity,
        )
