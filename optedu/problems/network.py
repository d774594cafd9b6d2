r"""A multilayer perceptron with its gradient by backpropagation, written out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from optedu import validate
from optedu.arrays import namespace
from optedu.problems import datasets
from optedu.problems.models import Model, find_data

__all__ = ["MLP", "mlp"]

_DATA = {"digits": datasets.digits, "breast_cancer": datasets.breast_cancer}
ACTIVATIONS = ("relu", "tanh")


class MLP(Model):
    r"""Mean cross-entropy of a multilayer perceptron, as a function of all its weights.

    The parameters are one flat vector: for each layer the weights, of shape `(inputs, outputs)`,
    then the biases.

    Attributes
    ----------
    sizes : tuple of int
        Widths of the layers, from the features to the classes.
    activation : str
        Of the hidden layers.
    l2 : float
        Weight of the L2 term.
    """

    def __init__(
        self,
        data: datasets.Data,
        hidden: tuple[int, ...],
        activation: str,
        l2: float,
        seed: int,
        batch_size: int | None,
        sampling: str,
    ) -> None:
        self.sizes = (data.X.shape[1], *hidden, data.classes)
        self.activation = activation
        self.l2 = l2
        self._learn_from(data, batch_size, sampling)
        self._describe(
            x0=self.initial(seed),
            name="mlp",
            title=f"a perceptron {'-'.join(map(str, self.sizes))} on the {data.name} data",
        )

    def initial(self, seed: int = 0) -> np.ndarray:
        r"""Return random initial parameters: normal weights that keep the scale of the signal.

        The variance is 2 / inputs for ReLU (He et al. 2015) and 1 / inputs for tanh; biases are 0.

        Raises
        ------
        TypeError, ValueError
            If `seed` is no whole number, at least 0.
        """
        rng = np.random.default_rng(validate.count("seed", seed))
        gain = 2.0 if self.activation == "relu" else 1.0
        parts = []
        for inputs, outputs in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            scale = math.sqrt(gain / inputs)
            parts += [scale * rng.standard_normal(inputs * outputs), np.zeros(outputs)]
        return np.concatenate(parts)

    def unpack(self, x: Any) -> list[tuple[Any, Any]]:
        r"""Return weights and biases of each layer, as views of the flat parameters where possible.

        Of shape `(inputs, outputs)` and `(outputs,)`; for `(dim, runs)`, the runs come first.

        Raises
        ------
        TypeError, ValueError
            If `x` is no floating-point array, or not of shape `(dim,)` or `(dim, runs)`.
        """
        xp = namespace(self._checked(x))
        layers = []
        start = 0
        for inputs, outputs in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            middle, end = start + inputs * outputs, start + (inputs + 1) * outputs
            weights, biases = x[start:middle, ...], x[middle:end, ...]
            if x.ndim == 1:
                layers.append((xp.reshape(weights, (inputs, outputs)), biases))
            else:
                weights = xp.reshape(weights, (inputs, outputs, x.shape[1]))
                layers.append((xp.moveaxis(weights, -1, 0), xp.moveaxis(biases, -1, 0)[:, None, :]))
            start = end
        return layers

    def scores(self, x: Any, features: Any) -> Any:
        r"""Return the scores of the classes, of shape `(examples, classes)` or `(runs, ...)`."""
        self._check_features(features)
        return self._forward(x, features)[-1]

    def predict(self, x: Any, features: Any) -> Any:
        xp = namespace(self._checked(x))
        classes = xp.argmax(self.scores(x, features), axis=-1)
        return classes[:, None] if x.ndim == 1 else xp.matrix_transpose(classes)

    def f(self, x: Any, batch: Any = None) -> Any:
        features, labels = self._batch(self._checked(x), batch)
        xp = namespace(x)
        log_probabilities = _log_softmax(xp, self._forward(x, features)[-1])
        chosen = xp.sum(log_probabilities * self._one_hot(x, labels), axis=-1)
        return -xp.mean(chosen, axis=-1) + self.l2 / 2 * xp.sum(x * x, axis=0)

    def grad(self, x: Any, batch: Any = None) -> Any:
        features, labels = self._batch(self._checked(x), batch)
        xp = namespace(x)
        layers = self.unpack(x)
        values = self._forward(x, features)
        # Cross-entropy after softmax: the derivative by the scores is probability - target.
        delta = xp.exp(_log_softmax(xp, values[-1])) - self._one_hot(x, labels)
        delta = delta / labels.shape[0]
        parts = []
        for k in range(len(layers) - 1, -1, -1):
            weights = xp.matmul(xp.matrix_transpose(values[k]), delta)
            parts += [xp.sum(delta, axis=-2), weights]
            if k > 0:
                delta = xp.matmul(delta, xp.matrix_transpose(layers[k][0]))
                if self.activation == "tanh":
                    delta = delta * (1 - values[k] * values[k])
                else:
                    delta = xp.where(values[k] > 0, delta, xp.zeros_like(delta))
        if x.ndim == 1:
            flat = [xp.reshape(p, (-1,)) for p in reversed(parts)]
        else:
            flat = [xp.reshape(xp.moveaxis(p, 0, -1), (-1, x.shape[1])) for p in reversed(parts)]
        return xp.concat(flat, axis=0) + self.l2 * x

    # -- inside ----------------------------------------------------------------------------------

    def _forward(self, x: Any, features: Any) -> list[Any]:
        r"""Return the input of each layer, and at last the scores."""
        xp = namespace(x)
        layers = self.unpack(x)
        values = [features]
        for k, (weights, biases) in enumerate(layers):
            z = xp.matmul(values[-1], weights) + biases
            if k == len(layers) - 1:
                values.append(z)
            elif self.activation == "tanh":
                values.append(xp.tanh(z))
            else:
                values.append(xp.where(z > 0, z, xp.zeros_like(z)))
        return values

    def _one_hot(self, x: Any, labels: Any) -> Any:
        xp = namespace(x)
        return xp.astype(labels[:, None] == xp.arange(self.sizes[-1])[None, :], x.dtype)


def _log_softmax(xp: Any, scores: Any) -> Any:
    # Shifted by the largest score: nothing overflows.
    shifted = scores - xp.max(scores, axis=-1, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))


def mlp(
    hidden: Sequence[int] = (32,),
    *,
    data: Any = "digits",
    activation: str = "relu",
    l2: float = 0.0,
    batch_size: int | None = 64,
    sampling: str = "epochs",
    seed: int = 0,
) -> MLP:
    r"""Return a multilayer perceptron on real digits, as a problem in its flat parameters.

    Parameters
    ----------
    hidden : sequence of int
        Widths of the hidden layers; an empty one makes softmax regression.
    data : {"digits", "breast_cancer"} or Data
        What it learns.
    activation : {"relu", "tanh"}
        Of the hidden layers.
    l2 : float
        Weight of the L2 term, nonnegative.
    batch_size : int, optional
        Examples a step; `None` for all of them.
    sampling : {"epochs", "with_replacement", "without_replacement"}
        How a batch is drawn.
    seed : int
        Of the initial parameters `x0`.

    Raises
    ------
    ImportError
        If the data need a package that is missing.
    TypeError, ValueError
        If an argument has a wrong kind or range.

    Examples
    --------
    >>> problem = optedu.problems.mlp(hidden=(16,))
    >>> run = optedu.minimize(problem, optimizer="adam", lr=0.01, steps=200, record=50)
    >>> problem.accuracy(run.x[-1]) > 0.9
    True
    """
    if isinstance(hidden, (str, bytes)) or not isinstance(hidden, Sequence):
        raise TypeError(f"hidden must be a sequence of integers, got {hidden!r}")
    widths = tuple(validate.count("hidden", width, minimum=1) for width in hidden)
    validate.choice("activation", activation, ACTIVATIONS)
    l2 = validate.nonnegative("l2", l2)
    return MLP(find_data(data, _DATA), widths, activation, l2, seed, batch_size, sampling)
