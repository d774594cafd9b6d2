r"""LAMB: Adam whose step in each tensor is as long as a share of the tensor itself."""

from sympy import Piecewise, sqrt

from optedu.quantities import Eq, Source, intermediate, total, x
from optedu.rule import Rule
from optedu.rules.adam import m, m_hat, v, v_hat
from optedu.rules.lars import ratio, x_norm
from optedu.symbols import beta1, beta2, eps, g, lr, t, weight_decay

u = intermediate("u", "u_{t}")
u_norm = sqrt(total(u**2))

LAMB = Rule(
    name="lamb",
    title="LAMB",
    source_ref=Source("you2020lamb", "algorithm 2"),
    summary="Adam whose step in each tensor is the learning rate times the tensor's norm.",
    hypers={lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-6, weight_decay: 0},
    states=(m, v),
    equations=(
        Eq(m.new, beta1 * m.old + (1 - beta1) * g),
        Eq(v.new, beta2 * v.old + (1 - beta2) * g**2),
        Eq(m_hat, m.new / (1 - beta1**t)),
        Eq(v_hat, v.new / (1 - beta2**t)),
        Eq(u, m_hat / (sqrt(v_hat) + eps) + weight_decay * x.old),
        Eq(ratio, Piecewise((x_norm / u_norm, x_norm * u_norm > 0), (1, True))),
        Eq(x.new, x.old - lr * ratio * u),
    ),
    notes={
        "PyTorch": "not in `torch.optim`.",
        "Keras": "`Lamb`: the same; epsilon 1e-7.",
        "Optax": "`optax.lamb`: the same.",
    },
    per_tensor=True,
)
