r"""LAMB and LARS: the step of each tensor is as long as a share of the tensor itself."""

from sympy import Eq, Piecewise, sqrt

from optedu.quantities import Source, State, intermediate, total, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.rules.adam import m, m_hat, v, v_hat
from optedu.symbols import beta1, beta2, declare, eps, g, lr, momentum, t, weight_decay

trust_coefficient = declare("trust", r"\nu", "length of a step of LARS, relative to the tensor", 0)
b = State("b")
u = intermediate("u", "u_{t}")
ratio = intermediate("ratio", r"\phi_{t}")

x_norm, u_norm = sqrt(total(x.old**2)), sqrt(total(u**2))
g_norm = sqrt(total(g_decayed**2))
NOT_THERE = {"PyTorch": "not in `torch.optim`."}

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
        # A tensor of zeros has no length to go by.
        Eq(ratio, Piecewise((x_norm / u_norm, x_norm * u_norm > 0), (1, True))),
        Eq(x.new, x.old - lr * ratio * u),
    ),
    notes={
        **NOT_THERE,
        "Keras": "`Lamb`: the same; epsilon 1e-7.",
        "Optax": "`optax.lamb`: the same.",
    },
    per_tensor=True,
)

LARS = Rule(
    name="lars",
    title="LARS",
    source_ref=Source("you2017lars", "algorithm 1"),
    summary="Momentum whose step in each tensor is a share of the tensor's norm.",
    hypers={lr: 1.0, momentum: 0.9, trust_coefficient: 1e-3, weight_decay: 0},
    states=(b,),
    equations=(
        coupled,
        Eq(
            ratio,
            Piecewise((trust_coefficient * x_norm / g_norm, x_norm * g_norm > 0), (1, True)),
        ),
        Eq(b.new, momentum * b.old + lr * ratio * g_decayed),
        Eq(x.new, x.old - b.new),
    ),
    notes={
        **NOT_THERE,
        "Keras": "not in Keras.",
        "Optax": "`optax.lars`: the same; the paper adds the norms of gradient and decay.",
    },
    per_tensor=True,
)
