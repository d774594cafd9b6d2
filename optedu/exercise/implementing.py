r"""`implement`: make a function of the notebook the one that the notebook runs on."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from types import FunctionType
from typing import TypeVar

from optedu import written
from optedu.validate import text

__all__ = ["implement"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_ARGUMENTS = ("xp", "x", "g", "state", "t")

F = TypeVar("F", bound=Callable[..., object])


def implement(name: str) -> Callable[[F], F]:
    r"""Register the decorated function as the update rule `name` of this notebook.

    From then on, `optedu.minimize(..., optimizer=name)`, the plots and `optedu.check(name)` use it.

    Parameters
    ----------
    name : str
        The rule, such as `"adam"`. Any other name makes an optimizer of your own, which runs
        but has no derivation to be checked against.

    Returns
    -------
    decorator
        It returns the function unchanged. The function is called as
        `function(xp, x, g, state, t, **hyper)` and returns `(x_new, state_new)`: `xp` is the array
        namespace, `x` and `g` are arrays of one shape, `state` is a dictionary, `t` counts the
        steps from 1, and the hyper-parameters are keyword arguments with defaults.

    Raises
    ------
    TypeError
        If `name` is no string, or what is decorated is no function with these arguments.
    ValueError
        If `name` is empty, or that of a rule in another spelling (`"Adam"`), or the function comes
        from optedu itself.

    Examples
    --------
    >>> @optedu.implement("sgd")
    ... def sgd(xp, x, g, state, t, *, lr=1e-3):
    ...     return x - lr * g, {}
    >>> print(optedu.check("sgd", "first step"))
    sgd: all right.
      ok  first step: 1 step from the initial state, with the defaults
    """
    if not isinstance(name, str):
        raise TypeError(
            'write the decorator with the name of the rule, @optedu.implement("adam"), '
            f"got {type(name).__name__}"
        )

    text("name", name)
    _refuse_other_spelling(name)

    def decorate(function: F) -> F:
        if not isinstance(function, FunctionType):
            raise TypeError(
                f"implement({name!r}) decorates a function written with def, "
                f"got {type(function).__name__}"
            )
        _refuse_ours(name, function)
        _check_arguments(name, function)
        written.register(name, function)
        return function

    return decorate


def _refuse_other_spelling(name: str) -> None:
    r"""An optimizer called "Adam" would be checked nowhere, and nobody would say why."""
    plain = "_".join(name.lower().replace("-", " ").split())
    if name == plain:
        return
    # Not above: the process that students' kernels are forked from loads no rules.
    from optedu import rules

    known = rules.all()
    alike = [rule for rule in known if rule.replace("_", "") == plain.replace("_", "")]
    if name not in known and alike:
        raise ValueError(f'implement({name!r}): the rule is called "{alike[0]}"; write that name')


def _refuse_ours(name: str, function: FunctionType) -> None:
    r"""The derived rule, or code generated from it, is not the student's work."""
    # By where the code comes from: the name of the module is the function's own word for it.
    if function.__code__.co_filename.startswith((_PACKAGE, "<optedu", "<lambdifygenerated")):
        raise ValueError(
            f"implement({name!r}) takes a function that you write in the notebook; "
            f"{function.__name__} is optedu's own"
        )


def _check_arguments(name: str, function: FunctionType) -> None:
    call = f"{function.__name__}(xp, x, g, state, t, *, lr=..., ...)"
    try:
        signature = inspect.signature(function)
        bound = signature.bind(*_ARGUMENTS).arguments
        misplaced = [own for own, ours in bound.items() if own in _ARGUMENTS and ours != own]
        if misplaced:
            raise TypeError(f"the argument {misplaced[0]} would be {bound[misplaced[0]]}")
    except TypeError as error:
        raise TypeError(
            f"implement({name!r}): the function is called as {call}, which does not fit "
            f"def {function.__name__}{signature}: {error}. "
            "Hyper-parameters come after the star and have defaults"
        ) from None
