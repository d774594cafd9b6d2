"""Every known mistake, in every rule, written as a student's function: the check has to find it."""

import numpy as np
import pytest

from optedu import rules, written
from optedu.exercise import CheckFailed, diagnosis, misconceptions
from optedu.exercise.checking import check, invoke
from optedu.exercise.scenarios import shape_of


def asked(name):
    rule = rules.get(name)
    off = {h.name: 0 for h in rule.hypers if h.default == 0}
    return rule.at(**off) if off else rule


def as_student(mistake):
    def function(xp, x, g, state, t, **hyper):
        return mistake.step(x, g, state, t, **hyper)

    return function


CASES = [(name, m) for name in rules.all() for m in misconceptions.of(asked(name))]


@pytest.mark.parametrize(("name", "mistake"), CASES, ids=[f"{n}-{m.name}" for n, m in CASES])
def test_each_mistake_is_found_and_named(name, mistake):
    written.register(name, as_student(mistake))
    with pytest.raises(CheckFailed) as failure:
        check(name)
    found = failure.value.misconceptions
    assert found, str(failure.value)
    assert "match this known mistake" in str(failure.value)
    # Another name for the same numbers will do (a sum for a mean with its weight left out).
    if mistake.name not in found:
        other = {m.name: m for m in misconceptions.of(asked(name))}[found[0]]
        assert _agree(name, mistake, other, failure.value.quantity)


def _agree(name, one, other, quantity):
    rule = asked(name)
    rng = np.random.default_rng(3)
    x = rng.normal(size=shape_of(rule))
    hyper = {h.name: h.lower + (0.23 if h.upper <= 1 else 0.19) for h in rule.hypers}
    state = rule.init(x, **hyper)
    for t in range(1, 5):
        g = rng.normal(size=x.shape)
        results = []
        for mistake in (one, other):
            x_new, state_new = mistake.step(x, g, state, t, **hyper)
            results.append({**state_new, "x": x_new}[quantity])
        if np.all(np.isfinite(results[0])) and not np.allclose(*results, rtol=1e-6):
            return False
        x, state = rule.step(x, g, state, t, **hyper)
    return True


@pytest.mark.parametrize("name", rules.all())
def test_every_rule_has_known_mistakes(name):
    assert len(misconceptions.of(asked(name))) >= 6


@pytest.mark.parametrize(
    ("name", "mistake", "sentence"),
    [
        ("nesterov", "no-look-ahead:b", "or looks ahead with the b from before this step"),
        ("muon", "shape-transposed", "rows and columns are exchanged"),
        ("muon", "not-orthogonalized", "along the matrix as it is"),
        ("shampoo", "inverse-of-half-the-root", "twice as high a root"),
        ("shampoo", "one-sided:right", "on the right of the gradient is missing"),
        ("adafactor", "mean-of-each-row", "you take the mean of each row"),
        ("lars", "wrong-sign", "goes up the gradient"),
        ("dog", "no-maximum:distance", "without the maximum"),
    ],
)
def test_a_mistake_in_a_matrix_or_a_norm_is_named(name, mistake, sentence):
    known = {m.name: m for m in misconceptions.of(asked(name))}
    written.register(name, as_student(known[mistake]))
    with pytest.raises(CheckFailed) as failure:
        check(name)
    assert failure.value.misconceptions == (mistake,)
    assert sentence in " ".join(str(failure.value).split())


def test_signs_that_agree_by_chance_name_no_mistake():
    def lion(xp, x, g, state, t, *, lr=1e-4, beta1=0.9, beta2=0.99):
        mixed = beta1 * state["m"] + (1 - beta2) * g  # no known mistake, and often the same sign
        return x - lr * xp.sign(mixed), {"m": beta2 * state["m"] + (1 - beta2) * g}

    written.register("lion", lion)
    with pytest.raises(CheckFailed) as failure:
        check("lion")
    assert failure.value.misconceptions == ()


