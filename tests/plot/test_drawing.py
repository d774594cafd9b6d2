"""Drawings for a page: text as text, colours with names, the same bytes each time, and few."""

import re
import warnings
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import optedu
from optedu.plot.drawing import LARGEST, NARROW, WIDE
from optedu.plot.labels import runs
from optedu.plot.svg import NEAR, _corners, _path, dark

ALT = "Two lines that cross at step 3."


def lines(ax):
    ax.plot([4, 2, 1], label=r"$\beta_1$")
    ax.plot([1, 2, 4], "k--", label="b")
    ax.set(xlabel="step $t$", ylabel="loss", title="a title")
    ax.legend()


def plane(left, right):
    problem = optedu.problems.quadratic(30)
    run = optedu.minimize(problem, [-4.0, 1.0], optimizer="adam", lr=0.05, steps=50)
    optedu.plot.contours(problem, run, ax=left)
    optedu.plot.loss(run, ax=right)


def texts(svg):
    return ["".join(e.itertext()) for e in ElementTree.fromstring(svg).iter("text")]


def test_a_figure_is_drawn_wide_and_narrow_with_the_same_text_size():
    drawing = optedu.plot.show(lines, alt=ALT)
    for svg, width in ((drawing.wide, WIDE), (drawing.narrow, NARROW)):
        root = ElementTree.fromstring(svg)
        assert root.get("viewBox") == f"0 0 {width} 300"
        sizes = {float(e.get("font-size")) for e in root.iter() if e.get("font-size")}
        assert max(sizes) == 12 and min(sizes) > 9
        assert {"step t", "loss", "a title", "b"} <= set(texts(svg))


def test_panels_stand_side_by_side_or_one_above_the_other():
    drawing = optedu.plot.show(plane, alt=ALT, panels=2, height=200)
    assert 'viewBox="0 0 660 200"' in drawing.wide
    assert 'viewBox="0 0 320 400"' in drawing.narrow


def test_what_the_plots_of_the_course_write_has_the_size_of_the_page_too():
    drawing = optedu.plot.show(plane, alt=ALT, panels=2)
    sizes = [float(size) for size in re.findall(r'<text[^>]*font-size="([^"]+)"', drawing.wide)]
    assert set(sizes) == {12}
    with plt.rc_context():
        assert mpl.rcParams["font.size"] == 10


@pytest.mark.parametrize(("draw", "panels"), [(lines, 1), (plane, 2)])
def test_the_same_figure_gives_the_same_bytes_without_a_date(draw, panels):
    first = optedu.plot.show(draw, alt=ALT, panels=panels)
    assert first == optedu.plot.show(draw, alt=ALT, panels=panels)
    assert not re.search(r"20\d\d-|Matplotlib|<metadata|<style", first.wide)
    assert len(first.wide) < 45_000


def test_no_two_drawings_of_a_page_share_an_id_and_each_reference_is_met():
    parts = [optedu.plot.show(f, alt=ALT, panels=p) for f, p in ((lines, 1), (plane, 2))]
    svgs = [svg for part in parts for svg in (part.wide, part.narrow)]
    ids = [re.findall(r'\bid="([^"]+)"', svg) for svg in svgs]
    every = [name for names in ids for name in names]
    assert len(every) == len(set(every)) > 4
    for svg, names in zip(svgs, ids, strict=True):
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) == set(names)


def test_colours_are_the_page_s_and_there_is_no_ground_of_its_own():
    svg = optedu.plot.show(lines, alt=ALT).wide
    assert "var(--od-line1,#0072b2)" in svg
    assert "var(--od-ink,#000000)" in svg  # the black line
    painted = [e for e in ElementTree.fromstring(svg).iter() if e.get("fill", "none") != "none"]
    assert painted
    for element in painted:
        assert element.get("fill").startswith("var(") or "--fill" in element.get("style", "")


def test_a_colour_of_the_author_has_a_dark_twin():
    svg = optedu.plot.show(lambda ax: ax.plot([1, 2], color="#eeddcc"), alt=ALT).wide
    (line,) = (e for e in ElementTree.fromstring(svg).iter() if e.get("stroke") == "#eeddcc")
    assert line.get("style") == f"--stroke:{dark('#eeddcc')}"
    assert dark("#ffffff") < "#222222" < "#dddddd" < dark("#000000")


