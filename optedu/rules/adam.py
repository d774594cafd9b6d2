r"""Adam, and AMSGrad, which differs from it by one maximum."""

from sympy import Max, sqrt

from optedu.quantities import Eq, Source, State, intermediate, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.symbols import beta1, beta2, eps, lr, t, weight_decay

m = State("m")
v = State("v", nonnegative=True)
v_max = State("v_max", r"v^{\max}", nonnegative=True)
m_hat = intermediate("m_hat", r"\hat m_{t}")
v_hat = intermediate("v_hat", r"\hat v_{t}", nonnegative=True)

HYPERS = {lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0}
moments = (
    Eq(m.new, beta1 * m.old + (1 - beta1) * g_decayed),
    Eq(v.new, beta2 * v.old + (1 - beta2) * g_decayed**2),
)
correction = Eq(m_hat, m.new / (1 - beta1**t))

ADAM = Rule(
    name="adam",
    title="Adam",
    source_ref=Source("kingma2015adam", "algorithm 1"),
    summary="RMSProp with momentum, both moments corrected for their start at zero.",
    chapter="ch09_adam",
    hypers=HYPERS,
    states=(m, v),
    equations=(
        coupled,
        *moments,
        correction,
        Eq(v_hat, v.new / (1 - beta2**t)),
        Eq(x.new, x.old - lr * m_hat / (sqrt(v_hat) + eps)),
    ),
    notes={
        "PyTorch": "`torch.optim.Adam`: the same, coupled weight decay.",
        "Keras": "`Adam` adds epsilon to the uncorrected root (the paper's epsilon hat); 1e-7.",
        "Optax": "`optax.adam`: the same; `eps_root` adds a second constant inside the root.",
    },
)

AMSGRAD = Rule(
    name="amsgrad",
    title="AMSGrad",
    source_ref=Source("reddi2018convergence", "algorithm 2"),
    summary="Adam that divides by the largest second moment so far.",
    chapter="ch10_after_adam",
    hypers=HYPERS,
    states=(m, v, v_max),
    equations=(
        coupled,
        *moments,
        # The maximum is taken before the correction; Optax takes it after.
        Eq(v_max.new, Max(v_max.old, v.new)),
        correction,
        Eq(v_hat, v_max.new / (1 - beta2**t)),
        Eq(x.new, x.old - lr * m_hat / (sqrt(v_hat) + eps)),
    ),
    notes={
        "PyTorch": "`torch.optim.Adam(amsgrad=True)`: the same. The paper has no bias correction.",
        "Keras": "`Adam(amsgrad=True)`: maximum before the correction too; epsilon as in its Adam.",
        "Optax": "`optax.amsgrad` takes the maximum after the correction.",
    },
)
