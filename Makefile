# A fresh machine needs Python 3.11 or newer, Node 18 or newer (for the tests) and make.
# `make demo` and `make test` do all the rest, and a second call of either starts at once.

PYTHON ?= python3
NODE ?= node
SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
# For every Python and system that the app and its developers have.
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
    --generate-hashes --custom-compile-command 'make lock'
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check

.DELETE_ON_ERROR:
.PHONY: help setup demo test lint check mutants fuzz bench screenshots format audit lock clean

help:
	@echo 'make demo    replay a recorded afternoon and print the insights it leads to'
	@echo 'make test    run the tests'
	@echo 'make lint    look at format, lint and types'
	@echo 'make check   run what CI runs: format, lint, types, tests'
	@echo 'make mutants change the rules a token at a time and see which tests notice (20 minutes)'
	@echo 'make fuzz    put what nobody wrote before every entrance (SECONDS=60)'
	@echo 'make screenshots  make the pictures of the README anew, with Chromium'
	@echo 'make bench   measure the bad night, the idle run and the rest of docs/performance.md'
	@echo 'make format  put the code into its format'
	@echo 'make audit   look for known vulnerabilities in what is deployed'
	@echo 'make lock    pin the newest versions that requirements.in admits'
	@echo 'make clean   remove what the others made'

setup: $(VENV)/dev.stamp node_modules/npm.stamp

demo: $(VENV)/runtime.stamp
	@rm -rf demo-output
	@$(BIN)/python -m detector replay samples/afternoon --out demo-output

# A module's tests share its servers, so they stay in one process.
test: setup
	@$(BIN)/python -m pytest --quiet --numprocesses 2 --dist loadfile

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy

check: setup lint test

# By hand, and in no other target. Its tool stands beside what the tests need, in a place of its own.
mutants: $(VENV)/mutants.stamp
	@rm -rf mutants
	@nice $(VENV)/mutants/bin/python -m benchmarks.mutants

fuzz: $(VENV)/dev.stamp
	@nice $(BIN)/python -m benchmarks.fuzz --seconds $(SECONDS)

# They look as on most screens where Roboto is installed (on Debian: fonts-roboto-unhinted).
screenshots: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.screenshots

# Its tables are in docs/performance.md; the bad night alone takes a quarter of an hour.
bench: setup
	@$(BIN)/python -m benchmarks.imports
	@$(BIN)/python -m benchmarks.idle
	@$(BIN)/python -m benchmarks.rows
	@$(BIN)/python -m benchmarks.night 100 1000 10000
	@$(BIN)/python -m benchmarks.flapping
	@$(BIN)/python -m benchmarks.render
	@$(BIN)/python -m benchmarks.simulation

format: $(VENV)/dev.stamp
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# The audit's own packages stay out of the way, and where they or its data cannot be had, it says so.
audit: $(BIN)/python
	@$(BIN)/python -m venv $(VENV)/audit && rm -f $(VENV)/audit.json
	@$(VENV)/audit/bin/python -m pip install -qq --disable-pip-version-check pip-audit && \
	    $(VENV)/audit/bin/pip-audit --requirement requirements.txt --require-hashes --disable-pip \
	    --progress-spinner off --format json --output $(VENV)/audit.json >/dev/null 2>&1 || true
	@$(BIN)/python .ci/audit.py $(VENV)/audit.json

# What the app needs first, and with the same versions what develops it.
lock: $(BIN)/python
	@$(PIP) uv
	@$(COMPILE) requirements.in --output-file requirements.txt
	@$(COMPILE) requirements-dev.in --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) node_modules demo-output mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo 'This needs Python 3.11 or newer, and $(PYTHON) is older or missing:' \
	         'name another one, as in `make PYTHON=python3.12 demo`.' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    echo 'Python could not make a virtual environment:' \
	         'on Debian and Ubuntu install python3-venv.' >&2; exit 1; }

$(VENV)/runtime.stamp: requirements.txt | $(BIN)/python
	@echo 'Installing what the app needs into $(VENV) ...' >&2
	@$(PIP) --requirement requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock | $(BIN)/python
	@echo 'Installing what the app and its tests need into $(VENV) ...' >&2
	@$(PIP) --requirement requirements-dev.lock
	@touch $(VENV)/runtime.stamp $@

$(VENV)/mutants.stamp: requirements-dev.lock | $(BIN)/python
	@echo 'Installing the tests and mutmut into $(VENV)/mutants ...' >&2
	@$(BIN)/python -m venv $(VENV)/mutants
	@$(VENV)/mutants/bin/python -m pip install -qq --disable-pip-version-check \
	    --requirement requirements-dev.lock
	@$(VENV)/mutants/bin/python -m pip install -qq --disable-pip-version-check mutmut==3.8.1
	@touch $@

# No script of a package runs: neither Azurite nor the language service needs one.
node_modules/npm.stamp: package.json package-lock.json
	@$(NODE) -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' || { \
	    echo 'The tests need Node 18 or newer, and $(NODE) is older or missing.' >&2; exit 1; }
	@echo 'Installing Azurite and the Kusto language service into node_modules ...' >&2
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
