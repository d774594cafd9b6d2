r"""Minibatches: which examples a step sees."""

from __future__ import annotations

from typing import Any

import numpy as np

from optedu import validate

__all__ = ["Minibatches"]

SAMPLING = ("epochs", "with_replacement", "without_replacement")


class Minibatches:
    r"""Draws the examples of each step.

    Parameters
    ----------
    examples : int
        Number of examples, N.
    batch_size : int
        B, from 1 to N.
    sampling : {"epochs", "with_replacement", "without_replacement"}
        Walk through all examples in an order shuffled anew each epoch (what is left of an epoch
        after its last full batch is skipped); or draw every batch afresh.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.
    """

    def __init__(self, examples: int, batch_size: int, sampling: str = "epochs") -> None:
        self.examples = examples
        self.batch_size = validate.count("batch_size", batch_size, minimum=1)
        if self.batch_size > examples:
            raise ValueError(f"batch_size must be at most {examples}, got {batch_size}")
        self.sampling = validate.choice("sampling", sampling, SAMPLING)
        self.steps_per_epoch = examples // self.batch_size
        self._shuffled: tuple[object, np.ndarray] = (None, np.empty(0, dtype=int))

    def draw(self, rng: np.random.Generator, t: int) -> np.ndarray:
        r"""Return the indices of the examples of step `t`, counted from 1."""
        if self.sampling == "with_replacement":
            return rng.integers(self.examples, size=self.batch_size)
        if self.sampling == "without_replacement":
            return rng.choice(self.examples, size=self.batch_size, replace=False)
        epoch, position = divmod(t - 1, self.steps_per_epoch)
        order = self._order(rng, epoch)
        return order[position * self.batch_size : (position + 1) * self.batch_size]

    def _order(self, rng: np.random.Generator, epoch: int) -> np.ndarray:
        # From the generator's seed and the epoch alone: two runs that take turns on one problem
        # don't disturb each other. The last order is kept only to save time.
        seed: Any = rng.bit_generator.seed_seq
        key = (repr(seed.entropy), seed.spawn_key, epoch)
        if self._shuffled[0] != key:
            child = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, epoch))
            order = np.random.default_rng(child).permutation(self.examples)
            self._shuffled = (key, order)
        return self._shuffled[1]
