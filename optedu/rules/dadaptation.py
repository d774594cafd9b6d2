r"""D-Adaptation: Adam whose learning rate is a proven lower bound of the distance to go."""

from sympy import Abs, sqrt

from optedu.quantities import Eq, Source, total, x
from optedu.rule import Rule
from optedu.rules._distance import HYPERS, adapted, d, distance, r, rate, root, s, size
from optedu.rules.adam import m, v
from optedu.symbols import beta1, beta2, eps, g, weight_decay

DADAPTATION = Rule(
    name="dadaptation",
    title="D-Adaptation",
    source_ref=Source("defazio2023dadaptation", "algorithm 5"),
    summary="Adam whose rate is the largest proven lower bound of the distance to the minimum.",
    hypers=HYPERS,
    states=(m, v, s, d, r),
    equations=(
        adapted,
        Eq(r.new, root * r.old + (1 - root) * rate * total(g * (s.old / (sqrt(v.old) + eps)))),
        Eq(m.new, beta1 * m.old + (1 - beta1) * rate * g),
        Eq(v.new, beta2 * v.old + (1 - beta2) * g**2),
        Eq(s.new, root * s.old + (1 - root) * rate * g),
        Eq(size, (1 - root) * total(Abs(s.new))),
        *distance,
        Eq(x.new, x.old - m.new / (sqrt(v.new) + eps) - rate * weight_decay * x.old),
    ),
    notes={
        "PyTorch": "not in `torch.optim`; `dadaptation` is the same. Both weigh the product with "
        "the second moment from before the step, the paper with the new one.",
        "Keras": "not in Keras.",
        "Optax": "`optax.contrib.dadapt_adamw` corrects the rate for moments that start at zero.",
    },
)
