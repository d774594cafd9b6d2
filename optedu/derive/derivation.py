r"""A derivation: expressions, the reason for each, and a check that stops at a false step."""

from __future__ import annotations

import ast
import html
import sys
from dataclasses import dataclass

import sympy as sp

from optedu import validate
from optedu.derive import arguments, authored
from optedu.derive.checking import Domain, Verdict, check
from optedu.latex import RELATIONS

_RELATIONS = {"=": sp.Eq, "<=": sp.Le, "<": sp.Lt, ">=": sp.Ge, ">": sp.Gt}


class DerivationError(AssertionError):
    """A step of a derivation does not hold, or nothing could be found out about it."""


@dataclass(frozen=True)
class Step:
    r"""One line of a derivation.

    Attributes
    ----------
    shown : list of str
        LaTeX of what is shown, in pieces between which the line may break.
    why : str
        The justification, in words.
    status : str
        ``"given"``, ``"proved"`` (SymPy reduced it to an identity) or ``"sampled"`` (it held at
        every point that was tried, and SymPy could not prove it).
    points : int
        Different points at which it was evaluated.
    """

    shown: list[str]
    why: str
    status: str
    points: int = 0

    @property
    def latex(self) -> str:
        """LaTeX of what is shown."""
        return " ".join(self.shown)

    @property
    def checked(self) -> str:
        """How the line was checked, in words."""
        if self.status == "given":
            return "given"
        if self.status == "proved":
            return "proved by SymPy"
        points = "1 point" if self.points == 1 else f"{self.points} points"
        return f"checked at {points}"