@pytest.mark.parametrize("name", rules.all())
def test_the_rule_itself_evaluates_to_its_step(name):
    rule = asked(name)
    form = misconceptions.Form.of(rule)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 3))
    state = rule.init(x)
    for t in range(1, 8):
        g = rng.normal(size=(2, 3))
        mine, my_state = form.step(x, g, state, t)
        x, state = rule.step(x, g, state, t)
        np.testing.assert_allclose(mine, x, rtol=1e-13)
        for key in state:
            np.testing.assert_allclose(my_state[key], state[key], rtol=1e-13)


def test_weight_decay_mistakes_are_found_where_it_is_asked_for():
    rule = rules.get("adamw")
    mistakes = {m.name: m for m in misconceptions.of(rule)}
    for wanted in ("decay-sign", "no-weight-decay", "l2-not-decoupled", "decay-without-lr"):
        written.register("adamw", as_student(mistakes[wanted]))
        with pytest.raises(CheckFailed) as failure:
            check("adamw", "many steps")
        assert failure.value.misconceptions == (wanted,)
    coupled = rules.get("adam")
    mistake = {m.name: m for m in misconceptions.of(coupled)}["decoupled-not-l2"]
    written.register("adam", as_student(mistake))
    with pytest.raises(CheckFailed, match=r"an L2 penalty, added to\s+the gradient"):
        check("adam", optional=["weight_decay"])


def test_names_are_unique_and_sentences_fit_the_message():
    for name in rules.all():
        found = misconceptions.of(asked(name))
        assert len({m.name for m in found}) == len(found)
        for mistake in found:
            assert mistake.sentence[0].islower() or mistake.sentence.startswith(("t ", "this"))
            assert not mistake.sentence.endswith(".")


# -- mistakes as students write them ---------------------------------------------------------------


