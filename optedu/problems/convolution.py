r"""A small convolution net: a layer multiplies the patches of an image by its weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from optedu import validate
from optedu.arrays import namespace
from optedu.problems import datasets
from optedu.problems.models import find_data
from optedu.problems.network import ACTIVATIONS, Network, widths

__all__ = ["ConvNet", "convnet"]

_DATA = {"mnist": datasets.mnist, "digits": datasets.digits}


class ConvNet(Network):
    r"""Mean cross-entropy of a convolution net, as a function of all its weights.

    Each convolution looks at patches of `size` x `size` pixels, `stride` apart, and the last layer
    at all that the convolutions leave. The parameters are one flat vector: for each layer the
    weights, of shape `(inputs, outputs)`, then the biases. The inputs of a convolution are the
    patch's pixels row by row, and of each pixel its channels.

    Attributes
    ----------
    channels : tuple of int
        Of the convolutions.
    size, stride : int
        Of the patches.
    sides : tuple of int
        The side of the image, and of what each convolution leaves.
    activation : str
        Of the convolutions.
    l2 : float
        Weight of the L2 term.
    """

    _most = 256

    def __init__(
        self,
        data: datasets.Data,
        channels: tuple[int, ...],
        size: int,
        stride: int,
        activation: str,
        l2: float,
        seed: int,
        batch_size: int | None,
        sampling: str,
    ) -> None:
        side = math.isqrt(data.X.shape[1])
        if side * side != data.X.shape[1]:
            raise ValueError(f"data must be square images, got {data.X.shape[1]} features")
        sides, depth = [side], [1, *channels]
        for _ in channels:
            if size > sides[-1]:
                raise ValueError(
                    f"size must be at most {sides[-1]} for images of {sides[-1]} x {sides[-1]}, "
                    f"got {size}"
                )
            sides.append((sides[-1] - size) // stride + 1)
        self.channels, self.size, self.stride, self.sides = channels, size, stride, tuple(sides)
        self.shapes = [(size * size * a, b) for a, b in zip(depth[:-1], channels, strict=True)]
        self.shapes.append((sides[-1] ** 2 * depth[-1], data.classes))
        self.activation = activation
        self.l2 = l2
        self._depth = tuple(depth)
        self._learn_from(data, batch_size, sampling)
        self._describe(
            x0=self.initial(seed),
            name="convnet",
            title=f"a convolution net {'-'.join(map(str, channels))} on the {data.name} data",
        )

    # -- inside ----------------------------------------------------------------------------------

    # Between the convolutions the examples are the last axis, after channel and place: to shift an
    # image is then to copy whole runs of memory.

    def _layer(self, k: int, values: Any, weights: Any, biases: Any) -> tuple[Any, Any]:
        xp, sides = namespace(values), self.sides
        if k == len(self.channels):
            if k:
                shape = (*values.shape[:-4], self.shapes[k][0], values.shape[-1])
                values = xp.matrix_transpose(xp.reshape(values, shape))
            return super()._layer(k, values, weights, biases)
        if k == 0:
            values = self._images(values)
        patches = self._patches(k, values)
        columns = xp.reshape(patches, (*patches.shape[:-5], self.shapes[k][0], -1))
        shift = biases[:, None] if biases.ndim == 1 else xp.matrix_transpose(biases)
        z = xp.matmul(xp.matrix_transpose(weights), columns) + shift
        return xp.reshape(z, (*z.shape[:-1], sides[k + 1], sides[k + 1], -1)), columns

    def _back(self, k: int, kept: Any, weights: Any, delta: Any) -> tuple[Any, Any, Any]:
        xp, side, depth = namespace(delta), self.sides[k], self._depth[k]
        if k == len(self.channels):
            by_weights, by_biases, by_rows = super()._back(k, kept, weights, delta)
            if k:
                shape = (*by_rows.shape[:-2], depth, side, side, by_rows.shape[-2])
                by_rows = xp.reshape(xp.matrix_transpose(by_rows), shape)
            return by_weights, by_biases, by_rows
        columns = xp.reshape(delta, (*delta.shape[:-3], -1))
        by_weights = xp.matmul(kept, xp.matrix_transpose(columns))
        by_biases = xp.sum(columns, axis=-1)
        if columns.ndim == 3:
            by_biases = by_biases[:, None, :]
        return by_weights, by_biases, self._images_of(k, xp.matmul(weights, columns)) if k else None

    def _images(self, features: Any) -> Any:
        xp, side = namespace(features), self.sides[0]
        *runs, count, _ = features.shape
        images = xp.empty(
            (*runs, 1, side, side, count), dtype=features.dtype, device=features.device
        )
        images[...] = xp.reshape(xp.matrix_transpose(features), images.shape)
        return images

    def _patches(self, k: int, images: Any) -> Any:
        r"""Return the patches of images: pixel of the patch, channel, place and example."""
        xp, after = namespace(images), self.sides[k + 1]
        *runs, depth, _, _, count = images.shape
        shape = (*runs, self.size**2, depth, after, after, count)
        patches = xp.empty(shape, dtype=images.dtype, device=images.device)
        for i, shift in enumerate(self._shifts(k)):
            patches[..., i, :, :, :, :] = images[shift]
        return patches

    def _images_of(self, k: int, columns: Any) -> Any:
        r"""Return the adjoint of the patches: each is added where it was read."""
        xp, before, after, depth = namespace(columns), *self.sides[k : k + 2], self._depth[k]
        runs = columns.shape[:-2]
        patches = xp.reshape(columns, (*runs, self.size**2, depth, after, after, -1))
        shape = (*runs, depth, before, before, patches.shape[-1])
        images = xp.zeros(shape, dtype=columns.dtype, device=columns.device)
        for i, shift in enumerate(self._shifts(k)):
            images[shift] = images[shift] + patches[..., i, :, :, :, :]
        return images

    def _shifts(self, k: int) -> list[Any]:
        r"""Return for each pixel of a patch where that pixel lies, in all patches of an image."""
        reach = self.stride * (self.sides[k + 1] - 1) + 1
        return [
            (..., slice(i, i + reach, self.stride), slice(j, j + reach, self.stride), slice(None))
            for i in range(self.size)
            for j in range(self.size)
        ]


def convnet(
    channels: Sequence[int] = (8, 16),
    *,
    data: Any = "mnist",
    size: int = 5,
    stride: int = 2,
    activation: str = "relu",
    l2: float = 0.0,
    batch_size: int | None = 64,
    sampling: str = "epochs",
    seed: int = 0,
) -> ConvNet:
    r"""Return a small convolution net on real digits, as a problem in its flat parameters.

    Parameters
    ----------
    channels : sequence of int
        Of each convolution; an empty one makes softmax regression.
    data : {"mnist", "digits"} or Data
        What it learns: square images.
    size, stride : int
        Side of the patches, in pixels, and how far apart they are.
    activation : {"relu", "tanh"}
        Of the convolutions.
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
        If an argument has a wrong kind or range, or a patch is larger than the image.

    Examples
    --------
    >>> problem = optedu.problems.convnet((4, 8), data="digits", size=3, stride=1)
    >>> problem.sides
    (8, 6, 4)
    >>> run = optedu.minimize(problem, optimizer="adam", lr=0.01, steps=100, record=False)
    >>> problem.accuracy(run.x[-1]) > 0.9
    True
    """
    depths = widths("channels", channels)
    size = validate.count("size", size, minimum=1)
    stride = validate.count("stride", stride, minimum=1)
    validate.choice("activation", activation, ACTIVATIONS)
    l2 = validate.nonnegative("l2", l2)
    found = find_data(data, _DATA)
    return ConvNet(found, depths, size, stride, activation, l2, seed, batch_size, sampling)
