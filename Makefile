# Every command of the project. `make course` and `make test` need Python 3.11+, git and make.
SHELL := bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
LOCK := requirements.txt
PYTEST_FLAGS ?=
# The tests of the core that run under coverage, which takes half as long again: too long for all.
CORE := tests/rules tests/run tests/schedules tests/compile/test_traffic.py tests/test_rule.py tests/test_backend.py tests/test_written.py tests/test_bad_input.py
PORT ?= 8000
NPROC := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

.PHONY: help setup course test coverage book pdf exercises publish grade-sample grade-demo lint floors format oracle bench bench-forms bench-training serve page-report screenshots mutants browser-tools hub-tools lighthouse linkcheck lock clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "make %-12s %s\n", $$1, $$2}'

# What was installed is kept inside .venv beside the packages, so that a changed lock file or
# changed package metadata installs again, and nothing else does.
setup:  ## make .venv from the lock file (again only when it changed)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "optedu needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@cmp -s $(LOCK) .venv/requirements.installed || { \
	  echo "Installing the locked requirements into .venv ..."; \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check -r $(LOCK); \
	  rm -f .venv/pyproject.installed; \
	  cp $(LOCK) .venv/requirements.installed; }
	@cmp -s pyproject.toml .venv/pyproject.installed || { \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	  cp pyproject.toml .venv/pyproject.installed; }

# The class is graded while the book is built: that leaves a processor idle.
course: setup  ## build the book and the exercises, grade a sample class, print the grades
	@$(MAKE) --no-print-directory exercises
	@mkdir -p _build; $(MAKE) --no-print-directory grade-sample > _build/sample.log 2>&1 & class=$$!; \
	  trap "kill $$class 2> /dev/null || true" EXIT; \
	  $(MAKE) --no-print-directory book; \
	  wait $$class && good=0 || good=1; cat _build/sample.log; exit $$good

test: setup  ## run the tests
	$(BIN)/python -m pytest -n $(NPROC) $(if $(AFTER_COVERAGE),$(addprefix --ignore=,$(CORE))) $(PYTEST_FLAGS)

# `make coverage && make test AFTER_COVERAGE=1` runs every test once.
coverage: setup  ## run the tests of the core, and say what they leave out of it; too much fails
	$(BIN)/python -m pytest -n $(NPROC) --cov --cov-report=term:skip-covered $(CORE)

book: setup  ## render the book to _build/html; a warning or a failing cell fails
	$(BIN)/jupyter-book build . -n -W --keep-going
	@echo "Read it: _build/html/index.html, or make serve"

exercises: setup  ## generate the student notebooks in exercises/ from solutions/
	$(BIN)/python -m optedu.course.release

publish: book exercises  ## write what students get to dist/students (BRANCH=students: and commit it)
	@$(BIN)/python -m optedu.course.publish $(if $(BRANCH),--branch $(BRANCH))

grade-sample: setup  ## grade the sample class with stock nbgrader and print the table
	$(BIN)/python -m tests.sample_class.graded

grade-demo: setup  ## grade a class with hostile submissions in the sandbox, and compare
	$(BIN)/python -m tests.grading.demo

lint: setup  ## check style, types and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

floors: setup  ## write the tables of the package's floors and walks in CONTRIBUTING.md anew
	$(BIN)/python -m tests.floors

format: setup  ## rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

oracle: setup  ## record PyTorch's trajectories into tests/oracle (needs torch)
	$(BIN)/python -m tests.oracle.record

bench: setup  ## measure the optimizers against PyTorch and Optax (needs both)
	$(BIN)/python benchmarks/optimizers.py

bench-training: setup  ## measure clipping, Muon and steps of whole networks against PyTorch
	$(BIN)/python benchmarks/training.py

bench-forms: setup  ## measure Adam's step in all its forms on the CPU, for chapter 13
	$(BIN)/python benchmarks/forms.py

serve: book  ## build the book and serve it on http://localhost:8000 (PORT=...)
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

pdf: book  ## print the book to _build/optedu.pdf (needs Chromium)
	$(BIN)/python -m optedu.web.pdf _build/html _build/optedu.pdf

page-report: book  ## measure each chapter's page (CHAPTER=ch09: and say where; needs Chromium)
	$(BIN)/python -m tests.browser.report $(CHAPTER)

screenshots: book  ## take pictures of figures and pages into _build/screenshots (needs Chromium)
	$(BIN)/python -m tests.browser.screenshots _build/screenshots

mutants: setup  ## grade right and wrong answers of every assignment, print a table of kill rates
	$(BIN)/python -m pytest -q -n $(NPROC) tests/assignments -k "mutant or differently"

# libatomic is what Playwright's own Node wants and a bare Debian lacks.
browser-tools:  ## install what the browser tests can use: Chromium and npm (as root, Debian), axe, Lighthouse
	.ci/debian chromium node npm libatomic.so.1
	cd tests/browser && npm install --silent --no-audit --no-fund

hub-tools: setup browser-tools  ## install what the test of a hub needs besides: JupyterHub
	@$(BIN)/python -c 'import jupyterhub' 2>/dev/null \
	  || $(BIN)/python -m pip install -qq --disable-pip-version-check --no-build-isolation -c $(LOCK) --editable '.[hub]'

lighthouse: book browser-tools  ## measure the built pages with Lighthouse
	$(BIN)/python -m tests.browser.lighthouse

linkcheck: setup  ## check the links to other sites (needs the network)
	$(BIN)/jupyter-book build . --builder linkcheck

# For every Python from the lowest that pyproject.toml allows (3.11.2 is Debian 12's), whichever
# runs this. What is locked stays as it is where it still fits; `make lock UPGRADE=1` takes the newest.
lock:  ## write requirements.txt anew from pyproject.toml
	test -x build/lock/bin/uv || { $(PYTHON) -m venv build/lock && build/lock/bin/python -m pip install -qq --disable-pip-version-check uv; }
	build/lock/bin/uv pip compile --quiet --universal --python-version 3.11.2 --extra dev \
	  $(if $(UPGRADE),--upgrade) --no-header --no-annotate --no-emit-index-url --output-file $(LOCK) pyproject.toml

# A class that is being taught lies below course/: no target removes anything there.
clean:  ## remove what was generated (not .venv, not course/)
	rm -rf _build build dist .coverage* .pytest_cache .ruff_cache .mypy_cache .hypothesis
