import pytest
import sympy as sp

from optedu.derive import DerivationError, close_geometric, expectation, prove_by_induction, unroll

beta = sp.Symbol("beta", positive=True)
rho, s, mu, m0 = sp.symbols("rho s mu m_0", positive=True)
i, t = sp.symbols("i t", integer=True, positive=True)
g = sp.IndexedBase("g")


@pytest.mark.parametrize("initial", [0, m0])
@pytest.mark.parametrize("weight", [1, 1 - beta])
def test_closed_form_is_what_the_recurrence_gives(initial, weight):
    m = unroll(beta, weight, g, initial=initial)
    for n in range(5):
        assert sp.expand(m.closed_form.subs(m.t, n).doit() - m.after(n)) == 0
    assert prove_by_induction(m).proved


def test_second_moment():
    v = unroll(beta, 1 - beta, lambda i: g[i] ** 2, t=t, i=i)
    assert v.after(1) == (1 - beta) * g[1] ** 2
    assert prove_by_induction(v, name="v").proved


@pytest.mark.parametrize(
    "exponent", [t - 1 - i, t + 1 - i, i], ids=["one too few", "one too many", "order reversed"]
)
def test_false_closed_forms_fail_in_the_induction(exponent):
    m = unroll(beta, 1 - beta, g, t=t, i=i)
    claim = (1 - beta) * sp.Sum(beta**exponent * g[i], (i, 1, t))
    with pytest.raises(DerivationError, match="induction step"):
        prove_by_induction(m, claim)


def test_a_claim_that_passes_the_step_but_not_the_base():
    m = unroll(beta, 1 - beta, g, t=t, i=i)
    with pytest.raises(DerivationError, match="base case"):
        prove_by_induction(m, m.closed_form + 5 * beta**t)


def test_stationary_expectation_is_exact():
    v = unroll(beta, 1 - beta, lambda i: g[i] ** 2, t=t, i=i)
    assert sp.simplify(expectation(v.closed_form, g, second=s) - s * (1 - beta**t)) == 0
    m = unroll(rho, 1, g, t=t, i=i)
    closed = expectation(m.closed_form, g, mean=mu)
    assert sp.simplify(closed - mu * (1 - rho**t) / (1 - rho)) == 0


def test_expectation_agrees_with_the_finite_sum_for_changing_moments():
    v = unroll(beta, 1 - beta, lambda i: g[i] ** 2, t=t, i=i)
    result = expectation(v.closed_form, g, second=lambda i: s + mu * i)
    by_hand = sum((1 - beta) * beta ** (4 - n) * (s + mu * n) for n in range(1, 5))
    assert sp.expand(result.subs(t, 4).doit() - by_hand) == 0


def test_mean_and_second_moment_are_kept_apart():
    value = expectation(3 * g[1] ** 2 - 2 * g[2] + 7, g, mean=mu, second=s)
    assert sp.expand(value - (3 * s - 2 * mu + 7)) == 0


@pytest.mark.parametrize(
    ("expr", "moments", "match"),
    [
        (g[1] * g[2], {"mean": mu}, r"linear in g\[i\] or g\[i\]\*\*2, got g\[1\]\*g\[2\]"),
        (g[1] ** 3, {"mean": mu, "second": s}, r"got g\[1\]\*\*3"),
        (sp.sqrt(g[1]), {"mean": mu}, "polynomial"),
        (g[1], {"second": s}, "mean must be given"),
        (g[1] ** 2, {"mean": mu}, "second must be given"),
    ],
)
def test_expectations_that_linearity_does_not_give_are_refused(expr, moments, match):
    with pytest.raises(ValueError, match=match):
        expectation(expr, g, **moments)


def test_geometric_sums():
    assert close_geometric(sp.Sum(beta ** (t - i), (i, 1, t))) == (1 - beta**t) / (1 - beta)
    assert sp.simplify(close_geometric(sp.Sum(i, (i, 1, t))) - t * (t + 1) / 2) == 0


def test_bad_input():
    with pytest.raises(ValueError, match="a must not depend on t, got t"):
        unroll(t, 1, g, t=t)
    with pytest.raises(TypeError, match="drive must be an IndexedBase or callable, got int"):
        unroll(beta, 1, 3)
    with pytest.raises(ValueError, match="steps must be at least 0, got -1"):
        unroll(beta, 1, g).after(-1)
