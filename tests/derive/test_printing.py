import ast
from pathlib import Path

import pytest
import sympy as sp

import optedu
from optedu import problems, rules
from optedu.derive import Derivation, check, latex, use_notation
from optedu.symbols import beta1, eps, g, lr, t

y, z = sp.symbols("y z", real=True)
B = sp.Symbol("beta", positive=True)


def test_notation_of_the_course():
    assert latex(lr) == r"\eta"
    assert latex(1 - beta1**t) == r"1 - \beta_{1}^{t}"
    assert latex(sp.sqrt(t) + eps) == r"\sqrt{t} + \epsilon"


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
            r"\frac{\left(1 - \eta\right)^{2} g_{t}}{t \left(t + 1\right)}",
        ),
        (2 * sp.Integer(3) ** t, r"2 \cdot 3^{t}"),
        (g * (1 - B), r"\left(1 - \beta\right) g_{t}"),
        (y * (1 - z), r"\left(1 - z\right) y"),  # a weight, and
        (y * (1 - y), r"y \left(1 - y\right)"),  # none
        (y * z * (z - 4) * (z - 2), r"y z \left(z - 2\right) \left(z - 4\right)"),
        (sp.sqrt(y) + eps, r"\sqrt{y} + \epsilon"),
        (y * B, r"\beta y"),
        (1 + lr * (t - 1), r"1 + \eta \left(t - 1\right)"),
        (t + 1, "t + 1"),
        (y**2 + y + 1, "y^{2} + y + 1"),
        (sp.Rational(96, 100) ** y / 2, r"\frac{\left(\frac{24}{25}\right)^{y}}{2}"),
        (sp.Rational("1e-7") * y, "10^{-7} y"),
        (sp.Rational(1, 3**20), r"\frac{1}{3486784401}"),  # no decimal is this number
        (
            sp.sign(y) + sp.sign(y - z) ** 2,
            r"\operatorname{sign}(y) + \operatorname{sign}^{2}\left(y - z\right)",
        ),
        (sp.Sum(t, (t, 1, 5)) * (1 - lr), r"\left(1 - \eta\right) \sum_{t=1}^{5} t"),
    ],
)
def test_signs_and_brackets(expr, shown):
    assert latex(expr) == shown


def test_a_short_fraction_fits_a_line_of_text():
    assert latex(2 / y, fold_short_frac=True) == "2 / y"
    assert latex(2 / (1 + y), fold_short_frac=True) == r"\frac{2}{1 + y}"


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


@pytest.mark.parametrize("rule", rules.all().values(), ids=lambda rule: rule.name)
def test_a_rule_and_a_derivation_print_the_same(rule):
    assert len(rule.equations) == len(rule.latex_equations())
    for equation, line in zip(rule.equations, rule.latex_equations(), strict=True):
        derivation = Derivation("rule").given(equation, "the rule")
        assert derivation.steps[-1].latex.replace("{}", "") == line
        assert latex(equation) == line
        assert f"= {latex(equation.rhs)}" in line


def test_problems_print_in_the_notation_too():
    shown = r"f(x, y) = \left(1 - x\right)^{2} + 100 \left(y - x^{2}\right)^{2}"
    assert problems.rosenbrock().latex() == shown


def test_the_package_has_one_latex_printer():
    package = Path(optedu.__file__).parent
    found = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any("LatexPrinter" in ast.unparse(base) for base in node.bases)
    ]
    assert found == ["latex.py"]
    direct = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "sympy.latex(" in path.read_text(encoding="utf-8")
        or "sp.latex(" in path.read_text(encoding="utf-8")
    ]
    assert direct == ["latex.py", "symbols.py"], "print by optedu.latex"
