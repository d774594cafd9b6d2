"""Shared by all tests and by the examples in the docstrings."""

import matplotlib
import pytest

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _names_in_examples(doctest_namespace):
    import numpy as np

    import optedu

    doctest_namespace["np"] = np
    doctest_namespace["optedu"] = optedu
