# `make` alone lists the targets. Everything is installed into .venv and below ~/.cache/user-service; nothing needs root.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
PORT ?= 8000
SUB ?= developer
SCOPE ?= user:admin
TTL ?= P1D

export PYTHONDONTWRITEBYTECODE ?= 1

.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/installed: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: PYTHON=python3.x make ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import importlib.metadata as m, sys; sys.exit(m.version("uv") != "$(UV_VERSION)")' 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --quiet --frozen
	@touch $@

.PHONY: install
install: .venv/installed  ## install the pinned dependencies into .venv

.PHONY: format
format: install  ## format the code and apply safe lint fixes
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

.PHONY: lint
lint: install  ## lint, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: unit
unit: install  ## the unit tests: no server, sockets closed
	$(BIN)/pytest tests/unit

.PHONY: servers
servers: install  ## fetch the real servers that the tests run against (once)
	$(BIN)/python -m tests.servers install

.PHONY: test
test: lint servers  ## everything: lint, types, layers, unit, contract and integration tests on real servers
	$(BIN)/pytest
