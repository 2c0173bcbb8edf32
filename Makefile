PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
SUPPLY := build/supply

.DEFAULT_GOAL := help
.PHONY: help run test sure bench chaos fuzz gallery sbom audit lock clean

help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run ## Start the bot and the practice firm, and open the page to use it
	$(BIN)/python -m practice

test: $(VENV)/.dev ## Run the tests (SQLite and PostgreSQL; browser tests where there is a Chromium)
	$(BIN)/pytest -n 2

sure: $(VENV)/.dev ## Format, lint, types, import contracts, tests: before each commit
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

bench: $(VENV)/.dev ## Measure the bot beside its peers (half an hour); writes build/bench/results.md
	$(BIN)/python -m bench

chaos: $(VENV)/.dev ## Kill the bot hundreds of times, storm, restore; print what was lost and doubled (an hour)
	$(BIN)/pytest tests/chaos
	$(BIN)/python -m tests.chaos

fuzz: $(VENV)/.dev ## Do anything in any order to the services, over ten thousand steps on each database, against a model
	PASSERELLE_FUZZ_STEPS=20000 PASSERELLE_FUZZ_AT_LEAST=10000 $(BIN)/pytest -n 0 tests/services/test_machine.py

gallery: $(VENV)/.dev ## Draw every card and mail on one page to review, build/gallery/index.html (needs a Chromium)
	$(BIN)/python -m tests.cards.gallery

sbom: $(SUPPLY)/.done ## List what an installation contains: build/sbom.cdx.json (CycloneDX)
	mkdir -p build
	$(SUPPLY)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON \
	  -o build/sbom.cdx.json requirements.lock

audit: $(SUPPLY)/.done ## Ask PyPI's advisories about everything pinned (needs the network; fails where it cannot)
	$(SUPPLY)/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.lock
	$(SUPPLY)/bin/pip-audit --strict --require-hashes --disable-pip -r requirements-dev.lock

lock: ## Renew the lock files from pyproject.toml (uv on the PATH)
	uv pip compile --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  pyproject.toml --upgrade -o requirements.lock
	uv pip compile --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	uv pip compile --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --group supply --upgrade -o requirements-supply.lock

clean: ## Forget the environment and the practice firm's data
	rm -rf $(VENV) $(SUPPLY) var build/gallery practice/page/node_modules tests/cards/page/node_modules

$(VENV)/.run: requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	touch $@

$(VENV)/.dev: requirements-dev.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.lock
	touch $@ $(VENV)/.run

$(SUPPLY)/.done: requirements-supply.lock
	test -x $(SUPPLY)/bin/python || $(PYTHON) -m venv $(SUPPLY)
	$(SUPPLY)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-supply.lock
	touch $@
