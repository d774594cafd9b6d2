"""Calls between the two ends of the wire, without any kernel around them."""

from __future__ import annotations

import contextlib
import inspect
import socket
import threading
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

import optedu
from optedu import written
from optedu.exercise import ahead
from optedu.exercise.report import CheckFailed
from optedu.grading.wire import service as service_module
from optedu.grading.wire.channel import Channel, ChannelError
from optedu.grading.wire.names import of_cell
from optedu.grading.wire.peer import Away, CannotJudge, ForeignError, StudentGone
from optedu.grading.wire.service import Service
from optedu.grading.wire.trusted import Trusted

STUDENT = """
import numpy as np

def double(x):
    return 2 * x

def spoil(x):
    x *= 0
    return x

def aliased(x):
    return x[1:]

def grow(values):
    values.append(4)
    return values

def update(state):
    state["m"] = state["m"] + 1
    state["new"] = 1.5

def draw(rng):
    return rng.normal()

def fail(kind="ValueError"):
    raise {"ValueError": ValueError, "Own": Own}.get(kind, KeyboardInterrupt)("no")

class Own(Exception):
    pass

def call(f, *args, **kwargs):
    return f(*args, **kwargs)

def peek(thing, name):
    return getattr(thing, name)

def poke(f):
    return f.__globals__

def compose(f):
    return lambda x: f(f(x))

class Momentum:
    rho = 0.9
    def __init__(self, lr):
        self.lr, self.v = lr, 0.0
    def step(self, g):
        self.v = self.rho * self.v - self.lr * g
        return self.v
    def __len__(self):
        return 3
    def __getitem__(self, i):
        return 10 * i
    def __iter__(self):
        return iter([1, 2, 3])

def count():
    n = 0
    while True:
        n += 1
        yield n

class Agreeable:
    def __eq__(self, other):
        return True

class Evasive(Agreeable):
    def __bool__(self): return True
    def __contains__(self, item): return True
    def __array__(self, dtype=None, copy=None): return np.ones(3)
    def __hash__(self): return 1

agreeable = Agreeable()
evasive = Evasive()
data = [1, (2, 3), {"a": np.arange(3)}]
"""


@pytest.fixture
def ends():
    """The trusted end and the namespace of its cells."""
    mine, theirs = socket.socketpair()
    space: dict = {"__name__": "__main__"}
    exec(STUDENT, space)
    service = Service(Channel(theirs), SimpleNamespace(user_ns=space))

    def serve():
        with contextlib.suppress(ChannelError):
            while True:
                while not service.channel.pending():
                    service.channel.fill()
                service.serve_one()

    thread = threading.Thread(target=serve)
    thread.start()
    cells: dict = {}
    shell = SimpleNamespace(user_ns=cells)
    trusted = Trusted(Channel(mine), shell)
    try:
        yield trusted, cells
    finally:
        written.set_provider(None)
        mine.close()
        theirs.close()
        thread.join()


@pytest.fixture
def need(ends):
    trusted, cells = ends

    def need(name):
        trusted.before_cell(of_cell(name))
        return cells[name]

    return need


def test_arguments_and_results(need):
    double = need("double")
    assert double(3) == 6 and type(double(3)) is int
    got = double(np.ones(2, dtype=np.float32))
    assert got.dtype == np.float32 and got.tolist() == [2, 2]
    assert double.__name__ == "double"
    assert list(inspect.signature(double).parameters) == ["x"]
    data = need("data")
    assert data[:2] == [1, (2, 3)] and data[2]["a"].tolist() == [0, 1, 2]


def test_changes_of_arguments_are_repeated_here(need):
    x = np.ones(3)
    assert need("spoil")(x) is x
    assert x.tolist() == [0, 0, 0]
    values = [1, 2, 3]
    assert need("grow")(values) is values and values == [1, 2, 3, 4]
    state = {"m": np.zeros(2)}
    need("update")(state)
    assert state["m"].tolist() == [1, 1] and state["new"] == 1.5


def test_read_only_arguments_stay_read_only(need):
    x = np.ones(3)
    x.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        need("spoil")(x)
    assert x.tolist() == [1, 1, 1]


def test_results_that_share_memory_share_it_here(need):
    x = np.arange(4.0)
    got = need("aliased")(x)
    assert np.shares_memory(got, x) and got.tolist() == [1, 2, 3]


def test_random_generators_go_on_where_they_stopped(need):
    rng, twin = np.random.default_rng(1), np.random.default_rng(1)
    draw = need("draw")
    assert [draw(rng), draw(rng)] == [twin.normal(), twin.normal()]


def test_exceptions_cross_by_name(need):
    fail = need("fail")
    with pytest.raises(ValueError, match="no"):
        fail()
    with pytest.raises(ForeignError, match="no") as caught:
        fail("Own")
    assert type(caught.value).__name__ == "Own"
    with pytest.raises(TimeoutError):
        fail("KeyboardInterrupt")


def test_callbacks(need):
    seen = []

    def gradient(x, scale=1):
        seen.append(x)
        return scale * x

    assert need("call")(gradient, np.ones(2), scale=3).tolist() == [3, 3]
    assert len(seen) == 1
    twice = need("compose")(gradient)
    assert isinstance(twice, Away) and twice(5) == 5


