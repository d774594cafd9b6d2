"""Where the course is online stands in one place, and nothing else claims it."""

from __future__ import annotations

import re
import subprocess
import urllib.parse
from pathlib import Path

import pytest
import yaml

from optedu.course.addresses import AddressError, Addresses, read

ROOT = Path(__file__).parents[2]
STATED = "[project]\nname = '{}'\n[project.urls]\nDocumentation = '{}'\nRepository = '{}'\n"
# What holds an address without looking it up: compared below, or generated and compared elsewhere.
REPEATS = ("pyproject.toml", "README.md", "CITATION.cff", "exercises/")
LOCAL = "localhost"


def write(folder, book="", repository="", name="optedu"):
    (folder / "pyproject.toml").write_text(STATED.format(name, book, repository))
    return folder


def test_the_book_ends_with_a_slash_and_the_repository_with_its_name(tmp_path):
    write(tmp_path, "https://course.example.org/book", "https://github.com/ada/course.git/")
    found = read(tmp_path)
    assert found == Addresses("https://course.example.org/book/", "https://github.com/ada/course")
    assert found.slug == "ada/course"


def test_a_folder_of_something_else_has_what_the_package_was_built_with(tmp_path):
    installed = read(ROOT)
    assert read(tmp_path) == installed
    write(tmp_path, "https://thesis.example.org/", "https://github.com/ada/thesis", name="thesis")
    assert read(tmp_path) == installed


@pytest.mark.parametrize(
    "address", ["http://course.example.org/", "https:///x", "course.example.org", "https://a/ b"]
)
def test_what_is_no_address_is_named(tmp_path, address):
    write(tmp_path, address, "https://github.com/ada/course")
    words = f"pyproject.toml: Documentation must be an address https://..., got '{address}'"
    with pytest.raises(AddressError, match=re.escape(words)):
        read(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project")
    with pytest.raises(AddressError, match=r"pyproject\.toml: "):
        read(tmp_path)


def texts():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.split("\0"):
        if name and not name.startswith(REPEATS) and (ROOT / name).is_file():
            data = (ROOT / name).read_bytes()
            if b"\0" not in data[:8192]:
                yield name, data.decode("utf-8", "replace")


def test_no_other_file_has_an_address_of_the_course():
    stated = [a for a in (read(ROOT).book, read(ROOT).repository, read(ROOT).slug) if a]
    invented = re.compile(r"(?:https?://|git\+|github\.com/)[\w./:-]*\boptedu\b", re.IGNORECASE)
    found = [
        (name, claim)
        for name, text in texts()
        for claim in [*invented.findall(text), *(a for a in stated if a in text)]
        if name != Path(__file__).relative_to(ROOT).as_posix()
    ]
    assert found == []


def test_readme_and_citation_have_the_addresses_that_are_stated():
    stated = {a for a in (read(ROOT).book, read(ROOT).repository) if a}
    readme = (ROOT / "README.md").read_text()
    found = set(re.findall(r"https?://[^\s>)`\"]+", readme))
    there = {a for a in found if urllib.parse.urlsplit(a).hostname != LOCAL}
    assert there == stated, "the README's addresses are those of pyproject.toml"
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation.get("url", "") == read(ROOT).book
    assert citation.get("repository-code", "") == read(ROOT).repository
