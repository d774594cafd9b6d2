"""Grade a class of 60 with hostile submissions among them: ``python -m tests.grading.demo``.

The course is left in ``course/demo`` to look at, with nbgrader's formgrader for example.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from optedu.grading.execute import SandboxUnavailable, probe
from tests.grading import course as courses
from tests.grading import generate
from tests.grading.hostile.submissions import CLASS, Hostile, Place

SIZE = 60
HOSTILE = (
    "infinite-loop", "memory-bomb-at-once", "much-output", "os-exit", "segfault", "kills-everybody",
    "deletes-a-test", "duplicates-a-test", "edits-a-test", "changes-points", "forged-outputs",
    "tags-against-execution", "truncated", "no-notebook", "symbolic-links", "reads-the-gradebook",
    "edits-a-neighbour", "uses-the-network", "always-equal", "looks-into-frames", "patches-numpy",
    "input-transformer", "forged-display", "odd-student-id", "terminal-escapes",
)  # fmt: skip


def main() -> int:
    """Make the class, grade it, and compare with the scores that are stated for it."""
    try:
        probe()
    except SandboxUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    root = Path("_build", "demo").resolve()
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    courses.make_course(root, config=courses.CONFIG + "c.ExecutePreprocessor.timeout = 5\n")
    chosen = [entry for entry in CLASS if entry.name in HOSTILE]
    _hand_in(root, chosen)
    optedu = str(Path(sys.executable).with_name("optedu"))
    command = [optedu, "grade", courses.ASSIGNMENT, "--timeout", "60", "--report", "report.json"]
    code = subprocess.run(command, cwd=root).returncode
    if code not in (0, 3):
        return code
    wrong = _wrong(root, chosen)
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(f"Each of the {len(chosen)} hostile submissions has the score that it should.")
    return 1 if wrong else 0


def _hand_in(root: Path, chosen: list[Hostile]) -> None:
    blank = courses.released(root)
    for entry in chosen:
        entry.build(Place(root, blank, entry.id, port=9))
    for student, notebook, time in generate.submissions(blank, SIZE - len(chosen)):
        courses.submit(root, student, notebook, timestamp=time)


def _wrong(root: Path, chosen: list[Hostile]) -> list[str]:
    rows = json.loads((root / "report.json").read_text())["students"]
    scores = {row["student"]: row["score"] for row in rows}
    return [
        f"{entry.name}: {scores[entry.id]} points instead of {entry.score} ({entry.why})"
        for entry in chosen
        if scores[entry.id] != entry.score
    ]


if __name__ == "__main__":
    sys.exit(main())
