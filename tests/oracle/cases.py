r"""What the rules are compared with: the optimizers of PyTorch and Optax, on one random problem.

`make oracle` records their trajectories (`record.py`); the tests compare with the record, and with
the frameworks themselves where they are installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np

STEPS = 1000
RECORDED = (1, 2, 3, 10, 100, 1000)
SHAPE = (2, 3)


@dataclass(frozen=True)
class Case:
    r"""One optimizer of a framework and the rule that should, or should not, agree with it.

    `agrees=False` states a difference of convention, which the rule's notes must mention. With
    `exact` PyTorch is kept from rounding to bfloat16 on the way.
    """

    rule: str
    framework: str
    make: Callable[[Any], Any]
    hyper: dict[str, float] = field(default_factory=dict)
    agrees: bool = True
    label: str = ""
    shape: tuple[int, int] = SHAPE
    exact: bool = False
    change: Callable[[Any], Any] | None = None

    @property
    def name(self) -> str:
        r"""Unique key in the record."""
        return "-".join(part for part in (self.rule, self.framework, self.label) if part)


def torch_sgd(**kw: Any) -> Callable[[Any], Any]:
    return lambda p: _torch().optim.SGD([p], **kw)


def torch_make(kind: str, **kw: Any) -> Callable[[Any], Any]:
    return lambda p: getattr(_torch().optim, kind)([p], **kw)


def package_make(name: str, kind: str, **kw: Any) -> Callable[[Any], Any]:
    r"""Return what makes an optimizer of a package with PyTorch's interface."""
    return lambda p: getattr(importlib.import_module(name), kind)([p], **kw)


def optax_make(kind: str, *args: Any, **kw: Any) -> Callable[[Any], Any]:
    return lambda _: attrgetter(kind)(_optax())(*args, **kw)


def _torch() -> Any:
    import torch

    return torch


def _optax() -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)
    import optax

    return optax


def decoupled(rule: Any) -> Any:
    from optedu.transformations import decoupled

    return decoupled(rule)


def schedule_free(rule: Any) -> Any:
    from optedu.transformations import schedule_free

    known = rule.defaults()
    return schedule_free(rule.at(**{n: 0 for n in ("beta1", "weight_decay") if n in known}))


def schedule_free_decoupled(rule: Any) -> Any:
    from optedu import transformations

    return transformations.schedule_free(decoupled(rule).at(beta1=0))


LR = {"lr": 0.05}
WD = {"weight_decay": 0.1}

