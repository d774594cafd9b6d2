r"""Lion: the sign of an interpolated momentum."""

from sympy import sign

from optedu.quantities import Eq, Source, State, intermediate, x
from optedu.rule import Rule
from optedu.symbols import beta1, beta2, g, lr, weight_decay

m = State("m")
c = intermediate("c", "c_{t}")

LION = Rule(
    name="lion",
    title="Lion",
    source_ref=Source("chen2023symbolic", "algorithm 2"),
    summary="Every coordinate moves by the learning rate; only the sign is learned.",
    chapter="ch10_after_adam",
    hypers={lr: 1e-4, beta1: 0.9, beta2: 0.99, weight_decay: 0},
    states=(m,),
    equations=(
        Eq(c, beta1 * m.old + (1 - beta1) * g),
        Eq(m.new, beta2 * m.old + (1 - beta2) * g),
        Eq(x.new, x.old - lr * (sign(c) + weight_decay * x.old)),
    ),
    notes={
        "PyTorch": "not in `torch.optim`.",
        "Keras": "`Lion`: the same.",
        "Optax": "`optax.lion`: the same; decay 1e-3 by default.",
    },
)
