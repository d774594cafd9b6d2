r"""Shampoo: AdaGrad with a matrix on each side of the gradient."""

from optedu.matrices import inverse_root, matmul, transposed
from optedu.quantities import Eq, Source, State, x
from optedu.rule import Rule
from optedu.symbols import columns, eps, g, lr, rows

left = State("left", "L", axes=(rows, rows), initial=eps)
right = State("right", "R", axes=(columns, columns), initial=eps)

SHAMPOO = Rule(
    name="shampoo",
    title="Shampoo",
    source_ref=Source("gupta2018shampoo", "algorithm 1"),
    summary="The gradient between the fourth roots of what rows and columns have summed.",
    hypers={lr: 1e-2, eps: 1e-4},
    states=(left, right),
    equations=(
        Eq(left.new, left.old + matmul(g, transposed(g))),
        Eq(right.new, right.old + matmul(transposed(g), g)),
        Eq(
            x.new,
            x.old - lr * matmul(matmul(inverse_root(left.new, 4), g), inverse_root(right.new, 4)),
        ),
    ),
    notes={
        "PyTorch": "not in `torch.optim`.",
        "Keras": "not in Keras.",
        "Optax": "not in Optax.",
    },
)