def test_a_map_is_a_small_picture_in_the_drawing():
    def draw(ax):
        axes = {"lr": np.logspace(-2, 1, 60), "momentum": np.linspace(0, 0.9, 60)}
        grid = optedu.sweep(optedu.problems.quadratic(), optimizer="momentum", steps=20, **axes)
        optedu.plot.sensitivity(grid, ax=ax)

    svg = optedu.plot.show(draw, alt=ALT).wide
    assert "data:image/png;base64," in svg
    assert "lr (η)" in texts(svg)


def test_what_is_simplified_stays_within_a_fraction_of_a_pixel():
    x = np.linspace(0, 600, 5000)
    points = np.stack([x, 100 + 80 * np.sin(x / 40)], axis=1)
    kept = points[_corners(points)]
    assert len(kept) < 250
    # Upwards it is further than across the line, which is up to 63 degrees steep.
    assert np.abs(np.interp(x, *kept.T) - points[:, 1]).max() < NEAR / np.cos(np.deg2rad(64))
    assert _path("M 1 2 L 1.04 2 L 1.5 -3 L 9 4 z") == "M1 2l.5-5 7.5 7z"
    assert _path("M 1 2 L 1 2") == "M1 2l0 0"  # a dot, with round ends
    closed = np.array([[0.0, 0], [5, 0], [5, 5], [0, 0]])
    assert _corners(closed).all()


def test_the_html_says_what_is_seen_and_shows_the_wide_one_without_a_style_sheet():
    drawing = optedu.plot.show(lines, alt='  "a" < b\n and c')
    html = drawing._repr_html_()
    assert 'role="img" aria-label="&quot;a&quot; &lt; b and c"' in html
    wide, narrow = html.split("<svg ")[1:]
    assert "display:none" in narrow and "display:none" not in wide
    assert repr(drawing) == '<Drawing: "a" < b and c>'


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("plain, 5 $", "plain, 5 $"),
        (r"5\$", "5$"),
        ("$f(x_t) - f^\\star$", "f(xt) − f⋆"),
        (r"$\|g_{t+1}\|$", "‖gt+1‖"),
        (r"$\mathdefault{10^{-2}}$", "10−2"),
        (r"mean of $\hat v_t$", "mean of v̂t"),
        (r"$(1-\beta_1)/\sqrt{1-\beta_2}$", "(1 − β1)/√(1 − β2)"),
        (r"$\sqrt t \le \frac12$", None),
        ("$x_{t$", None),
        ("$x_$", None),
    ],
)
def test_formulas_in_labels_are_text(label, said):
    label = label if label != "plain, 5 $" else r"plain, 5 \$"
    if said is None:
        with pytest.raises(ValueError, match="label must"):
            runs(label)
    else:
        assert "".join(text for text, _, _ in runs(label)) == said


def test_a_dollar_sign_and_markup_in_a_label_stay_what_they_are():
    svg = optedu.plot.show(lambda ax: ax.set(title="<b> & 5 $"), alt=ALT).wide
    assert "<b> & 5 $" in texts(svg)


def test_letters_are_italic_and_indices_are_small():
    assert runs("$x_1^2$") == [("x", "italic", ""), ("1", "math", "sub"), ("2", "math", "sup")]


@pytest.mark.parametrize(
    ("draw", "options", "error", "words"),
    [
        ("lines", {}, TypeError, "draw must be a function of the Axes, got str"),
        (lines, {"alt": ""}, ValueError, "alt must say what is seen and what it shows, got ''"),
        (lines, {"panels": 0}, ValueError, "panels"),
        (lines, {"height": -1}, ValueError, "height"),
        (
            lambda ax: ax.plot(np.random.default_rng(0).random(3000), "o"),
            {},
            ValueError,
            f"at most {LARGEST / 1000:g} kB of SVG",
        ),
        (lambda ax: ax.set(ylabel=r"$\frac{1}{2}$"), {}, ValueError, "got .frac in"),
        (lambda ax: ax.set(title="x" * 99, ylabel="y\n" * 60), {}, ValueError, "320 pixels|660"),
    ],
)
def test_bad_input_is_named(draw, options, error, words):
    with pytest.raises(error, match=words):
        optedu.plot.show(draw, **{"alt": ALT, **options})


def test_nothing_is_left_open_and_no_warning_is_silenced():
    before = plt.get_fignums()
    with pytest.warns(UserWarning, match="mine"):
        optedu.plot.show(lambda ax: warnings.warn("mine", stacklevel=1), alt=ALT)
    assert plt.get_fignums() == before
