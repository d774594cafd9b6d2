"""The derived rule is out of reach while a student's function is checked."""

import threading

import numpy as np
import pytest

import optedu
from optedu import rules, written
from optedu.exercise import CheckFailed, GuardError

X = np.array([1.0, -2.0])


def test_step_and_kernel_work_outside_and_not_inside():
    rule = rules.get("sgd")
    rule.step(X, X, {}, 1)
    with written.student_code():
        assert written.active()
        with pytest.raises(GuardError, match="can't be called while your own is being checked"):
            rule.step(X, X, {}, 1)
        with pytest.raises(GuardError):
            rule.kernel("numpy")(X.copy(), X, {}, 1)
    assert not written.active()
    rule.step(X, X, {}, 1)


def test_the_flag_is_lowered_after_an_exception():
    with pytest.raises(ZeroDivisionError), written.student_code():
        1 / 0  # noqa: B018
    assert not written.active()


def test_blocks_nest():
    with written.student_code():
        with written.student_code():
            pass
        assert written.active()


def test_a_thread_is_no_way_around():
    caught = []

    def elsewhere():
        try:
            rules.get("sgd").step(X, X, {}, 1)
        except GuardError as error:
            caught.append(error)

    with written.student_code():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert len(caught) == 1


@pytest.mark.parametrize(
    "way",
    [
        lambda x, g, state, t, kernel: rules.get("adam").step(x, g, state, t),
        lambda x, g, state, t, kernel: kernel(x, g, state, t),
        lambda x, g, state, t, kernel: optedu.minimize(
            optedu.problems.quadratic(dim=5), x0=x, optimizer=rules.get("adam"), steps=1
        ),
        lambda x, g, state, t, kernel: optedu.Optimizer(rules.get("adam"), x.copy()).step(g),
    ],
    ids=["step", "kernel", "minimize", "optimizer"],
)
def test_a_function_that_asks_the_rule_fails_with_the_reason(way):
    kernel = rules.get("adam").kernel("numpy")

    @optedu.implement("adam")
    def adam(xp, x, g, state, t, **hyper):
        way(x, g, state, t, kernel)
        return x, state

    with pytest.raises(CheckFailed, match="calls the rule that it is compared with"):
        optedu.check("adam")
