"""Every known mistake, in every rule, written as a student's function: the check has to find it."""

import numpy as np
import pytest

from optedu import rules
from optedu.exercise import CheckFailed, misconceptions, registry
from optedu.exercise.checking import check


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
    registry.register(name, as_student(mistake))
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
    x = rng.normal(size=5)
    hyper = {h.name: 0.23 if h.upper <= 1 else 0.19 for h in rule.hypers}
    state = rule.init(x, **hyper)
    for t in range(1, 5):
        g = rng.normal(size=5)
        results = []
        for mistake in (one, other):
            x_new, state_new = mistake.step(x, g, state, t, **hyper)
            results.append({**state_new, "x": x_new}[quantity])
        if np.all(np.isfinite(results[0])) and not np.allclose(*results, rtol=1e-6):
            return False
        x, state = rule.step(x, g, state, t, **hyper)
    return True


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
        registry.register("adamw", as_student(mistakes[wanted]))
        with pytest.raises(CheckFailed) as failure:
            check("adamw", "many steps")
        assert failure.value.misconceptions == (wanted,)
    coupled = rules.get("adam")
    mistake = {m.name: m for m in misconceptions.of(coupled)}["decoupled-not-l2"]
    registry.register("adam", as_student(mistake))
    with pytest.raises(CheckFailed, match=r"an L2 penalty, added to\s+the gradient"):
        check("adam", optional=["weight_decay"])


def test_names_are_unique_and_sentences_fit_the_message():
    for name in rules.all():
        found = misconceptions.of(asked(name))
        assert len({m.name for m in found}) == len(found)
        for mistake in found:
            assert mistake.sentence[0].islower() or mistake.sentence.startswith(("t ", "this"))
            assert not mistake.sentence.endswith(".")
