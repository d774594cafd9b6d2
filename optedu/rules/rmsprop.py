r"""RMSProp: plain and centered, epsilon outside or inside the root, with and without momentum."""

from sympy import Max, Symbol, sqrt

from optedu.quantities import Eq, Source, State, intermediate, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.symbols import beta2, eps, lr, momentum, weight_decay

m, v, b = State("m"), State("v", nonnegative=True), State("b")
variance = intermediate("variance", "s_{t}", nonnegative=True)

HINTON = Source("tieleman2012rmsprop", "lecture 6e, slide 29")
GRAVES = Source("graves2013generating", "eqs. (38) to (41)")

second_moment = Eq(v.new, beta2 * v.old + (1 - beta2) * g_decayed**2)
# The mean is subtracted: what is left estimates the gradient's variance, not its second moment.
centering = (
    Eq(m.new, beta2 * m.old + (1 - beta2) * g_decayed),
    # In exact arithmetic it is never below zero; after rounding it may be, and has no root.
    Eq(variance, Max(v.new - m.new**2, 0)),
)
HYPERS = {lr: 1e-2, beta2: 0.99, eps: 1e-8, weight_decay: 0}


def _rmsprop(name: str, title: str, summary: str, root: Symbol, notes: dict[str, str]) -> Rule:
    centered = root != v.new and root.has(variance)
    return Rule(
        name=name,
        title=title,
        source_ref=GRAVES if centered else HINTON,
        summary=summary,
        chapter="ch08_rmsprop",
        hypers=HYPERS,
        states=(m, v) if centered else (v,),
        equations=(
            coupled,
            second_moment,
            *(centering if centered else ()),
            Eq(x.new, x.old - lr * g_decayed / root),
        ),
        notes=notes,
    )


RMSPROP = _rmsprop(
    "rmsprop",
    "RMSProp",
    "AdaGrad with an exponential mean in place of the sum.",
    sqrt(v.new) + eps,
    {
        "PyTorch": "`torch.optim.RMSprop`: the same; its `alpha` is our $\\beta_2$.",
        "Keras": "`RMSprop` puts epsilon inside the root, and its `rho` is 0.9.",
        "Optax": "`optax.rmsprop`: epsilon inside the root unless `eps_in_sqrt=False`; decay 0.9.",
    },
)

RMSPROP_EPS_INSIDE = _rmsprop(
    "rmsprop_eps_inside",
    "RMSProp, epsilon inside the root",
    "RMSProp in the convention of Keras and Optax.",
    sqrt(v.new + eps),
    {
        "PyTorch": "`torch.optim.RMSprop` puts epsilon outside the root.",
        "Keras": "`RMSprop`: the same, with its `rho` for our $\\beta_2$, 0.9 by default.",
        "Optax": "`optax.rmsprop`: the same, with its `decay` for our $\\beta_2$, 0.9 by default.",
    },
)

RMSPROP_CENTERED = _rmsprop(
    "rmsprop_centered",
    "RMSProp, centered",
    "RMSProp that divides by the standard deviation of the gradient.",
    sqrt(variance) + eps,
    {
        "PyTorch": "`torch.optim.RMSprop(centered=True)`: the same.",
        "Keras": "`RMSprop(centered=True)` puts epsilon inside the root.",
        "Optax": "`optax.rmsprop(centered=True)`: epsilon inside unless `eps_in_sqrt=False`.",
    },
)

RMSPROP_CENTERED_EPS_INSIDE = _rmsprop(
    "rmsprop_centered_eps_inside",
    "RMSProp, centered, epsilon inside the root",
    "Centered RMSProp as Graves printed it.",
    sqrt(variance + eps),
    {
        "PyTorch": "`torch.optim.RMSprop(centered=True)` puts epsilon outside the root.",
        "Keras": "`RMSprop(centered=True)`: the same.",
        "Optax": "`optax.rmsprop(centered=True)`: the same.",
    },
)

RMSPROP_MOMENTUM = Rule(
    name="rmsprop_momentum",
    title="RMSProp with momentum",
    source_ref=GRAVES,
    summary="A decaying sum of RMSProp's steps.",
    chapter="ch08_rmsprop",
    hypers={**HYPERS, momentum: 0.9},
    states=(v, b),
    equations=(
        coupled,
        second_moment,
        Eq(b.new, momentum * b.old + g_decayed / (sqrt(v.new) + eps)),
        Eq(x.new, x.old - lr * b.new),
    ),
    notes={
        "PyTorch": "`torch.optim.RMSprop(momentum=...)`: the same.",
        "Keras": "`RMSprop(momentum=...)` multiplies by the learning rate before summing.",
        "Optax": "`optax.rmsprop(momentum=...)` multiplies by the learning rate before summing.",
    },
)