CASES = (
    Case("sgd", "PyTorch", torch_sgd(**LR), LR),
    Case("sgd", "PyTorch", torch_sgd(**LR, **WD), {**LR, **WD}, label="decay"),
    Case("momentum", "PyTorch", torch_sgd(**LR, momentum=0.9), LR),
    Case(
        "momentum",
        "PyTorch",
        torch_sgd(**LR, **WD, momentum=0.8, dampening=0.3),
        {**LR, **WD, "momentum": 0.8, "dampening": 0.3},
        label="dampening",
    ),
    Case("nesterov", "PyTorch", torch_sgd(**LR, momentum=0.9, nesterov=True), LR),
    Case(
        "nesterov",
        "PyTorch",
        torch_sgd(**LR, **WD, momentum=0.5, nesterov=True),
        {**LR, **WD, "momentum": 0.5},
        label="decay",
    ),
    Case("adagrad", "PyTorch", torch_make("Adagrad", **LR), LR),
    Case(
        "adagrad",
        "PyTorch",
        torch_make("Adagrad", **LR, **WD, lr_decay=0.01, initial_accumulator_value=0.1, eps=1e-3),
        {**LR, **WD, "lr_decay": 0.01, "initial_accumulator": 0.1, "eps": 1e-3},
        label="all",
    ),
    Case("rmsprop", "PyTorch", torch_make("RMSprop")),
    Case(
        "rmsprop",
        "PyTorch",
        torch_make("RMSprop", **LR, **WD, alpha=0.9, eps=1e-3),
        {**LR, **WD, "beta2": 0.9, "eps": 1e-3},
        label="all",
    ),
    Case("rmsprop_centered", "PyTorch", torch_make("RMSprop", centered=True)),
    Case(
        "rmsprop_momentum",
        "PyTorch",
        torch_make("RMSprop", **WD, momentum=0.9),
        WD,
    ),
    Case(
        "rmsprop_eps_inside",
        "PyTorch",
        torch_make("RMSprop", eps=1e-3),
        {"eps": 1e-3},
        agrees=False,
    ),
    Case(
        "rmsprop_centered_eps_inside",
        "PyTorch",
        torch_make("RMSprop", centered=True, eps=1e-3),
        {"eps": 1e-3},
        agrees=False,
    ),
    Case("adadelta", "PyTorch", torch_make("Adadelta")),
    Case(
        "adadelta",
        "PyTorch",
        torch_make("Adadelta", **WD, rho=0.5, eps=1e-4, lr=0.7),
        {**WD, "beta2": 0.5, "eps": 1e-4, "lr": 0.7},
        label="all",
    ),
    Case("adam", "PyTorch", torch_make("Adam")),
    Case(
        "adam",
        "PyTorch",
        torch_make("Adam", **LR, **WD, betas=(0.8, 0.95), eps=1e-3),
        {**LR, **WD, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3},
        label="all",
    ),
    Case("amsgrad", "PyTorch", torch_make("Adam", **LR, amsgrad=True), LR),
    Case(
        "amsgrad",
        "PyTorch",
        torch_make("Adam", **LR, **WD, amsgrad=True, betas=(0.5, 0.8)),
        {**LR, **WD, "beta1": 0.5, "beta2": 0.8},
        label="all",
    ),
    Case("adamw", "PyTorch", torch_make("AdamW")),
    Case("adamw", "PyTorch", torch_make("AdamW", **LR, **WD), {**LR, **WD}, label="decay"),
    Case("adamax", "PyTorch", torch_make("Adamax")),
    Case(
        "adamax",
        "PyTorch",
        torch_make("Adamax", **LR, **WD, eps=1e-3),
        {**LR, **WD, "eps": 1e-3},
        label="all",
    ),
    Case("nadam", "PyTorch", torch_make("NAdam")),
    Case(
        "nadam",
        "PyTorch",
        torch_make("NAdam", **LR, **WD, momentum_decay=0.1),
        {**LR, **WD, "momentum_decay": 0.1},
        label="all",
    ),
    Case("radam", "PyTorch", torch_make("RAdam")),
    Case(
        "radam",
        "PyTorch",
        torch_make("RAdam", **LR, **WD, betas=(0.9, 0.95)),
        {**LR, **WD, "beta2": 0.95},
        label="all",
    ),
    Case(
        "nadam",
        "PyTorch",
        torch_make("NAdam", **LR, **WD, decoupled_weight_decay=True),
        {**LR, **WD},
        label="decoupled",
        change=decoupled,
    ),
    Case(
        "radam",
        "PyTorch",
        torch_make("RAdam", **LR, **WD, decoupled_weight_decay=True),
        {**LR, **WD},
        label="decoupled",
        change=decoupled,
    ),
    Case(
        "sgd",
        "schedulefree",
        package_make("schedulefree", "SGDScheduleFree", **LR, momentum=0.8),
        {**LR, "beta1": 0.8},
        change=schedule_free,
    ),
    Case(
        "adam",
        "schedulefree",
        package_make("schedulefree", "AdamWScheduleFree", **LR),
        LR,
        change=schedule_free,
    ),
    # Its decay goes by the point of the gradient, that of a rule made schedule-free by z.
    Case(
        "adam",
        "schedulefree",
        package_make("schedulefree", "AdamWScheduleFree", **LR, **WD),
        {**LR, **WD},
        agrees=False,
        label="decay",
        change=schedule_free_decoupled,
    ),
    Case("muon", "PyTorch", torch_make("Muon"), exact=True),
    Case(
        "muon",
        "PyTorch",
        torch_make("Muon", lr=2e-3, weight_decay=0.01, momentum=0.8),
        {"lr": 2e-3, "weight_decay": 0.01, "momentum": 0.8},
        label="tall",
        shape=(3, 2),
        exact=True,
    ),
    Case("muon", "PyTorch", torch_make("Muon"), agrees=False, label="bfloat16"),
    Case("adafactor", "PyTorch", torch_make("Adafactor")),
    Case(
        "adafactor",
        "PyTorch",
        torch_make("Adafactor", **LR, **WD, beta2_decay=-0.5, d=1.1, eps=(None, 0.01)),
        {**LR, **WD, "memory_decay": 0.5, "rms_limit": 1.1, "eps_scale": 0.01},
        label="all",
        shape=(3, 2),
    ),
    Case("rprop", "PyTorch", torch_make("Rprop")),
    Case(
        "rprop",
        "PyTorch",
        torch_make("Rprop", **LR, etas=(0.3, 1.1), step_sizes=(1e-3, 0.06)),
        {**LR, "shrink": 0.3, "grow": 1.1, "shortest_step": 1e-3, "longest_step": 0.06},
        label="all",
    ),
    Case("sgd", "Optax", optax_make("sgd", 0.05), LR),
    Case("momentum", "Optax", optax_make("sgd", 0.05, momentum=0.9), LR),
    Case("nesterov", "Optax", optax_make("sgd", 0.05, momentum=0.9, nesterov=True), LR),
    Case(
        "adagrad",
        "Optax",
        optax_make("adagrad", 0.05, initial_accumulator_value=0.1, eps=1e-3),
        {**LR, "initial_accumulator": 0.1, "eps": 1e-3},
        agrees=False,
    ),
    Case(
        "rmsprop_eps_inside",
        "Optax",
        optax_make("rmsprop", 0.01, decay=0.99, eps=1e-3),
        {"eps": 1e-3},
    ),
    Case(
        "rmsprop_centered_eps_inside",
        "Optax",
        optax_make("rmsprop", 0.01, decay=0.99, eps=1e-3, centered=True),
        {"eps": 1e-3},
    ),
    Case("adadelta", "Optax", optax_make("adadelta", 1.0)),
    Case("adam", "Optax", optax_make("adam", 1e-3)),
    Case(
        "amsgrad", "Optax", optax_make("amsgrad", 0.05, b2=0.9), {**LR, "beta2": 0.9}, agrees=False
    ),
    Case("adamw", "Optax", optax_make("adamw", 1e-3, weight_decay=0.1), WD),
    Case("adamax", "Optax", optax_make("adamax", 2e-3)),
    Case("nadam", "Optax", optax_make("nadam", 2e-3), agrees=False),
    Case("radam", "Optax", optax_make("radam", 1e-3, eps=1e-3), {"eps": 1e-3}, agrees=False),
    Case("adopt", "Optax", optax_make("contrib.adopt", 1e-3, use_clipping=False)),
    Case(
        "adopt",
        "Optax",
        optax_make("contrib.adopt", 0.05, b1=0.8, b2=0.5, eps=0.1, use_clipping=False),
        {**LR, "beta1": 0.8, "beta2": 0.5, "eps": 0.1},
        label="all",
    ),
    Case("adopt", "Optax", optax_make("contrib.adopt", 0.05), LR, agrees=False, label="clipped"),
    Case("lion", "Optax", optax_make("lion", 1e-4, weight_decay=0.1), WD),
    Case("adabelief", "Optax", optax_make("adabelief", 0.05, b2=0.9), {**LR, "beta2": 0.9}),
    Case("rprop", "Optax", optax_make("rprop", 0.05), LR, agrees=False),
    Case("signum", "Optax", optax_make("sign_sgd", 0.01), {"lr": 0.01, "beta1": 0.0}),
    Case(
        "ademamix",
        "Optax",
        optax_make("contrib.ademamix", 1e-3, b3=0.99, alpha=4.0, weight_decay=0.1),
        {**WD, "beta3": 0.99, "alpha": 4.0},
    ),
    Case(
        "muon",
        "Optax",
        optax_make("contrib.muon", 2e-3, weight_decay=0.01),
        {"lr": 2e-3, "weight_decay": 0.01, "eps": 1e-8},
        agrees=False,
    ),
    Case("prodigy", "prodigyopt", package_make("prodigyopt", "Prodigy")),
    Case(
        "prodigy",
        "prodigyopt",
        package_make("prodigyopt", "Prodigy", **WD, lr=0.5, betas=(0.8, 0.99), d0=1e-3),
        {**WD, "lr": 0.5, "beta1": 0.8, "beta2": 0.99, "first_distance": 1e-3},
        label="all",
    ),
    Case("prodigy", "Optax", optax_make("contrib.prodigy"), agrees=False),
    Case("dadaptation", "dadaptation", package_make("dadaptation", "DAdaptAdam")),
    Case(
        "dadaptation",
        "dadaptation",
        package_make(
            "dadaptation", "DAdaptAdam", **WD, lr=0.5, betas=(0.8, 0.99), d0=1e-3, decouple=True
        ),
        {**WD, "lr": 0.5, "beta1": 0.8, "beta2": 0.99, "first_distance": 1e-3},
        label="all",
    ),
    Case("dadaptation", "Optax", optax_make("contrib.dadapt_adamw"), agrees=False),
    Case("dog", "Optax", optax_make("contrib.dog", 1.0)),
    Case("lamb", "Optax", optax_make("lamb", 1e-3)),
    Case("lamb", "Optax", optax_make("lamb", 0.05, weight_decay=0.1), {**LR, **WD}, label="decay"),
    Case("lars", "Optax", optax_make("lars", 1.0)),
    Case(
        "lars",
        "Optax",
        optax_make("lars", 0.5, weight_decay=0.1, trust_coefficient=0.01, momentum=0.8),
        {"lr": 0.5, **WD, "trust": 0.01, "momentum": 0.8},
        label="decay",
    ),
)


