import pytest
import sympy as sp

from optedu.derive import Domain, check
from optedu.symbols import admits, beta1, beta2
from optedu.symbols import t as step

x, y = sp.symbols("x y", real=True)
p, q = sp.symbols("p q", positive=True)
t = sp.Symbol("t", integer=True, positive=True)
i, n = sp.symbols("i n", integer=True, positive=True)
k = sp.Symbol("k", integer=True)
lr, L = sp.symbols("eta L", positive=True)
g = sp.IndexedBase("g")


def test_identity_is_proved_not_only_sampled():
    verdict = check(sp.Eq(sp.sin(x) ** 2 + sp.cos(x) ** 2, 1))
    assert verdict.proved and verdict.points == 12


@pytest.mark.parametrize(
    "claim",
    [
        sp.Eq((x + y) ** 2, x**2 + y**2),
        sp.Eq(sp.sqrt(p + q), sp.sqrt(p) + sp.sqrt(q)),
        x**2 >= x,
        sp.Eq(x, x + sp.Rational(1, 10**12), evaluate=False),
        sp.Lt(x, x, evaluate=False),
        sp.Ne(x, x, evaluate=False),
    ],
    ids=str,
)
def test_false_claims_come_with_a_counterexample_that_refutes_them(claim):
    verdict = check(claim, points=40)
    assert not verdict.holds and not verdict.proved
    point = {k: v for k, v in verdict.counterexample.items()}
    values = claim.lhs.subs(point), claim.rhs.subs(point)
    assert claim.func(*values) == sp.false


def test_a_claim_that_holds_only_inside_its_domain():
    claim = x**2 <= x
    assert not check(claim).holds
    assert check(claim, Domain({x: (0, 1)})).holds
    assert check(claim, Domain(conditions=(x > 0, x < 1))).holds


def test_a_condition_on_two_symbols_restricts_the_points():
    claim = sp.Abs(1 - p * q) < 1
    assert not check(claim).holds
    assert check(claim, Domain(conditions=(p * q < 2,))).holds


def test_an_empty_domain_checks_nothing():
    verdict = check(x <= sp.exp(x**3), Domain(conditions=(x > 1, x < 0)))
    assert verdict.points == 0 and not verdict.holds


def test_points_without_a_finite_value_do_not_count():
    assert check(sp.Eq(sp.log(-p) - sp.log(-p), sp.zoo, evaluate=False)).points == 0


def test_a_certificate_proves_and_a_wrong_one_does_not():
    claim = 4 * p * q <= (p + q) ** 2
    assert check(claim, certificate=(p - q) ** 2).proved
    assert not check(claim, certificate=(p + q) ** 2).proved
    # It equals the difference, but SymPy does not see its sign.
    assert not check(claim, certificate=sp.expand((p - q) ** 2)).proved


def test_sums_over_an_indexed_quantity():
    total = sp.Sum(p ** (t - i) * g[i], (i, 1, t))
    nxt = sp.Sum(p ** (t + 1 - i) * g[i], (i, 1, t + 1))
    assert check(sp.Eq(p * total + g[t + 1], nxt)).proved
    wrong = check(sp.Eq(total + g[t + 1], nxt))
    assert not wrong.holds
    assert any(isinstance(k, sp.Indexed) for k in wrong.counterexample)


def test_sums_are_equal_whatever_their_index_is_called():
    assert check(sp.Eq(sp.Sum(g[i], (i, 1, t)), sp.Sum(g[n], (n, 1, t)))).proved


def test_an_unknown_function_gets_one_value_for_each_argument():
    f = sp.Function("f")
    assert check(sp.Eq(f(x) + f(y), f(y) + f(x), evaluate=False)).holds
    assert not check(sp.Eq(f(x), f(y))).holds


def test_wrong_type():
    with pytest.raises(TypeError, match="claim must be an equation or inequality, got x"):
        check(x)


