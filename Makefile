# livefeed. `make` shows the targets.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ARGS ?=
BUILD := requirements/run.txt requirements/dev.txt pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help setup run test check format bench soak failover screenshots docs lock clean

help: ## show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# What running needs; enough for `make run`.
.venv/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("livefeed needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "setting up .venv …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# What developing needs: tests, checks, benchmarks.
.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	@echo "adding what tests and checks need …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

setup: .venv/dev.stamp ## make .venv with everything

run: .venv/run.stamp ## start portal and notifier; flags in ARGS
	@exec $(BIN)/livefeed demo $(ARGS)

test: .venv/dev.stamp ## run all tests, on every core; flags in ARGS, such as -n 0: one process
	@$(BIN)/python -m pytest -n auto --maxprocesses=4 $(ARGS)

check: .venv/dev.stamp ## format, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/basedpyright --level error
	@echo "checks passed"

format: .venv/dev.stamp ## let ruff put everything in form
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

bench: .venv/dev.stamp ## run every benchmark against its baselines and print the table; flags in ARGS
	@$(BIN)/python tools/bench_table.py $(ARGS)

failover: .venv/dev.stamp ## let a PostgreSQL primary die under load, ten times; flags in ARGS
	@$(BIN)/python tools/failover.py $(ARGS)

soak: .venv/dev.stamp ## kill every role under load, 1,000 times; writes docs/reliability.md
	@$(BIN)/python tools/soak.py $(ARGS)

screenshots: .venv/dev.stamp ## take pictures of every page: light, dark, phone
	@$(BIN)/python tools/screenshots.py

docs: .venv/dev.stamp ## make COVERAGE.md and docs/reference anew
	@$(BIN)/python tools/coverage_page.py
	@$(BIN)/python tools/reference_pages.py

lock: ## compile the requirements locks anew (needs uv on PATH)
	uv pip compile pyproject.toml requirements/build.in --extra portal --extra notifier --extra postgres --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/run.txt
	uv pip compile pyproject.toml requirements/build.in --all-extras --group dev --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -c requirements/run.txt -o requirements/dev.txt

clean: ## remove .venv and caches
	rm -rf .venv .venv-* .pytest_cache .ruff_cache .hypothesis
