r"""Problems to minimize: objective, gradient, start, and what is known of the minimum.

Symbolic problems state the objective once, in SymPy; the gradient, the Hessian and the code, also
in JavaScript, come from that expression. Gradients written by hand (the models on data) are checked
against finite differences, with `gradient_error`.
"""

from __future__ import annotations

import importlib
from typing import Any

_EXPORTS = {
    "Problem": "base",
    "symbolic": "expressions",
    "quadratic": "convex",
    "huber": "convex",
    "tight_huber": "convex",
    "lessard": "convex",
    "springs": "beads",
    "rosenbrock": "landscapes",
    "beale": "landscapes",
    "himmelblau": "landscapes",
    "styblinski_tang": "landscapes",
    "double_well": "landscapes",
    "saddle": "landscapes",
    "monkey_saddle": "landscapes",
    "plateau": "landscapes",
    "saturated_neuron": "landscapes",
    "tiny_network": "landscapes",
    "noisy_quadratic": "noisy",
    "reddi": "noisy",
    "reddi_stochastic": "noisy",
    "logistic_regression": "logistic",
    "mlp": "network",
    "convnet": "convolution",
    "gradient_error": "differences",
}
_TOOLS = {"Problem", "symbolic", "gradient_error"}

__all__ = [*_EXPORTS, "get", "names"]


def names() -> list[str]:
    r"""Return the names that `get` takes."""
    return [name for name in _EXPORTS if name not in _TOOLS]


def get(name: str, **options: Any) -> Any:
    r"""Return the problem of that name, made with these options.

    Parameters
    ----------
    name : str
        One of `names()`.
    **options
        Keyword arguments of the function of that name in `optedu.problems`.

    Returns
    -------
    Problem

    Raises
    ------
    TypeError
        If `name` is not a string, or the problem takes no such option.
    ValueError
        If there is no such problem; the message lists those that there are. Or if an option is out
        of range.

    Examples
    --------
    >>> optedu.problems.get("rosenbrock", dim=5)
    <Chain rosenbrock, dim 5>
    """
    import inspect

    from optedu.validate import choice, known

    make = __getattr__(choice("name", name, names()))
    parameters = inspect.signature(make).parameters
    known(name, options, parameters)
    missing = [k for k, p in parameters.items() if p.default is p.empty and k not in options]
    if missing:
        raise TypeError(f"{name} needs the option {missing[0]!r}")
    return make(**options)


def __getattr__(name: str) -> Any:
    # Each module loads when it is first used: some need SymPy, some data.
    module = _EXPORTS.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return __all__
