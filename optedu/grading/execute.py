r"""Run one notebook for grading: a preprocessor that takes the place of nbgrader's ``Execute``.

Student cells run in a sandboxed kernel. Locked cells (the instructor's; nbgrader has restored
them) run in a kernel of their own, which asks the sandboxed one for what the student defined and
gets plain data back. Locked cells that are no tests run in both. See the module
:mod:`optedu.grading.wire`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import Execute as NbgraderExecute
from traitlets import Bool, Enum, Instance, Unicode

from optedu.grading import canary
from optedu.grading.outputs import as_text
from optedu.grading.pair import Pair
from optedu.grading.sandbox.jail import SandboxUnavailable, probe
from optedu.grading.sandbox.limits import Limits
from optedu.grading.wire import names

__all__ = ["Ending", "Execute", "Limits", "SandboxUnavailable", "probe"]

_ERROR_CHARS = 10_000
_UNDEFINED = re.compile(r"name '(\w+)' is not defined")
_ADDED = re.compile(r"# This cell \(id:[^\n]*\n\n")  # what nbgrader puts before a cell it re-adds


@dataclass
class Ending:
    r"""How a run ended.

    Attributes
    ----------
    status : str
        ``"ok"``, ``"timeout"``, ``"memory"``, ``"crashed"`` or ``"output-limit"``. Cells that
        ran before keep their results whatever it is.
    detail : str
        One line that says what happened.
    tampered : list of str
        What suggests that the submission tried to change how it is graded, and which tests two
        kernels cannot judge: what a person must look at, a line each.
    """

    status: str = "ok"
    detail: str = ""
    tampered: list[str] = field(default_factory=list)


class Execute(NbgraderExecute):
    r"""Drop-in for ``nbgrader.preprocessors.Execute``.

    After ``preprocess`` the attribute ``outcome`` (:class:`Ending`) says how it went. Scores
    come from the outputs of test cells as ever. They differ from nbgrader's on purpose in three
    things: a warning on stderr costs no points; what the student's code prints or displays while a
    test calls it does not appear in the test's output, and so cannot pose as a score; a score
    above the maximum is an error in that cell instead of the end of the run.
    """

    sandbox = Bool(True, help="Run student code in a bubblewrap sandbox.").tag(config=True)
    kernels = Enum(
        ("two", "one"),
        "two",
        help="Whether tests run in a kernel of their own, or in one with the student's code.",
    ).tag(config=True)
    limits = Instance(Limits, args=(), help="What one submission may use.")
    workspace = Unicode(
        "",
        help="Folder whose files the student's code sees a copy of: the submission and its data "
        "files, without notebooks. The notebook's folder when empty.",
    ).tag(config=True)
    materials = Unicode(
        "",
        help="Folder of the instructor's files for the kernel with the checks. When empty it gets "
        "the data files of the workspace, but no modules: those might be the student's.",
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: Any, km: Any = None
    ) -> tuple[NotebookNode, Any]:
        """Run the code cells of ``nb`` in place; ``km`` is not used."""
        self.nb, self.resources = nb, resources
        self.outcome = Ending()
        self._made: dict[str, str] = {}  # by tests: the names, and the first cell that did
        self._read: set[str] = set()  # by the student's functions
        if self.sandbox:
            probe()
        originals = _originals(resources)
        workspace = self.workspace or (resources.get("metadata") or {}).get("path") or "."
        nb.metadata["language_info"] = NotebookNode(IPythonKernel.language_info)
        with Pair(self.limits, workspace, self.materials, self.sandbox, self.kernels) as pair:
            count = 0
            for cell in nb.cells:
                if cell.cell_type != "code":
                    continue
                cell.outputs, cell.execution_count = [], None
                skipped = "skip-execution" in cell.metadata.get("tags", [])
                # A test that is not run would be one that is passed.
                if cell.source.strip() and (utils.is_locked(cell) or not skipped):
                    count += 1
                    cell.execution_count = count
                    self._run_cell(pair, cell, count, originals)
            self._look_for_tampering(pair)
            self.outcome.status, self.outcome.detail = pair.status, pair.detail
        return nb, resources

    def _run_cell(self, pair: Pair, cell: NotebookNode, count: int, originals: dict | None) -> None:
        if not utils.is_locked(cell):
            reply = pair.run(pair.student, cell.source, cell.outputs, count)
            self._finish(cell, reply)
            if pair.trusted is not pair.student:
                self._remember(cell, reply)
        elif not _is_original(cell, originals):
            self.outcome.tampered.append(
                f"cell {cell.metadata.nbgrader.grade_id}: says that it is locked, "
                "but is not the instructor's"
            )
            cell.outputs = [_error("NotTheInstructorsCell", "this cell was not run")]
        elif utils.is_grade(cell):  # pair.trusted is pair.student where there is one kernel
            reply = pair.run(pair.trusted, cell.source, cell.outputs, count)
            self._finish(cell, reply)
            if refused := reply.get("refused"):
                self._refuse(cell, "; ".join(map(str, refused)))
            self._doubt(cell, reply)
            _settle(cell)
        else:
            self._finish(cell, pair.run(pair.student, cell.source, cell.outputs, count))
            if pair.trusted is not pair.student:
                pair.run(pair.trusted, cell.source, [], count, shared=True)

    def _refuse(self, cell: NotebookNode, what: str) -> None:
        """No points for what could not be judged, even where the test caught the error."""
        grade_id = cell.metadata.nbgrader.grade_id
        self.outcome.tampered.append(f"cell '{grade_id}' cannot be judged in two kernels: {what}")
        if not any(output.output_type == "error" for output in cell.outputs):
            cell.outputs.append(_error("CannotJudge", what))

    def _doubt(self, cell: NotebookNode, reply: dict) -> None:
        """Tell a person what one kernel might have judged otherwise."""
        grade_id = cell.metadata.nbgrader.grade_id
        for name in map(str, reply.get("made") or []):
            self._made.setdefault(name, grade_id)
        doubts = [str(doubt) for doubt in reply.get("doubts") or []]
        read = sorted(self._read.intersection(map(str, reply.get("made") or [])))
        doubts += [
            f"the student's functions read the name '{name}', which it sets" for name in read
        ]
        if doubts:
            self.outcome.tampered.append(
                f"cell '{grade_id}' may be judged otherwise in two kernels: {'; '.join(doubts)}"
            )

    def _remember(self, cell: NotebookNode, reply: dict) -> None:
        """Which names of the notebook a cell of the student reads; tell of those that it misses."""
        self._read |= names.read_by_functions(cell.source)
        missing = _UNDEFINED.match(as_text(reply.get("evalue")))
        if reply.get("ename") == "NameError" and missing and missing[1] in self._made:
            self.outcome.tampered.append(
                f"a cell of the student needs '{missing[1]}', which the test "
                f"'{self._made[missing[1]]}' makes: in two kernels it is not there"
            )

    def _finish(self, cell: NotebookNode, reply: dict) -> None:
        """Add the error that the outputs do not show yet, as nbgrader does."""
        match reply.get("status"):
            case "timeout":
                told = self.error_on_timeout
                cell.outputs.append(_error(told["ename"], told["evalue"], told["traceback"]))
            case "dead":
                cell.outputs.append(_error("DeadKernelError", "Kernel died"))
            case "error":
                shown = [o.ename for o in cell.outputs if o.output_type == "error"]
                if reply.get("ename") not in shown:
                    lines = ["ERROR: An error occurred while showtraceback was disabled"]
                    name = as_text(reply.get("ename"))[:_ERROR_CHARS]
                    value = as_text(reply.get("evalue"))[:_ERROR_CHARS]
                    cell.outputs.append(_error(name, value, lines))

    def _look_for_tampering(self, pair: Pair) -> None:
        """Evaluate what must fail, the way that tests are; record what passes."""
        for kernel, whose in {pair.trusted: "checking", pair.student: "student's"}.items():
            reply = pair.run(kernel, canary.CELL, [], 0)
            if reply.get("status") == "dead":
                continue
            if reply.get("status") != "error" or reply.get("ename") != canary.Accepted.__name__:
                found = "a cell that must fail did not"
            else:
                found = (
                    f"wrong values pass {as_text(reply['evalue'])}" if reply.get("evalue") else ""
                )
            if found:
                self.outcome.tampered.append(f"after the run, in the {whose} kernel: {found[:200]}")


def _error(name: str, value: str, traceback: list[str] | None = None) -> NotebookNode:
    lines = traceback or [f"\x1b[0;31m{name}\x1b[0m: {value}"]
    return new_output("error", ename=name, evalue=value, traceback=lines)


def _settle(cell: NotebookNode) -> None:
    """Make the outputs of a test cell say what the score is by nbgrader's rules."""
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            output.name = "stdout"  # nbgrader gives no points where there is anything on stderr
    try:
        utils.determine_grade(cell)
        _check_shown(cell)
    except (ValueError, KeyError) as error:
        cell.outputs.append(_error(type(error).__name__, str(error)))
        cell.outputs = [o for o in cell.outputs if o.output_type != "execute_result"]


