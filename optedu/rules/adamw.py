r"""AdamW: Adam with decoupled weight decay."""

from sympy import sqrt

from optedu.quantities import Eq, Source, x
from optedu.rule import Rule
from optedu.rules.adam import HYPERS, correction, m, m_hat, v, v_hat
from optedu.symbols import beta1, beta2, eps, g, lr, t, weight_decay

ADAMW = Rule(
    name="adamw",
    title="AdamW",
    source_ref=Source("loshchilov2019decoupled", "algorithm 2"),
    summary="Adam whose weight decay acts on the parameters, past the adaptive step.",
    chapter="ch10_after_adam",
    hypers={**HYPERS, weight_decay: 1e-2},
    states=(m, v),
    equations=(
        Eq(m.new, beta1 * m.old + (1 - beta1) * g),
        Eq(v.new, beta2 * v.old + (1 - beta2) * g**2),
        correction,
        Eq(v_hat, v.new / (1 - beta2**t)),
        Eq(x.new, x.old - lr * (m_hat / (sqrt(v_hat) + eps) + weight_decay * x.old)),
    ),
    notes={
        "PyTorch": "`torch.optim.AdamW`: the same. The paper scales the decay by the schedule "
        "alone, not by the learning rate.",
        "Keras": "`AdamW`: decay 0.004 by default; epsilon as in its Adam.",
        "Optax": "`optax.adamw`: the same; decay 1e-4 by default.",
    },
)
