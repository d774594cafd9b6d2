r"""One step in float32, from the same values, against the rule in double precision.

Two statements, for the array form and both kernels, at all rules:

- Normwise: no element differs by more than 2 ulp of the largest number of its array. (The
  accumulator u of Adadelta, squares of quotients of roots, may by 5.)
- Element by element: none differs by more than a running error analysis of the printed formula
  allows (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3). There each
  operation and each scalar errs by half an ulp, and the errors are carried on; where the formula
  cancels, the allowance grows by as much. The kernels may have three times as much: with x merged
  into one term, as in (1 - lr weight_decay) x, three roundings are of the size of x, not one.
"""

import numpy as np
import pytest

import optedu
from optedu.compile import array, scalars
from optedu.compile.lowering import optional

RULES = optedu.rules.all(matrices=False)
UNIT = 2.0**-24  # half an ulp of float32, relative
SIZE = 4000
ALLOWANCE = {"array": 1, "numpy": 3, "numba": 3}


class Rounded:
    r"""Values in double, and a bound on what float32 makes of them."""

    __array_ufunc__ = None

    def __init__(self, value, error):
        self.value, self.error = value, error

    @classmethod
    def of(cls, value):
        return value if isinstance(value, cls) else cls(value, UNIT * abs(value))

    @classmethod
    def result(cls, value, error):
        return cls(value, error + UNIT * np.abs(value))

    def __neg__(self):
        return Rounded(-self.value, self.error)

    def __add__(self, other):
        other = Rounded.of(other)
        return Rounded.result(self.value + other.value, self.error + other.error)

    def __sub__(self, other):
        return self + (-Rounded.of(other))

    def __rsub__(self, other):
        return Rounded.of(other) + (-self)

    def __mul__(self, other):
        other = Rounded.of(other)
        error = np.abs(self.value) * other.error + np.abs(other.value) * self.error
        return Rounded.result(self.value * other.value, error + self.error * other.error)

    def __truediv__(self, other):
        other = Rounded.of(other)
        value = self.value / other.value
        error = self.error + np.abs(value) * other.error
        return Rounded.result(value, error / np.maximum(np.abs(other.value) - other.error, 1e-300))

    def __rtruediv__(self, other):
        return Rounded.of(other) / self

    def __pow__(self, exponent):
        assert exponent == 2
        return self * self

    __radd__, __rmul__ = __add__, __mul__


class RoundedNamespace:
    @staticmethod
    def sqrt(a):
        value, low = np.sqrt(a.value), np.sqrt(np.maximum(a.value - a.error, 0))
        spread = np.maximum(np.sqrt(a.value + a.error) - value, value - low)
        return Rounded.result(value, spread)

    @staticmethod
    def abs(a):
        return Rounded(np.abs(a.value), a.error)

    @staticmethod
    def sign(a):
        unsure = (np.abs(a.value) <= a.error) & (a.error > 0)
        return Rounded(np.sign(a.value), np.where(unsure, 2.0, 0.0))

    @staticmethod
    def maximum(a, b):
        a, b = Rounded.of(a), Rounded.of(b)
        return Rounded(np.maximum(a.value, b.value), np.maximum(a.error, b.error))

    @staticmethod
    def minimum(a, b):
        return -RoundedNamespace.maximum(-Rounded.of(a), -Rounded.of(b))


def analysed(rule, x, g, state, t, hyper):
    r"""Return the exact new values and the running bound, by name."""
    environment = {**scalars.environment(), "total": lambda a: float(a.value.sum())}
    exec(array.source(rule), environment)
    exact = [Rounded(a, 0 * a) if isinstance(a, np.ndarray) else a for a in (x, g, *state.values())]
    result = environment[rule.name](RoundedNamespace, *exact, t, **hyper)
    result = result if isinstance(result, tuple) else (result,)
    return dict(zip(["x", *state], result, strict=True))


def one_step(rule, form, x, g, state, t, hyper):
    r"""Return the new values by name, in float32."""
    if form == "array":
        new, state = rule.step(x, g, state, t, **hyper)
    else:
        new, state = x.copy(), {k: np.copy(v) if np.ndim(v) else v for k, v in state.items()}
        rule.kernel(form)(new, g, state, t, **hyper)
    return {"x": new, **state}


def cases(rule, hyper):
    r"""Points of a trajectory, exact in float32; half of the parameters are zero."""
    rng = np.random.default_rng(0)
    x = np.where(np.arange(SIZE) % 2, 0, rng.standard_normal(SIZE)).astype(np.float32)
    state = rule.init(x, **hyper)
    for t in range(1, 31):
        g = rng.standard_normal(SIZE).astype(np.float32)
        if t in (1, 2, 7, 30):
            yield x, g, state, t
        _, state = rule.step(x, g, state, t, **hyper)


def deviations(rule, form, hyper, wrong=0.0):
    r"""Yield (name, deviation, new values, bound), with lr wrong by a relative `wrong`."""
    complete = {**rule.defaults(), **hyper}
    for x, g, state, t in cases(rule, complete):
        actual = one_step(rule, form, x, g, state, t, {**hyper, "lr": complete["lr"] * (1 + wrong)})
        wide = {k: v.astype(np.float64) if np.ndim(v) else v for k, v in state.items()}
        expected = analysed(rule, *(v.astype(np.float64) for v in (x, g)), wide, t, complete)
        for name, value in actual.items():
            if np.ndim(value):
                assert value.dtype == np.float32
                exact = expected[name].value
                yield name, np.abs(value - exact), exact, expected[name].error


@pytest.mark.parametrize("form", ["array", "numpy", "numba"])
@pytest.mark.parametrize("on", [False, True], ids=["defaults", "all on"])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_one_step_in_single_precision(rule, on, form):
    hyper = {name: 0.05 for name in optional(rule)} if on else {}
    for name, deviation, exact, bound in deviations(rule, form, hyper):
        assert np.all(deviation <= ALLOWANCE[form] * bound), name
        ulp = np.spacing(np.float32(np.max(np.abs(exact))))
        # The accumulator of Adadelta is made of a product of quotients: its bound is wider.
        assert np.max(deviation) <= max(2 * ulp, np.max(bound)), name


@pytest.mark.parametrize("name", ["adam", "momentum", "adagrad"])
def test_the_bound_notices_a_wrong_scalar(name):
    r"""A learning rate wrong by a hundred-thousandth is more than rounding."""
    found = deviations(RULES[name], "numpy", {}, wrong=1e-5)
    assert any(np.any(deviation > 3 * bound) for _, deviation, _, bound in found)
