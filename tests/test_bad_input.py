r"""What every public function says to bad input: the argument, its value, and what was expected.

One table, grouped by function. The messages are written for the person who made the mistake: none
may come from inside NumPy, SymPy or Matplotlib.
"""

from fractions import Fraction
from pathlib import Path

import array_api_strict as strict
import matplotlib as mpl
import numpy as np
import pytest
import sympy as sp

import optedu
from optedu import backend, derive, exercise, plot, problems, symbols, validate, written
from optedu.problems import datasets
from optedu.quantities import Hyper, Source, State

mpl.use("agg")

PACKAGE = str(Path(optedu.__file__).parent)
X = np.linspace(-1, 1, 4)
NAN = float("nan")
INF = float("inf")
adam = optedu.rules.get("adam")
nadam = optedu.rules.get("nadam")
rprop = optedu.rules.get("rprop")
bowl = problems.quadratic()
logistic = problems.logistic_regression()
mlp = problems.mlp(hidden=(4,))
x, a = sp.symbols("x a", real=True)
g = sp.IndexedBase("g")
run = optedu.minimize(bowl, lr=0.1, steps=3)
grid = optedu.sweep(bowl, optimizer="momentum", lr=[0.1, 0.2], momentum=[0.1, 0.5], steps=3)
curve = optedu.sweep(bowl, lr=[0.1, 0.2], steps=3)


def make(f=lambda x: (x * x).sum(0) / 2, grad=lambda x: x, **known):
    return optedu.Problem(f, grad, **{"x0": [1.0, 2.0], "name": "p", **known})


def minimize(*arguments, **options):
    return lambda: optedu.minimize(*(arguments or (bowl,)), **options)


def minimize_with(**known):
    return lambda: optedu.minimize(make(**known), lr=0.1)


def sweep(**options):
    return lambda: optedu.sweep(bowl, **options)


def step(state=None, t=1, g=X, **hyper):
    return lambda: adam.step(X, g, adam.init(X) if state is None else state, t, **hyper)


def bound(*arguments, **hyper):
    return lambda: adam.kernel("numpy").bind(X.copy(), adam.init(X))(*arguments, **hyper)


def optimizer(params=X, **options):
    return lambda: optedu.Optimizer("adam", params, **options)


def optimizer_step(grads, params=X):
    return lambda: optedu.Optimizer("adam", params).step(grads)


def rule(**changes):
    parts = {"title": "Test", "source_ref": Source("key", "eq. (1)"), "states": ()}
    parts |= {"name": "test", "hypers": {symbols.lr: 0.1}, "equations": adam.equations}
    return lambda: optedu.Rule(**{**parts, **changes})


def problem(**known):
    return lambda: make(**known)


def built(name, *arguments, **options):
    return lambda: getattr(problems, name)(*arguments, **options)


def symbolic(expr=x**2, variables=(x,), **known):
    return lambda: problems.symbolic(expr, variables, **{"x0": [1.0], **known})


def homemade(xp, x, g, state, t, *, lr=0.1):
    return x - lr * g, {}


def shapeless(xp, x, g, state, t):
    return x[:1], {}


def narrowing(xp, x, g, state, t):
    return x.astype(np.float32), {}


def stateless(xp, x, g, state, t):
    return x, None


def alone(xp, x, g, state, t):
    return x


def rateless(xp, x, g, state, t, *, lr):
    return x, {}


def negative(xp, x, g, state, t, *, lr=-0.1):
    return x, {}


# Each row: what is called, the type of the error, and what the message must say.
ORDERED = "Claim.\n%% step: a\nOne.\n%% step: b\nafter a: a first.\nTwo."

