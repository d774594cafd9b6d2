"""Every exercise in the book: its starter fails, its solution passes, natively and in Pyodide."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from optedu.web.pyrun import run_exercise
from optedu.web.runtime import Unavailable, assemble, find_vendor
from tests.web.exercises import ROOT, book_exercises

EXERCISES = book_exercises()
DRAWING = "from optedu.web.svgplot import line_plot\nprint('hello')\nline_plot({'f': [3, 2, 1]})"


# What readers call, each with what it must give.
SYMPY = {
    "sp.simplify((x**2 - 1) / (x - 1))": "x + 1",
    "sp.expand((x + 1)**2)": "x**2 + 2*x + 1",
    "sp.factor(x**2 - 1)": "(x - 1)*(x + 1)",
    "sp.together(1/x + 1)": "(x + 1)/x",
    "sp.apart(1/(x**2 + x))": "-1/(x + 1) + 1/x",
    "sp.cancel((x**2 + x)/x)": "x + 1",
    "sp.collect(a*x + x, x)": "x*(a + 1)",
    "sp.trigsimp(sp.sin(x)**2 + sp.cos(x)**2)": "1",
    "sp.powsimp(x**a * x)": "x**(a + 1)",
    "sp.radsimp(1/sp.sqrt(2))": "sqrt(2)/2",
    "sp.logcombine(sp.log(x) + sp.log(2), force=True)": "log(2*x)",
    "sp.nsimplify(0.25)": "1/4",
    "sp.solve(x**2 - 4, x)": "[2]",
    "sp.solveset(x**2 - 4, x)": "{-2, 2}",
    "sp.solve([x + a - 3, x - a - 1], [x, a])": "{a: 1, x: 2}",
    "sp.diff(sp.exp(2*x), x)": "2*exp(2*x)",
    "sp.integrate(x**2, (x, 0, 3))": "9",
    "sp.limit(sp.sin(x)/x, x, 0)": "1",
    "sp.series(sp.exp(x), x, 0, 3)": "1 + x + x**2/2 + O(x**3)",
    "sp.Sum(x**n, (n, 0, 2)).doit()": "x**2 + x + 1",
    "sp.simplify(sp.Sum(a, (n, 1, t)).doit())": "a*t",
    "sp.summation(n, (n, 1, t))": "t**2/2 + t/2",
    "sp.product(n, (n, 1, 4))": "24",
    "sp.rsolve(y(n + 1) - 2*y(n), y(n), {y(0): 1})": "2**n",
    "sp.Matrix([[2, 0], [0, 3]]).eigenvals()": "{2: 1, 3: 1}",
    "sp.latex(x**2)": "x^{2}",
    "sp.lambdify(x, x**2)(3)": "9",
}
NAMES = """import sympy as sp
x, a, t = sp.symbols("x a t", positive=True)
n, y = sp.Symbol("n", integer=True), sp.Function("y")
"""
GEOMETRIC = "sp.Sum((1 - beta1)*beta1**(t - i), (i, 1, t))"
# (exercise, answer, whether it is right, a word of what is said)
ANSWERS = [
    ("first-weight", "1 - beta1", False, "at t = 1"),
    ("first-weight", "beta1**(t - 1)", False, "not equal"),
    ("first-weight", "(1 - beta1)/(1 - beta1**t)", False, "not equal"),
    ("first-weight", "(1 - beta1)*beta1**(t - 1)", False, "at t = 1"),
    ("first-weight", "1", False, "not equal"),
    ("first-weight", "'(1 - beta1)*beta1**(t - 1)/(1 - beta1**t)'", True, ""),
    ("first-weight", f"(1 - beta1)*beta1**(t - 1)/{GEOMETRIC}", True, ""),
    ("first-weight", f"(1 - beta1)*beta1**(t - 1)/{GEOMETRIC}.doit()", True, ""),
    ("first-weight", "beta1**(t - 1)/sp.Sum(beta1**i, (i, 0, t - 1))", True, ""),
]


def first_weight(answer):
    """The exercise's code with an answer, whatever it is."""
    return f"""import sympy as sp
beta1, t = sp.symbols("beta1 t", positive=True)
i = sp.Symbol("i", integer=True)
weight = {answer}
"""


