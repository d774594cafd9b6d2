"""The check of a student's function: what it accepts, and the words in which it refuses."""

import io
import json
import math
import multiprocessing
import sys
import warnings

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import optedu
from optedu import rules, written
from optedu.exercise import CheckFailed, Report, StudentError
from optedu.exercise.errors import advice, describe
from optedu.exercise.scenarios import PARTS


def adam(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * state["m"] + (1 - beta1) * g
    v = beta2 * state["v"] + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return x - lr * m_hat / (xp.sqrt(v_hat) + eps), {"m": m, "v": v}


def failing(function, name="adam", parts=None, **options):
    written.register(name, function)
    with pytest.raises(CheckFailed) as failure:
        optedu.check(name, parts, **options)
    return failure.value


def test_report_lists_every_part():
    written.register("adam", adam)
    report = optedu.check("adam")
    assert isinstance(report, Report)
    assert [line.partition(":")[0] for line in report.lines] == list(PARTS)
    assert str(report).startswith("adam: all right.")


@pytest.mark.parametrize("name", rules.all())
def test_the_derived_rule_passes_its_own_check(name):
    rule = rules.get(name)
    written.register(name, lambda xp, x, g, state, t, **h: rule._pure(x, g, state, t, full(h)))

    def full(hyper):
        return {**rule.defaults(), **hyper}

    optedu.check(name, PARTS)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_seed_accepts_the_right_function(seed):
    written.register("adam", adam)
    optedu.check("adam", seed=seed)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_seed_finds_a_misplaced_epsilon_in_many_steps(seed):
    def inside(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        m = beta1 * state["m"] + (1 - beta1) * g
        v = beta2 * state["v"] + (1 - beta2) * g**2
        return x - lr * m / (1 - beta1**t) / xp.sqrt(v / (1 - beta2**t) + eps), {"m": m, "v": v}

    failure = failing(inside, parts="many steps", seed=seed)
    assert failure.misconceptions == ("eps-inside",)


def test_two_mistakes_at_once_are_both_named():
    def twice(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        m = beta1 * state["m"] + (1 - beta1) * g
        v = beta2 * state["v"] + (1 - beta2) * g**2
        return x - lr * m / xp.sqrt(v + eps), {"m": m, "v": v}

    failure = failing(twice, parts="first step")
    assert failure.misconceptions == ("no-bias-correction", "eps-inside")


def test_a_constant_factor_and_a_wrong_default_are_named():
    text = failing(lambda xp, x, g, s, t, *, lr=1e-3: (x - lr * g / 2, {}), "sgd")
    assert "your step is 0.5 times the right one" in str(text)
    text = failing(lambda xp, x, g, s, t, *, lr=1e-2: (x - lr * g, {}), "sgd")
    assert "a default differs. They are lr=0.001" in " ".join(str(text).split())


def momentum_until(last):
    def momentum(xp, x, g, state, t, *, lr=1e-3, momentum=0.9):
        b = (momentum * state["b"] if t <= last else 0) + g
        return x - lr * b, {"b": b}

    return momentum


def adam_with(count):
    return lambda xp, x, g, state, t, **hyper: adam(xp, x, g, state, count(t), **hyper)


@pytest.mark.parametrize("last", [61, 62, 100, 256, 900])
@pytest.mark.parametrize("part", ["state", "many steps"])
def test_a_rule_that_breaks_late_is_found(last, part):
    failure = failing(momentum_until(last), "momentum", part)
    assert failure.quantity == "b"
    assert "At small t your function is right." in str(failure)
    if part == "many steps" and last <= 256:  # one by one up to there
        assert f"in         t = {last + 1}," in str(failure)


@pytest.mark.parametrize(
    "count",
    [
        lambda t: min(t, 64),
        lambda t: min(t, 256),
        lambda t: min(t, 999),
        lambda t: min(t, 10_000),
        lambda t: (t - 1) % 100 + 1,
        lambda t: t % 256 or 1,
        lambda t: 1 if t == 211 else t,
    ],
)
def test_a_step_count_that_is_cut_off_or_starts_again_is_found(count):
    failure = failing(adam_with(count))
    assert "What in it changes when t is large?" in str(failure)
    assert failure.part in ("many steps", "hyper-parameters")


def test_a_hard_coded_rate_is_left_to_its_own_part():
    def fixed(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        return adam(xp, x, g, state, t, lr=lr, eps=eps)

    written.register("adam", fixed)
    optedu.check("adam", ["state", "first step", "many steps", "schedule"])
    assert failing(fixed).part == "hyper-parameters"


def test_message_has_step_quantity_size_and_values():
    def late(xp, x, g, state, t, **hyper):
        new, state = adam(xp, x, g, state, t, **hyper)
        return new, {**state, "v": state["v"] * (1 + 1e-3 * (t == 7))}

    failure = failing(late, parts="many steps")
    assert (failure.part, failure.quantity, failure.step) == ("many steps", "v", 7)
    text = str(failure)
    assert text.startswith("adam: v is wrong at step 7 of 60, from the initial state.")
    for piece in (
        "expected   v = [",
        "got        v = [",
        "worst      v[",
        "off by",
        "as it should be: m",
    ):
        assert piece in text
    assert "t = 7, lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-08" in text


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda x, s: None, 'adam returned None. End it with: return x_new, {"m": m, "v": v}'),
        (lambda x, s: x, "adam returned a NumPy array; a pair is needed"),
        (lambda x, s: (x, s, 1), "adam returned a tuple of 3; a pair is needed"),
        (lambda x, s: (x, [1]), "the state that you return is a list; it has to be a dictionary"),
        (lambda x, s: (x, {"m": x}), "the state that you return lacks v; it has m"),
        (lambda x, s: (x, {}), "the state that you return lacks m and v; it is empty"),
        (lambda x, s: (list(x), s), "the x that you return is a list; it has to be an array"),
        (lambda x, s: (x[:1], s), "the x that you return has shape (1,); x and g have shape (5,)"),
        (lambda x, s: (x, {**s, "m": 0.0}), 'state["m"] is a float; it has to be an array'),
        (lambda x, s: (x.astype(int), s), "the x that you return has dtype int64"),
    ],
)
def test_a_wrong_form_of_the_result_is_named(result, message):
    failure = failing(lambda xp, x, g, state, t, **hyper: result(x, state), parts="many steps")
    assert message in " ".join(str(failure).split())


def test_nothing_registered():
    with pytest.raises(CheckFailed, match="this notebook has no function for it yet"):
        optedu.check("adam")


def test_blank_stub():
    def stub(xp, x, g, state, t, **hyper):
        raise NotImplementedError

    assert "adam is not written yet" in str(failing(stub))


def test_an_exception_is_quoted_with_its_line():
    def broken(xp, x, g, state, t, **hyper):
        return x - state["momentum"], state

    text = str(failing(broken))
    assert "adam raised KeyError: 'momentum'" in text
    assert 'return x - state["momentum"], state' in text
    assert "The state that comes in has the keys m and v." in text


def test_a_keyword_of_another_name():
    def renamed(xp, x, g, state, t, *, alpha=1e-3):
        return x - alpha * g, {}

    text = " ".join(str(failing(renamed, "sgd")).split())
    assert "unexpected keyword argument 'lr'" in text
    assert "The hyper-parameters are lr, in these names" in text


@pytest.mark.parametrize("what", ["x", "g", "m", "v"])
def test_writing_to_what_came_in_is_found(what):
    def writes(xp, x, g, state, t, **hyper):
        result = adam(xp, x, g, state, t, **hyper)
        {"x": x, "g": g, **state}[what][...] = 0.0
        return result

    failure = failing(writes)
    assert failure.part == "inputs"
    assert "changes an array in place that belongs to the caller" in " ".join(str(failure).split())


@pytest.mark.parametrize("change", [lambda s: s.update(m=0.0 + s["m"]), lambda s: s.pop("v")])
def test_writing_to_the_state_is_found(change):
    def writes(xp, x, g, state, t, **hyper):
        result = adam(xp, x, g, state, t, **hyper)
        change(state)
        return result

    failure = failing(writes)
    assert failure.part == "inputs"
    assert "writes into the caller's dictionary, state[" in str(failure)
    assert 'return x_new, {"m": m, "v": v}' in str(failure)


def test_float64_that_leaks_is_found_and_explained():
    def leaks(xp, x, g, state, t, *, lr=1e-3):
        return x - np.float64(lr) * g, {}

    failure = failing(leaks, "sgd")
    assert failure.part == "dtype"
    assert "has dtype float64 although x and g came in as float32" in str(failure)


def test_numpy_only_code_is_found_and_explained():
    pytest.importorskip("array_api_strict")

    def numpy_only(xp, x, g, state, t, *, lr=1e-3):
        return x - np.multiply(lr, g), {}

    failure = failing(numpy_only, "sgd")
    assert failure.part == "backend"
    assert "use the functions of xp, not those of np" in " ".join(str(failure).split())


def test_a_check_that_cannot_run_is_not_passed(monkeypatch):
    monkeypatch.setitem(sys.modules, "array_api_strict", None)  # as if it were not installed
    written.register("adam", adam)
    with pytest.raises(ImportError, match="pip install array-api-strict"):
        optedu.check("adam", "backend")
    monkeypatch.setattr(sys, "platform", "emscripten")  # there it cannot be installed
    assert optedu.check("adam", "backend").lines == ("backend: left out in the browser",)


def test_partial_points_the_state_can_be_right_while_x_is_not():
    def half(xp, x, g, state, t, **hyper):
        return x, adam(xp, x, g, state, t, **hyper)[1]

    written.register("adam", half)
    optedu.check("adam", "state")
    assert failing(half, parts="first step").quantity == "x"


def test_weight_decay_is_off_unless_asked_for():
    written.register("adam", adam)
    optedu.check("adam")
    assert "weight_decay" in str(failing(adam, optional=["weight_decay"]))


def test_a_warning_of_the_students_code_stays_silent():
    def warns(xp, x, g, state, t, *, lr=1e-3):
        warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
        np.zeros(1) / 0
        return x - lr * g, {}

    written.register("sgd", warns)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optedu.check("sgd")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("adm",), ValueError, "name must be one of .*did you mean 'adam'"),
        ((3,), TypeError, "name must be one of"),
        (("adam", "colour"), ValueError, "parts must be one of state, first step"),
        (("adam", None), None, ""),
    ],
)
def test_bad_arguments(arguments, error, message):
    written.register("adam", adam)
    if error is None:
        optedu.check(*arguments)
        return
    with pytest.raises(error, match=message):
        optedu.check(*arguments)


