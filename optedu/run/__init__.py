r"""Running an update rule: `minimize` and `sweep` on a problem, `Optimizer` in a loop."""
