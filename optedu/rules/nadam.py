r"""NAdam: Adam with Nesterov momentum."""

from sympy import Rational, sqrt

from optedu.quantities import Eq, Source, State, intermediate, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.rules.adam import m, moments, v, v_hat
from optedu.symbols import beta1, beta2, eps, lr, momentum_decay, t, weight_decay

mu_product = State("mu_product", r"\pi", initial=1, scalar=True)
mu_now, mu_next = intermediate("mu_now", r"\mu_{t}"), intermediate("mu_next", r"\mu_{t+1}")
m_bar = intermediate("m_bar", r"\bar m_{t}")
mu = beta1 * (1 - Rational(1, 2) * Rational(96, 100) ** (t * momentum_decay))
ahead = mu_next * m.new / (1 - mu_product.new * mu_next)

NADAM = Rule(
    name="nadam",
    title="NAdam",
    source_ref=Source("dozat2016incorporating", "algorithm 8"),
    summary="Adam that looks ahead along its momentum.",
    chapter="ch10_after_adam",
    hypers={lr: 2e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, momentum_decay: 4e-3, weight_decay: 0},
    states=(mu_product, m, v),
    equations=(
        coupled,
        Eq(mu_now, mu),
        Eq(mu_next, mu.subs(t, t + 1)),
        # With a changing momentum, the bias correction is one minus the product of its values.
        Eq(mu_product.new, mu_product.old * mu_now),
        *moments,
        Eq(m_bar, ahead + (1 - mu_now) * g_decayed / (1 - mu_product.new)),
        Eq(v_hat, v.new / (1 - beta2**t)),
        Eq(x.new, x.old - lr * m_bar / (sqrt(v_hat) + eps)),
    ),
    notes={
        "PyTorch": "`torch.optim.NAdam`: the same; it keeps $\\pi_t$ in its default dtype, usually "
        "single precision.",
        "Keras": "`Nadam`: the same schedule with $\\psi = 1$; epsilon 1e-7.",
        "Optax": "`optax.nadam`: constant momentum, no schedule.",
    },
)