def test_bad_options():
    written.register("adam", adam)
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        optedu.check("adam", seed=-1)
    with pytest.raises(ValueError, match="optional must be one of lr"):
        optedu.check("adam", optional=["decay"])


def test_the_message_replaces_the_traceback_in_a_notebook():
    failure = CheckFailed("adam: x is wrong.\n    expected   [1]")
    assert failure._render_traceback_() == [
        "Check failed", "adam: x is wrong.", "    expected   [1]"
    ]  # fmt: skip


# -- a student's function in another process -------------------------------------------------


def _serve(connection):
    """Run functions for the other side: plain data in, plain data out."""
    while (message := connection.recv_bytes()) != b"stop":
        xp, hyper, t, arrays, scalars, read_only = _unpack(message)
        state = {k: v for k, v in arrays.items() if k not in ("x", "g")} | scalars
        for array in arrays.values():
            array.flags.writeable = not read_only
        try:
            x, state = adam(xp, arrays["x"], arrays["g"], state, t, **hyper)
            connection.send_bytes(_pack({"x": x, **state}, {}))
        except Exception as error:
            e = describe(error)
            connection.send_bytes(_pack({}, vars(e)))


def _pack(arrays, rest):
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(rest).encode(), dtype=np.uint8)
    np.savez(buffer, **{f"array_{k}": v for k, v in arrays.items()}, rest=text)
    return buffer.getvalue()


