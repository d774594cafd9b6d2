r"""Run one notebook for grading: a preprocessor that takes the place of nbgrader's ``Execute``."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbgrader.preprocessors import Execute as NbgraderExecute
from traitlets import Bool, Instance, Unicode

__all__ = ["Execute", "Limits", "Outcome", "SandboxUnavailable", "probe"]


class SandboxUnavailable(RuntimeError):
    """Student code cannot be isolated on this machine; the message says what to install."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds, megabytes (2**20 bytes), counts."""

    wall_s: float = 300.0
    cpu_s: int = 120
    memory_mb: int = 1024
    processes: int = 64
    open_files: int = 256
    file_mb: int = 64
    tmp_mb: int = 128
    output_kb: int = 512
    cell_timeout_s: float = 30.0


@dataclass
class Outcome:
    """How a run ended: ``status`` is one word, ``detail`` one line, ``tampered`` findings."""

    status: str = "ok"
    detail: str = ""
    tampered: list[str] = field(default_factory=list)


class Execute(NbgraderExecute):
    """nbgrader's ``Execute`` with limits and an :class:`Outcome`."""

    sandbox = Bool(True, help="Run student code in a bubblewrap sandbox.").tag(config=True)
    limits = Instance(Limits, args=(), help="What one submission may use.")
    workspace = Unicode(
        "", help="Folder that student code sees; the notebook's folder when empty."
    ).tag(config=True)

    def preprocess(self, nb, resources, retries=None):
        self.outcome = Outcome()
        self.timeout = int(self.limits.cell_timeout_s)
        return super().preprocess(nb, resources)


def probe() -> None:
    """Raise :class:`SandboxUnavailable` where bubblewrap is missing or may not be used."""
    import shutil

    if shutil.which("bwrap") is None:
        raise SandboxUnavailable(
            "bubblewrap is not installed: run `apt install bubblewrap`, "
            "or grade without isolation with --no-sandbox"
        )