def problem(
    shape: tuple[int, int] = SHAPE,
) -> tuple[np.ndarray, Callable[[np.ndarray, int], np.ndarray]]:
    r"""Return the start and the gradient: a noisy quadratic, random and the same everywhere.

    The noise is a sum of incommensurate sines, so that no generator's version matters.
    """
    n = shape[0] * shape[1]
    index = np.arange(1.0, n * n + 1)
    matrix = np.sin(3.7 * index + 0.1 * index**2).reshape(n, n)
    hessian = matrix @ matrix.T / n + 0.1 * np.eye(n)
    centre = np.cos(2.3 * np.arange(n))
    start = 2.0 * np.sin(1.1 * np.arange(n) + 0.5).reshape(shape)

    def grad(x: np.ndarray, t: int) -> np.ndarray:
        noise = 0.3 * np.sin(1.7 * t + np.sqrt(t) * np.arange(1, n + 1))
        return (hessian @ (x.ravel() - centre) + noise).reshape(shape)

    return start, grad


def run_framework(case: Case) -> np.ndarray:
    r"""Return the parameters after each of the recorded steps, from the framework itself."""
    start, grad = problem(case.shape)
    return (_run_optax if case.framework == "Optax" else _run_torch)(case, start, grad)


def _run_torch(case: Case, start: np.ndarray, grad: Callable) -> np.ndarray:
    torch = _torch()
    default, rounding = torch.get_default_dtype(), torch.Tensor.bfloat16
    # NAdam's product of momenta is in the default dtype, whatever that of the parameters.
    torch.set_default_dtype(torch.float64)
    if case.exact:
        torch.Tensor.bfloat16 = torch.Tensor.clone  # type: ignore[method-assign]
    try:
        parameter = torch.tensor(start, requires_grad=True)
        optimizer = case.make(parameter)
        free = case.framework == "schedulefree"  # whose parameters are those of the gradient
        if free:
            optimizer.train()
        kept = []
        for t in range(1, STEPS + 1):
            parameter.grad = torch.from_numpy(grad(parameter.detach().numpy(), t))
            optimizer.step()
            if t in RECORDED:
                if free:
                    optimizer.eval()
                kept.append(parameter.detach().numpy().copy())
                if free:
                    optimizer.train()
    finally:
        torch.set_default_dtype(default)
        torch.Tensor.bfloat16 = rounding  # type: ignore[method-assign]
    return np.stack(kept)


def _run_optax(case: Case, start: np.ndarray, grad: Callable) -> np.ndarray:
    optax = _optax()
    import jax
    import jax.numpy as jnp

    transformation = case.make(None)
    parameter = jnp.asarray(start)
    state = transformation.init(parameter)

    @jax.jit
    def step(parameter: Any, state: Any, g: Any) -> Any:
        updates, state = transformation.update(g, state, parameter)
        return optax.apply_updates(parameter, updates), state

    kept = []
    for t in range(1, STEPS + 1):
        parameter, state = step(parameter, state, jnp.asarray(grad(np.asarray(parameter), t)))
        if t in RECORDED:
            kept.append(np.asarray(parameter))
    return np.stack(kept)
