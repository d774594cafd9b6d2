"""Values of libraries cross as what they are, and what claims to be one of them does not."""

from __future__ import annotations

import datetime
import json
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from optedu.grading.wire import kinds
from optedu.grading.wire.codec import CannotCross, Decoder, Encoder
from tests.grading.test_wire_codec import cross

UTC = datetime.timezone.utc  # noqa: UP017 (as a student writes it)
VALUES = [
    Fraction(-3, 7), Fraction(10**40, 7), Decimal("1.10"), Decimal("-Infinity"),
    datetime.date(2024, 2, 29), datetime.time(1, 2, 3, 4), datetime.datetime(2024, 2, 29, 12),
    datetime.datetime(2024, 1, 1, tzinfo=UTC), datetime.timedelta(-1, 5, 7),
    deque([1, [2]], maxlen=3), deque(), bytearray(b"ab"), frozenset([1, 2]), {1, 2},
    Counter("aab"), OrderedDict(b=1, a=2), Path("a/b.txt"), [frozenset([(1, 2)])],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_of_the_standard_library_is_itself(value):
    got = cross(value)
    assert got == value and type(got) is type(value)


def test_what_containers_know_besides_their_items_crosses():
    assert cross(deque([1, 2], maxlen=2)).maxlen == 2
    assert list(cross(OrderedDict(b=1, a=2))) == ["b", "a"]
    assert cross(Counter("aab")).most_common(1) == [("a", 2)]
    got = cross(defaultdict(list, a=[1]))
    got["b"].append(2)
    assert got == {"a": [1], "b": [2]}
    assert cross(datetime.datetime(2024, 1, 1, fold=1)).fold == 1


def test_a_named_tuple_has_its_fields():
    point = namedtuple("Point", "x y")(1, [2.0])
    got = cross(point)
    assert got == (1, [2.0]) and isinstance(got, tuple)
    assert got.x == 1 and got.y == [2.0] and got._fields == ("x", "y")
    assert got._asdict() == {"x": 1, "y": [2.0]} and got._replace(x=5) == (5, [2.0])
    assert repr(got) == "Point(x=1, y=[2.0])" and type(got).__name__ == "Point"
    with pytest.raises(ValueError, match="unexpected field"):
        got._replace(z=1)


def test_results_of_scipy_have_their_attributes():
    from scipy import optimize, sparse, stats

    found = cross(optimize.minimize_scalar(lambda x: (x - 2) ** 2))
    assert type(found) is optimize.OptimizeResult and found.success
    assert found.x == pytest.approx(2) and found["nfev"] == found.nfev
    line = cross(stats.linregress([0, 1, 2], [1, 3, 5.5]))
    assert line.slope == pytest.approx(2.25) and line.intercept_stderr > 0
    for made in (sparse.csr_matrix(np.eye(3)), sparse.coo_array(np.ones((2, 3)))):
        got = cross(made)
        assert type(got) is type(made) and (got.toarray() == made.toarray()).all()


@pytest.mark.parametrize(
    "message",
    [
        {"t": "F", "v": [1, 0]},
        {"t": "F", "v": ["__import__('os')", 1]},
        {"t": "D", "v": "x"},
        {"t": "T", "k": "now", "v": ""},
        {"t": "T", "k": "date", "v": "x", "f": 0},
        {"t": "Q", "v": [], "m": -1},
        {"t": "Q", "v": {}, "m": None},
        {"t": "d", "v": [], "c": "os.environ"},
        {"t": "d", "v": [], "c": "default:eval"},
        {"t": "d", "v": [], "c": ["Counter"]},
        {"t": "m", "k": "__class__", "s": [1, 1], "v": []},
        {"t": "m", "k": "csr_matrix", "s": [1, 1], "v": [1]},
        {"t": "x", "k": "eval", "v": "1"},
        {"t": "N", "n": "P", "f": ["a=1"], "c": None, "v": [1], "x": []},
        {"t": "N", "n": "P", "f": ["a", "a"], "c": None, "v": [1, 2], "x": []},
        {"t": "N", "n": "P", "f": ["__class__"], "c": None, "v": [1], "x": []},
        {"t": "N", "n": "P", "f": ["a"], "c": None, "v": [1, 2], "x": []},
        {"t": "N", "n": "P", "f": ["a"], "c": None, "v": [1], "x": [["_b", 1]]},
        {"t": "N", "n": "exec('')", "f": ["a"], "c": None, "v": [1], "x": []},
        {"t": "N", "n": "P", "f": ["class"], "c": None, "v": [1], "x": []},
        {"t": "B", "i": 3},
    ],
    ids=json.dumps,
)
def test_forged_values_are_refused(message):
    with pytest.raises(CannotCross):
        Decoder([bytes(8)]).decode(message)


def test_classes_are_looked_up_and_never_imported():
    import sys

    assert kinds.resolve(["fractions", "Fraction"], {}) is Fraction
    assert kinds.resolve(["builtins", "generator"], {}) is type(i for i in ())
    sys.modules.pop("wave", None)
    assert kinds.resolve(["wave", "Wave_read"], {}) is None and "wave" not in sys.modules


@pytest.mark.parametrize(
    "name",
    [
        ["unittest.case", "SkipTest"], ["_pytest.outcomes", "Exit"], ["optedu.rules", "Rule"],
        ["fractions", "Fraction.__new__"], ["builtins", "eval"], ["os", "environ"],
        ["fractions", "Fraction()"], ["__main__", "f"], ["x"], "Fraction", None, [1, 2],
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_class_of_both_kernels_is_none(name):
    import unittest.case  # noqa: F401

    assert kinds.resolve(name, {"f": lambda: 1}) is None


try:
    import pandas
except ImportError:
    pandas = None


@pytest.mark.skipif(pandas is None, reason="pandas is not installed: no data frame crosses")
def test_data_frames_are_themselves():
    frame = pandas.DataFrame(
        {
            "i": [1, 2, 3], "f": [0.5, float("nan"), 2.0], "b": [True, False, True],
            "t": pandas.date_range("2024-01-01", periods=3),
            "z": pandas.date_range("2024-01-01", periods=3, tz="UTC"),
            "s": ["x", None, "z"], "c": pandas.Categorical(["u", "v", "u"], ordered=True),
            "n": pandas.array([1, None, 3], dtype="Int64"),
        },
        index=pandas.Index([3, 4, 5], name="k"),
    )  # fmt: skip
    got = cross(frame)
    pandas.testing.assert_frame_equal(got, frame)
    pandas.testing.assert_series_equal(cross(frame["t"]), frame["t"])
    pandas.testing.assert_frame_equal(cross(frame.groupby("c", observed=True)[["i"]].sum()),
                                      frame.groupby("c", observed=True)[["i"]].sum())  # fmt: skip
    many = frame.set_index(["i", "b"])[["f"]]
    pandas.testing.assert_frame_equal(cross(many), many)
    noon = pandas.Timestamp("2024-01-02 12:00", tz="UTC")
    assert cross(noon) == noon and cross(noon).tz is not None
    assert cross(pandas.NaT) is pandas.NaT and cross(pandas.NA) is pandas.NA
    assert cross(pandas.Timedelta("2s")) == pandas.Timedelta("2s")


@pytest.mark.skipif(pandas is None, reason="pandas is not installed: no data frame crosses")
def test_a_column_of_another_kind_does_not_cross():
    with pytest.raises(CannotCross, match="dtype"):
        Encoder().encode(pandas.Series(pandas.period_range("2024-01", periods=2, freq="M")))
