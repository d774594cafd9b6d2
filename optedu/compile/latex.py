r"""The equations of a rule in LaTeX, printed as everything else is by `optedu.latex`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optedu.latex import latex

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = ["aligned", "equations"]


def equations(rule: Rule) -> list[str]:
    r"""Return the LaTeX of each equation."""
    return [f"{latex(equation.lhs)} = {latex(equation.rhs)}" for equation in rule.equations]


def aligned(rule: Rule) -> str:
    r"""Return all equations, aligned at their equals signs."""
    body = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in equations(rule))
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
