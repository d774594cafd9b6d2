"""Groups of parameters, frozen ones, steps that are left out, gradients that are added up."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import optedu
from optedu import Optimizer
from optedu.schedules import cosine
from tests.run.test_optimizer import BY_ITSELF, tensors

BIAS = {"params": ["bias", "scale"], "weight_decay": 0.0}


def run(optimizer, first, last):
    for t in range(first, last + 1):
        optimizer.step(tensors(t, optimizer.name))
    return optimizer


def same(a, b):
    for key, value in a.params.items():
        np.testing.assert_array_equal(b.params[key], value)


@pytest.mark.parametrize("name", BY_ITSELF)
def test_each_group_moves_as_an_optimizer_of_its_own(name):
    whole = Optimizer(name, tensors(0, name), lr=0.01, groups=[{"params": ["weights"], "lr": 0.03}])
    alone = {
        "weights": Optimizer(name, {"weights": tensors(0, name)["weights"]}, lr=0.03),
        "bias": Optimizer(name, {"bias": tensors(0, name)["bias"]}, lr=0.01),
    }
    for t in range(1, 8):
        whole.step(tensors(t, name))
        for key, one in alone.items():
            one.step({key: tensors(t, name)[key]})
    for key, one in alone.items():
        np.testing.assert_array_equal(whole.params[key], one.params[key])


def test_what_differs_differs_and_all_else_follows_the_optimizer():
    optimizer = Optimizer("adamw", tensors(), lr=0.1, weight_decay=0.5, groups=[BIAS])
    (group,) = optimizer.groups
    assert dict(group.hyper) == {**optimizer.hyper, "weight_decay": 0.0}
    optimizer.hyper["lr"] = 0.2
    optimizer.hyper["weight_decay"] = 0.4
    assert (group.hyper["lr"], group.hyper["weight_decay"]) == (0.2, 0.0)
    zero = {key: np.zeros_like(value) for key, value in tensors().items()}
    optimizer.step(zero)
    np.testing.assert_allclose(optimizer.params["weights"], 0.92 * tensors()["weights"])
    np.testing.assert_array_equal(optimizer.params["bias"], tensors()["bias"])
    del group.hyper["weight_decay"]
    optimizer.step(zero)
    np.testing.assert_allclose(optimizer.params["scale"], 0.92 * tensors()["scale"])
    with pytest.raises(KeyError, match="'weight_decay' is not different in this group"):
        del group.hyper["weight_decay"]
    group.hyper["lr"] = 0.0
    before = optimizer.params["bias"].copy()
    optimizer.step(tensors(1))
    np.testing.assert_array_equal(optimizer.params["bias"], before)


def test_a_group_has_a_schedule_of_its_own():
    falling = cosine(0.1, steps=4)
    optimizer = Optimizer("sgd", [np.zeros(1), np.zeros(1)], lr=1.0)
    grouped = Optimizer(
        "sgd", [np.zeros(1), np.zeros(1)], lr=1.0, groups=[{"params": [1], "lr": falling}]
    )
    for t in range(1, 5):
        optimizer.step([np.ones(1), np.ones(1)])
        grouped.step([np.ones(1), np.ones(1)])
        assert grouped.groups[0].hyper["lr"] == falling(t)
    assert grouped.params[0] == optimizer.params[0] == -4
    np.testing.assert_allclose(grouped.params[1], -sum(falling(t) for t in range(1, 5)))


@pytest.mark.parametrize("none", [True, False])
def test_frozen_parameters_and_their_state_stay(none):
    groups = [{"params": ["weights"], "frozen": True}]
    optimizer = Optimizer("adam", tensors(), groups=groups)
    for t in range(1, 4):
        grads = {**tensors(t), "weights": None}
        if not none:
            del grads["weights"]
        assert optimizer.step(grads)
    free = run(Optimizer("adam", {k: v for k, v in tensors().items() if k != "weights"}), 0, -1)
    for t in range(1, 4):
        free.step({k: v for k, v in tensors(t).items() if k != "weights"})
    np.testing.assert_array_equal(optimizer.params["weights"], tensors()["weights"])
    np.testing.assert_array_equal(optimizer.state["m"]["weights"], 0)
    np.testing.assert_array_equal(optimizer.params["bias"], free.params["bias"])
    # A gradient that nobody uses may be anything; without the ice it counts.
    optimizer.step({**tensors(4), "weights": np.full((3, 4), np.nan)})
    optimizer.groups[0].frozen = False
    optimizer.step(tensors(5))
    assert np.all(optimizer.params["weights"] != tensors()["weights"])
    with pytest.raises(TypeError, match=r"grads\['weights'\] must be a floating-point array"):
        optimizer.step({**tensors(4), "weights": None})


@pytest.mark.parametrize("name", ["adam", "momentum"])
def test_what_changes_while_a_group_is_frozen_counts_when_it_thaws(name):
    groups = [{"params": ["bias"], "frozen": True}]
    optimizer = Optimizer(name, tensors(), lr=0.1, groups=groups)
    optimizer.step(tensors(1))
    optimizer.hyper["lr"] = 0.0
    optimizer.step(tensors(2))
    optimizer.step(tensors(3))
    optimizer.groups[0].frozen = False
    optimizer.step(tensors(4))
    np.testing.assert_array_equal(optimizer.params["bias"], tensors()["bias"])


def test_a_step_with_a_gradient_that_is_not_finite_is_left_out():
    optimizer = Optimizer("adam", tensors(), check_finite="skip")
    other = Optimizer("adam", tensors())
    assert optimizer.step(tensors(1)) is other.step(tensors(1)) is True
    assert optimizer.step({**tensors(2), "scale": np.asarray(np.inf)}) is False
    assert optimizer.t == 1
    assert optimizer.step(tensors(3)) is other.step(tensors(3)) is True
    same(other, optimizer)


def test_gradients_are_added_up():
    optimizer, whole = Optimizer("momentum", tensors()), Optimizer("momentum", tensors())
    for t in (1, 2):
        optimizer.zero_grad()
        for part in (0, 1):
            for key, g in tensors(2 * t + part).items():
                optimizer.grads[key] += g / 2
        optimizer.step()
        halves = tensors(2 * t), tensors(2 * t + 1)
        whole.step({key: halves[0][key] / 2 + halves[1][key] / 2 for key in halves[0]})
    same(whole, optimizer)


@pytest.mark.parametrize(
    "tied",
    [lambda w: [w, w], lambda w: [w, w.T], lambda w: [w[:], np.ones(2), w[::-1][::-1]]],
)
def test_a_tied_parameter_is_refused(tied):
    message = r"params\[\d\] must not be the array of params\[0\]: give a parameter that is used"
    with pytest.raises(ValueError, match=message):
        Optimizer("sgd", tied(np.ones((2, 2))))


def test_pieces_of_one_array_are_no_ties():
    whole = np.arange(6.0)
    Optimizer("sgd", [whole[:3], whole[3:], np.ones(0), np.ones(0)])


def resumed_by_dict(optimizer):
    groups = [{"params": ["bias", "scale"]}]
    other = Optimizer(optimizer.name, tensors(99, optimizer.name), lr=0.5, groups=groups)
    other.params = optimizer.params
    other.load_state_dict(pickle.loads(pickle.dumps(optimizer.state_dict())))
    return other


@pytest.mark.parametrize("name", list(optedu.rules.all()))
@pytest.mark.parametrize(
    "again",
    [resumed_by_dict, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))],
    ids=["state_dict", "deepcopy", "pickle"],
)
def test_a_run_with_groups_goes_on_bit_for_bit(name, again):
    groups = [{"params": ["bias", "scale"], "lr": cosine(0.02, steps=9)}]
    whole = run(Optimizer(name, tensors(0, name), lr=0.01, groups=groups), 1, 8)
    first = run(Optimizer(name, tensors(0, name), lr=0.01, groups=groups), 1, 4)
    second = again(first)
    run(first, 77, 77)  # what was copied stands by itself
    assert second.groups[0].hyper["lr"] == cosine(0.02, steps=9)(4)
    same(whole, run(second, 5, 8))
    assert second.t == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda saved: saved.pop("t"), "saved must be a mapping with the keys"),
        (lambda saved: saved["groups"].clear(), r"saved\['groups'\] must name the parameters"),
        (lambda saved: saved["hyper"].update(lr=-1), "lr must be nonnegative, got -1"),
        (lambda saved: saved["state"].pop("m"), "state must have the keys"),
        (lambda saved: saved["state"]["m"].update(bias=np.ones(9)), "must have the shape"),
        (lambda saved: saved["groups"][0].update(weight_decay=-1), "weight_decay must be"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    optimizer = run(Optimizer("adamw", tensors(), groups=[BIAS]), 1, 3)
    saved = Optimizer("adamw", tensors(), lr=0.7, groups=[BIAS]).state_dict()
    change(saved)
    with pytest.raises((TypeError, ValueError), match=message):
        optimizer.load_state_dict(saved)
    assert optimizer.t == 3
    assert optimizer.hyper["lr"] != 0.7
    same(run(Optimizer("adamw", tensors(), groups=[BIAS]), 1, 5), run(optimizer, 4, 5))


@pytest.mark.torch
def test_groups_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    start = {"w": np.linspace(-1, 1, 5), "b": np.linspace(1, 2, 3)}
    theirs = {k: torch.nn.Parameter(torch.tensor(v)) for k, v in start.items()}
    other = torch.optim.AdamW(
        [{"params": [theirs["w"]]}, {"params": [theirs["b"]], "weight_decay": 0.0, "lr": 0.03}],
        lr=0.01,
        weight_decay=0.3,
    )
    groups = [{"params": ["b"], "weight_decay": 0.0, "lr": 0.03}]
    ours = Optimizer("adamw", start, lr=0.01, weight_decay=0.3, groups=groups)
    rng = np.random.default_rng(0)
    for _ in range(20):
        grads = {k: rng.standard_normal(v.shape) for k, v in start.items()}
        for k, p in theirs.items():
            p.grad = torch.tensor(grads[k])
        other.step()
        ours.step(grads)
    for k, p in theirs.items():
        np.testing.assert_allclose(ours.params[k], p.detach().numpy(), rtol=1e-12)


def test_a_group_says_what_it_is():
    optimizer = Optimizer("adamw", tensors(), groups=[{**BIAS, "frozen": True}])
    text = "<Group ['bias', 'scale']: {'frozen': True, 'weight_decay': 0.0}>"
    assert repr(optimizer.groups[0]) == text
