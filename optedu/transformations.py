r"""Transformations: each takes a rule and returns another, by substitution in its equations.

They compose, and what comes out is a `Rule` like any other, with LaTeX, kernels and an oracle:
`averaged(clipped(optedu.rules.get("adam")))`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sympy import Abs, Eq, Expr, Max, Min, Piecewise, Symbol, sign, sqrt

from optedu import symbols, validate
from optedu.quantities import Hyper, State, intermediate, total, x
from optedu.rule import Rule
from optedu.symbols import beta1, g, lr, t, weight_decay

__all__ = [
    "averaged",
    "cautious",
    "clipped",
    "decoupled",
    "maximized",
    "projected",
    "schedule_free",
    "sharpness_aware",
    "soft_thresholded",
]

max_norm = symbols.declare("max_norm", r"g_{\max}", "largest norm that a clipped gradient has", 0.0)
beta_average = symbols.declare(
    "beta_average",
    r"\bar\beta",
    "decay rate of an average of the parameters",
    0,
    1,
    lower_open=False,
)


radius = symbols.declare("radius", "r_{a}", "distance at which SAM takes its gradient", 0.0)
low_end = symbols.declare("low", r"x_{\min}", "lower end of the box that holds all parameters")
high_end = symbols.declare("high", r"x_{\max}", "upper end of the box that holds all parameters")
l1_weight = symbols.declare(
    "l1_weight", r"\alpha_{1}", "weight of the sum of absolute values", 0, lower_open=False
)


def maximized(rule: Rule) -> Rule:
    r"""Return the rule that climbs: it descends on $-f$.

    Examples
    --------
    >>> maximized(optedu.rules.get("sgd").at(weight_decay=0)).latex_equations()
    ['x_{t} = x_{t-1} + \\eta g_{t}']
    """
    return _changed(rule, "maximized", "climbing", {g: -g})


def clipped(rule: Rule, norm: float = 1.0) -> Rule:
    r"""Return the rule on gradients whose norm over all parameters is at most `max_norm`.

    A longer gradient is shortened, its direction kept (Pascanu, Mikolov and Bengio 2013, algorithm
    1). `torch.nn.utils.clip_grad_norm_` adds 1e-6 to the norm that it divides by.

    Parameters
    ----------
    rule : Rule
    norm : float
        Default of the new hyper-parameter `max_norm`, above 0.

    Examples
    --------
    >>> import numpy as np
    >>> rule = clipped(optedu.rules.get("sgd"), norm=1.0)
    >>> rule.step(np.zeros(2), np.array([3.0, 4.0]), {}, 1, lr=1.0)[0]
    array([-0.6, -0.8])
    """
    inside = _fresh(rule, "g_clipped", r"\breve g_{t}")
    first = Eq(inside, g * max_norm / Max(sqrt(total(g**2)), max_norm))
    return _changed(rule, "clipped", "clipped", {g: inside}, (first,), hypers={max_norm: norm})


def projected(rule: Rule, low: float, high: float) -> Rule:
    r"""Return the rule whose parameters go to the nearest point of a box after each step.

    That is what `minimize` does on a problem with `bounds`, and the proximal operator of the
    function that is 0 in the box and infinite outside (Parikh and Boyd 2014, section 1.1). To be
    applied after transformations that change the step, such as `decoupled`.

    Parameters
    ----------
    rule : Rule
    low, high : float
        Ends of the box in every coordinate, the defaults of the new hyper-parameters `low` and
        `high`. One may be infinite: there is no such hyper-parameter then.

    Raises
    ------
    TypeError, ValueError
        If the ends are no numbers, or the low one is not below the high one.

    Examples
    --------
    >>> import numpy as np
    >>> rule = projected(optedu.rules.get("sgd"), 0.0, 1.0)
    >>> x = np.array([0.5, 0.5, 0.5])
    >>> rule.step(x, np.array([3.0, -0.25, -3.0]), {}, 1, lr=1.0)[0]
    array([0.  , 0.75, 1.  ])
    """
    low, high = validate.interval("(low, high)", (low, high), infinite=True)
    ends = {low_end: low, high_end: high}
    finite = {end: value for end, value in ends.items() if abs(value) != float("inf")}

    def nearest(after: Expr) -> Expr:
        inside = Max(low_end, after) if low_end in finite else after
        return Min(high_end, inside) if high_end in finite else inside

    return _followed(rule, "projected", "projected", nearest, finite)


def soft_thresholded(rule: Rule, weight: float) -> Rule:
    r"""Return the rule for $f$ plus the weighted sum of $|x_i|$: its gradients are those of $f$.

    After each step every parameter comes nearer to zero by $\eta$ times the weight, and stops
    there: the proximal operator of that sum (Parikh and Boyd 2014, sections 1.1 and 6.5.2). With
    plain gradient descent it is the proximal gradient method, ISTA. The distance is the Euclidean
    one, also for rules that scale coordinates, such as Adam: the exact step in their metric would
    divide each threshold as they divide the gradient, and what is here may end elsewhere.

    Parameters
    ----------
    rule : Rule
        With a learning rate `lr`.
    weight : float
        Default of the new hyper-parameter `l1_weight`, at least 0.

    Raises
    ------
    ValueError
        If the rule has no learning rate.

    Examples
    --------
    >>> import numpy as np
    >>> rule = soft_thresholded(optedu.rules.get("sgd").at(weight_decay=0), 2.0)
    >>> rule.step(np.array([3.0, -3.0, 0.1]), np.zeros(3), {}, 1, lr=0.5)[0]
    array([ 2., -2.,  0.])
    """
    if lr not in _hypers(rule):
        raise ValueError(
            f"rule must have a learning rate lr, by which the threshold goes, got {rule.name} with "
            f"{', '.join(rule.defaults()) or 'no hyper-parameters'}"
        )

    def nearer(after: Expr) -> Expr:
        return sign(after) * Max(0, Abs(after) - lr * l1_weight)

    return _followed(rule, "soft_thresholded", "soft-thresholded", nearer, {l1_weight: weight})


def decoupled(rule: Rule, decay: float = 0.01) -> Rule:
    r"""Return the rule with decoupled weight decay in place of its own.

    Before the step the parameters shrink by the factor $1 - \eta\lambda$ (Loshchilov and Hutter
    2019, algorithm 2).

    Parameters
    ----------
    rule : Rule
    decay : float
        Default of `weight_decay`, not negative.

    Examples
    --------
    >>> decoupled(optedu.rules.get("sgd")).latex_equations()
    ['x_{t} = x_{t-1} - \\eta \\lambda x_{t-1} - \\eta g_{t}']
    """
    bare = rule.at(weight_decay=0) if weight_decay in _hypers(rule) else rule
    *before, last = bare.equations
    step = Eq(x.new, last.rhs - lr * weight_decay * x.old, evaluate=False)
    return replace(
        bare,
        name=f"{rule.name}_decoupled",
        title=f"{rule.title}, decoupled decay",
        hypers=_with(bare, {weight_decay: decay}),
        equations=(*before, step),
        notes={},
    )


def cautious(rule: Rule) -> Rule:
    r"""Return the rule without the coordinates in which it would climb.

    A coordinate moves if its step goes against its gradient, and its step is then divided by the
    share of the coordinates that move (Liang et al. 2024, algorithm 1). Coordinates with a zero
    gradient do not count.

    Examples
    --------
    >>> import numpy as np
    >>> rule = cautious(optedu.rules.get("momentum").at(weight_decay=0, dampening=0))
    >>> x, g = np.zeros(2), np.array([1.0, 1.0])
    >>> rule.step(x, g, {"b": np.array([0.0, -9.0])}, 2, lr=0.1, momentum=0.9)[0]
    array([-0.2,  0. ])
    """
    *before, last = rule.equations
    step, mask = _fresh(rule, "u", "u_{t}"), _fresh(rule, "mask", r"\phi_{t}")
    return replace(
        rule,
        name=f"{rule.name}_cautious",
        title=f"{rule.title}, cautious",
        equations=(
            *before,
            Eq(step, x.old - last.rhs),
            Eq(mask, Max(0, sign(step * g))),
            Eq(x.new, x.old - step * mask * total(Abs(sign(g))) / Max(1, total(mask))),
        ),
        notes={},
    )


def averaged(rule: Rule, decay: float | None = None) -> Rule:
    r"""Return the rule that also keeps an average of its parameters, as the state `x_mean`.

    Parameters
    ----------
    rule : Rule
    decay : float, optional
        Default of `beta_average`, the decay rate of an exponential mean that begins at the start.
        Without it, the plain mean of all points after a step (Polyak and Juditsky 1992).

    Examples
    --------
    >>> import numpy as np
    >>> rule = averaged(optedu.rules.get("sgd"))
    >>> x = np.zeros(1)
    >>> state = rule.init(x)
    >>> for t in (1, 2, 3):
    ...     x, state = rule.step(x, -np.ones(1), state, t, lr=1.0)
    >>> x, state["x_mean"]
    (array([3.]), array([2.]))
    """
    *before, last = rule.equations
    after = _fresh(rule, "x_after", r"x^{+}_{t}")
    mean = State("x_mean", r"\bar x", initial=x.old)
    share = 1 / t if decay is None else 1 - beta_average
    return replace(
        rule,
        name=f"{rule.name}_averaged",
        title=f"{rule.title}, averaged",
        hypers=_with(rule, {} if decay is None else {beta_average: decay}),
        states=(*rule.states, mean),
        equations=(
            *before,
            Eq(after, last.rhs),
            Eq(mean.new, (1 - share) * mean.old + share * after),
            Eq(x.new, after),
        ),
        notes={},
    )


def schedule_free(rule: Rule, beta: float = 0.9) -> Rule:
    r"""Return the schedule-free form of a rule: the rule moves $z$, the parameters are its average.

    The gradient is taken between the two, at $(1 - \beta_1) z_{t-1} + \beta_1 x_{t-1}$ (Defazio et
    al. 2024, equations 3 to 5). The average has the weights $1/t$ of the authors' code; the paper
    prints $1/(t + 1)$, with which the start never leaves the average. What decays is $z$; in the
    authors' code the decay goes by the point of the gradient. States of the rule that no step reads
    are not kept.

    Parameters
    ----------
    rule : Rule
        Without a `beta1` of its own: its momentum is the averaging.
    beta : float
        Default of `beta1`, from 0 to below 1.

    Raises
    ------
    ValueError
        If the rule has a `beta1`, or takes its gradient elsewhere already.
    """
    if rule.evaluated is not None or beta1 in _hypers(rule):
        raise ValueError(
            "rule must take its gradient at the parameters and have no beta1 of its own "
            f"(fix it first: at(beta1=0)), got {rule.name}"
        )
    z = State("z", initial=x.old)
    read: set[Expr] = set().union(*(e.rhs.atoms(Symbol) for e in rule.equations))
    # Adam's first moment without its beta1 is the gradient: nothing that has to be kept.
    kept = tuple(state for state in rule.states if state.old in read)
    put: dict[Expr, Expr] = {x.old: z.old}
    forgotten = {state.new for state in rule.states if state not in kept}
    equations = []
    for e in rule.equations:
        if e.lhs in forgotten:
            put[e.lhs] = e.rhs.xreplace(put)
        else:
            equations.append(Eq(e.lhs, e.rhs.xreplace(put), evaluate=False))
    *before, last = equations
    return replace(
        rule,
        name=f"schedule_free_{rule.name}",
        title=f"Schedule-free {rule.title}",
        hypers=_with(rule, {beta1: beta}),
        states=(*kept, z),
        equations=(
            *before,
            Eq(z.new, last.rhs),
            Eq(x.new, (1 - 1 / t) * x.old + z.new / t),
        ),
        evaluated=(1 - beta1) * z.old + beta1 * x.old,
        notes={},
    )


def sharpness_aware(rule: Rule, distance: float = 0.05) -> Rule:
    r"""Return the rule on gradients from where the objective is higher: SAM.

    One step of the rule takes two here, and two gradients: that of an odd step, at the parameters,
    says where to go up, by `radius` along it; that of the even step, taken there, is the rule's
    (Foret et al. 2021, algorithm 1). The parameters move at even steps alone. The paper takes both
    gradients of one minibatch; the norm is over all parameters.

    Parameters
    ----------
    rule : Rule
    distance : float
        Default of the new hyper-parameter `radius`, above 0.

    Raises
    ------
    ValueError
        If the rule takes its gradient elsewhere already.

    Examples
    --------
    >>> import numpy as np
    >>> rule = sharpness_aware(optedu.rules.get("sgd"), 1.0)
    >>> x = np.array([3.0, 4.0])
    >>> state = rule.init(x)
    >>> x, state = rule.step(x, x, state, 1, lr=0.5)
    >>> x, rule.point(x, state)
    (array([3., 4.]), array([3.6, 4.8]))
    >>> rule.step(x, rule.point(x, state), state, 2, lr=0.5)[0]
    array([1.2, 1.6])
    """
    if rule.evaluated is not None:
        raise ValueError(f"rule must take its gradient at the parameters, got {rule.name}")
    climb, up = State("climb", "a"), _fresh(rule, "up", r"\upsilon_{t}")
    norm = sqrt(total(g**2))
    # What a step would make of each is computed at odd steps too, and then left.
    made = {
        v.new: _fresh(rule, f"{v.name}_made", rf"\tilde {{{v.latex_base}}}_{{t}}")
        for v in (x, *rule.states)
    }
    put = {t: t / 2, **made}
    return replace(
        rule,
        name=f"{rule.name}_sharpness_aware",
        title=f"{rule.title}, sharpness-aware",
        hypers=_with(rule, {radius: distance}),
        states=(*rule.states, climb),
        equations=(
            Eq(up, (1 - (-1) ** t) / 2),
            *(
                Eq(made.get(e.lhs, e.lhs), e.rhs.xreplace(put), evaluate=False)
                for e in rule.equations
            ),
            Eq(climb.new, up * radius * Piecewise((1 / norm, norm > 0), (0, True)) * g),
            *(
                Eq(v.new, up * v.old + (1 - up) * made[v.new], evaluate=False)
                for v in (*rule.states, x)
            ),
        ),
        evaluated=x.old + climb.old,
        notes={},
    )


def _hypers(rule: Rule) -> set[Symbol]:
    return {hyper.symbol for hyper in rule.hypers}


def _with(rule: Rule, hypers: Mapping[Symbol, float]) -> tuple[Hyper, ...]:
    r"""Return the rule's hyper-parameters and some more, which it must not have yet."""
    for twice in _hypers(rule) & set(hypers):
        raise ValueError(
            f"rule must have no {twice} of its own (fix it first: at({twice}=...)), got {rule.name}"
        )
    return (*rule.hypers, *(Hyper(*row) for row in hypers.items()))


