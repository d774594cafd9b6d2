r"""Prodigy and D-Adaptation: Adam whose learning rate is a lower bound of the distance to go."""

from sympy import Abs, Eq, Max, Piecewise, sqrt

from optedu.quantities import Source, State, intermediate, total, x
from optedu.rule import Rule
from optedu.rules.adam import m, v
from optedu.symbols import beta1, beta2, declare, eps, g, lr, weight_decay

first_distance = declare("first_distance", "d_{0}", "first estimate of the distance to go", 0)
start = State("start", "x^{0}", initial=x.old)
s = State("s")
d = State("d", initial=first_distance, nonnegative=True, scalar=True)
r = State("r", scalar=True)
rate = intermediate("rate", r"\eta_{t}", nonnegative=True)
size = intermediate("size", r"\sigma_{t}", nonnegative=True)
d_hat = intermediate("d_hat", r"\hat d_{t}")

HYPERS = {
    lr: 1.0,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    first_distance: 1e-6,
    weight_decay: 0,
}
root = sqrt(beta2)

PRODIGY = Rule(
    name="prodigy",
    title="Prodigy",
    source_ref=Source("mishchenko2024prodigy", "algorithm 4"),
    summary="Adam without a rate to tune: it estimates how far the minimum is, gradients weighted.",
    hypers=HYPERS,
    states=(start, m, v, s, d, r),
    equations=(
        Eq(rate, lr * d.old),
        Eq(m.new, beta1 * m.old + (1 - beta1) * d.old * g),
        Eq(v.new, beta2 * v.old + (1 - beta2) * d.old**2 * g**2),
        Eq(r.new, root * r.old + (1 - root) * rate * d.old * total(g * (start.old - x.old))),
        Eq(s.new, root * s.old + (1 - root) * rate * d.old * g),
        Eq(size, total(Abs(s.new))),
        Eq(d_hat, Piecewise((r.new / size, size > 0), (0, True))),
        Eq(d.new, Max(d.old, d_hat)),
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

DADAPTATION = Rule(
    name="dadaptation",
    title="D-Adaptation",
    source_ref=Source("defazio2023dadaptation", "algorithm 5"),
    summary="Adam whose rate is the largest proven lower bound of the distance to the minimum.",
    hypers=HYPERS,
    states=(m, v, s, d, r),
    equations=(
        Eq(rate, lr * d.old),
        Eq(r.new, root * r.old + (1 - root) * rate * total(g * (s.old / (sqrt(v.old) + eps)))),
        Eq(m.new, beta1 * m.old + (1 - beta1) * rate * g),
        Eq(v.new, beta2 * v.old + (1 - beta2) * g**2),
        Eq(s.new, root * s.old + (1 - root) * rate * g),
        Eq(size, (1 - root) * total(Abs(s.new))),
        Eq(d_hat, Piecewise((r.new / size, size > 0), (0, True))),
        Eq(d.new, Max(d.old, d_hat)),
        Eq(x.new, x.old - m.new / (sqrt(v.new) + eps) - rate * weight_decay * x.old),
    ),
    notes={
        "PyTorch": "not in `torch.optim`; `dadaptation` is the same. Both weigh the product with "
        "the second moment from before the step, the paper with the new one.",
        "Keras": "not in Keras.",
        "Optax": "`optax.contrib.dadapt_adamw` corrects the rate for moments that start at zero.",
    },
)