@pytest.mark.parametrize(
    "claim",
    [
        x**2 > 0,
        (x - y) ** 2 > 0,
        (x + y) ** 2 > 0,
        sp.Ne(x * y, 1),
        sp.Eq(sp.sign(x) ** 2, 1),
        x >= 1 / x,
        p >= 1 / p,
        x < 10**6,
        1 / p < 10**6,
        sp.sqrt(p) < 100,
        sp.log(p) > -50,
        sp.exp(p) < 10**6,
        sp.exp(-p) > sp.Rational(1, 10**12),
        sp.sqrt(p**2 + 1) - p > sp.Rational(1, 10**6),
        sp.sin(x) < 1,
        sp.cos(x) < 1,
        (3 * x - 1) ** 2 > 0,
        (x**2 - 2) ** 2 > 0,
        x**2 - sp.Rational(2002, 1000) * x + 1 >= 0,
        sp.Abs(x - 7) > 0,
        sp.Abs(2 * x - 7) > 0,
        sp.Abs(x - sp.sqrt(2)) > 0,
        (x - 7) ** 2 * sp.exp(x) > 0,
        sp.Ne(sp.Mod(n, 57), 0),
        sp.Ne(n, 1234),
        sp.Abs(x - y) + sp.Abs(x - 2 * y - 1) > 0,
        1 / (1 - beta2) < 10**6,
        2**n > n**2,
        sp.Abs(sp.sin(x)) < sp.Abs(x),
        sp.Lt(1 - beta2, 1),
        sp.Gt(sp.Sum(beta2 ** (step - i), (i, 1, step)), 1),
        sp.Sum(g[i] ** 2, (i, 1, n)) > 0,
        sp.Abs(sp.Function("f")(x)) < 10**6,
        2**n < 100,
        n**2 > n,
        n <= 1000,
        n**n < 10**9,
        sp.factorial(n) < 1000,
        sp.Abs(k) < 10**6,
        sp.Ne(k, 0),
        sp.Ne(n, 5),
        sp.Eq(sp.floor(n / 7), 0),
        sp.Eq(sp.prod(n - j for j in range(1, 7)), 0),
        sp.Gt(sp.Symbol("minus", negative=True) ** 3, -100),
        sp.Ge(sp.Symbol("even", even=True, positive=True), 3),
    ],
    ids=str,
)
def test_a_claim_that_fails_at_few_points_or_far_away_is_refuted(claim):
    verdict = check(claim)
    assert not verdict.holds and not verdict.proved
    point = verdict.counterexample
    sides = [side.subs(point).doit().subs(point) for side in (claim.lhs, claim.rhs)]
    assert claim.func(*sides) == sp.false
    # The counterexample is one: it lies where the claim is made.
    assert all(admits(s, v) for s, v in point.items() if isinstance(s, sp.Symbol))


@pytest.mark.parametrize(
    "claim",
    [
        sp.exp(-x) > 0,
        sp.exp(x) >= 1 + x,
        sp.Lt(x, x + 1, evaluate=False),
        sp.sqrt(p**2 + 1) > p,
        sp.Gt(1 + sp.exp(-p), 1, evaluate=False),
        sp.tanh(x) < 1,
        sp.log(p) <= p - 1,
        (1 + 1 / n) ** n < 3,
        2**n > n,
        2 ** (2**n) >= 4,
        sp.factorial(n) >= n,
        sp.Ge(1 - beta1**step, 1 - beta1),
        x**2 + y**2 >= 2 * x * y,
        sp.Ge(sp.Sum(g[i] ** 2, (i, 1, n)), 0),
        sp.Eq(sp.sqrt((x + 1) ** 2), sp.Abs(x + 1), evaluate=False),
        sp.Lt(sp.Symbol("minus", negative=True), 0, evaluate=False),
    ],
    ids=str,
)
def test_a_true_claim_survives_zero_the_ends_and_numbers_of_a_hundred_digits(claim):
    verdict = check(claim)
    assert verdict.holds, verdict


def test_equality_at_the_edge_of_a_condition_is_tried():
    claim = sp.Abs(1 - lr * L) < 1
    assert check(claim, Domain(conditions=(lr * L < 2,))).holds
    edge = check(claim, Domain(conditions=(lr * L <= 2,)))
    assert edge.counterexample[lr] * edge.counterexample[L] == 2


def test_an_interval_is_open_and_its_ends_are_approached():
    assert check(x * (1 - x) > 0, Domain({x: (0, 1)})).holds
    assert not check(x * (1 - x) > sp.Rational(1, 10**6), Domain({x: (0, 1)})).holds
    assert check(x > 2, Domain({x: (2, sp.oo)})).holds


def test_equal_points_count_once():
    claim = sp.Ge(sp.gamma(n + 1), n)
    assert check(claim, Domain({n: (1, 3)}), points=50).points == 3


def test_a_claim_about_an_integral_is_tried_at_few_points_but_at_zero_and_far_out_too():
    s = sp.Symbol("s", real=True)
    area = sp.Integral(s**2, (s, 0, x))
    assert check(sp.Ge(area * x, 0, evaluate=False), points=6).points <= 12
    assert not check(sp.Gt(area * x, 0, evaluate=False)).holds