class Derivation:
    r"""A chain of expressions in which each link is checked when it is written.

    Each line shows what its author wrote, ``(1 - beta) * g`` and not ``g * (1 - beta)``: the order
    of terms and factors is read in the source of the call, and names stand for their values. What
    is shown is always the expression that is checked. Where the source cannot be read, terms and
    factors stand in the order of :func:`optedu.derive.latex`.

    Parameters
    ----------
    title : str
        What is derived.
    start : sympy.Expr, optional
        First expression of the chain. Without it only :meth:`given` and :meth:`fact` can be used.
    assume : sequence of relational
        Conditions on the symbols, such as ``lr * L < 2``: claims are made only where they hold.
    domain : mapping of Symbol to (low, high), optional
        Range from which a symbol is sampled.
    points : int
        Random points for a step; see :func:`optedu.derive.check`.
    seed : int
        Seed of the random points.

    Raises
    ------
    DerivationError
        From :meth:`then` and :meth:`fact`, at once, when a step does not hold. It names the step
        and a point at which the two sides differ.

    Examples
    --------
    >>> import sympy as sp
    >>> a, b = sp.symbols("a b", real=True)
    >>> d = Derivation("A square", (a + b)**2).then(a**2 + 2*a*b + b**2, "expand the square")
    >>> d.steps[-1].checked
    'proved by SymPy'
    >>> d.then(a**2 + b**2, "drop 2ab")
    Traceback (most recent call last):
        ...
    optedu.derive.derivation.DerivationError: A square, step 2 ('drop 2ab') does not hold:
      a**2 + 2*a*b + b**2 = a**2 + b**2
      at a = 9/97, b = 33/97
      left = 0.1875, right = 0.1243
    """

    def __init__(self, title, start=None, *, assume=(), domain=None, points=12, seed=0):
        self.title = validate.text("title", title)
        self.steps: list[Step] = []
        self._facts: dict = {}
        self._points = validate.count("points", points, minimum=1)
        self._seed = validate.count("seed", seed)
        self._number = 0
        assume = tuple(arguments.sequence("assume", assume))
        for condition in assume:
            arguments.relation("assume", condition)
        self._domain = Domain({} if domain is None else domain, assume)
        frame = sys._getframe(1)
        written = authored.argument(frame, -1, "assume")
        sources = (
            written.elts if isinstance(written, ast.List | ast.Tuple) else [None] * len(assume)
        )
        for condition, source in zip(assume, sources, strict=True):
            self.steps.append(Step(authored.shown(condition, source, frame), "assumed", "given"))
        self.current = None if start is None else arguments.expression("start", start)
        if start is not None:
            source = authored.argument(frame, 1, "start")
            self.steps.append(Step(authored.shown(self.current, source, frame), "start", "given"))

    def given(self, fact, why: str) -> Derivation:
        r"""Add a definition or hypothesis, used by all later checks.

        Parameters
        ----------
        fact : sympy.Eq or inequality
            An equation replaces its left side by its right side in later claims; an inequality
            restricts where they are made.
        why : str
            Where it comes from.

        Raises
        ------
        TypeError
            If an argument has a wrong kind.
        """
        arguments.relation("fact", fact)
        validate.text("why", why)
        if isinstance(fact, sp.Eq):
            self._facts[fact.lhs] = fact.rhs
        else:
            self._domain = Domain(self._domain.intervals, (*self._domain.conditions, fact))
        frame = sys._getframe(1)
        source = authored.argument(frame, 0, "fact")
        self.steps.append(Step(authored.shown(fact, source, frame), why, "given"))
        return self

    def then(self, expr, why: str, *, relation: str = "=", certificate=None) -> Derivation:
        r"""Continue the chain: the current expression is related to ``expr``.

        Parameters
        ----------
        expr : sympy.Expr
            The next expression.
        why : str
            The justification.
        relation : {"=", "<=", "<", ">=", ">"}
            How the current expression relates to the next.
        certificate : sympy.Expr, optional
            See :func:`optedu.derive.check`.

        Returns
        -------
        Derivation
            Itself, so that steps can be chained.

        Raises
        ------
        DerivationError
            If the step does not hold, or could not be checked.
        TypeError, ValueError
            If an argument has a wrong kind, or there is no start.
        """
        if self.current is None:
            raise ValueError("then needs a start: Derivation(title, start)")
        validate.choice("relation", relation, _RELATIONS)
        validate.text("why", why)
        expr = arguments.expression("expr", expr)
        verdict = self._check(self.current, relation, expr, why, certificate)
        frame = sys._getframe(1)
        first, *rest = authored.shown(expr, authored.argument(frame, 0, "expr"), frame)
        self._add([f"{RELATIONS[_RELATIONS[relation]]} {first}", *rest], why, verdict)
        self.current = expr
        return self

    def fact(self, claim, why: str, *, certificate=None) -> Derivation:
        r"""Check an equation or inequality that stands beside the chain.

        Parameters
        ----------
        claim : sympy.Eq or inequality
            The claim. One that SymPy evaluates to ``True`` by itself is accepted.
        why : str
            The justification.
        certificate : sympy.Expr, optional
            See :func:`optedu.derive.check`.

        Raises
        ------
        DerivationError
            If the claim does not hold, or could not be checked.
        TypeError, ValueError
            If an argument has a wrong kind.
        """
        validate.text("why", why)
        arguments.relation("claim", claim, decided=True)
        frame = sys._getframe(1)
        shown = authored.shown(claim, authored.argument(frame, 0, "claim"), frame)
        if claim == sp.true:
            self._add(shown, why, Verdict(proved=True))
            return self
        if claim == sp.false:
            self._number += 1
            raise DerivationError(f"{self._where(why)} does not hold: SymPy evaluates it to False")
        name = next((n for n, kind in _RELATIONS.items() if isinstance(claim, kind)), None)
        if name is None:
            raise ValueError(f"claim must use one of {', '.join(_RELATIONS)}, got {claim}")
        verdict = self._check(claim.lhs, name, claim.rhs, why, certificate)
        self._add(shown, why, verdict)
        return self

    def _check(self, left, relation, right, why, certificate) -> Verdict:
        self._number += 1
        known_left, known_right = (self._apply_facts(side) for side in (left, right))
        claim = _RELATIONS[relation](known_left, known_right, evaluate=False)
        verdict = check(
            claim, self._domain, points=self._points, seed=self._seed, certificate=certificate
        )
        shown = f"  {left} {relation} {right}"
        if verdict.counterexample is not None:
            point = ", ".join(f"{name} = {value}" for name, value in verdict.counterexample.items())
            at = f"  at {point}\n" if point else ""
            raise DerivationError(
                f"{self._where(why)} does not hold:\n{shown}\n"
                f"{at}  left = {sp.N(verdict.left, 4)}, right = {sp.N(verdict.right, 4)}"
            )
        if not verdict.holds:
            raise DerivationError(
                f"{self._where(why)} could not be checked:\n{shown}\n"
                "  SymPy cannot prove it and no point of the domain gives it a finite value"
            )
        return verdict

    def _apply_facts(self, expr):
        # Facts may use earlier facts, so replace until nothing changes.
        for _ in range(len(self._facts) + 1):
            new = sp.sympify(expr).subs(self._facts)
            if new == expr:
                break
            expr = new
        return expr

    def _where(self, why) -> str:
        return f"{self.title}, step {self._number} ({why!r})"

    def _add(self, shown, why, verdict):
        status = "proved" if verdict.proved else "sampled"
        self.steps.append(Step(shown, why, status, verdict.points))

    @property
    def proved(self) -> bool:
        """Whether SymPy proved every step that is not given."""
        return all(step.status != "sampled" for step in self.steps)

    def __repr__(self) -> str:
        sampled = sum(step.status == "sampled" for step in self.steps)
        if not sampled:
            return f"<Derivation {self.title!r}: {self._number} steps, all hold>"
        return (
            f"<Derivation {self.title!r}: {self._number} steps, none refuted; "
            f"checked at points only: {sampled}>"
        )

    def _repr_latex_(self) -> str:
        lines = " \\\\\n".join(
            rf"& {step.latex} && \text{{{_plain_tex(_reason(step))}}}" for step in self.steps
        )
        return f"$$\\begin{{aligned}}\n{lines}\n\\end{{aligned}}$$"

    def _repr_html_(self) -> str:
        rows = "\n".join(_row(step) for step in self.steps)
        return (
            '<div class="optedu-derivation" role="group" '
            f'aria-label="Derivation: {html.escape(self.title, quote=True)}" '
            'style="margin:.5rem 0 1rem">'
            f'<div style="font-weight:600;padding:.25rem">{html.escape(self.title)}</div>'
            f"{rows}</div>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {
            "text/plain": repr(self),
            "text/latex": self._repr_latex_(),
            "text/html": self._repr_html_(),
        }


