r"""The directive ``{quiz}``: a question that is answered in the page, each answer explained.

The argument names the question. With the option ``:multiple:`` several choices may be marked. The
content is explained in :mod:`optedu.web.quiz_text`. A number may be the name under which a cell of
the page has glued it.

Without scripts, and on paper, the choices stand as a list and the explanations below them.
"""

from __future__ import annotations

import string
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives

from optedu.exercise.marks import MarkError
from optedu.web import tasks
from optedu.web.quiz_text import Answer, Question, parse


class QuizDirective(tasks.TaskDirective):
    """Read the block into a task with its choices and verdicts."""

    required_arguments = 1
    option_spec = {"multiple": directives.flag}

    def run(self) -> list[nodes.Node]:
        try:
            question = parse(
                list(self.content), multiple="multiple" in self.options, lookup=self.glued
            )
        except MarkError as error:
            return tasks.refuse(self, error)
        label = f"Question {self.number('quiz')}"
        node = tasks.task(
            ids=[nodes.make_id(f"quiz-{self.arguments[0]}")],
            kind="quiz",
            label=label,
            data={"answer": question.kind},
        )
        node += nodes.paragraph("", "", nodes.strong("", label), classes=["task-title"])
        node += nodes.container("", *self.blocks(question.prose, 0), classes=["task-prose"])
        if question.kind != "number":
            choices = nodes.enumerated_list(enumtype="loweralpha", prefix="(", suffix=")")
            choices["classes"].append("task-choices")
            for answer in question.answers:
                choices += nodes.list_item("", self.inline(answer.text, answer.line))
            node += choices
        folded = tasks.answers(summary="Show the answer, and why")
        for letter, answer in zip(string.ascii_lowercase, question.answers, strict=False):
            folded += self.verdict(question, letter, answer)
        node += folded
        return [node]

    def verdict(self, question: Question, letter: str, answer: Answer) -> tasks.verdict:
        """Return what is said of an answer, with what the script compares."""
        data: dict[str, Any] = {"right": str(answer.right).lower()}
        if answer.value is not None:
            data |= {"value": repr(answer.value), "width": repr(answer.width)}
        node = tasks.verdict(data=data)
        word = "right" if answer.right else "wrong"
        if question.kind != "number":
            lead = f"({letter}) is {word}."
        elif answer.value is None:
            lead = "Any other number:"
        else:
            about = f" (within {answer.width:.2g})" if answer.right and answer.width else ""
            lead = f"{answer.text}{about} is {word}."
        body = self.blocks(answer.why, answer.line)
        said = nodes.strong("", lead, classes=["task-lead"])
        if isinstance(body[0], nodes.paragraph):
            body[0].insert(0, [said, nodes.Text(" ")])
        else:
            body.insert(0, nodes.paragraph("", "", said))
        node += body
        return node

    def glued(self, name: str) -> float:
        """Return the number that a cell of this page has glued under a name."""
        try:
            from myst_nb.core.variables import RetrievalError
            from myst_nb.ext.glue.utils import retrieve_glue_data
        except ImportError:
            raise KeyError(name) from None
        try:
            output = retrieve_glue_data(self.state.document, name)
            return float(output.data["text/plain"])
        except (RetrievalError, ValueError):
            raise KeyError(name) from None


def setup(app: Any) -> dict[str, Any]:
    app.setup_extension("optedu.web.tasks")
    app.add_directive("quiz", QuizDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
