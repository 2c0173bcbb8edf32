PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test sure chaos gallery lock clean

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

chaos: $(VENV)/.dev ## Kill the bot hundreds of times, storm, restore; print what was lost and doubled (an hour)
	$(BIN)/pytest tests/chaos
	$(BIN)/python -m tests.chaos

gallery: $(VENV)/.dev ## Draw every card and mail on one page to review, build/gallery/index.html (needs a Chromium)
	$(BIN)/python -m tests.cards.gallery

lock: ## Renew both lock files from pyproject.toml (uv on the PATH)
	uv pip compile --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  pyproject.toml --upgrade -o requirements.lock
	uv pip compile --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

clean: ## Forget the environment and the practice firm's data
	rm -rf $(VENV) var build/gallery practice/page/node_modules tests/cards/page/node_modules

$(VENV)/.run: requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	touch $@

$(VENV)/.dev: requirements-dev.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.lock
	touch $@ $(VENV)/.run