def _row(step: Step) -> str:
    # flex-wrap puts the justification beside the formula on a desktop and under it on a phone.
    # A formula scrolls where a piece of it is wider than the page: a piece that scrolled by itself
    # would lose its baseline, and the signs of a line would stand at different heights.
    formula = " ".join(
        '<span style="display:inline-block;padding:.15rem 0">'
        f"\\(\\displaystyle {html.escape(piece)}\\)</span>"
        for piece in step.shown
    )
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:.1rem 1.5rem;align-items:center;'
        'padding:.35rem .25rem;border-top:1px solid rgba(128,128,128,.35)">'
        '<div class="tex2jax_process mathjax_process" style="flex:3 1 22rem;min-width:0;'
        'overflow-x:auto;overflow-y:hidden">'
        f"{formula}</div>"
        f'<div style="flex:1 1 13rem;min-width:0;font-size:.9em">{html.escape(step.why)}'
        f"{_badge(step)}</div></div>"
    )


def _badge(step: Step) -> str:
    if step.status == "given":
        return "" if step.why in ("start", "assumed") else " <small>(given)</small>"
    mark = "&#10003;" if step.status == "proved" else "&#8776;"
    return f' <small style="white-space:nowrap">{mark} {step.checked}</small>'


def _reason(step: Step) -> str:
    # Where nothing is said of it, a reader takes a line for proved.
    return f"{step.why} ({step.checked})" if step.status == "sampled" else step.why


def _plain_tex(text: str) -> str:
    return "".join("\\" + c if c in "#$%&_{}" else c for c in text)
