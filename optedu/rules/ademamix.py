r"""AdEMAMix: Adam with a second, much slower mean of the gradients."""

from sympy import sqrt

from optedu.quantities import Eq, Source, State, intermediate, x
from optedu.rule import Rule
from optedu.rules.adam import v
from optedu.symbols import beta1, beta2, declare, eps, g, lr, t, weight_decay

beta3 = declare("beta3", r"\beta_{3}", "decay rate of the slow mean", 0, 1, lower_open=False)
alpha = declare("alpha", r"\alpha", "weight of the slow mean", 0, lower_open=False)
m_fast = State("m_fast", r"m^{\mathrm{f}}")
m_slow = State("m_slow", r"m^{\mathrm{s}}")
m_hat = intermediate("m_hat", r"\hat m_{t}")
v_hat = intermediate("v_hat", r"\hat v_{t}", nonnegative=True)
HYPERS = {lr: 1e-3, beta1: 0.9, beta2: 0.999, beta3: 0.9999, alpha: 5, eps: 1e-8, weight_decay: 0}
quotient = (m_hat + alpha * m_slow.new) / (sqrt(v_hat) + eps)

ADEMAMIX = Rule(
    name="ademamix",
    title="AdEMAMix",
    source_ref=Source("pagliardini2024ademamix", "algorithm 1, constant alpha and beta3"),
    summary="Adam that also remembers gradients of ten thousand steps ago.",
    hypers=HYPERS,
    states=(m_fast, m_slow, v),
    equations=(
        Eq(m_fast.new, beta1 * m_fast.old + (1 - beta1) * g),
        Eq(m_slow.new, beta3 * m_slow.old + (1 - beta3) * g),
        Eq(v.new, beta2 * v.old + (1 - beta2) * g**2),
        Eq(m_hat, m_fast.new / (1 - beta1**t)),
        Eq(v_hat, v.new / (1 - beta2**t)),
        Eq(x.new, x.old - lr * (quotient + weight_decay * x.old)),
    ),
    notes={
        "PyTorch": "not in `torch.optim`.",
        "Keras": "not in Keras.",
        "Optax": "`optax.contrib.ademamix`: the same.",
    },
)
