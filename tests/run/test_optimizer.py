"""Optimizer: the rule on many tensors at once, in one buffer."""

import copy
import pickle

import array_api_strict
import numpy as np
import pytest

import optedu
from optedu import written
from optedu.run.optimizer import Optimizer


@pytest.fixture(autouse=True)
def _no_student_functions():
    written.clear()
    yield
    written.clear()


# What sums over all parameters does not move each tensor as if it were alone.
BY_ITSELF = [n for n, r in optedu.rules.all().items() if not r.sums or r.per_tensor]


def tensors(seed=0, name=""):
    rng = np.random.default_rng(seed)
    found = {
        "weights": rng.standard_normal((3, 4)),
        "bias": rng.standard_normal(4).astype(np.float32),
        "scale": np.asarray(rng.standard_normal()),
    }
    if name in optedu.rules.all() and optedu.rules.get(name).matrices:
        shapes = {"weights": (3, 4), "bias": (4, 1), "scale": (1, 1)}
        found = {k: v.reshape(shapes[k]) for k, v in found.items()}
    return found


@pytest.mark.parametrize("name", BY_ITSELF)
def test_each_tensor_moves_as_by_itself(name):
    rule = optedu.rules.get(name)
    params = tensors(0, name)
    optimizer = Optimizer(name, params, lr=0.01)
    alone = {k: (v.copy(), rule.init(v)) for k, v in params.items()}
    for t in range(1, 8):
        grads = tensors(t, name)
        optimizer.step(grads)
        for k, (x, state) in alone.items():
            alone[k] = rule.step(x, grads[k], state, t, lr=0.01)
    for k, (x, state) in alone.items():
        tolerance = 1e-5 if k == "bias" else 1e-11
        np.testing.assert_allclose(optimizer.params[k], x, rtol=tolerance)
        assert optimizer.params[k].dtype == params[k].dtype
        assert optimizer.params[k].shape == params[k].shape
        for variable in rule.states:
            value = optimizer.state[variable.name]
            value = value if variable.scalar else value[k]
            np.testing.assert_allclose(value, state[variable.name], rtol=tolerance, atol=1e-12)
    assert optimizer.t == 7


@pytest.mark.parametrize("kind", [dict, list, tuple, "array"])
def test_structure_is_kept(kind):
    arrays = {"a": np.ones(2), "b": np.ones((2, 2))}
    params = arrays if kind is dict else arrays["a"] if kind == "array" else kind(arrays.values())
    optimizer = Optimizer("sgd", params, lr=0.5)
    optimizer.step(params)
    if kind is dict:
        assert list(optimizer.params) == ["a", "b"]
        moved = list(optimizer.params.values())
    else:
        moved = [optimizer.params] if kind == "array" else optimizer.params
    for array in moved:
        np.testing.assert_array_equal(array, np.full(array.shape, 0.5))
    np.testing.assert_array_equal(arrays["a"], [1.0, 1.0])  # what was passed is a start, no more


def test_params_and_state_are_views_of_one_buffer():
    optimizer = Optimizer("adam", [np.zeros(3), np.zeros((2, 2))])
    first, second = optimizer.params
    assert first.base is not None
    assert np.shares_memory(first.base, second)
    before = optimizer.params[0]
    optimizer.step([np.ones(3), np.ones((2, 2))])
    assert optimizer.params[0] is before
    assert (before != 0).all()
    moments = optimizer.state["m"]
    optimizer.step([np.zeros(3), np.zeros((2, 2))])
    np.testing.assert_allclose(moments[1], 0.09)  # a view: it has moved along


def test_gradients_written_in_place():
    optimizer = Optimizer("sgd", {"a": np.zeros(2), "b": np.zeros(3, np.float32)}, lr=1.0)
    optimizer.grads["a"][:] = [1.0, 2.0]
    optimizer.grads["b"][:] = 3.0
    optimizer.step()
    np.testing.assert_array_equal(optimizer.params["a"], [-1.0, -2.0])
    np.testing.assert_array_equal(optimizer.params["b"], [-3.0, -3.0, -3.0])
    optimizer.grads["a"][0] = np.nan
    with pytest.raises(ValueError, match=r"grads\['a'\] must be finite, got nan at index 0"):
        optimizer.step()


