import pytest
import sympy as sp

from optedu.derive import Domain, check

x, y = sp.symbols("x y", real=True)
p, q = sp.symbols("p q", positive=True)
t = sp.Symbol("t", integer=True, positive=True)
i = sp.Symbol("i", integer=True, positive=True)
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
    k = sp.Symbol("k", integer=True, positive=True)
    assert check(sp.Eq(sp.Sum(g[i], (i, 1, t)), sp.Sum(g[k], (k, 1, t)))).proved


def test_an_unknown_function_gets_one_value_for_each_argument():
    f = sp.Function("f")
    assert check(sp.Eq(f(x) + f(y), f(y) + f(x), evaluate=False)).holds
    assert not check(sp.Eq(f(x), f(y))).holds


def test_wrong_type():
    with pytest.raises(TypeError, match="claim must be an equation or inequality, got x"):
        check(x)
