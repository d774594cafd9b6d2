"""A figure that is shown while it is graded is the one that the student saw, to the last pixel."""

from __future__ import annotations

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.pylabtools import print_figure
from PIL import Image

from optedu.grading.sandbox import figures

X = np.linspace(0.1, 10, 60)
KINDS = {}


def kind(draw):
    KINDS[draw.__name__] = draw
    return draw


@kind
def line():
    figure, ax = plt.subplots(figsize=(6, 3))
    ax.plot(X, np.sin(X), label="$x_t$")
    ax.set(xlabel="step", ylabel="loss", title="a title")
    ax.legend()
    return figure


@kind
def legend_and_text_outside():
    figure, ax = plt.subplots()
    ax.plot(X, X, label="a long label")
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    ax.text(1.1, 0.5, "outside", transform=ax.transAxes, rotation=30)
    ax.annotate("an arrow", (10, 10), xytext=(13, 13), arrowprops={"arrowstyle": "->"})
    figure.suptitle("above")
    return figure


@kind
def logarithmic_with_a_second_axis():
    figure, ax = plt.subplots()
    ax.loglog(X, X**5)
    ax.grid(True, which="both")
    other = ax.twinx()
    other.plot(X, 1e6 * X)
    other.set_ylabel("right")
    return figure


@kind
def contours_of_one_aspect_with_a_colour_bar():
    figure, ax = plt.subplots()
    figure.colorbar(ax.contourf(np.outer(X, X)), label="loss")
    ax.set_aspect("equal")
    return figure


@kind
def images():
    figure, (left, right) = plt.subplots(1, 2)
    left.imshow(np.outer(X, X))
    right.imshow(np.outer(X, X)[:20], aspect="auto")
    right.set_title("two\nlines")
    return figure


@kind
def surface():
    figure = plt.figure()
    ax = figure.add_subplot(projection="3d")
    ax.plot_surface(*np.meshgrid(X[:5], X[:5]), np.outer(X[:5], X[:5]))
    ax.set(xlabel="x", zlabel="a label", title="a title")
    return figure


@kind
def polar():
    figure = plt.figure()
    figure.add_subplot(projection="polar").plot(X, X)
    return figure


@kind
def panels_laid_out_once():
    figure, axes = plt.subplots(2, 2)
    for ax in axes.flat:
        ax.set(title="T", xlabel="x", ylabel="y")
    figure.tight_layout()
    return figure


@kind
def panels_with_a_layout_engine():
    figure, axes = plt.subplots(2, 2, layout="constrained")
    for ax in axes.flat:
        ax.set(title="T", xlabel="x", ylabel="y")
    return figure


@kind
def panels_that_share_their_axes():
    figure, axes = plt.subplots(2, 2, sharex=True, sharey=True)
    axes[0, 0].plot(X, X)
    figure.supxlabel("below")
    figure.supylabel("beside")
    return figure


@kind
def turned_labels_and_a_table():
    figure, (left, right) = plt.subplots(1, 2)
    left.bar(["one long name", *"abcd"], range(5))
    left.tick_params(axis="x", rotation=60)
    right.xaxis.tick_top()
    right.set_title("above the ticks")
    right.table([["a", "b"]], loc="bottom")
    return figure


@kind
def inset_and_wrapped_title():
    figure, ax = plt.subplots()
    ax.plot(X, X)
    inset = ax.inset_axes([0.6, 0.1, 0.35, 0.3])
    inset.plot(X, X**2)
    ax.indicate_inset_zoom(inset)
    ax.set_title("a title that is wider than the whole figure " * 3, wrap=True)
    return figure


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.mark.parametrize("draw", KINDS.values(), ids=KINDS)
def test_the_image_is_the_one_that_ipython_makes(draw):
    figure = draw()
    usual = pixels(print_figure(figure, base64=True))
    plt.close(figure)
    figure = draw()
    np.testing.assert_array_equal(pixels(figures.png(figure)), usual)
    plt.close(figure)


def test_a_figure_without_anything_is_not_shown():
    figure = plt.figure()
    assert figures.png(figure) is None and print_figure(figure) is None
    plt.close(figure)