def test_hyper_parameters_change_from_the_next_step():
    optimizer = Optimizer("momentum", np.zeros(1), lr=1.0, momentum=0.5)
    optimizer.step(np.ones(1))
    optimizer.hyper["lr"] = 0.1
    optimizer.step(np.ones(1))
    np.testing.assert_allclose(optimizer.params, [-1.0 - 0.1 * 1.5])
    assert optimizer.hyper["lr"] == 0.1
    with pytest.raises(ValueError, match="lr must be nonnegative"):
        optimizer.hyper["lr"] = -1
    with pytest.raises(TypeError, match="momentum has no hyper-parameter 'beta1'"):
        optimizer.hyper["beta1"] = 0.5
    with pytest.raises(TypeError, match="lr can't be removed"):
        del optimizer.hyper["lr"]


def test_students_function():
    @optedu.implement("adam")
    def mine(xp, x, g, state, t, *, lr=0.1, beta1=0.9):
        m = beta1 * state["m"] + (1 - beta1) * g
        return x - lr * m, {"m": m, "v": state["v"]}

    optimizer = Optimizer("adam", {"a": np.zeros(2), "b": np.zeros(())})
    view = optimizer.params["a"]
    optimizer.step({"a": np.ones(2), "b": np.asarray(2.0)})
    np.testing.assert_allclose(view, [-0.01, -0.01])
    np.testing.assert_allclose(optimizer.params["b"], -0.02)
    optimizer.hyper["lr"] = 1.0
    optimizer.step({"a": np.zeros(2), "b": np.asarray(0.0)})
    np.testing.assert_allclose(view, -0.01 - 0.09)


# -- going on where a run has stopped ------------------------------------------------------------


def counted(xp, x, g, state, t, *, lr=0.1):
    seen = state.get("seen", 0) + 1
    total = state.get("total", 0.0) + g
    return x - lr * total / seen, {"seen": seen, "total": total}


def by_hand(optimizer):
    start = tensors(99, optimizer.name)
    other = Optimizer(getattr(optimizer._method, "rule", counted), start, lr=0.5)
    other.hyper = optimizer.hyper
    other.params = optimizer.params
    other.state = pickle.loads(pickle.dumps(optimizer.state))
    other.t = optimizer.t
    return other


@pytest.mark.parametrize("name", [*optedu.rules.all(), "your own"])
@pytest.mark.parametrize(
    "again",
    [by_hand, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))],
    ids=["by hand", "deepcopy", "pickle"],
)
def test_a_run_goes_on_from_where_it_was(name, again):
    """Also NAdam, whose product of decay rates is one number for all parameters."""
    rule = optedu.rules.all().get(name, counted)
    whole = Optimizer(rule, tensors(0, name), lr=0.01)
    first = Optimizer(rule, tensors(0, name), lr=0.01)
    again(first)  # before use, too
    for t in range(1, 5):
        whole.step(tensors(t, name))
        first.step(tensors(t, name))
    second = again(first)
    first.step(tensors(77, name))  # what was copied stands by itself
    whole.hyper["lr"] = second.hyper["lr"] = 0.02
    for t in range(5, 9):
        whole.step(tensors(t, name))
        second.step(tensors(t, name))
    assert second.t == whole.t == 8
    for key, value in whole.params.items():
        np.testing.assert_array_equal(second.params[key], value)
    assert list(second.state) == list(whole.state)


def test_what_is_copied_is_whole():
    optimizer = Optimizer("adam", [np.ones(2), np.ones(3, np.float32)], check_finite=False)
    optimizer.grads[0][:] = 5.0
    other = copy.deepcopy(optimizer)
    np.testing.assert_array_equal(other.grads[0], 5.0)
    other.step()
    assert (optimizer.t, other.t) == (0, 1)
    np.testing.assert_array_equal(optimizer.params[0], 1.0)
    kept = pickle.loads(pickle.dumps({"state": other.state, "params": other.params}))
    assert type(kept["state"]) is dict
    assert type(kept["params"]) is list
    other.step()
    assert kept["state"]["m"][0][0] != other.state["m"][0][0]


