r"""The figures' gradient noise in Python: the same numbers as in the script, from the same seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from optedu.problems import Problem
from optedu.symbols import batch_size
from optedu.web.figure import derived

__all__ = ["Disturbed", "normals"]

_MASK = 0xFFFFFFFF


def _multiply(a: int, b: int) -> int:
    return (a * b) & _MASK


def _uniforms(seed: int) -> Iterator[float]:
    r"""Yield numbers in [0, 1): the generator mulberry32, which JavaScript computes exactly too."""
    a = seed & _MASK
    while True:
        a = (a + 0x6D2B79F5) & _MASK
        z = _multiply(a ^ (a >> 15), a | 1)
        z ^= (z + _multiply(z ^ (z >> 7), z | 61)) & _MASK
        yield (z ^ (z >> 14)) / 4294967296


def normals(seed: int) -> Iterator[float]:
    r"""Yield standard normal numbers by the polar method (Marsaglia and Bray 1964)."""
    uniform = _uniforms(seed)
    while True:
        u, v = 2 * next(uniform) - 1, 2 * next(uniform) - 1
        s = u * u + v * v
        if 0 < s < 1:
            scale = math.sqrt(-2 * math.log(s) / s)
            yield u * scale
            yield v * scale


class Disturbed(Problem):
    r"""A problem whose gradient carries the noise of a figure; its batches are drawn in order.

    Parameters
    ----------
    problem : Problem
        The exact one.
    noise : float
        Standard deviation of one example's gradient in each coordinate.
    batch : int
        Examples averaged in a step.
    seed : int
        Seed of the noise; `minimize`'s own seed plays no part.
    """

    stochastic = True

    def __init__(self, problem: Any, noise: float, batch: int, seed: int) -> None:
        self._problem = problem
        self._normals = normals(seed)
        self._uniforms = _uniforms(seed)
        self._batch = batch
        std = derived.noise_std().subs({derived.NOISE: noise, batch_size: batch})
        self._noisy = noise > 0
        self._std = float(std) * getattr(problem, "spread", np.ones(problem.dim))
        super().__init__(
            problem.f,
            problem.grad,
            x0=problem.x0,
            name=problem.name,
            title=problem.title,
            minimizer=problem.minimizer,
            minimum=problem.minimum,
            minimizers=problem.minimizers,
            window=problem.window,
            bounds=problem.bounds,
            prox=problem.prox if problem.composite else None,
        )

    def sample(self, rng: np.random.Generator, t: int, runs: int | None = None) -> Any:
        r"""Return the inner problem's batch of the step, and the noise.

        Of a problem made of examples, the numbers of those drawn, with replacement.
        """
        noise = [next(self._normals) for _ in range(self.dim)] if self._noisy else [0.0] * self.dim
        count = getattr(self._problem, "examples", 0)
        if count:
            drawn = [int(count * next(self._uniforms)) for _ in range(self._batch)]
            return np.array(drawn), np.array(noise)
        return self._problem.sample(rng, t, runs), np.array(noise)

    def grad(self, x: Any, batch: Any = None) -> Any:
        if batch is None:
            return self._problem.grad(x)
        inner, noise = batch
        return self._problem.grad(x, inner) + self._std * noise
