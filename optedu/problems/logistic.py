r"""Logistic regression, dense or sparse."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from optedu import validate
from optedu.arrays import namespace, to_numpy
from optedu.problems import datasets
from optedu.problems.models import Model, find_data

__all__ = ["LogisticRegression", "logistic_regression"]

_DATA = {"breast_cancer": datasets.breast_cancer, "zipf": datasets.zipf_corpus}


class LogisticRegression(Model):
    r"""The mean logistic loss with an L2 term; the last parameter is the bias.

    $f(w, b) = \frac1N \sum_i \ln(1 + e^{-s_i (a_i^\top w + b)}) + \frac{\alpha}{2} |(w, b)|^2$ with
    $s_i = \pm 1$.

    Attributes
    ----------
    l2 : float
        $\alpha$.
    """

    def __init__(
        self, data: datasets.Data, l2: float, batch_size: int | None, sampling: str
    ) -> None:
        self.l2 = l2
        self._learn_from(data, batch_size, sampling)
        self._describe(
            x0=np.zeros(data.X.shape[1] + 1),
            name="logistic_regression",
            title=f"logistic regression on the {data.name} data",
            mu=l2,
            source_ref="Hastie, Tibshirani and Friedman 2009, section 4.4",
        )

    def f(self, x: Any, batch: Any = None) -> Any:
        features, labels = self._batch(self._checked(x), batch)
        xp = namespace(x)
        z = -self._signs(x, labels) * self.scores(x, features)
        # ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|) neither overflows nor loses digits.
        size = xp.abs(z)
        losses = (z + size) / 2 + xp.log1p(xp.exp(-size))
        return xp.mean(losses, axis=0) + self.l2 / 2 * xp.sum(x * x, axis=0)

    def grad(self, x: Any, batch: Any = None) -> Any:
        features, labels = self._batch(self._checked(x), batch)
        xp = namespace(x)
        signs = self._signs(x, labels)
        # The derivative of ln(1 + e^z) is the sigmoid, (1 + tanh(z/2)) / 2.
        residual = -signs * (1 + xp.tanh(-signs * self.scores(x, features) / 2)) / 2
        residual = residual / labels.shape[0]
        weights = features.T @ residual
        bias = xp.sum(residual, axis=0, keepdims=True)
        return xp.concat([weights, bias], axis=0) + self.l2 * x

    def scores(self, x: Any, features: Any) -> Any:
        r"""Return $a_i^\top w + b$, of shape `(examples,)` or `(examples, runs)`."""
        x = self._checked(x)
        self._check_features(features)
        return features @ x[:-1, ...] + x[-1, ...]

    def predict(self, x: Any, features: Any) -> Any:
        xp = namespace(self._checked(x))
        positive = xp.astype(self.scores(x, features) > 0, xp.int64)
        return xp.reshape(positive, (features.shape[0], -1))

    def hessian(self, x: Any) -> Any:
        r"""Return the Hessian of the full objective at `x` of shape `(dim,)`, by NumPy.

        Raises
        ------
        TypeError, ValueError
            If `x` is no floating-point array of that shape.
        """
        if self._checked(x).ndim != 1:
            raise ValueError(f"x must have shape ({self.dim},), got {tuple(x.shape)}")
        x = to_numpy(x)
        features = self._with_bias
        z = np.tanh((features @ x) / 2)
        weight = (1 - z * z) / 4 / len(features)
        return features.T @ (features * weight[:, None]) + self.l2 * np.eye(self.dim)

    # -- what is known, computed when it is first asked for --------------------------------------

    @cached_property
    def L(self) -> float:  # type: ignore[override]
        r"""Smoothness: the largest eigenvalue of $A^\top A / (4 N)$, plus the L2 term."""
        features = self._with_bias
        return float(np.linalg.eigvalsh(features.T @ features)[-1] / (4 * len(features)) + self.l2)

    @cached_property
    def minimizer(self) -> np.ndarray | None:  # type: ignore[override]
        r"""The minimizer, by Newton's method; `None` without an L2 term, as none need exist."""
        if self.l2 == 0.0:
            return None
        x = np.zeros(self.dim)
        for _ in range(100):
            step = np.linalg.solve(self.hessian(x), self.grad(x))
            length = 1.0
            while self.f(x - length * step) > self.f(x) and length > 1e-8:
                length /= 2
            x = x - length * step
            if np.linalg.norm(self.grad(x)) < 1e-13:
                break
        x.setflags(write=False)
        return x

    @cached_property
    def minimum(self) -> float | None:  # type: ignore[override]
        r"""The objective at the minimizer; `None` where that is unknown."""
        return None if self.minimizer is None else float(self.f(self.minimizer))

    @cached_property
    def minimizers(self) -> np.ndarray | None:  # type: ignore[override]
        r"""The minimizer, as the only one."""
        return None if self.minimizer is None else self.minimizer[None, :]

    @cached_property
    def _with_bias(self) -> np.ndarray:
        features = self.data.X
        dense = features if isinstance(features, np.ndarray) else features.toarray()
        return np.concatenate([dense, np.ones((len(dense), 1))], axis=1)

    @staticmethod
    def _signs(x: Any, labels: Any) -> Any:
        xp = namespace(x)
        signs = xp.astype(2 * labels - 1, x.dtype)
        return signs if x.ndim == 1 else signs[:, None]


def logistic_regression(
    data: Any = "breast_cancer",
    *,
    l2: float = 1e-3,
    batch_size: int | None = None,
    sampling: str = "epochs",
) -> LogisticRegression:
    r"""Return logistic regression on real dense data, or on a generated sparse corpus.

    Parameters
    ----------
    data : {"breast_cancer", "zipf"} or Data
        The breast cancer data; a generated corpus with word frequencies after Zipf, in sparse
        form for NumPy; or data of your own with two classes.
    l2 : float
        Weight of the L2 term, nonnegative. With 0 there need be no minimizer.
    batch_size : int, optional
        Examples a step; all of them where it is not given.
    sampling : {"epochs", "with_replacement", "without_replacement"}
        How a batch is drawn.

    Raises
    ------
    ImportError
        If the data need a package that is missing.
    TypeError, ValueError
        If an argument has a wrong kind or range.

    Examples
    --------
    >>> problem = optedu.problems.logistic_regression(batch_size=32)
    >>> run = optedu.minimize(problem, optimizer="adam", lr=0.01, steps=300)
    >>> problem.accuracy(run.x[-1]) > 0.95
    True
    """
    data = find_data(data, _DATA)
    if data.classes != 2:
        raise ValueError(f"data must have 2 classes, got {data.classes}")
    return LogisticRegression(data, validate.nonnegative("l2", l2), batch_size, sampling)