class TestNothingIsIgnored:
    """To set something sets it, or is refused."""

    def test_entries_of_params_grads_and_state(self):
        optimizer = Optimizer("adam", {"w": np.zeros((2, 2)), "b": np.zeros(2)}, lr=1.0)
        view = optimizer.params["w"]
        optimizer.params["w"] = np.full((2, 2), 3.0)
        optimizer.params["b"] -= 1.0
        optimizer.grads["w"] = np.ones((2, 2))
        optimizer.grads.update(b=np.full(2, 2.0))
        optimizer.state["m"]["w"] = np.full((2, 2), 0.5)
        optimizer.state["v"] = {"w": np.full((2, 2), 4.0), "b": np.ones(2)}
        optimizer.t = 9
        np.testing.assert_array_equal(view, 3.0)
        np.testing.assert_array_equal(optimizer.params["b"], -1.0)
        rule = optedu.rules.get("adam")
        state = {"m": np.full(2, 0.5), "v": np.full(2, 4.0)}
        x, state = rule.step(np.full(2, 3.0), np.ones(2), state, 10, lr=1.0)
        optimizer.step()
        np.testing.assert_allclose(view[0], x)
        np.testing.assert_allclose(optimizer.state["v"]["w"][0], state["v"])

    def test_lists_and_single_arrays(self):
        optimizer = Optimizer("momentum", [np.zeros(2), np.zeros(3)], lr=1.0, momentum=0.5)
        optimizer.params[1] = np.ones(3)
        optimizer.params[:] = [np.full(2, 2.0), optimizer.params[1]]
        optimizer.grads[-1] += 1.0
        optimizer.step()
        np.testing.assert_array_equal(np.concatenate(optimizer.params), [2, 2, 0, 0, 0])
        single = Optimizer("momentum", np.zeros(2), lr=1.0, momentum=0.5)
        single.params = np.ones(2)
        single.params += 1.0
        single.grads = np.full(2, 4.0)
        single.state["b"] = np.full(2, 2.0)
        single.t = 3
        single.step()
        np.testing.assert_array_equal(single.params, 2.0 - (1.0 + 4.0))

    def test_a_scalar_state_of_all_parts(self):
        optimizer = Optimizer("nadam", tensors())
        optimizer.state["mu_product"] = 0.25
        assert [part.state["mu_product"] for part in optimizer._parts] == [0.25, 0.25]
        optimizer.step(tensors(1))
        assert optimizer.state["mu_product"] == pytest.approx(0.25 * 0.9 * (1 - 0.5 * 0.96**0.004))

    def test_hyper_parameters(self):
        optimizer = Optimizer("sgd", np.zeros(1), lr=1.0)
        optimizer.hyper = {"lr": 0.5}
        optimizer.step(np.ones(1))
        np.testing.assert_array_equal(optimizer.params, -0.5)
        with pytest.raises(ValueError, match="lr must be nonnegative"):
            optimizer.hyper = {"weight_decay": 0.1, "lr": -1.0}
        assert optimizer.hyper["weight_decay"] == 0.0

    def test_the_state_of_your_own_function(self):
        first = Optimizer(counted, [np.zeros(2), np.zeros(1)], lr=1.0)
        first.step([np.ones(2), np.ones(1)])
        second = Optimizer(counted, [np.zeros(2), np.zeros(1)], lr=1.0)
        second.params, second.state, second.t = first.params, dict(first.state), first.t
        for optimizer in (first, second):
            optimizer.step([np.full(2, 3.0), np.ones(1)])
        np.testing.assert_array_equal(second.params[0], first.params[0])
        assert second.state["seen"] == 2
        second.state = {}
        assert dict(second.state) == {}

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            (lambda o: setattr(o, "lr", 0.1), AttributeError, r"attribute 'lr': set hyper\['lr'\]"),
            (lambda o: setattr(o.hyper, "lr", 0.1), AttributeError, "lr"),
            (lambda o: setattr(o, "gradients", 1), AttributeError, "no attribute 'gradients'$"),
            (lambda o: setattr(o, "name", "x"), AttributeError, "name"),
            (lambda o: setattr(o, "hyper", 0.1), TypeError, "hyper must be a mapping, got float"),
            (lambda o: setattr(o, "t", -1), ValueError, "t must be at least 0, got -1"),
            (lambda o: setattr(o, "t", 1.5), TypeError, "t must be an integer, got 1.5"),
            (
                lambda o: setattr(o, "params", {"w": np.ones(2)}),
                ValueError,
                r"params must have the keys \['w', 'b'\], got \['w'\]",
            ),
            (
                lambda o: setattr(o, "grads", None),
                ValueError,
                "grads must have the keys .* NoneType",
            ),
            (
                lambda o: setattr(o, "params", {"w": np.ones(3), "b": np.ones(1)}),
                ValueError,
                r"params\['w'\] must have the shape of the array there, \(2,\), got \(3,\)",
            ),
            (
                lambda o: o.params.update(w=np.ones(2, np.float32)),
                TypeError,
                r"params\['w'\] must have the dtype of the array there, float64, got float32",
            ),
            (lambda o: o.grads.update(w=1.0), TypeError, r"grads\['w'\] must be a floating-point"),
            (lambda o: o.grads.update(c=np.ones(1)), KeyError, "grads has no 'c'; it has 'w', 'b'"),
            (lambda o: o.params.pop("w"), TypeError, "params keeps its arrays: set an entry"),
            (lambda o: o.state.pop("m"), TypeError, r"state\['m'\] can't be removed"),
            (lambda o: o.state.update(u=1.0), KeyError, "'u' is none of m, v"),
            (
                lambda o: o.state.update(m=np.ones(2)),
                ValueError,
                r"state\['m'\] must have the keys",
            ),
            (
                lambda o: o.state.update(m={"w": np.ones(2), "b": np.ones(2)}),
                ValueError,
                r"state\['m'\]\['b'\] must have the shape of params\['b'\], \(1,\), got \(2,\)",
            ),
            (lambda o: setattr(o, "state", {}), ValueError, r"keys \['m', 'v'\], got \[\]"),
            (lambda o: setattr(o, "state", 3), TypeError, "state must be a mapping, got int"),
            (lambda o: o.state["u"], KeyError, "'u' is none of m, v"),
        ],
    )
    def test_what_cannot_be_done_is_refused(self, change, error, message):
        optimizer = Optimizer("adam", {"w": np.ones(2), "b": np.ones(1)})
        before = copy.deepcopy(optimizer)
        with pytest.raises(error, match=message):
            change(optimizer)
        for name in ("w", "b"):
            np.testing.assert_array_equal(optimizer.params[name], before.params[name])
            np.testing.assert_array_equal(optimizer.state["m"][name], 0.0)

    @pytest.mark.parametrize(
        "change",
        [
            lambda p: p.append(np.ones(1)),
            lambda p: p.pop(),
            lambda p: p.__delitem__(0),
            lambda p: p.extend([np.ones(1)]),
            lambda p: p.reverse(),
        ],
    )
    def test_a_list_keeps_its_arrays(self, change):
        with pytest.raises(TypeError, match="params keeps its arrays"):
            change(Optimizer("sgd", [np.ones(1), np.ones(1)]).params)

    def test_slices_of_another_length(self):
        with pytest.raises(ValueError, match="params must be given 2 arrays there, got 1"):
            Optimizer("sgd", [np.ones(1), np.ones(1)]).params[:] = [np.ones(1)]


