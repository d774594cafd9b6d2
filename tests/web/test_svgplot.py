"""Plots without Matplotlib: right places, gaps, and words for those who hear them."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from optedu.web.svgplot import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, line_plot

SVG = "{http://www.w3.org/2000/svg}"


def lines(plot):
    root = ET.fromstring(plot.svg)
    return [
        np.array([[float(v) for v in pair.split(",")] for pair in line.get("points").split()])
        for line in root.iter(f"{SVG}polyline")
    ]


def test_a_straight_line_is_straight_and_fills_the_width():
    (points,) = lines(line_plot({"f": np.arange(11.0)}))
    assert points[0, 0] == LEFT
    assert points[-1, 0] == WIDTH - RIGHT
    assert np.all(np.diff(points[:, 1]) < 0)
    np.testing.assert_allclose(np.diff(points[:, 1], n=2), 0, atol=0.21)


def test_a_geometric_sequence_is_straight_on_a_logarithmic_axis():
    (points,) = lines(line_plot({"f": 0.5 ** np.arange(30)}, logy=True))
    np.testing.assert_allclose(np.diff(points[:, 1], n=2), 0, atol=0.21)
    assert points[-1, 1] <= HEIGHT - BOTTOM


def test_values_that_cannot_be_drawn_leave_a_gap():
    pieces = lines(line_plot({"f": [1, 2, np.nan, 3, np.inf, 4, 5]}))
    assert [len(piece) for piece in pieces] == [2, 1, 2]
    assert len(lines(line_plot({"f": [1, 0.1, 0, 0.2]}, logy=True))) == 2


def test_long_runs_are_thinned_and_keep_their_end():
    (points,) = lines(line_plot({"f": np.linspace(0, 1, 100_000)}))
    assert len(points) <= 1000
    assert points[-1, 0] == WIDTH - RIGHT


def test_names_are_escaped_and_the_title_says_what_is_drawn():
    root = ET.fromstring(line_plot({"a<b": [1, 2], "c&d": [2, 1]}, title="T", ylabel="f").svg)
    assert root.find(f"{SVG}title").text == "T: f against step for a<b, c&d"


def test_constant_series_have_a_range():
    (points,) = lines(line_plot({"f": [2.0, 2.0]}))
    assert np.isfinite(points).all()


@pytest.mark.parametrize(
    ("series", "x", "message"),
    [
        ({}, None, "series must have 1 to 6 entries, got 0"),
        ({"f": [[1, 2]]}, None, "must have shape"),
        ({"f": [1, 2]}, [1, 2, 3], r"must have shape \(3,\), got \(2,\)"),
        ({"f": [np.nan]}, None, "no value that can be drawn"),
    ],
)
def test_bad_input_is_named(series, x, message):
    with pytest.raises(ValueError, match=message):
        line_plot(series, x)
