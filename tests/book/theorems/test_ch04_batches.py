"""The statements of chapter 4, by fractions, by enumeration, by recursions of these tests alone."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest

GRADS = [Fraction(v) for v in (3, -1, 4, 1, 5)]
MEAN = sum(GRADS) / len(GRADS)
SIGMA2 = sum((g - MEAN) ** 2 for g in GRADS) / len(GRADS)


def moments(batches, size):
    means = [sum(batch) / size for batch in batches]
    mean = sum(means) / len(means)
    return mean, sum((m - mean) ** 2 for m in means) / len(means)


@pytest.mark.theorem("thm-batch-unbiased")
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_mean_over_all_minibatches_is_the_gradient(size):
    assert moments(list(product(GRADS, repeat=size)), size)[0] == MEAN
    assert moments(list(combinations(GRADS, size)), size)[0] == MEAN


@pytest.mark.theorem("thm-batch-variance")
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_variance_over_all_minibatches_is_the_stated_one(size):
    n = len(GRADS)
    assert moments(list(product(GRADS, repeat=size)), size)[1] == SIGMA2 / size
    stated = SIGMA2 / size * Fraction(n - size, n - 1)
    assert moments(list(combinations(GRADS, size)), size)[1] == stated


@pytest.mark.theorem("thm-batch-floor")
@pytest.mark.parametrize(("h", "rate", "size"), [(1.0, 0.1, 1), (3.0, 0.6, 4), (0.2, 5.0, 32)])
def test_the_mean_square_goes_to_the_floor_from_both_sides(h, rate, size):
    floor = rate * 2.0 / (size * h * (2 - rate * h))
    for start in (0.0, 100 * floor):
        # E[x_t^2] written out: what is left of the start, and of each noise its own weight.
        t = 2000
        q = 1 - rate * h
        square = q ** (2 * t) * start + sum((rate * q**k) ** 2 for k in range(t)) * 2.0 / size
        assert square == pytest.approx(floor, rel=1e-9)
    assert abs(1 - 2.01 / h * h) > 1  # just above the ceiling nothing converges


@pytest.mark.theorem("thm-batch-average")
@pytest.mark.parametrize("rate", [0.05, 0.5, 1.0, 1.5])
def test_the_mean_of_the_points_forgets_the_rate(rate):
    h, size, T, start = 1.2, 3, 2_000_000, 2.0
    q = 1 - rate * h
    # The mean is linear in the noises: xi_s enters the points from s on, so it weighs
    # -rate * (1 + q + ... + q^(T - 1 - s)) / T; the start weighs (1 + q + ... + q^(T - 1)) / T.
    left = T - 1 - np.arange(1, T)
    noise = -rate * (1 - q ** (left + 1)) / (1 - q) / T
    square = (noise**2).sum() / size + (start * (1 - q**T) / (1 - q) / T) ** 2
    assert T * square == pytest.approx(1 / (size * h**2), rel=5e-3)


@pytest.mark.theorem("thm-batch-critical")
def test_the_best_step_gains_what_the_critical_batch_size_says():
    rng = np.random.default_rng(3)
    for _ in range(20):
        root, noise = rng.normal(size=(2, 3, 3))
        H, S, x = root @ root.T, noise @ noise.T, rng.normal(size=3)
        g, ends = H @ x, np.vstack([np.eye(3), -np.eye(3)]) * np.sqrt(3)
        bn = np.trace(H @ S) / (g @ H @ g)
        for size in (1, 7, 64):
            # Six equally likely errors with exactly the covariance S / size.
            errors = ends @ np.linalg.cholesky(S).T / np.sqrt(size)
            rates = np.linspace(0, 2 * (g @ g) / (g @ H @ g), 20_001)
            steps = x - rates[:, None, None] * (g + errors)
            after = (np.einsum("kei,ij,kej->ke", steps, H, steps) / 2).mean(axis=1)
            gain = (x @ H @ x / 2 - after).max()
            stated = (g @ g) ** 2 / (2 * g @ H @ g) / (1 + bn / size)
            assert gain == pytest.approx(stated, rel=1e-4)


def test_the_frameworks_deal_out_batches_as_the_table_says():
    torch = pytest.importorskip("torch")
    loader = torch.utils.data.DataLoader(range(10), batch_size=4)
    assert [batch.tolist() for batch in loader] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert torch.nn.MSELoss().reduction == torch.nn.CrossEntropyLoss().reduction == "mean"


def test_scikit_learn_shuffles_unless_told_otherwise():
    from sklearn.linear_model import SGDClassifier

    assert SGDClassifier().shuffle
