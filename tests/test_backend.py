r"""The array backend and the argument checks."""

import array_api_strict
import numpy as np
import pytest

import optedu
from optedu import validate
from optedu.backend import namespace, to_numpy


def test_namespace_comes_from_the_arrays():
    assert namespace(np.ones(2)) is np
    assert namespace(np.ones(2), 1.0, np.ones(3)) is np
    assert namespace(array_api_strict.ones(2)) is array_api_strict


def test_namespace_of_mixed_or_no_arrays():
    with pytest.raises(TypeError, match="arrays of one library, got ndarray, Array"):
        namespace(np.ones(2), array_api_strict.ones(2))
    with pytest.raises(TypeError, match="arrays of one library, got str"):
        namespace("a")


def test_to_numpy():
    values = to_numpy(array_api_strict.asarray([1.0, 2.0]))
    assert isinstance(values, np.ndarray)
    np.testing.assert_array_equal(values, [1.0, 2.0])


def test_device():
    cpu = optedu.device("cpu")
    assert cpu.xp is np
    assert cpu.asarray(array_api_strict.ones(2)).dtype == np.float64
    with pytest.raises(ValueError, match="name must be one of cpu, gpu, got 'tpu'"):
        optedu.device("tpu")


@pytest.mark.skipif(optedu.backend.gpu_available(), reason="there is a GPU")
def test_device_without_a_gpu_says_what_is_missing():
    with pytest.raises(RuntimeError, match=r"no GPU can be used: CuPy is .*(install|driver)"):
        optedu.device("gpu")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: validate.number("a", True), TypeError, "a must be a real number, got True of"),
        (lambda: validate.number("a", 1j), TypeError, "a must be a real number, got 1j"),
        (lambda: validate.positive("a", 0), ValueError, "a must be positive, got 0.0"),
        (lambda: validate.positive("a", float("inf")), ValueError, "a must be positive, got inf"),
        (lambda: validate.nonnegative("a", -1), ValueError, "a must be nonnegative, got -1.0"),
        (lambda: validate.in_range("a", 3, 0, 2), ValueError, r"a must be in \[0, 2\], got 3.0"),
        (lambda: validate.in_range("a", 3, 4), ValueError, "a must be at least 4, got 3.0"),
        (lambda: validate.count("a", 2.0), TypeError, "a must be an integer, got 2.0 of type"),
        (lambda: validate.count("a", -1), ValueError, "a must be at least 0, got -1"),
        (lambda: validate.choice("a", "x", "yz"), ValueError, "a must be one of y, z, got 'x'"),
        (lambda: validate.floating_array("a", 1.0), TypeError, "a must be a floating-point array"),
        (
            lambda: validate.finite("a", np.array([[1.0, np.nan]])),
            ValueError,
            r"a must be finite, got nan at index \(0, 1\)",
        ),
        (
            lambda: validate.finite("a", array_api_strict.asarray([1.0, float("inf")])),
            ValueError,
            "a must be finite, got inf at index 1",
        ),
        (lambda: validate.finite("a", float("nan")), ValueError, "a must be finite, got nan"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_numbers_become_python_floats():
    for value in (1, np.float64(1), np.float32(1), np.int64(1), np.array(1.0)):
        assert type(validate.number("a", value)) is float
