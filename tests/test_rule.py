r"""`Rule`: its checks, and the ways to change one."""

import copy
import pickle

import numpy as np
import pytest
import sympy
from sympy import Eq

import optedu
from optedu import written
from optedu.quantities import Source, State, intermediate, x
from optedu.rule import Rule
from optedu.symbols import beta1, g, lr

RULES = optedu.rules.all()
X = np.linspace(-1, 1, 4)


def point(rule):
    r"""Parameters that the rule can step, four in a row."""
    return X[None, :].copy() if rule.matrices else X


@pytest.fixture(params=RULES.values(), ids=RULES)
def rule(request):
    return request.param


def make(**changes):
    m = State("m")
    arguments = {
        "name": "test",
        "title": "Test",
        "source_ref": Source("key", "eq. (1)"),
        "hypers": {lr: 0.1, beta1: 0.9},
        "states": (m,),
        "equations": (Eq(m.new, beta1 * m.old + g), Eq(x.new, x.old - lr * m.new)),
    }
    return Rule(**{**arguments, **changes})


class TestEveryRule:
    def test_states_its_source_and_conventions(self, rule):
        assert rule.source_ref.key
        assert rule.source_ref.where
        assert rule.summary.endswith(".")
        assert set(rule.notes) <= {"PyTorch", "Keras", "Optax"}

    def test_latex_has_every_symbol_and_no_code_name(self, rule):
        text = rule.latex()
        assert text.count("&=") == len(rule.equations)
        assert "_old" not in text
        assert "_new" not in text
        begins = [sympy.sympify(s.initial) for s in rule.states]
        assert r"\eta" in text or any(initial.has(lr) for initial in begins)
        assert rule._repr_latex_().startswith("$$")

    @pytest.mark.parametrize("form", ["array", "numpy", "cupy", "javascript"])
    def test_source_is_short_enough_to_read(self, rule, form):
        if rule.matrices and form == "javascript":
            with pytest.raises(ValueError, match=f"{rule.name}, got 'javascript'"):
                rule.source(form)
            return
        code = rule.source(form)
        assert rule.name in code or "def update" in code
        assert len(code.splitlines()) <= (75 if rule.sums else 45)
        if form != "javascript":
            compile(code, "<source>", "exec")

    @pytest.mark.parametrize("name", ["lr", "beta1", "beta2", "momentum", "eps", "weight_decay"])
    def test_ranges_are_checked(self, rule, name):
        if name not in rule.defaults():
            with pytest.raises(TypeError, match=f"no hyper-parameter '{name}'"):
                rule.check_hyper(**{name: 0.1})
            return
        X = point(rule)
        wrong = 1.0 if name in ("beta1", "beta2", "momentum") else -0.1
        state = rule.init(X)
        with pytest.raises(ValueError, match=rf"{name} must be .*, got {wrong}"):
            rule.step(X, X, state, 1, **{name: wrong})
        with pytest.raises(ValueError, match=rf"{name} must be .*, got nan"):
            rule.kernel("numpy")(X.copy(), X, state, 1, **{name: float("nan")})
        with pytest.raises(TypeError, match=rf"{name} must be a real number, got 'a'"):
            rule.init(X, **{name: "a"})
        with pytest.raises(ValueError, match=rf"every element of {name} must be .*, got {wrong}"):
            rule.step(X, X, state, 1, **{name: np.array([0.1, 0.1, wrong, 0.1])})

    def test_bad_arrays_are_named(self, rule):
        X = point(rule)
        state = rule.init(X)
        whole = np.ones(X.shape, int)
        kernel = rule.kernel("numpy")
        for step in (rule.step, kernel):
            with pytest.raises(TypeError, match=r"x must be a floating-point array, got dtype int"):
                step(whole, X, state, 1)
            with pytest.raises(TypeError, match=r"g must be a .*array"):
                step(X.copy(), [1.0], state, 1)
            with pytest.raises(TypeError, match="g must be a floating-point array, got dtype int"):
                step(X.copy(), whole, state, 1)
            with pytest.raises(ValueError, match=r"shape of x, \(.*4,?\), got \(.*3,?\)"):
                step(X.copy(), X[..., :3], state, 1)
            with pytest.raises(TypeError, match="dtype of x, float64, got float32"):
                step(X.copy(), X.astype(np.float32), state, 1)
            with pytest.raises(ValueError, match="t must be at least 1, got 0"):
                step(X.copy(), X, state, 0)
            with pytest.raises(TypeError, match=r"t must be an integer, got 1.5"):
                step(X.copy(), X, state, 1.5)
            with pytest.raises(ValueError, match="state must have the keys"):
                step(X.copy(), X, {**state, "spurious": X}, 1)
            with pytest.raises(TypeError, match="state must be a dictionary, got list"):
                step(X.copy(), X, [], 1)
        with pytest.raises(TypeError, match=r"x must be a floating-point array, got dtype int"):
            rule.init(whole)

    def test_a_walk_is_its_steps_to_the_last_bit(self, rule):
        x = point(rule)
        state = rule.init(x)
        gradients = np.random.default_rng(3).normal(size=(5, *x.shape))
        rates = [{"lr": 0.1 / n} for n in range(1, 6)]
        for hyper in (rates, rates[:1]):
            walked = list(rule.walk(x, gradients, state, first=3, hyper=hyper))
            stepped = x, state
            for n, (gradient, got) in enumerate(zip(gradients, walked, strict=True)):
                rate = hyper[n % len(hyper)]
                stepped = rule.step(stepped[0], gradient, stepped[1], 3 + n, **rate)
                assert np.array_equal(got[0], stepped[0])
                assert got[1].keys() == stepped[1].keys()
                assert all(np.array_equal(got[1][k], v) for k, v in stepped[1].items())
        assert list(rule.walk(x, gradients[:0], state)) == []

    def test_a_walk_refuses_what_a_step_refuses(self, rule):
        x = point(rule)
        state, gradients = rule.init(x), np.ones((4, *x.shape))
        for arguments, rest, error, said in [
            ((x, gradients, state), {"first": 0}, ValueError, "first must be at least 1, got 0"),
            ((x, [1.0], state), {}, TypeError, "gradients must be a floating-point array"),
            ((x, np.array(1.0), state), {}, ValueError, "gradients must have an axis of steps"),
            ((x, gradients[..., :-1], state), {}, ValueError, "shape of x"),
            ((x, gradients.astype("f4"), state), {}, TypeError, "dtype of x, float64"),
            ((x, gradients, []), {}, TypeError, "state must be a dictionary, got list"),
            ((x, gradients, state), {"hyper": [{}] * 3}, ValueError, "one item or 4, .* got 3"),
            ((x, gradients, state), {"hyper": [{"lr": "a"}]}, TypeError, "lr must be a real"),
            ((x, gradients, state), {"hyper": [{"rate": 1}]}, TypeError, "rate"),
        ]:
            with pytest.raises(error, match=said):
                list(rule.walk(*arguments, **rest))
        walk = rule.walk(x, gradients, state)
        next(walk)
        with written.student_code(), pytest.raises(written.GuardError):
            next(walk)

    def test_read_only_parameters(self, rule):
        fixed = point(rule).copy()
        fixed.flags.writeable = False
        with pytest.raises(ValueError, match="x must be writable"):
            rule.kernel("numpy").bind(fixed, rule.init(fixed))

    def test_refuses_while_a_student_is_checked(self, rule):
        X = point(rule)
        state = rule.init(X)
        with written.student_code():
            with pytest.raises(written.GuardError, match="your own is being checked"):
                rule.step(X, X, state, 1)
            with pytest.raises(written.GuardError, match="your own is being checked"):
                rule.kernel("numpy")(X.copy(), X, state, 1)
        rule.step(X, X, state, 1)


