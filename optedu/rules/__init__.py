r"""The update rules, one file each.

A rule is found by being here: every `Rule` at the top level of a module of this package is in
`all()`, and through it in the tests, the tables, the kernels and the figures.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from optedu.rule import NAMED, Rule
from optedu.validate import choice

__all__ = ["all", "get"]


@cache
def _discover() -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for value in vars(module).values():
            if isinstance(value, Rule):
                other = found.setdefault(value.name, value)
                if other is not value:
                    raise ValueError(
                        f"two rules are named {value.name!r}; one is in {info.name}.py"
                    )
    NAMED.clear()
    NAMED.update(found)
    return found


def all(*, matrices: bool = True) -> dict[str, Rule]:
    r"""Return every rule by name, in the order of the modules.

    Parameters
    ----------
    matrices : bool
        Whether those are among them that step a matrix as a whole, and nothing else.
    """
    return {name: rule for name, rule in _discover().items() if matrices or not rule.matrices}


def get(name: str) -> Rule:
    r"""Return the rule of that name.

    Parameters
    ----------
    name : str
        A key of `all()`.

    Returns
    -------
    Rule

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If there is no such rule; the message lists those that there are.

    Examples
    --------
    >>> optedu.rules.get("adam").defaults()
    {'lr': 0.001, 'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-08, 'weight_decay': 0.0}
    """
    return _discover()[choice("optimizer", name, _discover())]
