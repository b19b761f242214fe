# Thin names for real commands. `make` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run sync unlock experiments test lint check check-full mutants cluster-test remote-test bench docs clean lock

PYTHON ?= python3
# Snakemake starts dvc, and dvc starts python: all three are those of .venv.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Byte-compiled, a step starts in half the time.
unexport PYTHONDONTWRITEBYTECODE
# Snakemake and DVC want a user with a name and a HOME, which a container may not have.
ifneq ($(shell test -w "$$HOME" && echo there),there)
  export XDG_CACHE_HOME := $(CURDIR)/.snakemake/home
  export XDG_CONFIG_HOME := $(XDG_CACHE_HOME)
  export XDG_DATA_HOME := $(XDG_CACHE_HOME)
  export LOGNAME := $(shell id -un 2> /dev/null || id -u)
endif

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/installed ## make .venv from requirements.lock

run: setup ## build everything, from the market to the report, and show the table of models
	snakemake --cores all
	python -m alpha show
	@changed=; for path in alpha dvc.yaml params.yaml dvc.lock pins results; do \
	  [ -z "$$(git status --porcelain -- $$path 2> /dev/null)" ] || changed+=" $$path"; done; \
	[ -z "$$changed" ] || echo "To keep this run: git add$$changed && git commit"

sync: setup ## after a clone, a pull or another branch: bring the results of this commit
	python workflow/scripts/sync.py

experiments: setup ## a table of experiments: what they changed, and the best model on valid
	@python -m alpha experiments

unlock: setup ## after a kill: clear what is left locked or cut short
	python workflow/scripts/recover.py

test: setup ## run the tests but the slow; TESTS="-m 'not workflow and not slow'" for the quick ones
	pytest -n 2 --dist loadfile -m "not slow" $(TESTS)

lint: setup ## formatting, linting and types
	ruff format --check .
	ruff check .
	snakefmt --check workflow
	@# Environments are requirements.lock's business: no conda or container for each rule.
	{ snakemake --lint 2>&1 || true; } | awk '{lines = lines $$0 "\n"} \
	  /^    \* / && !/conda environment or container/ {bad = 1} \
	  /^Lints for|^Congratulations/ {linted = 1} \
	  END {if (bad || !linted) {printf "%s", lines; exit 1}}'
	mypy

check: lint test ## formatting, linting, types and tests: exactly what CI runs

check-full: lint ## with the slow tests, hostile files, kills, other faults, and every entry point (two hours)
	pytest -n 2 --dist loadfile
	python -m tests.robustness --cases 5000
	python -m benchmarks.entry_points bytes
	python -m benchmarks.interruptions --kills 50
	python -m benchmarks.faults

mutants: setup ## plant each silent bug of tests/mutants, and see a test fail (15 minutes)
	python -m tests.mutants

cluster-test: setup ## run it on a Slurm cluster that is started here, with kills (15 minutes; root)
	@[ "$$(id -u)" = 0 ] || { echo "error: it installs packages and mounts: be root" >&2; exit 1; }
	@command -v slurmctld > /dev/null || { apt-get update -q && \
	  apt-get install -yq --no-install-recommends slurm-wlm munge; }
	unshare --mount python -m benchmarks.cluster

remote-test: setup ## push results to an S3 server that is started here, and sync a clone (a minute)
	python -m benchmarks.remote

bench: setup ## measure each step beside its peers: benchmarks/results.md (20 minutes, 20 GB)
	python -m benchmarks

docs: setup ## build the documentation site: build/docs/index.html
	sphinx-build -W --keep-going -q -b html -d build/doctrees docs build/docs

clean: ## remove what git ignores of results, logs and caches; .venv and DVC's cache stay
	git clean -ffdXq results
	rm -rf logs .snakemake build .pytest_cache .ruff_cache .mypy_cache .hypothesis

lock: ## recompile requirements.lock; needs uv
	uv pip compile pyproject.toml --extra dev --generate-hashes --no-header --universal \
	  --python-version 3.11 -o requirements.lock -q

# Each stamp is written last, so an interrupted installation starts over.
.venv/locked: requirements.lock
	@case "$$PWD" in *[\"\$$\`:\\]* | *$$'\n'*) echo "error: .venv works in no folder with any of" \
	  '" $$ ` : \ or a line break in its path; found' "$${PWD@Q}" >&2; exit 1;; esac
	rm -rf .venv
	@$(PYTHON) -c 'import sys; sys.exit("error: Python 3.11 or newer is needed, found " \
	  + sys.version.split()[0] + " (make PYTHON=python3.11)" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --require-hashes --requirement requirements.lock
	touch $@

# The package itself, for the command `alpha`. Its build tools are in the lock: no network.
.venv/installed: .venv/locked pyproject.toml
	PYTHONWARNINGS=ignore .venv/bin/python -m pip install --quiet --no-deps --no-index \
	  --no-build-isolation --editable .
	.venv/bin/python -m compileall -q alpha workflow
	touch $@