def judge(name, outcome, right, word):
    """An answer is judged, never an accident of the check."""
    assert "error" not in [check["status"] for check in outcome["checks"]], failures(outcome)
    assert outcome["ok"] is right, failures(outcome)
    assert word in " ".join(" ".join(check["message"].split()) for check in outcome["checks"])


@pytest.mark.parametrize(("name", "answer", "right", "word"), ANSWERS)
def test_natural_answers_are_judged(name, answer, right, word):
    (found,) = [each for each in EXERCISES if each.name == name]
    judge(name, run_exercise(first_weight(answer), found.checks), right, word)


def test_a_step_that_changes_the_array_in_place_is_named():
    (found,) = [each for each in EXERCISES if each.name == "descend"]
    source = found.text.solution.replace("x = x - lr * grad(x)", "x -= lr * grad(x)")
    assert source != found.text.solution
    outcome = run_exercise(source, found.checks)
    judge("descend", outcome, False, "x -= ... changes the array that is already in the list")
    blamed = " ".join(check["message"] for check in outcome["checks"])
    assert "uphill" not in blamed
    assert "x_0 should be" not in blamed


# (exercise, what is replaced in the solution, by what, is that right, a word of what is said)
CHANGED = [
    ("waiting", "loss = w / m + sp.log(m)", "loss = chance", False, "the chance itself"),
    ("waiting", "loss = w / m + sp.log(m)", "loss = sp.log(chance)", False, "a minus is missing"),
    ("waiting", "loss = w / m + sp.log(m)", "loss = w / m", False, "the divisor m is missing"),
    ("waiting", "loss = w / m + sp.log(m)", "loss = w / m - sp.log(m)", False, "not equal"),
    ("waiting", "loss = w / m + sp.log(m)", "loss = (w - m)**2", False, "not equal"),
    ("waiting", "loss = w / m + sp.log(m)", "loss = -sp.log(chance)", True, ""),
    ("waiting", "loss = w / m + sp.log(m)", "loss = (w + m * sp.log(m)) / m", True, ""),
    ("slope-along", "d / np.linalg.norm(d)", "d", False, "over ten units, not over one"),
    ("slope-along", "d / np.linalg.norm(d)", "-d / np.linalg.norm(d)", False, "uphill counts"),
    ("slope-along", "d / np.linalg.norm(d)", "d / np.sum(d)", False, "small steps measure"),
    ("slope-along", "float(np.dot(grad, d / np.linalg.norm(d)))",
     "np.array(grad) * d / np.linalg.norm(d)", False, "the slope is one number"),
    ("slope-along", "float(np.dot(grad, d / np.linalg.norm(d)))", "None", False, "a number"),
    ("slope-along", "np.dot(grad, d / np.linalg.norm(d))", "np.dot(grad, d) / np.sqrt(d @ d)",
     True, ""),
    ("slope-along", "float(np.dot(grad, d / np.linalg.norm(d)))",
     "sum(g * v for g, v in zip(grad, d)) / sum(v * v for v in d)**0.5", True, ""),
    ("witness", "x, z = 0.0, 1.0", "x, z = 2.0, 0.0", False, "not above it"),
    ("witness", "x, z = 0.0, 1.0", "x, z = 1.0, 1.0", False, "are the same"),
    ("witness", "x, z = 0.0, 1.0", "x, z = float('nan'), 1.0", False, "two numbers"),
    ("witness", "x, z = 0.0, 1.0", "x, z = 0, -1", True, ""),
    ("witness", "x, z = 0.0, 1.0", "x, z = 0.5, -1", True, ""),
    ("forget", "beta2 * state[\"v\"] + (1 - beta2) * g**2", "beta2 * state[\"v\"] + g**2", False,
     "v should be 9"),
    ("forget", "beta2 * state[\"v\"] + (1 - beta2) * g**2",
     "state[\"v\"] + beta2 * state[\"v\"] + (1 - beta2) * g**2", False, "added once more"),
    ("forget", "beta2 * state[\"v\"] + (1 - beta2) * g**2",
     "(1 - beta2) * state[\"v\"] + beta2 * g**2", False, ""),
    ("forget", "beta2 * state[\"v\"] + (1 - beta2) * g**2",
     "state[\"v\"] + (1 - beta2) * (g**2 - state[\"v\"])", True, ""),
    ("half-life", "sp.Rational(1, 2) ** (1 / n)", "1 - 1 / n", False, "63 % of the weight"),
    ("half-life", "sp.Rational(1, 2) ** (1 / n)", "sp.Rational(1, 2) ** n", False, "of the weight"),
    ("half-life", "sp.Rational(1, 2) ** (1 / n)", "sp.log(2) / n", False, "of the weight"),
    ("half-life", "sp.Rational(1, 2) ** (1 / n)", "sp.exp(-sp.log(2) / n)", True, ""),
    ("half-life", "sp.Rational(1, 2) ** (1 / n)", "2 ** (-1 / n)", True, ""),
    ("adadelta-steps", "np.sqrt(u + eps) / np.sqrt(v + eps) * g", "g / np.sqrt(v + eps)", False,
     "should be 0.00316"),
    ("adadelta-steps", "np.sqrt(u + eps) / np.sqrt(v + eps) * g", "np.sqrt(u / (v + eps)) * g",
     False, "should be 0.00316"),
    ("adadelta-steps", "u = beta2 * u + (1 - beta2) * delta**2", "u = u + delta**2", False,
     "step 2 should be"),
    ("adadelta-steps", "np.sqrt(u + eps) / np.sqrt(v + eps) * g",
     "g * ((u + eps) / (v + eps)) ** 0.5", True, ""),
    ("look-ahead", "grad(y + rho * v)", "grad(y)", False, "that is heavy ball"),
    ("look-ahead", "return np.array(balls), np.array(looks)",
     "return np.array(looks), np.array(balls)", False, "the ball is at 0.496"),
    ("look-ahead", "rho * v - lr", "rho * v + lr", False, "slopes are taken at 1 and 0.62"),
    ("look-ahead", "        y = y + v\n", "        y = y + rho * v\n", False, "slopes are taken"),
    ("look-ahead", "looks.append(y + rho * v)", "looks.append(y)", False, "the look x_1 should be"),
    ("look-ahead", "        y = y + v\n", "        y += v\n", False, "already in the list"),
    ("look-ahead", "        v = rho * v - lr * grad(y + rho * v)\n        y = y + v\n",
     "        look = y + rho * v\n        new = look - lr * grad(look)\n"
     "        y, v = new, new - y\n", True, ""),
    ("largest-momentum", "(2 - u) / (2 * (u - 1))", "2 * (1 + u) / (1 + 2 * u)", False, "at u = 2"),
    ("largest-momentum", "(2 - u) / (2 * (u - 1))", "u / 2 - 1", False, "not equal"),
    ("largest-momentum", "(2 - u) / (2 * (u - 1))", "(u - 2) / (2 - 2 * u)", True, ""),
    ("largest-momentum", "(2 - u) / (2 * (u - 1))",
     "sp.solve(sp.Eq(u, 2 * (1 + sp.Symbol('r')) / (1 + 2 * sp.Symbol('r'))), sp.Symbol('r'))[0]",
     True, ""),
    ("restart", "f(new) > f(y)", "f(new) < f(y)", False, "the loss never rises"),
    ("restart", "k, restarts = 1, restarts + 1", "restarts = restarts + 1", False, "no momentum"),
    ("restart", "k, restarts = 1, restarts + 1", "k = 1", False, "nothing was restarted"),
    ("restart", "k, restarts = 1, restarts + 1", "k, restarts = 0, restarts + 1", False,
     "should have no momentum"),
    ("restart", "f(new) > f(y)", "f(y) < f(new)", True, ""),
    ("restart", "if f(new) > f(y):", "if not f(new) <= f(y):", True, ""),
    ("roll", "b = rho * b + g", "b = rho * b + (1 - rho) * g", False, "that is the mean form"),
    ("roll", "x = x - lr * b", "x = x + lr * b", False, "uphill"),
    ("roll", "b = rho * b + g\n        x = x - lr * b", "x = x - lr * b\n        b = rho * b + g",
     False, "the point has not moved"),
    ("roll", "b = rho * b + g", "b = g", False, "every step has the same length"),
    ("roll", "b = rho * b + g", "b = rho * (b + g)", False, "x_1 should be"),
    ("roll", "x = x - lr * b", "x = x - lr * (g + rho * b)", False, "x_1 should be"),
    ("roll", "x = x - lr * b", "x -= lr * b", False, "the array that is already in the list"),
    ("roll", "b = rho * b + g\n        x = x - lr * b", "b = rho * b - lr * g\n        x = x + b",
     True, ""),
    ("roll", "b = rho * b + g", "b *= rho; b += g", True, ""),
    ("warm", "sp.log(1 - share) / sp.log(rho)", "1 / (1 - rho)", False, "not equal"),
    ("warm", "sp.log(1 - share) / sp.log(rho)", "sp.log(share) / sp.log(rho)", False, "not equal"),
    ("warm", "sp.log(1 - share) / sp.log(rho)", "-sp.log(1 / (1 - share)) / sp.log(rho)", True, ""),
    ("warm", "sp.log(1 - share) / sp.log(rho)", "sp.log(1 - share, rho)", True, ""),
    ("tune", ", root**2", ", root", False, "square it"),
    ("tune", "root = (np.sqrt(L / mu) - 1) / (np.sqrt(L / mu) + 1)",
     "root = (L / mu - 1) / (L / mu + 1)", False, "is possible"),
    ("tune", "(2 / (np.sqrt(L) + np.sqrt(mu))) ** 2", "2 / (L + mu)", False, "is possible"),
    ("tune", "(2 / (np.sqrt(L) + np.sqrt(mu))) ** 2", "((1 + root) / np.sqrt(L)) ** 2", True, ""),
    ("tune", "return (2 / (np.sqrt(L) + np.sqrt(mu))) ** 2, root**2",
     "return root**2, (2 / (np.sqrt(L) + np.sqrt(mu))) ** 2", False, "(1 + rho)/L"),
    ("in-place", "m *= rho", "m = rho * m", False, "gives the name to another array"),
    ("in-place", "np.multiply(m, lr, out=tmp)", "tmp = lr * m", False, "multiply made a new array"),
    ("in-place", "np.multiply(m, lr, out=tmp)", "tmp[:] = lr * m", False, "multiply made a new"),
    ("in-place", "x -= tmp", "x = x - tmp", False, "x should be"),
    ("in-place", "x -= tmp", "x[:] = x - tmp", False, "subtract made a new array"),
    ("in-place", "m += g", "g += m; m[:] = g", False, "g became"),
    ("in-place", "m *= rho", "np.multiply(m, rho, out=m)", True, ""),
    ("in-place", "np.multiply(m, lr, out=tmp)", "tmp[:] = m; tmp *= lr", True, ""),
    ("crossover", "(arrays * width)", "arrays * width", False, "float64"),
    ("crossover", "* bandwidth / (arrays * width)", "/ (arrays * width)", False, "the bytes"),
    ("crossover", "calls * call_seconds", "call_seconds", False, "the calls take"),
    ("crossover", "return calls * call_seconds * bandwidth / (arrays * width)",
     "return (calls * call_seconds) / (arrays * width / bandwidth)", True, ""),
    ("spread", "(n - size) / (n - 1)", "(n - size) / n", False, "for N = 5 and size 1"),
    ("spread", "np.var(grads)", "np.var(grads, ddof=1)", False, "for 0, 2, 7 and size 1"),
    ("spread", "sigma2 / size if", "sigma2 / size**0.5 if", False, "for 0, 2, 7 and size 3"),
    ("spread", "* (n - size) / (n - 1)", "", False, "for N = 5 and size 2"),
    ("spread", "(n - size) / (n - 1)", "(1 - (size - 1) / (n - 1))", True, ""),
    ("floor", "(sigma**2 + B * h**2 * v)", "sigma**2", False, "not equal"),
    ("floor", "B * h**2 * v)", "h**2 * v)", False, "not equal"),
    ("floor", "2 * B * h * v / (sigma**2 + B * h**2 * v)", "2 / (h + sigma**2 / (B * h * v))",
     True, ""),
    ("critical", "s * (1 + Bn / B)", "s * (1 + B / Bn)", False, "steps(1, 99, 7): expected 700"),
    ("critical", "s * (1 + Bn / B)", "s * Bn / B", False, "steps(64, 64, 10): expected 20"),
    ("critical", "B * steps(B, Bn, s)", "steps(B, Bn, s)", False, "expected 1280"),
    ("critical", "B * steps(B, Bn, s)", "s * (B + Bn)", True, ""),
    ("trials", "math.ceil(", "math.floor(", False, "with probability 0.9"),
    ("trials", "math.log(1 - c) / math.log(1 - p)", "c / p", False, "trials hit with"),
    ("trials", "math.ceil(", "1 + math.ceil(", False, "are enough already"),
    ("trials", "math.log(1 - c) / math.log(1 - p)", "math.log1p(-c) / math.log1p(-p)", True, ""),
    ("plan", "np.geomspace(1e-4, 1e4, 9)", "np.linspace(1e-4, 1e4, 9)", False, "your trials lay"),
    ("plan", "np.geomspace(1e-4, 1e4, 9)", "np.geomspace(1e-4, 1, 9)", False, "your trials lay"),
    ("plan", "budget - 9", "budget", False, "the budget is 16"),
    ("plan", "np.geomspace(1e-4, 1e4, 9)", "10.0 ** np.arange(-4, 5)", True, ""),
    ("verdict", "t * d.std(ddof=1) / np.sqrt(len(d))", "0", False, "a tie, you say"),
    ("verdict", "np.sqrt(len(d))", "len(d)", False, "you say"),
    ("verdict", "d.std(ddof=1)", "np.sqrt(np.var(a) + np.var(b))", False, "on every seed"),
    ("verdict", '"a" if d.mean() < 0 else "b"',
     '"b" if d.mean() < 0 else "a"', False, "a is lower"),
    ("verdict", "d.std(ddof=1)", "d.std()", False, "with t = 2.4 give 'tie'"),
    ("verdict", "d.std(ddof=1) / np.sqrt(len(d))", "np.sqrt(d.var(ddof=1) / len(d))", True, ""),
    ("sched-expected", "(1 - eta * h)**2 * e", "(1 - eta * h) * e", False, "no noise: expected"),
    ("sched-expected", "eta**2 * var", "eta * var", False, "40,000 runs have"),
    ("sched-expected", " + eta**2 * var", "", False, "40,000 runs have"),
    ("sched-expected", "eta**2 * var", "eta**2 * var**2", False, "40,000 runs have"),
    ("sched-expected", "(1 - eta * h)**2 * e", "(1 - 2 * eta * h + (eta * h)**2) * e", True, ""),
    ("sched-best-rate", "h * e / (h**2 * e + var)", "e / (h * e + var)", False, "leads to"),
    ("sched-best-rate", "h * e / (h**2 * e + var)", "h * e / var", False, "yours is 1.0000"),
    ("sched-best-rate", "h * e / (h**2 * e + var)", "h / (h**2 + var)", False, "leads to"),
    ("sched-best-rate", "h * e / (h**2 * e + var)", "1 / (h + var / (h * e))", True, ""),
    ("sched-warm-cosine", "peak * t / warmup", "peak * (t - 1) / warmup", False, "the rise should"),
    ("sched-warm-cosine", "min(1, (t - warmup) / (steps + 1 - warmup))",
     "(t - warmup) / (steps + 1 - warmup)", False, "the rate should be 0"),
    ("sched-warm-cosine", "(steps + 1 - warmup)", "(steps - warmup)", False, "should still move"),
    ("sched-warm-cosine", "(steps + 1 - warmup)", "steps", False, "the rate should be 0"),
    ("sched-warm-cosine", "peak * (1 + cos(pi * done)) / 2", "peak * (1 - done)**2", False,
     "it should be 0.3"),
    ("sched-warm-cosine", "peak * (1 + cos(pi * done)) / 2", "peak * cos(pi * done / 2)**2", True,
     ""),
    ("classify", "if e[0] > 0:", "if e[0] >= 0:", False, "(0, 1) are 'open'"),
    ("classify", "if e[0] < 0 < e[-1]:", "if np.linalg.det(hessian) < 0:", False, "saddle"),
    ("classify", "e = np.linalg.eigvalsh(hessian)", "e = np.sort(np.diag(hessian))", False,
     "[[1, 2], [2, 1]] has the eigenvalues -1 and 3"),
    ("classify", 'return "maximum" if e[-1] < 0 else "open"', 'return "maximum"', False, "open"),
    ("classify", "if e[0] < 0 < e[-1]:", "if (e < 0).any() and (e > 0).any():", True, ""),
    ("classify", "if e[0] > 0:", "if np.all(e > 0):", True, ""),
    ("escape", "math.ceil(", "math.floor(", False, "round up"),
    ("escape", "math.log(1 + lr * h)", "math.log(1 + lr)", False, "h = 2.0"),
    ("escape", "math.log(1 + lr * h)", "(lr * h)", False, "it takes 49 steps, you say 47"),
    ("escape", "max(0, math.ceil(math.log(1 / y0) / math.log(1 + lr * h)))",
     "math.ceil(math.log(1 / y0) / math.log(1 + lr * h))", False, "nothing is left to do"),
    ("escape", "math.log(1 / y0) / math.log(1 + lr * h)",
     "-math.log(y0) / math.log1p(lr * h)", True, ""),
    ("escape", "math.log(1 + lr * h)", "math.log(1 - lr * h)", False, "you say"),
    ("accumulate", "G = G + g**2", "G = G + np.sum(g**2)", False, "one sum for both"),
    ("accumulate", "(np.sqrt(G) + eps)", "(G + eps)", False, "its root is missing"),
    ("accumulate", "x - lr * g", "x + lr * g", False, "goes along the gradient"),
    ("accumulate", "G = G + g**2", "G = g**2", False, "all old ones"),
    ("accumulate", "(np.sqrt(G) + eps)", "np.sqrt(G)", False, "zero over zero"),
    ("accumulate", "lr * g / (np.sqrt(G) + eps)", "lr / (eps + G**0.5) * g", True, ""),
    ("metric", "root = np.sqrt(G)", "root = G", False, "their roots cost less"),
    ("metric", "c * root / root.sum()", "root / root.sum()", False, "for c = 12 your shares add"),
    ("metric", "root = np.sqrt(G)", "root = G**0.25", False, "cost"),
    ("metric", "c * root / root.sum()", "np.array([c * v / sum(root) for v in root])",
     True, ""),
    ("how-long", "lr / t**0.5", "lr", False, "that is gradient descent"),
    ("how-long", "lr / t**0.5", "lr / t", False, "are enough for"),
    ("how-long", "return t", "return t - 1", False, "it has gone"),
    ("how-long", "while gone < distance:\n        t += 1\n        gone += lr / t**0.5",
     "while distance > gone:\n        t = t + 1\n        gone = gone + lr * t**-0.5", True, ""),
    ("adopt", "    if t == 1:\n        return x, {\"m\": m, \"v\": g**2}\n", "", False,
     "it should stay"),
    ("adopt", "\"v\": g**2}", "\"v\": (1 - beta2) * g**2}", False, "v should be g**2"),
    ("adopt", "    root = xp.sqrt(v)\n    v = beta2 * v + (1 - beta2) * g**2\n",
     "    v = beta2 * v + (1 - beta2) * g**2\n    root = xp.sqrt(v)\n", False, "v = (1, 4)"),
    ("adopt", "xp.maximum(root, eps + 0 * root)", "(root + eps)", False, "larger of the two"),
    ("adopt", "xp.maximum(root, eps + 0 * root)", "xp.where(root > eps, root, eps)", True, ""),
    ("decouple", "x - lr * (u + wd * x)", "x - lr * u - wd * x", False,
     "multiplied by the learning"),
    ("decouple", "x - lr * (u + wd * x)", "x - lr * u", False, "nothing decays"),
    ("decouple", "x - lr * (u + wd * x)", "(x - lr * u) * (1 - lr * wd)", False, "has moved"),
    ("decouple", "x - lr * (u + wd * x)", "(1 - lr * wd) * x - lr * u", True, ""),
    ("memory", "share = (1 - eta * lam)**t", "share = sp.exp(-eta * lam * t)", False,
     "the share is"),
    ("memory", "share = (1 - eta * lam)**t", "share = 1 - eta * lam * t", False, "the share is"),
    ("memory", "sp.log(sp.Rational(1, 2)) / sp.log(1 - eta * lam)", "sp.log(2) / (eta * lam)",
     False, "steps, yours is"),
    ("memory", "sp.log(sp.Rational(1, 2)) / sp.log(1 - eta * lam)",
     "-sp.log(2) / sp.log(1 - eta * lam)", True, ""),
    ("neuron", "slope = unit - 1", "slope = 1 - unit", False, "expected"),
    ("neuron", "slope = unit - 1", "slope = unit", False, "expected"),
    ("neuron", "slope = unit - 1", "slope = (unit - 1) * unit * (1 - unit)", False, "expected"),
    ("neuron", "slope = unit - 1", "slope = sp.diff(-sp.log(unit), z)", True, ""),
    ("neuron", "slope = unit - 1", "slope = -1 / (1 + sp.exp(z))", True, ""),
    ("tiny-gradient", "error * w2 * (1 - a**2) * x, error * a",
     "error * a, error * w2 * (1 - a**2) * x", False, "swapped"),
    ("tiny-gradient", "error * w2 * (1 - a**2) * x, error * a",
     "error * w2 * (1 - a**2), error * a", False, "the input"),
    ("tiny-gradient", "error * w2 * (1 - a**2) * x, error * a", "error * w2 * x, error * a", False,
     "the slope by w1 is"),
    ("tiny-gradient", "error * w2 * (1 - a**2) * x, error * a",
     "error * w2 * (1 - a) * x, error * a", False, "the slope by w1 is"),
    ("tiny-gradient", "error * w2 * (1 - a**2) * x, error * a",
     "error * w2 * (1 - a**2) * x, error", False, "the slope by w2 is"),
    ("tiny-gradient", "error * w2 * (1 - a**2) * x, error * a", "None", False, "return two slopes"),
    ("tiny-gradient", "error * w2 * (1 - a**2) * x, error * a",
     "(error * w2 / math.cosh(w1 * x)**2 * x, a * error)", True, ""),
    ("clip-norm", "norm = np.sqrt(sum((v**2).sum() for v in g.values()))",
     "norm = max(np.sqrt((v**2).sum()) for v in g.values())", False, "the norm was 5"),
    ("clip-norm", "    return {k: factor * v for k, v in g.items()}",
     "    return {k: v * min(1.0, limit / np.sqrt((v**2).sum())) for k, v in g.items()}", False,
     "one factor for all"),
    ("clip-norm", "1.0 if norm <= limit else limit / norm", "limit / norm", False,
     "should stay, and is now 10"),
    ("clip-norm", "factor * v for", "v / norm * min(norm, limit) for", False, "should stay 0"),
    ("clip-norm", "1.0 if norm <= limit else limit / norm", "np.minimum(1, limit / norm)", True,
     ""),
    ("clip-norm", "norm = np.sqrt(sum((v**2).sum() for v in g.values()))",
     "norm = sum((v**2).sum() for v in g.values())", False, "the norm was 5"),
    ("clip-norm", "    return {k: factor * v for k, v in g.items()}",
     "    for v in g.values():\n        v *= factor\n    return g", False, "make a new dictionary"),
    ("clip-norm", "1.0 if norm <= limit else limit / norm", "limit / max(norm, limit)", True, ""),
    ("clip-norm", "norm = np.sqrt(sum((v**2).sum() for v in g.values()))",
     "norm = np.linalg.norm(np.concatenate([v.ravel() for v in g.values()]))", True, ""),
    ("standardize", "(test - mean) / width", "(test - test.mean(0)) / test.std(0)", False,
     "by their own mean"),
    ("standardize", "(test - mean) / width", "(test - mean) / np.maximum(test.std(0), 1e-9)", False,
     "train's mean and width"),
    ("standardize", "    width = np.where(width > 0, width, 1)\n", "", False, "divided by it"),
    ("standardize", "train.mean(axis=0), train.std(axis=0)", "train.mean(), train.std()", False,
     "each column of train"),
    ("standardize", "np.where(width > 0, width, 1)", "width + (width == 0)", True, ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "part", "other", "right", "word"), CHANGED)