class TestWriting:
    def test_unknown_symbol(self):
        with pytest.raises(ValueError, match=r"uses \{z\} before it is defined"):
            make(equations=(Eq(x.new, x.old - sympy.Symbol("z")),), states=())

    def test_old_value_after_the_new_one(self):
        m = State("m")
        with pytest.raises(ValueError, match="after the new value was assigned"):
            make(equations=(Eq(m.new, beta1 * m.old + g), Eq(x.new, x.old - lr * m.old)))

    def test_missing_state(self):
        with pytest.raises(ValueError, match=r"no equation gives \{m_new\}"):
            make(equations=(Eq(x.new, x.old - lr * g),))

    def test_last_equation(self):
        m = State("m")
        with pytest.raises(ValueError, match="last equation must give x_new"):
            make(equations=(Eq(x.new, x.old - lr * g), Eq(m.new, m.old + g)))

    def test_default_out_of_range(self):
        with pytest.raises(ValueError, match=r"beta1 must be in \[0, 1\), got 1.5"):
            make(hypers={lr: 0.1, beta1: 1.5})

    def test_function_that_no_printer_knows(self):
        rule = make(equations=(Eq(x.new, x.old - lr * sympy.gamma(g)),), states=())
        with pytest.raises(TypeError, match="can't use gamma"):
            rule.step(X, X, {}, 1)
        with pytest.raises(TypeError, match="can't use gamma"):
            rule.kernel("numpy")(X.copy(), X, {}, 1)

    def test_an_overwritten_value_is_kept_for_later(self):
        r"""An intermediate of the old moment, used after the moment has changed."""
        m = State("m")
        before = intermediate("before", r"\bar m")
        rule = make(
            equations=(
                Eq(before, 2 * m.old),
                Eq(m.new, beta1 * m.old + g),
                Eq(x.new, x.old - lr * before),
            )
        )
        state = {"m": np.ones(4)}
        new, new_state = rule.step(X, X, state, 1)
        np.testing.assert_allclose(new, X - 0.2)
        fast = X.copy()
        rule.kernel("numpy")(fast, X, state, 1)
        np.testing.assert_allclose(fast, new)
        np.testing.assert_allclose(state["m"], new_state["m"])

    def test_one_name_for_two_symbols(self):
        one, two = intermediate("a", "a"), intermediate("a", "b")
        with pytest.raises(ValueError, match="'a' is the name of two symbols"):
            make(
                equations=(Eq(one, g), Eq(two, 2 * g), Eq(x.new, x.old - lr * (one + two))),
                states=(),
            )

    def test_at(self):
        adam = RULES["adam"].at(weight_decay=0)
        assert "weight_decay" not in adam.defaults()
        assert len(adam.equations) == len(RULES["adam"].equations) - 1
        with pytest.raises(TypeError, match="no hyper-parameter 'nothing'"):
            adam.at(nothing=1)

    def test_rewrite(self):
        adam = RULES["adam"]
        s = adam.symbols
        bare = adam.rewrite("bare", m_hat=s["m_new"], v_hat=s["v_new"])
        new, _ = bare.step(X, X, bare.init(X), 1)
        factor = (1 - 0.9) / np.sqrt(1 - 0.999)
        np.testing.assert_allclose(new, X - 1e-3 * factor * np.sign(X), rtol=1e-6)
        with pytest.raises(ValueError, match="name must be one of"):
            adam.rewrite("bare", nothing=s["m_new"])


