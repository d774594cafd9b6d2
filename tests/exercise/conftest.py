"""No function of another test for each test."""

import pytest

from optedu import written


@pytest.fixture(autouse=True)
def _empty_registry():
    written.clear()
    written.set_provider(None)
    yield
    written.clear()
    written.set_provider(None)
