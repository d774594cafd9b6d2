"""Shared by all tests and by the examples in the docstrings."""

import sys

import matplotlib
import pytest

import optedu.grading  # noqa: F401  (before anything imports jsonschema: spares it a second)

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _no_rule_of_another_test():
    """Forget the functions that a test has registered: they would take the place of the rules."""
    yield
    written = sys.modules.get("optedu.written")
    if written is not None:
        written.clear()


@pytest.fixture(autouse=True)
def _names_in_examples(doctest_namespace):
    import numpy as np

    import optedu

    doctest_namespace["np"] = np
    doctest_namespace["optedu"] = optedu