def adam_like(*, m=None, v=None, m_hat=None, v_hat=None, denominator=None, ahead=None, move=None):
    """Adam with one of its lines written otherwise."""

    def adam(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        n = {**state, "xp": xp, "x": x, "g": g, "t": t, "lr": lr, "eps": eps}
        n |= {"m_old": state["m"], "v_old": state["v"], "beta1": beta1, "beta2": beta2}
        for name, line, right in (
            ("m", m, "beta1 * m_old + (1 - beta1) * g"),
            ("v", v, "beta2 * v_old + (1 - beta2) * g**2"),
            ("m_hat", m_hat, "m / (1 - beta1**t)"),
            ("v_hat", v_hat, "v / (1 - beta2**t)"),
            ("ahead", ahead, "m_hat"),
            ("denominator", denominator, "xp.sqrt(v_hat) + eps"),
            ("new", move, "x - lr * ahead / denominator"),
        ):
            n[name] = eval(line or right, {}, n)
        return n["new"], {"m": n["m"], "v": n["v"]}

    return adam


def adopt_like(*, divisor="v_old", floor="xp.where(root > eps, root, eps + 0 * root)", skip=True):
    def adopt(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.9999, eps=1e-6):
        if t == 1 and skip:
            return x, {"m": state["m"], "v": g * g}
        v = beta2 * state["v"] + (1 - beta2) * g * g
        n = {"xp": xp, "eps": eps, "root": xp.sqrt({"v_old": state["v"], "v": v}[divisor])}
        m = beta1 * state["m"] + (1 - beta1) * g / eval(floor, n)
        return x - lr * m, {"m": m, "v": v}

    return adopt


def lion_like(*, sign="c", m="beta2 * m_old + (1 - beta2) * g", new="x - lr * xp.sign(u)"):
    def lion(xp, x, g, state, t, *, lr=1e-4, beta1=0.9, beta2=0.99, weight_decay=0.0):
        n = {"xp": xp, "x": x, "g": g, "lr": lr, "beta1": beta1, "beta2": beta2, "wd": weight_decay}
        n["m_old"] = state["m"]
        n["c"] = beta1 * state["m"] + (1 - beta1) * g
        n["m"] = eval(m, {}, n)
        n["u"] = n[sign]
        return eval(new, {}, n), {"m": n["m"]}

    return lion


def adamw_like(new):
    def adamw(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
        m = beta1 * state["m"] + (1 - beta1) * g
        v = beta2 * state["v"] + (1 - beta2) * g**2
        u = m / (1 - beta1**t) / (xp.sqrt(v / (1 - beta2**t)) + eps)
        wd = weight_decay
        return eval(new, {}, {"x": x, "u": u, "lr": lr, "wd": wd}), {"m": m, "v": v}

    return adamw


def rmsprop_like(v):
    def rmsprop(xp, x, g, state, t, *, lr=1e-2, beta2=0.99, eps=1e-8):
        n = {"v": state["v"], "g": g, "beta2": beta2, "xp": xp}
        new = eval(v, {}, n)
        return x - lr * g / (xp.sqrt(new) + eps), {"v": new}

    return rmsprop


def momentum_like(b, new):
    def momentum(xp, x, g, state, t, *, lr=1e-3, momentum=0.9):
        n = {"x": x, "g": g, "lr": lr, "momentum": momentum, "b": state["b"]}
        n["b"] = eval(b, {}, n)
        return eval(new, {}, n), {"b": n["b"]}

    return momentum


AS_WRITTEN = [
    ("adopt", adopt_like(divisor="v"), "divides-by-new:v", "which has seen this gradient"),
    ("adopt", adopt_like(floor="root + eps"), "eps-sum", "here it is the larger of the two"),
    ("adopt", adopt_like(skip=False), "first-step-taken", "it may only fill v"),
    ("lion", lion_like(sign="m"), "sign-of-new:m", "takes the sign of the new m"),
    ("lion", lion_like(new="x - lr * xp.sign(beta1 * m + (1 - beta1) * g)"), "sign-mixes-new:m",
     "mixes the gradient with the new m"),
    ("adamw", adamw_like("(x - lr * u) * (1 - lr * wd)"), "decays-new-x",
     "acts on the x that the step has already moved"),
    ("rmsprop", rmsprop_like("v + beta2 * v + (1 - beta2) * g**2"), "added-to-old:v",
     "+= where = belongs"),
    ("rmsprop", rmsprop_like("v + (1 - beta2) * g**2"), "no-decay:v", "old v is not multiplied"),
    ("rmsprop", rmsprop_like("v + g**2"), "accumulates:v", "as AdaGrad does"),
    ("rmsprop", rmsprop_like("beta2 * v + (1 - beta2) * g*2"), "doubled:v", "g*2, twice"),
    ("rmsprop", rmsprop_like("beta2 * v + (1 - beta2) * xp.sum(g**2)"), "sum-over-elements:v",
     "the sum of g**2 over all elements"),
    ("adam", adam_like(v="beta2 * v_old + (1 - beta2) * xp.sum(g**2)"), "sum-over-elements:v",
     "here each element has its own"),
    ("adam", adam_like(v="beta2 * v_old + (1 - beta2) * xp.mean(g**2)"), "mean-over-elements:v",
     "the mean of g**2 over all elements"),
    ("adam", adam_like(v="beta2 * v_old + (1 - beta2) * (g - m)**2"), "centered-m:v",
     "(g - m)**2, as AdaBelief does"),
    ("adam", adam_like(v="beta2 * v_old + (1 - beta2) * (g - m_old)**2"), "centered-m_old:v",
     "(g - m)**2, as AdaBelief does"),
    ("adam", adam_like(v="beta2 * v_old + (1 - beta2) * (g - m / (1 - beta1**t))**2"),
     "centered-m_hat:v", "as AdaBelief does"),
    ("adam", adam_like(v="beta2 * v_old + (1 - beta2) * xp.sum(g)**2"), "square-of-sum:v",
     "squares the sum of g over all elements"),
    ("adam", adam_like(denominator="xp.sqrt(xp.sum(v_hat)) + eps + 0 * v"), "root-of-sum",
     "root of a sum over all elements"),
    ("adam", adam_like(m="beta1 * m_old - (1 - beta1) * g"), "negated:m", "subtracts the gradient"),
    ("lion", lion_like(new="x - lr * xp.sign(m_old)"), "sign-of-old:m", "the gradient is missing"),
    ("lion", lion_like(new="x - lr * xp.sign(g)"), "sign-of-g", "sign of the gradient alone"),
    ("momentum", momentum_like("momentum * b - lr * g", "x + b"), "velocity:b", "Keras' form"),
    ("momentum", momentum_like("momentum * b - g", "x + lr * b"), "negated:b", "subtracts"),
    ("momentum", momentum_like("b + momentum * b + g", "x - lr * b"), "added-to-old:b", "+="),
    ("adam", adam_like(v="v_old + g**2"), "accumulates:v", "adds up all squares"),
    ("adam", adam_like(v="v_old + beta2 * v_old + (1 - beta2) * g**2"), "added-to-old:v", "+="),
    ("adam", adam_like(m="m_old + beta1 * m_old + (1 - beta1) * g"), "added-to-old:m", "+="),
    ("adam", adam_like(v="beta2 * v_old + (1 - beta2) * g*2"), "doubled:v", "instead of g**2"),
    ("adam", adam_like(v="beta1 * v_old + (1 - beta1) * g**2"), "beta1-in:v",
     "second moment v uses beta1 where beta2 belongs"),
    ("adam", adam_like(m="beta2 * m_old + (1 - beta2) * g"), "beta2-in:m",
     "first moment m uses beta2 where beta1 belongs"),
    ("adam", adam_like(v="beta1 * v_old + (1 - beta1) * g**2", v_hat="v / (1 - beta1**t)"),
     "beta1-everywhere", "uses beta1 also where beta2 belongs"),
    ("adam", adam_like(v_hat="v / (1 - beta1**t)"), "correction-with-beta1", "both of your bias"),
    ("adam", adam_like(m_hat="m / (1 - beta2**t)"), "correction-with-beta2", "both of your bias"),
    ("adam", adam_like(m_hat="m / (1 - beta2**t)", v_hat="v / (1 - beta1**t)"),
     "corrections-swapped", "are exchanged"),
    ("adam", adam_like(ahead="beta1 * m_hat + (1 - beta1) * g / (1 - beta1**t)"), "look-ahead:m",
     "looks ahead along m, as NAdam does"),
    ("adam", adam_like(ahead="beta1 * m_hat + (1 - beta1) * g"), "look-ahead-plain:m", "looks"),
    ("adam", adam_like(ahead="beta1 * m / (1 - beta1**(t + 1)) + (1 - beta1) * g / (1 - beta1**t)"),
     "look-ahead-next:m", "looks ahead"),
    ("adam", adam_like(m_hat="m / 1 - beta1**t", v_hat="v / 1 - beta2**t"),
     "correction-parentheses", "write m / (1 - beta1**t)"),
    ("adam", adam_like(m_hat="m / 1 - beta1**t"), "correction-parentheses:beta1",
     "(1 - beta1**t)"),
    ("adam", adam_like(v_hat="v / 1 - beta2**t"), "correction-parentheses:beta2",
     "(1 - beta2**t)"),
    ("adam", adam_like(m_hat="m / (1 - beta1)**t", v_hat="v / (1 - beta2)**t"),
     "correction-power-of-difference", "(1 - beta)**t where 1 - beta**t belongs"),
    ("adam", adam_like(m_hat="m / (1 - beta1)**t"), "correction-power-of-difference:beta1",
     "(1 - beta1)**t where"),
    ("adam", adam_like(denominator="xp.maximum(xp.sqrt(v_hat), eps + 0 * v)"), "eps-maximum",
     "larger of the root and eps"),
    ("adam", adam_like(denominator="xp.sqrt(xp.maximum(v_hat, eps + 0 * v))"),
     "eps-maximum-inside", "sqrt(max(..., eps))"),
    ("adam", adam_like(denominator="xp.sqrt(v_hat)"), "no-eps", "eps is missing"),
    ("adam", adam_like(denominator="xp.sqrt(v_hat) + 1e-8"), "ignored:eps",
     "uses eps = 1e-08 whatever it is given"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "function", "mistake", "words"),
    AS_WRITTEN,
    ids=[f"{name}-{mistake}-{i}" for i, (name, _, mistake, _) in enumerate(AS_WRITTEN)],
)
def test_a_mistake_as_students_write_it_is_named_and_no_other_one(name, function, mistake, words):
    optional = ["weight_decay"] if name == "adamw" else []
    written.register(name, function)
    with pytest.raises(CheckFailed) as failure:
        check(name, optional=optional)
    assert failure.value.misconceptions == (mistake,), str(failure.value)
    assert words in " ".join(str(failure.value).split())


RIGHT = [
    ("adam", adam_like()),
    ("adam", adam_like(v="v_old + (1 - beta2) * (g**2 - v_old)")),
    ("adam", adam_like(m="m_old - (1 - beta1) * (m_old - g)")),
    ("adam", adam_like(denominator="xp.sqrt(v) / (1 - beta2**t)**0.5 + eps")),
    ("adam", adam_like(m_hat="m", move="x - lr / (1 - beta1**t) * m / denominator")),
    ("adopt", adopt_like()),
    ("lion", lion_like()),
    ("lion", lion_like(new="x - lr * (xp.sign(u) + wd * x)")),
    ("rmsprop", rmsprop_like("beta2 * v + (1 - beta2) * g * g")),
    ("adamw", adamw_like("(1 - lr * wd) * x - lr * u")),
    ("adamw", adamw_like("x - lr * (u + wd * x)")),
]


@pytest.mark.parametrize(("name", "function"), RIGHT)
def test_a_right_function_is_no_known_mistake(name, function):
    written.register(name, function)
    check(name, optional=["weight_decay"] if name == "adamw" else [])
    rule = rules.get(name) if name == "adamw" else asked(name)
    # Nor where something else, that is not compared there, is wrong.
    assert diagnosis.diagnose(function, rule, "x", invoke) == diagnosis.Diagnosis()


@pytest.mark.parametrize("name", rules.all(matrices=False))
def test_the_derived_rule_matches_none_of_its_mistakes(name):
    rule = asked(name)

    def right(xp, x, g, state, t, **hyper):
        return rule._pure(x, g, state, t, {**rule.defaults(), **hyper})

    for quantity in ("x", *(s.name for s in rule.states)):
        assert diagnosis.diagnose(right, rule, quantity, invoke) == diagnosis.Diagnosis()


def test_a_power_written_as_xor_is_explained():
    written.register("adam", adam_like(m_hat="m / (1 - beta1^t)"))
    with pytest.raises(CheckFailed, match=r"a power is \*\*, as in beta\*\*t"):
        check("adam")
    written.register("adam", adam_like(v="beta2 * v_old + (1 - beta2) * g^2"))
    with pytest.raises(CheckFailed, match=r"a power is \*\*"):
        check("adam")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"denominator": "xp.sqrt(v_hat) + 1e-7"}, "your step is the same whatever eps is"),
        ({"v": "0.99 * v_old + 0.01 * g**2"}, "your v is the same whatever beta2 is"),
        ({"m": "0.5 * m_old + 0.5 * g"}, "use the argument beta1, and no number in its place"),
    ],
)
def test_a_number_of_the_students_own_in_place_of_a_hyper_parameter_is_told(changed, words):
    written.register("adam", adam_like(**changed))
    with pytest.raises(CheckFailed) as failure:
        check("adam")
    assert words in " ".join(str(failure.value).split())


def test_a_factor_is_named_though_some_gradients_are_zero():
    written.register("adam", adam_like(move="x - 2 * lr * ahead / denominator"))
    with pytest.raises(CheckFailed, match="your step is 2 times the right one"):
        check("adam")
