r"""What students' kernels are not given, and all that the grader must be told of this package.

At grading the rules are the answers. So the kernel in which students' cells run gets a package
without them: not in its memory, which is forked from a process that never imported them, and not in
its file system, where a copy without them lies over the installed one. The modules that notebooks
call stay, as stand-ins: :mod:`.rules`, :mod:`.numpy_kernel`, :mod:`.checking`. A step of a derived
rule, which `optedu.minimize` may need for a rule that the notebook does not implement, is asked
from the kernel with the checks (:mod:`.between`), and only between tests.

`optedu.grading` itself knows nothing of rules. What it asks is here, by the names that
`optedu.grading.subject.Subject` explains; everything loads when it is asked for, because the
students' process comes from one that must not have imported the rules.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
LEFT_OUT = (
    "rules",
    "transformations",
    "matrices",
    "course",
    "web",
    "compile/bound",
    "compile/cupy_kernel",
    "compile/javascript",
    "compile/matrices",
    "compile/numba_kernel",
    "compile/traffic",
    "exercise/diagnosis",
    "exercise/messages",
    "exercise/misconceptions",
    "exercise/scenarios",
    "withheld/between",
    "plot/movement",
)
STAND_INS = {
    "rules/__init__": "withheld/rules",
    "compile/numpy_kernel": "withheld/numpy_kernel",
    "compile/matrix_kernel": "withheld/numpy_kernel",
    "exercise/checking": "withheld/checking",
}
KNOWN_AS = {"optedu": "optedu"}
CHECKS = {"optedu": ("check", "check_expression", "check_order")}
OPEN = ("optedu.problems", "optedu.rule")
REHEARSAL = """
import numpy as np
import optedu
def descent(xp, x, g, state, t, *, lr=1e-3):
    return x - lr * g, {}
optedu.implement("sgd")(descent)
optedu.minimize(optedu.problems.rosenbrock(), optimizer=descent, steps=2)
raise ValueError
"""
REHEARSAL_OF_CHECKS = """
import optedu
def descent(xp, x, g, state, t, *, lr=1e-3):
    return x - lr * g, {}
def ascent(xp, x, g, state, t, *, lr=1e-3):
    return x + lr * g, {}
for rule in (descent, ascent):
    optedu.implement("sgd")(rule)
    optedu.check("sgd")
"""


# -- before notebooks come -------------------------------------------------------------------------


def preload() -> None:
    import optedu
    from optedu.exercise import ahead  # noqa: F401 (else each kernel imports it)

    with contextlib.suppress(ImportError):  # the second library of the checks
        import array_api_strict  # noqa: F401
    optedu.check_expression("x + 1", "1 + x", name="a sum")


def rehearse() -> None:
    import numpy as np

    import optedu
    from optedu import rules
    from optedu.exercise import checking, proofs  # noqa: F401

    # Derive every rule and compare once: what is compiled now, no kernel compiles again.
    x = np.ones((2, 2))
    for name, rule in rules.all().items():
        for form in (rule, checking.asked(name, ())):
            form.step(x, x, form.init(x), 1)
        if not rule.matrices:  # several runs at once, of which each has its rate
            rule.step(x, x, rule.init(x), 1, lr=np.full(2, 0.1))
    optedu.minimize(optedu.problems.rosenbrock(), optimizer="adam", steps=2)


def forget() -> None:
    from optedu import written

    written.clear()


# -- the students' kernel --------------------------------------------------------------------------


def described() -> list[dict[str, Any]]:
    from optedu.withheld import between

    return between.described()


def installed(described: list[dict[str, Any]]) -> None:
    from optedu import rules  # the stand-in

    rules.describe(described)  # type: ignore[attr-defined]


def connect(ask: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
    from optedu import rules  # the stand-in

    rules.connect(ask)  # type: ignore[attr-defined]


def implemented(name: str) -> Any:
    from optedu import written

    return written.get(name)


def guarded() -> AbstractContextManager[None]:
    from optedu import written

    return written.student_code()


def walk(function: Callable[..., Any], run: Any) -> Any:
    from optedu.exercise import ahead

    return ahead.walk(function, run)


def describe_error(error: Exception) -> Exception:
    from optedu.exercise import errors

    return errors.describe(error)


def parts_of_error(error: BaseException) -> dict[str, Any] | None:
    if type(error).__module__ != "optedu.exercise.errors":
        return None
    return {part: getattr(error, part) for part in ("kind", "message", "line", "source")}


# -- the kernel with the checks --------------------------------------------------------------------


def provide(implemented: Callable[[str], Callable[..., Any] | None]) -> None:
    from optedu import written

    written.set_provider(implemented)


def step(name: str, values: Any) -> dict[str, Any]:
    from optedu.withheld import between

    return between.step(name, values)


def made_error(kind: str, message: str, line: int | None, source: str) -> Exception:
    from optedu.exercise.errors import StudentError

    return StudentError(kind, message, line, source)


def answers_for_a_student() -> bool:
    import numpy

    from optedu import rules, written

    rule = rules.get("sgd")
    x = numpy.ones(1)
    try:
        with written.student_code():
            rule.step(x, x, {}, 1)
    except written.GuardError:
        return False
    return True
