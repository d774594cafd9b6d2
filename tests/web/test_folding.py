"""Cells fold or vanish by their tag, run all the same, and must be what the tag says."""

import subprocess
import sys

import pytest

HEAD = """---
file_format: mystnb
kernelspec:
  name: python3
---
# Page
"""
CONFIGURATION = """
extensions = ["myst_nb", "optedu.web.folding"]
html_theme = "basic"
nb_execution_mode = "force"
nb_execution_raise_on_error = True
"""


def cell(tag, code):
    return f"\n```{{code-cell}} python\n:tags: [{tag}]\n{code}\n```\n"


def build(folder, text, configuration=CONFIGURATION):
    """Return the page's HTML, or what Sphinx said when it refused."""
    (folder / "conf.py").write_text(configuration)
    (folder / "index.md").write_text(HEAD + text)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(folder)]
    done = subprocess.run([*command, str(folder / "_site")], capture_output=True, text=True)
    if done.returncode:
        return done.stderr
    return (folder / "_site/index.html").read_text()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    cells = [
        ("setup", "seen = 6  # of setup"),
        ("plot", "seen * 7  # of plot"),
        ("check", "print(seen + 5)  # of check"),
        ("glue", "from myst_nb import glue\nglue('half', seen // 2, display=False)  # of glue"),
        ("assert", "assert seen == 6  # of assert\nprint('said by assert')"),
    ]
    text = "".join(cell(*c) for c in cells) + "\nHalf is {glue:text}`half`.\n"
    return build(tmp_path_factory.mktemp("folding"), text)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("setup", "set-up"), ("plot", "code of the plot"), ("check", "check")],
)
def test_source_is_folded_under_words_that_fit(page, kind, words):
    folded = page.partition(f"tag_{kind}")[2].partition("</details>")[0]
    assert f"Show the {words}" in folded
    assert f"# of {kind}" in folded


def test_what_is_folded_shows_its_output(page):
    _, plot, check = page.split('hide above-input">')[1:]
    assert ">42<" in plot.partition("</details>")[2].replace("\n", "").replace("</span>", "")
    assert "11" in check.partition("</details>")[2]


def test_glue_and_assertions_run_and_are_not_on_the_page(page):
    assert "Half is" in page
    assert "3" in page.partition("Half is")[2][:60]
    for gone in ("# of glue", "# of assert", "said by assert"):
        assert gone not in page


@pytest.mark.parametrize(
    ("tags", "code", "message"),
    [
        ("assert", "assert 1 == 2", "ExecutionError"),
        (
            "plot, setup",
            "1",
            "index.md:10: WARNING: a cell tagged 'plot' has no other kind, got 'setup'",
        ),
        ("setup, hide-input", "1", "got 'hide-input' too"),
        ("assert", "x = 1", "a cell tagged 'assert' must hold an assert or expect"),
        ("glue", "x = 1", "a cell tagged 'glue' must hold a call of glue"),
        ("plot", "x = 1", "a cell tagged 'plot' must end in a figure, this one shows nothing"),
    ],
)
def test_a_cell_that_fails_or_contradicts_its_tag_stops_the_build(tmp_path, tags, code, message):
    assert message in build(tmp_path, cell(tags, code))
