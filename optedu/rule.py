r"""`Rule`: an optimizer's update rule, written once, in SymPy.

From the value of this class come the formula on the page, the kernels, the JavaScript of the
figures and the oracle of the autograder; `optedu.compile` holds one module for each form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol

from optedu import symbols, validate, written
from optedu.arrays import namespace
from optedu.compile import FORMS, KERNELS, module_of
from optedu.display import number
from optedu.quantities import Given, Hyper, MatrixFunction, Source, State, total
from optedu.quantities import x as x_

__all__ = ["Rule"]

NAMED: dict[str, Rule] = {}
r"""The rules of the course, put here by `optedu.rules` as it finds them, for hints in errors."""


@dataclass(frozen=True)
class Rule:
    r"""An update rule: elementwise, with sums over all parameters, or of a matrix.

    Given the parameters $x_{t-1}$, the gradient $g_t$, the state, the step $t$ and the
    hyper-parameters, the equations give, in order, the new state and at last the new parameters.

    Parameters
    ----------
    name : str
        Name in the code, unique in `optedu.rules`.
    title : str
        Name in prose.
    source_ref : Source
        The paper and the equation.
    hypers : mapping of Symbol to float
        Hyper-parameters, from `optedu.symbols`, with their defaults.
    states : tuple of State
        The state, without the parameters.
    equations : tuple of sympy.Eq
        `Eq(symbol, expression)`: intermediates, new states; the last one gives `x.new`.
    summary : str
        One sentence for the zoo table.
    notes : mapping of str to str
        Framework to the convention that it follows, where that differs or needs saying.
    chapter : str
        The chapter of the book that derives it.
    per_tensor : bool
        Whether `total` sums over each tensor of a model by itself, not over all parameters. So it
        does where the rule steps matrices.
    evaluated : sympy.Expr, optional
        The point at which the gradient is taken, from `x.old`, old states and hyper-parameters;
        `x.old` itself where it is not given.

    Raises
    ------
    TypeError
        If a part is of a wrong kind.
    ValueError
        If a default is out of range, or the equations use what they don't define, use an old value
        after the new one, leave a state without an equation, or don't end with `x.new`.
    """

    name: str
    title: str
    source_ref: Source
    hypers: tuple[Hyper, ...]
    states: tuple[State, ...]
    equations: tuple[Eq, ...]
    summary: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    chapter: str = ""
    per_tensor: bool = False
    evaluated: Expr | None = None

    def __post_init__(self) -> None:
        if not validate.text("name", self.name).isidentifier():
            raise ValueError(f"name must be a Python name, got {self.name!r}")
        validate.text("title", self.title)
        if isinstance(self.hypers, Mapping):
            object.__setattr__(self, "hypers", tuple(Hyper(*row) for row in self.hypers.items()))
        for name, kind in (("hypers", Hyper), ("states", State), ("equations", Eq)):
            _check_tuple(name, getattr(self, name), kind)
        object.__setattr__(self, "hypers", tuple(Hyper(h.symbol, _default(h)) for h in self.hypers))
        _check_equations(self)
        if self.matrices:
            object.__setattr__(self, "per_tensor", True)
        if self.evaluated is not None:
            known = {x_.old, *(s.old for s in self.states), *(h.symbol for h in self.hypers)}
            if unknown := sympy.sympify(self.evaluated).free_symbols - known:
                raise ValueError(f"rule {self.name}: evaluated uses {unknown}")

    # -- identity ------------------------------------------------------------------------------

    def __hash__(self) -> int:
        return hash((self.name, self.hypers, self.states, self.equations, self.evaluated))

    def __getstate__(self) -> dict[str, Any]:
        # Without what was compiled, which each process makes for itself.
        kept = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**kept, "equations": [eq.args for eq in self.equations]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        equations = tuple(Eq(*sides, evaluate=False) for sides in state["equations"])
        self.__dict__.update(state, equations=equations)

    def __repr__(self) -> str:
        defaults = ", ".join(f"{h.name}={number(h.default, exact=True)}" for h in self.hypers)
        return f"<Rule {self.name}({defaults})>"

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    # -- the mathematics -----------------------------------------------------------------------

    def latex(self) -> str:
        r"""Return the equations as one LaTeX `aligned` block, in the notation of the course."""
        body = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in self.latex_equations())
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def latex_equations(self) -> list[str]:
        r"""Return the LaTeX of each equation."""
        from optedu.latex import latex  # SymPy's printer of LaTeX takes a moment to import

        return [f"{latex(equation.lhs)} = {latex(equation.rhs)}" for equation in self.equations]

    def expression(self, name: str) -> Expr:
        r"""Return the expression that a quantity (`"x"`, a state or an intermediate) gets.

        Raises
        ------
        TypeError, ValueError
            If `name` is no text, or the rule defines no such quantity.

        Examples
        --------
        >>> optedu.rules.get("momentum").at(weight_decay=0, dampening=0).expression("x")
        -b_new*lr + x_old
        """
        by_name = {self._plain_name(eq.lhs): eq.rhs for eq in self.equations}
        return by_name[validate.choice("name", name, by_name)]

    def at(self, **fixed: float) -> Rule:
        r"""Return the rule with some hyper-parameters fixed, and what becomes trivial removed.

        Parameters
        ----------
        **fixed : float
            Hyper-parameters, in their ranges; no arrays. The rule computes with exactly these
            floating-point numbers.

        Raises
        ------
        TypeError, ValueError
            If a name is not one of the rule's, or a value is no number or out of range.

        Examples
        --------
        >>> optedu.rules.get("sgd").at(weight_decay=0).latex_equations()
        ['x_{t} = x_{t-1} - \\eta g_{t}']
        """
        values = {}
        for name, value in fixed.items():
            hyper = self._hyper(name)
            values[hyper.symbol] = sympy.Rational(validate.number(name, hyper.check(value)))
        kept: list[Eq] = []
        alias: dict[Symbol, Expr] = {}
        for equation in self.equations:
            rhs = equation.rhs.subs(values).subs(alias)
            # An intermediate that has become a symbol or a number is only another name for it.
            if rhs.is_Atom and equation.lhs not in self._outputs:
                alias[equation.lhs] = rhs
            else:
                kept.append(Eq(equation.lhs, rhs, evaluate=False))
        hypers = tuple(h for h in self.hypers if h.symbol not in values)
        states = tuple(
            replace(s, initial=sympy.sympify(s.initial).subs(values)) for s in self.states
        )
        at = None if self.evaluated is None else self.evaluated.subs(values)
        return replace(self, hypers=hypers, equations=tuple(kept), states=states, evaluated=at)

    @cached_property
    def symbols(self) -> dict[str, Symbol]:
        r"""Every symbol of the equations by its name: `"g"`, `"m_old"`, `"m_new"`, `"lr"`, ..."""
        found: set[Symbol] = set()
        for equation in self.equations:
            found |= equation.free_symbols
        return {symbol.name: symbol for symbol in sorted(found, key=lambda s: s.name)}

    def point(self, x: Any, state: Mapping[str, Any], **hyper: Any) -> Any:
        r"""Return the point at which the gradient of the next step is taken.

        Parameters
        ----------
        x : array
            Parameters.
        state : mapping
            As `init` or the step before returned it.
        **hyper : float or array
            Hyper-parameters.

        Returns
        -------
        array
            `x` itself for most rules.

        Examples
        --------
        >>> import numpy as np
        >>> from optedu.transformations import schedule_free
        >>> rule = schedule_free(optedu.rules.get("sgd"))
        >>> rule.point(np.array([1.0]), {"z": np.array([3.0])}, beta1=0.75)
        array([1.5])
        """
        if self.evaluated is None:
            return x
        return self._point(x, state, self.check_hyper(**hyper))

    @cached_property
    def _point(self) -> Callable[..., Any]:
        return module_of("array").point(self)

    @cached_property
    def sums(self) -> bool:
        r"""Whether a step needs sums over all parameters, `total(...)`."""
        return any(equation.rhs.has(total) for equation in self.equations)

    @cached_property
    def matrices(self) -> bool:
        r"""Whether it steps a matrix as a whole, and nothing that is no matrix."""
        sizes = {symbols.rows, symbols.columns}
        return any(s.axes for s in self.states) or any(
            eq.rhs.has(MatrixFunction) or eq.rhs.free_symbols & sizes for eq in self.equations
        )

    def rewrite(
        self,
        name: str,
        title: str = "",
        *,
        hypers: Mapping[Symbol, float] | None = None,
        **quantities: Any,
    ) -> Rule:
        r"""Return another rule in which some quantities are given by other expressions.

        Parameters
        ----------
        name, title : str
            Of the new rule.
        hypers : mapping of Symbol to float, optional
            Hyper-parameters that it has besides, with their defaults.
        **quantities : sympy.Expr
            New right-hand side by the quantity's name: `"x"`, a state or an intermediate.

        Raises
        ------
        TypeError
            If one is no expression.
        ValueError
            If the rule has no such quantity, or the equations no longer fit together.

        Examples
        --------
        >>> adam = optedu.rules.get("adam")
        >>> s = adam.symbols
        >>> bare = adam.rewrite("bare", "Adam, uncorrected", m_hat=s["m_new"], v_hat=s["v_new"])
        >>> bare.expression("m_hat")
        m_new
        """
        for quantity in quantities:
            self.expression(quantity)  # names what is unknown
            try:
                quantities[quantity] = sympy.sympify(quantities[quantity], strict=True)
            except sympy.SympifyError:
                raise TypeError(
                    f"{quantity} must be a SymPy expression, got {quantities[quantity]!r}"
                ) from None
        changed = tuple(
            Eq(eq.lhs, quantities.get(self._plain_name(eq.lhs), eq.rhs), evaluate=False)
            for eq in self.equations
        )
        more = tuple(Hyper(symbol, default) for symbol, default in (hypers or {}).items())
        return replace(
            self,
            name=name,
            title=title or self.title,
            hypers=(*self.hypers, *more),
            equations=changed,
            notes={},
        )

    # -- hyper-parameters and state ------------------------------------------------------------

    def defaults(self) -> dict[str, float]:
        r"""Return the default of each hyper-parameter by name."""
        return {h.name: h.default for h in self.hypers}

    def check_hyper(self, **hyper: Any) -> dict[str, Any]:
        r"""Return all hyper-parameters, defaults filled in, each checked against its range.

        Parameters
        ----------
        **hyper : float or array
            Those that are not at their default.

        Returns
        -------
        dict of str to float or array

        Raises
        ------
        TypeError
            If a name is not one of the rule's, or a value is no number.
        ValueError
            If a value is out of range.
        """
        result: dict[str, Any] = self.defaults()
        for name, value in hyper.items():
            result[name] = self._hyper(name).check(value)
        return result

    def init(self, x: Any, **hyper: Any) -> dict[str, Any]:
        r"""Return the initial state for parameters `x`.

        Parameters
        ----------
        x : array
            Parameters, floating point, of any shape and array namespace.
        **hyper : float
            Hyper-parameters; only those in an initial value matter.

        Returns
        -------
        dict of str to array or float
            Arrays of the shape and dtype of `x`, or of the state's own shape; Python floats for
            scalar states.

        Raises
        ------
        TypeError, ValueError
            If `x` is no floating-point array, or no matrix where the rule steps one, or a
            hyper-parameter is unknown or out of range.

        Examples
        --------
        >>> import numpy as np
        >>> optedu.rules.get("momentum").init(np.ones(2))
        {'b': array([0., 0.])}
        """
        validate.floating_array("x", x)
        self.check_shape("x", x)
        xp = namespace(x)
        values = self.check_hyper(**hyper)
        state: dict[str, Any] = {}
        for variable in self.states:
            initial = sympy.sympify(variable.initial)
            if initial == x_.old:
                state[variable.name] = xp.asarray(x, copy=True)
                continue
            if initial.is_Symbol:
                value = values[initial.name]
            else:
                used = {s: values[s.name] for s in initial.free_symbols}
                value = float(initial.subs(used))
            if variable.scalar:
                state[variable.name] = value
            elif variable.square:
                identity = xp.eye(variable.shape(x.shape)[0], dtype=x.dtype)
                state[variable.name] = identity * value
            elif variable.axes:
                state[variable.name] = xp.full(variable.shape(x.shape), value, dtype=x.dtype)
            elif type(value) is float:
                state[variable.name] = xp.full_like(x, value)
            else:  # one for each run
                state[variable.name] = xp.zeros_like(x) + xp.asarray(value, dtype=x.dtype)
        return state

    def step(
        self, x: Any, g: Any, state: Mapping[str, Any], t: int, **hyper: Any
    ) -> tuple[Any, dict[str, Any]]:
        r"""Return the parameters and the state after step `t`; what comes in is left as it is.

        Parameters
        ----------
        x, g : array
            Parameters and gradient, of one shape, dtype and array namespace.
        state : mapping
            As `init` or the step before returned it.
        t : int
            The step, from 1.
        **hyper : float or array
            Hyper-parameters. An array broadcasts over the trailing axis, an axis of runs; a
            matrix has none.

        Returns
        -------
        x_new : array
            In the shape and dtype of `x`.
        state_new : dict
            The new state.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong kind, shape or range; the message names it and its value.
            A gradient that is not finite is no error here: `minimize` and `Optimizer` look at it.

        Examples
        --------
        >>> import numpy as np
        >>> rule = optedu.rules.get("momentum")
        >>> x, g = np.array([1.0, 2.0]), np.array([0.5, -0.5])
        >>> rule.step(x, g, rule.init(x), 1, lr=0.1)
        (array([0.95, 2.05]), {'b': array([ 0.5, -0.5])})
        """
        written.forbid(f"rules.get({self.name!r}).step")
        t = validate.count("t", t, minimum=1)
        self._check_arrays(x, g, state)
        return self._pure(x, g, state, t, self._complete(x, hyper))

    def walk(
        self,
        x: Any,
        gradients: Any,
        state: Mapping[str, Any],
        *,
        first: int = 1,
        hyper: Sequence[Mapping[str, Any]] = ({},),
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        r"""Yield what `step` returns along given gradients, each step from what the last has made.

        The arguments are checked once and not at every step, which takes most of its time.

        Parameters
        ----------
        x, state
            As for `step`.
        gradients : array
            One gradient for each step, along the first axis.
        first : int
            The number of the first step, from 1.
        hyper : sequence of mapping
            Hyper-parameters of each step, or of all where there is one.

        Yields
        ------
        x_new, state_new
            As `step` returns them.

        Raises
        ------
        TypeError, ValueError
            As `step`, when the first result is asked for; also if there are not as many
            hyper-parameters as gradients, or `gradients` has no axis.

        Examples
        --------
        >>> import numpy as np
        >>> x, gradients = np.zeros(1), np.ones((3, 1))
        >>> walk = optedu.rules.get("sgd").walk(x, gradients, {}, hyper=[{"lr": 2.0}])
        >>> [x for x, _ in walk]
        [array([-2.]), array([-4.]), array([-6.])]
        """
        first = validate.count("first", first, minimum=1)
        validate.floating_array("gradients", gradients)
        if not gradients.shape:
            raise ValueError("gradients must have an axis of steps, got an array of shape ()")
        steps = gradients.shape[0]
        if len(hyper) not in (1, steps):
            raise ValueError(f"hyper must have one item or {steps}, one a step, got {len(hyper)}")
        given: Any = None
        for index in range(steps):
            written.forbid(f"rules.get({self.name!r}).walk")
            g, last = gradients[index, ...], given
            if index == 0:
                self._check_arrays(x, g, state)
            given = hyper[index if len(hyper) > 1 else 0]
            if given is not last:
                complete = self._complete(x, given)
            x, state = self._pure(x, g, state, first + index, complete)
            yield x, state

    def _check_arrays(self, x: Any, g: Any, state: Mapping[str, Any]) -> None:
        validate.floating_array("x", x)
        self.check_shape("x", x)
        validate.like("g", g, "x", x)
        self.check_state(x, state)

    def _complete(self, x: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        complete = self.check_hyper(**hyper)
        for name, value in complete.items():
            if type(value) is not float and self.matrices:
                raise TypeError(
                    f"{name} must be a number, got an array of shape {tuple(value.shape)}: "
                    f"{self.name} steps a matrix, which has no axis of runs"
                )
            if type(value) is not float:
                validate.trailing_shape(name, value, x)
        return complete

    def check_shape(self, name: str, x: Any) -> None:
        r"""Check that parameters are a matrix, where the rule steps one.

        Raises
        ------
        ValueError
            If they are none; `name` says which.
        """
        if self.matrices and (len(x.shape) != 2 or 0 in x.shape):
            raise ValueError(
                f"{name} must be a matrix for {self.name}, got shape {tuple(x.shape)}: step "
                "vectors and other arrays with another rule, such as adamw"
            )

    def check_state(self, x: Any, state: Mapping[str, Any]) -> None:
        r"""Check that `state` holds what the rule needs, as arrays like `x`.

        Parameters
        ----------
        x : array
            The parameters.
        state : mapping of str to array or float
            By the names of the rule's states.

        Raises
        ------
        TypeError
            If it is no mapping, or a variable is of another library or dtype.
        ValueError
            If a variable is missing, unknown, or of another shape.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a dictionary, got {type(state).__name__}")
        wanted = {variable.name for variable in self.states}
        if set(state) != wanted:
            got = sorted(map(str, state))
            raise ValueError(f"state must have the keys {sorted(wanted)}, got {got}")
        for variable in self.states:
            label, value = f"state[{variable.name!r}]", state[variable.name]
            if variable.scalar:
                validate.number(label, value, arrays=True)  # one for each run, where rates differ
            elif variable.axes:
                validate.floating_array(label, value)
                validate.same_library(label, value, "x", x)
                shape = variable.shape(x.shape)
                if tuple(value.shape) != shape or value.dtype != x.dtype:
                    raise ValueError(
                        f"{label} must be {x.dtype} of shape {shape}, got {value.dtype} of shape "
                        f"{tuple(value.shape)}"
                    )
            else:
                validate.like(label, value, "x", x)

    # -- the printed and compiled forms --------------------------------------------------------

    def kernel(self, form: str = "numpy") -> Any:
        r"""Return the fast kernel: `kernel(x, g, state, t, **hyper)` works in place.

        Parameters
        ----------
        form : {"numpy", "numba", "cupy"}
            Blocked NumPy ufuncs; one fused loop compiled by Numba; one fused GPU kernel. A rule
            that steps a matrix has the pure function in all of them, copied back in place.

        Returns
        -------
        callable
            With a method `bind(x, state)` that returns `step(g, t, **hyper)` for training loops.

        Raises
        ------
        TypeError, ValueError
            If there is no such form.
        ImportError, RuntimeError
            If Numba, CuPy or a GPU is missing; the message says what to install.

        Examples
        --------
        >>> import numpy as np
        >>> rule = optedu.rules.get("sgd")
        >>> x = np.array([1.0, 2.0])
        >>> rule.kernel("numpy")(x, np.ones(2), rule.init(x), 1, lr=0.5)
        >>> x
        array([0.5, 1.5])
        """
        form = validate.choice("form", form, KERNELS)
        kernels = self.__dict__.setdefault("_kernels", {})
        if form not in kernels:
            kernels[form] = (
                module_of("matrix").kernel(self, form)
                if self.matrices
                else module_of(form).kernel(self)
            )
        return kernels[form]

    def source(self, form: str = "numpy") -> str:
        r"""Return the code of one form, to read.

        Parameters
        ----------
        form : {"array", "numpy", "numba", "cupy", "javascript"}
            The pure function on any array namespace, one of the kernels, or JavaScript.

        Raises
        ------
        TypeError, ValueError
            If there is no such form; a rule that steps a matrix has no JavaScript.
        """
        form = validate.choice("form", form, FORMS)
        if self.matrices and form != "array":
            return module_of("matrix").source(self, form)
        return module_of(form).source(self)

    @cached_property
    def _pure(self) -> Callable[..., tuple[Any, dict[str, Any]]]:
        return module_of("array").function(self)

    # -- inside --------------------------------------------------------------------------------

    @property
    def _outputs(self) -> set[Symbol]:
        return {x_.new, *(s.new for s in self.states)}

    def _plain_name(self, symbol: Symbol) -> str:
        for variable in (x_, *self.states):
            if symbol in (variable.old, variable.new):
                return variable.name
        return symbol.name

    def _hyper(self, name: str) -> Hyper:
        for hyper in self.hypers:
            if hyper.name == name:
                return hyper
        names = [h.name for h in self.hypers]
        hint = symbols.meant(name, names) or self._elsewhere(name)
        raise TypeError(
            f"{self.name} has no hyper-parameter {name!r}; it has {', '.join(names)}{hint}"
        )

    def _elsewhere(self, name: str) -> str:
        r"""Hint at the rule that an option of other libraries stands for, such as `nesterov`."""
        for other in (f"{self.name}_{name}", name):
            if other in NAMED:
                return f" (that is a rule of its own, {other!r})"
        return ""