def test_other_namespace():
    strict = array_api_strict
    optimizer = Optimizer("adam", [strict.ones(2), strict.zeros((2, 2))], lr=0.1)
    optimizer.step([strict.ones(2), strict.ones((2, 2))])
    assert type(optimizer.params[0]) is type(strict.ones(1))
    np.testing.assert_allclose(np.from_dlpack(optimizer.params[0]), 0.9, rtol=1e-6)
    with pytest.raises(ValueError, match=r"grads\[0\] must be finite, got inf"):
        optimizer.step([strict.asarray([1.0, np.inf]), strict.ones((2, 2))])


def test_strided_gradients_and_parameters():
    big = np.arange(8.0)
    optimizer = Optimizer("sgd", big[::2], lr=1.0)
    optimizer.step(big[1::2])
    np.testing.assert_array_equal(optimizer.params, [-1.0, -1.0, -1.0, -1.0])


def test_gradients_that_are_not_finite_change_nothing():
    optimizer = Optimizer("adam", {"w": np.ones(3), "b": np.ones(1)})
    good = {"w": np.ones(3), "b": np.ones(1)}
    optimizer.step(good)
    before = optimizer.params["w"].copy(), optimizer.state["v"]["w"].copy()
    with pytest.raises(ValueError, match=r"grads\['w'\] must be finite, got nan at index 2") as e:
        optimizer.step({"w": np.array([1.0, 1.0, np.nan]), "b": np.ones(1)})
    assert e.value.__notes__ == ["this is the gradient of step 2"]
    assert optimizer.t == 1
    np.testing.assert_array_equal(optimizer.params["w"], before[0])
    np.testing.assert_array_equal(optimizer.state["v"]["w"], before[1])


@pytest.mark.parametrize("size", [10, 10_000])
def test_huge_gradients_are_finite(size):
    optimizer = Optimizer("lion", np.zeros(size), lr=0.1)
    optimizer.step(np.full(size, 1e308))
    np.testing.assert_allclose(optimizer.params, -0.1)


def test_check_can_be_left_out():
    optimizer = Optimizer("sgd", np.ones(2), check_finite=False, lr=0.1)
    optimizer.step(np.array([np.nan, 1.0]))
    assert np.isnan(optimizer.params[0])


def test_text():
    optimizer = Optimizer("sgd", [np.ones(2), np.ones((3, 3))], lr=0.1)
    assert (
        repr(optimizer)
        == "<Optimizer sgd(lr=0.1, weight_decay=0): 2 arrays, 11 parameters, step 0>"
    )


