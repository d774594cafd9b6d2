"""Values that are hard to send or to write: each costs its own test, with a message."""

from __future__ import annotations

import pytest

from tests.grading.cells import answer, graded, needs_sandbox, run, scores, text

pytestmark = needs_sandbox

LAST = graded("assert f(3) == 6")
RIGHT = "def f(x):\n    return 2 * x\n"


def ends_well(*cells):
    """Grade; the submission has its status and its last, right answer its point."""
    notebook, outcome = run(*cells, LAST)
    assert outcome.status == "ok", outcome
    assert scores(notebook)[-1] == 1, [text(c)[-300:] for c in notebook.cells]
    return notebook


def test_integers_of_any_length_are_numbers():
    notebook = ends_well(
        answer(RIGHT + "big = 10**6000\ndef g(): return [big, -big, 2**64, True]"),
        graded("import math\nassert big == 10**6000 and f(big) == 2 * 10**6000"),
        graded("assert g() == [10**6000, -10**6000, 2**64, True] and type(g()[0]) is int"),
        graded("assert big == 1, 'not one'"),
    )
    assert scores(notebook) == [1, 1, 0, 1]


CANNOT = {
    "too large": "'x' * (20 << 20)",
    "deep": "__import__('functools').reduce(lambda a, _: [a], range(500), 0)",
    "circular": "(lambda a: (a.append(a), a)[1])([])",
    "objects": "np.array([object()], dtype=object)",
    "wide": "list(range(2_000_000))",
    "very wide": "[0] * 50_000_000",
    "many in one": "[(0,) * 3_000_000] * 20",
}


@pytest.mark.parametrize("value", CANNOT.values(), ids=CANNOT)
def test_a_result_that_cannot_be_sent_costs_its_own_test(value):
    notebook = ends_well(
        answer(f"import numpy as np\n{RIGHT}def g():\n    return {value}"),
        graded("assert g() is not None and len(g()) < 0, 'reached'"),
        graded("assert f(1) == 2"),
    )
    assert scores(notebook) == [0, 1, 1]
    assert "Error" in text(notebook.cells[1]) or "CannotCross" in text(notebook.cells[1])


SURROGATE = {
    "printed": "print('a\\ud800b')",
    "shown": "'a\\ud800b'",
    "raised": "raise ValueError('a\\ud800b')",
    "displayed": "display({'text/plain': '\\ud800', 'application/json': {'\\ud800': 1}}, raw=True)",
    "written to the file": "import os; os.write(1, b'a\\xed\\xa0\\x80b')",
    "on stderr": "import sys; print('a\\ud800b', file=sys.stderr)",
    "returned and raised": "def g():\n    raise KeyError('\\ud800')",
}


@pytest.mark.parametrize("code", SURROGATE.values(), ids=SURROGATE)
def test_a_lone_surrogate_is_spelt_out(code):
    notebook = ends_well(
        answer(RIGHT + "def g():\n    return 'a\\ud800b'"),
        answer(code),
        graded("assert g() == 'fine', g()"),
    )
    for made in notebook.cells:
        for output in made.outputs:
            str(output).encode("utf-8")  # so can be written
    assert scores(notebook) == [0, 1]


@pytest.mark.parametrize("shown", ["float('nan')", "-1", "float('inf')", "-0.5", "1e9"])
def test_a_shown_score_that_is_no_number_of_points_earns_nothing(shown):
    notebook, _ = run(answer(RIGHT), graded(f"assert f(1) == 2\n{shown}", points=3), LAST)
    assert scores(notebook) == [0, 1]
    assert "ValueError" in text(notebook.cells[1])


def test_a_shown_score_within_the_range_counts():
    notebook, _ = run(answer(RIGHT), graded("1.5", points=3), graded("0", points=2), LAST)
    assert scores(notebook) == [1.5, 0, 1]


