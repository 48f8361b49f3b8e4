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
.PHONY: help demo test test-all drills lint format relock release update standard data pictures workflow-runner azurite axe az

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' Makefile

demo: $(UV) ## make the default project in build/, train it on real flights, serve it, ask it
	@PATH="$(abspath $(dir $(UV))):$$PATH" $(RUN) python -m demo.demo

test: $(UV) ## test the library as it lies in the template, then what the template generates (ten to fifteen minutes)
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

relock: $(UV) ## renew uv.lock and every pin, test, show what moved (UPGRADE=no: uv.lock with the same versions; ONLY=lock, pins)
	@PATH="$(abspath $(dir $(UV))):$$PATH" "$(UV)" run --frozen python -m scripts.relock $(if $(UPGRADE),--upgrade "$(UPGRADE)") \
	    $(if $(ONLY),--only "$(ONLY)") $(if $(INDEX),--index "$(INDEX)") $(if $(COOLDOWN),--cooldown "$(COOLDOWN)")

release: $(UV) ## what is published as TAG=v1.2.3, into build/release: the example project as an archive, and the notes
	@PATH="$(abspath $(dir $(UV))):$$PATH" $(RUN) python -m scripts.release prepare "$(TAG)"

update: $(UV) ## bring a project to this version that was made before updates were recorded (PROJECT=../mine BASE=v0.1.0)
	@cd "$${PROJECT:?is missing; write the folder of a project}" && PYTHONPATH="$(CURDIR)/$(LIBRARY)/src" \
	    "$(abspath $(UV))" run --quiet --frozen --isolated --no-default-groups --project "$(CURDIR)" \
	    python -m cd4ml.update.carry_out --template "$(CURDIR)" \
	    --target "$$(git -C "$(CURDIR)" rev-parse HEAD)" $${BASE:+--base "$$BASE"} $${SET:+--set "$$SET"} \
	    $(if $(filter-out 0 no,$(DRY_RUN)),--dry-run)

standard: $(UV) ## in a fork: write standard.toml, the company's defaults, or check it (docs/team-standard.md)
	@$(RUN) python -m scripts.standard

data: $(UV) ## make the example's flights again from their source
	PATH="$(abspath $(dir $(UV))):$$PATH" $(RUN) --group data python example_data/make_flights.py

pictures: GROUP = --group slow
pictures: $(UV) ## make the pictures in docs/ again, from a run of the default project (Debian's chromium; minutes)
	PATH="$(abspath $(dir $(UV))):$$PATH" $(RUN) $(GROUP) python -m scripts.pictures

workflow-runner: ## install what runs the generated workflows in tests (node, npm) into build/
	@mkdir -p build/$@ && cp tests/delivery/workflows/package.json tests/delivery/workflows/package-lock.json build/$@/
	@npm ci --prefix build/$@ --silent --no-audit --no-fund

azurite: ## install Azure's own emulator of its storage, for tests (node, npm) into build/
	@npm install --prefix build/node --silent --no-audit --no-fund azurite@3.37.0 >/dev/null

axe: ## install axe-core, which checks the accessibility of the service's page (npm) into build/
	@npm install --prefix build/node --silent --no-audit --no-fund axe-core@4.14.1 >/dev/null

az: $(UV) ## install the Azure CLI, for tests, into build/: it wants older packages than anything else here
	@"$(UV)" venv --quiet --clear build/$@
	@"$(UV)" pip install --quiet --compile-bytecode --python build/$@/bin/python azure-cli==2.91.0

.uv/bin/uv:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "make: this needs uv, or Python 3.11 or newer as python3 to get it with" >&2; exit 1; }
	@echo "uv is missing: installing uv $(UV_VERSION) into .uv/"
	@rm -rf .uv.new && python3 -m venv .uv.new >/dev/null || { \
	    echo "make: python3 -m venv failed; install python3-venv (Debian, Ubuntu) or uv" >&2; exit 1; }
	@.uv.new/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@rm -rf .uv && mv .uv.new .uv
