# ruff: noqa: E501
r"""Steps are typeset as their author wrote them, and never as anything else than what is checked."""

import importlib.util
import linecache

import nbformat
import pytest
import sympy as sp
from nbclient import NotebookClient

from optedu.derive import Derivation
from optedu.latex import latex
from optedu.symbols import L, beta2, eps, lr, t

a, b, c, d = sp.symbols("a b c d", positive=True)
x0, y = sp.symbols("x_0 y", real=True)
beta = sp.Symbol("beta", positive=True)
i = sp.Symbol("i", integer=True, positive=True)
s = sp.Symbol("s", real=True)
Q = sp.IndexedBase("Q")
f = sp.Function("f")
half = sp.Rational(1, 2)
gap, minus, one = b - a, -a, 1


def start(derivation):
    return derivation.steps[0].latex.replace("{}", "")


@pytest.mark.parametrize(
    ("derivation", "shown"),
    [
        # Sums: the author's terms, signs and brackets.
        (Derivation("d", b + a), "b + a"),
        (Derivation("d", x0 - lr * d), r"x_{0} - \eta d"),
        (Derivation("d", -d * lr + x0), r"- d \eta + x_{0}"),
        (Derivation("d", a - (b - lr * c)), r"a - \left(b - \eta c\right)"),
        (Derivation("d", a + (c - b)), r"a + \left(c - b\right)"),
        (Derivation("d", a + -b), "a - b"),
        (Derivation("d", a - (-b)), r"a - \left(- b\right)"),
        (Derivation("d", -(a + b) * c), r"- \left(a + b\right) c"),
        # Products.
        (Derivation("d", (1 - beta) * a), r"\left(1 - \beta\right) a"),
        (Derivation("d", a * (1 - beta)), r"a \left(1 - \beta\right)"),
        (Derivation("d", a * -b), r"a \left(- b\right)"),
        (Derivation("d", c * 2 * a), r"c \cdot 2 a"),
        (Derivation("d", (-lr) * d), r"- \eta d"),
        (Derivation("d", -minus * c), r"- \left(- a\right) c"),
        # Fractions.
        (Derivation("d", b * (a / c) / d), r"\frac{b \frac{a}{c}}{d}"),
        (Derivation("d", L / 2 * (b - a) ** 2), r"\frac{L}{2} \left(b - a\right)^{2}"),
        (Derivation("d", b / (2 * lr) - a / d), r"\frac{b}{2 \eta} - \frac{a}{d}"),
        (Derivation("d", 2 * (1 / sp.S(3)) * a), r"2 \cdot \frac{1}{3} a"),
        (Derivation("d", -b / c * a), r"- \frac{b}{c} a"),
        # Powers and roots.
        (Derivation("d", (b - a) ** (c + a)), r"\left(b - a\right)^{c + a}"),
        (Derivation("d", (b / a) ** 2), r"\left(\frac{b}{a}\right)^{2}"),
        (Derivation("d", (b**a) ** 2), r"\left(b^{a}\right)^{2}"),
        (Derivation("d", b**half + a**one), r"\sqrt{b} + a"),
        (Derivation("d", b**-1 + a), "b^{-1} + a"),
        (Derivation("d", half**2 - (y - half) ** 2), r"\left(\frac{1}{2}\right)^{2} - \left(y - \frac{1}{2}\right)^{2}"),
        # Functions.
        (Derivation("d", sp.sqrt(b + a) + eps), r"\sqrt{b + a} + \epsilon"),
        (Derivation("d", sp.log(1 + sp.exp(-y)) * b), r"\log{\left(1 + e^{- y} \right)} b"),
        (Derivation("d", f(x0 - lr * d) - abs(y - a)), r"f{\left(x_{0} - \eta d \right)} - \left|{y - a}\right|"),
        (Derivation("d", sp.Max(b, a - c)), r"\max\left(b, a - c\right)"),
        (Derivation("d", sp.log(y**2 + 1, 2) + b), r"\frac{\log{\left(1 + y^{2} \right)}}{\log{\left(2 \right)}} + b"),
        # Sums with a sign, integrals.
        (
            Derivation("d", (1 - beta2) * sp.Sum(beta2 ** (t - i), (i, 1, t)) * Q[t] + c),
            r"\left(1 - \beta_{2}\right) \left(\sum_{i=1}^{t} \beta_{2}^{t - i}\right) Q_{t} + c",
        ),
        (
            Derivation("d", sp.Sum(b - a * Q[i], (i, 1, 1 + t))),
            r"\sum_{i=1}^{1 + t} \left(b - a Q_{i}\right)",
        ),
        (
            Derivation("d", y + sp.Integral(L * s * d**2, (s, 0, 1))),
            r"y + \int\limits_{0}^{1} L s d^{2}\, ds",
        ),
        # Names stand for their values.
        (Derivation("d", gap * c - gap + gap), r"\left(b - a\right) c - \left(b - a\right) + b - a"),
        (Derivation("d", c + minus - minus), r"c - a - \left(- a\right)"),
        (Derivation("d", 1 / 2 * b), "0.5 b"),  # what Python makes of it
        (Derivation("d", {"k": [c]}["k"][0] ** 2 + minus.args[1]), "c^{2} + a"),
        (Derivation(start=d + a, title="d"), "d + a"),
    ],
)  # fmt: skip
def test_terms_and_factors_stand_as_they_were_written(derivation, shown):
    assert start(derivation) == shown