def _check_shown(cell: NotebookNode) -> None:
    """Refuse a shown score that is no number of points: nbgrader takes it for a full score."""
    for output in cell.outputs:
        if output.output_type == "execute_result":
            try:
                shown = float(output.data.get("text/plain", ""))
            except ValueError:  # something else was shown, which is no score
                continue
            if not 0 <= shown < math.inf:
                most = float(cell.metadata.nbgrader.points)
                raise ValueError(f"the test showed the score {shown:g}, it gives 0 to {most:g}")


def _originals(resources: Any) -> dict[str, str] | None:
    """Sources of the locked cells out of the gradebook, by grade id; None without a gradebook."""
    known = (resources or {}).get("nbgrader") or {}
    if not known.get("db_url"):
        return None
    with Gradebook(known["db_url"]) as gradebook:
        try:
            notebook = gradebook.find_notebook(known["notebook"], known["assignment"])
        except MissingEntry:
            return {}
        return {cell.name: cell.source for cell in notebook.source_cells if cell.locked}


def _is_original(cell: NotebookNode, originals: dict[str, str] | None) -> bool:
    if originals is None:
        return True  # no gradebook: the notebook is the instructor's own
    source = originals.get(cell.metadata.nbgrader.grade_id)
    return source is not None and source in (cell.source, _ADDED.sub("", cell.source, count=1))