def _read(message):
    with np.load(io.BytesIO(message), allow_pickle=False) as data:
        rest = json.loads(data["rest"].tobytes())
        return {k[6:]: data[k] for k in data if k.startswith("array_")}, rest


def _unpack(message):
    arrays, rest = _read(message)
    return np, rest["hyper"], rest["t"], arrays, {}, rest["read_only"]


def test_check_works_on_a_proxy_to_another_process():
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,))
    process.start()

    def proxy(xp, x, g, state, t, **hyper):
        rest = {"hyper": hyper, "t": t, "read_only": not x.flags.writeable}
        here.send_bytes(_pack({"x": x, "g": g, **state}, rest))
        arrays, error = _read(here.recv_bytes())
        if error:
            raise StudentError(**error)
        return arrays.pop("x"), arrays

    written.set_provider({"adam": proxy}.get)
    try:
        optedu.check("adam", [p for p in PARTS if p != "backend"])
        with pytest.raises(CheckFailed, match="no function for it yet"):
            optedu.check("sgd")
        written.set_provider(lambda name: lambda xp, x, g, s, t, **h: proxy(xp, x, g, {}, t, **h))
        with pytest.raises(CheckFailed, match=r'KeyError: \'m\'[\s\S]*m = beta1 \* state\["m"\]'):
            optedu.check("adam")
    finally:
        here.send_bytes(b"stop")
        process.join(20)