CASES = {
    "minimize": [
        (minimize(None), TypeError, "problem must have the methods f and grad, got NoneType"),
        (minimize("rosenbrock"), TypeError, "problem must have .* got str"),
        (minimize(bowl, True), TypeError, "x0 must be a floating-point array, got True"),
        (minimize(bowl, [1j, 2.0]), TypeError, "x0 must hold real numbers, got dtype complex128"),
        (minimize(bowl, ["a", "b"]), TypeError, "x0 must hold real numbers, got dtype <U1"),
        (minimize(bowl, [None, 1.0]), TypeError, "x0 must hold real numbers, got dtype object"),
        (minimize(bowl, [True, False]), TypeError, "x0 must hold real numbers, got dtype bool"),
        (minimize(bowl, [[1.0], [2.0, 3.0]]), ValueError, "x0 must be an array, got lists of diff"),
        (minimize(bowl, []), ValueError, r"x0 must have shape \(2,\) .* got \(0,\)"),
        (minimize(bowl, np.ones((2, 0))), ValueError, r"x0 must not be empty, got shape \(2, 0\)"),
        (minimize(bowl, np.ones((2, 2, 2))), ValueError, r"x0 must have shape .* got \(2, 2, 2\)"),
        (minimize(bowl, np.ones(2) * 1j), TypeError, "x0 must be .* got dtype complex128"),
        (minimize(bowl, [INF, 0.0]), ValueError, "x0 must be finite, got inf at index 0"),
        (minimize(optimizer=None), TypeError, "optimizer must be the name of a rule.* NoneType"),
        (minimize(optimizer="Adam"), ValueError, r"got 'Adam' \(did you mean 'adam'\?\)"),
        (minimize(optimizer="ADAM"), ValueError, r"got 'ADAM' \(did you mean 'adam'\?\)"),
        (minimize(optimizer=""), ValueError, "optimizer must be one of .* got ''"),
        (
            minimize(optimizer=lambda x: x),
            TypeError,
            r"optimizer must be callable as optimizer\(xp, x, g, state, t\), got <lambda>\(x\)",
        ),
        (minimize(optimizer=alone), TypeError, r"your alone must return \(x_new, state_new\)"),
        (minimize(optimizer=rateless), TypeError, "rateless needs the hyper-parameter 'lr'"),
        (minimize(optimizer=negative), ValueError, "lr must be nonnegative, got -0.1"),
        (minimize(optimizer=shapeless), ValueError, r"x_new in the shape of x, \(2,\), got \(1,\)"),
        (minimize(optimizer=narrowing), TypeError, "x_new in the dtype of x, float64, got float32"),
        (minimize(optimizer=stateless), TypeError, "state_new as a dictionary, got NoneType"),
        (minimize(optimizer=homemade, rl=1), TypeError, "no hyper-parameter 'rl'; it takes lr"),
        (minimize(optimizer=homemade, lr=-1), ValueError, "lr must be nonnegative, got -1.0"),
        (minimize(optimizer=homemade, lr=np.ones(3)), ValueError, "lr must have the shape of the"),
        (minimize(steps=None), TypeError, "steps must be an integer, got None of type NoneType"),
        (minimize(steps="10"), TypeError, "steps must be an integer, got '10' of type str"),
        (minimize(steps=True), TypeError, "steps must be an integer, got True"),
        (minimize(seed=1.5), TypeError, "seed must be an integer, got 1.5 of type float"),
        (minimize(record=None), TypeError, "record must be an integer, got None"),
        (minimize(record=0), ValueError, "record must be at least 1, got 0"),
        (minimize(progress=1), TypeError, "progress must be None, True or False, got 1"),
        (minimize(on_divergence=True), TypeError, "on_divergence must be one of .* got True"),
        (minimize(callback=lambda x: x), TypeError, r"callback\(step, x, f\), got <lambda>\(x\)"),
        (minimize(lr=None), TypeError, "lr must be a real number, got None"),
        (minimize(lr=True), TypeError, "lr must be a real number, got True"),
        (minimize(lr=1j), TypeError, "lr must be a real number, got 1j"),
        (minimize(lr=INF), ValueError, "lr must be nonnegative, got inf"),
        (minimize(lr=10**400), ValueError, "lr must be finite, got an integer above 1e308"),
        (minimize(lr=[0.1, 0.2]), TypeError, r"lr must be a real number, got \[0.1, 0.2\] of type"),
        (minimize(lr=np.array(["a"])), TypeError, "lr must be a real number, got array"),
        (minimize(lr=np.ones(3)), ValueError, r"lr must have the shape .* \(2,\), got \(3,\)"),
        (minimize(lr=np.ones(0)), ValueError, r"lr must have the shape .* \(2,\), got \(0,\)"),
        (
            minimize(bowl, np.ones((2, 3)), lr=np.ones((3, 1))),
            ValueError,
            r"lr must have the shape of the trailing axes of x, \(2, 3\), got \(3, 1\)",
        ),
        (minimize(lr=lambda: 1), TypeError, r"lr must be callable as lr\(t\), got <lambda>\(\)"),
        (minimize(lr=lambda t: "a"), TypeError, "lr must be a real number, got 'a'"),
        (minimize(lr=lambda t: 2.0 - t), ValueError, "lr must be nonnegative, got -1.0"),
        (minimize(lr=lambda t: None), TypeError, "lr must be a real number, got None"),
        (minimize(lr=lambda t: np.ones(3)), ValueError, r"lr must have the shape .* got \(3,\)"),
        (minimize(weight_decay=-1), ValueError, "weight_decay must be nonnegative, got -1.0"),
        (minimize(optimizer="adam", eps=-1e-8), ValueError, "eps must be nonnegative, got -1e-08"),
        (minimize(optimizer="adam", beta1=True), TypeError, "beta1 must be a real number, got Tru"),
        (
            minimize(optimizer="momentum", momentum=1),
            ValueError,
            r"momentum must be in \[0, 1\), g",
        ),
        (minimize(learning_rate=0.1), TypeError, "sgd has no .*'learning_rate'; it has lr, weight"),
        (minimize(Lr=0.1), TypeError, r"no hyper-parameter 'Lr'.*did you mean 'lr'\?"),
        (
            minimize(optimizer="momentum", momentun=0.9),
            TypeError,
            r"momentum has no hyper-parameter 'momentun'.* \(did you mean 'momentum'\?\)",
        ),
        (minimize(optimiser="adam"), TypeError, "minimize has no argument 'optimiser' .*optimizer"),
        (minimize(step=10), TypeError, r"minimize has no argument 'step' \(did you mean 'steps'\?"),
        (minimize_with(f=lambda x: None), TypeError, r"p.f\(x\) must be a real number, got None"),
        (minimize_with(f=lambda x: "a"), TypeError, r"p.f\(x\) must be a real number, got 'a'"),
        (minimize_with(f=lambda x: 1j), TypeError, r"p.f\(x\) must be a real number, got 1j"),
        (minimize_with(f=lambda x: x), ValueError, r"p.f\(x\) must have shape \(\) .* got \(2,\)"),
        (
            minimize_with(grad=lambda x: None),
            TypeError,
            r"p.grad\(x\) must be a floating-point arr",
        ),
        (
            minimize_with(grad=lambda x: 3.0),
            TypeError,
            r"p.grad\(x\) must be a floating-point array",
        ),
        (
            minimize_with(grad=lambda x: x if x[0] == 1 else x[:1]),
            ValueError,
            r"g must have the shape of x, \(2,\), got \(1,\)",
        ),
        (
            lambda: optedu.minimize(make(grad=lambda x: x * NAN), on_divergence="raise"),
            FloatingPointError,
            "sgd diverged on p at step 1: the gradient is not finite",
        ),
        (
            lambda: optedu.minimize(make(f=lambda x: NAN), on_divergence="raise"),
            FloatingPointError,
            "diverged on p at step 1: the point or the objective is not finite",
        ),
        (
            lambda: optedu.minimize(problems.saddle(), lr=0.1, steps=2).gap,
            ValueError,
            "the minimum of saddle must be known, got -inf",
        ),
    ],
    "sweep": [
        (lambda: optedu.sweep(None, lr=[0.1]), TypeError, "problem must have .* got NoneType"),
        (lambda: optedu.sweep(bowl, ["a", 1], lr=[0.1]), TypeError, "x0 must hold real numbers"),
        (sweep(lr="abc"), TypeError, "lr must be a real number, got 'abc'"),
        (sweep(lr={0.1, 0.2}), TypeError, "lr must be a real number, got .* of type set"),
        (
            sweep(lr=[]),
            ValueError,
            r"lr must be a number or an array with one axis, got shape \(0,",
        ),
        (sweep(lr=[[0.1], [0.2, 0.3]]), ValueError, "lr must be an array, got lists of different"),
        (sweep(lr=["a"]), TypeError, "lr must hold real numbers, got dtype <U1"),
        (sweep(lr=[1j]), TypeError, "lr must hold real numbers, got dtype complex128"),
        (sweep(lr=[True, False]), TypeError, "lr must hold real numbers, got dtype bool"),
        (sweep(lr=[None, 0.1]), TypeError, "lr must hold real numbers, got dtype object"),
        (sweep(lr=[0.1, -0.2]), ValueError, "every element of lr must be nonnegative, got -0.2"),
        (sweep(lr=[0.1, NAN]), ValueError, "every element of lr must be nonnegative, got nan"),
        (
            sweep(optimizer="adam", beta1=[0.5, 1.0]),
            ValueError,
            r"every element of beta1 must be in \[0, 1\), got 1.0",
        ),
        (sweep(lrr=[0.1]), TypeError, "sgd has no hyper-parameter 'lrr'.*did you mean 'lr'"),
        (sweep(lr=[0.1], optimiser="adam"), TypeError, "sweep has no argument 'optimiser'"),
        (sweep(lr=[0.1], steps=-1), ValueError, "steps must be at least 0, got -1"),
        (sweep(lr=[0.1], seed=-1), ValueError, "seed must be at least 0, got -1"),
        (sweep(lr=[0.1], progress="a"), TypeError, "progress must be None, True or False, got 'a'"),
        (
            lambda: optedu.sweep(make(f=lambda x: None), lr=[0.1, 0.2]),
            TypeError,
            r"p.f\(x\) must be a real number, got None",
        ),
        (
            lambda: optedu.sweep(make(f=lambda x: x.sum()), lr=[0.1, 0.2]),
            ValueError,
            r"p.f\(x\) must have shape \(2,\) for x of shape \(2, 2\), got \(\)",
        ),
        (
            lambda: optedu.sweep(make(grad=lambda x: x[0]), lr=[0.1, 0.2]),
            ValueError,
            r"p.grad\(x\) must have the shape of x, \(2, 2\), got \(2,\)",
        ),
    ],
    "Optimizer": [
        (lambda: optedu.Optimizer("adm", X), ValueError, r"got 'adm' \(did you mean 'adam'\?\)"),
        (lambda: optedu.Optimizer(None, X), TypeError, "optimizer must be the name of a rule"),
        (lambda: optedu.Optimizer(lambda x: x, X), TypeError, "optimizer must be callable as"),
        (optimizer(None), TypeError, "params must be a floating-point array, got None"),
        (optimizer([1.0, 2.0]), TypeError, r"params\[0\] must be a floating-point array, got 1.0"),
        (optimizer([]), ValueError, r"params must hold at least one array, got \[\]"),
        (optimizer({"w": np.arange(3)}), TypeError, r"params\['w'\] must be a .* got dtype int64"),
        (optimizer({"w": {"b": X}}), TypeError, r"params\['w'\] must be a .* of type dict"),
        (optimizer(X * 1j), TypeError, "params must be a .* got dtype complex128"),
        (optimizer(X > 0), TypeError, "params must be a .* got dtype bool"),
        (optimizer(X * NAN), ValueError, "params must be finite, got nan at index 0"),
        (optimizer([X, strict.ones(3)]), TypeError, r"params\[1\] must be an array of numpy, as p"),
        (optimizer(lr=-1), ValueError, "lr must be nonnegative, got -1.0"),
        (optimizer(lr=np.ones(4)), TypeError, "lr must be a real number, got an array of shape"),
        (optimizer(lr=lambda: 0.1), TypeError, r"lr must be callable as lr\(t\), got <lambda>\(\)"),
        (optimizer(lr=lambda t: -1), ValueError, "lr must be nonnegative, got -1"),
        (optimizer(lr=lambda t: [1.0, 2.0]), TypeError, "lr must be a real number, got"),
        (optimizer(beta1=1), ValueError, r"beta1 must be in \[0, 1\), got 1.0"),
        (optimizer(beta=0.9), TypeError, "adam has no hyper-parameter 'beta'; it has lr, beta1"),
        (optimizer(form="c"), ValueError, "form must be one of numpy, numba, cupy, got 'c'"),
        (optimizer(check_finite="yes"), TypeError, "check_finite must be True, False or 'skip', g"),
        (optimizer(check_finite=1), TypeError, "check_finite must be True, False or 'skip', got 1"),
        (optimizer(groups={"lr": 1}), TypeError, "groups must be a list of dictionaries, got dict"),
        (
            optimizer(groups=[{"lr": 1}]),
            TypeError,
            r"groups\[0\] must be a dictionary with",
        ),
        (optimizer(groups=[{"params": "w"}]), TypeError, r"groups\[0\]\['params'\] must be a list"),
        (
            optimizer(groups=[{"params": [7]}]),
            ValueError,
            r"groups\[0\].*: 7 is none of 0",
        ),
        (optimizer(groups=[{"params": [0, 0]}]), ValueError, "0 is in another group already"),
        (
            optimizer(groups=[{"params": [0], "lr": -1}]),
            ValueError,
            "lr must be nonnegative, got -",
        ),
        (optimizer(groups=[{"params": [0], "rho": 1}]), TypeError, "no hyper-parameter 'rho'"),
        (
            optimizer(groups=[{"params": [0], "frozen": 1}]),
            TypeError,
            "frozen must be True or",
        ),
        (optimizer([X, X]), ValueError, r"params\[1\] must not be the array of params\[0\]: give"),
        (optimizer_step(3.0), TypeError, "grads must be a floating-point array, got 3.0"),
        (optimizer_step(np.arange(4)), TypeError, "grads must be a .* got dtype int64"),
        (optimizer_step(X * NAN), ValueError, "grads must be finite, got nan at index 0"),
        (optimizer_step([X, X * INF], [X, -X]), ValueError, r"grads\[1\] must be finite, got -inf"),
        (optimizer_step([X], [X, -X]), ValueError, "grads must be a list of 2 arrays, got 1"),
        (optimizer_step({"v": X}, {"w": X}), ValueError, r"grads must have the keys \['w'\], got"),
        (
            optimizer_step({"w": None}, {"w": X}),
            TypeError,
            r"grads\['w'\] must be a floating-point",
        ),
        (
            lambda: optimizer()().hyper.update(lr=-1),
            ValueError,
            "lr must be nonnegative, got -1.0",
        ),
        (lambda: optimizer()().hyper.update(rl=1), TypeError, "no hyper-parameter 'rl'"),
        (lambda: optimizer()().hyper["rl"], KeyError, "'rl' is none of lr, beta1"),
        (lambda: optimizer()().hyper.pop("lr"), TypeError, "lr can't be removed"),
    ],
    "Rule": [
        (rule(name=1), TypeError, "name must be a string, got 1 of type int"),
        (rule(name="two words"), ValueError, "name must be a Python name, got 'two words'"),
        (rule(title=None), TypeError, "title must be a string, got None"),
        (rule(hypers={"lr": 0.1}), TypeError, "hypers must have SymPy symbols as keys, got 'lr'"),
        (rule(hypers={symbols.lr: "x"}), TypeError, "lr must be a real number, got 'x'"),
        (rule(hypers={symbols.lr: -0.1}), ValueError, "lr must be nonnegative, got -0.1"),
        (rule(hypers={sp.Symbol("q"): 1}), ValueError, "symbol must be in the notation table.* q"),
        (rule(hypers=None), TypeError, "hypers must be a tuple of Hyper, got None"),
        (rule(states=("m",)), TypeError, r"states must be a tuple of State, got \('m',\)"),
        (rule(equations=(1,)), TypeError, r"equations must be a tuple of Equality, got \(1,\)"),
        (rule(equations=()), ValueError, "rule test: no equation gives"),
        (lambda: adam.at(lr=np.ones(3)), TypeError, "lr must be a real number, got an array of sh"),
        (lambda: adam.at(lr=-1), ValueError, "lr must be nonnegative, got -1.0"),
        (lambda: adam.at(lrr=1), TypeError, r"no hyper-parameter 'lrr'.*did you mean 'lr'\?"),
        (lambda: adam.rewrite(3, m_hat=x), TypeError, "name must be a string, got 3"),
        (lambda: adam.rewrite("b", m_hat="x"), TypeError, "m_hat must be a SymPy expr.* got 'x'"),
        (lambda: adam.rewrite("b", m_hatt=x), ValueError, r"got 'm_hatt' \(did you mean 'm_hat'\?"),
        (lambda: adam.expression("z"), ValueError, "name must be one of .* got 'z'"),
        (lambda: adam.check_hyper(beta=0.9), TypeError, "adam has no hyper-parameter 'beta'"),
        (lambda: adam.init([1.0]), TypeError, r"x must be a floating-point array, got \[1.0\]"),
        (lambda: adam.init(X * 1j), TypeError, "x must be a .* got dtype complex128"),
        (lambda: adam.init(X, rl=1), TypeError, "adam has no hyper-parameter 'rl'"),
        (lambda: rprop.init(X, shrink=1), ValueError, r"shrink must be in \(0, 1\), got 1"),
        (lambda: rprop.init(X, grow=1), ValueError, "grow must be greater than 1, got 1"),
        (
            lambda: rprop.init(X, shortest_step=0),
            ValueError,
            "shortest_step must be positive, got 0",
        ),
        (
            lambda: rprop.init(X, longest_step=NAN),
            ValueError,
            "longest_step must be positive, got nan",
        ),
        (lambda: rprop.init(X, etas=1), TypeError, "rprop has no hyper-parameter 'etas'"),
        (step(t=True), TypeError, "t must be an integer, got True"),
        (step(t="1"), TypeError, "t must be an integer, got '1'"),
        (step(g=strict.ones(4)), TypeError, "g must be an array of numpy, as x is, got array_api"),
        (step({"m": X, "v": None}), TypeError, r"state\['v'\] must be a floating-point array"),
        (step({"m": X, "v": X[:1]}), ValueError, r"state\['v'\] must have the shape of x, \(4,\)"),
        (step({"m": X, "v": X.astype("f4")}), TypeError, r"state\['v'\] must have the dtype of x"),
        (step({"m": X, "v": X, 3: X}), ValueError, r"state must have the keys \['m', 'v'\], got"),
        (step(lr=[0.1]), TypeError, r"lr must be a real number, got \[0.1\]"),
        (step(lr=np.ones(3)), ValueError, r"lr must have the shape .* \(4,\), got \(3,\)"),
        (step(lr=np.ones((2, 4))), ValueError, r"lr must have the shape .* \(4,\), got \(2, 4\)"),
        (
            lambda: nadam.step(X, X, nadam.init(X) | {"mu_product": "a"}, 1),
            TypeError,
            r"state\['mu_product'\] must be a real number, got 'a'",
        ),
        (lambda: adam.source("python"), ValueError, "form must be one of array, .* got 'python'"),
        (lambda: adam.kernel(None), TypeError, "form must be one of numpy, numba, cupy, got None"),
        (bound(X, 0), ValueError, "t must be at least 1, got 0"),
        (bound(X, "a"), TypeError, "t must be an integer, got 'a'"),
        (bound(X, 1, lr=-3), ValueError, "lr must be nonnegative, got -3.0"),
        (bound(X, 1, lr=np.ones(3)), ValueError, r"lr must have the shape .* got \(3,\)"),
        (bound(X, 1, rl=3), TypeError, "adam has no hyper-parameter 'rl'"),
        (lambda: Hyper(symbols.lr, 0.1).check("a"), TypeError, "lr must be a real number, got 'a'"),
        (lambda: optedu.rules.get(None), TypeError, "optimizer must be one of .* got None"),
    ],
    "backend": [
        (lambda: backend.namespace(), TypeError, "arrays of one library, got nothing"),
        (lambda: backend.namespace([1.0]), TypeError, "arrays of one library, got list"),
        (lambda: backend.to_numpy(None), TypeError, "array must hold numbers, got NoneType"),
        (lambda: backend.to_numpy("a"), TypeError, "array must hold numbers, got str"),
        (
            lambda: backend.to_numpy([[1.0], [2.0, 3.0]]),
            ValueError,
            "array must be an array or nes",
        ),
        (lambda: optedu.device(None), TypeError, "name must be one of cpu, gpu, got None"),
        (lambda: optedu.device("GPU"), ValueError, r"got 'GPU' \(did you mean 'gpu'\?\)"),
        (lambda: optedu.device("cpu").asarray(["a", 1]), TypeError, "array must hold numbers"),
    ],
    "symbols": [
        (lambda: symbols.of("lr"), TypeError, "symbol must be a SymPy symbol, got 'lr'"),
        (lambda: symbols.of(sp.Symbol("q")), ValueError, "symbol must be in the notation table"),
        (lambda: symbols.of(sp.Symbol("lr")), ValueError, r"symbol must be .*TABLE\['lr'\]"),
    ],
    "validate": [
        (lambda: validate.number("a", X), TypeError, r"a must be .* got an array of shape \(4,\)"),
        (
            lambda: validate.number("a", np.bool_(True)),
            TypeError,
            "a must be a real number, got np",
        ),
        (
            lambda: validate.number("a", Fraction(1, 2)),
            TypeError,
            "a must be a real number, got Fr",
        ),
        (lambda: validate.positive("a", "3"), TypeError, "a must be a real number, got '3'"),
        (lambda: validate.interval("a", 3), TypeError, r"a must be a pair \(low, high\), got 3"),
        (lambda: validate.interval("a", "ab"), TypeError, r"a must be a pair .* got 'ab'"),
        (lambda: validate.interval("a", (1, 0)), ValueError, r"low < high, got \(1.0, 0.0\)"),
        (lambda: validate.interval("a", (0, NAN)), ValueError, "a must be a pair .* nan"),
        (
            lambda: validate.interval("a", (0, INF)),
            ValueError,
            "a must be a pair of finite numbers",
        ),
        (lambda: validate.text("a", ""), ValueError, "a must not be empty, got ''"),
        (lambda: validate.text("a", 3), TypeError, "a must be a string, got 3"),
        (lambda: validate.boolean("a", 1), TypeError, "a must be True or False, got 1"),
        (lambda: validate.function("a", 3), TypeError, "a must be callable, got int"),
        (lambda: validate.finite("a", None), TypeError, "a must be a real number, got None"),
        (lambda: validate.same_shape("a", X, "b", 1.0), TypeError, "b must be an array, got 1.0"),
        (lambda: validate.like("a", X, "b", X[:2]), ValueError, "a must have the shape of b"),
        (lambda: validate.known("f", ["q"], []), TypeError, "f takes no 'q'; it takes none"),
    ],
    "Problem": [
        (lambda: optedu.Problem(None, abs, x0=[1.0]), TypeError, "f must be callable, got None"),
        (problem(f=lambda: 1), TypeError, r"f must be callable as f\(x\), got <lambda>\(\)"),
        (problem(grad=lambda x, y: x), TypeError, r"grad must be callable as grad\(x\), got"),
        (problem(x0=None), TypeError, "x0 must hold real numbers, got dtype object"),
        (problem(x0="ab"), TypeError, "x0 must hold real numbers, got dtype <U2"),
        (problem(x0=[]), ValueError, r"x0 must have shape \(dim,\), got \(0,\)"),
        (problem(x0=[[[1.0]]]), ValueError, r"x0 must have shape \(dim,\), got \(1, 1, 1\)"),
        (problem(x0=[NAN]), ValueError, "x0 must be finite, got nan at index 0"),
        (problem(x0=[True]), TypeError, "x0 must hold real numbers, got dtype bool"),
        (problem(name=3), TypeError, "name must be a string, got 3"),
        (problem(title=3), TypeError, "title must be a string, got 3"),
        (problem(minimizer=[1.0]), ValueError, r"minimizer must have shape \(2,\), got \(1,\)"),
        (problem(minimizers=[1.0, 2.0]), ValueError, r"minimizers must have shape \(count, 2\), g"),
        (problem(minimum="a"), TypeError, "minimum must be a real number, got 'a'"),
        (problem(minimum=NAN), ValueError, "minimum must be .* got nan"),
        (problem(L=-1), ValueError, "L must be positive, got -1.0"),
        (problem(mu=-1), ValueError, "mu must be nonnegative, got -1.0"),
        (problem(mu=2, L=1), ValueError, r"mu must be in \[0, 1\], got 2.0"),
        (problem(bounds=(1, 0)), ValueError, r"bounds must be a pair .* got \(1.0, 0.0\)"),
        (problem(bounds=3), TypeError, r"bounds must be a pair \(low, high\), got 3"),
        (problem(window=3), TypeError, r"window must hold 2 pairs \(low, high\), got 3"),
        (problem(window=((0, 1),)), ValueError, "window must hold 2 pairs"),
        (
            problem(window=((1, 0), (0, 1))),
            ValueError,
            r"window must be a pair .* got \(1.0, 0.0\)",
        ),
        (problem(prox=3), TypeError, "prox must be callable, got int"),
        (problem(prox=lambda x: x), TypeError, r"prox must be callable as prox\(x, step\), got"),
        (
            problem(prox=lambda x, step: x, bounds=(0, 1)),
            ValueError,
            r"bounds must be None where prox is given, .* got \(0, 1\)",
        ),
        (lambda: make().prox(3.0, 1.0), TypeError, "x must be a floating-point array, got 3.0"),
        (lambda: make().prox(X[:2], -1), ValueError, "step must be nonnegative, got -1"),
        (lambda: make().prox(X[:2], "a"), TypeError, "step must be a real number, got 'a'"),
        (
            lambda: make().prox(np.ones((2, 4)), np.ones(3)),
            ValueError,
            r"step must have the shape of the trailing axes of x, \(2, 4\), got \(3,\)",
        ),
        (
            minimize_with(prox=lambda x, step: x[:1]),
            ValueError,
            r"p.prox\(x, step\) must have the shape of x, \(2,\), got \(1,\)",
        ),
        (
            minimize_with(prox=lambda x, step: x.astype(np.float32)),
            TypeError,
            r"p.prox\(x, step\) must have the dtype of x, float64, got float32",
        ),
        (
            minimize_with(prox=lambda x, step: None),
            TypeError,
            r"p.prox\(x, step\) must be a floating-point array, got None",
        ),
        (
            minimize_with(prox=lambda x, step: x * NAN),
            ValueError,
            r"p.prox\(x, step\) must be a number where x is, got nan",
        ),
        (
            minimize_with(prox=lambda x, step: np.add(x, 1, out=x)),
            ValueError,
            r"p.prox\(x, step\) must leave x as it is .* got x changed",
        ),
        (
            lambda: optedu.minimize(make(prox=lambda x, step: x), optimizer=alone),
            ValueError,
            "optimizer must have a learning rate lr, .* prox of p .* got alone with no hyper-param",
        ),
        (lambda: make().f(3.0), TypeError, "x must be a floating-point array, got 3.0"),
        (lambda: make().grad(np.ones(3)), ValueError, r"x must have shape \(2,\) .* got \(3,\)"),
        (lambda: make().sample(None, 1), TypeError, "rng must be a numpy.random.Generator, got No"),
    ],
    "problems": [
        (lambda: problems.get("quadratic", kapa=3), TypeError, r"no 'kapa'.*did you mean 'kappa'"),
        (lambda: problems.get("tight_huber"), TypeError, "tight_huber needs the option 'steps'"),
        (built("quadratic", NAN), ValueError, "kappa must be at least 1, got nan"),
        (built("quadratic", True), TypeError, "kappa must be a real number, got True"),
        (built("quadratic", np.ones(2)), TypeError, "kappa must be a real number, got an array"),
        (built("quadratic", dim=2.0), TypeError, "dim must be an integer, got 2.0"),
        (built("quadratic", L=np.ones(2)), TypeError, "L must be a real number, got an array"),
        (built("quadratic", rotation="a"), TypeError, "rotation must be an integer, got 'a'"),
        (lambda: bowl.hessian(np.ones(3)), ValueError, r"x must have shape \(2,\)"),
        (built("huber", np.ones(2)), TypeError, "delta must be a real number, got an array"),
        (built("huber", L=-1), ValueError, "L must be positive, got -1.0"),
        (built("tight_huber", 3, R=-1), ValueError, "R must be positive, got -1.0"),
        (built("rosenbrock", True), TypeError, "dim must be an integer, got True"),
        (built("styblinski_tang", 0), ValueError, "dim must be at least 1, got 0"),
        (built("double_well", np.ones(2)), TypeError, "tilt must be a real number, got an array"),
        (built("saddle", INF), ValueError, "a must be positive, got inf"),
        (built("plateau", "a"), TypeError, "dim must be an integer, got 'a'"),
        (built("saturated_neuron", None), TypeError, "target must be a real number, got None"),
        (symbolic(variables=x), TypeError, "variables must be a sequence of SymPy symbols, got x"),
        (symbolic(variables=["x"]), TypeError, "variables must be a sequence of SymPy symbols"),
        (symbolic(variables=[x, x]), ValueError, "variables must differ from each other"),
        (symbolic(sp.I * x), ValueError, r"expr must be real, got I\*x"),
        (symbolic(nam="a"), TypeError, r"symbolic takes no 'nam'.*did you mean 'name'\?"),
        (symbolic(minimum="a"), TypeError, "minimum must be a real number, got 'a'"),
        (lambda: symbolic(sp.gamma(x))().f(np.ones(1)), TypeError, "the code can't use .*gamma"),
        (
            lambda: symbolic(sp.gamma(x))().source("javascript"),
            TypeError,
            "can't use gamma; the pr",
        ),
        (
            lambda: symbolic(sp.Piecewise((x, x > 0)))().source("javascript"),
            ValueError,
            r"the pieces of .* must cover everything: end with \(\.\.\., True\)",
        ),
        (built("noisy_quadratic", []), ValueError, r"curvature must have shape \(dim,\), got \(0,"),
        (built("noisy_quadratic", [1.0, "a"]), TypeError, "curvature must hold real numbers"),
        (
            built("noisy_quadratic", [1.0, -1.0]),
            ValueError,
            "every element of curvature must be pos",
        ),
        (built("noisy_quadratic", [[1.0]]), ValueError, r"curvature must have shape \(dim,\), got"),
        (built("noisy_quadratic", [1.0, 2.0], [1.0] * 3), ValueError, "sigma must be a number or"),
        (built("noisy_quadratic", sigma=-1), ValueError, "sigma must be nonnegative, got -1.0"),
        (
            built("noisy_quadratic", batch_size=0),
            ValueError,
            "batch_size must be at least 1, got 0",
        ),
        (
            lambda: problems.noisy_quadratic().grad(np.ones(1), np.ones(3)),
            ValueError,
            r"batch must have the shape of x, \(1,\), got \(3,\)",
        ),
        (
            lambda: problems.noisy_quadratic().sample(np.random.default_rng(0), 1, runs=-1),
            ValueError,
            "runs must be at least 1, got -1",
        ),
        (built("reddi", np.ones(2)), TypeError, "large must be a real number, got an array"),
        (built("reddi", period=2.5), TypeError, "period must be an integer, got 2.5"),
        (lambda: problems.reddi().grad(np.ones(1), "a"), TypeError, "batch must be a real number"),
        (lambda: problems.reddi().slopes(-1), ValueError, "steps must be at least 0, got -1"),
        (
            lambda: problems.reddi().slopes(3, seed=-1),
            ValueError,
            "seed must be at least 0, got -1",
        ),
        (
            lambda: problems.reddi().regret(np.ones(3)),
            ValueError,
            r"x must have shape \(steps \+ 1, 1\), got \(3,\)",
        ),
        (built("reddi_stochastic", probability=2), ValueError, r"probability must be in \[0, 1\]"),
        (built("logistic_regression", "bc"), ValueError, "data must be one of .* got 'bc'"),
        (built("logistic_regression", X), TypeError, "data must be one of .* of type ndarray"),
        (built("logistic_regression", l2=-1), ValueError, "l2 must be nonnegative, got -1.0"),
        (built("logistic_regression", l2=X), TypeError, "l2 must be a real number, got an array"),
        (built("logistic_regression", sampling="a"), ValueError, "sampling must be one of .* 'a'"),
        (built("logistic_regression", batch_size=10**6), ValueError, "batch_size must be at most"),
        (lambda: logistic.f(np.ones(31), [10**6]), ValueError, "batch must be an array of indices"),
        (lambda: logistic.grad(np.ones(31), "a"), ValueError, "batch must be an array of indices"),
        (lambda: logistic.accuracy(np.ones(3)), ValueError, r"x must have shape \(31,\)"),
        (lambda: logistic.accuracy(np.ones(31), "val"), ValueError, "split must be one of test, t"),
        (lambda: logistic.hessian([1.0] * 31), TypeError, "x must be a floating-point array"),
        (lambda: logistic.hessian(np.ones((31, 2))), ValueError, r"x must have shape \(31,\), got"),
        (
            lambda: logistic.scores(np.ones(31), None),
            TypeError,
            "features must be an array, got No",
        ),
        (
            lambda: logistic.predict(np.ones(31), np.ones((2, 3))),
            ValueError,
            r"features must have shape \(examples, 30\), got \(2, 3\)",
        ),
        (built("mlp", 3), TypeError, "hidden must be a sequence of integers, got 3"),
        (built("mlp", [1.5]), TypeError, "hidden must be an integer, got 1.5"),
        (built("mlp", activation="relo"), ValueError, r"got 'relo' \(did you mean 'relu'\?\)"),
        (built("mlp", seed=-1), ValueError, "seed must be at least 0, got -1"),
        (lambda: mlp.unpack(np.ones(3)), ValueError, "x must have shape .* got .3,."),
        (lambda: mlp.initial("a"), TypeError, "seed must be an integer, got 'a'"),
        (built("gradient_error", None), TypeError, "problem must have the methods f and grad"),
        (built("gradient_error", bowl, np.array([NAN, 1.0])), ValueError, "x0 must be finite"),
        (built("gradient_error", bowl, directions=0), ValueError, "directions must be at least 1"),
        (
            built("gradient_error", make(grad=lambda x: x * NAN)),
            ValueError,
            "the gradient must be finite, got nan at index 0",
        ),
        (
            built("gradient_error", make(grad=lambda x: x[:1])),
            ValueError,
            r"p.grad\(x\) must have the shape of x",
        ),
        (lambda: datasets.zipf_corpus(words=0), ValueError, "words must be at least 1, got 0"),
    ],
    "plot": [
        (lambda: plot.contours(None), TypeError, "problem must be a Problem, got NoneType"),
        (lambda: plot.contours(bowl, 3), TypeError, "runs must hold Run objects, got int"),
        (lambda: plot.contours(bowl, None), TypeError, "runs must hold Run objects, got NoneType"),
        (lambda: plot.contours(bowl, grid), TypeError, "runs must hold Run objects, got Sweep"),
        (
            lambda: plot.contours(problems.double_well(), run),
            ValueError,
            "runs must be of dimension 1, as problem is, got <Run sgd",
        ),
        (lambda: plot.contours(bowl, window="ab"), TypeError, "window must hold 2 pairs"),
        (
            lambda: plot.contours(bowl, window=((0, INF), (0, 1))),
            ValueError,
            "window must be a pair of finite numbers",
        ),
        (lambda: plot.contours(bowl, levels=1), ValueError, "levels must be at least 2, got 1"),
        (lambda: plot.contours(bowl, levels=[1]), TypeError, r"levels must be an integer, got \[1"),
        (lambda: plot.contours(bowl, resolution="a"), TypeError, "resolution must be an integer"),
        (
            lambda: plot.contours(make(lambda x: NAN * x[0], window=((0, 1), (0, 1)))),
            ValueError,
            "problem must have a finite value in the window",
        ),
        (
            lambda: plot.contours(make(lambda x: 3.0, window=((0, 1), (0, 1)))),
            ValueError,
            r"p.f\(x\) must have shape",
        ),
        (lambda: plot.loss({"a": []}), ValueError, "runs must not be empty"),
        (lambda: plot.loss(run, quantity="gapp"), ValueError, r"got 'gapp' \(did you mean 'gap'\?"),
        (
            lambda: plot.loss(run, band=None),
            TypeError,
            r"band must be a pair \(low, high\), got No",
        ),
        (lambda: plot.loss(run, band=(0.9, 0.1)), ValueError, "band must be a pair .* low <= high"),
        (lambda: plot.loss(run, band=(0.1, 2)), ValueError, r"band must be in \[0, 1\], got 2.0"),
        (lambda: plot.loss(run, log=1), TypeError, "log must be True or False, got 1"),
        (lambda: plot.loss(run, ax=3), TypeError, "ax must be a Matplotlib Axes, got int"),
        (
            lambda: plot.loss(optedu.minimize(make(lambda x: NAN), steps=2)),
            ValueError,
            "runs must hold a finite objective, got none",
        ),
        (lambda: plot.sensitivity(run), TypeError, "sweeps must hold Sweep objects, got Run"),
        (lambda: plot.sensitivity([grid, grid]), ValueError, "sweeps must have one axis each"),
        (
            lambda: plot.sensitivity(
                [curve, optedu.sweep(bowl, optimizer="momentum", momentum=[0.1, 0.2], steps=2)]
            ),
            ValueError,
            "sweeps must share their axis",
        ),
        (lambda: plot.sensitivity(grid, axes=3), TypeError, "axes must be a name or a pair"),
        (lambda: plot.sensitivity(grid, axes=["lr", "lr"]), ValueError, "two different hyper-para"),
        (lambda: plot.sensitivity(grid, axes="momentun"), ValueError, "did you mean 'momentum'"),
        (
            lambda: plot.sensitivity(grid, limits=("a", 1)),
            TypeError,
            "limits must be a real number",
        ),
        (
            lambda: plot.sensitivity(grid, limits=(0, INF)),
            ValueError,
            "limits must be a pair of fin",
        ),
        (lambda: plot.sensitivity(grid, colorbar="a"), TypeError, "colorbar must be True or False"),
        (lambda: plot.alt_text([]), ValueError, r"results must not be empty, got \[\]"),
        (lambda: plot.subplots(0), ValueError, "rows must be at least 1, got 0"),
        (lambda: plot.subplots(1, 1.5), TypeError, "columns must be an integer, got 1.5"),
    ],
    "derive": [
        (
            lambda: derive.check(None),
            TypeError,
            "claim must be an equation or inequality, got None",
        ),
        (lambda: derive.check(sp.Eq(x, 1), 3), TypeError, "domain must be a Domain, got int"),
        (
            lambda: derive.check(sp.Eq(x, 1), points=0),
            ValueError,
            "points must be at least 1, got 0",
        ),
        (
            lambda: derive.check(sp.Eq(x, 1), seed="a"),
            TypeError,
            "seed must be an integer, got 'a'",
        ),
        (lambda: derive.check(x <= 1, certificate="x+"), ValueError, "certificate must be a SymPy"),
        (lambda: derive.Domain(3), TypeError, "intervals must be a mapping of symbols, got 3"),
        (
            lambda: derive.Domain({"x": (0, 1)}),
            TypeError,
            "intervals must be a SymPy symbol, got 'x",
        ),
        (
            lambda: derive.Domain({x: (1, 0)}),
            ValueError,
            r"intervals\[x\] must be a pair .* \(1, 0",
        ),
        (
            lambda: derive.Domain({}, (3,)),
            TypeError,
            "conditions must be an equation or inequality",
        ),
        (lambda: derive.Derivation(3), TypeError, "title must be a string, got 3"),
        (
            lambda: derive.Derivation("d", "x +"),
            ValueError,
            "start must be a SymPy expression, got",
        ),
        (lambda: derive.Derivation("d", object()), TypeError, "start must be a SymPy expression"),
        (
            lambda: derive.Derivation("d", assume=x < 1),
            TypeError,
            "assume must be a sequence, got x",
        ),
        (
            lambda: derive.Derivation("d", points=-1),
            ValueError,
            "points must be at least 1, got -1",
        ),
        (lambda: derive.Derivation("d", x).then(None, "w"), TypeError, "expr must be a SymPy expr"),
        (
            lambda: derive.Derivation("d", x).then(x, None),
            TypeError,
            "why must be a string, got None",
        ),
        (
            lambda: derive.Derivation("d", x).then(x, "w", relation=[]),
            TypeError,
            r"relation must be one of =, <=, <, >=, >, got \[\]",
        ),
        (
            lambda: derive.Derivation("d", x).then(sp.Eq(x, 1), "w"),
            TypeError,
            "expr must be a SymPy expression, got Eq",
        ),
        (lambda: derive.Derivation("d").given(None, "w"), TypeError, "fact must be an equation or"),
        (
            lambda: derive.Derivation("d").fact(sp.Ne(x, 1), "w"),
            ValueError,
            "claim must use one of",
        ),
        (
            lambda: derive.proximal_argmin(a, "x", 1, 1),
            TypeError,
            "x must be a SymPy symbol, got 'x",
        ),
        (lambda: derive.proximal_argmin(a, x, 1, 0), ValueError, "lr must be positive, got 0"),
        (
            lambda: derive.proximal_argmin(x**2, x, 1, 1),
            ValueError,
            "g must not depend on x, got x",
        ),
        (
            lambda: derive.proximal_argmin(a, x, 1, 1, metric=None),
            TypeError,
            "metric must be a SymPy",
        ),
        (lambda: derive.iteration_matrix(3, [x]), TypeError, "new must be a sequence, got 3"),
        (lambda: derive.iteration_matrix([x], [3]), TypeError, "old must be a SymPy symbol, got 3"),
        (lambda: derive.iteration_matrix([], []), ValueError, r"new must have the length of old"),
        (lambda: derive.iteration_matrix([None], [x]), TypeError, "new must be a SymPy expression"),
        (
            lambda: derive.spectral_radius([["a"]]),
            TypeError,
            "matrix must be a square array of numb",
        ),
        (lambda: derive.spectral_radius([[NAN]]), ValueError, "matrix must be finite, got"),
        (lambda: derive.spectral_radius([]), ValueError, "matrix must be square, got shape"),
        (
            lambda: derive.limits(None, (x, 0)),
            TypeError,
            "expr must be a SymPy expression, got None",
        ),
        (lambda: derive.limits(x, 3), TypeError, "points must be tuples .* got 3"),
        (lambda: derive.limits(x, (3, 0)), TypeError, "points must be a SymPy symbol, got 3"),
        (
            lambda: derive.limits(x, (x, 0, "*")),
            ValueError,
            r"points must be one of \+, -, got '\*'",
        ),
        (lambda: derive.unroll(None, 1, g), TypeError, "a must be a SymPy expression, got None"),
        (lambda: derive.unroll(1, 1, None), TypeError, "drive must be an IndexedBase or callable"),
        (
            lambda: derive.unroll(1, 1, lambda: 3),
            TypeError,
            r"drive must be callable as drive\(i\)",
        ),
        (lambda: derive.unroll(1, 1, g, t="t"), TypeError, "t must be a SymPy symbol, got 't'"),
        (lambda: derive.unroll(1, 1, g).after(1.5), TypeError, "steps must be an integer, got 1.5"),
        (
            lambda: derive.prove_by_induction(3),
            TypeError,
            "recurrence must be a Recurrence, got int",
        ),
        (
            lambda: derive.expectation(g[1], "g"),
            TypeError,
            "g must be a SymPy IndexedBase, got 'g'",
        ),
        (
            lambda: derive.expectation(g[1], g, mean=object()),
            TypeError,
            "mean must be a SymPy expression",
        ),
        (
            lambda: derive.close_geometric(None),
            TypeError,
            "expr must be a SymPy expression, got None",
        ),
    ],
    "check": [
        (lambda: optedu.check("adm"), ValueError, r"got 'adm' \(did you mean 'adam'\?\)"),
        (lambda: optedu.check(None), TypeError, "name must be one of .* got None"),
        (lambda: optedu.check("adam", 3), TypeError, "parts must be a string or several, got 3"),
        (
            lambda: optedu.check("adam", []),
            ValueError,
            r"parts must name at least one part, got \[\]",
        ),
        (lambda: optedu.check("adam", "firststep"), ValueError, "did you mean 'first step'"),
        (
            lambda: optedu.check("adam", optional=3),
            TypeError,
            "optional must be a string or several",
        ),
        (
            lambda: optedu.check("adam", optional=[[]]),
            TypeError,
            r"optional must be a string, got \[",
        ),
        (lambda: optedu.check("adam", optional="lrr"), ValueError, "did you mean 'lr'"),
        (lambda: optedu.check("adam", seed=-1), ValueError, "seed must be at least 0, got -1"),
    ],
    "check_order": [
        (lambda: optedu.check_order(3, "A"), TypeError, "proof must be a Proof or its text, got 3"),
        (lambda: optedu.check_order("", "A"), ValueError, "text must not be empty|nothing above"),
        (lambda: optedu.check_order("A claim.", "A"), ValueError, "a proof has two steps or more"),
        (lambda: optedu.check_order(ORDERED, "A", points=0), ValueError, "points must be"),
        (lambda: optedu.check_order(ORDERED, "A", points="3"), TypeError, "points must be .*'3'"),
    ],
    "check_expression": [
        (
            lambda: optedu.check_expression(1, None),
            TypeError,
            "expected must be a SymPy expression",
        ),
        (lambda: optedu.check_expression(1, [1, 2]), TypeError, "expected must be .* got .1, 2."),
        (
            lambda: optedu.check_expression(1, "a+"),
            ValueError,
            "expected must be an expression: 'a",
        ),
        (lambda: optedu.check_expression(1, x < 1), TypeError, "expected must be .* got x < 1"),
        (lambda: optedu.check_expression(1, 1, name=3), TypeError, "name must be a string, got 3"),
        (
            lambda: optedu.check_expression(1, 1, variables=3),
            TypeError,
            "variables must be a mapping",
        ),
        (
            lambda: optedu.check_expression("x", "x", variables={"x": 3}),
            TypeError,
            r"variables\['x'\] must be a pair \(low, high\), got 3",
        ),
        (
            lambda: optedu.check_expression("x", "x", variables={"x": (1, 0)}),
            ValueError,
            r"variables\['x'\] must be a pair .* got \(1.0, 0.0\)",
        ),
        (
            lambda: optedu.check_expression("x", "x", variables={"x": (0, INF)}),
            ValueError,
            r"variables\['x'\] must be a pair of finite numbers",
        ),
        (
            lambda: optedu.check_expression("t", "t", variables={"t": (0.2, 0.8)}),
            ValueError,
            r"variables\['t'\] must hold a whole number, got \(0.2, 0.8\)",
        ),
        (
            lambda: optedu.check_expression("x", "x", variables={x: (0, 1)}),
            TypeError,
            "variables must be a string, got x",
        ),
        (
            lambda: optedu.check_expression(1, 1, tolerance=-1),
            ValueError,
            "tolerance must be nonneg",
        ),
        (
            lambda: optedu.check_expression(1, 1, tolerance="a"),
            TypeError,
            "tolerance must be a real",
        ),
    ],
    "implement": [
        (lambda: optedu.implement(None), TypeError, "with the name of the rule.* got NoneType"),
        (lambda: optedu.implement(""), ValueError, "name must not be empty, got ''"),
        (lambda: optedu.implement("adam")(3), TypeError, "decorates a function .* got int"),
        (lambda: optedu.implement("adam")(lambda x: x), TypeError, "does not fit def <lambda>.x."),
    ],
    "expect": [
        (lambda: exercise.expect(True, None), TypeError, "message must be a string, got None"),
        (
            lambda: exercise.expect(X > 0, "a"),
            TypeError,
            "condition must be one truth value, got an",
        ),
    ],
    "expect_order": [
        (lambda: exercise.expect_order("A", 3), TypeError, "blocks must be a string, got 3"),
        (lambda: exercise.expect_order("A", ""), ValueError, "blocks must not be empty"),
    ],
    "written": [
        (lambda: written.register(3, abs), TypeError, "name must be a string, got 3"),
        (lambda: written.register("a", 3), TypeError, "function must be callable, got int"),
        (lambda: written.set_provider(3), TypeError, "provider must be callable or None, got int"),
    ],
}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        pytest.param(*case, id=f"{name}-{number}")
        for name, cases in CASES.items()
        for number, case in enumerate(cases)
    ],
)
def test_says_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    # Raised by a check of ours, and not by a library that a bad value has reached.
    assert str(caught.traceback[-1].path).startswith(PACKAGE)
    assert type(caught.value) in (TypeError, ValueError, KeyError, FloatingPointError)


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
def test_no_case_comes_twice(cases):
    messages = [(error, message) for _, error, message in cases]
    assert len(messages) > 1
    assert all(len(message) > 8 for _, message in messages)


