"""The derived rules are not where students' code runs: no way to them earns a point."""

from __future__ import annotations

import re

import numpy as np
import pytest

import optedu
from optedu import withheld, written
from optedu.grading import package
from optedu.withheld import between
from tests.grading.cells import answer, graded, needs_sandbox, run, scores, setup, text

SETUP = "import numpy as np\nimport optedu"
TESTS = (
    'optedu.check("sgd", ["first step", "many steps"], seed=2101)',
    'optedu.check("sgd", ["dtype", "shapes", "backend"], seed=2103)',
    "x, g = np.array([1.0, -2.0]), np.array([0.5, 3.0])\n"
    "assert np.allclose(sgd(np, x, g, {}, 1, lr=0.25)[0], x - 0.25 * g)",
)
HEAD = """
from optedu import written
@optedu.implement("sgd")
def sgd(xp, x, g, state, t, *, lr=1e-3):
    return ask(x, g, lr)
def ask(x, g, lr):
    return rule().step(x, g, {}, 1, lr=lr)
def rule():
    return optedu.rules.get("sgd")
"""
ATTACKS = {
    "a guard without effect": """
import contextlib
written.student_code = contextlib.nullcontext""",
    "a patched guard": """
import optedu.rule
optedu.rule.written = type(written)("written")
optedu.rule.written.forbid = lambda *a: None
written.forbid = lambda *a: None""",
    "a guard that is restored": """
def ask(x, g, lr):
    depth, written._depth = written._depth, 0
    try:
        return rule().step(x, g, {}, 1, lr=lr)
    finally:
        written._depth = depth""",
    "a server that was forked before": """
import os, pickle
(there, ask_it), (answers, here) = os.pipe(), os.pipe()
if os.fork() == 0:
    with open(there, "rb") as requests, open(here, "wb") as replies:
        while True:
            x, g, lr = pickle.load(requests)
            pickle.dump(rule().step(x, g, {}, 1, lr=lr)[0], replies)
            replies.flush()
ask_it, answers = open(ask_it, "wb"), open(answers, "rb")
os.close(here)
def ask(x, g, lr):
    pickle.dump((np.asarray(x), np.asarray(g), lr), ask_it)
    ask_it.flush()
    new = pickle.load(answers)
    return (new if type(x) is np.ndarray else x.__array_namespace__().asarray(new)), {}""",
    "a function out of the code of step": """
import types
from optedu.rule import Rule
free = types.SimpleNamespace(forbid=lambda *a: None)
step = types.FunctionType(Rule.step.__code__, {**vars(optedu.rule), "written": free})
def ask(x, g, lr):
    new, _ = step(rule(), np.asarray(x), np.asarray(g), {}, 1, lr=lr)
    return (new if type(x) is np.ndarray else x.__array_namespace__().asarray(new)), {}""",
    "the compiled function": """
compiled = rule()._pure
def ask(x, g, lr):
    return compiled(x, g, {}, 1, {"lr": lr, "weight_decay": 0.0})""",
    "the objects of the process": """
import gc
from optedu.rule import Rule
class Equation(Exception): pass
gc.unfreeze()
def rule():
    for thing in gc.get_objects():
        if isinstance(thing, Rule) and thing.name == "sgd" and thing.equations:
            written._depth = 0
            return thing
    raise LookupError""",
    "the modules of the process": """
import sys
def rule():
    written._depth = 0
    return sys.modules["optedu.rules.sgd"].SGD""",
    "the source": """
import glob, os, sys
places = {os.path.dirname(optedu.__file__), *(f"{p}/optedu" for p in sys.path)}
places |= set(glob.glob("/*/lib*/python3*/*-packages/optedu")) | set(glob.glob("/*/*/optedu"))
def rule():
    written._depth = 0
    for place in places:
        for path in glob.glob(f"{place}/rules/sgd.py"):
            space = {}
            exec(open(path).read(), space)
            return space["SGD"]
    raise LookupError""",
    "a loader of one's own": """
import importlib.machinery, os
def rule():
    written._depth = 0
    where = os.path.join(os.path.dirname(optedu.__file__), "rules", "sgd.py")
    loader = importlib.machinery.SourceFileLoader("mine", where)
    return loader.load_module().SGD""",
    "a child that imports afresh": """
import subprocess, sys
SCRIPT = "import sys, numpy as np, optedu; x, g, lr = eval(sys.stdin.read()); " \\
    "print(optedu.rules.get('sgd').step(np.array(x), np.array(g), {}, 1, lr=lr)[0].tolist())"
def ask(x, g, lr):
    given = repr((np.asarray(x).tolist(), np.asarray(g).tolist(), lr))
    done = subprocess.run([sys.executable, "-c", SCRIPT], input=given, capture_output=True,
                          text=True, check=True)
    xp = np if type(x) is np.ndarray else x.__array_namespace__()
    return xp.asarray(np.array(eval(done.stdout), dtype=np.asarray(x).dtype)), {}""",
    "a run": """
class P:
    minimum, x0, name = None, None, "p"
    def __init__(self, g): self.g = g
    def f(self, x): return 0.0
    def grad(self, x): return self.g
sgd_of_optedu = rule()
def ask(x, g, lr):
    depth, written._depth = written._depth, 0
    try:
        return optedu.minimize(P(g), x, optimizer=sgd_of_optedu, steps=1, lr=lr).x[-1], {}
    finally:
        written._depth = depth""",
}


