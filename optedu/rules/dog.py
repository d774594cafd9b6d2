r"""DoG: the distance from the start over the root of the summed gradients is the rate."""

from sympy import Max, sqrt

from optedu.quantities import Eq, Source, State, total, x
from optedu.rule import Rule
from optedu.symbols import declare, eps, g, lr

first_move = declare("first_move", r"r_{\epsilon}", "first step of DoG, relative to the start", 0)
start = State("start", r"x^{0}", initial=x.old)
distance = State("distance", r"\bar r", nonnegative=True, scalar=True)
squares = State("squares", "G", nonnegative=True, scalar=True)

DOG = Rule(
    name="dog",
    title="DoG",
    source_ref=Source("ivgi2023dog", "equations 2 and 3"),
    summary="No rate to tune: the farthest distance so far over the norm of all gradients.",
    hypers={lr: 1.0, first_move: 1e-6, eps: 1e-8},
    states=(start, distance, squares),
    equations=(
        Eq(
            distance.new,
            Max(
                distance.old,
                sqrt(total((x.old - start.old) ** 2)),
                first_move * (1 + sqrt(total(start.old**2))),
            ),
        ),
        Eq(start.new, start.old, evaluate=False),
        Eq(squares.new, squares.old + total(g**2)),
        Eq(x.new, x.old - lr * distance.new / sqrt(squares.new + eps) * g),
    ),
    notes={
        "PyTorch": "not in `torch.optim`.",
        "Keras": "not in Keras.",
        "Optax": "`optax.contrib.dog`: the same.",
    },
)