def said(call):
    with pytest.raises(TypeError) as failure:
        call()
    return advice(type(failure.value).__name__, str(failure.value))


def test_errors_whose_own_words_help_few_come_with_advice():
    """By the words that the installed NumPy and SymPy really say."""
    beta, t = sp.symbols("beta t")
    assert "write sp.sqrt" in said(lambda: np.sqrt(beta))
    assert "write sp.exp" in said(lambda: np.exp(1 + beta**t))
    assert "write sp.atan" in said(lambda: np.arctan(beta))
    assert "for a SymPy expression write that of sp" in said(lambda: math.sqrt(beta))
    for call in (lambda: (1 - beta) ^ t, lambda: 0.9 ^ 3, lambda: np.ones(2) ^ 2):
        assert "a power is **" in said(call)
    assert said(lambda: 1 + "a") == "" and advice("KeyError", "for ^") == ""


FORM = ("dtype", "shapes", "inputs", "backend")


def test_what_is_about_the_form_passes_a_wrong_formula_of_the_right_form():
    def unsquared(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        m = beta1 * state["m"] + (1 - beta1) * g
        v = beta2 * state["v"] + (1 - beta2) * g  # and its root is NaN where it is negative
        return x - lr * m / (1 - beta1**t) / ((v / (1 - beta2**t)) ** 0.5 + eps), {"m": m, "v": v}

    assert failing(unsquared, parts="state").quantity == "v"
    for seed in range(5):
        assert len(optedu.check("adam", FORM, seed=seed).lines) == len(FORM)


@pytest.mark.parametrize("part", FORM)
def test_a_function_that_does_nothing_has_no_form(part):
    failure = failing(lambda xp, x, g, state, t, **hyper: (x, state), parts=part)
    assert failure.part == part
    assert "A step has to move it" in " ".join(str(failure).split())


@pytest.mark.parametrize(
    ("part", "size"),
    [
        ("shapes", lambda xp, g: xp.sum(g, axis=0)),  # of all elements in a vector, and of some
        ("dtype", lambda xp, g: g if g.dtype == xp.float64 else 2 * g),
        ("backend", lambda xp, g: g if xp is np else 2 * g),
    ],
)
def test_other_numbers_for_other_arrays_are_found(part, size):
    failure = failing(
        lambda xp, x, g, state, t, *, lr=1e-3: (x - lr * (g + size(xp, g)), {}), "sgd", part
    )
    assert failure.part == part
    assert "as for a plain vector of the same numbers" in " ".join(str(failure).split())


@pytest.mark.parametrize("name", ["Adam", " adam", "ADAM", "RMSprop-centered", "Rms Prop"])
def test_a_rule_in_another_spelling_is_refused(name):
    right = "adam" if "adam" in name.lower() else "rmsprop"
    with pytest.raises(ValueError, match=f'the rule is called "{right}'):
        optedu.implement(name)
    optedu.implement("adam_of_mine")  # no rule has a name like it
