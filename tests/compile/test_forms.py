r"""Every form of every rule against the pure function, which is the printed formula itself."""

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise

import array_api_strict
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import optedu
from optedu.backend import to_numpy
from optedu.compile import cupy_kernel
from optedu.compile.lowering import array_symbols, lower, optional, specialized
from optedu.compile.numpy_kernel import CACHE
from optedu.quantities import x
from tests.compile import forms

RULES = optedu.rules.all(matrices=False)
TOLERANCE = {np.dtype("float64"): 1e-12, np.dtype("float32"): 2e-5}


def cancels(rule):
    r"""Say whether the rule takes a root of a difference: there rounding shows."""
    between, arrays = {}, array_symbols(rule)
    for equation in rule.equations:
        rhs = equation.rhs.subs(between)
        if equation.lhs not in {x.new, *(s.new for s in rule.states)}:
            between[equation.lhs] = rhs
        for root in rhs.atoms(sympy.Pow):
            terms = {t for a in root.base.atoms(sympy.Add) for t in a.args}
            if abs(root.exp) == sympy.Rational(1, 2) and any(
                t.could_extract_minus_sign() and t.free_symbols & arrays for t in terms
            ):
                return True
    return False


CANCELS = {name for name, rule in RULES.items() if cancels(rule)}


def test_what_cancels_is_the_variance():
    assert "rmsprop_centered" in CANCELS
    assert not CANCELS & {"adam", "rmsprop", "nadam"}


def all_on(rule):
    r"""What is off by default, on; no first step so short that it is lost in the parameters."""
    short = {"first_move", "first_distance"} & set(rule.defaults())
    return {**{name: 0.05 for name in optional(rule)}, **dict.fromkeys(short, 0.1)}


def trajectory(rule, grads, x, hyper, dtype=None):
    state = rule.init(x, **hyper)
    for t, g in enumerate(grads, 1):
        x, state = rule.step(x, g, state, t, **hyper)
    return x, state


def assert_close(actual, expected, rule, dtype):
    tolerance = TOLERANCE[np.dtype(dtype)] * (1e4 if rule.name in CANCELS else 1)
    scale = np.max(np.abs(expected), initial=0.0)
    # sign(c) of a c that is rounding: one learning rate apart, and both are right
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * max(scale, 1e-30))


def copy_state(state):
    return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}