two = {"w": np.ones(2), "b": np.ones(1)}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Optimizer("adamm", two), ValueError, "did you mean 'adam'"),
        (lambda: Optimizer("adam", 3.0), TypeError, "params must be a floating-point array"),
        (
            lambda: Optimizer("adam", []),
            ValueError,
            r"must hold at least one array, got \[\]",
        ),
        (lambda: Optimizer("adam", [np.array([1])]), TypeError, r"params\[0\] .* got dtype int64"),
        (
            lambda: Optimizer("adam", {"w": np.array([1.0, np.inf])}),
            ValueError,
            r"params\['w'\] must be finite, got inf at index 1",
        ),
        (lambda: Optimizer("adam", two, lr=-1), ValueError, "lr must be nonnegative, got -1.0"),
        (lambda: Optimizer("adam", two, beta1=1.0), ValueError, r"beta1 must be in \[0, 1\)"),
        (lambda: Optimizer("adam", two, rho=1.0), TypeError, "adam has no hyper-parameter 'rho'"),
        (lambda: Optimizer("adam", two, lr=np.ones(2)), TypeError, "lr must be a real number"),
        (lambda: Optimizer("adam", two, lr=lambda: 1), TypeError, "lr must be callable as lr"),
        (lambda: Optimizer("adam", two, form="cuda"), ValueError, "form must be one of numpy"),
        (
            lambda: Optimizer("sgd", two).step({"w": np.ones(2)}),
            ValueError,
            "grads must have the keys",
        ),
        (lambda: Optimizer("sgd", two).step(np.ones(3)), ValueError, "grads must have the keys"),
        (
            lambda: Optimizer("sgd", two).step({"w": np.ones(3), "b": np.ones(1)}),
            ValueError,
            r"grads\['w'\] must have the shape of params\['w'\], \(2,\), got \(3,\)",
        ),
        (
            lambda: Optimizer("sgd", two).step({"w": np.ones(2, np.float32), "b": np.ones(1)}),
            TypeError,
            r"grads\['w'\] must have the dtype of params\['w'\], float64, got float32",
        ),
        (
            lambda: Optimizer("sgd", two).step({"w": np.ones(2, int), "b": np.ones(1)}),
            TypeError,
            r"grads\['w'\] must be a floating-point array, got dtype int64",
        ),
        (lambda: Optimizer("sgd", [np.ones(2)]).step([]), ValueError, "grads must be a list of 1 "),
        (
            lambda: Optimizer("sgd", np.ones(2)).step([1.0, 2.0]),
            TypeError,
            "grads must be a floating",
        ),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("size", [3, 1000])
@pytest.mark.parametrize(("dtype", "large"), [("float32", 1e25), ("float64", 1e200)])
def test_a_gradient_whose_square_overflows_is_refused_by_the_rules_that_square_it(
    size, dtype, large
):
    g = np.ones(size, dtype)
    g[1] = -large
    adam = optedu.Optimizer("adam", {"w": np.ones(size, dtype), "b": np.ones(2, dtype)})
    with pytest.raises(ValueError, match=r"grads\['w'\] must be at most .*, got 1e.*") as failure:
        adam.step({"w": g, "b": np.ones(2, dtype)})
    assert f"adam keeps squares of it, which overflow in {dtype}" in str(failure.value)
    assert adam.t == 0 and np.all(adam.params["w"] == 1)
    g[1] = -np.sqrt(large)
    adam.step({"w": g, "b": np.ones(2, dtype)})
    assert np.all(np.isfinite(adam.state["v"]["w"])) and adam.params["w"][1] > 1
    momentum = optedu.Optimizer("momentum", np.ones(size, dtype))
    g[1] = -large
    momentum.step(g)  # keeps no square
    assert np.isfinite(momentum.params[1])


def test_what_is_set_under_another_librarys_name_is_refused_with_ours():
    adam = optedu.Optimizer("adam", np.ones(2))
    with pytest.raises(AttributeError, match=r"no attribute 'learning_rate' \(did you mean 'lr'"):
        adam.learning_rate = 0.1
    with pytest.raises(TypeError, match=r"no hyper-parameter 'betas'.*'beta1' and 'beta2'"):
        adam.hyper["betas"] = 0.1
    with pytest.raises(TypeError, match=r"did you mean 'eps'"):
        adam.hyper = {"epsilon": 0.1}
    with pytest.raises(AttributeError, match=r"no attribute 'colour'$"):
        adam.colour = 0.1
