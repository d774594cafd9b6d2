r"""What models on data share: arrays on the device of the parameters, batches, accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optedu.arrays import namespace, to_numpy
from optedu.problems.base import Problem, check_sample
from optedu.problems.datasets import Data
from optedu.problems.minibatch import SAMPLING, Minibatches
from optedu.validate import choice

__all__ = ["Model", "find_data"]


def find_data(data: Any, known: Mapping[str, Any]) -> Data:
    r"""Return the data of that name, or the data given.

    Raises
    ------
    TypeError, ValueError
        If `data` is neither a known name nor a `Data`.
    """
    return data if isinstance(data, Data) else known[choice("data", data, known)]()


class Model(Problem):
    r"""A model's mean loss over training examples, of which a step may see a batch.

    Subclasses define `scores(x, X)`, `f` and `grad`; those take a batch, an array of indices.

    Attributes
    ----------
    data : Data
        What it learns from and is tested on.
    batches : Minibatches or None
        How batches are drawn; without them the gradient is exact.
    """

    data: Data
    batches: Minibatches | None

    def _learn_from(self, data: Data, batch_size: int | None, sampling: str) -> None:
        self.data = data
        choice("sampling", sampling, SAMPLING)  # also where there are no batches to draw
        self.batches = (
            None if batch_size is None else Minibatches(len(data.y), batch_size, sampling)
        )
        self.stochastic = self.batches is not None
        self._moved: dict[Any, tuple[Any, Any]] = {}

    def sample(self, rng: np.random.Generator, t: int, runs: int | None = None) -> Any:
        r"""Return the indices of the examples of step `t`; all runs see the same."""
        check_sample(rng, t, runs)
        return None if self.batches is None else self.batches.draw(rng, t)

    def scores(self, x: Any, features: Any) -> Any:
        r"""Return the scores of examples, of shape `(examples, ..., classes)`.

        Parameters
        ----------
        x : array
            Parameters, of shape `(dim,)` or `(dim, runs)`.
        features : array
            Of shape `(examples, features)`, of the library and dtype of `x`.

        Raises
        ------
        TypeError, ValueError
            If an argument is no array, or of another shape.
        """
        raise NotImplementedError

    def accuracy(self, x: Any, split: str = "test") -> Any:
        r"""Return the share of examples that the parameters `x` classify rightly.

        Parameters
        ----------
        x : array
            Parameters, of shape `(dim,)` or `(dim, runs)`.
        split : {"test", "train"}
            On which examples.

        Returns
        -------
        float or numpy.ndarray
            One number, or one a run.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong kind, shape or value.
        """
        features, labels = self._arrays(self._checked(x), choice("split", split, ("test", "train")))
        right = to_numpy(self.predict(x, features)) == to_numpy(labels)[:, None]
        share = right.mean(axis=0)
        return float(share[0]) if x.ndim == 1 else share

    def predict(self, x: Any, features: Any) -> Any:
        r"""Return the class of each example, of shape `(examples, runs)`; `(dim,)` is one run.

        The arguments are those of `scores`, and so are the errors.
        """
        raise NotImplementedError

    # -- inside ----------------------------------------------------------------------------------

    def _check_features(self, features: Any) -> None:
        wanted = self.data.X.shape[1]
        shape = getattr(features, "shape", None)
        if shape is None:
            raise TypeError(f"features must be an array, got {type(features).__name__}")
        if len(shape) != 2 or shape[1] != wanted:
            raise ValueError(f"features must have shape (examples, {wanted}), got {tuple(shape)}")

    def _arrays(self, x: Any, split: str = "train") -> tuple[Any, Any]:
        r"""Return features and labels as arrays like `x`; moved once, then kept."""
        xp = namespace(x)
        key = (xp.__name__, str(x.dtype), split)
        if key not in self._moved:
            features = self.data.X if split == "train" else self.data.X_test
            labels = self.data.y if split == "train" else self.data.y_test
            if not isinstance(features, np.ndarray):
                # Only NumPy has the sparse form.
                features = features.astype(to_numpy(x).dtype) if xp is np else features.toarray()
            if isinstance(features, np.ndarray):
                features = xp.asarray(features, dtype=x.dtype)
            self._moved[key] = (features, xp.asarray(labels))
        return self._moved[key]

    def _batch(self, x: Any, batch: Any) -> tuple[Any, Any]:
        r"""Return the features and labels of a batch, or of all training examples."""
        features, labels = self._arrays(x)
        if batch is None:
            return features, labels
        xp = namespace(x)
        if xp is np:
            try:
                return features[batch], labels[batch]
            except (IndexError, TypeError, ValueError):
                raise ValueError(
                    f"batch must be an array of indices below {len(self.data.y)}, got {batch!r}"
                ) from None
        index = xp.asarray(batch)
        return xp.take(features, index, axis=0), xp.take(labels, index)
