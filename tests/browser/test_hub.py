"""A class on a JupyterHub, as book/instructor/recipes.md has it, from the release to the feedback.

About a minute: three servers start, two submissions are graded. Users are real ones, of a machine
that is made for the test; the commands and the configuration are those of the page.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import tempfile
from pathlib import Path

import nbformat
import pytest

from tests.assignments import notebooks
from tests.browser.lab import Lab, free_port, serving
from tests.browser.machine import PROXY, ROOT, lacking, machine

PAGE = (ROOT / "book/instructor/recipes.md").read_text()
SECTION = PAGE.partition("(recipe-hub)=")[2].partition("\n(recipe-")[0]
NAME = "ps01_loss"
CLASS = "id,first_name,last_name\nada,Ada,Lovelace\nemmy,Emmy,Noether\n"
# What a machine needs before, and the tests have.
DOWNLOADS = ("python3 -m venv", "/opt/hub/bin/pip install", "npm install")


def commands(prompt: str) -> list[list[str]]:
    """The commands of each block that have this prompt, `#` for root and `$` for the teacher."""
    blocks = re.findall(r"```console\n(.*?)```", SECTION, re.DOTALL)
    lines = [[x[2:] for x in b.splitlines() if x.startswith(prompt)] for b in blocks]
    return [block for block in lines if block]


@pytest.fixture
def hub_machine():
    """The machine with its users, and the page's commands of root done but for the last."""
    reason = lacking()
    if not reason and importlib.util.find_spec("jupyterhub") is None:
        reason = "JupyterHub is not installed: make hub-tools"
    if not reason and not (PROXY / "configurable-http-proxy").exists():
        reason = "configurable-http-proxy is not installed: make hub-tools"
    if reason:
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="hub."))
    try:
        with machine(folder) as made:
            made.run("mkdir /srv/start")
            for file in (ROOT / "book/instructor/hub").glob("*.py"):
                shutil.copy(file, folder / "srv/start")
            names = ("teacher", "ada", "emmy")
            words = "".join(f"{name}:secret of {name}\n" for name in names)
            (folder / "srv/start/passwords.txt").write_text(words)
            for line in [line for block in commands("#") for line in block][:-1]:
                if not line.startswith(DOWNLOADS):
                    made.run(f"cd /srv/start; {line}")
            clone = folder / "home/teacher/clone"
            shutil.copytree(ROOT / "solutions" / NAME, clone / "solutions" / NAME)
            shutil.copy(ROOT / "nbgrader_config.py", clone)
            (folder / "home/teacher/class.csv").write_text(CLASS)
            made.run("chown -R teacher: /home/teacher")
            yield made
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def site(hub_machine):
    """The hub's address; only its ports are not those of the page."""
    start = commands("#")[-1][-1]
    assert start == "cd /srv/jupyterhub; jupyterhub"
    port, inner, proxy = free_port(), free_port(), free_port()
    address = f"http://127.0.0.1:{port}"
    line = (
        f"{start} --JupyterHub.bind_url={address} --JupyterHub.hub_port={inner}"
        f" --ConfigurableHTTPProxy.api_url=http://127.0.0.1:{proxy}"
    )
    log = hub_machine.folder / "hub.log"
    answers = f"{address}/hub/login"
    command = hub_machine.command(line)
    with serving(command, answers, hub_machine.environment, Path("/"), log):
        yield address


@pytest.fixture
def log_in(browser, site):
    """Log in as somebody, in a browser of their own."""
    opened = []

    def visit(user: str) -> Lab:
        opened.append(browser.new_context(viewport={"width": 1280, "height": 900}))
        page = opened[-1].new_page()
        page.goto(f"{site}/hub/login")
        page.get_by_label("Username:").fill(user)
        page.get_by_label("Password:").fill(f"secret of {user}")
        page.get_by_role("button", name="Sign in").click()
        return Lab(page)

    yield visit
    for context in opened:
        context.close()


def hand_in(lab: Lab, hub_machine, user: str, answers: dict[str, str], fill: bool) -> None:
    """A student fetches the assignment, fills it in, and hands it in."""
    lab.menu("Nbgrader", "Assignment List")
    lab.press("released", NAME, "Fetch")
    lab.in_list("fetched", NAME).wait_for()
    file = f"home/{user}/{NAME}/{NAME}.ipynb"
    assert hub_machine.run(f"stat -c %U /{file}") == f"{user}\n"
    done = notebooks.submission(NAME, answers, fill=fill)
    (hub_machine.folder / file).write_text(nbformat.writes(done))
    lab.press("fetched", NAME, "Submit")
    lab.in_list("submitted", NAME).wait_for()


def test_a_class_on_a_hub(hub_machine, site, log_in):
    def teach(block: list[str], folder: str = "opt101") -> str:
        return hub_machine.run(f"cd {folder} && {' && '.join(block)}", "teacher")

    begin, hand_out, collect, give_back = commands("$")
    teach(begin, ".")
    teach(hand_out)
    ada = log_in("ada")
    hand_in(ada, hub_machine, "ada", {}, fill=True)
    one = {"squared_error": notebooks.answers(NAME)["squared_error"]}
    hand_in(log_in("emmy"), hub_machine, "emmy", one, fill=False)
    others = ("/home/teacher", "/home/emmy", "/srv/nbgrader/exchange/opt101/inbound")
    for place in others:
        assert "Permission denied" in hub_machine.run(f"ls {place}", "ada", code=2)
    assert "2 submissions: 2 graded." in teach(collect)

    # The formgrader: the scores, the model solution, and points for the written answer.
    said = PAGE.replace("\n", " ")
    assert "`/user/teacher/formgrader`" in said and "*Manual Grading*" in said
    page = log_in("teacher").page
    answer = page.goto(f"{site}/user/teacher/formgrader")
    # The page says that no other one shows it, such as JupyterLab's from its menu.
    assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
    page.get_by_role("link", name="Manual Grading").click()
    for where in (NAME, f"{NAME}/{NAME}"):
        page.get_by_role("link", name=NAME).click()
        page.wait_for_url(re.compile(f"gradebook/{where}/?$"))
    page.get_by_text("Submission #2").wait_for()
    rows = page.locator("tbody tr").all_inner_texts()
    scores = [float(re.search(r"([\d.]+) / 100\b", row)[1]) for row in rows]
    low, top = sorted(scores)
    assert top == sum(notebooks.points(NAME).values()) == 92 and 0 < low < 20
    page.locator("tr").filter(has_text="92 / 100").get_by_text("Submission #").click()
    page.locator("details.model-solution[open]").get_by_text(
        "gradient descent stands still"
    ).wait_for()
    page.wait_for_function("formgrader.grades && formgrader.grades.loaded")
    with page.expect_response(lambda a: "/api/grade/" in a.url and a.request.method == "PUT"):
        page.locator("input.score#own_words").fill("6")
        page.keyboard.press("Tab")

    said = teach(give_back)
    assert "In the exchange: feedback for 2 students" in said
    lines = (hub_machine.folder / "home/teacher/opt101/grades.csv").read_text().splitlines()
    assert lines[1:] == ["ada,Lovelace,Ada,,98", f"emmy,Noether,Emmy,,{low:g}"]
    ada.press("submitted", NAME, "Fetch Feedback")
    ada.page.get_by_text("(view feedback)").click()
    ada.page.locator(".jp-DirListing-item").get_by_text(f"{NAME}.html").dblclick()
    ada.page.frame_locator("iframe").get_by_text(f"{NAME} (Score: 98.0 / 100.0)").wait_for()