def test_a_callback_that_raises(need):
    def refuse():
        raise KeyError("here")

    with pytest.raises(KeyError, match="here"):
        need("call")(refuse)


def test_objects_of_the_student(need):
    optimizer = need("Momentum")(lr=0.5)
    assert optimizer.step(2.0) == -1.0
    assert optimizer.v == -1.0 and optimizer.rho == 0.9
    optimizer.lr = 0.0
    assert optimizer.step(2.0) == -0.9
    assert len(optimizer) == 3 and optimizer[4] == 40 and list(optimizer) == [1, 2, 3]
    with pytest.raises(AttributeError):
        optimizer.missing()


def test_generators_are_read_as_far_as_wanted(need):
    stream = iter(need("count")())
    assert [next(stream) for _ in range(3)] == [1, 2, 3]


def test_an_object_that_equals_everything_equals_nothing_here(need):
    thing = need("agreeable")
    for compare in (lambda: thing == 5, lambda: thing != 5, lambda: thing in (5, 6)):
        with pytest.raises(CannotJudge, match="object Agreeable"):
            compare()
    assert thing == need("agreeable") and thing in [need("agreeable")]
    assert bool(thing)  # as everything that does not say otherwise
    for ask in (bool, lambda x: 5 in x, np.asarray, hash):
        with pytest.raises(CannotJudge, match="object Evasive"):
            ask(need("evasive"))


class _Open:
    """Stands for an object of the checks that the student's code gets as an argument."""

    value = 3
    _hidden = 4


_Open.__module__ = "optedu.problems.fake"


def test_the_student_reads_public_attributes_of_problems_only(need):
    peek = need("peek")
    assert peek(_Open(), "value") == 3
    with pytest.raises(PermissionError):
        peek(_Open(), "_hidden")


def test_the_student_gets_no_attribute_of_a_function(need):
    with pytest.raises((PermissionError, AttributeError)):
        need("poke")(lambda: 0)
    with pytest.raises(PermissionError):
        need("peek")(lambda: 0, "func_globals")


def test_other_objects_do_not_cross_to_the_student(need):
    with pytest.raises(TypeError, match="cannot cross"):
        need("double")(threading.Lock())


class _Recorder:
    """Stands for a channel; keeps what is sent."""

    def __init__(self, sent):
        self._sent = sent

    def send(self, message, buffers=()):
        self._sent.append(message)


def test_forged_requests_are_answered_with_an_error(ends):
    trusted, _ = ends
    lent = {"t": "o", "i": trusted._describe(_Open())["id"]}
    for op, operands in (
        ("getattr", [lent, "__class__"]),
        ("getattr", [lent, "__init__"]),
        ("call", [lent]),
        ("call", [{"t": "o", "i": 99}]),
        ("call", ["print"]),
        ("getattr", [{"t": "n", "v": "numpy"}, "load"]),
        ("setattr", [{"t": "n", "v": "numpy"}, "pi", 3]),
        ("get", ["trusted"]),
    ):
        sent: list = []
        real, trusted.channel = trusted.channel, _Recorder(sent)
        trusted.answer({"q": 1, "op": op, "body": [operands, [], {"t": "d", "v": []}]}, [])
        trusted.channel = real
        assert "error" in sent[0], (op, sent)


def test_names_are_asked_anew_for_every_cell(ends):
    trusted, cells = ends
    trusted.before_cell(of_cell("double(1)"))
    first = cells["double"]
    trusted.before_cell(of_cell("spoil(1)"))
    assert "double" not in cells and "spoil" in cells
    cells["double"] = "the cell's own"
    trusted.before_cell(of_cell("double"))
    assert cells["double"] == "the cell's own" and first is not None


def test_what_names_that_say_what_they_mean_stand_for_is_not_asked(ends):
    trusted, cells = ends
    trusted.request("bind", "np", need_of(trusted, cells, "double"))
    trusted.before_cell(of_cell("np.allclose(assert_allclose, plt)"))
    assert cells["np"] is np
    assert "assert_allclose" not in cells and "plt" not in cells  # nobody has imported them


def need_of(trusted, cells, name):
    trusted.before_cell(of_cell(name))
    return cells[name]


def test_such_names_are_known_when_the_student_is_gone(ends):
    trusted, cells = ends
    trusted.channel.sock.shutdown(socket.SHUT_RDWR)
    trusted.before_cell(of_cell("np.allclose(assert_allclose, plt)"))
    assert cells["assert_allclose"] is np.testing.assert_allclose


def test_a_dead_kernel(ends):
    trusted, _ = ends
    trusted.channel.sock.shutdown(socket.SHUT_RDWR)
    with pytest.raises(StudentGone):
        trusted.before_cell(of_cell("double(1)"))
    trusted.before_cell(of_cell("result = 1\nresult"))
    trusted.before_cell(of_cell("len([])"))


def verdict(name: str, parts: list[str]) -> str:
    """What the check says."""
    try:
        return str(optedu.check(name, parts))
    except CheckFailed as failure:
        return str(failure)


