"""The model solution below each answer in nbgrader's formgrader.

In ``nbgrader_config.py``::

    c.HTMLExporter.preprocessors = ["optedu.grading.model.ShowModel"]
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell
from nbgrader import utils
from nbgrader.coursedir import CourseDirectory

from optedu.grading.feedback import OfExporter

__all__ = ["ShowModel"]

_MARKER = re.compile(r"(?m)^.*(?:BEGIN|END) SOLUTION.*\n?")
_BOX = """\
<details class="model-solution" style="border-left: 4px solid #5cb85c; padding-left: 1em"{open}>
<summary><b>Model solution</b></summary>

{text}

</details>
"""


class ShowModel(OfExporter):
    """Put a cell below each answer that shows what the source of the assignment has there.

    It is unfolded where the points are given by hand. The formgrader alone shows it, and nothing is
    written: feedback, which students get, is made by the same exporter with another template.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        in_formgrader = getattr(self.parent, "template_name", None) == "formgrade"
        if not in_formgrader or "submission_id" not in resources:
            return nb, resources
        models = self._models(resources["assignment_id"], resources["notebook_id"])
        cells = []
        for cell in nb.cells:
            cells.append(cell)
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if utils.is_solution(cell) and name in models:
                box = _BOX.format(open=" open" * utils.is_grade(cell), text=models[name])
                cells.append(new_markdown_cell(box))
        nb.cells = cells
        return nb, resources

    def _models(self, assignment: str, notebook: str) -> dict[str, str]:
        """The solutions of a notebook in Markdown, by grade id; none without its source."""
        course = CourseDirectory(config=self.config)
        folder = course.format_path(course.source_directory, ".", assignment)
        path = Path(folder, f"{notebook}.ipynb")
        try:
            source = nbformat.read(path, as_version=4)
        except (OSError, ValueError) as error:
            self.log.warning("No model solutions: %s cannot be read (%s)", path, error)
            return {}
        return {
            cell.metadata.nbgrader.grade_id: _markdown(cell)
            for cell in source.cells
            if utils.is_solution(cell)
        }


def _markdown(cell: Any) -> str:
    text: str = _MARKER.sub("", cell.source)
    if cell.cell_type == "markdown":
        return text
    fence = "`" * (1 + max(map(len, re.findall(r"`{3,}", text)), default=2))
    return f"{fence}python\n{text}\n{fence}"
