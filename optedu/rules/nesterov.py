r"""Nesterov's accelerated gradient, in the form of Sutskever et al. that PyTorch uses."""

from optedu.quantities import Eq, Source, State, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.symbols import lr, momentum, weight_decay

b = State("b")

NESTEROV = Rule(
    name="nesterov",
    title="Nesterov momentum",
    source_ref=Source("sutskever2013importance", "eqs. (3), (4)"),
    summary="Momentum whose gradient is taken where the momentum is about to lead.",
    chapter="ch06_nesterov",
    hypers={lr: 1e-3, momentum: 0.9, weight_decay: 0},
    states=(b,),
    equations=(
        coupled,
        Eq(b.new, momentum * b.old + g_decayed),
        Eq(x.new, x.old - lr * (g_decayed + momentum * b.new)),
    ),
    notes={
        "PyTorch": "`torch.optim.SGD(momentum=..., nesterov=True)`: the same.",
        "Keras": "`SGD(momentum=..., nesterov=True)` keeps the velocity $-\\eta b_t$ instead: the "
        "two differ as soon as the learning rate changes.",
        "Optax": "`optax.sgd(momentum=..., nesterov=True)`: the same, without weight decay.",
    },
)
