r"""Adafactor: second moments of a matrix, kept as one number for each row and each column."""

from sympy import Max, Min, sqrt

from optedu.matrices import column_sums, matmul, row_sums
from optedu.quantities import Eq, Source, State, intermediate, total, x
from optedu.rule import Rule
from optedu.symbols import columns, declare, g, lr, rows, t, weight_decay

c = declare("memory_decay", r"c_{\beta}", "exponent with which Adafactor's memory grows", 0)
eps1 = declare("eps_square", r"\epsilon_{1}", "constant that is added to squares", 0)
eps2 = declare("eps_scale", r"\epsilon_{2}", "least scale of the parameters", 0)
u_max = declare("rms_limit", r"u_{\max}", "largest root mean square of Adafactor's quotient", 0)
R = State("R", nonnegative=True, axes=(rows, 1))
C = State("C", nonnegative=True, axes=(1, columns))
beta_hat, scale = intermediate("beta_hat", r"\beta_{2,t}"), intermediate("scale", r"\alpha_{t}")
v_hat = intermediate("v_hat", r"\hat v_{t}", nonnegative=True)
u, u_hat = intermediate("u", "u_{t}"), intermediate("u_hat", r"\hat u_{t}")
u_rms, x_rms = (sqrt(total(matrix**2) / (rows * columns)) for matrix in (u, x.old))

ADAFACTOR = Rule(
    name="adafactor",
    title="Adafactor",
    source_ref=Source("shazeer2018adafactor", "algorithms 4 and 7"),
    summary="Second moments of an n by m matrix in n + m numbers, and steps relative to its scale.",
    hypers={lr: 1e-2, c: 0.8, eps1: 1e-30, eps2: 1e-3, u_max: 1, weight_decay: 0},
    states=(R, C),
    equations=(
        Eq(beta_hat, 1 - t**-c),
        Eq(R.new, beta_hat * R.old + (1 - beta_hat) * row_sums(g**2 + eps1)),
        Eq(C.new, beta_hat * C.old + (1 - beta_hat) * column_sums(g**2 + eps1)),
        Eq(v_hat, matmul(R.new / column_sums(R.new), C.new)),
        Eq(u, g / sqrt(v_hat)),
        Eq(u_hat, u / Max(1, u_rms / u_max)),
        Eq(scale, Max(eps2, x_rms) * Min(lr, 1 / sqrt(t))),
        Eq(x.new, x.old - lr * weight_decay * x.old - scale * u_hat),
    ),
    notes={
        "PyTorch": "`torch.optim.Adafactor`: the same; its constants bound what they are added to "
        "here.",
        "Keras": "`Adafactor`: not compared.",
        "Optax": "`optax.adafactor`: not compared; it leaves matrices with a side below 128 whole.",
    },
)
