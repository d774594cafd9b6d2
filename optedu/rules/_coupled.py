r"""What several rules share: coupled weight decay, which adds lambda x to the gradient."""

from optedu.quantities import Eq, intermediate, x
from optedu.symbols import g, weight_decay

g_decayed = intermediate("g_decayed", r"\tilde g_{t}")
r"""The gradient of the loss plus that of an L2 penalty, $\lambda \lVert x \rVert^2 / 2$."""

coupled = Eq(g_decayed, g + weight_decay * x.old)
