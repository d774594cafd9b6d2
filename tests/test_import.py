r"""`import optedu` stays as light as NumPy, and its public names are what they say."""

import subprocess
import sys

import pytest

import optedu

HEAVY = (
    "sympy", "matplotlib", "numba", "nbgrader", "IPython", "scipy", "sklearn", "tqdm", "click",
    "rich", "distributed", "array_api_compat",
)  # fmt: skip


def test_import_loads_nothing_heavy():
    code = f"import sys, optedu; print([m for m in {HEAVY!r} if m in sys.modules])"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


@pytest.mark.parametrize("name", optedu.__all__)
def test_public_name(name):
    value = getattr(optedu, name)
    assert value is not None
    assert name == "__version__" or value.__doc__
    assert name in dir(optedu)


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'optedu' has no attribute 'nothing'"):
        _ = optedu.nothing