STATES = {
    "a read-only mapping": "types.MappingProxyType({'m': [1.0, 2.0]})",
    "a user's dictionary": "collections.UserDict(m=[1.0, 2.0])",
    "an ordered dictionary": "collections.OrderedDict(m=[1.0, 2.0])",
    "a dictionary with a default": "collections.defaultdict(list, m=[1.0, 2.0])",
    "a deque in it": "{'m': collections.deque([1.0, 2.0])}",
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_mappings_and_sequences_of_the_library_are_data(state):
    notebook = ends_well(
        answer(f"import collections, types\n{RIGHT}def g():\n    return {state}"),
        graded("assert list(g()) == ['m'] and list(g()['m']) == [1.0, 2.0]"),
    )
    assert scores(notebook) == [1, 1]


MAPPINGS = {
    "a chain": "collections.ChainMap({'b': b}, {'b': 0})",
    "a read-only mapping": "types.MappingProxyType({'b': b})",
    "a class of the student's": "State(b)",
}
MOMENTUM = """
import collections, collections.abc, optedu, types
class State(collections.abc.Mapping):
    def __init__(self, b): self.b = b
    def __getitem__(self, key): return {"b": self.b}[key]
    def __iter__(self): return iter("b")
    def __len__(self): return 1
@optedu.implement("momentum")
def momentum(xp, x, g, state, t, *, lr=1e-3, momentum=0.9):
    b = momentum * state["b"] + g
    return x - lr * b, STATE
"""


@pytest.mark.parametrize("state", MAPPINGS.values(), ids=MAPPINGS)
def test_a_state_may_be_any_mapping(state):
    notebook = ends_well(
        answer(RIGHT + MOMENTUM.replace("STATE", state)),
        graded("import optedu\noptedu.check('momentum')"),
    )
    assert scores(notebook) == [1, 1], text(notebook.cells[1])


NEIGHBOURS = {
    "a child that goes on": "import os\nos.fork()",
    "a child that Python was not told of": "import ctypes\nctypes.CDLL(None).fork()",
    "children of a function that go on": (
        "import ctypes, os\nold = f\ndef f(x):\n    os.fork()\n    ctypes.CDLL(None).fork()\n"
        "    return old(x)"
    ),
    "children that go on": "import os\nfor _ in range(3):\n    os.fork()",
    "a stream without flush": (
        "import sys\nclass Log:\n    def write(self, text): pass\nsys.stdout = sys.stderr = Log()"
    ),
    "no stream": "import sys\nsys.stdout = sys.stderr = None",
}


@pytest.mark.parametrize("code", NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_what_a_cell_leaves_behind_costs_no_other_cell(code):
    notebook = ends_well(
        answer(RIGHT), answer(code), *[graded(f"assert f({i}) == {2 * i}") for i in range(5)]
    )
    assert scores(notebook) == [1] * 6


def test_warnings_that_were_made_errors_cost_no_rule_its_points():
    rule = (
        "import warnings, optedu\nwarnings.simplefilter('error')\n@optedu.implement('sgd')\n"
        "def sgd(xp, x, g, state, t, *, lr=1e-3):\n    warnings.warn('careful')\n"
        "    return x - lr * g, {}\n"
    )
    notebook = ends_well(answer(RIGHT + rule), graded("import optedu\noptedu.check('sgd')"))
    assert scores(notebook) == [1, 1], text(notebook.cells[1])


def test_a_name_that_cannot_cross_hides_none_of_the_others():
    """All that a cell reads is asked for at once; `odd` is needed by a function that is not run."""
    notebook, _outcome = run(
        answer("import numpy as np\nodd = np.array([object()])\nn = 3\nitems = [1]"),
        graded("def later():\n    return odd\nassert n == 3 and items == [1]"),
        answer("items.append(2)"),
        graded("assert items == [1, 2] and later"),
        graded("assert odd is not None"),
    )
    assert scores(notebook) == [1, 1, 0]
    assert "cannot cross" in text(notebook.cells[4])
