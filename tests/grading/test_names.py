"""What a cell needs of the notebook, and cells that are Python before they are IPython's."""

from __future__ import annotations

import warnings

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from optedu.grading.wire.names import PythonFirst, needs, of_cell

CELLS = (
    "x = 1", "\n\n  y = 2\n  z = 3", "a = b % c\nprint('%time', b)",
    "def f(x):\n    return x % 2  # ?\n", "text = '''\n%%bash\n!ls\n?x\n'''",
    "value = (1\n% 2)", "f'{x!r:>10}'", "await g()", "x = 1;", "",
    "%time f(x)", "%%time\nf(x)", "files = !ls", "!ls", "?f", "f?", "now = %time f(x)",
    ">>> x = 1", "In [1]: x = 1", "/f x", "x = 1\n%matplotlib inline\ny = 2", "x = (", "\\d = 1",
)  # fmt: skip


@pytest.mark.parametrize("code", CELLS)
def test_a_cell_becomes_what_ipython_makes_of_it(code):
    assert PythonFirst().transform_cell(code) == TransformerManager().transform_cell(code)


def test_transformers_of_a_notebook_are_asked_all_the_same():
    class Shout:
        priority, find_calls = 1, 0

        @classmethod
        def find(cls, tokens_by_line):
            cls.find_calls += 1

    transformers = PythonFirst()
    transformers.token_transformers.append(Shout)
    transformers.transform_cell("x = 1")
    assert Shout.find_calls
    transformers.token_transformers[:] = [Shout] * (len(transformers.token_transformers) - 1)
    Shout.find_calls = 0
    transformers.transform_cell("x = 1")
    assert Shout.find_calls


def test_to_look_whether_a_cell_is_python_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert PythonFirst().transform_cell("x = '\\d'") == "x = '\\d'\n"


@pytest.mark.parametrize(
    ("code", "asks"),
    [
        ("x = 1\nf(x)", set()),
        ("type(x)", {"type"}),
        ("def f(a):\n    return dir(a), (lambda: vars())()", {"dir", "vars"}),
        ("class A:\n    b = globals()", {"globals"}),
        ("%time locals()", {"locals"}),
        ("a.type, type_of, 'dir()'", set()),
    ],
)
def test_which_cells_ask_about_the_notebook(code, asks):
    assert of_cell(code).asks == asks


def test_a_cell_that_is_no_python_needs_what_nobody_knows():
    assert of_cell("x = (") is None
    with pytest.raises(SyntaxError):
        needs("x = (")