def grade(attack, **traits):
    notebook, outcome = run(
        setup(SETUP), answer(HEAD + ATTACKS[attack]), *map(graded, TESTS), **traits
    )
    return scores(notebook), [text(cell) for cell in notebook.cells], outcome


@needs_sandbox
@pytest.mark.parametrize("attack", ATTACKS)
def test_who_asks_the_derived_rule_earns_nothing(attack):
    points, said, outcome = grade(attack)
    assert points == [0, 0, 0], said
    assert outcome.status == "ok", outcome


@needs_sandbox
@pytest.mark.parametrize("attack", ATTACKS)
def test_these_attacks_work_where_the_rules_are(attack):
    points, said, _ = grade(attack, kernels="one")
    assert any(points), said


# The pattern does not match itself.
MEMORY = """
import re
wanted = re.compile(rb"several rule[s] share: coupled weight deca[y]")
def look():
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            places, rights = line.split()[:2]
            start, end = (int(place, 16) for place in places.split("-"))
            if rights.startswith("r") and "[v" not in line:
                try:
                    memory.seek(start)
                    if wanted.search(memory.read(end - start)):
                        return True
                except OSError:
                    pass
    return False
found = look()
"""


@needs_sandbox
@pytest.mark.parametrize(("kernels", "found"), [("one", True), ("two", False)])
def test_no_rule_is_in_the_memory_of_the_students_kernel(kernels, found):
    notebook, _ = run(answer(MEMORY), graded(f"assert found is {found}"), kernels=kernels)
    assert scores(notebook) == [1], text(notebook.cells[0])


FILES = """
import os, optedu
names, texts = [], {}
for folder, _, files in os.walk(os.path.dirname(optedu.__file__)):
    for name in files:
        path = os.path.join(folder, name)
        names.append(os.path.relpath(path, os.path.dirname(optedu.__file__)))
        texts[names[-1]] = open(path, "rb").read().decode("latin-1")
writable = [path for path in names if os.access(path, os.W_OK)]
"""


@needs_sandbox
def test_no_file_with_a_rule_can_be_read():
    notebook, _ = run(
        setup("import optedu"),
        answer(FILES),
        graded("print('\\n'.join(names))\nassert 'run/minimization.py' in names and not writable"),
        graded("said = [n for n in names if 'x.new' in texts[n]]\nprint(said)"),
    )
    assert scores(notebook) == [1, 1]
    names = text(notebook.cells[2]).split()
    for module in withheld.LEFT_OUT:
        hidden = [
            n for n in names
            if re.sub(r"__pycache__/", "", n).startswith((f"{module}.", f"{module}/"))
        ]  # fmt: skip
        assert hidden in ([], ["rules/__init__.py"]), module
    # The class of rules and its parts, and what prints and compiles any; no rule itself.
    said = {re.sub(r"__pycache__/|\..*", "", n) for n in eval(text(notebook.cells[3]))}
    assert said <= {"quantities", "rule", "compile/array", "compile/lowering"}, said


def test_every_installed_copy_of_the_package_is_covered(tmp_path, monkeypatch):
    (tmp_path / "optedu" / "rules").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    package._places.cache_clear()
    covered = package.binds()[2::3]
    package._places.cache_clear()
    assert str(tmp_path / "optedu") in covered and str(package._PACKAGE) in covered


def test_the_rules_must_not_be_in_the_process_that_kernels_are_forked_from():
    assert optedu.rules.get("sgd")
    with pytest.raises(RuntimeError, match=r"optedu\.rules is where students' kernels"):
        package.install([])


