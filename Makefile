# Two commands open the door: `make demo` and `make test`.
# Everything is installed into .venv, from constraints.txt; nothing that was installed by hand counts.

PYTHON ?= python3
WORK ?= voxpop-demo
BIN := .venv/bin

.PHONY: help demo demo-cluster test lint docs bench image apt clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1  /p' $(MAKEFILE_LIST)

demo: .venv/installed ## install into .venv, then run `voxpop demo`
	$(BIN)/voxpop demo --work $(WORK)

demo-cluster: .venv/installed apt ## as root: the demo's project on clusters of a Docker engine, from no worker to four and back
	$(BIN)/python tools/demo_cluster.py --work $(WORK)

test: .venv/tested apt .venv-roc/installed .venv-ansible/installed .venv-im/installed front-end/node_modules/installed front-end/ohif/installed ## install what the tests need, check the house rules, run every test
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/tested .venv-ansible/installed ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	for tools in pipelines/*/*/tools; do (cd $$tools && $(CURDIR)/$(BIN)/mypy --cache-dir $(CURDIR)/.mypy_cache/tools --config-file $(CURDIR)/pyproject.toml *.py) || exit 1; done
	cd recipes/cluster-node/files && $(CURDIR)/$(BIN)/mypy --cache-dir $(CURDIR)/.mypy_cache/node --config-file $(CURDIR)/pyproject.toml --package voxpop_node
	$(BIN)/lint-imports --config importlinter.toml
	PATH="$(CURDIR)/.venv-ansible/bin:$$PATH" ansible-lint --offline -q --profile production recipes/*/

docs: .venv/tested ## build the documentation into site/
	$(BIN)/mkdocs build --strict

bench: .venv/tested front-end/lighthouse/node_modules/installed ## print the figures that the documentation quotes
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	$(BIN)/python benchmarks/deid_speed.py
	$(BIN)/python benchmarks/staging_speed.py
	$(BIN)/python benchmarks/demo_time.py
	$(BIN)/python benchmarks/deid_planting.py
	$(BIN)/python benchmarks/index_counts.py
	$(BIN)/python benchmarks/pipeline_truth.py
	$(BIN)/python benchmarks/portal_load.py
	$(BIN)/python benchmarks/portal_kills.py
	$(BIN)/python benchmarks/viewer_open.py
	$(BIN)/python benchmarks/lighthouse.py
	$(BIN)/python benchmarks/elastic_policy.py
	$(BIN)/python benchmarks/elastic_policy.py

image: .venv/tested ## make a container image of the bank, as root, with a Docker engine
	$(BIN)/python tools/bank_image.py

apt: ## install the real parts that tests start (root on Debian), or print the line that does
	@tools/install_parts

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/tested: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev
	@touch $@

# roc-validator needs older companions than the rest, so it lives alone.
.venv-roc/installed:
	$(PYTHON) -m venv .venv-roc
	.venv-roc/bin/python -m pip install --quiet roc-validator==0.13.0
	@touch $@

# The Infrastructure Manager, which tests start and nothing of ours imports (GPL-3).
.venv-im/installed:
	$(PYTHON) -m venv .venv-im
	.venv-im/bin/python -m pip install --quiet im==2.0.0
	@touch $@

# ansible-lint is GPL-3: a program that is run, in an environment of its own, and never imported.
.venv-ansible/installed:
	$(PYTHON) -m venv .venv-ansible
	.venv-ansible/bin/python -m pip install --quiet ansible-lint==26.10.1 ansible-core==2.19.14
	@touch $@

# What browser tests bring along (axe-core, an OpenID provider); the portal itself needs no node.
front-end/node_modules/installed: .venv/tested front-end/package-lock.json
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --prefix front-end --no-audit --no-fund --silent
	@touch $@

# Lighthouse, for a benchmark alone: 176 MB.
front-end/lighthouse/node_modules/installed: .venv/tested front-end/lighthouse/package-lock.json
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --prefix front-end/lighthouse --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# OHIF's built form, for the tests of DICOM in the browser.
front-end/ohif/installed: .venv/tested tools/fetch_ohif
	PATH="$(CURDIR)/$(BIN):$$PATH" tools/fetch_ohif

clean: ## remove what was installed and built; the demo's work folder stays
	rm -rf .venv .venv-roc .venv-ansible .venv-im build dist site
