# `make` alone lists the targets. Everything is installed into .venv and below ~/.cache/user-service; nothing needs root.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
PORT ?= 8000
SUB ?= developer
SCOPE ?=
TTL ?= P1D

.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/installed: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: PYTHON=python3.x make ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import importlib.metadata as m, sys; sys.exit(m.version("uv") != "$(UV_VERSION)")' 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --quiet --frozen --compile-bytecode
	@touch $@

.PHONY: install
install: .venv/installed  ## install the pinned dependencies into .venv

# GraphiQL is built where there is a Node; where there is none, its page says how to get it.
graph/graphiql/dist/built: $(wildcard graph/graphiql/*.* graph/graphiql/src/*)
	@if node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; \
	then cd graph/graphiql && npm ci --silent --no-fund --no-audit && npm run --silent build && touch dist/built; \
	else echo "No Node 20 or newer: /graphql shows a plain page instead of GraphiQL."; fi

.PHONY: graphiql
graphiql: graph/graphiql/dist/built  ## build the GraphiQL page (needs Node 20 or newer)

# What a shell has exported for another mode, or for another issuer, does not decide here: empty is not given.
run token: export MONGODB_URL :=
run token: export ELASTICSEARCH_URL :=
run token: export KAFKA_BOOTSTRAP_SERVERS :=
run token cluster: export JWT_ISSUER :=
run token cluster: export JWT_AUDIENCE :=
run token cluster: export JWT_JWKS :=

# honcho would let .env, which is for docker compose, win over all of them.
HONCHO = $(BIN)/honcho --env /dev/null

.PHONY: run
run: export ENVIRONMENT := development
run: export HOST := 127.0.0.1
run: export DATA_DIR ?= data/embedded
run: export LOG_LEVEL ?= WARNING
run: export PORT := $(PORT)
run: export POSTS_PORT ?= $(shell echo $$(($(PORT) + 1)))
run: export PEERS ?= {"posts": {"url": "static://127.0.0.1:$(POSTS_PORT)"}}
run: export PEER_SCHEMAS ?= examples/posts
run: install graphiql  ## the service without any server to install, filled with 1,000 users, on PORT (8000), and a peer that gives them posts
	@$(BIN)/python -m domain sample --if-empty
	@$(BIN)/python -m graph welcome
	@$(HONCHO) start

.PHONY: token
token: export ENVIRONMENT := development
token: export DATA_DIR ?= data/embedded
token: install  ## print a development token: make token SUB=<user id> SCOPE="user:read user:write"
	@$(BIN)/python -m graph token --sub "$(SUB)" --scope "$(SCOPE)" --ttl "$(TTL)"

.PHONY: cluster
cluster: export ENVIRONMENT := development
cluster: export HOST := 127.0.0.1
cluster: export DATA_DIR ?= data/cluster
cluster: export PORT := $(PORT)
cluster: export MONGODB_URL := mongodb://127.0.0.1:27117/?replicaSet=secantus
cluster: export ELASTICSEARCH_URL := http://127.0.0.1:9217
cluster: export KAFKA_BOOTSTRAP_SERVERS := 127.0.0.1:9192
cluster: export SEARCH_REPLICAS := 0
cluster: export CHANGE_TOKEN_SECRET := development-only-secret
cluster: install graphiql servers  ## the service on real MongoDB protocol, Kafka and Elasticsearch, as local processes
	@$(BIN)/python -m graph welcome
	@$(HONCHO) start -f Procfile.cluster

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
# Three processes on two cores: many tests wait for a server or a clock.
test: lint servers graphiql  ## everything: lint, types, layers, unit, contract and integration tests on real servers
	$(BIN)/pytest --numprocesses 3 --no-loadscope-reorder --durations 15

.PHONY: test-cluster
test-cluster: install  ## the manifests on a real Kubernetes API server and a real Istio (built once, 10 minutes on two cores)
	$(BIN)/python -m tests.servers install --cluster
	$(BIN)/python -m tests.cluster --durations 15

.PHONY: chaos
chaos: FAULTS ?= 50
chaos: install servers  ## kill and pause everything under load, FAULTS times (50, 7 to 40 minutes), and count what is lost
	$(BIN)/python -m tests.chaos --faults $(FAULTS)

.PHONY: bench
bench: install servers  ## rates and latencies beside the raw engines (about 30 minutes; keep the machine quiet)
	for part in stores indexes search rebuild freshness connect execution breaker peers outage; do $(BIN)/python -m benchmarks $$part || exit; done