ASKED = """
run = optedu.minimize(optedu.problems.rosenbrock(), optimizer="nadam", lr=0.1, steps=20)
swept = optedu.sweep(optedu.problems.rosenbrock(), optimizer="momentum", lr=[0.001, 0.002], steps=9)
o = optedu.Optimizer("adam", {"w": np.ones(3, dtype=np.float32)}, lr=0.1)
o.step({"w": np.ones(3, dtype=np.float32)})
rule = optedu.rules.get("adam").at(weight_decay=0, beta1=0.5)
new, state = rule.step(np.ones(2), np.ones(2), rule.init(np.ones(2)), 1, lr=0.5)
latex, shown = optedu.rules.get("adam").latex(), repr(optedu.rules.all())
said = str(optedu.check("adam"))
end, curve, weights = run.x[-1], swept.f, o.params["w"]
"""


def at_home():
    space = {"np": np, "optedu": optedu}

    @optedu.implement("adam")
    def adam(xp, x, g, state, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        m = beta1 * state["m"] + (1 - beta1) * g
        v = beta2 * state["v"] + (1 - beta2) * g * g
        return x - lr * m / (1 - beta1**t) / (xp.sqrt(v / (1 - beta2**t)) + eps), {"m": m, "v": v}

    try:
        exec(ASKED, space)
    finally:
        written.clear()
    return space


@needs_sandbox
def test_students_cells_run_the_derived_rules_as_at_home():
    wanted = at_home()
    notebook, outcome = run(
        setup(SETUP),
        answer(ASKED),
        graded("print([a.tolist() for a in (end, new, weights, curve)])"),
        graded("print(latex)"),
        graded("print(shown)"),
        graded("print(said)"),
    )
    assert scores(notebook) == [1] * 4, text(notebook.cells[1])
    for name, got in zip(
        ("end", "new", "weights", "curve"), eval(text(notebook.cells[2])), strict=True
    ):  # another form of the rule adds in another order
        np.testing.assert_allclose(got, wanted[name], rtol=1e-13)
    assert text(notebook.cells[3]).strip() == wanted["latex"]
    assert text(notebook.cells[4]).strip() == wanted["shown"]
    assert text(notebook.cells[5]).strip() == "adam: the tests check it."
    assert outcome.tampered == []


@needs_sandbox
def test_a_function_that_asks_while_a_test_runs_is_told_why_it_gets_no_answer():
    notebook, _ = run(
        setup(SETUP),
        answer(
            "def move(x):\n    return optedu.rules.get('sgd').step(x, x, {}, 1, lr=0.5)[0]\n"
            "before = move(np.ones(1))"
        ),
        graded("assert before[0] == 0.5"),
        graded("assert move(np.ones(1))[0] == 0.5"),
        answer("after = move(np.ones(1))"),
        graded("assert after[0] == 0.5"),
    )
    assert scores(notebook) == [1, 0, 1]
    assert "no derived rule answers while a test runs" in text(notebook.cells[3])


@needs_sandbox
def test_what_a_rule_is_made_of_is_refused_with_a_reason():
    what = ("expression('x')", "symbols", "source()", "rewrite('other')", "at(lr=1).latex()")
    notebook, _ = run(
        setup(SETUP),
        answer(
            f"said = []\nfor what in {what}:\n    try:\n"
            "        eval('optedu.rules.get(\"sgd\").' + what)\n"
            "    except optedu.exercise.GuardError as error:\n        said.append(str(error))"
        ),
        graded("print(said)"),
    )
    assert text(notebook.cells[2]).count("cannot be had while a notebook is graded") == len(what)


@needs_sandbox
def test_another_thread_is_refused_and_does_not_hang():
    code = """
import threading
said = []
def work():
    try:
        optedu.minimize(optedu.problems.rosenbrock(), optimizer="momentum", steps=1)
    except optedu.exercise.GuardError as error:
        said.append(str(error))
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    notebook, outcome = run(setup(SETUP), answer(code), graded("print(said)"))
    assert "no derived rule can be asked here" in text(notebook.cells[2])
    assert outcome.status == "ok"


STEP = {"x": np.ones(1), "g": np.ones(1), "state": {}, "t": 1, "rates": {}}


@pytest.mark.parametrize("bad", [object(), "1", [1.0], np.ma.masked_array([1.0])])
def test_a_step_takes_nothing_but_numbers_and_arrays(bad):
    with pytest.raises(TypeError, match="takes arrays and numbers"):
        between.step("sgd", {**STEP, "rates": {"lr": bad}})


@pytest.mark.parametrize("values", [[], {}, {**STEP, "more": 1}, {**STEP, "state": 1.0}])
def test_a_step_takes_what_it_takes_by_name(values):
    with pytest.raises(TypeError, match=r"takes x, g, state, t and rates|must be dictionaries"):
        between.step("sgd", values)
