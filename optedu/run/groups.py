r"""Hyper-parameters of an optimizer, and of groups of parameters that have some of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from optedu import validate
from optedu.run import stepper

__all__ = ["Group", "Settings", "one_number", "sorted_out"]


class Settings(MutableMapping):
    r"""Hyper-parameters that are checked when they are set."""

    __slots__ = ("_method", "_values", "changed", "schedules")

    frozen = False

    def __init__(self, method: Any, given: Mapping[str, Any]) -> None:
        self._method = method
        self._values = method.complete(given)
        self.changed: dict[str, Any] = {}
        self.schedules = {name: value for name, value in given.items() if callable(value)}
        self._values |= stepper.Hyperparameters(method, self.schedules).changes(1)
        for name, value in self._values.items():
            self._values[name] = one_number(name, value)

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            raise KeyError(f"{name!r} is none of {', '.join(self._values)}")
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        value = self.checked(name, value)
        if callable(value):
            self.schedules[name] = value
            return
        self.schedules.pop(name, None)
        self._values[name] = self.changed[name] = value

    def checked(self, name: str, value: Any) -> Any:
        r"""Return one value, or a schedule, after checking its name and range."""
        if callable(value):
            self[name]  # the name must be known
            return validate.function(name, value, "t")
        return one_number(name, self._method.check(name, value))

    def at(self, t: int) -> dict[str, Any]:
        r"""Return the values of step `t` from the schedules."""
        if not self.schedules:
            return {}
        values = stepper.Hyperparameters(self._method, self.schedules).changes(t)
        return {name: one_number(name, value) for name, value in values.items()}

    def take(self, values: Mapping[str, Any]) -> None:
        r"""Set values that `at` has checked."""
        self._values |= values
        self.changed |= values

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{name} can't be removed; set it to another value")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(dict(self))


class _Own(Settings):
    r"""What differs in a group; all else is that of the optimizer."""

    __slots__ = ("_base", "frozen")

    def __init__(self, method: Any, base: Settings) -> None:
        self._method = method
        self._base = base
        self._values: dict[str, Any] = {}
        self.changed: dict[str, Any] = {}
        self.schedules: dict[str, Any] = {}
        self.frozen = False

    __hash__ = object.__hash__  # a group is one by being itself, not by its numbers

    def __eq__(self, other: object) -> bool:
        return self is other

    def __getitem__(self, name: str) -> Any:
        return self._values[name] if name in self._values else self._base[name]

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        if name in self.schedules:
            self.take(stepper.Hyperparameters(self._method, {name: value}).changes(1))

    def __delitem__(self, name: str) -> None:
        if name not in self._values:
            raise KeyError(f"{name!r} is not different in this group; {self.own() or 'nothing is'}")
        del self._values[name]
        self.schedules.pop(name, None)
        self.changed[name] = self._base[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._base)

    def __len__(self) -> int:
        return len(self._base)

    def own(self) -> dict[str, Any]:
        r"""Return what differs, schedules as they were given."""
        return {**self._values, **self.schedules}

    def inherit(self, base: Settings) -> None:
        r"""Take what has changed in the optimizer and does not differ here."""
        for name, value in base.changed.items():
            if name not in self._values:
                self.changed[name] = value


class Group:
    r"""Parameters of an optimizer that have some hyper-parameters of their own.

    Attributes
    ----------
    params : list
        Keys, or indices, of the parameters.
    frozen : bool
        Whether they, and their state, stay as they are.
    hyper : mapping
        All their hyper-parameters. To set one makes it differ from the optimizer's; to delete it
        takes that back.
    """

    def __init__(self, params: list[Any], hyper: _Own) -> None:
        self._params = params
        self._hyper = hyper

    @property
    def params(self) -> list[Any]:
        return list(self._params)

    @property
    def hyper(self) -> _Own:
        return self._hyper

    @property
    def frozen(self) -> bool:
        return self._hyper.frozen

    @frozen.setter
    def frozen(self, value: Any) -> None:
        self._hyper.frozen = validate.boolean("frozen", value)

    def given(self) -> dict[str, Any]:
        r"""Return the group as it would be given to an optimizer."""
        return {"params": self.params, "frozen": self.frozen, **self._hyper.own()}

    def set(self, given: Mapping[str, Any]) -> None:
        r"""Take what `given` of a group with the same parameters has returned."""
        own = {name: value for name, value in given.items() if name not in ("params", "frozen")}
        for name in self._hyper.own():
            if name not in own:
                del self._hyper[name]
        for name, value in own.items():
            self._hyper[name] = value
        self.frozen = given.get("frozen", False)

    def __repr__(self) -> str:
        own = {"frozen": True} if self.frozen else {}
        return f"<Group {self._params}: {own | self._hyper.own()}>"


def sorted_out(
    groups: Any, keys: list[Any], method: Any, base: Settings
) -> tuple[tuple[Group, ...], list[_Own | None]]:
    r"""Return the groups, and for each parameter the hyper-parameters of its group.

    Raises
    ------
    TypeError, ValueError
        If a group is no mapping with `params`, names a parameter that is not there or is in
        another group, or a hyper-parameter that the rule does not have.
    """
    owners: dict[Any, _Own] = {}
    found = []
    if groups is not None and not isinstance(groups, (list, tuple)):
        raise TypeError(f"groups must be a list of dictionaries, got {type(groups).__name__}")
    for k, group in enumerate(groups or ()):
        label = f"groups[{k}]"
        if not isinstance(group, Mapping) or "params" not in group:
            raise TypeError(f"{label} must be a dictionary with 'params', got {group!r}")
        names = group["params"]
        if not isinstance(names, (list, tuple, set)) or not names:
            raise TypeError(f"{label}['params'] must be a list of keys, got {names!r}")
        own = _Own(method, base)
        for name in names:
            if name not in keys:
                known = ", ".join(map(repr, keys))
                raise ValueError(f"{label}['params']: {name!r} is none of {known}")
            if name in owners:
                raise ValueError(f"{label}['params']: {name!r} is in another group already")
            owners[name] = own
        made = Group(list(names), own)
        made.set({"frozen": False, **group})
        found.append(made)
    return tuple(found), [owners.get(key) for key in keys]


def one_number(name: str, value: Any) -> Any:
    r"""Return a hyper-parameter that is not an array."""
    if getattr(value, "shape", ()) != ():
        raise TypeError(f"{name} must be a real number, got an array of shape {value.shape}")
    return value
