"""Feedback that keeps hidden tests hidden, for ``nbgrader generate_feedback`` and the formgrader.

In ``nbgrader_config.py``::

    from optedu.grading.feedback import hide_tests
    hide_tests(c)
"""

from __future__ import annotations

import re

from nbformat.v4 import new_output
from nbgrader import utils
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor

__all__ = ["HideTests", "hide_tests"]

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class HideTests(NbGraderPreprocessor):
    """Strip from test cells what students must not learn, and leave them the message.

    The hidden region goes from the source. What was printed or displayed while a test ran goes
    too: the student's code may have printed its arguments, and those are the hidden tests'. Of an
    error the name and the message stay, and the traceback, which quotes the source, goes where the
    cell has a hidden region.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        if not utils.is_grade(cell) or utils.is_solution(cell) or cell.cell_type != "code":
            return cell, resources
        try:
            hidden = ClearHiddenTests(parent=self)._remove_hidden_test_region(cell)
        except RuntimeError:
            # The delimiters do not match: where the hidden region ends is anybody's guess.
            cell.source, hidden = "# (hidden)", True
        cell.outputs = [
            _bare(output) if hidden else output
            for output in cell.outputs
            if output.output_type in ("error", "execute_result")
        ]
        return cell, resources


def _bare(output):
    """The output without what would quote the test."""
    if output.output_type != "error":
        return output
    line = f"{output.ename}: {output.evalue}" if output.evalue else output.ename
    return new_output(
        "error", ename=output.ename, evalue=output.evalue, traceback=[_ANSI.sub("", line)]
    )


def hide_tests(config) -> None:
    r"""Make nbgrader's feedback hide tests.

    Parameters
    ----------
    config : traitlets.config.Config
        The ``c`` of ``nbgrader_config.py``.
    """
    config.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "optedu.grading.feedback.HideTests",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
