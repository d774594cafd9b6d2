"""Figures: what is drawn where, and what is refused."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

import optedu
from optedu import plot, problems
from optedu.plot.grouping import groups
from optedu.run.minimization import minimize
from optedu.run.sweeping import sweep


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def rosenbrock():
    return problems.rosenbrock()


@pytest.fixture(scope="module")
def runs(rosenbrock):
    return [
        minimize(rosenbrock, optimizer="sgd", lr=1e-3, steps=30),
        minimize(rosenbrock, optimizer="adam", lr=0.1, steps=30),
    ]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def line(ax, label):
    (found,) = [one for one in ax.lines if one.get_label() == label]
    return found


class TestContours:
    def test_trajectories_lie_on_the_landscape(self, rosenbrock, runs):
        ax = plot.contours(rosenbrock, runs)
        assert legend(ax) == ["sgd", "adam"]
        for run in runs:
            np.testing.assert_array_equal(line(ax, run.optimizer).get_xydata(), run.x)
        assert (ax.get_xlim(), ax.get_ylim()) == rosenbrock.window
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x$", "$y$")

    def test_window_and_axes_can_be_given(self, rosenbrock):
        _, ax = plt.subplots()
        assert plot.contours(rosenbrock, window=((0, 1), (0, 2)), ax=ax) is ax
        assert (ax.get_xlim(), ax.get_ylim()) == ((0.0, 1.0), (0.0, 2.0))

    def test_one_dimension_is_a_graph(self):
        problem = problems.double_well()
        run = minimize(problem, lr=0.1, steps=5)
        ax = plot.contours(problem, {"descent": run})
        x, f = line(ax, "descent").get_data()
        np.testing.assert_array_equal(x, run.x[:, 0])
        np.testing.assert_allclose(f, run.f)

    @pytest.mark.parametrize(
        "name",
        [
            n
            for n in problems.names()
            if n not in ("mlp", "convnet", "logistic_regression", "springs")
        ],
    )
    def test_every_plane_problem_can_be_drawn(self, name):
        problem = problems.get(name, **({"steps": 3} if name == "tight_huber" else {}))
        plot.contours(problem, resolution=20).figure.canvas.draw()

    def test_far_away_points_do_not_break_the_drawing(self):
        run = minimize(problems.quadratic(), lr=100.0, steps=400)
        assert run.diverged_at is not None
        plot.contours(problems.quadratic(), run).figure.canvas.draw()

    def test_equal_optimizers_are_told_apart(self, rosenbrock):
        pair = [minimize(rosenbrock, optimizer="sgd", lr=lr, steps=2) for lr in (1e-3, 1e-4)]
        assert legend(plot.contours(rosenbrock, pair)) == ["sgd, lr=0.001", "sgd, lr=0.0001"]


class TestLoss:
    def test_curve_is_the_gap(self, runs):
        ax = plot.loss(runs)
        for run in runs:
            np.testing.assert_allclose(line(ax, run.optimizer).get_ydata(), run.gap)
        assert ax.get_ylabel() == r"$f(x_t) - f^\star$"
        assert ax.get_yscale() == "linear"
        long = minimize(problems.quadratic(), lr=1.0, steps=50)
        assert plot.loss(long).get_yscale() == "log"

    def test_seeds_become_a_median_with_a_band(self):
        problem = problems.noisy_quadratic()
        several = [minimize(problem, lr=0.1, steps=20, seed=seed) for seed in range(9)]
        ax = plot.loss(several, quantity="f")
        values = np.stack([run.f for run in several])
        np.testing.assert_allclose(line(ax, "sgd").get_ydata(), np.median(values, axis=0))
        (band,) = ax.collections
        vertices = band.get_paths()[0].vertices
        for quantile in (0.1, 0.9):
            assert np.isclose(vertices[:, 1], np.quantile(values[:, 7], quantile)).any()

    def test_columns_of_one_run_form_a_band(self):
        run = minimize(problems.noisy_quadratic(), np.ones((1, 5)), lr=0.1, steps=10)
        ax = plot.loss({"five": run})
        np.testing.assert_allclose(line(ax, "five").get_ydata(), np.median(run.f, axis=1))

    def test_unknown_minimum_draws_the_objective(self):
        ax = plot.loss(minimize(problems.saddle(), lr=0.1, steps=5))
        assert ax.get_ylabel() == "$f(x_t)$"
        assert ax.get_yscale() == "linear"

    def test_gradient_norm(self, runs):
        ax = plot.loss(runs[0], quantity="grad_norm")
        np.testing.assert_allclose(line(ax, "sgd").get_ydata(), runs[0].grad_norm)

    def test_a_diverging_curve_does_not_flatten_the_others(self, runs, rosenbrock):
        wild = minimize(rosenbrock, optimizer="sgd", lr=0.1, steps=30)
        assert wild.diverged_at is not None
        ax = plot.loss({"calm": runs[0], "wild": wild})
        assert ax.get_ylim()[1] <= 1e3 * runs[0].f[0]
        assert any(one.get_marker() == "X" for one in ax.lines)


class TestSensitivity:
    def test_map(self):
        grid = {"lr": np.logspace(-2, 1, 8), "momentum": np.linspace(0, 0.9, 5)}
        result = sweep(problems.quadratic(), optimizer="momentum", steps=300, **grid)
        assert 0 < result.diverged.mean() < 1
        ax = plot.sensitivity(result)
        (mesh,) = ax.collections
        shown = mesh.get_array()
        assert shown.shape == (5, 8)
        np.testing.assert_array_equal(np.ma.getmaskarray(shown), result.diverged.T)
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
        assert ax.get_xlabel() == r"lr ($\eta$)"
        (star,) = ax.lines
        x, y = star.get_data()
        assert (x[0], y[0]) == (result.best["lr"], result.best["momentum"])

    def test_axes_choose_and_order_and_the_rest_is_the_best(self):
        grid = {"lr": [0.1, 0.2, 0.3], "beta1": [0.0, 0.9], "beta2": [0.9, 0.99]}
        result = sweep(problems.beale(), optimizer="adam", steps=20, **grid)
        ax = plot.sensitivity(result, axes=("beta2", "lr"))
        (mesh,) = ax.collections
        np.testing.assert_allclose(mesh.get_array(), result.f.min(axis=1))
        assert ax.get_xlabel().startswith("beta2")

    def test_curves(self):
        lr = np.logspace(-3, 1, 12)
        problem = problems.quadratic()
        results = [sweep(problem, optimizer=o, lr=lr, steps=300) for o in ("sgd", "adam")]
        ax = plot.sensitivity(results)
        assert legend(ax) == ["sgd", "adam"]
        values = line(ax, "sgd").get_ydata()
        np.testing.assert_array_equal(np.isnan(values), results[0].diverged)
        assert ax.get_xscale() == "log"

    def test_all_diverged(self):
        result = sweep(problems.quadratic(), lr=[1e3, 1e4], weight_decay=[0.0, 0.1], steps=300)
        plot.sensitivity(result).figure.canvas.draw()


def test_seeds_are_grouped_and_labels_are_unique(rosenbrock):
    noisy = problems.noisy_quadratic()
    made = [minimize(noisy, lr=lr, steps=2, seed=s) for lr in (0.1, 0.2) for s in range(3)]
    made.append(minimize(noisy, optimizer="adam", steps=2))
    found = groups(made, optedu.Run)
    assert {k: len(v) for k, v in found.items()} == {"sgd, lr=0.1": 3, "sgd, lr=0.2": 3, "adam": 1}


def luminance(color):
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a, b):
    dark, light = sorted([luminance(a), luminance(b)])
    return (light + 0.05) / (dark + 0.05)


def test_text_and_first_colours_read_on_the_ground():
    from optedu.plot import style

    assert contrast(style.INK, style.GROUND) > 7
    assert contrast(style.MUTED, style.GROUND) > 4.5
    for color in style.PALETTE[:5]:
        assert contrast(color, style.GROUND) > 3  # WCAG 2.2, non-text contrast


def test_style_does_not_leak(runs):
    before = dict(plt.rcParams)
    plot.loss(runs)
    assert dict(plt.rcParams) == before


def test_alt_text(rosenbrock, runs):
    assert plot.alt_text(runs[0]) == (
        f"sgd on rosenbrock: in 30 steps the objective goes from 24.2 to {runs[0].f[-1]:.3g}."
    )
    wild = minimize(rosenbrock, optimizer="sgd", lr=0.1, steps=30)
    assert f"it diverges at step {wild.diverged_at}" in plot.alt_text(wild)
    result = sweep(problems.quadratic(), lr=[0.1, 1.0, 1e4], steps=300)
    assert plot.alt_text(result) == (
        "sgd on quadratic after 300 steps over lr from 0.1 to 1e+04: best at lr = 1, "
        f"f = {result.best['f']:.3g}; 33% of the runs diverged."
    )


quadratic = problems.quadratic()
short = minimize(quadratic, lr=0.1, steps=2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plot.contours(problems.rosenbrock(3)), ValueError, "1 or 2 dimensions .* got 3"),
        (lambda: plot.contours(quadratic, [3]), TypeError, "runs must hold Run objects, got int"),
        (lambda: plot.contours(quadratic, window=(0, 1)), ValueError, "window must hold 2 pairs"),
        (
            lambda: plot.contours(quadratic, window=((1, 0), (0, 1))),
            ValueError,
            "window must be a pair",
        ),
        (
            lambda: plot.contours(quadratic, levels=0),
            ValueError,
            "levels must be at least 2, got 0",
        ),
        (
            lambda: plot.contours(quadratic, ax=3),
            TypeError,
            "ax must be a Matplotlib Axes, got int",
        ),
        (
            lambda: plot.contours(optedu.Problem(abs, abs, x0=[1.0])),
            ValueError,
            "window must be given",
        ),
        (lambda: plot.loss([]), ValueError, "runs must not be empty"),
        (lambda: plot.loss({"a": []}), ValueError, "runs must not be empty"),
        (lambda: plot.loss("adam"), TypeError, "runs must hold Run objects, got str"),
        (lambda: plot.loss(short, quantity="x"), ValueError, "quantity must be one of gap, f"),
        (lambda: plot.loss(short, band=(0.9, 0.1)), ValueError, "band must be"),
        (lambda: plot.sensitivity(short), TypeError, "sweeps must hold Sweep objects, got Run"),
        (
            lambda: plot.sensitivity(sweep(quadratic, lr=[0.1, 0.2], steps=1), axes="rho"),
            ValueError,
            "axes must be one of lr, got 'rho'",
        ),
        (
            lambda: plot.sensitivity(sweep(quadratic, lr=[0.1, 0.2], steps=1), limits=(1, 0)),
            ValueError,
            "limits must be a pair .low, high. with low < high",
        ),
        (lambda: plot.alt_text(3), TypeError, "results must hold Run or Sweep objects, got int"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


# -- numbers at the ends of the range, and grids in any order --------------------------------------


def with_objective(f, diverged_at):
    run = minimize(problems.quadratic(), lr=0.1, steps=len(f) - 1)
    return dataclasses.replace(run, f=np.array(f), diverged_at=diverged_at)


@pytest.mark.parametrize("log", [None, True, False])
@pytest.mark.parametrize("diverged_at", [None, 3])
@pytest.mark.parametrize(
    "f",
    [
        [1.0, 2.0, 1e307],
        [1e307, 1e300, 1e-300],
        [1e308, 1.7e308, 1e308],
        [-1e307, 1e307, 0.0],
        [1e-320, 1e-310, 1.0],
        [0.0, 0.0, 0.0],
    ],
    ids=str,
)
def test_a_curve_of_any_finite_numbers_is_drawn_without_a_warning(f, diverged_at, log):
    ax = plot.loss(with_objective(f, diverged_at), quantity="f", log=log)
    ax.figure.canvas.draw()
    drawn = ax.lines[0].get_ydata()
    middling = (np.abs(f) < 1e200) & (np.abs(f) > 1e-200)
    np.testing.assert_array_equal(drawn[middling], np.array(f)[middling])
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize("f", [[[1, 1e307], [1e-320, 1e308]], [[-1e307, 1e307], [0, 1]]], ids=str)
@pytest.mark.parametrize("axes", [None, "lr"])
def test_a_map_of_any_finite_numbers_is_drawn_without_a_warning(f, axes):
    grid = sweep(
        problems.quadratic(), optimizer="momentum", lr=[0.1, 0.2], momentum=[0.2, 0.3], steps=2
    )
    ax = plot.sensitivity(dataclasses.replace(grid, f=np.array(f, float)), axes=axes)
    ax.figure.canvas.draw()


@pytest.mark.parametrize("axes", [["lr", "momentum"], ["momentum", "lr"]])
def test_a_grid_in_any_order_is_the_map_of_the_sorted_one(axes):
    lr, momentum = np.array([1e-2, 1.0, 1e-3, 0.1]), np.array([0.5, 0.1, 0.9])
    problem = problems.quadratic()
    mixed = sweep(problem, optimizer="momentum", lr=lr, momentum=momentum, steps=20)
    tidy = sweep(
        problem, optimizer="momentum", lr=np.sort(lr), momentum=np.sort(momentum), steps=20
    )
    one, two = (plot.sensitivity(s, axes=axes, ax=plt.figure().gca()) for s in (mixed, tidy))
    first, second = (ax.collections[0] for ax in (one, two))
    np.testing.assert_array_equal(first.get_array(), second.get_array())
    np.testing.assert_array_equal(first.get_coordinates(), second.get_coordinates())
    (star,), (other,) = one.lines, two.lines
    np.testing.assert_array_equal(star.get_xydata(), other.get_xydata())


def test_each_cell_of_a_map_holds_its_point():
    r"""Also on a logarithmic axis, where halfway between two rates is their geometric mean."""
    grid = sweep(
        problems.quadratic(), optimizer="momentum", lr=[1e-2, 1e-3, 0.1], momentum=[0.2, 0.8]
    )
    ax = plot.sensitivity(grid)
    assert ax.get_xscale() == "log"
    edges = ax.collections[0].get_coordinates()
    np.testing.assert_allclose(edges[0, :, 0], np.logspace(-3.5, -0.5, 4))
    np.testing.assert_allclose(edges[:, 0, 1], [-0.1, 0.5, 1.1])
