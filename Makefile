# `make` lists the targets. Two are all a newcomer needs: `make demo` and `make test`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo up test check lint types contracts build schema browser tools clean

PYTHON ?= python3
PORT ?= 8000
RETICLE_DATA ?= $(CURDIR)/.data
SIMULATE ?= 0
export PORT RETICLE_DATA
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q -c constraints.txt
# As the engines of frontend/package.json.
NODE := 20 (from 20.19) or 22.12 or later
SOURCES := $(shell find frontend/src frontend/public -type f 2>/dev/null) frontend/index.html frontend/vite.config.ts

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

tools: # say plainly what is missing, before anything is installed
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or later is needed (PYTHON=$(PYTHON)). Install it, or: make demo PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }
	@command -v node >/dev/null || { echo "Node $(NODE) is needed: it builds the pages."; exit 1; }
	@node --version | $(PYTHON) -c 'import sys; v = tuple(map(int, input().lstrip("v").split(".")[:2])); \
	  sys.exit(not ((20, 19) <= v < (21,) or v >= (22, 12)))' || \
	  { echo "Node $(NODE) is needed; this one is $$(node --version)."; exit 1; }
	@command -v npm >/dev/null || { echo "npm is needed beside Node."; exit 1; }

$(BIN)/python: | tools
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Python packages (some minutes the first time) ..."
	@$(PIP) -e '.[demo]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(PIP) -e '.[demo,dev]'
	@touch $@

frontend/node_modules/.installed: frontend/package.json frontend/package-lock.json | tools
	@echo "Installing front-end packages ..."
	@cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

frontend/dist/index.html: frontend/node_modules/.installed $(SOURCES)
	@echo "Building the pages ..."
	@cd frontend && npm run --silent build
	@touch $@

build: frontend/dist/index.html ## build the front end

demo: $(VENV)/.installed build ## install all, load the demo, start everything (PORT, RETICLE_DATA, SIMULATE=1)
	@exec $(BIN)/python manage.py up --port $(PORT) --demo --simulate $$(( $(SIMULATE) * 2 ))

up: $(VENV)/.installed build ## start everything without the demo
	@exec $(BIN)/python manage.py up --port $(PORT)

browser: $(VENV)/.installed-dev
	@$(BIN)/python scripts/find_browser.py

test: $(VENV)/.installed-dev build browser ## run every test: Python, front end, browser
	@cd frontend && npm run --silent test
	@$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev frontend/node_modules/.installed
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@cd frontend && npm run --silent lint

types: $(VENV)/.installed-dev frontend/node_modules/.installed
	@$(BIN)/mypy
	@cd frontend && npm run --silent types

contracts: $(VENV)/.installed-dev
	@PYTHONPATH=.:platform $(BIN)/lint-imports

schema: $(VENV)/.installed-dev frontend/node_modules/.installed ## write the OpenAPI schema and the client generated from it
	@$(BIN)/python manage.py spectacular --format openapi-json --validate --fail-on-warn --file frontend/openapi.json
	@cd frontend && npm run --silent api

check: lint types contracts schema ## lint, types, contracts, migrations, schema drift, compose file
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@git diff --exit-code -- frontend/openapi.json frontend/src/api/schema.d.ts || \
	  { echo "The OpenAPI schema has drifted: commit what 'make schema' wrote."; exit 1; }
	@if command -v docker-compose >/dev/null; then SECRET_KEY=- PSEUDONYM_KEY=- POSTGRES_PASSWORD=- \
	  BROKER_PASSWORD=- docker-compose -f docker-compose.yml config -q; \
	  else echo "docker-compose is not installed: docker-compose.yml was not checked"; fi

clean: ## remove the environment and the build (not the data)
	@rm -rf $(VENV) frontend/node_modules frontend/dist
