r"""Prodigy: Adam whose learning rate is a lower bound of the distance to go."""

from sympy import Abs, sqrt

from optedu.quantities import Eq, Source, State, total, x
from optedu.rule import Rule
from optedu.rules._distance import HYPERS, adapted, d, distance, r, rate, root, s, size
from optedu.rules.adam import m, v
from optedu.symbols import beta1, beta2, eps, g, weight_decay

start = State("start", "x^{0}", initial=x.old)

PRODIGY = Rule(
    name="prodigy",
    title="Prodigy",
    source_ref=Source("mishchenko2024prodigy", "algorithm 4"),
    summary="Adam without a rate to tune: it estimates how far the minimum is, gradients weighted.",
    hypers=HYPERS,
    states=(start, m, v, s, d, r),
    equations=(
        adapted,
        Eq(m.new, beta1 * m.old + (1 - beta1) * d.old * g),
        Eq(v.new, beta2 * v.old + (1 - beta2) * d.old**2 * g**2),
        Eq(r.new, root * r.old + (1 - root) * rate * d.old * total(g * (start.old - x.old))),
        Eq(s.new, root * s.old + (1 - root) * rate * d.old * g),
        Eq(size, total(Abs(s.new))),
        *distance,
        Eq(start.new, start.old, evaluate=False),
        Eq(x.new, x.old - rate * (m.new / (sqrt(v.new) + eps * d.new) + weight_decay * x.old)),
    ),
    notes={
        "PyTorch": "not in `torch.optim`; `prodigyopt` is the same, its epsilon times $d_t$ where "
        "the paper has $d_{t-1}$.",
        "Keras": "not in Keras.",
        "Optax": "`optax.contrib.prodigy` corrects the rate for moments that start at zero.",
    },
)
