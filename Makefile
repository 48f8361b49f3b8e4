# Every verb gets uv when it is missing: into .uv/ of this checkout, never into the system.
UV_VERSION := 0.13.8
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := "$(UV)" run --locked
# The library, checked by the settings in its own pyproject.toml; a cache left there would be copied into every project.
LIBRARY := <<cookiecutter.project_slug>>/cd4ml
TIER = PATH="$(abspath $(dir $(UV))):$$PATH" $(RUN) $(GROUP) python -m scripts.tier
# one more than two processors: these tests often wait, for containers and for clouds
SLOW = -n 3 --dist loadfile --no-loadscope-reorder -m "slow and not drill" --durations 15

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test test-all drills lint format lock data workflow-runner azurite axe

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' Makefile

demo: $(UV) ## make the default project in build/, train it on real flights, serve it, ask it
	@PATH="$(abspath $(dir $(UV))):$$PATH" $(RUN) python -m demo.demo

test: $(UV) ## test the library as it lies in the template, then what the template generates (three minutes)
	$(TIER) library -q -n auto --dist worksteal -m "not slow" tests/library
	$(TIER) template -q -n auto --dist worksteal tests/template

test-all: GROUP = --group slow
test-all: test ## that, then generate projects and run them, and deliver them: GitHub, registries, clouds
	$(TIER) project $(SLOW) tests/project tests/library
	$(TIER) delivery $(SLOW) tests/delivery

drills: GROUP = --group slow
drills: $(UV) ## what goes wrong on the way to each cloud, minutes of load, and the rarer options (over an hour)
	$(TIER) drills $(subst slow and not drill,drill,$(SLOW)) tests/delivery tests/library tests/project

lint: $(UV) ## style, types, imports, workflows and shell scripts
	$(RUN) ruff format --check --cache-dir .ruff_cache . "$(LIBRARY)"
	$(RUN) ruff check --cache-dir .ruff_cache . "$(LIBRARY)"
	$(RUN) --group slow mypy
	$(RUN) mypy --config-file "$(LIBRARY)/pyproject.toml" --cache-dir .mypy_cache/library "$(LIBRARY)/src"
	$(RUN) lint-imports --no-logo --cache-dir .import_linter_cache "$(LIBRARY)/pyproject.toml"
	$(RUN) actionlint
	$(RUN) zizmor --offline --quiet .github
	$(RUN) shellcheck .ci/run

format: $(UV) ## put the code into the one style
	$(RUN) ruff format --cache-dir .ruff_cache . "$(LIBRARY)"
	$(RUN) ruff check --fix --cache-dir .ruff_cache . "$(LIBRARY)"

lock: $(UV) ## make the generated project's uv.lock again (UPGRADE=1: with the newest versions, of pinned tools too)
	PATH="$(abspath $(dir $(UV))):$$PATH" "$(UV)" run --frozen python scripts/relock.py $(if $(UPGRADE),--upgrade)
	$(if $(UPGRADE),"$(UV)" run --frozen python scripts/pins.py)

data: $(UV) ## make the example's flights again from their source
	PATH="$(abspath $(dir $(UV))):$$PATH" $(RUN) --group data python example_data/make_flights.py

workflow-runner: ## install what runs the generated workflows in tests (node, npm) into build/
	@mkdir -p build/$@ && cp tests/delivery/workflows/package.json tests/delivery/workflows/package-lock.json build/$@/
	@npm ci --prefix build/$@ --silent --no-audit --no-fund

azurite: ## install Azure's own emulator of its storage, for tests (node, npm) into build/
	@npm install --prefix build/node --silent --no-audit --no-fund azurite@3.37.0 >/dev/null

axe: ## install axe-core, which checks the accessibility of the service's page (npm) into build/
	@npm install --prefix build/node --silent --no-audit --no-fund axe-core@4.14.1 >/dev/null

.uv/bin/uv:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "make: this needs uv, or Python 3.11 or newer as python3 to get it with" >&2; exit 1; }
	@echo "uv is missing: installing uv $(UV_VERSION) into .uv/"
	@rm -rf .uv.new && python3 -m venv .uv.new >/dev/null || { \
	    echo "make: python3 -m venv failed; install python3-venv (Debian, Ubuntu) or uv" >&2; exit 1; }
	@.uv.new/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@rm -rf .uv && mv .uv.new .uv
