r"""`Optimizer`: an update rule with its parameters and state, for training loops."""

from __future__ import annotations

import copy
import math
from collections.abc import Container, Iterator, Mapping, MutableMapping
from typing import Any, Literal

import numpy as np

from optedu import symbols, validate
from optedu.arrays import namespace, to_numpy
from optedu.display import number
from optedu.run import stepper
from optedu.run.arena import Arena, Lone, flatten
from optedu.run.groups import Group, Settings, sorted_out

__all__ = ["Optimizer"]


class Optimizer:
    r"""An optimizer that holds its parameters and their state.

    All tensors of one dtype lie in one flat buffer; `params` and `state` are views of it, and a
    step is one kernel call, however many tensors there are. A rule that steps matrices gets each
    in its shape.

    Parameters
    ----------
    optimizer : str, Rule or callable
        As for `minimize`.
    params : array, or list or dict of arrays
        Initial parameters, floating point. They are copied: use `params` of the optimizer.
    form : {"numpy", "numba", "cupy"}, optional
        The kernel; by default that of the arrays' library.
    check_finite : bool or "skip"
        Raise if a gradient holds NaN or an infinity, before anything is changed; with ``"skip"``
        leave such a step out.
    groups : list of dict, optional
        Parameters with hyper-parameters of their own: ``{"params": ["b1", "b2"],
        "weight_decay": 0}`` names keys (of a list, indices) and what is different there. All other
        hyper-parameters, and later changes of them, count for these parameters too.
        ``{"params": ["w1"], "frozen": True}`` leaves parameters, and their state, as they are;
        their gradients may be None.
    **hyper : float, Schedule or callable
        Hyper-parameters. A schedule is asked for its value before each step.

    Attributes
    ----------
    params : array, list or dict
        The parameters, in the structure given: views, changed in place by each step.
    grads : array, list or dict
        Buffers for the gradients, in the same structure. A training loop that writes its gradients
        there calls `step()` without an argument, and nothing is copied.
    state : mapping
        The state by name, each in the structure of the parameters; scalar states as numbers.
    hyper : mapping
        The hyper-parameters; `optimizer.hyper["lr"] = 0.1` counts from the next step, and so does
        a schedule that is set; it has the value of the last step till then.
    groups : tuple of Group
        The groups as given, each with `params`, `frozen`, and `hyper`, where
        ``optimizer.groups[0].hyper["lr"] = 0.01`` sets what is different, and
        ``del optimizer.groups[0].hyper["lr"]`` takes that back. To set `frozen` counts from the
        next step; the state of what was frozen is as it was, while `t` has gone on.
    t : int
        Number of steps done.
    name : str
        Name of the rule or function.

    Notes
    -----
    To set one of these, or an entry of one, is to copy the values into the optimizer's own memory:
    `optimizer.params["w"] = w` or `optimizer.state = saved`. Any other attribute is refused. A run
    goes on from `t`, `params` and `state`, or from a pickle or a deep copy of the optimizer, as if
    it had never stopped.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, shape or range; the message names it and its value.

    Examples
    --------
    >>> import numpy as np
    >>> optimizer = optedu.Optimizer("momentum", {"w": np.ones((2, 2)), "b": np.zeros(2)}, lr=0.1)
    >>> optimizer.step({"w": np.ones((2, 2)), "b": np.full(2, 2.0)})
    True
    >>> optimizer.params["b"]
    array([-0.2, -0.2])

    No weight decay on the bias:

    >>> optimizer = optedu.Optimizer(
    ...     "adamw", {"w": np.ones(2), "b": np.ones(2)}, lr=0.1, weight_decay=0.5,
    ...     groups=[{"params": ["b"], "weight_decay": 0}],
    ... )
    >>> optimizer.step({"w": np.zeros(2), "b": np.zeros(2)})
    True
    >>> optimizer.params["w"], optimizer.params["b"]
    (array([0.95, 0.95]), array([1., 1.]))
    """

    def __init__(
        self,
        optimizer: Any,
        params: Any,
        *,
        form: str | None = None,
        check_finite: bool | Literal["skip"] = True,
        groups: Any = None,
        **hyper: Any,
    ) -> None:
        self._build(stepper.method(optimizer), params, form, check_finite, groups, hyper)

    def _build(
        self,
        method: Any,
        params: Any,
        form: str | None,
        check_finite: bool | str,
        groups: Any,
        hyper: dict[str, Any],
    ) -> None:
        self._method = method
        self._form = form
        self._done = [0]  # in a list: to set an attribute costs more than a step should
        self._hyper = Settings(self._method, hyper)
        if not (isinstance(check_finite, bool) or check_finite == "skip"):
            raise TypeError(f"check_finite must be True, False or 'skip', got {check_finite!r}")
        self._check_finite = check_finite
        arrays, self._names, self._rebuild = flatten("params", params)
        self._keys = list(params) if isinstance(params, Mapping) else None
        self._many = isinstance(params, (list, tuple))
        for label, array in zip(self._names[1:], arrays[1:], strict=True):
            validate.same_library(label, array, self._names[0], arrays[0])
        for label, array in zip(self._names, arrays, strict=True):
            validate.finite(label, array)
            self._method.check_shape(label, array)
        _no_ties(self._names, arrays)
        keys = self._keys if self._keys is not None else list(range(len(arrays)))
        self._groups, owners = sorted_out(groups, keys, self._method, self._hyper)
        together: dict[Any, list[int]] = {}
        for i, array in enumerate(arrays):
            alone = i if self._method.per_tensor or self._method.matrices else 0
            together.setdefault((array.dtype, owners[i], alone), []).append(i)
        self._parts = [
            _Part(self._method, [arrays[i] for i in where], where, form, owner or self._hyper)
            for (_, owner, _), where in together.items()
        ]
        # What sums over all parameters adds up the shares of the parts before one of them steps.
        self._sums = self._method.sums and not self._method.per_tensor and len(self._parts) > 1
        if self._sums and not all(hasattr(part.kernel, "sums") for part in self._parts):
            raise TypeError(
                f"{self.name} sums over all parameters, here of several dtypes or groups: "
                "that needs a kernel, and there is none for "
                f"{type(arrays[0]).__module__}.{type(arrays[0]).__name__}"
            )
        self._shapes = [tuple(a.shape) for a in arrays]
        self._dtypes = [a.dtype for a in arrays]
        self._params = self._assembled("params", [p.arena.views for p in self._parts])
        self._grads: Any = None

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            known = name in self._hyper
            hint = f": set hyper[{name!r}]" if known else symbols.meant(name, self._hyper)
            raise AttributeError(f"an optimizer has no attribute {name!r}{hint}")
        super().__setattr__(name, value)

    def __reduce__(self) -> Any:
        return _restored, (
            *(self._method, self._params, self._form, self._check_finite),
            [group.given() for group in self._groups],
            {**self._hyper, **self._hyper.schedules},
            *(self.t, [dict(part.state) for part in self._parts], self._grads),
        )

    @property
    def name(self) -> str:
        r"""Name of the rule or function."""
        return self._method.name

    @property
    def t(self) -> int:
        r"""Number of steps done."""
        return self._done[0]

    @t.setter
    def t(self, value: Any) -> None:
        self._done[0] = validate.count("t", value)

    @property
    def hyper(self) -> Settings:
        r"""The hyper-parameters; to set one checks it, and counts from the next step."""
        return self._hyper

    @hyper.setter
    def hyper(self, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise TypeError(f"hyper must be a mapping, got {type(values).__name__}")
        for name, value in values.items():
            self._hyper.checked(name, value)  # all, before one is set
        self._hyper.update(values)

    @property
    def groups(self) -> tuple[Group, ...]:
        r"""The groups of parameters with hyper-parameters of their own."""
        return self._groups

    @property
    def params(self) -> Any:
        r"""The parameters, in the structure given: views."""
        return self._params

    @params.setter
    def params(self, values: Any) -> None:
        self._fill("params", self._params, values)

    @property
    def point(self) -> Any:
        r"""Where to take the gradients of the next step, in the structure of `params`.

        For most rules these are the parameters themselves; a few take it at another point, made of
        the parameters and the state.
        """
        rule = getattr(self._method, "rule", None)
        if rule is None or rule.evaluated is None:
            return self._params
        flat = [rule.point(p.arena.flat, p.state, **p.hyper) for p in self._parts]
        parts = [p.arena.split(at) for p, at in zip(self._parts, flat, strict=True)]
        return self._assembled("params", parts)

    @property
    def grads(self) -> Any:
        r"""Buffers for the gradients; zero until something is written there."""
        if self._grads is None:
            self._grads = self._assembled("grads", [p.arena.split(p.buffer) for p in self._parts])
        return self._grads

    @grads.setter
    def grads(self, values: Any) -> None:
        self._fill("grads", self.grads, values)

    @property
    def state(self) -> _State:
        r"""The state by name, each in the structure of the parameters; scalar states as numbers."""
        return _State(self)

    @state.setter
    def state(self, values: Any) -> None:
        self.state.replace(values)

    def zero_grad(self) -> None:
        r"""Set `grads` to zero, so that the next gradients can be added up there."""
        for part in self._parts:
            part.buffer[...] = 0

    def state_dict(self) -> dict[str, Any]:
        r"""Return a copy of what a run needs to go on, besides the parameters.

        Returns
        -------
        dict
            ``t``, ``hyper`` (schedules included), ``groups`` and ``state``.
        """
        return {
            "t": self.t,
            "hyper": {**self._hyper, **self._hyper.schedules},
            "groups": [group.given() for group in self._groups],
            "state": {name: copy.deepcopy(value) for name, value in self.state.items()},
        }

    def load_state_dict(self, saved: Any) -> None:
        r"""Go on from what `state_dict` returned, of an optimizer with the same parameters.

        Raises
        ------
        TypeError, ValueError
            If it does not fit; then nothing has changed.
        """
        wanted = ["t", "hyper", "groups", "state"]
        if not isinstance(saved, Mapping) or set(saved) != set(wanted):
            got = list(saved) if isinstance(saved, Mapping) else type(saved).__name__
            raise ValueError(f"saved must be a mapping with the keys {wanted}, got {got}")
        there = [group.params for group in self._groups]
        named = [list(group["params"]) for group in saved["groups"]]
        if named != there:
            raise ValueError(f"saved['groups'] must name the parameters {there}, got {named}")
        # A copy takes it all first: where it refuses, this optimizer has not changed.
        trial = copy.deepcopy(self)
        for optimizer in (trial, self):
            optimizer.t = saved["t"]
            optimizer.hyper = saved["hyper"]
            for group, given in zip(optimizer.groups, saved["groups"], strict=True):
                group.set(given)
            if optimizer.t:
                optimizer._advance(optimizer.t)  # the values of the last step
            optimizer.state = saved["state"]

    def step(self, grads: Any = None) -> bool:
        r"""Do one step.

        Parameters
        ----------
        grads : array, list or dict, optional
            Gradients in the structure, shapes and dtypes of `params`; what was written into
            `grads` of the optimizer where they are not given.

        Returns
        -------
        bool
            Whether the step was done: not if ``check_finite="skip"`` has left it out.

        Raises
        ------
        TypeError, ValueError
            If they do not fit, or are not finite; then no parameter has changed.
        """
        arrays = None if grads is None else self._listed("grads", grads)
        parts = self._parts
        if self._groups:
            parts = [part for part in parts if not part.hyper.frozen]
        if len(parts) == 1 and len(self._parts) == 1:  # decides what a step of few numbers costs
            gathered = [parts[0].buffer if arrays is None else parts[0].take(arrays)]
        elif arrays is None:
            gathered = [part.buffer for part in parts]
        else:
            gathered = [part.take([arrays[i] for i in part.where]) for part in parts]
        if self._check_finite:
            for part, g in zip(parts, gathered, strict=True):
                if not _fits(g, part.limit):
                    if self._check_finite == "skip":
                        return False
                    self._refuse(arrays)
        t, hyper = self._done[0] + 1, self._hyper
        if hyper.schedules or self._groups:
            self._advance(t)
        self._done[0] = t
        if self._sums:
            self._step_together(parts, gathered, t)
        else:
            for part, g in zip(parts, gathered, strict=True):
                part.step(g, t, part.hyper)
        if hyper.changed:
            hyper.changed.clear()
        for group in self._groups:
            if not group.frozen:  # of what is frozen no kernel has heard yet
                group.hyper.changed.clear()
        return True

    def _step_together(self, parts: list[_Part], gradients: list[Any], t: int) -> None:
        kernels = [part.kernel for part in parts]
        for part in parts:
            part.kernel.change(**part.hyper.changed)
        known: dict[str, Any] = {}
        for level in range(kernels[0].levels if kernels else 0):
            shares = [k.sums(level, g, t, known) for k, g in zip(kernels, gradients, strict=True)]
            known |= {name: sum(share[name] for share in shares) for name in shares[0]}
        for kernel, g in zip(kernels, gradients, strict=True):
            kernel(g, t, known)

    def _advance(self, t: int) -> None:
        r"""Take the values of step `t` from all schedules; where one fails, from none."""
        news = [(hyper, hyper.at(t)) for hyper in (self._hyper, *(g.hyper for g in self._groups))]
        for hyper, values in news:
            hyper.take(values)
        for group in self._groups:
            group.hyper.inherit(self._hyper)

    def __repr__(self) -> str:
        count = sum(math.prod(shape) for shape in self._shapes)
        hyper = ", ".join(f"{k}={number(v)}" for k, v in self.hyper.items())
        tensors = f"{len(self._shapes)} array{'s' if len(self._shapes) > 1 else ''}"
        return f"<Optimizer {self.name}({hyper}): {tensors}, {count} parameters, step {self.t}>"

    # -- inside ----------------------------------------------------------------------------------

    def _assembled(self, label: str, parts: list[list[Any]]) -> Any:
        arrays: list[Any] = [None] * sum(len(p) for p in parts)
        for part, views in zip(self._parts, parts, strict=True):
            for i, view in zip(part.where, views, strict=True):
                arrays[i] = view
        return self._rebuild(label, arrays)

    def _fill(self, label: str, target: Any, values: Any) -> None:
        r"""Copy arrays in the structure of the parameters into the views of `target`."""
        if values is not target:
            views = flatten(label, target)[0]
            for view, array in zip(views, self._listed(label, values), strict=True):
                view[...] = array

    def _listed(self, label: str, values: Any) -> list[Any]:
        r"""Return arrays as a list, after checking structure, shapes and dtypes."""
        if self._keys is not None:
            if isinstance(values, Mapping) and self._frozen:
                values = {key: self._params[key] for key in self._frozen} | {
                    key: value for key, value in values.items() if value is not None
                }
            if not isinstance(values, Mapping) or values.keys() != set(self._keys):
                keys = list(values) if isinstance(values, Mapping) else type(values).__name__
                raise ValueError(f"{label} must have the keys {self._keys}, got {keys}")
            arrays = [values[key] for key in self._keys]
        elif self._many:
            if not isinstance(values, (list, tuple)) or len(values) != len(self._shapes):
                got = len(values) if isinstance(values, (list, tuple)) else type(values).__name__
                raise ValueError(f"{label} must be a list of {len(self._shapes)} arrays, got {got}")
            arrays = list(values)
            for i in self._frozen:
                arrays[i] = self._params[i] if arrays[i] is None else arrays[i]
        else:
            arrays = [values]
        try:
            fits = [a.shape for a in arrays] == self._shapes
            fits = fits and [a.dtype for a in arrays] == self._dtypes
        except AttributeError:
            fits = False
        if not fits:
            self._explain(label, arrays)
        return arrays

    @property
    def _frozen(self) -> list[Any]:
        return [key for group in self._groups if group.frozen for key in group.params]

    def _explain(self, label: str, arrays: list[Any]) -> None:
        for name, array, shape, dtype in zip(
            self._names, arrays, self._shapes, self._dtypes, strict=True
        ):
            given = name.replace("params", label, 1)
            name = name if label != "params" else "the array there"
            validate.floating_array(given, array)
            validate.same_library(given, array, name, self._parts[0].arena.flat)
            if tuple(array.shape) != shape:
                raise ValueError(
                    f"{given} must have the shape of {name}, {shape}, got {tuple(array.shape)}"
                )
            if array.dtype != dtype:
                raise TypeError(
                    f"{given} must have the dtype of {name}, {dtype}, got {array.dtype}"
                )

    def _refuse(self, arrays: list[Any] | None) -> None:
        if arrays is None:
            arrays = flatten("grads", self.grads)[0]
        limits = {
            i: math.inf if part.hyper.frozen else part.limit
            for part in self._parts
            for i in part.where
        }
        for i, (name, array) in enumerate(zip(self._names, arrays, strict=True)):
            name = name.replace("params", "grads", 1)
            if limits[i] == math.inf:
                continue
            try:
                validate.finite(name, array)
                if not _fits(array, limits[i]):
                    largest = float(np.max(np.abs(to_numpy(array))))
                    wider = ", or use float64" if self._dtypes[i].itemsize < 8 else ""
                    raise ValueError(
                        f"{name} must be at most {limits[i]:.3g}, got {largest:.3g}: {self.name} "
                        f"keeps squares of it, which overflow in {array.dtype} and then stay "
                        f"infinite. Scale the loss down{wider}"
                    )
            except ValueError as error:
                error.add_note(f"this is the gradient of step {self.t + 1}")
                raise


class _Part:
    r"""The tensors of one dtype and group: their arena, state and kernel."""

    def __init__(
        self, method: Any, arrays: list[Any], where: list[int], form: str | None, hyper: Settings
    ) -> None:
        self.arena = Lone(arrays) if method.matrices else Arena(arrays)
        self.where = where
        self.hyper = hyper
        self.state = method.init(self.arena.flat, dict(hyper))
        self.buffer = namespace(self.arena.flat).zeros_like(self.arena.flat)
        self._method = method
        largest = float(np.finfo(str(self.arena.flat.dtype).rpartition(".")[2]).max)
        self.limit = math.sqrt(largest) if method.squares else largest
        self.kernel: Any = None
        form = form or stepper.kernel_form(self.arena.flat)
        if isinstance(method, stepper.DerivedMethod) and form is not None:
            self.kernel = method.rule.kernel(form).bind(self.arena.flat, self.state, **hyper)

    def take(self, arrays: list[Any]) -> Any:
        r"""Return the gradients as one flat array; a single array is not copied."""
        if len(arrays) == 1 and type(arrays[0]) is np.ndarray and type(self.arena) is Arena:
            return arrays[0] if arrays[0].ndim == 1 else arrays[0].reshape(-1)
        return self.arena.gather(arrays, self.buffer)

    def put(self, name: str, value: Any) -> None:
        r"""Set one state, flat or a number; the kernel's own arrays stay the ones it is tied to."""
        if isinstance(self._method, stepper.DerivedMethod) and not isinstance(value, float):
            self.state[name][...] = value
        else:
            self.state = self.state if self.kernel is not None else dict(self.state)
            self.state[name] = value

    def keep(self, names: Container[str]) -> None:
        r"""Forget the states of a reader's function that are not among `names`."""
        if not isinstance(self._method, stepper.DerivedMethod):
            self.state = {name: value for name, value in self.state.items() if name in names}

    def step(self, g: Any, t: int, hyper: Settings) -> None:
        r"""Do one step with the gathered gradient."""
        if self.kernel is not None:
            self.kernel(g, t, **hyper.changed)
            return
        new, self.state = self._method.step(self.arena.flat, g, self.state, t, dict(hyper))
        self.arena.flat[...] = new  # the views stay valid


def _restored(
    method: Any,
    params: Any,
    form: str | None,
    check_finite: bool | str,
    groups: list[dict[str, Any]],
    hyper: dict[str, Any],
    t: int,
    states: list[dict[str, Any]],
    grads: Any,
) -> Optimizer:
    r"""Return an optimizer as it was when it was pickled or copied."""
    optimizer = Optimizer.__new__(Optimizer)
    optimizer._build(method, params, form, check_finite, groups, hyper)
    optimizer.t = t
    if t:
        optimizer._advance(t)  # the values of the last step
    for part, state in zip(optimizer._parts, states, strict=True):
        part.keep(state)
        for name, value in state.items():
            part.put(name, value)
    if grads is not None:
        optimizer.grads = grads
    return optimizer


class _State(MutableMapping):
    r"""The state of an optimizer: to set an entry is to copy into it."""

    __slots__ = ("_of",)

    def __init__(self, optimizer: Optimizer) -> None:
        self._of = optimizer

    def __getitem__(self, name: str) -> Any:
        parts = self._of._parts
        if name not in parts[0].state:
            raise KeyError(f"{name!r} is none of {', '.join(parts[0].state) or 'no state'}")
        value = parts[0].state[name]
        if self._shaped(name):
            return self._of._assembled(f"state[{name!r}]", [[part.state[name]] for part in parts])
        if getattr(value, "shape", ()) != parts[0].arena.flat.shape:
            return value
        split = [part.arena.split(part.state[name]) for part in parts]
        return self._of._assembled(f"state[{name!r}]", split)

    def __setitem__(self, name: str, value: Any) -> None:
        for part, one in zip(self._of._parts, self._checked(name, value), strict=True):
            part.put(name, one)

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"state[{name!r}] can't be removed; set it to another value")

    def __iter__(self) -> Iterator[str]:
        return iter(self._of._parts[0].state)

    def __len__(self) -> int:
        return len(self._of._parts[0].state)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> Any:  # what is kept, or copied, is a dictionary
        return dict, (dict(self),)

    def replace(self, values: Any) -> None:
        r"""Set all entries, after checking them all."""
        if not isinstance(values, Mapping):
            raise TypeError(f"state must be a mapping, got {type(values).__name__}")
        optimizer = self._of
        if isinstance(optimizer._method, stepper.DerivedMethod) and set(values) != set(self):
            raise ValueError(f"state must have the keys {list(self)}, got {list(values)}")
        checked = {name: self._checked(name, value) for name, value in values.items()}
        for i, part in enumerate(optimizer._parts):
            part.keep(checked)
            for name, ones in checked.items():
                part.put(name, ones[i])

    def _shaped(self, name: str) -> bool:
        r"""Say whether it is an array for each matrix, of whatever shape."""
        shape = getattr(self._of._parts[0].state[name], "shape", ())
        return self._of._method.matrices and shape != ()

    def _checked(self, name: str, value: Any) -> list[Any]:
        r"""Return what each part of the optimizer keeps of a value."""
        optimizer, label = self._of, f"state[{name!r}]"
        parts = optimizer._parts
        if name in self and self._shaped(name):
            there = flatten(label, self[name])[0]
            arrays, names, _ = flatten(label, value)
            known, keys = optimizer._keys, list(value) if isinstance(value, Mapping) else None
            if (None if known is None else set(known)) != (None if keys is None else set(keys)) or (
                len(arrays) != len(there)
            ):
                wanted = len(there) if known is None else known
                raise ValueError(
                    f"{label} must hold the arrays {wanted}, got {keys or len(arrays)}"
                )
            if known is not None:
                arrays = [value[key] for key in known]
            for one, view, at in zip(arrays, there, names, strict=True):
                validate.like(at, one, "the array there", view)
            return [arrays[part.where[0]] for part in parts]
        if isinstance(optimizer._method, stepper.DerivedMethod):
            if name not in self:
                raise KeyError(f"{name!r} is none of {', '.join(self) or 'no state'}")
            if isinstance(parts[0].state[name], float):
                return [validate.number(label, value)] * len(parts)
        elif value is None or isinstance(value, (int, float, str)):
            return [value] * len(parts)  # a function of the reader's keeps what it likes
        arrays = optimizer._listed(label, value)
        return [part.arena.joined([arrays[i] for i in part.where]) for part in parts]


def _no_ties(names: list[str], arrays: list[Any]) -> None:
    r"""Refuse an array that is given twice: its copies would part, each with half the gradient."""
    seen: dict[int, str] = {}
    for name, array in zip(names, arrays, strict=True):
        where = array.ctypes.data if type(array) is np.ndarray else id(array)
        if array.size and seen.setdefault(where, name) != name:
            raise ValueError(
                f"{name} must not be the array of {seen[where]}: give a parameter that is used "
                "twice (a tied one) once, with the sum of its gradients"
            )


def _fits(g: Any, limit: float) -> bool:
    r"""Say whether all of a gradient is finite and, in size, at most `limit`."""
    if type(g) is np.ndarray:
        # Of a few numbers Python's sum is quickest; where it is too large, the rest decides.
        if g.ndim == 1 and g.size <= 64 and sum(map(abs, g.tolist())) <= limit:
            return True
        if not g.size:
            return True
        return bool(g.max() <= limit) and bool(g.min() >= -limit)
    xp = namespace(g)
    return bool(xp.all(xp.abs(g) <= limit))
