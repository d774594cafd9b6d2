"""What `implement` takes, and what it refuses with which words."""

import functools

import numpy as np
import pytest

import optedu
from optedu import written


def test_registers_and_returns_the_function():
    @optedu.implement("sgd")
    def sgd(xp, x, g, state, t, *, lr=1e-3):
        return x - lr * g, {}

    assert written.get("sgd") is sgd
    assert written.names() == ["sgd"]


def test_the_last_one_counts():
    for rate in (1.0, 2.0):

        @optedu.implement("sgd")
        def sgd(xp, x, g, state, t, *, lr=rate):
            return x - lr * g, {}

    assert written.get("sgd")(np, 0.0, 1.0, {}, 1)[0] == -2.0


def test_minimize_runs_on_it():
    calls = []

    @optedu.implement("sgd")
    def sgd(xp, x, g, state, t, *, lr=1e-3):
        calls.append(t)
        return x - lr * g, {}

    optedu.minimize(optedu.problems.quadratic(), optimizer="sgd", steps=3)
    assert calls == [1, 2, 3]


@pytest.mark.parametrize(
    ("decorated", "message"),
    [
        (len, "decorates a function written with def, got builtin_function_or_method"),
        (functools.partial(len), "got partial"),
        (lambda x, g, state, lr, momentum: x, "the argument x would be xp"),
        (lambda x, g: x, r"called as <lambda>\(xp, x, g, state, t, \*, lr=..., ...\)"),
    ],
)
def test_refuses_what_is_no_such_function(decorated, message):
    with pytest.raises(TypeError, match=message):
        optedu.implement("sgd")(decorated)


def test_the_name_is_needed():
    def sgd(xp, x, g, state, t):
        return x, {}

    with pytest.raises(TypeError, match=r'write the decorator with the name .*"adam"'):
        optedu.implement(sgd)


def test_refuses_the_derived_rule():
    rule = optedu.rules.get("adam")
    with pytest.raises(TypeError, match="got method"):
        optedu.implement("adam")(rule.step)
    source = rule.source("array")
    namespace = {}
    exec(compile(source, "<optedu adam, array form>", "exec"), namespace)

    with pytest.raises(ValueError, match="is optedu's own"):
        optedu.implement("adam")(namespace["adam"])
