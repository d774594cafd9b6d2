r"""ADOPT: Adam that divides by the second moment from before the gradient."""

from sympy import Max, Piecewise, sqrt

from optedu.quantities import Eq, Source, intermediate, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.rules.adam import m, v
from optedu.symbols import beta1, beta2, eps, lr, t, weight_decay

first = intermediate("first", "a_{t}")

ADOPT = Rule(
    name="adopt",
    title="ADOPT",
    source_ref=Source("taniguchi2024adopt", "algorithm 1"),
    summary="Adam with one index moved: the gradient is divided by what was known before it.",
    chapter="ch10_after_adam",
    hypers={lr: 1e-3, beta1: 0.9, beta2: 0.9999, eps: 1e-6, weight_decay: 0},
    states=(m, v),
    equations=(
        coupled,
        # The first gradient only fills the second moment: before it there is nothing to divide by.
        Eq(first, Piecewise((1, t <= 1), (0, True))),
        # There the quotient is not used: `first` keeps it from being 0/0 where epsilon is zero. The
        # momentum starts at zero, as in the authors' code.
        Eq(
            m.new,
            beta1 * m.old + (1 - first) * (1 - beta1) * g_decayed / (Max(sqrt(v.old), eps) + first),
        ),
        Eq(v.new, beta2 * v.old + (1 - beta2) * g_decayed**2 + first * beta2 * g_decayed**2),
        Eq(x.new, x.old - lr * m.new),
    ),
    notes={
        "PyTorch": "not in `torch.optim`.",
        "Keras": "not in Keras.",
        "Optax": "`optax.contrib.adopt(use_clipping=False)`: the same. By default it also clips "
        "the quotient, which the paper added later, to at most $(t - 1)^{1/4}$.",
    },
)