def test_each_kind_of_line_is_read():
    d = Derivation("d", c + a, assume=[lr * L < 2, a + 1 > b])
    d.given(sp.Eq(y, -lr * c), "a step").then(a + c, "turn").fact(
        c**2 + b**2 >= 2 * c * b, "a square", certificate=(c - b) ** 2
    ).fact(sp.Eq(b + a, a + b), "SymPy sees it at once").then(
        a + (c + 0), "as before", relation="<="
    )
    assert [step.latex.replace("{}", "") for step in d.steps] == [
        r"\eta L < 2",
        "a + 1 > b",
        "c + a",
        r"y = - \eta c",
        "= a + c",
        r"c^{2} + b^{2} \ge 2 c b",
        "b + a = a + b",
        r"\le a + \left(c + 0\right)",
    ]
    assert [step.checked for step in d.steps][-4:] == ["proved by SymPy"] * 4
    assert d.steps[4].shown == ["= a", "{}+ c"]


def built(value):
    return value


@pytest.mark.parametrize(
    ("derivation", "value"),
    [
        (Derivation("d", built(b + a) + c), a + b + c),  # a function of the author's own
        (Derivation("d", sum(v for v in (b, a))), a + b),
        (Derivation("d", "b + a"), a + b),
        (Derivation("d", *[b + a]), a + b),
        (Derivation("d", b + a if a else c), a + b),
        (eval('Derivation("d", b + a)'), a + b),
        (Derivation("d", gap), gap),
    ],
)
def test_what_cannot_be_read_is_in_the_order_of_the_printer(derivation, value):
    assert start(derivation) == latex(value)


def test_what_is_shown_is_what_is_checked():
    values = iter([a, b, c])

    class Changing:
        @property
        def value(self):
            return next(values)

    changing = Changing()
    # Read again it would be b, and b is not what is checked.
    assert start(Derivation("d", changing.value + d)) == "a + d"
    # A source that has changed since it was read tells of another expression.
    code = compile("d = Derivation('d', b + a)", __file__.replace(".py", "_gone.py"), "exec")
    space = {"Derivation": Derivation, "a": a, "b": b}
    lines = ["d = Derivation('d', b - a)\n"]
    linecache.cache[code.co_filename] = (0, None, lines, code.co_filename)
    try:
        exec(code, space)
    finally:
        del linecache.cache[code.co_filename]
    assert start(space["d"]) == "a + b"


SOURCE = """
import sympy as sp
from optedu.derive import Derivation
b, a, lr = sp.symbols("b a eta", positive=True)
shown = (
    Derivation("é", b - lr*a)
    .then(-a*lr + b,
          "turn")
    .then(b - a*lr, "turn")
)
"""
LINES = [r"b - \eta a", r"= - a \eta + b", r"= b - a \eta"]


def test_in_a_file(tmp_path):
    path = tmp_path / "plain.py"
    path.write_text(SOURCE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("plain", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert [step.latex.replace("{}", "") for step in module.shown.steps] == LINES


def test_in_a_notebook():
    cell = "%time 1\n" + SOURCE + '[step.latex.replace("{}", "") for step in shown.steps]'
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    NotebookClient(notebook, kernel_name="python3").execute()
    (result,) = (o for o in notebook.cells[0].outputs if o.output_type == "execute_result")
    assert eval(result.data["text/plain"]) == LINES
