"""Optimizer: the rule on many tensors at once, in one buffer."""

import array_api_strict
import numpy as np
import pytest

import optedu
from optedu.exercise import registry
from optedu.optimizer import Optimizer


@pytest.fixture(autouse=True)
def _no_student_functions():
    registry.clear()
    yield
    registry.clear()


def tensors(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "weights": rng.standard_normal((3, 4)),
        "bias": rng.standard_normal(4).astype(np.float32),
        "scale": np.asarray(rng.standard_normal()),
    }


@pytest.mark.parametrize("name", list(optedu.rules.all()))
def test_each_tensor_moves_as_by_itself(name):
    rule = optedu.rules.get(name)
    params = tensors()
    optimizer = Optimizer(name, params, lr=0.01)
    alone = {k: (v.copy(), rule.init(v)) for k, v in params.items()}
    for t in range(1, 8):
        grads = tensors(t)
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
        (lambda: Optimizer("adam", two, lr=lambda t: t), TypeError, "lr must be a number here"),
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
