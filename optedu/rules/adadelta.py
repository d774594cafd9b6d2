r"""Adadelta."""

from sympy import sqrt

from optedu.quantities import Eq, Source, State, intermediate, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.symbols import beta2, eps, lr, weight_decay

v = State("v", nonnegative=True)
u = State("u", nonnegative=True)
delta = intermediate("delta", r"\Delta_{t}")

ADADELTA = Rule(
    name="adadelta",
    title="Adadelta",
    source_ref=Source("zeiler2012adadelta", "algorithm 1"),
    summary="RMSProp whose step has the units of the parameters: root-mean-square of past steps.",
    chapter="ch08_rmsprop",
    hypers={lr: 1.0, beta2: 0.9, eps: 1e-6, weight_decay: 0},
    states=(v, u),
    equations=(
        coupled,
        Eq(v.new, beta2 * v.old + (1 - beta2) * g_decayed**2),
        Eq(delta, sqrt(u.old + eps) / sqrt(v.new + eps) * g_decayed),
        Eq(u.new, beta2 * u.old + (1 - beta2) * delta**2),
        Eq(x.new, x.old - lr * delta),
    ),
    notes={
        "PyTorch": "`torch.optim.Adadelta`: the same; its `rho` is our $\\beta_2$.",
        "Keras": "`Adadelta`: the same; default learning rate 0.001, `rho` 0.95, epsilon 1e-7.",
        "Optax": "`optax.adadelta`: the same.",
    },
)
