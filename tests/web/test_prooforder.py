"""Proofs to put in order: what the page holds, what is refused, and that both languages agree."""

import json
import random
import re
import shutil
import subprocess
from html import unescape
from itertools import permutations
from pathlib import Path

import pytest

from optedu.exercise import Proof
from optedu.web import tasks
from optedu.web.prooforder import data
from tests.web.test_quiz import ROOT, build

PROOF = r"""One step lowers a smooth $f$.

%% step: smooth
By smoothness the slope changes by at most $L s$.
%% step: bound
after smooth: The integral is bounded only when the **slope** $f'$ is.
So $f(x_1) \le f_0 + g d + L d^2/2$.

$$d = -\eta g$$
%% step: choice
Choose the step $d = -g/L$.
%% step: end
after bound: What is to be made small is not known before the bound.
after choice: The step is put in.
So $f(x_1) \le f_0 - g^2/(2L)$.
%% distractor: convex
Since $f$ is convex, it lies above its tangent.
why: Nothing is said of convexity, and a bound from *above* is needed.
"""
PAGE = f"# Proof\n\n```{{prooforder}} descent\n{PROOF}```\n"
PAGE_LINE = 3  # of the directive


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    status, said, site = build(tmp_path_factory.mktemp("order"), PAGE, uses="optedu.web.prooforder")
    assert status == 0, said
    return (site / "index.html").read_text()


def test_the_page_reads_without_scripts(page):
    blocks = re.search(r'<ol class="[^"]*task-blocks.*?</ol>', page, re.DOTALL)[0]
    assert blocks.count("<li>") == 5
    assert blocks.count("<mjx-container") == 6
    assert r"\(" not in page
    answers = re.search(r'<details class="task-answers">.*?</details>', page, re.DOTALL)[0]
    letters = {block.name: letter for letter, block in Proof(PROOF).blocks.items()}
    in_order = ", ".join(letters[name] for name in ("smooth", "bound", "choice", "end"))
    assert f"In order: {in_order}." in answers
    assert f"{letters['bound']} comes after {letters['smooth']}:</strong> The integral" in answers
    assert "<strong>slope</strong>" in answers
    assert f"{letters['convex']} does not belong:</strong> Nothing is said" in answers
    assert "<em>above</em>" in answers


def test_the_script_gets_the_needs_and_a_right_order(page):
    known = json.loads(unescape(re.search(r'data-proof="([^"]+)"', page)[1]))
    proof = Proof(PROOF)
    assert known == data(proof)
    assert proof.score(known["order"]) == 1
    assert [letter for letter, needs in known["needs"].items() if needs is None] == [
        letter for letter, block in proof.blocks.items() if block.name == "convex"
    ]
    assert len(re.findall(r'class="task-verdict" data-block="\w" data-needs="\w"', page)) == 3
    assert page.count("tasks/prooforder.js") == page.count("tasks/tasks.css") == 1
    assert "tasks/quiz.js" not in page


def test_the_blocks_of_the_page_have_the_letters_of_the_notebook(page):
    blocks = re.search(r'<ol class="[^"]*task-blocks.*?</ol>', page, re.DOTALL)[0]
    starts = [re.sub(r"<[^>]+>", "", item).split()[0] for item in blocks.split("<li>")[1:]]
    assert starts == [block.text.split()[0] for block in Proof(PROOF).blocks.values()]


def test_a_file_serves_page_and_notebook(tmp_path):
    (tmp_path / "descent.proof").write_text(PROOF)
    page = "# Proof\n\n```{prooforder} descent\n:file: descent.proof\n```\n"
    status, said, site = build(tmp_path, page, uses="optedu.web.prooforder")
    assert status == 0, said
    known = re.search(r'data-proof="([^"]+)"', (site / "index.html").read_text())[1]
    assert json.loads(unescape(known)) == data(Proof((tmp_path / "descent.proof").read_text()))


