r"""Gradient descent; with a stochastic gradient, SGD."""

from optedu.quantities import Eq, Source, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.symbols import lr, weight_decay

SGD = Rule(
    name="sgd",
    title="Gradient descent (SGD)",
    source_ref=Source("robbins1951stochastic", "eq. (2)"),
    summary="A step against the gradient.",
    chapter="ch02_gradient_descent",
    hypers={lr: 1e-3, weight_decay: 0},
    states=(),
    equations=(
        coupled,
        Eq(x.new, x.old - lr * g_decayed),
    ),
    notes={
        "PyTorch": "`torch.optim.SGD`: the same, coupled weight decay.",
        "Keras": "`SGD`: the same; default learning rate 0.01; `weight_decay` is decoupled.",
        "Optax": "`optax.sgd`: the same, without weight decay.",
    },
)
