r"""Inside a fresh jail: fill the working folder, give up every right, become the kernel.

``python -I -m optedu.grading.sandbox.launch '{"limits": {...}, "uid": ..., "folder": FD}' COMMAND``
"""

from __future__ import annotations

import json
import os
import sys

from optedu.grading.sandbox import enter
from optedu.grading.sandbox.jail import FOLDER
from optedu.grading.sandbox.limits import Limits


def main(options: dict, command: list[str]) -> None:
    """Never returns; ``options["folder"]`` is an open descriptor of the host's folder."""
    limits = Limits(**options["limits"])
    enter.fill_folder(options["folder"], FOLDER, limits.tmp_mb << 20)
    os.close(options["folder"])
    enter.confine(limits, options["uid"], loopback=True)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
