r"""`Optimizer`: an update rule with its parameters and state, for training loops."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np

from optedu import stepper, validate
from optedu.arena import Arena, flatten
from optedu.backend import namespace
from optedu.display import number

__all__ = ["Optimizer"]


class Optimizer:
    r"""An optimizer that holds its parameters and their state.

    All tensors of one dtype lie in one flat buffer; `params` and `state` are views of it, and a
    step is one kernel call, however many tensors there are.

    Parameters
    ----------
    optimizer : str, Rule or callable
        As for `minimize`.
    params : array, or list or dict of arrays
        Initial parameters, floating point. They are copied: use `params` of the optimizer.
    form : {"numpy", "numba", "cupy"}, optional
        The kernel; by default that of the arrays' library.
    check_finite : bool
        Raise if a gradient holds NaN or an infinity, before anything is changed.
    **hyper : float
        Hyper-parameters.

    Attributes
    ----------
    params : array, list or dict
        The parameters, in the structure given: views, changed in place by each step.
    grads : array, list or dict
        Buffers for the gradients, in the same structure. A training loop that writes its gradients
        there calls `step()` without an argument, and nothing is copied.
    hyper : mapping
        The hyper-parameters; `optimizer.hyper["lr"] = 0.1` counts from the next step.
    t : int
        Number of steps done.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, shape or range; the message names it and its value.

    Examples
    --------
    >>> import numpy as np
    >>> optimizer = optedu.Optimizer("momentum", {"w": np.ones((2, 2)), "b": np.zeros(2)}, lr=0.1)
    >>> optimizer.step({"w": np.ones((2, 2)), "b": np.full(2, 2.0)})
    >>> optimizer.params["b"]
    array([-0.2, -0.2])
    """

    def __init__(
        self,
        optimizer: Any,
        params: Any,
        *,
        form: str | None = None,
        check_finite: bool = True,
        **hyper: Any,
    ) -> None:
        self._method = stepper.method(optimizer)
        self.name = self._method.name
        self.t = 0
        for name, value in hyper.items():
            if callable(value):
                raise TypeError(
                    f"{name} must be a number here, got a callable: set hyper[{name!r}] each step"
                )
        self.hyper = _Hyper(self._method, hyper)
        self._check_finite = validate.boolean("check_finite", check_finite)
        arrays, self._names, self._rebuild = flatten("params", params)
        self._keys = list(params) if isinstance(params, Mapping) else None
        self._many = isinstance(params, (list, tuple))
        for label, array in zip(self._names[1:], arrays[1:], strict=True):
            validate.same_library(label, array, self._names[0], arrays[0])
        self._xp = namespace(*arrays)
        for label, array in zip(self._names, arrays, strict=True):
            validate.finite(label, array)
        by_dtype: dict[Any, list[int]] = {}
        for i, array in enumerate(arrays):
            by_dtype.setdefault(array.dtype, []).append(i)
        self._parts = [
            _Part(self._method, [arrays[i] for i in where], where, form, dict(self.hyper))
            for where in by_dtype.values()
        ]
        self._shapes = [tuple(a.shape) for a in arrays]
        self._dtypes = [a.dtype for a in arrays]
        self.params = self._assembled([p.arena.views for p in self._parts])
        self._grads: Any = None

    @property
    def grads(self) -> Any:
        r"""Buffers for the gradients; zero until something is written there."""
        if self._grads is None:
            self._grads = self._assembled([p.arena.split(p.buffer) for p in self._parts])
        return self._grads

    @property
    def state(self) -> dict[str, Any]:
        r"""The state by name, each in the structure of the parameters; scalar states as numbers."""
        result: dict[str, Any] = {}
        for name, value in self._parts[0].state.items():
            if isinstance(value, (int, float)) or getattr(value, "shape", ()) == ():
                result[name] = value
            else:
                split = [p.arena.split(p.state[name]) for p in self._parts]
                result[name] = self._assembled(split)
        return result

    def step(self, grads: Any = None) -> None:
        r"""Do one step.

        Parameters
        ----------
        grads : array, list or dict, optional
            Gradients in the structure, shapes and dtypes of `params`; what was written into
            `grads` of the optimizer where they are not given.

        Raises
        ------
        TypeError, ValueError
            If they do not fit, or are not finite; then no parameter has changed.
        """
        arrays = None if grads is None else self._listed(grads)
        parts = self._parts
        if len(parts) == 1:  # what a step of a few parameters costs is decided here
            gathered = [parts[0].buffer if arrays is None else parts[0].take(arrays)]
        elif arrays is None:
            gathered = [part.buffer for part in parts]
        else:
            gathered = [part.take([arrays[i] for i in part.where]) for part in parts]
        if self._check_finite:
            for g in gathered:
                if not _is_finite(g):
                    self._refuse(arrays)
        self.t += 1
        for part, g in zip(parts, gathered, strict=True):
            part.step(g, self.t, self.hyper)
        if self.hyper.changed:
            self.hyper.changed.clear()

    def __repr__(self) -> str:
        count = sum(part.arena.flat.shape[0] for part in self._parts)
        hyper = ", ".join(f"{k}={number(v)}" for k, v in self.hyper.items())
        tensors = f"{len(self._shapes)} array{'s' if len(self._shapes) > 1 else ''}"
        return f"<Optimizer {self.name}({hyper}): {tensors}, {count} parameters, step {self.t}>"

    # -- inside ----------------------------------------------------------------------------------

    def _assembled(self, parts: list[list[Any]]) -> Any:
        arrays: list[Any] = [None] * sum(len(p) for p in parts)
        for part, views in zip(self._parts, parts, strict=True):
            for i, view in zip(part.where, views, strict=True):
                arrays[i] = view
        return self._rebuild(arrays)

    def _listed(self, grads: Any) -> list[Any]:
        r"""Return the gradients as a list, after checking structure, shapes and dtypes."""
        if self._keys is not None:
            if not isinstance(grads, Mapping) or grads.keys() != set(self._keys):
                got = list(grads) if isinstance(grads, Mapping) else type(grads).__name__
                raise ValueError(f"grads must have the keys {self._keys}, got {got}")
            arrays = [grads[key] for key in self._keys]
        elif self._many:
            if not isinstance(grads, (list, tuple)) or len(grads) != len(self._shapes):
                got = len(grads) if isinstance(grads, (list, tuple)) else type(grads).__name__
                raise ValueError(f"grads must be a list of {len(self._shapes)} arrays, got {got}")
            arrays = list(grads)
        else:
            arrays = [grads]
        try:
            fits = [a.shape for a in arrays] == self._shapes
            fits = fits and [a.dtype for a in arrays] == self._dtypes
        except AttributeError:
            fits = False
        if not fits:
            self._explain(arrays)
        return arrays

    def _explain(self, arrays: list[Any]) -> None:
        for name, array, shape, dtype in zip(
            self._names, arrays, self._shapes, self._dtypes, strict=True
        ):
            label = name.replace("params", "grads", 1)
            validate.floating_array(label, array)
            validate.same_library(label, array, name, self._parts[0].arena.flat)
            if tuple(array.shape) != shape:
                raise ValueError(
                    f"{label} must have the shape of {name}, {shape}, got {tuple(array.shape)}"
                )
            if array.dtype != dtype:
                raise TypeError(
                    f"{label} must have the dtype of {name}, {dtype}, got {array.dtype}"
                )

    def _refuse(self, arrays: list[Any] | None) -> None:
        if arrays is None:
            arrays = flatten("grads", self.grads)[0]
        for name, array in zip(self._names, arrays, strict=True):
            try:
                validate.finite(name.replace("params", "grads", 1), array)
            except ValueError as error:
                error.add_note(f"this is the gradient of step {self.t + 1}")
                raise


class _Part:
    r"""The tensors of one dtype: their arena, state and kernel."""

    def __init__(
        self, method: Any, arrays: list[Any], where: list[int], form: str | None, hyper: dict
    ) -> None:
        self.arena = Arena(arrays)
        self.where = where
        self.state = method.init(self.arena.flat, hyper)
        self.buffer = namespace(self.arena.flat).zeros_like(self.arena.flat)
        self._method = method
        self._bound = None
        form = form or stepper.kernel_form(self.arena.flat)
        if isinstance(method, stepper.DerivedMethod) and form is not None:
            self._bound = method.rule.kernel(form).bind(self.arena.flat, self.state, **hyper)

    def take(self, arrays: list[Any]) -> Any:
        r"""Return the gradients as one flat array; a single array is not copied."""
        if len(arrays) == 1 and type(arrays[0]) is np.ndarray:
            return arrays[0] if arrays[0].ndim == 1 else arrays[0].reshape(-1)
        return self.arena.gather(arrays, self.buffer)

    def step(self, g: Any, t: int, hyper: _Hyper) -> None:
        r"""Do one step with the flat gradient."""
        if self._bound is not None:
            self._bound(g, t, **hyper.changed)
            return
        new, self.state = self._method.step(self.arena.flat, g, self.state, t, dict(hyper))
        self.arena.flat[...] = new  # the views stay valid


class _Hyper(MutableMapping):
    r"""Hyper-parameters that are checked when they are set."""

    def __init__(self, method: Any, given: Mapping[str, Any]) -> None:
        self._method = method
        self._values = method.complete(given)
        self.changed: dict[str, Any] = {}
        for name, value in self._values.items():
            self._values[name] = _one_number(name, value)

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            raise KeyError(f"{name!r} is none of {', '.join(self._values)}")
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        value = _one_number(name, self._method.check(name, value))
        self._values[name] = self.changed[name] = value

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{name} can't be removed; set it to another value")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


def _one_number(name: str, value: Any) -> Any:
    if getattr(value, "shape", ()) != ():
        raise TypeError(f"{name} must be a real number, got an array of shape {value.shape}")
    return value


def _is_finite(g: Any) -> bool:
    if type(g) is np.ndarray:
        # Of a few numbers Python's sum is quickest; where it overflows, the rest decides.
        if g.size <= 64 and math.isfinite(sum(g.tolist())):
            return True
        return bool(np.logical_and.reduce(np.isfinite(g)))
    xp = namespace(g)
    return bool(xp.all(xp.isfinite(g)))
