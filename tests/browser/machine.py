"""A machine of its own beside this one, made by namespaces of Linux: users, homes, configuration.

It has this machine's programs and its network. What is done to users, in their homes, in `/etc` and
in `/srv` happens in a folder, and all its processes end with it. Only root can make one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = ("bwrap", "nsenter", "useradd", "chpasswd", "runuser", "mount")


def lacking() -> str:
    """What is missing to make one, in words; empty if nothing."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "a machine with users of its own: only root on Linux can make one"
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


class Machine:
    """A running machine; `run` and `start` are done on it."""

    def __init__(self, folder: Path, process: int):
        self.folder = folder
        self._enter = ["nsenter", f"--target={process}", "--mount", "--pid", "--"]
        path = f"/opt/hub/bin:{PROXY}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self.environment = {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8"}

    def command(self, line: str, user: str = "root") -> list[str]:
        """The command that runs a line of the shell there, as somebody who has logged in."""
        shell = ["bash", "-c"] if user == "root" else ["runuser", "-l", user, "-c"]
        return [*self._enter, *shell, line]

    def run(self, line: str, user: str = "root", code: int = 0) -> str:
        """Run a line of the shell; return what it says."""
        done = subprocess.run(
            self.command(line, user), env=self.environment, cwd="/", capture_output=True, text=True
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, f"{line}: {done.returncode}\n{said[-3000:]}"
        return said


PROXY = Path(__file__).parent / "node_modules/.bin"


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Make a machine in a folder; `/opt/hub` there is the environment of the tests.

    Of the repository it sees the package alone, as if that were installed from its wheel.
    """
    for name in ("home", "srv"):
        (folder / name).mkdir()
    subprocess.run(["cp", "-a", "/etc", folder / "etc"], check=True)
    told, tell = os.pipe()
    command = [
        *(
            "bwrap",
            "--cap-add",
            "ALL",
            "--die-with-parent",
            "--unshare-pid",
            "--info-fd",
            str(tell),
        ),
        *("--dev-bind", "/", "/", *_sight(folder), "--chdir", "/"),
        # Without a list of all processes of its own no sandbox could be made inside.
        *("sh", "-c", "mount -t proc proc /proc && echo made && exec sleep infinity"),
    ]
    process = subprocess.Popen(command, pass_fds=[tell], stdout=subprocess.PIPE, text=True)
    os.close(tell)
    try:
        with os.fdopen(told) as answer:
            child = json.load(answer)["child-pid"]
        assert process.stdout and process.stdout.readline() == "made\n"
        yield Machine(folder, child)
    finally:
        process.kill()
        process.communicate()


def _sight(folder: Path) -> list[str]:
    """What it sees of this machine, and what in place of the rest, for bubblewrap."""
    seen = [Path(sys.prefix), ROOT / "optedu", PROXY.parent]
    if sys.base_prefix != "/usr":
        seen.append(Path(sys.base_prefix))
    empty = {ROOT, Path("/tmp"), Path("/opt"), Path("/var/log"), Path("/var/mail")}
    for path in seen:  # also for users whom this machine keeps out, as from /root
        closed = [p for p in path.parents if not p.stat().st_mode & 0o001]
        empty.update(closed[-1:])
    said = [
        word for name in ("etc", "home", "srv") for word in ("--bind", folder / name, f"/{name}")
    ]
    for place in sorted(empty):
        said += ["--perms", "1777" if place == Path("/tmp") else "0755", "--tmpfs", place]
    made: set[Path] = set()
    for path in seen:
        for above in reversed(path.parents):
            if above not in made and any(place in above.parents for place in empty):
                said += ["--perms", "0755", "--dir", above]
                made.add(above)
        said += ["--ro-bind", path, path]
    return [str(word) for word in [*said, "--symlink", sys.prefix, "/opt/hub"]]
