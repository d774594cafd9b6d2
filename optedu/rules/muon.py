r"""Muon: momentum, with singular values that are brought to one."""

from sympy import Max, sqrt

from optedu.matrices import orthogonalized
from optedu.quantities import Eq, Source, State, intermediate, total, x
from optedu.rule import Rule
from optedu.symbols import columns, eps, g, lr, momentum, rows, weight_decay

b = State("b")
u = intermediate("u", "u_{t}")
o = intermediate("o", "o_{t}")
tall = intermediate("tall", "q", nonnegative=True)

MUON = Rule(
    name="muon",
    title="Muon",
    source_ref=Source("jordan2024muon", "the algorithm and the section on Nesterov momentum"),
    summary="Steps whose singular values are all about one: steepest descent in the spectral norm.",
    hypers={lr: 1e-3, momentum: 0.95, eps: 1e-7, weight_decay: 0.1},
    states=(b,),
    equations=(
        Eq(b.new, momentum * b.old + g),
        Eq(u, momentum * b.new + g),
        Eq(o, orthogonalized(u / Max(sqrt(total(u**2)), eps))),
        Eq(tall, Max(1, rows / columns)),
        Eq(x.new, x.old - lr * (sqrt(tall) * o + weight_decay * x.old)),
    ),
    notes={
        "PyTorch": "`torch.optim.Muon`: the same, but it iterates in bfloat16. A matrix has a row "
        "for each output there; where it has a column for each, transpose the factor of the shape.",
        "Keras": "`Muon`: not compared.",
        "Optax": "`optax.contrib.muon`: the factor is $\\sqrt{\\max(1, n_c/n_r)}$, the moments are "
        "corrected for their start at zero, and epsilon is added to the norm.",
    },
)