def test_every_public_name_has_cases():
    elsewhere = {
        "exercise",
        "rules",
        "schedules",
        "transformations",
        "__version__",
    }  # with tests of their own
    covered = {*CASES, *elsewhere}
    derived_from = {"Run": "minimize", "Sweep": "sweep", "device": "backend"}
    for name in optedu.__all__:
        assert derived_from.get(name, name) in covered, name


def test_a_gradient_that_is_not_finite_ends_the_run_or_is_recorded():
    r"""The other two answers of `minimize`: without an error, and never as a number."""
    broken = make(grad=lambda x: x * NAN)
    assert optedu.minimize(broken, steps=5).diverged_at == 1
    kept = optedu.minimize(broken, steps=5, on_divergence="record")
    assert kept.diverged_at == 1
    assert np.isnan(kept.f[-1])
    assert optedu.sweep(broken, lr=[0.1, 0.2], steps=2).diverged.all()


def test_a_constant_objective_has_a_value_for_each_run():
    flat = symbolic(sp.Integer(3))()
    np.testing.assert_array_equal(flat.f(np.ones((1, 4))), [3.0] * 4)
    np.testing.assert_array_equal(flat.grad(np.ones((1, 4))), np.zeros((1, 4)))


def test_nothing_changes_where_an_error_is_raised():
    optimizer = optedu.Optimizer("adam", X)
    before = optimizer.params.copy()
    with pytest.raises(ValueError, match="grads must be finite"):
        optimizer.step(X * NAN)
    np.testing.assert_array_equal(optimizer.params, before)
    assert optimizer.t == 0
    assert State("m").name in optimizer.state
    np.testing.assert_array_equal(optimizer.state["m"], 0)
