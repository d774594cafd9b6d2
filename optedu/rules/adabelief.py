r"""AdaBelief: Adam that divides by how far gradients are from their mean."""

from sympy import sqrt

from optedu.quantities import Eq, Source, State, intermediate, x
from optedu.rule import Rule
from optedu.symbols import beta1, beta2, eps, g, lr, t, weight_decay

m = State("m")
s = State("s", nonnegative=True)
m_hat = intermediate("m_hat", r"\hat m_{t}")
s_hat = intermediate("s_hat", r"\hat s_{t}", nonnegative=True)

ADABELIEF = Rule(
    name="adabelief",
    title="AdaBelief",
    source_ref=Source("zhuang2020adabelief", "algorithm 2"),
    summary="Adam that divides by the spread of the gradients around their mean.",
    hypers={lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-16, weight_decay: 0},
    states=(m, s),
    equations=(
        Eq(m.new, beta1 * m.old + (1 - beta1) * g),
        Eq(s.new, beta2 * s.old + (1 - beta2) * (g - m.new) ** 2 + eps),
        Eq(m_hat, m.new / (1 - beta1**t)),
        Eq(s_hat, s.new / (1 - beta2**t)),
        Eq(x.new, x.old - lr * (m_hat / (sqrt(s_hat) + eps) + weight_decay * x.old)),
    ),
    notes={
        "PyTorch": "not in `torch.optim`.",
        "Keras": "not in Keras.",
        "Optax": "`optax.adabelief`: the same, without decay; two constants, `eps` and `eps_root`.",
    },
)
