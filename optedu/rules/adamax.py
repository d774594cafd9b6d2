r"""Adamax: Adam with the infinity norm."""

from sympy import Abs, Max

from optedu.quantities import Eq, Source, State, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.rules.adam import m
from optedu.symbols import beta1, beta2, eps, lr, t, weight_decay

u = State("u", nonnegative=True)

ADAMAX = Rule(
    name="adamax",
    title="Adamax",
    source_ref=Source("kingma2015adam", "algorithm 2"),
    summary="Adam with a decaying maximum in place of the second moment.",
    chapter="ch10_after_adam",
    hypers={lr: 2e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0},
    states=(m, u),
    equations=(
        coupled,
        Eq(m.new, beta1 * m.old + (1 - beta1) * g_decayed),
        # The paper has no epsilon; PyTorch adds it to |g|, which also keeps 0/0 away.
        Eq(u.new, Max(beta2 * u.old, Abs(g_decayed) + eps)),
        Eq(x.new, x.old - lr / (1 - beta1**t) * m.new / u.new),
    ),
    notes={
        "PyTorch": "`torch.optim.Adamax`: the same; the paper has no epsilon.",
        "Keras": "`Adamax` adds epsilon to $u_t$ in the denominator.",
        "Optax": "`optax.adamax`: the same.",
    },
)
