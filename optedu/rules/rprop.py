r"""Rprop: each coordinate has a step of its own, which the signs of its gradients lengthen."""

from sympy import Max, Min, sign

from optedu.quantities import Eq, Source, State, intermediate, x
from optedu.rule import Rule
from optedu.symbols import declare, g, lr

shrink = declare("shrink", r"\vartheta^{-}", "factor of Rprop's step where the sign changes", 0, 1)
grow = declare("grow", r"\vartheta^{+}", "factor of Rprop's step where the sign stays", 1)
shortest = declare("shortest_step", r"\iota_{\min}", "shortest step of Rprop", 0)
longest = declare("longest_step", r"\iota_{\max}", "longest step of Rprop", 0)
step_size, prev = State("step_size", r"\iota", initial=lr, nonnegative=True), State("prev", "p")
kept, turned = intermediate("kept", r"\phi^{+}_{t}"), intermediate("turned", r"\phi^{-}_{t}")
factor = 1 + (grow - 1) * kept - (1 - shrink) * turned

RPROP = Rule(
    name="rprop",
    title="Rprop",
    source_ref=Source("riedmiller1993rprop", "the algorithm, without its step back"),
    summary="The gradient's sign times a step, the rate at first, that grows until it changes.",
    hypers={lr: 1e-2, shrink: 0.5, grow: 1.2, shortest: 1e-6, longest: 50},
    states=(step_size, prev),
    equations=(
        Eq(kept, Max(0, sign(g * prev.old))),
        Eq(turned, Max(0, -sign(g * prev.old))),
        Eq(step_size.new, Min(longest, Max(shortest, factor * step_size.old))),
        # Where the sign has changed there is no step, and the next one compares with nothing.
        Eq(prev.new, (1 - turned) * g),
        Eq(x.new, x.old - step_size.new * sign(prev.new)),
    ),
    notes={
        "PyTorch": "`torch.optim.Rprop`: the same; the rate is the first step alone.",
        "Keras": "not in Keras.",
        "Optax": "`optax.rprop` takes each step one step late, and none at the first.",
    },
)
