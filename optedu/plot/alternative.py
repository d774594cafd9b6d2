r"""`alt_text`: what a figure shows, in words, for readers who don't see it."""

from __future__ import annotations

from typing import Any

from optedu.plot.grouping import groups
from optedu.run.minimization import Run
from optedu.run.sweeping import Sweep

__all__ = ["alt_text"]


def alt_text(results: Any) -> str:
    r"""Describe runs or sweeps in a sentence each.

    Parameters
    ----------
    results : Run, Sweep, list of them, or mapping of label to them
        What was drawn.

    Returns
    -------
    str

    Raises
    ------
    TypeError, ValueError
        If there is anything else in it, or nothing.

    Examples
    --------
    >>> problem = optedu.problems.quadratic(kappa=4)
    >>> print(optedu.plot.alt_text(optedu.minimize(problem, optimizer="sgd", lr=1.0, steps=3)))
    sgd on quadratic: in 3 steps the objective goes from 0.625 to 0.0222.
    """
    sentences = []
    for label, group in groups(results, (Run, Sweep), "results").items():
        first = group[0]
        name = getattr(first.problem, "name", "the problem")
        if isinstance(first, Sweep):
            grid = " and ".join(
                f"{k} from {v.min():.3g} to {v.max():.3g}" for k, v in first.axes.items()
            )
            text = f"{label} on {name} after {first.steps} steps over {grid}: "
            if first.diverged.all():
                text += "every run diverged."
            else:
                best = ", ".join(f"{k} = {v:.3g}" for k, v in first.best.items())
                text += f"best at {best}; {first.diverged.mean():.0%} of the runs diverged."
        else:
            ends = sorted(float(e) for r in group for e in r.f[-1:].ravel())
            end = f"{ends[0]:.3g}" if len(ends) == 1 else f"{ends[0]:.3g} to {ends[-1]:.3g}"
            seeds = f" ({len(group)} seeds)" if len(group) > 1 else ""
            text = (
                f"{label} on {name}{seeds}: in {first.steps} steps the objective goes from "
                f"{float(first.f[:1].mean()):.3g} to {end}"
            )
            lost = [r.diverged_at for r in group if r.diverged_at is not None]
            text += f"; it diverges at step {min(lost)}." if lost else "."
        sentences.append(text)
    return " ".join(sentences)