def test_natural_changes_of_a_solution_are_judged(name, part, other, right, word):
    (found,) = [each for each in EXERCISES if each.name == name]
    assert part in found.text.solution
    judge(name, run_exercise(found.text.solution.replace(part, other), found.checks), right, word)


def test_the_demonstration_of_lion_tells_the_repair_from_the_fault():
    (found,) = [each for each in EXERCISES if each.name == "overwritten"]
    shown = []
    for source in (found.text.starter, found.text.solution):
        printed = []
        run_exercise(source, (), lambda kind, text, to=printed: to.append(text))
        shown.append("".join(printed).partition(" m =")[0])
    assert shown[0] != shown[1]


def failures(outcome):
    return [f"{c['status']}: {c['sentence']} {c['message']}" for c in outcome["checks"]] + [
        outcome["error"]
    ]


def test_the_book_has_exercises():
    assert EXERCISES


def test_names_are_unique_on_a_page():
    names = [(found.page, found.name) for found in EXERCISES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("found", EXERCISES, ids=str)
def test_solution_passes_and_starter_fails(found):
    solved = run_exercise(found.text.solution, found.checks)
    assert solved["ok"], failures(solved)
    started = run_exercise(found.text.starter, found.checks)
    assert not started["ok"]
    statuses = {check["status"] for check in started["checks"]}
    # A starter is for filling in: it runs, and says by its checks what is missing.
    assert started["error"] is None, started["error"]
    assert "fail" in statuses, failures(started)


@pytest.fixture(scope="module")
def pyodide(tmp_path_factory):
    """Run jobs in the page's own Python, in Node, and return their results."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    folder = tmp_path_factory.mktemp("runtime")
    try:
        assemble(find_vendor(ROOT), folder)
    except Unavailable as error:
        pytest.skip(f"the page's Python cannot be gathered: {error}")
    # Node takes a module by its ending; hosts do not always know that ending.
    shutil.copy2(folder / "pyodide.module.js", folder / "pyodide.mjs")

    def run(jobs):
        script = Path(__file__).with_name("pyodide_run.mjs")
        done = subprocess.run(
            [node, str(script), str(folder)],
            input=json.dumps(jobs),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return run


@pytest.mark.node
def test_what_readers_call_in_sympy_works_in_the_page(pyodide):
    checks = [(call, f"assert str({call}) == {wanted!r}, {call}") for call, wanted in SYMPY.items()]
    (found,) = [each for each in EXERCISES if each.name == "first-weight"]
    jobs = [{"source": first_weight(answer), "checks": found.checks} for _, answer, *_ in ANSWERS]
    called, *judged = pyodide([{"source": NAMES, "checks": checks}, *jobs])["results"]
    assert called["outcome"]["ok"], failures(called["outcome"])
    for (name, _, right, word), result in zip(ANSWERS, judged, strict=True):
        judge(name, result["outcome"], right, word)


@pytest.mark.parametrize(("call", "wanted"), SYMPY.items())
def test_what_readers_call_gives_what_is_expected(call, wanted):
    outcome = run_exercise(NAMES, [(call, f"assert str({call}) == {wanted!r}, {call}")])
    assert outcome["ok"], failures(outcome)


@pytest.mark.node
def test_the_same_in_pyodide(pyodide):
    jobs = [
        {"source": source, "checks": found.checks}
        for found in EXERCISES
        for source in (found.text.starter, found.text.solution)
    ]
    answer = pyodide([*jobs, {"source": DRAWING, "checks": []}])
    *results, drawn = answer["results"]
    for found, started, solved in zip(EXERCISES, results[::2], results[1::2], strict=True):
        assert solved["outcome"]["ok"], (str(found), failures(solved["outcome"]))
        assert not started["outcome"]["ok"], str(found)
        assert started["outcome"]["error"] is None, (str(found), started["outcome"]["error"])
    assert {kind for kind, _ in drawn["events"]} == {"stream", "svg"}
    assert answer["packages"]["numpy"] == "2.0.2"
    assert answer["packages"]["sympy"] == "1.13.3"
    assert "matplotlib" not in answer["packages"]["modules"]
