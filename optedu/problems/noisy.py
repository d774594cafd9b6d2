r"""Problems whose gradient is noisy or changes with the step, small enough to be solved exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from optedu import validate
from optedu.arrays import namespace
from optedu.problems.base import Problem, check_sample, like

__all__ = ["LinearLosses", "NoisyQuadratic", "noisy_quadratic", "reddi", "reddi_stochastic"]


class NoisyQuadratic(Problem):
    r"""$\frac12 \sum_i \lambda_i x_i^2$ whose gradient carries independent Gaussian noise.

    Attributes
    ----------
    curvature, sigma : numpy.ndarray
        $\lambda_i$ and the standard deviation of the noise in coordinate i, for one example.
    batch_size : int
        $B$: the noise of a step has the standard deviation $\sigma_i/\sqrt B$.
    """

    stochastic = True

    def __init__(self, curvature: np.ndarray, sigma: np.ndarray, batch_size: int) -> None:
        dim = curvature.shape[0]
        self.curvature, self.sigma, self.batch_size = curvature, sigma, batch_size
        self._describe(
            x0=np.ones(dim),
            name="noisy_quadratic",
            title="the noisy quadratic",
            minimizer=np.zeros(dim),
            minimum=0.0,
            window=((-1.4, 1.4),) * dim if dim <= 2 else None,
            L=float(curvature.max()),
            mu=float(curvature.min()),
            source_ref="Zhang et al. 2019",
        )

    def f(self, x: Any, batch: Any = None) -> Any:
        x = self._checked(x)
        return namespace(x).sum(self._column(x, self.curvature) * x * x, axis=0) / 2

    def grad(self, x: Any, batch: Any = None) -> Any:
        exact = self._column(self._checked(x), self.curvature) * x
        if batch is None:
            return exact
        scale = self._column(x, self.sigma / np.sqrt(self.batch_size))
        noise = like(x, batch if hasattr(batch, "shape") else validate.reals("batch", batch))
        validate.same_shape("batch", noise, "x", x)
        return exact + scale * noise

    def sample(self, rng: np.random.Generator, t: int, runs: int | None = None) -> np.ndarray:
        r"""Return standard normal noise, independent for every run."""
        check_sample(rng, t, runs)
        return rng.standard_normal(self.dim if runs is None else (self.dim, runs))

    def _column(self, x: Any, values: np.ndarray) -> Any:
        return like(x, values if x.ndim == 1 else values[:, None])


def noisy_quadratic(
    curvature: Any = 1.0, sigma: Any = 1.0, *, batch_size: int = 1
) -> NoisyQuadratic:
    r"""Return the noisy quadratic model. [#]_

    With one coordinate and a constant learning rate, gradient descent ends in a stationary
    distribution with $E[x^2] = \eta \sigma^2 / (\lambda (2 - \eta \lambda))$.

    Parameters
    ----------
    curvature : float or array_like
        $\lambda_i$, positive; its length is the dimension.
    sigma : float or array_like
        Standard deviation of the gradient noise of one example, nonnegative.
    batch_size : int
        Number of examples averaged in a step, at least 1.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, shape or range.

    References
    ----------
    .. [#] G. Zhang et al., Which algorithmic choices matter at which batch sizes? Insights from a
       noisy quadratic model, NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> problem = optedu.problems.noisy_quadratic()
    >>> run = optedu.minimize(problem, np.zeros((1, 20000)), optimizer="sgd", lr=0.1, steps=200)
    >>> print(f"{np.mean(run.x[-1] ** 2):.3f}")  # 0.1 / (2 - 0.1) = 0.0526
    0.053
    """
    curvature = np.atleast_1d(
        validate.positive("curvature", _numbers("curvature", curvature), arrays=True)
    )
    if curvature.ndim != 1 or not curvature.size:
        raise ValueError(f"curvature must have shape (dim,), got {curvature.shape}")
    sigma = validate.nonnegative("sigma", _numbers("sigma", sigma), arrays=True)
    if np.shape(sigma) not in ((), curvature.shape):
        raise ValueError(
            f"sigma must be a number or have the shape of curvature, {curvature.shape}, "
            f"got {np.shape(sigma)}"
        )
    sigma = np.broadcast_to(sigma, curvature.shape)
    return NoisyQuadratic(
        np.array(curvature, dtype=float),
        np.array(sigma, dtype=float),
        validate.count("batch_size", batch_size, minimum=1),
    )


def _numbers(name: str, value: Any) -> Any:
    return validate.reals(name, value) if isinstance(value, (list, tuple)) else value


class LinearLosses(Problem):
    r"""Linear losses $f_t(x) = c_t x$ on [-1, 1], as in online learning.

    `f(x)` is the mean loss, `f(x, slope)` and `grad(x, slope)` belong to one step.
    """

    stochastic = True

    def __init__(self, mean: float, **known: Any) -> None:
        self.mean_slope = mean
        self._describe(
            x0=[1.0],
            minimizer=[-1.0 if mean > 0 else 1.0],
            minimum=-abs(mean),
            window=((-1.0, 1.0),),
            bounds=(-1.0, 1.0),
            source_ref="Reddi, Kale and Kumar 2018",
            **known,
        )

    def f(self, x: Any, batch: Any = None) -> Any:
        return self._slope(batch) * self._checked(x)[0, ...]

    def grad(self, x: Any, batch: Any = None) -> Any:
        x = self._checked(x)
        return namespace(x).full_like(x, self._slope(batch))

    def _slope(self, batch: Any) -> float:
        return self.mean_slope if batch is None else validate.number("batch", batch)

    def slopes(self, steps: int, seed: int = 0) -> np.ndarray:
        r"""Return $c_1, ..., c_{steps}$ as `minimize` draws them with that seed.

        Raises
        ------
        TypeError, ValueError
            If `steps` or `seed` is no whole number, at least 0.
        """
        steps = validate.count("steps", steps)
        rng = np.random.default_rng(validate.count("seed", seed))
        return np.array([self.sample(rng, t) for t in range(1, steps + 1)])

    def regret(self, x: Any, seed: int = 0) -> np.ndarray:
        r"""Return the cumulative regret of a run against the best fixed point, step by step.

        Parameters
        ----------
        x : array
            A recorded trajectory `run.x`, of shape `(steps + 1, 1)`.
        seed : int
            The seed of that run.

        Returns
        -------
        numpy.ndarray
            Of shape `(steps,)`.

        Raises
        ------
        TypeError, ValueError
            If `x` holds anything but real numbers or has another shape, or `seed` is negative.
        """
        x = validate.reals("x", x)
        if x.ndim != 2 or x.shape[1] != 1 or not len(x):
            raise ValueError(f"x must have shape (steps + 1, 1), got {x.shape}")
        slopes = self.slopes(len(x) - 1, seed)
        paid = np.cumsum(slopes * x[:-1, 0])
        return paid + np.abs(np.cumsum(slopes))  # the best fixed point is -1 or 1


class _Periodic(LinearLosses):
    def __init__(self, large: float, small: float, period: int) -> None:
        self.large, self.small, self.period = large, small, period
        super().__init__(
            (large + (period - 1) * small) / period,
            name="reddi",
            title="the online problem of Reddi, Kale and Kumar",
        )

    def sample(self, rng: np.random.Generator, t: int, runs: int | None = None) -> float:
        check_sample(rng, t, runs)
        return self.large if t % self.period == 1 else self.small


class _Random(LinearLosses):
    def __init__(self, large: float, small: float, probability: float) -> None:
        self.large, self.small, self.probability = large, small, probability
        super().__init__(
            probability * large + (1 - probability) * small,
            name="reddi_stochastic",
            title="the stochastic problem of Reddi, Kale and Kumar",
        )

    def sample(self, rng: np.random.Generator, t: int, runs: int | None = None) -> float:
        check_sample(rng, t, runs)
        return self.large if rng.random() < self.probability else self.small


def reddi(large: float = 3.0, small: float = -1.0, *, period: int = 3) -> LinearLosses:
    r"""Return the online problem on which Adam's regret grows without end. [#]_

    The loss is $C x$ in every third step and $-x$ in the others, on [-1, 1]. For $C > 2$ the best
    point is -1; Adam with $\beta_1 = 0$, $\beta_2 = 1/(1 + C^2)$ is drawn to +1.

    Parameters
    ----------
    large, small : float
        The slope of steps 1, 1 + period, ..., and that of the others. The paper's second example
        is `reddi(1010, -10, period=101)`.
    period : int
        At least 2.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    References
    ----------
    .. [#] S. J. Reddi, S. Kale, S. Kumar, On the convergence of Adam and beyond, ICLR 2018,
       Theorem 1 and section 5.
    """
    return _Periodic(
        validate.finite("large", validate.number("large", large)),
        validate.finite("small", validate.number("small", small)),
        validate.count("period", period, minimum=2),
    )


def reddi_stochastic(
    large: float = 1010.0, small: float = -10.0, *, probability: float = 0.01
) -> LinearLosses:
    r"""Return the stochastic form of `reddi`: slope 1010 with probability 0.01, else -10. [#]_

    Parameters
    ----------
    large, small : float
        The rare slope and the common one.
    probability : float
        Of the rare one, in [0, 1].

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind or range.

    References
    ----------
    .. [#] S. J. Reddi, S. Kale, S. Kumar, On the convergence of Adam and beyond, ICLR 2018,
       section 5.
    """
    return _Random(
        validate.finite("large", validate.number("large", large)),
        validate.finite("small", validate.number("small", small)),
        validate.in_range("probability", probability, 0.0, 1.0),
    )