def test_get():
    with pytest.raises(ValueError, match=r"got 'adm' \(did you mean 'adam'\?\)"):
        optedu.rules.get("adm")
    with pytest.raises(TypeError, match="optimizer must be one of"):
        optedu.rules.get(3)


def test_a_rule_is_found_by_being_there(tmp_path, monkeypatch):
    r"""A file in the package is all that it takes."""
    from optedu import rules
    from optedu.web import tables
    from optedu.web.figure import catalog

    (tmp_path / "signsgd.py").write_text(
        "from sympy import Eq, sign\n"
        "from optedu.quantities import Source, x\n"
        "from optedu.rule import Rule\n"
        "from optedu.symbols import g, lr\n"
        "SIGNSGD = Rule(name='signsgd', title='Sign SGD', source_ref=Source('key', 'eq. (1)'),\n"
        "    hypers={lr: 0.1}, states=(), equations=(Eq(x.new, x.old - lr * sign(g)),),\n"
        "    chapter='ch10_after_adam')\n"
    )
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(tmp_path)])
    rules._discover.cache_clear()
    try:
        found = rules.get("signsgd")
        assert r"x_{t} &= x_{t-1} - \eta \operatorname{sign}(g_{t})" in found.latex()
        assert "function signsgd(" in found.source("javascript")
        assert "signsgd" in catalog.rule_names()
        assert "Sign SGD" in tables.zoo()
        new, _ = found.step(X, X, {}, 1)
        np.testing.assert_allclose(new, X - 0.1 * np.sign(X))
    finally:
        monkeypatch.undo()
        rules._discover.cache_clear()


