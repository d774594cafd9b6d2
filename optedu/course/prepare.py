r"""What a released notebook has besides the source's cells: a preprocessor for nbgrader.

``nbgrader_config.py`` puts it before nbgrader's own, so that the gradebook knows the cell that
installs the package, as it does every locked cell.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell
from nbgrader import utils
from nbgrader.preprocessors import NbGraderPreprocessor

from optedu.course.first_cell import first_cell

__all__ = ["GOES_ON", "INSTALL", "Prepare"]

# Grade id of the cell that installs the package.
INSTALL = "install"
# The tag by which Jupyter runs the cells below one that failed.
GOES_ON = "raises-exception"
_USES_IT = re.compile(r"^\s*(?:import|from) optedu\b", re.MULTILINE)


class Prepare(NbGraderPreprocessor):
    r"""Put the cell first that installs the package, and let "Run All" go on past a failed cell.

    From the first task on, a cell that fails is what a student is working at; the other tasks must
    show what they say all the same. Only the set-up before it stops the run. Grading is not
    affected: nbgrader and `optedu grade` run all cells, and a test whose output is an error gets no
    points, whatever its tags are.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Change ``nb`` in place."""
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        tasks = [n for n, cell in enumerate(code) if utils.is_grade(cell) or utils.is_solution(cell)]
        for cell in code[tasks[0] :] if tasks else ():
            tags = cell.metadata.get("tags", [])
            cell.metadata["tags"] = [*tags, *([] if GOES_ON in tags else [GOES_ON])]
        if any(_USES_IT.search(cell.source) for cell in code):
            root = Path(self.config.get("CourseDirectory", {}).get("root") or ".")
            nb.cells.insert(nb.cells.index(code[0]), _install(first_cell(root)))
        return nb, resources


def _install(source: str) -> Any:
    about = {"grade": False, "grade_id": INSTALL, "locked": True, "schema_version": 3}
    about |= {"solution": False, "task": False}
    # Folded in JupyterLab: nobody has to read it before the first task.
    return new_code_cell(
        source, id=INSTALL, metadata={"nbgrader": about, "jupyter": {"source_hidden": True}}
    )
