r"""LARS: the step of each tensor is as long as a share of the tensor itself."""

from sympy import Piecewise, sqrt

from optedu.quantities import Eq, Source, State, intermediate, total, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.symbols import declare, lr, momentum, weight_decay

trust_coefficient = declare("trust", r"\nu", "length of a step of LARS, relative to the tensor", 0)
b = State("b")
ratio = intermediate("ratio", r"\phi_{t}")
x_norm, g_norm = sqrt(total(x.old**2)), sqrt(total(g_decayed**2))
share = trust_coefficient * x_norm / g_norm

LARS = Rule(
    name="lars",
    title="LARS",
    source_ref=Source("you2017lars", "algorithm 1"),
    summary="Momentum whose step in each tensor is a share of the tensor's norm.",
    hypers={lr: 1.0, momentum: 0.9, trust_coefficient: 1e-3, weight_decay: 0},
    states=(b,),
    equations=(
        coupled,
        # A tensor of zeros has no length to go by.
        Eq(ratio, Piecewise((share, x_norm * g_norm > 0), (1, True))),
        Eq(b.new, momentum * b.old + lr * ratio * g_decayed),
        Eq(x.new, x.old - b.new),
    ),
    notes={
        "PyTorch": "not in `torch.optim`.",
        "Keras": "not in Keras.",
        "Optax": "`optax.lars`: the same; the paper adds the norms of gradient and decay.",
    },
    per_tensor=True,
)
