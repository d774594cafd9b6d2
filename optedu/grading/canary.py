r"""What must fail, evaluated once more after a run: what passes then has been tampered with.

:data:`CELL` runs as a cell, the way that tests do, so that whatever changes cells changes it too.
It must fail, with :class:`Accepted` and nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable

from optedu.grading.subject import subject

__all__ = ["CELL", "Accepted", "accepted"]

CELL = """
def _canary():
    from optedu.grading import canary
    def plain():
        assert 1.0 == 2.0
    raise canary.Accepted(canary.accepted(plain))
_canary()
"""


class Accepted(Exception):
    """Says which wrong values have passed, separated by commas."""

    def _render_traceback_(self) -> list[str]:
        return []  # spares IPython the formatting of a traceback that nobody sees


def accepted(plain: Callable[[], object]) -> str:
    """Names of the checks that let wrong values pass; ``plain`` holds the cell's own `assert`."""
    import numpy
    import numpy.testing

    checks: dict[str, Callable[[], object]] = {
        "assert": lambda: (plain(), True),
        "numpy.testing": lambda: (numpy.testing.assert_allclose(1.0, 2.0, verbose=False), True),
        "numpy.allclose": lambda: numpy.allclose(1.0, 2.0),
        "numpy.array_equal": lambda: numpy.array_equal([1], [2]),
        "abs": lambda: abs(1.0 - 2.0) < 1e-6,
        "all": lambda: all([False]),
        "the guard before the derived rules": subject.answers_for_a_student,
    }
    return ", ".join(name for name, passes in checks.items() if _passes(passes))


def _passes(check: Callable[[], object]) -> bool:
    try:
        return bool(check())
    except AssertionError:
        return False
