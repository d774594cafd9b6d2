"""A registry of its own for each test."""

import pytest

from optedu.exercise import registry


@pytest.fixture(autouse=True)
def _empty_registry():
    registry.clear()
    registry.set_provider(None)
    yield
    registry.clear()
    registry.set_provider(None)
