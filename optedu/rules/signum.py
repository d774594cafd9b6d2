r"""Signum: the sign of the momentum; without momentum it is sign descent."""

from sympy import sign

from optedu.quantities import Eq, Source, State, x
from optedu.rule import Rule
from optedu.symbols import beta1, g, lr, weight_decay

m = State("m")

SIGNUM = Rule(
    name="signum",
    title="Signum",
    source_ref=Source("bernstein2018signsgd", "algorithm 3"),
    summary="The sign of a mean of gradients; with beta1 = 0, sign descent.",
    hypers={lr: 1e-3, beta1: 0.9, weight_decay: 0},
    states=(m,),
    equations=(
        Eq(m.new, beta1 * m.old + (1 - beta1) * g),
        Eq(x.new, x.old - lr * (sign(m.new) + weight_decay * x.old)),
    ),
    notes={
        "PyTorch": "not in `torch.optim`.",
        "Keras": "not in Keras.",
        "Optax": "`optax.sign_sgd`: the same with beta1 = 0.",
    },
)
