r"""AdaGrad with a diagonal metric."""

from sympy import sqrt

from optedu.quantities import Eq, Source, State, x
from optedu.rule import Rule
from optedu.rules._coupled import coupled, g_decayed
from optedu.symbols import eps, initial_accumulator, lr, lr_decay, t, weight_decay

G = State("G", initial=initial_accumulator, nonnegative=True)

ADAGRAD = Rule(
    name="adagrad",
    title="AdaGrad",
    source_ref=Source("duchi2011adaptive", "figure 1, diagonal matrices"),
    summary="Each coordinate's step is divided by the root of its summed squared gradients.",
    chapter="ch07_adagrad",
    hypers={lr: 1e-2, eps: 1e-10, lr_decay: 0, initial_accumulator: 0, weight_decay: 0},
    states=(G,),
    equations=(
        coupled,
        Eq(G.new, G.old + g_decayed**2),
        Eq(x.new, x.old - lr / (1 + (t - 1) * lr_decay) * g_decayed / (sqrt(G.new) + eps)),
    ),
    notes={
        "PyTorch": "`torch.optim.Adagrad`: the same.",
        "Keras": "`Adagrad` starts its accumulator at 0.1 and puts epsilon inside the root.",
        "Optax": "`optax.adagrad` starts its accumulator at 0.1 and puts epsilon inside the root.",
    },
)
