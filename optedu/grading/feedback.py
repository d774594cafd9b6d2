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
from traitlets import List

__all__ = ["HideTests", "OfExporter", "hide_tests"]

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class OfExporter(NbGraderPreprocessor):
    """A preprocessor for an exporter to HTML, which configures the order of kinds of output.

    nbgrader's own class takes away the tag that says so, and a warning comes each time that one is
    made. Its ``GetGrades`` puts it back in the same way.
    """

    display_data_priority = List(["text/html", "text/plain"]).tag(config=True)


class _Region(OfExporter, ClearHiddenTests):
    """nbgrader's, which knows the delimiters of the course."""


class HideTests(OfExporter):
    """Strip from test cells what students must not learn, and leave them the message.

    The hidden region goes from the source. What was printed or displayed while a test ran goes
    too: the student's code may have printed its arguments, and those are the hidden tests'. Of an
    error the name and the message stay, and the traceback, which quotes the source, goes where the
    cell has a hidden region.
    """

    def preprocess(self, nb, resources):
        self._region = _Region(parent=self)
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, cell_index):
        if not utils.is_grade(cell) or utils.is_solution(cell) or cell.cell_type != "code":
            return cell, resources
        try:
            hidden = self._region._remove_hidden_test_region(cell)
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
