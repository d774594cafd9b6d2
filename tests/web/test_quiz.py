"""Questions: what an author writes, what is refused and where, what the page holds."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from optedu.exercise.marks import MarkError
from optedu.web import tasks
from optedu.web.quiz_text import parse

ROOT = Path(__file__).resolve().parents[2]
PAGE = r"""# Questions

```{quiz} ceiling
On $f(x) = 2x^2$, which learning rates converge?

%% wrong: $\eta < 1$
At $\eta = 0.9$ it **grows**.
%% right: $0 < \eta < 1/2$
The ceiling is $2/L$.
```

```{quiz} several
:multiple:
Which are even?

%% right: 2
It is 2 times 1.
%% wrong: 3
It is odd.
%% right: 4
It is 2 times 2.
```

```{quiz} number
What is the ceiling?

%% number: 0.5 +- 0.01
It is $2/L$.
%% wrong: 2
That is for $L = 1$.
%% other:
What is $L$?
```
"""
CONFIGURATION = """
extensions = ["PARSER", "optedu.web.formulas", "USES"]
myst_enable_extensions = ["dollarmath"]
html_theme = "sphinx_book_theme"
html_context = {"default_mode": "auto"}
exclude_patterns = ["_site"]
"""


def build(folder, page=PAGE, builder="html", parser="myst_parser", uses="optedu.web.quiz"):
    """Build a site of one page; return its exit status, what Sphinx said, and the site."""
    (folder / "conf.py").write_text(CONFIGURATION.replace("PARSER", parser).replace("USES", uses))
    (folder / "index.md").write_text(page)
    site = folder / "_site"
    command = [sys.executable, "-m", "sphinx", "-W", "-b", builder, str(folder), str(site)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr, site


# -- the text --------------------------------------------------------------------------------------


def lines(text):
    return text.strip().splitlines()


def test_widths_are_read_and_names_are_looked_up():
    text = "How much?\n%% number: {}\nSo.\n%% other:\nNo."
    for written, value, width in [
        ("0.5 +- 0.01", 0.5, 0.01),
        ("-200 +- 5 %", -200, 10),
        ("2e-3", 2e-3, 2e-9),
        ("best +- 1%", 4, 0.04),
    ]:
        answer = parse(lines(text.format(written)), lookup={"best": 4.0}.__getitem__).answers[0]
        assert (answer.value, answer.width) == pytest.approx((value, width))


RIGHT = "\n%% right: a\nWhy a."
NUMBER = "Q\n%% number: 1 +- 0.1\nWhy."
OTHER = "\n%% other:\nWhy."
WRONG = [
    ("Q\n%% wrong: a\nWhy.\n%% wrong: b\nWhy.", {}, 0, "no right answer, expected '%% right: ...'"),
    ("Q" + RIGHT, {}, 2, "the only choice, expected two or more"),
    ("Q" + RIGHT + "\n%% right: b\nWhy.", {}, 4, "a second right answer: give the question :multi"),
    ("Q" + RIGHT + "\n%% wrong: a\nWhy.", {}, 4, "the same choice as in line 2: a"),
    ("Q" + RIGHT + "\n%% wrong: b", {}, 4, "wrong needs an explanation on the lines below it"),
    ("Q" + RIGHT + "\n%% wrong:\nWhy.", {}, 4, "wrong needs the answer after a colon"),
    ("Q" + RIGHT + OTHER, {}, 4, "other is for numbers"),
    ("Q\n%% yes: a", {}, 2, "unknown mark 'yes', expected one of right, wrong, number, other"),
    ("%% right: a\nWhy.\n%% wrong: b\nWhy.", {}, 0, "no question above the first mark"),
    (NUMBER, {}, 0, "expected one '%% other:', the explanation for all other numbers"),
    (NUMBER + OTHER + OTHER, {}, 6, "expected one '%% other:'"),
    (NUMBER + OTHER, {"multiple": True}, 0, "a question for a number has no option multiple"),
    (NUMBER + OTHER + RIGHT, {}, 6, "right is for choices"),
    (NUMBER + "\n%% wrong: 1.05\nWhy." + OTHER, {}, 4, "1.05 cannot be told from 1 in line 2"),
    ("Q\n%% number: best\nWhy." + OTHER, {}, 2, "'best' is no number, and no cell above has glued"),
    ("Q\n%% number: 1 +- wide\nWhy." + OTHER, {}, 2, "expected a number such as '0.5 .- 0.01'"),
    ("Q\n%% number: 1 +- -2\nWhy." + OTHER, {}, 2, "expected a number such as"),
    ("Q\n%% number: inf\nWhy." + OTHER, {}, 2, "expected a number such as"),
]


@pytest.mark.parametrize(("text", "options", "line", "reason"), WRONG)
def test_a_wrong_question_is_refused_with_its_line(text, options, line, reason):
    with pytest.raises(MarkError, match=reason) as caught:
        parse(lines(text), **options)
    assert caught.value.line == line


# -- the page --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    status, said, site = build(tmp_path_factory.mktemp("quiz"))
    assert status == 0, said
    return (site / "index.html").read_text()


def test_the_page_reads_without_scripts(page):
    assert [f"Question {k}" in page for k in (1, 2, 3)] == [True] * 3
    assert page.count('<details class="task-answers">') == 3
    assert re.search(r"\(a\) is wrong\.</strong> At .*it <strong>grows</strong>", page)
    assert "0.5 (within 0.01) is right." in page
    assert "Any other number:" in page
    choices = re.search(r'<ol class="[^"]*task-choices.*?</ol>', page, re.DOTALL)[0]
    assert choices.count("<li>") == 2
    # Set when the book is built, in the choices too.
    assert choices.count("<mjx-container") == 2
    assert r"\(" not in page


def test_the_script_gets_what_it_compares_with(page):
    assert re.findall(r'data-answer="(\w+)"', page) == ["single", "multiple", "number"]
    assert [word[0] for word in re.findall(r'data-right="(\w+)"', page)] == list("fttfttff")
    assert re.findall(r'data-value="([^"]+)" data-width="([^"]+)"', page)[0] == ("0.5", "0.01")
    assert page.count("tasks/quiz.js") == page.count("tasks/tasks.css") == 1


def test_a_mistake_fails_the_build_with_file_and_line(tmp_path):
    status, said, _ = build(tmp_path, PAGE.replace("%% number: 0.5 +- 0.01", "%% number: half"))
    assert status != 0
    line = PAGE[: PAGE.index("%% number")].count("\n") + 1
    assert re.search(rf"index.md:{line}:.*quiz number: 'half' is no number", said), said


def test_a_mistake_below_an_option_is_in_its_line_too(tmp_path):
    status, said, _ = build(tmp_path, PAGE.replace("%% wrong: 3", "%% no: 3"))
    assert status != 0
    line = PAGE[: PAGE.index("%% wrong: 3")].count("\n") + 1
    assert re.search(rf"index.md:{line}:.*quiz several: unknown mark 'no'", said), said


def test_a_number_comes_from_a_cell(tmp_path):
    pytest.importorskip("myst_nb")
    head = "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n"
    cell = "\n```{code-cell} python\nfrom myst_nb import glue\nglue('best', 1 / 4)\n```\n"
    page = head + PAGE.replace("\n", cell, 1).replace("%% number: 0.5 +- 0.01", "%% number: best")
    status, said, site = build(tmp_path, page, parser="myst_nb")
    assert status == 0, said
    text = (site / "index.html").read_text()
    assert 'data-right="true" data-value="0.25" data-width="2.5e-07"' in text


def test_other_formats_hold_question_and_answers(tmp_path):
    status, said, site = build(tmp_path, builder="text")
    assert status == 0, said
    text = (site / "index.txt").read_text()
    assert "What is the ceiling?" in text
    assert "**0.5 (within 0.01) is right.**" in text


def test_a_page_without_a_question_loads_nothing(tmp_path):
    status, said, site = build(tmp_path, "# Page\n\nText.\n")
    assert status == 0, said
    assert "tasks/" not in (site / "index.html").read_text()


def test_the_scripts_are_small_and_ask_no_other_host():
    sizes = {path.name: len(path.read_bytes()) for path in tasks.ASSETS.glob("*.js")}
    assert set(sizes) >= {"quiz.js", "task.js"}
    assert max(sizes.values()) < 10_000
    assert all("http" not in path.read_text() for path in tasks.ASSETS.iterdir())


def test_numbers_are_read_as_people_write_them(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    for path in tasks.ASSETS.glob("*.js"):
        shutil.copy(path, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    written = ["0.5", " 1/4 ", "0,5", "\u22122e-3", "", "a", "1/0", "1/2/3", "/2"]
    code = f"""import {{ number }} from "./task.js";
console.log(JSON.stringify({json.dumps(written)}.map(number)));"""
    (tmp_path / "run.js").write_text(code)
    done = subprocess.run([node, "run.js"], cwd=tmp_path, capture_output=True, text=True)
    assert json.loads(done.stdout) == [0.5, 0.25, 0.5, -2e-3, *[None] * 5], done.stderr


def test_the_questions_shown_to_contributors_are_valid():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\{quiz\} \S+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        body = block.splitlines()
        multiple = body[0] == ":multiple:"
        assert parse(body[multiple:], multiple=multiple, lookup=lambda name: 1.0)
