# Every verb gets uv when it is missing: into .uv/ of this checkout, never into the system.
UV_VERSION := 0.13.8
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := "$(UV)" run --locked
# one more than two processors: the tests often wait, for containers and for what clouds tell
SLOW = PATH="$(abspath $(dir $(UV))):$$PATH" $(RUN) --group slow python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test test-all drills lint format lock data workflow-runner azurite

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' Makefile

demo: $(UV) ## make the default project in build/, train it on real flights, serve it, ask it
	@PATH="$(abspath $(dir $(UV))):$$PATH" $(RUN) python -m demo.demo

test: $(UV) ## the fast tier: bake every combination and look (under two minutes)
	$(RUN) python -m pytest -q -n auto --dist worksteal tests/fast

test-all: test ## the fast tier, and the slow one: bake projects and run them
	$(SLOW) -m "not drill" --durations 15 tests/project tests/delivery

drills: $(UV) ## what goes wrong on the way to each cloud, step by step, and the rarer pairs of options
	$(SLOW) -m drill tests/project tests/delivery

lint: $(UV) ## style, types, workflows and shell scripts
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) --group slow mypy
	$(RUN) actionlint
	$(RUN) zizmor --offline --quiet .github
	$(RUN) shellcheck .ci/run

format: $(UV) ## put the code into the one style
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

lock: $(UV) ## make the generated project's uv.lock again (UPGRADE=1: with the newest versions)
	PATH="$(abspath $(dir $(UV))):$$PATH" $(RUN) python scripts/relock.py $(if $(UPGRADE),--upgrade)

data: $(UV) ## make the example's flights again from their source
	PATH="$(abspath $(dir $(UV))):$$PATH" $(RUN) --group data python example_data/make_flights.py

workflow-runner: ## install what runs the generated workflows in tests (node, npm) into build/
	@mkdir -p build/$@ && cp tests/delivery/workflows/package.json tests/delivery/workflows/package-lock.json build/$@/
	@npm ci --prefix build/$@ --silent --no-audit --no-fund

azurite: ## install Azure's own emulator of its storage, for tests (node, npm) into build/
	@npm install --prefix build/node --silent --no-audit --no-fund azurite@3.37.0 >/dev/null

.uv/bin/uv:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "make: this needs uv, or Python 3.11 or newer as python3 to get it with" >&2; exit 1; }
	@echo "uv is missing: installing uv $(UV_VERSION) into .uv/"
	@rm -rf .uv.new && python3 -m venv .uv.new >/dev/null || { \
	    echo "make: python3 -m venv failed; install python3-venv (Debian, Ubuntu) or uv" >&2; exit 1; }
	@.uv.new/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@rm -rf .uv && mv .uv.new .uv