def test_kernel_form():
    with pytest.raises(ValueError, match="form must be one of numpy, numba, cupy, got 'c'"):
        RULES["adam"].kernel("c")
    if not optedu.backend.gpu_available():
        with pytest.raises(RuntimeError, match="no GPU can be used: CuPy"):
            RULES["adam"].kernel("cupy")


def test_the_latex_of_a_quantity_belongs_to_its_rule():
    r"""Names are free to choose: a rule of a reader may call its quantities as Adam does."""
    from optedu import derive

    adam = RULES["adam"]
    before = adam.latex()
    equation = sympy.latex(adam.expression("x"))
    m = State("m", r"\mathfrak{M}")
    hat, v_hat = intermediate("m_hat", r"\grave m"), intermediate("v_hat", r"\grave v")
    other = make(
        name="other",
        states=(m,),
        equations=(
            Eq(m.new, beta1 * m.old + g),
            Eq(hat, 2 * m.new),
            Eq(v_hat, g**2),
            Eq(x.new, x.old - lr * hat / v_hat),
        ),
    )
    assert other.latex_equations()[0] == r"\mathfrak{M}_{t} = \beta_{1} \mathfrak{M}_{t-1} + g_{t}"
    assert other.latex_equations()[3] == r"x_{t} = x_{t-1} - \frac{\eta \grave m}{\grave v}"
    assert adam.latex() == before
    assert sympy.latex(adam.expression("x")) == equation
    assert derive.latex(other.symbols["m_hat"]) == r"\grave m"
    assert derive.latex(adam.symbols["m_hat"]) == r"\hat m_{t}"
    assert derive.latex(adam.symbols["m_new"]) == "m_{t}"
    assert other.symbols["m_hat"] != adam.symbols["m_hat"]


@pytest.mark.parametrize("nonnegative", [False, True])
def test_a_quantity_is_a_symbol_and_stays_what_it_is(nonnegative):
    a = intermediate("a", r"\check a", nonnegative=nonnegative)
    same = intermediate("a", r"\check a", nonnegative=nonnegative)
    for again in (pickle.loads(pickle.dumps(a)), copy.deepcopy(a), same):
        assert again == a and hash(again) == hash(a)
        assert sympy.latex(again) == r"\check a"
        assert again.is_nonnegative is (True if nonnegative else None)
    assert sympy.diff(a**2, a) == 2 * a and (a + 1).subs(a, 2) == 3
    assert sympy.lambdify(a, a + 1)(1) == 2
    assert sympy.latex((a + 1) ** 2) == r"\left(\check a + 1\right)^{2}"
    # Sums stay in the order that they had with symbols: SymPy orders by class and name.
    b = sympy.Symbol("b", real=True)
    plain = sympy.Symbol("a", **a._assumptions_orig)
    for order in (lambda s: b + s, lambda s: b * (1 + s), lambda s: sympy.sqrt(s) * b + s**2):
        assert str(order(a)) == str(order(plain))
        assert list(map(str, order(a).args)) == list(map(str, order(plain).args))
