import pytest
import sympy as sp

from optedu import rules
from optedu.derive import check, latex, use_notation
from optedu.symbols import beta1, eps, g, lr, t


def test_notation_of_the_course():
    assert latex(lr) == r"\eta"
    assert latex(1 - beta1**t) == r"1 - \beta_{1}^{t}"
    assert latex(sp.sqrt(t) + eps) == r"\epsilon + \sqrt{t}"


@pytest.mark.parametrize(
    ("expr", "shown"),
    [
        (-lr - t, r"- \eta - t"),
        (lr * (t - 1) - 2, r"\eta \left(t - 1\right) - 2"),
        (lr - (t - lr) * t, r"\eta - t \left(t - \eta\right)"),
        (g * lr, r"\eta g_{t}"),
        (-g * lr / 2, r"- \frac{\eta g_{t}}{2}"),
        (
            g * (1 - lr) ** 2 / (t * (t + 1)),
            r"\frac{g_{t} \left(1 - \eta\right)^{2}}{t \left(t + 1\right)}",
        ),
        (2 * sp.Integer(3) ** t, r"2 \cdot 3^{t}"),
        (sp.Sum(t, (t, 1, 5)) * (1 - lr), r"\left(1 - \eta\right) \sum_{t=1}^{5} t"),
    ],
)
def test_signs_and_brackets(expr, shown):
    assert latex(expr) == shown


def test_states_of_a_rule(monkeypatch):
    adam = rules.get("adam")
    assert latex(adam.symbols["m_old"]) == "m_{t-1}"
    assert latex(adam.symbols["v_hat"] ** 2) == r"\hat v_{t}^{2}"
    used = {}
    monkeypatch.setattr(sp, "init_printing", lambda **settings: used.update(settings))
    use_notation()
    assert used["latex_printer"](adam.symbols["v_hat"] * lr, mode="plain") == r"\eta \hat v_{t}"


def test_ranges_come_from_the_notation_table():
    # True for decay rates, below one; false for a number in general.
    assert check(beta1**2 <= beta1).holds
    assert not check(lr**2 <= lr).holds
