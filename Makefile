# Every verb is also a plain command: see README.md.
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(FITS)' >/dev/null 2>&1 && echo $$p && exit; done; echo python3)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo serve test check lint types reliability reliability-full lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/bin/python:
	@$(PYTHON) .ci/python_fits.py
	@$(PYTHON) -m venv .venv

.venv/for-use: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing what Suyuan needs into .venv (about a minute) …"
	@$(INSTALL) --no-deps --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/for-tests: requirements-dev.lock .venv/for-use
	@echo "Installing what the tests need into .venv …"
	@$(INSTALL) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

demo: .venv/for-use  ## classify the example complaints, mine the example history, write a report
	@$(BIN)/suyuan demo

serve: .venv/for-use  ## start the service on 127.0.0.1:8000, on SQLite
	@$(BIN)/suyuan serve

test: .venv/for-tests  ## run the tests; what the machine lacks is skipped, saying so
	@$(BIN)/python -m pytest -n auto -q

lint: .venv/for-tests  ## style, and which room may import which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/lint-imports

types: .venv/for-tests  ## mypy, strict
	@$(BIN)/mypy

check: lint types test  ## all that CI asks for

reliability: .venv/for-tests  ## the reliability list's rows, short versions, in under 15 minutes
	@$(BIN)/python -m benchmarks.reliability --short

reliability-full: .venv/for-tests  ## the same rows at full length (hours)
	@$(BIN)/python -m benchmarks.reliability

lock:  ## write the two lock files anew (needs uv)
	@uv pip compile pyproject.toml --group build $(LOCKING) -o requirements.lock
	@uv pip compile pyproject.toml --group dev -c requirements.lock $(LOCKING) -o requirements-dev.lock
LOCKING := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-header --upgrade

clean:  ## remove the environment and what the demo wrote
	rm -rf .venv out
