r"""Networks with their gradient by backpropagation, written out; the multilayer perceptron."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from optedu import validate
from optedu.arrays import namespace
from optedu.problems import datasets
from optedu.problems.models import Model, find_data

__all__ = ["ACTIVATIONS", "MLP", "Network", "mlp", "widths"]

_DATA = {
    "digits": datasets.digits,
    "breast_cancer": datasets.breast_cancer,
    "mnist": datasets.mnist,
}
ACTIVATIONS = ("relu", "tanh")


class Network(Model):
    r"""Mean cross-entropy of a chain of layers, as a function of all their weights.

    A layer multiplies numbers by its weights, adds its biases and, but for the last layer, applies
    the activation. Which numbers, of the values of the layer before, is for `_layer` and `_back` to
    say. The parameters are one flat vector: for each layer the weights, of shape `(inputs,
    outputs)`, then the biases.

    Attributes
    ----------
    shapes : list of pair of int
        Inputs and outputs of each layer's weights.
    activation : str
        Of the hidden layers.
    l2 : float
        Weight of the L2 term.
    """

    shapes: list[tuple[int, int]]
    activation: str
    l2: float
    # Examples at a time, where all of them at once would take too much memory.
    _most: int | None = None

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
        for inputs, outputs in self.shapes:
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
        for inputs, outputs in self.shapes:
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
        xp = namespace(self._checked(x))
        parts = [self._forward(x, some)[-1] for some in self._portions(features)]
        return parts[0] if len(parts) == 1 else xp.concat(parts, axis=-2)

    def predict(self, x: Any, features: Any) -> Any:
        xp = namespace(self._checked(x))
        classes = xp.argmax(self.scores(x, features), axis=-1)
        return classes[:, None] if x.ndim == 1 else xp.matrix_transpose(classes)

    def f(self, x: Any, batch: Any = None) -> Any:
        r"""Return the objective at `x`, on a batch where one is given.

        Parameters
        ----------
        x : array
            Of shape `(dim,)` or `(dim, runs)`, floating point, of any array namespace.
        batch : array of int, optional
            Indices of examples, of shape `(examples,)`, or `(examples, runs)`, where each run sees
            its own.

        Returns
        -------
        array or float
            Of shape `()` or `(runs,)`.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong kind, shape or value.
        """
        features, labels = self._batch(self._checked(x), batch)
        xp = namespace(x)
        chosen: Any = 0
        for some, wanted in self._portions(features, labels):
            log_probabilities = _log_softmax(xp, self._forward(x, some)[-1])
            chosen = chosen + xp.sum(log_probabilities * self._one_hot(x, wanted), axis=(-2, -1))
        return -chosen / labels.shape[-1] + self.l2 / 2 * xp.sum(x * x, axis=0)

    def grad(self, x: Any, batch: Any = None) -> Any:
        r"""Return the gradient of `f`, by backpropagation, in the shape and dtype of `x`.

        The arguments are those of `f`, and so are the errors.
        """
        features, labels = self._batch(self._checked(x), batch)
        xp = namespace(x)
        layers = self.unpack(x)
        gradient = self.l2 * x
        for some, wanted in self._portions(features, labels):
            kept: list[Any] = []
            values = self._forward(x, some, kept)
            # Cross-entropy after softmax: the derivative by the scores is probability - target.
            delta = xp.exp(_log_softmax(xp, values[-1])) - self._one_hot(x, wanted)
            delta = delta / labels.shape[-1]
            parts = []
            for k in range(len(layers) - 1, -1, -1):
                weights, biases, before = self._back(k, kept[k], layers[k][0], delta)
                parts += [biases, weights]
                if k > 0:
                    if self.activation == "tanh":
                        delta = before * (1 - values[k] * values[k])
                    else:
                        delta = xp.where(values[k] > 0, before, xp.zeros_like(before))
            gradient = gradient + xp.concat([_flat(xp, p, x) for p in reversed(parts)], axis=0)
        return gradient

    # -- inside ----------------------------------------------------------------------------------

    def _layer(self, k: int, values: Any, weights: Any, biases: Any) -> tuple[Any, Any]:
        r"""Return what layer `k` makes of the values before it, and what `_back` needs of them."""
        return namespace(values).matmul(values, weights) + biases, values

    def _back(self, k: int, kept: Any, weights: Any, delta: Any) -> tuple[Any, Any, Any]:
        r"""Return the derivatives by weights, biases and, but for the first layer, the values.

        `delta` is the derivative by what the layer returned.
        """
        xp = namespace(delta)
        by_weights = xp.matmul(xp.matrix_transpose(kept), delta)
        by_values = xp.matmul(delta, xp.matrix_transpose(weights)) if k else None
        return by_weights, xp.sum(delta, axis=-2), by_values

    def _forward(self, x: Any, features: Any, kept: list[Any] | None = None) -> list[Any]:
        r"""Return the values of each layer, then the scores; add what `_back` needs to a list."""
        xp = namespace(x)
        layers = self.unpack(x)
        values = [features]
        for k, (weights, biases) in enumerate(layers):
            z, needed = self._layer(k, values[-1], weights, biases)
            if kept is not None:
                kept.append(needed)
            if k == len(layers) - 1:
                values.append(z)
            elif self.activation == "tanh":
                values.append(xp.tanh(z))
            else:
                values.append(xp.where(z > 0, z, xp.zeros_like(z)))
        return values

    def _portions(self, features: Any, labels: Any = None) -> Iterator[Any]:
        r"""Yield the examples a portion at a time, with their labels where those are given."""
        count = features.shape[-2]
        most = self._most or count
        for start in range(0, count, most):
            stop = min(start + most, count)
            some = features if count <= most else features[..., start:stop, :]
            if labels is None:
                yield some
            else:
                yield some, labels if count <= most else labels[..., start:stop]

    def _batch(self, x: Any, batch: Any) -> tuple[Any, Any]:
        if getattr(batch, "ndim", 1) != 2:
            return super()._batch(x, batch)
        runs = x.shape[1] if x.ndim == 2 else 0
        if batch.shape[1] != runs:
            raise ValueError(
                f"batch must have shape (examples,) or (examples, {runs}) for x of shape "
                f"{tuple(x.shape)}, got {tuple(batch.shape)}"
            )
        xp = namespace(x)
        features, labels = super()._batch(x, np.reshape(np.asarray(batch).T, (-1,)))
        examples = (runs, batch.shape[0])
        return xp.reshape(features, (*examples, -1)), xp.reshape(labels, examples)

    def _one_hot(self, x: Any, labels: Any) -> Any:
        xp = namespace(x)
        return xp.astype(labels[..., None] == xp.arange(self.data.classes), x.dtype)


def _log_softmax(xp: Any, scores: Any) -> Any:
    # Shifted by the largest score: nothing overflows.
    shifted = scores - xp.max(scores, axis=-1, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=-1, keepdims=True))


def _flat(xp: Any, part: Any, x: Any) -> Any:
    if x.ndim == 1:
        return xp.reshape(part, (-1,))
    return xp.reshape(xp.moveaxis(part, 0, -1), (-1, x.shape[1]))


class MLP(Network):
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
        self.shapes = list(zip(self.sizes[:-1], self.sizes[1:], strict=True))
        self.activation = activation
        self.l2 = l2
        self._learn_from(data, batch_size, sampling)
        self._describe(
            x0=self.initial(seed),
            name="mlp",
            title=f"a perceptron {'-'.join(map(str, self.sizes))} on the {data.name} data",
        )


def widths(name: str, given: Any) -> tuple[int, ...]:
    r"""Return a sequence of whole numbers, each at least 1, as a tuple.

    Raises
    ------
    TypeError, ValueError
        If it is anything else; the message names it.
    """
    if isinstance(given, (str, bytes)) or not isinstance(given, Sequence):
        raise TypeError(f"{name} must be a sequence of integers, got {given!r}")
    return tuple(validate.count(name, width, minimum=1) for width in given)


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
    data : {"digits", "breast_cancer", "mnist"} or Data
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
    sizes = widths("hidden", hidden)
    validate.choice("activation", activation, ACTIVATIONS)
    l2 = validate.nonnegative("l2", l2)
    return MLP(find_data(data, _DATA), sizes, activation, l2, seed, batch_size, sampling)