def judged_here(trusted, monkeypatch, name: str, space: dict, parts: list[str]) -> str:
    """What the check says of a function of this process, which is then put behind the wire."""
    written.set_provider(lambda _: space[name])
    said = verdict(name, parts)
    written.set_provider(trusted.implemented)
    monkeypatch.setattr(service_module.subject, "implemented", lambda _: space[name])
    return said


RULES = {
    "right": "x - lr * rho * v, {'b': v}",
    "wrong from the fifth step on": "x - (lr if t < 5 else -lr) * v, {'b': v}",
    "a list at the third step": "(x - lr * v) if t != 3 else list(x), {'b': v}",
    "another dtype at the second step": "x - lr * v, {'b': v if t < 2 else v.astype('f4')}",
    "another shape at the second step": "x - lr * v, {'b': v if t < 2 else v[None]}",
    "an error at the fourth step": "x - lr * v, {'b': v if t < 4 else missing}",
    "no state at the second step": "x - lr * v, {'b': v} if t < 2 else {}",
    "no pair at the second step": "(x - lr * v, {'b': v}) if t < 2 else {1: 2, 3: 4}",
    "a number instead of the array": "x - lr * v, {'b': 1.0}",
}


@pytest.mark.parametrize("what", RULES)
def test_steps_asked_at_once_are_judged_as_one_by_one(ends, monkeypatch, what):
    trusted, _ = ends
    source = f"""
def momentum(xp, x, g, state, t, *, lr=1e-3, momentum=0.9):
    v = momentum * state["b"] + g
    rho = 1
    return {RULES[what]}
"""
    space: dict = {}
    exec(source, space)
    parts = ["many steps", "schedule", "state", "dtype"]
    expected = judged_here(trusted, monkeypatch, "momentum", space, parts)
    asked = Counter()
    request = trusted.request
    monkeypatch.setattr(
        trusted, "request", lambda op, *a, **k: asked.update([op]) or request(op, *a, **k)
    )
    assert verdict("momentum", parts) == expected
    assert asked["ahead"] == 1
    if what == "right":
        assert asked["call"] == 0


@pytest.mark.parametrize("state", ["{}", "None", "5", "[]", "{'extra': 1}"])
def test_a_rule_without_state_is_judged_as_one_by_one(ends, monkeypatch, state):
    trusted, _ = ends
    space: dict = {}
    exec(f"def sgd(xp, x, g, state, t, *, lr=1e-3):\n    return x - lr * g, {state}", space)

    parts = ["many steps", "backend"]
    expected = judged_here(trusted, monkeypatch, "sgd", space, parts)
    assert verdict("sgd", parts) == expected


FORGED = {
    "no pair": [1, 2, 3],
    "too few rows of a state": (np.zeros((3, 5)), {"b": np.zeros((2, 5))}),
    "another shape": (np.zeros((3, 4)), {"b": np.zeros((3, 4))}),
    "another state": (np.zeros((3, 5)), {"c": np.zeros((3, 5))}),
    "another dtype": (np.zeros((3, 5)), {"b": np.zeros((3, 5), dtype=np.float32)}),
    "a number": (1.0, {"b": 1.0}),
    "rows without axes": (np.float64(1.0), {"b": np.float64(1.0)}),
}


@pytest.mark.parametrize("what", FORGED)
def test_answers_of_the_wrong_form_are_none(what):
    x = np.zeros(5)
    plan = ahead.Walk(np, x, {"b": x}, [], 1, np.ones((3, 5)), [{}])
    assert ahead.columns(plan, FORGED[what]) == {}


def test_numbers_of_the_wrong_form_are_none():
    x = np.zeros(5)
    plan = ahead.Walk(np, x, {"product": 1.0}, ["product"], 1, np.ones((2, 5)), [{}])
    rows = np.zeros((2, 5))
    assert ahead.columns(plan, (rows, {"product": [0.5, 0.25]}))["product"].tolist() == [0.5, 0.25]
    for column in ([0.5], [0.5, 1], [0.5, "1"], np.zeros(2), None):
        assert ahead.columns(plan, (rows, {"product": column})) == {}


def test_more_answers_than_steps_change_nothing(ends, monkeypatch):
    trusted, _ = ends
    written.set_provider(trusted.implemented)
    monkeypatch.setattr(service_module.subject, "implemented", lambda name: lambda *a, **k: None)
    monkeypatch.setattr(
        service_module.subject, "walk", lambda call, plan: (np.zeros((9999, *plan[1].shape)), {})
    )
    with pytest.raises(CheckFailed):
        optedu.check("sgd", "many steps")


def test_a_rule_that_works_in_the_arrays_it_has_returned(ends, monkeypatch):
    kept = {}

    def momentum(xp, x, g, state, t, *, lr=1e-3, momentum=0.9):
        v = kept.setdefault((x.shape, str(x.dtype)), np.empty_like(x))
        v[...] = momentum * state["b"] + g
        return x - lr * v, {"b": v}

    monkeypatch.setattr(service_module.subject, "implemented", lambda name: momentum)
    assert "many steps" in str(optedu.check("momentum", "many steps"))