@pytest.mark.parametrize(
    ("old", "new", "mark", "message"),
    [
        ("By smoothness", "after end: E.\nBy smooth", "%% step: ", "in a circle: smooth after end"),
        (
            "after bound:",
            "after convex:",
            "%% step: end",
            "end stands after 'convex', no step; the",
        ),
        ("after bound:", "after bnd:", "%% step: end", "steps are smooth, bound, choice, end"),
        ("why: N", "N", "%% distractor", "distractor convex needs a line 'why: ...'"),
        ("%% step: choice", "%% step: bound", "%% step: bound", "a second block called 'bound'"),
        (
            "%% step: choice",
            "%% stop: choice",
            "%% stop",
            "unknown mark 'stop', expected one of st",
        ),
        ("%% step: choice", "%% step: the choice", "%% step: the", "needs a name of one word"),
    ],
)
def test_a_mistake_fails_the_build_with_file_and_line(old, new, mark, message, tmp_path):
    text = PAGE.replace(old, new)
    status, said, _ = build(tmp_path, text, uses="optedu.web.prooforder")
    assert status != 0
    line = text[: text.index(mark)].count("\n") + 1
    assert re.search(rf"index.md:{line}:.*prooforder descent: ", said), said
    assert message in said


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "nothing above the first mark says what is proved"),
        ("A claim.\n%% step: a\nOne.\n", "a proof has two steps or more, got 1"),
        (f":file: descent.proof\n\n{PROOF}", "a proof has a file or a text here, got both"),
        (":file: nosuch.proof\n", "expected a file with the text of a proof: No such file"),
    ],
)
def test_what_is_no_proof_is_refused_where_it_begins(body, message, tmp_path):
    page = f"# Proof\n\n```{{prooforder}} descent\n{body}```\n"
    status, said, _ = build(tmp_path, page, uses="optedu.web.prooforder")
    assert status != 0
    assert re.search(rf"index.md:{PAGE_LINE}:.*prooforder descent: {message}", said), said


def test_a_mistake_in_a_file_is_in_its_line_of_that_file(tmp_path):
    (tmp_path / "descent.proof").write_text(PROOF.replace("why: N", "N"))
    page = "# Proof\n\n```{prooforder} descent\n:file: descent.proof\n```\n"
    status, said, _ = build(tmp_path, page, uses="optedu.web.prooforder")
    assert status != 0
    line = PROOF[: PROOF.index("%% distractor")].count("\n") + 1
    assert re.search(rf"descent.proof:{line}:.*distractor convex needs", said), said


def test_other_formats_hold_blocks_and_solution(tmp_path):
    status, said, site = build(tmp_path, PAGE, builder="text", uses="optedu.web.prooforder")
    assert status == 0, said
    text = (site / "index.txt").read_text()
    assert "Choose the step" in text
    assert "In order: " in text


# -- the script ------------------------------------------------------------------------------------


def random_proof(rng):
    """A proof of up to seven steps with random needs, and up to three distractors."""
    names = [f"s{k}" for k in range(rng.randint(2, 7))]
    parts = ["Claim."]
    for k, name in enumerate(names):
        parts.append(f"%% step: {name}")
        parts += [f"after {names[j]}: {name} needs it." for j in range(k) if rng.random() < 0.35]
        parts.append("Words.")
    for k in range(rng.randint(0, 3)):
        parts += [f"%% distractor: d{k}", "Words.", "why: No."]
    return Proof("\n".join(parts))


def extensions(known):
    """How many orders of the steps are right, counted."""
    steps = [letter for letter, needs in known["needs"].items() if needs is not None]
    return sum(
        all(order.index(other) < k for k, one in enumerate(order) for other in known["needs"][one])
        for order in permutations(steps)
    )


def test_the_script_scores_as_python_does(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    rng = random.Random(5)
    jobs, expected = [], []
    for _ in range(150):
        proof = random_proof(rng)
        known = data(proof)
        letters = list(proof.blocks)
        orders = [rng.sample(letters, rng.randint(1, len(letters))) for _ in range(12)]
        many = extensions(known) > 1 if len(known["order"]) < 7 else None
        for order in [list(known["order"]), *orders]:
            jobs.append({"needs": known["needs"], "order": order})
            expected.append((proof, order, many))
    shutil.copy(tasks.ASSETS / "order.js", tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    script = Path(__file__).with_name("order_node.mjs")
    command = [node, str(script), str(tmp_path / "order.js")]
    done = subprocess.run(command, input=json.dumps(jobs), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert len(got) == len(expected) == 150 * 13
    for (proof, order, many), judged in zip(expected, got, strict=True):
        assert judged["score"] == proof.score(order), (proof.blocks, order)
        said = [f"{one} does not belong: No." for one in judged["faults"]["foreign"]]
        for one, other in judged["faults"]["early"]:
            sentence = proof.blocks[one].after[proof.blocks[other].name]
            said.append(f"{one} stands before {other}, which it needs: {sentence}")
        missing = judged["faults"]["missing"]
        said += {0: [], 1: ["A step is missing."]}.get(missing, [f"{missing} steps are missing."])
        assert said == proof.faults(order), (proof.blocks, order)
        if not said and many is not None:
            assert judged["several"] == many, (proof.blocks, order)
    # Nothing above is told by chance: whole, part and nothing all occur.
    assert {0.0, 1.0} < {judged["score"] for judged in got}


def test_the_proof_shown_to_contributors_is_valid():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\{prooforder\} \S+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        assert len(Proof(block).blocks) >= 3
