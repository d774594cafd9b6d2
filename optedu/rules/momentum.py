r"""Momentum (heavy ball), in PyTorch's form."""

from sympy import Piecewise

from optedu.quantities import Eq, Source, State, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.symbols import dampening, lr, momentum, t, weight_decay

b = State("b")

MOMENTUM = Rule(
    name="momentum",
    title="Momentum",
    source_ref=Source("polyak1964methods", "eq. (9)"),
    summary="A step along a decaying sum of the gradients.",
    chapter="ch05_momentum",
    hypers={lr: 1e-3, momentum: 0.9, dampening: 0, weight_decay: 0},
    states=(b,),
    equations=(
        coupled,
        # PyTorch copies the first gradient into its buffer: the first step is not dampened.
        Eq(b.new, momentum * b.old + Piecewise((1, t <= 1), (1 - dampening, True)) * g_decayed),
        Eq(x.new, x.old - lr * b.new),
    ),
    notes={
        "PyTorch": "`torch.optim.SGD(momentum=...)`: the same; the first step is not dampened.",
        "Keras": "`SGD(momentum=...)` keeps the velocity $-\\eta b_t$ instead: the two differ as "
        "soon as the learning rate changes.",
        "Optax": "`optax.sgd(momentum=...)`: the same, without dampening and weight decay.",
    },
)
