r"""RAdam: Adam whose variance is rectified while the second moment has seen few gradients."""

from sympy import Piecewise, sqrt

from optedu.quantities import Eq, Source, intermediate, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled
from optedu.rules.adam import HYPERS, correction, m, m_hat, moments, v
from optedu.symbols import beta2, eps, lr, t

rho_inf = intermediate("rho_inf", r"\varrho_{\infty}")
rho_t = intermediate("rho_t", r"\varrho_{t}")
rectified, plain = intermediate("rectified", "r_{t}"), intermediate("plain", "a_{t}")
_rectification = sqrt((rho_t - 4) * (rho_t - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho_t))

RADAM = Rule(
    name="radam",
    title="RAdam",
    source_ref=Source("liu2020variance", "algorithm 2"),
    summary="Momentum while the second moment is uncertain, then Adam with a rectified step.",
    chapter="ch11_schedules",
    hypers=HYPERS,
    states=(m, v),
    equations=(
        coupled,
        *moments,
        correction,
        Eq(rho_inf, 2 / (1 - beta2) - 1),
        Eq(rho_t, rho_inf - 2 * t * beta2**t / (1 - beta2**t)),
        # The variance is tractable for rho_t > 4; the authors' code and PyTorch ask for 5.
        Eq(rectified, Piecewise((_rectification * sqrt(1 - beta2**t), rho_t > 5), (0, True))),
        Eq(plain, Piecewise((0, rho_t > 5), (1, True))),
        # While nothing is rectified the quotient is zero: `plain` keeps it from being 0/0 where the
        # gradient and epsilon are zero.
        Eq(x.new, x.old - lr * m_hat * (rectified / (sqrt(v.new) + eps + plain) + plain)),
    ),
    notes={
        "PyTorch": "`torch.optim.RAdam`: the same; epsilon is added to the uncorrected root, and "
        "the threshold is 5 where the paper has 4.",
        "Keras": "not in Keras.",
        "Optax": "`optax.radam`: threshold 5; epsilon is added to the corrected root.",
    },
)
