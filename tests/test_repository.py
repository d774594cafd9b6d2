"""The repository as a whole: what lies where, what is documented, what must not be in it."""

import importlib
import inspect
import pkgutil
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

import optedu

ROOT = Path(__file__).parents[1]
TOP = {
    "README.md", "LICENSE", "LICENSE-text", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff",
    "Makefile", "pyproject.toml", "requirements.txt", "conftest.py", "nbgrader_config.py",
    "_config.yml", "_toc.yml", ".gitignore", ".pre-commit-config.yaml",
    ".ci", ".github", ".binder",
    "book", "solutions", "exercises", "optedu", "benchmarks", "tests", "vendor",
}  # fmt: skip
REGISTRIES = (
    "pypi.org",
    "files.pythonhosted.org",
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "conda.anaconda.org",
    "cdn.jsdelivr.net",
    "unpkg.com",
)


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def texts():
    for path in tracked():
        if path.is_file() and path != Path(__file__):
            data = path.read_bytes()
            if b"\0" not in data[:8192]:
                yield path, data.decode("utf-8", "replace")


def test_top_level_is_what_the_readme_says():
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} - TOP == set()


def test_no_host_of_a_registry_is_named():
    found = {path for path, text in texts() for host in REGISTRIES if host in text}
    assert found == set()


def test_no_path_of_a_machine_is_named():
    pattern = re.compile(rf"/work/|/root/|{re.escape(str(ROOT))}")
    assert [str(p) for p, text in texts() if pattern.search(text)] == []


def test_nothing_generated_is_tracked():
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    generated = (
        r"(^|/)(_build|course|node_modules|__pycache__|\.ipynb_checkpoints)/|\.pyc$|\.egg-info"
    )
    allowed = re.compile(r"^(optedu|tests)/course/")  # packages of that name, not the class folder
    assert [n for n in names if re.search(generated, n) and not allowed.match(n)] == []


def test_files_are_small():
    large = {p.name: p.stat().st_size for p in tracked() if p.is_file() and p.suffix != ".whl"}
    assert {name: size for name, size in large.items() if size > 1_000_000} == {}
    assert (ROOT / "book/_static/readme.png").stat().st_size < 300_000


def test_lock_is_plain_and_without_torch():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    plain = re.compile(r"[A-Za-z0-9._-]+==[\w.!+]+( ; [\w .<>=!'()]+)?")
    assert [line for line in lines if not plain.fullmatch(line)] == []
    names = {line.split("==")[0].lower() for line in lines}
    assert names.isdisjoint({"torch", "jax", "jaxlib", "cupy", "tensorflow"})


def test_lock_covers_the_direct_dependencies():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = {
        re.split(r"[\[<>=!~ ;]", requirement)[0].lower().replace("_", "-")
        for requirement in project["dependencies"] + [r for e in extras.values() for r in e]
        if not requirement.startswith("optedu")
        and requirement not in [*extras.get("gpu", []), *extras["hub"]]  # what `dev` lacks
    }
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    locked = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    assert wanted - locked == set()


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_no_target_removes_a_class(tmp_path):
    """What a person put below course/ outlives `make clean`; what was generated does not."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    kept = tmp_path / "course/submitted/ada/ps09_adam/ps09_adam.ipynb"
    for path in (kept, tmp_path / "course/gradebook.db", tmp_path / "_build/html/index.html"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("content")
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert kept.is_file() and (tmp_path / "course/gradebook.db").is_file()
    assert not (tmp_path / "_build").exists()
    recipes = re.findall(r"^\t.*\brm\b.*$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [line for line in recipes if re.search(r"\bcourse\b", line)] == []
    from tests.sample_class import graded as sample

    assert "_build" in inspect.getsource(sample.main)  # its own class is graded elsewhere


def test_messages_and_pages_name_targets_that_exist():
    """`make browser-tools` was named where there was no such target."""
    named = set()
    for path in tracked():
        if path.suffix in (".md", ".py", ".js", ".yml") and "CHANGELOG" not in path.name:
            named |= set(
                re.findall(r"(?:`|\$ |: (?=\S+ \S+\"))make ([a-z]+(?:-[a-z]+)*)", path.read_text())
            )
    assert named - targets() == set()


def targets():
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda p: p.stem)
def test_workflows_call_targets_that_exist(path):
    workflow = yaml.safe_load(path.read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    called = re.findall(r"\bmake ([a-z-]+)", " ".join(step.get("run", "") for step in steps))
    assert called
    assert set(called) <= targets()


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "book/instructor/guide.md", "book/index.md"]
)
def test_documents_name_targets_and_files_that_exist(name):
    text = (ROOT / name).read_text()
    assert set(re.findall(r"(?<!`)\bmake ([a-z]+[a-z-]*)(?=\s|`|$)", code(text))) <= targets()
    for link in re.findall(r"\]\(((?!https?:|#)[^)]+)\)", text):
        assert (ROOT / name).parent.joinpath(link).exists(), link


def code(text):
    """The parts of a Markdown text that are commands: console blocks and inline code."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return "\n".join(blocks + re.findall(r"`(make [^`]+)`", text))


def test_readme_example_runs():
    import doctest

    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried > 0
    assert failed == 0


def modules():
    for info in pkgutil.walk_packages(optedu.__path__, "optedu."):
        if not info.name.endswith("__main__"):
            yield info.name


@pytest.mark.parametrize("name", sorted(modules()))
def test_module_has_a_docstring(name):
    spec = importlib.util.find_spec(name)
    source = Path(spec.origin).read_text()
    assert re.match(r"""\A(#.*\n)*\s*r?\"{3}\S""", source), f"{name} does not say what it is for"


@pytest.mark.parametrize("name", sorted(optedu._EXPORTS))
def test_public_name_is_documented(name):
    value = getattr(optedu, name)
    assert len((value.__doc__ or "").strip()) > 40
    members = [value]
    if inspect.isclass(value):
        public = [m for n, m in vars(value).items() if not n.startswith("_")]
        members += [m for m in public if inspect.isfunction(m) or isinstance(m, property)]
    assert [m for m in members if not (m.__doc__ or "").strip()] == []


def test_versions_agree():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == optedu.__version__ == citation["version"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text()