@pytest.fixture(params=RULES.values(), ids=RULES)
def rule(request):
    return request.param


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("on", [False, True], ids=["defaults", "all on"])
@pytest.mark.parametrize(
    "shape", [(), (0,), (1,), (7,), (3, 4), (2, 3, 4), (CACHE // 8 + 5,)], ids=str
)
def test_numpy_kernel_equals_pure_function(rule, shape, on, dtype):
    rng = np.random.default_rng(0)
    hyper = all_on(rule) if on else {}
    x = rng.standard_normal(shape).astype(dtype) if shape else np.asarray(0.3, dtype)
    grads = [np.asarray(rng.standard_normal(shape), dtype) for _ in range(12)]
    expected, expected_state = trajectory(rule, grads, x, hyper)
    actual = x.copy()
    state = rule.init(x, **hyper)
    step = rule.kernel("numpy").bind(actual, state, **hyper)
    for t, g in enumerate(grads, 1):
        step(g, t)
    assert actual.dtype == expected.dtype == dtype
    assert actual.shape == expected.shape == shape
    assert_close(actual, expected, rule, dtype)
    for name in state:
        assert_close(state[name], expected_state[name], rule, dtype)


def test_numpy_kernel_follows_changing_hyper_parameters(rule):
    rng = np.random.default_rng(1)
    x = rng.standard_normal(50)
    actual, state = x.copy(), rule.init(x)
    pure_state = copy_state(state)
    step = rule.kernel("numpy").bind(actual, state)
    switched = optional(rule)
    for t in range(1, 30):
        g = rng.standard_normal(50)
        hyper = {"lr": 0.1 / t}
        if switched and t >= 10:  # weight decay comes on, and goes off again
            hyper[switched[-1]] = 0.1 if t < 20 else 0.0
        x, pure_state = rule.step(x, g, pure_state, t, **hyper)
        step(g, t, **hyper)
        assert_close(actual, x, rule, np.float64)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_blocks_hold_each_element_once_and_begin_with_a_cache_line(dtype):
    size = CACHE
    memory = np.zeros(size + 16, dtype)
    x = memory[3 : size + 3]  # a start that no vector would choose
    step = RULES["adam"].kernel("numpy").bind(x, RULES["adam"].init(x))
    parameters = [block for _, block, _, _ in step._blocks]
    assert len(parameters) > 2
    assert sum(b.size for b in parameters) == size
    for before, after in pairwise(parameters):
        assert after.ctypes.data == before.ctypes.data + before.nbytes
        assert after.ctypes.data % 64 == 0
    largest = max(b.nbytes for b in parameters)
    assert 5 * largest <= CACHE  # x, g, m, v and a temporary


@pytest.mark.parametrize("layout", ["F", "strided"])
def test_numpy_kernel_on_arrays_that_are_not_contiguous(rule, layout):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((6, 8))
    grads = list(rng.standard_normal((5, 6, 8)))
    expected, _ = trajectory(rule, grads, x, {})
    actual = np.asfortranarray(x) if layout == "F" else np.repeat(x, 2, axis=1)[:, ::2]
    state = rule.init(actual)
    step = rule.kernel("numpy").bind(actual, state)
    for t, g in enumerate(grads, 1):
        step(g if t % 2 else np.asfortranarray(g), t)
    assert_close(actual, expected, rule, np.float64)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_trailing_axis_of_runs(rule, dtype):
    r"""One vectorised sweep equals its runs one by one."""
    rng = np.random.default_rng(3)
    runs = 5
    names = [n for n in ("lr", "beta1", "beta2", "momentum") if n in rule.defaults()]
    grid = {n: np.linspace(0.05, 0.9, runs) for n in names}
    x = rng.standard_normal((3, runs)).astype(dtype)
    grads = [rng.standard_normal((3, runs)).astype(dtype) for _ in range(10)]
    pure, _ = trajectory(rule, grads, x, grid)
    fast, state = x.copy(), rule.init(x, **grid)
    step = rule.kernel("numpy").bind(fast, state, **grid)
    for t, g in enumerate(grads, 1):
        step(g, t)
    for i in range(runs):
        hyper = {n: float(v[i].astype(dtype)) for n, v in grid.items()}
        alone, _ = trajectory(rule, [g[:, i].copy() for g in grads], x[:, i].copy(), hyper)
        assert_close(pure[:, i], alone, rule, dtype)
        assert_close(fast[:, i], alone, rule, dtype)
    assert pure.dtype == fast.dtype == dtype


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("on", [False, True], ids=["defaults", "all on"])
@pytest.mark.parametrize("shape", [(), (0,), (4,), (2, 3)], ids=str)
def test_array_api_strict(rule, shape, on, dtype):
    rng = np.random.default_rng(4)
    hyper = all_on(rule) if on else {}
    values = np.asarray(rng.standard_normal(shape), dtype)
    gradients = [np.asarray(rng.standard_normal(shape), dtype) for _ in range(6)]
    expected, _ = trajectory(rule, gradients, values, hyper)
    x = array_api_strict.asarray(values)
    strict = [array_api_strict.asarray(g) for g in gradients]
    actual, state = trajectory(rule, strict, x, hyper)
    assert actual.dtype == getattr(array_api_strict, dtype)
    for variable in rule.states:
        if not variable.scalar:
            assert state[variable.name].dtype == actual.dtype
    assert_close(to_numpy(actual), expected, rule, dtype)


def test_array_api_strict_with_runs(rule):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((2, 4))
    grads = list(rng.standard_normal((6, 2, 4)))
    grid = {"lr": np.linspace(0.01, 0.1, 4)}
    if "beta2" in rule.defaults():
        grid["beta2"] = np.linspace(0.1, 0.99, 4)
    expected, _ = trajectory(rule, grads, x, grid)
    strict = array_api_strict.asarray
    hyper = {k: strict(v) for k, v in grid.items()}
    actual, _ = trajectory(rule, [strict(g) for g in grads], strict(x), hyper)
    assert_close(to_numpy(actual), expected, rule, np.float64)


def test_pure_function_changes_nothing_that_it_was_given(rule):
    x = np.linspace(-1, 1, 5)
    state = rule.init(x)
    for array in (x, *state.values()):
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    g = np.ones(5)
    g.flags.writeable = False
    new, new_state = rule.step(x, g, state, 1)
    assert not np.shares_memory(new, x)
    assert new_state is not state


def test_kernel_leaves_the_gradient_alone(rule):
    x, g = np.linspace(-1, 1, 5), np.linspace(2, 3, 5)
    g.flags.writeable = False
    rule.kernel("numpy")(x, g, rule.init(x), 1)
    np.testing.assert_array_equal(g, np.linspace(2, 3, 5))


magnitudes = st.floats(-1e12, 1e12) | st.sampled_from([0.0, -0.0, 1e-160, -1e-160, 1e12])


@settings(max_examples=30, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(RULES)))
def test_any_gradients(data, name):
    r"""Zero, huge and tiny gradients: finite in both forms, and the same."""
    rule = RULES[name]
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    size = data.draw(st.integers(1, 4))
    steps = data.draw(st.integers(1, 5))
    grads = [
        np.asarray(data.draw(st.lists(magnitudes, min_size=size, max_size=size)), dtype)
        for _ in range(steps)
    ]
    if rule.sums:  # a square that is no number any more is lost in one form and not in the other
        grads = [np.where(np.abs(g) < 1e-30, 0, g).astype(dtype) for g in grads]
    x = np.linspace(-1, 1, size).astype(dtype)
    with np.errstate(under="ignore", over="ignore"):
        expected, _ = trajectory(rule, grads, x, {})
        actual, state = x.copy(), rule.init(x)
        for t, g in enumerate(grads, 1):
            rule.kernel("numpy")(actual, g, state, t)
    if name in CANCELS:
        return  # a variance that rounds below zero has no root; both forms then say NaN
    assert np.all(np.isfinite(expected)), (name, grads)
    tolerance = 1e-10 if dtype is np.float64 else 1e-3
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def test_zero_gradient_from_rest_moves_nothing(rule):
    x = np.linspace(-1, 1, 5)
    with np.errstate(invalid="raise", divide="raise"):
        off = {"weight_decay": 0.0} if "weight_decay" in rule.defaults() else {}
        new, _ = trajectory(rule, [np.zeros(5)] * 3, x, off)
    np.testing.assert_array_equal(new, x)


# -- Numba ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("on", [False, True], ids=["defaults", "all on"])
def test_numba_kernel_equals_pure_function(rule, on, dtype):
    rng = np.random.default_rng(9)
    hyper = all_on(rule) if on else {}
    x = rng.standard_normal((7, 11)).astype(dtype)
    grads = [rng.standard_normal((7, 11)).astype(dtype) for _ in range(12)]
    expected, expected_state = trajectory(rule, grads, x, hyper)
    actual, state = x.copy(), rule.init(x, **hyper)
    step = rule.kernel("numba").bind(actual, state, **hyper)
    for t, g in enumerate(grads, 1):
        step(g if t % 2 else np.asfortranarray(g), t)
    assert actual.dtype == dtype
    assert_close(actual, expected, rule, dtype)
    for name in state:
        assert_close(state[name], expected_state[name], rule, dtype)


def split(monkeypatch, size=1001):
    r"""Adam over five steps as a split loop, and what the pure function says."""
    import numba

    from optedu.compile import numba_kernel as form

    monkeypatch.setattr(form, "PARALLEL", 100)
    monkeypatch.setattr(numba, "get_num_threads", lambda: 3)
    launches = []
    run = form._threads.run
    monkeypatch.setattr(
        form._threads, "run", lambda *arguments: launches.append(1) or run(*arguments)
    )
    adam = RULES["adam"]
    x = np.linspace(-1, 1, size)
    expected, _ = trajectory(adam, [x] * 5, x, {})
    actual, state = x.copy(), adam.init(x)
    step = adam.kernel("numba").bind(actual, state)
    for t in range(1, 6):
        step(x, t)
    assert len(launches) == 5
    return actual, expected


def test_numba_kernel_splits_large_arrays_over_threads(monkeypatch):
    actual, expected = split(monkeypatch)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_numba_kernel_does_not_split_while_another_thread_does(monkeypatch):
    from optedu.compile import numba_kernel as form

    with form._threads._lock:
        actual, expected = split(monkeypatch)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_numba_kernel_goes_on_in_a_forked_process():
    r"""OpenMP would end the child: there the loop is not split."""
    code = (
        "import os, numpy as np, optedu\n"
        "from optedu.compile import numba_kernel as form\n"
        "form.PARALLEL = 100\n"
        "import numba\n"
        "numba.get_num_threads = lambda: 2\n"
        "rule = optedu.rules.get('adam')\n"
        "x = np.ones(1000)\n"
        "step = rule.kernel('numba').bind(x, rule.init(x))\n"
        "step(np.ones(1000), 1)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    step(np.ones(1000), 2)\n"
        "    os._exit(0 if abs(x[0] - 0.998) < 1e-6 else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0", done.stderr


def test_numba_kernel_says_what_it_cannot_take():
    adam = RULES["adam"].kernel("numba")
    x = np.ones((4, 6))
    strided = x[:, ::2]
    with pytest.raises(ValueError, match="x must be C-contiguous"):
        adam.bind(strided, RULES["adam"].init(strided))
    half = x.astype(np.float16)
    with pytest.raises(TypeError, match=r"x must be float32 or float64 .* got float16"):
        adam.bind(half, RULES["adam"].init(half))
    with pytest.raises(TypeError, match="lr must be a number in this form, got an array"):
        adam.bind(x, RULES["adam"].init(x), lr=np.full(6, 0.1))


def test_numba_kernel_is_cached_on_disk(tmp_path):
    code = (
        "import numpy as np, optedu\n"
        "rule = optedu.rules.get('adam')\n"
        "x = np.ones(3)\n"
        "rule.kernel('numba')(x, x.copy(), rule.init(x), 1)\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    kernels = list((tmp_path / "optedu" / "kernels").glob("adam_*.py"))
    assert len(kernels) == 1
    machine_code = list((tmp_path / "optedu" / "kernels" / "__pycache__").glob("*.nbc"))
    assert len(machine_code) == 1  # the second process found what the first had compiled


# -- JavaScript ----------------------------------------------------------------------------------

NODE = shutil.which("node")

HARNESS = """
const results = {};
for (const [name, step] of Object.entries(RULES)) {
  const {x0, runs} = CASE[name];
  results[name] = runs.map(({hyper, state, grads}) => {
    const x = Float64Array.from(x0);
    grads.forEach((g, i) => step(x, g, state, i + 1, hyper));
    return Array.from(x);
  });
}
console.log(JSON.stringify(results));
"""


def gradients(rule, hyper, x, noise):
    r"""Return the noise; for a rule that estimates the distance to go, slopes along its own run.

    Noise tells such a rule that the minimum is ever further: in a thousand steps Prodigy's d grows
    to 1e14, and roundings with it. A start that is elsewhere by one of them, in NumPy alone, ends
    1e-10 away. In a bowl d settles, and they stay what they are.
    """
    if "first_distance" not in rule.defaults():
        return noise
    state, grads = rule.init(x, **hyper), []
    for t, row in enumerate(noise, 1):
        grads.append(x + 0.1 * row)
        x, state = rule.step(x, grads[-1], state, t, **hyper)
    return np.array(grads)


@pytest.mark.node
@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_javascript_equals_numpy_over_a_thousand_steps(tmp_path):
    rng = np.random.default_rng(6)
    x0 = rng.standard_normal(5)
    noise = rng.standard_normal((1000, 5))
    runs = {
        name: [(hyper, gradients(rule, hyper, x0, noise)) for hyper in ({}, all_on(rule))]
        for name, rule in RULES.items()
    }
    case = {
        name: {
            "x0": x0.tolist(),
            "runs": [
                {
                    "hyper": hyper,
                    "state": {k: np.asarray(v).tolist() for k, v in rule.init(x0, **hyper).items()},
                    "grads": grads.tolist(),
                }
                for hyper, grads in runs[name]
            ],
        }
        for name, rule in RULES.items()
    }
    functions = "\n".join(rule.source("javascript") for rule in RULES.values())
    program = (
        f"{functions}\nconst RULES = {{{', '.join(RULES)}}};\n"
        f"const CASE = {json.dumps(case)};\n{HARNESS}"
    )
    path = tmp_path / "rules.mjs"
    path.write_text(program)
    output = subprocess.run([NODE, path], capture_output=True, text=True, check=True).stdout
    results = json.loads(output)
    for name, rule in RULES.items():
        for (hyper, grads), actual in zip(runs[name], results[name], strict=True):
            expected, _ = trajectory(rule, list(grads), x0, hyper)
            tolerance = 1e-9 if name in CANCELS else 1e-12
            scale = np.max(np.abs(expected))
            np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * scale)


# -- CUDA C --------------------------------------------------------------------------------------


def all_forms():
    for rule in RULES.values():
        yield rule
        if optional(rule):
            off = specialized(rule, frozenset(optional(rule)))
            yield off.rewrite(f"{rule.name}_off")


@pytest.mark.skipif(forms.COMPILER is None, reason="there is no C++ compiler")
def test_cuda_body_computes_what_the_pure_function_does(tmp_path):
    rng = np.random.default_rng(7)
    cases = [
        forms.Case(rule, rng.standard_normal(2), rng.standard_normal((7, 2)), all_on(rule))
        for rule in RULES.values()
    ]
    for case, actual in zip(cases, forms.compiled(cases, tmp_path), strict=True):
        np.testing.assert_allclose(actual, forms.pure(case), rtol=1e-9)


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="there is no CUDA compiler")
def test_cuda_body_compiles_for_the_gpu(tmp_path):
    rules = list(all_forms())
    path = tmp_path / "rules.cu"
    launches = []
    for rule in rules:
        program = lower(rule)
        inputs, outputs = cupy_kernel.parameters(program)
        count = inputs.count("T ")
        names = [p.split()[-1] for p in outputs.split(",")]
        for kind in ("float", "double"):
            declare = " ".join(f"{kind} {n} = 1;" for n in names)
            arguments = ", ".join([*["1"] * count, *names])
            launches.append(f"{{ {declare} {rule.name}<{kind}>({arguments}); out[0] = x; }}")
    path.write_text(
        "#define DEVICE __device__\n"
        + "".join(forms.cuda_function(rule, rule.name) for rule in rules)
        + "__global__ void all(double* out) {\n"
        + "\n".join(launches)
        + "\n}\n"
    )
    subprocess.run(["nvcc", "--ptx", "-o", tmp_path / "rules.ptx", path], check=True)


@pytest.mark.gpu
def test_cupy_kernel_equals_pure_function(rule):
    if not optedu.backend.gpu_available():
        pytest.skip("there is no GPU, or no CuPy")
    gpu = optedu.device("gpu")
    rng = np.random.default_rng(8)
    for dtype in (np.float64, np.float32):
        x = rng.standard_normal(1000).astype(dtype)
        grads = [rng.standard_normal(1000).astype(dtype) for _ in range(10)]
        expected, _ = trajectory(rule, grads, x, {})
        actual = gpu.asarray(x)
        state = rule.init(actual)
        step = rule.kernel("cupy").bind(actual, state)
        for t, g in enumerate(grads, 1):
            step(gpu.asarray(g), t)
        assert_close(to_numpy(actual), expected, rule, dtype)