def _fresh(rule: Rule, name: str, latex: str) -> Symbol:
    r"""Return a symbol of a name that the rule does not have yet."""
    while name in rule.symbols or any(e.lhs.name == name for e in rule.equations):
        name += "_"
    return intermediate(name, latex)


def _followed(
    rule: Rule,
    suffix: str,
    said: str,
    operator: Callable[[Expr], Expr],
    hypers: Mapping[Symbol, float],
) -> Rule:
    r"""Return the rule whose steps are each followed by an operator on the parameters."""
    *before, last = rule.equations
    after = _fresh(rule, "x_after", r"x^{+}_{t}")
    return replace(
        rule,
        name=f"{rule.name}_{suffix}",
        title=f"{rule.title}, {said}",
        hypers=_with(rule, hypers),
        equations=(*before, Eq(after, last.rhs), Eq(x.new, operator(after))),
        notes={},
    )


def _changed(
    rule: Rule,
    suffix: str,
    said: str,
    put: Mapping[Expr, Any],
    first: tuple[Eq, ...] = (),
    hypers: Mapping[Symbol, float] | None = None,
) -> Rule:
    r"""Return the rule with something else in the place of a symbol, and equations before it."""
    return replace(
        rule,
        name=f"{rule.name}_{suffix}",
        title=f"{rule.title}, {said}",
        hypers=_with(rule, hypers or {}),
        equations=(
            *first,
            *(Eq(e.lhs, e.rhs.xreplace(dict(put)), evaluate=False) for e in rule.equations),
        ),
        notes={},
    )