def _check_tuple(name: str, values: Any, kind: type) -> None:
    if not isinstance(values, tuple) or not all(isinstance(v, kind) for v in values):
        raise TypeError(f"{name} must be a tuple of {kind.__name__}, got {values!r}")


def _default(hyper: Hyper) -> float:
    if not isinstance(hyper.symbol, Symbol):
        raise TypeError(f"hypers must have SymPy symbols as keys, got {hyper.symbol!r}")
    return validate.number(hyper.name, hyper.check(hyper.default))


def _check_equations(rule: Rule) -> None:
    r"""Check that the equations define all that they use, in an order that code can follow."""
    everything: dict[str, Symbol] = {}
    for symbol in set().union(*(eq.free_symbols for eq in rule.equations)):
        # In the printed code they would be one variable.
        if everything.setdefault(symbol.name, symbol) != symbol:
            raise ValueError(f"rule {rule.name}: {symbol.name!r} is the name of two symbols")
    known = {symbols.g, symbols.t, symbols.rows, symbols.columns, x_.old}
    known |= {h.symbol for h in rule.hypers} | {s.old for s in rule.states}
    known |= {s for s in everything.values() if isinstance(s, Given)}
    stale: set[Symbol] = set()
    old_of = {variable.new: variable.old for variable in (x_, *rule.states)}
    for equation in rule.equations:
        unknown = equation.rhs.free_symbols - known
        if unknown:
            raise ValueError(f"rule {rule.name}: {equation} uses {unknown} before it is defined")
        # The printed code updates in place: after m is assigned, its old value is gone.
        used = equation.rhs.free_symbols & stale
        if used:
            raise ValueError(
                f"rule {rule.name}: {equation} uses {used} after the new value was assigned; "
                "put it before, through an intermediate"
            )
        known.add(equation.lhs)
        if equation.lhs in old_of:
            stale.add(old_of[equation.lhs])
    missing = set(old_of) - known
    if missing:
        raise ValueError(f"rule {rule.name}: no equation gives {missing}")
    if rule.equations[-1].lhs != x_.new:
        raise ValueError(f"rule {rule.name}: the last equation must give {x_.new}")
