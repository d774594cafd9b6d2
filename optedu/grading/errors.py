"""What can go wrong with a whole run, each with one line for the person at the terminal."""


class UsageError(Exception):
    """The command cannot start as it was asked; nothing was done."""


class NotForTwoKernels(Exception):
    """Two kernels would give the instructor's solution other points; nothing was graded."""


class RunError(Exception):
    """The run stopped; what was graded is kept and the same command goes on from there."""
