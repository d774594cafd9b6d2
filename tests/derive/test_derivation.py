import pytest
import sympy as sp

from optedu.derive import Derivation, DerivationError

a, b = sp.symbols("a b", real=True)
lr, L = sp.symbols("eta L", positive=True)
n = sp.Symbol("n", integer=True, positive=True)


def test_a_chain_of_true_steps():
    d = Derivation("square", (a + b) ** 2)
    d.then(a**2 + 2 * a * b + b**2, "expand").then((a - b) ** 2 + 4 * a * b, "regroup")
    assert d.proved and len(d.steps) == 3


@pytest.mark.parametrize(
    ("start", "wrong"),
    [
        ((a + b) ** 2, a**2 + b**2),
        (a**2 + 2 * a * b, (a + b) ** 2 + b**2),  # the square completed with the wrong sign
        (sp.sqrt(a**2), a),
        (sp.diff(a**3, a), 3 * a),
    ],
    ids=str,
)
def test_a_false_step_raises_at_once_and_names_itself(start, wrong):
    d = Derivation("attempt", start)
    with pytest.raises(DerivationError) as caught:
        d.then(wrong, "a slip")
    message = str(caught.value)
    assert "attempt, step 1 ('a slip') does not hold" in message
    assert "a = " in message and "left = " in message and "right = " in message
    assert len(d.steps) == 1  # only the start: nothing false was recorded


def test_the_number_of_the_failing_step_counts_checked_steps():
    d = Derivation("attempt", a + a, assume=[a > 0]).then(2 * a, "add")
    with pytest.raises(DerivationError, match=r"step 2 \('halve'\)"):
        d.then(a, "halve")


def test_assumptions_decide():
    contraction = sp.Lt(sp.Abs(1 - lr * L), 1)
    assert Derivation("stable", assume=[lr * L < 2]).fact(contraction, "lr < 2/L").steps
    with pytest.raises(DerivationError):
        Derivation("stable").fact(contraction, "any lr")
    with pytest.raises(DerivationError):
        Derivation("stable", assume=[lr * L < sp.Rational(5, 2)]).fact(contraction, "too wide")


def test_given_equations_are_used_also_through_each_other():
    x0, x1, g = sp.symbols("x_0 x_1 g", real=True)
    d = Derivation("step", x1 - x0)
    d.given(sp.Eq(x1, x0 - lr * g), "gradient step").given(sp.Eq(g, 2 * x0), "f = x^2")
    assert d.then(-2 * lr * x0, "insert").proved
    with pytest.raises(DerivationError):
        d.then(2 * lr * x0, "wrong sign")


def test_given_inequality_restricts():
    d = Derivation("sign", a).given(a > 0, "a is positive")
    d.then(sp.Abs(a), "no change")
    with pytest.raises(DerivationError):
        Derivation("sign", a).then(sp.Abs(a), "no change")


def test_inequality_steps_in_both_directions():
    d = Derivation("chain", 2 * a * b)
    d.then(a**2 + b**2, "a square is nonnegative", relation="<=", certificate=(a - b) ** 2)
    assert d.proved
    with pytest.raises(DerivationError):
        d.then(2 * a * b + 1, "wrong way", relation="<")


def test_what_cannot_be_proved_is_said_to_be_sampled():
    d = Derivation("exp", sp.exp(a)).then(1 + a, "convexity", relation=">=")
    assert not d.proved
    points = d.steps[-1].points
    assert points > 50 and d.steps[-1].checked == f"checked at {points} points"
    bundle = d._repr_mimebundle_()
    for form in ("text/latex", "text/html"):
        assert f"checked at {points} points" in bundle[form]
        assert "proved" not in bundle[form]
    assert "proved" not in bundle["text/plain"] and "all hold" not in bundle["text/plain"]
    assert "checked at points only: 1" in bundle["text/plain"]


def test_a_proved_step_beside_a_sampled_one_keeps_its_word():
    d = Derivation("both", sp.exp(a)).then(1 + a, "convexity", relation=">=")
    d.then((1 + 2 * a + 1) / 2, "regroup")
    page = d._repr_html_()
    assert page.count("proved by SymPy") == 1 and page.count("checked at") == 1
    assert not d.proved


@pytest.mark.parametrize(
    ("claim", "match"), [(a**2 > 0, "at a = 0"), (2**n < 100, "at n = 7\n")], ids=str
)
def test_a_fact_that_fails_off_the_beaten_track_is_refuted(claim, match):
    with pytest.raises(DerivationError, match=match):
        Derivation("fact").fact(claim, "seems so")


def test_what_cannot_be_checked_raises():
    with pytest.raises(DerivationError, match="could not be checked"):
        Derivation("empty", a, assume=[a > 1, a < 0]).then(a**3 - 7, "nowhere")


def test_false_fact():
    with pytest.raises(DerivationError, match="SymPy evaluates it to False"):
        Derivation("fact").fact(sp.Integer(1) > 2, "no")
    assert Derivation("fact").fact(sp.Integer(2) > 1, "yes").proved


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: Derivation("d").then(a, "x"), ValueError, "needs a start"),
        (lambda: Derivation("d", a).then(a, "x", relation="~"), ValueError, "relation must be"),
        (lambda: Derivation("d").given(a, "x"), TypeError, "fact must be"),
        (lambda: Derivation("d").fact(a, "x"), TypeError, "claim must be"),
        (lambda: Derivation("d", assume=[a]), TypeError, "assume must be an equation"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_renderings_show_each_step_with_its_reason():
    d = Derivation("A < B & C", a**2 - b**2).then((a - b) * (a + b), "factor & check")
    page = d._repr_html_()
    assert "A &lt; B &amp; C" in page
    assert "factor &amp; check" in page and "proved by SymPy" in page
    assert page.count("mathjax_process") == 2
    # The line scrolls, not its pieces: they share a baseline.
    assert page.count("overflow-x:auto") == 2 and page.count("inline-block") == 3
    tex = d._repr_latex_()
    assert r"\text{factor \& check}" in tex and r"\begin{aligned}" in tex
    bundle = d._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/latex", "text/html"}
    assert "all hold" in bundle["text/plain"]
