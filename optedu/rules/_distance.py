r"""What Prodigy and D-Adaptation share: a lower bound of the distance to go, which only grows."""

from sympy import Max, Piecewise, sqrt

from optedu.quantities import Eq, State, intermediate
from optedu.symbols import beta1, beta2, declare, eps, lr, weight_decay

first_distance = declare("first_distance", "d_{0}", "first estimate of the distance to go", 0)
d = State("d", initial=first_distance, nonnegative=True, scalar=True)
r, s = State("r", scalar=True), State("s")
r"""Weighted sums over the steps: of products with the gradients, and of the gradients."""

rate = intermediate("rate", r"\eta_{t}", nonnegative=True)
size = intermediate("size", r"\sigma_{t}", nonnegative=True)
d_hat = intermediate("d_hat", r"\hat d_{t}")

HYPERS = {lr: 1.0, beta1: 0.9, beta2: 0.999, eps: 1e-8, first_distance: 1e-6, weight_decay: 0}
root = sqrt(beta2)

adapted = Eq(rate, lr * d.old)
distance = (
    Eq(d_hat, Piecewise((r.new / size, size > 0), (0, True))),
    Eq(d.new, Max(d.old, d_hat)),
)
