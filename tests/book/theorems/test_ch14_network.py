"""The statements of chapter 14, by plain loops, exact fractions and counting of these tests."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest


class Counted:
    """A matrix as nested lists of which every product of two numbers is counted."""

    products = 0

    def __init__(self, rows):
        self.rows = [list(row) for row in rows]

    @property
    def T(self):
        return Counted(zip(*self.rows, strict=True))

    def __matmul__(self, other):
        columns = list(zip(*other.rows, strict=True))
        out = []
        for row in self.rows:
            out.append([])
            for column in columns:
                Counted.products += len(row)
                out[-1].append(sum(a * b for a, b in zip(row, column, strict=True)))
        return Counted(out)


def network(widths, seed):
    rng = np.random.default_rng(seed)
    return [
        (0.7 * rng.standard_normal((a, b)), 0.3 * rng.standard_normal(b))
        for a, b in pairwise(widths)
    ]


def loss(layers, X, labels, bend=math.tanh):
    """The mean cross-entropy, an image and a unit at a time."""
    total = 0.0
    for image, label in zip(X, labels, strict=True):
        values = list(image)
        for k, (W, b) in enumerate(layers):
            z = [
                sum(v * w for v, w in zip(values, W[:, j], strict=True)) + b[j]
                for j in range(len(b))
            ]
            values = z if k == len(layers) - 1 else [bend(s) for s in z]
        total += math.log(sum(math.exp(s) for s in values)) - values[label]
    return total / len(X)


def gradient(layers, X, labels, bend=np.tanh, slope=lambda z: 1 - np.tanh(z) ** 2):
    """The rule of the theorem, in its matrix form."""
    A, Z = [X], []
    for k, (W, b) in enumerate(layers):
        Z.append(A[-1] @ W + b)
        A.append(bend(Z[-1]) if k < len(layers) - 1 else Z[-1])
    P = np.exp(Z[-1])
    P /= P.sum(axis=1, keepdims=True)
    D = (P - np.eye(P.shape[1])[labels]) / len(X)
    out = []
    for k in range(len(layers) - 1, -1, -1):
        out.insert(0, (A[k].T @ D, D.sum(axis=0)))
        if k:
            D = (D @ layers[k][0].T) * slope(Z[k - 1])
    return out


@pytest.mark.theorem("thm-net-softmax")
@pytest.mark.parametrize("seed", range(4))
def test_probability_minus_label_is_the_slope(seed):
    rng = np.random.default_rng(seed)
    z, right = 3 * rng.standard_normal(5), int(rng.integers(5))

    def cross_entropy(z):
        return -math.log(math.exp(z[right]) / sum(math.exp(s) for s in z))

    p = [math.exp(s) / sum(math.exp(v) for v in z) for s in z]
    found = []
    for i in range(5):
        step = 1e-5 * (np.arange(5) == i)
        found.append((cross_entropy(z + step) - cross_entropy(z - step)) / 2e-5)
        assert found[i] == pytest.approx(p[i] - (i == right), abs=1e-8)
    assert sum(found) == pytest.approx(0, abs=1e-8)
    assert max(abs(v) for v in found) <= 1


@pytest.mark.theorem("thm-net-softmax")
def test_a_confident_mistake_has_the_largest_slope():
    slopes = [abs(math.exp(s) / (1 + math.exp(s)) - 1) for s in (-20, -2, 0, 2, 20)]
    assert slopes == sorted(slopes, reverse=True)
    assert slopes[0] == pytest.approx(1)
    assert slopes[-1] < 1e-8


@pytest.mark.theorem("thm-net-backprop")
@pytest.mark.parametrize("widths", [(3, 4, 2), (2, 3, 3, 3), (4, 2)])
def test_every_slope_is_what_a_small_change_of_the_weight_gives(widths):
    layers = network(widths, 1)
    rng = np.random.default_rng(2)
    X, labels = rng.standard_normal((5, widths[0])), rng.integers(widths[-1], size=5)
    by_rule = gradient(layers, X, labels)
    for pair, slopes in zip(layers, by_rule, strict=True):
        for array, expected in zip(pair, slopes, strict=True):
            for place in np.ndindex(array.shape):
                old = array[place]
                ends = []
                for change in (1e-5, -1e-5):
                    array[place] = old + change
                    ends.append(loss(layers, X, labels))
                array[place] = old
                assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(expected[place], abs=1e-8)


@pytest.mark.theorem("thm-net-cost")
@pytest.mark.parametrize(("widths", "B"), [((5, 4, 3), 2), ((3, 6, 2, 4), 5), ((7, 2), 3)])
def test_products_are_counted_one_by_one(widths, B):
    weights = [Counted([[1] * b for _ in range(a)]) for a, b in pairwise(widths)]
    Counted.products = 0
    A = [Counted([[1] * widths[0] for _ in range(B)])]
    for W in weights:
        A.append(A[-1] @ W)
    forwards = Counted.products
    assert forwards == B * sum(a * b for a, b in pairwise(widths))
    D = A.pop()
    for k in range(len(weights) - 1, -1, -1):
        assert len((A[k].T @ D).rows) == widths[k]
        if k:
            D = D @ weights[k].T
    assert Counted.products == 3 * forwards - B * widths[0] * widths[1]
    assert Counted.products < 3 * forwards


@pytest.mark.theorem("thm-net-differences")
def test_the_bound_holds_and_is_attained():
    # For a cubic f''' is a constant M, and an error of e that differs in sign adds all of it.
    M, e = Fraction(7), Fraction(1, 10**6)

    def off(h, x=Fraction(3, 10)):
        def f(v, sign):
            return M * v**3 / 6 - 2 * v**2 + v + sign * e

        exact = M * x**2 / 2 - 4 * x + 1
        return abs((f(x + h, 1) - f(x - h, -1)) / (2 * h) - exact)

    for h in (Fraction(1, 1000), Fraction(1, 100), Fraction(1, 10)):
        assert off(h) == M * h**2 / 6 + e / h
    best = float(3 * e / M) ** (1 / 3)
    at_best = float(M) * best**2 / 2
    for h in np.geomspace(best / 100, best * 100, 401):
        assert float(M) * h**2 / 6 + float(e) / h >= at_best * (1 - 1e-12)
    assert float(M) * best**2 / 6 + float(e) / best == pytest.approx(at_best)


@pytest.mark.theorem("thm-net-differences")
def test_halving_the_step_quarters_one_error_and_doubles_the_other():
    exact = math.cos(1.0)

    def off(h):
        return abs((math.sin(1 + h) - math.sin(1 - h)) / (2 * h) - exact)

    assert off(1e-2) / off(5e-3) == pytest.approx(4, rel=1e-3)
    rounding = [np.median([off(h * s) for s in np.linspace(1, 1.1, 101)]) for h in (1e-11, 1e-9)]
    assert 30 < rounding[0] / rounding[1] < 300
    best = (3 * 1.1e-16 / exact) ** (1 / 3)
    assert 1e-6 < best < 1e-5
    assert (
        off(best) < 1e-9 < min(off(1e-2), np.median([off(1e-12 * s) for s in (1, 1.1, 1.3, 1.7)]))
    )


@pytest.mark.theorem("thm-net-symmetry")
@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_equal_units_stay_equal_in_exact_sums(rule):
    # Three units of which two are equal; plain loops round both alike, as BLAS need not.
    rng = np.random.default_rng(3)
    layers = network((3, 3, 2), 4)
    (W1, b1), (W2, _) = layers
    W1[:, 1], b1[1], W2[1] = W1[:, 0], b1[0], W2[0]
    other = W1[:, 2].copy()
    state = [[np.zeros_like(a), np.zeros_like(a)] for pair in layers for a in pair]
    for t in range(1, 31):
        X, labels = rng.standard_normal((4, 3)), rng.integers(2, size=4)
        slopes = [plain(layers, X, labels, array) for pair in layers for array in pair]
        for array, g, kept in zip([a for pair in layers for a in pair], slopes, state, strict=True):
            if rule == "momentum":
                kept[0][...] = 0.9 * kept[0] + g
                array -= 0.05 * kept[0]
            else:
                kept[0][...] = 0.9 * kept[0] + 0.1 * g
                kept[1][...] = 0.99 * kept[1] + 0.01 * g * g
                array -= 0.02 * kept[0] / (1 - 0.9**t) / (np.sqrt(kept[1] / (1 - 0.99**t)) + 1e-8)
    np.testing.assert_array_equal(W1[:, 0], W1[:, 1])
    np.testing.assert_array_equal(W2[0], W2[1])
    assert b1[0] == b1[1]
    assert np.abs(W1[:, 2] - other).max() > 0.01
    assert np.abs(W1[:, 0] - W1[:, 2]).max() > 0.01


def plain(layers, X, labels, wanted):
    """The slopes by one array of a tanh network with one hidden layer, by loops in one order."""
    (W1, b1), (W2, b2) = layers
    out = np.zeros_like(wanted)
    for image, label in zip(X, labels, strict=True):
        a = [
            math.tanh(sum(image[i] * W1[i, j] for i in range(len(image))) + b1[j])
            for j in range(len(b1))
        ]
        z = [sum(a[j] * W2[j, c] for j in range(len(a))) + b2[c] for c in range(len(b2))]
        total = sum(math.exp(s) for s in z)
        error = [math.exp(s) / total - (c == label) for c, s in enumerate(z)]
        for j in range(len(a)):
            back = sum(error[c] * W2[j, c] for c in range(len(z))) * (1 - a[j] ** 2)
            for c in range(len(z)):
                if wanted is W2:
                    out[j, c] += a[j] * error[c] / len(X)
            if wanted is b1:
                out[j] += back / len(X)
            if wanted is W1:
                out[:, j] += back * image / len(X)
        if wanted is b2:
            out += np.array(error) / len(X)
    return out


@pytest.mark.theorem("thm-net-symmetry")
@pytest.mark.parametrize(("bend", "slope"), [
    (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
])  # fmt: skip
def test_from_zero_only_the_last_biases_move(bend, slope):
    rng = np.random.default_rng(5)
    layers = [(np.zeros((a, b)), np.zeros(b)) for a, b in ((4, 3), (3, 3), (3, 2))]
    for _ in range(20):
        X, labels = rng.standard_normal((6, 4)), (rng.random(6) < 0.8).astype(int)
        for (W, b), (gW, gb) in zip(layers, gradient(layers, X, labels, bend, slope), strict=True):
            W -= 0.1 * gW
            b -= 0.1 * gb
    arrays = [array for pair in layers for array in pair]
    assert all((array == 0).all() for array in arrays[:-1])
    assert arrays[-1][1] > 0.1 > -0.1 > arrays[-1][0]


@pytest.mark.theorem("thm-net-scale")
def test_the_mean_square_by_enumerating_all_signs():
    # Weights of -s or s with equal chances: symmetric, variance s^2. All of them, exactly.
    a = [Fraction(v) for v in (3, -1, 2, 5)]
    n, s2 = len(a), Fraction(2, 4)
    before, after = Fraction(0), Fraction(0)
    for signs in product((-1, 1), repeat=n):
        z = sum(sign * v for sign, v in zip(signs, a, strict=True))  # times s, taken out
        before += s2 * z * z
        after += s2 * max(z, 0) ** 2
    count = 2**n
    mean_square = sum(v * v for v in a) / n
    assert before / count == s2 * n * mean_square
    assert after / count == before / count / 2 == mean_square


@pytest.mark.theorem("thm-net-scale")
def test_weights_that_lean_to_one_side_are_not_halved():
    a, kept, whole = [1.0, 2.0], 0.0, 0.0
    for w in product((-0.5, 2.0), repeat=2):  # mean 0 with chances 4/5 and 1/5, not symmetric
        chance = math.prod(0.8 if v < 0 else 0.2 for v in w)
        z = sum(p * q for p, q in zip(a, w, strict=True))
        kept += chance * max(z, 0) ** 2
        whole += chance * z * z
    assert whole == pytest.approx(1.0 * 5)
    assert kept / whole > 0.6


@pytest.mark.theorem("thm-net-dead")
def test_a_unit_that_is_negative_everywhere_never_moves_again():
    rng = np.random.default_rng(6)
    X, labels = rng.random((30, 4)), rng.integers(3, size=30)
    layers = network((4, 5, 3), 7)
    (W1, b1), (W2, _) = layers
    b1[2] = -20.0
    assert (X @ W1[:, 2] + b1[2]).max() < 0
    before, others, outgoing = W1[:, 2].copy(), W1.copy(), W2[2].copy()
    for _ in range(200):
        found = gradient(layers, X, labels, lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0)
        assert (found[0][0][:, 2] == 0).all()
        assert found[0][1][2] == 0
        for (W, b), (gW, gb) in zip(layers, found, strict=True):
            W -= 0.3 * gW
            b -= 0.3 * gb
    np.testing.assert_array_equal(W1[:, 2], before)
    np.testing.assert_array_equal(W2[2], outgoing)
    assert b1[2] == -20.0
    assert np.abs(W1 - others).max() > 0.05
