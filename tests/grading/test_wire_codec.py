"""Data crosses the wire unchanged; nothing else crosses it."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from optedu.grading.wire import expression, plain
from optedu.grading.wire.codec import CannotCross, Decoder, Encoder

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.complex_numbers()
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.tuples(inner, inner)
    | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


def cross(value):
    encoder = Encoder()
    message = json.loads(json.dumps(encoder.encode(value)))
    return Decoder(encoder.buffers).decode(message)


def same(a, b):
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, float | complex):
        return type(a) is type(b) and (a == b or a != a)
    return type(a) is type(b) and a == b


@given(PLAIN)
def test_plain_values(value):
    assert same(cross(value), value)


@given(
    hnp.arrays(
        st.sampled_from(["f8", "f4", "f2", "i8", "u1", "?", "c16", ">f8", "U3", "S2"]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
def test_arrays(array):
    got = cross(array)
    assert type(got) is np.ndarray and got.dtype == array.dtype and got.shape == array.shape
    assert got.tobytes() == array.tobytes()


def test_what_else_is_data():
    for value in (
        range(2, 9, 3),
        slice(1, None, 2),
        ...,
        {1, 2},
        float,
        np.float32,
        np.dtype("f4"),
    ):
        assert cross(value) == value
    assert cross(np).__name__ == "numpy"
    assert type(cross(np.float32(0.1))) is np.float32
    assert not cross(np.broadcast_to(np.ones(1), 3)).flags.writeable
    rng = np.random.default_rng(5)
    rng.normal(size=3)
    assert np.array_equal(cross(rng).normal(size=4), rng.normal(size=4))


def test_subclasses_arrive_as_what_they_are_made_of():
    class Equal(int):
        def __eq__(self, other):
            return True

        __hash__ = int.__hash__

    class Fuzzy(float):
        def __sub__(self, other):
            return 0.0

    class Loose(np.ndarray):
        def __eq__(self, other):
            return np.bool_(True)

    class Text(str):
        __slots__ = ()

    assert type(cross(Equal(3))) is int and cross(Equal(3)) != 4
    assert type(cross(Fuzzy(1))) is float
    assert type(cross(np.zeros(2).view(Loose))) is np.ndarray
    assert type(cross(Text("a"))) is str
    assert type(cross(np.ma.masked_array([1.0], [True]))) is np.ndarray


@pytest.mark.parametrize(
    "value",
    [object(), lambda: 1, open, pickle, ValueError("x"), np.array([object()]), type("T", (), {})],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_data_does_not_cross(value):
    with pytest.raises(CannotCross):
        cross(value)


@pytest.mark.parametrize(
    "message",
    [
        {"t": "?"},
        {"t": "n", "v": "os"},
        {"t": "n", "v": "subprocess"},
        {"t": "p", "v": "object"},
        {"t": "p", "v": "eval"},
        {"t": "a", "d": "|O", "s": [1], "i": 0, "w": True},
        {"t": "a", "d": "f8", "s": [2], "i": 0, "w": True},
        {"t": "a", "d": "f8", "s": [-1], "i": 0, "w": True},
        {"t": "a", "d": "f8,f8", "s": [1], "i": 0, "w": True},
        {"t": "a", "d": "f8", "s": [1], "i": 1, "w": True},
        {"t": "a", "d": "f8", "s": [1], "i": 0, "w": True, "n": "os"},
        {"t": "g", "d": "|O", "v": "00" * 8},
        {"t": "h", "id": 1},
        {"t": "o", "i": 1},
        {"t": "v", "i": 0, "whole": True},
        {"t": "v", "i": -1, "whole": True},
        {"t": "k", "i": 0},
        {"t": "y", "v": "__import__('os').system('true')"},
        {"t": "d", "v": [[[1], 2]]},
        {"v": 1},
        {},
    ],
    ids=json.dumps,
)
def test_forged_messages_are_refused(message):
    with pytest.raises(CannotCross):
        Decoder([bytes(8)]).decode(message)


def test_a_view_cannot_leave_its_buffer():
    encoder = Encoder()
    encoder.encode(np.zeros(4))
    for at, shape, strides in ((0, [5], [8]), (8, [4], [8]), (0, [2], [-8]), (0, [9], [4])):
        message = {
            "t": "v",
            "i": 0,
            "whole": False,
            "at": at,
            "d": "<f8",
            "s": shape,
            "st": strides,
        }
        with pytest.raises(CannotCross):
            Decoder([], arguments=encoder.seen).decode(message)


def test_depth_and_size_are_bounded():
    deep: list = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(CannotCross, match="nested too deeply"):
        Encoder().encode(deep)
    with pytest.raises(CannotCross, match="nested too deeply"):
        Decoder([]).decode(deep)


x, y = sp.symbols("x y", positive=True)
EXPRESSIONS = [
    x + 1, x**2 / 3 - sp.pi * sp.sqrt(y), sp.Matrix([[x, 1], [2, sp.Float("0.1")]]), sp.Eq(x, y),
    sp.Function("f")(x).diff(x), sp.Piecewise((x, x > 0), (0, True)), sp.exp(-x) * sp.I,
    sp.Rational(1, 2), sp.oo, sp.Max(x, y), sp.Sum(x, (y, 1, 3)), sp.E, sp.true,
    sp.MatrixSymbol("A", 2, 2), sp.Symbol("t", integer=True, positive=True), sp.log(x) / sp.sin(y),
    sp.Integral(x**2, (x, 0, 1)), sp.Integer(10) ** 30,
]  # fmt: skip


@pytest.mark.parametrize("value", EXPRESSIONS, ids=str)
def test_expressions(value):
    assert cross(value) == value
    assert type(cross(value)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')", "x.y", "Symbol('x').__class__", "(lambda: 0)()", "[i for i in 'ab']",
        "Pow(Integer(10), Integer(10000000))", "Pow(Integer(9), Pow(Integer(9), Integer(99)))",
        "Add('__import__(\"os\")', 1)", "Function('f').x", "Symbol('x', evil=1)", "Symbol(*'x')",
        "Integer('9' * 9)",
        "Symbol(\"__import__('os').system('true')\")",
        "Symbol('f(x)')",
        "MatrixSymbol(Str('a.b()'), 1, 1)",
        "Function('eval')(Symbol('x'))",
        "Function('__import__')(Symbol('os'))",
        "Function('a b')(Symbol('x'))",
        "Float('x')",
 "sympify('1')", "Lambda(1)(2)", "f'{1}'", "1 if 2 else 3", "(", "1;2",
        "-" * 5000 + "1", "Integer(1)" * 40000,
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_hostile_expressions_are_refused(text):
    with pytest.raises(expression.UnsafeExpression):
        expression.read(text)


def test_an_expression_that_lies_about_equality():
    class Agreeable(sp.Symbol):
        def __eq__(self, other):
            return True

        __hash__ = sp.Symbol.__hash__

    with pytest.raises(CannotCross):
        cross(Agreeable("x"))


NUMBERS = st.floats(allow_nan=False) | st.integers(-(2**62), 2**62)
OF_A_STEP = st.fixed_dictionaries(
    {
        "x": hnp.arrays(st.sampled_from(["f8", "f4"]), hnp.array_shapes(min_dims=0, min_side=0)),
        "state": st.dictionaries(st.text(max_size=3), NUMBERS | hnp.arrays("f8", 2), max_size=3),
        "t": NUMBERS,
    }
)


@given(OF_A_STEP)
def test_what_a_step_consists_of(values):
    buffers = []
    message = json.loads(json.dumps(plain.write(values, buffers)))
    got = plain.read(message, iter(buffers))
    assert list(got) == list(values) and list(got["state"]) == list(values["state"])
    pairs = [(got["x"], values["x"]), (got["t"], values["t"])]
    pairs += [(got["state"][name], value) for name, value in values["state"].items()]
    for mine, theirs in pairs:
        assert type(mine) is type(theirs)
        assert np.array_equal(mine, theirs, equal_nan=True)
        if isinstance(theirs, np.ndarray):
            assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
            assert mine.flags.writeable and mine.flags.owndata


@pytest.mark.parametrize("value", ["1", None, True, [1.0], np.array([object()]), np.float64(1)])
def test_a_step_consists_of_numbers_and_arrays(value):
    with pytest.raises(CannotCross, match="no number and no array"):
        plain.write({"x": value}, [])


@pytest.mark.parametrize(
    "message",
    [
        None, "1", True, [], ["<f8"], ["<f8", 2], ["<f8", -1], ["<f8", 1.0], ["<f8", [1]],
        ["O", 1], ["<f8,<f8", 1], ["V8", 1], ["no dtype", 1], [8, 1], [["<f8"], 1],
        {"x": {"y": {"z": {"deep": {"deeper": 1.0}}}}}, {"x": "1"},
    ],
)  # fmt: skip
def test_what_is_no_step_is_refused(message):
    with pytest.raises(CannotCross):
        plain.read(message, iter([b"\0" * 8]) if message != ["<f8"] else iter([]))
